"""Databases among the inputs: which table, from which watermark, as tables of text like any file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

from orderguard.databases import is_address, parse_address
from orderguard.errors import OrderguardError, Problem, Words, closest
from orderguard.ingest import Source, Table
from orderguard.platforms import match_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.databases import Mark
    from orderguard.ingest.databases import Ask, Reader
    from orderguard.platforms import Profile
    from orderguard.stages.options import Options


def files_among(paths: Sequence[str]) -> list[str]:
    """The inputs that are no databases."""
    return [p for p in paths if not is_address(p)]


def database_sources(options: Options, profiles: Sequence[Profile], marks: list[Mark]) -> list[Source]:
    """Read every database among the inputs; how far it was read is added to `marks`.

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
        return []
    from orderguard.ingest.databases import Ask  # noqa: PLC0415 - few scans read databases

    known = _known(options)
    return [
        _read(Ask(parse_address(a), options.table, options.query), options, profiles, known, marks) for a in addresses
    ]


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


def _read(ask: Ask, options: Options, profiles: Sequence[Profile], known: dict[str, Mark], marks: list[Mark]) -> Source:
    from orderguard.ingest.databases import opened  # noqa: PLC0415

    source, content = Source(None, ask.shown, sha256="-"), hashlib.sha256()
    try:
        with opened(ask) as reader:
            column = watermark(reader, options, profiles)
            mark = known.get(ask.source(column)) if column else None
            since = None if options.since == "last" else options.since
            parts = []
            for part in reader.batches(column, mark, since):
                text = part.write_csv().encode()
                content.update(text)
                source.size += len(text)
                parts.append(part)
                rows = sum(map(len, parts))
                options.tell(Words(f"读取 {source.name}：{rows:,} 行", f"reading {source.name}: {rows:,} rows"))
            frame = _whole(parts, reader)
            source.tables = [
                Table(
                    source.name, frame.with_row_index("source_row", 1).with_columns(pl.col("source_row").cast(pl.Int64))
                )
            ]
            marks += [reader.mark] if reader.mark else []
    except OrderguardError as error:
        source.problems += error.problems
    source.sha256 = content.hexdigest()
    return source


def _whole(parts: list[pl.DataFrame], reader: Reader) -> pl.DataFrame:
    """One frame; a column that came as instants in some batches and as text in others is text."""
    if not parts:
        from orderguard.ingest.table import header_names  # noqa: PLC0415

        return pl.DataFrame(schema=dict.fromkeys(header_names(reader.columns), pl.String))
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
