"""Cases of people who are not there (any more): what a scan hands on by itself, and what `cases reassign --from` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.errors import Problem, Words
from orderguard.ledger import CaseBook, History
from orderguard.route import assign
from orderguard.staff import UNASSIGNED
from orderguard.stages.casework import task_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orderguard.ledger import Ledger
    from orderguard.ledger.drawn import Drawn
    from orderguard.route import Team
    from orderguard.stages.casework import Opened, Standing
    from orderguard.stages.desk import Desk

HANDED: dict[str, Any] = {"case_id": pl.String, "was": pl.String, "agent": pl.String}
_RING = ["cluster", "agent"]
_ROUTED = ["case_id", *_RING, "platform", "shop", "region", "due_at", "state"]


class Handed(NamedTuple):
    """Who has which of the cases that were there before this run.

    Attributes:
        moved: those that go to somebody else: `case_id was agent`.
        known: cases of the flagged orders, with the agents who have them now.
        late: cases of earlier runs that never reached a sheet, as task rows.
        resting: agents who are there and got a sheet less than `every` ago: what is new for them waits.
        notices: what became of whose cases, and whose still lie with somebody who is not there.
    """

    moved: pl.DataFrame
    known: pl.DataFrame
    late: pl.DataFrame
    resting: frozenset[str]
    notices: list[Problem]


class Casework(NamedTuple):
    """All that a run does with cases, stage by stage."""

    standing: Standing
    opened: Opened
    drawn: Drawn
    handed: Handed


def hand_over(desk: Desk, standing: Standing, opened: Opened) -> Handed:
    """Cases that would go on the sheet of somebody who is not there go to somebody who is.

    These are cases that this run opens again (`raised`) and those that never reached a sheet (`late`). What stands on a sheet
    already stays with whoever has it, for it may be half done; a notice says so. So does what a person gave them.
    """
    resting = _here_of(desk.cases.resting(desk.team.every, desk.now), desk.team)
    late = _undelivered(desk, standing.turned.ended, opened.new.clear(), resting)
    here, known = [a.name for a in desk.team.agents], standing.known
    stays = Handed(pl.DataFrame(schema=HANDED), known, late, resting, [])
    if not here:  # without agents everything stays where it is
        return stays
    load = standing.turned.load(desk.cases.load(), known)
    every = _to_be_listed(desk, standing, opened.raised, late)
    gone = every.filter(~pl.col("agent").is_in([*here, UNASSIGNED]))
    if gone.is_empty():
        return stays._replace(notices=_absent(stays.moved, load, here))
    beside = pl.concat([known.filter(pl.col("state") != "released").select(_RING), opened.new.select(_RING)])
    keep = dict(beside.filter(pl.col("agent").is_in(here)).sort(_RING).iter_rows())
    after = dict(load)
    lying = {a: n - int(((gone["agent"] == a) & (gone["state"] != "released")).sum()) for a, n in load.items()}
    for agent, n in opened.new["agent"].value_counts().iter_rows():
        after[agent] = after.get(agent, 0) + n
    agents = assign(gone, desk.team, after, desk.synonyms, keep).alias("agent")
    moved = gone.select("case_id", was="agent").with_columns(agents)
    notices = _absent(moved, lying, here)
    return Handed(moved, _with_agents(known, moved), _with_agents(late, moved), resting, notices)


def _here_of(resting: frozenset[str], team: Team) -> frozenset[str]:
    """Of these agents, those who are there: what waits for the others' next sheet must not wait for them."""
    return resting & {a.name for a in team.agents} | (resting & {UNASSIGNED}) if team.agents else resting


def _undelivered(desk: Desk, ended: pl.DataFrame, none: pl.DataFrame, resting: frozenset[str]) -> pl.DataFrame:
    """Cases of earlier runs that never reached a sheet, as task rows (their orders come from the history).

    What is new for a resting agent goes on waiting; what this run ends is done with.

    Args:
        desk: the scan's.
        ended: cases that this run ends.
        none: the shape of a task row.
        resting: agents.
    """
    pending = desk.cases.pending(resting)
    if pending.is_empty():
        return none
    rows = task_rows(pending, desk.cases, desk.history, desk.book)
    rows = pl.concat([none, rows], how="diagonal_relaxed").select(*none.columns, "task_run", "hold_run", "state")
    return rows.filter(~pl.col("case_id").is_in(ended["case_id"].implode()))


