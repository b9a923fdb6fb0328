"""A promise that this route cannot keep.

Flags:
    orders promised (`promised_at`) earlier than payment (ordering where unpaid) plus what the way from their ship-from
    place to their address needs: the `quantile` of past deliveries in `lead_times` (from, to, days; a row may stand for
    several: `deliveries`). The pair of cities counts where it has `min_history` deliveries, else city and province,
    else the provinces. The reason names a promise that would hold.

Why:
    a promise that breaks costs a fine and a refund; it is cheaper to say a later one before shipping.

Misses:
    holidays, storms, carriers that became faster or slower since the table was made. Orders without a promise, a time,
    a known ship-from place or a region in the address, and routes with too few deliveries, are not evaluable.
"""

from __future__ import annotations

import polars as pl
from pydantic import Field

from orderguard.errors import Words
from orderguard.rules.base import Kind, number
from orderguard.rules.tables import Cell, Shape, Source, short_region

LEAD_TIMES = Shape({
    "origin": Cell(("from", "origin", "发货地", "始发地", "发货城市", "起点", "仓库"), required=True),
    "to": Cell(("to", "destination", "目的地", "收货地", "收货城市", "终点", "省份"), required=True),
    "days": Cell(("days", "lead_time", "天数", "时效", "时效天数", "用时", "lead_days"), "span", required=True),
    "deliveries": Cell(("deliveries", "count", "单量", "单数", "票数", "orders"), "number"),
})  # fmt: skip

EXAMPLE = """
- id: promise-too-short
  kind: delivery_promise
  with:
    quantile: 0.9
    min_history: 10
    lead_times:           # 或文件名 / or a file of past deliveries
      - {from: 杭州, to: 新疆, days: 5, deliveries: 9}
      - {from: 杭州, to: 新疆, days: 7, deliveries: 1}
  points: 10
  flags:
    - {ship_from: 杭州仓, address: 新疆维吾尔自治区乌鲁木齐市天山区某路1号, paid_at: 2026-11-11 10:00:00, promised_at: 2026-11-16 09:59:59}
  passes:
    - {ship_from: 杭州仓, address: 新疆维吾尔自治区乌鲁木齐市天山区某路1号, paid_at: 2026-11-11 10:00:00, promised_at: 2026-11-16 10:00:00}
    - {ship_from: 杭州仓, address: 北京市海淀区某路1号, paid_at: 2026-11-11 10:00:00, promised_at: 2026-11-11 11:00:00}
"""


class DeliveryPromise(Kind):
    """Settings: `lead_times` (a file or the table itself), the `quantile` that must hold, `min_history` deliveries."""

    lead_times: Source
    quantile: float = Field(default=0.9, gt=0, lt=1)
    min_history: int = Field(default=5, ge=1, le=1_000_000)

    def tables(self) -> dict[str, Shape]:
        return {"lead_times": LEAD_TIMES}

    def unfit(self, setting: str, table: pl.DataFrame) -> list[tuple[int, Words]]:  # noqa: ARG002 - it has one table
        wrong = table.filter((pl.col("days") < 0) | (pl.col("days") > 366) | (pl.col("deliveries") <= 0))
        said = Words("天数应在 0 到 366 之间，单量应大于 0", "days must be 0 to 366, deliveries above 0")
        return [(row, said) for row in wrong["source_row"]]

    def reads(self) -> set[str]:
        return {
            "promised_at",
            "paid_at",
            "created_at",
            "ship_city",
            "ship_province",
            "addr_city",
            "addr_province",
            "addr_state",
            "ship_place",
        }

    def _needs(self) -> pl.DataFrame:
        """`origin to need` (days): the least time within which `quantile` of the route's deliveries arrived."""
        table = self.table("lead_times")
        table = LEAD_TIMES.empty() if table is None else table
        rows = table.select(
            origin=short_region(pl.col("origin")),
            to=short_region(pl.col("to")),
            days="days",
            n=pl.col("deliveries").fill_null(1.0),
        )
        rows = rows.sort("origin", "to", "days").with_columns(
            total=pl.col("n").sum().over("origin", "to"), upto=pl.col("n").cum_sum().over("origin", "to")
        )
        within = pl.col("upto") >= self.quantile * pl.col("total") - 1e-9
        rows = rows.filter(pl.col("total") >= self.min_history, within)
        return rows.group_by("origin", "to").agg(need=pl.col("days").first())

    def hit(self) -> pl.Expr:
        return pl.col("value") > 0

    def value(self) -> pl.Expr:
        return pl.col("value")

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        clear = ~pl.col("addr_state").is_in(["contradictory", "ambiguous", "masked", "blank"])
        ends = frame.select(
            *(short_region(pl.col(f"ship_{n}")).alias(f"from_{n}") for n in ("city", "province")),
            *(pl.when(clear).then(short_region(pl.col(f"addr_{n}"))).alias(f"to_{n}") for n in ("city", "province")),
        )
        needs = self._needs()
        found = [
            ends.join(
                needs, left_on=[f"from_{a}", f"to_{b}"], right_on=["origin", "to"], how="left", maintain_order="left"
            )["need"]
            for a, b in (("city", "city"), ("city", "province"), ("province", "city"), ("province", "province"))
        ]
        need = pl.select(pl.coalesce(found)).to_series()
        start = pl.coalesce("paid_at", "created_at")
        told = frame.select(start=start, promised="promised_at", need=pl.lit(need))
        told = told.with_columns(holds=pl.col("start") + pl.duration(seconds=(pl.col("need") * 86_400).round()))
        short = (pl.col("holds") - pl.col("promised")).dt.total_microseconds() / 3_600_000_000
        told = told.with_columns(value=short)
        return told.select(hit=pl.col("value") > 0, value="value", _need="need", _holds="holds")

    def reason(self, locale: str) -> pl.Expr:
        zone = self._around.zone
        # A promise is given in whole hours: the next one after what is needed.
        later = (
            pl.col("_holds")
            .dt.convert_time_zone(zone)
            .dt.offset_by("3599999999us")
            .dt.truncate("1h")
            .dt.strftime("%m-%d %H:%M")
        )
        share, days = f"{self.quantile:.0%}", number(pl.col("_need"), 1)
        promised = pl.col("promised_at").dt.convert_time_zone(zone).dt.strftime("%m-%d %H:%M")
        place, to = pl.col("ship_place").fill_null("?"), pl.coalesce("addr_city", "addr_province").fill_null("?")
        if locale.startswith("zh"):
            return pl.format(
                f"{{}} 到 {{}} 需 {{}} 天（{share} 的单能到），承诺 {{}} 太早，可承诺 {{}}",
                place,
                to,
                days,
                promised,
                later,
            )
        return pl.format(
            f"{{}} to {{}} takes {{}} days ({share} of deliveries); promised {{}}, {{}} would hold",
            place,
            to,
            days,
            promised,
            later,
        )
