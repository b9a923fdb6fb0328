"""Enrich, rules and score: facts, findings, decisions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.columns import KEY
from orderguard.enrich.amounts import in_yuan
from orderguard.enrich.facts import Origins, add_facts
from orderguard.enrich.places import locate
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.rules import run_rules
from orderguard.rules.book import line_of
from orderguard.rules.engine import needed
from orderguard.rules.needs import in_order
from orderguard.score import Weights, decide, weigh
from orderguard.stages.snoozing import asleep
from orderguard.stages.weighing import with_probability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orderguard.ledger import CaseBook
    from orderguard.ledger.snoozes import Snooze
    from orderguard.rules import Rulebook
    from orderguard.rules.engine import Verdicts


class Judged(NamedTuple):
    """What was found.

    Attributes:
        frame: current orders first, then earlier ones (`past`), with facts.
        findings: with `row`, the index in `frame`, `points`, and `status`: how it counted in this run (`live`,
            `trial`, `demoted` by the guard rail, or `alone`: without the rule that it needs).
        decisions: per row of `frame`.
        coverage: of the current orders.
        touched: rows that this run tells about: all current ones, and past ones that a window flags now.
        skipped: current orders left out because of their status.
        skipped_by_stage: the same, by stage.
        told_before: rows of past orders that windows flag now as an earlier run did: they are known, and new orders of their
            burst belong to their task.
        demoted: rules that flagged more than their share: `rule_id hits orders share max_share new`.
        blind: with `row` and `rule_id`, what could not be evaluated; only where it was asked for.
        rest: Parquet files with the decisions of current orders that are not in `frame`, because no rule flags them.
        passed: how many orders these are, per profile.
    """

    frame: pl.DataFrame
    findings: pl.DataFrame
    decisions: pl.DataFrame
    coverage: pl.DataFrame
    touched: pl.Series
    skipped: int
    demoted: list[dict[str, Any]]
    blind: pl.DataFrame | None = None
    rest: tuple[Path, ...] = ()
    passed: Mapping[str, int] = {}
    skipped_by_stage: Mapping[str, int] = MappingProxyType({})
    told_before: pl.Series = pl.Series(dtype=pl.UInt32)


GUARD_FROM = 200
"""Orders judged in a run from which the guard rail looks: a share of fewer says nothing."""


def check_places(book: Rulebook) -> None:
    """Refuse a ship-from place that is nowhere: every distance from it would silently be not evaluable.

    Raises:
        OrderguardError: every such place at once.
    """
    place = book.ship_from
    told = [
        ((), place.default),
        *[((n, k), v) for n in ("platform", "shop", "warehouse") for k, v in getattr(place, n).items()],
    ]
    at = {given: path for path, given in reversed(told) if given}
    named = list(at)
    if not named:
        return
    lost = [n for n, lat in zip(named, locate(pl.Series(named, dtype=pl.String))["lat"], strict=True) if lat is None]
    fix = Words(
        "写城市名（如 杭州）、英文名、国家代码或 纬度,经度",
        "give a city (such as Hangzhou), a country code, or latitude,longitude",
    )
    if lost:
        raise OrderguardError(
            *[
                Problem(
                    Words(f"ship_from：不认识地点“{n}”", f"ship_from: unknown place '{n}'"),
                    book.source,
                    line_of(book, "ship_from", *at[n]),
                    fix,
                )
                for n in lost
            ]
        )


def facts_for(frame: pl.DataFrame, book: Rulebook, synonyms: Mapping[str, frozenset[str]]) -> pl.DataFrame:
    """`frame` with the facts that the rulebook's rules need."""
    columns, limits, _ = needed(book.variants)
    place = book.ship_from
    if "amount_cny" in columns:
        frame = frame.with_columns(in_yuan(book.rates))
    return add_facts(
        frame, columns, limits, Origins(place.default, place.platform, place.shop, place.warehouse, synonyms)
    )


