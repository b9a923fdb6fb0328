"""Findings, decisions and cases as tables of the shop's own database: created if absent, upserted in one transaction.

The same scan exported twice leaves the same rows. Cells are parameters or COPY data, never part of a statement.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.databases import connect, failed
from orderguard.errors import DeliveryError, OrderguardError, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.databases import Address

PREFIX = "orderguard_"
KEYS = {
    "findings": ("platform", "order_id", "rule_id", "rule_fingerprint"),
    "decisions": ("platform", "order_id"),
    "cases": ("case_id",),
}
"""Tables (after `PREFIX`) and what makes a row of them one row."""

_TYPES = {
    "sqlite": {pl.String: "TEXT", pl.Float64: "REAL", pl.Datetime: "TEXT"},
    "postgres": {pl.String: "TEXT", pl.Float64: "DOUBLE PRECISION", pl.Datetime: "TIMESTAMP WITH TIME ZONE"},
    "mysql": {pl.String: "TEXT", pl.Float64: "DOUBLE", pl.Datetime: "DATETIME(6)"},
}
_ROWS = 5_000
_LOCK = 0x6F67  # one export at a time, whoever runs it


def export_tables(address: Address, tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Write frames to their tables; returns rows per table. All of it, or nothing.

    Raises:
        DeliveryError: the database cannot be reached or refuses (nothing was written there; the ledger has it all).
    """
    again = Words("台账已记下；修好后再扫一次即可补写", "the ledger has it all; scan again to write it")
    try:
        db = connect(address, write=True)
    except OrderguardError as error:
        raise DeliveryError(*[replace(p, fix=p.fix if any(p.fix) else again) for p in error.problems]) from None
    try:
        if address.kind == "sqlite":
            db.execute("BEGIN IMMEDIATE")
        # MySQL ends a transaction at every CREATE: tables first, then rows.
        for name, frame in tables.items():
            _create(db, address.kind, name, frame)
        for name, frame in tables.items():
            _upsert(
                db, address.kind, name, _plain(frame.unique(KEYS[name], keep="last", maintain_order=True), address.kind)
            )
        db.execute("COMMIT") if address.kind == "sqlite" else db.commit()
    except Exception as error:
        if not type(error).__module__.startswith(("sqlite3", "psycopg", "pymysql")):
            raise
        doing = Words("结果无法写入数据库", "the results cannot be written to the database")
        raise DeliveryError(failed(address, error, doing, again)) from None
    finally:
        db.close()
    return {PREFIX + name: len(frame) for name, frame in tables.items()}


def _plain(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Text without NUL (no database takes it) and instants as the database reads them, in UTC."""
    instants = [c for c, t in frame.schema.items() if isinstance(t, pl.Datetime)]
    form = {
        "sqlite": "%Y-%m-%dT%H:%M:%S%.6fZ",
        "postgres": "%Y-%m-%d %H:%M:%S%.6f+00",
        "mysql": "%Y-%m-%d %H:%M:%S%.6f",
    }[kind]
    texts = [c for c, t in frame.schema.items() if t == pl.String]
    return frame.with_columns(
        *[pl.col(c).dt.strftime(form) for c in instants], *[pl.col(c).str.replace_all("\x00", "") for c in texts]
    )


def _create(db: Any, kind: str, name: str, frame: pl.DataFrame) -> None:
    types, keys = _TYPES[kind], KEYS[name]
    columns = []
    for column, dtype in frame.schema.items():
        base: Any = dtype.base_type()
        # MySQL makes no key of a TEXT; 170 characters of four bytes, four times, are what its index holds.
        short = kind == "mysql" and column in keys
        columns.append(
            f"{_quoted(kind, column)} {'VARCHAR(170)' if short else types[base]}{' NOT NULL' if column in keys else ''}"
        )
    listed = ", ".join(_quoted(kind, k) for k in keys)
    tail = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if kind == "mysql" else ""
    cursor = db.cursor()
    if kind == "postgres":
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {_quoted(kind, PREFIX + name)} ({', '.join(columns)}, PRIMARY KEY ({listed})){tail}"
    )


def _upsert(db: Any, kind: str, name: str, frame: pl.DataFrame) -> None:
    table, keys = _quoted(kind, PREFIX + name), KEYS[name]
    columns = ", ".join(_quoted(kind, c) for c in frame.columns)
    others = [_quoted(kind, c) for c in frame.columns if c not in keys]
    frame = frame.sort(keys)  # two exports at once take their locks in the same order
    cursor = db.cursor()
    if kind == "mysql":
        # VALUES(), not an alias: MariaDB knows only this.
        changes = ", ".join(f"{c} = VALUES({c})" for c in others)
        marks = ", ".join(["%s"] * frame.width)
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON DUPLICATE KEY UPDATE {changes}"  # noqa: S608 - own names
        for part in frame.iter_slices(_ROWS):
            cursor.executemany(statement, part.rows())
        return
    listed = ", ".join(_quoted(kind, k) for k in keys)
    changes = f"ON CONFLICT ({listed}) DO UPDATE SET " + ", ".join(f"{c} = excluded.{c}" for c in others)
    if kind == "sqlite":
        marks = ", ".join("?" * frame.width)
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks}) {changes}", frame.iter_rows())  # noqa: S608 - own names
        return
    draft = _quoted(kind, f"{PREFIX}{name}_draft")
    cursor.execute(f"CREATE TEMPORARY TABLE {draft} (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DROP")
    with cursor.copy(f"COPY {draft} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        for part in frame.iter_slices(_ROWS * 10):
            copy.write(part.write_csv(include_header=False).encode())
    cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {draft} {changes}")  # noqa: S608 - own names


def _quoted(kind: str, name: str) -> str:
    return f"`{name}`" if kind == "mysql" else f'"{name}"'
