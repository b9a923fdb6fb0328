"""A phone or address far from where it should be.

Flags:
    orders whose receiver's phone (its home region, 号码归属地) or address is more than `more_than_km` from the
    ship-from place or from the address, measured between prefectures as geopy's geodesic does; or, with
    `same_province: true`, lies in another province.

Why:
    a number from the other end of the country is one weak sign of a borrowed or bought number; an address far from
    the store cannot be served.

Misses:
    people who kept their number when they moved, gifts to relatives: alone it is weak, give it low points. Masked
    and virtual numbers, unknown prefixes, addresses that name no region or two, and an unknown ship-from place are
    not evaluable; so is a foreign phone or place where provinces are compared. IP regions are not measured: no free
    table is both small and fine enough.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field, model_validator

from orderguard.errors import Words
from orderguard.rules.base import Kind, number

_KM = {
    ("receiver_phone", "ship_from"): "phone_km",
    ("address", "ship_from"): "address_km",
    ("receiver_phone", "address"): "phone_address_km",
}
_PROVINCE = {"receiver_phone": "phone_province", "address": "addr_province", "ship_from": "ship_province"}
_REGION = {"receiver_phone": "phone_region", "address": "addr_city", "ship_from": "ship_place"}
_ZH = {"receiver_phone": "收货电话归属地", "address": "收货地", "ship_from": "发货地"}
_EN = {"receiver_phone": "phone from", "address": "address in", "ship_from": "ship-from place"}

EXAMPLE = """
- id: phone-elsewhere
  kind: distance
  with: {of: receiver_phone, to: address, same_province: true}
  points: 5
  flags:
    - {receiver_phone: "13802580000", address: 浙江省杭州市西湖区文三路1号}      # 深圳
  passes:
    - {receiver_phone: "13802580000", address: 广东省广州市天河区某路1号}
    - {receiver_phone: "13802580000", address: 某路1号}      # 无法判断 / not evaluable
- id: out-of-reach
  kind: distance
  with: {of: address, to: ship_from, more_than_km: 300}
  points: 20
  flags:
    - {address: 北京市海淀区某路1号, ship_from: 上海}
  passes:
    - {address: 江苏省苏州市姑苏区某路1号, ship_from: 上海}
"""


class Distance(Kind):
    """Settings: `of` (phone or address), `to` (ship-from place or address), and `more_than_km` or `same_province`."""

    later: ClassVar = frozenset({"same_province"})
    of: Literal["receiver_phone", "address"] = "receiver_phone"
    to: Literal["ship_from", "address"] = "ship_from"
    more_than_km: float | None = Field(default=None, gt=0, le=20_040)
    same_province: bool = False

    @model_validator(mode="after")
    def _one(self) -> Distance:
        if self.of == self.to:
            raise ValueError(Words("of 与 to 是同一个地点", "of and to are the same place"))
        if (self.more_than_km is None) != self.same_province:
            raise ValueError(
                Words(
                    "more_than_km 与 same_province: true 写其中一个",
                    "needs more_than_km or same_province: true, one of them",
                )
            )
        return self

    def limits(self) -> dict[str, float]:
        return {} if self.more_than_km is None else {_KM[self.of, self.to]: self.more_than_km}

    def reads(self) -> set[str]:
        extra = {_PROVINCE[self.of], _PROVINCE[self.to]} if self.same_province else {_KM[self.of, self.to]}
        states = {"addr_state"} if "address" in {self.of, self.to} else set()
        return {*extra, *states, _REGION[self.of], _REGION[self.to]}

    def _told(self, column: str) -> pl.Expr:
        clear = ~pl.col("addr_state").is_in(["contradictory", "ambiguous", "masked"])
        return pl.when(clear).then(pl.col(column)) if column.startswith("addr") else pl.col(column)

    def hit(self) -> pl.Expr:
        if self.same_province:
            return self._told(_PROVINCE[self.of]) != self._told(_PROVINCE[self.to])
        return pl.col(_KM[self.of, self.to]) > self.more_than_km

    def value(self) -> pl.Expr:
        return pl.lit(1.0) if self.same_province else pl.col(_KM[self.of, self.to])

    def reason(self, locale: str) -> pl.Expr:
        region, place = pl.col(_REGION[self.of]).fill_null("?"), pl.col(_REGION[self.to]).fill_null("?")
        zh = locale.startswith("zh")
        if self.same_province:
            here, there = (pl.coalesce(_REGION[n], _PROVINCE[n]).fill_null("?") for n in (self.of, self.to))
            text = (
                f"{_ZH[self.of]}{{}}，{_ZH[self.to]}{{}}，不在同一省"
                if zh
                else f"{_EN[self.of]} {{}}, {_EN[self.to]} {{}}: another province"
            )
            return pl.format(text, here, there)
        km = number(pl.col(_KM[self.of, self.to]))
        if zh:
            return pl.format(
                f"{_ZH[self.of]}{{}}，距{_ZH[self.to]}{{}} {{}} 公里（超过 {self.more_than_km:g} 即命中）",
                region,
                place,
                km,
            )
        return pl.format(f"{_EN[self.of]} {{}}, {{}} km from {{}} (limit {self.more_than_km:g})", region, km, place)
