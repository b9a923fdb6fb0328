"""Words in a text column.

Flags:
    orders whose column contains any of the words in `any` (and of those in `file`, one a line), every word of `all`,
    and no word of `none`. Spellings of one word are one: full width and case, blanks, zero-width characters, punctuation and
    pictures between the characters (临 时·仓, `刷*单`), compatibility forms (㊙, Ⓥ), traditional characters (臨時倉), 〇 for 零,
    Cyrillic and Greek letters for Latin ones, and 0 and 1 for o, l, i (c0upon, we1xin).

Why:
    a temporary warehouse (临时仓), an agent's collection point (代收点) or a test address is where orders that
    nobody means to receive are sent; parcels come back or vanish.

Misses:
    words you did not list, words in pictures, homophones (薇信), rare traditional characters. Digits are letters only for
    words of three Latin letters or more, in a run that holds more letters than digits and no three digits in a row: a phone
    number, SKU or room is no word. + = % # @ & and money signs count. A masked text (with `**`) whose hidden part could decide
    is not evaluable, nor is an empty cell (an empty note or coupon holds no word, though); a single star in a name is a mask.
    Words from a file count as settings: another list is another fingerprint.

Settings:
    column: the column that is looked at
    any: one of these is enough
    all: each of these must be there
    none: none of these may be there
    file: a file of words, one a line, added to any

文字里出现某些词。

标记什么：
    `column` 这一列里出现 `any`（和 `file` 里每行一个的词）中的任何一个、`all` 中的每一个、且没有 `none` 中任何一个的订单。
    一个词的各种写法算同一个词：全角半角、大小写、空格、零宽字符、字间的标点和表情（临 时·仓、`刷*单`）、兼容字（㊙、Ⓥ）、
    繁体（臨時倉）、〇 和 零、冒充拉丁字母的俄文希腊字母、冒充 o、l、i 的 0 和 1（c0upon、we1xin）。

为什么：
    临时仓、代收点、测试地址：没人打算真收的单往那里寄，件会退回或消失。

漏掉什么：
    没列出来的词、图片里的字、谐音（薇信）、少见的繁体字。只有三个以上字母的词、在字母多于数字且没有三个连续数字的一串里，
    数字才当字母看：电话、货号、房号不是词。+ = % # @ & 和货币符号算字符。脱敏文字（带 `**`）的隐去部分可能起决定作用时无法判断，
    空单元格也一样（留言、备注、优惠券为空就是没有这些词）；
    姓名里单个星号就是脱敏。文件里的词也是设置：换了词表，指纹就变。

设置：
    column：看哪一列
    any：出现任何一个
    all：每一个都要出现
    none：一个都不能出现
    file：词表文件，一行一个，并入 any
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import polars as pl
from pydantic import Field, StringConstraints, field_validator, model_validator

from orderguard.columns import TEXT_ORDER_COLUMNS, heading
from orderguard.errors import Words
from orderguard.rules.base import Measured
from orderguard.rules.keys import spelt
from orderguard.rules.lookalikes import found, hollow, sought
from orderguard.rules.reasons import sentence
from orderguard.rules.tables import Cell, Shape

if TYPE_CHECKING:
    from orderguard.rules.base import Surroundings

_MAY_BE_EMPTY = ("buyer_note", "seller_note", "coupon")
_FREE = ("address", "buyer_note", "seller_note", "coupon", "shop")
"""Columns that people write: a single star in them is punctuation."""
WORDS = Shape({"word": Cell(("word", "词", "关键词", "风险词", "words", "keyword"), required=True)})
Listed = list[Annotated[str, StringConstraints(min_length=1)]]

EXAMPLE = """
- id: gift-card-resale
  kind: keywords
  with: {column: buyer_note, all: [卡密, 加急], none: [发票]}
  points: 10
  flags:
    - {buyer_note: 加急！发 卡密 到邮箱}
  passes:
    - {buyer_note: 加急，卡密，要发票}
    - {buyer_note: 卡密发我}
