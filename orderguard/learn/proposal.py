"""Ledger frames into a proposal: points, thresholds, what a score means, and the evidence for each number."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.learn.calibrate import Knot, calibrate, calibration_error
from orderguard.learn.evidence import Judged, Outcome, Share, outcome, score, share
from orderguard.learn.fit import BASE, Feature, Row, fit, odds
from orderguard.learn.lessons import (
    Group,
    Read,
    Tally,
    Taught,
    Threshold,
    agents_error,
    groups,
    known,
    read_cases,
    tallies,
)
from orderguard.learn.sampling import Recall, recall
from orderguard.learn.thresholds import Cut, cut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINIMUM = 30
"""Points fall only on so many false alarms, and rise only on so many confirmed orders. (Were it so many verdicts of
any kind, one more confirmed order could complete them and lower the rule.)"""
MOST_LOST = 0.02
"""The proposal keeps rules at the review band that would otherwise take more confirmed orders than this out of the
queue."""
_LEARN_SHARE = 0.7
_HALF = 0.5

__all__ = ["Cut", "Effect", "Proposal", "Recall", "RuleLesson", "Taught", "Threshold", "propose"]


class RuleLesson(NamedTuple):
    """What verdicts teach about one rule.

    Attributes:
        id, fingerprint: the rule.
        before, after: points in effect and proposed.
        why: `moved`, `capped` (the most for one run), `kept` (at the review band, for what it catches), `same`, `few`
            (not enough verdicts), `locked`, `trial`.
        right, wrong, unknown: verdicts on it as it is today.
        stale: verdicts on an earlier form of it, not used.
        precision: right of right + wrong.
        alone: the same where no other rule fired.
    """

    id: str
    fingerprint: str
    before: float
    after: float
    why: str
    right: int
    wrong: int
    unknown: int
    stale: int
    precision: Share
    alone: Share

    def told(self) -> dict[str, object]:
        """As JSON and YAML show it."""
        return {n: v.told() if isinstance(v, Share) else v for n, v in self._asdict().items()}


class Effect(NamedTuple):
    """Points learned from the earlier verdicts, tried on the later ones, at today's bands.

    Attributes:
        learned, tried: how many verdicts on either side of the cut in time.
        before, after: what today's and the learned points do to the later orders.
        calibration_error: between probabilities told by the earlier verdicts and what the later ones found.
    """

    learned: int
    tried: int
    before: Outcome
    after: Outcome
    calibration_error: float | None

    def told(self) -> dict[str, object]:
        """As JSON and YAML show it."""
        error = None if self.calibration_error is None else round(self.calibration_error, 4)
        return {
            "learned": self.learned, "tried": self.tried, "before": self.before.told(), "after": self.after.told(),
            "calibration_error": error,
        }  # fmt: skip


class Proposal(NamedTuple):
    """Everything that `learn` proposes.

    Attributes:
        rules: one lesson a rule, in the rulebook's order.
        cuts: thresholds.
        knots: probability by score under the proposed points; empty without enough verdicts.
        effect: on later orders; None with too few verdicts.
        recall: from the control group; None without one.
        right, wrong, unknown: verdicts in all.
        error: share of wrong verdicts as second opinions show it; None where nothing is known.
    """

    rules: list[RuleLesson]
    cuts: list[Cut]
    knots: list[Knot]
    effect: Effect | None
    recall: Recall | None
    right: int
    wrong: int
    unknown: int
    error: float | None

    @property
    def moves(self) -> bool:
        """Some rule's points would change."""
        return any(r.after != r.before for r in self.rules)

    def told(self) -> dict[str, object]:
        """As JSON shows it."""
        return {
            "verdicts": {"used": self.right + self.wrong, "right": self.right, "wrong": self.wrong, "unknown": self.unknown},
            "points": {r.id: r.after for r in self.rules},
            "rules": [r.told() for r in self.rules],
            "thresholds": [c.told() for c in self.cuts],
            "holdout": self.effect.told() if self.effect else None,
            "control_group": self.recall.told() if self.recall else None,
            "calibration": [k._asdict() for k in self.knots],
            "agents_error": None if self.error is None else round(self.error, 4),
        }  # fmt: skip


