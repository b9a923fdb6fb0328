"""A day in one column and the clock in another (`Order Date` and `Order Time`) are one time."""

from __future__ import annotations

import polars as pl

_EXCEL = r"^1899-12-3[01](?:[ T]|$)"  # the day that a book gives to a clock alone
_CLOCK = (
    r"^(?:1899-12-3[01][ T])?(?:[上下]午\s*)?\d{1,2}[:：]\d\d(?:[:：]\d\d(?:\.\d+)?)?\s*(?i:[AP]\.?M\.?)?$"
    r"|^1899-12-3[01]$|^\d{1,2}[时時点點]\d{1,2}分(?:\d{1,2}秒)?$"
)
_MIDNIGHT = r"[ T]0?0:00(?::00(?:\.0+)?)?$"


def with_clocks(texts: list[pl.Series]) -> list[pl.Series]:
    """Columns of times in order of preference, without those that hold nothing but a clock: days get it from the first of them.

    A day that has a clock of its own keeps it; without a column of days nothing changes.
    """
    clocks = [t.null_count() < len(t) and bool(t.drop_nulls().str.contains(_CLOCK).all()) for t in texts]
    if not any(clocks) or all(t.null_count() == len(t) for t, c in zip(texts, clocks, strict=True) if not c):
        return texts
    clock = pl.lit(texts[clocks.index(True)].str.replace(_EXCEL, "").replace("", "00:00:00"))
    return [
        pl.select(_with(pl.lit(t), clock).alias(t.name)).to_series()
        for t, is_clock in zip(texts, clocks, strict=True)
        if not is_clock
    ]


def _with(day: pl.Expr, clock: pl.Expr) -> pl.Expr:
    bare = day.str.replace(_MIDNIGHT, "")
    return pl.when(~bare.str.contains(r"\d[:：]\d") & clock.is_not_null()).then(bare + " " + clock).otherwise(day)
