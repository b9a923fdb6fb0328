"""A fresh account that redeems a coupon with its first order.

Flags:
    orders of an account registered at most `within` before the order, with at most `prior_orders` earlier
    orders, in which a coupon was used (unless `coupon: false`).

Why:
    coupon farmers open accounts by the hundred, each for one discounted order.

Misses:
    accounts bought with an age. Without registration time, order history or coupon column (most platforms do not
    export them: use `--lookup`) an order is not evaluable, unless one known fact already clears it.

Settings:
    within: registered at most so long before the order
    prior_orders: at most so many earlier orders
    coupon: whether a coupon must have been used

新账号首单就用券。

标记什么：
    下单前不超过 `within` 才注册、之前的订单不超过 `prior_orders` 张、而且用了优惠券的订单（`coupon: false` 则不管用没用券）。

为什么：
    薅券的人成百地开账号，每个只下一张优惠单。

漏掉什么：
    买来的老账号。没有注册时间、历史单数或优惠券列时无法判断（多数平台不导出：用 `--lookup` 补），
    除非已知的一项就足以放过它。

设置：
    within：注册多久以内
    prior_orders：之前的订单最多几张
    coupon：是否必须用了券
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from pydantic import Field

from orderguard.frames import divided
from orderguard.rules.base import Kind, Span, at_earliest, blank
from orderguard.rules.reasons import number, sentence, span_words

_SKEW = timedelta(days=1)
"""A registration up to a day after the order is clock skew or a date without a time; later is contradictory."""


class NewAccount(Kind):
    """Settings: `within` (account age), `prior_orders` (at most), `coupon` (must be used)."""

    within: Span
    prior_orders: int = Field(default=0, ge=0, le=1000)
    coupon: bool = True

    def _age(self) -> pl.Expr:
        return at_earliest(pl.col("created_at")) - at_earliest(pl.col("registered_at"))

    def hit(self) -> pl.Expr:
        young = pl.when(self._age() >= -_SKEW).then(self._age() <= self.within)
        flagged = young & (pl.col("prior_orders") <= self.prior_orders)
        return flagged & ~blank(pl.col("coupon")) if self.coupon else flagged

    def value(self) -> pl.Expr:
        return divided(self._age().dt.total_seconds(), 86_400).clip(0)

    def reason(self, locale: str) -> pl.Expr:
        first = self.prior_orders == 0
        zh = "账号注册仅 {days} 天（{limit}内即命中），" + ("首单" if first else "历史订单不超过 {earlier}")
        en = "account {days} days old (limit {limit}), " + (
            "first order" if first else "at most {earlier} earlier orders"
        )
        return sentence(
            locale,
            zh + ("，使用了优惠券" if self.coupon else ""),
            en + (", coupon used" if self.coupon else ""),
            days=number(self.value(), 1),
            limit=span_words(self.within, locale),
            earlier=self.prior_orders,
        )
