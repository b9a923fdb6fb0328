"""Runs a rulebook over a frame of orders: findings and coverage."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.columns import COVERAGE, FINDINGS, YUAN, schema
from orderguard.rules.tables import short_region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.rules.book import Rule

_YUAN = {word.casefold() for word in YUAN}
FINDING_TYPES = {**schema(FINDINGS), "row": pl.UInt32}


class Verdicts(NamedTuple):
    """What the rules said.

    Attributes:
        findings: the contract's columns and `row`, the index of the order in the frame that was judged.
        coverage: per rule and platform `judged hits not_evaluable`, of the current orders only.
        blind: `row rule_id` of every order that a rule could not evaluate; only where it was asked for.
        spared: `row rule_id` of every hit that an allow list took back; only where `blind` was asked for.
    """

    findings: pl.DataFrame
    coverage: pl.DataFrame
    blind: pl.DataFrame | None = None
    spared: pl.DataFrame | None = None


def needed(rules: Sequence[Rule]) -> tuple[set[str], dict[str, set[float]], timedelta]:
    """What the rules read: columns, facts that must be exact near thresholds, and the longest window."""
    columns: set[str] = set()
    limits: dict[str, set[float]] = {}
    longest = timedelta(0)
    for rule in rules:
        columns |= rule.settings.reads() | scope_reads(rule) | ({"created_at"} if rule.held else set())
        for fact, limit in rule.settings.limits().items():
            limits.setdefault(fact, set()).add(limit)
        longest = max(longest, rule.settings.reach().within or timedelta(0))
    return columns, limits, longest


def run_rules(
    frame: pl.DataFrame,
    rules: Sequence[Rule],
    locale: str,
    synonyms: Mapping[str, frozenset[str]] | None = None,
    audited: pl.Series | None = None,
    *,
    blind: bool = False,
) -> Verdicts:
    """Judge every order of `frame`.

    Args:
        frame: orders with the facts that the rules need. A Boolean column `past` marks orders of earlier runs:
            they count in windows, and are judged by window rules only.
        rules: those to run.
        locale: language of the reasons.
        synonyms: words for one platform, for `only: {platform: ..}`.
        audited: False for orders that are left out (their status says so), null for those of them that count in windows
            all the same; default all. A kind that asks for `every` order sees them all.
        blind: also tell which orders each rule could not evaluate, and which hits an allow list took back.
    """
    every = _numbered(frame, audited)
    heard = None if audited is None else audited.fill_null(value=True)
    base = every if heard is None or heard.all() else every.filter(heard)
    own = ~base["past"] & base["_audited"]
    current = base if own.all() else base.filter(own)
    standing = {i: _standing(base, r, synonyms or {}) for i, r in enumerate(rules) if r.settings.stands}
    cleared = _cleared(rules, standing)
    findings, coverage, unseen, excused = [], [], [], []
    for i, rule in enumerate(rules):
        if i in standing:
            part, measured = _current(*standing[i])
        else:
            windowed = rule.settings.reach().within is not None
            among = every if rule.settings.every else base
            part = _scoped(among if windowed else current, rule, synonyms or {})
            measured = rule.settings.measure(part)
        if cleared is not None:
            measured = _spared(measured, part, cleared)
        if rule.held:  # a promotion's border: windows have counted both sides, the answer is for one of them
            holds = part.select(rule.held.mask()).to_series()
            part, measured = part.filter(holds), measured.filter(holds)
        coverage.append(_coverage(part, measured["hit"], rule.id))
        if blind:
            unseen.append(_audited_rows(part, measured["hit"].is_null(), rule.id))
            if cleared is not None and i not in standing:
                excused.append(_audited_rows(part, measured["_spared"], rule.id))
        told = _findings(part, measured.drop("_spared", strict=False), rule, locale)
        if told is not None:
            findings.append(told)
    found = pl.concat(findings) if findings else pl.DataFrame(schema=FINDING_TYPES)
    order = {rule.id: i for i, rule in enumerate(rules)}
    found = found.sort("row", pl.col("rule_id").replace_strict(order, return_dtype=pl.Int32))
    seen = pl.concat(coverage) if coverage else pl.DataFrame(schema=schema(COVERAGE))
    if any(rule.held for rule in rules):
        seen = seen.group_by("rule_id", "platform", maintain_order=True).sum()
    return Verdicts(
        found.cast(FINDING_TYPES),  # type: ignore[arg-type]
        seen,
        pl.concat(unseen) if unseen else None,
        pl.concat(excused) if excused else None,
    )


def _numbered(frame: pl.DataFrame, audited: pl.Series | None) -> pl.DataFrame:
    """All orders, with `row`, `past` and `_audited`."""
    base = frame.with_row_index("row")
    if "past" not in base.columns:
        base = base.with_columns(past=pl.lit(value=False))
    if audited is None:
        return base.with_columns(_audited=pl.lit(value=True))
    return base.with_columns(_audited=audited.fill_null(value=False))


def _standing(
    base: pl.DataFrame, rule: Rule, synonyms: Mapping[str, frozenset[str]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders of a rule that can spare others, and what it measured."""
    part = _scoped(base, rule, synonyms)
    return part, rule.settings.measure(part)


