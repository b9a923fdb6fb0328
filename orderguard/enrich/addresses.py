"""Takes a Chinese address apart into province, city, district and the rest; says when it cannot be honest.

The opening region words of all addresses are found in one pass (Aho-Corasick over the names of ``tables/``);
what the words mean is decided once per distinct chain of words, not per address.
"""

import polars as pl

from orderguard.enrich import regions

STATES = ("ok", "contradictory", "ambiguous", "no_region", "no_detail", "typo", "masked", "blank")
"""Blank and masked addresses cannot be judged; of the others the first fault in reading order is told."""

ADDRESS_SCHEMA = {
    "addr_province": pl.String, "addr_city": pl.String, "addr_district": pl.String, "addr_adcode": pl.UInt32,
    "addr_detail": pl.String, "addr_state": pl.String,
}  # fmt: skip
_COLUMNS = ("province", "city", "district", "address")
_WORDS = 7  # a whole chain twice (省 市 区 省 市 区) and a filler; what follows is the street
_OPENING = 40  # characters in which those words stand
_BLANKS = " \t\r\n\u00a0\u3000"
_GAP = _BLANKS + ",，、/|-_.。;；:："
# A region word followed by one of these names a street or house in some other town (深圳路, 广州市场).
_STREET = (
    r"^(?:[东西南北中一二三四五]{0,2}(?:大?[路街道]|大?巷|胡同|弄|桥)|场|湾[^仔里]|门|广场|大厦|大酒店|宾馆|饭店|银行|商城|商会"
    r"|小区|花园|公寓|新村)"
)
_RANKED = r"[省市区县旗盟州]$"
_MASK = ("*", "＊", "×", "●", "•", "■")
_POSTCODE = r"\s*[(（]\d{6}[)）]\s*$|^\d{6}\s+"
_DETAIL = r"[0-9A-Za-z\p{Han}].*[0-9A-Za-z\p{Han}]"
_TOWN = r"^(\p{Han}{2,4}?[省市])"
_RAW_DISTRICT = r"^\p{Han}{1,12}[区县市旗镇乡]$"


def _opening_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``rest`` (the text behind its region words) and the words ``w0`` ... of ``text``.

    A word counts (else null) while each follows the one before, gaps and punctuation aside.
    """
    words = pl.col("rest").str.slice(0, _OPENING).str.extract_many(regions.region_words(), leftmost=True)
    frame = frame.select(rest=pl.col("text").str.strip_chars_start(_GAP)).with_columns(words=words)
    frame = frame.with_columns(
        pl.lit(value=True).alias("on"),
        *(pl.col("words").list.get(n, null_on_oob=True).alias(f"w{n}") for n in range(_WORDS)),
    ).drop("words")
    for n in range(_WORDS):
        word = pl.col(f"w{n}")
        if frame[f"w{n}"].null_count() == frame.height:
            continue
        after = pl.col(f"w{n + 1}") if n + 1 < _WORDS else pl.lit("")
        cut = pl.col("rest").str.strip_prefix(word).str.strip_chars_start(_GAP)
        frame = frame.with_columns(on=pl.col("on") & pl.col("rest").str.starts_with(word), cut=cut)
        # 台州市路桥区, 哈尔滨道里区: what looks like a street may be the next region
        street = pl.col("cut").str.contains(_STREET) & ~pl.col("cut").str.starts_with(after).fill_null(value=False)
        street = street & ~word.str.contains(_RANKED) | word.str.ends_with("市") & pl.col("cut").str.starts_with("场")
        frame = frame.with_columns(on=(pl.col("on") & ~street).fill_null(value=False))
        frame = frame.with_columns(
            rest=pl.when("on").then("cut").otherwise("rest"), **{f"w{n}": pl.when("on").then(word)}
        )
    return frame.select("rest", *(f"w{n}" for n in range(_WORDS)))


def _read_chains(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``adcode``, ``state`` and ``rest`` of words ``w0`` ... below ``start``.

    Each distinct chain is decided once. Words that it does not take (济南 北京东园) go back to ``rest``.
    """
    keys = ["start", *(f"w{n}" for n in range(_WORDS))]
    frame = frame.with_columns(chain=pl.concat_str(pl.col(keys).cast(pl.String).fill_null(""), separator="|"))
    rows = []
    for label, start, *cells in frame.select("chain", *keys).unique("chain", maintain_order=True).iter_rows():
        words = [word for word in cells if word]
        reading = regions.read_words(words, start)
        rows.append((label, reading.adcode, reading.state, "".join(words[reading.used :])))
    schema = {"chain": pl.String, "adcode": pl.UInt32, "state": pl.String, "back": pl.String}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    frame = frame.join(found, on="chain", how="left", maintain_order="left")
    return frame.select("adcode", "state", rest=pl.col("back") + pl.col("rest"))


