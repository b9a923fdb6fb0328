"""Outliers, contradictions, conflicts, promises, distances and address faults against brute force; wrong settings."""

from __future__ import annotations

import ipaddress
import json
import random
import statistics
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import NOW, ROUNDS, House, book, export, order, shell

import orderguard.rules.kinds as folder
from orderguard.errors import OrderguardError
from orderguard.rules.ipranges import places_of
from orderguard.rules.proofs import _frame
from orderguard.rules.registry import kind_names
from orderguard.stages.judging import facts_for
from orderguard.stages.tables import equip

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.rules.base import Kind

EPOCH = datetime(2026, 11, 11, tzinfo=UTC)


def rule_of(text: str) -> Kind:
    return equip(book(f"{{id: r, points: 1, {text}}}"), NOW).rules[0].settings


def instants(seconds: list[int | None]) -> pl.Series:
    return pl.Series([None if s is None else EPOCH + timedelta(seconds=s) for s in seconds], dtype=pl.Datetime("us", "UTC"))


def texts(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame({n: pl.Series(v, dtype=pl.String) for n, v in columns.items()})


def hits(text: str, orders: list[dict[str, Any]]) -> list[bool | None]:
    """What a rule says about orders written as in a rule's examples, facts and all."""
    made = equip(book(f"{{id: r, points: 1, {text}}}", head="ship_from: 杭州"), NOW)
    frame = facts_for(_frame(orders, made.timezone), made, {})
    return made.rules[0].settings.measure(frame)["hit"].to_list()


# --- outlier ------------------------------------------------------------------------------------------------


def usual_by_hand(rows: list[dict[str, Any]], i: int, width: int, least: int, median: bool) -> float | None:  # noqa: FBT001
    me = rows[i]
    if me["key"] is None or me["at"] is None or me["size"] is None:
        return None
    before = [r["size"] for r in rows if r["key"] == me["key"] and r["at"] is not None and r["size"] is not None and me["at"] - width <= r["at"] < me["at"]]
    if len(before) < least:
        return None
    return float(statistics.median(before)) if median else sum(before) / len(before)


def test_outliers_equal_brute_force_on_many_small_batches() -> None:
    rng = random.Random(17)
    flagged = 0
    for _ in range(220 * ROUNDS):
        rows = [
            {"key": rng.choice(["a", "b", None]), "at": rng.choice([None, *range(9)]), "size": rng.choice([None, 0, 1, 2, 3, 9, 10]), "past": rng.random() < 0.3}
            for _ in range(rng.randrange(1, 24))
        ]
        width, least, median, times = rng.choice([1, 3, 8]), rng.randrange(1, 4), rng.random() < 0.5, rng.choice([1.5, 2, 3])
        rule = rule_of(
            f"kind: outlier, with: {{by: shop, times: {times}, history: {width}s, min_history: {least}, baseline: {'median' if median else 'mean'}}}"
        )
        frame = texts(shop=[r["key"] for r in rows], currency=[rng.choice([None, "CNY", "rmb", "人民币", "¥"]) for _ in rows]).with_columns(
            created_at=instants([r["at"] for r in rows]), past=pl.Series([r["past"] for r in rows]),
            amount=pl.Series([r["size"] for r in rows], dtype=pl.Float64).cast(pl.Decimal(28, 8)),
        )  # fmt: skip
        wanted: list[bool | None] = []
        for i, row in enumerate(rows):
            usual = usual_by_hand(rows, i, width, least, median)
            wanted.append(None if row["past"] or not usual else row["size"] > times * usual)
        assert rule.measure(frame)["hit"].to_list() == wanted, (rows, width, least, median, times)
        flagged += wanted.count(True)
    assert flagged > 50


def test_an_outlier_looks_back_on_earlier_exports_and_each_currency_has_its_own_baseline(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: big, kind: outlier, with: {by: account, times: 3, history: 30d, min_history: 3}, points: 20}"))
    house.scan(export(tmp_path / "a.csv", [order(f"p{d}", 买家账号="u", 下单时间=f"2026-11-0{d} 10:00:00", 实付金额="100") for d in (1, 2, 3)]))
    assert house.findings() == set()
    house.scan(export(tmp_path / "b.csv", [order("1", 买家账号="u", 实付金额="300.01"), order("2", 买家账号="u", 实付金额="300"), order("3", 实付金额="99999")]))
    assert house.findings() == {("1", "big")}
    coverage = pl.read_parquet(house.out / "coverage.parquet")
    assert coverage.select("judged", "hits", "not_evaluable").row(0) == (2, 1, 1)


def test_the_quantity_of_a_sku_against_its_own_baseline() -> None:
    orders = [
        {"basket": {"A": 1, "B": 50}, "created_at": "2026-11-01 10:00:00", "past": True},
        {"basket": {"A": 2}, "created_at": "2026-11-02 10:00:00", "past": True},
        {"basket": {"A": 5}, "created_at": "2026-11-03 10:00:00"},
        {"basket": {"A": 4, "B": 50}, "created_at": "2026-11-03 09:00:00"},
        {"basket": {"C": 900}, "created_at": "2026-11-03 10:00:00"},
        {"basket": {"A": 2}, "created_at": "2026-11-03 10:00:00"},
    ]
    text = "kind: outlier, with: {of: quantity, by: sku, times: 2, min_history: 1, history: 30d}"
    # the fourth order makes A's mean 7/3 by ten o'clock: 5 is above twice that
    assert hits(text, orders) == [None, None, True, True, None, False]


def test_a_category_has_its_own_usual_size() -> None:
    day = [f"2026-11-0{d} 10:00:00" for d in range(1, 6)]
    table = "categories: {A: 奶粉, B: 奶粉, T: 玩具}, times: 2, min_history: 2"
    orders = [
        {"basket": {"A": 1}, "amount": 100, "created_at": day[0], "past": True},
        {"basket": {"ｂ": 1}, "amount": 100, "created_at": day[1], "past": True},
        {"basket": {"A": 1, "B": 2}, "amount": 201, "created_at": day[2]},
        {"basket": {"T": 9}, "amount": 900, "created_at": day[2]},
        {"basket": {"A": 9, "T": 1}, "amount": 900, "created_at": day[3]},
        {"basket": {"X": 9}, "amount": 900, "created_at": day[3]},
    ]
    assert hits(f"kind: outlier, with: {{of: quantity, by: category, {table}}}", orders) == [None, None, True, None, True, None]
    assert hits(f"kind: outlier, with: {{of: amount, by: category, {table}}}", orders) == [None, None, True, None, None, None]
    with pytest.raises(OrderguardError, match="categories"):
        book("{id: o, kind: outlier, with: {by: category}, points: 1}")


# --- contradictions -----------------------------------------------------------------------------------------


def test_names_and_phones_equal_brute_force_on_many_small_batches() -> None:
    rng = random.Random(19)
    for _ in range(150 * ROUNDS):
        rows = [
            {"phone": rng.choice([None, "p", "q"]), "name": rng.choice([None, "", "甲", "乙", "丙", "甲*"]), "at": rng.choice([None, *range(7)]), "address": rng.choice([None, "x"])}
            for _ in range(rng.randrange(1, 10))
        ]
        width, least, of = rng.choice([1, 3, 6]), rng.randrange(2, 4), rng.choice(["phone_names", "person_phones"])
        rule = rule_of(f"kind: contradiction, with: {{of: {of}, at_least: {least}, within: {width}s}}")
        frame = texts(
            phone_key=[r["phone"] for r in rows], receiver_name=[r["name"] for r in rows], address_key=[r["address"] for r in rows]
        ).with_columns(created_at=instants([r["at"] for r in rows]))

        def sides(row: dict[str, Any]) -> tuple[Any, Any]:
            name = row["name"] if row["name"] and "*" not in row["name"] else None
            person = (name, row["address"]) if name and row["address"] else None
            return (row["phone"], name) if of == "phone_names" else (person, row["phone"])  # noqa: B023

        wanted: list[bool | None] = []
        for row in rows:
            key, who = sides(row)
            if key is None or who is None or row["at"] is None:
                wanted.append(None)
                continue
            same = [(r["at"], sides(r)[1]) for r in rows if sides(r)[0] == key and sides(r)[1] and r["at"] is not None]
            wanted.append(any(len({w for t, w in same if s <= t <= s + width}) >= least for s in range(row["at"] - width, row["at"] + 1)))
        assert rule.measure(frame)["hit"].to_list() == wanted, rows


def test_an_address_against_its_columns_and_a_phone_against_its_address() -> None:
    address = [
        {"province": "广东省", "city": "深圳市", "address": "浙江省杭州市西湖区文三路1号"},
        {"province": "浙江省", "city": "杭州市", "address": "浙江省杭州市西湖区文三路1号"},
        {"province": "浙江省", "city": "杭州市", "address": "文三路1号"},
        {"province": "浙江省", "city": "杭州市", "address": "****"},
        {"address": "浙江省杭州市西湖区文三路1号"},
    ]
    assert hits("kind: contradiction, with: {of: address}", address) == [True, False, False, None, None]
    phones = [
        {"receiver_phone": "13802580000", "address": "浙江省杭州市西湖区文三路1号"},
        {"receiver_phone": "13802580000", "address": "广东省广州市天河区某路1号"},
        {"receiver_phone": "138****0000", "address": "浙江省杭州市西湖区文三路1号"},
        {"receiver_phone": "13802580000", "address": "某路1号"},
    ]
    assert hits("kind: contradiction, with: {of: phone_region}", phones) == [True, False, None, None]


# --- addresses and distances --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("浙江省杭州市西湖区文三路1号", None),
        ("广东省杭州市西湖区文三路1号", "contradictory"),
        ("南山区某路1号", "ambiguous"),
        ("广洲市天河区某路1号", "typo"),
        ("文三路1号", "no_region"),
        ("浙江省杭州市西湖区", "no_detail"),
        ("浙江省杭州市西湖区火车站对面", "landmark"),
        ("浙江省杭州市西湖区学校旁", "landmark"),
        ("浙江省杭州市西湖区火车站对面3号楼", None),
        ("湖北省襄樊市樊城区某路1号", None),
    ],
)
def test_an_address_has_the_fault_it_has(address: str, fault: str | None) -> None:
    faults = ["contradictory", "ambiguous", "typo", "no_region", "no_detail", "landmark"]
    found = [f for f in faults if hits(f"kind: address_quality, with: {{any: [{f}]}}", [{"address": address}]) == [True]]
    assert found == ([fault] if fault else [])
    assert hits("kind: address_quality", [{"address": address}]) == [fault in {"contradictory", "no_region", "no_detail", "landmark"}]


