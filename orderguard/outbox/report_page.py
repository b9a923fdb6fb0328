"""`report-<period>.html`: the month on one page, offline, printable, without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.errors import Words, printable
from orderguard.outbox import svg
from orderguard.outbox.html import chart, key, page, safe, table
from orderguard.outbox.report_sections import (
    aftersales,
    definitions,
    hours,
    kept,
    learned,
    overlap,
    quality,
    rulebook_section,
)
from orderguard.outbox.report_tables import field_table
from orderguard.outbox.report_text import TOTALS, begun, change, lasting, money, percent, share, speaker, spread, whole
from orderguard.outbox.report_words import (
    AGENTS,
    HEADLINE,
    OUTCOME_PARTS,
    PAIRS,
    PLATFORMS,
    REGIONS,
    RULES,
    SHOPS,
    SKUS,
    STATUS,
)
from orderguard.staff import shown
from orderguard.statuses import OVER, by_stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orderguard.outbox.report_text import Say

Told = dict[str, Any]
_MOST = 30
"""Rows of a table on the page; the workbook has them all."""
_LINES = 8
"""Rules that the trend's picture shows."""


def write_report_page(path: Path, told: Told, locale: str) -> None:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report_page(told, locale), encoding="utf-8")


def report_page(told: Told, locale: str) -> str:
    """The page as text."""
    say = speaker(locale)
    span = told["period"]["label"].replace("_", " – ")
    title = say(f"订单审核{'报告' if '–' in span else '月报'} {span}", f"Order audit {span}")
    parts = [
        _head(told, title, say),
        _headline(told, say, locale),
        _trend(told, say),
        _rules(told, say, locale),
        overlap(told, say, locale),
        rulebook_section(told, locale),
        _agents(told, say, locale),
        _places(told, say, locale),
        hours(told, say, locale),
        kept(told, say, locale),
        aftersales(told, say, locale),
        quality(told, say, locale),
        definitions(say, locale),
    ]
    return page(title, locale, "\n".join(p for p in parts if p))


def _head(told: Told, title: str, say: Say) -> str:
    span = told["period"]
    lines = [
        f"<h1>{safe(title)}</h1>",
        (
            f'<p class="soft">{safe(span["first_day"])} – {safe(span["last_day"])} · {safe(span["timezone"])} · '
            f"{say('台账', 'ledger')}: {safe(', '.join(told['ledgers']))} · {say('制表', 'made')} {safe(told['made_local'])}</p>"
        ),
    ]
    if span["in_progress"]:
        lines.append(
            f'<p class="note">{say("这段时间还没有结束：数字会变，与上一整期的比较仅供参考。", "This period is not over: figures will change, and comparing them with a whole one misleads.")}</p>'
        )
    if not told["headline"]["precision_n"]:
        lines.append(
            f'<p class="note">{say("还没有处置结果：准确率与召回率要等任务表交回（orderguard verdict record）。", "No verdicts yet: precision and recall come with the task sheets (orderguard verdict record).")}</p>'
        )
    return "\n".join(lines)


def _tile(name: str, big: str, *subs: str) -> str:
    long = " long" if len(big) > 9 else ""
    lines = "".join(f'<div class="sub">{safe(s)}</div>' for s in subs if s)
    return f'<div class="tile"><dt>{safe(name)}</dt><dd><div class="big{long}">{safe(big)}</div>{lines}</dd></div>'


def _over(seen: Mapping[str, int], say: Say, locale: str) -> str:
    """What they were over as, and how many of all of them had been on hold."""
    parts = by_stage({stage: seen[stage] for stage in OVER if seen[stage]}, locale)
    held, later = whole(seen["held"]), whole(seen["judged_later"])
    tail = say(f"；事后补判 {later}", f"; judged later {later}") if seen["judged_later"] else ""
    return say(f"{parts}；其中暂扣 {held}{tail}", f"{parts}; of these held {held}{tail}")


