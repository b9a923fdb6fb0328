"""Goods that must not share an order, or must not go where it goes.

Flags:
    orders that hold goods of both tags of one of `pairs` ([冷链, 常温]; `*` is any goods without the first tag; two different
    SKUs: one that has both tags does not contradict itself), and orders with a SKU that is not sold to the receiver's region
    (the file's `only_to` and `not_to`: provinces, cities).

Why:
    cold chain and ordinary parcels leave from different stores; a region-limited SKU cannot be delivered elsewhere.

Misses:
    goods that nobody has tagged: a SKU that the file does not name has no tags. Orders without items are not
    evaluable, nor is a limited SKU to an address whose region is unknown.

Settings:
    tags: a table of goods: sku, their tags, the places they may go to only (only_to) or never (not_to)
    pairs: tags that exclude each other, two by two

不能放在同一单里的商品，或不能发往该地的商品。

标记什么：
    同一单里有 `pairs` 中一对标签的商品（[冷链, 常温]；`*` 指没有前一个标签的任何商品；要是两个不同的货号，
    一个货号自己带两个标签不算）；
    或者有商品发往不卖的地区（表里的 `only_to` 只发、`not_to` 不发：写省、市）。

为什么：
    冷链和常温从不同的仓发货；限区域的商品送不到别处。

漏掉什么：
    没人贴过标签的商品：表里没有的货号就没有标签。没有商品明细的订单无法判断；
    限区域的商品发往看不出地区的地址，也无法判断。

设置：
    tags：商品标签表：货号 sku、标签 tags、只发 only_to、不发 not_to
    pairs：互相排斥的标签，两个一对
"""

from __future__ import annotations

from typing import Annotated

import polars as pl
from pydantic import Field, field_validator

from orderguard.errors import Words
from orderguard.rules.base import Measured
from orderguard.rules.reasons import sentence, shortened
from orderguard.rules.tables import SKU, Cell, Shape, Source, exploded, folded_sku, per_order, short_region

TAGS = Shape({
    "sku": Cell(SKU, required=True),
    "tags": Cell(("tags", "tag", "标签", "属性", "类别", "分类", "category", "温层", "储运")),
    "only_to": Cell(("only_to", "only to", "可售地区", "限售地区", "仅售", "regions")),
    "not_to": Cell(("not_to", "not to", "禁售地区", "不发地区", "不可售地区")),
}, pair=("sku", "tags"))  # fmt: skip
_PARTS = r"[,，、;；|/]+"

EXAMPLE = """
- id: cold-and-warm
  kind: conflict
  with:
    tags:                 # 或文件名 / or a file: sku, tags, only_to, not_to
      - {sku: ICE-1, tags: [冷链], only_to: [浙江, 上海]}
      - {sku: NF-900, tags: [常温]}
    pairs: [[冷链, 常温]]
  points: 20
  flags:
    - {basket: {ICE-1: 1, NF-900: 1}, province: 浙江省, city: 杭州市, address: 某路1号}
    - {basket: {ICE-1: 1}, address: 广东省深圳市南山区某路1号}
  passes:
    - {basket: {ICE-1: 2}, address: 浙江省杭州市西湖区某路1号}
    - {basket: {NF-900: 1}, address: 广东省深圳市南山区某路1号}
"""


