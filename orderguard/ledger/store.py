"""The ledger's folder: `ledger.db` (SQLite, WAL), `orders/<day>/*.parquet`, `verdicts/<month>/*.csv`.

One command at a time holds the lock, from before it reads until its outputs are in place; another one waits. The
lock is an SQLite transaction on a file of its own, so a killed process lets go of it on every system.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import contextmanager
from time import localtime, strftime
from typing import TYPE_CHECKING
from urllib.parse import quote

from orderguard.drafts import check_name
from orderguard.errors import OrderguardError, Problem, Words, printable, unable
from orderguard.ledger.files import sweep
from orderguard.ledger.journal import Journal, Recording
from orderguard.ledger.schema import PAGES, STEPS, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CACHE_KB = 128 * 1024
"""Pages that a transaction may keep: with SQLite's 2 MB each of 500,000 new cases would go to the disk for its index."""
_WAIT_SECONDS = 900
_HOLDER = ".holder"
_MANY = 50_000
"""Rows."""


class Ledger:
    """An open ledger. Use `open_ledger`; close it when done.

    Attributes:
        folder: where it is.
        db: the database; statements run in autocommit unless inside `commit()`.
    """

    def __init__(self, folder: Path, db: Recording, lock: sqlite3.Connection, journal: Journal | None = None) -> None:
        self.folder = folder
        self.db = db
        self.journal = journal
        self._lock = lock

    @contextmanager
    def commit(self) -> Iterator[Recording]:
        """One transaction: all of it on success, nothing of it on any error or kill. The journal gets a line of it."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            if self.journal:
                self.journal.begin()
            yield self.db
            if self.journal:
                self.journal.write(len(STEPS))
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            if self.journal:
                self.journal.undo()
            raise

    def close(self) -> None:
        """Let go of the lock."""
        self.db.close()
        self._lock.close()


def open_ledger(folder: Path, say: Callable[[Words], None] | None = None) -> Ledger:
    """Open (or create) the ledger and take its lock, waiting for another command if there is one.

    Args:
        folder: the ledger's folder.
        say: told once when it has to wait.

    Raises:
        OrderguardError: not a ledger, a newer version, not writable, or the lock was not free in 15 minutes.
    """
    check_name(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for inside in ("orders", "verdicts"):
            (folder / inside).mkdir(exist_ok=True, mode=0o700)
        lock = take_lock(folder, say)
        db = _connect(folder / "ledger.db")
        ledger = Ledger(folder, db, lock)
        _upgrade(ledger)
        ledger.journal = Journal(folder, db)
        ledger.journal.open()
        sweep(ledger)
    except (OSError, sqlite3.Error) as error:
        what = unable(Words("台账无法打开", "the ledger cannot be opened"), error)
        fix = Words(
            "检查目录权限与磁盘空间，或用 --ledger 换一个目录",
            "check rights and disk space, or choose another --ledger",
        )
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error
    return ledger


@contextmanager
def indexed_after(db: Recording, table: str, rows: int) -> Iterator[None]:
    """Many rows come into a table that has fewer: its indexes are made of all of them at once when they are in.

    Call inside a transaction, which holds the indexes as it holds the rows. Row by row an index by another order than
    the rows come in outgrows the cache.
    """
    have = db.execute(f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT ?)", (rows,)).fetchone()[0]  # noqa: S608 - own names
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    made = db.execute(sql, (table,)).fetchall() if max(_MANY, have + 1) <= rows else []
    for name, _ in made:
        db.execute(f"DROP INDEX {name}")
    yield
    for _, statement in made:
        db.execute(statement)


def absent(folder: Path) -> Problem:
    """What to say of a folder without a ledger."""
    what = Words("这里没有台账", "there is no ledger here")
    fix = Words(
        "先运行 orderguard scan，或用 --ledger 指明目录",
        "run 'orderguard scan' first, or name the folder with --ledger",
    )
    return Problem(what, str(folder), fix=fix)


def writable(folder: Path) -> bool:
    """Whether this user may change the ledger; who may not can still look at it."""
    return os.access(folder, os.W_OK) and os.access(folder / "ledger.db", os.W_OK)


def outdated(folder: Path) -> Problem:
    """What to say of a ledger of an older version to somebody who may not change it."""
    what = Words(
        "台账是旧版的，而你没有写权限，无法升级", "the ledger is of an older version, and you may not change it"
    )
    fix = Words(
        "请有写权限的人先运行一次 orderguard ledger check（会升级）",
        "somebody who may write there must run 'orderguard ledger check' once: it upgrades it",
    )
    return Problem(what, str(folder), fix=fix)


def version_of(db: sqlite3.Connection) -> int:
    """The version of the tables."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def address(folder: Path) -> str:
    """The database as SQLite opens it to read only: nothing is laid beside it where nothing needs to be."""
    path = folder / "ledger.db"
    # With a journal left by a killed command the database must read that too; otherwise it is whole as it lies.
    left = path.with_name("ledger.db-wal")
    mode = "mode=ro" if left.exists() and left.stat().st_size else "immutable=1"
    return f"file:{quote(str(path.resolve()))}?{mode}"