def _headline(told: Told, say: Say, locale: str) -> str:
    head, other = told["headline"], told["compare"]
    changes: Mapping[str, Any] = other["change"] if other else {}
    label = other["period"] if other else ""
    seen = head["over_before_review"]

    def beside(value: float | None, *, points: bool = False) -> str:
        said = change(value, say, points=points)
        return say(f"比 {label}：{said}", f"{said} vs {label}") if said else ""

    subs = {
        "flagged": say(f"占 {percent(head['flagged_share'], 2)}", f"{percent(head['flagged_share'], 2)} of all"),
        "held": say(f"另复核 {whole(head['review'])}", f"{whole(head['review'])} for review besides"),
        "false_alarms": say(
            f"暂扣中误扣 {whole(head['held_by_mistake'])}", f"{whole(head['held_by_mistake'])} held by mistake"
        ),
        "over": _over(seen, say, locale),
        "open": say(f"其中调查中 {whole(head['investigating'])}", f"of these unclear {whole(head['investigating'])}"),
    }
    tiles = [
        _tile(words.pick(locale), whole(head[name]), subs.get(name, ""), beside(changes.get(name)))
        for name, words in HEADLINE
        if name not in {"released", "timed_out", "over"} or head[name] or (name == "over" and seen["orders"])
    ]
    tiles.append(_tile(say("准确率", "Precision"), percent(head["precision"]) if head["precision_n"] >= 10 else "—",
                       share(head, "precision", say) if head["precision_n"] < 10 else spread(head, "precision", say).strip(" （）()"), beside(changes.get("precision"), points=True)))  # fmt: skip
    found = told["recall"]
    if found["recall"] is not None and (found["missed"] or found["control"]):
        tiles.append(_recall(found, say))
    for name, words in (
        ("detection_seconds", Words("发现时长（中位）", "Detection (median)")),
        ("handling_seconds", Words("处理时长（中位）", "Handling (median)")),
    ):
        q = head[name]
        rest = f"p90 {lasting(q['p90'], say)} · p99 {lasting(q['p99'], say)} · n = {whole(q['n'])}"
        tiles.append(
            _tile(words.pick(locale), lasting(q["p50"], say), rest, beside((changes.get(name) or {}).get("p50")))
        )
    for name, words in (
        ("money_at_risk", Words("属实订单金额", "Money at risk (confirmed)")),
        ("money_held_by_mistake", Words("误扣金额", "Money held by mistake")),
    ):
        sums = head[name]
        n = say(f"{whole(sums['orders'])} 单", f"{whole(sums['orders'])} orders")
        if sums["without_amount"]:
            n += say(f"，{sums['without_amount']} 单无金额", f", {sums['without_amount']} without an amount")
        tiles.append(_tile(words.pick(locale), money(sums["amounts"]), n))
    parts = [(head[k], css) for k, _, css in OUTCOME_PARTS]
    keys = "".join(
        f'<li><svg viewBox="0 0 26 10" aria-hidden="true"><rect class="{css}" width="26" height="10"/></svg>{safe(words.pick(locale))} {whole(head[k])}</li>'
        for k, words, css in OUTCOME_PARTS
        if head[k]
    )
    bar = f'{svg.stack(parts)}<ul class="key">{keys}</ul>' if head["flagged"] else ""
    title = say("概览", "At a glance")
    return f'<h2>{title}</h2><dl class="tiles">{"".join(tiles)}</dl><h3>{say("异常订单的去向", "What became of the flagged orders")}</h3>{bar}'


def _recall(found: Told, say: Say) -> str:
    known = say(f"已知漏掉 {whole(found['missed'])}", f"{whole(found['missed'])} known to be missed")
    group = found["control"]
    if not group or group["recall"] is None:
        return _tile(say("召回率", "Recall"), percent(found["recall"]), known)
    low, high = percent(group["recall_low"], 0), percent(group["recall_high"], 0)
    sample = say(
        f"对照样本 {whole(group['judged'])} 单，异常 {whole(group['found'])}：{low}–{high}",
        f"control sample of {whole(group['judged'])}, {whole(group['found'])} abnormal: {low}–{high}",
    )
    # What the sample found stands for many: nobody knows these orders one by one.
    missed = say(f"估计漏掉 {whole(found['missed'])}", f"about {whole(found['missed'])} missed")
    return _tile(say("召回率（估计）", "Recall (estimate)"), percent(group["recall"]), sample, missed)