@pytest.mark.parametrize("address", ["", "浙江省杭州市西湖区****", "10 Downing Street, London", "Calle Mayor 3"])
def test_masked_blank_and_foreign_addresses_are_not_evaluable(address: str) -> None:
    assert hits("kind: address_quality, with: {any: [vague, contradictory, ambiguous, typo]}", [{"address": address}]) == [None]


def test_distances_between_phone_address_and_warehouse() -> None:
    far = {"address": "新疆维吾尔自治区乌鲁木齐市天山区某路1号", "receiver_phone": "13802580000"}
    near = {"address": "浙江省杭州市西湖区文三路1号", "receiver_phone": "13802580000"}
    nowhere = {"address": "某路1号", "receiver_phone": "13802580000"}
    orders = [far, near, nowhere]
    assert hits("kind: distance, with: {of: address, to: ship_from, more_than_km: 2000}", orders) == [True, False, None]
    assert hits("kind: distance, with: {of: receiver_phone, to: address, more_than_km: 2000}", orders) == [True, False, None]
    assert hits("kind: distance, with: {of: receiver_phone, to: ship_from, same_province: true}", orders) == [True, True, True]
    assert hits("kind: distance, with: {of: address, same_province: true}", orders) == [True, False, None]
    same = {"address": "广东省广州市天河区某路1号", "receiver_phone": "13802580000"}
    assert hits("kind: distance, with: {of: receiver_phone, to: address, same_province: true}", [same, near]) == [False, True]
    abroad = {"address": "广东省广州市天河区某路1号", "receiver_phone": "+14155550123"}
    assert hits("kind: distance, with: {of: receiver_phone, to: address, same_province: true}", [abroad]) == [None]


