"""The journal: every change of the database as a line in a file, so that a lost `ledger.db` can be built again.

A commit appends one line to `journal/<n>.jsonl` before it counts; many rows go to a Parquet file that the line names.
The database knows the journal's length, so what a kill left behind is cut off. A base (`journal/base-<seq>/`, the tables
as Parquet) stands for all lines up to its number.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

from orderguard.errors import OrderguardError, Problem, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import polars as pl

_LINES = 1_000
_INLINE = 200
_CHANGE = re.compile(r"\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)", re.IGNORECASE)

Said = tuple[str, Any]
"""A statement and the rows it was executed with: a list of tuples, or a frame."""


class Recording(sqlite3.Connection):
    """A connection that keeps the changes made while `said` is a list."""

    said: list[Said] | None = None
    tables: frozenset[str] = frozenset()

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As in `sqlite3`."""
        cursor = super().execute(sql, parameters)
        if self.said is not None and self._ours(sql):
            self.said.append((sql, [tuple(parameters)]))
        return cursor

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """As in `sqlite3`."""
        rows = list(parameters)
        cursor = super().executemany(sql, rows)
        if self.said is not None and rows and self._ours(sql):
            self.said.append((sql, rows))
        return cursor

    def bulk(self, sql: str, rows: pl.DataFrame) -> None:
        """`executemany` with the rows of a frame, whose columns the journal takes as they are."""
        super().executemany(sql, _tuples(rows))
        if self.said is not None and len(rows) and self._ours(sql):
            self.said.append((sql, rows))

    def _ours(self, sql: str) -> bool:
        """Whether a statement changes a table that lasts (temporary ones do not)."""
        found = _CHANGE.match(sql)
        return bool(found) and found[1] in self.tables  # type: ignore[index]


