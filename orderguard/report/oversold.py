"""Which goods were sold beyond stock, as the findings of stock rules tell it."""

from __future__ import annotations

from typing import Any

import polars as pl

KIND = "oversell"
"""The kind of rule whose findings name an article and how many are short."""
_NAMED = r"^(.+?) (?:超卖|oversold)"


def skus(short: pl.DataFrame) -> list[dict[str, Any]]:
    """Per article `sku orders units`, the shortest first.

    Args:
        short: findings of stock rules: `key value reason`; a finding counts for the article that its reason names first.
    """
    told = short.unique(["key", "rule_id"], keep="last").with_columns(sku=pl.col("reason").str.extract(_NAMED))
    per = (
        told.group_by("sku")
        .agg(orders=pl.len(), units=pl.col("value").sum())
        .sort("units", "sku", descending=[True, False])
    )
    return per.to_dicts()
