"""What is new in a run, as rows ready for task sheets, hold lists and notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.errors import Words
from orderguard.ledger.drawn import pending_doubles

if TYPE_CHECKING:
    from orderguard.stages.desk import Desk
    from orderguard.stages.handing import Casework

_RESUMED = Words("【订单已恢复】", "[order is live again] ")
_AGAIN = Words("【曾放行，有新证据】", "[released before, new evidence] ")
_NEW = Words("【有新证据】", "[new evidence] ")


class Listed(NamedTuple):
    """What is new, and where it goes; all frames have the columns of a task row.

    Attributes:
        told: cases that are new, whether their agent gets a sheet now or later.
        tasks: cases that go on a task sheet now: not those of a resting agent.
        doubled: rows of `tasks` that a second agent gets too, with that agent.
        holds: cases that go on a hold list now.
    """

    told: pl.DataFrame
    tasks: pl.DataFrame
    doubled: pl.DataFrame
    holds: pl.DataFrame

    @property
    def sheets(self) -> pl.DataFrame:
        """Everything that goes on a task sheet."""
        return pl.concat([self.tasks, self.doubled]) if len(self.doubled) else self.tasks


def listed(desk: Desk, casework: Casework) -> Listed:
    """What the sheets and lists of a run hold, once the run is recorded."""
    new, late = casework.opened.new, casework.handed.late
    tasks, holds = [new], [new.filter(pl.col("band") == "hold")]
    for more, parts in zip(_back(casework, desk.book.locale), (tasks, holds), strict=True):
        parts.append(more.select(new.columns))
    if "task_run" in late.columns:
        open_ = pl.col("task_run").is_null() & (pl.col("state") != "confirmed")
        tasks.append(late.filter(open_).select(new.columns))
        holds.append(late.filter((pl.col("band") == "hold") & pl.col("hold_run").is_null()).select(new.columns))
    told, resting = _each_once(tasks), casework.handed.resting
    now = told.filter(~pl.col("agent").is_in(sorted(resting))).rechunk() if resting else told
    second = now.drop("agent").join(pending_doubles(desk.ledger), on="case_id", maintain_order="left")
    return Listed(told, now, second.select(now.columns), _each_once(holds))


def _back(casework: Casework, locale: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Known cases that come back: rows for task sheets, marked why, and rows for hold lists."""
    again = casework.opened.raised.filter(pl.col("reopen") | pl.col("to_hold"))
    rows = casework.standing.orders.join(
        casework.handed.known.select("case_id", "state", "agent", "cluster", "linked_by"), on="case_id"
    )
    rows = rows.join(again.select("case_id", "reopen", "to_hold", "due_at", "resumed"), on="case_id")
    new = casework.opened.new.clear()
    if rows.is_empty():
        return new, new
    rows = pl.concat([new, rows], how="diagonal_relaxed").with_columns(cluster_size=pl.lit(1, dtype=pl.Int64))
    let_go = pl.when(pl.col("state") == "released").then(pl.lit(_AGAIN.pick(locale)))
    mark = pl.when("resumed").then(pl.lit(_RESUMED.pick(locale))).otherwise(let_go.otherwise(pl.lit(_NEW.pick(locale))))
    return (
        rows.filter("reopen").with_columns(reasons=mark + pl.col("reasons")),
        rows.filter("to_hold").with_columns(band=pl.lit("hold")),
    )


def _each_once(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Cases one below the other, the first of each; a frame of millions that needs no change is not copied."""
    rows = [p for p in parts if len(p)] or parts[:1]
    every = pl.concat(rows, how="vertical_relaxed") if len(rows) > 1 else rows[0]
    if every["case_id"].n_unique() < len(every):
        every = every.unique("case_id", keep="first", maintain_order=True)
    return every.rechunk()
