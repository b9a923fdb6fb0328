"""Back offices' `.xls` that are web pages or Excel 2003's XML: read as they are; what is neither is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import NOW, book

from orderguard.errors import OrderguardError
from orderguard.ingest.markup import as_text, is_markup
from orderguard.platforms import load_profiles
from orderguard.route import Team
from orderguard.stages.options import Options
from orderguard.stages.reading import Read, read_orders

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = load_profiles()
RULES = book("{id: a, kind: round_amount, points: 1, with: {}, says: x}")
PAGE = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta charset="gbk"><style>td {mso-number-format:"\\@"} /* <tr><td>no</td></tr> */</style></head>
<body><table><tr><td>登录用户：甲</td></tr></table>
<TABLE border=1><tr><th colspan=4 align='center'>订单列表（11 月）</th></tr>
<tr><th>订单编号</th><th>收货地址&nbsp;</th><th>下单时间</th><th>实付金额</th></tr>
<tr><td style="vnd.ms-excel.numberformat:@">0071234567890123456</td><td>某路 1 号<br>2 幢 &lt;b&gt; &amp; "甲"</td><td>2026-11-11 00:03:05</td><td>1,000.00</td></tr>
<!-- <tr><td>hidden</td></tr> -->
<tr><td>1002<td>某路 2 号, 3 室<td>2026-11-11 00:03:06<td>88
<tr><td>=HYPERLINK("x")</td><td><table><tr><td>inner</td></tr></table>某路 3 号</td><td>2026-11-11 00:03:07</td><td>9</td></tr></TABLE></body></html>"""
BOOK = """<?xml version="1.0" encoding="UTF-8"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Styles><Style ss:ID="a"/></Styles>
<Worksheet ss:Name="订单"><Table><Row><Cell><Data ss:Type="String">订单编号</Data></Cell><Cell><Data ss:Type="String">买家留言</Data></Cell><Cell><Data ss:Type="String">下单时间</Data></Cell><Cell><Data ss:Type="String">实付金额</Data></Cell></Row>
<Row ss:Index="3"><Cell><Data ss:Type="String">1001</Data></Cell><Cell/><Cell><Data ss:Type="DateTime">2026-11-11T00:03:05.000</Data></Cell><Cell><Data ss:Type="Number">1000</Data></Cell></Row>
<ss:Row><Cell><Data ss:Type="String">1002</Data></Cell><Cell ss:Index="3"><Data ss:Type="String"><![CDATA[2026-11-11 <00:03:06>]]></Data></Cell><Cell><Data ss:Type="Number">88</Data></Cell></ss:Row></Table></Worksheet></Workbook>"""


def scan(path: Path) -> Read:
    return read_orders(Options([str(path)], RULES, Team(), path.parent / "out", path.parent / "ledger", NOW, "r"), PROFILES)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["a.xls", "a.xlsx", "a.csv"])
def test_a_web_page_with_orders(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(PAGE.encode(encoding))
    read = scan(tmp_path / name)
    assert [(o["order_id"], o["address"], o["amount"], o["source_row"]) for o in read.orders.sort("source_row").to_dicts()] == [
        ("0071234567890123456", '某路 1 号 2 幢 <b> & "甲"', 1000, 3), ("1002", "某路 2 号, 3 室", 88, 4), ('=HYPERLINK("x")', "某路 3 号", 9, 5),
    ]  # fmt: skip
    assert f"{read.orders.sort('source_row')['created_at'][0]:%H:%M:%S}" == "16:03:05"


def test_excel_2003_xml(tmp_path: Path) -> None:
    """Rows and cells that are left out, marked data, an empty cell; a time that cannot be read is set aside."""
    (tmp_path / "a.xls").write_text(BOOK, encoding="utf-8")
    read = scan(tmp_path / "a.xls")
    (order,) = read.orders.to_dicts()
    assert (order["order_id"], order["buyer_note"], order["amount"], order["source_row"]) == ("1001", "", 1000, 3)
    assert read.rejects.select("source_row").rows() == [(4,)]
    assert "<00:03:06>" in read.rejects["reason"][0]


def test_a_page_without_a_table_is_a_page(tmp_path: Path) -> None:
    """What a download gives when the login has expired."""
    (tmp_path / "订单.csv").write_text("<!DOCTYPE html><html><body>请登录</body></html>", encoding="utf-8")
    with pytest.raises(OrderguardError, match="login may have expired"):
        scan(tmp_path / "订单.csv")


@pytest.mark.parametrize("text", ["订单编号,a\n<table>,1", "<b>订单编号</b>,x\n1,2", "", "<", "<?xml version='1.0'?><orders/>"])
def test_other_text_is_no_page(text: str) -> None:
    assert not is_markup(text.encode())


@pytest.mark.parametrize("piece", ["<!--", "<![CDATA[", "<a ", "<td", "</", "<table>", "<tr><td>", "<!", "<td a='", '<td a="', "<style>", "<td x", "&#1114112;", "<td colspan=99999999>x", "<Row ss:Index=99999999><Cell ss:Index=99999999>"])
def test_odd_pages_are_read_once_over(piece: str) -> None:
    """Ten thousand of what is never closed, in time that grows with the length alone, and the table before it."""
    text = as_text(f"<table><tr><td>order</td><td>{'y' * 9}</td></tr>{piece * 10_000}".encode(), "a.xls")
    assert "order,yyyyyyyyy" in text.decode()
    assert len(text) < 30_000_000
