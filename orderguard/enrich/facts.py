"""Adds the facts that rules ask for, and only those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS
from orderguard.enrich.addresses import parse_addresses
from orderguard.enrich.phones import phone_facts
from orderguard.enrich.places import farther_than, locate, place_of
from orderguard.frames import platform_id
from orderguard.persons import buyer_name_key, email_key, name_key, person_keys
from orderguard.texts import HAN, mended

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
_SHIP = {"ship_place", "ship_province", "ship_city", "ship_lat", "ship_lon"}
_ADDRESS = {"addr_province", "addr_city", "addr_district", "addr_adcode", "addr_detail", "addr_state"}
_POINTS = {
    "phone_km": ("phone_lat", "phone_lon", "ship_lat", "ship_lon"),
    "address_km": ("addr_lat", "addr_lon", "ship_lat", "ship_lon"),
    "phone_address_km": ("phone_lat", "phone_lon", "addr_lat", "addr_lon"),
}
"""Distances, and the two points each is measured between."""


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
    wanted = [name for name in _POINTS if name in needed]
    needed = needed.union(*(_POINTS[name] for name in wanted))
    if "person_key" in needed:
        needed = needed | {"phone_key"}
    phone_at = ship_at = None
    if needed & _PHONE:
        phone = phone_facts(orders["receiver_phone"], only=(needed & _PHONE) | {"phone_at"})
        phone_at = phone["phone_at"]
        orders = orders.with_columns(phone.drop("phone_at").get_columns())
    if needed & _SHIP:
        text = orders.select(ship=origins.text())
        spelt = text.unique().with_row_index("at")
        ship_at = text.join(spelt, on="ship", how="left", maintain_order="left", nulls_equal=True)["at"]
        place = locate(spelt["ship"])
        names = [n for n in ("place", "province", "city", "lat", "lon") if f"ship_{n}" in needed]
        orders = orders.with_columns(place[n].gather(ship_at).alias(f"ship_{n}") for n in names)
    if needed & (_ADDRESS | {"addr_lat", "addr_lon"}):
        orders = orders.with_columns(parse_addresses(orders).get_columns())
    if needed & {"addr_lat", "addr_lon"}:
        orders = orders.with_columns(_address_points(orders["addr_adcode"], orders["addr_state"]))
    for name in wanted:
        pair = _pair(phone_at, ship_at) if name == "phone_km" else None
        orders = orders.with_columns(_distance(orders, _POINTS[name], limits.get(name, set()), pair).alias(name))
    keys = [key() for names, key in _WRITTEN.items() if needed & set(names)]
    orders = orders.with_columns(keys) if keys else orders
    if needed & {"account_key", "person_key"}:
        orders = orders.with_columns(account_key(origins.words))
    if "person_key" in needed:
        orders = orders.with_columns(person_keys(orders))
    return orders


def _address_points(codes: pl.Series, states: pl.Series) -> list[pl.Series]:
    """Where each address is: its prefecture; null where it cannot be told or says two places."""
    known = pl.select(pl.when(~states.is_in(["contradictory", "ambiguous"])).then(codes)).to_series()
    points = {code: _point(code) for code in known.drop_nulls().unique().to_list()}
    return [
        known.replace_strict({c: p[i] for c, p in points.items()}, default=None, return_dtype=pl.Float64).alias(name)
        for i, name in enumerate(("addr_lat", "addr_lon"))
    ]


def _point(code: int) -> tuple[float | None, float | None]:
    try:
        return place_of(code // 100 * 100)
    except KeyError:  # a county right under its province has no prefecture above it
        return place_of(code)


def _pair(one: pl.Series | None, other: pl.Series | None) -> pl.Series | None:
    """A number for each pair of places, null where one is not known; None where pairs are hardly fewer than orders."""
    if one is None or other is None or one.null_count() == len(one):
        return None
    wide = int(other.max()) + 1  # type: ignore[arg-type]
    if (int(one.max()) + 1) * wide * 2 > len(one):  # type: ignore[arg-type]
        return None
    return one.cast(pl.UInt32) * wide + other.cast(pl.UInt32)


def _distance(
    orders: pl.DataFrame, columns: tuple[str, str, str, str], limits: set[float], pair: pl.Series | None = None
) -> pl.Series:
    """Kilometres between two points of each order; measured once for each `pair` where that is known."""
    if pair is not None:
        known = pl.DataFrame([pair.alias("pair"), *orders.select(columns)]).unique("pair").drop_nulls("pair")
        measured = _distance(known, columns, limits)
        every = pl.Series([None], dtype=pl.Float64).new_from_index(0, int(pair.max() or 0) + 1)  # type: ignore[arg-type]
        return every.scatter(known["pair"], measured).gather(pair)
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
    return km


def account_key(same: Mapping[str, str]) -> pl.Expr:
    """Platform (one word for all its names) and account; null when blank or masked, so that it never groups."""
    account = pl.col("buyer_id").str.strip_chars(BLANKS)
    whole = (account != "") & ~account.str.contains("*", literal=True)
    platform = platform_id(same)
    return pl.when(whole).then(platform + " " + account).alias("account_key")


def address_key() -> pl.Expr:
    """Region and address without blanks; null when blank or masked, so that it never groups."""
    parts = [pl.col(c).fill_null("") for c in ("province", "city", "district", "address")]
    text = mended(
        pl.concat_str(parts),
        rf"[^0-9A-Za-z{HAN}]",
        lambda c: c.str.normalize("NFKC").str.replace_all(r"[\s\u3000]+", ""),
    )
    whole = (pl.col("address").str.len_chars() >= 4) & ~text.str.contains("*", literal=True)
    return pl.when(whole).then(text).alias("address_key")


_WRITTEN = {
    ("address_key", "person_key"): address_key,
    ("name_key",): name_key,
    ("buyer_name_key",): buyer_name_key,
    ("email_key",): email_key,
}
"""What each key is asked for by: texts of one thing that are written in several ways."""
