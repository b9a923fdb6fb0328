"""Sections of a report's page: overlap, hours, customers who were kept, after-sales, quality of the data, meanings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.errors import Words
from orderguard.outbox import svg
from orderguard.outbox.html import cell, chart, folded, key, safe, table
from orderguard.outbox.report_tables import field_table
from orderguard.outbox.report_text import NONE, lasting, money, percent, share, whole
from orderguard.outbox.report_words import (
    COVERAGE,
    DEFINITIONS,
    DEMOTED,
    ENTRIES,
    ENTRY_STATES,
    GROUPS,
    LEARN,
    OUTCOMES,
    OVERLAP,
    PROMOTIONS,
    TRIALS,
    WEEKDAYS,
    WHY,
)

if TYPE_CHECKING:
    from orderguard.outbox.report_text import Say
    from orderguard.outbox.report_words import Field

Told = dict[str, Any]
_MATRIX = 14
"""Rules that the overlap's picture shows."""
_FILES = 20


def rulebook_lists(told: Told, locale: str) -> list[tuple[Words, tuple[Field, ...], list[dict[str, Any]]]]:
    """Trial rules, promotions, list entries of no use, demoted rules: heading, fields, rows; empty ones left out."""
    book = told["rulebook"]
    entries = [{**e, "state": ENTRY_STATES[e["state"]].pick(locale)} for e in book["lists"]]
    every = (
        (Words("试运行的规则", "Rules on trial"), TRIALS, book["trial"]),
        (Words("活动时段", "Promotions"), PROMOTIONS, book["promotions"]),
        (Words("过期或无用的名单", "List entries of no use"), ENTRIES, entries),
        (Words("被降级的规则", "Demoted rules"), DEMOTED, book["demoted"]),
    )
    return [(words, fields, rows) for words, fields, rows in every if rows]


def rulebook_section(told: Told, locale: str) -> str:
    """The same as tables of the page."""
    return "\n".join(
        f"<h3>{safe(words.pick(locale))}</h3>"
        + field_table(f"rulebook-{i}", words.pick(locale), fields, rows[:_FILES], locale, total=len(rows))
        for i, (words, fields, rows) in enumerate(rulebook_lists(told, locale))
    )


def overlap(told: Told, say: Say, locale: str) -> str:
    """Which rules hit the same orders: a matrix, and the pairs."""
    pairs = told["overlap"]
    if not pairs:
        return ""
    hits = {r["rule_id"]: r["hits"] for r in told["rules"] if r["hits"]}
    rules = sorted(hits, key=lambda r: (-hits[r], r))[:_MATRIX]
    both = {(p["a"], p["b"]): p["both"] for p in pairs} | {(p["b"], p["a"]): p["both"] for p in pairs}
    cells = []
    for row in rules:
        line: list[tuple[float | None, str, str]] = []
        for column in rules:
            n = both.get((row, column), 0)
            said = say(
                f"{row} 的 {hits[row]} 次命中里 {n} 次 {column} 也命中",
                f"{column} hit {n} of the {hits[row]} orders that {row} hit",
            )
            line.append(
                (None, "", "") if row == column else (n / hits[row], said, percent(n / hits[row], 0) if n else "")
            )
        cells.append(line)
    words = say(
        "规则重叠：行规则的命中里，列规则也命中的比例",
        "Overlap: of the orders that the row's rule hit, the share that the column's hit too",
    )
    numbered = [f"{i + 1}" for i in range(len(rules))]
    drawn = svg.heat(
        "overlap", words, ", ".join(f"{i + 1} {r}" for i, r in enumerate(rules)), numbered, numbered, cells, 1.0
    )
    names = "".join(f"<li>{i + 1} · {safe(r)} ({whole(hits[r])})</li>" for i, r in enumerate(rules))
    return (
        f"<h3>{say('规则重叠', 'Overlap of rules')}</h3><p class='soft'>{safe(words)}</p>"
        f'{chart(drawn, words)}<ul class="key">{names}</ul>'
        + folded(
            say("表格", "As a table"),
            field_table("overlap-table", words, OVERLAP, pairs[:60], locale, total=len(pairs)),
        )
    )


def learn_rows(told: Told, locale: str) -> list[dict[str, Any]]:
    """What `learn` says of each rule, with its reason in words."""
    rules = told["learn"]["rules"] if told["learn"] else []
    return [{**r, "said": WHY[r["why"]].pick(locale) if r["why"] in WHY else r["why"]} for r in rules]