def _tuples(rows: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """As `iter_rows`, in two thirds of its time."""
    for some in rows.iter_slices(5_000):
        yield from zip(*(c.to_list() for c in some.iter_columns()), strict=True)


class Journal:
    """Appends to `journal/`; the database's table `journal` holds the last number and the length of its file."""

    def __init__(self, folder: Path, db: Recording) -> None:
        self.folder, self.db = folder / "journal", db
        self._undo: tuple[Path, int, list[Path]] | None = None

    def open(self) -> None:
        """Cut off what a killed command left, or begin with a base where the journal does not reach the database."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        self.db.tables = frozenset(r[0] for r in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
        seq, size = self._last()
        path, following = self._file(seq), self._file(seq + 1)
        have = path.stat().st_size if path.exists() else 0
        old = seq == 0 and not any(self.folder.glob("base-*")) and self.db.execute("SELECT 1 FROM runs").fetchone()
        if have < size or old:
            self.base()  # a lost journal, or a ledger from before there was one
            return
        if have > size:
            os.truncate(path, size)
        if following != path:
            following.unlink(missing_ok=True)

    def begin(self) -> None:
        """Start to keep changes."""
        self.db.said, self._undo = [], None

    def write(self, version: int) -> None:
        """Append what was kept as a line. Call before COMMIT."""
        said, self.db.said = self.db.said, None
        if not said:
            return
        seq = self._last()[0] + 1
        path = self._file(seq)
        before = path.stat().st_size if path.exists() else 0
        parts: list[Path] = []
        self._undo = (path, before, parts)
        told: list[list[Any]] = []
        for i, (sql, rows) in enumerate(said):
            part = self.folder / f"{seq:08d}-{i}.parquet"
            if len(rows) > _INLINE and _columns(rows, part, parts):
                told.append([" ".join(sql.split()), part.name])
            else:
                told.append([" ".join(sql.split()), rows if isinstance(rows, list) else rows.rows()])
        line = json.dumps({"seq": seq, "version": version, "do": told}, ensure_ascii=False, separators=(",", ":"))
        data = line.encode() + b"\n"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(data)
        self.db.execute("UPDATE journal SET seq = ?, size = ?", (seq, before + len(data)))

    def undo(self) -> None:
        """Take back the line of a commit that did not come to pass."""
        self.db.said = None
        if self._undo:
            path, size, parts = self._undo
            for part in parts:
                part.unlink(missing_ok=True)
            if path.exists():
                os.truncate(path, size)
            self._undo = None

    def base(self) -> None:
        """Write all tables as Parquet, in place of every line so far."""
        seq, _ = self._last()
        version = int(self.db.execute("PRAGMA user_version").fetchone()[0])
        draft = self.folder / "base.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        for table, frame in tables(self.db):
            write_private(frame, draft / f"{table}.parquet")
        told = {"seq": seq, "version": version}
        (draft / "base.json").write_text(json.dumps(told), encoding="utf-8")
        (draft / "base.json").chmod(0o600)
        target = self.folder / f"base-{seq:08d}"
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
        for old in self.folder.glob("base-*"):
            if old != target:
                shutil.rmtree(old)
        # The next line's number is beyond every old file's, so no old line is ever read as new.
        self.db.execute("UPDATE journal SET seq = ?, size = 0", (after_base(seq),))
        for old in self.folder.glob("*"):
            if re.fullmatch(r"\d+\.jsonl|\d+-\d+\.parquet", old.name):
                old.unlink()

    def _last(self) -> tuple[int, int]:
        seq, size = self.db.execute("SELECT seq, size FROM journal").fetchone()
        return int(seq), int(size)

    def _file(self, seq: int) -> Path:
        return line_file(self.folder, seq)


def line_file(folder: Path, seq: int) -> Path:
    """The file that a line stands in."""
    return folder / f"{seq // _LINES:06d}.jsonl"


def after_base(seq: int) -> int:
    """The number that the database has after a base of this number: the next line begins a file."""
    return (seq // _LINES + 1) * _LINES - 1


def _columns(rows: Any, path: Path, parts: list[Path]) -> bool:
    """Write rows as Parquet; False where a column's values are of several kinds."""
    import polars as pl  # noqa: PLC0415

    try:
        listed = isinstance(rows, list)
        frame = pl.DataFrame({str(i): list(c) for i, c in enumerate(zip(*rows, strict=True))}) if listed else rows
    except (TypeError, pl.exceptions.PolarsError):
        return False
    parts.append(path)
    write_private(frame, path)
    return True


def write_private(frame: Any, path: Path) -> None:
    """Write a frame as Parquet, readable by its owner only."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        frame.write_parquet(file, compression="lz4", statistics=False)


def tables(db: sqlite3.Connection) -> Iterator[tuple[str, Any]]:
    """Every table as a frame, by name."""
    import polars as pl  # noqa: PLC0415

    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
        cursor = db.execute(f"SELECT * FROM {table}")  # noqa: S608 - names from the schema
        names = [c[0] for c in cursor.description]
        rows = cursor.fetchall()
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        yield table, pl.DataFrame({n: list(c) for n, c in zip(names, columns, strict=True)}, strict=False)


def read_lines(folder: Path, after: int) -> Iterator[tuple[int, int, list[Said]]]:
    """The journal's lines after a number: number, schema version, statements with their rows.

    Raises:
        OrderguardError: a line is damaged or missing. (A last line that was cut off was never committed.)
    """
    import polars as pl  # noqa: PLC0415

    expected: int | None = None
    files = sorted(folder.glob("[0-9]*.jsonl"))
    for path in files:
        lines = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                told = json.loads(line)
                said: list[Said] = []
                for sql, rows in told["do"]:
                    if isinstance(rows, str):
                        rows = pl.read_parquet(folder / rows, memory_map=False).rows()  # noqa: PLW2901
                    said.append((sql, [tuple(r) for r in rows]))
            except (ValueError, KeyError, TypeError, OSError, pl.exceptions.PolarsError) as error:
                if path == files[-1] and number == len(lines):
                    return
                raise OrderguardError(_damaged(path, number)) from error
            if told["seq"] <= after:
                continue
            if expected is not None and told["seq"] != expected:
                raise OrderguardError(_damaged(path, number))
            expected = told["seq"] + 1
            yield told["seq"], told["version"], said


def _damaged(path: Path, line: int) -> Problem:
    what = Words("台账流水有一行缺失或损坏", "a line of the ledger's journal is missing or damaged")
    fix = Words("从备份恢复 journal 目录", "restore the folder 'journal' from a backup")
    return Problem(what, str(path), line, fix)