def _current(part: pl.DataFrame, measured: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of what was measured with earlier orders beside it, the orders that are asked about."""
    asked = part.select(~pl.col("past") & pl.col("_audited")).to_series()
    measured = measured.drop("_standing")
    return (part, measured) if asked.all() else (part.filter(asked), measured.filter(asked))


def _cleared(rules: Sequence[Rule], standing: Mapping[int, tuple[pl.DataFrame, pl.DataFrame]]) -> pl.Series | None:
    """Rows of allowed orders: hard block > allow > every other finding. None if no live rule knows such standing."""
    allowed, hard = [], []
    for i, (part, measured) in standing.items():
        rule = rules[i]
        if rule.status != "live":
            continue
        told = measured["_standing"]
        if rule.held:
            told = told.set(~part.select(rule.held.mask()).to_series(), None)
        allowed.append(part["row"].filter((told == "allow").fill_null(value=False)))
        hard.append(part["row"].filter((told == "hard").fill_null(value=False)))
    if not allowed:
        return None
    rows = pl.concat(allowed).unique()
    return rows.filter(~rows.is_in(pl.concat(hard).implode()))


def _spared(measured: pl.DataFrame, part: pl.DataFrame, cleared: pl.Series) -> pl.DataFrame:
    """An allowed order is judged and not flagged. It still counts in others' windows."""
    soft = part["row"].is_in(cleared.implode())
    let_off = (soft & measured["hit"]).fill_null(value=False)
    return measured.with_columns(
        hit=pl.when(let_off).then(pl.lit(value=False)).otherwise(measured["hit"]), _spared=let_off
    )


def _scoped(frame: pl.DataFrame, rule: Rule, synonyms: Mapping[str, frozenset[str]]) -> pl.DataFrame:
    """The orders that a rule looks at."""
    for condition in _named(rule.only, synonyms):
        frame = frame.filter(condition)
    if rule.except_:
        # What is not known of an order takes it out of no rule.
        frame = frame.filter(~pl.all_horizontal(_named(rule.except_, synonyms)).fill_null(value=False))
    return frame


def _named(scope: Mapping[str, list[str]], synonyms: Mapping[str, frozenset[str]]) -> list[pl.Expr]:
    """What must hold of an order that a scope names, all of it."""
    found = []
    for name, words in scope.items():
        if name == "province":
            found.append(_in_provinces(words))
            continue
        wanted = {w.casefold() for w in words}
        if name == "platform":
            wanted = set[str]().union(*(synonyms.get(w, frozenset([w])) for w in wanted))
        if name == "currency" and not wanted.isdisjoint(_YUAN):
            wanted |= _YUAN
        found.append(pl.col(name).str.to_lowercase().is_in(sorted(wanted)))
    return found


def scope_reads(rule: Rule) -> set[str]:
    """The columns that a rule's scope looks at."""
    names = {*rule.only, *rule.except_}
    return {*names, *(["addr_province"] if "province" in names else [])}


def _in_provinces(words: Sequence[str]) -> pl.Expr:
    """Whether the receiver's province, by its column or else by the address, is one of `words`, with its rank or without."""
    column = pl.col("province")
    told = pl.when(column.str.strip_chars() != "").then(column)
    wanted = short_region(pl.Series(words, dtype=pl.String).str.to_lowercase())
    here: pl.Expr = short_region(pl.coalesce(told, "addr_province").str.to_lowercase())
    return here.is_in(wanted.implode())


def _audited_rows(part: pl.DataFrame, which: pl.Series, rule_id: str) -> pl.DataFrame:
    """`row rule_id` of the orders that a rule said something of."""
    return part.filter(which & part["_audited"]).select("row", pl.lit(rule_id).alias("rule_id"))


def _findings(part: pl.DataFrame, measured: pl.DataFrame, rule: Rule, locale: str) -> pl.DataFrame | None:
    """The orders that the rule flags, each with the number and the reason; None if there are none."""
    hit = measured["hit"] & part["_audited"]
    own = "value" in measured.columns  # and what else a kind measured for its reason
    reason, value = rule.settings.reason(locale).cast(pl.String), pl.col("value") if own else rule.settings.value()
    # Of a rule's few hits only what is told of them: a filter looks at every row of each column.
    told = {"platform", "order_id", "row", *rule.settings.reads(), *reason.meta.root_names(), *value.meta.root_names()}
    hits = part.select(c for c in part.columns if c in told).filter(hit)
    # One chunk: Polars 2.1 panics in format() over texts of several chunks of different lengths.
    hits = hits.rechunk()
    if hits.is_empty():  # also: some Polars string functions panic on a frame without rows
        return None
    if own:
        hits = hits.with_columns(measured.drop("hit").filter(hit).get_columns())
    else:
        hits = hits.with_columns(value.cast(pl.Float64).alias("value"))
    return hits.select(
        "platform",
        "order_id",
        pl.lit(rule.id).alias("rule_id"),
        pl.lit(rule.fingerprint).alias("rule_fingerprint"),
        "value",
        reason.alias("reason"),
        "row",
    )


def _coverage(part: pl.DataFrame, hits: pl.Series, rule_id: str) -> pl.DataFrame:
    """How many current orders of each platform the rule judged, flagged and could not judge."""
    judged = part.select("platform", _own=~pl.col("past") & pl.col("_audited")).with_columns(hit=hits)
    judged = judged if judged["_own"].all() else judged.filter("_own")
    hit, platform = pl.col("hit"), judged["platform"]
    # One platform, as most exports have: counted without a look at each row's word.
    one = len(judged) and bool((platform == platform[0]).all()) and not platform.null_count()
    groups = (
        judged.select("hit").group_by(pl.lit(platform[0]).alias("platform")) if one else judged.group_by("platform")
    )
    counted = groups.agg(
        judged=hit.is_not_null().sum().cast(pl.Int64),
        hits=hit.fill_null(value=False).sum().cast(pl.Int64),
        not_evaluable=hit.is_null().sum().cast(pl.Int64),
    )
    return counted.sort("platform").select(
        pl.lit(rule_id).alias("rule_id"), "platform", "judged", "hits", "not_evaluable"
    )
