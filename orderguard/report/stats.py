"""Shares with their intervals, and quantiles that say how many values they rest on."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

ENOUGH = 10
"""Verdicts from which a share is shown as a percentage; below, only the counts are."""

_Z = 1.959964


def wilson(hits: float, n: float) -> tuple[float | None, float | None]:
    """The 95 % interval of a share (Wilson 1927); nothing from nothing."""
    if n <= 0:
        return None, None
    p, z2 = hits / n, _Z * _Z
    middle, spread = p + z2 / (2 * n), _Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z2 / n)), min(1.0, (middle + spread) / (1 + z2 / n))


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
