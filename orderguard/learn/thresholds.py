"""Of a rule with a threshold: the stricter one that best separates confirmed orders from false alarms."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING, NamedTuple

from orderguard.learn.evidence import Share, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.learn.lessons import Taught, Threshold

_MOST_LOST = 0.05
_EACH = 10
"""So many verdicts of either kind are needed: a cut between two orders separates nothing."""


class Cut(NamedTuple):
    """A proposed threshold.

    Attributes:
        rule_id, setting, unit: what to change.
        now, then: today's limit and the proposed one.
        before, after: precision of the rule.
        lost, confirmed: confirmed orders that it would no longer flag, of all of its confirmed ones.
    """

    rule_id: str
    setting: str
    unit: str
    now: float
    then: float
    before: Share
    after: Share
    lost: int
    confirmed: int

    def told(self) -> dict[str, object]:
        """As JSON shows it."""
        return {n: v.told() if isinstance(v, Share) else v for n, v in self._asdict().items()}


def cut(rule: Taught, right: Sequence[float], wrong: Sequence[float], minimum: int) -> Cut | None:
    """The best stricter threshold of one rule; None if there is none worth telling.

    `right` and `wrong` are the values of its confirmed orders and of its false alarms, rising.

    Only stricter ones can be judged: orders that the rule passed have no measured value. The best one lets go the
    most false alarms for the confirmed orders that it loses (Youden's J), loses at most 5 % of these, and its
    precision's interval lies above today's precision.
    """
    limit = rule.threshold
    values = [*right, *wrong]
    if limit is None or len(values) < minimum or len(right) < _EACH or len(wrong) < _EACH:
        return None
    before = share(len(right), len(values))
    best: list[Cut] = []
    most = 0.0
    for then in _candidates(limit, values):
        kept, still = _passing(right, then, limit), _passing(wrong, then, limit)
        lost = len(right) - kept
        if lost > _MOST_LOST * len(right) or not kept:
            continue
        gain = (len(wrong) - still) / len(wrong) - lost / len(right)
        after = share(kept, kept + still)
        if (after.low or 0.0) > (before.share or 0.0) and gain >= most - 1e-9:
            best = best if gain <= most + 1e-9 else []
            best.append(Cut(rule.id, limit.setting, limit.unit, limit.now, then, before, after, lost, len(right)))
            most = max(most, gain)
    # Between the last false alarm and the first confirmed order all cuts are alike: the one in the middle.
    return best[len(best) // 2] if best else None


def _passing(values: Sequence[float], then: float, limit: Threshold) -> int:
    """How many of the sorted values are still flagged. Counts flag at their limit, lengths above beyond it."""
    if limit.above:
        return len(values) - (bisect_left if limit.whole else bisect_right)(values, then)
    return bisect_right(values, then)


def _candidates(limit: Threshold, values: Sequence[float]) -> list[float]:
    """Round numbers between the measured values, rising."""
    out = set()
    seen = sorted(set(values))
    for value in [*seen, *((a + b) / 2 for a, b in pairwise(seen))]:
        if limit.whole:
            out.add(float(floor(value) + 1 if limit.above else ceil(value) - 1))
            continue
        unit = 10.0 ** (floor(log10(max(abs(value), 1e-9))) - 1)
        out |= {round(floor(value / unit) * unit, 9), round(ceil(value / unit) * unit, 9)}
    strict = [v for v in out if (v > limit.now if limit.above else 0 < v < limit.now)]
    return sorted(strict)