def _to_be_listed(desk: Desk, standing: Standing, raised: pl.DataFrame, late: pl.DataFrame) -> pl.DataFrame:
    """Cases from before this run that its sheets would list: those that it opens again and those that never stood on one."""
    flagged, known = standing.orders, standing.known
    back = flagged.join(known.select("case_id", "cluster", "agent", "state"), on="case_id")
    again = raised.filter(pl.col("reopen") | pl.col("resumed")).select("case_id", "due_at")
    back = back.join(again, on="case_id").filter(pl.col("state") != "confirmed")
    parts = [back.select(_ROUTED)]
    if "task_run" in late.columns:
        waiting = late.filter(pl.col("task_run").is_null() & (pl.col("state") != "confirmed"))
        given = desk.cases.given() if len(waiting) else []
        parts.append(waiting.filter(~pl.col("case_id").is_in(given)).select(_ROUTED))
    return pl.concat(parts, how="vertical_relaxed").unique("case_id", keep="first", maintain_order=True)


def _with_agents(cases: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """`cases` with the agents that they were handed on to."""
    if moved.is_empty() or cases.is_empty():
        return cases
    new = dict(moved.select("case_id", "agent").iter_rows())
    return cases.with_columns(agent=pl.coalesce(pl.col("case_id").replace_strict(new, default=None), "agent"))


def _absent(handed: pl.DataFrame, lying: Mapping[str, int], here: list[str]) -> list[Problem]:
    """What was handed on, and a notice about open cases that lie with somebody who is not there."""
    moved = handed.group_by("was", "agent").len().sort("was", "agent")
    told = [
        Problem(
            Words(f"{was} 不在团队表里或请假：{n} 单转给 {agent}", f"{was} is not in the team file, or away: {n} orders go to {agent}"),
            fatal=False,
        )
        for was, agent, n in moved.iter_rows()
    ]  # fmt: skip
    left = {a: n for a, n in lying.items() if a not in {*here, UNASSIGNED}}
    fix = Words(
        "用 orderguard cases reassign --from {0} --by 姓名 --why 原因 全部转给在岗的人",
        "'orderguard cases reassign --from {0} --by NAME --why TEXT' hands them all on",
    )
    return told + [
        Problem(
            Words(
                f"{agent} 不在团队表里或请假，名下还有 {n} 单未处理",
                f"{agent} is not in the team file, or away, and {n} orders lie with them",
            ),
            fix=Words(fix.zh.format(agent), fix.en.format(agent)),
            fatal=False,
        )
        for agent, n in sorted(left.items())
        if n > 0
    ]


def empty_desk(
    ledger: Ledger, who: str, to: str | None, team: Team, synonyms: Mapping[str, frozenset[str]], by: str, why: str,
    now: datetime,
) -> list[dict[str, Any]]:  # fmt: skip
    """Hand all open cases of one agent (or of the shared queue) on: to one other, or to whoever handles them and has room.

    Returns:
        `case_id platform order_id agent` of each case that moved.
    """
    cases = CaseBook(ledger)
    chosen = cases.open_of(who).filter(pl.col("case_id").is_in(cases.owned(who)))
    if chosen.is_empty():
        return []
    if to is None:
        others = team.model_copy(update={"agents": [a for a in team.agents if a.name != who]})
        shops = History(ledger).find(chosen).select("platform", "order_id", "shop")
        rows = chosen.join(shops, on=["platform", "order_id"], how="left", maintain_order="left")
        chosen = chosen.with_columns(assign(rows, others, cases.load(), synonyms).alias("agent"))
    else:
        chosen = chosen.with_columns(agent=pl.lit(to))
    moved = chosen.filter(pl.col("agent") != who)
    cases.hand_on(moved.select("case_id", "agent"), by, why, now)
    return moved.sort("due_at", "case_id").select("case_id", "platform", "order_id", "agent").to_dicts()
