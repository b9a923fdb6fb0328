"""What the ledger holds, read at one moment without its lock: reports and boards never hold up a scan."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words, unable
from orderguard.ledger.schema import STEPS
from orderguard.ledger.store import absent, address, open_ledger, outdated, version_of, writable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_TEXT = pl.String
_RUNS = {"run_id": _TEXT, "started_at": _TEXT, "rulebook": _TEXT, "inputs": _TEXT, "counts": _TEXT}
_CASES = {
    "case_id": _TEXT, "platform": _TEXT, "order_id": _TEXT, "state": _TEXT, "band": _TEXT, "score": pl.Float64,
    "cluster": _TEXT, "agent": _TEXT, "opened_at": _TEXT, "due_at": _TEXT,
    "ordered_at": pl.Int64, "ended": _TEXT, "unseen": pl.Boolean,
}  # fmt: skip
_UNSEEN = """ended IS NOT NULL AND (state = 'over' OR NOT EXISTS (SELECT 1 FROM events e WHERE e.case_id = cases.case_id
    AND e.what IN ('verdict confirmed', 'verdict false_alarm', 'released') AND e.event_id <
    (SELECT MAX(event_id) FROM events o WHERE o.case_id = cases.case_id AND o.what LIKE 'over %'))) AS unseen"""
_VERDICTS = {
    "verdict_id": pl.Int64, "case_id": _TEXT, "result": _TEXT, "code": _TEXT, "agent": _TEXT, "at": _TEXT,
    "why": _TEXT, "replaced_by": pl.Int64, "ended_run": _TEXT,
}  # fmt: skip
_EVENTS = {"case_id": _TEXT, "at": _TEXT, "who": _TEXT, "what": _TEXT}
_FINDINGS = {
    "platform": _TEXT, "order_id": _TEXT, "rule_id": _TEXT, "rule_fingerprint": _TEXT, "points": pl.Float64,
    "status": _TEXT, "value": pl.Float64, "found_at": _TEXT, "ordered_at": pl.Int64,
}  # fmt: skip
_CONTROLS = {"case_id": _TEXT, "share": pl.Float64}
_UNFLAGGED = " WHERE case_id IN (SELECT case_id FROM cases WHERE band = 'pass')"
"""What a later scan flagged is no control order any more."""
_DOUBLES = {"case_id": _TEXT, "agent": _TEXT, "result": _TEXT}
_REASONS = {"platform": _TEXT, "order_id": _TEXT, "rule_id": _TEXT, "value": pl.Float64, "reason": _TEXT}
_TRAFFIC = {"quarter": pl.Int64, "platform": _TEXT, "orders": pl.Int64}


class Snapshot(NamedTuple):
    """A ledger at one moment. Times are instants in UTC; `ordered_at` of findings is in seconds since 1970.

    Attributes:
        runs: `run_id started_at rulebook inputs counts` (the last three as JSON text).
        cases: `case_id platform order_id state band score cluster agent opened_at due_at ordered_at ended unseen`, also
            those of `controls`, which nothing flagged. `ended`: the stage as which the order is over; `unseen`: it was so
            before anybody had decided.
        verdicts: `verdict_id case_id result code agent at why replaced_by ended_run`.
        events: `case_id at who what`, reopened, resumed and released ones.
        findings: `platform order_id rule_id rule_fingerprint points status value found_at ordered_at` of orders made
            since the moment that was asked for.
        traffic: `quarter platform orders` since then.
        controls: `case_id share`: cases of orders that nothing flagged, drawn at random and flagged by no later scan, and what share was drawn.
        doubles: `case_id agent result`: second opinions asked for.
        reasons: `platform order_id rule_id value reason` of the rules that were asked about, since that moment.
        files: history files that can hold orders of the inner span, oldest first, and undated ones: path, run, rows,
            whether it is undated.
    """

    runs: pl.DataFrame
    cases: pl.DataFrame
    verdicts: pl.DataFrame
    events: pl.DataFrame
    findings: pl.DataFrame
    traffic: pl.DataFrame
    controls: pl.DataFrame
    doubles: pl.DataFrame
    reasons: pl.DataFrame
    files: list[tuple[str, str, int, bool]]


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A read transaction on a ledger, without its lock. An older ledger is brought up to date first.

    Raises:
        OrderguardError: there is no ledger, it cannot be read, or it is of a newer version.
    """
    path = folder / "ledger.db"
    if not path.is_file():
        raise OrderguardError(absent(folder))
    try:
        db = _open(folder)
        version = version_of(db)
        if version != len(STEPS):
            db.close()
            if version < len(STEPS) and not writable(folder):
                raise OrderguardError(outdated(folder))
            open_ledger(folder).close()  # upgrades, or says that it is too new
            db = _open(folder)
        try:
            db.execute("BEGIN")
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        what = unable(Words("台账读不出", "the ledger cannot be read"), error)
        fix = Words("运行 orderguard ledger check 查看", "see 'orderguard ledger check'")
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error


