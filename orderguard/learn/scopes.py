"""Where a rule is wrong that is right elsewhere: what its `except:` should name.

Points are one number for all shops. Where one shop's customers are honest at what is fraud in another (a campus, a wholesaler),
any number is wrong somewhere.
"""

from __future__ import annotations

from math import exp, lgamma
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.learn.evidence import Share, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.learn.lessons import Read, Taught

KINDS = ("shop", "platform")
"""Whichever tells more narrowly goes first."""
SURE = 0.01
"""By chance alone one rulebook in a hundred may get such advice."""
_EACH = 10
_HALF = 0.5


class Scope(NamedTuple):
    """Advice to except something from a rule.

    Attributes:
        rule_id: the rule.
        kind: `shop` or `platform`.
        names: what to except.
        there, elsewhere: precision of the rule.
        chance: the probability that the first of `names` looks so different by chance, times the places that were compared.
    """

    rule_id: str
    kind: str
    names: list[str]
    there: Share
    elsewhere: Share
    chance: float

    def told(self) -> dict[str, object]:
        """As JSON shows it."""
        return {n: v.told() if isinstance(v, Share) else v for n, v in self._asdict().items()}


def fisher(right: int, wrong: int, other_right: int, other_wrong: int) -> float:
    """How probable it is to be right so seldom here if here and elsewhere were alike: Fisher's exact test, one-sided.

    Source: R. A. Fisher, Statistical Methods for Research Workers (1934), section 21.02.
    """
    here, all_right = right + wrong, right + other_right
    whole = here + other_right + other_wrong
    least = max(0, here - (whole - all_right))
    every = _choose(whole, here)
    some = (exp(_choose(all_right, n) + _choose(whole - all_right, here - n) - every) for n in range(least, right + 1))
    return min(1.0, sum(some))


def _choose(of: int, n: int) -> float:
    """The logarithm of how many ways there are to choose."""
    return lgamma(of + 1) - lgamma(n + 1) - lgamma(of - n + 1)


def scopes(read: Read, rules: Sequence[Taught], places: pl.DataFrame) -> list[Scope]:
    """What verdicts say that rules should except, at most one kind of place a rule.

    A place is named if it has at least ten false alarms and the rule is clearly wrong more often than right there (Wilson, 95 %),
    seldomer right than elsewhere (intervals apart, and Fisher's exact test, Bonferroni over all places compared).

    Args:
        read: judged cases.
        rules: today's.
        places: `case_id shop platform`; null where it is not known.
    """
    said = read.values.select("case_id", "rule").unique().join(read.cases.drop_nulls("right"), on="case_id")
    said = said.join(places, on="case_id", how="left")
    per = {kind: _counts(said, kind) for kind in KINDS}
    tried = sum(_compared(row) for counts in per.values() for found in counts.values() for row in found.values())
    advice = []
    for rule in rules:
        for kind in KINDS:
            found = _odd(rule.id, kind, per[kind].get(rule.id, {}), tried)
            if found:
                advice.append(found)
                break
    return advice


_Counts = dict[str | None, tuple[int, int]]


def _counts(said: pl.DataFrame, kind: str) -> dict[str, _Counts]:
    """Right and wrong verdicts of each rule in each place."""
    right = pl.col("right")
    told = said.group_by("rule", kind).agg(right.sum().alias("yes"), (~right).sum().alias("no")).sort("rule", kind)
    found: dict[str, _Counts] = {}
    for rule, place, yes, no in told.iter_rows():
        found.setdefault(rule, {})[place] = (yes, no)
    return found


def _compared(row: tuple[int, int]) -> bool:
    return sum(row) >= _EACH


def _odd(rule: str, kind: str, counts: _Counts, tried: int) -> Scope | None:
    """The places that differ, the oddest first; each is compared with those that are left."""
    left, names, chance = dict(counts), list[str](), 1.0
    while True:
        yes, no = (sum(row[i] for row in left.values()) for i in (0, 1))
        best: tuple[float, str] | None = None
        for place, (right, wrong) in left.items():
            if place is None or wrong < _EACH or yes - right < _EACH:
                continue
            here, rest = share(right, right + wrong), share(yes - right, yes + no - right - wrong)
            apart = (here.high or 1.0) < min(_HALF, rest.low or 0.0)
            by_chance = fisher(right, wrong, yes - right, no - wrong) * tried
            if apart and by_chance <= SURE and (best is None or by_chance < best[0]):
                best = (by_chance, place)
        if best is None:
            break
        chance = min(chance, best[0])
        names.append(best[1])
        left.pop(best[1])
    if not names:
        return None
    right, wrong = (sum(counts[n][i] for n in names) for i in (0, 1))
    return Scope(rule, kind, names, share(right, right + wrong), share(yes, yes + no), chance)
