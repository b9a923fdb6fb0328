"""Slots of time (`2026-11-20 18:00-19:00`) as the moment they end, which is when a promise is kept or broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

_SLOT = (
    r"^(?P<day>[^T]*?)\s*(?P<start>\d{1,2}[:：]\d\d)(?P<seconds>[:：]\d\d)?\s*(?P<dash>[-~～—–至到]+)\s*"
    r"(?P<next>(?:次日|翌日|隔日|隔天|第二天|(?i:next\s+day))\s*)?(?P<other>[^T]*(?:\s|日))?(?P<end>\d{1,2}[:：]\d\d(?:[:：]\d\d)?)$"
)
_JOINED, _LONGEST = r"[:：]\d\d-\d\d[:：]\d\d$", 6
_YEAR, _NO_YEAR = r"^\D{0,8}(\d{4})\s*[-/.年]\s*(\d{1,2})", r"^(\d{1,2})\s*([-/.月])\s*\d{1,2}日?$"


def slot_ends(column: pl.Series, read: Callable[[pl.Series], pl.Series], zone: str) -> pl.Series:
    """The column's instants, slots of time by their end.

    `18:00:00-05:00` is no slot: that is a time with its zone. A slot that ends at an earlier hour than it starts
    (`23:00-01:00`, `23:00-次日01:00`) ends on the day after the one it names; `18:00-05:00` may be New York's zone as well as a
    night of eleven hours, and is not read. An end whose day cannot be read is not read,
    whatever the day of its start; a day without its year has the year of the start.

    Args:
        column: the cells.
        read: texts of times to instants.
        zone: where a day begins.
    """
    if column.dtype != pl.String or not column.str.contains(r"\d[:：]\d\d\s*[-~～—–至到]").any():
        return read(column)
    frame = pl.DataFrame({"text": column}).with_columns(pl.col("text").str.extract_groups(_SLOT).alias("part"))
    frame = frame.unnest("part")
    alone = pl.col("other").is_null()
    is_zone = alone & pl.col("next").is_null() & (pl.col("dash") == "-") & pl.col("seconds").is_not_null()
    clock = [pl.col(n).str.replace_all("：", ":").str.zfill(5) for n in ("start", "end")]
    back = alone & (pl.col("next").is_not_null() | (clock[1].str.slice(0, 5) < clock[0]))
    hours = 24 - clock[0].str.slice(0, 2).cast(pl.Int32) + clock[1].str.slice(0, 2).cast(pl.Int32)
    doubtful = back & ~is_zone & pl.col("next").is_null() & pl.col("text").str.contains(_JOINED) & (hours > _LONGEST)
    slot = pl.col("end").is_not_null() & ~is_zone & ~doubtful.fill_null(value=False)
    day = pl.coalesce(_with_year(pl.col("other").str.strip_chars()), "day").str.strip_chars()
    end = pl.concat_str(day, clock[1], separator=" ")
    unread = pl.when(doubtful).then(pl.col("text") + " ~").otherwise("text")
    told = frame.select(pl.when(slot).then(end).otherwise(unread).alias(column.name), (slot & back).alias("back"))
    texts, over = told.to_series(0), told["back"].fill_null(value=False).arg_true()
    ends = read(texts)
    if not len(over):
        return ends
    later = ends.gather(over).dt.convert_time_zone(zone).dt.offset_by("1d").dt.convert_time_zone("UTC")
    return ends.scatter(over, later)


def _with_year(other: pl.Expr) -> pl.Expr:
    """`11-13` with the year of the start: the next one where its month is an earlier one."""
    year, month = (pl.col("day").str.extract(_YEAR, n).cast(pl.Int32) for n in (1, 2))
    own = other.str.extract(_NO_YEAR, 1).cast(pl.Int32)
    year = year + (own < month).cast(pl.Int32)
    mark = pl.when(other.str.extract(_NO_YEAR, 2) == "月").then(pl.lit("年")).otherwise(other.str.extract(_NO_YEAR, 2))
    told = pl.concat_str(year.cast(pl.String), mark, other)
    return pl.when(told.is_not_null()).then(told).otherwise(other)
