"""How far tables and queries of databases were read: written in the transaction of the run that read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orderguard.databases import Mark

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


def read_marks(db: sqlite3.Connection) -> dict[str, Mark]:
    """Every mark by its source."""
    rows = db.execute('SELECT source, shown, "column", value, seen FROM marks').fetchall()
    return {r[0]: Mark(r[0], r[1], r[2], r[3], tuple(json.loads(r[4]))) for r in rows}


def write_marks(db: sqlite3.Connection, marks: Sequence[Mark], run_id: str, at: str) -> None:
    """Move marks on. Call inside the run's transaction."""
    db.executemany(
        "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(m.source, m.shown, m.column, m.value, json.dumps(m.seen), run_id, at) for m in marks],
    )
