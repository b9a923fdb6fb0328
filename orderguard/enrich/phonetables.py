"""The tables behind phone regions: who owns a 7-digit mobile prefix, an area code, a calling code."""

import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl

from orderguard.enrich import places
from orderguard.enrich.tables import table

FIRST_PREFIX, LAST_PREFIX = 1_300_000, 1_999_999
_MANY = 400_000
"""Prefixes from which a table of all 700,000 is made: 20 ms."""
# The oil field 江汉 shares the area code of 潜江; 武汉 has a district of that name.
_FIELDS = {("湖北", "江汉"): "潜江"}
_HEAD, _ENTRY = struct.Struct("<4si"), struct.Struct("<iiB")


def _records(path: Path) -> tuple[bytes, int, dict[int, list[str]]]:
    """Return a phone.dat's bytes, the start of its index, its records by offset."""
    data = Path(path).read_bytes()
    if len(data) < _HEAD.size:
        message = f"{path}: not a phone.dat (shorter than its header)"
        raise ValueError(message)
    start = _HEAD.unpack_from(data)[1]
    if not _HEAD.size < start < len(data) or (len(data) - start) % _ENTRY.size:
        message = f"{path}: not a phone.dat (its header points to no whole index)"
        raise ValueError(message)
    records, offset = {}, _HEAD.size
    try:
        for text in data[_HEAD.size : start].split(b"\0"):
            if text:
                records[offset] = text.decode("utf-8").split("|")
            offset += len(text) + 1
    except UnicodeDecodeError as error:
        message = f"{path}: not a phone.dat (its records are not UTF-8)"
        raise ValueError(message) from error
    if any(len(record) != 4 for record in records.values()):
        message = f"{path}: not a phone.dat (a record is not province|city|zip|area)"
        raise ValueError(message)
    return data, start, records


def _prefecture(province: str, city: str) -> int | None:
    return places.prefecture_code(province, _FIELDS.get((province, city), city))


def load_phone_dat(path: str | Path) -> pl.DataFrame:
    """Read a ``phone.dat`` into runs of mobile prefixes for ``phone_facts(..., prefixes=...)``.

    Format (the ``phone`` project, MIT): 4 bytes version, int32 offset of the index; records
    ``province|city|zip|area`` in UTF-8, each ended by a zero byte; index entries of int32 prefix (7 digits),
    int32 record offset, uint8 carrier; little-endian. Returns ``first``, ``last``, ``adcode`` (UInt32,
    sorted, disjoint): the prefecture, or the province where the city's name is not known. Raises
    ``ValueError`` for another format.
    """
    data, start, records = _records(Path(path))
    codes = {offset: _prefecture(record[0], record[1]) for offset, record in records.items()}
    entries = [entry[:2] for entry in _ENTRY.iter_unpack(data[start:])]
    frame = pl.DataFrame(entries, schema={"prefix": pl.Int64, "offset": pl.Int64}, orient="row")
    if not frame["offset"].is_in(list(codes)).all():
        message = f"{path}: not a phone.dat (an index entry points to no record)"
        raise ValueError(message)
    frame = frame.with_columns(adcode=pl.col("offset").replace_strict(codes, return_dtype=pl.UInt32))
    frame = frame.filter(pl.col("prefix").is_between(FIRST_PREFIX, LAST_PREFIX), pl.col("adcode").is_not_null())
    frame = frame.unique("prefix", keep="first", maintain_order=True).sort("prefix")
    same = (pl.col("prefix") == pl.col("prefix").shift() + 1) & (pl.col("adcode") == pl.col("adcode").shift())
    runs = frame.with_columns(run=(~same.fill_null(value=False)).cum_sum())
    grouped = runs.group_by("run", maintain_order=True).agg(
        first=pl.col("prefix").first(), last=pl.col("prefix").last(), adcode=pl.col("adcode").first()
    )
    return grouped.select(pl.all().exclude("run").cast(pl.UInt32))


def phone_dat_areas(path: str | Path) -> dict[str, int]:
    """Return area code without its leading 0 -> adcode, from the records of a ``phone.dat``."""
    found: dict[str, int] = {}
    for province, city, _, area in sorted(_records(Path(path))[2].values()):
        code = _prefecture(province, city)
        if code and area.lstrip("0"):
            found.setdefault(area.lstrip("0"), code)
    return found


