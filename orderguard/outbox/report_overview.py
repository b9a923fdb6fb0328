"""The workbook's first sheet: the headline figures beside those of the period before, and what became of flagged orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from orderguard.outbox.report_sheet import COLOURS
from orderguard.outbox.report_words import HEADLINE, OUTCOME_PARTS
from orderguard.outbox.safe import inert_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orderguard.outbox.report_sheet import Sheets


class Figure(NamedTuple):
    """A line of the sheet: its name, the figure now, before and as a change, how it is shown, and the number behind it."""

    name: str
    values: tuple[Any, Any, Any]
    kind: str
    rests_on: int | None


def write_overview(sheets: Sheets, told: Mapping[str, Any]) -> None:
    """Add the sheet to the workbook."""
    say = sheets.say
    page, title = sheets.page(say("概览", "Overview"))
    other, span = told["compare"], told["period"]
    page.write_string(0, 0, say(f"订单审核月报 {span['label']}", f"Order audit {span['label']}"), sheets.forms["title"])
    line = f"{span['first_day']} – {span['last_day']}  {span['timezone']}  {', '.join(told['ledgers'])}"
    if span["in_progress"]:
        line += say("  （尚未结束）", "  (not over yet)")
    page.write_string(1, 0, inert_text(line), sheets.forms["soft"])
    label = other["period"] if other else say("上一期", "Before")
    sheets.heads(page, 3, [say("项目", "Item"), span["label"], label, say("变化", "Change"), say("依据", "Rests on")])
    figures = list(_figures(sheets, told))
    for row, figure in enumerate(figures, 4):
        sheets.put(page, row, 0, figure.name, "bold")
        for column, value, kind in zip((1, 2, 3), figure.values, (figure.kind, figure.kind, "change"), strict=True):
            sheets.put(page, row, column, value, kind)
        sheets.put(page, row, 4, figure.rests_on, "whole")
    page.set_column(0, 0, 30)
    page.set_column(1, 4, 16)
    _write_outcomes(sheets, page, title, 4 + len(figures) + 2, told["headline"])


def _figures(sheets: Sheets, told: Mapping[str, Any]) -> Iterator[Figure]:
    say, head, other = sheets.say, told["headline"], told["compare"]
    before, change = (other["headline"], other["change"]) if other else ({}, {})
    for key, words in HEADLINE:
        yield Figure(words.pick(sheets.locale), (head[key], before.get(key), change.get(key)), "whole", None)
    for key, zh, en in (("flagged_share", "异常率", "Share flagged"), ("precision", "准确率", "Precision")):
        n = head[f"{key}_n"]
        enough = key != "precision" or n >= 10
        yield Figure(say(zh, en), (head[key] if enough else None, before.get(key), change.get(key)), "share", n)
    for key, zh, en in (
        ("detection_seconds", "发现时长", "Detection"),
        ("handling_seconds", "处理时长", "Handling"),
    ):
        for q in ("p50", "p90", "p99"):
            seconds = [d[key][q] if d else None for d in (head, before)]
            now, then = (None if s is None else s / 86_400 for s in seconds)
            changed = (change.get(key) or {}).get(q)
            yield Figure(f"{say(zh, en)} {q}", (now, then, changed), "span", head[key]["n"])
    for key, zh, en in (
        ("money_at_risk", "属实订单金额", "Money at risk"),
        ("money_held_by_mistake", "误扣金额", "Money held by mistake"),
    ):
        earlier = before.get(key, {}).get("amounts", {})
        for code in sorted({*head[key]["amounts"], *earlier}) or ["CNY"]:
            values = (head[key]["amounts"].get(code, 0.0), earlier.get(code), (change.get(key) or {}).get(code))
            yield Figure(f"{say(zh, en)} {code}", values, "money", head[key]["orders"])


def _write_outcomes(sheets: Sheets, page: Any, title: str, first: int, head: Mapping[str, Any]) -> None:
    """What became of the flagged orders, from row `first` on, and as a ring beside the figures."""
    say = sheets.say
    heading = say("异常订单的去向", "What became of the flagged orders")
    page.write_string(first - 1, 0, heading, sheets.forms["bold"])
    for i, (key, words, _) in enumerate(OUTCOME_PARTS):
        sheets.put(page, first + i, 0, words.pick(sheets.locale), "text")
        sheets.put(page, first + i, 1, head[key], "whole")
    last = first + len(OUTCOME_PARTS) - 1
    chart = sheets.book.add_chart({"type": "doughnut"})
    points = [{"fill": {"color": COLOURS[int(css[1])]}} for _, _, css in OUTCOME_PARTS]
    chart.add_series({
        "name": heading, "categories": [title, first, 0, last, 0],
        "values": [title, first, 1, last, 1], "points": points, "data_labels": {"value": True},
    })  # fmt: skip
    said = say("异常订单的去向", "Outcome of flagged orders")
    page.insert_chart(3, 6, chart, {"x_scale": 1.0, "y_scale": 1.1, "description": said})
