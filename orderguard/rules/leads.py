"""How long a way takes: the least time within which a share of past deliveries had arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import DAY_ONLY, to_the_day
from orderguard.frames import divided
from orderguard.rules.tables import short_region

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

ENDS = ("ship_city", "ship_province", "addr_city", "addr_province", "addr_state")
"""What tells where an order comes from and goes to."""
_WAYS = (("city", "city"), ("city", "province"), ("province", "city"), ("province", "province"))
"""From the narrowest to the widest."""
_UNCLEAR = ("contradictory", "ambiguous", "blank")
_DAY = 86_400_000_000
_LONGEST = 366 * _DAY


def at_latest(at: pl.Expr) -> pl.Expr:
    """An instant; the end of its day where only the day is known."""
    return pl.when(to_the_day(at)).then(at + pl.duration(microseconds=_DAY - DAY_ONLY)).otherwise(at)


def by_table(frame: pl.DataFrame, table: pl.DataFrame, quantile: float, least: int) -> pl.DataFrame:
    """The `need` (days) of each order and the `deliveries` that tell it; null where fewer than `least` do.

    Args:
        frame: orders with `ENDS`.
        table: `origin to days deliveries`, several rows a way if there are; provinces and cities in any spelling.
        quantile: the share that arrives in time.
        least: fewer deliveries tell nothing.
    """
    rows = table.select(
        origin=short_region(pl.col("origin")),
        to=short_region(pl.col("to")),
        lead="days",
        n=pl.col("deliveries").fill_null(1.0),
    )
    needs = _least_time(rows.sort("lead"), ["origin", "to"], quantile, least)
    places = frame.select(
        *(short_region(pl.col(f"ship_{n}")).alias(f"from_{n}") for n in ("city", "province")),
        *(short_region(_clear(f"addr_{n}")).alias(f"to_{n}") for n in ("city", "province")),
    )
    return _first(
        places.select(origin=f"from_{a}", to=f"to_{b}").join(
            needs, on=["origin", "to"], how="left", maintain_order="left"
        )
        for a, b in _WAYS
    )


def by_history(
    frame: pl.DataFrame, until: str, history: timedelta, zone: str, quantile: float, least: int
) -> pl.DataFrame:
    """As `by_table`, from orders that were placed in the `history` before each order's day and had arrived when it began.

    Args:
        frame: orders with `ENDS`, `past`, `created_at`, `paid_at` and `until`; those that are past are not asked about.
        until: the column of the arrival; where only its day is known, the end of that day.
        history: how far back.
        zone: whose days they are.
        quantile, least: as in `by_table`.
    """
    day = pl.col("created_at").dt.convert_time_zone(zone).dt.truncate("1d").dt.convert_time_zone("UTC")
    # A city is one of its province: two of one name are two.
    city = [
        pl.concat_str(pl.col(f"{side}_province").fill_null(""), pl.col(f"{side}_city")) for side in ("ship", "addr")
    ]
    clear = pl.col("addr_state").is_in(_UNCLEAR).fill_null(value=True).not_()
    rows = frame.select(
        "created_at",
        from_city=city[0].cast(pl.Categorical),
        from_province=pl.col("ship_province").cast(pl.Categorical),
        to_city=pl.when(clear).then(city[1]).cast(pl.Categorical),
        to_province=pl.when(clear).then("addr_province").cast(pl.Categorical),
        day=pl.when(~pl.col("past")).then(day),
        arrived=at_latest(pl.col(until)),
        start=pl.coalesce("paid_at", "created_at"),
    )
    done = rows.with_columns(took=(pl.col("arrived") - pl.col("start")).dt.total_microseconds())
    done = done.filter(pl.col("took").is_between(0, _LONGEST)).sort("took")
    done = done.with_columns(lead=divided(pl.col("took"), _DAY), n=pl.lit(1.0))
    told: dict[tuple[str, str], list[pl.DataFrame]] = {way: [] for way in _WAYS}
    for (today,) in rows.select(pl.col("day").drop_nulls().unique()).iter_rows():
        known = done.filter(pl.col("arrived") <= today, pl.col("created_at") >= today - history)
        for (a, b), needs in told.items() if len(known) >= least else ():
            found = _least_time(known, [f"from_{a}", f"to_{b}"], quantile, least)
            needs.append(found.with_columns(day=pl.lit(today, dtype=rows.schema["day"])))
    if not any(told.values()):
        empty = pl.DataFrame({"need": [None], "deliveries": [None]}, schema_overrides=dict.fromkeys(_TOLD, pl.Float64))
        return pl.concat([empty.clear(), empty[[0] * len(frame)]])
    return _first(
        rows.select("day", f"from_{a}", f"to_{b}").join(
            pl.concat(needs), on=["day", f"from_{a}", f"to_{b}"], how="left", maintain_order="left"
        )
        for (a, b), needs in told.items()
    )


_TOLD = ("need", "deliveries")


def _clear(name: str) -> pl.Expr:
    return pl.when(~pl.col("addr_state").is_in(_UNCLEAR)).then(name)


def _least_time(rows: pl.DataFrame, way: Sequence[str], quantile: float, least: int) -> pl.DataFrame:
    """Per way the first `lead` within which `quantile` of its `n` arrived. `rows` are sorted by lead."""
    counted = rows.filter(pl.all_horizontal(pl.col(way).is_not_null()))
    enough = pl.col("n").cum_sum() >= quantile * pl.col("n").sum() - 1e-9
    found = counted.group_by(way).agg(need=pl.col("lead").filter(enough).first(), deliveries=pl.col("n").sum())
    return found.filter(pl.col("deliveries") >= least)


def _first(answers: Any) -> pl.DataFrame:
    """Of the answers for each way, the narrowest that there is."""
    parts = [a.select(_TOLD) for a in answers]
    return pl.DataFrame([pl.select(pl.coalesce([p[name] for p in parts]).alias(name)).to_series() for name in _TOLD])
