"""Databases among the inputs: which table, from which watermark, as tables of text like any file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from orderguard.databases import is_address, parse_address
from orderguard.errors import OrderguardError, Problem, Words, closest
from orderguard.ingest import Source, Table
from orderguard.normalise.times import times
from orderguard.platforms import match_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from orderguard.databases import Mark
    from orderguard.ingest.databases import Ask, Reader
    from orderguard.platforms import Profile
    from orderguard.stages.options import Options


def files_among(paths: Sequence[str]) -> list[str]:
    """The inputs that are no databases."""
    return [p for p in paths if not is_address(p)]


class TooLarge(Exception):  # noqa: N818 - no error: the scan goes another way
    """A database holds more than fits into memory."""


def database_sources(options: Options, profiles: Sequence[Profile], marks: list[Mark], most: int) -> list[Source]:
    """Read every database among the inputs whole; how far it was read is added to `marks`.

    Args:
        options: the scan's.
        profiles: all that are known.
        marks: for the watermarks.
        most: bytes of text that may come.

    Raises:
        OrderguardError: options of databases without a database, or both a table and a query.
        TooLarge: more than `most`.
    """
    sources, size = [], 0
    for source, tables in database_batches(options, profiles, marks):
        parts: list[Table] = []
        for table in tables:
            parts.append(table)
            if len(table.frame) and size + source.size > most:
                raise TooLarge
        size += source.size
        source.tables = [replace(parts[0], frame=_whole([p.frame for p in parts]))] if parts else []
        sources.append(source)
    return sources


def database_batches(
    options: Options, profiles: Sequence[Profile], marks: list[Mark]
) -> Iterator[tuple[Source, Iterator[Table]]]:
    """Every database among the inputs and its rows, a batch at a time; hash, size and problems stand in it at the end.

    Raises:
        OrderguardError: options of databases without a database, or both a table and a query.
    """
    addresses = [p for p in options.paths if is_address(p)]
    given = [f"--{n}" for n in ("table", "query", "since", "watermark") if getattr(options, n) is not None]
    if given and not addresses:
        what = Words(f"{given[0]} 只用于数据库", f"{given[0]} goes with a database only")
        fix = Words(
            "例：orderguard scan sqlite:///订单.db --table orders",
            "such as: orderguard scan sqlite:///orders.db --table orders",
        )
        raise OrderguardError(Problem(what, fix=fix))
    if options.table is not None and options.query is not None:
        raise OrderguardError(Words("--table 与 --query 只能给一个", "give either --table or --query"))
    if not addresses:
        return
    from orderguard.ingest.databases import Ask  # noqa: PLC0415 - few scans read databases

    known = _known(options)
    for address in addresses:
        ask = Ask(parse_address(address), options.table, options.query)
        source = Source(None, ask.shown, sha256="-")
        yield source, _tables(ask, source, options, profiles, known, marks)


def _known(options: Options) -> dict[str, Mark]:
    """The marks that earlier scans left, where they are asked for."""
    if options.since != "last" or not (options.ledger / "ledger.db").exists():
        return {}
    from orderguard.ledger import open_ledger  # noqa: PLC0415
    from orderguard.ledger.marks import read_marks  # noqa: PLC0415

    ledger = open_ledger(options.ledger, options.tell)
    try:
        return read_marks(ledger.db)
    finally:
        ledger.close()


def _tables(
    ask: Ask, source: Source, options: Options, profiles: Sequence[Profile], known: dict[str, Mark], marks: list[Mark]
) -> Iterator[Table]:
    from orderguard.ingest.databases import opened  # noqa: PLC0415
    from orderguard.ingest.table import header_names  # noqa: PLC0415

    content, rows = hashlib.sha256(), 0
    try:
        with opened(ask, options.heed) as reader:
            column = watermark(reader, options, profiles)
            mark = known.get(ask.source(column)) if column else None
            since = None if options.since == "last" else options.since
            nothing = pl.DataFrame(schema=dict.fromkeys(header_names(reader.columns), pl.String))
            for part in reader.batches(column, mark, since, lambda text: _moment(text, options.book.timezone)):
                text = part.write_csv().encode()
                content.update(text)
                source.size += len(text)
                yield Table(source.name, _numbered(part, rows))
                rows += len(part)
                options.tell(Words(f"读取 {source.name}：{rows:,} 行", f"reading {source.name}: {rows:,} rows"))
            if not source.size:
                yield Table(source.name, _numbered(nothing, 0))
            marks += [reader.mark] if reader.mark else []
    except OrderguardError as error:
        source.problems += error.problems
    source.sha256 = content.hexdigest()


def _moment(text: str, zone: str) -> datetime | None:
    """`--since` as an instant, read like an export's times; None where it is none, such as a number."""
    read: datetime | None = times(pl.Series([text]), zone).item()
    return read


def _numbered(rows: pl.DataFrame, before: int) -> pl.DataFrame:
    return rows.with_row_index("source_row", 1 + before).with_columns(pl.col("source_row").cast(pl.Int64))


def _whole(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """One frame; a column that came as instants in some batches and as text in others is text."""
    for name in parts[0].columns:
        if len({p.schema[name] for p in parts}) > 1:
            parts = [p.with_columns(pl.col(name).cast(pl.String)) for p in parts]
    return pl.concat(parts, rechunk=True)


def watermark(reader: Reader, options: Options, profiles: Sequence[Profile]) -> str | None:
    """The column that a watermark is kept of: the one asked for, else that of the order time.

    Raises:
        OrderguardError: there is no such column, or `--since` has none to compare.
    """
    names = reader.columns
    if options.watermark is not None:
        same = [n for n in names if n == options.watermark] or [
            n for n in names if n.casefold() == options.watermark.casefold()
        ]
        if not same:
            what = Words(f"没有 {options.watermark} 列", f"there is no column {options.watermark}")
            raise OrderguardError(Problem(what, reader.ask.shown, fix=closest(options.watermark, names)))
        return same[0]
    try:
        pick = match_header(names, profiles, options.platform, reader.ask.shown).picks.get("created_at")
    except OrderguardError:
        pick = None  # the header is looked at again when the table is typed, and then this is said
    if pick is not None and pick.how == "first" and pick.sources[0] in names:
        return pick.sources[0]
    if options.since is None:
        return None
    fix = Words("用 --watermark 指明自增编号或时间列", "name a time or a rising number with --watermark")
    raise OrderguardError(
        Problem(
            Words("认不出下单时间列，无法增量读取", "has no order time column to read on from"),
            reader.ask.shown,
            fix=fix,
        )
    )
