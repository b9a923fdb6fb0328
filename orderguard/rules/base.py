"""What a rule kind is: its settings, the expression that flags, its value and its reason."""

from __future__ import annotations

import re
from abc import abstractmethod
from datetime import timedelta
from typing import Annotated, NamedTuple

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from orderguard.errors import Words

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "秒": 1, "分钟": 60, "小时": 3600, "天": 86_400}
_LONGEST = timedelta(days=366)


def _span(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|秒|分钟|小时|天)", str(value).strip())
    if not found:
        raise ValueError(Words("应为时长，如 30s、5m、2h、7d", "should be a length of time such as 30s, 5m, 2h, 7d"))
    seconds = float(found[1]) * _UNITS[found[2]]
    span = timedelta(seconds=min(seconds, 1e9))
    if not timedelta(0) < span <= _LONGEST:
        raise ValueError(Words("时长须大于 0 且不超过 366 天", "must be above 0 and at most 366 days"))
    return span


Span = Annotated[
    timedelta, BeforeValidator(_span), PlainSerializer(lambda s: f"{s.total_seconds():g}s", return_type=str)
]
"""A length of time in a rulebook: `30s`, `5m`, `2h`, `7d`."""


class Reach(NamedTuple):
    """How far a rule looks: its own row only, or rows with the same key within a time.

    Attributes:
        keys: columns of the key; empty for a rule that needs its own row only.
        within: how far in time; None without limit.
    """

    keys: tuple[str, ...] = ()
    within: timedelta | None = None


class Kind(BaseModel):
    """One rule kind; its fields are the settings of `with:`. Expressions read orders and facts by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def reach(self) -> Reach:
        """How far the rule looks (default: its own row)."""
        return Reach()

    def limits(self) -> dict[str, float]:
        """Facts that must be exact near a threshold: fact column -> threshold."""
        return {}

    @abstractmethod
    def hit(self) -> pl.Expr:
        """Boolean per order; null where the rule cannot decide (three-valued logic)."""

    @abstractmethod
    def value(self) -> pl.Expr:
        """Float64 per flagged order: the measured number."""

    @abstractmethod
    def reason(self, locale: str) -> pl.Expr:
        """A sentence per flagged order, with the measured `value` and the limit."""

    def reads(self) -> set[str]:
        """The columns that the rule needs, taken from its expressions."""
        names = {n for e in (self.hit(), self.value(), self.reason("en")) for n in e.meta.root_names()}
        return names - {"value"}

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`hit` (Boolean, null = not evaluable) and, where it is known already, `value`; same height as `frame`."""
        # Lazily, for there a part that the expression names twice is computed once.
        return frame.lazy().select(hit=self.hit()).collect()


def span_words(span: timedelta, locale: str) -> str:
    """A length of time in words: `5 分钟`, `5 min`."""
    seconds = span.total_seconds()
    for size, zh, en in ((86_400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {zh if locale.startswith('zh') else en}"
    return f"{seconds:g} {'秒' if locale.startswith('zh') else 's'}"


def number(column: pl.Expr, digits: int = 0) -> pl.Expr:
    """A number as text without needless zeros."""
    rounded = column.cast(pl.Float64).round(digits)
    whole = rounded == rounded.round()
    return pl.when(whole).then(rounded.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(rounded.cast(pl.String))


def blank(column: pl.Expr) -> pl.Expr:
    """True for '', false for any text, null where the column was not exported."""
    return column == ""
