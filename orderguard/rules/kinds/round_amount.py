"""Round amounts without a word.

Flags:
    orders whose paid amount is a positive multiple of `multiple_of` while the note is blank.

Why:
    stored-value laundering and brushing pay round sums, and nobody behind them writes a note.

Misses:
    round sums with a note, sums just beside a round one, shops that price in round sums (give the rule a scope).
    An amount in another currency, or an export without a note column, is not evaluable.

Settings:
    multiple_of: a multiple of so many
    note: the column that must be blank: buyer_note or seller_note; null looks at none
    currency: only this currency; null means any

整数金额，一句话都没留。

标记什么：
    实付金额是 `multiple_of` 的正整数倍、而且留言为空的订单。

为什么：
    套现和刷单付整数，背后的人不写留言。

漏掉什么：
    写了留言的整数、差一点点的整数；本来就按整数定价的店（用 `only:` 限定范围）。
    其他币种的金额、没有留言列的导出，无法判断。

设置：
    multiple_of：多少元的整数倍
    note：哪一列必须为空：buyer_note 买家留言、seller_note 卖家备注；null 表示不看留言
    currency：只看哪个币种；null 表示都看
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import polars as pl
from pydantic import Field

from orderguard.columns import MONEY, YUAN
from orderguard.rules.base import Kind, blank, currency_code, currency_is
from orderguard.rules.reasons import number, sentence


class RoundAmount(Kind):
    """Settings: `multiple_of` in yuan, the `note` column that must be blank, the `currency` it holds for."""

    multiple_of: Decimal = Field(default=Decimal(1000), gt=0, le=Decimal(10_000_000), decimal_places=2)
    note: Literal["buyer_note", "seller_note"] | None = "buyer_note"
    currency: str | None = "CNY"

    def hit(self) -> pl.Expr:
        amount = pl.col("amount")
        unit = pl.lit(str(self.multiple_of)).cast(MONEY)  # a Decimal literal would import numpy
        flagged = (amount > 0) & (amount % unit == 0)
        if self.note:
            flagged = flagged & blank(pl.col(self.note))
        return pl.when(currency_is(self.currency)).then(flagged)

    def value(self) -> pl.Expr:
        return pl.col("amount").cast(pl.Float64)

    def _unit(self, yuan: str, before: str) -> pl.Expr:
        """What stands behind a sum: yuan in words, another currency by its code; an order without one is in the rule's."""
        own = (self.currency or "CNY").upper()
        code = pl.when(pl.col("currency").is_null() & (own not in YUAN)).then(pl.lit(own)).otherwise(currency_code())
        return pl.when(code == "CNY").then(pl.lit(yuan)).otherwise(pl.concat_str(pl.lit(before), code))

    def reason(self, locale: str) -> pl.Expr:
        return sentence(
            locale,
            zh="实付 {paid} {in_words}，是 {unit} {in_words}的整数倍" + ("，且留言为空" if self.note else ""),
            en="paid {paid}{code}, a multiple of {unit}" + (", without a note" if self.note else ""),
            paid=number(pl.col("amount"), 2),
            unit=f"{self.multiple_of.normalize():f}",
            in_words=self._unit("元", ""),
            code=self._unit("", " "),
        )
