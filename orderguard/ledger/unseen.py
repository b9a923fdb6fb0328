"""Sheets that were issued before new evidence came: what those who filled them in have not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orderguard.errors import Words

if TYPE_CHECKING:
    import sqlite3

    from orderguard.ledger.journal import Recording


class Unseen(NamedTuple):
    """What a sheet does not show.

    Attributes:
        run_id: the run that brought it; `at`: when.
        seen: evidence that the sheet does show, as cases keep it.
        rules: that have fired since.
    """

    run_id: str
    at: str
    seen: str
    rules: list[str]


def issued_at(db: sqlite3.Connection, batch: str) -> str | None:
    """When a batch of sheets (a run or an issue) was written, as far as the ledger knows it; to the second, without zone."""
    sql = """SELECT substr(COALESCE((SELECT MIN(at) FROM issued WHERE run_id = ?),
             (SELECT started_at FROM runs WHERE run_id = ?)), 1, 19)"""
    return db.execute(sql, (batch, batch)).fetchone()[0] if batch else None


def unseen(db: sqlite3.Connection, case: str, issued: str | None) -> Unseen | None:
    """What was found on a case after its sheet had been issued; None where nothing was, or nobody knows when that was.

    Args:
        db: the ledger's.
        case: its id.
        issued: from `issued_at`.
    """
    if not issued:
        return None
    told = db.execute(
        """SELECT run_id, at, what, why, substr(at, 1, 19) > ? FROM events
           WHERE case_id = ? AND what IN ('evidence', 'reopened', 'resumed') ORDER BY event_id""",
        (issued, case),
    ).fetchall()
    later = [event for event in told if event[4]]
    if not later:
        return None
    before = [event[3] for event in told if not event[4]]
    seen = _marks(before[-1]) if before else _found_by(db, case, issued)
    for run_id, at, what, why, _ in later:
        if what == "reopened" or _marks(why) - seen:
            since = _marks(later[-1][3])
            rules = sorted({mark.split("@")[0] for mark in since - seen or since})
            return Unseen(run_id, at, ",".join(sorted(seen)), rules)
    return None


def _marks(evidence: str) -> set[str]:
    return set(filter(None, evidence.split(",")))


def _found_by(db: sqlite3.Connection, case: str, issued: str) -> set[str]:
    """Of a case's evidence what was found by then; the order may be known by another word for its platform."""
    case_has = db.execute("SELECT evidence FROM cases WHERE case_id = ?", (case,)).fetchone()[0]
    rows = db.execute(
        """SELECT f.rule_id || '@' || f.rule_fingerprint FROM cases c JOIN findings f USING (platform, order_id)
           WHERE c.case_id = ? AND substr(f.found_at, 1, 19) <= ?""",
        (case, issued),
    )
    return _marks(case_has) & {row[0] for row in rows}


def judged_before(db: sqlite3.Connection, case: str, result: str, past: Unseen) -> bool:
    """Whether this verdict on what the sheet shows is in the ledger already."""
    sql = "SELECT 1 FROM verdicts WHERE case_id = ? AND result = ? AND ended_run = ?"
    return db.execute(sql, (case, result, past.run_id)).fetchone() is not None


def end_verdict(db: Recording, case: str, past: Unseen) -> None:
    """As if the sheet had come in time: the verdict stands on what it shows, and what came since has ended it.

    The order stays where it is and stands on its agent's next sheet, with all that is known. Call inside a transaction.
    """
    db.execute(
        "UPDATE verdicts SET ended_run = ?, evidence = ? WHERE case_id = ? AND replaced_by IS NULL AND ended_run IS NULL",
        (past.run_id, past.seen, case),
    )
    sql = "UPDATE cases SET state = CASE WHEN ended IS NULL THEN 'open' ELSE 'over' END, task_run = NULL WHERE case_id = ?"
    db.execute(sql, (case,))


def outdated(order: str, past: Unseen) -> Words:
    """What is said of a false alarm on a sheet that does not show everything."""
    rules = ", ".join(past.rules)
    return Words(
        f"订单 {order}：这张任务表发出后又命中 {rules}，“误判”已记下但没有放行；订单在下一张任务表上，请看新原因再判",
        f"order {order}: {rules} fired after this sheet was issued; the false alarm is recorded and releases nothing: judge the order on the next sheet",
    )
