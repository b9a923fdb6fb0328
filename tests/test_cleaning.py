"""The cheap looks at a column never pass over a cell that cleaning would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import ROUNDS, House, export, order
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.columns import BLANKS
from orderguard.normalise import sums
from orderguard.normalise.cleaning import _MANY, Texts, cleaned_series, untabbed, without
from orderguard.normalise.recipe import NO_DATE
from orderguard.normalise.status import StatusWords, stages

if TYPE_CHECKING:
    from pathlib import Path

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


@settings(max_examples=40 * ROUNDS, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8), st.sampled_from([1, 70, _MANY + 70]))
def test_a_column_of_any_length_is_cleaned_like_each_of_its_cells(cells: list[str | None], plain: int) -> None:
    # Many different clean texts first: a sample of them tells nothing of what stands behind them.
    column = pl.Series("t", [f"甲{n}x" for n in range(plain)] + cells, dtype=pl.String)
    expected = cleaned_series(column).to_list()
    assert Texts(pl.DataFrame([column]), ["t"])["t"].to_list() == expected


@settings(max_examples=40 * ROUNDS, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_column_of_few_texts_is_cleaned_like_each_of_its_cells(cells: list[str | None]) -> None:
    column = pl.Series("t", ["江苏省", "浙江省"] * _MANY + cells, dtype=pl.String)
    assert Texts(pl.DataFrame([column]), ["t"])["t"].to_list() == cleaned_series(column).to_list()


@settings(max_examples=40 * ROUNDS, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_column_of_digits_is_cleaned_like_each_of_its_cells(cells: list[str | None]) -> None:
    column = pl.Series("t", [str(n) for n in range(_MANY + 70)] + cells, dtype=pl.String)
    assert Texts(pl.DataFrame([column]), ["t"])["t"].to_list() == cleaned_series(column).to_list()


@settings(max_examples=40 * ROUNDS, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8), st.sampled_from([1, 600, _MANY]))
def test_a_column_mostly_of_digits_is_cleaned_like_each_of_its_cells(cells: list[str | None], often: int) -> None:
    column = pl.Series("t", [str(n) for n in range(_MANY + 70)] + [f"{n}x" for n in range(20)] + cells * often, dtype=pl.String)
    assert Texts(pl.DataFrame([column]), ["t"])["t"].to_list() == cleaned_series(column).to_list()


@settings(max_examples=40 * ROUNDS, deadline=None)
@given(st.lists(st.none() | st.sampled_from(["-", "N/A", "none", "满200减30", "否", "\u200b"]), min_size=1, max_size=4), st.booleans())
def test_words_for_nothing_go_from_a_long_column_of_few_texts(cells: list[str | None], fold: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    words = ("-", "n/a", "none")
    told = [t if t is None or (t.lower() if fold else t) not in words else None for t in cells]
    column = pl.Series("t", cells * _MANY + ["other", "None"], dtype=pl.String)
    assert without(column, words, fold=fold).to_list() == told * _MANY + ["other", None if fold else "None"]
    repeated = pl.Series("t", cells * _MANY, dtype=pl.String)
    assert without(repeated, words, fold=fold).to_list() == told * _MANY


@settings(max_examples=40 * ROUNDS, deadline=None)
@given(st.lists(st.none() | st.sampled_from(["已发货", "等待出库", "？？", "不详", "待退款"]), min_size=1, max_size=5), st.booleans())
def test_the_stages_of_a_long_column_of_few_words_are_those_of_a_short_one(cells: list[str | None], both: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    words = StatusWords({"已发货": "shipped", "等待出库": "paid", "不详": "none", "待退款": "refunding"}, sources=("b",) if both else ())
    frame = pl.DataFrame({"b": cells[::-1]}, schema={"b": pl.String})
    stage, unknown = stages(pl.Series("a", cells, dtype=pl.String), Texts(frame), words, len(cells))
    long = pl.Series("a", cells * _MANY, dtype=pl.String)
    told, unknown_of_all = stages(long, Texts(pl.concat([frame] * _MANY)), words, len(long))
    assert told.dtype == pl.String
    assert told.to_list() == stage.to_list() * _MANY
    assert unknown_of_all == {w: (n * _MANY, at) for w, (n, at) in unknown.items()}


def test_currencies_are_looked_for_where_an_amount_is_no_bare_number() -> None:
    text = pl.Series(["12.00", "¥88", None, "$3", "x"], dtype=pl.String)
    told = sums.currency(text, text.cast(pl.Float64, strict=False))
    assert told is not None
    assert told.to_list() == [None, None, None, "USD", None] == sums.currency(text).to_list()  # type: ignore[union-attr]


@pytest.mark.parametrize("often", [1, 200, _MANY])
def test_words_for_nothing_stay_in_the_column_that_was_asked(often: int) -> None:
    """Another column of ours may be read from the same texts, to which these words mean something."""
    cells = ["0", "无", "满200减30", None, "a", "b", "c"] * often
    column = pl.Series("t", cells, dtype=pl.String)
    assert without(column, ("0", "无")).null_count() == 3 * often
    assert column.to_list() == cells


def test_a_dash_where_shopify_tells_when_an_order_was_cancelled_is_no_cancellation() -> None:
    frame = pl.DataFrame({"Cancelled at": ["2026-11-11", "-", None, "0000-00-00", "N/A"]})
    stage, _ = stages(None, Texts(frame), StatusWords({}, filled={"Cancelled at": "closed"}), 5, NO_DATE)
    assert stage.to_list() == ["closed", None, None, None, None]


def test_a_tab_behind_every_cell_goes_and_one_behind_some_stays_for_the_cleaning() -> None:
    frame = pl.DataFrame({"n": [1, 2], "all": ["a\t", None], "some": ["a\t", "b"], "blank": ["\t", "x\t"]})
    assert untabbed(frame).to_dict(as_series=False) == {"n": [1, 2], "all": ["a", None], "some": ["a\t", "b"], "blank": ["", "x"]}
    assert untabbed(frame.select("n")).columns == ["n"]
    assert untabbed(frame.clear()).is_empty()


def test_an_export_with_a_tab_behind_every_cell_is_read_as_without(tmp_path: Path) -> None:
    rows = [order(f"{i}", 实付金额=["88.00", "", "12元"][i % 3], 下单时间=f"2026/11/11 9:{i:02}" if i % 7 else "") for i in range(30)]
    read = []
    for name, mark in (("a.csv", ""), ("b.csv", "\t")):
        house = House(tmp_path / name[0])
        house.folder.mkdir()
        house.scan(export(tmp_path / name, [{k: v + mark for k, v in row.items()} for row in rows]))
        history = pl.concat([pl.read_parquet(f) for f in house.ledger.glob("orders/*/*.parquet")])
        read.append(history.drop("source_file").sort("order_id"))
    assert len(read[0]) == 30
    assert read[0].equals(read[1])
