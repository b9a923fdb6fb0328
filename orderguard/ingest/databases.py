"""Orders from a database: every cell as text, in batches, in one snapshot, from a watermark on.

SQLite casts to text in its query; PostgreSQL's COPY and MySQL's protocol carry text by themselves, so that no driver
turns a 19-digit number into a float or an exact sum into a binary one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.databases import Mark, connect, failed
from orderguard.errors import OrderguardError, Problem, Words, closest, printable
from orderguard.ingest.table import header_names
from orderguard.ingest.watermarks import as_held, at_mark, digests, unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from orderguard.databases import Address

BATCH_BYTES = 64 << 20
BATCH_ROWS = 100_000
_SEEN = 50_000
_FAILED = Words("数据库查询失败", "the database query failed")
_BOOL, _INSTANT = "bool", "instant"


@dataclass(frozen=True)
class Ask:
    """What is read.

    Attributes:
        address: the database.
        table: a table's or view's name, with its schema before a dot.
        query: a SELECT instead of a table.
    """

    address: Address
    table: str | None = None
    query: str | None = None

    @property
    def shown(self) -> str:
        """The input as messages and outputs call it."""
        if self.table:
            return f"{self.address.shown}#{printable(self.table)}"
        return f"{self.address.shown}#query-{hashlib.sha256((self.query or '').encode()).hexdigest()[:8]}"

    def source(self, column: str) -> str:
        """Digest of the question, for its mark."""
        where = str(self.address.path.resolve()) if self.address.kind == "sqlite" else self.address.shown
        asked = "\x1f".join((where, self.table or "", self.query or "", column))
        return hashlib.sha256(asked.encode()).hexdigest()[:32]


class Reader:
    """A table or query, opened. All its questions are answered from one snapshot."""

    def __init__(self, ask: Ask, db: Any) -> None:
        self.ask, self._db, self._kind = ask, db, ask.address.kind
        self._from = f"({ask.query.rstrip().rstrip(';')}\n)" if ask.query else self._quoted(*_parts(ask.table or ""))
        self.columns, self._types = self._described()
        self.mark: Mark | None = None

    def batches(
        self,
        column: str | None = None,
        mark: Mark | None = None,
        since: str | None = None,
        moment: Callable[[str], datetime | None] | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Rows as text columns, a batch at a time; afterwards `self.mark` says how far it came.

        Args:
            column: what a watermark is kept of.
            mark: where the last scan stopped: read from there, without the rows that it saw.
            since: read from this value on, instead. Rows whose value is missing are read in any case.
            moment: reads `since` as an instant, for columns that hold instants or Unix time.
        """
        names = header_names(self.columns)
        if column is None:
            yield from map(self._native, self._rows("", [], names))
            return
        high, at, seen = self._highest(column), names[self.columns.index(column)], list[str]()
        where, values = "", list[Any]()
        if since is not None:
            at_once = self._types[self.columns.index(column)] == _INSTANT
            low = as_held(since, high, (moment(since) if moment else None), zoned=at_once)
        else:
            low = json.loads(mark.value) if mark else None
        if low is not None:
            name = _escaped(self._quoted(column), self._kind)
            where, values = f" WHERE ({name} >= {'?' if self._kind == 'sqlite' else '%s'} OR {name} IS NULL)", [low]
        known = frozenset(mark.seen) if mark and since is None else frozenset[str]()
        for batch in self._rows(where, values, names):
            fresh = unseen(batch, batch[at], mark.value, known) if mark and known else batch
            if len(seen) <= _SEEN:
                seen += digests(batch.filter(at_mark(batch[at], high))[: _SEEN + 1])
            yield self._native(fresh)
        value = high if high is not None else mark.value if mark else None
        if value is not None:
            self.mark = Mark(
                self.ask.source(column), self.ask.shown, column, value, tuple(seen) if len(seen) <= _SEEN else ()
            )

    def _highest(self, column: str) -> str | None:
        """The highest value of `column` as JSON; None where there is none."""
        top = f"MAX({self._quoted(column)})"
        as_text = {"sqlite": top, "postgres": f"CAST({top} AS TEXT)", "mysql": f"CAST({top} AS CHAR)"}[self._kind]
        cursor = self._cursor()
        cursor.execute(f"SELECT {as_text} FROM {self._from} q")  # noqa: S608 - the user's own query
        (value,) = cursor.fetchone()
        cursor.fetchall()
        return None if value is None else json.dumps(value, default=str)

    def _rows(self, where: str, values: list[Any], names: Sequence[str]) -> Iterator[pl.DataFrame]:
        if self._kind == "postgres":
            yield from self._copied(where, values, names)
            return
        columns = "*" if self._kind == "mysql" else ", ".join(f"CAST({self._quoted(c)} AS TEXT)" for c in self.columns)
        cursor = self._cursor()
        asked = f"SELECT {columns} FROM {self._from} q"  # noqa: S608 - the user's own query
        cursor.execute(
            (_escaped(asked, self._kind) if values else asked) + where,
            values or (() if self._kind == "sqlite" else None),
        )
        while rows := cursor.fetchmany(BATCH_ROWS):
            if self._kind == "mysql":
                rows = [[c.decode("utf-8", "replace") if isinstance(c, bytes) else c for c in row] for row in rows]
            yield pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")

    def _copied(self, where: str, values: list[Any], names: Sequence[str]) -> Iterator[pl.DataFrame]:
        parts, size = list[bytes](), 0
        asked = f"SELECT * FROM {self._from} q"  # noqa: S608 - the user's own query
        asked = (_escaped(asked, self._kind) if values else asked) + where
        with self._db.cursor().copy(f"COPY ({asked}) TO STDOUT (FORMAT csv)", values or None) as copy:
            for row in copy:
                parts.append(bytes(row))
                size += len(parts[-1])
                if size >= BATCH_BYTES:
                    yield _parsed(parts, names)
                    parts, size = [], 0
        if parts:
            yield _parsed(parts, names)

    def _native(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Instants that carry a zone as instants, booleans spelled out; everything else stays as the database wrote it."""
        for name, kind in zip(batch.columns, self._types, strict=True):
            column = batch[name]
            if kind == _BOOL:
                batch = batch.with_columns(column.replace({"t": "true", "f": "false"}))
            elif kind == _INSTANT:
                text = column.set(column.str.starts_with("0000"), None) if self._kind == "mysql" else column
                text = text.str.replace(r"[+]00$", "")
                read = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us", time_zone="UTC")
                lost = read.null_count() > text.null_count()
                batch = batch.with_columns((text + "+00:00" if lost else read).alias(name))
        return batch

    def _described(self) -> tuple[list[str], list[str]]:
        cursor = self._cursor()
        cursor.execute(f"SELECT * FROM {self._from} q LIMIT 0")  # noqa: S608 - the user's own query
        told = cursor.description
        kinds = {"postgres": {16: _BOOL, 1184: _INSTANT}, "mysql": {7: _INSTANT}, "sqlite": {}}[self._kind]
        types = [kinds.get(d[1], "") for d in told]
        cursor.fetchall()
        return [str(d[0]) for d in told], types

    def _cursor(self) -> Any:
        if self._kind != "mysql":
            return self._db.cursor()
        from pymysql.cursors import SSCursor  # noqa: PLC0415

        return SSCursor(self._db)

    def _quoted(self, *names: str) -> str:
        mark = "`" if self._kind == "mysql" else '"'
        return ".".join(mark + n.replace(mark, mark * 2) + mark for n in names)


@contextmanager
def opened(ask: Ask, say: Callable[[Words], None] | None = None) -> Iterator[Reader]:
    """Open a table or query for reading; `say` is told when it has to wait.

    Raises:
        OrderguardError: no connection, no such table (the tables that there are get named), or the query is wrong.
    """
    if ask.query is None and ask.table is None:
        raise _tables(ask)
    db = connect(ask.address, say=say)
    try:
        try:
            if ask.address.kind == "sqlite":
                db.execute("BEGIN")
            yield Reader(ask, db)
        except OrderguardError:
            raise
        except Exception as error:
            if not type(error).__module__.startswith(("sqlite3", "psycopg", "pymysql")):
                raise
            raise OrderguardError(*(_near(ask) or [failed(ask.address, error, _FAILED)])) from None
    finally:
        db.close()


def _parts(table: str) -> tuple[str, ...]:
    """`schema.table`, quoted by the user where a name has a dot."""
    read = next(csv.reader(io.StringIO(table), delimiter=".", quotechar='"'), [])
    return tuple(p for p in read if p) or ("",)


def _parsed(parts: list[bytes], names: Sequence[str]) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String)
    return pl.read_csv(b"".join(parts), has_header=False, schema=schema).rechunk()


def _escaped(statement: str, kind: str) -> str:
    """`%` doubled for drivers that fill in values with it."""
    return statement if kind == "sqlite" else statement.replace("%", "%%")


_LISTED = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1",
    "postgres": "SELECT CASE WHEN table_schema = 'public' THEN table_name ELSE table_schema || '.' || table_name END "
    "FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1",
}


def _names(address: Address) -> list[str]:
    db = connect(address)
    try:
        cursor = db.cursor()
        cursor.execute(_LISTED[address.kind])
        return [str(row[0]) for row in cursor.fetchall()]
    finally:
        db.close()


def _tables(ask: Ask) -> OrderguardError:
    names = _names(ask.address)
    listed = printable(", ".join(names[:30])) or "—"
    what = Words("请用 --table 指明表，或用 --query 写查询", "name a table with --table, or write a --query")
    return OrderguardError(Problem(what, ask.address.shown, fix=Words(f"这里有：{listed}", f"there are: {listed}")))


def _near(ask: Ask) -> list[Problem]:
    if not ask.table:
        return []
    names = _names(ask.address)
    if ask.table in names:
        return []
    return [
        Problem(
            Words(f"没有表 {ask.table}", f"there is no table {ask.table}"),
            ask.address.shown,
            fix=closest(ask.table, names),
        )
    ]
