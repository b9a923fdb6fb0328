"""Files larger than memory, a batch of rows at a time: delimited text, JSON lines and Parquet; others come whole."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest.delimited import header_bytes, read_delimited
from orderguard.ingest.reader import Source, changed_since, look_at, read_source, telling
from orderguard.ingest.records import parquet_table, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderguard.ingest.table import HeaderScore, Table

_TEXT = {".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson"}
_PARQUET = {".parquet", ".pq"}
_MANY_ZEROS = 16
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def can_batch(source: Source) -> bool:
    """Whether this input can be read a batch at a time."""
    if source.path is None or not source.path.is_file():  # a pipe tells everything once
        return False
    suffix = source.path.suffix.lower()
    if suffix in _PARQUET:
        return True
    if suffix not in _TEXT:
        return False
    try:
        with source.path.open("rb") as file:
            start = file.read(1 << 16)
    except OSError:  # whoever reads it says why
        return False
    wide = (
        start.startswith(_WIDE) or start[:4096].count(0) > _MANY_ZEROS
    )  # UTF-16, also without its mark, has no line end of one byte
    return not (wide or start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))) and b"\n" in start


def read_batches(source: Source, score: HeaderScore, block: int, rows: int, *args: Any) -> Iterator[Table]:
    """The input's tables, each row numbered as in the whole file; hash and problems stand in `source` at the end.

    Args:
        source: what to read.
        score: tells how much a row looks like a header.
        block: bytes of text in a batch.
        rows: rows of a Parquet file in a batch.
        args: handed to `read_source` for inputs that come whole.
    """
    if source.problems:  # it is not there
        return
    if not can_batch(source):
        yield from read_source(source, score, *args).tables
        return
    assert source.path is not None  # noqa: S101 - can_batch says so
    with telling(source):
        look_at(source)
        if source.path.suffix.lower() in _PARQUET:
            yield from _parquet(source, rows)
        else:
            yield from _text(source, score, block)


def _text(source: Source, score: HeaderScore, block: int) -> Iterator[Table]:
    assert source.path is not None  # noqa: S101 - can_batch says so
    lines = source.path.suffix.lower() in {".jsonl", ".ndjson"}
    head, before, told = b"", 0, list[Problem]()
    for number, data in enumerate(_blocks(source, block)):
        table = (
            read_json(data, source.name, score)
            if lines
            else read_delimited(head + data if number else data, source.name, score)
        )
        if not number and not lines:
            head = header_bytes(data, source.name, score)
        under = head.count(b"\n") if not lines else 0
        if number:
            # What stands above the header was told with the first piece.
            table.bad = [bad for bad in table.bad if bad.row > head.count(b"\n")]
            table.frame = table.frame.with_columns(pl.col("source_row") + before)
            for bad in table.bad:
                bad.row += before
        table.notes = [note for note in table.notes if note not in told]
        told += table.notes
        last = max(
            [
                before + under,
                *([int(table.frame["source_row"][-1])] if len(table.frame) else []),
                *(b.row for b in table.bad),
            ]
        )
        counted = before + under + _records(data) - (0 if number else under)
        before = max(last, counted) - under
        yield table


def _blocks(source: Source, block: int) -> Iterator[bytes]:
    """Pieces of about `block` bytes that end where a record ends: at a line break outside of quotes."""
    assert source.path is not None  # noqa: S101 - can_batch says so
    digest, rest = hashlib.sha256(), b""
    with source.path.open("rb") as file:
        while data := file.read(block):
            digest.update(data)
            source.size += len(data)
            data = rest + data
            cut = _cut(data)
            rest = data[cut:]
            if cut:
                yield data[:cut]
        changed_since(source, file, source.state)
    source.sha256 = digest.hexdigest()
    if rest.strip(b"\r\n"):
        yield rest


def _cut(data: bytes) -> int:
    """The byte after the last line break outside of quotes; a quote that never closes does not hold up the file."""
    end = data.rfind(b"\n") + 1
    if b'"' not in data:
        return end
    at, tries = end, 0
    quotes = data.count(b'"', 0, end)
    while at and quotes % 2:
        above = data.rfind(b"\n", 0, at - 1) + 1
        quotes -= data.count(b'"', above, at)
        at, tries = above, tries + 1
        if tries > 500:  # as many lines as the careful reader joins
            return end
    return at or (end if len(data) > 1 << 26 else 0)


def _records(data: bytes) -> int:
    if b'"' not in data:
        return data.count(b"\n")
    return sum(part.count(b"\n") for part in data.split(b'"')[::2])


def _parquet(source: Source, rows: int) -> Iterator[Table]:
    assert source.path is not None  # noqa: S101 - can_batch says so
    try:
        lazy = pl.scan_parquet(source.path)
        height = lazy.select(pl.len()).collect().item()
        for offset in range(0, max(height, 1), rows):
            table = parquet_table(lazy.slice(offset, rows).collect(), source.name)
            table.frame = table.frame.with_columns(pl.col("source_row") + offset)
            yield table
    except pl.exceptions.PolarsError as error:
        what = Words("Parquet 文件损坏或不完整", "the Parquet file is damaged or incomplete")
        raise OrderguardError(Problem(what, source.name, fix=Words("请重新导出", "export it again"))) from error
    digest = hashlib.sha256()
    with source.path.open("rb") as file:
        while data := file.read(1 << 22):
            digest.update(data)
            source.size += len(data)
        changed_since(source, file, source.state)
    source.sha256 = digest.hexdigest()
