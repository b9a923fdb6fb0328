"""Enrich, rules and score: facts, findings, decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.columns import KEY
from orderguard.enrich.facts import Origins, add_facts
from orderguard.enrich.places import locate
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.rules import run_rules
from orderguard.rules.engine import needed
from orderguard.score import decide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.ledger import CaseBook
    from orderguard.rules import Rulebook


class Judged(NamedTuple):
    """What was found.

    Attributes:
        frame: current orders first, then earlier ones (`past`), with facts.
        findings: with `row`, the index in `frame`.
        decisions: per row of `frame`.
        coverage: of the current orders.
        touched: rows that this run tells about: all current ones, and past ones that a window flags now.
        skipped: current orders left out because of `only_status`.
    """

    frame: pl.DataFrame
    findings: pl.DataFrame
    decisions: pl.DataFrame
    coverage: pl.DataFrame
    touched: pl.Series
    skipped: int


def check_places(book: Rulebook) -> None:
    """Refuse a ship-from place that is nowhere: every distance from it would silently be not evaluable.

    Raises:
        OrderguardError: every such place at once.
    """
    place = book.ship_from
    given = [place.default, *place.platform.values(), *place.shop.values(), *place.warehouse.values()]
    named = list(dict.fromkeys(g for g in given if g))
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
                Problem(Words(f"ship_from：不认识地点“{n}”", f"ship_from: unknown place '{n}'"), book.source, fix=fix)
                for n in lost
            ]
        )


def facts_for(frame: pl.DataFrame, book: Rulebook, synonyms: Mapping[str, frozenset[str]]) -> pl.DataFrame:
    """`frame` with the facts that the rulebook's rules need."""
    columns, limits, _ = needed(book.active)
    place = book.ship_from
    return add_facts(
        frame, columns, limits, Origins(place.default, place.platform, place.shop, place.warehouse, synonyms)
    )


def judge(
    orders: pl.DataFrame, past: pl.DataFrame, book: Rulebook, synonyms: Mapping[str, frozenset[str]], cases: CaseBook
) -> Judged:
    """Run the rulebook over the orders, with earlier ones beside them for the windows."""
    both = pl.concat([orders, past], rechunk=True) if len(past) else orders
    frame = facts_for(both.with_columns(past=pl.int_range(pl.len()) >= len(orders)), book, synonyms)
    audited = _audited(frame, book)
    found = run_rules(frame, book.active, book.locale, synonyms, audited)
    findings = _with_earlier(found.findings, frame, cases, book)
    decisions = decide(frame, findings, book.points, book.bands.review, book.bands.hold)
    hit = pl.repeat(False, len(frame), eager=True).scatter(findings["row"].unique(), True)
    skipped = 0 if audited is None else int((~audited & ~frame["past"]).sum())
    return Judged(frame, findings, decisions, found.coverage, ~frame["past"] | hit, skipped)


def _audited(frame: pl.DataFrame, book: Rulebook) -> pl.Series | None:
    if not book.only_status:
        return None
    words = [w.casefold() for w in book.only_status]
    status = frame["status"].str.to_lowercase()
    return (status.is_null() | status.is_in(words)).fill_null(value=True)


def _with_earlier(found: pl.DataFrame, frame: pl.DataFrame, cases: CaseBook, book: Rulebook) -> pl.DataFrame:
    """Add what earlier runs found against past orders that a window rule flags now: their score needs it all."""
    past = found.filter(frame["past"].gather(found["row"])).select(*KEY, "row").unique(KEY, maintain_order=True)
    if past.is_empty():
        return found
    valid = pl.DataFrame(
        [(r.id, r.fingerprint) for r in book.active], schema=["rule_id", "rule_fingerprint"], orient="row"
    )
    before = cases.findings_of(past).join(valid, on=["rule_id", "rule_fingerprint"], how="semi").join(past, on=KEY)
    merged = pl.concat([found, before.select(found.columns)])
    return merged.unique(["row", "rule_id", "rule_fingerprint"], keep="first", maintain_order=True)
