"""Bad files and hostile text, from the shell: a clear message with file, row and repair, and the good rows go through."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import house
import msoffcrypto.format.ooxml
import openpyxl
import polars as pl
import pytest
import xlsxwriter

RULES = Path(__file__).parent.parent / "rules.yaml"
HEAD = "订单编号,收货人,联系电话,收货地址,下单时间,实付金额,买家留言,下单IP,承诺发货时间"
GOOD = "A1,周安,13705810001,杭州市西湖区云杉路1号,2026-11-11 00:03:05,299.00,请尽快,198.18.0.1,2026-11-12 00:03:05"
ODD = "A2,李禾,13705810002,杭州市西湖区临时仓2号,2026-11-11 00:04:05,59.00,,198.18.0.2,2026-11-12 00:03:05"
HOSTILE = (
    '=HYPERLINK("http://x","y")', "@SUM(1)", "+cmd|' /C calc'!A0", "-1+1", "\t=1+1", "＝1+1", "<script>alert(1)</script>", "\x1b[31mred\x1b[0m",
    "a\r\nERROR forged log line", "\u202egnp.exe", "../../etc/passwd",
)  # fmt: skip
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Shell(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def run(self) -> dict[str, Any]:
        """`run.json`."""
        found: dict[str, Any] = json.loads((self.folder / "out" / "run.json").read_text(encoding="utf-8"))
        return found

    def flagged(self) -> set[str]:
        """Order numbers that are not passed."""
        frame = pl.read_parquet(self.folder / "out" / "decisions.parquet")
        return set(frame.filter(pl.col("band") != "pass")["order_id"])

    def rejected(self) -> list[dict[str, str]]:
        """Rows of rejected.csv: file, row, reason, cells."""
        text = (self.folder / "out" / "rejected.csv").read_text(encoding="utf-8-sig")
        names = ("file", "row", "reason", "cells")
        return [dict(zip(names, r, strict=True)) for r in list(csv.reader(io.StringIO(text, newline="")))[1:]]


def scan(folder: Path, *paths: str | Path, rules: Path = RULES, stdin: bytes = b"") -> Shell:
    """`orderguard scan PATHS`, in `folder`; nothing it says may be a traceback or drive a terminal."""
    done = house.shell("scan", *paths, "--rules", rules, cwd=folder, stdin=stdin)
    shell = Shell(done.returncode, done.stdout, done.stderr, folder)
    assert "Traceback" not in shell.out + shell.err, shell.err
    assert not CONTROL.search(shell.out + shell.err), shell.err
    return shell


def put(folder: Path, data: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def lines(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, *rows]) + "\n"


def line_of(shell: Shell, start: str) -> str:
    """The one message that begins with a place."""
    found = [m.lstrip("✗! ") for m in shell.err.splitlines() if m.lstrip("✗! ").startswith(start)]
    assert found, shell.err
    return found[0]


def book(path: Path, rows: list[list[Any]]) -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        page = workbook.add_worksheet()
        for r, row in enumerate(rows):
            page.write_row(r, 0, row)
    return path


def sheet() -> list[list[Any]]:
    return [HEAD.split(","), GOOD.split(","), ODD.split(",")]


def locked(folder: Path) -> bytes:
    out = io.BytesIO()
    with book(folder / "plain.xlsx", sheet()).open("rb") as plain:
        msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt("secret", out)
    (folder / "plain.xlsx").unlink()
    return out.getvalue()


def truncated(folder: Path) -> bytes:
    whole = book(folder / "plain.xlsx", sheet() * 40).read_bytes()
    (folder / "plain.xlsx").unlink()
    return whole[: len(whole) * 2 // 3]


def bomb(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(book(folder / "plain.xlsx", sheet())) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            target.writestr(item, source.read(item) if "sheet1" not in item.filename else b" " * (150 << 20))
    (folder / "plain.xlsx").unlink()
    return out.getvalue()


BAD_FILES: dict[str, tuple[str, Any, str]] = {
    "empty": ("bad.csv", b"", "文件是空的；请重新导出"),
    "one line that does not end": ("bad.csv", b"a" * 3_000_000, "该行长 3,000,000 字节"),
    "blank": ("bad.csv", b"\r\n\r\n", "文件是空的；请重新导出"),
    "binary": ("bad.csv", b"\x7fELF\x02" + bytes(range(256)) * 50, "是二进制文件，不是文本表格；请从后台重新导出"),
    "picture": ("bad.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + random.Random(1).randbytes(9000), "请从后台重新导出"),
    "patterned bytes": ("bad.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00\x01\xfe\x80" * 500, "请从后台重新导出"),
    "truncated": ("bad.xlsx", truncated, "Excel 文件损坏或不完整；请重新下载或导出"),
    "locked": ("bad.xlsx", locked, "Excel 文件有打开密码；把密码写进一个文本文件并加 --password-file"),
    "bomb": ("bad.xlsx", bomb, "MB"),
    "not a zip": ("bad.xlsx", b"PK\x03\x04" + b"x" * 500, "Excel 文件损坏或不完整；请重新下载或导出"),
    "unknown header": ("bad.csv", "甲,乙,丙\n1,2,3\n".encode(), "认不出是哪个平台"),
    "broken json": ("bad.json", b'{"orders": [{"order_id": 1', "JSON"),
    "broken parquet": ("bad.parquet", b"PAR1" + b"\0" * 99, "Parquet 文件损坏或不完整；请重新导出"),
    "nul bytes": ("bad.csv", lines("A\x00B,1,1,1,2026-11-11 00:00:00,1,,,").encode() + b"\x00" * 64, "二进制"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_unreadable_file_is_named_and_the_good_one_goes_through(tmp_path: Path, case: str) -> None:
    """Exit 2, the message begins with the file's name and ends with a repair; the other file is audited."""
    name, data, said = BAD_FILES[case]
    bad = put(tmp_path, data(tmp_path) if callable(data) else data, name)
    shell = scan(tmp_path, bad, put(tmp_path, lines(GOOD, ODD), "good.csv"))
    message = line_of(shell, name)
    assert said in message
    assert "；" in message
    assert shell.code == 2
    assert (shell.run["read"], shell.flagged()) == (2, {"A2"})


