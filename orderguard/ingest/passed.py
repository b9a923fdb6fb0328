"""What a folder holds beside the tables that are read: said, so that no order is left out in silence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orderguard.errors import Problem, Words
from orderguard.ingest.reader import is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAY_HOLD_ORDERS = {
    ".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".et", ".ett", ".numbers", ".htm", ".html", ".mht",
    ".xml", ".mdb", ".accdb", ".dbf", ".db", ".db3", ".sqlite", ".sqlite3",
}  # fmt: skip
_FACTS = {"lookup", "lookups"}
"""Sub-folders for account facts (`--lookup`), as our own samples have one: no orders are expected there."""
_SHOWN = 5
_ENOUGH = 10_000


def passed_over(paths: Iterable[str], used: Iterable[str] = ()) -> list[Problem]:
    """Notices about the folders among `paths`: sub-folders with tables, other files that may hold orders, lost links.

    Args:
        paths: what is scanned.
        used: files that are read for something else (stock, account facts): nothing is told of them.
    """
    # Not Path.resolve: before Python 3.13 it raises for links that go round in a circle.
    named = {os.path.realpath(p) for p in (*paths, *used)}
    return [note for text in dict.fromkeys(paths) if Path(text).is_dir() for note in _notes(Path(text), named)]


def _notes(folder: Path, named: set[str]) -> list[Problem]:
    below, files = _looked_through(folder, named)
    notes = []
    if below:
        what = Words(
            f"子文件夹里的表格没有扫：{_listed(below)}", f"tables in sub-folders were not scanned: {_listed(below)}"
        )
        first = folder / below[0]
        fix = Words(f"里面若有订单，把它们也写上，如 {first}", f"if they hold orders, name them too, such as {first}")
        notes.append(Problem(what, str(folder), fix=fix, fatal=False))
    if files:
        what = Words(f"这些文件没有扫：{_listed(files)}", f"these files were not scanned: {_listed(files)}")
        fix = Words(
            "里面若有订单，请解压或另存为 CSV、Excel 再扫（SQLite 写成 sqlite:///文件）",
            "if they hold orders, unpack them or save them as CSV or Excel (SQLite is written sqlite:///file)",
        )
        notes.append(Problem(what, str(folder), fix=fix, fatal=False))
    return notes


def _looked_through(folder: Path, named: set[str]) -> tuple[list[str], list[str]]:
    """Sub-folders that hold tables, and files that may hold orders and are no tables."""
    below, files = [], []
    try:
        entries = sorted(folder.iterdir())
    except OSError:  # reading it says why
        return [], []
    for entry in entries:
        if entry.name.startswith((".", "~$", "_")):
            continue
        if entry.is_dir():
            if entry.name.lower() not in _FACTS and _holds_tables(entry, named):
                below.append(entry.name)
        elif (entry.suffix.lower() in _MAY_HOLD_ORDERS and entry.name != "ledger.db") or (
            entry.is_symlink() and not entry.exists()
        ):
            files.append(entry.name)
    return below, files


def _holds_tables(folder: Path, named: set[str]) -> bool:
    """Whether a folder or one below it holds tables that are not our own outputs, ledger or weights, or may, being closed to us."""
    seen, closed = 0, list[OSError]()
    for place, folders, names in os.walk(folder, onerror=closed.append):  # links to folders are not followed
        here = Path(place)
        ours = {"run.json", "ledger.db"} & set(names)
        folders[:] = [] if ours else [f for f in folders if not f.startswith((".", "_"))]
        if os.path.realpath(here) in named:
            folders[:] = []
            continue
        if not ours and any(is_table(here / n) and os.path.realpath(here / n) not in named for n in names):
            return True
        seen += len(names) + len(folders)
        if seen > _ENOUGH:
            return False
    return bool(closed)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return "、".join(names[:_SHOWN]) + (f" … +{more}" if more > 0 else "")
