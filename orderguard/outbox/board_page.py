"""`board.html`: the night's page, without a script and without personal data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.drafts import drafted
from orderguard.outbox import svg
from orderguard.outbox.html import cell, chart, page, safe, table
from orderguard.outbox.report_text import NONE, percent, speaker, whole
from orderguard.staff import NOBODY, UNASSIGNED

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.outbox.report_text import Say

Told = dict[str, Any]
_RULES = 16
_BANDS = {"hold": ("暂扣", "Hold"), "review": ("复核", "Review")}


def write_board(path: Path, told: Told, locale: str) -> None:
    """Write the page whole: a reader never sees half of it."""
    with drafted(path) as (draft,):
        draft.write_text(board_page(told, locale), encoding="utf-8")


def board_page(told: Told, locale: str, links: str = "") -> str:
    """The page as text; `links` is put below the title (the server's refresh)."""
    say = speaker(locale)
    title = say("审核看板", "Audit board")
    last = told["last_run"]
    ran = (
        say(f"上次扫描 {last['at']}，{whole(last['read'])} 单", f"last scan {last['at']}, {whole(last['read'])} orders")
        if last
        else say("还没有扫描", "no scan yet")
    )
    head = (
        f'<h1>{title} {safe(told["made_local"])}</h1><p class="soft">{safe(told["timezone"])} · {safe(ran)}{links}</p>'
    )
    parts = [
        head,
        _alerts(told, say),
        _queue(told, say),
        _soonest(told, say),
        _rules(told, say),
        _clusters(told, say),
        _agents(told, say),
        _gaps(told, say),
    ]
    return page(title, locale, "\n".join(p for p in parts if p))


def _alerts(told: Told, say: Say) -> str:
    late = sum(b["overdue"] for b in told["queue"])
    notes = []
    if late:
        notes.append(say(f"{whole(late)} 单已过处理时限", f"{whole(late)} orders are past their due time"))
    if told["alerts"]:
        rules = ", ".join(told["alerts"])
        notes.append(
            say(f"近一小时命中数异常的规则：{rules}", f"Rules out of their usual range in the last hour: {rules}")
        )
    silent = [p["platform"] for p in told["platforms"] if p["silent"]]
    if silent:
        names = ", ".join(silent)
        notes.append(say(f"两小时以上没有新订单的平台：{names}", f"No new orders for over two hours: {names}"))
    return "".join(f'<p class="note" role="status">{safe(n)}</p>' for n in notes)


def _queue(told: Told, say: Say) -> str:
    tiles = []
    for band in told["queue"]:
        name = say(*_BANDS[band["band"]]) if band["band"] in _BANDS else band["band"]
        subs = (
            say(f"已超时 {whole(band['overdue'])}", f"overdue {whole(band['overdue'])}"),
            say(f"1 小时内到期 {whole(band['within_1h'])}", f"due in 1 h {whole(band['within_1h'])}"),
            say(f"4 小时内到期 {whole(band['within_4h'])}", f"due in 4 h {whole(band['within_4h'])}"),
        )
        lines = "".join(f'<div class="sub">{s}</div>' for s in subs)
        tiles.append(
            f'<div class="tile"><dt>{safe(name)} · {say("未处理", "open")}</dt><dd><div class="big">{whole(band["open"])}</div>{lines}</dd></div>'
        )
    for name, key in (
        (say("24 小时新任务", "New in 24 h"), "opened_24h"),
        (say("24 小时处置", "Verdicts in 24 h"), "verdicts_24h"),
        (say("24 小时内未判定而订单已结束", "Over before a decision in 24 h"), "over_24h"),
    ):
        tiles.append(f'<div class="tile"><dt>{name}</dt><dd><div class="big">{whole(told[key])}</div></dd></div>')
    return f"<h2>{say('队列', 'Queue')}</h2><dl class='tiles'>{''.join(tiles)}</dl>"


def _soonest(told: Told, say: Say) -> str:
    head = [
        ("", say("处理时限", "Due")),
        ("", say("订单编号", "Order")),
        ("", say("平台", "Platform")),
        ("", say("级别", "Band")),
        ("", say("处理人", "Agent")),
        ("", say("规则", "Rules")),
    ]
    rows = []
    for s in told["soonest"]:
        due = f"⚠ {s['due']} {say('超时', 'overdue')}" if s["overdue"] else s["due"]
        band = say(*_BANDS[s["band"]]) if s["band"] in _BANDS else s["band"]
        agent = say(*NOBODY) if s["agent"] == UNASSIGNED else s["agent"]
        rows.append(
            [
                ("k", safe(due)),
                *[("k", cell(v)) for v in (s["order_id"], s["platform"], band, agent, ", ".join(s["rules"]))],
            ]
        )
    return f"<h2>{say('最急的', 'Due soonest')}</h2>" + (
        table("soonest", say("未处理、时限最近的在前", "Open cases, the most urgent first"), head, rows)
        or f"<p>{say('没有未处理的订单', 'Nothing is open')}</p>"
    )


def _rules(told: Told, say: Say) -> str:
    if not told["orders_per_quarter"]:
        return ""
    n = len(told["orders_per_quarter"])
    until = told["until"]
    out = [
        f"<h2>{say('规则命中，每 15 分钟', 'Rules firing, per quarter of an hour')}</h2><p class='soft'>{say(f'到 {until} 的 12 小时，按下单时间', f'The 12 hours until {until}, by the time of the order')}</p>"
    ]
    ticks = [(i, f"-{(n - i) // 4} h") for i in range(0, n, 8)]
    words = say("新订单，每 15 分钟", "New orders per quarter of an hour")
    drawn = svg.bars(
        "orders", words, until, ticks, [(v, whole(v), False) for v in told["orders_per_quarter"]], whole, 120
    )
    out.append(chart(drawn, words))
    head = [
        ("", say("规则", "Rule")),
        ("n", say("12 小时", "12 hours")),
        ("n", say("最近 15 分钟", "Last quarter")),
        ("n", say("通常", "Usual")),
        ("w", say("走势（橙色：超出通常范围）", "Trend (orange: out of range)")),
    ]
    rows = []
    for r in told["rules"][:_RULES]:
        usual = NONE if r["high"] is None else f"{r['low']:.0f}–{r['high']:.0f}"
        mark = "⚠ " if r["rule_id"] in told["alerts"] else ""
        rows.append(
            [
                ("k", safe(mark + r["rule_id"])),
                ("n", whole(r["hits"])),
                ("n", whole(r["last"])),
                ("n", usual),
                ("w", _spark(r["series"], set(r["alerts"]))),
            ]
        )
    caption = say(
        "通常范围来自之前 7 天（按订单量折算）；— 为历史还不够",
        "The usual range is that of the 7 days before, for as many orders; — means too little history",
    )
    out.append(table("rules", caption, head, rows))
    return "".join(out)


def _spark(series: list[int], alerts: set[int]) -> str:
    top = max(series) or 1
    bars = "".join(
        f'<rect class="{"alert" if i in alerts else "c0"}" x="{i * 4}" y="{24 - 24 * v / top:.1f}" width="3" height="{24 * v / top:.1f}"/>'
        for i, v in enumerate(series)
        if v
    )
    return f'<svg class="spark" viewBox="0 0 {len(series) * 4} 24" preserveAspectRatio="none" aria-hidden="true">{bars}</svg>'


def _clusters(told: Told, say: Say) -> str:
    if not told["clusters"]:
        return ""
    head = [
        ("", say("关联组", "Cluster")),
        ("n", say("未处理", "Open")),
        ("n", say("暂扣", "Held")),
        ("", say("关联依据", "Linked by")),
        ("", say("处理人", "Agent")),
        ("", say("最早时限", "First due")),
    ]
    rows = [
        [
            ("k", safe(c["cluster"])),
            ("n", whole(c["orders"])),
            ("n", whole(c["held"])),
            ("", safe(", ".join(c["linked_by"]))),
            ("", safe(say(*NOBODY) if c["agent"] == UNASSIGNED else c["agent"])),
            ("k", safe(c["first_due"])),
        ]
        for c in told["clusters"]
    ]
    return f"<h2>{say('关联组', 'Clusters')}</h2>" + table(
        "clusters", say("最大的在前", "The largest first"), head, rows
    )


def _agents(told: Told, say: Say) -> str:
    if not told["agents"]:
        return ""
    top = max(a["open"] for a in told["agents"]) or 1
    head = [
        ("", say("处理人", "Agent")),
        ("n", say("未处理", "Open")),
        ("n", say("暂扣", "Held")),
        ("n", say("超时", "Overdue")),
        ("n", say("1 小时内", "In 1 h")),
        ("", say("最早时限", "First due")),
    ]
    rows = []
    for a in told["agents"][:40]:
        name = say(*NOBODY) if a["agent"] == UNASSIGNED else a["agent"]
        rows.append(
            [
                ("k", safe(name)),
                ("n", whole(a["open"]) + svg.bar(a["open"] / top)),
                ("n", whole(a["held"])),
                ("n", whole(a["overdue"])),
                ("n", whole(a["within_1h"])),
                ("k", safe(a["first_due"])),
            ]
        )
    return f"<h2>{say('处理人负荷', 'Agents')}</h2>" + table(
        "agents", say("未处理最多的在前", "The busiest first"), head, rows
    )


def _gaps(told: Told, say: Say) -> str:
    out = ""
    if told["gaps"]:
        head = [
            ("", say("规则", "Rule")),
            ("", say("平台", "Platform")),
            ("n", say("无法判断", "Not evaluable")),
            ("n", say("比例", "Share")),
        ]
        rows = [
            [
                ("k", safe(g["rule_id"])),
                ("", cell(g["platform"])),
                ("n", whole(g["not_evaluable"])),
                ("n", percent(g["not_evaluable"] / g["orders"])),
            ]
            for g in told["gaps"][:30]
        ]
        out += table(
            "gaps",
            say(
                "最近的扫描里一半以上的订单无法判断", "Half or more of the orders of the last scans could not be judged"
            ),
            head,
            rows,
        )
    if told["platforms"]:
        head = [
            ("", say("平台", "Platform")),
            ("n", say("8 天订单", "Orders in 8 days")),
            ("n", say("比最新订单晚（分钟）", "Minutes behind the newest")),
        ]
        rows = [
            [
                ("k", cell(p["platform"])),
                ("n", whole(p["orders"])),
                ("n", ("⚠ " if p["silent"] else "") + whole(p["behind_minutes"])),
            ]
            for p in told["platforms"][:30]
        ]
        out += table("platforms", say("各平台最近的订单", "Each platform's newest order"), head, rows)
    return f"<h2>{say('看不见的地方', 'Coverage gaps')}</h2>{out}" if out else ""
