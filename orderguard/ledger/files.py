"""The history's files on disk: `orders/<day>/*.parquet`, which count only once the database names them."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from orderguard.ledger.store import Ledger

PRUNED = ".pruned"
"""Lists files that a prune puts together and those it makes of them."""

HistoryFile = tuple[str, int, int | None, int | None]
"""Path in the ledger, rows, first and last instant in microseconds."""


def marker(ledger: Path) -> Path:
    """Names the run that is writing history files; whoever finds it after a kill removes what nothing names."""
    return ledger / ".writing"


def sweep(ledger: Ledger) -> None:
    """Remove files of a run (or a prune) that was killed before it committed. Call with the lock held."""
    pruned = ledger.folder / PRUNED
    if pruned.exists():
        named = {row[0] for row in ledger.db.execute("SELECT path FROM history")}
        for path in pruned.read_text(encoding="utf-8").splitlines():
            if path.startswith("orders/") and ".." not in path and path not in named:
                (ledger.folder / path).unlink(missing_ok=True)
        for day in (ledger.folder / "orders").iterdir():
            if not any(day.iterdir()):
                day.rmdir()
        pruned.unlink()
    writing = marker(ledger.folder)
    if not writing.exists():
        return
    run_id = writing.read_text(encoding="utf-8").strip()
    named = {row[0] for row in ledger.db.execute("SELECT path FROM history WHERE run_id = ?", (run_id,))}
    for file in (ledger.folder / "orders").glob(f"*/{run_id}.*") if run_id else []:
        if file.relative_to(ledger.folder).as_posix() not in named:
            file.unlink()
    writing.unlink()


def name_files(db: sqlite3.Connection, run_id: str, files: Sequence[HistoryFile]) -> None:
    """Make written files count. Call inside the run's transaction."""
    seq = int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM history").fetchone()[0])
    db.executemany(
        "INSERT OR REPLACE INTO history (path, run_id, rows, first_at, last_at, seq) VALUES (?, ?, ?, ?, ?, ?)",
        [(path, run_id, rows, first, last, seq + i) for i, (path, rows, first, last) in enumerate(files, 1)],
    )


def open_file(path: Path) -> pl.DataFrame:
    """Read one history file.

    Raises:
        OrderguardError: it is missing or damaged.
    """
    try:
        return pl.read_parquet(path, memory_map=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        what = Words("台账里的历史订单文件缺失或损坏", "a history file of the ledger is missing or damaged")
        fix = Words(
            "运行 orderguard ledger check 查看；从备份恢复该文件",
            "see 'orderguard ledger check'; restore the file from a backup",
        )
        raise OrderguardError(Problem(what, str(path), fix=fix)) from error


def micros(at: object) -> int | None:
    """An instant as microseconds since 1970."""
    if at is None:
        return None
    moment: datetime = at  # type: ignore[assignment]
    return round(moment.timestamp() * 1_000_000)


def write_file(frame: pl.DataFrame, path: Path) -> None:
    """Write a history file whole, readable by its owner only.

    Raises:
        OSError: the disk is full, or there are no rights.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".tmp")
    try:
        _write_to(draft, frame)
    except pl.exceptions.PolarsError as error:  # a full disk, in Polars' words
        raise OSError(str(error).splitlines()[0]) from error
    draft.replace(path)


def write_rows(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file whole, readable by its owner only.

    Raises:
        OSError: the disk is full, or there are no rights.
    """
    draft = path.with_suffix(".tmp")
    private = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(private, "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    draft.replace(path)


def _write_to(draft: Path, frame: pl.DataFrame) -> None:
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        frame.write_parquet(file, compression="lz4", statistics=False)
        file.flush()
        os.fsync(file.fileno())