def judge(
    orders: pl.DataFrame,
    past: pl.DataFrame,
    book: Rulebook,
    synonyms: Mapping[str, frozenset[str]],
    cases: CaseBook | None,
    *,
    guard: bool = True,
    blind: bool = False,
    snoozes: Sequence[Snooze] = (),
    look_back: bool = False,
) -> Judged:
    """Run the rulebook over the orders, with earlier ones beside them for the windows.

    Args:
        orders, past: current and earlier orders.
        book: the rulebook.
        synonyms: words for platforms.
        cases: what the ledger holds against past orders; None when there are none.
        guard: demote rules that flag more than their share.
        blind: also tell what could not be evaluated.
        snoozes: rules that are silent about a value; their findings are kept and add no points.
        look_back: judge orders that are over by now as they once stood, unless `only_status` names others.
    """
    both = pl.concat([orders, past], rechunk=True) if len(past) else orders
    frame = facts_for(both.with_columns(past=pl.int_range(pl.len()) >= len(orders)), book, synonyms)
    heard = None if look_back and not book.only_status else audited(frame, book)
    found = run_rules(frame, book.variants, book.locale, synonyms, heard, blind=blind)
    skipped = left_out(frame, heard)
    return conclude(frame, found, len(orders), book, cases, guard=guard, skipped=skipped, snoozes=snoozes)


def conclude(
    frame: pl.DataFrame,
    found: Verdicts,
    orders: int,
    book: Rulebook,
    cases: CaseBook | None,
    *,
    guard: bool = True,
    skipped: Mapping[str, int] = MappingProxyType({}),
    snoozes: Sequence[Snooze] = (),
) -> Judged:
    """From what the rules found to decisions.

    Args:
        frame: orders with facts, current ones first; at least those that some rule flags.
        found: with rows of `frame`, and the coverage of all orders.
        orders: how many current orders were judged.
        book, cases, guard, snoozes: as in `judge`.
        skipped: current orders whose status was left out, by stage.
    """
    findings, before = _with_earlier(found.findings, frame, cases, book) if cases else (found.findings, None)
    over = over_share(found.coverage, orders - sum(skipped.values()), book)
    demoted = _told_apart(over, cases) if guard else []
    quiet = asleep(findings, frame, snoozes) if snoozes else None
    findings, decisions = weighed(frame, findings, book, {d["rule_id"] for d in demoted}, quiet)
    hit = pl.repeat(False, len(frame), eager=True).scatter(findings["row"].unique(), True)
    touched, left = ~frame["past"] | hit, sum(skipped.values())
    judged = Judged(frame, findings, decisions, found.coverage, touched, left, demoted, found.blind)
    judged = judged._replace(skipped_by_stage=skipped)
    return judged if before is None else judged._replace(told_before=before)


