"""A promise that this route cannot keep.

Flags:
    orders promised (`promised_at`; a promise of a day holds to its end) earlier than payment (ordering where unpaid) plus
    what the way from their ship-from place to their address needs: the time within which the `quantile` of past
    deliveries arrived. These are a table (`lead_times`: from, to, days; a row may stand for several: `deliveries`) or, without
    one, the shop's own orders, from the ledger too: those placed in the `history` before the order's day that had arrived
    (`until: delivered_at`, or `shipped_at` where the platform's promise is to ship) when that day began. The pair of
    cities counts where it has `min_history` deliveries, else city to province, else province to city, else the provinces. The reason
    names a promise that would hold.

Why:
    a promise that breaks costs a fine and a refund; it is cheaper to say a later one before shipping.

Misses:
    holidays, storms, carriers that became faster or slower since. The ledger knows an arrival only from an export that was
    scanned again after it, with a column such as 签收时间 or 送达时间 (发货时间 for `shipped_at`); the buyer's own confirmation (确认收货时间)
    comes days later and is none. Orders without a promise, a time, a known ship-from place or a region in the address, and
    routes with too few deliveries, are not evaluable.

Settings:
    lead_times: a table of ways and times; without it they are learned from earlier orders
    history: how far back orders are learned from
    until: what is learned: delivered_at or shipped_at
    quantile: 0.9 = what nine of ten parcels keep
    min_history: how many orders a way needs

这条线路做不到的发货承诺。

标记什么：
    承诺时间（`promised_at`；只写到日的承诺，当天结束前都算）早于“付款时间（未付款按下单）+ 从发货地到收货地所需时间”的订单。
    所需时间是过去这条线路的 `quantile` 分位：九成的件在这之内送到。过去的件从时效表 `lead_times` 来（始发、到达、天数；
    一行可代表多单：`deliveries`）；没有表就从店里自己的订单学，台账里的也算：订单当天开始前 `history` 之内下单、
    而且当天开始时已经送到的（`until: delivered_at`；平台考核发货的写 `shipped_at`）。两市之间够 `min_history` 单就按两市，
    不够依次按市到省、省到市、省到省。原因里会写一个做得到的承诺时间。

为什么：
    承诺落空要罚款、要退款；发货前把时间说晚一点便宜得多。

漏掉什么：
    节假日、暴雪、快递最近变快变慢。台账要等签收之后再扫一次导出、而且导出里有签收时间、送达时间这样的列
    （`shipped_at` 要发货时间），才知道到没到；买家的“确认收货时间”晚好几天，不算。没有承诺时间、没有付款或下单时间、
    发货地或收货地区未知、历史单量太少的线路，无法判断。

设置：
    lead_times：时效表；不写就从历史订单学
    history：往回看多久的订单
    until：学的是什么：delivered_at 送到，shipped_at 发出
    quantile：分位，0.9 即九成的件能做到
    min_history：一条线路至少要有多少单
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from orderguard.columns import to_the_day
from orderguard.errors import Words
from orderguard.frames import divided
from orderguard.rules.base import Measured, Reach, Span, at_earliest
from orderguard.rules.leads import ENDS, at_latest, by_history, by_table
from orderguard.rules.reasons import number, sentence
from orderguard.rules.tables import Cell, Shape, Source

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
- id: later-than-usual
  kind: delivery_promise
  with: {quantile: 0.5, history: 30d, min_history: 2}      # 从台账学 / learnt from the ledger
  points: 10
  flags:
    - - {ship_from: 杭州仓, address: 北京市海淀区某路1号, created_at: 2026-11-01 10:00:00, delivered_at: 2026-11-03 10:00:00, past: true}
      - {ship_from: 杭州仓, address: 北京市海淀区某路2号, created_at: 2026-11-01 10:00:00, delivered_at: 2026-11-05 10:00:00, past: true}
      - {ship_from: 杭州仓, address: 北京市朝阳区某路3号, created_at: 2026-11-11 10:00:00, promised_at: 2026-11-13 09:59:59}
  passes:
    - - {ship_from: 杭州仓, address: 北京市海淀区某路1号, created_at: 2026-11-01 10:00:00, delivered_at: 2026-11-03 10:00:00, past: true}
      - {ship_from: 杭州仓, address: 北京市海淀区某路2号, created_at: 2026-11-01 10:00:00, delivered_at: 2026-11-05 10:00:00, past: true}
      - {ship_from: 杭州仓, address: 北京市朝阳区某路3号, created_at: 2026-11-11 10:00:00, promised_at: 2026-11-13 10:00:00}
      - {ship_from: 杭州仓, address: 广东省深圳市某路4号, created_at: 2026-11-11 10:00:00, promised_at: 2026-11-11 11:00:00}
"""