@pytest.mark.parametrize("case", ["empty", "locked"])
def test_unreadable_file_alone_leaves_no_output(tmp_path: Path, case: str) -> None:
    """Zero readable rows is exit 2, not a clean day."""
    name, data, said = BAD_FILES[case]
    shell = scan(tmp_path, put(tmp_path, data(tmp_path) if callable(data) else data, name))
    assert (shell.code, said in line_of(shell, name), (tmp_path / "out").exists()) == (2, True, False)


def test_unknown_header_is_shown_in_short(tmp_path: Path) -> None:
    """A heading of 30,000 characters (a text that is no table) does not fill the screen."""
    shell = scan(tmp_path, put(tmp_path, "x" * 30_000 + ",y\n1,2\n"))
    assert shell.code == 2
    assert len(line_of(shell, "a.csv")) < 1_000


def test_header_only(tmp_path: Path) -> None:
    shell = scan(tmp_path, put(tmp_path, lines()))
    assert "只有表头；检查导出的时间范围" in line_of(shell, "a.csv: 没有一行订单")
    assert (shell.code, (tmp_path / "out").exists()) == (2, False)


def test_header_only_beside_a_good_file_is_a_notice(tmp_path: Path) -> None:
    shell = scan(tmp_path, put(tmp_path, lines(), "none.csv"), put(tmp_path, lines(ODD)))
    assert "只有表头" in line_of(shell, "none.csv")
    assert (shell.code, shell.flagged()) == (0, {"A2"})


