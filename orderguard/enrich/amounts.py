"""Amounts in one currency, so that a rule can compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import YUAN

if TYPE_CHECKING:
    from collections.abc import Mapping


def in_yuan(rates: Mapping[str, float]) -> pl.Expr:
    """`amount_cny` (Float64), the paid amount in yuan.

    An order without a currency is in yuan; one in a currency that has no rate is null.

    Args:
        rates: currency code in capitals -> what one unit is worth in yuan.
    """
    worth = {"": 1.0, **dict.fromkeys(YUAN, 1.0), **rates}
    currency = pl.col("currency").fill_null("").str.strip_chars().str.to_uppercase()
    rate = currency.replace_strict(worth, default=None, return_dtype=pl.Float64)
    return (pl.col("amount").cast(pl.Float64) * rate).round(2).alias("amount_cny")
