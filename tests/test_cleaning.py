"""The cheap looks at a column never pass over a cell that cleaning would change."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.columns import BLANKS
from orderguard.normalise.cleaning import _MANY, Texts, cleaned_series

PIECES = [
    *BLANKS,
    '"',
    "'",
    "=",
    '="12"',
    "'123",
    "(",
    ")",
    "）",
    "，",
    "甲乙",
    "𠮷",
    "é",
    "ﬀ",
    "가",
    "a",
    "7",
    "$4",
    "#1",
    "\x85",
    "\u2003",
    "\u3001",
]
CELLS = st.none() | st.lists(st.sampled_from(PIECES), max_size=4).map("".join)


@settings(deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8), st.sampled_from([1, 70, _MANY + 70]))
def test_a_column_of_any_length_is_cleaned_like_each_of_its_cells(cells: list[str | None], plain: int) -> None:
    # Many different clean texts first: a sample of them tells nothing of what stands behind them.
    column = pl.Series("t", [f"甲{n}x" for n in range(plain)] + cells, dtype=pl.String)
    expected = cleaned_series(column).to_list()
    assert Texts(pl.DataFrame([column]), ["t"])["t"].to_list() == expected


@settings(deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_column_of_few_texts_is_cleaned_like_each_of_its_cells(cells: list[str | None]) -> None:
    column = pl.Series("t", ["江苏省", "浙江省"] * _MANY + cells, dtype=pl.String)
    assert Texts(pl.DataFrame([column]), ["t"])["t"].to_list() == cleaned_series(column).to_list()


@settings(deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_column_of_digits_is_cleaned_like_each_of_its_cells(cells: list[str | None]) -> None:
    column = pl.Series("t", [str(n) for n in range(_MANY + 70)] + cells, dtype=pl.String)
    assert Texts(pl.DataFrame([column]), ["t"])["t"].to_list() == cleaned_series(column).to_list()
