"""Delimited text: comma, tab, semicolon, bar and rarer signs; UTF-8 with or without BOM, GB18030, UTF-16, Big5.

The fast way is Polars' reader, which refuses a file with one ragged line or one broken byte. Only then does
a record-by-record reader take over, which sets the bad rows aside and keeps the rest.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest.dialects import lines_ended, other_delimiter, quote_of, quotes_at_cells, unwrapped_lines
from orderguard.ingest.encodings import HEAD_BYTES, to_utf8
from orderguard.ingest.ragged import read_records, short, split
from orderguard.ingest.table import (
    HEADER_ROWS,
    MAX_CELL,
    MAX_COLUMNS,
    BadRow,
    HeaderScore,
    Table,
    above_header,
    find_header,
    header_names,
    row_text,
    untabbed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 1 << 20
_DELIMITERS = (",", "\t", ";", "|", "^", "~", "\x01")
"""The likeliest first; the last is Hive's."""
_SEP = re.compile(r"\ufeff?sep=([\x01-\x7e])\s", re.IGNORECASE)
"""A first line that tells Excel the delimiter."""


def read_delimited(data: bytes, name: str, score: HeaderScore) -> Table:
    """Read delimited text.

    Args:
        data: the whole file.
        name: how the file is called in messages.
        score: tells how much a row looks like a header.

    Raises:
        OrderguardError: empty, binary, or without a header that could be found.
    """
    data, long_lines = _without_long_lines(data)
    encoding, data = to_utf8(data, name)
    notes: list[Problem] = []
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    head = data[:HEAD_BYTES].decode("utf-8", "replace")
    delimiter, rows = _delimiter(head, score)
    header_at = find_header(rows, score)
    if rows and any("\n" in cell for cell in rows[header_at]):
        data, delimiter, rows, header_at = _less_a_stray_quote(data, (delimiter, rows, header_at), score)
    if not rows or not any(c.strip(BLANKS) for c in rows[header_at]):
        raise OrderguardError(*([Problem(_too_long(n), name, row) for row, n, _ in long_lines[:1]] or [_empty(name)]))
    if len(rows[header_at]) > MAX_COLUMNS:
        what = Words(f"表头有 {len(rows[header_at])} 列", f"the header has {len(rows[header_at])} columns")
        fix = Words(f"最多 {MAX_COLUMNS} 列；检查分隔符", f"at most {MAX_COLUMNS}; check the delimiter")
        raise OrderguardError(Problem(what, name, header_at + 1, fix))
    mended = _as_others_write(data, rows[header_at], delimiter)
    if mended is not data:
        data = mended
        delimiter, rows = _delimiter(data[:HEAD_BYTES].decode("utf-8", "replace"), score)
        header_at = find_header(rows, score)
    parted_by = other_delimiter(rows[header_at], score)
    if parted_by:
        raise OrderguardError(_not_parted(parted_by, name, header_at + 1))
    quote = quote_of(rows[header_at])
    columns = header_names(rows[header_at] if quote == '"' else [c.strip(BLANKS + quote) for c in rows[header_at]])
    skip = _offset_after(data, header_at, delimiter)
    # Bytes that did not decode spoil their rows only: the slow reader sets these aside.
    spoiled = encoding != "utf-8" and "\ufffd".encode() in data
    unquoted = delimiter == "\t" and _without_quoting(data, skip, len(columns))
    frame, bad = None if spoiled else _fast(data, skip, columns, delimiter, None if unquoted else quote), list[BadRow]()
    if frame is None:
        frame, bad = read_records(data[skip:], columns, (delimiter, quote), header_at + 2, encoding)
    else:
        frame = frame.with_row_index("source_row", header_at + 2).with_columns(pl.col("source_row").cast(pl.Int64))
        frame, bad = _cut_off_end(frame, data, columns, delimiter)
    bad += [BadRow(row, _too_long(size), text) for row, size, text in long_lines]
    lost, told = above_header(rows[: header_at + 1], columns, name)
    bad, notes = lost + bad, notes + told
    frame = _less_blank_rows(frame, columns)
    if delimiter != "\t" and b"\t" in data:
        frame = untabbed(frame, columns)
    if bad and encoding != "utf-8" and any("�" in b.cells for b in bad):
        notes.append(
            Problem(
                Words(f"按 {encoding} 读取，有无法解码的行", f"read as {encoding}, some lines do not decode"),
                name,
                fatal=False,
            )
        )
    return Table(name, frame, bad, notes)