BAD_ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "too many cells": (ODD.replace("A2", "B9").replace("临时仓", "云杉路,2幢,301"), ("11", "9", "分隔符")),
    "no number": (ODD.replace("A2", ""), ("缺少订单编号", "补上")),
    "no date": (ODD.replace("2026-11-11 00:04:05", "2026-11-31 25:61:00"), ("下单时间", "'2026-11-31 25:61:00'", "应为")),
    "no amount": (ODD.replace("59.00", "12.5.6"), ("金额", "'12.5.6'", "应为 299.00")),
    "open quote": ('B9,"李禾,13705810002,云杉路,2026-11-11 00:04:05,59.00,,198.18.0.2,', ("引号没有闭合", "检查")),
    "long line": ("B9," + "x" * 5_000_000, ("行长", "修正")),
    "long cell": ('B9,"' + "x" * 40_000 + '",1,1,2026-11-11 00:04:05,59.00,,,', ("超过",)),
    "other facts": (GOOD.replace("13705810001", "13905810009"), ("A1", "'13905810009'", "'13705810001'", "保留一行")),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_bad_row_is_set_aside_by_number_and_the_good_ones_go_through(tmp_path: Path, case: str) -> None:
    """Exit 0; rejected.csv names file, row, reason and repair; read = clean + flagged + rejected."""
    row, words = BAD_ROWS[case]
    shell = scan(tmp_path, put(tmp_path, lines(GOOD, row, ODD)))
    (reject,) = shell.rejected()
    assert (shell.code, reject["file"], reject["row"]) == (0, "a.csv", "3")
    assert [w for w in words if w not in reject["reason"] + reject["cells"]] == []
    run = shell.run
    assert (run["read"], run["clean"], run["flagged"], run["rejected"]) == (3, 1, 1, 1)
    assert shell.flagged() == {"A2"}


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_wrong_bytes_in_one_row(tmp_path: Path, encoding: str) -> None:
    """A row that does not decode is set aside whatever the file's encoding; its text would be a guess."""
    rows = [GOOD.replace("A1", f"C{i}").replace("198.18.0.1", f"198.18.1.{i}") for i in range(60)]
    data = lines(*rows[:30], "BAD" + ODD, ODD, *rows[30:]).encode(encoding).replace("BADA2,李禾".encode(encoding), b"B9,\xff\xfe\xff")
    shell = scan(tmp_path, put(tmp_path, data))
    (reject,) = shell.rejected()
    assert (shell.code, reject["row"]) == (0, "32")
    assert "解码" in reject["reason"]
    assert shell.flagged() == {"A2"}


def test_only_bad_rows_is_exit_two(tmp_path: Path) -> None:
    shell = scan(tmp_path, put(tmp_path, lines(ODD.replace("A2", ""), ODD.replace("59.00", "x"))))
    assert "缺少订单编号" in line_of(shell, "a.csv:2")
    assert shell.code == 2


def test_duplicate_headers(tmp_path: Path) -> None:
    """The first of two equal headings speaks."""
    shell = scan(tmp_path, put(tmp_path, lines(GOOD + ",9999", ODD + ",9999", head=HEAD + ",实付金额")))
    book_rows = openpyxl.load_workbook(tmp_path / "out" / "flagged.xlsx").worksheets[1].iter_rows(values_only=True)
    head, row = next(book_rows), next(book_rows)
    assert (shell.code, dict(zip(head, row, strict=True))["实付金额"]) == (0, 59)


