"""Delimited text record by record: rows that do not fit or do not decode are set aside with their reason, the rest is kept."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS
from orderguard.errors import Words
from orderguard.ingest.table import MAX_CELL, BadRow, row_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_JOIN_LINES = 500
"""Lines that one quoted cell may span."""


def short(found: int, expected: int, *, cut: bool) -> Words:
    """Why a row with too few or too many cells is set aside; `cut`: the file ends inside it."""
    if cut:
        return Words(
            f"文件在此行中断：只有 {found} 个单元格，表头有 {expected} 个；请重新导出",
            f"the file ends inside this row: {found} cells, the header has {expected}; export it again",
        )
    return Words(
        f"有 {found} 个单元格，表头只有 {expected} 个；多半是内容里的分隔符没有加引号",
        f"{found} cells, but the header has {expected}; probably a delimiter inside a text without quotes",
    )


def read_records(
    body: bytes, columns: list[str], signs: tuple[str, str], first_row: int, encoding: str
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Record by record: bad rows are set aside with their reason, the rest is kept. `signs`: delimiter and quote."""
    width = len(columns)
    good: list[list[str | None]] = []
    rows: list[int] = []
    bad: list[BadRow] = []
    last: tuple[int, list[str]] = (0, [])
    for row, (cells, broken) in enumerate(_records(body, *signs), first_row):
        why = broken
        while len(cells) > width and not cells[-1].strip(BLANKS):
            cells.pop()
        if why is None and len(cells) > width:
            why = short(len(cells), width, cut=False)
        if why is None and any("�" in c for c in cells):
            why = Words(
                f"有无法按 {encoding} 解码的文字；请用 UTF-8 或 GBK 重新导出",
                f"text that does not decode as {encoding}; export it again as UTF-8 or GBK",
            )
        if why is None and any(len(c) > MAX_CELL for c in cells):
            why = Words(f"有单元格超过 {MAX_CELL:,} 字符", f"a cell is longer than {MAX_CELL:,} characters")
        if why is not None:
            bad.append(BadRow(row, why, row_text(columns, cells)))
            continue
        good.append([c or None for c in cells] + [None] * (width - len(cells)))
        rows.append(row)
        last = (row, cells)
    if rows and last[0] == rows[-1] and len(last[1]) < width and not body.endswith(b"\n"):
        good.pop()
        bad.append(BadRow(rows.pop(), short(len(last[1]), width, cut=True), row_text(columns, last[1], cut=True)))
    frame = pl.DataFrame(good, schema=dict.fromkeys(columns, pl.String), orient="row")
    return frame.with_columns(pl.Series("source_row", rows, dtype=pl.Int64)), bad


def _records(body: bytes, delimiter: str, quote: str) -> Iterator[tuple[list[str], Words | None]]:
    """Cells of each record. A quote that never closes spoils its own line only."""
    lines = body.decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    at = 0
    unclosed = Words(
        "引号没有闭合；请检查该行的引号",
        "a quote is not closed; check the quotes of this line",
    )
    while at < len(lines):
        line = lines[at].removesuffix("\r")
        at += 1
        if quote not in line:
            yield line.split(delimiter), None
            continue
        cells = split(line, delimiter, quote)
        taken = at
        while cells is None and taken < len(lines) and taken - at < _JOIN_LINES:
            line += "\n" + lines[taken].removesuffix("\r")
            taken += 1
            if quote in lines[taken - 1]:
                cells = split(line, delimiter, quote)
        if cells is None:
            yield lines[at - 1].split(delimiter), unclosed
            continue
        at = taken
        yield cells, None


_END = "\x02"


def split(line: str, delimiter: str, quote: str = '"') -> list[str] | None:
    """The cells of one record, or None when a quoted cell is still open at its end."""
    try:
        rows = list(csv.reader(io.StringIO(line + "\n" + _END, newline=""), delimiter=delimiter, quotechar=quote))
    except csv.Error:
        return None
    # An open quote swallows the sentinel line; a closed one leaves it outside the record.
    return rows[0] if len(rows) == 2 and rows[1] == [_END] else None
