"""Cells to instants: the forms in which shops and databases write times.

What cannot be read is left null.
"""

from __future__ import annotations

import polars as pl

from orderguard.columns import INSTANT
from orderguard.normalise import buddhist, dates, minguo, tongues
from orderguard.normalise.cleaning import cleaned_series, without
from orderguard.normalise.plain import YEARS, parse, plain_times, sane
from orderguard.normalise.values import WIDE, filled

_MIDNIGHT = r" 24:00(:00)?$"
ISO = "%Y-%m-%d %H:%M:%S"
_FRACTION = "%Y-%m-%d %H:%M:%S%.f"
_FORMATS = (
    ISO, "%Y-%m-%d %H:%M", "%Y-%m-%d", _FRACTION,
    "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S", "%Y%m%d",
)  # fmt: skip


def times(
    column: pl.Series,
    zone: str,
    order: dates.DateOrder | None = None,
    none: tuple[str, ...] = (),
    first: pl.Series | None = None,
) -> pl.Series:
    """Instants (UTC, microseconds). Text without a zone is read in `zone`.

    Reads ISO and Chinese forms, day-first and month-first with slashes (settled by all the column's values: a
    day above 12 decides; when nothing decides and `order` is None they stay null), English month names,
    AM/PM, zone suffixes and names, 民國 and Thai years, Excel serial days and Unix time down to nanoseconds.

    Args:
        column: text with or without the marks of spreadsheets, dates or times.
        zone: of times without one.
        order: which comes first in 03/04.
        none: words for no time.
        first: what `first_look` read already.
    """
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        return dates.instants(column.cast(pl.Datetime("us", column.dtype.time_zone)), zone)
    if column.dtype != pl.String:
        column = column.cast(pl.String)
        first = None
    done = parse(column, ISO) if first is None else first
    done = dates.instants(sane(done), zone)
    rest = column.is_not_null() & done.is_null()
    if not rest.any():
        return done.alias(column.name)
    distinct = column.filter(rest).unique(maintain_order=True)
    text = without(cleaned_series(distinct), none)
    read = plain_times(text, zone)
    if read.null_count() > text.null_count():
        left = (read.is_null() & text.is_not_null()).arg_true()
        read = read.scatter(left, _less_plain(text.gather(left), zone, order))
    return filled(column, done, rest, pl.DataFrame({"text": distinct, "read": read}))


_COUNT = r"^(?:[2-7]\d{4}(?:\.\d+)?|\d{9,10}|1[0-8]\d{11}|\d{16}|\d{19})$"
_MAY_TELL = r"^\P{N}*\p{N}{1,2}\P{N}.*\p{N}"
"""What may tell which number is the day, when the long way has spelled it anew: no cell that begins with a year."""
_DAY_AND_MONTH = (
    r"^\d{1,2}[-/]\d{1,2}[-/](?:19[7-9]|2[01]\d)\d(?: (?:[01]?\d|2[0-3]):\d\d(?::\d\d)?)?(?: ?[AaPp][Mm])?$"
)


def _less_plain(text: pl.Series, zone: str, order: dates.DateOrder | None) -> pl.Series:
    """`11/25/2026 0:03 AM`, Unix time and Excel's days in some steps; the rest by the long way, which takes 60."""
    counted, numbered = text.str.contains(_COUNT), text.str.contains(_DAY_AND_MONTH)
    if order is None and text.filter(~numbered & ~counted).str.contains(_MAY_TELL).any():
        numbered &= False
    read = pl.Series(text.name, [None], dtype=INSTANT).new_from_index(0, len(text))
    rest = ~counted & ~numbered & text.str.contains(r"\d")  # no form of a time has no figure in it
    for which, way in ((counted, _counted), (numbered, _day_and_month), (rest, _read_rest)):
        rows = which.arg_true()
        if len(rows):
            read = read.scatter(rows, sane(way(text.gather(rows), zone, order)))
    return read


def _day_and_month(t: pl.Series, zone: str, order: dates.DateOrder | None) -> pl.Series:
    half = t.str.extract(r"([AaPp][Mm])$").str.to_lowercase()
    return dates.instants(_afternoon(_numbered(t.str.replace(r" ?[AaPp][Mm]$", ""), order), half), zone)


