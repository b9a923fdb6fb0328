"""Tables that back offices hand out as `.xls` but write as a web page (HTML) or as Excel 2003's XML."""

from __future__ import annotations

import codecs
import csv
import io
import re
from html import unescape

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest.encodings import to_utf8
from orderguard.ingest.table import MAX_COLUMNS

_HEAD = 4096
_STARTS = re.compile(
    r"<!doctype html|<html|<table|<\?xml.{0,600}?<workbook\b|<workbook\b|<meta\b|<head\b|<style\b", re.DOTALL
)
_ROWS, _CELLS = {"tr", "row"}, {"td", "th", "cell"}
_TABLES = {"table"}
_UNSEEN = {"style", "script", "styles", "documentproperties", "comment"}
_TAG = re.compile(r"""<(/?)([a-zA-Z][\w:.-]{0,80})((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>""")
_ATTRIBUTE = re.compile(r"""([\w:.-]{1,80})\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")
_SPAN = 100
"""Columns that a cell may span or leave out: more is no export of orders."""


def is_markup(data: bytes) -> bool:
    """Whether the bytes are a web page or Excel's XML, whatever the file is called."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = data[:_HEAD].decode("utf-16", "replace")
    else:
        head = data[:_HEAD].decode("latin-1").removeprefix("\xef\xbb\xbf")
    return _STARTS.match(head.lstrip().casefold()) is not None


def as_text(data: bytes, name: str) -> bytes:
    """The largest table in it as comma-separated text, every cell as it is shown; blanks where cells are merged.

    Raises:
        OrderguardError: no table in it.
    """
    tables = _Tables()
    tables.feed(to_utf8(data, name)[1].decode("utf-8", "replace"))
    rows = max(tables.found, key=lambda rows: sum(map(len, rows)), default=[])
    if not any(any(row) for row in rows):
        what = Words("是网页，里面没有表格", "is a web page without a table")
        fix = Words("多半是登录已过期；请重新导出", "the login may have expired; export it again")
        raise OrderguardError(Problem(what, name, fix=fix))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return codecs.BOM_UTF8 + text.getvalue().encode("utf-8", "replace")


class _Tables:
    """Rows of cells of every table; a table within a cell is one of its own.

    No parser of the standard library: theirs takes a minute over 60 KB of `<a <a <a`. Each character is looked at once.
    """

    def __init__(self) -> None:
        self.found: list[list[list[str]]] = []
        self._open: list[tuple[list[list[str]], list[str] | None]] = []
        self._rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self._span = 1
        self._unseen = ""

    def feed(self, text: str) -> None:
        """Read all of it."""
        at = 0
        while (sign := text.find("<", at)) >= 0:
            self._said(text[at:sign])
            comment, plain = text.startswith("<!--", sign), text.startswith("<![CDATA[", sign)
            if comment or plain:
                end = text.find("-->" if comment else "]]>", sign + 4)
                if end < 0:
                    break
                if plain:
                    self._said(text[sign + 9 : end], plain=True)
                at = end + 3
                continue
            tag = _TAG.match(text, sign)
            if tag is None:
                self._said("<")
                at = sign + 1
                continue
            at = tag.end()
            name = tag[2].rpartition(":")[2].casefold()
            empty = tag[3].endswith("/")
            if not tag[1]:
                self._opens(name, tag[3])
            if tag[1] or (empty and name in _CELLS | _ROWS | _UNSEEN):  # <Cell ss:Index="3"/> is a cell, <Row/> a row
                self._closes(name)
        else:
            self._said(text[at:])
        self.ended()
        while self._open:  # tables that nothing closes
            self._rows, self._cell = self._open.pop()
            self.ended()

    def _opens(self, tag: str, rest: str) -> None:
        if tag in _UNSEEN:
            self._unseen = self._unseen or tag
        elif tag in _TABLES:
            self._open.append((self._rows, self._cell))
            self._rows, self._cell = [], None
        elif tag in _ROWS:
            self._shut()
            blank = _number(_attributes(rest).get("index", "")) - 1 - len(self._rows)
            self._rows += [[] for _ in range(min(blank, _SPAN))]
            self._rows.append([])
        elif tag in _CELLS:
            self._shut()
            if not self._rows:
                self._rows.append([])
            said = _attributes(rest)
            self._rows[-1] += [""] * min(_number(said.get("index", "")) - 1 - len(self._rows[-1]), _SPAN)
            self._cell = []
            self._span = min(max(_number(said.get("colspan", "")), _number(said.get("mergeacross", "")) + 1, 1), _SPAN)
        elif tag in {"br", "p", "div"} and self._cell:
            self._cell.append(" ")

    def _closes(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = ""
        elif tag in _CELLS or tag in _ROWS:
            self._shut()
        elif tag in _TABLES:
            self.ended()
            self._rows, self._cell = self._open.pop() if self._open else ([], None)

    def _said(self, text: str, *, plain: bool = False) -> None:
        if self._cell is not None and text and not self._unseen:
            self._cell.append(text if plain else unescape(text))

    def ended(self) -> None:
        """Take what is open as a table."""
        self._shut()
        if self._rows:
            self.found.append(self._rows)
            self._rows = []

    def _shut(self) -> None:
        if self._cell is None or not self._rows:
            return
        row = self._rows[-1]
        if len(row) <= MAX_COLUMNS:
            row += [" ".join("".join(self._cell).split()), *[""] * (self._span - 1)]
        self._cell = None


def _attributes(rest: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(rest[:_HEAD])
    return {name.rpartition(":")[2].casefold(): value.strip("\"'") for name, value in found}


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,6}", text.strip()) else 0
