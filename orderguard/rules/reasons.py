"""Reasons: what a rule says of an order, as one sentence in the reader's language."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import timedelta


def sentence(locale: str, zh: str, en: str, **holes: pl.Expr | str | float) -> pl.Expr:
    """`zh` or `en`, with its `{holes}` filled: each language orders them as it likes, and may leave some out.

    An expression is told row by row; a text or a number is the rule's own and the same for every order.
    """
    text, cells = "", []
    for plain, name, _, _ in Formatter().parse(zh if locale.startswith("zh") else en):
        text += _literal(plain)
        if name is None:
            continue
        hole = holes[name]
        if isinstance(hole, pl.Expr):
            text += "{}"
            cells.append(hole)
        else:
            text += _literal(hole if isinstance(hole, str) else amount(hole))
    return pl.format(text, *cells) if cells else pl.lit(text.format())


def _literal(text: str) -> str:
    """Text that `pl.format` takes as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def amount(number: float) -> str:
    """A setting's number as the rulebook has it: 1000000 and 12345.67, never 1e+06 or 12345.7."""
    return f"{number:.12g}"


def span_words(span: timedelta, locale: str) -> str:
    """A length of time in words: `5 分钟`, `5 min`."""
    seconds = span.total_seconds()
    for size, zh, en in ((86_400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size and seconds % size == 0:
            return f"{amount(seconds / size)} {zh if locale.startswith('zh') else en}"
    return f"{amount(seconds)} {'秒' if locale.startswith('zh') else 's'}"


def number(column: pl.Expr, digits: int = 0) -> pl.Expr:
    """A number as text without needless zeros."""
    rounded = column.cast(pl.Float64).round(digits)
    whole = rounded == rounded.round()
    return pl.when(whole).then(rounded.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(rounded.cast(pl.String))


def shortened(column: str, most: int = 40) -> pl.Expr:
    """The first characters of a text: whatever buyers write, a reason stays one line of a sheet."""
    return pl.col(column).str.slice(0, most)
