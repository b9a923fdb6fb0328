"""Files as they come out of back offices, and the cells that must come out of them."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from orderguard.errors import OrderguardError
from orderguard.ingest import Table, find_sources, read_source
from orderguard.platforms import header_score, load_profiles

HEAD = "订单编号,收货人,联系电话,收货地址,实付金额"
FIRST = {"订单编号": "0071234567890123456", "收货人": "周安", "联系电话": "13705810001", "收货地址": "云杉路1号", "实付金额": "299.00"}
SECOND = {"订单编号": "0071234567890123457", "收货人": "李禾", "联系电话": "13705810002", "收货地址": "白鹭街2号", "实付金额": "59.00"}
BOTH = [FIRST, SECOND]
SCORE = header_score(load_profiles())


def csv_text(rows: list[dict[str, str]], delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(r) for r in [HEAD.split(","), *[list(r.values()) for r in rows]]) + end


def tables(path: Path) -> list[Table]:
    """All tables of one file; its problems raise."""
    source = read_source(find_sources([str(path)])[0], SCORE)
    if source.problems:
        raise OrderguardError(*source.problems)
    return source.tables


def read(tmp_path: Path, data: bytes | str, name: str = "a.csv") -> Table:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    (table,) = tables(path)
    return table


def rows(table: Table) -> list[dict[str, Any]]:
    """The filled cells of each row, without the row number."""
    return [{k: v for k, v in r.items() if k != "source_row" and v} for r in table.frame.iter_rows(named=True)]


def problem(tmp_path: Path, data: bytes, name: str = "a.csv") -> str:
    """What an unreadable file is told to be."""
    with pytest.raises(OrderguardError) as caught:
        read(tmp_path, data, name)
    return caught.value.problems[0].text("zh-CN")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings(tmp_path: Path, encoding: str, end: str) -> None:
    """UTF-8 with and without BOM, GBK, GB18030 and UTF-16 with BOM, with either line end."""
    assert rows(read(tmp_path, csv_text(BOTH, end=end).encode(encoding))) == BOTH


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_the_last_line_tells_the_encoding_though_nothing_ends_it(tmp_path: Path, encoding: str) -> None:
    """English headings, one order, no line end: its name was read as Japanese, silently."""
    text = "Order ID,Buyer,Address,Total\nA1,王芳,广东省深圳市南山区某路临时仓,88.00"
    assert rows(read(tmp_path, text.encode(encoding))) == [dict(zip(*[line.split(",") for line in text.split("\n")], strict=True))]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(tmp_path: Path, encoding: str) -> None:
    """Zero bytes in every second place are UTF-16, not a binary file."""
    plain = "order_id,amount,address\n" + "".join(f"A{i},12.50,Road {i}\n" for i in range(20))
    found = rows(read(tmp_path, plain.encode(encoding)))
    assert (found[0], found[19]["order_id"]) == ({"order_id": "A0", "amount": "12.50", "address": "Road 0"}, "A19")


def test_gb18030_four_bytes(tmp_path: Path) -> None:
    """A rare character of a name takes four bytes (㐂, 𠮷) and is not an error."""
    rare = FIRST | {"收货人": "㐂𠮷"}
    assert rows(read(tmp_path, csv_text([rare, SECOND]).encode("gb18030"))) == [rare, SECOND]


def test_old_macintosh_line_ends(tmp_path: Path) -> None:
    assert rows(read(tmp_path, csv_text(BOTH, end="\r"))) == BOTH


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    assert rows(read(tmp_path, csv_text(BOTH, delimiter))) == BOTH


def test_delimiter_inside_quotes_does_not_decide(tmp_path: Path) -> None:
    """Addresses full of commas in a file of semicolons."""
    first = FIRST | {"收货地址": "云杉路1号,2幢,301室,A,B,C"}
    assert rows(read(tmp_path, csv_text([first, SECOND], ";"))) == [first, SECOND]


def test_sep_line_of_excel_names_the_delimiter(tmp_path: Path) -> None:
    assert rows(read(tmp_path, "sep=;\n" + csv_text(BOTH, ";"))) == BOTH


def test_text_marks_and_long_ids_arrive_as_written(tmp_path: Path) -> None:
    """="123", a leading ' or TAB, 19 digits and leading zeros are text: nothing is rounded or cut by the reader."""
    ids = ['="3515313147000000017"', "'3515313147000000018", "\t6920000000000000001", "0000000000000000001"]
    found = rows(read(tmp_path, csv_text([FIRST | {"订单编号": i} for i in ids])))
    assert [r["订单编号"].lstrip("\t") for r in found] == [i.lstrip("\t") for i in ids]


