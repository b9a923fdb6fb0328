"""Tables of a report's page, made from fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.outbox import svg
from orderguard.outbox.html import Cell, cell, safe, table
from orderguard.outbox.report_text import ENOUGH, NONE, lasting, money, percent, share, speaker, whole
from orderguard.outbox.report_words import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.outbox.report_text import Say
    from orderguard.outbox.report_words import Field


def field_table(
    name: str,
    caption: str,
    fields: Sequence[Field],
    rows: Sequence[Mapping[str, Any]],
    locale: str,
    bar: tuple[str, float] | None = None,
    total: int = 0,
) -> str:
    """A table with a heading per field.

    Args:
        name: id on the page.
        caption: above the table.
        fields: its columns.
        rows: figures by field key.
        locale: language.
        bar: the field whose cells carry a bar, and the value of a full one.
        total: how many rows there are when not all are shown.
    """
    say = speaker(locale)
    if total > len(rows):
        caption += say(
            f"（前 {len(rows)}，共 {total}，其余见工作簿）",
            f" (the first {len(rows)} of {total}; the workbook has all)",
        )
    fields = [f for f in fields if f.key != "says"]  # stands under the rule's id
    head = [("" if f.kind in {"text", "share"} else "n", safe(f.words.pick(locale))) for f in fields]
    body = [[_cell(f, row, say, locale, bar) for f in fields] for row in rows]
    return table(name, caption, head, body)


def _cell(field: Field, row: Mapping[str, Any], say: Say, locale: str, bar: tuple[str, float] | None) -> Cell:
    value = row.get(field.key)
    if field.kind == "text":
        words = f'<span class="soft">{safe(row["says"])}</span>' if field.key == "rule_id" and row.get("says") else ""
        return "k", cell(UNKNOWN.pick(locale) if value in (None, "") else value) + words
    if field.kind == "share":
        drawn = ""
        if row[f"{field.key}_n"] >= ENOUGH and value is not None:
            drawn = svg.interval(row[f"{field.key}_low"], value, row[f"{field.key}_high"])
        return "w", safe(share(row, field.key, say)) + drawn
    drawn = svg.bar((value or 0) / bar[1]) if bar and bar[0] == field.key else ""
    told = safe(_number(field.kind, value, say))
    return "n", (told.replace(" · ", "<br>") if field.kind == "median" else told) + drawn


def _number(kind: str, value: Any, say: Say) -> str:
    if kind == "part":
        return percent(value)
    if kind == "number":
        return NONE if value is None else f"{value:.2f}"
    if kind == "points":
        return f"{value:g}"
    if kind == "money":
        return money(value or {})
    if kind == "median":
        return f"{lasting(value['p50'], say)} · p90 {lasting(value['p90'], say)}" if value and value["n"] else NONE
    return whole(value)
