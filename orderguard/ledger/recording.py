"""What a scan leaves in the database: parts of its one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import KEY
from orderguard.ledger.endings import resume_case
from orderguard.ledger.stamps import iso
from orderguard.ledger.store import indexed_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.databases import Mark
    from orderguard.ledger.drawn import Drawn
    from orderguard.ledger.files import HistoryFile
    from orderguard.ledger.journal import Recording


@dataclass(frozen=True)
class Entry:
    """What a run adds to the ledger.

    Attributes:
        run: what `run.json` will say.
        files: history files to name.
        marks: how far databases were read.
        findings: with `points` and `status` of each rule, and `ordered_at` of the order (seconds since 1970).
        traffic: orders that no earlier run had seen: `quarter platform orders` (see `History.traffic`).
        opened: new cases: `case_id platform order_id band score cluster linked_by agent due_at evidence region created_at
            heard_at`.
        drawn: control orders among `opened`, and second opinions asked for.
        raised: known cases with new evidence, or of orders that are live again: `case_id band score evidence reopen due_at
            resumed heard_at`.
        moved: cases that go to another agent, theirs being gone: `case_id was agent`.
        ended: cases of orders that are over (see `endings.end_cases`).
    """

    run: dict[str, Any]
    files: Sequence[HistoryFile]
    marks: Sequence[Mark]
    findings: pl.DataFrame
    traffic: pl.DataFrame
    opened: pl.DataFrame
    drawn: Drawn
    raised: pl.DataFrame
    moved: pl.DataFrame
    ended: pl.DataFrame


def add_run(db: Recording, run: dict[str, Any]) -> None:
    """The run itself; `run` is what `run.json` will say."""
    inputs, rulebook, told = (json.dumps(x) for x in (run["inputs"], run["rulebook"], _counts(run)))
    db.execute(
        "INSERT INTO runs (run_id, started_at, version, rulebook, inputs, counts) VALUES (?, ?, ?, ?, ?, ?)",
        (run["run_id"], run["started_at"], run["version"], rulebook, inputs, told),
    )


def _counts(run: dict[str, Any]) -> dict[str, Any]:
    told = {"coverage", "coverage_by_platform", "trial", "demoted", "profiles"}
    return {k: v for k, v in run.items() if isinstance(v, int) or k in told}


def add_findings(db: Recording, findings: pl.DataFrame, run_id: str, stamp: str) -> None:
    """Findings, each once; what did not count when it was found (on trial, demoted, without its partner) may count now."""
    names = ("platform", "order_id", "rule_id", "rule_fingerprint", "value", "reason", "points", "status", "ordered_at")
    rows = findings.select(*names, run_id=pl.lit(run_id), found_at=pl.lit(stamp))
    rows = rows.sort(*KEY, "rule_id", "rule_fingerprint", maintain_order=True)  # as the table has them
    with indexed_after(db, "findings", len(rows)):
        db.bulk(
            """INSERT INTO findings (platform, order_id, rule_id, rule_fingerprint, value, reason, points, status,
               ordered_at, run_id, found_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
               SET points = excluded.points, status = excluded.status
               WHERE findings.status <> 'live' AND excluded.status = 'live'""",
            rows,
        )


def add_traffic(db: Recording, traffic: pl.DataFrame, run_id: str) -> None:
    """How many new orders each quarter of an hour brought."""
    db.executemany(
        """INSERT INTO traffic (quarter, platform, orders, run_id) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET orders = orders + excluded.orders""",
        ((*r, run_id) for r in traffic.iter_rows()),
    )


def open_cases(db: Recording, opened: pl.DataFrame, run_id: str, stamp: str) -> None:
    """New cases."""
    names = ("case_id", "platform", "order_id", "band", "score", "cluster", "linked_by", "agent", "evidence")
    due = pl.col("due_at").dt.strftime("%Y-%m-%dT%H:%M:%S+0000")
    made = pl.col("created_at").dt.timestamp("us")
    heard = "heard_at" if "heard_at" in opened.columns else pl.lit(0, dtype=pl.Int64).alias("heard_at")
    rows = opened.select(*names, due, "region", made, heard, run=pl.lit(run_id), stamp=pl.lit(stamp))
    rows = rows.sort(KEY)  # as the index over orders has them: of two indexes one is filled from left to right
    with indexed_after(db, "cases", len(rows)):
        db.bulk(
            """INSERT INTO cases (case_id, platform, order_id, band, score, cluster, linked_by, agent, evidence,
               due_at, region, ordered_at, heard_at, state, opened_run, opened_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)""",
            rows,
        )


def raise_cases(db: Recording, raised: pl.DataFrame, run_id: str, stamp: str) -> None:
    """Known cases with new evidence, or whose orders are live again; those that are reopened begin anew."""
    columns = ("case_id", "band", "score", "evidence", "reopen", "due_at", "resumed", "heard_at")
    for case, band, score, evidence, reopen, due_at, resumed, heard in raised.select(columns).iter_rows():
        db.execute(
            "UPDATE cases SET band = ?, score = ?, evidence = ?, due_at = MIN(due_at, ?) WHERE case_id = ?",
            (band, score, evidence, iso(due_at), case),
        )
        what = "reopened" if reopen else "evidence"
        if resumed:
            state = resume_case(db, case, iso(due_at), heard)
            if state != "released":
                row = (case, stamp, evidence, run_id)
                db.execute(
                    "INSERT INTO events (case_id, at, who, what, why, run_id) VALUES (?, ?, 'scan', 'resumed', ?, ?)",
                    row,
                )
                continue
        if reopen:
            db.execute(
                "UPDATE verdicts SET ended_run = ? WHERE case_id = ? AND replaced_by IS NULL AND ended_run IS NULL",
                (run_id, case),
            )
            db.execute(
                """UPDATE cases SET state = 'open', task_run = NULL, hold_run = NULL, release_run = NULL,
                   escalated_at = NULL, due_at = ? WHERE case_id = ?""",
                (iso(due_at), case),
            )
            db.execute("DELETE FROM told WHERE case_id = ?", (case,))
        db.execute(
            "INSERT INTO events (case_id, at, who, what, why, run_id) VALUES (?, ?, 'scan', ?, ?, ?)",
            (case, stamp, what, evidence, run_id),
        )


def hand_on(db: Recording, moved: pl.DataFrame, stamp: str, who: str, why: str | pl.Expr, run_id: str | None) -> None:
    """Give cases (`case_id agent`) to other agents, on whose next sheet each will stand. Call inside a transaction."""
    if moved.is_empty():
        return
    db.bulk("UPDATE cases SET agent = ?, task_run = NULL WHERE case_id = ?", moved.select("agent", "case_id"))
    said = pl.lit(why) if isinstance(why, str) else why
    rows = moved.select(
        "case_id", at=pl.lit(stamp), who=pl.lit(who), what="reassigned to " + pl.col("agent"), why=said,
        run=pl.lit(run_id, dtype=pl.String),
    )  # fmt: skip
    db.bulk("INSERT INTO events (case_id, at, who, what, why, run_id) VALUES (?, ?, ?, ?, ?, ?)", rows)
