"""Where a phone number is at home, and under which spelling-free key it may be grouped.

Numbers of mobile virtual operators (162, 165, 167, 170, 171) have a home region like any other, but are
handed out far from it more often: read it as weaker evidence. A number that was carried to another operator
keeps its region. Tables: see ``tables/PROVENANCE.md``.
"""

from collections.abc import Collection

import polars as pl

from orderguard.enrich import phonetables
from orderguard.enrich.phonetables import load_phone_dat

__all__ = ["WHY", "load_phone_dat", "phone_facts"]

WHY = ("blank", "masked", "virtual", "unknown_prefix", "unreadable")
"""The reasons of a missing home region; users read their texts from the rule that reports them."""

FACTS = (
    "phone_key", "phone_region", "phone_province", "phone_city", "phone_country", "phone_lat", "phone_lon",
    "phone_why",
)  # fmt: skip
_LOWEST, _HIGHEST = 13_000_000_000, 19_999_999_999
_LAST_DIGITS = 10_000  # of a mobile number behind its 7-digit prefix

# The common spellings of a mobile, read without the slower general reader.
_PLAIN = r"""^['="\s]*\(?(?:(?:\+|00)?86)?\)?[ -]*0?1[3-9]\d[ -]?\d{4}[ -]?\d{4}[\s"]*$"""

_BLANKS = ("", "-", "--", "/", "无", "暂无", "空", "null", "none", "nan", "n/a", "na", "0")
_JOINT = r"[\s().\-]+"
_PREFIX_86 = r"^\(?\s*(?:(?:\+|00)\s*\(?86\)?[\s-]*|86\)?[\s-]+|86\)?(0?1[3-9]))"
_ABROAD = r"^\(?\s*(?:\+|00)\s*([\d*(][\d*\s().\-]*)"
_NEIGHBOUR = r"^\(?((?:852|853|886)[\s)\-][\d*\s().\-]*)$"
_AMERICAN = r"^(1[\s.\-]\(?[2-9]\d\d\)?[\s.\-]\d{3}[\s.\-]?\d{4})$"
_MOBILE = r"(?:^|[^\d+]|\+86|0086)0?(1[3-9]\d{9})(?:$|\D)"
_SPACED = r"(?:\+?86[\s-]?)?0?1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}"
_DIAL = r"(?:转接?|分机号?码?|请?拨打?|ext(?:ension)?\.?|p)"
# Platforms lend a buyer a number that many share, told apart by an extension behind or before it.
_EXTENSION = (
    rf"^{_SPACED}\s*(?:[-,;#_*x/:\s(\[【~+]|{_DIAL})+\s*\d{{1,6}}\s*[)\]】#]*$"
    rf"|^(?:[\[【<{{#]\s*{_DIAL}?\s*\d{{3,6}}\s*[\]】>}}#]|\(\s*{_DIAL}?\s*[1-9]\d{{3}}\s*\)|{_DIAL}\s*:?\s*\d{{1,6}}[#,;:\s]|\d{{1,6}}\s*{_DIAL})"
    rf"[\s:,-]*{_SPACED}$"
)
_COUNTRY = r"^[\[【(]\+?0*86[\])】]"
_SERVICE = r"^(?:[48]00\d{7}\D*\d*|9[56]\d{3,6}|1(?:00|1\d|2\d)\d{0,3})$"
_LANDLINE = r"(?:^|[^\d+])\(?(0(?:10|2\d|[3-9]\d\d))\)?[\s-]*(\d{8}|\d{7}|\d{4}[\s-]\d{4}|\d{3}[\s-]\d{4})(?:$|\D)"
_FLOAT = r"^1\.\d{7,10}e\+?10$"  # fewer digits were rounded away by a spreadsheet: that is another number
_SEALED = r"^(?:[~$#][a-z0-9+/=~$#_\-]{12,}|[a-z0-9+/_\-]{22,}={0,2})$"
_WHOLE_ABROAD = r"^[1-9]\d{6,14}$"  # of an international number without its plus (ITU-T E.164: at most 15)


