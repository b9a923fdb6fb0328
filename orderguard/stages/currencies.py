"""What the rulebook says about sums whose currency no export tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.frames import platform_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.rules.model import Currencies


def settled_for(platform: str, given: Currencies, ids: Mapping[str, str]) -> bool:
    """Whether the rulebook says it for every order of a platform, so that nothing need be guessed."""
    return given.default is not None or platform in {ids.get(w.casefold(), w.casefold()) for w in given.platform}


def with_currencies(orders: pl.DataFrame, given: Currencies, ids: Mapping[str, str]) -> pl.DataFrame:
    """Orders that name no currency in that of their shop, else of their platform, else of all; null where none is given.

    Args:
        orders: as they were folded.
        given: the rulebook's `currency:`.
        ids: words for platforms (casefolded) -> platform id.
    """
    if not (given.default or given.platform or given.shop) or not orders["currency"].null_count():
        return orders
    shops = {name.casefold(): code for name, code in given.shop.items()}
    platforms = {ids.get(name.casefold(), name.casefold()): code for name, code in given.platform.items()}
    platform = platform_id(ids)
    told = pl.coalesce(
        "currency",
        pl.col("shop").str.to_lowercase().replace_strict(shops, default=None, return_dtype=pl.String),
        platform.replace_strict(platforms, default=None, return_dtype=pl.String),
        pl.lit(given.default, dtype=pl.String),
    )
    return orders.with_columns(told.alias("currency"))
