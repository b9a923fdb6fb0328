"""A folder beside the ledger for what a large scan lays down: it goes with the scan, or with the next after a kill.

Whose folder is still in use is told by a lock on a file in it, which the system takes back from a killed process: process
numbers mean nothing between containers that share a ledger, and the same one comes again in each.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_PREFIX, _LOCK = ".pieces-", ".lock"
_YOUNG = 60
"""Seconds in which a new folder may still be without its lock."""


class Scratch:
    """A folder that is ours until `close`.

    Args:
        ledger: the ledger's folder: a disk that holds the history has room, and /tmp may be memory.
        now: the clock; folders that killed scans left are removed.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, ledger: Path, now: datetime) -> None:
        ledger.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in ledger.glob(f"{_PREFIX}*"):
            _remove(left, now)
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=ledger))
        self._lock = _locked(self.folder)

    def close(self) -> None:
        """Remove what was laid down."""
        self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _locked(folder: Path) -> sqlite3.Connection:
    # SQLite's lock works alike on every system; whichever thread ends the scan closes it.
    lock = sqlite3.connect(folder / _LOCK, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        raise OSError(str(error)) from error
    return lock


def _remove(left: Path, now: datetime) -> None:
    try:
        if not (left / _LOCK).exists() and now.timestamp() - left.stat().st_mtime < _YOUNG:
            return
        _locked(left).close()
    except OSError:
        return  # in use, or gone by now
    shutil.rmtree(left, ignore_errors=True)
