"""An address that no courier can serve.

Flags:
    orders whose address is one of `any`: `vague` (no region, nothing behind the region, or a landmark only: 火车站对面),
    `contradictory` (two regions that exclude each other: 广东省杭州市), `ambiguous` (several places of that name:
    南山区), `typo` (a city one character off: 广洲市). `no_region`, `no_detail` and `landmark` may be named one by one.

Why:
    parcels to such addresses come back; brushing and test orders do not bother to write a real one.

Misses:
    a wrong house number, a street that does not exist. Blank and masked addresses (北京市朝阳区****) and addresses
    without a Chinese character are not evaluable, never vague. Outdated names (襄樊市) are read as today's.

Settings:
    any: the faults to flag, one or several

快递员没法送的地址。

标记什么：
    收货地址有 `any` 所列毛病之一的订单：`vague` 不清（没有省市区；省市区后面什么都没有；只有地标，如“火车站对面”），
    `contradictory` 前后矛盾（广东省杭州市），`ambiguous` 地名不唯一（只写“南山区”），`typo` 城市名差一个字（广洲市）。
    不清也可以拆开单写：`no_region` 没有省市区、`no_detail` 没有街道门牌、`landmark` 只有地标。

为什么：
    这样的件送不到，只会退回来；刷单和测试单懒得写真地址。

漏掉什么：
    门牌号写错、街道根本不存在。空地址、脱敏地址（北京市朝阳区****）、一个汉字都没有的地址无法判断，不算“不清”。
    旧地名（襄樊市）按今天的名字读。

设置：
    any：要标记的毛病，可写多种
"""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field

from orderguard.rules.base import Kind
from orderguard.rules.reasons import sentence

State = Literal["vague", "contradictory", "ambiguous", "typo", "no_region", "no_detail", "landmark"]
_VAGUE = ("no_region", "no_detail", "landmark")
_LANDMARK = r"(?:附近|对面|旁边?|边上|隔壁|路口|门口|门前|后面|前面|斜对面|一带|那里|那边|交叉口|十字路口)[。.！!]*$"
_NUMBER = r"[0-9０-９一二三四五六七八九十百]+\s*(?:号|弄|栋|幢|座|楼|室|单元|层|组|队|村|排|巷|户|#|-)|[A-Za-z]?\d{2,}"
_SAID = {
    "no_region": ("没有省市区", "no region"), "no_detail": ("只有省市区，没有街道门牌", "nothing behind the region"),
    "landmark": ("只有地标，没有门牌", "a landmark only"), "contradictory": ("前后地区矛盾", "regions that contradict"),
    "ambiguous": ("地名不唯一", "a place name of several places"), "typo": ("城市名疑似写错", "a misspelt city"),
}  # fmt: skip

EXAMPLE = """
- id: bad-address
  kind: address_quality
  with: {any: [vague, contradictory]}
  points: 15
  flags:
    - {address: 广东省杭州市西湖区文三路1号}
    - {province: 浙江省, city: 杭州市, district: 西湖区, address: ""}
    - {address: 浙江省杭州市西湖区火车站对面}
    - {address: 文三路1号}
  passes:
    - {address: 浙江省杭州市西湖区文三路1号}
    - {address: 浙江省杭州市西湖区****}      # 脱敏：无法判断 / masked: not evaluable
    - {address: "221B Baker Street, London"}
"""


class AddressQuality(Kind):
    """Settings: `any` of the faults."""

    any: list[State] = Field(default=["vague", "contradictory"], min_length=1)

    def _fault(self) -> pl.Expr:
        state, detail = pl.col("addr_state"), pl.col("addr_detail")
        landmark = (state == "ok") & detail.str.contains(_LANDMARK) & ~detail.str.contains(_NUMBER)
        return pl.when(landmark).then(pl.lit("landmark")).otherwise(state)

    def _wanted(self) -> list[str]:
        return list(dict.fromkeys(f for a in self.any for f in (_VAGUE if a == "vague" else (a,))))

    def reads(self) -> set[str]:
        return {"addr_state", "addr_detail", "province", "city", "district", "address"}

    def hit(self) -> pl.Expr:
        text = pl.concat_str(pl.col("province", "city", "district", "address").fill_null(""))
        chinese = text.str.contains(r"\p{Han}")
        judged = chinese & ~pl.col("addr_state").is_in(["blank", "masked"])
        return pl.when(judged).then(self._fault().is_in(self._wanted()))

    def value(self) -> pl.Expr:
        return pl.lit(1.0)

    def reason(self, locale: str) -> pl.Expr:
        said = {fault: words[0 if locale.startswith("zh") else 1] for fault, words in _SAID.items()}
        return sentence(
            locale,
            zh="收货地址{fault}：“{text}”",
            en='address with {fault}: "{text}"',
            fault=self._fault().replace_strict(said, default="?", return_dtype=pl.String),
            text=pl.concat_str(pl.col("province", "city", "district", "address").fill_null("")).str.slice(0, 40),
        )