def _read_rest(text: pl.Series, zone: str, order: dates.DateOrder | None) -> pl.Series:
    name = text.name
    t = pl.Series(name, [buddhist.spelled(minguo.spelled(v.translate(WIDE))) for v in text.to_list()], dtype=pl.String)
    t = tongues.respelled(dates.without_de(t)).alias("t")
    marks = pl.col("t").str.extract(r"(?i)(下午|上午|[AP]\.?M\.?)").str.to_lowercase().str.replace_all(r"\.", "")
    t, half = t.to_frame().select(_respelled(pl.col("t")), marks.alias("half"))
    t, places = dates.without_place(t)
    t, minutes = dates.without_zone(t.to_frame("t").select(_dashed(pl.col("t"))).to_series(), zone)
    ended, t = t.to_frame("t").select(_padded(pl.col("t"))).select(
        pl.col("t").str.contains(_MIDNIGHT).alias("ended"),  # the end of a day, as timetables and promises write it
        pl.col("t").str.replace(_MIDNIGHT, " 00:00$1").alias(name),
    )  # fmt: skip
    naive = pl.Series(name, [None] * len(t), dtype=pl.Datetime("us"))
    for form in _FORMATS:
        read = parse(t, form)  # 09-05-26 is no day of the year 9
        naive = _first_of(naive, pl.select(pl.when(pl.lit(read).dt.year().is_between(*YEARS)).then(read)).to_series())
        if not naive.null_count():
            break
    if naive.null_count():
        naive = _first_of(naive, _numbered(t, order))
    if naive.null_count() and t.str.contains("[A-Za-z]{3}").any():
        naive = _first_of(naive, _with_month_names(t))
    naive = _afternoon(naive, half)
    naive = naive if not ended.any() else naive + pl.select(pl.duration(days=pl.lit(ended).cast(pl.Int8))).to_series()
    zoned = pl.select(pl.lit(naive).dt.replace_time_zone("UTC") - pl.duration(minutes=pl.lit(minutes))).to_series()
    local = dates.instants(naive, zone) if places is None else dates.instants_at(naive, places, zone)
    read = pl.select(pl.when(minutes.is_not_null()).then(zoned).otherwise(local)).to_series()
    read = _first_of(read, _counted(t, zone))
    year = read.dt.year()
    return pl.select(pl.when(year.is_between(*YEARS)).then(read)).to_series().cast(INSTANT)


def _respelled(t: pl.Expr) -> pl.Expr:
    """Months in three letters, `05,123` and Oracle's `10.00.00.5` as clock times, the number out of `/Date(…)/`."""
    t = t.str.replace(r"(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(\b|\W)", "$1$2")
    t = t.str.replace(r"(?i)\b(\d{1,2})(?:st|nd|rd|th)\b", "$1")
    t = t.str.replace(r"^/Date\((\d{9,16})(?:[+-]\d{4})?\)/$", "$1")
    t = t.str.replace(r"(:\d\d:\d\d),(\d{1,9})\b", "$1.$2")
    return t.str.replace(r"(-\d\d(?:\d\d)?) (\d{1,2})\.(\d\d)\.(\d\d)(\.\d{1,9})?\b", "$1 $2:$3:$4$5")


def _dashed(t: pl.Expr) -> pl.Expr:
    """`2026年11月11日10时3分` and `Wed Nov 11 00:03:05 CST 2026` in the order of numbers, with a blank before the clock."""
    t = t.str.replace(r"(\d{1,2})[时時点點](\d{1,2})分(?:(\d{1,2})秒)?$", "$1:$2:${3}").str.strip_suffix(":")
    t = t.str.replace(r"^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d\d:\d\d:\d\d ?[A-Z]{0,4}) (\d{4})$", "$1 $2 $4 $3")
    t = t.str.replace_all(r"[年月]", "-").str.replace_all("日", " ").str.replace_all(r"上午|下午", " ")
    return t.str.replace(r"(\d)T(\d)", "$1 $2")


