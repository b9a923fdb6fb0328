"""Where too many earlier orders came back.

Flags:
    orders whose `by` (province, city, account, phone, sku, shop, ...) had more than `more_than` per cent of its earlier
    orders, of the `history` before this one, returned: refunded, being refunded, or closed after they were paid, by the
    newest status that any export told the ledger; or listed in `returns` (a file: order_id), where there is one.
    Only orders strictly earlier count, each once, and never the order itself. `provinces` limits it to receivers there
    (remote regions, say); their orders elsewhere are clean. With `by: sku` one SKU of the order is enough.

Why:
    a return from far away costs two freights. Where every sixth order comes back, a call before shipping is cheaper.

Misses:
    returns that nobody told: scan the exports of shipped, closed and refunded orders too, or name the after-sales file.
    An order counts from when it is known to be shipped or over, so one that was only ever seen as paid says nothing, unless
    there is a `returns` file; one that was closed unpaid never left and does not count. With fewer than `min_orders` of those, a blank or masked key, or no province, an order is not
    evaluable. What was shipped yesterday may still come back: the newest days' share is too low.

Settings:
    by: what the share is told of
    more_than: above so many per cent it is flagged
    history: how far back
    min_orders: how many earlier orders with a known end it needs
    provinces: only receivers in these provinces
    returns: an after-sales file: the orders that came back

以往退货退款太多的地方。

标记什么：
    同一 `by`（省、市、账号、电话、货号、店铺……）在本单之前 `history` 内的订单里，退回的超过 `more_than`% 的订单。退回的是：已退款、退款中、
    付过款又关闭的，以历次导出告诉台账的最新状态为准；写了 `returns`（有 order_id 一列的文件）则列在里面的也算。只有严格更早的订单算数，
    每单只算一次，从不算本单自己。`provinces` 只看收货省在其中的订单（例如偏远地区），别处的订单算没问题。`by: sku` 时一单里有一个货号超过即命中。

为什么：
    偏远地区退一单要付两趟运费。六单退一单的地方，发货前打个电话更便宜。

漏掉什么：
    没人告诉台账的退货：已发货、已关闭、已退款的导出也要扫描，或写上售后文件。订单要已知发货或已结束才算数，只见过“已付款”的不说明什么
    （写了 `returns` 则算）；没付款就关闭的从未发出，不算。这样的订单不足 `min_orders` 单、归组的值空白或脱敏、不知道省份，都无法判断。
    昨天发货的还可能退回：最近几天的比例偏低。

设置：
    by：按什么算比例
    more_than：超过百分之几命中
    history：往回看多久
    min_orders：至少要有多少张已知结果的更早的单
    provinces：只看收货省在其中的订单
    returns：售后文件：退回的订单
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

import polars as pl
from pydantic import BeforeValidator, Field, field_validator

from orderguard.errors import Words, closest
from orderguard.persons import name_at_address
from orderguard.rules.base import Measured, Reach, Span, per_cent, whole_or_null
from orderguard.rules.keys import EN, ZH, spelt
from orderguard.rules.reasons import number, sentence, shortened, span_words
from orderguard.rules.tables import Cell, Shape, Source, decided, exploded, folded_sku, per_order, short_region
from orderguard.rules.windows import shares_before

_BY = {
    "province": ("addr_province",), "city": ("addr_province", "addr_city"), "district": ("addr_province", "addr_city", "addr_district"),
    "account": ("account_key",), "phone": ("phone_key",), "receiver": ("address_key",), "address": ("address_key",), "device": ("device_id",),
    "shop": ("shop",), "platform": ("platform",),
}  # fmt: skip
_PROVINCES = [
    "北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北",
    "湖南", "广东", "广西", "海南", "重庆", "四川", "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆", "台湾", "香港", "澳门",
]  # fmt: skip
RETURNS = Shape({
    "order_id": Cell(("order_id", "订单编号", "订单号", "主订单编号", "平台订单号", "order id", "order number"), required=True),
})  # fmt: skip

EXAMPLE = """
- id: remote-returns
  kind: return_rate
  with: {by: province, provinces: [新疆, 西藏, 青海], history: 90d, more_than: 15, min_orders: 4}
  points: 15
  flags:
    - - {address: 新疆乌鲁木齐市天山区人民路1号, stage: done, created_at: 2026-11-01 10:00:00, past: true}
      - {address: 新疆乌鲁木齐市天山区人民路2号, stage: shipped, created_at: 2026-11-01 11:00:00, past: true}
      - {address: 新疆喀什市人民路3号, stage: done, created_at: 2026-11-01 12:00:00, past: true}
      - {address: 新疆喀什市人民路4号, stage: refunded, created_at: 2026-11-01 13:00:00, past: true}
      - {address: 新疆喀什市人民路5号, created_at: 2026-11-11 10:00:00}
  passes:
    - - {address: 新疆乌鲁木齐市天山区人民路1号, stage: done, created_at: 2026-11-01 10:00:00, past: true}
      - {address: 新疆乌鲁木齐市天山区人民路2号, stage: paid, created_at: 2026-11-01 11:00:00, past: true}
      - {address: 新疆喀什市人民路3号, stage: done, created_at: 2026-11-01 12:00:00, past: true}
      - {address: 新疆喀什市人民路4号, stage: refunded, created_at: 2026-11-01 13:00:00, past: true}
      - {address: 新疆喀什市人民路5号, created_at: 2026-11-11 10:00:00}      # 只有 3 单知道结果：无法判断 / 3 known only
      - {address: 浙江省杭州市西湖区文三路1号, created_at: 2026-11-11 10:00:00}
