"""Builds `ledger.db` again from the journal, the history files and the recorded sheets."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words, unable
from orderguard.ledger.journal import after_base, line_file, read_lines
from orderguard.ledger.schema import PAGES, STEPS, statements
from orderguard.ledger.store import take_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rebuild(folder: Path, stamp: str, say: Callable[[Words], None] | None = None) -> dict[str, Any]:
    """Replay the journal into a new database and put it in the old one's place, which is kept beside it.

    Args:
        folder: the ledger.
        stamp: names the old database's new place.
        say: told when it has to wait.

    Returns:
        `lines` replayed, `kept` (the old database's file name, or None).

    Raises:
        OrderguardError: there is no journal, or it is damaged; nothing has changed then.
    """
    journal = folder / "journal"
    if not journal.is_dir() or not any(journal.iterdir()):
        what = Words("这里没有台账流水（journal），无法重建", "there is no journal here to rebuild from")
        fix = Words("从备份恢复台账目录", "restore the ledger's folder from a backup")
        raise OrderguardError(Problem(what, str(folder), fix=fix))
    lock = None
    draft = folder / "ledger.db.new"
    try:
        lock = take_lock(folder, say)
        for left in folder.glob("ledger.db.new*"):
            left.unlink()
        db = sqlite3.connect(draft, isolation_level=None)
        draft.chmod(0o600)
        db.execute(PAGES)
        try:
            lines = _replay(db, journal)
        finally:
            db.close()
        kept = _swap(folder, draft, stamp)
    except (OSError, sqlite3.Error) as error:
        what = unable(Words("台账无法重建", "the ledger cannot be rebuilt"), error)
        raise OrderguardError(Problem(what, str(folder))) from error
    finally:
        if lock is not None:
            draft.unlink(missing_ok=True)
            lock.close()
    return {"lines": lines, "kept": kept}


def _replay(db: sqlite3.Connection, journal: Path) -> int:
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("BEGIN")
    version, after = 0, -1
    bases = sorted(journal.glob("base-*"))
    if bases:
        told = json.loads((bases[-1] / "base.json").read_text(encoding="utf-8"))
        version, after = _upgrade(db, 0, int(told["version"])), int(told["seq"])
        for path in sorted(bases[-1].glob("*.parquet")):
            _load(db, path)
    lines = 0
    for seq, needs, said in read_lines(journal, after):
        version = _upgrade(db, version, needs)
        for sql, rows in said:
            db.executemany(sql, rows)
        after, lines = seq, lines + 1
    version = _upgrade(db, version, len(STEPS))
    if lines:
        size = line_file(journal, after).read_bytes().rfind(b"\n") + 1
        db.execute("UPDATE journal SET seq = ?, size = ?", (after, size))
    else:
        db.execute("UPDATE journal SET seq = ?, size = 0", (after_base(after) if bases else 0,))
    db.execute(f"PRAGMA user_version = {version}")
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    return lines


def _upgrade(db: sqlite3.Connection, version: int, wanted: int) -> int:
    for step in range(version + 1, wanted + 1):
        for statement in statements(STEPS[step - 1]):
            db.execute(statement)
    return max(version, wanted)


def _load(db: sqlite3.Connection, path: Path) -> None:
    frame = pl.read_parquet(path, memory_map=False)
    names, marks = ", ".join(f'"{c}"' for c in frame.columns), ", ".join("?" * frame.width)
    db.execute(f"DELETE FROM {path.stem}")  # noqa: S608 - own table names; a step may have put rows in
    db.executemany(f"INSERT INTO {path.stem} ({names}) VALUES ({marks})", frame.rows())  # noqa: S608 - own names


def _swap(folder: Path, draft: Path, stamp: str) -> str | None:
    path = folder / "ledger.db"
    kept = None
    if path.exists():
        kept = f"ledger.db.{stamp}"
        path.rename(folder / kept)
    for name in ("ledger.db-wal", "ledger.db-shm"):
        if (folder / name).exists():
            # Without its own database a write-ahead log would be taken for the new one's.
            (folder / name).rename(folder / f"{kept or 'ledger.db.' + stamp}{name.removeprefix('ledger.db')}")
    draft.rename(path)
    return kept
