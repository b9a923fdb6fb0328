"""Points fitted to verdicts, in steps that people use, without letting confirmed orders out of the queue."""

from __future__ import annotations

from math import exp, floor, log1p, log10
from typing import TYPE_CHECKING

from orderguard.learn.evidence import Judged, score
from orderguard.learn.fit import BASE, Feature, Row, fit
from orderguard.learn.lessons import Group, Tally, Taught, known, tallies
from orderguard.missed import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINIMUM = 30
"""Points fall only on so many false alarms, and rise only on so many confirmed orders. (Were it so many verdicts of
any kind, one more confirmed order could complete them and lower the rule.)"""
MOST_LOST = 0.02
"""The proposal keeps rules at the review band that would otherwise take more confirmed orders than this out of the
queue."""
RARE = 0.02
"""A rule is not kept in the queue for what it catches if clearly (Wilson, 95 %) fewer than one in fifty of the orders
that it alone brings there are abnormal: whatever flags many orders catches some by chance."""
CLEAR = 0.82
"""How much likelier (in log) verdicts must be beyond the hold band than on it, to take a rule over it: 90 %, one-sided."""
_HALF = 0.5


def fitted_points(
    found: Sequence[Group],
    former: Mapping[str, float],
    rules: Sequence[Taught],
    review: float,
    hold: float,
    slope: float,
) -> tuple[dict[str, float], set[str], set[str]]:
    """Fitted points of the live rules, which of them stopped at the cap, and which were kept in the queue."""
    live, count = [r for r in rules if r.live], tallies(found, rules)
    features = [_feature(r, count[r.id], hold) for r in live]
    index = {r.id: i for i, r in enumerate(live)}
    total: dict[tuple[int, ...], list[float]] = {}
    for group in found:
        if group.right is None:
            continue
        for hit in group.hits:
            if hit not in index and former.get(hit):
                # A rule as it was, or one that is gone: explains what it explained, and is not proposed.
                index[hit] = len(features)
                features.append(Feature(former[hit], 0.0, 10_000.0))
        key = tuple(sorted(index[h] for h in group.hits if h in index))
        pair = total.setdefault(key, [0.0, 0.0])
        pair[0 if group.right else 1] += group.weight
    table = [Row(key, pair[0], pair[1]) for key, pair in sorted(total.items()) if key]
    # Half an order of either kind on every rule: a rule that was always right so far will not always be.
    table += [Row((i,), _HALF, _HALF) for i, f in enumerate(features) if f.low < f.high]
    fitted = fit(table, features, slope, hold / 3)
    grain = 10.0 ** floor(log10(hold / 25))
    points: dict[str, float] = {}
    capped: set[str] = set()
    for i, (rule, feature, raw) in enumerate(zip(live, features, fitted, strict=False)):
        points[rule.id] = _rounded(raw, rule.points, grain, hold)
        side = _other_side(rule.points, points[rule.id], hold, grain)
        if side is not None and not _clear(table, i, fitted, hold, slope):
            points[rule.id] = side
        if min(abs(raw - feature.low), abs(raw - feature.high)) < 1e-6 and points[rule.id] not in {0.0, rule.points}:
            capped.add(rule.id)
    kept = _keep_catch(known(found, rules, former), live, points, review)
    return points, capped, kept


def _feature(rule: Taught, count: Tally, hold: float) -> Feature:
    most = max(hold, rule.points) / 2
    low = max(0.0, rule.points - most) if count.wrong >= MINIMUM and not rule.locked else rule.points
    high = rule.points + most if count.right >= MINIMUM and not rule.locked else rule.points
    return Feature(rule.points, low, high)


def _rounded(raw: float, before: float, grain: float, hold: float) -> float:
    """In steps that people use (of 1 where hold is 30), never up over the hold band, and today's points if near."""
    if abs(raw - before) < grain / 2:
        return before
    steps = round(raw / grain)
    if raw < hold <= steps * grain:
        steps -= 1
    return round(steps * grain, 9)


def _other_side(before: float, after: float, hold: float, grain: float) -> float | None:
    """Where a rule that would cross the hold band stops if it is not sure that it should; None if it does not cross."""
    if before >= hold > after:
        return hold
    return round(hold - grain, 9) if before < hold <= after else None


def _clear(table: Sequence[Row], rule: int, fitted: Sequence[float], band: float, slope: float) -> bool:
    """Whether the verdicts are clearly better explained by a rule's fitted points than by those of the band.

    A rule that is right about every second time would else go over the hold band and back with the luck of each month.
    """
    gain = 0.0
    for row in table:
        if rule in row.hits:
            z = BASE + slope * sum(fitted[j] for j in row.hits)
            was = z + slope * (band - fitted[rule])
            gain += row.right * (_log(z) - _log(was)) + row.wrong * (_log(-z) - _log(-was))
    return gain > CLEAR


def _log(z: float) -> float:
    """The logarithm of the probability of log-odds."""
    return min(z, 0.0) - log1p(exp(-abs(z)))


def _keep_catch(judged: Sequence[Judged], live: Sequence[Taught], points: dict[str, float], review: float) -> set[str]:
    """Lift rules back to the review band until at most `MOST_LOST` of the confirmed orders leave the queue.

    First the rule that brings back the most confirmed orders for the honest ones that come with them.
    """
    before = {r.id: r.points for r in live}
    queued = [j for j in judged if score(j.hits, before) >= review]
    total = sum(j.weight for j in queued if j.right)
    kept: set[str] = set()
    while True:
        gone = [j for j in queued if score(j.hits, points) < review]
        if sum(j.weight for j in gone if j.right) <= MOST_LOST * total:
            return kept
        best: tuple[float, str, float] | None = None
        for rule in live:
            lifted = min(rule.points, review)
            if points[rule.id] >= lifted:
                continue
            back = [j for j in gone if score(j.hits, {**points, rule.id: lifted}) >= review]
            caught, seen = sum(j.weight for j in back if j.right), sum(j.weight for j in back)
            if not caught or (wilson(caught, seen)[1] or 0.0) < RARE:
                continue
            worth = caught / (seen + 1.0)
            if best is None or worth > best[0]:
                best = (worth, rule.id, lifted)
        if best is None:
            return kept
        points[best[1]] = best[2]
        kept.add(best[1])
