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
    seen: dict[str, int] = {}
    for i, cell in enumerate(cells):
        name = (cell or "").strip(BLANKS).strip('"').strip(BLANKS) or f"column_{i + 1}"
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
        points = score([c or "" for c in row]) * min(len(filled), 5)
        if points > best_score + 1e-9:
            best, best_score = i, points
    return best if best >= 0 else max(first, 0)


def clip(cells: Sequence[str | None]) -> str:
    """A row's cells as one line of text for `rejected.csv`, at most 2,000 characters."""
    return " | ".join((c or "")[:500] for c in cells[:100])[:2_000]
