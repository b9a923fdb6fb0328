"""Where a place is, and how far two places are apart.

Places come from the tables of this room (see ``tables/PROVENANCE.md``); coordinates are WGS 84 degrees.
"""

import math
import re
from functools import cache

import polars as pl

from orderguard.enrich import regions
from orderguard.enrich.tables import table
from orderguard.sphere import EARTH_KM as EARTH_KM  # noqa: PLC0414 - part of this module's face
from orderguard.sphere import distance_km

NEAR_LIMIT = 0.01
"""Haversine differs from the geodesic by at most 0.56 %: pairs within 1 % of a limit are measured exactly."""

PLACE_SCHEMA = {
    "place": pl.String, "adcode": pl.UInt32, "province": pl.String, "city": pl.String, "country": pl.String,
    "lat": pl.Float64, "lon": pl.Float64,
}  # fmt: skip
OUTER_COUNTRIES = {71: "TW", 81: "HK", 82: "MO"}
_STORE = (
    r"(?:(?:中心|保税|前置|云|总|分|备货|退货|电商|自营|发货|物流|\d+号?|[一二三四五六七八九十]号|[A-Za-z]\d*)*"
    r"仓库?(?:发货)?|发货)$"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_POINT = re.compile(r"^\(?(-?\d{1,2}(?:\.\d+)?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)\)?$")
_NOT_KEY = r"[^0-9a-z\p{Han}]"

Row = tuple[str | None, int | None, str | None, str | None, str | None, float | None, float | None]
NOWHERE: Row = (None, None, None, None, None, None, None)


def country_of(adcode: int) -> str:
    """Return the ISO 3166-1 code that phones and customs use for an adcode: CN, HK, MO or TW."""
    return OUTER_COUNTRIES.get(adcode // 10000, "CN")


def place_of(adcode: int) -> tuple[float | None, float | None]:
    """Return latitude and longitude of an adcode in degrees; ``KeyError`` if there is no such place."""
    place = regions.places()[adcode]
    return place.lat, place.lon


@cache
def _provinces() -> dict[str, int]:
    """Return every spelling of a province -> adcode."""
    frame = table("names").filter(pl.col("adcode") % 10000 == 0)
    return dict(frame.select("name", "adcode").iter_rows())


@cache
def _cities() -> dict[tuple[int, str], int]:
    """Return (province digits, spelling) -> prefecture; a district leads to its prefecture."""
    found: dict[tuple[int, str], int] = {}
    frame = table("names").join(table("places").select("adcode", "level", "parent"), on="adcode")
    ranked = frame.with_columns(rank=pl.col("level").replace_strict({"province": 2, "city": 0, "district": 1}))
    for name, code, level, parent in (
        ranked.sort("rank", "name", "adcode").select("name", "adcode", "level", "parent").iter_rows()
    ):
        found.setdefault((code // 10000, name), code if level != "district" else parent)
    return found


def prefecture_code(province: str, city: str) -> int | None:
    """Return the adcode of a prefecture in any common spelling (湖北, 襄樊), else the province, else None."""
    code = _provinces().get(province.strip())
    if code is None:
        return None
    return _cities().get((code // 10000, city.strip()), code)


def canonical_region(texts: pl.Series) -> pl.Series:
    """Return the full province name of each text (广东, Guangdong -> 广东省), null where it is none."""
    full = {name: regions.places()[code].province for name, code in _provinces().items()}
    key = texts.cast(pl.String).str.to_lowercase().str.replace_all(_NOT_KEY, "")
    return key.replace_strict(full, default=None, return_dtype=pl.String).alias("region")


@cache
def _province_by_start() -> dict[str, str]:
    """Return the first two characters of provinces and prefectures -> province, where they lead to one only."""
    found: dict[str, set[str]] = {}
    for row in regions.places().values():
        if row.adcode % 100 == 0 and row.province:
            found.setdefault(row.name[:2], set()).add(row.province)
    found |= {row.province[:2]: {row.province} for row in regions.places().values() if row.province}
    return {start: names.pop() for start, names in found.items() if len(names) == 1}


def province_of(start: str) -> str | None:
    """Return the province that an address beginning with these two characters is in (杭州 -> 浙江省), else None."""
    return _province_by_start().get(start)


def _chinese_row(adcode: int) -> Row:
    place = regions.places()[adcode]
    return (place.name, adcode, place.province, place.city, country_of(adcode), place.lat, place.lon)


@cache
def _code_by_latin_name() -> dict[str, int]:
    rows = table("names").filter(pl.col("kind") == "latin").sort("adcode").select("name", "adcode").iter_rows()
    found: dict[str, int] = {}
    for name, code in rows:  # Suzhou, Taizhou: two cities share the spelling; the province wins over both
        found[name] = code if name not in found else (found[name] if found[name] % 10000 == 0 else -1)
    return found


@cache
def _world() -> dict[str, int]:
    return {key: row for row, key in enumerate(table("world")["key"].to_list())}


def _abroad(key: str) -> Row:
    """A place outside China by its folded name."""
    row = _world().get(key)
    if row is None:
        return NOWHERE
    name, country, lat, lon = table("world").select("name", "country", "lat", "lon").row(row)
    return (name, None, None, None, country, lat, lon)


def _from_words(text: str, found: list[str]) -> Row:
    """Read a Chinese place text by the region words found in it, a short district at its end included."""
    rest, words = text, list[str]()
    for word in found:
        if not rest.startswith(word):
            break
        words.append(word)
        rest = rest[len(word) :]
    reading = regions.read_words(words)
    if reading.state in {"no_region", "contradictory", "ambiguous"} and words:
        return NOWHERE
    adcode = regions.short_district(rest, reading.adcode) if rest else reading.adcode
    return _chinese_row(adcode) if adcode else NOWHERE


def _lookup_key(text: str) -> str:
    """What is left of a text to be looked up: folded, without the words for a warehouse."""
    parts = _folded_parts(text)
    store = re.sub(_STORE, "", "".join(parts) if _HAN.search(text) else parts[0])
    return re.sub(r"(?:warehouse|wh)$", "", store)


def _folded_parts(text: str) -> list[str]:
    return [re.sub(r"[^0-9a-z\u4e00-\u9fff]", "", part) for part in text.lower().split(",")]


def _locate_one(text: str, key: str, found: list[str]) -> Row:
    """Locate one text by its key and the region words found in it; see ``locate`` for what is understood."""
    point = _POINT.match(text)
    if point:
        lat, lon = float(point[1]), float(point[2])
        on_earth = abs(lat) <= 90 and abs(lon) <= 180
        return (f"{lat:g},{lon:g}", None, None, None, None, lat, lon) if on_earth else NOWHERE
    if re.fullmatch(r"\d{6}", text):
        return _chinese_row(int(text)) if int(text) in regions.places() else NOWHERE
    if not key:
        return NOWHERE
    if _HAN.search(key):  # the world's names are read only for a text that is no place in China
        named = _from_words(key, found)
        return _abroad(key) if named == NOWHERE else named
    return _from_latin(text, key, found)


def _from_latin(text: str, key: str, found: list[str]) -> Row:
    code = _code_by_latin_name().get(key)
    if code is not None:
        return _chinese_row(code) if code > 0 else _city_in_named_province(_folded_parts(text), key)
    if key in _world():
        place = _abroad(key)
        inside = [_abroad(part)[4] for part in _folded_parts(text)[1:] if part in _world()]
        return place if not inside or place[4] in inside else NOWHERE
    return _from_words(key, found)


def _city_in_named_province(parts: list[str], key: str) -> Row:
    """Tell two cities of one spelling apart by the province after the comma (Suzhou, Anhui)."""
    for province in parts[1:]:
        code = _cities().get((_provinces().get(province, 0) // 10000, key))
        if code:
            return _chinese_row(code)
    return NOWHERE


def locate(texts: pl.Series) -> pl.DataFrame:
    """Say where each text is; same height and order as ``texts``, all null where it is not understood.

    Understood are Chinese names in full or short (广东深圳), warehouses named after a place (深圳南山仓),
    adcodes, Latin names (Shenzhen, Los Angeles), countries (US, 美国) and ``lat,lon`` in degrees. A province
    stands at its capital, a country at its capital. 华东仓 is no place.
    """
    given = texts.cast(pl.String).rename("given")
    spelt = given.unique(maintain_order=True).drop_nulls()
    clean = spelt.str.normalize("NFKC").str.strip_chars().rename("text")
    distinct = clean.unique(maintain_order=True)
    keys = [_lookup_key(text) for text in distinct.to_list()]
    # One pass for all: each call builds an automaton of all region words.
    words = pl.Series(keys, dtype=pl.String).str.extract_many(regions.region_words(), leftmost=True).to_list()
    rows = [_locate_one(text, key, found) for text, key, found in zip(distinct.to_list(), keys, words, strict=True)]
    found = pl.DataFrame(rows, schema=PLACE_SCHEMA, orient="row").with_columns(distinct)
    known = pl.DataFrame([spelt, clean]).join(found, on="text", how="left", maintain_order="left").drop("text")
    return given.to_frame().join(known, on="given", how="left", maintain_order="left").drop("given")


def farther_than(
    frame: pl.DataFrame, limit_km: float, cols: tuple[str, str, str, str] = ("lat1", "lon1", "lat2", "lon2")
) -> pl.DataFrame:
    """Return ``km`` (Float64) and ``far`` (Boolean, km > limit) of each row.

    Both are null where a coordinate is null or out of bounds.

    Decides as ``geopy.distance.geodesic`` does: haversine everywhere, and on the distinct pairs near the
    limit the geodesic of its own engine, geographiclib (C. F. F. Karney, Algorithms for geodesics, J.
    Geodesy 87, 2013, WGS 84). Near is within ``NEAR_LIMIT`` of the limit. Raises ``ValueError`` for a limit
    that is no positive number.
    """
    if not (math.isfinite(limit_km) and limit_km > 0):
        message = f"a distance limit must be a positive number of km, not {limit_km!r}"
        raise ValueError(message)
    points = frame.select(pl.col(name).cast(pl.Float64).fill_nan(None) for name in cols)
    bounds = dict(zip(cols, (90, 180, 90, 180), strict=True))
    points = points.with_columns(pl.when(pl.col(n).abs() <= bound).then(n) for n, bound in bounds.items())
    points = points.with_columns(km=distance_km(*cols))
    near = points.filter((pl.col("km") / limit_km - 1).abs() <= NEAR_LIMIT).select(cols).unique(maintain_order=True)
    if near.height:
        # Only a pair near the limit pays for this import.
        from geographiclib.geodesic import Geodesic  # noqa: PLC0415

        inverse = Geodesic.WGS84.Inverse
        exact = near.with_columns(pl.Series("exact", [inverse(*r)["s12"] / 1000 for r in near.iter_rows()], pl.Float64))
        points = points.join(exact, on=cols, how="left", maintain_order="left")
        points = points.with_columns(km=pl.coalesce("exact", "km"))
    return points.select("km", far=pl.col("km") > limit_km)
