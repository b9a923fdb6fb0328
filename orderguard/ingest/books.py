"""Excel books (.xlsx, .xlsm, .xlsb, .xls, .ods) through calamine, every cell as text."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest.day_cells import with_days
from orderguard.ingest.long_numbers import IN_XML, rounded_numbers
from orderguard.ingest.passwords import unlocked
from orderguard.ingest.table import (
    HEADER_ROWS,
    MAX_COLUMNS,
    HeaderScore,
    Table,
    above_header,
    find_header,
    header_names,
    untabbed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import fastexcel

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ODS_LIST = "META-INF/manifest.xml"
_MAX_UNPACKED = 4 << 30
_MAX_RATIO = 400
_FILEPASS = re.compile(rb"\x09\x08\x10\x00\x00\x06\x05\x00.{12}(?:\x86\x00\x00\x00)?\x2f\x00", re.DOTALL)
"""An old .xls that tells of its encryption: a record before it may say that it is not to be written ([MS-XLS] 2.1.7.20.1)."""
_MAX_AREA = 20_000_000
_MOST_AREA = 400_000_000
"""Cells: beyond the first when most are empty, beyond the second always."""


def read_book(data: bytes, name: str, score: HeaderScore, passwords: Sequence[str] = ()) -> list[Table]:
    """Every sheet that holds rows, as a table each.

    Raises:
        OrderguardError: protected by a password that is not among `passwords`, truncated, a zip bomb, or without any filled sheet.
    """
    if _locked(data):
        data = unlocked(data, name, passwords)
    long = _check(data, name)
    import logging  # noqa: PLC0415 - only where a book is read

    import fastexcel  # noqa: PLC0415

    # What its reader logs goes to standard error as it stands, texts of the book among it; what matters is told by us.
    logging.getLogger("calamine").setLevel(logging.CRITICAL + 1)
    try:
        book = fastexcel.read_excel(data)
        names = list(book.sheet_names)
    except Exception as error:
        raise OrderguardError(_broken(name, error)) from error
    tables: list[Table] = []
    notes: list[Problem] = []
    for sheet in names:
        label = name if len(names) == 1 else f"{name}[{sheet}]"
        try:
            cells = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
        except Exception as error:  # noqa: BLE001 - calamine's own errors and Rust panics alike
            notes.append(_broken(label, error))
            continue
        cells = with_days(cells, data, sheet)
        table = _table(cells, label, score, partial(_numeric, book, sheet) if long else None)
        if table is not None:
            tables.append(table)
    if not tables:
        raise OrderguardError(*(notes or [_no_rows(name)]))
    tables[0].notes.extend(notes)
    if len(tables) == 1:
        tables[0].source = name
    return tables


def _numeric(book: fastexcel.ExcelReader, sheet: str) -> pl.DataFrame:
    """Which cells are numbers and no text: only numbers are true or false to the reader."""
    return book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="boolean").to_polars()


def _no_rows(name: str) -> Problem:
    return Problem(Words("文件里没有数据", "the book holds no data"), name, fix=Words("请重新导出", "export it again"))


def _broken(name: str, error: Exception) -> Problem:
    said = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
    what = Words("Excel 文件损坏或不完整", "the Excel file is damaged or incomplete")
    fix = Words(f"请重新下载或导出（{said}）", f"download or export it again ({said})")
    return Problem(what, name, fix=fix)


def _locked(data: bytes) -> bool:
    if not data.startswith(_OLE):
        return False
    if _ENCRYPTED in data:
        return True
    return _FILEPASS.search(data) is not None


def _check(data: bytes, name: str) -> bool:
    """Refuse what would hurt to read; whether number cells may hold numbers too long for them."""
    if data.startswith(_OLE):
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(i.file_size for i in archive.infolist())
            encrypted = any(i.flag_bits & 1 for i in archive.infolist())
            book = any(n.casefold().startswith("xl/") or n == "content.xml" for n in archive.namelist())
            locked = _ODS_LIST in archive.namelist() and b"encryption-data" in archive.read(_ODS_LIST)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
        raise OrderguardError(_broken(name, error)) from error
    if not book and archive.namelist():
        what = Words("是压缩包，不是表格", "is an archive, not a table")
        raise OrderguardError(Problem(what, name, fix=Words("请先解压再扫", "unpack it, then scan what is inside")))
    if encrypted:
        what = Words("压缩包有密码", "the archive is protected by a password")
        raise OrderguardError(Problem(what, name, fix=Words("请先解压再扫", "unpack it, then scan what is inside")))
    if locked:
        what = Words("表格有打开密码", "the book is protected by a password")
        fix = Words(
            "ODS 的密码本工具打不开；去掉密码后另存，或另存为带密码的 xlsx 并加 --password-file FILE",
            "passwords of ODS books are not supported: save it without one, or as xlsx and give --password-file FILE",
        )
        raise OrderguardError(Problem(what, name, fix=fix))
    if unpacked > _MAX_UNPACKED or (unpacked > 64 << 20 and unpacked > _MAX_RATIO * len(data)):
        what = Words(f"解压后会有 {unpacked >> 20:,} MB，不像正常的订单表", f"would unpack to {unpacked >> 20:,} MB")
        fix = Words("如确需读取请改存 CSV", "save it as CSV if it is a real export")
        raise OrderguardError(Problem(what, name, fix=fix))
    return _check_sheets(data, name)


def _check_sheets(data: bytes, name: str) -> bool:
    """Refuse a sheet whose few cells span a huge area: calamine makes room for all of it, and dies of it."""
    long = False
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for item in archive.namelist():
            sheet = re.fullmatch(r"xl/worksheets/[^/]+\.xml", item, re.IGNORECASE)
            if not sheet and item != "content.xml":
                continue
            try:
                far, some = _looked_over(archive, item) if sheet else (True, True)
                long = long or some
                if not far:
                    continue
                xml = archive.read(item)
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
                raise OrderguardError(_broken(name, error)) from error
            area, cells = _extent(xml) if sheet else _extent_of_ods(xml)
            if (area > _MAX_AREA and area > 20 * cells) or area > _MOST_AREA:
                what = Words(
                    "远处有孤立的单元格，整张表会撑到无法读取",
                    "a stray cell far away makes the sheet too large to read",
                )
                fix = Words(
                    "在 Excel 中按 Ctrl+End 找到它，删去后另存", "find it with Ctrl+End in Excel, delete it and save"
                )
                raise OrderguardError(Problem(what, name, fix=fix))
    return long


_UNUSUAL = (b" r='", b" r =", b"\tr", b"\nr=", b"\rr", b' r= "')
"""Other ways of writing a cell's place than Excel's, which is quick to look for."""


def _looked_over(archive: zipfile.ZipFile, item: str) -> tuple[bool, bool]:
    """Whether some cell of a sheet may stand far from the others, and whether some number is too long for its cell.

    A quick look, a few megabytes at a time while the next are unpacked: it may be wrong where it says yes.
    """
    rows, long_number = 0, False
    with archive.open(item) as file, ThreadPoolExecutor(1) as unpacking:
        pieces = _pieces(file)
        coming = unpacking.submit(lambda: list(islice(pieces, 8)))
        while some := coming.result():
            coming = unpacking.submit(lambda: list(islice(pieces, 8)))
            data = pl.Series(some, dtype=pl.Binary)
            try:
                text = data.cast(pl.String, strict=False)
            except pl.exceptions.PolarsError:  # bytes that are no text are an error, whatever `strict` says
                return True, True
            if text.null_count() or any(data.bin.contains(unusual).any() for unusual in _UNUSUAL):
                return True, True
            rows += sum(int(text.str.count_matches(tag, literal=True).sum()) for tag in ("<row", ":row"))
            long = len(str(rows * 20 + 1000))
            if text.str.contains(rf' r="(?:[A-Za-z]{{3,}}\d|[A-Za-z]*\d{{{long},}})').any():
                return True, True
            long_number = long_number or bool(text.str.contains(IN_XML).any())
    return False, long_number


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """A sheet's text in pieces that end where a tag does."""
    rest = b""
    while data := file.read(1 << 20):
        end = data.rfind(b">") + 1
        if end:
            yield rest + data[:end]
            rest = data[end:]
        else:
            rest += data
    if rest:
        yield rest


