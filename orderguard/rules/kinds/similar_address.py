"""Addresses that are almost the same, from several accounts in a short time.

Flags:
    orders with others around them whose addresses are at least `similarity` per cent alike to their own: some window of
    the given length, both ends included, holds the order and orders of at least `at_least` different `who` among these (its
    own and equal addresses count too; `who: null` counts orders). Compared is what follows the region, within one `by`
    (city, or district): Soerensen-Dice over pairs of neighbouring characters, a number as one character; width, case,
    punctuation and 号 栋 单元 室 behind numbers do not matter. With `numbers: same` all numbers must agree, so that only
    other spellings of one door count. For new customers only: `prior_orders` (at most so many earlier orders) and
    `registered_within`; others' orders are then neither flagged nor counted. Windows reach back into the ledger.

Why:
    whoever farms coupons for one door varies its spelling, or makes up rooms, so that no two addresses are equal.

Misses:
    the same place in other words, and addresses in two cities. Neighbours in one stairwell are honest and alike: keep it for
    new customers, or write `numbers: same`. Addresses that are masked, without a city or shorter than four characters, a
    blank `who`, and unknown facts of the customer where they are asked for, are not evaluable.

Settings:
    similarity: alike from so many per cent on
    window: in what length of time
    at_least: from how many on
    who: who is counted; null counts orders
    by: compared within a city, or within a district
    numbers: any compares them like the rest, same wants all of them equal
    prior_orders: only customers with at most so many earlier orders
    registered_within: only accounts registered at most so long before the order

短时间内多个账号的收货地址几乎一样。

标记什么：
    周围有相近地址的订单：某一段长 `window` 的时间里（两端都算），与本单地址相似度至少 `similarity`% 的订单（含本单，含完全相同的地址）
    来自至少 `at_least` 个不同的 `who`（`who: null` 则数单）。比的是同一 `by`（市或区县）里省市区之后的部分：相邻两字的
    Soerensen-Dice 相似度，一个数字算一个字；全半角、大小写、标点、数字后面的号、栋、单元、室都不影响。`numbers: same` 要求所有数字一致，
    只找同一门牌的不同写法。只看新客：`prior_orders`（之前最多几单）和 `registered_within`（注册多久以内），
    老客的订单既不标记也不计数。窗口会往回看台账。

为什么：
    给同一个门薅券的人，会改写地址、编造房号，让没有两个地址完全相同。

漏掉什么：
    换一种说法的同一个地方、写成两个城市的地址。同一单元的邻居是正常的，地址也相近：只看新客，或写 `numbers: same`。
    地址脱敏、没有市、不足四个字，`who` 空白，要求看新客而又不知道历史订单数或注册时间，都无法判断。

设置：
    similarity：相似度至少百分之几
    window：多长时间内
    at_least：满多少命中
    who：数多少个不同的人；null 表示数单
    by：在同一个 city 市，还是同一个 district 区县里比
    numbers：any 数字也一起比、same 数字须全部一致
    prior_orders：只看之前最多这么多单的客人
    registered_within：只看注册多久以内的账号
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BeforeValidator, Field, field_validator

from orderguard.errors import Words
from orderguard.persons import READS, person_keys
from orderguard.rules.alike import Alike, symbols
from orderguard.rules.base import Measured, Reach, Span, per_cent, whole_or_null
from orderguard.rules.keys import EN, KEYS, ZH, spelt
from orderguard.rules.reasons import sentence, span_words
from orderguard.rules.windows import fullest_window, nearest_other

_SHORTEST = 4
_JOINT = "\x1f"
_FOUND: dict[str, Any] = {
    "row": pl.UInt32,
    "value": pl.Float64,
    "places": pl.Int64,
    "other": pl.String,
    "alike": pl.Float64,
}

EXAMPLE = """
- id: near-addresses
  kind: similar_address
  with: {similarity: 85, window: 24h, at_least: 3, prior_orders: 0}
  points: 20
  flags:
    - - {address: 浙江省杭州市西湖区西溪街道文三路100号嘉绿苑北区3幢2单元501室, buyer_id: u1, prior_orders: 0, created_at: 2026-11-11 10:00:00}
      - {address: 杭州西湖区西溪街道文三路１００号 嘉绿苑北区3-2-502, buyer_id: u2, prior_orders: 0, created_at: 2026-11-11 11:00:00}
      - {address: 浙江省杭州市西溪街道文三路100号嘉绿苑北区3栋二单元503, buyer_id: u3, prior_orders: 0, created_at: 2026-11-11 12:00:00}
  passes:
    - - {address: 浙江省杭州市西湖区西溪街道文三路100号嘉绿苑北区3幢2单元501室, buyer_id: u1, prior_orders: 0, created_at: 2026-11-11 10:00:00}
      - {address: 杭州西湖区西溪街道文三路100号嘉绿苑北区3-2-502, buyer_id: u2, prior_orders: 0, created_at: 2026-11-11 11:00:00}
      - {address: 浙江省杭州市西溪街道文三路100号嘉绿苑北区3栋二单元503, buyer_id: u3, prior_orders: 9, created_at: 2026-11-11 12:00:00}
      - {address: 浙江省杭州市西湖区古荡街道天目山路8号2幢1单元301室, buyer_id: u4, prior_orders: 0, created_at: 2026-11-11 12:00:00}
