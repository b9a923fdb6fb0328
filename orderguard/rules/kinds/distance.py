"""A phone or address far from where it should be.

Flags:
    orders whose receiver's phone (its home region, 号码归属地), address or IP is more than `more_than_km` from the
    ship-from place or from the address, measured between prefectures as geopy's geodesic does; or, with
    `same_province: true`, lies in another province. `of: ip` needs `ips`, a table of the shop's own: `network` (a CIDR) or
    `start` and `end`, with `province`, `city`, and `lat`, `lon` for distances (the CSV files of DB-IP, IP2Location and
    GeoLite2 with a header row read as they are).

Why:
    a number from the other end of the country is one weak sign of a borrowed or bought number; an address far from
    the store cannot be served.

Misses:
    people who kept their number when they moved, gifts to relatives: alone it is weak, give it low points. Masked
    and virtual numbers, unknown prefixes, addresses that name no region or two (one whose street alone is masked names it), and an
    unknown ship-from place are not evaluable; so is a foreign phone or place where provinces are compared, and an IP that no range of `ips`
    holds. Mobile gateways and VPNs put honest buyers elsewhere: an IP region is weaker than a phone's.

Settings:
    of: what is looked at: receiver_phone, address, or ip
    to: from where: ship_from or address
    more_than_km: above how many kilometres
    same_province: true compares provinces instead of kilometres
    ips: a table of IP ranges and their places

电话或地址离该在的地方太远。

标记什么：
    收货电话的归属地、收货地址或 IP 所在地，离发货地（或离收货地址）超过 `more_than_km` 公里的订单，按地级市之间的大地线距离算；
    或者写 `same_province: true`：不在同一省。`of: ip` 需要自备 IP 段表 `ips`：`network`（网段）或 `start`、`end`，
    加 `province`、`city`，算公里还要 `lat`、`lon`（DB-IP、IP2Location、GeoLite2 带表头的 CSV 可直接用）。

为什么：
    号码来自全国的另一头，是借号、买号的一个弱信号；地址离门店太远，根本送不了。

漏掉什么：
    换了城市没换号码的人、寄给亲戚的礼物：单看它很弱，分值要低。脱敏号、虚拟号、不认识的号段、看不出地区或前后矛盾的地址
    （只盖住门牌的看得出）、未知的发货地，都无法判断；比省份时的境外号码和地址、不在 `ips` 任何一段里的 IP 也一样。
    手机网络出口和 VPN 会把正常买家放到别处：IP 所在地比号码归属地更弱。

设置：
    of：看什么：receiver_phone 电话、address 地址、ip
    to：离什么：ship_from 发货地、address 收货地址
    more_than_km：超过多少公里
    same_province：true 表示比是否同省，不算公里
    ips：IP 段表
"""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field, model_validator

from orderguard.errors import Words
from orderguard.rules.base import Kind
from orderguard.rules.ipranges import RANGES, places_of, unfit_ranges
from orderguard.rules.reasons import number, sentence
from orderguard.rules.tables import Shape, Source  # noqa: TC001 - pydantic reads it when the model is made
from orderguard.sphere import distance_km

_KM = {
    ("receiver_phone", "ship_from"): "phone_km",
    ("address", "ship_from"): "address_km",
    ("receiver_phone", "address"): "phone_address_km",
    ("ip", "ship_from"): "_ip_km",
    ("ip", "address"): "_ip_km",
}
_POINT = {"ship_from": ("ship_lat", "ship_lon"), "address": ("addr_lat", "addr_lon")}
_PROVINCE = {
    "ip": "_ip_province",
    "receiver_phone": "phone_province",
    "address": "addr_province",
    "ship_from": "ship_province",
}
_REGION = {"ip": "_ip_place", "receiver_phone": "phone_region", "address": "addr_city", "ship_from": "ship_place"}
_ZH = {"ip": "下单 IP 在", "receiver_phone": "收货电话归属地", "address": "收货地", "ship_from": "发货地"}
_EN = {"ip": "IP in", "receiver_phone": "phone from", "address": "address in", "ship_from": "ship-from place"}

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
- id: ip-elsewhere
  kind: distance
  with:
    of: ip
    to: address
    same_province: true
    ips:                  # 一般写文件名 / usually a file: ips: ip-regions.csv
      - {network: 203.0.113.0/25, province: 浙江}
      - {start: 203.0.113.128, end: 203.0.113.255, province: Guangdong, city: 深圳}
  points: 5
  flags:
    - {ip: 203.0.113.200, address: 浙江省杭州市西湖区文三路1号}
  passes:
    - {ip: 203.0.113.9, address: 浙江省杭州市西湖区文三路1号}
    - {ip: 198.51.100.1, address: 浙江省杭州市西湖区文三路1号}      # 表里没有：无法判断 / not in the table