"""


class Keywords(Measured):
    """Settings: `column`; words of which `any`, `all` or `none` must be contained; `file` adds to `any`."""

    later: ClassVar = frozenset({"all", "none", "file"})
    column: str = Field(default="address", json_schema_extra={"words": [*TEXT_ORDER_COLUMNS]})
    any: Listed = Field(default=[], max_length=10_000)
    all: Listed = Field(default=[], max_length=1000)
    none: Listed = Field(default=[], max_length=10_000)
    file: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _some_word(self) -> Keywords:
        if not (self.any or self.all or self.none or self.file):
            raise ValueError(
                Words("any、all、none 或 file 至少要有一项词", "any, all, none or file needs at least one word")
            )
        return self

    def tables(self) -> dict[str, Shape]:
        return {"file": WORDS} if self.file else {}

    def told(self) -> dict[str, Any]:  # the words decide, not where they stand
        return {k: v for k, v in super().told().items() if k != "file"}

    def settled(self, around: Surroundings) -> Self:
        words = around.tables["file"]["word"].to_list() if "file" in around.tables else []
        return super().settled(around).model_copy(update={"any": list(dict.fromkeys([*self.any, *words]))})

    @field_validator("column")
    @classmethod
    def _text_column(cls, name: str) -> str:
        return spelt(name, TEXT_ORDER_COLUMNS, Words("不是文本列", "is not a text column"))

    @field_validator("any", "all", "none")
    @classmethod
    def _one_word_each(cls, words: list[str]) -> list[str]:
        joined = next((w for w in words if any(c in w for c in "，、；")), None)
        if joined:
            raise ValueError(
                Words(
                    f"“{joined}”像是用中文标点隔开的几个词，请用英文逗号 , 隔开",
                    f"'{joined}' looks like several words; separate them by ','",
                )
            )
        for empty in hollow(words)[:1]:
            raise ValueError(
                Words(
                    f"“{empty}”去掉空白和分隔符后是空的，请删去",
                    f"'{empty}' is empty without blanks and separators; remove it",
                )
            )
        return words

    def reads(self) -> set[str]:
        return {self.column}

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        text, stars = frame[self.column], self.column in _FREE
        # An empty note is known to hold no word; an empty name or address is one that nobody has told.
        known = text.is_not_null() if self.column in _MAY_BE_EMPTY else (text != "")
        sides = {
            name: found(text, sought(words), stars=stars)
            for name, words in (("any", self.any), ("all", self.all), ("none", self.none))
        }
        whole = sides["all"].group_by("row").len().filter(pl.col("len") == len(sought(self.all).words))
        rows = pl.DataFrame({"row": pl.int_range(len(frame), dtype=pl.UInt32, eager=True)})
        has = rows.select(
            *[pl.col("row").is_in(r.unique().implode()).alias(n) for n, r in (("any", sides["any"]["row"]), ("all", whole["row"]), ("none", sides["none"]["row"]))],
            masked=pl.lit(text.str.contains(r"[*＊]{2}")), text=pl.lit(known),
        )  # fmt: skip
        # Behind a mask a word that is not seen may stand: unknown, not absent.
        asked = ["any"] if self.any or self.file else []
        asked += ["all"] if self.all else []
        seen = [pl.when(n).then(True).when(~pl.col("masked")).then(False) for n in asked]
        if self.none:
            seen.append(pl.when("none").then(False).when(~pl.col("masked")).then(True))
        met = pl.concat([sides["any"], sides["all"]]).unique(maintain_order=True)
        told = met.group_by("row").agg(value=pl.len().cast(pl.Float64), _words=pl.col("word"))
        out = rows.join(told, on="row", how="left", maintain_order="left").with_columns(has)
        return out.select("_words", hit=pl.when("text").then(reduce(and_, seen)), value=pl.col("value").fill_null(0))

    def reason(self, locale: str) -> pl.Expr:
        column, comma = heading(self.column, locale), "、" if locale.startswith("zh") else ", "
        if not self.any and not self.all:
            zh, en = "{column}不含“{words}”", '{column} contains none of "{words}"'
            return sentence(locale, zh, en, column=column, words=comma.join(self.none[:5]))
        zh, en = "{column}含“{words}”", '{column} contains "{words}"'
        return sentence(locale, zh, en, column=column, words=pl.col("_words").list.join(comma))
