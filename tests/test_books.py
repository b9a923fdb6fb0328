"""What a workbook looks like to who opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from house import House, export, order
from openpyxl import load_workbook

from orderguard.outbox.book import text_lines

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_that_a_text_needs() -> None:
    """A Chinese character is two wide, an empty cell needs a line, and nobody wants a row of a page's height."""
    frame = pl.DataFrame({"a": ["", None, "a" * 18, "a" * 19, "中" * 9, "中" * 10, "中" * 1000], "b": ["b" * 37, *[""] * 6]})
    assert text_lines(frame, {"a": 20.0}).to_list() == [1, 1, 1, 2, 1, 2, 8]
    assert text_lines(frame, {"a": 20.0, "b": 20.0}).to_list() == [3, 1, 1, 2, 1, 2, 8]


def test_two_reasons_are_not_cut_off(tmp_path: Path) -> None:
    house = House(tmp_path)
    far = {"联系电话": "13899700001", "实付金额": "2000", "买家留言": ""}
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="浙江省杭州市某路 1 号临时仓代收点派出所快递柜", **far), order("2", 收货地址="某路 2 号临时仓")]))
    page = load_workbook(house.out / "flagged.xlsx").worksheets[1]
    head = [cell.value for cell in page[1]]
    reasons = head.index("原因") + 1
    tall = {len(page.cell(row, reasons).value): page.row_dimensions[row].height for row in (2, 3)}
    assert tall[max(tall)] > 1.5 * tall[min(tall)]
