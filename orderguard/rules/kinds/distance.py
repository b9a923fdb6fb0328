"""A phone whose home is far from the warehouse.

Flags:
    orders whose receiver's phone has its home region (号码归属地) more than `more_than_km` from the ship-from
    place, measured between prefectures as geopy's geodesic does.

Why:
    a number from the other end of the country is one weak sign of a borrowed or bought number.

Misses:
    people who kept their number when they moved, gifts to relatives: alone it is weak, give it low points. Masked
    and virtual numbers, unknown prefixes and an unknown ship-from place are not evaluable.
"""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field

from orderguard.rules.base import Kind, number


class Distance(Kind):
    """Settings: `of` (the phone), `to` (the ship-from place), and `more_than_km`."""

    of: Literal["receiver_phone"] = "receiver_phone"
    to: Literal["ship_from"] = "ship_from"
    more_than_km: float = Field(gt=0, le=20_040)

    def limits(self) -> dict[str, float]:
        return {"phone_km": self.more_than_km}

    def hit(self) -> pl.Expr:
        return pl.col("phone_km") > self.more_than_km

    def value(self) -> pl.Expr:
        return pl.col("phone_km")

    def reason(self, locale: str) -> pl.Expr:
        region, place = pl.col("phone_region").fill_null("?"), pl.col("ship_place").fill_null("?")
        km = number(pl.col("phone_km"))
        if locale.startswith("zh"):
            return pl.format(
                f"收货电话归属地{{}}，距发货地{{}} {{}} 公里（超过 {self.more_than_km:g} 即命中）", region, place, km
            )
        return pl.format(f"phone from {{}}, {{}} km from {{}} (limit {self.more_than_km:g})", region, km, place)