class Conflict(Measured):
    """Settings: `tags` (a file or the table itself), `pairs` of tags that exclude each other."""

    tags: Source
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default=[], max_length=1000)

    @field_validator("pairs", mode="before")
    @classmethod
    def _two_tags(cls, pairs: object) -> object:
        if isinstance(pairs, list) and any(not isinstance(p, list) or len(p) != 2 or p[0] == p[1] for p in pairs):
            raise ValueError(
                Words("每对应为两个不同的标签，如 [[冷链, 常温]]", "takes pairs of two tags such as [[cold, dry]]")
            )
        return pairs

    def tables(self) -> dict[str, Shape]:
        return {"tags": TAGS}

    def unfit(self, setting: str, table: pl.DataFrame) -> list[tuple[int, Words]]:  # noqa: ARG002 - it has one table
        known = set(
            table.select(pl.col("tags").str.replace_all(_PARTS, "|").str.split("|").explode())["tags"]
            .drop_nulls()
            .str.strip_chars()
        )
        lost = [t for pair in self.pairs for t in pair if t not in known and t != "*"]
        return [
            (1, Words(f"没有商品带标签“{t}”（pairs 用到）", f"no SKU has the tag '{t}' that pairs names"))
            for t in dict.fromkeys(lost)
        ]

    def reads(self) -> set[str]:
        return {"basket", "addr_province", "addr_city", "addr_state"}

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        table = self.rows("tags").with_columns(sku=folded_sku("sku"))
        table = table.group_by("sku").agg(pl.col("tags", "only_to", "not_to").drop_nulls().str.join("|"))
        table = table.with_columns(pl.when(pl.col(c) != "").then(c).alias(c) for c in ("tags", "only_to", "not_to"))
        lists = [
            pl.col(c).str.replace_all(_PARTS, "|").str.split("|").list.eval(pl.element().str.strip_chars()).alias(c)
            for c in ("tags", "only_to", "not_to")
        ]
        items = exploded(frame).with_columns(code=pl.col("sku"), sku=folded_sku("sku"))
        items = items.join(table.select("sku", *lists), on="sku", how="left", maintain_order="left")
        items = items.with_columns(pl.col("tags", "only_to", "not_to").fill_null(pl.lit([], dtype=pl.List(pl.String))))
        found = [self._pair(items, *pair) for pair in self.pairs] + [self._region(items, frame)]
        bad = (
            pl.concat(found)
            .group_by("at", maintain_order=True)
            .agg(
                pl.col("pair").first(), pl.col("one").first(), pl.col("other").first(), unknown=pl.col("unknown").all()
            )
        )
        out = per_order(len(frame), bad).with_columns(frame["basket"])
        hit = (
            pl.when(pl.col("unknown").not_())
            .then(True)
            .when(pl.col("unknown") | pl.col("basket").is_null())
            .then(None)
            .otherwise(False)
        )
        return out.select(pl.col("pair", "one", "other").name.prefix("_"), hit=hit, value=pl.lit(1.0))

    def _pair(self, items: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
        """Orders with goods of both tags, two different ones."""
        one = items.filter(pl.col("tags").list.contains(first))
        right = ~pl.col("tags").list.contains(first) if second == "*" else pl.col("tags").list.contains(second)
        both = one.select("at", one="code", left="sku").join(
            items.filter(right).select("at", other="code", right="sku"), on="at"
        )
        both = (
            both.filter(pl.col("left") != pl.col("right"))
            .sort("at", "one", "other")
            .unique("at", keep="first", maintain_order=True)
        )
        return both.select("at", "one", "other", pair=pl.lit(f"{first} + {second}"), unknown=pl.lit(value=False))

    def _region(self, items: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
        """Limited goods to a region that is not theirs; `unknown` where the address does not tell."""
        limited = items.filter(pl.any_horizontal(pl.col("only_to", "not_to").list.len() > 0))
        clear = ~frame["addr_state"].is_in(["contradictory", "ambiguous", "blank"])
        places = pl.DataFrame(
            {n: frame[f"addr_{n}"].set(~clear.fill_null(value=False), None) for n in ("province", "city")}
        )
        here = limited.with_columns(
            [short_region(places[n].gather(limited["at"])).alias(n) for n in ("province", "city")]
        ).with_columns([pl.col(c).list.eval(short_region(pl.element())) for c in ("only_to", "not_to")])
        inside = [
            pl.any_horizontal(pl.col(c).list.contains(pl.col(n)).fill_null(value=False) for n in ("province", "city"))
            for c in ("only_to", "not_to")
        ]
        wrong = ((pl.col("only_to").list.len() > 0) & ~inside[0]) | inside[1]
        told = here.with_columns(unknown=pl.col("province").is_null(), wrong=wrong).filter(
            pl.col("unknown") | pl.col("wrong")
        )
        place = pl.concat_str("province", "city", ignore_nulls=True)
        return told.select("at", one="code", other=place, pair=pl.lit("region"), unknown="unknown").sort(
            "at", "unknown", "one"
        )

    def reason(self, locale: str) -> pl.Expr:
        one, other = shortened("_one"), shortened("_other").fill_null("?")
        region = sentence(locale, "{one} 不能销往{other}", "{one} is not sold to {other}", one=one, other=other)
        pair = sentence(
            locale,
            zh="{one} 与 {other} 不能同单（{pair}）",
            en="{one} and {other} must not share an order ({pair})",
            one=one,
            other=other,
            pair=pl.col("_pair").fill_null(""),
        )
        return pl.when(pl.col("_pair") == "region").then(region).otherwise(pair)