def phone_facts(
    numbers: pl.Series,
    default_country: str | None = None,
    prefixes: pl.DataFrame | None = None,
    only: Collection[str] = FACTS,
) -> pl.DataFrame:
    """Return the facts of each number, in the height and order of ``numbers`` (String, nulls allowed).

    ``phone_key`` groups equal numbers whatever their spelling: 13812345678, 0755-12345678, +85261234567; null
    where the number is masked, virtual, blank or unreadable, so that it never groups. ``phone_region`` is for
    display (广东深圳, 香港, US), ``phone_province`` and ``phone_city`` are full names, ``phone_country`` is
    ISO 3166-1 alpha-2, ``phone_lat`` and ``phone_lon`` are degrees of the prefecture (of the provincial
    capital with ``phone_city`` null, of the country's capital abroad). ``phone_why`` is null where the home
    region is known, else one of ``WHY``.

    ``default_country``: where the shop is, ISO code; None is China. Abroad an unprefixed number is read as
    Chinese only if it has the form of a Chinese mobile. ``prefixes``: runs as ``load_phone_dat`` returns,
    instead of the table in the package. ``only``: the facts that are wanted; ``phone_at``, if asked for, is the row
    of ``phonetables.regions()``.
    """
    table = phonetables.shipped() if prefixes is None else phonetables.prefixes_of(prefixes)
    frame = pl.DataFrame({"text": numbers.cast(pl.String)})
    value = pl.col("text").cast(pl.UInt64, strict=False)
    bare = (pl.col("text").str.len_bytes() == 11) & value.is_between(_LOWEST, _HIGHEST)
    frame = frame.with_columns(value=pl.when(bare).then(value), key="text")
    odd = frame["value"].is_null()
    if odd.any():
        unusual = _read_unusual(frame.select("text").with_row_index("row").filter(odd), default_country)
        # Only these rows are put in place: sorting the whole frame back together costs more than reading it.
        at = unusual["row"]
        frame = pl.DataFrame([frame[n].scatter(at, unusual[n]) for n in ("value", "key")])
        away = pl.Series([None], dtype=pl.UInt32).new_from_index(0, len(frame)).scatter(at, unusual["at"])
        why = pl.Series([None], dtype=pl.String).new_from_index(0, len(frame)).scatter(at, unusual["why"])
        home = table.rows(frame["value"] // _LAST_DIGITS)
        rows = pl.select(pl.coalesce(away, home)).to_series()
    else:
        why = pl.Series([None], dtype=pl.String).new_from_index(0, len(frame))
        rows = table.rows(frame["value"] // _LAST_DIGITS)
    regions, known = phonetables.regions(), rows.is_not_null()
    facts = {n: regions[n].gather(rows) for n in FACTS if n in only and n in regions.columns}
    facts["phone_key"] = frame["key"]
    if "phone_why" in only:
        facts["phone_why"] = why.fill_null("unknown_prefix").set(known, None)
    facts["phone_at"] = rows
    return pl.DataFrame({name: facts[name] for name in (*FACTS, "phone_at") if name in only})


def _read_unusual(frame: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    """Read what is not eleven bare digits: ``row key``, ``value`` of mobiles, else ``at`` (of regions) or ``why``."""
    plain = frame["text"].str.contains(_PLAIN).fill_null(value=False)
    easy = frame.filter(plain).with_columns(key=pl.col("text").str.replace_all(r"\D+", "").str.tail(11))
    easy = easy.with_columns(value=pl.col("key").cast(pl.UInt64))
    hard = frame.filter(~plain).select("row", "text")
    read = _read_distinct(hard["text"].unique(maintain_order=True).drop_nulls(), default_country)
    hard = hard.join(read, on="text", how="left")
    hard = hard.with_columns(why=pl.when(pl.col("text").is_null()).then(pl.lit("blank")).otherwise("why"))
    return pl.concat([easy.select("row", "key", "value"), hard.drop("text")], how="diagonal")


def _in_one_form(texts: pl.Series) -> pl.DataFrame:
    """Return ``text`` and ``t``: one form of digits, dashes and masks; floats written out, wrapping off."""
    clean = (
        pl.col("text")
        .str.normalize("NFKC")
        .str.replace_all(r"[\p{Cf}\p{Cc}]", " ")
        .str.replace_all(r"[‐-―−－ー]", "-")
        .str.to_lowercase()
        .str.strip_chars(" '\"=`’‘“”")
        .str.replace(
            r"^(?:tel|phone|mobile|(?:联系|收货|收件人?|固定)?电话|(?:联系)?手机号?码?|联系方式|(?:虚拟|隐私|中间)(?:号码?|电话))\s*:?\s*",
            "",
        )
        .str.replace(r"^(\d{7,})\.0+$", "${1}")
        .str.replace_all(r"[x×•●＊*]{2,}", "**")
    )
    number = pl.col("t").cast(pl.Float64, strict=False).cast(pl.Int64, strict=False).cast(pl.String)
    written = pl.when(pl.col("t").str.contains(_FLOAT)).then(number).otherwise("t")
    return texts.alias("text").to_frame().with_columns(t=clean).with_columns(t=written)


def _read_distinct(texts: pl.Series, default_country: str | None) -> pl.DataFrame:
    """Read distinct odd numbers; returns ``text``, ``key``, ``value`` (mobiles), ``at``, ``why``."""
    t, b = pl.col("t"), pl.col("b")
    home = default_country in {None, "CN"}
    frame = _in_one_form(texts).with_columns(b=t.str.replace(_PREFIX_86, "${1}"))
    frame = frame.with_columns(
        had86=t != b,
        b=pl.when((t != b) & b.str.contains(r"^(?:10|2\d|[3-9]\d\d)[\s\-\d*]{7,}")).then("0" + b).otherwise(b),
    )
    abroad = pl.coalesce(t.str.extract(pattern) for pattern in (_ABROAD, _NEIGHBOUR, _AMERICAN))
    first = b.str.extract(r"^([^/,;、|&和或]+)")
    hidden = t.str.contains("*", literal=True) | t.str.contains(_SEALED)
    abroad = pl.when(~pl.col("had86")).then(abroad.str.replace("(0)", "", literal=True).str.replace_all(_JOINT, ""))
    frame = frame.with_columns(abroad=abroad, hidden=hidden, compact=first.str.replace_all(_JOINT, ""))
    compact, here = pl.col("compact"), pl.col("abroad").is_null()
    whole = pl.col("abroad").str.contains(_WHOLE_ABROAD).fill_null(value=False)
    frame = frame.with_columns(
        mobile=pl.when(here).then(pl.coalesce(b.str.extract(_MOBILE), compact.str.extract(r"^0?(1[3-9]\d{9})$"))),
        area=pl.when(here & (pl.col("had86") | home)).then(b.str.extract(_LANDLINE)),
        line=b.str.extract(_LANDLINE, 2).str.replace_all(r"\D", ""),
        known=pl.when(here).then(compact.str.extract(r"^0?(1[3-9]\d{5})\d*\*")),
        known_area=pl.when(here & (pl.col("had86") | home)).then(compact.str.extract(r"^(0(?:10|2\d|[3-9]\d\d))\d*\*")),
        abroad=pl.when(whole | pl.col("hidden")).then("abroad"),
        whole=whole,
        virtual=here & (b.str.contains(_EXTENSION) & ~b.str.contains(_COUNTRY) | compact.str.contains(_SERVICE)),
    )
    return frame.with_columns(at=_dialled(frame)).select(
        "text",
        key=pl.when(pl.col("virtual") | t.is_in(_BLANKS)).then(None)
        .when(pl.col("mobile").is_not_null()).then("mobile")
        .when(pl.col("area").is_not_null()).then(pl.col("area") + "-" + pl.col("line"))
        .when(pl.col("whole")).then("+" + pl.col("abroad")),
        value=pl.when(~pl.col("virtual")).then(
            pl.coalesce("mobile", pl.when(pl.col("area").is_null()).then(pl.col("known") + "0000"))
        ).cast(pl.UInt64),
        at=pl.when(~pl.col("virtual") & pl.col("mobile").is_null()).then("at"),
        why=pl.when(t.is_in(_BLANKS)).then(pl.lit("blank"))
        .when(pl.col("virtual")).then(pl.lit("virtual"))
        .when(pl.coalesce("mobile", "area", "known", "known_area").is_not_null() | pl.col("whole")).then(None)
        .when(pl.col("hidden")).then(pl.lit("masked"))
        .otherwise(pl.lit("unreadable")),
    )  # fmt: skip


def _dialled(frame: pl.DataFrame) -> pl.Series:
    """Return the row of regions by area code or, longest first, by foreign calling code."""
    codes = phonetables.row_of_dialling()
    area = "86" + pl.coalesce("area", "known_area").str.strip_chars_start("0")
    away = pl.col("abroad")
    tries = [area, *(pl.when(away.str.len_chars() > n).then(away.str.head(n)) for n in (4, 3, 2, 1))]
    rows = [text.replace_strict(codes, default=None, return_dtype=pl.UInt32) for text in tries]
    return frame.select(pl.coalesce(rows)).to_series()
