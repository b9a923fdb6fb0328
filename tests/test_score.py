"""Points add up, a rule that needs another counts only beside it, and a band begins at its score."""

from __future__ import annotations

import random

import polars as pl
import pytest

from orderguard.score import Weights, decide, weigh

BASE = Weights("base", {"a": 20.0, "b": 10.0, "c": 5.0}, 20.0, 30.0)
ONE = pl.Series([0], dtype=pl.Int32)


def found(*hits: tuple[int, str]) -> pl.DataFrame:
    return pl.DataFrame(hits, schema={"row": pl.UInt32, "rule_id": pl.String}, orient="row")


def points(weighed: pl.DataFrame) -> dict[tuple[int, str], float]:
    return {(r["row"], r["rule_id"]): r["points"] for r in weighed.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("hits", "score", "band"),
    [((), 0.0, "pass"), (("b", "c"), 15.0, "pass"), (("a",), 20.0, "review"), (("a", "c"), 25.0, "review"), (("a", "b"), 30.0, "hold"), (("a", "b", "c"), 35.0, "hold")],
)
def test_a_band_begins_at_its_score(hits: tuple[str, ...], score: float, band: str) -> None:
    keys = pl.DataFrame({"platform": ["jd", "jd"], "order_id": ["1", "2"]})
    told = decide(keys, weigh(found(*[(1, h) for h in hits]), [BASE], ONE), [BASE], ONE)
    assert told.select("order_id", "score", "band").rows() == [("1", 0.0, "pass"), ("2", score, band)]


def test_a_rule_without_points_is_found_and_counts_nothing() -> None:
    weighed = weigh(found((0, "a"), (0, "trial")), [BASE], ONE)
    assert weighed.select("rule_id", "points", "counts").rows() == [("a", 20.0, True), ("trial", 0.0, False)]


def test_what_holds_at_an_orders_time_weighs_it() -> None:
    promotion = Weights("double11", {"a": 5.0}, 40.0, 60.0)
    keys = pl.DataFrame({"platform": ["jd"] * 2, "order_id": ["1", "2"]})
    which = pl.Series([0, 1], dtype=pl.Int32)
    weighed = weigh(found((0, "a"), (1, "a"), (1, "b")), [BASE, promotion], which)
    assert points(weighed) == {(0, "a"): 20.0, (1, "a"): 5.0, (1, "b"): 0.0}
    told = decide(keys, weighed, [BASE, promotion], which)
    assert told.select("band", "profile").rows() == [("review", "base"), ("pass", "double11")]


def test_any_of_some_partners_is_enough_and_none_is_too_few() -> None:
    weighed = weigh(found((0, "a"), (1, "a"), (1, "b"), (2, "a"), (2, "c")), [BASE], ONE, [("a", ("b", "c"), ())])
    assert {row: p for (row, rule), p in points(weighed).items() if rule == "a"} == {0: 0.0, 1: 20.0, 2: 20.0}


def test_all_partners_are_needed_where_all_are_named() -> None:
    weighed = weigh(found((0, "a"), (0, "b"), (1, "a"), (1, "b"), (1, "c"), (2, "a"), (2, "c")), [BASE], ONE, [("a", (), ("b", "c"))])
    assert {row: p for (row, rule), p in points(weighed).items() if rule == "a"} == {0: 0.0, 1: 20.0, 2: 0.0}


def test_a_partner_that_lacks_its_own_is_none() -> None:
    """C needs b, a needs c: without b neither counts, and another order's b helps nobody."""
    needs = [("c", ("b",), ()), ("a", ("c",), ())]
    weighed = weigh(found((0, "a"), (0, "c"), (1, "b")), [BASE], ONE, needs)
    assert points(weighed) == {(0, "a"): 0.0, (0, "c"): 0.0, (1, "b"): 10.0}


def test_a_partner_on_trial_is_none() -> None:
    weighed = weigh(found((0, "a"), (0, "trial")), [BASE], ONE, [("a", ("trial",), ())])
    assert points(weighed)[0, "a"] == 0.0



def test_decimal_points_that_come_to_a_band_are_in_it_however_many_orders_there_are() -> None:
    """As a person adds them up: 10.15 + 16.74 + 3.11 is 30."""
    draw = random.Random(1)
    points: dict[str, float] = {}
    hits, wanted = [], []
    for row in range(4_000):
        parts = [draw.randint(1, 1_200) for _ in range(draw.randint(1, 5))]
        parts.append(3_000 - sum(parts))
        if parts[-1] <= 0:
            parts = [3_000]
        points |= {f"p{p}": p / 100 for p in parts}
        hits += [(row, f"p{p}") for p in parts]
        wanted.append("hold")
    weights = Weights("base", points, 20.0, 30.0)
    keys = pl.DataFrame({"platform": ["jd"] * len(wanted), "order_id": [str(n) for n in range(len(wanted))]})
    which = pl.Series([0], dtype=pl.Int32).new_from_index(0, len(wanted))
    told = decide(keys, weigh(found(*hits), [weights], which), [weights], which)
    assert told.filter(pl.col("band") != "hold").rows() == []
    assert set(told["score"]) == {30.0}