def test_formula_cells_give_their_value(tmp_path: Path) -> None:
    """A book whose amounts are formulas is read by the stored results."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        page = workbook.add_worksheet()
        page.write_row(0, 0, ["订单编号", "收货地址", "实付金额", "买家留言"])
        page.write_row(1, 0, ["A1", "云杉路1号"])
        page.write_formula(1, 2, "=500*2", None, 1000)
    shell = scan(tmp_path, path)
    findings = pl.read_parquet(tmp_path / "out" / "findings.parquet")
    assert shell.code == 0
    assert findings.select("rule_id", "value").rows() == [("round-amount", 1000.0)]


def test_future_dates_are_told(tmp_path: Path) -> None:
    """An order from next year is audited, and the analyst is told which file and row."""
    late = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d %H:%M:%S}"
    shell = scan(tmp_path, put(tmp_path, lines(GOOD, ODD.replace("2026-11-11 00:04:05", late))))
    assert (shell.code, shell.flagged()) == (0, {"A2"})
    assert line_of(shell, "a.csv:3")


@pytest.mark.parametrize("cell", ["3.51531E+18", 3515313147000000017], ids=["text", "number"])
def test_order_number_that_excel_rounded_is_told(tmp_path: Path, cell: str | int) -> None:
    """Saved again in Excel, a 19-digit number has lost its end: different orders share it, and no platform knows it."""
    rows: list[list[Any]] = [["订单编号", "收货地址", "实付金额"], [cell, "云杉路1号", 10], ["A2", "临时仓", 20]]
    shell = scan(tmp_path, book(tmp_path / "a.xlsx", rows))
    told = [m for m in shell.err.splitlines() if "a.xlsx:2" in m] + [r["reason"] for r in shell.rejected() if r["row"] == "2"]
    assert told
    assert shell.flagged() == {"A2"}


def test_rounded_number_cells_are_set_aside_and_text_beside_them_is_not(tmp_path: Path) -> None:
    """Two different orders whose numbers Excel made one must not meet; text and short exact numbers are as they were."""
    head = ["订单编号", "收货地址", "实付金额"]
    exact, text = 1234567890123456, "1234567890123456789"
    rows: list[list[Any]] = [head, [3515313147000000017, "云杉路1号", 10], [3515313147000000099, "云杉路2号", 10], [text, "临时仓", 20], [exact, "临时仓", 20]]
    shell = scan(tmp_path, book(tmp_path / "a.xlsx", rows))
    assert [r["row"] for r in shell.rejected()] == ["2", "3"]
    assert all("尾数已丢失" in r["reason"] for r in shell.rejected())
    assert shell.flagged() == {text, str(exact)}


def test_books_of_long_numbers_that_are_text_are_no_suspects(tmp_path: Path) -> None:
    """Sixteen digits of a text cell always fit a number: nothing was rounded."""
    rows: list[list[Any]] = [["订单编号", "收货地址", "实付金额"], *[[f"30{n:013}0", "临时仓", 20] for n in range(5)]]
    shell = scan(tmp_path, book(tmp_path / "a.xlsx", rows))
    assert len(shell.flagged()) == 5
    assert "舍入" not in shell.err


def test_accounts_that_excel_rounded_do_not_become_one_buyer(tmp_path: Path) -> None:
    rows = [f"A{n},2.20123E+12,2026-11-11 10:00:0{n},云杉路{n}号,10" for n in range(5)]
    shell = scan(tmp_path, put(tmp_path, "\n".join(["订单编号,买家账号,下单时间,收货地址,实付金额", *rows, ""])))
    assert "买家账号 有 5 个被 Excel 改成了科学计数法" in line_of(shell, "a.csv:2")
    frame = pl.read_parquet(tmp_path / "out" / "decisions.parquet")
    assert len(frame) == 5


def test_a_sheet_with_bytes_that_are_no_text_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Bytes that do not decode in the sheet's XML end the quick look at it, not the reading."""
    path = book(tmp_path / "a.xlsx", [["订单编号", "收货地址", "实付金额"], ["A1", "临时仓", 20]])
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for item in old.namelist():
            data = old.read(item)
            new.writestr(item, data.replace(b"<sheetData", b"\xff\xfe<sheetData") if "sheet1" in item else data)
    shell = scan(tmp_path, tmp_path / "b.xlsx")
    assert (shell.code, shell.err, shell.flagged()) == (0, "", {"A1"})


@pytest.mark.parametrize(("more", "code"), [((), 0), (("--fail-on", "hold"), 1), (("--fail-on", "hold", "--json"), 1)])
def test_closed_pipe_is_no_error(tmp_path: Path, more: tuple[str, ...], code: int) -> None:
    """`orderguard scan … | head -1` ends quietly, with the exit code that it would have had."""
    command = [sys.executable, "-m", "orderguard", "scan", str(put(tmp_path, lines(GOOD, ODD))), "--rules", str(RULES)]
    command += more
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read().decode()
    assert (process.returncode, said) == (code, "")