def _open(folder: Path) -> sqlite3.Connection:
    # Beside a database that others write, SQLite lays two files; where it may not, the database is read as it lies.
    uri = f"{(folder / 'ledger.db').resolve().as_uri()}?mode=ro" if writable(folder) else address(folder)
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)


def take(db: sqlite3.Connection, since: int, files_since: int, reasons_of: Sequence[str] = ()) -> Snapshot:
    """Read what concerns orders made from a moment on.

    Args:
        db: from `reading`.
        since: first second of the orders whose findings and traffic are wanted.
        files_since: of the orders whose history files are wanted.
        reasons_of: rules whose sentences are wanted.
    """
    # Findings of an older version do not know when their order was made: they count from when they were found.
    made = "COALESCE(ordered_at, CAST(strftime('%s', substr(found_at, 1, 19)) AS INTEGER))"
    columns = ", ".join(made if n == "ordered_at" else n for n in _FINDINGS)
    findings = f"SELECT {columns} FROM findings WHERE ordered_at >= ? OR (ordered_at IS NULL AND {made} >= ?)"  # noqa: S608 - own names
    files = db.execute(
        "SELECT path, run_id, rows, last_at IS NULL FROM history WHERE rows > 0 AND (last_at IS NULL OR last_at >= ?) ORDER BY seq",
        (files_since * 1_000_000,),
    ).fetchall()
    return Snapshot(
        _frame(db, _sql("runs", _RUNS), _RUNS, instants=("started_at",)),
        _frame(db, _sql("cases", _CASES).replace("unseen", _UNSEEN, 1), _CASES, instants=("opened_at", "due_at")),
        _frame(db, _sql("verdicts", _VERDICTS), _VERDICTS, instants=("at",)),
        _frame(
            db,
            _sql("events", _EVENTS) + " WHERE what IN ('reopened', 'resumed', 'released')",
            _EVENTS,
            instants=("at",),
        ),
        _frame(db, findings, _FINDINGS, (since, since), instants=("found_at",)),
        _frame(
            db, "SELECT ABS(quarter), platform, orders FROM traffic WHERE ABS(quarter) >= ?", _TRAFFIC, (since // 900,)
        ),
        _frame(db, _sql("controls", _CONTROLS) + _UNFLAGGED, _CONTROLS),
        _frame(db, _sql("doubles", _DOUBLES), _DOUBLES),
        _reasons(db, since, reasons_of),
        [(path, run, rows, bool(undated)) for path, run, rows, undated in files],
    )


def _reasons(db: sqlite3.Connection, since: int, rules: Sequence[str]) -> pl.DataFrame:
    wanted = ", ".join("?" * len(rules))
    sql = f"{_sql('findings', _REASONS)} WHERE rule_id IN ({wanted}) AND COALESCE(ordered_at, ?) >= ?"
    return _frame(db, sql, _REASONS, (*rules, since, since)) if rules else pl.DataFrame(schema=_REASONS)


def _sql(table: str, names: dict[str, Any]) -> str:
    return f"SELECT {', '.join(names)} FROM {table}"  # noqa: S608 - own names


def _frame(
    db: sqlite3.Connection, sql: str, types: dict[str, Any], values: Sequence[Any] = (), instants: Sequence[str] = ()
) -> pl.DataFrame:
    rows = db.execute(sql, values).fetchall()
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return frame.with_columns([instant(n) for n in instants])


def instant(name: str) -> pl.Expr:
    """A stored time (`2026-11-11T00:00:03+0000` or `+00:00`, UTC) as an instant."""
    return pl.col(name).str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", time_zone="UTC")