def learned(told: Told, say: Say, locale: str) -> str:
    """What `learn` would change."""
    rows = learn_rows(told, locale)
    if not rows:
        return ""
    used = told["learn"]["verdicts"]["used"]
    caption = say(f"依据到期末为止的 {whole(used)} 条处置", f"From the {whole(used)} verdicts until the period's end")
    moved = [r for r in rows if r["before"] != r["after"]]
    title = f"<h3>{say('learn 会改什么', 'What learn would change')}</h3>"
    if not moved:
        return title + f"<p>{say('现在什么都不改。', 'Nothing now.')} {safe(caption)}</p>"
    return title + field_table("learn-table", caption, LEARN, rows, locale)


def hours(told: Told, say: Say, locale: str) -> str:
    """The heat map of the week, and its table."""
    rows = told["hours"]
    days = [d.pick(locale) for d in WEEKDAYS]
    cells: list[list[tuple[float | None, str, str]]] = [[] for _ in days]
    for r in rows:
        day = r["weekday"] - 1
        said = f"{days[day]} {r['hour']:02d}:00 · " + say(
            f"异常 {whole(r['flagged'])} / 订单 {whole(r['scanned'])}（{percent(r['flagged_share'], 2)}）",
            f"{whole(r['flagged'])} flagged of {whole(r['scanned'])} orders ({percent(r['flagged_share'], 2)})",
        )
        cells[day].append((r["flagged"] if r["scanned"] else None, said, ""))
    words = say("每小时的异常订单（深色为多）", "Flagged orders by hour (dark: many)")
    drawn = svg.heat(
        "hours", words, say("按下单时间", "By the time of the order"), days, [str(h) for h in range(24)], cells
    )
    head = [("", say("时", "Hour")), *[("n", d) for d in days]]
    at = {(r["weekday"], r["hour"]): r for r in rows}
    lines = [
        [
            ("k", f"{h:02d}:00"),
            *[("n", f"{whole(at[d, h]['flagged'])} / {whole(at[d, h]['scanned'])}") for d in range(1, 8)],
        ]
        for h in range(24)
    ]
    caption = say("异常 / 订单", "Flagged / orders")
    return f"<h2>{say('时段', 'Hours')}</h2><p class='soft'>{safe(words)}</p>{chart(drawn, words)}" + folded(
        say("表格", "As a table"), table("hours-table", caption, head, lines)
    )


def kept(told: Told, say: Say, locale: str) -> str:
    """Repeat purchase of customers whose flagged order was let go, beside others."""
    k = told["kept"]
    out = [f"<h2>{say('高风险但留住的客户', 'High risk, but kept')}</h2>"]
    if not k["groups"]:
        out.append(
            f"<p>{say('台账里没有带买家账号与下单时间的订单，无法比较。', 'The ledger has no orders with an account and a time: nothing to compare.')}</p>"
        )
        return "".join(out)
    if not k["enough"]:
        said = say(
            f"历史还太短或人数太少（台账有 {k['days_of_history']} 天）：至少要有 20 位客户能观察满 30 天，才能下结论。",
            f"The history is too short or too thin ({k['days_of_history']} days): 20 customers must be followed for 30 days before anything is concluded.",
        )
        out.append(f'<p class="note">{said}</p>')
    names = [GROUPS[g["group"]].pick(locale) for g in k["groups"]]
    words = say("再次下单的客户比例", "Share of customers who ordered again")
    if any(len(g["curve"]) > 1 for g in k["groups"]):
        ticks = [(0.0, "0"), *[(float(h), say(f"{h} 天", f"{h} days")) for h in k["horizons"]]]
        series = [(n, [(d, s) for d, s in g["curve"]]) for n, g in zip(names, k["groups"], strict=True)]
        drawn = svg.steps(
            "kept", words, say("Kaplan–Meier 估计", "Kaplan-Meier estimate"), series, ticks, lambda v: percent(v, 0)
        )
        out.append(chart(drawn, words) + key([(f"c{i}", n) for i, n in enumerate(names)]))
    head = [("", say("客户", "Customers")), ("n", say("人数", "Count")), ("n", say("客单价", "Average order"))]
    for h in k["horizons"]:
        head += [("n", say(f"{h} 天内再购", f"Again in {h} days")), ("n", say(f"{h} 天时在观", f"At risk at {h}"))]
    rows = []
    for name, g in zip(names, k["groups"], strict=True):
        value = (
            NONE
            if g["average_order_value"] is None
            else f"{g['currency']} {g['average_order_value']:,.2f} (n = {whole(g['orders'])})"
        )
        row = [("k", safe(name)), ("n", whole(g["customers"])), ("n", safe(value))]
        for p in g["points"]:
            shown = percent(p["repeat"]) if p["enough"] else say("不足", "too few")
            if p["enough"] and p["low"] is not None:
                shown += f" ({100 * p['low']:.0f}–{100 * p['high']:.0f} %)"
            row += [("n", shown), ("n", whole(p["at_risk"]))]
        rows.append(row)
    return "".join(out) + table("kept-table", words, head, rows)