def _trend(told: Told, say: Say) -> str:
    rows = told["trend"]
    months = begun(rows)
    totals = {r["month"]: r for r in rows if r["rule_id"] is None}
    hits: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["rule_id"] is not None:
            hits.setdefault(row["rule_id"], {})[row["month"]] = row["hits"]
    busiest = sorted(hits, key=lambda r: (-sum(hits[r].values()), r))
    series = [(r, [hits[r].get(m, 0) for m in months]) for r in busiest[:_LINES]]
    words = say("各规则每月命中", "Hits per rule and month")
    out = f"<h2>{say('走势', 'Trend')}</h2>"
    if len(months) > 1 and series:
        named = [(f"c{i}", printable(r)) for i, (r, _) in enumerate(series)]
        drawn = svg.lines(
            "trend", words, f"{months[0]} – {months[-1]}", months, [(r, list(v)) for r, v in series], whole
        )
        out += chart(drawn, words) + key(named)
    head = [
        ("", say("月份", "Month")),
        ("n", say("新订单", "New orders")),
        ("n", say("异常", "Flagged")),
        ("n", say("属实", "Confirmed")),
        ("n", say("误判", "False alarms")),
        ("n", say("暂扣", "Held")),
        ("n", say("误扣", "Held by mistake")),
    ]
    head += [("n", safe(r)) for r in busiest]
    lines = [
        [("k", m), *[("n", whole(totals[m][k])) for k in TOTALS],
         *[("n", whole(hits[r].get(m, 0))) for r in busiest]]
        for m in months
    ]  # fmt: skip
    return out + table("trend-table", words, head, lines)


def _rules(told: Told, say: Say, locale: str) -> str:
    rows = [{**r, "state": STATUS[r["status"]].pick(locale)} for r in told["rules"]]
    top = max((r["hits"] for r in rows), default=0) or 1
    out = [f"<h2>{say('规则', 'Rules')}</h2>"]
    out.append(field_table("rules-table", say("每条规则", "Each rule"), RULES, rows, locale, bar=("hits", top)))
    blind = [r["rule_id"] for r in told["silent_rules"] if r["blind"]]
    quiet = [r["rule_id"] for r in told["silent_rules"] if not r["blind"]]
    if quiet:
        out.append(f"<p>{say('没有命中的规则：', 'Rules that found nothing: ')}{safe(', '.join(quiet))}</p>")
    if blind:
        said = say(
            "一单都无法判断的规则（缺列或打码）：", "Rules that could judge no order (columns missing or masked): "
        )
        out.append(f'<p class="note">{said}{safe(", ".join(blind))}</p>')
    out += [_repeats(row, say) for row in told["repeating_rules"]]
    return "\n".join([*out, learned(told, say, locale)])


def _repeats(row: Mapping[str, Any], say: Say) -> str:
    mine, other, n, part = row["rule_id"], row["repeats"], whole(row["hits"]), percent(row["share"])
    zh = f"{mine} 的 {n} 次命中里 {part} 也被 {other} 命中：可考虑停用。"
    return f"<p>{safe(say(zh, f'{part} of the {n} hits of {mine} are hits of {other} too: consider retiring it.'))}</p>"


def _agents(told: Told, say: Say, locale: str) -> str:
    rows = told["agents"]
    named = [{**r, "agent": shown(r["agent"], locale)} for r in rows]
    top = max((r["tasks"] for r in rows), default=0) or 1
    both = told["agreement"]
    pairs = field_table(
        "pairs-table", say("两人各自判断的订单", "Orders judged by two agents"), PAIRS, both["by_pair"][:_MOST], locale
    )
    waiting = say(
        f"另有 {whole(both['waiting'])} 单还缺一人的判断", f"{whole(both['waiting'])} more wait for one of the two"
    )
    if pairs:
        kappa = "—" if both["kappa"] is None else f"{both['kappa']:.2f}"
        pairs = f"<h3>{say('一致性', 'Agreement')}</h3><p>{safe(share(both, 'agreed', say))} · kappa {kappa} · {waiting}</p>{pairs}"
    agents = field_table(
        "agents-table",
        say("每位处理人", "Each agent"),
        AGENTS,
        named[:_MOST],
        locale,
        bar=("tasks", top),
        total=len(rows),
    )
    return f"<h2>{say('处理人', 'Agents')}</h2>{agents}{pairs}"


def _places(told: Told, say: Say, locale: str) -> str:
    out = [f"<h2>{say('平台、店铺、地区', 'Platforms, shops, regions')}</h2>"]
    for name, fields, words in (
        ("platforms", PLATFORMS, say("平台", "Platforms")),
        ("shops", SHOPS, say("店铺（异常最多的在前）", "Shops, most flagged first")),
        ("regions", REGIONS, say("收货地区", "Receivers' regions")),
    ):
        rows = told[name]
        top = max((r["flagged"] for r in rows), default=0) or 1
        out.append(
            field_table(f"{name}-table", words, fields, rows[:_MOST], locale, bar=("flagged", top), total=len(rows))
        )
    out.append(
        field_table(
            "skus-table",
            say("超卖的商品", "Oversold goods"),
            SKUS,
            told["skus"][:_MOST],
            locale,
            total=len(told["skus"]),
        )
    )
    return "\n".join(out)
