"""Task sheets: what an agent fills in. One header row; all locked but the answer columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import heading
from orderguard.outbox.flagged import BAND_WORDS, local, word
from orderguard.outbox.safe import inert_frame

if TYPE_CHECKING:
    from pathlib import Path

RESULT = ("处置结果", "Result")
RESULTS = (("属实", "Confirmed"), ("误判", "False alarm"), ("需进一步调查", "Needs investigation"))
CODE = ("原因代码", "Reason code")
CODES = (
    ("联系不上", "Unreachable"), ("地址虚假", "False address"), ("刷单/套现", "Brushing"), ("重复下单", "Duplicate"),
    ("库存不足", "Out of stock"), ("本人确认正常", "Confirmed by receiver"), ("同一家庭/单位", "Same family or office"), ("其他", "Other"),
)  # fmt: skip
NOTE = ("备注", "Note")
_ANSWERS = 3
_COLUMNS = (
    ("order_id", 22), ("result", 13), ("code", 14), ("note", 24), ("due_at", 17), ("band", 7), ("reasons", 52), ("ask", 40),
    ("receiver_name", 10), ("receiver_phone", 15), ("place", 44), ("amount", 11), ("created_at", 17), ("promised_at", 17),
    ("platform", 9), ("buyer_note", 24), ("cluster", 12), ("case_id", 15),
)  # fmt: skip
_PRINTED = 12
"""Columns on paper, up to the amount: an A4 page stays readable."""

_TITLES = {
    "result": RESULT,
    "code": CODE,
    "note": NOTE,
    "reasons": ("原因", "Reasons"),
    "ask": ("核实要点", "Ask"),
    "place": ("收货地址", "Address"),
}


def write_tasks(folder: Path, cases: pl.DataFrame, locale: str, zone: str) -> dict[str, int]:
    """Write `<agent>.xlsx` for every agent with new cases.

    Args:
        folder: `tasks/`.
        cases: new cases with the order's columns, `reasons`, `ask`; clusters stay together, soonest due first.
        locale, zone: of the rulebook.

    Returns:
        Cases per agent.
    """
    if cases.is_empty():
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    first_due = cases.group_by("cluster").agg(pl.col("due_at").min().alias("_first"))
    ordered = cases.join(first_due, on="cluster", maintain_order="left").sort("_first", "cluster", "due_at", "order_id")
    place = pl.concat_str([pl.col(c).fill_null("") for c in ("province", "city", "district", "address")]).alias("place")
    own = [n for n, _ in _COLUMNS if n not in {"result", "code", "note", "place"}]
    bands = {k: word(w, locale) for k, w in BAND_WORDS.items()}
    table = inert_frame(local(ordered.select("agent", place, *own), zone).with_columns(pl.col("band").replace(bands)))
    counts = {}
    for (agent,), part in table.partition_by("agent", as_dict=True, maintain_order=True).items():
        _write(folder / f"{agent}.xlsx", part, locale)
        counts[str(agent)] = len(part)
    return counts


def _write(path: Path, rows: pl.DataFrame, locale: str) -> None:
    import xlsxwriter  # noqa: PLC0415 - 0.05 s that a scan without tasks does not pay

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        page = book.add_worksheet(word(("任务", "Tasks"), locale))
        forms = _forms(book)
        last = len(rows)
        for i, (name, width) in enumerate(_COLUMNS):
            page.set_column(i, i, width)
            title = word(_TITLES[name], locale) if name in _TITLES else heading(name, locale)
            page.write_string(0, i, title, forms["answer_head" if 1 <= i <= _ANSWERS else "head"])
        page.set_row(0, 24)
        page.freeze_panes(1, 2)
        page.autofilter(0, 0, last, len(_COLUMNS) - 1)
        page.data_validation(1, 1, last, 1, _choice(RESULTS, locale))
        page.data_validation(1, 2, last, 2, _choice(CODES, locale))
        page.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.print_area(0, 0, last, _PRINTED - 1)
        page.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.5)
        page.set_footer("&L&A&R&P / &N")
        page.repeat_rows(0)
        held = word(BAND_WORDS["hold"], locale)
        _rows(page, rows, forms, held)


def _forms(book: Any) -> dict[str, Any]:
    base = {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#D9D9D9", "font_size": 10}
    head = {"bold": True, "font_color": "#FFFFFF", "valign": "vcenter", "align": "center", "border": 1}
    time = {"num_format": "mm-dd hh:mm"}
    return {
        "head": book.add_format({**head, "bg_color": "#1F3864"}),
        "answer_head": book.add_format({**head, "bg_color": "#C55A11"}),
        "answer": book.add_format({**base, "locked": False, "bg_color": "#FFF2CC"}),
        "text": book.add_format(base),
        "strong": book.add_format({**base, "bold": True}),
        "hold": book.add_format({**base, "bg_color": "#F8CBAD", "font_color": "#9C0006", "bold": True}),
        "money": book.add_format({**base, "num_format": "#,##0.00"}),
        "time": book.add_format({**base, **time}),
        "due": book.add_format({**base, **time, "bold": True, "font_color": "#9C0006"}),
    }


def _choice(pairs: tuple[tuple[str, str], ...], locale: str) -> dict[str, Any]:
    said = ("请从下拉列表中选择", "Choose from the list")
    return {
        "validate": "list",
        "source": [word(p, locale) for p in pairs],
        "error_title": "orderguard",
        "error_message": word(said, locale),
    }


_LINE = 14.5


def _heights(rows: pl.DataFrame) -> list[int]:
    """Lines that the fullest wrapped cell of each row needs (a Chinese character is two wide)."""
    wide = dict(_COLUMNS)
    needs = [
        ((pl.col(c).str.len_bytes() * 2 / 3).fill_null(0) / (wide[c] - 2)).ceil()
        for c in ("reasons", "ask", "place", "buyer_note")
    ]
    return rows.select(pl.max_horizontal(needs).clip(1, 8).cast(pl.Int64)).to_series().to_list()


def _rows(page: Any, rows: pl.DataFrame, forms: dict[str, Any], held: str) -> None:
    heights = _heights(rows)
    text, number, blank, at = page.write_string, page.write_number, page.write_blank, page.write_datetime
    names = [n for n, _ in _COLUMNS]
    plan = [(i, n, rows.columns.index(n) if n in rows.columns else -1) for i, n in enumerate(names)]
    for r, row in enumerate(rows.iter_rows(), 1):
        page.set_row(r, _LINE * heights[r - 1] + 2)
        for i, name, source in plan:
            if source < 0:
                blank(r, i, None, forms["answer"])
                continue
            value = row[source]
            if value is None:
                blank(r, i, None, forms["text"])
            elif name == "amount":
                number(r, i, value, forms["money"])
            elif name.endswith("_at"):
                at(r, i, value, forms["due" if name == "due_at" else "time"])
            elif name == "band":
                text(r, i, value, forms["hold" if value == held else "text"])
            else:
                text(r, i, value, forms["strong" if name in {"order_id", "reasons"} else "text"])
