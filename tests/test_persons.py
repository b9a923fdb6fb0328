"""One person across platforms; masked, blank and virtual values link nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from house import ROUNDS, House, book, export, order
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.enrich.facts import account_key
from orderguard.persons import person_keys

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("phone_key", "platform", "buyer_id", "email", "receiver_name", "address_key")


def keys(*orders: dict[str, Any]) -> list[str | None]:
    frame = pl.DataFrame([{n: o.get(n) for n in NAMES} for o in orders], schema=dict.fromkeys(NAMES, pl.String))
    return person_keys(frame.with_columns(account_key({"京东": "jd"}))).to_list()


def links(order: dict[str, Any]) -> set[str]:
    """What links an order, said plainly."""
    own = set()
    platform = {"京东": "jd"}.get(order["platform"], order["platform"])
    if order["phone_key"]:
        own.add("p" + order["phone_key"])
    if order["buyer_id"] and "*" not in order["buyer_id"]:
        own.add("m" + order["buyer_id"] if "@" in order["buyer_id"] else f"a{platform}/{order['buyer_id']}")
    if order["email"] and "*" not in order["email"]:
        own.add("m" + order["email"])
    if (
        order["receiver_name"]
        and "*" not in order["receiver_name"]
        and order["address_key"]
        and len(order["receiver_name"]) > 1
    ):
        own.add(f"h{order['receiver_name']}/{order['address_key']}")
    return own


SOME = st.fixed_dictionaries({
    "phone_key": st.sampled_from([None, "13800000001", "13800000002", "13800000003"]), "platform": st.sampled_from(["jd", "京东", "taobao"]),
    "buyer_id": st.sampled_from([None, "u1", "u2", "u***3", "a@x.org"]), "email": st.sampled_from([None, "a@x.org", "b@x.org", "c***@x.org"]),
    "receiver_name": st.sampled_from([None, "王芳", "李**", "张"]), "address_key": st.sampled_from([None, "某路1号", "某路2号"]),
})  # fmt: skip


@settings(max_examples=50 * ROUNDS, deadline=None)
@given(st.lists(SOME, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_persons_are_what_stepwise_links_say(orders: list[dict[str, Any]], shuffle: Any) -> None:
    """Against brute force; and the keys do not depend on the order of rows."""
    groups: list[tuple[set[str], set[int]]] = []
    for i, one in enumerate(orders):
        mine, rows = links(one), {i}
        if not mine:
            continue
        for group in [g for g in groups if g[0] & mine]:
            groups.remove(group)
            mine, rows = mine | group[0], rows | group[1]
        groups.append((mine, rows))
    found = keys(*orders)
    person = {i: n for n, (_, rows) in enumerate(groups) for i in rows}
    assert [k is None for k in found] == [i not in person for i in range(len(orders))]
    for i, one in person.items():
        for j, other in person.items():
            assert (found[i] == found[j]) == (one == other)
    mixed = list(range(len(orders)))
    shuffle.shuffle(mixed)
    assert keys(*[orders[i] for i in mixed]) == [found[i] for i in mixed]


def test_a_long_chain_of_links_is_one_person() -> None:
    """Each order shares something with the next only; twenty thousand of them take no time to speak of."""
    chain = [{"platform": "jd", "phone_key": f"p{i // 2}", "buyer_id": f"u{(i + 1) // 2}"} for i in range(20_000)]
    assert len(set(keys(*chain))) == 1


def test_burst_of_one_person_with_two_phones_over_three_platforms(tmp_path: Path) -> None:
    """No key of its own sees all three orders; a masked name or number brings nobody else in."""
    at = datetime(2026, 11, 11, 9)  # noqa: DTZ001
    when = [f"{at + timedelta(minutes=m)}" for m in range(5)]
    rows = [
        order("A1", 平台="京东", 联系电话="13802580001", 收货人="王芳", 下单时间=when[0]),
        order("A2", 平台="淘宝", 联系电话="+86 138-0258-0001", 收货人="王小姐", 收货地址="上海市徐汇区某路 2 号", 下单时间=when[1], 买家账号="tb7"),
        order("A3", 平台="淘宝", 联系电话="13802580003", 收货人="李四", 收货地址="北京市海淀区某路 3 号", 下单时间=when[2], 买家账号="tb7"),
        order("B1", 平台="淘宝", 联系电话="138****0001", 收货人="王*", 下单时间=when[3]),
        order("B2", 平台="自营", 联系电话="138****0001", 收货人="王*", 下单时间=when[4]),
    ]  # fmt: skip
    rule = "{id: p, kind: velocity, points: 40, with: {key: person, window: 5m, at_least: 3}, says: x}"
    house = House(tmp_path, book(rule))
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("A1", "p"), ("A2", "p"), ("A3", "p")}