# --- conflicts ----------------------------------------------------------------------------------------------


def test_conflicts_equal_brute_force_on_many_small_batches() -> None:
    rng = random.Random(23)
    for _ in range(60 * ROUNDS):
        tags = {s: rng.sample(["冷", "常", "危"], rng.randrange(0, 3)) for s in "ABCD"}
        tags["A"] = ["冷"]
        tags["B"] = ["常"]
        pair = rng.choice([["冷", "常"], ["冷", "*"], ["常", "*"]])
        only = {s: rng.sample(["浙江", "广东省", "杭州市"], rng.randrange(0, 3)) for s in "AB"}
        table = [{"sku": s, "tags": t or None, "only_to": only.get(s) or None} for s, t in tags.items()]
        rule = rule_of(f"kind: conflict, with: {{tags: {json.dumps(table, ensure_ascii=False)}, pairs: [{json.dumps(pair, ensure_ascii=False)}]}}")
        rows = [(rng.sample("ABCDE", rng.randrange(0, 4)), rng.choice([("浙江省", "杭州市"), ("广东省", "深圳市"), (None, None)])) for _ in range(12)]
        frame = texts(
            basket=["\x1e".join(f"{s}\x1f1" for s in sorted(items)) or None for items, _ in rows],
            addr_province=[p[0] for _, p in rows], addr_city=[p[1] for _, p in rows], addr_state=["ok" if p[0] else "no_region" for _, p in rows],
        )  # fmt: skip
        wanted: list[bool | None] = []
        for items, (province, city) in rows:
            def has(sku: str, tag: str) -> bool:
                return tag in tags.get(sku, []) if tag != "*" else pair[0] not in tags.get(sku, [])  # noqa: B023

            clash = any(has(a, pair[0]) and has(b, pair[1]) for a in items for b in items if a != b)
            limited = [only[s] for s in items if only.get(s)]
            here = {province, city, (province or "").removesuffix("省"), (city or "").removesuffix("市")}
            wrong = [not here & set(o) for o in limited] if province else []
            wanted.append(None if not items else True if clash or any(wrong) else None if limited and not province else False)
        assert rule.measure(frame)["hit"].to_list() == wanted, (tags, pair, only, rows)


# --- promises -----------------------------------------------------------------------------------------------


def test_promises_equal_brute_force_on_many_small_batches() -> None:
    rng = random.Random(29)
    seen = set()
    for _ in range(120 * ROUNDS):
        table = [
            {"from": rng.choice(["杭州", "浙江省"]), "to": rng.choice(["深圳市", "广东", "北京"]), "days": rng.randrange(1, 8), "deliveries": rng.randrange(1, 4)}
            for _ in range(rng.randrange(1, 8))
        ]
        q, least = rng.choice([0.5, 0.9]), rng.randrange(1, 5)
        rule = rule_of(f"kind: delivery_promise, with: {{quantile: {q}, min_history: {least}, lead_times: {json.dumps(table, ensure_ascii=False)}}}")
        rows = [(rng.choice(["深圳市", "北京市", None]), rng.randrange(0, 9)) for _ in range(5)]
        province = {"深圳市": "广东省", "北京市": "北京市", None: None}
        frame = texts(
            ship_city=["杭州市"] * 5, ship_province=["浙江省"] * 5, addr_city=[r[0] for r in rows],
            addr_province=[province[r[0]] for r in rows], addr_state=["ok" if r[0] else "no_region" for r in rows],
        ).with_columns(
            paid_at=instants([0] * 5), created_at=instants([None] * 5), promised_at=instants([r[1] * 86_400 for r in rows])
        )  # fmt: skip

        def need(origin: str, to: str) -> int | None:
            days = sorted(r["days"] for r in table if (r["from"], r["to"]) == (origin, to) for _ in range(r["deliveries"]))  # noqa: B023
            if len(days) < least:  # noqa: B023
                return None
            return next(d for i, d in enumerate(days, 1) if i >= q * len(days) - 1e-9)  # noqa: B023

        wanted: list[bool | None] = []
        for city, promised in rows:
            ways = {"深圳市": ["深圳市", "广东"], "北京市": ["北京"], None: []}[city]
            routes = [("杭州", w) for w in ways] + [("浙江省", w) for w in ways]
            days = next((n for r in routes if (n := need(*r)) is not None), None)
            wanted.append(None if days is None else promised < days)
        assert rule.measure(frame)["hit"].to_list() == wanted, (table, q, least, rows)
        seen |= set(wanted)
    assert seen == {True, False, None}


def test_the_reason_proposes_a_promise_that_holds() -> None:
    text = "kind: delivery_promise, with: {min_history: 1, lead_times: [{from: 杭州, to: 北京, days: 2d}]}"
    made = equip(book(f"{{id: r, points: 1, {text}}}", head="ship_from: 杭州"), NOW)
    late = {"address": "北京市海淀区某路1号", "paid_at": "2026-11-11 10:20:00", "promised_at": "2026-11-12 10:00:00"}
    frame = facts_for(_frame([late], made.timezone), made, {})
    from orderguard.rules import run_rules

    reason = run_rules(frame, made.rules, "zh-CN").findings["reason"][0]
    assert reason == "杭州市 到 北京市 需 2 天（1 单中 90% 能送到），承诺 11-12 10:00 太早，可承诺 11-13 11:00"


