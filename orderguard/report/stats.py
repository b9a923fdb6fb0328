"""Shares with their intervals, and quantiles that say how many values they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.missed import wilson

if TYPE_CHECKING:
    import polars as pl

ENOUGH = 10
"""Verdicts from which a share is shown as a percentage; below, only the counts are."""


def share(name: str, hits: int, n: int) -> dict[str, Any]:
    """`{name: hits / n, name_low, name_high, name_n}`, all but the count None where n is 0."""
    low, high = wilson(hits, n)
    return {
        name: round(hits / n, 6) if n else None,
        f"{name}_low": None if low is None else round(low, 6),
        f"{name}_high": None if high is None else round(high, 6),
        f"{name}_n": n,
    }


def quantiles(seconds: pl.Series) -> dict[str, Any]:
    """`n p50 p90 p99` of a series without nulls, linear between ranks, in its own unit."""
    known = seconds.drop_nulls()
    out: dict[str, Any] = {"n": len(known)}
    for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        value = known.quantile(q, "linear") if len(known) else None
        out[name] = None if value is None else round(float(value), 3)
    return out
