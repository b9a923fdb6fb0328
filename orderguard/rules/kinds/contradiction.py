"""Facts about the receiver that do not fit each other.

Flags:
    by `of`: `address`: the address names a region that its province and city columns exclude; `phone_names`: one
    phone with at least `at_least` receiver names within `within`; `person_phones`: one name at one address with at
    least `at_least` phones; `phone_region`: the phone is at home in another province than the address (weak).

Why:
    collected identities and bought numbers are put together carelessly; honest families have two names, rarely five.

Misses:
    people who are consistent in what they make up. Masked or blank names, phones and addresses never group and are
    not evaluable; so are orders without a province or city column for `address`.

Settings:
    of: what is compared
    at_least: from how many on (phone_names and person_phones only)
    within: in what length of time (the same two)

收货人的几样信息对不上。

标记什么：
    看 `of`：`address` 地址里写的地区与省、市两列不符；`phone_names` 一个电话在 `within` 内有至少 `at_least` 个收货人姓名；
    `person_phones` 同一姓名、同一地址有至少 `at_least` 个电话；`phone_region` 号码归属省与收货省不同（弱）。

为什么：
    收集来的身份和买来的号码往往是随手拼起来的；普通人家有两个名字，很少有五个。

漏掉什么：
    编得前后一致的人。脱敏或空白的姓名、电话、地址不与任何人归为一组，无法判断；
    `address` 在没有省、市列时也无法判断。

设置：
    of：比什么
    at_least：几个起算（只用于 phone_names 和 person_phones）
    within：多长时间内（同上）
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import polars as pl
from pydantic import Field

from orderguard.persons import name_at_address, name_of_one
from orderguard.rules.base import Kind, Reach, Span
from orderguard.rules.reasons import sentence, shortened, span_words
from orderguard.rules.windows import fullest_window

EXAMPLE = """
- id: many-names
  kind: contradiction
  with: {of: phone_names, at_least: 3, within: 30d}
  points: 20
  flags:
    - - {receiver_phone: "13802580000", receiver_name: 王芳, created_at: 2026-11-01 10:00:00}
      - {receiver_phone: "13802580000", receiver_name: 李伟, created_at: 2026-11-05 10:00:00}
      - {receiver_phone: "13802580000", receiver_name: 张静, created_at: 2026-11-09 10:00:00}
  passes:
    - - {receiver_phone: "13802580000", receiver_name: 王芳, created_at: 2026-11-01 10:00:00}
      - {receiver_phone: "13802580000", receiver_name: 王 芳, created_at: 2026-11-05 10:00:00}
      - {receiver_phone: "13802580000", receiver_name: 李伟, created_at: 2026-11-09 10:00:00}
- id: two-regions
  kind: contradiction
  with: {of: address}
  points: 15
  flags:
    - {province: 广东省, city: 深圳市, address: 浙江省杭州市西湖区文三路1号}
  passes:
    - {province: 浙江省, city: 杭州市, address: 浙江省杭州市西湖区文三路1号}
    - {province: 浙江省, city: 杭州市, address: 文三路1号}
"""


class Contradiction(Kind):
    """Settings: `of` (what is compared); for the two that count, `at_least` and `within`."""

    of: Literal["address", "phone_names", "person_phones", "phone_region"] = "address"
    at_least: int = Field(default=3, ge=2, le=1000)
    within: Span = timedelta(days=30)

    def _keys(self) -> tuple[str, ...]:
        return {"phone_names": ("phone_key",), "person_phones": ("address_key",)}.get(self.of, ())

    def reach(self) -> Reach:
        return Reach(self._keys(), self.within) if self._keys() else Reach()

    def reads(self) -> set[str]:
        if self._keys():
            return {"phone_key", "receiver_name", "created_at", *self._keys()}
        if self.of == "address":
            return {"addr_state", "province", "city", "address"}
        return {"phone_province", "phone_region", "addr_province", "addr_state"}

    def hit(self) -> pl.Expr:
        if self.of == "address":
            given = (pl.col("province").fill_null("") != "") | (pl.col("city").fill_null("") != "")
            judged = given & ~pl.col("addr_state").is_in(["blank", "masked"]) & (pl.col("address") != "")
            return pl.when(judged).then(pl.col("addr_state") == "contradictory")
        clear = ~pl.col("addr_state").is_in(["contradictory", "ambiguous"])
        return pl.when(clear).then(pl.col("phone_province") != pl.col("addr_province"))

    def value(self) -> pl.Expr:
        return pl.col("value") if self._keys() else pl.lit(1.0)

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self._keys():
            return frame.select(hit=self.hit())
        key, who = (
            (pl.col("phone_key"), name_of_one())
            if self.of == "phone_names"
            else (name_at_address(), pl.col("phone_key"))
        )
        sides = frame.select(key=key, who=who)
        count = fullest_window(sides["key"], frame["created_at"], self.within, self.at_least, sides["who"])
        return pl.DataFrame({"hit": count >= self.at_least, "value": count.cast(pl.Float64)})

    def reason(self, locale: str) -> pl.Expr:
        if self.of == "address":
            return sentence(
                locale,
                zh="地址“{address}”与省市“{province}{city}”矛盾",
                en='address "{address}" contradicts {province} {city}',
                address=shortened("address"),
                province=pl.col("province").fill_null(""),
                city=pl.col("city").fill_null(""),
            )
        if self.of == "phone_region":
            here, there = pl.coalesce("phone_region", "phone_province"), pl.col("addr_province")
            zh, en = "号码归属地{here}，收货地{there}", "phone from {here}, address in {there}"
            return sentence(locale, zh, en, here=here, there=there)
        if self.of == "phone_names":
            who = pl.col("phone_key")
            zh = "电话 {who} {span}内有 {count} 个收货人（满 {least} 即命中）"
            en = "phone {who}: {count} names in {span} (limit {least})"
        else:
            who = shortened("receiver_name", 20)
            zh = "{who}同一地址 {span}内有 {count} 个电话（满 {least} 即命中）"
            en = "{who} at one address: {count} phones in {span} (limit {least})"
        count, span = pl.col("value").cast(pl.Int64), span_words(self.within, locale)
        return sentence(locale, zh, en, who=who, count=count, span=span, least=self.at_least)