def test_promises_learnt_from_history_equal_brute_force() -> None:
    """Whatever arrived before the order's day began, in the shop's zone, of orders placed in the history before it."""
    rng = random.Random(41)
    seen: set[bool | None] = set()
    places = {"深圳市": "广东省", "广州市": "广东省", "北京市": "北京市", None: None}
    hour = timedelta(hours=1)
    for _ in range(50 * ROUNDS):
        q, least, days, until = rng.choice([0.3, 0.5, 0.9]), rng.randrange(1, 4), rng.randrange(1, 6), rng.choice(["delivered_at", "shipped_at"])
        rule = rule_of(f"kind: delivery_promise, with: {{quantile: {q}, min_history: {least}, history: {days}d, until: {until}}}")
        rows: list[dict[str, Any]] = []
        for i in range(50):
            at = EPOCH + rng.randrange(0, 8 * 24) * hour  # whole hours: local midnight (16:00 UTC) is met often
            took = rng.choice([None, -1, 0, 5, 24, 30, 48])
            city = rng.choice(["深圳市", "广州市", "北京市", None])
            rows.append({
                "created_at": at if rng.random() < 0.95 else None, "paid_at": rng.choice([None, at + hour]), "past": i < 25,
                "shipped_at": None, "delivered_at": None, "promised_at": rng.choice([None, at + rng.randrange(0, 60) * hour]),
                "ship_city": rng.choice(["杭州市", "宁波市"]), "ship_province": "浙江省", "addr_city": city, "addr_province": places[city],
                "addr_state": rng.choice(["ok", "ok", "ok", "ambiguous"]),
            } | {until: None if took is None else at + took * hour})  # fmt: skip
        schema = {n: pl.Datetime("us", "UTC") for n in ("created_at", "paid_at", "shipped_at", "delivered_at", "promised_at")}
        frame = pl.DataFrame(rows, schema_overrides=schema)

        def need(row: dict[str, Any]) -> float | None:
            if row["created_at"] is None or row["past"] or row["addr_state"] != "ok":
                return None
            local = row["created_at"] + 8 * hour
            day = local.replace(hour=0, minute=0) - 8 * hour
            for a in ("city", "province"):
                for b in ("city", "province"):
                    took = sorted(
                        (r[until] - (r["paid_at"] or r["created_at"])) / hour  # noqa: B023
                        for r in rows  # noqa: B023
                        if r["created_at"] and r[until] and r["addr_state"] == "ok" and r[f"addr_{b}"]  # noqa: B023
                        and (r[f"ship_{a}"], r[f"addr_{b}"]) == (row[f"ship_{a}"], row[f"addr_{b}"])
                        and r[until] <= day and r["created_at"] >= day - days * 24 * hour  # noqa: B023
                        and r[until] >= (r["paid_at"] or r["created_at"])  # noqa: B023
                    )  # fmt: skip
                    if len(took) >= least:  # noqa: B023
                        return next(t for n, t in enumerate(took, 1) if n >= q * len(took) - 1e-9)  # noqa: B023
            return None

        wanted = []
        for row in rows:
            hours = need(row)
            start = row["paid_at"] or row["created_at"]
            wanted.append(None if hours is None or not row["promised_at"] else row["promised_at"] < start + hours * hour)
        assert rule.measure(frame)["hit"].to_list() == wanted
        seen |= set(wanted)
    assert seen == {True, False, None}


def test_what_arrived_is_learnt_from_exports_scanned_again(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: promise, kind: delivery_promise, with: {quantile: 0.5, min_history: 3}, points: 40}", head="ship_from: 杭州"))
    old = [
        order(f"o{i}", 收货地址="北京市海淀区某路1号", 下单时间="2026-10-20 10:00:00", 付款时间="2026-10-20 10:00:00", 承诺发货时间="")
        for i in range(4)
    ]  # fmt: skip
    new = [
        order("late", 收货地址="北京市朝阳区某路1号", 下单时间="2026-11-11 10:00:00", 付款时间="2026-11-11 10:00:00", 承诺发货时间="2026-11-12"),
        order("fine", 收货地址="北京市朝阳区某路1号", 下单时间="2026-11-11 10:00:00", 付款时间="2026-11-11 10:00:00", 承诺发货时间="2026-11-14"),
    ]  # fmt: skip
    house.scan(export(tmp_path / "1.csv", old))
    house.scan(export(tmp_path / "2.csv", new))
    assert not len(pl.read_parquet(house.out / "findings.parquet"))
    assert pl.read_parquet(house.out / "coverage.parquet")["not_evaluable"].sum() == 2
    arrived = [row | {"签收时间": f"2026-10-2{2 + i} 10:00:00", "订单状态": "交易成功"} for i, row in enumerate(old)]
    pl.DataFrame(arrived).write_csv(tmp_path / "3.csv")
    house.scan(tmp_path / "3.csv")
    house.scan(export(tmp_path / "4.csv", new))
    found = pl.read_parquet(house.out / "findings.parquet")
    # Three days are needed, until 10:00 of the 14th: a promise of that day holds to its end.
    assert found["order_id"].to_list() == ["late"], found
    assert "需 3 天（4 单中 50% 能送到），承诺 11-12 太早，可承诺 11-14 10:00" in found["reason"][0]


# --- whole and cut ------------------------------------------------------------------------------------------

