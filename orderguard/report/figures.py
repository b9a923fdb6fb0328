"""All figures of a report, as one mapping that JSON, page and workbook show alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from orderguard.report import agreement, oversold, recall, work
from orderguard.report import kept as kept_customers
from orderguard.report import outcomes as sales
from orderguard.report import quality as data
from orderguard.report import rules as by_rule
from orderguard.report.headline import compared, headline
from orderguard.report.period import months_back
from orderguard.report.rulebook import Span, rulebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderguard.report.period import Period

VERSION = 1
TREND_MONTHS = 6
_DECISIVE = ("confirmed", "false_alarm")


class Material(NamedTuple):
    """Frames of all ledgers together. `ledger` tells them apart, `pid` is the permanent id of a platform.

    Attributes:
        scanned: distinct orders of the period.
        counts: the same, counted: `pid shop region quarter no_buyer orders` (quarter null: undated).
        orders: those of them that were found or stand in the after-sales file:
            `key pid order_id shop region buyer amount currency created_at`. `key` is the order as a number.
        before_scanned, before: the same of the period that it is compared with.
        visits: for the customers who were kept, see `kept.kept`.
        cases, verdicts, events, runs: as in `ledger.snapshot`.
        findings: `key pid order_id rule_id rule_fingerprint status made` (seconds since 1970).
        traffic: `quarter orders`.
        controls, doubles: random orders for control, second opinions, as in `ledger.snapshot`.
        short: findings of rules that compare orders with stock, or with a list: `key rule_id value reason`.
        outcomes: rows of the after-sales file, or None.
        repeated: orders of the period that several ledgers have.
        last: the last order of all ledgers.
        promoted: promotions that scans were told of -> the period's orders that were made while they held.
    """

    scanned: int
    counts: pl.DataFrame
    orders: pl.DataFrame
    before_scanned: int
    before: pl.DataFrame
    visits: pl.DataFrame
    cases: pl.DataFrame
    verdicts: pl.DataFrame
    events: pl.DataFrame
    runs: pl.DataFrame
    findings: pl.DataFrame
    traffic: pl.DataFrame
    controls: pl.DataFrame
    doubles: pl.DataFrame
    short: pl.DataFrame
    outcomes: pl.DataFrame | None
    repeated: int
    last: datetime | None
    promoted: Mapping[Span, int] = {}


class Settings(NamedTuple):
    """What a report is told.

    Attributes:
        period, before: the span, and the one that it is compared with.
        rules: the rulebook's, `rule_id says status points`.
        now: the clock.
        names: platform id -> how people call it.
        ids: words for platforms -> platform id.
        ledgers: their names.
        entries: of the rulebook's lists, `rule_id file row kind value said expired`.
    """

    period: Period
    before: Period
    rules: Sequence[Mapping[str, Any]]
    now: datetime
    names: Mapping[str, str]
    ids: Mapping[str, str]
    ledgers: Sequence[str]
    entries: Sequence[Mapping[str, Any]] = ()


def tell_period(material: Material, settings: Settings) -> dict[str, Any]:
    """Every figure of the report."""
    period, now = settings.period, settings.now
    found = _once(material.findings)
    cases = flagged_orders(material, found)
    flagged = with_orders(_of(cases, period), material.orders)
    dated = with_clock(flagged, period.zone)
    counted = with_hours(material.counts, period.zone)
    runs = data.runs_of(material.runs, period)
    seen = data.coverage(runs, settings.ids)
    sizes = dict(material.counts.group_by("pid").agg(pl.col("orders").sum()).iter_rows())
    hits = _of(found, period).join(material.orders.select("key", "buyer"), on="key", how="left")
    told = headline(material.scanned, flagged, now)
    matched = None if material.outcomes is None else sales.matched(material.outcomes, material.orders)
    drawn = recall.control(material.cases, material.controls, material.verdicts, period)
    missed = recall.misses(drawn, None if matched is None else sales.misses(matched, flagged))
    own = agreement.own_opinions(material.cases, material.verdicts, period)
    error = agreement.error(own, material.doubles)
    before = with_orders(_of(cases, settings.before), material.before)
    per_rule = by_rule.rules(hits, flagged, settings.rules, data.judged(seen), missed)
    pairs = by_rule.overlap(hits)
    short = material.short.join(hits.select("key").unique(), on="key", how="semi")
    of_stock = ~pl.col("rule_id").is_in([e["rule_id"] for e in settings.entries])
    verdicts = material.verdicts.join(flagged.select("ledger", "case_id"), on=["ledger", "case_id"], how="semi")
    return {
        "version": VERSION,
        "period": {
            "label": period.label,
            "first_day": period.first.isoformat(),
            "last_day": period.last.isoformat(),
            "from": period.start.isoformat(),
            "to": period.end.isoformat(),
            "timezone": period.zone,
            "in_progress": period.start <= now < period.end,
        },
        "made_at": now.isoformat(timespec="seconds"),
        "made_local": now.astimezone(ZoneInfo(period.zone)).strftime("%Y-%m-%d %H:%M"),
        "ledgers": list(settings.ledgers),
        "headline": told,
        "compare": compared(told, headline(material.before_scanned, before, now), settings.before.label)
        if material.before_scanned
        else None,
        "recall": recall.overall(told["confirmed"], missed, drawn, flagged, error),
        "rules": per_rule,
        "overlap": pairs,
        "repeating_rules": by_rule.repeating(pairs),
        "silent_rules": by_rule.silent(per_rule),
        "rulebook": rulebook(
            hits, flagged, runs, settings.rules, settings.entries, material.promoted, short.filter(~of_stock)
        ),
        "trend": by_rule.trend(found, cases, material.traffic, months_back(period, TREND_MONTHS)),
        "agents": work.agents(
            flagged, verdicts, work.beside(own, material.controls, material.verdicts, material.doubles), now
        ),
        "agreement": agreement.agreement(own, material.doubles),
        "skus": oversold.skus(short.filter(of_stock)),
        "platforms": _named(work.breakdown(counted, dated, ["pid"]), settings.names),
        "shops": _named(work.breakdown(counted, dated, ["pid", "shop"]), settings.names),
        "regions": work.breakdown(counted, dated, ["region"]),
        "hours": work.hours(counted, dated),
        "kept": kept_customers.kept(material.visits, cases, material.last),
        "outcomes": None
        if matched is None or material.outcomes is None
        else sales.after_sales(material.outcomes, matched, material.scanned, flagged),
        "quality": {
            **data.quality(runs, material.counts, material.repeated),
            "coverage": _named(
                [{**row, "orders": sizes.get(row["platform"], 0)} for row in seen], settings.names, "platform"
            ),
        },
    }


def _once(findings: pl.DataFrame) -> pl.DataFrame:
    """One row per order and rule that counts; the newest settings of the rule last.

    `alone`: the rule fired without the one that it needs.
    """
    return findings.filter(pl.col("status") != "alone").unique(["key", "rule_id"], keep="last", maintain_order=True)


def _of(frame: pl.DataFrame, period: Period) -> pl.DataFrame:
    low, high = period.seconds
    return frame.filter(pl.col("made").is_between(low, high, closed="left"))


def flagged_orders(material: Material, findings: pl.DataFrame) -> pl.DataFrame:
    """Cases with what became of them.

    Returns:
        The cases' columns and `made` (when the order was made, seconds), `outcome` (confirmed, false_alarm,
        released = let go by somebody without a
        verdict, timed_out = let go by `cases sweep`, over = the order was over before a decision, open, other), `begun_at` (flagged, or reopened last), `decided_at` (the
        first verdict since then that decides, or the release).
    """
    keys = ["ledger", "case_id"]
    made = findings.group_by("key").agg(pl.col("made").min())
    counting = material.verdicts.filter(pl.col("ended_run").is_null())
    current = counting.filter(pl.col("replaced_by").is_null()).select(*keys, "result").unique(keys, keep="last")
    decided = counting.filter(pl.col("result").is_in(_DECISIVE)).group_by(keys).agg(pl.col("at").min())
    again = _last(material.events, ["reopened", "resumed"], "again_at")
    let_go = _last(material.events, ["released"], "released_at")
    by = (
        material.events.filter(pl.col("what") == "released")
        .sort("at")
        .group_by(keys)
        .agg(released_by=pl.col("who").last())
    )
    random = material.controls.select(keys)
    mine = material.cases.drop("ordered_at").join(random, on=keys, how="anti")
    cases = mine.join(made, on="key", how="inner").join(current, on=keys, how="left")
    for more in (decided, again, let_go, by):
        cases = cases.join(more, on=keys, how="left")
    state, result = pl.col("state"), pl.col("result")
    outcome = (
        pl.when(state.is_in(["open", "investigating"]))
        .then(pl.lit("open"))
        .when(state == "over")
        .then(pl.lit("over"))
        .when(result.is_in(_DECISIVE))
        .then(result)
        .when((state == "released") & (pl.col("released_by") == "sweep"))
        .then(pl.lit("timed_out"))
        .when(state == "released")
        .then(pl.lit("released"))
        .otherwise(pl.lit("other"))
    )
    cases = cases.with_columns(outcome=outcome, begun_at=pl.max_horizontal("opened_at", "again_at"))
    when = (
        pl.when(pl.col("outcome").is_in(_DECISIVE))
        .then(pl.col("at"))
        .when(pl.col("outcome").is_in(["released", "timed_out"]))
        .then(pl.col("released_at"))
    )
    told = cases.with_columns(decided_at=when).drop("at", "again_at", "released_at", "released_by")
    # Two ledgers with one order: the case that somebody decided speaks for it.
    return told.sort(pl.col("decided_at").is_null(), "opened_at").unique("key", keep="first", maintain_order=True)


def _last(events: pl.DataFrame, what: list[str], name: str) -> pl.DataFrame:
    return events.filter(pl.col("what").is_in(what)).group_by("ledger", "case_id").agg(pl.col("at").max().alias(name))


def with_orders(flagged: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Cases with their orders' columns; null where the history no longer has the order."""
    mine = orders.drop("pid", "order_id")
    return flagged.join(mine, on="key", how="left", maintain_order="left").sort("made", "case_id")


def with_clock(orders: pl.DataFrame, zone: str) -> pl.DataFrame:
    """`weekday` (1 = Monday) and `hour` of the local wall clock."""
    local = pl.col("created_at").dt.convert_time_zone(zone)
    return orders.with_columns(weekday=local.dt.weekday().cast(pl.Int64), hour=local.dt.hour().cast(pl.Int64))


def with_hours(counts: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Counted orders with the local `weekday` and `hour` of their quarter."""
    at = pl.from_epoch(pl.col("quarter") * 900, "s").dt.replace_time_zone("UTC")
    return with_clock(counts.with_columns(created_at=at), zone)


def _named(rows: Sequence[dict[str, Any]], names: Mapping[str, str], key: str = "pid") -> list[dict[str, Any]]:
    """`platform` and its `platform_name` in place of the internal key."""
    return [
        {
            "platform": r[key],
            "platform_name": names.get(r[key] or "", r[key]),
            **{k: v for k, v in r.items() if k != key},
        }
        for r in rows
    ]
