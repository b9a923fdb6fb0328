"""Cases of people who are not there (any more): what a scan hands on by itself, and what `cases reassign --from` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.errors import Problem, Words
from orderguard.ledger import CaseBook, History
from orderguard.route import assign
from orderguard.staff import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orderguard.ledger import Ledger
    from orderguard.route import Team

HANDED: dict[str, Any] = {"case_id": pl.String, "was": pl.String, "agent": pl.String}
_RING = ["cluster", "agent"]
_ROUTED = ["case_id", *_RING, "platform", "shop", "region", "due_at", "state"]


class Handed(NamedTuple):
    """What a scan hands on.

    Attributes:
        cases: `case_id was agent`.
        known, late: as they were given, with the agents who have them now.
        notices: what became of whose cases, and whose still lie with somebody who is not there.
    """

    cases: pl.DataFrame
    known: pl.DataFrame
    late: pl.DataFrame
    notices: list[Problem]


def here_of(resting: frozenset[str], team: Team) -> frozenset[str]:
    """Of these agents, those who are there: what waits for the others' next sheet must not wait for them."""
    return resting & {a.name for a in team.agents} | (resting & {UNASSIGNED}) if team.agents else resting


def take_over(
    opened: pl.DataFrame,
    raised: pl.DataFrame,
    flagged: pl.DataFrame,
    known: pl.DataFrame,
    late: pl.DataFrame,
    cases: CaseBook,
    team: Team,
    load: Mapping[str, int],
    synonyms: Mapping[str, frozenset[str]],
) -> Handed:
    """Cases that would go on the sheet of somebody who is not there go to somebody who is.

    These are cases that this run opens again (`raised`) and those that never reached a sheet (`late`). What stands on a sheet
    already stays with whoever has it, for it may be half done; a notice says so. So does what a person gave them.

    Args:
        opened, raised, flagged, known, late: the run's cases and orders, see `casework`.
        cases: know what a person gave to whom.
        team: who is there; without agents everything stays where it is.
        load: open cases per agent, those just opened left out.
        synonyms: words for one platform.
    """
    here = [a.name for a in team.agents]
    nobody = Handed(pl.DataFrame(schema=HANDED), known, late, [])
    if not here:
        return nobody
    back = flagged.join(known.select("case_id", "cluster", "agent", "state"), on="case_id")
    again = raised.filter(pl.col("reopen") | pl.col("resumed")).select("case_id", "due_at")
    back = back.join(again, on="case_id").filter(pl.col("state").is_in(["released", "over"]))
    parts = [back.select(_ROUTED)]
    if "task_run" in late.columns:
        waiting = late.filter(pl.col("task_run").is_null() & (pl.col("state") != "confirmed"))
        given = cases.given() if len(waiting) else []
        parts.append(waiting.filter(~pl.col("case_id").is_in(given)).select(_ROUTED))
    every = pl.concat(parts, how="vertical_relaxed").unique("case_id", keep="first", maintain_order=True)
    gone = every.filter(~pl.col("agent").is_in([*here, UNASSIGNED]))
    if gone.is_empty():
        return nobody._replace(notices=_absent(nobody.cases, load, here))
    beside = pl.concat([known.filter(pl.col("state") != "released").select(_RING), opened.select(_RING)])
    keep = dict(beside.filter(pl.col("agent").is_in(here)).sort(_RING).iter_rows())
    after = dict(load)
    lying = {a: n - int(((gone["agent"] == a) & (gone["state"] != "released")).sum()) for a, n in load.items()}
    for agent, n in opened["agent"].value_counts().iter_rows():
        after[agent] = after.get(agent, 0) + n
    handed = gone.select("case_id", was="agent").with_columns(assign(gone, team, after, synonyms, keep).alias("agent"))
    return Handed(handed, _with_agents(known, handed), _with_agents(late, handed), _absent(handed, lying, here))


def _with_agents(cases: pl.DataFrame, handed: pl.DataFrame) -> pl.DataFrame:
    """`cases` with the agents that they were handed on to."""
    if handed.is_empty() or cases.is_empty():
        return cases
    new = dict(handed.select("case_id", "agent").iter_rows())
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