@cache
def regions() -> pl.DataFrame:
    """Return what can be said of a number, a row each: provinces and prefectures by adcode, then countries.

    Columns: ``adcode`` (null abroad), ``phone_region``, ``phone_province``, ``phone_city``,
    ``phone_country``, ``phone_lat``, ``phone_lon``.
    """
    frame = table("places").filter(pl.col("level") != "district").sort("adcode")
    provinces = frame.filter(level="province").select("province", province_short="short")
    is_city = pl.col("level") == "city"
    own = pl.when(is_city & (pl.col("short") != pl.col("province_short"))).then(pl.col("short")).otherwise(pl.lit(""))
    outer = (pl.col("adcode") // 10000).replace_strict(places.OUTER_COUNTRIES, default="CN", return_dtype=pl.String)
    chinese = frame.join(provinces, on="province", how="left", maintain_order="left").select(
        "adcode",
        phone_region=pl.col("province_short") + own,
        phone_province="province",
        phone_city=pl.when(is_city).then("name"),
        phone_country=outer,
        phone_lat="lat",
        phone_lon="lon",
    )
    abroad = table("dialling").filter(pl.col("precision") == "country").unique("country", keep="first").sort("country")
    foreign = abroad.select(
        pl.lit(None, pl.UInt32).alias("adcode"),
        phone_region="country",
        phone_province=pl.lit(None, pl.String),
        phone_city=pl.lit(None, pl.String),
        phone_country="country",
        phone_lat="lat",
        phone_lon="lon",
    )
    return pl.concat([chinese, foreign])


@cache
def _row_of_adcode() -> dict[int, int]:
    return {code: row for row, code in enumerate(regions()["adcode"]) if code is not None}


@cache
def row_of_dialling() -> dict[str, int]:
    """Return calling prefix (86755, 852, 1416) -> row of ``regions``."""
    abroad = {iso: row for row, iso in enumerate(regions()["phone_country"]) if row >= len(_row_of_adcode())}
    rows = table("dialling").select("prefix", "country", "adcode").iter_rows()
    return {prefix: abroad[iso] if code is None else _row_of_adcode()[code] for prefix, iso, code in rows}


class Prefixes(NamedTuple):
    """Disjoint runs of prefixes, sorted: `first` and `last` of each, and its ``regions`` row."""

    first: pl.Series
    last: pl.Series
    row: pl.Series

    def rows(self, prefix: pl.Series) -> pl.Series:
        """Return the ``regions`` row of each prefix (UInt32), null where no run holds it; many by a table of all."""
        if len(prefix) < _MANY:
            return self._searched(prefix)
        every = self._searched(pl.int_range(FIRST_PREFIX, LAST_PREFIX + 1, dtype=pl.UInt64, eager=True))
        inside = prefix.is_between(FIRST_PREFIX, LAST_PREFIX)
        return every.gather((prefix.set(~inside, None) - FIRST_PREFIX).cast(pl.UInt32))

    def _searched(self, prefix: pl.Series) -> pl.Series:
        run = self.first.search_sorted(prefix.fill_null(0), side="right").cast(pl.Int64) - 1
        run = run.clip(0)
        inside = (prefix >= self.first.gather(run)) & (prefix <= self.last.gather(run))
        return pl.select(pl.when(inside).then(self.row.gather(run))).to_series().cast(pl.UInt32)


def prefixes_of(runs: pl.DataFrame) -> Prefixes:
    """Read runs (``first last adcode``); where hand-made ones overlap, the one that starts first counts."""
    known = runs.filter(pl.col("first") >= FIRST_PREFIX, pl.col("last") <= LAST_PREFIX).sort(
        "first", maintain_order=True
    )
    before = pl.col("last").cum_max().shift(1).fill_null(0)
    cut = known.with_columns(first=pl.max_horizontal("first", before + 1)).filter(pl.col("first") <= pl.col("last"))
    row = cut["adcode"].replace_strict(_row_of_adcode(), default=None, return_dtype=pl.UInt16)
    return Prefixes(cut["first"].cast(pl.UInt64), cut["last"].cast(pl.UInt64), row)


@cache
def shipped() -> Prefixes:
    """Return the table in the package."""
    return prefixes_of(table("phones"))
