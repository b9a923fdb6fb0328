"""Which agent gets which cluster, and by when."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from orderguard.staff import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from orderguard.route.team import Agent, Due, Team

_AT_LEAST = timedelta(minutes=15)


def due_times(bands: pl.Series, promised: pl.Series, now: datetime, due: Due) -> pl.Series:
    """When a decision is needed.

    `due.hold` or `due.review` from now (two and eight hours), but `due.before_promise` (two hours) before the promised
    ship time, and never sooner than in 15 minutes.
    """
    frame = pl.DataFrame({"band": bands, "promised": promised})
    clock = pl.lit(now).cast(pl.Datetime("us", "UTC"))
    own = clock + pl.when(pl.col("band") == "hold").then(pl.lit(due.hold)).otherwise(pl.lit(due.review))
    early = pl.min_horizontal(own, pl.col("promised") - due.before_promise)
    latest = pl.max_horizontal(early, clock + _AT_LEAST)
    return frame.select(latest.dt.truncate("1s").alias("due_at")).to_series()


def assign(
    cases: pl.DataFrame,
    team: Team,
    load: Mapping[str, int],
    synonyms: Mapping[str, frozenset[str]],
    keep: Mapping[str, str] = MappingProxyType({}),
) -> pl.Series:
    """One agent per cluster: among those who handle all of it (else some of it), the least loaded for their capacity.

    Who is on shift comes before who is not.

    Args:
        cases: new cases with `cluster platform shop region due_at`.
        team: who there is; without agents everything is `unassigned`.
        load: open cases per agent already.
        synonyms: words for one platform.
        keep: who has the earlier orders of a cluster: its new ones go there too, while there is room.

    Returns:
        The agent per case; `unassigned` where nobody handles it or all are full (the shared queue).
    """
    if not team.agents or cases.is_empty():
        return pl.Series("agent", [UNASSIGNED] * len(cases), dtype=pl.String)
    work = {a.name: load.get(a.name, 0) for a in team.agents}
    groups = cases.group_by("cluster").agg(
        pl.len().alias("n"),
        pl.col("due_at").min(),
        *[pl.col(c).drop_nulls().unique().sort() for c in ("platform", "shop", "region")],
    )
    chosen: dict[str, str] = {}
    for cluster, n, _, platforms, shops, regions in groups.sort("due_at", "cluster").iter_rows():
        mine = [a for a in team.agents if a.name == keep.get(cluster) and work[a.name] + n <= a.capacity]
        able = mine or [a for a in team.agents if _handles(a, platforms, shops, regions, synonyms, all)]
        able = able or [a for a in team.agents if _handles(a, platforms, shops, regions, synonyms, any)]
        # A cluster larger than anybody's capacity still is one task: it goes to whoever is empty.
        free = [a for a in able if work[a.name] + n <= a.capacity or (work[a.name] == 0 and n > a.capacity)]
        if not free:
            chosen[cluster] = UNASSIGNED
            continue
        best = min(free, key=lambda a: (a.name in team.off, work[a.name] / a.capacity, a.name))
        work[best.name] += n
        chosen[cluster] = best.name
    return cases["cluster"].replace_strict(chosen, return_dtype=pl.String).alias("agent")


def _handles(
    agent: Agent,
    platforms: list[str],
    shops: list[str],
    regions: list[str],
    synonyms: Mapping[str, frozenset[str]],
    how: Callable[[Iterable[bool]], bool],
) -> bool:
    wanted = set[str]().union(*(synonyms.get(p.casefold(), frozenset([p.casefold()])) for p in agent.handles.platform))
    ok_platform = not wanted or how(p.casefold() in wanted for p in platforms)
    ok_shop = not agent.handles.shop or how(s in agent.handles.shop for s in shops)
    mine = [h.rstrip("省市") for h in agent.handles.region]
    ok_region = not mine or (bool(regions) and how(any(r.startswith(h) for h in mine) for r in regions))
    return ok_platform and ok_shop and ok_region