def aftersales(told: Told, say: Say, locale: str) -> str:
    """Refunds and claims among held, reviewed and passed orders; what was saved and missed."""
    o = told["outcomes"]
    if o is None:
        return ""
    rows = [{**g, "group": GROUPS[g["group"]].pick(locale)} for g in o["groups"]]
    said = say(
        f"售后表 {whole(o['rows'])} 行，其中 {whole(o['matched'])} 行是本期的订单。",
        f"{whole(o['rows'])} rows in the after-sales file, {whole(o['matched'])} of them of this period's orders.",
    )
    saved = say(
        f"拦下：{whole(o['saved']['orders'])} 单判为属实而未发出的订单事后没有出问题，{money(o['saved']['amounts'])}。",
        f"Saved: {whole(o['saved']['orders'])} orders confirmed before they left, without trouble afterwards, {money(o['saved']['amounts'])}.",
    )
    missed = say(
        f"漏掉：{whole(o['missed']['cases'])} 单被放过或没有标记的订单出了问题，{money(o['missed']['amounts'])}。",
        f"Missed: {whole(o['missed']['cases'])} orders that were let go or never flagged had trouble, {money(o['missed']['amounts'])}.",
    )
    shown = field_table("outcomes-table", say("售后结果", "After-sales"), OUTCOMES, rows, locale)
    return f"<h2>{say('售后', 'After-sales')}</h2><p>{safe(said)}</p><p>{safe(saved)}<br>{safe(missed)}</p>{shown}"


def quality(told: Told, say: Say, locale: str) -> str:
    """What was read and set aside, late files, and how far rules could see."""
    q = told["quality"]
    facts = [
        say(f"{whole(q['runs'])} 次扫描，{whole(q['files'])} 个文件，读取 {whole(q['read'])}，未能读取 {whole(q['rejected'])}（{share(q, 'rejected_share', say)}）",
            f"{whole(q['runs'])} scans of {whole(q['files'])} files, {whole(q['read'])} read, {whole(q['rejected'])} rejected: {share(q, 'rejected_share', say)}"),
        say(f"没有下单时间 {whole(q['undated'])}，没有买家账号 {whole(q['no_buyer'])}，没有地区 {whole(q['no_region'])}，没有店铺 {whole(q['no_shop'])}",
            f"without a time {whole(q['undated'])}, without an account {whole(q['no_buyer'])}, without a region {whole(q['no_region'])}, without a shop {whole(q['no_shop'])}"),
    ]  # fmt: skip
    if q["in_several_ledgers"]:
        facts.append(
            say(
                f"{whole(q['in_several_ledgers'])} 单在多个台账里都有，只算一次",
                f"{whole(q['in_several_ledgers'])} orders are in several ledgers and count once",
            )
        )
    out = [
        f"<h2>{say('数据质量', 'Quality of the data')}</h2><ul>"
        + "".join(f"<li>{safe(f)}</li>" for f in facts)
        + "</ul>"
    ]
    if q["late_files"]:
        head = [
            ("", say("文件", "File")),
            ("n", say("最新订单到扫描", "Newest order to scan")),
            ("n", say("订单", "Orders")),
        ]
        rows = [
            [("", cell(f["file"])), ("n", safe(lasting(f["lag_seconds"], say))), ("n", whole(f["read"]))]
            for f in q["late_files"][:_FILES]
        ]
        said = say(
            f"迟到的文件：扫描时最新一单已超过 {q['late_after_hours']:.0f} 小时（共 {len(q['late_files'])}）",
            f"Late files: the newest order was over {q['late_after_hours']:.0f} hours old at the scan ({len(q['late_files'])} in all)",
        )
        out.append(table("late-table", said, head, rows))
    if q["rejected_files"]:
        head = [("", say("文件", "File")), ("n", say("未能读取", "Rejected")), ("n", say("读取", "Read"))]
        rows = [
            [("", cell(f["file"])), ("n", whole(f["rejected"])), ("n", whole(f["read"]))]
            for f in q["rejected_files"][:_FILES]
        ]
        out.append(
            folded(
                say("有行未能读取的文件", "Files with rejected rows"),
                table("rejected-table", say("未能读取", "Rejected"), head, rows),
            )
        )
    out.append(
        field_table(
            "coverage-table",
            say("规则看得见多少", "How far rules could see"),
            COVERAGE,
            q["coverage"][:80],
            locale,
            total=len(q["coverage"]),
        )
    )
    return "".join(out)


def definitions(say: Say, locale: str) -> str:
    """What the figures mean."""
    items = "".join(f"<p><strong>{safe(n.pick(locale))}</strong> {safe(d.pick(locale))}</p>" for n, d in DEFINITIONS)
    return f"<h2>{say('数字的含义', 'What the figures mean')}</h2>{items}<footer>orderguard</footer>"
