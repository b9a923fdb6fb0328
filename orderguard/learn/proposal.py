"""Ledger frames into a proposal: points, thresholds, what a score means, and the evidence for each number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.learn.calibrate import Knot, calibrate, calibration_error
from orderguard.learn.evidence import Outcome, Share, outcome, share
from orderguard.learn.fit import BASE, odds
from orderguard.learn.lessons import (
    Read,
    Tally,
    Taught,
    Threshold,
    groups,
    known,
    read_cases,
    tallies,
)
from orderguard.learn.points import MINIMUM, fitted_points
from orderguard.learn.sampling import recall, told
from orderguard.learn.scopes import Scope, scopes
from orderguard.learn.thresholds import Cut, cut
from orderguard.missed import Missed, agents_error

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEARN_SHARE = 0.7
_HALF = 0.5

__all__ = ["Cut", "Effect", "Proposal", "RuleLesson", "Scope", "Taught", "Threshold", "propose"]


class RuleLesson(NamedTuple):
    """What verdicts teach about one rule.

    Attributes:
        id, fingerprint: the rule.
        before, after: points in effect and proposed.
        why: `moved`, `capped` (the most for one run), `kept` (at the review band, for what it catches), `left` (alone it
            brings no order under review any more), `same`, `few` (not enough verdicts), `locked`, `trial`.
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
        scopes: what rules should except; empty where places were not asked about.
        knots: probability by score under the proposed points; empty without enough verdicts.
        effect: on later orders; None with too few verdicts.
        recall: from the control group; None without one.
        right, wrong, unknown: verdicts in all.
        error: share of wrong verdicts as second opinions show it; None where nothing is known.
    """

    rules: list[RuleLesson]
    cuts: list[Cut]
    scopes: list[Scope]
    knots: list[Knot]
    effect: Effect | None
    recall: Missed | None
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
            "scopes": [s.told() for s in self.scopes],
            "holdout": self.effect.told() if self.effect else None,
            "control_group": told(self.recall) if self.recall else None,
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
    places: pl.DataFrame | None = None,
) -> Proposal:
    """What the verdicts teach.

    Args:
        cases: every case, judged or not: `case_id verdict_id result second ordered_at control share`.
        hits: findings on them: `case_id rule_id rule_fingerprint value points`.
        rules: today's live and trial rules.
        review, hold: today's bands.
        sure: the probability that the hold band stands for.
        anchor: the score that stands for it, if it is not `hold`.
        places: `case_id shop platform`, where scopes are wanted.
    """
    read, error = read_cases(cases, hits, rules), agents_error(cases["own"], cases["second"])
    found = groups(read.cases)
    count = tallies(found, rules)
    slope = (odds(max(sure, 0.05)) - BASE) / (anchor or hold)
    points, capped, kept = fitted_points(found, read.points, rules, review, hold, slope)
    lessons = [
        _lesson(rule, count[rule.id], points.get(rule.id, rule.points), review, rule.id in capped, rule.id in kept)
        for rule in rules
    ]
    right, wrong, unknown = (sum(g.n for g in found if g.right is said) for said in (True, False, None))
    return Proposal(
        lessons, _cuts(read, rules), scopes(read, rules, places) if places is not None else [],
        calibrate(known(found, rules, read.points), points, slope, error),
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


def _lesson(rule: Taught, count: Tally, after: float, review: float, capped: bool, kept: bool) -> RuleLesson:  # noqa: FBT001
    precision = share(count.right, count.right + count.wrong)
    moved = after != rule.points
    if not rule.live:
        why = "trial"
    elif rule.locked:
        why = "locked"
    elif kept:  # though it be where it was: a rule that is mostly wrong and does not move owes a reason
        why = "kept"
    elif rule.points >= review > after:
        why = "left"
    elif moved:
        why = "capped" if capped else "moved"
    else:
        why = "few" if max(count.right, count.wrong) < MINIMUM else "same"
    return RuleLesson(
        rule.id, rule.fingerprint, rule.points, after, why, count.right, count.wrong, count.unknown, count.stale, precision,
        count.alone,
    )  # fmt: skip


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
    points, _, _ = fitted_points(early, read.points, rules, review, hold, slope)
    before = {r.id: r.points for r in rules if r.live}
    knots = calibrate(taught, points, slope, error)
    return Effect(
        learned_n,
        tried_n,
        outcome(tried, before, review, hold),
        outcome(tried, points, review, hold),
        calibration_error(tried, points, knots),
    )