- id: sku-comes-back
  kind: return_rate
  with: {by: sku, more_than: 30, min_orders: 2, returns: [{order_id: "A1"}]}
  points: 5
  flags:
    - - {order_id: A1, basket: {NF-900: 1}, stage: paid, created_at: 2026-11-01 10:00:00, past: true}
      - {order_id: A2, basket: {NF-900: 2}, stage: paid, created_at: 2026-11-01 11:00:00, past: true}
      - {order_id: A3, basket: {NF-900: 1, NF-800: 1}, created_at: 2026-11-11 10:00:00}
  passes:
    - - {order_id: A1, basket: {NF-900: 1}, stage: paid, created_at: 2026-11-01 10:00:00, past: true}
      - {order_id: A2, basket: {NF-900: 2}, stage: paid, created_at: 2026-11-01 11:00:00, past: true}
      - {order_id: A3, basket: {NF-900: 2}, stage: paid, created_at: 2026-11-01 12:00:00, past: true}
      - {order_id: A4, basket: {NF-900: 2}, stage: done, created_at: 2026-11-01 13:00:00, past: true}
      - {order_id: A5, basket: {NF-900: 1}, created_at: 2026-11-11 10:00:00}
"""


class ReturnRate(Measured):
    """Settings: `by`, `more_than` (per cent) of at least `min_orders` in the `history`; `provinces`; `returns` (a file)."""

    every: ClassVar = True
    by: Literal[
        "province", "city", "district", "account", "phone", "receiver", "address", "device", "shop", "platform", "sku"
    ] = "province"
    more_than: Annotated[float, BeforeValidator(per_cent), Field(gt=0, lt=100)] = 15
    history: Span = timedelta(days=90)
    min_orders: int = Field(default=30, ge=1, le=1_000_000)
    provinces: list[str] = Field(default_factory=list)
    returns: Source | None = None

    @field_validator("by", mode="before")
    @classmethod
    def _spelt(cls, by: object) -> object:
        return spelt(by, [*_BY, "sku"], Words("不能按 {} 算", "cannot be told of {}")) if isinstance(by, str) else by

    @field_validator("provinces")
    @classmethod
    def _known_provinces(cls, names: list[str]) -> list[str]:
        odd = next((n for n in names if not n.startswith(tuple(_PROVINCES))), None)
        if odd is not None:
            hint = closest(odd, _PROVINCES)
            raise ValueError(Words(f"没有省份 '{odd}'；{hint.zh}", f"has no province '{odd}'; {hint.en}"))
        return names

    def tables(self) -> dict[str, Shape]:
        return {"returns": RETURNS} if self.returns is not None else {}

    def reach(self) -> Reach:
        return Reach(_BY.get(self.by, ()), self.history)

    def reads(self) -> set[str]:
        more = {"receiver": {"receiver_name"}, "sku": {"basket"}}.get(self.by, set())
        where = {"addr_province"} if self.provinces else set[str]()
        return {*_BY.get(self.by, ()), *more, *where, "created_at", "stage", "paid_at"}

    def _returned(self) -> pl.Expr:
        """Whether an order came back; null where nobody knows, or nothing was ever paid."""
        stage = pl.col("stage")
        back = stage.is_in(["refunded", "refunding"]) | ((stage == "closed") & pl.col("paid_at").is_not_null())
        told = pl.when(back).then(pl.lit(value=True)).when(stage.is_in(["shipped", "done"])).then(pl.lit(value=False))
        if self.returns is None:
            return told
        listed = pl.col("order_id").is_in(self.rows("returns")["order_id"].str.strip_chars(" '").implode())
        took_place = pl.when(~stage.is_in(["unpaid", "closed"]).fill_null(value=False)).then(pl.lit(value=False))
        return pl.when(listed).then(pl.lit(value=True)).otherwise(pl.coalesce(told, took_place))

    def _keys(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`at` (row of the order) and `key`, one for each SKU where it is by SKU."""
        if self.by == "sku":
            return exploded(frame).select("at", key=folded_sku("sku")).unique(maintain_order=True)
        names = _BY[self.by]
        one = [name_at_address()] if self.by == "receiver" else [whole_or_null(n) for n in names]
        return frame.select(at=pl.int_range(pl.len(), dtype=pl.UInt32), key=pl.concat_str(one, separator=" "))

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        told = frame.select("past", when="created_at", back=self._returned())
        rows = self._keys(frame)
        mine = told.select(pl.all().gather(rows["at"]))
        rows = pl.concat(
            [rows, mine, shares_before(rows["key"], mine["when"], mine["back"], self.history)], how="horizontal"
        )
        rows = rows.filter(~pl.col("past")).with_columns(
            rate=pl.when(pl.col("of") >= self.min_orders).then(100 * pl.col("true") / pl.col("of"))
        )
        too_few = rows.filter(pl.col("rate").is_null())["at"]
        most = rows.drop_nulls("rate").select("at", "key", "of", "true", "rate")
        if self.by == "sku":  # several of an order
            most = most.sort("rate", "key", descending=[True, False]).unique("at", keep="first", maintain_order=True)
        out = per_order(len(frame), most)
        hit = decided(100 * pl.col("true") > self.more_than * pl.col("of"), too_few)
        if self.provinces:
            there = short_region(frame["addr_province"]).is_in(
                [short_region(pl.Series([p]))[0] for p in self.provinces]
            )
            hit = pl.when(~pl.lit(there)).then(pl.lit(value=False)).when(pl.lit(there)).then(hit)
        return out.select(pl.col("key", "of", "true").name.prefix("_"), hit=hit, value="rate")

    def reason(self, locale: str) -> pl.Expr:
        column = _BY.get(self.by, ("sku",))[-1]
        named = column.startswith("addr_") or self.by == "sku"
        whose = f"该{ZH.get(column, self.by)}" if locale.startswith("zh") else f"this {EN.get(column, self.by)}"
        return sentence(
            locale,
            zh="{what}近 {span} {of} 单退回 {true} 单，占 {rate}%（超过 {limit}% 即命中）",
            en="{what}: of {of} orders in {span} {true} came back, {rate}% (limit {limit}%)",
            what=shortened("_key") if named else pl.lit(whose),
            span=span_words(self.history, locale),
            of=pl.col("_of"),
            true=pl.col("_true"),
            rate=number(pl.col("value"), 1),
            limit=self.more_than,
        )
