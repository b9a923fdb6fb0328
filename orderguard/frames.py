"""What is done with frames in many rooms: empty columns left out and put back, numbers divided, a platform's words made one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping


def bare(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame without its empty columns: most exports fill half of the known ones, and an empty text costs 16 bytes a row."""
    return frame.drop([c.name for c in frame.iter_columns() if c.null_count() == len(c)])


def whole(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """What `bare` made, with all columns again."""
    return frame.select(pl.col(n) if n in frame.columns else pl.lit(None, dtype=t).alias(n) for n, t in schema.items())


def thin(frame: pl.DataFrame) -> pl.DataFrame:
    """The same frame; its empty columns take no room, and none in what is sorted or filtered from it."""
    empty = [c for c in frame.iter_columns() if c.null_count() == len(c)]
    return frame.with_columns(pl.lit(None, dtype=c.dtype).alias(c.name) for c in empty)


def platform_id(ids: Mapping[str, str]) -> pl.Expr:
    """The platform of each row as its id, whatever word its export has for it; a word that nobody knows, in lower case.

    Args:
        ids: every word for a platform, casefolded, -> its id (see `platforms.platform_ids`).
    """
    return pl.col("platform").str.to_lowercase().replace(dict(ids))


def divided(number: pl.Expr, by: pl.Expr | float) -> pl.Expr:
    """`number / by`, correctly rounded in every row.

    Polars divides a single row, but multiplies several with the reciprocal of one number: what an order's age is would hang on
    how many orders stand beside it.
    """
    return number / (number * 0 + by)