def test_quoted_cells_may_hold_line_breaks_quotes_and_delimiters(tmp_path: Path) -> None:
    """And the row number after them counts records, as a spreadsheet does."""
    text = HEAD + '\nA1,周安,1,"云杉路1号\n2幢, ""后门""",1\nA2,李禾,2,白鹭街,2\n'
    table = read(tmp_path, text)
    assert rows(table)[0]["收货地址"] == '云杉路1号\n2幢, "后门"'
    assert table.frame.select("source_row", "订单编号").rows() == [(2, "A1"), (3, "A2")]


def test_header_need_not_be_first(tmp_path: Path) -> None:
    """A title, a date and an empty line above the header; rows are counted from the top of the file."""
    table = read(tmp_path, "订单导出,,,,\n导出时间：2026-11-11,,,,\n,,,,\n" + csv_text(BOTH))
    assert rows(table) == BOTH
    assert table.frame["source_row"].to_list() == [5, 6]


def test_empty_rows_and_short_rows(tmp_path: Path) -> None:
    """Empty rows vanish; a row with fewer cells than the header has blanks at its end."""
    table = read(tmp_path, csv_text([FIRST]) + ",,,,\n\nA2,李禾\n")
    assert rows(table) == [FIRST, {"订单编号": "A2", "收货人": "李禾"}]


def test_duplicate_and_empty_headings_are_numbered(tmp_path: Path) -> None:
    table = read(tmp_path, "订单编号,备注,备注,\nA1,x,y,z\n")
    assert rows(table) == [{"订单编号": "A1", "备注": "x", "备注#2": "y", "column_4": "z"}]


def test_row_with_too_many_cells_is_set_aside_by_number(tmp_path: Path) -> None:
    table = read(tmp_path, csv_text([FIRST]) + "A2,李禾,2,白鹭街,1号,9,9\n" + "A3,周安,1,云杉路,2\n")
    assert [r["订单编号"] for r in rows(table)] == [FIRST["订单编号"], "A3"]
    (bad,) = table.bad
    assert (bad.row, "7" in bad.why.zh, "李禾" in bad.cells) == (3, True, True)


def test_trailing_comma_on_every_row_is_not_too_many(tmp_path: Path) -> None:
    """Taobao's item list ends each row in one comma more than the header."""
    table = read(tmp_path, HEAD + "\n" + ",".join(FIRST.values()) + ",\n" + ",".join(SECOND.values()) + ",\n")
    assert (rows(table), table.bad) == (BOTH, [])


def test_bytes_that_do_not_decode_spoil_their_row_only(tmp_path: Path) -> None:
    lines = csv_text([FIRST | {"订单编号": f"A{i}"} for i in range(40)]).encode("gbk").split(b"\n")
    lines[20] = lines[20].replace("周安".encode("gbk"), b"\xff\xff")
    table = read(tmp_path, b"\n".join(lines))
    assert [b.row for b in table.bad] == [21]
    assert "A19" not in {r["订单编号"] for r in rows(table)}
    assert len(rows(table)) == 39


def test_unclosed_quote_spoils_its_row_only(tmp_path: Path) -> None:
    table = read(tmp_path, csv_text([FIRST]) + 'A2,"李禾,2,白鹭街,2\n' + "A3,周安,1,云杉路,2\nA4,周安,1,云杉路,2\n")
    assert [r["订单编号"] for r in rows(table)] == [FIRST["订单编号"], "A3", "A4"]
    assert [b.row for b in table.bad] == [3]


def test_a_heading_that_is_our_own_word_for_the_row(tmp_path: Path) -> None:
    table = read(tmp_path, HEAD + ",source_row\n" + csv_text(BOTH).split("\n", 1)[1].replace("\n", ",77\n"))
    assert (table.frame["source_row"].to_list(), table.frame["source_row#2"].to_list()) == ([2, 3], ["77", "77"])


def test_a_lone_quote_above_the_header_swallows_nothing(tmp_path: Path) -> None:
    """Headings of several lines are read as they were."""
    assert rows(read(tmp_path, '"\r\n' + HEAD.replace("收货人", '"收货人"') + "\r\n" + csv_text(BOTH, end="\r\n").split("\r\n", 1)[1])) == BOTH
    spread = HEAD.replace("收货人", '"收货\n人"')
    assert list(rows(read(tmp_path, spread + "\n" + csv_text(BOTH).split("\n", 1)[1]))[0])[1] == "收货\n人"


