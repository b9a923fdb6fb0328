"""Task sheets without a scan: on demand for one agent, or what waited while the agent was resting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.errors import DeliveryError, Problem, Words, unable
from orderguard.ledger import CaseBook, History
from orderguard.outbox import keep_sheet, write_tasks
from orderguard.staff import UNASSIGNED
from orderguard.stages.casework import task_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from orderguard.ledger import Ledger
    from orderguard.rules import Rulebook
    from orderguard.stages.options import Options


def issue(
    ledger: Ledger, agent: str, folder: Path, book: Rulebook, issue_id: str, now: datetime, formats: Sequence[str]
) -> int:
    """Write one agent's sheet with all their open orders; orders that waited for a sheet wait no longer.

    Returns:
        How many orders there are; 0 when there is nothing open, and nothing was written.

    Raises:
        DeliveryError: the sheet cannot be written.
    """
    cases = CaseBook(ledger)
    chosen = cases.open_of(agent)
    if chosen.is_empty():
        return 0
    rows = task_rows(chosen, cases, History(ledger), book)
    _write(folder, rows, book, issue_id, formats, cases.numbers([agent]))
    cases.issue(issue_id, agent, chosen["case_id"].to_list(), now)
    return len(chosen)


def issue_waiting(ledger: Ledger, options: Options) -> dict[str, int]:
    """Put what waited for agents who are no longer resting into the output folder; returns orders per agent."""
    cases = CaseBook(ledger)
    resting = cases.resting(options.team.every, options.now)
    waiting = cases.pending(resting).filter(pl.col("task_run").is_null() & (pl.col("state") != "confirmed"))
    here = [a.name for a in options.team.at(options.now, options.book.timezone).agents]
    if here:  # the next scan hands on what lies with the others
        waiting = waiting.filter(pl.col("agent").is_in([*here, UNASSIGNED]))
    if waiting.is_empty() or not (options.out / "run.json").exists():
        return {}
    rows = task_rows(waiting, cases, History(ledger), options.book)
    folder = options.out / "tasks"
    counts = {}
    for (agent,), part in rows.partition_by("agent", as_dict=True, maintain_order=True).items():
        keep_sheet(options.out, str(agent), options.run_id)
        _write(folder, part, options.book, options.run_id, options.tasks_formats, cases.numbers([str(agent)]))
        cases.issue(options.run_id, str(agent), part["case_id"].to_list(), options.now)
        counts[str(agent)] = len(part)
    return counts


def _write(
    folder: Path, rows: pl.DataFrame, book: Rulebook, batch: str, formats: Sequence[str], numbers: dict[str, int]
) -> None:
    try:
        write_tasks(
            folder,
            rows.with_columns(items=pl.lit(None, dtype=pl.String)),
            book.locale,
            book.timezone,
            batch,
            formats,
            numbers,
        )
    except OSError as error:
        what = unable(Words("无法写入", "cannot be written"), error)
        raise DeliveryError(Problem(what, str(folder))) from error
