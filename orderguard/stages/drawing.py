"""Draws: unflagged orders for the control group, and tasks for a second opinion.

Whether an order is drawn follows from its own key, so that scanning it again, in any file, draws the same.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from orderguard.errors import Problem, Words
from orderguard.ledger.cases import case_ids
from orderguard.ledger.drawn import Drawn
from orderguard.route import assign
from orderguard.staff import UNASSIGNED
from orderguard.stages.casework import flagged_orders, routed, with_region
from orderguard.stages.judging import audited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.ledger import CaseBook
    from orderguard.stages.judging import Judged
    from orderguard.stages.options import Options

_NONE = Drawn(
    pl.DataFrame(schema={"case_id": pl.String, "share": pl.Float64}),
    pl.DataFrame(schema={"case_id": pl.String, "agent": pl.String}),
)


def lot(name: str, of: str) -> float:
    """A number from 0 up to 1 that depends on `name` and `of` only."""
    return int.from_bytes(blake2b(f"{of}\x1f{name}".encode(), digest_size=7).digest()) / (1 << 56)


def drawn_by_lot(orders: pl.DataFrame, share: float, ids: Mapping[str, str]) -> pl.Series:
    """True per order that the lot falls on, flagged or not."""
    if not share:
        return pl.repeat(value=False, n=len(orders), eager=True)
    return pl.Series([lot(case, "control") < share for case in case_ids(orders, ids)], dtype=pl.Boolean)


def draw(
    judged: Judged,
    opened: pl.DataFrame,
    options: Options,
    cases: CaseBook,
    synonyms: Mapping[str, frozenset[str]],
    ids: Mapping[str, str],
) -> tuple[pl.DataFrame, Drawn]:
    """Draw what `--sample` and `--double` ask for.

    Returns:
        All new cases, control orders behind those of `opened`, and what the ledger is to remember.
    """
    controls = opened.clear()
    if options.sample:
        controls = _controls(judged, opened, options, cases, synonyms, ids)
    new, drawn = opened, _NONE
    if len(controls):
        new = pl.concat([opened, controls])
        drawn = drawn._replace(controls=controls.select("case_id", share=pl.lit(options.sample)))
    if options.double:
        drawn = drawn._replace(doubles=_doubles(new, options, cases, synonyms))
    return new, drawn


def unanswered(opened: pl.DataFrame, drawn: Drawn, options: Options) -> list[Problem]:
    """A notice when tasks were drawn for a second opinion and nobody could give one."""
    wanted = _drawn_clusters(opened, options.double) if options.double else []
    if not wanted or len(drawn.doubles):
        return []
    what = Words(
        f"--double 抽中 {len(wanted)} 组任务，但没有第二个人可看",
        f"--double drew {len(wanted)} tasks, but there is no second agent for any",
    )
    fix = Words(
        "在 team.yaml 里让两个人都负责同样的订单，或调高 capacity",
        "let two agents in team.yaml handle the same orders, or raise their capacity",
    )
    return [Problem(what, fix=fix, fatal=False)]


def _drawn_clusters(opened: pl.DataFrame, share: float) -> list[str]:
    return sorted(c for c in opened["cluster"].unique() if lot(c, "double") < share)


def _controls(
    judged: Judged,
    opened: pl.DataFrame,
    options: Options,
    cases: CaseBook,
    synonyms: Mapping[str, frozenset[str]],
    ids: Mapping[str, str],
) -> pl.DataFrame:
    clean = judged.decisions["band"].eq("pass") & ~judged.frame["past"]
    asked = audited(judged.frame, options.book)
    clean = clean if asked is None else clean & asked
    rows = (clean & drawn_by_lot(judged.frame, options.sample, ids)).arg_true().cast(pl.UInt32)
    chosen = flagged_orders(judged, options.book, ids, rows)
    chosen = chosen.join(cases.known(chosen["case_id"]), on="case_id", how="anti", maintain_order="left")
    chosen = chosen.unique("case_id", keep="first", maintain_order=True).with_columns(
        pl.col("reasons", "evidence").fill_null(""), pl.col("burst").fill_null(value=False)
    )
    load = cases.load()
    for agent, n in opened["agent"].value_counts().iter_rows():
        load[agent] = load.get(agent, 0) + n
    return routed(
        with_region(chosen, options.team), load, options.team, synonyms, options.now, options.book.locale
    ).select(opened.columns)


def _doubles(
    opened: pl.DataFrame, options: Options, cases: CaseBook, synonyms: Mapping[str, frozenset[str]]
) -> pl.DataFrame:
    """Clusters drawn for a second opinion, by another agent who handles them and has room."""
    resting = cases.resting(options.team.every, options.now)
    mine = _drawn_clusters(opened, options.double)
    drawn = opened.filter(pl.col("cluster").is_in(mine) & (pl.col("agent") != UNASSIGNED))
    load = cases.load()
    for agent, n in opened["agent"].value_counts().iter_rows():
        load[agent] = load.get(agent, 0) + n
    out = [_NONE.doubles]
    for (first,), part in sorted(drawn.partition_by("agent", as_dict=True, maintain_order=True).items()):
        free = [a for a in options.team.agents if a.name != first and a.name not in resting]
        others = options.team.model_copy(update={"agents": free})
        second = assign(part, others, load, synonyms)
        for agent, n in second.value_counts().iter_rows():
            load[agent] = load.get(agent, 0) + n
        out.append(part.select("case_id", second.alias("agent")).filter(pl.col("agent") != UNASSIGNED))
    return pl.concat(out)
