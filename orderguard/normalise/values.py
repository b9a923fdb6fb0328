"""Text to instants, money and whole numbers.

Each function leaves null what it cannot read; callers compare with the text to tell "blank" from "unreadable".
"""

from __future__ import annotations

import polars as pl

from orderguard.columns import BLANKS, INSTANT, MONEY
from orderguard.normalise import dates, sums

_WIDE = str.maketrans("０１２３４５６７８９．，：／－＋", "0123456789.,:/-+")
_YEARS = (1971, 2199)
_ISO = "%Y-%m-%d %H:%M:%S"
_FRACTION = "%Y-%m-%d %H:%M:%S%.f"
_FORMATS = (
    _ISO, "%Y-%m-%d %H:%M", "%Y-%m-%d", _FRACTION,
    "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S", "%Y%m%d",
)  # fmt: skip


def clean(frame: pl.DataFrame) -> pl.DataFrame:
    """Text cells without the marks that keep spreadsheets from changing them: `="123"`, a leading `'`, blanks around.

    Empty cells become null.
    """
    if not frame.width:
        return frame
    texts = frame.select(pl.all().cast(pl.String))
    # Most columns hold no mark at all: asking for any of them, anywhere, costs half of what stripping does.
    marked = texts.select(pl.all().str.contains_any([*BLANKS, "'", '="']).any()).row(0, named=True)
    odd = [name for name, yes in marked.items() if yes]
    stripped = texts.with_columns(pl.col(odd).str.strip_chars(BLANKS))
    flags = stripped.select(
        pl.col(odd).str.starts_with('="').any().name.suffix("\x1fe"),
        pl.col(odd).str.starts_with("'").any().name.suffix("\x1fq"),
        (pl.all() == "").any().name.suffix("\x1fb"),
    ).row(0, named=True)
    changes = []
    for name in stripped.columns:
        text = pl.col(name)
        if flags.get(f"{name}\x1fe"):
            text = text.str.replace(r'^="([^"]*)"$', "$1").str.strip_chars(BLANKS)
        if flags.get(f"{name}\x1fq"):
            quoted = text.str.contains(r"^'[0-9A-Za-z+=@\-(][^' ]*$")
            text = pl.when(quoted).then(text.str.slice(1)).otherwise(text).str.strip_chars(BLANKS)
        if any(flags.get(f"{name}\x1f{mark}") for mark in "eqb"):
            changes.append(pl.when(text != "").then(text).alias(name))
    return stripped.with_columns(changes) if changes else stripped


def times(column: pl.Series, zone: str, order: dates.DateOrder | None = None) -> pl.Series:
    """Instants (UTC, microseconds). Text without a zone is read in `zone`.

    Reads ISO and Chinese forms, day-first and month-first with slashes (settled by all the column's values: a
    day above 12 decides; when nothing decides and `order` is None they stay null), English month names,
    AM/PM, zone suffixes, Excel serial days and Unix seconds or milliseconds.
    """
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        plain = column.dtype.time_zone is None
        return (
            _local(column.cast(pl.Datetime("us")), zone)
            if plain
            else column.cast(pl.Datetime("us")).dt.convert_time_zone("UTC")
        )
    done = _local(_parse(column, _ISO), zone)
    rest = column.is_not_null() & done.is_null()
    if not rest.any():
        return done
    distinct = column.filter(rest).unique(maintain_order=True)
    read = _local(_parse(distinct, _FRACTION), zone)  # most often that is all, and the long way takes 60 steps
    if read.null_count() or not read.dt.year().is_between(*_YEARS).all():
        read = _read_rest(distinct, zone, order)
    return _filled(column, done, rest, pl.DataFrame({"text": distinct, "read": read}))


def _filled(column: pl.Series, done: pl.Series, unread: pl.Series, table: pl.DataFrame) -> pl.Series:
    """`done` with the unread cells looked up in `table` (`text read`): only these few rows are joined."""
    rows = unread.arg_true()
    texts = pl.DataFrame({"text": column.gather(rows)})
    found = texts.join(table, on="text", how="left", maintain_order="left")["read"]
    return done.scatter(rows, found).alias(column.name)


def _parse(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, strict=False, time_unit="us", exact=True)


def _local(naive: pl.Series, zone: str) -> pl.Series:
    """Wall-clock time to an instant. A repeated hour is the earlier one; a skipped one moves on by an hour."""
    placed = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if placed.null_count() > naive.null_count():
        moved = naive.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        placed = pl.select(pl.coalesce(placed, moved)).to_series()
    return placed.dt.convert_time_zone("UTC")


def _read_rest(text: pl.Series, zone: str, order: dates.DateOrder | None) -> pl.Series:
    name = text.name
    t = pl.Series(name, [v.translate(_WIDE) for v in text.to_list()], dtype=pl.String)
    t = t.str.replace_all(r"[年月]", "-").str.replace_all("日", " ").str.replace_all(r"上午|下午", " ")
    half = text.str.extract(r"(?i)(下午|上午|[AP]\.?M\.?)").str.to_lowercase().str.replace_all(r"\.", "")
    t, minutes = dates.without_zone(t.str.replace(r"(\d)T(\d)", "$1 $2"), zone)
    t = t.str.replace_all(r"(?i)\s*[AP]\.?M\.?\s*$", "").str.replace(
        r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+", ""
    )
    t = t.str.replace_all(r"[/.](\d{1,2})[/.]", "-$1-").str.replace_all(r"\s+", " ").str.strip_chars(" -")
    t = t.str.replace(r"^(\d{4})-(\d)-", "$1-0$2-").str.replace(r"^(\d{4}-\d\d)-(\d)( |$)", "$1-0$2$3")
    t = t.str.replace(r" (\d):", " 0$1:").alias(name)
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
    zoned = pl.select(pl.lit(naive).dt.replace_time_zone("UTC") - pl.duration(minutes=pl.lit(minutes))).to_series()
    local = _local(naive, zone)
    read = pl.select(pl.when(minutes.is_not_null()).then(zoned).otherwise(local)).to_series()
    read = _or(read, _counted(t, zone))
    year = read.dt.year()
    return pl.select(pl.when(year.is_between(*_YEARS)).then(read)).to_series().cast(INSTANT)


