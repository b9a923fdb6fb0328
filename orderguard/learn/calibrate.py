"""What a score means: the share of judged orders with about that score that were found abnormal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orderguard.learn.evidence import score
from orderguard.learn.fit import BASE, chance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.learn.evidence import Judged

ENOUGH = 100
"""Fewer verdicts than this calibrate nothing."""
_ASSUMED_ERROR = 0.025
"""Wrong verdicts where no second opinions tell: half of the 5 % that tired agents reach, so that the probability is off
by at most that much either way."""
_TRUST = 4.0
"""How many verdicts the model's own probability is worth beside those at a score."""
_GROUP = 25.0
"""Neighbouring scores are told together until they have this many verdicts."""


class Knot(NamedTuple):
    """One point of the curve; between knots it is straight, beyond the last it is level."""

    score: float
    probability: float


def calibrate(judged: Sequence[Judged], points: Mapping[str, float], slope: float, error: float | None) -> list[Knot]:
    """Probability by score, never falling, never 0 or 1.

    Args:
        judged: orders with verdicts.
        points: those that make the score.
        slope: log-odds a point, of the model that stands in where verdicts are few.
        error: share of wrong verdicts, as agents' second opinions show it; None where nothing is known.

    Returns:
        Knots by rising score; empty with under `ENOUGH` verdicts or only one kind of them.
    """
    error = _ASSUMED_ERROR if error is None else error
    known = [(score(j.hits, points), j) for j in judged if not j.control or j.hits]
    if sum(j.n for _, j in known) < ENOUGH or len({j.right for _, j in known}) < 2:
        return []
    at: dict[float, tuple[float, float]] = {}
    for worth, order in known:
        n, right = at.get(worth, (0.0, 0.0))
        at[worth] = (n + order.weight, right + order.weight * order.right)
    groups: list[tuple[float, float, float]] = []
    n = right = mass = 0.0
    for worth in sorted(at):
        n, right, mass = n + at[worth][0], right + at[worth][1], mass + worth * at[worth][0]
        if n >= _GROUP:
            groups.append((mass / n, n, right))
            n = right = mass = 0.0
    if n and groups:
        last = groups.pop()
        groups.append(((last[0] * last[1] + mass) / (last[1] + n), last[1] + n, last[2] + right))
    elif n:
        groups.append((mass / n, n, right))
    return _rising(
        [(s, n, _true((right + _TRUST * chance(BASE + slope * s)) / (n + _TRUST), error)) for s, n, right in groups]
    )


def _true(said: float, error: float) -> float:
    """The share that is abnormal, from the share that was called so by agents who err in `error` of their verdicts."""
    return min(max((said - error) / (1 - 2 * error), 0.001), 0.999)


def _rising(groups: Sequence[tuple[float, float, float]]) -> list[Knot]:
    """Neighbours out of order are averaged until the curve rises (pool adjacent violators)."""
    pools: list[list[tuple[float, float, float]]] = []
    for group in groups:
        pools.append([group])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    return [Knot(round(s, 4), round(_mean(pool), 4)) for pool in pools for s, _, _ in pool]


def _mean(pool: Sequence[tuple[float, float, float]]) -> float:
    return sum(n * p for _, n, p in pool) / sum(n for _, n, _ in pool)


def probability(knots: Sequence[Knot], worth: float) -> float:
    """The calibrated probability of a score."""
    before = Knot(0.0, min(chance(BASE), knots[0].probability))
    for knot in knots:
        if worth <= knot.score:
            wide = knot.score - before.score
            return knot.probability if wide <= 0 else (
                before.probability + (knot.probability - before.probability) * max(worth - before.score, 0.0) / wide
            )  # fmt: skip
        before = knot
    return before.probability


def score_at(knots: Sequence[Knot], wanted: float) -> float | None:
    """The lowest score whose probability is at least `wanted`; None if no score reaches it."""
    before = Knot(0.0, min(chance(BASE), knots[0].probability))
    for knot in knots:
        if knot.probability >= wanted:
            rise = knot.probability - before.probability
            part = 1.0 if rise <= 0 else max(wanted - before.probability, 0.0) / rise
            return before.score + part * (knot.score - before.score)
        before = knot
    return None


def calibration_error(judged: Sequence[Judged], points: Mapping[str, float], knots: Sequence[Knot]) -> float | None:
    """Expected calibration error over ten bins of equal width: how far what is shown is from what was found."""
    bins: dict[int, float] = {}
    flagged = [j for j in judged if not j.control]
    if not knots or not flagged:
        return None
    for order in flagged:
        p = probability(knots, score(order.hits, points))
        at = min(int(p * 10), 9)
        bins[at] = bins.get(at, 0.0) + order.n * (p - order.right)
    return sum(map(abs, bins.values())) / sum(j.n for j in flagged)
