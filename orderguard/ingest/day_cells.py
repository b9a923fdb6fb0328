"""Cells of an .xlsx that show a day and no time of day.

The reader gives every date as an instant: a column of days looks like orders at midnight, and three of them like a burst.
Which cells show no time only their number format says.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from datetime import datetime
from html import unescape

import polars as pl

_LARGEST = 16 << 20
"""Bytes of a sheet's XML that are looked through; in longer ones whole columns of midnights must tell it."""
_BUILT_IN = (*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58)
"""Excel's own formats of days (ECMA-376 part 1, 18.8.30)."""
_CELL = r'<c r="(?<column>[A-Z]{1,3})(?<row>[0-9]{1,7})" s="(?<style>[0-9]{1,5})"[^>]*><v>(?<serial>[0-9]{5})</v>'
_MIDNIGHT = " 00:00:00"
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock


def with_days(cells: pl.DataFrame, data: bytes, sheet: str) -> pl.DataFrame:
    """`cells` with `2026-11-11` where the book shows a day only, instead of `2026-11-11 00:00:00`."""
    midnights = [n for n in cells.columns if cells[n].str.ends_with(_MIDNIGHT).any()]
    if not midnights or not data.startswith(b"PK"):
        return cells
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            styles = _day_styles(_read(archive, "xl/styles.xml"))
            xml = _read(archive, _part(archive, sheet)) if styles else b""
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, ValueError, RuntimeError, NotImplementedError):
        return cells  # whatever is wrong with the book, the reader itself could read it
    tags = pl.Series([xml.decode("utf-8", "replace")]).str.extract_all(_CELL).explode().drop_nulls()
    dates = tags.str.extract_groups(_CELL).struct.unnest()
    dates = dates.filter(dates["style"].is_in([str(s) for s in styles]))
    for (letters,), some in dates.partition_by("column", as_dict=True).items():
        column = _column(str(letters))
        at = some.select(
            row=pl.col("row").cast(pl.UInt32) - 1,
            day=(pl.lit(_EPOCH) + pl.duration(days=pl.col("serial").cast(pl.Int32))).dt.strftime("%Y-%m-%d"),
        ).filter(pl.col("row") < len(cells))
        if column >= cells.width or at.is_empty():
            continue
        text = cells[:, column]
        shown = (text.gather(at["row"]) == at["day"] + _MIDNIGHT).fill_null(value=False)
        cells = cells.with_columns(text.scatter(at["row"].filter(shown), at["day"].filter(shown)).alias(text.name))
    return cells


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    return archive.read(name) if archive.getinfo(name).file_size <= _LARGEST else b""


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The file of a sheet.

    Raises:
        KeyError: there is none.
    """
    book = _read(archive, "xl/workbook.xml").decode("utf-8", "replace")
    links = _read(archive, "xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    for tag in re.findall(r"<sheet\b[^>]*>", book):
        name, link = re.search(r'\bname="([^"]*)"', tag), re.search(r'\br:id="([^"]*)"', tag)
        if name and link and unescape(name[1]) == sheet:
            for other in re.findall(r"<Relationship\b[^>]*>", links):
                if f'Id="{link[1]}"' in other and (target := re.search(r'\bTarget="([^"]*)"', other)):
                    return target[1].removeprefix("/") if target[1].startswith("/") else f"xl/{target[1]}"
    raise KeyError(sheet)


def _day_styles(xml: bytes) -> set[int]:
    """Numbers of the cell styles whose format shows a day and no time of day."""
    text = xml.decode("utf-8", "replace")
    days = set(_BUILT_IN)
    for tag in re.findall(r"<numFmt\b[^>]*>", text):
        number, code = re.search(r'\bnumFmtId="(\d+)"', tag), re.search(r'\bformatCode="([^"]*)"', tag)
        if number and code and _is_day(unescape(code[1])):
            days.add(int(number[1]))
    formats = re.search(r"<cellXfs\b.*?</cellXfs>", text, re.DOTALL)
    used = re.findall(r'<xf\b[^>]*?\bnumFmtId="(\d+)"', formats[0]) if formats else []
    return {i for i, number in enumerate(used) if int(number) in days}


def _is_day(code: str) -> bool:
    bare = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", code).lower()
    return "y" in bare and "d" in bare and not re.search(r"[hs时分秒]", bare)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