def test_file_cut_off_in_a_row(tmp_path: Path) -> None:
    """A download that broke off: the last row is half, and is not taken for a whole one."""
    table = read(tmp_path, csv_text([FIRST]) + "0071234567890123457,李禾,137")
    assert rows(table) == [FIRST]
    assert [b.row for b in table.bad] == [3]


def test_line_of_five_megabytes_spoils_its_row_only(tmp_path: Path) -> None:
    table = read(tmp_path, csv_text([FIRST]) + "A2," + "x" * 5_000_000 + ",1,1,1\n" + ",".join(SECOND.values()) + "\n")
    assert rows(table) == BOTH
    assert [b.row for b in table.bad] == [3]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n"])
def test_empty_files(tmp_path: Path, data: bytes) -> None:
    assert problem(tmp_path, data).startswith("a.csv: 文件是空的；")


def test_binary_named_csv(tmp_path: Path) -> None:
    assert "二进制" in problem(tmp_path, b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40)


def book(path: Path, cells: list[list[Any]], **sheets: list[list[Any]]) -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        for name, body in {"订单": cells, **sheets}.items():
            page = workbook.add_worksheet(name)
            for r, row in enumerate(body):
                page.write_row(r, 0, row)
    return path


def test_xlsx_with_texts_and_numbers(tmp_path: Path) -> None:
    """A number cell reads as the digits one sees: no .0, no exponent."""
    path = book(tmp_path / "a.xlsx", [HEAD.split(","), [FIRST["订单编号"], "周安", 13705810001, "云杉路1号", 299.5]])
    (table,) = tables(path)
    assert rows(table) == [FIRST | {"实付金额": "299.5"}]


def test_xlsx_with_title_rows_and_several_sheets(tmp_path: Path) -> None:
    """Every filled sheet is a table; its name stands in brackets; empty ones are passed over."""
    body = [["订单导出"], HEAD.split(","), list(FIRST.values())]
    found = tables(book(tmp_path / "a.xlsx", body, 空=[], 第二页=[HEAD.split(","), list(SECOND.values())]))
    assert [(t.source, rows(t)) for t in found] == [("a.xlsx[订单]", [FIRST]), ("a.xlsx[第二页]", [SECOND])]
    assert found[0].frame["source_row"].to_list() == [3]


def test_xlsx_renamed_csv_is_recognised_by_its_bytes(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [HEAD.split(","), list(FIRST.values())])
    assert rows(read(tmp_path, path.read_bytes(), "b.csv")) == [FIRST]


def test_tab_text_named_xls_is_read_as_text(tmp_path: Path) -> None:
    """Some back offices call tab-separated GBK text .xls."""
    assert rows(read(tmp_path, csv_text(BOTH, "\t").encode("gbk"), "a.xls")) == BOTH


