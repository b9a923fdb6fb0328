"""Verdict frames as the fit reads them: which rule fired on which judged order, and what was found."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.learn.evidence import Judged, Share, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HALF_LIFE_DAYS = 45.0
"""A verdict that is this much older than the newest one counts half."""


class Threshold(NamedTuple):
    """A rule's limit on its measured value.

    Attributes:
        setting: its key in `with:`.
        now: today's limit, in the unit of `value`.
        above: the rule flags values above (or at) the limit; else below.
        whole: the limit counts things.
        unit: shown behind the number; may be ''.
    """

    setting: str
    now: float
    above: bool
    whole: bool
    unit: str


class Taught(NamedTuple):
    """What is to be known of a rule of today's rulebook.

    Attributes:
        id: permanent id.
        was: its former ids.
        fingerprint: today's.
        points: in effect.
        locked: a person wants them left alone.
        live: its points count (False: trial).
        threshold: if it has one.
    """

    id: str
    was: tuple[str, ...]
    fingerprint: str
    points: float
    locked: bool
    live: bool
    threshold: Threshold | None = None


class Group(NamedTuple):
    """Judged orders with the same hits and the same answer.

    Attributes:
        hits: what fired: a rule of today by its id, an earlier form or a former rule as `id@fingerprint`.
        right: found abnormal (True) or honest (False); None when it is not known yet, or two agents disagree.
        control: drawn at random from the unflagged.
        n: how many.
        weight: the same, recent ones counting more.
    """

    hits: tuple[str, ...]
    right: bool | None
    control: bool
    n: int
    weight: float


class Read(NamedTuple):
    """Judged cases.

    Attributes:
        cases: `case_id at right control hits`, oldest first; `hits` as in `Group`, joined.
        values: `case_id rule value` of findings of today's rules.
        points: of the earlier forms and former rules among the hits, when they fired.
    """

    cases: pl.DataFrame
    values: pl.DataFrame
    points: dict[str, float]


class Tally(NamedTuple):
    """What verdicts say of one rule."""

    right: int
    wrong: int
    unknown: int
    stale: int
    alone: Share


_SAYS = {"confirmed": True, "false_alarm": False}
_GRAIN = 1 << 24
"""Weights are added up as whole numbers, so that the sum does not depend on the order."""


def read_cases(cases: pl.DataFrame, hits: pl.DataFrame, rules: Sequence[Taught]) -> Read:
    """Judged cases and what fired on them.

    Args:
        cases: `case_id verdict_id result second own settled ordered_at control` (see `ledger.lessons`).
        hits: `case_id rule_id rule_fingerprint value points`.
        rules: today's rules.
    """
    names = [(name, rule.id, rule.fingerprint) for rule in rules for name in (*rule.was, rule.id)]
    known = pl.DataFrame(names, schema=["rule_id", "rule", "now"], orient="row", infer_schema_length=None)
    known = known.cast(pl.String).unique("rule_id", keep="last")
    said = hits.join(known, on="rule_id", how="left").with_columns(
        current=(pl.col("rule_fingerprint") == pl.col("now")).fill_null(value=False),
        rule=pl.col("rule").fill_null(pl.col("rule_id")),
    )
    today = said.filter("current")
    # A rule that fires as it is today says all; what an earlier form of it said adds nothing.
    before = said.filter(~pl.col("current")).join(today, on=["case_id", "rule"], how="anti")
    before = before.with_columns(mark=pl.col("rule") + "@" + pl.col("rule_fingerprint"))
    marks = pl.concat([today.select("case_id", mark="rule"), before.select("case_id", "mark")])
    fired = marks.unique().group_by("case_id").agg(pl.col("mark").sort().str.join(_APART).alias("hits"))
    differ = (
        pl.col("second").is_in(list(_SAYS))
        & pl.col("result").is_in(list(_SAYS))
        & (pl.col("second") != pl.col("result"))
        & ~pl.col("settled")
    )
    right = pl.col("result").replace_strict(_SAYS, default=None, return_dtype=pl.Boolean)
    judged = (
        cases.filter(pl.col("result").is_not_null())
        .sort("ordered_at", "verdict_id")
        .select("case_id", "control", at="ordered_at", right=pl.when(~differ.fill_null(value=False)).then(right))
        .join(fired, on="case_id", how="left", maintain_order="left")
        .with_columns(pl.col("hits").fill_null(""))
    )
    points = before.group_by("mark").agg(pl.col("points").max()).sort("mark")
    return Read(judged, today.select("case_id", "rule", "value"), dict(points.iter_rows()))


_APART = "\x1f"


def groups(cases: pl.DataFrame) -> list[Group]:
    """Cases with the same hits and answer together; half the weight every `HALF_LIFE_DAYS` before the newest of them."""
    days = (pl.col("at").max() - pl.col("at")).dt.total_seconds() / 86_400
    weight = ((-days * (log(2) / HALF_LIFE_DAYS)).exp() * _GRAIN).round().cast(pl.Int64)
    told = cases.with_columns(weight=weight).group_by("hits", "right", "control").agg(pl.len(), pl.col("weight").sum())
    return [
        Group(tuple(hits.split(_APART)) if hits else (), right, control, count, weight / _GRAIN)
        for hits, right, control, count, weight in told.sort("hits", "right", "control").iter_rows()
    ]


def tallies(found: Sequence[Group], rules: Sequence[Taught]) -> dict[str, Tally]:
    """Per rule: verdicts on its present form, and how many on an earlier one."""
    count = {rule.id: [0, 0, 0, 0, 0, 0] for rule in rules}
    scoring = {rule.id for rule in rules if rule.live}
    for group in found:
        alone = sum(h in scoring or "@" in h for h in group.hits) == 1
        for hit in group.hits:
            tally = count.get(hit.split("@")[0])
            if tally is None:
                continue
            if "@" in hit:
                tally[3] += group.n
                continue
            tally[2 if group.right is None else 0 if group.right else 1] += group.n
            if alone and group.right is not None:
                tally[4] += group.n * group.right
                tally[5] += group.n
    return {k: Tally(c[0], c[1], c[2], c[3], share(c[4], c[5])) for k, c in count.items()}


def known(found: Sequence[Group], rules: Sequence[Taught], former: Mapping[str, float]) -> list[Judged]:
    """Orders whose verdict and whose score under today's rules are both known."""
    scoring = {rule.id for rule in rules if rule.live}
    return [
        Judged(tuple(h for h in group.hits if h in scoring), group.right, group.control, group.n, group.weight)
        for group in found
        if group.right is not None and not any(former.get(h) for h in group.hits)
    ]
