"""Words in a text column.

Flags:
    orders whose column contains any of the given words. Full-width and half-width forms, case, blanks and
    separators between characters are folded first, so 临 时·仓 is found by 临时仓.

Why:
    a temporary warehouse (临时仓), an agent's collection point (代收点) or a test address is where orders that
    nobody means to receive are sent; parcels come back or vanish.

Misses:
    words you did not list, traditional forms (臨時倉: list them too), words in pictures, other spellings of the same place. A masked text (with **) that
    holds none of the words is not evaluable.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

import polars as pl
from pydantic import Field, StringConstraints, field_validator

from orderguard.columns import TEXT_ORDER_COLUMNS, heading
from orderguard.errors import Words, closest
from orderguard.rules.base import Kind

_SEPARATORS = r"[\s()（）\[\]【】<>《》'\"“”‘’\u00a0\u3000\u200b\u200c\u200d\ufeff·•・.。,，、_\-—~|/\\]+"


class Keywords(Kind):
    """Settings: `column`, and the words of which `any` must be contained."""

    column: str = "address"
    any: list[Annotated[str, StringConstraints(min_length=1)]] = Field(min_length=1, max_length=10_000)

    @field_validator("column")
    @classmethod
    def _text_column(cls, name: str) -> str:
        if name not in TEXT_ORDER_COLUMNS:
            hint = closest(name, list(TEXT_ORDER_COLUMNS))
            raise ValueError(Words(f"不是文本列；{hint.zh}", f"is not a text column; {hint.en}"))
        return name

    @field_validator("any")
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

    def _words(self) -> list[str]:
        folded = (unicodedata.normalize("NFKC", w).lower() for w in self.any)
        return [w for w in dict.fromkeys(pl.Series(list(folded)).str.replace_all(_SEPARATORS, "")) if w]

    def hit(self) -> pl.Expr:
        found = self._folded().str.contains_any(self._words())
        return (
            pl.when(pl.col(self.column) == "")
            .then(None)
            .when(found)
            .then(True)
            .when(pl.col(self.column).str.contains("**", literal=True))
            .then(None)
            .otherwise(found)
        )

    def value(self) -> pl.Expr:
        return self._found().list.len().cast(pl.Float64)

    def _found(self) -> pl.Expr:
        return self._folded().str.extract_many(self._words(), overlapping=True).list.unique(maintain_order=True)

    def reason(self, locale: str) -> pl.Expr:
        name = heading(self.column, locale)
        text = f"{name}含“{{}}”" if locale.startswith("zh") else f'{name} contains "{{}}"'
        return pl.format(text, self._found().list.join("、" if locale.startswith("zh") else ", "))
