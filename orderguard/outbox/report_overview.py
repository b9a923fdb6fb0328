"""The workbook's first sheet: the headline figures beside those of the period before, and what became of flagged orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.outbox.report_sheet import COLOURS
from orderguard.outbox.report_words import HEADLINE, OUTCOME_PARTS
from orderguard.outbox.safe import inert_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.outbox.report_sheet import Sheets


def write_overview(sheets: Sheets, told: Mapping[str, Any]) -> None:
    """Add the sheet to the workbook."""
    say = sheets.say
    page, title = sheets.page(say("概览", "Overview"))
    head, other = told["headline"], told["compare"]
    before, change = (other["headline"], other["change"]) if other else ({}, {})
    span = told["period"]
    page.write_string(0, 0, say(f"订单审核月报 {span['label']}", f"Order audit {span['label']}"), sheets.forms["title"])
    line = f"{span['first_day']} – {span['last_day']}  {span['timezone']}  {', '.join(told['ledgers'])}"
    if span["in_progress"]:
        line += say("  （尚未结束）", "  (not over yet)")
    page.write_string(1, 0, inert_text(line), sheets.forms["soft"])
    label = other["period"] if other else say("上一期", "Before")
    sheets.heads(page, 3, [say("项目", "Item"), span["label"], label, say("变化", "Change"), say("依据", "Rests on")])
    row = 4
    for key, words in HEADLINE:
        _line(
            sheets, page, row, words.pick(sheets.locale), (head[key], before.get(key), change.get(key)), "whole", None
        )
        row += 1
    for key, zh, en in (("flagged_share", "异常率", "Share flagged"), ("precision", "准确率", "Precision")):
        n = head[f"{key}_n"]
        enough = key != "precision" or n >= 10
        _line(
            sheets,
            page,
            row,
            say(zh, en),
            (head[key] if enough else None, before.get(key), change.get(key)),
            "share",
            n,
        )
        row += 1
    for key, zh, en in (
        ("detection_seconds", "发现时长", "Detection"),
        ("handling_seconds", "处理时长", "Handling"),
    ):
        for q in ("p50", "p90", "p99"):
            values = [d[key][q] if d and d[key][q] is not None else None for d in (head, before)]
            days = [None if v is None else v / 86_400 for v in values]
            _line(
                sheets,
                page,
                row,
                f"{say(zh, en)} {q}",
                (days[0], days[1], (change.get(key) or {}).get(q)),
                "span",
                head[key]["n"],
            )
            row += 1
    for key, zh, en in (
        ("money_at_risk", "属实订单金额", "Money at risk"),
        ("money_held_by_mistake", "误扣金额", "Money held by mistake"),
    ):
        for code in sorted({*head[key]["amounts"], *(before.get(key, {}).get("amounts", {}))}) or ["CNY"]:
            new, old = head[key]["amounts"].get(code, 0.0), before.get(key, {}).get("amounts", {}).get(code)
            _line(
                sheets,
                page,
                row,
                f"{say(zh, en)} {code}",
                (new, old, (change.get(key) or {}).get(code)),
                "money",
                head[key]["orders"],
            )
            row += 1
    page.set_column(0, 0, 30)
    page.set_column(1, 4, 16)
    first = row + 2
    page.write_string(first - 1, 0, say("异常订单的去向", "What became of the flagged orders"), sheets.forms["bold"])
    for i, (key, words, _) in enumerate(OUTCOME_PARTS):
        sheets.put(page, first + i, 0, words.pick(sheets.locale), "text")
        sheets.put(page, first + i, 1, head[key], "whole")
    last = first + len(OUTCOME_PARTS) - 1
    chart = sheets.book.add_chart({"type": "doughnut"})
    points = [{"fill": {"color": COLOURS[int(css[1])]}} for _, _, css in OUTCOME_PARTS]
    chart.add_series({
        "name": say("异常订单的去向", "What became of the flagged orders"), "categories": [title, first, 0, last, 0],
        "values": [title, first, 1, last, 1], "points": points, "data_labels": {"value": True},
    })  # fmt: skip
    page.insert_chart(
        3,
        6,
        chart,
        {"x_scale": 1.0, "y_scale": 1.1, "description": say("异常订单的去向", "Outcome of flagged orders")},
    )


def _line(
    sheets: Sheets, page: Any, row: int, name: str, values: tuple[Any, Any, Any], kind: str, n: int | None
) -> None:
    sheets.put(page, row, 0, name, "bold")
    sheets.put(page, row, 1, values[0], kind)
    sheets.put(page, row, 2, values[1], kind)
    sheets.put(page, row, 3, values[2], "change")
    sheets.put(page, row, 4, n, "whole")
