"""The window contract, against counting by hand: both ends count, all members are flagged, blanks never group."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.rules.windows import fullest_window

START = datetime(2026, 11, 11, 9, tzinfo=UTC)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.one_of(st.none(), st.integers(0, 12)), st.sampled_from(["u", "v", "w", None])), max_size=14
)  # fmt: skip


def instants(minutes: list[int | None]) -> pl.Series:
    return pl.Series([None if m is None else START + timedelta(minutes=m) for m in minutes], dtype=pl.Datetime("us", "UTC"))


def windows(keys: list[str | None], minutes: list[int | None], width: int, at_least: int, who: list[str | None] | None = None) -> list[int | None]:
    people = None if who is None else pl.Series(who, dtype=pl.String)
    return fullest_window(pl.Series(keys, dtype=pl.String), instants(minutes), timedelta(minutes=width), at_least, people).to_list()


def test_exactly_so_many_are_enough_and_both_ends_count() -> None:
    """Five minutes from the first to the last are within five minutes; six are not."""
    assert windows(["a"] * 3, [0, 2, 5], 5, 3) == [3, 3, 3]
    assert windows(["a"] * 3, [0, 2, 6], 5, 3) == [2, 2, 2]
    assert windows(["a"] * 2, [0, 0], 5, 2) == [2, 2]
    assert windows(["a"] * 2, [0, 1], 5, 3) == [1, 1]


def test_one_person_who_comes_again_is_one() -> None:
    assert windows(["a"] * 4, [0, 1, 2, 3], 5, 3, ["u", "v", "u", "v"]) == [2, 2, 2, 2]
    assert windows(["a"] * 3, [0, 2, 5], 5, 3, ["u", "v", "w"]) == [3, 3, 3]
    assert windows(["a"] * 3, [0, 2, 5], 5, 3, ["u", "v", None]) == [1, 1, None]


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(1, 6), st.integers(1, 4))
def test_counts_are_those_of_the_fullest_window(events: list[tuple[str | None, int | None, str | None]], width: int, at_least: int) -> None:
    """`at_least` only spares work: where it is reached, counts of orders and of people are exact."""
    keys, minutes, who = ([e[i] for e in events] for i in range(3))
    for people in (None, who):
        told = windows(keys, minutes, width, at_least, people)
        for i, (key, at, person) in enumerate(events):
            if key is None or at is None or (people and person is None):
                assert told[i] is None
                continue
            mine = [(m, w) for k, m, w in events if k == key and m is not None and (people is None or w is not None)]
            starts = [m for m, _ in mine if at - width <= m <= at]
            held = [[w for m, w in mine if s <= m <= s + width] for s in starts]
            most = max(len(set(h)) if people else len(h) for h in held)
            assert told[i] == (most if len(mine) >= at_least else 1)
