"""Words in a text column.

Flags:
    orders whose column contains any of the words in `any` (and of those in `file`, one a line), every word of `all`,
    and no word of `none`. Full-width and half-width forms, case, blanks and separators between characters are
    folded first, so 临 时·仓 is found by 临时仓.

Why:
    a temporary warehouse (临时仓), an agent's collection point (代收点) or a test address is where orders that
    nobody means to receive are sent; parcels come back or vanish.

Misses:
    words you did not list, traditional forms (臨時倉: list them too), words in pictures, other spellings of the same
    place. A masked text (with **) whose hidden part could decide is not evaluable. Words from a file count as settings:
    another list is another fingerprint.
"""

from __future__ import annotations

import re
import unicodedata
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import polars as pl
from pydantic import Field, StringConstraints, field_validator, model_validator

from orderguard.columns import TEXT_ORDER_COLUMNS, heading
from orderguard.errors import Words, closest
from orderguard.rules.base import Kind
from orderguard.rules.tables import Cell, Shape

if TYPE_CHECKING:
    from orderguard.rules.base import Surroundings

_SEPARATORS = r"[\s()（）\[\]【】<>《》'\"“”‘’\u00a0\u3000\u200b\u200c\u200d\ufeff·•・.。,，、_\-—~|/\\]+"


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


class Keywords(Kind):
    """Settings: `column`; words of which `any`, `all` or `none` must be contained; `file` adds to `any`."""

    later: ClassVar = frozenset({"all", "none", "file"})
    column: str = "address"
    any: Listed = Field(default=[], max_length=10_000)
    all: Listed = Field(default=[], max_length=1000)
    none: Listed = Field(default=[], max_length=10_000)
    file: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _some(self) -> Keywords:
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
        if name not in TEXT_ORDER_COLUMNS:
            hint = closest(name, list(TEXT_ORDER_COLUMNS))
            raise ValueError(Words(f"不是文本列；{hint.zh}", f"is not a text column; {hint.en}"))
        return name

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
        empty = next((w for w in words if not re.sub(_SEPARATORS, "", w)), None)
        if empty is not None:
            raise ValueError(
                Words(
                    f"“{empty}”去掉空白和分隔符后是空的，请删去",
                    f"'{empty}' is empty without blanks and separators; remove it",
                )
            )
        return words

    def _folded(self) -> pl.Expr:
        return pl.col(self.column).str.normalize("NFKC").str.to_lowercase().str.replace_all(_SEPARATORS, "")

    @staticmethod
    def _words(words: list[str]) -> list[str]:
        folded = (unicodedata.normalize("NFKC", w).lower() for w in words)
        return [
            w for w in dict.fromkeys(pl.Series(list(folded), dtype=pl.String).str.replace_all(_SEPARATORS, "")) if w
        ]

    def reads(self) -> set[str]:
        return {self.column}

    def hit(self) -> pl.Expr:
        text, masked = self._folded(), pl.col(self.column).str.contains("**", literal=True)
        # Behind a mask a word that is not seen may stand: unknown, not absent.
        has: list[pl.Expr] = [text.str.contains(w, literal=True) for w in self._words(self.all)]
        any_ = self._words(self.any)
        has += [text.str.contains_any(any_)] if any_ or self.file or self.any else []
        seen = [pl.when(h).then(True).when(~masked).then(False) for h in has]
        if self.none:
            found = text.str.contains_any(self._words(self.none))
            seen.append(pl.when(found).then(False).when(~masked).then(True))
        return pl.when(pl.col(self.column) != "").then(reduce(and_, seen))

    def value(self) -> pl.Expr:
        return self._found().list.len().cast(pl.Float64)

    def _found(self) -> pl.Expr:
        words = self._words([*self.any, *self.all])
        return self._folded().str.extract_many(words, overlapping=True).list.unique(maintain_order=True)

    def reason(self, locale: str) -> pl.Expr:
        name = heading(self.column, locale)
        text = f"{name}含“{{}}”" if locale.startswith("zh") else f'{name} contains "{{}}"'
        if not self.any and not self.all:
            words = ("、" if locale.startswith("zh") else ", ").join(self.none[:5])
            return pl.lit(f"{name}不含“{words}”" if locale.startswith("zh") else f'{name} contains none of "{words}"')
        return pl.format(text, self._found().list.join("、" if locale.startswith("zh") else ", "))