- id: one-door
  kind: similar_address
  with: {similarity: 70, window: 1h, at_least: 2, numbers: same}
  points: 20
  flags:
    - - {address: 浙江省杭州市西湖区文三路100号嘉绿苑3幢501室, buyer_id: u1, created_at: 2026-11-11 10:00:00}
      - {address: 浙江省杭州市西湖区文三路100号嘉绿小苑3-501, buyer_id: u2, created_at: 2026-11-11 10:30:00}
  passes:
    - - {address: 浙江省杭州市西湖区文三路100号嘉绿苑3幢501室, buyer_id: u1, created_at: 2026-11-11 10:00:00}
      - {address: 浙江省杭州市西湖区文三路100号嘉绿苑3幢502室, buyer_id: u2, created_at: 2026-11-11 10:30:00}
"""


class SimilarAddress(Measured):
    """Settings: `similarity` (per cent), `window`, `at_least` different `who`; `by`, `numbers`; `prior_orders`, `registered_within`."""

    similarity: Annotated[float, BeforeValidator(per_cent), Field(ge=50, le=100)] = 85
    window: Span = timedelta(days=1)
    at_least: int = Field(default=3, ge=2, le=100_000)
    who: str | None = Field(default="account", json_schema_extra={"words": [*KEYS]})
    by: Literal["city", "district"] = "city"
    numbers: Literal["any", "same"] = "any"
    prior_orders: int | None = Field(default=None, ge=0, le=1000)
    registered_within: Span | None = None

    @field_validator("who")
    @classmethod
    def _known_key(cls, who: str | None) -> str | None:
        return who and spelt(who, KEYS, Words("不能数 {}", "cannot count {}"))

    @property
    def _who_column(self) -> str | None:
        return KEYS[self.who] if self.who else None

    def _region(self) -> tuple[str, ...]:
        return ("addr_province", "addr_city", *(["addr_district"] if self.by == "district" else []))

    def reach(self) -> Reach:
        return Reach(() if self._who_column == "person_key" else self._region(), self.window)

    def reads(self) -> set[str]:
        whose = (
            set[str]().union(*READS.values())
            if self._who_column == "person_key"
            else {self._who_column}
            if self._who_column
            else set()
        )
        asked = {"prior_orders"} if self.prior_orders is not None else set[str]()
        asked |= {"registered_at"} if self.registered_within else set()
        return {*self._region(), "addr_detail", "addr_state", "created_at", *whose, *asked}

    def _is_asked_about(self) -> pl.Expr:
        """Whether the customer is one of those who are asked about; null where that is not known."""
        new = pl.lit(value=True)
        if self.prior_orders is not None:
            new &= pl.col("prior_orders") <= self.prior_orders
        if self.registered_within:
            age = pl.col("created_at") - pl.col("registered_at")
            new &= pl.when(age >= -timedelta(days=1)).then(age <= self.registered_within)
        return new

    def _rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`row when who new group text` of each order; `group` is null where its address says too little."""
        if self._who_column == "person_key":
            frame = frame.with_columns(person_keys(frame))
        placed = pl.col("addr_city").is_not_null() | pl.col("addr_province").str.ends_with("特别行政区")
        if self.by == "district":
            placed &= pl.col("addr_district").is_not_null()
        region = pl.concat_str([pl.col(c).fill_null("") for c in self._region()], separator=_JOINT)
        signs = symbols(pl.when(placed & ~pl.col("addr_state").is_in(["masked", "blank"])).then("addr_detail"))
        text = pl.col("signs").list.join(_JOINT)
        numbers = text.str.extract_all("[0-9]+").list.join(" ") if self.numbers == "same" else pl.lit("")
        return (
            frame.lazy()
            .with_columns(
                signs=signs,
                who=whole_or_null(self._who_column) if self._who_column else pl.lit(""),
                new=self._is_asked_about(),
            )
            .with_columns(group=pl.when(pl.col("signs").list.len() >= _SHORTEST).then(region + _JOINT + numbers))
            .select("who", "new", "group", when="created_at", text=text)
            .with_row_index("row")
            .collect()
        )

    def _most_around(self, rows: pl.DataFrame, key: str, who: str | None, least: int) -> pl.Series:
        return fullest_window(rows[key], rows["when"], self.window, least, rows[who] if who else None)

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        rows = self._rows(frame)
        # Counting to more than there are: 1 where an order could be counted, null where it could not.
        known = self._most_around(rows, "group", "who", len(rows) + 2).is_not_null()
        pool = rows.filter(known & rows["new"])
        places = pool.select("group", "text").unique().sort("group", "text").with_row_index("at")
        pool = pool.join(places, on=["group", "text"]).select("row", "at", "when", pl.col("who").rank("dense"))
        alike = Alike(
            places.select("group", pl.col("text").str.split(_JOINT).alias("symbols")), round(self.similarity * 10)
        )
        found = [pl.DataFrame(schema=_FOUND)]
        for near, own in alike.around(pool.group_by("at").len().sort("at")["len"], self.at_least):
            met = near.join(pool, on="at")
            met = met.with_columns(
                value=self._most_around(met, "key", "who" if self._who_column else None, self.at_least)
            )
            met = met.filter((pl.col("value").max() >= self.at_least).over("key"))
            met = met.with_columns(places=self._most_around(met, "key", "at", 2), other=nearest_other(met, self.window))
            hits = met.filter(pl.col("value") >= self.at_least).join(own, on=["at", "key"], how="semi")
            hits = hits.with_columns(alike=alike.share(hits.select("at", "other")))
            hits = hits.with_columns(other=places["text"].gather(hits["other"]))
            found.append(hits.select(pl.col(n).cast(t) for n, t in _FOUND.items()))
        out = rows.select("row", "new", known=known).join(pl.concat(found), on="row", how="left", maintain_order="left")
        # Whoever is known to be no new customer is clean, whatever the address.
        asked = (pl.col("known") & pl.col("new").is_not_null()) | ~pl.col("new").fill_null(value=True)
        hit = pl.when(asked).then(pl.col("value").is_not_null())
        return out.select("value", pl.col("places", "other", "alike").name.prefix("_"), hit=hit)

    def reason(self, locale: str) -> pl.Expr:
        names = ZH if locale.startswith("zh") else EN
        who = names.get(self._who_column or "", self.who or "")
        # The door of somebody else is nobody's business: its last number is hidden.
        spaced = pl.col("_other").str.replace_all(f"{_JOINT}([0-9])", "-$1").str.replace_all(_JOINT, "")
        spaced = spaced.str.replace_all("([^0-9])-", "$1")
        told = sentence(
            locale,
            zh="{span}内相近地址（相似 {least}% 起）{count} "
            + ("个不同{who}（满 {at_least} 个即命中）" if who else "单（满 {at_least} 单即命中）"),
            en="near-identical addresses ({least}% alike): {count} "
            + ("different {who}s" if who else "orders")
            + " in {span} (limit {at_least})",
            span=span_words(self.window, locale),
            least=self.similarity,
            count=pl.col("value").cast(pl.Int64),
            who=who,
            at_least=self.at_least,
        )
        several = sentence(
            locale,
            zh="，共 {places} 个写法，如“{other}”（相似 {alike}%）",
            en=', {places} spellings, such as "{other}" ({alike}% alike)',
            places=pl.col("_places"),
            other=spaced.str.slice(0, 40).str.replace(r"[0-9]+([^0-9]*)$", "**$1"),
            alike=(pl.col("_alike") * 100).floor().cast(pl.Int64),
        )
        return pl.when(pl.col("_places") > 1).then(told + several).otherwise(told)