def _less_blank_rows(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Without rows that hold nothing; where all cells are in quotes these are empty texts."""
    may_be = (frame[columns[0]].fill_null("") == "").arg_true()
    if not len(may_be):
        return frame
    nothing = frame.select(columns)[may_be].select(pl.all_horizontal(pl.all().fill_null("") == "")).to_series()
    return frame.filter(~pl.int_range(pl.len()).is_in(may_be.filter(nothing).implode()))


def _as_others_write(data: bytes, header: list[str], delimiter: str) -> bytes:
    if len(header) == 1 and any(header[0].count(d) >= 2 for d in _DELIMITERS) and data.count(b'"', 0, HEAD_BYTES) > 1:
        return unwrapped_lines(data)
    return quotes_at_cells(lines_ended(data, delimiter, len(header)), delimiter, header)


def header_bytes(data: bytes, name: str, score: HeaderScore) -> bytes:
    """The first bytes of a file, header included, as they are: what a later piece of it needs above itself."""
    _, text = to_utf8(data, name)
    delimiter, rows = _delimiter(text[:HEAD_BYTES].decode("utf-8", "replace"), score)
    header_at = find_header(rows, score)
    data, text = (lines_ended(d, delimiter, len(rows[header_at])) for d in (data, text))
    lines = text[: _offset_after(text, header_at, delimiter)].count(b"\n")
    at = 0
    for _ in range(lines):
        at = data.find(b"\n", at) + 1
    return data[:at]


def _not_parted(sign: str, name: str, row: int) -> Problem:
    zh, en = ("空格", "blanks") if sign.isspace() else (f"“{sign}”", f"'{sign}'")
    what = Words(
        f"表头的各列之间是{zh}，不认识这种分隔", f"the headings are parted by {en}, which is not read as a delimiter"
    )
    fix = Words(
        "请改用逗号、制表符、分号或竖线分隔后重扫",
        "part the columns by commas, tabs, semicolons or bars, and scan again",
    )
    return Problem(what, name, row, fix)


def _empty(name: str) -> Problem:
    return Problem(Words("文件是空的", "the file is empty"), name, fix=Words("请重新导出", "export it again"))


def _too_long(size: int) -> Words:
    return Words(
        f"该行长 {size:,} 字节（上限 {MAX_LINE:,}）；多半是漏了换行或引号，请修正后重扫",
        f"the line is {size:,} bytes long (limit {MAX_LINE:,}); a line break or a quote is probably missing",
    )


def _without_long_lines(data: bytes) -> tuple[bytes, list[tuple[int, int, str]]]:
    """Cut lines longer than 1 MiB out; a jump of that size from break to break finds them without a scan."""
    pos, keep_from, kept, long_lines, row = 0, 0, list[bytes](), list[tuple[int, int, str]](), 0
    size = len(data)
    while size - pos > MAX_LINE:
        at = data.rfind(b"\n", pos, pos + MAX_LINE)
        if at >= 0:
            pos = at + 1
            continue
        end = data.find(b"\n", pos + MAX_LINE)
        end = size if end < 0 else end + 1
        if pos == 0 and end == size and b"\r" in data[:MAX_LINE]:
            return data, []  # old Macintosh line ends: no \n at all
        row = row + data.count(b"\n", keep_from, pos) + 1
        long_lines.append((row, end - pos, data[pos : pos + 200].decode("utf-8", "replace")))
        kept.append(data[keep_from:pos] + b"\n")
        pos = keep_from = end
    if not long_lines:
        return data, []
    return b"".join([*kept, data[keep_from:]]), long_lines


def _delimiter(head: str, score: HeaderScore) -> tuple[str, list[list[str]]]:
    """The delimiter whose header row is understood best, and the first rows under it."""
    best: tuple[tuple[float, int], str, list[list[str]]] | None = None
    named = _SEP.match(head)
    for delimiter in (named[1],) if named else _DELIMITERS:
        if best is not None and delimiter not in head:
            continue
        rows = _first_rows(head, delimiter)
        at = find_header(rows, score)
        width = len(rows[at]) if rows else 0
        points = (score(rows[at]) * min(width, 5) if rows else 0.0, width)
        if best is None or points > best[0]:
            best = (points, delimiter, rows)
    return (best[1], best[2]) if best else (",", [])


def _less_a_stray_quote(
    data: bytes, found: tuple[str, list[list[str]], int], score: HeaderScore
) -> tuple[bytes, str, list[list[str]], int]:
    """A line of one quote alone above the header opens a cell that swallows headings: without it more are known."""
    lines = data.split(b"\n", HEADER_ROWS)
    mended = b"\n".join(line.replace(b'"', b"") if line.strip(b" \t\r,;|") == b'"' else line for line in lines)
    delimiter, rows = _delimiter(mended[:HEAD_BYTES].decode("utf-8", "replace"), score)
    at = find_header(rows, score)
    if rows and (score(rows[at]), len(rows[at])) > (score(found[1][found[2]]), len(found[1][found[2]])):
        return mended, delimiter, rows, at
    return data, *found


def _first_rows(head: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) >= HEADER_ROWS:
                break
    except csv.Error:
        return rows
    return rows


def _offset_after(data: bytes, header_at: int, delimiter: str) -> int:
    """The byte after the header row (a quoted heading may hold line breaks)."""
    lines = io.BytesIO(data)
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for line in lines:
            read += len(line)
            yield line.decode("utf-8", "replace")

    reader = csv.reader(texts(), delimiter=delimiter)
    for _ in range(header_at + 1):
        try:
            next(reader)
        except (StopIteration, csv.Error):
            break
    return read


def _without_quoting(data: bytes, skip: int, width: int) -> bool:
    """Whether quotes are just signs: every line has its tabs, so that no quote spans a tab or a line."""
    if data.find(b'"', skip) < 0:
        return False
    lines = memoryview(data)[skip:].tobytes().split(b"\n")
    return all(line.count(b"\t") == width - 1 for line in lines if line.strip(b"\r"))


def _unwrapped(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells wholly in quotes lose them."""
    text = pl.all()
    wrapped = text.str.contains(r'^"(?:[^"]|"")*"$')
    return frame.with_columns(
        pl.when(wrapped)
        .then(text.str.slice(1, text.str.len_chars() - 2).str.replace_all('""', '"', literal=True))
        .otherwise(text)
    ).with_columns(pl.when(text != "").then(text))


def _fast(data: bytes, skip: int, columns: list[str], delimiter: str, quote: str | None) -> pl.DataFrame | None:
    if not data[skip : skip + 4096].strip() and not data[skip:].strip():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            skip_lines=data.count(b"\n", 0, skip),
            schema=dict.fromkeys(columns, pl.String),
            separator=delimiter,
            infer_schema=False,
            quote_char=quote,
        )
    except pl.exceptions.PolarsError:
        return None
    frame = _unwrapped(frame) if quote is None else frame
    longest = frame.select(pl.col(columns).str.len_bytes().max()).row(0) if len(frame) else ()
    return None if any((n or 0) > MAX_CELL for n in longest) else frame


def _cut_off_end(
    frame: pl.DataFrame, data: bytes, columns: list[str], delimiter: str
) -> tuple[pl.DataFrame, list[BadRow]]:
    """Set the last row aside when the file ends in the middle of it (no line end, fewer cells than headings)."""
    if data.endswith((b"\n", b"\r")) or not len(frame) or frame[-1, columns[-1]] is not None:
        return frame, []
    last = data[data.rfind(b"\n") + 1 :].decode("utf-8", "replace")
    cells = split(last, delimiter) or last.split(delimiter)
    if len(cells) >= len(columns):
        return frame, []
    row = int(frame[-1, "source_row"])
    return frame[:-1], [BadRow(row, short(len(cells), len(columns), cut=True), row_text(columns, cells, cut=True))]
