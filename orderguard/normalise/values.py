"""Text to instants, money and whole numbers.

Each function leaves null what it cannot read; `unread` tells which of these cells held something.
"""

from __future__ import annotations

import polars as pl

from orderguard.columns import INSTANT, MONEY
from orderguard.normalise import dates, sums
from orderguard.normalise.cleaning import cleaned_series, without

_WIDE = str.maketrans("０１２３４５６７８９．，：／－＋", "0123456789.,:/-+")
_YEARS = (1971, 2199)
_MIDNIGHT = r" 24:00(:00)?$"
_ISO = "%Y-%m-%d %H:%M:%S"
_FRACTION = "%Y-%m-%d %H:%M:%S%.f"
_COUNTED = (
    r"(?i)^(?:[x×*]|共)?\s*(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*"
    r"(?:[次单單件个個笔筆盒袋瓶箱包套双雙条條台只罐支张張份本点개건]|pcs?|pieces?|units?|ea|orders?)?\.?$"
)
"""A number with the word of what is counted."""
_FORMATS = (
    _ISO, "%Y-%m-%d %H:%M", "%Y-%m-%d", _FRACTION,
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
    AM/PM, zone suffixes and names, Excel serial days and Unix time down to nanoseconds.

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
    done = _parse(column, _ISO) if first is None else first
    done = dates.instants(_sane(done), zone)
    rest = column.is_not_null() & done.is_null()
    if not rest.any():
        return done.alias(column.name)
    distinct = column.filter(rest).unique(maintain_order=True)
    text = without(cleaned_series(distinct), none)
    read = _sane(dates.instants(_parse(text, _FRACTION), zone))
    if read.null_count() > text.null_count():  # most often that is all, and the long way takes 60 steps
        some = text.drop_nulls()
        long = _read_rest(some, zone, order)
        read = (
            pl.Series(read.name, [None], dtype=INSTANT)
            .new_from_index(0, len(text))
            .scatter(text.is_not_null().arg_true(), long)
        )
    return filled(column, done, rest, pl.DataFrame({"text": distinct, "read": read}))


def _sane(read: pl.Series) -> pl.Series:
    """Without the years that a slip makes: 26-11-11 is no day of the year 26."""
    low, high = read.min(), read.max()
    if low is None or (low.year >= _YEARS[0] and high.year <= _YEARS[1]):  # type: ignore[union-attr]
        return read
    return pl.select(
        pl.when(pl.lit(read).dt.year().is_between(*_YEARS)).then(pl.lit(read)).alias(read.name)
    ).to_series()


def unread(column: pl.Series, read: pl.Series, none: tuple[str, ...]) -> pl.Series | None:
    """Where a cell holds something that could not be read; None when there is no such cell."""
    rows = column.is_not_null() & read.is_null()
    if not rows.any():
        return None
    if column.dtype == pl.String:
        meant = without(cleaned_series(column.filter(rows)), none).is_not_null()
        rows = rows.scatter(rows.arg_true(), meant)
    return rows if rows.any() else None


def filled(column: pl.Series, done: pl.Series, unread: pl.Series, table: pl.DataFrame) -> pl.Series:
    """`done` with the unread cells looked up in `table` (`text read`): only these few rows are joined."""
    rows = unread.arg_true()
    texts = pl.DataFrame({"text": column.gather(rows)})
    found = texts.join(table, on="text", how="left", maintain_order="left")["read"]
    return done.scatter(rows, found).alias(column.name)


def _parse(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, strict=False, time_unit="us", exact=True, cache=False)


def _read_rest(text: pl.Series, zone: str, order: dates.DateOrder | None) -> pl.Series:
    name = text.name
    t = pl.Series(name, [v.translate(_WIDE) for v in text.to_list()], dtype=pl.String)
    t, places = dates.without_place(_respelled(dates.without_de(t)))
    t = t.str.replace(r"(\d{1,2})[时時点點](\d{1,2})分(?:(\d{1,2})秒)?$", "$1:$2:${3}").str.strip_suffix(":")
    t = t.str.replace(r"^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d\d:\d\d:\d\d ?[A-Z]{0,4}) (\d{4})$", "$1 $2 $4 $3")
    t = t.str.replace_all(r"[年月]", "-").str.replace_all("日", " ").str.replace_all(r"上午|下午", " ")
    half = text.str.extract(r"(?i)(下午|上午|[AP]\.?M\.?)").str.to_lowercase().str.replace_all(r"\.", "")
    t, minutes = dates.without_zone(t.str.replace(r"(\d)T(\d)", "$1 $2"), zone)
    t = t.str.replace_all(r"(?i)\s*[AP]\.?M\.?\s*$", "").str.replace(
        r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+", ""
    )
    t = t.str.replace_all(r"[/.](\d{1,2})[/.]", "-$1-").str.replace_all(r"\s+", " ").str.strip_chars(" -")
    t = t.str.replace(r"^(\d{4})-(\d)-", "$1-0$2-").str.replace(r"^(\d{4}-\d\d)-(\d)( |$)", "$1-0$2$3")
    t = t.str.replace(r" (\d):", " 0$1:").alias(name)
    ended = t.str.contains(_MIDNIGHT)  # the end of a day, as timetables and promises write it
    t = t.str.replace(_MIDNIGHT, " 00:00$1")
    naive = pl.Series(name, [None] * len(t), dtype=pl.Datetime("us"))
    for form in _FORMATS:
        read = _parse(t, form)  # 09-05-26 is no day of the year 9
        naive = _or(naive, pl.select(pl.when(pl.lit(read).dt.year().is_between(*_YEARS)).then(read)).to_series())
        if not naive.null_count():
            break
    if naive.null_count():
        naive = _or(naive, _numbered(t, order))
        naive = _or(naive, _named(t))
    naive = _afternoon(naive, half)
    naive = naive if not ended.any() else naive + pl.select(pl.duration(days=pl.lit(ended).cast(pl.Int8))).to_series()
    zoned = pl.select(pl.lit(naive).dt.replace_time_zone("UTC") - pl.duration(minutes=pl.lit(minutes))).to_series()
    local = dates.instants(naive, zone) if places is None else dates.instants_at(naive, places, zone)
    read = pl.select(pl.when(minutes.is_not_null()).then(zoned).otherwise(local)).to_series()
    read = _or(read, _counted(t, zone))
    year = read.dt.year()
    return pl.select(pl.when(year.is_between(*_YEARS)).then(read)).to_series().cast(INSTANT)


def _respelled(t: pl.Series) -> pl.Series:
    """Months in three letters, `05,123` and Oracle's `10.00.00.5` as clock times, the number out of `/Date(…)/`."""
    t = t.str.replace(r"(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(\b|\W)", "$1$2")
    t = t.str.replace(r"(?i)\b(\d{1,2})(?:st|nd|rd|th)\b", "$1").str.replace(
        r"^/Date\((\d{9,16})(?:[+-]\d{4})?\)/$", "$1"
    )
    return t.str.replace(r"(:\d\d:\d\d),(\d{1,9})\b", "$1.$2").str.replace(
        r"(-\d\d(?:\d\d)?) (\d{1,2})\.(\d\d)\.(\d\d)(\.\d{1,9})?\b", "$1 $2:$3:$4$5"
    )


def _or(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(first, second)).to_series()


def _numbered(t: pl.Series, order: dates.DateOrder | None) -> pl.Series:
    """`25-06-2026 13:03:57` or `06-25-26`: the whole column decides which is the day."""
    part = t.str.extract_groups(r"^(\d{1,2})[-/](\d{1,2})[-/](\d{4}|\d{2})(?: (\d{1,2}):(\d\d)(?::(\d\d))?)?$").struct
    a, b = part.field("1").cast(pl.Int32, strict=False), part.field("2").cast(pl.Int32, strict=False)
    year = part.field("3").cast(pl.Int32, strict=False)
    if order is None:
        day_first, month_first = bool((a > 12).any()), bool((b > 12).any())
        if day_first == month_first:  # 11/11/2026 is one day either way, and the day this house is made for
            a = a.set(~a.eq_missing(b), None)
        order = "day" if day_first else "month"
    day, month = (a, b) if order == "day" else (b, a)
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
    return _parse(text.to_series(), _ISO)


def _named(t: pl.Series) -> pl.Series:
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
    read = _parse(t, forms[0])
    for form in forms[1:]:
        if not read.null_count():
            break
        read = (
            _or(read, _parse(t, form))
            if "%H" in form
            else _or(read, t.str.to_date(form, strict=False).cast(pl.Datetime("us")))
        )
    return read


def _afternoon(naive: pl.Series, half: pl.Series) -> pl.Series:
    pm, am = half.is_in(["pm", "下午"]), half.is_in(["am", "上午"])
    hour = naive.dt.hour()
    shift = pl.when(pm & (hour < 12)).then(12).when(am & (hour == 12)).then(-12).otherwise(0)
    return pl.select(naive + pl.duration(hours=shift)).to_series()


def _counted(t: pl.Series, zone: str) -> pl.Series:
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
    return _or(dates.instants(naive, zone), instant.dt.replace_time_zone("UTC"))


def money(column: pl.Series, none: tuple[str, ...] = (), first: pl.Series | None = None) -> pl.Series:
    """Exact decimals. `1,299.00`, `¥12`, `12.00元`, `$45.99`, `1.299,00 €` are read; `12,5` is not (see `sums`).

    Args:
        column: text with or without the marks of spreadsheets, or numbers.
        none: words for no amount.
        first: what `first_look` read already.
    """
    if column.dtype != pl.String:
        return column.cast(MONEY, strict=False)
    done = column.cast(MONEY, strict=False) if first is None else first
    if done.null_count() == column.null_count():
        return done
    unread = column.is_not_null() & done.is_null()
    dotted = sums.is_dotted(column.filter(unread))
    if dotted:
        unread = unread | column.str.contains(sums.DOTTED).fill_null(value=False)
    rest = column.filter(unread).unique(maintain_order=True)
    meant = without(cleaned_series(rest), none)
    text = pl.Series(column.name, [v and v.translate(_WIDE) for v in meant.to_list()], dtype=pl.String)
    plain = sums.plain(text, dotted=dotted)
    return filled(column, done, unread, pl.DataFrame({"text": rest, "read": plain.cast(MONEY, strict=False)}))


def whole(column: pl.Series, none: tuple[str, ...] = (), first: pl.Series | None = None) -> pl.Series:
    """Whole numbers; `3.0` is read, `3.5` is not."""
    if first is not None and first.null_count() == column.null_count():
        return first
    number = fractional(column, none)
    return (
        pl.select(pl.when(number == number.round()).then(number))
        .to_series()
        .cast(pl.Int64, strict=False)
        .alias(column.name)
    )


def fractional(column: pl.Series, none: tuple[str, ...] = (), first: pl.Series | None = None) -> pl.Series:
    """Numbers with or without a fraction; `2件`, `x2`, `1,000 pcs` are read, `1.5kg` is no count."""
    done = column.cast(pl.Float64, strict=False) if first is None else first
    if column.dtype != pl.String or done.null_count() == column.null_count():
        return done
    rest = column.is_not_null() & done.is_null()
    distinct = column.filter(rest).unique(maintain_order=True)
    meant = without(cleaned_series(distinct), none)
    text = pl.Series(column.name, [v and v.translate(_WIDE) for v in meant.to_list()], dtype=pl.String)
    bare = text.str.extract(_COUNTED).str.replace_all(",", "", literal=True)
    read = pl.select(
        pl.coalesce(pl.lit(text).cast(pl.Float64, strict=False), pl.lit(bare).cast(pl.Float64))
    ).to_series()
    return filled(column, done, rest, pl.DataFrame({"text": distinct, "read": read}))


_FIRST_FORMS = (
    _ISO, "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d%H%M%S",
)  # fmt: skip
"""Each means one instant only, so that a cell it reads need not be looked at again."""


def first_look(name: str, sample: pl.Series, kind: str) -> pl.Expr:
    """How nearly every cell of a column is read, for all columns at once: what it leaves null is read the long way.

    Args:
        name: the heading.
        sample: some of its cells; the form of times is settled by them.
        kind: `time`, `money`, `whole` or `number`.
    """
    column = pl.col(name)
    if kind == "money":
        return column.cast(MONEY, strict=False)
    if kind in {"whole", "number"}:
        return column.cast(pl.Int64 if kind == "whole" else pl.Float64, strict=False)
    sample = sample.drop_nulls().head(50)
    form = next((f for f in _FIRST_FORMS if len(sample) and not _parse(sample, f).null_count()), _ISO)
    return column.str.to_datetime(form, strict=False, time_unit="us", exact=True, cache=False)
