"""Reading on from a mark: which rows the last scan saw, and the mark as the column holds it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from datetime import datetime


def digests(batch: pl.DataFrame) -> list[str]:
    """A digest per row."""
    return [
        hashlib.blake2b("\x1f".join("\x00" if c is None else str(c) for c in row).encode(), digest_size=8).hexdigest()
        for row in batch.iter_rows()
    ]


def at_mark(column: pl.Series, value: str | None) -> pl.Series:
    """True for rows whose watermark is `value` (JSON) or missing."""
    same = column.is_null()
    return same if value is None else same | (column == str(json.loads(value))).fill_null(value=False)


def unseen(batch: pl.DataFrame, column: pl.Series, value: str, known: frozenset[str]) -> pl.DataFrame:
    """Without the rows that the last scan saw at its mark."""
    old = at_mark(column, value)
    if not old.any():
        return batch
    told = iter(digests(batch.filter(old)))
    return batch.filter(pl.Series([not (is_old and next(told) in known) for is_old in old], dtype=pl.Boolean))


def as_held(since: str, high: str | None, at: datetime | None, *, zoned: bool) -> Any:
    """What the user typed, as the column holds it: instants in the session's zone (UTC), numbers, Unix time of its grain."""
    top = None if high is None else json.loads(high)
    if zoned and at is not None:
        return f"{at:%Y-%m-%d %H:%M:%S.%f}"
    try:
        size = 0 if top is None else abs(float(top))
    except ValueError:
        return since
    grain = next((n for n in (9, 6, 3, 0) if 5e8 <= size / 10**n <= 5e9), None)
    try:
        return since if isinstance(top, str | None) and at is None else int(since)
    except ValueError:
        return since if at is None or grain is None else int(at.timestamp() * 10**grain)