def test_unknown_platform(tmp_path: Path) -> None:
    done = house.shell("scan", put(tmp_path, lines(ODD)), "--platform", "taobo", cwd=tmp_path)
    said = done.stderr
    assert (done.returncode, "Traceback" in said) == (2, False)
    assert "taobo" in said
    assert "是否想写 'taobao'" in said


def test_missing_files_and_empty_folders_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    shell = scan(tmp_path, "no.csv", "*.tsv", "nothing", put(tmp_path, lines(ODD)))
    assert shell.code == 2
    for place, words in (("no.csv", "检查路径"), ("*.tsv", "检查路径"), ("nothing", "支持 CSV")):
        assert words in line_of(shell, place)


def test_no_path_at_all(tmp_path: Path) -> None:
    assert scan(tmp_path).code == 2


def test_output_place_taken_by_a_file(tmp_path: Path) -> None:
    """Exit 2, before anything is recorded: with another place the scan is the first one."""
    put(tmp_path, "keep me", "out")
    path = put(tmp_path, lines(GOOD, ODD))
    shell = scan(tmp_path, path)
    assert shell.code == 2
    assert "--out" in line_of(shell, "out")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "keep me"
    (tmp_path / "out").unlink()
    again = scan(tmp_path, path)
    assert (again.code, sum(again.run["holds"].values())) == (0, 1)


def test_ledger_place_taken_by_a_file(tmp_path: Path) -> None:
    put(tmp_path, "keep me", "ledger")
    shell = scan(tmp_path, put(tmp_path, lines(ODD)))
    assert shell.code == 2
    assert line_of(shell, "ledger")
    assert (tmp_path / "ledger").read_text(encoding="utf-8") == "keep me"


