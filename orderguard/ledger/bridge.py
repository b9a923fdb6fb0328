"""The ledger's cases with their verdicts, as a frame for other systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.ledger.stamps import instant

if TYPE_CHECKING:
    import sqlite3

_TEXTS = (
    "case_id", "platform", "order_id", "state", "band", "cluster", "linked_by", "agent", "opened_run", "opened_at",
    "due_at", "result", "code", "note", "decided_by", "decided_at",
)  # fmt: skip


def cases_frame(db: sqlite3.Connection) -> pl.DataFrame:
    """Every case: `case_id platform order_id state band score ...` and its verdict, where there is one."""
    own = ", ".join(f"c.{n}" for n in _TEXTS[:11])
    sql = f"""SELECT {own}, v.result, v.code, v.note, v.agent, v.at, c.score FROM cases c
              LEFT JOIN verdicts v ON v.case_id = c.case_id AND v.replaced_by IS NULL AND v.ended_run IS NULL
              ORDER BY c.case_id"""  # noqa: S608 - own names
    schema: dict[str, Any] = dict.fromkeys(_TEXTS, pl.String) | {"score": pl.Float64}
    frame = pl.DataFrame(db.execute(sql).fetchall(), schema=schema, orient="row", infer_schema_length=None)
    frame = frame.select(*_TEXTS[:5], "score", *_TEXTS[5:])
    return frame.with_columns(instant("opened_at"), instant("due_at"), instant("decided_at"))