def _padded(t: pl.Expr) -> pl.Expr:
    """`Wed, 2026/1/2 3:04 PM` as `2026-01-02 03:04`."""
    t = t.str.replace_all(r"(?i)\s*[AP]\.?M\.?\s*$", "")
    t = t.str.replace(r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+", "")
    t = t.str.replace_all(r"[/.](\d{1,2})[/.]", "-$1-").str.replace_all(r"\s+", " ").str.strip_chars(" -")
    t = t.str.replace(r"^(\d{4})-(\d)-", "$1-0$2-").str.replace(r"^(\d{4}-\d\d)-(\d)( |$)", "$1-0$2$3")
    return t.str.replace(r" (\d):", " 0$1:")


def _first_of(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(first, second)).to_series()


def _numbered(t: pl.Series, order: dates.DateOrder | None) -> pl.Series:
    """`25-06-2026 13:03:57` or `06-25-26`: the whole column decides which is the day."""
    part = t.str.extract_groups(r"^(\d{1,2})[-/](\d{1,2})[-/](\d{4}|\d{2})(?: (\d{1,2}):(\d\d)(?::(\d\d))?)?$").struct
    a, b = part.field("1").cast(pl.Int32, strict=False), part.field("2").cast(pl.Int32, strict=False)
    year = part.field("3").cast(pl.Int32, strict=False)
    if order is None and dates.year_first(part):
        a, year = year, a
    elif order is None:
        day_first, month_first = bool((a > 12).any()), bool((b > 12).any())
        if day_first == month_first:  # 11/11/2026 is one day either way, and the day this house is made for
            a = a.set(~a.eq_missing(b), None)
        order = "day" if day_first else "month"
    day, month = (b, a) if order == "month" else (a, b)
    clock = [part.field(n).cast(pl.Int32, strict=False).fill_null(0) for n in ("4", "5", "6")]
    parts = pl.DataFrame(
        {
            "y": year + 2000 * (year < 100).cast(pl.Int32),
            "m": month,
            "d": day,
            "h": clock[0],
            "i": clock[1],
            "s": clock[2],
        }
    )
    text = parts.select(pl.format("{}-{}-{} {}:{}:{}", *[pl.col(c).cast(pl.String).str.zfill(2) for c in "ymdhis"]))
    return parse(text.to_series(), ISO)


def _with_month_names(t: pl.Series) -> pl.Series:
    forms = (
        "%d %b %Y %H:%M",
        "%d %b %Y %H:%M:%S",
        "%b-%d-%y",
        "%b %d, %Y",
        "%d-%b-%y",
        "%d-%b-%Y %H:%M:%S",
        "%d %B %Y",
        "%b-%d-%y %H:%M:%S",
        "%b-%d-%Y %H:%M:%S",
        "%d-%b-%y %H:%M:%S",
        "%d-%b-%Y %H:%M",
        "%b %d, %Y %H:%M:%S",
        "%b %d, %Y %H:%M",
        "%b %d, %Y, %H:%M",
        "%b %d, %Y, %H:%M:%S",
        "%b %d %Y %H:%M:%S",
        "%d %b %Y, %H:%M",
        "%d-%b-%Y",
        "%d %b %Y",
        "%b-%d-%Y",
        "%d-%b-%y %H:%M:%S%.f",
        "%d-%b-%Y %H:%M:%S%.f",
    )
    read = parse(t, forms[0])
    for form in forms[1:]:
        if not read.null_count():
            break
        read = (
            _first_of(read, parse(t, form))
            if "%H" in form
            else _first_of(read, t.str.to_date(form, strict=False).cast(pl.Datetime("us")))
        )
    return read


def _afternoon(naive: pl.Series, half: pl.Series) -> pl.Series:
    pm, am = half.is_in(["pm", "下午"]), half.is_in(["am", "上午"])
    hour = naive.dt.hour()
    shift = pl.when(pm & (hour < 12)).then(12).when(am & (hour == 12)).then(-12).otherwise(0)
    return pl.select(naive + pl.duration(hours=shift)).to_series()


def _counted(t: pl.Series, zone: str, _: dates.DateOrder | None = None) -> pl.Series:
    """Excel serial days (1900 system, a wall clock) and Unix time in seconds, milli-, micro- or nanoseconds."""
    number = t.str.extract(r"^(\d+(?:\.\d+)?)$").cast(pl.Float64, strict=False)
    days = pl.when(number.is_between(20_000, 80_000)).then(((number - 25_569) * 86_400).round() * 1e6)
    unix = (
        pl.when(number.is_between(5e8, 5e9)).then(number * 1e6).when(number.is_between(5e11, 5e12)).then(number * 1e3)
    )
    count = pl.lit(t.str.extract(r"^(\d{15,16}|\d{18,19})$").cast(pl.Int64, strict=False))  # a float has 15 digits
    fine = pl.when(count < 5e15).then(count).when(count.is_between(5 * 10**17, 5 * 10**18)).then(count // 1000)
    naive, instant = pl.select(
        days.cast(pl.Int64).cast(pl.Datetime("us")),
        pl.coalesce(unix.cast(pl.Int64), fine).cast(pl.Datetime("us")).alias("u"),
    )
    return _first_of(dates.instants(naive, zone), instant.dt.replace_time_zone("UTC"))
