"""Order numbers that stand in number cells of a book: Excel keeps 15 digits of them, a float 15 to 17.

The reader gives such a cell as a number of full length, so different orders become one and the tail is made up. Written as
Excel shows it (`1.23456789012346E+18`) it is seen for what it is: normalise sets such rows aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.errors import Problem, Words

if TYPE_CHECKING:
    from collections.abc import Callable

IN_XML = r"v>\d(?:\d{15}|\.\d+[eE]\+?1[5-9])"
"""Such a number in a sheet's XML."""
_LONG = r"^\d{16,20}$"
_EXACT = str(2**53)
"""From here on neighbouring whole numbers are one float."""


def rounded_numbers(
    cells: pl.DataFrame, header_at: int, label: str, numeric: Callable[[], pl.DataFrame]
) -> tuple[pl.DataFrame, list[Problem]]:
    """`cells` with numbers whose last digits are lost written with an exponent, and a notice per column.

    Args:
        cells: a sheet as text, headings included.
        header_at: the row of the headings.
        label: the sheet, for messages.
        numeric: loads the same sheet once more: null where a cell is no number.
    """
    notes, changed = [], []
    numbers: pl.DataFrame | None = None
    for n, name in enumerate(cells.columns):
        column = cells[name][header_at + 1 :]
        long = column.str.contains(_LONG).fill_null(value=False)
        if not long.any():
            continue
        numbers = numeric() if numbers is None else numbers
        long &= numbers[:, n][header_at + 1 :].is_not_null()
        digits = column.filter(long)
        exact = (digits.str.len_chars() == len(_EXACT)) & (digits < _EXACT)
        # Sixteen digits below 2**53 are exact, unless Excel itself has made the last ones 0.
        if exact.all() and (len(digits) < 3 or not digits.str.ends_with("0").all()):
            continue
        if not exact.all():
            long = long.scatter(long.arg_true().filter(exact), False)
        heading, row = str(cells[name][header_at]), header_at + 2 + int(long.arg_max() or 0)
        what = Words(
            f"“{heading}”的长数字被 Excel 舍入过，末几位已丢失",
            f"long numbers in '{heading}' were rounded by Excel; their last digits are lost",
        )
        fix = Words("请重新导出，勿用 Excel 另存", "export it again and do not save it in Excel")
        notes.append(Problem(what, label, row, fix, fatal=False))
        text = pl.lit(column)
        cut = pl.format("{}.{}E+{}", text.str.head(1), text.str.slice(1, 14), text.str.len_chars() - 1)
        below = pl.select(pl.when(pl.lit(long)).then(cut).otherwise(text)).to_series()
        changed.append(pl.concat([cells[name][: header_at + 1], below]).alias(name))
    return cells.with_columns(changed) if changed else cells, notes