def _or(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(first, second)).to_series()


def _numbered(t: pl.Series, order: dates.DateOrder | None) -> pl.Series:
    """`25-06-2026 13:03:57` or `06-25-26`: the whole column decides which is the day."""
    part = t.str.extract_groups(r"^(\d{1,2})[-/](\d{1,2})[-/](\d{4}|\d{2})(?: (\d{1,2}):(\d\d)(?::(\d\d))?)?$").struct
    a, b = part.field("1").cast(pl.Int32, strict=False), part.field("2").cast(pl.Int32, strict=False)
    year = part.field("3").cast(pl.Int32, strict=False)
    if order is None:
        day_first, month_first = bool((a > 12).any()), bool((b > 12).any())
        if day_first == month_first:
            return pl.Series(t.name, [None] * len(t), dtype=pl.Datetime("us"))
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
    """Excel serial days (1900 system, a wall clock) and Unix time in seconds or milliseconds."""
    number = t.str.extract(r"^(\d+(?:\.\d+)?)$").cast(pl.Float64, strict=False)
    days = pl.when(number.is_between(20_000, 80_000)).then(((number - 25_569) * 86_400).round() * 1e6)
    unix = (
        pl.when(number.is_between(5e8, 5e9)).then(number * 1e6).when(number.is_between(5e11, 5e12)).then(number * 1e3)
    )
    naive, instant = pl.select(
        days.cast(pl.Int64).cast(pl.Datetime("us")), unix.cast(pl.Int64).cast(pl.Datetime("us")).alias("u")
    )
    return _or(_local(naive, zone), instant.dt.replace_time_zone("UTC"))


def money(column: pl.Series) -> pl.Series:
    """Exact decimals. `1,299.00`, `¥12`, `12.00元`, `$45.99`, `1.299,00 €` are read; `12,5` is not (see `sums`)."""
    if column.dtype != pl.String:
        return column.cast(MONEY, strict=False)
    done = column.cast(MONEY, strict=False)
    if done.null_count() == column.null_count():
        return done
    unread = column.is_not_null() & done.is_null()
    dotted = sums.is_dotted(column.filter(unread))
    if dotted:
        unread = unread | column.str.contains(sums.DOTTED).fill_null(value=False)
    rest = column.filter(unread).unique(maintain_order=True)
    text = pl.Series(column.name, [v.translate(_WIDE) for v in rest.to_list()], dtype=pl.String)
    plain = sums.plain(text, dotted=dotted)
    return _filled(column, done, unread, pl.DataFrame({"text": rest, "read": plain.cast(MONEY, strict=False)}))


def whole(column: pl.Series) -> pl.Series:
    """Whole numbers; `3.0` is read, `3.5` is not."""
    number = column.cast(pl.Float64, strict=False)
    return pl.select(pl.when(number == number.round()).then(number)).to_series().cast(pl.Int64, strict=False)


_DOTTED = r"^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$"
_NO_ADDRESS = ("0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104 - what proxies write when they know nothing


def ips(column: pl.Series) -> pl.Series:
    """IP addresses in one spelling; null for none, local ones and masked ones (`10.0.x.x`), which must not group.

    The first of a forwarded list counts; ports go; IPv6 is compressed, IPv4 inside IPv6 unwrapped. What is no address
    stays as it is.
    """
    odd = ~column.str.contains(_DOTTED).fill_null(value=True) | column.is_in(list(_NO_ADDRESS)).fill_null(value=False)
    if not odd.any():
        return column
    distinct = column.filter(odd).unique(maintain_order=True)
    kept = column.set(odd, None)
    return _filled(column, kept, odd, pl.DataFrame({"text": distinct, "read": _odd_ips(distinct)}))


def _odd_ips(column: pl.Series) -> pl.Series:
    text = column.str.split(",").list.first().str.strip_chars(BLANKS)
    text = text.str.replace(r"^(\d{1,3}(?:\.\d{1,3}){3}):\d+$", "$1").str.replace(
        r"^\[([0-9A-Fa-f:.]+)\](?::\d+)?$", "$1"
    )
    masked = text.str.contains(r"\*|(?i)(^|[.:])x+([.:]|$)").fill_null(value=False)
    if text.str.contains(":", literal=True).any():
        distinct = text.filter(text.str.contains(":", literal=True)).unique()
        table = pl.DataFrame({"text": distinct, "one": [_one_spelling(v) for v in distinct.to_list()]})
        joined = pl.DataFrame({"text": text}).join(table, on="text", how="left", maintain_order="left")
        text = joined.select(pl.coalesce("one", "text")).to_series()
    gone = masked | text.is_in(list(_NO_ADDRESS)).fill_null(value=False)
    return text.set(gone, None).alias(column.name) if gone.any() else text.alias(column.name)


def _one_spelling(text: str) -> str:
    from ipaddress import IPv6Address, ip_address  # noqa: PLC0415 - few exports have IPv6

    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return text
    inside = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inside or address)