def _read(frame: pl.DataFrame) -> pl.DataFrame:
    """Read ``text`` below ``start``: returns ``adcode``, ``state``, ``rest``; then second looks."""
    read = _read_chains(_opening_words(frame).with_columns(frame["start"]))
    read = _second_look(read, frame, _after_province(frame["text"]), read["state"] == "no_region")
    lost = (pl.col("state") == "no_region") | ((pl.col("state") == "ok") & (pl.col("adcode") % 10000 == 0))
    read = _mend_typos(read, read.select(lost).to_series())
    return _short_districts(read)


def _after_province(text: pl.Series) -> pl.Series:
    """Return the text from the first province in full on, for addresses that a name or a number precedes."""
    names = [place.name for place in regions.places().values() if place.level == 0]
    return text.str.extract(rf"((?:{'|'.join(names)}).*)$")


def _replace_rows(read: pl.DataFrame, rows: pl.Series, other: pl.DataFrame) -> pl.DataFrame:
    """Return ``read`` with its rows at the indices ``rows`` taken from ``other``."""
    both = pl.concat([read, other])
    order = pl.int_range(read.height, eager=True, dtype=pl.UInt32)
    order = order.scatter(rows, pl.int_range(read.height, both.height, eager=True, dtype=pl.UInt32))
    return both[order]


def _second_look(read: pl.DataFrame, frame: pl.DataFrame, text: pl.Series, wanted: pl.Series) -> pl.DataFrame:
    rows = (wanted & text.is_not_null()).arg_true()
    if not len(rows):
        return read
    again = pl.DataFrame({"text": text[rows], "start": frame["start"][rows]})
    return _replace_rows(read, rows, _read_chains(_opening_words(again).with_columns(again["start"])))


def _mend_typos(read: pl.DataFrame, lost: pl.Series) -> pl.DataFrame:
    """Read again the addresses whose city is one character off (广洲市天河区); ``state`` becomes typo."""
    look = read.with_columns(token=pl.col("rest").str.extract(_TOWN))
    rows = (lost & look["token"].is_not_null()).arg_true()
    if not len(rows):
        return read
    part = look[rows].with_columns(
        tail=pl.col("rest").str.strip_prefix(pl.col("token")).str.strip_chars_start(_GAP).str.head(8)
    )
    keys = ["adcode", "token", "tail"]
    distinct = part.select(keys).unique(maintain_order=True)
    meant = [regions.meant_by(token, tail, adcode) for adcode, token, tail in distinct.iter_rows()]
    distinct = distinct.with_columns(meant=pl.Series(meant, dtype=pl.String))
    part = part.join(distinct, on=keys, how="left", nulls_equal=True, maintain_order="left")
    rows = rows.filter(part["meant"].is_not_null())
    part = part.filter(pl.col("meant").is_not_null())
    if not len(rows):
        return read
    again = part.select(text=pl.col("meant") + pl.col("rest").str.strip_prefix(pl.col("token")), start="adcode")
    mended = _read_chains(_opening_words(again).with_columns(again["start"]))
    mended = mended.with_columns(state=pl.when(state="ok").then(pl.lit("typo")).otherwise("state"))
    return _replace_rows(read, rows, mended)


def _short_districts(read: pl.DataFrame) -> pl.DataFrame:
    """Give the addresses that stop at a city the district whose short name comes next (深圳南山科技园)."""
    shorts = regions.short_districts()
    cities = pl.col("adcode").is_in(shorts["adcode"].unique().implode()) & pl.col("state").is_in(["ok", "typo"])
    rows = read.select(cities.fill_null(value=False)).to_series().arg_true()
    if not len(rows):
        return read
    part = read[rows].with_columns(district=pl.lit(None, pl.UInt32), left=pl.col("rest"))
    for length in sorted(shorts["short"].str.len_chars().unique(), reverse=True):
        part = part.with_columns(short=pl.col("rest").str.head(length)).join(
            shorts, on=["adcode", "short"], how="left", maintain_order="left"
        )
        left = pl.col("rest").str.strip_prefix(pl.col("short")).str.strip_chars_start(_GAP)
        fits = pl.col("district").is_null() & pl.col("code").is_not_null() & ~left.str.contains(_STREET)
        part = part.with_columns(
            district=pl.when(fits).then("code").otherwise("district"),
            left=pl.when(fits).then(left).otherwise("left"),
        ).drop("code", "short")
    part = part.select(adcode=pl.coalesce("district", "adcode"), state="state", rest="left")
    return _replace_rows(read, rows, part)