def compound_file(stream: bytes) -> bytes:
    """An OLE2 compound file with one stream named Workbook (MS-CFB, version 3, 512-byte sectors)."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    count = len(stream) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, count + 2), 0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        links = struct.pack("<HBBIII", len(text), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return text.ljust(64, b"\0") + links + b"\0" * 36 + struct.pack("<IQ", start, size)

    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<I", 0) + b"\xff\xff\xff\xff" * 108
    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream)) + b"\0" * 256
    return head + struct.pack("<128I", *fat) + folder + stream


def old_book(cells: list[list[str]]) -> bytes:
    """A BIFF8 .xls with one sheet of texts."""

    def record(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    start = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6))
    page = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    for r, row in enumerate(cells):
        for c, text in enumerate(row):
            page += record(0x0204, struct.pack("<HHHHB", r, c, 0, len(text), 1) + text.encode("utf-16-le"))
    page += record(0x000A)
    bound = struct.pack("<IBBBB", 0, 0, 0, 6, 0) + b"Sheet1"
    offset = len(start) + len(record(0x0085, bound)) + 4
    bound = struct.pack("<IBBBB", offset, 0, 0, 6, 0) + b"Sheet1"
    return compound_file(start + record(0x0085, bound) + record(0x000A) + page)


def test_old_xls(tmp_path: Path) -> None:
    """Excel 97-2003 books, as older back offices still write them."""
    assert rows(read(tmp_path, old_book([HEAD.split(","), list(FIRST.values()), list(SECOND.values())]), "a.xls")) == BOTH


def test_truncated_xlsx(tmp_path: Path) -> None:
    whole = book(tmp_path / "w.xlsx", [HEAD.split(","), *[list(FIRST.values())] * 50]).read_bytes()
    assert problem(tmp_path, whole[: len(whole) // 2], "a.xlsx").startswith("a.xlsx: Excel 文件损坏或不完整；")


def test_zip_bomb(tmp_path: Path) -> None:
    """A sheet that would unpack to 200 MB from 200 KB is refused before it is unpacked."""
    whole = book(tmp_path / "w.xlsx", [HEAD.split(",")])
    out = io.BytesIO()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            if item.filename != "xl/worksheets/sheet1.xml":
                target.writestr(item, source.read(item))
        with target.open("xl/worksheets/sheet1.xml", "w") as page:
            for _ in range(200):
                page.write(b" " * (1 << 20))
    assert "MB" in problem(tmp_path, out.getvalue(), "a.xlsx")


@pytest.mark.parametrize("wrapped", [lambda r: r, lambda r: {"orders": r}, lambda r: {"data": {"list": r, "total": 2}}])
def test_json_arrays(tmp_path: Path, wrapped: Any) -> None:
    """An array, or an object that holds it."""
    assert rows(read(tmp_path, json.dumps(wrapped(BOTH), ensure_ascii=False), "a.json")) == BOTH


def test_json_lines_keep_going_after_a_bad_line(tmp_path: Path) -> None:
    lines = [json.dumps(FIRST, ensure_ascii=False), "{broken", json.dumps(SECOND, ensure_ascii=False)]
    table = read(tmp_path, "\n".join(lines), "a.jsonl")
    assert (rows(table), [b.row for b in table.bad]) == (BOTH, [2])


def test_json_numbers_keep_every_digit(tmp_path: Path) -> None:
    """19 digits and 0.10 are not floats."""
    assert rows(read(tmp_path, '[{"order_id": 3515313147000000017, "amount": 0.10}]', "a.json")) == [
        {"order_id": "3515313147000000017", "amount": "0.10"}
    ]


def test_json_nested_orders_give_a_row_per_item(tmp_path: Path) -> None:
    """`customer.ip` becomes a heading; each item a row with the order's facts; null and an empty list are blank."""
    order = {"id": 7, "customer": {"ip": "192.0.2.1"}, "coupon": None, "tags": [], "line_items": [{"sku": "A", "qty": 1}, {"sku": "B", "qty": 2}]}
    found = rows(read(tmp_path, json.dumps([order]), "a.json"))
    assert [{k: v for k, v in r.items() if k != "tags"} for r in found] == [
        {"id": "7", "customer.ip": "192.0.2.1", "line_items.sku": "A", "line_items.qty": "1"},
        {"id": "7", "customer.ip": "192.0.2.1", "line_items.sku": "B", "line_items.qty": "2"},
    ]


def test_items_that_an_interface_wraps_are_items(tmp_path: Path) -> None:
    """Taobao's trades hold `orders.order`, Walmart's `orderLines.orderLine`; a customer's earlier orders are no items."""
    trades = [{"tid": "1", "orders": {"order": [{"oid": "11", "title": "A"}, {"oid": "12", "title": "B"}]}}, {"tid": "2", "orders": {"order": []}, "customer": {"orders": [{"id": 5}]}}]
    found = rows(read(tmp_path, json.dumps({"trades_sold_get_response": {"trades": {"trade": trades}}}), "a.json"))
    assert [(r["tid"], r.get("orders.order.oid"), r.get("orders.order.title")) for r in found] == [("1", "11", "A"), ("1", "12", "B"), ("2", None, None)]
    assert found[2]["customer.orders"] == '[{"id": "5"}]'


def test_json_that_is_none(tmp_path: Path) -> None:
    assert problem(tmp_path, b'{"orders": [', "a.json").startswith("a.json")


def test_parquet(tmp_path: Path) -> None:
    """Texts stay, whole numbers become their digits, instants and decimals keep their types."""
    out = io.BytesIO()
    frame = pl.DataFrame({"order_id": [3515313147000000017], "address": ["云杉路"]})
    frame.with_columns(amount=pl.lit("12.50").cast(pl.Decimal(10, 2))).write_parquet(out)
    table = read(tmp_path, out.getvalue(), "a.parquet")
    assert table.frame["order_id"].to_list() == ["3515313147000000017"]
    assert table.frame.schema["amount"] == pl.Decimal(10, 2)


def test_damaged_parquet(tmp_path: Path) -> None:
    assert "Parquet" in problem(tmp_path, b"PAR1" + b"\0" * 50, "a.parquet")