CUT = [
    "{id: money, kind: velocity, with: {key: phone, window: 2h, sum: amount, at_least: 300}, points: 20}",
    "{id: names, kind: contradiction, with: {of: phone_names, at_least: 3, within: 3h}, points: 20}",
    "{id: limit, kind: purchase_limit, with: {limit: 3, window: 6h}, points: 20}",
    "{id: over, kind: oversell, with: {stock: [{sku: A, available: 9, as_of: 2026-11-11}, {sku: B, available: 7, as_of: 2026-11-11 01:00}]}, points: 20}",
]
ALL = [*CUT, "{id: big, kind: outlier, with: {by: phone, times: 1.5, history: 3h, min_history: 2}, points: 20}"]


def _world(rng: random.Random) -> list[dict[str, str]]:
    rows = []
    for i in range(24):
        at = EPOCH + timedelta(minutes=rng.randrange(0, 6 * 60, 10))
        rows.append(
            {
                "订单编号": f"o{i:02d}", "平台": rng.choice(["京东", "抖音"]), "买家账号": f"u{rng.randrange(12)}",
                "收货人": rng.choice("甲乙丙丁"), "联系电话": f"1380258000{rng.randrange(4)}",
                "收货地址": f"某市某路{rng.randrange(9)}号", "下单时间": (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S"),
                "付款时间": (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S"), "实付金额": str(rng.randrange(20, 160)),
                "商品编码": rng.choice("ABC"), "数量": str(rng.randrange(1, 3)),
            }
        )  # fmt: skip
    return sorted(rows, key=lambda r: (r["下单时间"], r["订单编号"]))


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("\n".join([",".join(rows[0]), *(",".join(r.values()) for r in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", range(3 * ROUNDS))
def test_what_is_cut_by_exports_comes_to_the_same_as_the_whole(seed: int, tmp_path: Path) -> None:
    """Each scan tells about all orders that it now finds odd, earlier ones too: the union is what the whole says."""
    rng = random.Random(seed)
    rows = _world(rng)
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = House(tmp_path / "whole", book(*ALL))
    shuffled = rows[:]
    rng.shuffle(shuffled)
    whole.scan(_write(tmp_path / "whole.csv", shuffled))
    cut = House(tmp_path / "cut", book(*ALL))
    found: set[tuple[str, str]] = set()
    cuts = sorted(rng.sample(range(1, 23), 2))
    for n, part in enumerate((rows[: cuts[0]], rows[cuts[0] : cuts[1]], rows[cuts[1] :])):
        cut.scan(_write(tmp_path / f"cut{n}.csv", part))
        found |= cut.findings()
    assert found == whole.findings()
    assert {r for _, r in found} >= {"money", "limit", "over"}


# --- a new kind, and wrong settings -------------------------------------------------------------------------

NEW = '''"""A made-up kind.

Flags:
    orders whose note holds a word from a table.

Why:
    to prove that one file is enough.

Misses:
    everybody else.
"""

import polars as pl

from orderguard.rules.base import Kind
from orderguard.rules.tables import Cell, Shape, Source


class Noted(Kind):
    """Settings: `words`."""

    words: Source

    def tables(self) -> dict[str, Shape]:
        return {"words": Shape({"word": Cell(("word", "词"), required=True)})}

    def reads(self) -> set[str]:
        return {"buyer_note"}

    def hit(self) -> pl.Expr:
        return pl.col("buyer_note").str.contains_any(self.table("words")["word"].to_list())

    def value(self) -> pl.Expr:
        return pl.lit(1.0)

    def reason(self, locale: str) -> pl.Expr:
        return pl.format("note {}", pl.col("buyer_note"))
'''


def test_a_new_file_is_a_kind_that_scans_with_its_own_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "noted.py").write_text(NEW, encoding="utf-8")
    (tmp_path / "words.csv").write_text("词\n急\n", encoding="utf-8")
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    assert "noted" in kind_names()
    made = book("{id: n, kind: noted, with: {words: words.csv}, points: 20}").model_copy(update={"source": str(tmp_path / "rules.yaml")})
    house = House(tmp_path, made)
    house.scan(export(tmp_path / "a.csv", [order("1", 买家留言="急用"), order("2", 买家留言="谢谢")]))
    assert house.findings() == {("1", "n")}


WRONG = {
    "kind: velocity, with: {key: ip, window: 5m, at_least: 2.5}": "should be a whole number",
    "kind: velocity, with: {key: ip, window: 5m, sum: amuont, at_least: 5}": "'amount' or 'discount'",
    "kind: velocity, with: {key: ip, window: 5m, sum: amount, who: phone, at_least: 5}": "exclude each other",
    "kind: velocity, with: {key: [ip, bsket], window: 5m, at_least: 5}": "did you mean 'basket'",
    "kind: velocity, with: {key: [], window: 5m, at_least: 5}": "at least one column",
    "kind: velocity, with: {key: ip, window: 5m, sum: amount, at_least: -5}": "more than 0",
    "kind: condition": "when is required",
    "kind: condition, with: {when: 5}": "should be text",
    "kind: listed": "needs file or entries",
    "kind: listed, with: {file: a.csv, entries: [x]}": "needs file or entries",
    "kind: listed, with: {entries: []}": "file name, or the table",
    "kind: listed, with: {entries: [x], kinds: [block, grey]}": "'block', 'watch' or 'allow'",
    "kind: listed, with: {entries: [x], columns: [phon]}": "did you mean 'phone'",
    "kind: oversell, with: {stock: 5}": "file name, or the table",
    "kind: oversell, with: {stok: a.csv}": "did you mean 'stock'",
    "kind: purchase_limit, with: {window: 7d}": "limit is required",
    "kind: purchase_limit, with: {limit: 0, window: 7d}": "more than 0",
    "kind: purchase_limit, with: {limit: 2, window: 7d, person: [ip]}": "must be one of",
    "kind: purchase_limit, with: {limit: 2, window: 999d}": "at most 366 days",
    "kind: purchase_limit, with: {limit: 2, window: 7d, sku: A}": "should be a list",
    "kind: outlier, with: {of: amount, by: sku}": "quantity only",
    "kind: outlier, with: {times: 1}": "more than 1",
    "kind: outlier, with: {baseline: mode}": "'mean' or 'median'",
    "kind: outlier, with: {min_history: 0}": "at least 1",
    "kind: distance": "needs more_than_km or same_province",
    "kind: distance, with: {more_than_km: 5, same_province: true}": "needs more_than_km or same_province",
    "kind: distance, with: {of: address, to: address, more_than_km: 5}": "same place",
    "kind: distance, with: {of: ip, more_than_km: 5}": "of: ip and ips",
    "kind: address_quality, with: {any: [vage]}": "must be one of",
    "kind: address_quality, with: {any: []}": "at least one entry",
    "kind: contradiction, with: {of: names}": "must be one of",
    "kind: contradiction, with: {of: phone_names, at_least: 1}": "at least 2",
    "kind: conflict": "tags is required",
    "kind: conflict, with: {tags: {A: 冷}, pairs: [[冷]]}": "pairs of two tags",
    "kind: conflict, with: {tags: {A: 冷}, pairs: [[冷, 冷]]}": "pairs of two tags",
    "kind: delivery_promise, with: {lead_times: a.csv, history: 30d}": "with a table nothing is learnt",
    "kind: delivery_promise, with: {until: created_at}": "delivered_at",
    "kind: delivery_promise, with: {lead_times: a.csv, quantile: 90}": "less than 1",
    # told when the tables are read
    "kind: conflict, with: {tags: {A: 冷}, pairs: [[冷, 常]]}": "no SKU has the tag '常'",
    "kind: conflict, with: {tags: no.csv}": "no such file",
    "kind: delivery_promise, with: {lead_times: [{from: 杭州, to: 北京, days: soon}]}": "should be days",
    "kind: delivery_promise, with: {lead_times: [{from: 杭州, to: 北京}]}": "no column 'days'",
    "kind: delivery_promise, with: {lead_times: [{from: 杭州, to: 北京, days: 999}]}": "0 to 366",
    "kind: oversell, with: {stock: {A: many}}": "should be a number",
    "kind: oversell, with: {stock: [A]}": "no column 'available'",
    "kind: oversell, with: {stock: {A: 1}, bundles: [{sku: S}]}": "no column 'part'",
    "kind: listed, with: {entries: [{value: x, expires: never}]}": "should be a time",
    "kind: listed, with: {entries: [{value: x, kind: blck}]}": "did you mean 'block'",
    "kind: listed, with: {entries: [{value: x, column: phon}]}": "did you mean 'phone'",
    "kind: listed, with: {entries: [{valu: x}]}": "no column 'value'",
    "kind: listed, with: {entries: [[x]]}": "should be a list, one entry a row",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_settings_are_told_in_words(text: str) -> None:
    with pytest.raises(OrderguardError) as caught:
        equip(book(f"{{id: r, points: 1, {text}}}"), NOW)
    told = [p.text("en") for p in caught.value.problems]
    assert any(WRONG[text] in t for t in told), told
    assert all(p.what.zh and p.what.zh != p.what.en for p in caught.value.problems)


def test_wrong_files_end_with_exit_code_2_and_every_problem_at_once(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("货号,标签\nA,冷链\n,常温\n", encoding="utf-8")
    (tmp_path / "lead.csv").write_text("发货地,目的地,天数\n杭州,北京,两天\n", encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nlocale: en\nbands: {review: 20, hold: 30}\nrules:\n"
        "- {id: a, kind: conflict, with: {tags: tags.csv}, points: 1}\n"
        "- {id: b, kind: delivery_promise, with: {lead_times: lead.csv}, points: 1}\n"
        "- {id: c, kind: oversell, with: {stock: none.csv}, points: 1}\n",
        encoding="utf-8",
    )
    export(tmp_path / "a.csv", [order("1")])
    done = shell("scan", "a.csv", cwd=tmp_path)
    assert done.returncode == 2
    for said in ("tags.csv:3: '货号' is empty", "lead.csv:2: '天数' should be days", "none.csv: no such file"):
        assert said in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


# --- keywords -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "note", "wanted"),
    [
        ("any: [甲, 乙], all: [丙]", "乙 丙", True),
        ("any: [甲, 乙], all: [丙]", "乙", False),
        ("any: [甲], none: [乙]", "甲乙", False),
        ("any: [甲], none: [乙]", "甲", True),
        ("none: [乙]", "甲", True),
        ("none: [乙]", "", True),  # an empty note is known: it holds no word
        ("any: [甲]", "", False),
        ("any: [甲], none: [乙]", "", False),
        ("any: [甲]", None, None),  # a note that was not exported is not
        ("any: [甲], none: [乙]", "甲**", None),  # 乙 may stand behind the mask
        ("any: [甲], none: [乙]", "乙**", False),
        ("all: [甲, 丙]", "甲**", None),
        ("any: [甲]", "甲**", True),
        ("any: [甲]", "**", None),
        ("any: [ＡＢ]", "a - b", True),
    ],
)
def test_keywords_any_all_and_none(settings: str, note: str | None, wanted: bool | None) -> None:  # noqa: FBT001
    assert hits(f"kind: keywords, with: {{column: buyer_note, {settings}}}", [{"buyer_note": note}]) == [wanted]


def test_words_from_a_file_are_settings(tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("# 风险词\n临时仓\n代收点  # 以及\n\n", encoding="utf-8")
    (tmp_path / "w.csv").write_bytes("序号,关键词\n1,临时仓\n2,代收点\n".encode("gb18030"))

    def made(text: str) -> Any:
        raw = book(f"{{id: k, kind: keywords, with: {text}, points: 20}}").model_copy(update={"source": str(tmp_path / "rules.yaml")})
        return equip(raw, NOW)

    listed = made("{any: [临时仓, 代收点]}")
    for name in ("w.txt", "w.csv"):
        from_file = made(f"{{file: {name}}}")
        (tmp_path / f"{name}.d").mkdir()
        house = House(tmp_path / f"{name}.d", from_file)
        house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="某代收点"), order("2")]))
        assert house.findings() == {("1", "k")}
        assert from_file.rules[0].fingerprint == listed.rules[0].fingerprint
    with pytest.raises(OrderguardError, match=r"no such file|cannot be opened"):
        made("{file: none.txt}")


# --- every kind, in memory and in pieces --------------------------------------------------------------------

EVERY = [
    "{id: money, kind: velocity, with: {key: phone, window: 6h, sum: amount, at_least: 400}, points: 5}",
    "{id: twice, kind: velocity, with: {key: [account, basket], window: 1d, at_least: 2}, points: 5}",
    "{id: names, kind: contradiction, with: {of: phone_names, at_least: 2, within: 2d}, points: 5}",
    "{id: phones, kind: contradiction, with: {of: person_phones, at_least: 2, within: 2d}, points: 5}",
    "{id: regions, kind: contradiction, with: {of: phone_region}, points: 5}",
    "{id: limit, kind: purchase_limit, with: {limit: 3, window: 1d, sku: [NF-900]}, points: 5}",
    "{id: over, kind: oversell, with: {stock: [{sku: NF-900, available: 50, as_of: 2026-11-10}, {sku: TC-250, available: 9}]}, points: 5}",
    "{id: big, kind: outlier, with: {by: shop, times: 2, history: 12h, min_history: 3}, points: 5}",
    "{id: many, kind: outlier, with: {of: quantity, by: sku, times: 1.5, baseline: median, history: 1d, min_history: 3}, points: 5}",
    "{id: vague, kind: address_quality, with: {any: [vague, contradictory, ambiguous, typo]}, points: 5}",
    "{id: night, kind: condition, with: {when: 'hour(created_at) < 4 and amount > 100'}, points: 5}",
    "{id: known, kind: listed, with: {entries: [{value: 203.0.113.0/28, kind: watch}, {value: u1*, kind: allow, column: account}, {value: 王芳, kind: block}]}, points: 5}",
    "{id: away, kind: distance, with: {of: receiver_phone, to: address, same_province: true}, points: 5}",
    "{id: far, kind: distance, with: {of: address, to: ship_from, more_than_km: 500}, points: 5}",
    "{id: promise, kind: delivery_promise, with: {min_history: 1, lead_times: [{from: 杭州, to: 北京, days: 9}, {from: 杭州, to: 广东, days: 8}]}, points: 5}",
    "{id: usual-way, kind: delivery_promise, with: {min_history: 1, history: 9d}, points: 5}",
    "{id: mixed, kind: conflict, with: {tags: [{sku: NF-900, tags: 冷, only_to: 浙江}, {sku: XZ-42, tags: 鞋}], pairs: [[冷, 鞋]]}, points: 5}",
]


def test_every_kind_finds_the_same_in_pieces_and_whatever_the_row_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from worlds import make_world

    from orderguard.stages import engines
    from orderguard.stages.memory import Plan

    rows = make_world(700, 31)
    rng = random.Random(1)
    for row in rows:  # items, and receivers that come again
        row |= {"商品编码": row["商品编码"] or "NF-900", "数量": str(rng.randrange(1, 5))}
        if rng.random() < 0.3:
            row |= {"联系电话": f"1841440000{rng.randrange(9)}", "买家账号": f"u{rng.randrange(30)}"}
        if rng.random() < 0.1:
            row |= {"收货人": "王小 小", "省": "浙江省", "市": "杭州市", "区": "西湖区", "收货地址": "文三路77号"}
        arrived = rng.random() < 0.1
        row["签收时间"] = f"2026-11-0{rng.randrange(7, 10)}" if arrived else ""
        row.update({"下单时间": "2026-11-06 10:00:00", "付款时间": ""} if arrived else {})
    done: list[Any] = []
    tiny = Plan(36_000, 160, 0)
    files = {"memory": (None, [rows[:450], rows[350:]]), "pieces": (tiny, [rows[:450], rows[350:]]),
             "once": (None, [rows]), "shuffled": (None, [rng.sample(rows, len(rows))])}  # fmt: skip
    for name, (plan, parts) in files.items():
        monkeypatch.setattr(engines, "plan", lambda *_, plan=plan: plan)
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, book(*EVERY, head="ship_from: 杭州\nmax_share: 1"))
        for n, part in enumerate(parts):
            pl.DataFrame(part).write_csv(tmp_path / f"{name}-{n}.csv")
            house.scan(tmp_path / f"{name}-{n}.csv")
        done.append({n: pl.read_parquet(house.out / f"{n}.parquet").sort(pl.all()) for n in ("findings", "decisions", "coverage")})
    assert set(done[2]["findings"]["rule_id"]) == {r.split(",")[0].removeprefix("{id: ") for r in EVERY}
    for one, other in ((done[0], done[1]), (done[2], done[3])):
        for name, frame in one.items():
            assert frame.equals(other[name]), name


# --- where an IP is -------------------------------------------------------------------------------------------


def test_ip_ranges_equal_brute_force() -> None:
    """Numbers, CIDRs, both versions, gaps; nothing for what is masked, blank, local or no address."""
    rng = random.Random(31)
    starts = sorted(rng.sample(range(0, 1 << 16, 256), 60))
    table = [
        {"start": f"198.18.{s >> 8}.0/24"} if i % 3 else {"start": str(0xC6120000 + s), "end": str(0xC6120000 + s + 99)} for i, s in enumerate(starts)
    ] + [{"start": "2001:db8:5::/48"}, {"start": "2001:db8::10", "end": "2001:db8::1f"}]  # fmt: skip
    rows = pl.DataFrame([{"start": r["start"], "end": r.get("end"), "province": f"p{i}", "city": None, "lat": None, "lon": None, "source_row": i} for i, r in enumerate(table)],
        schema_overrides={"end": pl.String, "city": pl.String, "lat": pl.Float64, "lon": pl.Float64})  # fmt: skip
    nets = [(r, i) for i, r in enumerate(table)]

    def by_hand(ip: str | None) -> str | None:
        try:
            one = ipaddress.ip_address(ip or "")
        except ValueError:
            return None
        for r, i in nets:
            if "/" in r["start"]:
                if one in ipaddress.ip_network(r["start"]):
                    return f"p{i}"
                continue
            first, last = (ipaddress.ip_address(int(r[n]) if r[n].isdecimal() else r[n]) for n in ("start", "end"))
            if one.version == first.version and int(first) <= int(one) <= int(last):
                return f"p{i}"
        return None

    ips = [f"198.18.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(2_000)]
    ips += [None, "", "198.18.*.*", "999.1.1.1", "127.0.0.1", "2001:db8:5::1", "2001:DB8::1F", "2001:db8::20", "::1", "未知"]  # type: ignore[list-item]
    assert places_of(pl.Series(ips, dtype=pl.String), rows)["province"].to_list() == [by_hand(ip) for ip in ips]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("start,end,province\n1.2.3.4,1.2.3.1,浙江\n", "no valid IP"), ("network,province\n1.2.3.0/33,浙江\n", "no valid IP"),
        ("network,province\n1.2.3.0/24,浙江\n1.2.3.128/25,广东\n", "overlaps with row 2"), ("network,city\n1.2.3.0/24,杭州\n", "no province"),
        ("province\n浙江\n", "no column"), ("network,province,lat,lon\n1.2.3.0/24,浙江,x,1\n", "should be a number"),
    ],
)  # fmt: skip
def test_a_wrong_table_of_ip_ranges_is_told_row_by_row(tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "ip.csv").write_text(table, encoding="utf-8")
    text = "version: 1\nlocale: en\nbands: {}\nrules:\n- {id: far, kind: distance, points: 1, with: {of: ip, to: address, same_province: true, ips: ip.csv}}\n"
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    done = shell("rules", "check", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr + done.stdout
    assert "ip.csv" in done.stderr + done.stdout
    (tmp_path / "rules.yaml").write_text(text.replace(", ips: ip.csv", ""), encoding="utf-8")
    assert "ips" in shell("rules", "check", cwd=tmp_path).stderr


def test_how_far_an_ip_is_from_the_ship_from_place(tmp_path: Path) -> None:
    """From a file to findings; what no range holds is not evaluable."""
    (tmp_path / "ip.csv").write_text("ip_from,ip_to,country,region,city,latitude,longitude\n3405803776,3405803903,CN,Zhejiang,Hangzhou,30.29,120.16\n203.0.113.128,203.0.113.255,CN,Xinjiang,Urumqi,43.8,87.6\n", encoding="utf-8")
    rules = "{id: far-ip, kind: distance, with: {of: ip, to: ship_from, more_than_km: 1000, ips: ip.csv}, points: 20}"
    elsewhere = "{id: other, kind: distance, with: {of: ip, to: address, same_province: true, ips: ip.csv}, points: 20}"
    one = book(rules, elsewhere).model_copy(update={"source": str(tmp_path / "rules.yaml")})
    house = House(tmp_path, one)
    rows = [order(n, 下单IP=ip, 发货地="杭州仓", 收货地址="浙江省杭州市西湖区文三路1号") for n, ip in (("near", "203.0.113.9"), ("far", "203.0.113.200"), ("none", "198.51.100.1"), ("masked", "203.0.113.*"))]  # fmt: skip
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("far", "far-ip"), ("far", "other")}
    seen = pl.read_parquet(house.out / "coverage.parquet").filter(rule_id="far-ip")
    assert seen.select("judged", "hits", "not_evaluable").row(0) == (2, 1, 2)


def test_sentences_show_sums_as_people_write_them(tmp_path: Path) -> None:
    """No eight places, no bare question mark, no line breaks of the rulebook."""
    text = (
        "{id: dear, kind: condition, with: {when: \"amount > 50\\n  AND ip = '' OR ip IS NULL\"}, points: 40}",
        "{id: late, says: '单子{大}', kind: condition, with: {when: \"AMOUNT > 50 AND 收货人 <> 'amount'\"}, points: 40}",
        "{id: one, kind: velocity, with: {key: person, window: 1h, at_least: 2}, points: 40}",
        "{id: limit, kind: purchase_limit, with: {limit: 1, window: 7d}, points: 40}",
    )
    rows = [order("a", 下单IP="", 商品编码="NF", 数量="2"), order("b", 商品编码="NF", 数量="2"), order("b", 实付金额="99", 商品编码="XX", 数量="1")]
    pl.DataFrame(rows).write_csv(tmp_path / "a.csv")
    house = House(tmp_path, book(*text, head="max_share: 1"))
    house.scan(tmp_path / "a.csv")
    said = dict(pl.read_parquet(house.out / "findings.parquet").filter(pl.col("order_id") == "a").select("rule_id", "reason").iter_rows())
    assert said["dear"] == "符合 实付金额 > 50 AND 下单 IP = '' OR 下单 IP IS NULL：实付金额 88，下单 IP 为空"
    assert said["late"] == "单子{大}：实付金额 88，收货人 测名（实付金额 > 50 AND 收货人 <> 'amount'）"
    assert said["one"].startswith("同一人（电话、账号或姓名地址相同） P-")
    assert said["limit"].startswith("同一人 7 天内共买 NF ")
    assert "实付金额 不一致：'99.00'，而 a.csv 第 3 行是 '88.00'" in (house.out / "rejected.csv").read_text(encoding="utf-8")