def _read_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """Read the columns province, city and district: ``start``, ``told`` (the state), ``raw``, ``unread``."""
    given = ["province", "city", "district"]
    fillers = ["", "县", *regions.FILLERS]
    clean = frame.select(pl.when(~pl.col(name).is_in(fillers)).then(name).alias(name) for name in given)
    distinct = clean.unique(maintain_order=True)
    text = pl.concat_str(given, separator=" ", ignore_nulls=True)
    read = _read(distinct.select(text=text, start=pl.lit(None, pl.UInt32)))
    plain = pl.col("state").is_in(["ok", "typo"]) & (pl.col("rest") != "")
    raw = pl.when(plain & pl.col("district").str.contains(_RAW_DISTRICT)).then("district")
    distinct = pl.concat([distinct, read], how="horizontal").select(
        *given,
        start="adcode",
        told="state",
        raw=raw,
        unread=pl.when(pl.col("adcode").is_null()).then(text),
    )
    return clean.join(distinct, on=given, how="left", nulls_equal=True, maintain_order="left").drop(given)


def parse_addresses(frame: pl.DataFrame) -> pl.DataFrame:
    """Read place and rest out of ``province``, ``city``, ``district``, ``address`` (String or null).

    Returns, in the height and order of ``frame``: ``addr_province``, ``addr_city``, ``addr_district`` (full
    names of today; a development zone stays as written), ``addr_adcode`` (the deepest level read),
    ``addr_detail`` (street and house) and ``addr_state``, one of ``STATES``. The three columns win over the
    text; the text adds what they lack. contradictory: two regions that exclude each other (广东省杭州市);
    ambiguous: several places of that name (南山区); typo: a city one character off, read as the city meant;
    no_detail: nothing behind the region; masked: something is hidden, and the region is what can be seen of it, if that
    leaves no doubt. Outdated names (襄樊市, 资阳市简阳市) are read as today's places.
    Raises polars' ``ColumnNotFoundError`` if a column is missing.
    """
    cells = frame.select(pl.col(name).cast(pl.String).str.strip_chars(_BLANKS) for name in _COLUMNS)
    told = _read_columns(cells)
    address = cells["address"].fill_null("").str.replace(_POSTCODE, "")
    doubtful = told["told"].is_in(["ambiguous", "no_region"]) & told["unread"].is_not_null()
    text = pl.select(pl.when(doubtful).then(told["unread"] + " " + address).otherwise(address)).to_series()
    read = _read(pl.DataFrame({"text": text, "start": told["start"]}))
    places = regions.levels()
    known = read.join(places, left_on="adcode", right_on="code", how="left", maintain_order="left")
    facts = pl.concat([known, told, cells], how="horizontal")
    empty = pl.all_horizontal(pl.col(name).fill_null("") == "" for name in _COLUMNS)
    masked = pl.any_horizontal(*(pl.col(name).str.contains_any(list(_MASK)) for name in _COLUMNS)).fill_null(
        value=False
    )
    unclear = pl.any_horizontal(pl.col("told", "state").is_in(["contradictory", "ambiguous"])).fill_null(value=False)
    seen = ~(masked & unclear)
    contradictory = (pl.col("told") == "contradictory") | (pl.col("state") == "contradictory")
    typo = (pl.col("told") == "typo") & pl.col("state").is_in(["ok", "typo"])
    state = (
        pl.when(empty).then(pl.lit("blank"))
        .when(masked).then(pl.lit("masked"))
        .when(contradictory).then(pl.lit("contradictory"))
        .when(typo).then(pl.lit("typo"))
        .when(pl.col("state") != "ok").then("state")
        .when(~pl.col("rest").str.contains(_DETAIL)).then(pl.lit("no_detail"))
        .otherwise(pl.lit("ok"))
    )  # fmt: skip
    return facts.select(
        addr_province=pl.when(seen).then("addr_province"),
        addr_city=pl.when(seen).then("addr_city"),
        addr_district=pl.when(seen).then(pl.coalesce("addr_district", "raw")),
        addr_adcode=pl.when(seen).then("adcode"),
        addr_detail=pl.when(pl.col("rest") != "").then("rest"),
        addr_state=state,
    )
