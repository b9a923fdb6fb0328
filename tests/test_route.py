"""Who is linked to whom, who gets a task, and by when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from orderguard.columns import LINKS
from orderguard.route import Due, Team, assign, due_times, link

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
IDS = {"京东": "jd", "jd": "jd"}


def orders(*rows: dict[str, Any]) -> pl.DataFrame:
    names = dict.fromkeys(("platform", "order_id", *LINKS), pl.String)
    base = [{"platform": "jd", "order_id": str(i), "burst": False, **r} for i, r in enumerate(rows)]
    return pl.DataFrame(base, schema={**names, "burst": pl.Boolean})


def sizes(*rows: dict[str, Any]) -> list[int]:
    return link(orders(*rows), "zh-CN", IDS)["cluster_size"].to_list()


def test_a_chain_of_shared_values_is_one_cluster() -> None:
    """One and two share an IP, two and three a device, three and four an account; five shares nothing."""
    rows = [{"ip": "192.0.2.1"}, {"ip": "192.0.2.1", "device_id": "d"}, {"device_id": "d", "buyer_id": "u"}, {"buyer_id": "u"}, {"ip": "192.0.2.2"}]
    told = link(orders(*rows), "zh-CN", IDS)
    assert told["cluster_size"].to_list() == [4, 4, 4, 4, 1]
    assert told["cluster"].n_unique() == 2
    assert told["linked_by"].to_list() == ["下单 IP 192.0.2.1; 设备号 d; 买家账号 u"] * 4 + [""]


def test_an_account_links_on_its_own_platform_and_a_mail_address_everywhere() -> None:
    """u1 of JD and u1 of Taobao are two people, as rules have it; 京东 is a word for JD."""
    named = [{"platform": p, "buyer_id": "u1"} for p in ("jd", "京东", "淘宝", "抖音")]
    assert sizes(*named) == [2, 2, 1, 1]
    assert sizes(*({**n, "buyer_id": "u1@example.com"} for n in named)) == [4, 4, 4, 4]


def test_a_clusters_name_depends_on_its_members_only() -> None:
    rows = [{"ip": "192.0.2.1"}, {"ip": "192.0.2.1"}, {"ip": "192.0.2.1"}]
    forth = link(orders(*rows), "en", IDS)
    back = link(orders(*rows).reverse(), "en", IDS)
    assert forth["cluster"].unique().to_list() == back["cluster"].unique().to_list()


def test_orders_that_share_nothing_have_clusters_of_their_own_however_many_they_are() -> None:
    """Ids of four bytes put eight pairs of these strangers into one task each."""
    many = pl.DataFrame({"order_id": pl.int_range(200_000, eager=True).cast(pl.String)}).with_columns(platform=pl.lit("自营"))
    alone = many.with_columns(*(pl.lit(None, dtype=pl.String).alias(n) for n in LINKS), burst=pl.lit(value=False))
    assert link(alone, "en", IDS)["cluster"].n_unique() == len(alone)


@pytest.mark.parametrize("value", ["", None, "138****0000"])
def test_blank_and_masked_values_link_nobody(value: str | None) -> None:
    assert sizes({"phone_key": value}, {"phone_key": value}) == [1, 1]


def test_a_value_of_many_strangers_links_nobody_but_a_burst() -> None:
    """So many accounts behind one IP are a gateway; one more than that, and a rule that flagged just them links them."""
    def many(n: int, **more: Any) -> list[dict[str, Any]]:
        return [{"ip": "192.0.2.1", "buyer_id": f"u{i}", **more} for i in range(n)]

    assert sizes(*many(20)) == [20] * 20
    assert set(sizes(*many(21))) == {1}
    assert set(sizes(*many(21, burst=True))) == {21}


def due(band: str, promised: datetime | None = None, **settings: Any) -> timedelta:
    at = due_times(pl.Series([band]), pl.Series([promised], dtype=pl.Datetime("us", "UTC")), NOW, Due(**settings))
    return at[0] - NOW


def test_a_hold_is_due_sooner_than_a_review() -> None:
    assert (due("hold"), due("review")) == (2 * HOUR, 8 * HOUR)


def test_a_promise_brings_the_time_forward_but_not_behind_now() -> None:
    """Two hours before it is to ship; a promise that is over or all but over leaves a quarter of an hour."""
    assert due("review", NOW + 5 * HOUR) == 3 * HOUR
    assert due("review", NOW + 12 * HOUR) == 8 * HOUR
    assert due("hold", NOW + 2 * HOUR) == timedelta(minutes=15)
    assert due("hold", NOW - 9 * HOUR) == timedelta(minutes=15)
    assert due("hold", NOW + 2 * HOUR, before_promise="30m") == 1.5 * HOUR


def cases(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    """Cluster, platform, region; due in their order."""
    return pl.DataFrame(
        [(c, p, "店", r, NOW + i * HOUR) for i, (c, p, r) in enumerate(rows)],
        schema={"cluster": pl.String, "platform": pl.String, "shop": pl.String, "region": pl.String, "due_at": pl.Datetime("us", "UTC")},
        orient="row",
    )  # fmt: skip


def given(frame: pl.DataFrame, *agents: dict[str, Any], load: dict[str, int] | None = None) -> list[str]:
    return assign(frame, Team(agents=list(agents)), load or {}, {}).to_list()


def test_the_least_loaded_for_their_capacity_gets_it() -> None:
    """Ten of a hundred are less than two of ten; of two equally loaded the name decides."""
    big, small = {"name": "big", "capacity": 100}, {"name": "small", "capacity": 10}
    assert given(cases(("k", "jd", None)), small, big, load={"big": 10, "small": 2}) == ["big"]
    assert given(cases(("k", "jd", None)), {"name": "b"}, {"name": "a"}) == ["a"]


def test_capacity_is_filled_and_no_more() -> None:
    one = {"name": "a", "capacity": 2}
    assert given(cases(("1", "jd", None), ("2", "jd", None), ("3", "jd", None)), one) == ["a", "a", "unassigned"]
    assert given(cases(("1", "jd", None)), one, load={"a": 2}) == ["unassigned"]


def test_a_cluster_larger_than_anybody_goes_whole_to_who_is_empty() -> None:
    ring = cases(*[("k", "jd", None)] * 3)
    assert given(ring, {"name": "a", "capacity": 2}) == ["a"] * 3
    assert given(ring, {"name": "a", "capacity": 2}, load={"a": 1}) == ["unassigned"] * 3


def test_who_handles_all_of_a_cluster_comes_before_who_handles_some() -> None:
    mixed = cases(("k", "jd", None), ("k", "taobao", None))
    jd, both = {"name": "a", "handles": {"platform": ["jd"]}}, {"name": "b", "handles": {"platform": ["jd", "taobao"]}}
    assert given(mixed, jd, both, load={"b": 50}) == ["b", "b"]
    assert given(mixed, jd) == ["a", "a"]
    assert given(cases(("k", "taobao", None)), jd) == ["unassigned"]


def test_a_shop_is_handled_by_who_names_it_or_names_none() -> None:
    """Where several shops meet in one cluster, first who handles them all, then who handles one of them."""
    mine, any_shop = {"name": "a", "handles": {"shop": ["甲店"]}}, {"name": "b"}
    frame = cases(("k", "jd", None), ("k", "jd", None)).with_columns(shop=pl.Series(["甲店", "乙店"]))
    assert given(frame[:1], mine) == ["a"]
    assert given(frame[1:], mine) == ["unassigned"]
    assert given(frame, mine) == ["a", "a"]
    assert given(frame, mine, any_shop, load={"b": 9}) == ["b", "b"]


def test_a_region_is_meant_with_and_without_its_suffix() -> None:
    south = {"name": "a", "handles": {"region": ["广东省", "北京市"]}}
    assert given(cases(("1", "jd", "广东省"), ("2", "jd", "北京市"), ("3", "jd", "福建省"), ("4", "jd", None)), south) == ["a", "a", "unassigned", "unassigned"]
    assert given(cases(("1", "jd", "广东")), south) == ["a"]


def test_the_most_urgent_is_dealt_first() -> None:
    """The last of them finds nobody free."""
    frame = cases(("late", "jd", None), ("soon", "jd", None)).with_columns(due_at=pl.Series([NOW + 9 * HOUR, NOW]))
    assert given(frame, {"name": "a", "capacity": 1}) == ["unassigned", "a"]
