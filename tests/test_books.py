"""What a workbook looks like to who opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import xlsxwriter
from house import ALL, House, export, order
from openpyxl import load_workbook

from orderguard.errors import Words
from orderguard.outbox.book import text_lines
from orderguard.outbox.report_sheet import Sheets, wide
from orderguard.outbox.report_words import Field

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
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="浙江省杭州市某路 1 号临时仓代收点派出所快递柜", **far), order("2", 收货地址="某路 2 号临时仓")]), outputs=ALL)
    page = load_workbook(house.out / "flagged.xlsx").worksheets[1]
    head = [cell.value for cell in page[1]]
    reasons = head.index("原因") + 1
    tall = {len(page.cell(row, reasons).value): page.row_dimensions[row].height for row in (2, 3)}
    assert tall[max(tall)] > 1.5 * tall[min(tall)]


def test_scores_and_values_have_no_dangling_point(tmp_path: Path) -> None:
    """Excel shows 40 in the format `0.##` as `40.`; a measured distance needs no ten decimals."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="某路 2 号临时仓", 联系电话="13999110000", 发货地="深圳")]), outputs=ALL)
    book = load_workbook(house.out / "flagged.xlsx")
    for page in book.worksheets[1:]:
        for cells in page.iter_rows(min_row=2):
            for cell in cells:
                assert not cell.number_format.endswith("."), (page.title, cell.coordinate)
                assert not cell.number_format.endswith(".##"), (page.title, cell.coordinate)
    page = book["far-phone"]
    value = page.cell(2, [c.value for c in page[1]].index("测量值") + 1).value
    assert value == round(value, 2) > 2000


def test_words_of_a_report_sheet_fit_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    book = xlsxwriter.Workbook(path)
    rule = Field("rule", Words("规则", "Rule"), "text")
    other = Field("other", Words("另一条规则", "Other rule"), "text")
    Sheets(book, "zh-CN").listed("a", [rule, other], [{"rule": "ip", "other": "new-account-coupon-of-ours"}])
    book.close()
    page = load_workbook(path).worksheets[0]
    assert page.column_dimensions["B"].width > len("new-account-coupon-of-ours")
    assert wide("规则a") == 5