def test_standard_input(tmp_path: Path) -> None:
    """`scan -` reads any format from standard input."""
    command = [sys.executable, "-m", "orderguard", "scan", "-", "--json"]
    done = subprocess.run(command, input=csv_text(BOTH).encode("gbk"), cwd=tmp_path, capture_output=True, check=False, timeout=60)
    (source,) = json.loads(done.stdout)["inputs"]
    assert (done.returncode, source["file"], source["read"]) == (0, "stdin", 2)


def test_folders_globs_and_repeats(tmp_path: Path) -> None:
    """A folder gives its table files, sorted; not hidden ones, Excel's lock files, notes or sub-folders."""
    for name in ("b.csv", "a.CSV", "~$b.xlsx", ".hidden.csv", "notes.md", "team.yaml"):
        (tmp_path / name).write_text(csv_text([FIRST]), encoding="utf-8")
    (tmp_path / "lookup").mkdir()
    (tmp_path / "lookup" / "c.csv").write_text("x", encoding="utf-8")
    folder = str(tmp_path)
    assert [s.name for s in find_sources([folder])] == ["a.CSV", "b.csv"]
    assert [s.name for s in find_sources([f"{folder}/*.csv", f"{folder}/b.csv", folder])] == ["b.csv", "a.CSV"]
    assert [s.name for s in find_sources([f"{folder}/**/c.csv"])] == ["c.csv"]


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for part in ("x", "y"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.csv").write_text(csv_text([FIRST]), encoding="utf-8")
    names = [s.name for s in find_sources([str(tmp_path / "x"), str(tmp_path / "y")])]
    assert len(set(names)) == 2
    assert all(n.endswith("a.csv") for n in names)


def test_every_missing_path_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(OrderguardError) as caught:
        find_sources([str(tmp_path / "no.csv"), str(tmp_path / "*.tsv"), str(tmp_path / "empty")])
    assert [Path(p.where).name for p in caught.value.problems] == ["no.csv", "*.tsv", "empty"]


def test_a_zero_byte_in_one_note_does_not_keep_the_file_from_being_audited(tmp_path: Path) -> None:
    table = read(tmp_path, csv_text([{**FIRST, "收货人": "周\x00安", "收货地址": "临\x00时仓"}, SECOND]))
    assert rows(table) == [{**FIRST, "收货地址": "临时仓"}, SECOND]


def test_a_head_in_utf8_makes_the_file_utf8_whatever_its_tail_is_in(tmp_path: Path) -> None:
    """Lines pasted from a GBK export spoil themselves only."""
    text = "订单编号,收货地址\nA1,某路一号\n".encode() + "A2,某某路二号\nA3,某某路三号\nA4,某某路四号\n".encode("gbk")
    (tmp_path / "a.csv").write_bytes(text)
    (table,) = read_source(find_sources([str(tmp_path / "a.csv")])[0], lambda _: 0.0).tables
    assert table.frame["订单编号"].to_list() == ["A1"]
    assert [b.row for b in table.bad] == [3, 4, 5]


def test_an_archive_of_tables_is_no_book(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "订单编号\nA1\n")
    source = read_source(find_sources([str(tmp_path / "a.zip")])[0], lambda _: 0.0)
    assert "解压" in source.problems[0].text("zh-CN")


def test_a_cell_that_shows_a_day_is_a_day(tmp_path: Path) -> None:
    """Three orders of one day from one IP are no burst at midnight; a time that happens to be midnight stays one."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("订单 & <1>")
        forms = [book.add_format({"num_format": f}) for f in ("yyyy-mm-dd", 14, 'yyyy"年"m"月"d"日"', "yyyy-mm-dd hh:mm:ss", 22)]
        page.write_row(0, 0, ["order_id", "a", "b", "c", "d", "e", "f"])
        for row, at in enumerate((datetime(2026, 11, 11), datetime(2026, 11, 11, 10)), 1):  # noqa: DTZ001 - a wall clock
            page.write(row, 0, f"A{row}")
            for column, form in enumerate(forms, 1):
                page.write_datetime(row, column, at, form)
            page.write(row, 6, "2026-11-11 00:00:00")
    found = rows(read(tmp_path, path.read_bytes(), "b.xlsx"))
    assert list(found[0].values()) == ["A1", "2026-11-11", "2026-11-11", "2026-11-11", "2026-11-11 00:00:00", "2026-11-11 00:00:00", "2026-11-11 00:00:00"]
    assert list(found[1].values()) == ["A2", *["2026-11-11 10:00:00"] * 5, "2026-11-11 00:00:00"]
