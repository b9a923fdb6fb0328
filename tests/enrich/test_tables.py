"""The shipped tables: small, whole, and without a place that has no point."""

import subprocess
import sys
from importlib.resources import files

import polars as pl
import pytest

from orderguard.enrich.tables import NAMES, table


def test_the_tables_stay_small():
    folder = files("orderguard.enrich.tables")
    assert sum(len((folder / f"{name}.parquet").read_bytes()) for name in NAMES) < 700_000


def test_an_unknown_table_is_named():
    with pytest.raises(ValueError, match="no reference table 'moon'"):
        table("moon")


def test_mobile_runs_are_sorted_disjoint_and_lead_to_places():
    runs = table("phones")
    assert runs.schema == dict.fromkeys(("first", "last", "adcode"), pl.UInt32)
    assert (runs["first"] <= runs["last"]).all()
    assert (runs["first"].shift(-1) > runs["last"]).drop_nulls().all()
    assert runs.join(table("places"), on="adcode", how="anti").height == 0


def test_every_place_has_a_point_and_a_parent():
    places = table("places")
    assert places.filter(pl.col("lat").is_null() | pl.col("lon").is_null()).height == 0
    assert places.select(pl.col("lat").is_between(3, 54).all(), pl.col("lon").is_between(73, 136).all()).row(
        0
    ) == (
        True,
        True,
    )
    below = places.filter(pl.col("level") != "province")
    assert below.join(places, left_on="parent", right_on="adcode", how="anti").height == 0
    assert places.filter(level="province").height == 34


@pytest.mark.parametrize(
    ("adcode", "name", "lat", "lon"),
    [
        (440300, "深圳市", 22.55, 114.07),
        (650100, "乌鲁木齐市", 43.80, 87.60),
        (133100, "雄安新区", 39.04, 115.87),
    ],
)
def test_known_places_lie_where_they_are(adcode, name, lat, lon):
    row = table("places").row(by_predicate=pl.col("adcode") == adcode, named=True)
    assert row["name"] == name
    assert (row["lat"], row["lon"]) == (pytest.approx(lat, abs=0.15), pytest.approx(lon, abs=0.15))


@pytest.mark.parametrize(
    ("prefix", "country", "adcode"),
    [
        ("8610", "CN", 110100),
        ("86755", "CN", 440300),
        ("86335", "CN", 130300),
        ("852", "HK", 810000),
        ("1416", "CA", None),
    ],
)
def test_dialling_prefixes_lead_home(prefix, country, adcode):
    row = table("dialling").row(by_predicate=pl.col("prefix") == prefix, named=True)
    assert (row["country"], row["adcode"]) == (country, adcode)


def test_the_room_imports_no_heavy_library():
    code = (
        "import sys, orderguard.enrich; "
        "print(sorted({'phonenumbers', 'geopy', 'geographiclib', 'pandas'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
