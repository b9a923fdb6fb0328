"""An amount or quantity far above what is usual here.

Flags:
    orders whose paid `amount`, or `quantity` (of all goods together; by sku and category of one of these), is more than `times`
    the `baseline` (mean or median) of the earlier orders with the same `by` (account, phone, shop, sku, ...) in the `history` before it. Only
    orders strictly earlier count, from the ledger too; the later order is flagged, never the earlier one. `by: category` takes
    each SKU's category from `categories` (a file: sku, category): quantities per category, amounts per combination of
    categories in the order.

Why:
    a taken-over account, a mistyped price or a reseller shows first as an order many times the usual size.

Misses:
    whoever grows slowly. With fewer than `min_history` earlier orders, a baseline of zero, a blank or masked key, or
    (for amounts) another currency than most rows', an order is not evaluable: each currency has its own baseline. So is an
    order with a SKU that has no category, unless another of its SKUs decides.

Settings:
    of: what is compared: the amount, or the quantity
    by: whose usual size it is compared with
    times: above so many times it is flagged
    baseline: mean or median
    history: how far back
    min_history: how many earlier orders it needs
    categories: a table of goods and their categories

金额或件数比平时高得多。

标记什么：
    实付金额（`amount`）或件数（`quantity`：整单合计；按货号、类目比时是其中一个的），超过 `times` 倍基线的订单。基线是同一 `by`（账号、电话、店铺、货号、类目……）
    在它之前 `history` 内各单的均值或中位数。只有严格更早的订单算数，台账里的也算；命中的是后来那张，不是先前的。
    `by: category` 按 `categories`（sku、category 两列）找类目：件数按每个类目比，金额按一单里类目的组合比。

为什么：
    账号被盗、价格标错、黄牛扫货，最先露出来的就是一张比平时大好多倍的单。

漏掉什么：
    慢慢变大的人。之前不足 `min_history` 单、基线为零、归组的值空白或脱敏，都无法判断；金额只与同币种的比，每个币种一条基线。
    有货号没有类目的订单也无法判断，除非它的另一个货号已经定了。

设置：
    of：看什么：amount 金额、quantity 件数
    by：和谁的平时比
    times：几倍起算（超过才命中）
    baseline：mean 均值、median 中位数
    history：往回看多久
    min_history：至少要有多少张更早的单
    categories：商品类目表
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from orderguard.errors import Words
from orderguard.rules.base import Measured, Reach, Span, currency_code, whole_or_null
from orderguard.rules.keys import spelt
from orderguard.rules.reasons import number, sentence, shortened, span_words
from orderguard.rules.tables import SKU, Cell, Shape, Source, decided, exploded, folded_sku, per_order
from orderguard.rules.windows import baseline_before

_BY = {
    "account": "account_key", "buyer_id": "account_key", "phone": "phone_key", "receiver_phone": "phone_key", "shop": "shop",
    "platform": "platform", "address": "address_key", "device": "device_id", "ip": "ip", "city": "city", "province": "province",
}  # fmt: skip
CATEGORIES = Shape({
    "sku": Cell(SKU, required=True),
    "category": Cell(("category", "类目", "品类", "分类", "类别", "商品类目", "商品分类", "一级类目", "tags", "标签"), required=True),
}, pair=("sku", "category"))  # fmt: skip
_ZH = {
    "account": "该账号",
    "buyer_id": "该账号",
    "phone": "该电话",
    "receiver_phone": "该电话",
    "shop": "该店铺",
    "sku": "该商品",
    "category": "该类目",
}

EXAMPLE = """
- id: much-more-than-usual
  kind: outlier
  with: {of: amount, by: account, times: 3, baseline: mean, history: 30d, min_history: 2}
  points: 10
  flags:
    - - {buyer_id: u1, amount: 100, created_at: 2026-11-01 10:00:00, past: true}
      - {buyer_id: u1, amount: 200, created_at: 2026-11-02 10:00:00, past: true}
      - {buyer_id: u1, amount: 450.01, created_at: 2026-11-03 10:00:00}
  passes:
    - - {buyer_id: u1, amount: 100, created_at: 2026-11-01 10:00:00, past: true}
      - {buyer_id: u1, amount: 200, created_at: 2026-11-02 10:00:00, past: true}
      - {buyer_id: u1, amount: 450, created_at: 2026-11-03 10:00:00}
- id: bulk-buyer
  kind: outlier
  with:
    of: quantity
    by: category
    categories: {NF-900: 奶粉, NF-800: 奶粉}      # 或文件名 / or a file: sku, category
    baseline: median
    min_history: 2
  points: 10
  flags:
    - - {basket: {NF-900: 1}, created_at: 2026-11-01 10:00:00, past: true}
      - {basket: {NF-800: 2}, created_at: 2026-11-02 10:00:00, past: true}
      - {basket: {NF-900: 3, NF-800: 2}, created_at: 2026-11-03 10:00:00}
  passes:
    - - {basket: {NF-900: 1}, created_at: 2026-11-01 10:00:00, past: true}
      - {basket: {NF-800: 2}, created_at: 2026-11-02 10:00:00, past: true}
      - {basket: {NF-900: 4}, created_at: 2026-11-03 10:00:00}
      - {basket: {XX-1: 99}, created_at: 2026-11-03 10:00:00}      # 没有类目：无法判断 / no category
