"""The ledger's folder: `ledger.db` (SQLite, WAL), `orders/<day>/*.parquet`, `verdicts/<month>/*.csv`.

One command at a time holds the lock, from before it reads until its outputs are in place; another one waits. The
lock is an SQLite transaction on a file of its own, so a killed process lets go of it on every system.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ledger.history import sweep
from orderguard.ledger.schema import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_WAIT_SECONDS = 900


class Ledger:
    """An open ledger. Use `open_ledger`; close it when done.

    Attributes:
        folder: where it is.
        db: the database; statements run in autocommit unless inside `commit()`.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection, lock: sqlite3.Connection) -> None:
        self.folder = folder
        self.db = db
        self._lock = lock

    @contextmanager
    def commit(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it on success, nothing of it on any error or kill."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

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
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for inside in ("orders", "verdicts"):
            (folder / inside).mkdir(exist_ok=True, mode=0o700)
        lock = _take_lock(folder, say)
        ledger = Ledger(folder, _connect(folder / "ledger.db"), lock)
        _upgrade(ledger)
        sweep(ledger)
    except (OSError, sqlite3.Error) as error:
        what = Words(f"台账无法打开（{error}）", f"the ledger cannot be opened ({error})")
        fix = Words(
            "检查目录权限与磁盘空间，或用 --ledger 换一个目录",
            "check rights and disk space, or choose another --ledger",
        )
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error
    return ledger


@contextmanager
def reading(folder: Path, say: Callable[[Words], None] | None = None) -> Iterator[Ledger]:
    """An existing ledger, to be read only: nothing in its folder changes, not even a journal beside the database.

    The lock is held meanwhile, so that no other command writes.

    Raises:
        OrderguardError: there is none in that folder, or a newer program made it.
    """
    path = folder / "ledger.db"
    if not path.exists():
        what = Words("这里没有台账", "there is no ledger here")
        fix = Words(
            "先运行 orderguard scan，或用 --ledger 指明目录",
            "run 'orderguard scan' first, or name the folder with --ledger",
        )
        raise OrderguardError(Problem(what, str(folder), fix=fix))
    lock = _take_lock(folder, say) if (folder / ".lock").exists() and os.access(folder, os.W_OK) else None
    try:
        # With a journal left by a killed command the database must read that too; otherwise it is whole as it lies.
        left = path.with_name("ledger.db-wal")
        mode = "mode=ro" if left.exists() and left.stat().st_size else "immutable=1"
        db = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{mode}", uri=True, isolation_level=None)
        ledger = Ledger(folder, db, lock or sqlite3.connect(":memory:"))
        _not_newer(ledger)
    except sqlite3.Error as error:
        what = Words(f"台账无法打开（{error}）", f"the ledger cannot be opened ({error})")
        raise OrderguardError(Problem(what, str(folder))) from error
    try:
        yield ledger
    except sqlite3.OperationalError as error:
        what = Words(f"台账是旧版的，或已损坏（{error}）", f"the ledger is of an older version, or damaged ({error})")
        fix = Words(
            "运行一次 orderguard ledger check：会升级并检查",
            "run 'orderguard ledger check' once: it upgrades and checks it",
        )
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error
    finally:
        ledger.close()


def _take_lock(folder: Path, say: Callable[[Words], None] | None) -> sqlite3.Connection:
    path = folder / ".lock"
    lock = sqlite3.connect(path, isolation_level=None, timeout=0.2)
    _private(path)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        if say:
            say(Words("另一个 orderguard 正在使用台账，等待中…", "another orderguard is using the ledger, waiting…"))
        lock.execute(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000}")
        lock.execute("BEGIN EXCLUSIVE")
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    _private(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
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
            for statement in STEPS[step - 1].split(";\n"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {step}")
