"""Orders drawn at random for control, and second opinions: known to the ledger only, never to a sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

if TYPE_CHECKING:
    import sqlite3

    from orderguard.ledger.store import Ledger


class Drawn(NamedTuple):
    """What a run draws.

    Attributes:
        controls: `case_id share`, new cases of orders that nothing flagged.
        doubles: `case_id agent`, who is asked beside the one who has the case.
    """

    controls: pl.DataFrame
    doubles: pl.DataFrame


def record_drawn(db: sqlite3.Connection, run_id: str, drawn: Drawn) -> None:
    """Remember what was drawn. Call inside the run's transaction, after its cases."""
    db.executemany(
        "INSERT OR IGNORE INTO controls (case_id, share, run_id) VALUES (?, ?, ?)",
        ((*r, run_id) for r in drawn.controls.select("case_id", "share").iter_rows()),
    )
    db.executemany(
        "INSERT OR IGNORE INTO doubles (case_id, agent, run_id) VALUES (?, ?, ?)",
        ((*r, run_id) for r in drawn.doubles.select("case_id", "agent").iter_rows()),
    )


def pending_doubles(ledger: Ledger) -> pl.DataFrame:
    """Second opinions that never reached a sheet: `case_id agent`."""
    rows = ledger.db.execute("SELECT case_id, agent FROM doubles WHERE task_run IS NULL AND result IS NULL").fetchall()
    return pl.DataFrame(rows, schema={"case_id": pl.String, "agent": pl.String}, orient="row")


def doubles_delivered(db: sqlite3.Connection, run_id: str, cases: list[str]) -> None:
    """Note that the second agents' sheets are in place."""
    db.executemany("UPDATE doubles SET task_run = ? WHERE case_id = ?", [(run_id, c) for c in cases])


def opinions(db: sqlite3.Connection) -> dict[str, tuple[str, str | None]]:
    """Who was asked beside, and what they said so far, by case."""
    return {case: (agent, result) for case, agent, result in db.execute("SELECT case_id, agent, result FROM doubles")}


def record_opinion(db: sqlite3.Connection, case: str, answer: Any, result: str, stamp: str) -> None:
    """Write a second opinion. The verdict that counts stays that of the agent who has the case."""
    db.execute(
        "UPDATE doubles SET result = ?, code = ?, note = ?, at = ?, source = ?, source_row = ? WHERE case_id = ?",
        (result, answer.code, answer.note, stamp, answer.sheet, answer.row, case),
    )