def _extent(xml: bytes) -> tuple[int, int]:
    """Area that a sheet's cells span, and their number."""
    row = column = last = widest = cells = 0
    for tag in re.finditer(rb"<(?:\w+:)?(row|c)\b([^>]*)", xml):
        at = re.search(rb"\br\s*=\s*[\"']([A-Za-z]*)(\d+)", tag[2])
        if tag[1] == b"row":
            row, column = int(at[2][:12]) if at else row + 1, 0
        else:
            column = _column(at[1].upper()) if at and at[1] else column + 1
            last, widest, cells = max(last, int(at[2][:12]) if at else row), max(widest, column), cells + 1
    return last * widest, cells


def _extent_of_ods(xml: bytes) -> tuple[int, int]:
    """The same for an OpenDocument sheet, where a cell and a row may say that they are repeated."""
    area = cells = 0
    for row in re.split(rb"<table:table-row\b", xml)[1:]:
        times = re.match(rb"[^>]*number-rows-repeated=\"(\d+)", row)
        width = 0
        for cell in re.finditer(rb"<table:table-cell\b([^>]*)", row):
            more = re.search(rb"number-columns-repeated=\"(\d+)", cell[1])
            if b"value" in cell[1]:
                width, cells = width + (int(more[1][:9]) if more else 1), cells + 1
        area += width * (int(times[1][:9]) if times else 1)
    return area, cells


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _table(
    cells: pl.DataFrame, label: str, score: HeaderScore, numeric: Callable[[], pl.DataFrame] | None
) -> Table | None:
    if cells.width > MAX_COLUMNS:
        wide = Words(f"有 {cells.width} 列，只读前 {MAX_COLUMNS} 列", f"has {cells.width} columns, read {MAX_COLUMNS}")
        cells = cells[:, :MAX_COLUMNS]
        notes = [Problem(wide, label, fatal=False)]
    else:
        notes = []
    rows = [list(r) for r in cells.head(HEADER_ROWS).rows()]
    if not any(c and c.strip(BLANKS) for row in rows for c in row):
        return None
    header_at = find_header(rows, score)
    head = [c for c in rows[header_at] if c and c.strip(BLANKS)]
    if len(head) == 1 and head[0].count("\t") >= 2:
        cells = _parted(cells, rows[header_at].index(head[0]), head[0].count("\t") + 1)
        rows = [list(r) for r in cells.head(HEADER_ROWS).rows()]
    columns = header_names(rows[header_at])
    if numeric is not None:
        cells, lost = rounded_numbers(cells, header_at, label, numeric)
        notes += lost
    frame = cells.rename(dict(zip(cells.columns, columns, strict=True))) if cells.columns != columns else cells
    frame = frame.with_row_index("source_row", 1).with_columns(pl.col("source_row").cast(pl.Int64))[header_at + 1 :]
    frame = frame.filter(pl.any_horizontal(pl.col(columns).is_not_null()))
    bad, told = above_header(rows[: header_at + 1], columns, label)
    return Table(label, untabbed(frame, columns), bad, notes + told)


def _parted(cells: pl.DataFrame, column: int, width: int) -> pl.DataFrame:
    """A sheet whose rows are one cell each, cells joined by tabs."""
    parts = cells[:, column].fill_null("").str.split("\t")
    names = [f"c{i}" for i in range(min(width, MAX_COLUMNS))]
    return pl.DataFrame([parts.list.get(i, null_on_oob=True).alias(n) for i, n in enumerate(names)]).with_columns(
        pl.when(pl.all() != "").then(pl.all())
    )
