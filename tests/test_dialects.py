"""Delimited text that other programs write in their own way: every row of it is read, or told."""

from __future__ import annotations

import csv
import io
import json

import pytest
import xlsxwriter
from house import HEAD, House, order

from orderguard.errors import OrderguardError

ROWS = [order(f"{n}", 收货人=f"张{n}", 买家留言="好, 谢谢" if n == 3 else "谢谢") for n in range(1, 9)]
ROWS[4]["收货地址"] = "临时仓"


def _text(rows=ROWS, **dialect):
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, HEAD, restval="", lineterminator="\r\n", **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


def _cr_after(*lines):
    """CRLF text in which these lines end in a lone CR."""
    parts = _text().split("\r\n")[:-1]
    return "".join(part + ("\r" if n in lines else "\r\n") for n, part in enumerate(parts))


WAYS = {
    "all by CR": _text().replace("\r\n", "\r"),
    "the header by CR": _cr_after(0),
    "the third line by CR": _cr_after(3),
    "most by CR": _cr_after(0, 1, 2, 5, 6, 7),
    "LF and CR": _cr_after(2, 3).replace("\r\n", "\n"),
    "two CR": _text().replace("\r\n", "\r\r\n"),
    "single quotes": _text(quoting=csv.QUOTE_ALL, quotechar="'"),
    "single quotes but for numbers": _text(quoting=csv.QUOTE_ALL, quotechar="'").replace("'88.00'", "88.00"),
    "hats": _text(delimiter="^"),
    "tildes": _text(delimiter="~"),
    "Hive's": _text(delimiter="\x01"),
    "Hive's, all in quotes": _text(delimiter="\x01", quoting=csv.QUOTE_ALL),
    "a row of empty cells in quotes": _text(quoting=csv.QUOTE_ALL) + ",".join(['""'] * len(HEAD)) + "\r\n",
    "named in the first line": "sep=:\r\n" + _text(delimiter=":"),
    "a blank before the quote": _text(quoting=csv.QUOTE_ALL).replace('","', '", "'),
    "each line a cell": "".join('"' + line.replace('"', '""') + '"\r\n' for line in _text().split("\r\n") if line),
    "formulas": "".join(",".join(f'="{c}"' for c in (r.get(h, "") for h in HEAD)) + "\r\n" for r in [dict(zip(HEAD, HEAD, strict=True)), *ROWS]).replace("好, ", "好 "),
}


@pytest.mark.parametrize("memory", [None, "1MB"])
@pytest.mark.parametrize("way", WAYS)
def test_every_row_is_read(tmp_path, way, memory):
    (tmp_path / "a.csv").write_bytes(WAYS[way].encode("gb18030" if way == "LF and CR" else "utf-8"))
    house = House(tmp_path)
    run = house.scan(tmp_path / "a.csv", memory=memory).run
    assert (run["read"], run["rejected"]) == (8, 0)
    assert house.findings() == {("5", "risky-address")}


def test_a_lone_cr_inside_a_text_stays_there(tmp_path):
    rows = [order("1", 买家留言="放\r门口"), order("2", 收货人='张"三"', 收货地址="某路\r临时仓"), order("3")]
    (tmp_path / "a.csv").write_bytes(_text(rows).encode())
    house = House(tmp_path)
    assert house.scan(tmp_path / "a.csv").run["read"] == 3
    assert house.findings() == {("2", "risky-address")}
    bare = _text(rows[:1] + rows[2:]).replace('"放\r门口"', "放\r门口")
    (tmp_path / "b.csv").write_bytes(bare.encode())
    assert house.scan(tmp_path / "b.csv").run["read"] == 2


def test_what_was_too_long_is_told_though_the_text_is_rewritten(tmp_path):
    text = _cr_after(3) + "x" * (1 << 21) + "\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode())
    run = House(tmp_path).scan(tmp_path / "a.csv").run
    assert (run["read"], run["rejected"], run["flagged"]) == (9, 1, 1)


def test_in_pieces_no_row_is_read_twice(tmp_path):
    """A later piece is read below the header: the row that shares its line with a header that ends in CR is not part of it."""
    rows = [order(f"{n}", 买家留言="谢" * 99) for n in range(700)]
    text = _text(rows).replace("\r\n", "\r", 1)
    (tmp_path / "a.csv").write_bytes(text.encode())
    run = House(tmp_path).scan(tmp_path / "a.csv", memory="1MB").run
    assert (run["rows"], run["read"], run["rejected"]) == (700, 700, 0)


