"""One person buys more than one may.

Flags:
    every order of a person who took more than `limit` units of a SKU within some window of length `window` (both ends
    included), on all platforms together. One person is whoever shares a phone, an account, or a name with an address
    (`person:`), and whoever shares one with these. `sku` names the goods; `together: true` adds them up; without
    `sku` each SKU counts by itself.

Why:
    resellers and coupon farmers split what is limited per person over accounts and platforms: 50 + 30 against 10.

Misses:
    people who change phone, account and address at once, and links through orders of earlier scans that are further back than
    the window or have no time (within one scan these do link).
    Families and offices at one address count as one only if the receiver's name is the same. Orders without items,
    time, or any known key are not evaluable.

Settings:
    limit: at most so many units
    window: in what length of time
    sku: the limited goods; all of them, each by itself, where it is left out
    together: true adds these goods up
    person: what makes one person: phone, account, address (with the name)

一个人买得比限购多。

标记什么：
    某个人在任意一段长 `window` 的时间里（两端都算）、所有平台合计，买一个货号超过 `limit` 件：窗口内他的订单全部命中。
    同一人：电话相同，或账号相同，或姓名加地址相同（`person:` 可选），以及与这些人又有一样相同的人。
    `sku` 写限购的货号；`together: true` 把它们合计；不写 `sku` 则每个货号各算各的。

为什么：
    黄牛和薅券的人把限购拆到几个账号、几个平台：限 10 件，他 50 + 30。

漏掉什么：
    电话、账号、地址一起换的人，以及要靠以前扫描过的、在窗口之外或没有时间的订单才连得起来的人（同一次扫描里的会连上）。同一地址的家人、同事只在收货人同名时算一个人。
    没有商品明细、没有时间、没有任何可认人的信息的订单，无法判断。

设置：
    limit：最多几件
    window：多长时间内
    sku：限购的货号；不写就是每个货号
    together：true 表示这些货号合计
    person：凭什么认一个人：phone 电话、account 账号、address 姓名加地址
"""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field

from orderguard.frames import divided
from orderguard.persons import READS, persons
from orderguard.rules.base import Measured, Reach, Span
from orderguard.rules.reasons import number, sentence, shortened, span_words
from orderguard.rules.tables import exploded, folded_sku, per_order
from orderguard.rules.windows import MILLION, fullest_window, in_windows, millionths

EXAMPLE = """
- id: two-each
  kind: purchase_limit
  with: {limit: 2, window: 7d, sku: [NF-900]}
  points: 20
  flags:
    - - {platform: jd, buyer_id: a, receiver_phone: "13802580000", basket: {NF-900: 2}, created_at: 2026-11-11 10:00:00}
      - {platform: taobao, buyer_id: b, receiver_phone: "13802580000", basket: {NF-900: 1}, created_at: 2026-11-12 10:00:00}
  passes:
    - - {platform: jd, buyer_id: a, receiver_phone: "13802580000", basket: {NF-900: 2}, created_at: 2026-11-11 10:00:00}
      - {platform: taobao, buyer_id: a, receiver_phone: "13802580001", basket: {NF-900: 1}, created_at: 2026-11-12 10:00:00}
    - {buyer_id: a, basket: {TC-250: 9}, created_at: 2026-11-11 10:00:00}
"""


class PurchaseLimit(Measured):
    """Settings: `limit` (units), `window`, `sku` (all if left out), `together`, `person` (what makes one person)."""

    limit: float = Field(gt=0, le=1_000_000)
    window: Span
    sku: list[str] = Field(default=[], max_length=10_000)
    together: bool = False
    person: list[Literal["phone", "account", "address"]] = Field(default=["phone", "account", "address"], min_length=1)

    def reach(self) -> Reach:
        return Reach((), self.window)

    def reads(self) -> set[str]:
        return {"basket", "created_at"}.union(*(READS[p] for p in self.person))

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        who = persons(frame, self.person)
        items = exploded(frame).with_columns(sku=folded_sku("sku"))
        if self.sku:
            wanted = pl.DataFrame({"sku": self.sku}).select(folded_sku("sku")).to_series()
            items = items.filter(pl.col("sku").is_in(wanted.implode()))
        one = pl.lit("") if self.together else pl.col("sku")
        items = items.group_by("at", one.alias("goods"), maintain_order=True).agg(pl.col("quantity").sum())
        items = items.with_columns(who=who.gather(items["at"]), when=frame["created_at"].gather(items["at"]))
        key = pl.when(pl.col("who").is_not_null()).then(pl.concat_str("who", "goods", separator="\x1d"))
        items = items.with_columns(
            units=fullest_window(
                items.select(key).to_series(),
                items["when"],
                self.window,
                1,
                weight=items.select(millionths(pl.col("quantity"))).to_series(),
            )
        )
        most = items.sort("units", "goods", descending=[True, False], nulls_last=True)
        most = most.group_by("at", maintain_order=True).agg(
            divided(pl.col("units").first(), MILLION), _goods=pl.col("goods").first()
        )
        out = per_order(len(frame), most).with_columns(who=who)
        timed = in_windows(frame["created_at"], self.window)
        judged = (frame["basket"].is_not_null() & timed & out["who"].is_not_null()).alias("j")
        hit = pl.when(pl.lit(judged)).then((pl.col("units") > self.limit).fill_null(value=False))
        return out.select("_goods", hit=hit, value="units")

    def reason(self, locale: str) -> pl.Expr:
        one = pl.when(pl.col("_goods") != "").then(shortened("_goods"))
        return sentence(
            locale,
            zh="同一人 {span}内共买 {goods} {units} 件（限购 {limit} 件）",
            en="one person bought {units} of {goods} in {span} (limit {limit})",
            span=span_words(self.window, locale),
            goods=one.otherwise(pl.lit("+".join(self.sku)[:40])),
            units=number(pl.col("value"), 2),
            limit=self.limit,
        )
