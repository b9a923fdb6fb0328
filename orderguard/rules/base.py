"""What a rule kind is: its settings, the expression that flags, its value and its reason."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from pydantic import BaseModel, ConfigDict

from orderguard.spans import Span as Span  # noqa: PLC0414 - kinds take it from here

if TYPE_CHECKING:
    from datetime import timedelta


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
