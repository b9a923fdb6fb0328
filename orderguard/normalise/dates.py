"""Which of day and month comes first in a file, and what its time-zone letters mean."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import polars as pl

from orderguard.columns import DAY_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from polars.series.struct import StructNameSpace

DateOrder = Literal["day", "month"]
_NUMBERED = r"^[\s'\"]*(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:\D|$)"

ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 60, "WEST": 60, "CET": 60, "MET": 60, "CEST": 120, "MEST": 120, "EET": 120,
    "EEST": 180, "MSK": 180, "PKT": 300, "ICT": 420, "WIB": 420, "SGT": 480, "HKT": 480, "MYT": 480, "PHT": 480, "AWST": 480,
    "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
    "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480,
    "HST": -600, "北京时间": 480, "中国标准时间": 480,
}  # fmt: skip
"""Minutes east of Greenwich. CST is left out: China and the middle of America both claim it."""
_NEIGHBOURS = r"(?:^|[^A-Z])(?:CDT|EST|EDT|MST|MDT|PST|PDT)(?:[^A-Z]|$)"


def settle(texts: Iterable[pl.Series]) -> DateOrder | None:
    """Which comes first in `03/04/2026`, by all the times of one file: a number above 12 is a day.

    None when no value tells, or when values contradict each other.
    """
    day = month = False
    for text in texts:
        if text.dtype != pl.String:
            continue
        parts = text.drop_nulls().unique().str.extract_groups(_NUMBERED).struct
        if year_first(parts):
            continue
        first, second = (part.cast(pl.Int32, strict=False) for part in (parts.field("1"), parts.field("2")))
        day = day or bool((first > 12).any())
        month = month or bool((second > 12).any())
    if day == month:
        return None
    return "day" if day else "month"


_LAST_OF_LONG_AGO = 15


def year_first(parts: StructNameSpace) -> bool:
    """Whether `26/11/11` begins with the year, as Excel's short Chinese form does.

    All first numbers would be years from 2020 on and all last ones days, and the first vary less than the last: an export
    holds days of one year or two, not one day of many years. Where both vary alike, the last would be years long ago.

    Args:
        parts: the three numbers as text, fields `1`, `2` and `3`.
    """
    a, b, c = (parts.field(n).cast(pl.Int32, strict=False).drop_nulls() for n in ("1", "2", "3"))
    if a.is_empty() or not (a.is_between(20, 40).all() and b.is_between(1, 12).all() and c.is_between(1, 31).all()):
        return False
    first, last = a.n_unique(), c.n_unique()
    return first < last or (first == last and int(c.max()) < _LAST_OF_LONG_AGO)  # type: ignore[arg-type]


def numbered(text: pl.Series) -> pl.Series:
    """True where a text is a date that needs the order of day and month."""
    return text.str.contains(_NUMBERED).fill_null(value=False)


def cst_minutes(texts: pl.Series, zone: str) -> int | None:
    """What CST means among these texts, in minutes.

    American when other American letters stand beside it or the shop is there, Chinese when the rulebook's zone is Asian;
    None when nothing tells.
    """
    if texts.str.contains(_NEIGHBOURS).any() or zone.startswith(("America/", "US/")):
        return -360
    return 480 if zone.startswith("Asia/") else None


_LONGEST = 60 * 366
"""Days that are looked at one by one for a change of the clocks."""


def instants(wall: pl.Series, zone: str) -> pl.Series:
    """Wall-clock time to instants. A repeated hour is the earlier one; a skipped one moves on by an hour.

    Args:
        wall: times without a zone, read in `zone`; those with one keep their instant.
        zone: IANA name.
    """
    if getattr(wall.dtype, "time_zone", None) is not None:
        return wall.dt.convert_time_zone("UTC")
    low, high = wall.min(), wall.max()
    shift = (
        _one_offset(zone, low.date(), high.date())
        if isinstance(low, datetime) and isinstance(high, datetime)
        else timedelta()
    )
    if shift is not None:  # no change of the clocks in these years: a subtraction
        return (wall - shift).dt.replace_time_zone("UTC")
    placed = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if placed.null_count() > wall.null_count():
        moved = wall.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        placed = pl.select(pl.coalesce(placed, moved)).to_series()
    return placed.dt.convert_time_zone("UTC")


@lru_cache(maxsize=256)
def _one_offset(zone: str, low: date, high: date) -> timedelta | None:
    """The offset that holds on every day from `low` to `high`; None when clocks change or the span is too long."""
    days = (high - low).days
    if days > _LONGEST or low.year < 2 or high.year > 9998:
        return None
    place = ZoneInfo(zone)
    first = datetime(low.year, low.month, low.day, tzinfo=place) - timedelta(days=1)
    offset = first.utcoffset()
    return offset if all((first + timedelta(days=n)).utcoffset() == offset for n in range(days + 4)) else None


_QUARTER = 900_000_000
_WHOLE_FILE = 20


def marked_days(text: pl.Series, read: pl.Series, zone: str) -> tuple[pl.Series, int]:
    """Order times, those that are known to the day only marked so (see `columns.DAY_ONLY`), and how many these are.

    Cells without a time of day; and all of a file whose every order, of several days, stands at midnight.

    Args:
        text: the cells as they were read, or dates.
        read: their instants.
        zone: where midnight is.
    """
    micros = read.to_physical()
    rows = (micros % _QUARTER == 0).fill_null(value=False).arg_true()
    if not len(rows):
        return read, 0
    local = read.gather(rows).dt.convert_time_zone(zone)
    rows = rows.filter((local.dt.hour() == 0) & (local.dt.minute() == 0))
    known = len(read) - read.null_count()
    if text.dtype != pl.Date and (len(rows) < known or known < _WHOLE_FILE or local.dt.date().n_unique() < 2):
        if text.dtype != pl.String:
            return read, 0
        cells = text.gather(rows)
        rows = rows.filter(~cells.str.contains(r"[:：时時点點]|\d{9,}|^\D*\d+\.\d+\D*$").fill_null(value=True))
    if not len(rows):
        return read, 0
    marked = micros.scatter(rows, micros.gather(rows) + DAY_ONLY)
    return marked.cast(read.dtype).alias(read.name), len(rows)


_MONTHS = {
    "enero": "jan", "janeiro": "jan", "febrero": "feb", "fevereiro": "feb", "marzo": "mar", "março": "mar", "abril": "apr",
    "mayo": "may", "maio": "may", "junio": "jun", "junho": "jun", "julio": "jul", "julho": "jul", "agosto": "aug",
    "septiembre": "sep", "setiembre": "sep", "setembro": "sep", "octubre": "oct", "outubro": "oct", "noviembre": "nov",
    "novembro": "nov", "diciembre": "dec", "dezembro": "dec",
}  # fmt: skip
_ROMANCE = r"(?i)^(\d{1,2})\s+de\s+([a-zç]+)\s+del?\s+(\d{4}),?\s*(?:a\s+las\s+|às\s+)?(\d{1,2}:\d\d(?::\d\d)?)?\s*(?:hs?|horas)?\.?$"


def without_de(texts: pl.Series) -> pl.Series:
    """Spanish and Portuguese dates in English: `10 de noviembre de 2026 13:45 hs.` is `10 nov 2026 13:45`."""
    part = texts.str.extract_groups(_ROMANCE).struct
    if part.field("1").null_count() == len(texts):
        return texts
    month = part.field("2").str.to_lowercase().replace_strict(_MONTHS, default=None, return_dtype=pl.String)
    clock = part.field("4").fill_null("")
    parts = (part.field("1"), month, part.field("3"), clock)
    told = pl.select(pl.concat_str(*map(pl.lit, parts), separator=" ")).to_series()
    return texts.zip_with(told.is_null(), told.str.strip_chars_end())


def without_place(texts: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Texts without the zone's name behind them (`[Asia/Shanghai]`, as Java writes it), and these names; None: there are none."""
    parts = texts.str.extract_groups(
        r"^(.*\d\d(?:Z|[+-]\d\d:?\d\d)?)\s*[\[(]?([A-Z][A-Za-z]+/[A-Za-z_/+\-0-9]+)[\])]?$"
    ).struct
    places = parts.field("2")
    if places.null_count() == len(places):
        return texts, None
    known = {p: _is_zone(p) for p in places.drop_nulls().unique()}
    places = places.set(~places.replace_strict(known, default=False, return_dtype=pl.Boolean), None)
    return texts.zip_with(places.is_null(), parts.field("1")), places


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def instants_at(wall: pl.Series, places: pl.Series, zone: str) -> pl.Series:
    """`instants`, each in the zone that it names itself; in `zone` where it names none."""
    read = instants(wall, zone)
    for place in places.drop_nulls().unique(maintain_order=True):
        rows = (places == place).fill_null(value=False).arg_true()
        read = read.scatter(rows, instants(wall.gather(rows), place))
    return read


