"""An amount or quantity far above what is usual here.

Flags:
    orders whose paid `amount`, or the quantity of one of its SKUs, is more than `times` the `baseline` (mean or
    median) of the earlier orders with the same `by` (account, phone, shop, sku, ...) in the `history` before it. Only
    orders strictly earlier count, from the ledger too; the later order is flagged, never the earlier one.

Why:
    a taken-over account, a mistyped price or a reseller shows first as an order many times the usual size.

Misses:
    whoever grows slowly. With fewer than `min_history` earlier orders, a baseline of zero, a blank or masked key, or
    (for amounts) another currency than most rows', an order is not evaluable: each currency has its own baseline.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import polars as pl
from pydantic import Field, model_validator

from orderguard.errors import Words
from orderguard.rules.base import Kind, Reach, Span, number, span_words, whole_or_null
from orderguard.rules.tables import exploded, folded_sku
from orderguard.rules.windows import baseline_before

_BY = {
    "account": "account_key", "buyer_id": "account_key", "phone": "phone_key", "receiver_phone": "phone_key", "shop": "shop",
    "platform": "platform", "address": "address_key", "device": "device_id", "ip": "ip", "city": "city", "province": "province",
}  # fmt: skip
_ZH = {
    "account": "该账号",
    "buyer_id": "该账号",
    "phone": "该电话",
    "receiver_phone": "该电话",
    "shop": "该店铺",
    "sku": "该商品",
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
"""


class Outlier(Kind):
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
    ] = "account"
    times: float = Field(default=3, gt=1, le=10_000)
    baseline: Literal["mean", "median"] = "mean"
    history: Span = timedelta(days=30)
    min_history: int = Field(default=5, ge=1, le=100_000)

    @model_validator(mode="after")
    def _fits(self) -> Outlier:
        if self.of == "amount" and self.by == "sku":
            raise ValueError(Words("by: sku 只能用于 of: quantity", "by: sku goes with of: quantity only"))
        return self

    def reach(self) -> Reach:
        return Reach(() if self.by == "sku" else (_BY[self.by],), self.history)

    def reads(self) -> set[str]:
        key = set() if self.by == "sku" else {_BY[self.by]}
        return {*key, "created_at", *(("basket",) if self.of == "quantity" else ("amount", "currency"))}

    def hit(self) -> pl.Expr:
        return pl.col("value") > self.times

    def value(self) -> pl.Expr:
        return pl.col("value")

    def _sizes(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What is compared: `at` (row), `key`, `size`, `when`, `past`."""
        whole = frame.select("past", when="created_at", at=pl.int_range(pl.len(), dtype=pl.UInt32))
        if self.of == "amount":
            money = pl.col("currency").str.to_uppercase().fill_null("CNY").replace("RMB", "CNY")
            key = pl.concat_str(whole_or_null(_BY[self.by]), money, separator="\x1d")
            size = pl.when(pl.col("amount") >= 0).then(pl.col("amount").cast(pl.Float64))
            return whole.with_columns(frame.select(key=key, size=size, goods=pl.lit("")))
        items = (
            exploded(frame)
            .group_by("at", goods=folded_sku("sku"), maintain_order=True)
            .agg(size=pl.col("quantity").sum())
        )
        if self.by != "sku":
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
        # An item without a baseline leaves the order undecided, unless another decides it.
        blind = sizes.filter(pl.col("ratio").is_null())["at"].unique()
        rows = pl.DataFrame({"at": pl.int_range(len(frame), dtype=pl.UInt32, eager=True)})
        out = rows.join(most, on="at", how="left", maintain_order="left")
        flagged = pl.col("size") > self.times * pl.col("usual")
        hit = pl.when(flagged).then(flagged).when(~pl.col("at").is_in(blind.implode())).then(flagged)
        return out.select(pl.col("size", "usual", "goods").name.prefix("_"), hit=hit, value="ratio")

    def reason(self, locale: str) -> pl.Expr:
        zh, span = locale.startswith("zh"), span_words(self.history, locale)
        size, usual, ratio = number(pl.col("_size"), 2), number(pl.col("_usual"), 2), number(pl.col("value"), 1)
        of = {"amount": ("金额", "amount"), "quantity": ("件数", "quantity")}[self.of][0 if zh else 1]
        how = {"mean": ("均值", "mean"), "median": ("中位数", "median")}[self.baseline][0 if zh else 1]
        goods = pl.when(pl.col("_goods") != "").then(pl.col("_goods").str.slice(0, 40) + " ").otherwise(pl.lit(""))
        if zh:
            whose = _ZH.get(self.by, self.by)
            return pl.format(
                f"{{}}{of} {{}}，是{whose}近 {span}{how} {{}} 的 {{}} 倍（超过 {self.times:g} 倍即命中）",
                goods,
                size,
                usual,
                ratio,
            )
        return pl.format(
            f"{{}}{of} {{}}: {{}} times the {how} {{}} of this {self.by} in {span} (limit {self.times:g})",
            goods,
            size,
            ratio,
            usual,
        )
