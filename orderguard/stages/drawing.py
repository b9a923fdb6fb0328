"""Draws: unflagged orders for the control group, and tasks for a second opinion.

Whether an order is drawn follows from its own key, so that scanning it again, in any file, draws the same.
"""

from __future__ import annotations

from collections import Counter
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

    from orderguard.stages.casework import Opened
    from orderguard.stages.desk import Desk
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


def draw(desk: Desk, judged: Judged, opened: Opened) -> tuple[Opened, Drawn]:
    """Draw what `--sample` and `--double` ask for.

    Returns:
        The cases with control orders behind the flagged ones, and what the ledger is to remember.
    """
    options, new, drawn = desk.options, opened.new, _NONE
    controls = _controls(desk, judged, new) if options.sample else new.clear()
    if len(controls):
        new = pl.concat([new, controls])
        drawn = drawn._replace(controls=controls.select("case_id", share=pl.lit(options.sample)))
    if options.double:
        drawn = drawn._replace(doubles=_doubles(desk, new))
    return opened._replace(new=new), drawn


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


def _controls(desk: Desk, judged: Judged, opened: pl.DataFrame) -> pl.DataFrame:
    """Unflagged orders that the lot falls on, as cases."""
    clean = judged.decisions["band"].eq("pass") & ~judged.frame["past"]
    asked = audited(judged.frame, desk.book)
    clean = clean if asked is None else clean & asked
    rows = (clean & drawn_by_lot(judged.frame, desk.options.sample, desk.ids)).arg_true().cast(pl.UInt32)
    chosen = flagged_orders(judged, desk.book, desk.ids, rows)
    chosen = chosen.join(desk.cases.known(chosen["case_id"]), on="case_id", how="anti", maintain_order="left")
    chosen = chosen.unique("case_id", keep="first", maintain_order=True).with_columns(
        pl.col("reasons", "evidence").fill_null(""), pl.col("burst").fill_null(value=False)
    )
    load = _more(desk.cases.load(), opened["agent"])
    return routed(desk, with_region(chosen, desk.team), load).select(opened.columns)


def _doubles(desk: Desk, opened: pl.DataFrame) -> pl.DataFrame:
    """Clusters drawn for a second opinion, by another agent who handles them and has room."""
    resting = desk.cases.resting(desk.team.every, desk.now)
    mine = _drawn_clusters(opened, desk.options.double)
    drawn = opened.filter(pl.col("cluster").is_in(mine) & (pl.col("agent") != UNASSIGNED))
    load = _more(desk.cases.load(), opened["agent"])
    out = [_NONE.doubles]
    for (first,), part in sorted(drawn.partition_by("agent", as_dict=True, maintain_order=True).items()):
        free = [a for a in desk.team.agents if a.name != first and a.name not in resting]
        others = desk.team.model_copy(update={"agents": free})
        second = assign(part, others, load, desk.synonyms)
        load = _more(load, second)
        out.append(part.select("case_id", second.alias("agent")).filter(pl.col("agent") != UNASSIGNED))
    return pl.concat(out)


def _more(load: Mapping[str, int], agents: pl.Series) -> dict[str, int]:
    """Open cases per agent, once these agents have one more for each time that they are named."""
    return dict(Counter(load) + Counter(dict(agents.value_counts().iter_rows())))
