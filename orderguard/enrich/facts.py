"""Adds the facts that rules ask for, and only those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.enrich.persons import person_keys
from orderguard.enrich.phones import phone_facts
from orderguard.enrich.places import farther_than, locate

if TYPE_CHECKING:
    from collections.abc import Mapping

_PHONE = {
    "phone_key",
    "phone_region",
    "phone_province",
    "phone_city",
    "phone_country",
    "phone_lat",
    "phone_lon",
    "phone_why",
}
_SHIP = {"ship_place", "ship_lat", "ship_lon"}
_DISTANCE = {"phone_km"}


class Origins:
    """Where orders leave from when the export does not say: by warehouse, shop, platform, or by default.

    Args:
        default: a place, or None.
        platform, shop, warehouse: names -> places.
        synonyms: words for one platform.
    """

    def __init__(
        self,
        default: str | None = None,
        platform: Mapping[str, str] | None = None,
        shop: Mapping[str, str] | None = None,
        warehouse: Mapping[str, str] | None = None,
        synonyms: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self.default = default
        self.shop = dict(shop or {})
        self.warehouse = dict(warehouse or {})
        words = synonyms or {}
        self.words = {word: min(same) for word, same in words.items()}
        self.platform = {
            same: place
            for name, place in (platform or {}).items()
            for same in words.get(name.casefold(), {name.casefold()})
        }

    def text(self) -> pl.Expr:
        """The ship-from text per order: its own (renamed by `warehouse`), else its shop's, platform's, the default."""
        own = pl.col("ship_from")
        if self.warehouse:
            own = own.replace(self.warehouse)
        parts = [own]
        if self.shop:
            parts.append(pl.col("shop").replace_strict(self.shop, default=None, return_dtype=pl.String))
        if self.platform:
            folded = pl.col("platform").str.to_lowercase()
            parts.append(folded.replace_strict(self.platform, default=None, return_dtype=pl.String))
        return pl.coalesce([*parts, pl.lit(self.default, dtype=pl.String)])


def add_facts(
    orders: pl.DataFrame, needed: set[str], limits: Mapping[str, set[float]], origins: Origins
) -> pl.DataFrame:
    """`orders` with the needed facts of `columns.FACTS` (and coordinates) added.

    Args:
        orders: the orders frame.
        needed: columns that something downstream reads.
        limits: thresholds near which `phone_km` must decide as a geodesic does.
        origins: ship-from places for orders that name none.
    """
    if needed & _DISTANCE:
        needed = needed | {"phone_lat", "phone_lon"} | _SHIP
    if "person_key" in needed:
        needed = needed | {"phone_key"}
    if needed & _PHONE:
        orders = orders.with_columns(phone_facts(orders["receiver_phone"], only=needed & _PHONE).get_columns())
    if needed & _SHIP:
        place = locate(orders.select(origins.text().alias("ship"))["ship"])
        orders = orders.with_columns(
            place["place"].alias("ship_place"), place["lat"].alias("ship_lat"), place["lon"].alias("ship_lon")
        )
    if needed & _DISTANCE:
        orders = orders.with_columns(_distance(orders, limits.get("phone_km", set())))
    if needed & {"address_key", "person_key"}:
        orders = orders.with_columns(address_key())
    if "person_key" in needed:
        orders = orders.with_columns(person_keys(orders, origins.words))
    return orders


def _distance(orders: pl.DataFrame, limits: set[float]) -> pl.Series:
    columns = ("phone_lat", "phone_lon", "ship_lat", "ship_lon")
    km = None
    for limit in sorted(limits) or [2000.0]:
        found = farther_than(orders.select(columns), limit, columns)["km"]
        # Near each limit the exact figure replaces the quick one; elsewhere they are the same.
        km = (
            found
            if km is None
            else pl.select(pl.when((found - limit).abs() <= 0.01 * limit).then(found).otherwise(km)).to_series()
        )
    assert km is not None  # noqa: S101 - the loop runs at least once
    return km.alias("phone_km")


def address_key() -> pl.Expr:
    """Region and address without blanks; null when blank or masked, so that it never groups."""
    parts = [pl.col(c).fill_null("") for c in ("province", "city", "district", "address")]
    text = pl.concat_str(parts).str.normalize("NFKC").str.replace_all(r"[\s\u3000]+", "")
    whole = (pl.col("address").str.len_chars() >= 4) & ~text.str.contains("*", literal=True)
    return pl.when(whole).then(text).alias("address_key")