def without_zone(texts: pl.Series, zone: str) -> tuple[pl.Series, pl.Series]:
    """Texts without what they say about their zone, and its minutes east of Greenwich (null: nothing said).

    `+08:00`, `-0500`, `+08`, `GMT+8`, `Z`, and letters such as `PST`, also behind AM/PM.
    """
    letters = texts.str.extract(r"(?:\d|\d\s?[AaPp]\.?[Mm]\.?)\s*\(?([A-Z]{2,5}|[A-Z]|北京时间|中国标准时间)\)?$")
    letters = letters.set(letters.is_in(["AM", "PM"]).fill_null(value=False), None)
    minutes = letters.replace_strict(ZONES, default=None, return_dtype=pl.Int32)
    if (letters == "CST").any():
        meant = cst_minutes(texts, zone)
        minutes = minutes.set((letters == "CST").fill_null(value=False), meant) if meant is not None else minutes
    named = pl.lit(minutes).is_not_null()
    text = pl.lit(texts)
    rest = pl.select(pl.when(named).then(text.str.replace(r"\s*\(?[^\s\d(]+\)?$", "")).otherwise(text)).to_series()
    # A date alone is no offset: 2026-11-11 must not lose its -11.
    parts = rest.str.extract_groups(
        r"^(.*:\d\d(?:\.\d+)?(?:\s?[AaPp]\.?[Mm]\.?)?)\s*\(?(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?\)?$"
    ).struct
    hours, more = (parts.field(n).cast(pl.Int32, strict=False) for n in ("3", "4"))
    sign = parts.field("2").replace_strict({"-": -1, "+": 1}, default=None, return_dtype=pl.Int32)
    shift = (hours * 60 + more.fill_null(0)) * sign
    rest = pl.select(
        pl.when(pl.lit(shift).is_not_null()).then(pl.lit(parts.field("1"))).otherwise(pl.lit(rest))
    ).to_series()
    return rest, pl.select(pl.coalesce(pl.lit(shift), pl.lit(minutes))).to_series().cast(pl.Int32)
