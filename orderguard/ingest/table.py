"""What every reader hands over: a table of text cells, and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orderguard.columns import BLANKS

if TYPE_CHECKING:
    import polars as pl

    from orderguard.errors import Problem, Words

HeaderScore = Callable[[Sequence[str]], float]
"""How much a row looks like a header: the share of its cells that are known headings (0 to 1)."""

HEADER_ROWS = 30
MAX_COLUMNS = 2_000
MAX_CELL = 32_767
"""Excel's own limit for the characters of a cell; a longer one is a broken row."""


@dataclass
class BadRow:
    """A row that was set aside.

    Attributes:
        row: 1-based, as a spreadsheet counts.
        why: the reason and the repair.
        cells: its text, cut at 2,000 characters.
    """

    row: int
    why: Words
    cells: str


@dataclass
class Table:
    """One sheet, file or array of records.

    Attributes:
        source: file name, with the sheet in brackets where there are several.
        frame: text columns named as in the file, and `source_row` (Int64).
        bad: rows that the reader itself could not read.
        notes: what an analyst should know (encoding guessed, sheet skipped).
    """

    source: str
    frame: pl.DataFrame
    bad: list[BadRow] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def header_names(cells: Sequence[str | None]) -> list[str]:
    """Column names from a header row: blanks cut, empty ones numbered, repeated ones numbered `name#2`."""
    names: list[str] = []
    seen = {"source_row": 1}  # ours: an export may have a column of this name too
    for i, cell in enumerate(cells):
        name = (cell or "").strip(BLANKS).removeprefix('="').strip('"').strip(BLANKS) or f"column_{i + 1}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return names


def find_header(rows: Sequence[Sequence[str | None]], score: HeaderScore) -> int:
    """The index of the row that is the header: the best score, else the first row with two or more words."""
    best, best_score = -1, 0.0
    first = -1
    for i, row in enumerate(rows[:HEADER_ROWS]):
        filled = [c for c in row if c and c.strip(BLANKS)]
        if not filled:
            continue
        if first < 0 or (len(filled) >= 2 and sum(bool(c) for c in rows[first]) < 2):
            first = i
        most = min(len(filled), 5)
        if most <= best_score + 1e-9:  # a score is a share: this row cannot be better
            continue
        points = score([c or "" for c in row]) * most
        if points > best_score + 1e-9:
            best, best_score = i, points
    return best if best >= 0 else max(first, 0)


def above_header(
    rows: Sequence[Sequence[str | None]], columns: Sequence[str], label: str
) -> tuple[list[BadRow], list[Problem]]:
    """What stands above the header and may be an order: rows like those below are set aside, lesser ones told.

    Args:
        rows: the first rows of a table, the header last.
        columns: the header's names.
        label: of the table, for messages.
    """
    from orderguard.errors import Problem, Words  # noqa: PLC0415 - for typing only above

    why = Words(
        "这一行在表头之上；若是订单，请移到表头下面再扫",
        "this row stands above the header; if it is an order, move it below and scan again",
    )
    like_an_order = max(_FEW, sum(bool(c and c.strip(BLANKS)) for c in rows[-1]) / 2)
    bad, lesser = list[BadRow](), list[str]()
    for row, cells in enumerate(rows[:-1], 1):
        filled = [c.strip(BLANKS) for c in cells if c and c.strip(BLANKS)]
        if len(filled) < 2 or not any(any(map(str.isdecimal, c)) for c in filled):  # a title, headings over headings
            continue
        if len(filled) >= like_an_order:
            bad.append(BadRow(row, why, row_text(columns, cells)))
        else:
            lesser.append(f"{row}（{' '.join(filled)[:40]}）")
    if not lesser:
        return bad, []
    listed = "、".join(lesser[:_SHOWN]) + (f" … +{len(lesser) - _SHOWN}" if len(lesser) > _SHOWN else "")
    what = Words(f"表头之上的行没有当订单读：{listed}", f"rows above the header are not read as orders: {listed}")
    fix = Words("若是订单，请移到表头下面再扫", "if they are orders, move them below it and scan again")
    return bad, [Problem(what, label, fix=fix, fatal=False)]


def untabbed(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Rows that arrived as one cell, their cells joined by tabs, as rows of cells."""
    import polars as pl  # noqa: PLC0415 - for typing only above

    first, rest = columns[0], columns[1:]
    if not rest or not len(frame):
        return frame
    alone = frame.select(pl.all_horizontal([pl.col(c).is_null() for c in rest]).arg_true()).to_series()
    rows = alone.filter(frame[first].gather(alone).str.contains(r"\t[^\t]*\t").fill_null(value=False)).to_list()
    split = {i: cells for i in rows if (cells := _cells(str(frame[first][i]), len(columns)))}
    if not split:
        return frame
    at = list(split)
    changed = [
        frame[name].cast(pl.String).scatter(at, [cells[n] or None for cells in split.values()])
        for n, name in enumerate(columns)
    ]
    return frame.with_columns(changed)


def _cells(text: str, width: int) -> list[str] | None:
    """The cells of a tab-joined row, each of which may end in a tab of its own; None when they do not fit."""
    cells = text.split("\t")
    while len(cells) > width and not cells[-1].strip(BLANKS) and len(cells) != 2 * width:
        cells.pop()
    if len(cells) in {2 * width, 2 * width - 1} and not any(c.strip(BLANKS) for c in cells[1::2]):
        cells = cells[::2]
    return [*cells, *[""] * (width - len(cells))] if width // 2 < len(cells) <= width else None


_FEW, _SHOWN = 3, 3
MARK = "+"
"""Begins the name of a cell that belongs to no column; it must be gone before the row is read again."""
_LONGEST = 30_000


def row_text(columns: Sequence[str], cells: Sequence[str | None], *, cut: bool = False) -> str:
    """A row's cells for `rejected.csv`: a JSON object under the file's headings, so that it can be corrected there.

    Args:
        columns: the headings.
        cells: what the row holds; those beyond the headings are named `+1`, `+2` …
        cut: the file ends in this row.
    """
    from json import dumps  # noqa: PLC0415 - only when something is rejected

    named = {name: (cell or "")[:2_000] for name, cell in zip(columns, cells, strict=False)}
    named |= {f"{MARK}{i}": (cell or "")[:2_000] for i, cell in enumerate(cells[len(columns) :][:50], 1)}
    named |= {f"{MARK}…": "文件在此中断 / the file ends here"} if cut else {}
    text = dumps(named, ensure_ascii=False)
    while len(text) > _LONGEST and named:  # the longest cell goes first
        named.pop(max(named, key=lambda n: len(named[n])))
        text = dumps({**named, f"{MARK}…": "过长的单元格已略去 / cells left out"}, ensure_ascii=False)
    return text
