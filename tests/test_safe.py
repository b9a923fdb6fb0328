"""Hostile text in few rows and in many: the quick look never lets through what the slow one would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastexcel
import polars as pl
from house import ROUNDS
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.outbox.book import Sheet, write_book
from orderguard.outbox.safe import _FEW, inert_frame, inert_text

if TYPE_CHECKING:
    from pathlib import Path

PIECES = [
    "=1+1",
    "＋86",
    "-5",
    "+86 138",
    "@a",
    "\t=x",
    "\u202e",
    "\x00",
    "\x1f",
    "甲乙",
    " ",
    "_x000D_",
    "\u00a0=",
    "\x85",
    "\ufeff",
    "z" * 31_999,
    "😀" * 16_001,
]


@settings(max_examples=25 * ROUNDS, deadline=None)
@given(st.lists(st.none() | st.lists(st.sampled_from(PIECES), max_size=3).map("".join), min_size=1, max_size=6))
def test_every_cell_of_a_short_or_long_frame_is_what_inert_text_makes_of_it(cells: list[str | None]) -> None:
    expected = [None if c is None else inert_text(c) for c in cells]
    short = pl.DataFrame({"n": [1.5] * len(cells), "t": pl.Series(cells, dtype=pl.String)})
    assert inert_frame(short)["t"].to_list() == expected
    long = pl.concat([short] * (_FEW // len(cells) + 1))
    assert inert_frame(long)["t"].to_list() == expected * (_FEW // len(cells) + 1)
    assert inert_frame(long).columns == ["n", "t"]


def test_a_workbook_gives_back_what_looks_like_its_own_escapes_and_no_cell_is_too_long_for_excel(tmp_path: Path) -> None:
    """Of two escapes that share an underscore the second was left to Excel, which made a character of it."""
    cells = ["_x0041_x0042_", "_x202E_x202E_", "__x0041__", "_x0041x0042_", "x_x00", "😀" * 20_000]
    write_book(tmp_path / "a.xlsx", [Sheet("s", pl.DataFrame({"t": cells}), [20.0], ["plain"])])
    back = fastexcel.read_excel(tmp_path / "a.xlsx").load_sheet(0).to_polars()["t"].to_list()
    assert back[:5] == cells[:5]
    assert max(len(t.encode("utf-16-le")) // 2 for t in back) <= 32_767
