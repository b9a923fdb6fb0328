"""Places by every name that a ship-from carries, and distances that decide as geopy does."""

import math

import polars as pl
import pytest
from geopy.distance import geodesic, great_circle
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.enrich.places import canonical_region, farther_than, locate
from orderguard.enrich.tables import table
from orderguard.sphere import distance_km

COORDINATES = ("lat1", "lon1", "lat2", "lon2")
POINT = st.tuples(st.floats(-89, 89), st.floats(-179, 179))


def place(text):
    return locate(pl.Series([text], dtype=pl.String)).row(0, named=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("深圳", "深圳市"),
        ("深圳市", "深圳市"),
        ("广东省深圳市", "深圳市"),
        ("广东深圳", "深圳市"),
        ("Shenzhen", "深圳市"),
        ("杭州仓", "杭州市"),
        ("北京1号仓", "北京市"),
        ("深圳保税仓", "深圳市"),
        ("深圳南山仓", "南山区"),
        ("义乌仓", "义乌市"),
        ("441900", "东莞市"),
        ("襄樊", "襄阳市"),
        ("巴州", "巴音郭楞蒙古自治州"),
        ("吉林", "吉林省"),
        ("Xi'an", "西安市"),
        ("Suzhou, Anhui", "宿州市"),
        ("Guangdong", "广东省"),
        ("香港", "香港特别行政区"),
        ("US", "美国"),
        ("美国", "美国"),
        ("Los Angeles", "Los Angeles"),
        ("洛杉矶", "Los Angeles"),
        ("Los Angeles, US", "Los Angeles"),
    ],
)
def test_places_are_known_by_their_usual_names(text, name):
    found = place(text)
    assert found["place"] == name
    assert found["lat"] is not None


@pytest.mark.parametrize(
    "text", [None, "", "华东仓", "没有的地方", "南山区", "Suzhou", "广东省杭州市", "99,190", "123456"]
)
def test_what_is_no_single_place_stays_null(text):
    assert set(place(text).values()) == {None}


def test_a_point_is_taken_as_it_is():
    found = place("22.54,114.06")
    assert (found["lat"], found["lon"], found["country"]) == (22.54, 114.06, None)


def test_locate_keeps_order_and_duplicates():
    found = locate(pl.Series(["杭州", None, "深圳", "杭州"]))
    assert found["place"].to_list() == ["杭州市", None, "深圳市", "杭州市"]


def test_regions_of_a_team_are_matched_however_written():
    texts = pl.Series(["广东", "广东省", "Guangdong", "inner mongolia", "内蒙古", "深圳", None])
    assert canonical_region(texts).to_list() == [*["广东省"] * 3, *["内蒙古自治区"] * 2, None, None]


def test_haversine_is_the_great_circle_between_beijing_and_shanghai():
    row = (39.9075, 116.3972, 31.2222, 121.4581)
    frame = pl.DataFrame([row], schema=list(COORDINATES), orient="row")
    expected = great_circle(row[:2], row[2:]).km
    assert frame.select(distance_km(*COORDINATES)).item() == pytest.approx(expected, rel=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(POINT, POINT), min_size=1, max_size=20), st.floats(50, 19000))
def test_the_decision_is_geopys(pairs, limit):
    frame = pl.DataFrame([(*a, *b) for a, b in pairs], schema=list(COORDINATES), orient="row")
    exact = [geodesic(a, b).km for a, b in pairs]
    found = farther_than(frame, limit)
    assert found["far"].to_list() == [km > limit for km in exact]
    assert all(
        math.isclose(a, b, rel_tol=0.006, abs_tol=0.001) for a, b in zip(found["km"], exact, strict=True)
    )


def test_prefecture_pairs_at_2000_km_are_decided_as_geopy_does():
    cities = table("places").filter(level="city").select("lat", "lon").rows()[::9]
    pairs = [(*a, *b) for a in cities for b in cities]
    found = farther_than(pl.DataFrame(pairs, schema=list(COORDINATES), orient="row"), 2000)
    assert found["far"].to_list() == [geodesic(pair[:2], pair[2:]).km > 2000 for pair in pairs]


def test_a_missing_or_impossible_coordinate_is_neither_near_nor_far():
    rows = [(None, 1.0, 2.0, 3.0), (91.0, 1.0, 2.0, 3.0), (math.nan, 1.0, 2.0, 3.0), (1.0, 1.0, 1.0, 1.0)]
    found = farther_than(pl.DataFrame(rows, schema=dict.fromkeys(COORDINATES, pl.Float64), orient="row"), 100)
    assert found["far"].to_list() == [None, None, None, False]
    assert found["km"].to_list() == [None, None, None, 0.0]


@pytest.mark.parametrize("limit", [0, -1, math.inf, math.nan])
def test_a_limit_must_be_a_distance(limit):
    frame = pl.DataFrame(schema=dict.fromkeys(COORDINATES, pl.Float64))
    with pytest.raises(ValueError, match="positive number of km"):
        farther_than(frame, limit)
