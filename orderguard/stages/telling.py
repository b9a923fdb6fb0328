"""What a run says about its rules: those on trial, those that a guard rail demoted, the promotions that held."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from orderguard.errors import Problem, Words, closest
from orderguard.stages.judging import STAGES
from orderguard.stages.weighing import notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orderguard.platforms import Profile
    from orderguard.rules import Rule, Rulebook
    from orderguard.stages.judging import Judged
    from orderguard.stages.reading import Read


def remarks(book: Rulebook, read: Read, judged: Judged, profiles: Iterable[Profile]) -> list[Problem]:
    """What a scan must say about its rulebook: weights, demotions, words of `only_status` that nobody uses."""
    said = [*notes(book), *demotions(judged.demoted, book)]
    return said + unheard_statuses(book, read.orders["status"], profiles) if book.only_status else said


def demotions(demoted: list[dict[str, Any]], book: Rulebook) -> list[Problem]:
    """One loud notice for each rule that flagged more than its share."""
    return [
        Problem(
            Words(
                f"规则 {d['rule_id']} 命中了 {d['orders']:,} 单中的 {d['hits']:,} 单（{d['share']:.1%}，上限 {d['max_share']:.0%}）："
                "本次降为试运行，不计分、不暂扣",
                f"rule {d['rule_id']} flagged {d['hits']:,} of {d['orders']:,} orders ({d['share']:.1%}, limit {d['max_share']:.0%}): "
                "on trial for this run, no points, no holds",
            ),
            book.source,
            fix=Words(
                f"检查该规则的设置；若确属异常，给它写 max_share: {_suggested_share(d['share'])}% 再扫一次",
                f"check its settings; if it is right, give it max_share: {_suggested_share(d['share'])}% and scan again",
            ),
            fatal=False,
        )
        for d in demoted
    ]


def _suggested_share(share: float) -> int:
    """Per cent that let a share through, and no more than a quarter beyond it."""
    return min(100, ceil(share * 125))


def unheard_statuses(book: Rulebook, met: pl.Series, profiles: Iterable[Profile]) -> list[Problem]:
    """A notice for words of `only_status` that are no stage, no platform's word and no order's: it leaves orders out unseen.

    Args:
        book: the rulebook.
        met: the statuses of the orders of this run.
        profiles: all platforms.
    """
    known = {w.casefold() for p in profiles for words in p.statuses.values() for w in words}
    known |= {s.casefold() for s in met.unique().drop_nulls()} | {*STAGES, "unknown", "all", "*"}
    said = [w for w in book.only_status if w.strip().casefold() not in known]
    if not said:
        return []
    what = Words(
        f"only_status 里的“{'、'.join(said)}”不是订单阶段，也没有一单是这个状态：没有因它审核任何订单",
        f"only_status: {', '.join(said)} is no stage, and no order has that status: it lets no order be audited",
    )
    return [Problem(what, book.source, fix=closest(said[0], sorted(STAGES)), fatal=False)]


def overlap(judged: Judged, current: int, book: Rulebook) -> list[dict[str, Any]]:
    """What the rules that do not count found beside those that do, among the current orders.

    Returns:
        Per rule: `rule_id status hits already_flagged with_live alone would_flag overlap`: `already_flagged` are under
        review or held without it, `with_live` have a finding that counts, `alone` have none, `would_flag` would come
        under review by its points (where it has the rules that it needs), `overlap` counts its orders by live rule.
    """
    findings = judged.findings.filter(pl.col("row") < current)
    idle = findings.filter(pl.col("status").is_in(["trial", "demoted"]))
    beside = judged.decisions.select("score", "band", "profile").with_row_index("row")
    bands = {p.name: p.bands.review for p in book.profiles}
    live = findings.filter(pl.col("status") == "live").select("row", pl.col("rule_id").alias("other"))
    found = []
    on_trial = [r for r in book.active if any(p.status[r.id] == "trial" for p in book.profiles)]
    for rule in [r for r in book.active if r in on_trial or r.id in {d["rule_id"] for d in judged.demoted}]:
        own = idle.filter(pl.col("rule_id") == rule.id).select("row", "status").join(beside, on="row")
        with_live = own.select("row").join(live, on="row")
        limit = pl.col("profile").replace_strict(bands, return_dtype=pl.Float64)
        beside_it = own.filter(_partners(own["row"], rule, live))
        new = beside_it.filter((pl.col("band") == "pass") & (pl.col("score") + rule.points >= limit))
        others = with_live.group_by("other").len().sort(["len", "other"], descending=[True, False])
        met = with_live["row"].n_unique()
        found.append(
            {
                "rule_id": rule.id,
                "status": own["status"][0] if len(own) else "trial",
                "hits": len(own),
                "already_flagged": int((own["band"] != "pass").sum()),
                "with_live": met,
                "alone": len(own) - met,
                "would_flag": len(new),
                "overlap": dict(others.iter_rows()),
            }
        )
    return found


def _partners(rows: pl.Series, rule: Rule, live: pl.DataFrame) -> pl.Series:
    """True per row where the rules that this one needs are."""
    met = rows.is_in(rows.implode())
    if rule.needs is None:
        return met
    if rule.needs.any:
        met &= rows.is_in(live.filter(pl.col("other").is_in(rule.needs.any))["row"].implode())
    for partner in rule.needs.all:
        met &= rows.is_in(live.filter(pl.col("other") == partner)["row"].implode())
    return met


def profiles_held(current: pl.DataFrame, passed: Mapping[str, int], book: Rulebook) -> list[dict[str, Any]]:
    """Orders and what became of them per profile; `from` and `to` are in the rulebook's zone.

    Args:
        current: decisions of current orders.
        passed: per profile, orders that passed and are not among them.
        book: the rulebook.
    """
    band = pl.col("band")
    counts = current.group_by("profile").agg(
        orders=pl.len(), flagged=(band != "pass").sum(), held=(band == "hold").sum()
    )
    told = {
        row["profile"]: row | {"orders": row["orders"] + passed.get(row["profile"], 0)}
        for row in counts.iter_rows(named=True)
    }
    told |= {name: {"orders": n} for name, n in passed.items() if name not in told}
    zone = ZoneInfo(book.timezone)
    spans = [(None, None), *book.spans]
    return [
        {"profile": p.name, "orders": 0, "flagged": 0, "held": 0}
        | told.get(p.name, {})
        | {"from": first and first.astimezone(zone).isoformat(), "to": after and after.astimezone(zone).isoformat()}
        for p, (first, after) in zip(book.profiles, spans, strict=True)
    ]


def rule_lines(run: dict[str, Any]) -> list[Words]:
    """The same for people: demotions first, then trial rules, then promotions."""
    out = [
        Words(
            f"！规则 {d['rule_id']} 命中 {d['share']:.1%}（{d['hits']:,} / {d['orders']:,}，上限 {d['max_share']:.0%}），本次降为试运行",
            f"! rule {d['rule_id']} flagged {d['share']:.1%} ({d['hits']:,} of {d['orders']:,}, limit {d['max_share']:.0%}): on trial for this run",
        )
        for d in run["demoted"]
    ]
    for t in run["trial"]:
        if not t["hits"]:
            continue
        beside = "、".join(f"{k} {n:,}" for k, n in list(t["overlap"].items())[:4])
        out.append(
            Words(
                f"试运行 {t['rule_id']}：命中 {t['hits']:,}，其中已被启用规则标出 {t['already_flagged']:,}，启用后会新增 {t['would_flag']:,}"
                + (f"（同时命中：{beside}）" if beside else ""),
                f"trial {t['rule_id']}: {t['hits']:,} hits, {t['already_flagged']:,} flagged by live rules already, {t['would_flag']:,} more if it were live"
                + (f" (together with {beside.replace('、', ', ')})" if beside else ""),
            )
        )
    silent = [t["rule_id"] for t in run["trial"] if not t["hits"]]
    if silent:
        out.append(Words(f"试运行、无命中：{'、'.join(silent)}", f"on trial, no hits: {', '.join(silent)}"))
    if len(run["profiles"]) > 1:
        for p in run["profiles"]:
            when = " → ".join(datetime.fromisoformat(p[n]).strftime("%Y-%m-%d %H:%M") for n in ("from", "to") if p[n])
            zh, en = (
                (f"时段 {p['profile']}（{when}）", f"profile {p['profile']} ({when})") if when else ("平时", "base")
            )
            out.append(
                Words(
                    f"{zh}：{p['orders']:,} 单，异常 {p['flagged']:,}，暂扣 {p['held']:,}",
                    f"{en}: {p['orders']:,} orders, {p['flagged']:,} flagged, {p['held']:,} held",
                )
            )
    return out
