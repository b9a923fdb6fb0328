"""Cases of orders that are over: nothing can be held any more, so nobody is asked; and orders that come back to life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orderguard.ledger.journal import Recording
    from orderguard.ledger.store import Ledger

OVER = "over"
"""The state of a case whose order was over before anybody decided: no verdict, counted as none."""
STANDING: dict[str, Any] = {
    "case_id": pl.String, "order_id": pl.String, "state": pl.String, "band": pl.String, "agent": pl.String, "ended": pl.String,
    "ended_word": pl.String, "heard_at": pl.Int64,
}  # fmt: skip


def any_cases(ledger: Ledger) -> bool:
    """Whether there is any case; a first scan has nothing to end."""
    return ledger.db.execute("SELECT 1 FROM cases LIMIT 1").fetchone() is not None


def undecided(ledger: Ledger) -> list[str]:
    """Order numbers of undecided cases."""
    sql = "SELECT order_id FROM cases WHERE state IN ('open', 'investigating')"
    return [row[0] for row in ledger.db.execute(sql)]


def standing(ledger: Ledger, case_ids: Iterable[str]) -> pl.DataFrame:
    """Of these, the cases that exist: `case_id order_id state band agent ended ended_word heard_at`."""
    db = ledger.db
    db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted_ends (case_id TEXT)")
    db.execute("DELETE FROM wanted_ends")
    db.executemany("INSERT INTO wanted_ends VALUES (?)", ((c,) for c in case_ids))
    sql = f"SELECT {', '.join(STANDING)} FROM wanted_ends JOIN cases USING (case_id)"  # noqa: S608 - own names
    return pl.DataFrame(db.execute(sql).fetchall(), schema=STANDING, orient="row")


def any_unheard(ledger: Ledger) -> bool:
    """Whether there are cases, decided or not, from before the ledger kept this; once looked at, there are none."""
    return ledger.db.execute("SELECT 1 FROM cases WHERE heard_at IS NULL LIMIT 1").fetchone() is not None


def unheard(ledger: Ledger) -> list[tuple[str, str, str, int | None]]:
    """Undecided cases from before the ledger kept this: `case_id platform order_id ordered_at`."""
    sql = """SELECT case_id, platform, order_id, ordered_at FROM cases
             WHERE heard_at IS NULL AND band <> 'pass' AND state IN ('open', 'investigating')"""
    return ledger.db.execute(sql).fetchall()


def hear(db: Recording) -> None:
    """Note that all cases have been looked at. Call inside a transaction."""
    db.execute("UPDATE cases SET heard_at = 0 WHERE heard_at IS NULL")


def read_before(ledger: Ledger, sha256: str, modified_at: str) -> bool:
    """Whether a recorded run has read this very file: the same bytes, not written again since."""
    sql = "SELECT 1 FROM runs WHERE instr(inputs, ?) AND instr(inputs, ?) LIMIT 1"
    return bool(sha256) and ledger.db.execute(sql, (modified_at, sha256)).fetchone() is not None


def end_cases(db: Recording, ended: pl.DataFrame, run_id: str | None, stamp: str) -> None:
    """Close undecided cases of orders that are over; decided ones are only marked, so that nothing of them is held again.

    Args:
        db: inside a transaction.
        ended: `case_id stage word heard_at source`.
        run_id, stamp: who learned it (None: a sweep), when.
    """
    at, run = pl.lit(stamp).alias("stamp"), pl.lit(run_id, dtype=pl.String).alias("run")
    db.bulk(
        """UPDATE cases SET ended = ?, ended_at = ?, ended_word = ?, heard_at = ?,
           state = CASE WHEN state IN ('open', 'investigating') THEN 'over' ELSE state END WHERE case_id = ?""",
        ended.select("stage", at, "word", "heard_at", "case_id"),
    )
    who = pl.lit("scan" if run_id else "sweep").alias("who")
    db.bulk(
        "INSERT INTO events (case_id, at, who, what, why, run_id) VALUES (?, ?, ?, ?, ?, ?)",
        ended.select("case_id", at, who, "over " + pl.col("stage"), "source", run),
    )


def resume_case(db: Recording, case: str, due_at: str, heard_at: int) -> str:
    """An order is live again: what was undecided is open as it was, what was found true is held again.

    Returns:
        The state that the case had.
    """
    state = str(db.execute("SELECT state FROM cases WHERE case_id = ?", (case,)).fetchone()[0])
    clear = "UPDATE cases SET ended = NULL, ended_at = NULL, ended_word = NULL, heard_at = ? WHERE case_id = ?"
    db.execute(clear, (heard_at, case))
    if state == OVER:
        db.execute(
            """UPDATE cases SET due_at = ?, task_run = NULL, hold_run = NULL, release_run = NULL, escalated_at = NULL,
               state = CASE WHEN EXISTS (SELECT 1 FROM verdicts v WHERE v.case_id = cases.case_id
                 AND v.replaced_by IS NULL AND v.ended_run IS NULL) THEN 'investigating' ELSE 'open' END
               WHERE case_id = ?""",
            (due_at, case),
        )
        db.execute("DELETE FROM told WHERE case_id = ?", (case,))
    elif state == "confirmed":
        db.execute("UPDATE cases SET hold_run = NULL, release_run = NULL WHERE case_id = ?", (case,))
    return state
