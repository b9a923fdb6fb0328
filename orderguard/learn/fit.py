"""Penalised logistic regression over rule hits, in the rulebook's own scale.

The log-odds that an order is abnormal are `BASE + slope * score`, where an order without any hit is abnormal one time
in 200 and an order that just reaches the hold band is abnormal one time in two. The points are the maximum a
posteriori under a normal prior around today's points. Orders with the same hits are one row, so 50,000 verdicts are a
few hundred rows, and the answer does not depend on their order. The objective is strictly concave: Newton's method,
one coordinate after the other within its bounds, ends at its only maximum (tests compare it with scipy's L-BFGS-B).
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = log(0.005 / 0.995)
"""Log-odds of an order that no rule flags."""
_SWEEPS = 400
_STILL = 1e-7


class Row(NamedTuple):
    """Orders with the same hits.

    Attributes:
        hits: indexes of the features that fired.
        right, wrong: how many of them were found abnormal and honest, recent ones counting more.
    """

    hits: tuple[int, ...]
    right: float
    wrong: float


class Feature(NamedTuple):
    """One rule in the fit.

    Attributes:
        prior: today's points, the centre of the prior.
        low, high: bounds; equal for a rule that is not to move.
    """

    prior: float
    low: float
    high: float


def odds(p: float) -> float:
    """Log-odds of a probability."""
    return log(p / (1 - p))


def chance(z: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + exp(-z)) if z > -700 else 0.0


def fit(rows: Sequence[Row], features: Sequence[Feature], slope: float, spread: float) -> list[float]:
    """The points that explain the verdicts best, near the prior and within the bounds.

    Args:
        rows: verdicts by hits.
        features: the rules.
        slope: log-odds a point.
        spread: standard deviation of the prior, in points.

    Returns:
        Points per feature.
    """
    points = [f.prior for f in features]
    having: list[list[int]] = [[] for _ in features]
    for i, row in enumerate(rows):
        for j in row.hits:
            having[j].append(i)
    z = [BASE + slope * sum(points[j] for j in row.hits) for row in rows]
    for _ in range(_SWEEPS):
        moved = 0.0
        for j, feature in enumerate(features):
            if feature.low >= feature.high:
                continue
            step = _best(rows, having[j], z, feature, points[j], slope, spread) - points[j]
            if step:
                points[j] += step
                for i in having[j]:
                    z[i] += slope * step
                moved = max(moved, abs(step))
        if moved < _STILL:
            break
    return points


def _best(
    rows: Sequence[Row],
    mine: Sequence[int],
    z: Sequence[float],
    feature: Feature,
    now: float,
    slope: float,
    spread: float,
) -> float:
    """The maximum along one coordinate: Newton steps inside a shrinking bracket."""
    low, high = feature.low, feature.high
    at = min(max(now, low), high)
    for _ in range(60):
        down, bend = -(at - feature.prior) / spread**2, -1 / spread**2
        for i in mine:
            row = rows[i]
            p = chance(z[i] + slope * (at - now))
            n = row.right + row.wrong
            down += slope * (row.right - n * p)
            bend -= slope * slope * n * p * (1 - p)
        if down > 0:
            low = at
        else:
            high = at
        target = at - down / bend
        if not low <= target <= high:
            # Newton leaves the bracket: a bound, or half way where the curve is flat.
            target = (low + high) / 2 if high - low > 1e-9 else low
        if abs(target - at) < _STILL / 10:
            return target
        at = target
    return at