class DeliveryPromise(Measured):
    """Settings: `lead_times` (a file or the table itself), or none to learn from `history`; `quantile`, `min_history`, `until`.

    `until` says what is learnt: when an order was delivered, or when it was shipped.
    """

    later: ClassVar = frozenset({"history", "until"})
    lead_times: Source | None = None
    history: Span = timedelta(days=90)
    until: Literal["delivered_at", "shipped_at"] = "delivered_at"
    quantile: float = Field(default=0.9, gt=0, lt=1)
    min_history: int = Field(default=5, ge=1, le=1_000_000)

    @field_validator("lead_times", mode="before")
    @classmethod
    def _words_for_the_ledger(cls, given: object) -> object:
        return None if given in ("ledger", "history", "台账") else given

    @model_validator(mode="after")
    def _table_or_history(self) -> DeliveryPromise:
        if self.lead_times is not None and self.model_fields_set & {"history", "until"}:
            raise ValueError(
                Words(
                    "lead_times 与 history、until 只能写一种：写了时效表就不从台账学",
                    "takes lead_times, or history and until: with a table nothing is learnt from the ledger",
                )
            )
        return self

    def tables(self) -> dict[str, Shape]:
        return {} if self.lead_times is None else {"lead_times": LEAD_TIMES}

    def unfit(self, setting: str, table: pl.DataFrame) -> list[tuple[int, Words]]:  # noqa: ARG002 - it has one table
        wrong = table.filter((pl.col("days") < 0) | (pl.col("days") > 366) | (pl.col("deliveries") <= 0))
        said = Words("天数应在 0 到 366 之间，单量应大于 0", "days must be 0 to 366, deliveries above 0")
        return [(row, said) for row in wrong["source_row"]]

    def reach(self) -> Reach:
        # The history counts from the beginning of the order's day, which has 25 hours once a year.
        away = self.history + timedelta(hours=25)
        return Reach() if self.lead_times is not None else Reach(("ship_province", "addr_province"), away)

    def reads(self) -> set[str]:
        arrival = {self.until} if self.lead_times is None else set[str]()
        return {"promised_at", "paid_at", "created_at", "ship_place", *ENDS, *arrival}

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        table = self.table("lead_times")
        if table is None:
            needs = by_history(frame, self.until, self.history, self._around.zone, self.quantile, self.min_history)
        else:
            needs = by_table(frame, table, self.quantile, self.min_history)
        told = frame.select("promised_at", start=at_earliest(pl.coalesce("paid_at", "created_at"))).with_columns(needs)
        told = told.with_columns(_holds=pl.col("start") + pl.duration(seconds=(pl.col("need") * 86_400).round()))
        late = (pl.col("_holds") - at_latest(pl.col("promised_at"))).dt.total_microseconds()
        told = told.with_columns(value=divided(late, 3_600_000_000))
        return told.select("value", "_holds", pl.col("need", "deliveries").name.prefix("_"), hit=pl.col("value") > 0)

    def reason(self, locale: str) -> pl.Expr:
        zone, sent = self._around.zone, self.until == "shipped_at"
        # A promise is given in whole hours: the next one after what is needed.
        later = pl.col("_holds").dt.convert_time_zone(zone).dt.offset_by("3599999999us").dt.truncate("1h")
        promised = pl.col("promised_at").dt.convert_time_zone(zone)
        whole = to_the_day(pl.col("promised_at"))
        return sentence(
            locale,
            zh="{origin} 到 {to} 需 {days} 天（{of} 单中 {share}% 能{done}），承诺 {promised} 太早，可承诺 {later}",
            en="{origin} to {to} takes {days} days ({share}% of {of} {done}); promised {promised}, {later} would hold",
            origin=pl.col("ship_place").fill_null("?"),
            to=pl.coalesce("addr_city", "addr_province").fill_null("?"),
            days=number(pl.col("_need"), 1),
            of=number(pl.col("_deliveries")),
            share=self.quantile * 100,
            done=("发出" if sent else "送到") if locale.startswith("zh") else ("shipments" if sent else "deliveries"),
            promised=pl.when(whole).then(promised.dt.strftime("%m-%d")).otherwise(promised.dt.strftime("%m-%d %H:%M")),
            later=later.dt.strftime("%m-%d %H:%M"),
        )