def propose(
    cases: pl.DataFrame,
    hits: pl.DataFrame,
    rules: Sequence[Taught],
    review: float,
    hold: float,
    sure: float = _HALF,
    anchor: float | None = None,
) -> Proposal:
    """What the verdicts teach.

    Args:
        cases: every case, judged or not: `case_id verdict_id result second ordered_at control share`.
        hits: findings on them: `case_id rule_id rule_fingerprint value points`.
        rules: today's live and trial rules.
        review, hold: today's bands.
        sure: the probability that the hold band stands for.
        anchor: the score that stands for it, if it is not `hold`.
    """
    read, error = read_cases(cases, hits, rules), agents_error(cases)
    found = groups(read.cases)
    count = tallies(found, rules)
    slope = (odds(max(sure, 0.05)) - BASE) / (anchor or hold)
    points, capped, kept = _points(found, read.points, rules, review, hold, slope)
    lessons = [
        _lesson(rule, count[rule.id], points.get(rule.id, rule.points), rule.id in capped, rule.id in kept)
        for rule in rules
    ]
    right, wrong, unknown = (sum(g.n for g in found if g.right is said) for said in (True, False, None))
    return Proposal(
        lessons, _cuts(read, rules), calibrate(known(found, rules, read.points), points, slope, error),
        _effect(read, rules, review, hold, slope, error), recall(cases, error or 0.0), right, wrong, unknown, error,
    )  # fmt: skip


def _cuts(read: Read, rules: Sequence[Taught]) -> list[Cut]:
    limited = {rule.id: rule for rule in rules if rule.threshold}
    seen = read.values.filter(pl.col("value").is_not_null() & pl.col("rule").is_in(list(limited)))
    said = seen.join(read.cases.select("case_id", "right"), on="case_id").drop_nulls("right").sort("value")
    found = []
    for name, rule in limited.items():
        own = said.filter(pl.col("rule") == name)
        right, wrong = (own.filter(pl.col("right") == ok)["value"].to_list() for ok in (True, False))
        made = cut(rule, right, wrong, MINIMUM)
        found += [made] if made else []
    return found


def _lesson(rule: Taught, count: Tally, after: float, capped: bool, kept: bool) -> RuleLesson:  # noqa: FBT001
    precision = share(count.right, count.right + count.wrong)
    moved = after != rule.points
    if not rule.live:
        why = "trial"
    elif rule.locked:
        why = "locked"
    elif kept:  # though it be where it was: a rule that is mostly wrong and does not move owes a reason
        why = "kept"
    elif moved:
        why = "capped" if capped else "moved"
    else:
        why = "few" if max(count.right, count.wrong) < MINIMUM else "same"
    return RuleLesson(
        rule.id, rule.fingerprint, rule.points, after, why, count.right, count.wrong, count.unknown, count.stale, precision,
        count.alone,
    )  # fmt: skip


def _points(
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
    for rule, feature, raw in zip(live, features, fitted, strict=False):
        points[rule.id] = _rounded(raw, rule.points, grain, hold)
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
            caught = sum(j.weight for j in back if j.right)
            worth = caught / (sum(j.weight for j in back) + 1.0)
            if caught and (best is None or worth > best[0]):
                best = (worth, rule.id, lifted)
        if best is None:
            return kept
        points[best[1]] = best[2]
        kept.add(best[1])


def _effect(
    read: Read, rules: Sequence[Taught], review: float, hold: float, slope: float, error: float | None
) -> Effect | None:
    """Learn from the first seven tenths of the verdicts, try it on the rest. The cut lies between two instants."""
    cases = read.cases
    at = int(len(cases) * _LEARN_SHARE)
    if not 0 < at < len(cases):
        return None
    border = cases["at"][at]
    if border > cases["at"][0]:
        at = int((cases["at"] < border).sum())
    early, late = groups(cases[:at]), groups(cases[at:])
    taught, tried = known(early, rules, read.points), known(late, rules, read.points)
    learned_n, tried_n = (sum(j.n for j in part) for part in (taught, tried))
    if min(learned_n, tried_n) < MINIMUM:
        return None
    points, _, _ = _points(early, read.points, rules, review, hold, slope)
    before = {r.id: r.points for r in rules if r.live}
    knots = calibrate(taught, points, slope, error)
    return Effect(
        learned_n,
        tried_n,
        outcome(tried, before, review, hold),
        outcome(tried, points, review, hold),
        calibration_error(tried, points, knots),
    )
