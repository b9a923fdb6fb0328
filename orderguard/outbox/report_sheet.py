"""What the sheets of a report's workbook are made with: formats, cells, tables of fields, native charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.outbox.book import sheet_name
from orderguard.outbox.report_text import money, speaker
from orderguard.outbox.report_words import UNKNOWN
from orderguard.outbox.safe import inert_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.outbox.report_words import Field

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C7A00", "#5B5B5B")
MOST = 20_000
_CHARTED, _LOOKED = 15, 500
_BASE = {"font_size": 10, "valign": "top"}
_FORMATS: dict[str, dict[str, Any]] = {
    "head": {**_BASE, "bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3864", "text_wrap": True, "border": 1},
    "text": _BASE, "bold": {**_BASE, "bold": True}, "title": {"bold": True, "font_size": 15},
    "soft": {"font_size": 9, "font_color": "#666666"}, "wrap": {**_BASE, "text_wrap": True},
    "whole": {**_BASE, "num_format": "#,##0"}, "number": {**_BASE, "num_format": "0.00"},
    "points": {**_BASE, "num_format": "General"},
    "share": {**_BASE, "num_format": "0.0%"}, "change": {**_BASE, "num_format": "+0.0%;-0.0%;0.0%"},
    "money": {**_BASE, "num_format": "#,##0.00"}, "span": {**_BASE, "num_format": "[h]:mm:ss"},
}  # fmt: skip


def wide(text: str) -> int:
    """How many Latin letters' room a text takes; a Chinese character takes two."""
    return sum(1 + (ord(c) > 0x2E7F) for c in text)


class Sheets:
    """Adds pages to a workbook. Numbers are written as numbers, text as text."""

    def __init__(self, book: Any, locale: str) -> None:
        self.book, self.locale, self.say = book, locale, speaker(locale)
        self.forms = {name: book.add_format(made) for name, made in _FORMATS.items()}
        self.taken: set[str] = set()

    def page(self, name: str) -> tuple[Any, str]:
        """A new landscape A4 sheet, and its legal name."""
        title = sheet_name(name, self.taken)
        page = self.book.add_worksheet(title)
        page.set_paper(9)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.hide_gridlines(2)
        return page, title

    def put(self, page: Any, row: int, column: int, value: Any, kind: str) -> None:
        """One cell: nothing, text (inert) or a number."""
        if value is None:
            page.write_blank(row, column, None, self.forms[kind])
        elif isinstance(value, str):
            page.write_string(row, column, inert_text(value), self.forms[kind])
        else:
            page.write_number(row, column, value, self.forms[kind])

    def heads(self, page: Any, row: int, names: Sequence[str]) -> None:
        """A heading row."""
        for i, name in enumerate(names):
            page.write_string(row, i, inert_text(name), self.forms["head"])

    def chart(
        self,
        page: Any,
        title: str,
        kind: str,
        rows: tuple[int, int],
        names: int,
        columns: Sequence[int],
        at: int,
        words: str,
        *,
        stacked: bool = False,
    ) -> None:
        """A native chart of columns of the sheet itself.

        Args:
            page, title: the sheet and its name.
            kind: line, bar (lying) or column (upright).
            rows: first and last row.
            names: column of the categories.
            columns: one series each, named by its heading.
            at: row that the chart is put at.
            words: its title, also told to screen readers.
            stacked: one bar on top of the other.
        """
        chart = self.book.add_chart({"type": kind, **({"subtype": "stacked"} if stacked else {})})
        for i, column in enumerate(columns):
            colour = COLOURS[i % len(COLOURS)]
            chart.add_series({
                "name": [title, 0, column], "categories": [title, rows[0], names, rows[1], names],
                "values": [title, rows[0], column, rows[1], column],
                **({"line": {"color": colour, "width": 2}, "marker": {"type": "automatic"}} if kind == "line" else {"fill": {"color": colour}}),
            })  # fmt: skip
        chart.set_title({"name": words, "name_font": {"size": 12}})
        chart.set_legend({"position": "bottom"})
        if kind == "bar":
            chart.set_y_axis({"reverse": True})
        page.insert_chart(at, 0, chart, {"x_scale": 1.7, "y_scale": 1.25, "description": words})

    def listed(
        self,
        name: str,
        fields: Sequence[Field],
        rows: Sequence[Mapping[str, Any]],
        charted: tuple[str, tuple[str, ...]] | None = None,
        *,
        stacked: bool = False,
    ) -> None:
        """A sheet of rows, with filters; and below the first of them a bar chart of some columns."""
        say = self.say
        page, title = self.page(name)
        heads: list[str] = []
        at: dict[str, int] = {}
        for field in fields:
            at[field.key] = len(heads)
            word = field.words.pick(self.locale)
            heads += [word]
            if field.kind == "share":
                heads += [f"{word} {say('下限', 'low')}", f"{word} {say('上限', 'high')}", f"{word} n"]
            elif field.kind == "median":
                heads += [f"{word} p90", f"{word} n"]
        self.heads(page, 0, heads)
        shown = rows[:MOST]
        for i, row in enumerate(shown, 1):
            for field in fields:
                self._cells(page, i, at[field.key], field, row)
        texts = {at[f.key]: [str(r.get(f.key) or "") for r in shown[:_LOOKED]] for f in fields if f.kind == "text"}
        for i, head in enumerate(heads):
            # Text that does not fit is cut off by the next cell; numbers need only their heading's width.
            widest = max(map(wide, texts[i]), default=0) if i in texts else 0
            page.set_column(i, i, min(max(widest + 2, wide(head) + 4, 24 if i == 0 else 12), 44))
        page.freeze_panes(1, 1)
        page.autofilter(0, 0, max(len(shown), 1), len(heads) - 1)
        if charted and shown:
            key, columns = charted
            # Far to the right of long tables nobody would find it: below short ones, beside long ones.
            below = len(shown) + 3 if len(shown) <= _CHARTED else 2
            self.chart(
                page,
                title,
                "bar",
                (1, min(len(shown), _CHARTED)),
                at[key],
                [at[c] for c in columns],
                below,
                name,
                stacked=stacked,
            )

    def _cells(self, page: Any, row: int, column: int, field: Field, values: Mapping[str, Any]) -> None:
        value: Any = values.get(field.key)
        if field.kind == "text":
            self.put(
                page,
                row,
                column,
                UNKNOWN.pick(self.locale) if value in (None, "") and field.key != "says" else value,
                "text",
            )
        elif field.kind == "share":
            for i, suffix in enumerate(("", "_low", "_high")):
                self.put(page, row, column + i, values[f"{field.key}{suffix}"], "share")
            self.put(page, row, column + 3, values[f"{field.key}_n"], "whole")
        elif field.kind == "median":
            for i, q in enumerate(("p50", "p90")):
                self.put(page, row, column + i, None if value[q] is None else value[q] / 86_400, "span")
            self.put(page, row, column + 2, value["n"], "whole")
        elif field.kind == "money":
            amounts = value or {}
            self.put(page, row, column, next(iter(amounts.values())) if len(amounts) == 1 else money(amounts), "money")
        else:
            self.put(
                page,
                row,
                column,
                value,
                {"part": "share", "number": "number", "points": "points"}.get(field.kind, "whole"),
            )