@pytest.mark.parametrize("delimiter", [",", "\x01"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_characters_in_pieces(tmp_path, encoding, delimiter):
    """UTF-16 without a mark was cut at half a line end: rows around each cut were set aside as broken."""
    rows = [order(f"{n}", 收货地址="临时仓" if n == 350 else "某路") for n in range(700)]
    (tmp_path / "a.csv").write_bytes(_text(rows, delimiter=delimiter).encode(encoding))
    house = House(tmp_path)
    run = house.scan(tmp_path / "a.csv", memory="1MB").run
    assert (run["read"], run["rejected"]) == (700, 0)
    assert house.findings() == {("350", "risky-address")}


def test_a_row_that_does_not_fit_spoils_no_other(tmp_path):
    """The careful reader reads every dialect that the quick one does."""
    for delimiter, quote in ((",", "'"), ("\x01", '"'), ("\x01", "'"), ("^", "'")):
        text = _text(delimiter=delimiter, quoting=csv.QUOTE_ALL, quotechar=quote)
        lines = text.split("\r\n")
        lines.insert(2, lines[1] + delimiter + f"{quote}more{quote}")
        (tmp_path / "a.csv").write_bytes("\r\n".join(lines).encode())
        house = House(tmp_path)
        run = house.scan(tmp_path / "a.csv", ledger=tmp_path / f"l{ord(delimiter)}{ord(quote)}").run
        assert (run["read"], run["rejected"]) == (9, 1)


def test_single_quotes_hold_line_breaks_and_what_stands_in_them(tmp_path):
    rows = [order("1", 买家留言="O'Brien, 'the' boss"), order("2", 收货地址="某路\n临时仓"), order("3")]
    text = _text(rows, quoting=csv.QUOTE_ALL, quotechar="'")
    (tmp_path / "a.csv").write_text(text + text.split("\r\n")[1].replace("'1'", "'4'").replace("''the''", "'the'") + "\r\n'5','open\r\n", newline="")
    house = House(tmp_path)
    run = house.scan(tmp_path / "a.csv").run
    assert (run["read"], run["rejected"]) == (5, 1)
    assert house.findings() == {("2", "risky-address")}


@pytest.mark.parametrize(("sign", "told"), [("，", "“，”"), ("  ", "空格"), (" ", "空格"), ("@@", "“@@”"), (":", "“:”")])
def test_a_delimiter_that_is_not_read_is_named(tmp_path, sign, told):
    (tmp_path / "a.csv").write_text("\n".join(sign.join(r) for r in [HEAD, ["1"] * len(HEAD)]), encoding="utf-8")
    with pytest.raises(OrderguardError) as caught:
        House(tmp_path).scan(tmp_path / "a.csv")
    assert [p.text("zh-CN").split("；")[0] for p in caught.value.problems] == [f"a.csv:1: 表头的各列之间是{told}，不认识这种分隔"]


def _book_of(path, rows):
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for n, row in enumerate(rows):
        sheet.write_row(n, 0, row)
    book.close()


@pytest.mark.parametrize(("suffix", "memory"), [("csv", None), ("csv", "1MB"), ("xlsx", None)])
def test_rows_above_the_header_are_set_aside_or_told(tmp_path, suffix, memory):
    """An order above its header stands in rejected.csv and is read from there when it is moved; titles are nothing to tell."""
    values = [[r.get(h, "") for h in HEAD] for r in ROWS * 40]
    rows = [["订单明细报表 2026-11-11"], ["店铺", "甲店", "导出时间", "2026-11-11"], [values[0][0] + "-LOST", *values[0][1:]], list(HEAD), *values]
    path = tmp_path / f"a.{suffix}"
    if suffix == "csv":
        path.write_text("\n".join(",".join(c.replace(",", "，") for c in row) for row in rows) + "\n", encoding="utf-8")
    else:
        _book_of(path, rows)
    house = House(tmp_path)
    scan = house.scan(path, memory=memory)
    assert (scan.run["rows"], scan.run["rejected"]) == (321, 1)
    with (house.out / "rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        ((name, row, why, cells),) = list(csv.reader(file))[1:]
    assert (name, row, why) == (path.name, "3", "这一行在表头之上；若是订单，请移到表头下面再扫")
    assert json.loads(cells)["订单编号"] == "1-LOST"
    assert [p.text("zh-CN") for p in scan.problems if "表头之上" in p.text("zh-CN")] == [
        f"{path.name}: 表头之上的行没有当订单读：2（店铺 甲店 导出时间 2026-11-11）；若是订单，请移到表头下面再扫"
    ]
    assert house.scan(house.out / "rejected.csv").run["rejected"] == 0


def test_a_better_header_further_down_loses_no_row_above_it(tmp_path):
    """Two exports in one file: the rows under the header that is known less are told, each."""
    known, other = _text(ROWS[:4]), _text(ROWS[4:]).split("\r\n")
    other[0] = ",".join("Other" if n % 2 else h for n, h in enumerate(HEAD))
    (tmp_path / "a.csv").write_text("\r\n".join(other) + known, encoding="utf-8", newline="")
    run = House(tmp_path).scan(tmp_path / "a.csv").run
    assert (run["read"], run["clean"], run["rejected"]) == (8, 4, 4)


def test_two_columns_of_one_heading_that_differ_are_told(tmp_path):
    """The left one is read; equal ones, and a blank beside a value, are nothing to tell."""
    head, cells = "订单编号,下单时间,实付金额,买家留言,实付金额\n", "2026-11-11 10:00:00"
    for lines, told in (
        (f"1,{cells},88.00,谢谢,2000.00\n2,{cells},,谢谢,60.00\n3,{cells},5,谢谢,5\n4,{cells},7,谢谢,8\n", 1),
        (f"1,{cells},88.00,谢谢,88.00\n2,{cells},,谢谢,60.00\n", 0),
    ):
        (tmp_path / "a.csv").write_text(head + lines, encoding="utf-8")
        scan = House(tmp_path).scan(tmp_path / "a.csv", ledger=tmp_path / f"l{told}")
        notes = [p.text("zh-CN") for p in scan.problems if "两列" in p.text("zh-CN")]
        assert notes == ["a.csv:2: “实付金额”有两列，2 行内容不同，按左边一列读；不对时请删去左边一列，或改它的表头"] * told