def test_rulebook_errors_come_all_at_once_with_their_lines(tmp_path: Path) -> None:
    """Each on a line of its own, with a hint where there is one; nothing is scanned."""
    text = RULES.read_text(encoding="utf-8")
    text = text.replace("kind: velocity", "kind: velocty").replace("multiple_of: 1000", "multiple_of: -5").replace("within: 7d", "within: 7 weeks")
    rules = put(tmp_path, text, "mine.yaml")
    shell = scan(tmp_path, put(tmp_path, lines(ODD)), rules=rules)
    places = {n: text[: text.index(n)].count("\n") + 1 for n in ("kind: velocty", "multiple_of: -5", "within: 7 weeks")}
    assert shell.code == 2
    told = {int(m[1]): m[0] for m in re.finditer(r"mine\.yaml:(\d+): .*", shell.err)}
    assert set(told) == set(places.values()), shell.err
    assert "velocity" in told[places["kind: velocty"]]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\nbands: {review: 20, hold: 30}\nrules: [\n", ("mine.yaml:",)),
        ("version: 1\nversion: 1\nbands: {review: 20, hold: 30}\nrules: []\n", ("mine.yaml:2", "version")),
        ("", ("mine.yaml",)),
        ("- 1\n", ("mine.yaml",)),
    ],
    ids=["broken", "repeated key", "empty", "list"],
)
def test_rulebook_that_is_no_rulebook(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    shell = scan(tmp_path, put(tmp_path, lines(ODD)), rules=put(tmp_path, text, "mine.yaml"))
    assert shell.code == 2
    assert all(w in shell.err for w in words), shell.err


def test_missing_rulebook(tmp_path: Path) -> None:
    shell = scan(tmp_path, put(tmp_path, lines(ODD)), rules=tmp_path / "no.yaml")
    assert shell.code == 2
    assert "no.yaml" in shell.err


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Hostile text in every column a buyer fills, of orders that are flagged, rejected and held."""
    folder = tmp_path_factory.mktemp("hostile")
    names = ["订单编号", "平台", "店铺名称", "买家账号", "收货人", "收货地址", "下单时间", "实付金额", "买家留言", "下单IP"]
    rows = [
        [f"H{i}", "京东", text, text, text, f"{text} 临时仓", "2026-11-11 00:00:00", "2000", text, text] for i, text in enumerate(HOSTILE)
    ]
    rows += [[text, "京东", "", "", "", "临时仓", "2026-11-11 00:00:00", "1", "", ""] for text in HOSTILE]
    rows += [[f"P{i}", text, "", "", "", "临时仓", "2026-11-11 00:00:00", "1", "", ""] for i, text in enumerate(HOSTILE)]
    rows += [[f"R{i}", "京东", text, text, text, text, text, text, text, text] for i, text in enumerate(HOSTILE)]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([names, *rows])
    put(folder, out.getvalue(), "=cmd()\u202e.csv")
    return scan(folder, "=cmd()\u202e.csv")


def texts(path: Path) -> list[str]:
    book = openpyxl.load_workbook(path)
    cells = [c for page in book.worksheets for row in page.iter_rows() for c in row]
    assert not [c for c in cells if c.data_type == "f" or c.hyperlink], path.name
    return [c.value for c in cells if isinstance(c.value, str)]


def inert(text: str) -> bool:
    """No formula for any spreadsheet, no control or bidirectional mark; a signed number may stay one."""
    starts = text.lstrip()[:1] in {"=", "+", "-", "@", "＝", "＋", "－", "＠"} or text[:1] in {"\t", "\r"}
    return not CONTROL.search(text) and (not starts or bool(re.fullmatch(r"\s*[+\-]?[\d\s().\-/]*", text)))


def test_hostile_text_flags_and_rejects_as_any_other(hostile: Shell) -> None:
    count = len(HOSTILE)
    assert hostile.code == 0
    assert (hostile.run["rejected"], hostile.run["flagged"]) == (count, 3 * count)


def test_workbooks_hold_no_formula_link_or_control_character(hostile: Shell) -> None:
    """flagged.xlsx and every task sheet."""
    books = [hostile.folder / "out" / "flagged.xlsx", *(hostile.folder / "out" / "tasks").iterdir()]
    assert len(books) > 1
    for path in books:
        assert [t for t in texts(path) if not inert(t)] == []


def test_the_words_themselves_are_still_readable(hostile: Shell) -> None:
    """Made inert, not removed: an agent sees what the buyer wrote."""
    shown = " ".join(texts(hostile.folder / "out" / "flagged.xlsx"))
    assert "'=HYPERLINK(" in shown
    assert "<script>alert(1)</script>" in shown


def test_lists_hold_no_formula_or_control_character(hostile: Shell) -> None:
    """Hold lists, notices and rejected.csv, cell by cell; a row is one line of the file."""
    files = [*(hostile.folder / "out" / "holds").iterdir(), hostile.folder / "out" / "notices.csv", hostile.folder / "out" / "rejected.csv"]
    assert len(files) > 3
    for path in files:
        cells = [c for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")) for c in row]
        assert [c for c in cells if not inert(c)] == [], path.name


def test_hold_lists_stay_in_their_folder(hostile: Shell) -> None:
    """A platform called ../../etc/passwd names a file, not a path."""
    assert not [p for p in (hostile.folder / "out").rglob("*passwd*") if p.parent.name != "holds"]
    assert {p.name for p in hostile.folder.iterdir()} == {"=cmd()\u202e.csv", "out", "ledger"}


def test_terminal_says_no_markup_and_one_line_per_row(hostile: Shell) -> None:
    """No escape, no forged line."""
    assert "\x1b" not in hostile.out + hostile.err
    assert not [line for line in hostile.out.splitlines() if line.startswith("ERROR")]
    assert not [line for line in hostile.err.splitlines() if line.startswith("ERROR")]


@pytest.mark.skipif(sys.platform == "win32", reason="rights are not modes on Windows")
def test_files_with_personal_data_are_the_owners_alone(hostile: Shell) -> None:
    """Nobody else on the machine reads outputs or ledger."""
    open_to_others = [p for p in [*(hostile.folder / "out").rglob("*"), *(hostile.folder / "ledger").rglob("*")] if p.stat().st_mode & 0o077]
    assert open_to_others == []