def weighed(
    frame: pl.DataFrame, findings: pl.DataFrame, book: Rulebook, demoted: set[str], quiet: pl.Series | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Points and status of each finding, and each order's decision, by the profile that holds for it."""
    profiles = book.profiles
    weights = [
        Weights(p.name, {k: v for k, v in p.points.items() if k not in demoted}, p.bands.review, p.bands.hold)
        for p in profiles
    ]
    which = frame.select(book.holding()).to_series() if len(profiles) > 1 else pl.Series([0], dtype=pl.Int32)
    findings = weigh(findings, weights, which, in_order(book.active))
    said = pl.lit("trial")
    if len(profiles) == 1:
        live = pl.col("rule_id").is_in(list(profiles[0].points))
    else:
        at = pl.lit(which).gather(pl.col("row"))
        live = pl.any_horizontal([(at == i) & pl.col("rule_id").is_in(list(p.points)) for i, p in enumerate(profiles)])
    said = pl.when("counts").then(pl.lit("live")).when(live).then(pl.lit("alone")).otherwise(said)
    if demoted:
        said = pl.when(pl.col("rule_id").is_in(sorted(demoted)) & live).then(pl.lit("demoted")).otherwise(said)
    findings = findings.with_columns(status=said).drop("counts")
    if quiet is not None:
        points = pl.when(quiet).then(0.0).otherwise("points")
        findings = findings.with_columns(
            points=points, status=pl.when(quiet).then(pl.lit("snoozed")).otherwise("status")
        )
    return findings, with_probability(decide(frame.select(KEY), findings, weights, which), book)


def over_share(coverage: pl.DataFrame, orders: int, book: Rulebook) -> list[dict[str, Any]]:
    """Live rules that flag more than their `max_share` of a run of at least 200 orders."""
    if orders < GUARD_FROM:
        return []
    hits = dict(coverage.group_by("rule_id").agg(pl.col("hits").sum()).iter_rows())
    live = {name for p in book.profiles for name in p.points}
    told = [
        {
            "rule_id": r.id,
            "hits": hits.get(r.id, 0),
            "orders": orders,
            "share": round(hits.get(r.id, 0) / orders, 4),
            "max_share": r.max_share or book.max_share,
        }
        for r in book.active
        if r.id in live
    ]
    return [d for d in told if d["hits"] > d["max_share"] * orders]


def _told_apart(demoted: list[dict[str, Any]], cases: CaseBook | None) -> list[dict[str, Any]]:
    """Demotions marked `new` where the run before did not have them: a bad rule is told once, not all night long."""
    known = set(cases.demoted_before()) if demoted and cases else set()
    return [d | {"new": d["rule_id"] not in known} for d in demoted]


_OVER = ("shipped", "done", "closed", "refunded")
"""Nothing of these can be held any more: left out unless the rulebook's `only_status` says otherwise."""
_FELL_THROUGH = ("closed", "refunded")


def audited(frame: pl.DataFrame, book: Rulebook) -> pl.Series | None:
    """Which orders are judged, None for all: True, False, or null for those that only count in windows.

    Blank statuses are judged, and so are words that nobody knows. `only_status` names stages (`paid`), the platforms' own
    words (等待出库), or `all`. Of the orders left out, those that took place stand in windows all the same: a burst that is
    half shipped is still a burst. Closed and refunded ones do not, or whoever cancels and orders again would look like one.
    """
    stage = frame["stage"]
    if not book.only_status:
        if stage.null_count() == len(stage):
            return None
        judged = ~stage.is_in(_OVER).fill_null(value=False)
    else:
        words = [w.strip().casefold() for w in book.only_status]
        if {"all", "*"} & set(words):
            return None
        known = [*words, *(["unknown"] if set(words) & STAGES else [])]
        status = frame["status"].str.to_lowercase()
        judged = status.is_null() & stage.is_null()
        for text, wanted in ((status, words), (stage, known)):
            judged = judged | text.is_in(wanted).fill_null(value=False)
    if judged.all():
        return None
    took_place = ~stage.is_in(_FELL_THROUGH).fill_null(value=False)
    return judged.set(~judged & took_place, None)


STAGES = {"unpaid", "paid", "shipped", "done", "closed", "refunding", "refunded"}


def left_out(frame: pl.DataFrame, heard: pl.Series | None) -> dict[str, int]:
    """How many current orders are not judged, by stage (`other`: named by no stage)."""
    if heard is None:
        return {}
    stages = frame["stage"].filter(~heard.fill_null(value=False) & ~frame["past"])
    return dict(stages.fill_null("other").value_counts(sort=True).iter_rows())


def _with_earlier(
    found: pl.DataFrame, frame: pl.DataFrame, cases: CaseBook, book: Rulebook
) -> tuple[pl.DataFrame, pl.Series]:
    """Add what earlier runs found against past orders that a window rule flags now: their score needs it all.

    A past order of which the ledger knows all of this already is left out: the run that found it out has told it. Their
    rows are returned too.
    """
    past = found.filter(frame["past"].gather(found["row"])).select(*KEY, "row").unique(KEY, maintain_order=True)
    if past.is_empty():
        return found, past["row"]
    valid = pl.DataFrame(
        [(r.id, r.fingerprint) for r in book.variants], schema=["rule_id", "rule_fingerprint"], orient="row"
    )
    before = cases.findings_of(past).join(valid, on=["rule_id", "rule_fingerprint"], how="semi").join(past, on=KEY)
    counted = before.filter(pl.col("status") == "live")
    news = found.join(counted, on=["row", "rule_id", "rule_fingerprint"], how="anti").select("row").unique()
    known = past.join(news, on="row", how="anti").select("row")
    if len(known):
        found = found.join(known, on="row", how="anti", maintain_order="left")
        before = before.join(known, on="row", how="anti")
    merged = pl.concat([found, before.select(found.columns)])
    return merged.unique(["row", "rule_id", "rule_fingerprint"], keep="first", maintain_order=True), known["row"]