"""


class Distance(Kind):
    """Settings: `of` (phone, address or ip), `to` (ship-from place or address), `more_than_km` or `same_province`, `ips`."""

    later: ClassVar = frozenset({"same_province", "ips"})
    of: Literal["receiver_phone", "address", "ip"] = "receiver_phone"
    to: Literal["ship_from", "address"] = "ship_from"
    more_than_km: float | None = Field(default=None, gt=0, le=20_040)
    same_province: bool = False
    ips: Source | None = None

    def tables(self) -> dict[str, Shape]:
        return {} if self.ips is None else {"ips": RANGES}

    def unfit(self, setting: str, table: pl.DataFrame) -> list[tuple[int, Words]]:  # noqa: ARG002 - it has one table
        return unfit_ranges(table, points=not self.same_province)

    @model_validator(mode="after")
    def _one_measure(self) -> Distance:
        if self.of == self.to:
            raise ValueError(Words("of 与 to 是同一个地点", "of and to are the same place"))
        if (self.of == "ip") != (self.ips is not None):
            raise ValueError(
                Words(
                    "of: ip 与 ips（IP 段表：network 或 start、end，province，city，lat，lon）要一起写",
                    "needs of: ip and ips (a table: network or start and end, province, city, lat, lon) together",
                )
            )
        if (self.more_than_km is None) != self.same_province:
            raise ValueError(
                Words(
                    "more_than_km 与 same_province: true 写其中一个",
                    "needs more_than_km or same_province: true, one of them",
                )
            )
        return self

    def limits(self) -> dict[str, float]:
        return {} if self.more_than_km is None or self.of == "ip" else {_KM[self.of, self.to]: self.more_than_km}

    def reads(self) -> set[str]:
        extra = {_PROVINCE[self.of], _PROVINCE[self.to]} if self.same_province else {_KM[self.of, self.to]}
        states = {"addr_state"} if "address" in {self.of, self.to} else set()
        told = {*extra, *states, _REGION[self.of], _REGION[self.to]}
        if self.of == "ip":
            told = {n for n in told if not n.startswith("_")} | {"ip", *(() if self.same_province else _POINT[self.to])}
        return told

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.of != "ip":
            return super().measure(frame)
        at = places_of(frame["ip"], self.rows("ips"))
        facts = frame.with_columns(
            at["province"].alias("_ip_province"),
            at.select(pl.coalesce("city", "province").alias("_ip_place")).to_series(),
        )
        if not self.same_province:
            facts = facts.with_columns(at.select(_lat="lat", _lon="lon").get_columns())
            facts = facts.with_columns(_ip_km=distance_km("_lat", "_lon", *_POINT[self.to]))
        shown = [n for n in ("_ip_province", "_ip_place", "_ip_km") if n in facts.columns]
        return facts.select(*shown, hit=self.hit(), value=self.value())

    def _if_clear(self, column: str) -> pl.Expr:
        clear = ~pl.col("addr_state").is_in(["contradictory", "ambiguous"])
        return pl.when(clear).then(pl.col(column)) if column.startswith("addr") else pl.col(column)

    def hit(self) -> pl.Expr:
        if self.same_province:
            return self._if_clear(_PROVINCE[self.of]) != self._if_clear(_PROVINCE[self.to])
        return pl.col(_KM[self.of, self.to]) > self.more_than_km

    def value(self) -> pl.Expr:
        return pl.lit(1.0) if self.same_province else pl.col(_KM[self.of, self.to])

    def reason(self, locale: str) -> pl.Expr:
        names = _ZH if locale.startswith("zh") else _EN
        told = {"of": names[self.of], "to": names[self.to]}
        if self.same_province:
            here, there = (pl.coalesce(_REGION[n], _PROVINCE[n]).fill_null("?") for n in (self.of, self.to))
            zh, en = "{of}{here}，{to}{there}，不在同一省", "{of} {here}, {to} {there}: another province"
            return sentence(locale, zh, en, **told, here=here, there=there)
        return sentence(
            locale,
            zh="{of}{here}，距{to}{there} {km} 公里（超过 {limit} 即命中）",
            en="{of} {here}, {km} km from {there} (limit {limit})",
            **told,
            here=pl.col(_REGION[self.of]).fill_null("?"),
            there=pl.col(_REGION[self.to]).fill_null("?"),
            km=number(pl.col(_KM[self.of, self.to])),
            limit=self.more_than_km or 0,
        )