"""


class Outlier(Measured):
    """Settings: `of`, `by`, `times` the `baseline` over `history`, and the fewest earlier orders (`min_history`)."""

    of: Literal["amount", "quantity"] = "amount"
    by: Literal[
        "account",
        "buyer_id",
        "phone",
        "receiver_phone",
        "shop",
        "platform",
        "address",
        "device",
        "ip",
        "city",
        "province",
        "sku",
        "category",
    ] = "account"
    times: float = Field(default=3, gt=1, le=10_000)
    baseline: Literal["mean", "median"] = "mean"
    history: Span = timedelta(days=30)
    min_history: int = Field(default=5, ge=1, le=100_000)
    categories: Source | None = None
    later: ClassVar = frozenset({"categories"})

    @field_validator("by", mode="before")
    @classmethod
    def _spelt(cls, by: object) -> object:
        wrong = Words("不能与 {} 的平时比", "cannot compare with what is usual of {}")
        return spelt(by, [*_BY, "sku", "category"], wrong) if isinstance(by, str) else by

    def tables(self) -> dict[str, Shape]:
        return {"categories": CATEGORIES} if self.categories is not None else {}

    @model_validator(mode="after")
    def _settings_fit(self) -> Outlier:
        if (self.by == "category") != (self.categories is not None):
            raise ValueError(
                Words(
                    "by: category 与 categories（商品类目表：sku, category）要一起写",
                    "needs by: category and categories (a file: sku, category) together",
                )
            )
        if self.of == "amount" and self.by == "sku":
            raise ValueError(Words("by: sku 只能用于 of: quantity", "by: sku goes with of: quantity only"))
        return self

    def reach(self) -> Reach:
        return Reach((_BY[self.by],) if self.by in _BY else (), self.history)

    def reads(self) -> set[str]:
        key = {_BY[self.by]} if self.by in _BY else {"basket"}
        return {*key, "created_at", *(("basket",) if self.of == "quantity" else ("amount", "currency"))}

    def _with_goods(self, items: pl.DataFrame) -> pl.DataFrame:
        """Items with `goods`: their SKU, or its category (null where it has none)."""
        items = items.with_columns(goods=folded_sku("sku"))
        table = self.table("categories") if self.by == "category" else None
        if table is None:
            return items
        known = table.select(goods=folded_sku("sku"), category="category").unique(
            "goods", keep="first", maintain_order=True
        )
        return items.join(known, on="goods", how="left", maintain_order="left").with_columns(goods="category")

    def _combined(self, frame: pl.DataFrame) -> pl.Series:
        """The categories of each order's goods as one text; null where one is not known."""
        items = (
            self._with_goods(exploded(frame))
            .group_by("at")
            .agg(text=pl.col("goods").unique().sort().str.join("+"), known=pl.col("goods").is_not_null().all())
        )
        told = items.select("at", text=pl.when("known").then("text"))
        return per_order(len(frame), told)["text"]

    def _sizes(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What is compared: `at` (row), `key`, `size`, `when`, `past`."""
        whole = frame.select("past", when="created_at", at=pl.int_range(pl.len(), dtype=pl.UInt32))
        if self.of == "amount":
            whose = whole_or_null(_BY[self.by]) if self.by in _BY else pl.lit(self._combined(frame))
            key = pl.concat_str(whose, currency_code(), separator="\x1d")
            size = pl.when(pl.col("amount") >= 0).then(pl.col("amount").cast(pl.Float64))
            goods = whose if self.by == "category" else pl.lit("")
            return whole.with_columns(frame.select(key=key, size=size, goods=goods))
        items = self._with_goods(exploded(frame))
        items = items.group_by("at", "goods", maintain_order=True).agg(size=pl.col("quantity").sum())
        if self.by in _BY:
            items = items.group_by("at", maintain_order=True).agg(pl.col("size").sum(), goods=pl.lit(""))
            items = items.with_columns(key=frame.select(whole_or_null(_BY[self.by])).to_series().gather(items["at"]))
        else:
            items = items.with_columns(key="goods")
        return items.join(whole, on="at", how="left", maintain_order="left")

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        sizes = self._sizes(frame)
        usual = baseline_before(
            sizes["key"], sizes["when"], sizes["size"], self.history, self.min_history, median=self.baseline == "median"
        )
        sizes = sizes.with_columns(usual=pl.when(usual > 0).then(usual))
        sizes = sizes.with_columns(ratio=pl.when(~pl.col("past")).then(pl.col("size") / pl.col("usual")))
        most = sizes.filter(pl.col("ratio").is_not_null()).sort("ratio", "goods", descending=[True, False])
        most = most.group_by("at", maintain_order=True).agg(pl.col("ratio", "size", "usual", "goods").first())
        without_baseline = sizes.filter(pl.col("ratio").is_null())["at"]
        hit = decided(pl.col("size") > self.times * pl.col("usual"), without_baseline)
        return per_order(len(frame), most).select(
            pl.col("size", "usual", "goods").name.prefix("_"), hit=hit, value="ratio"
        )

    def reason(self, locale: str) -> pl.Expr:
        zh = locale.startswith("zh")
        return sentence(
            locale,
            zh="{goods}{of} {size}，是{whose}近 {span}{how} {usual} 的 {ratio} 倍（超过 {times} 倍即命中）",
            en="{goods}{of} {size}: {ratio} times the {how} {usual} of this {whose} in {span} (limit {times})",
            goods=pl.when(pl.col("_goods") != "").then(shortened("_goods") + " ").otherwise(pl.lit("")),
            of={"amount": "金额", "quantity": "件数"}[self.of] if zh else self.of,
            size=number(pl.col("_size"), 2),
            whose=_ZH.get(self.by, self.by) if zh else self.by,
            span=span_words(self.history, locale),
            how={"mean": "均值", "median": "中位数"}[self.baseline] if zh else self.baseline,
            usual=number(pl.col("_usual"), 2),
            ratio=number(pl.col("value"), 1),
            times=self.times,
        )