@contextmanager
def reading(folder: Path, say: Callable[[Words], None] | None = None) -> Iterator[Ledger]:
    """An existing ledger, to be read only: nothing in its folder changes, not even a journal beside the database.

    The lock is held meanwhile, so that no other command writes.

    Raises:
        OrderguardError: there is none in that folder, or a newer program made it.
    """
    path = folder / "ledger.db"
    if not path.exists():
        raise OrderguardError(absent(folder))
    free = (folder / ".lock").exists() and os.access(folder, os.W_OK)
    lock = take_lock(folder, say, sign=False) if free else None
    try:
        db = sqlite3.connect(address(folder), uri=True, isolation_level=None, factory=Recording)
        ledger = Ledger(folder, db, lock or sqlite3.connect(":memory:"))
        _not_newer(ledger)
    except sqlite3.Error as error:
        what = unable(Words("台账无法打开", "the ledger cannot be opened"), error)
        raise OrderguardError(Problem(what, str(folder))) from error
    try:
        yield ledger
    except sqlite3.OperationalError as error:
        what = unable(Words("台账是旧版的，或已损坏", "the ledger is of an older version, or damaged"), error)
        fix = Words(
            "运行一次 orderguard ledger check：会升级并检查",
            "run 'orderguard ledger check' once: it upgrades and checks it",
        )
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error
    finally:
        ledger.close()


def take_lock(folder: Path, say: Callable[[Words], None] | None, *, sign: bool = True) -> sqlite3.Connection:
    """Wait until no other command has the ledger; closing the result lets go of it.

    Args:
        folder: the ledger's.
        say: told once when it has to wait.
        sign: note in the folder who has it; a command that only reads leaves no note.

    Raises:
        OrderguardError: it was not free in 15 minutes.
    """
    path = folder / ".lock"
    lock = sqlite3.connect(path, isolation_level=None, timeout=0.2)
    _private(path)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        _wait(folder, lock, say)
    if not sign:
        return lock
    holder = folder / _HOLDER
    with os.fdopen(os.open(holder, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        # The command alone: its arguments may be personal or secret. Since when: the file's own time.
        words = [w for w in sys.argv[1:3] if w.isalpha()]
        json.dump({"pid": os.getpid(), "command": " ".join(["orderguard", *words])}, file)
    return lock


def _wait(folder: Path, lock: sqlite3.Connection, say: Callable[[Words], None] | None) -> None:
    who = holder(folder)
    if say:
        zh, en = f"{who.zh}正在使用台账，等待中…", f"{who.en} is using the ledger, waiting..."
        say(Words(zh, en))
    lock.execute(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000}")
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        who = holder(folder)
        lock.close()
        what = Words(f"等了 15 分钟，{who.zh}仍在使用台账", f"after 15 minutes {who.en} is still using the ledger")
        fix = Words(
            "等它结束，或结束该进程后再试（不会丢数据）",
            "wait for it, or end that process and try again (nothing is lost)",
        )
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error


def holder(folder: Path) -> Words:
    """Who has the ledger's lock, as far as it said so: process, command, since when."""
    try:
        told = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        since = strftime("%H:%M:%S", localtime((folder / _HOLDER).stat().st_mtime))
        pid, command = int(told["pid"]), printable(str(told["command"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Words("另一个 orderguard ", "another orderguard")
    zh = f"另一个 orderguard（进程 {pid}，{command}，自 {since}）"
    return Words(zh, f"another orderguard (process {pid}, {command}, since {since})")


def _connect(path: Path) -> Recording:
    db = sqlite3.connect(path, isolation_level=None, timeout=30, factory=Recording)
    _private(path)
    db.execute(PAGES)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _private(path: Path) -> None:
    """Readable by the owner only: the ledger holds personal data."""
    if os.name == "posix":
        path.chmod(0o600)


def _not_newer(ledger: Ledger) -> int:
    """The ledger's version, which this program must know."""
    version = int(ledger.db.execute("PRAGMA user_version").fetchone()[0])
    if version > len(STEPS):
        ledger.close()
        what = Words(
            f"台账版本 {version} 比本程序（{len(STEPS)}）新",
            f"the ledger's version {version} is newer than this program's {len(STEPS)}",
        )
        raise OrderguardError(Problem(what, str(ledger.folder), fix=Words("请升级 orderguard", "upgrade orderguard")))
    return version


def _upgrade(ledger: Ledger) -> None:
    version = _not_newer(ledger)
    for step in range(version + 1, len(STEPS) + 1):
        with ledger.commit() as db:
            for statement in statements(STEPS[step - 1]):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {step}")
