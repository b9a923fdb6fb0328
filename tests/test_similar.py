"""Near-identical addresses against brute force, whole and in pieces, in the hostile case, and as their user sees them."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import NOW, ROUNDS, House, book, export, order, shell
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.errors import OrderguardError
from orderguard.rules.alike import Alike, symbols
from orderguard.rules.engine import run_rules
from orderguard.rules.pieces import AUDITED, PAST, ROW, run_in_pieces
from orderguard.rules.windows import fullest_window
from orderguard.stages.tables import equip

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.rules.book import Rule

EPOCH = datetime(2026, 11, 11, tzinfo=UTC)


def rule_of(text: str) -> Rule:
    return equip(book(f"{{id: r, kind: similar_address, points: 1, with: {{{text}}}}}"), NOW).rules[0]


def grams(signs: list[str]) -> Counter[tuple[str, str]]:
    return Counter(pairwise(signs))


def dice(one: list[str], other: list[str]) -> float:
    a, b = grams(one), grams(other)
    return 2 * (a & b).total() / (a.total() + b.total())


def sides(text: str) -> list[str]:
    return pl.DataFrame({"t": [text]}).select(symbols(pl.col("t"))).item().to_list()


# --- what is compared ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "文三路100号嘉绿苑3幢2单元501室", "文三路１００号　嘉绿苑3-2-501", "文三路100号，嘉绿苑３栋二单元501", "文三路 100 嘉绿苑#3#2#501房", "文三路100號嘉绿苑3号楼2单元501",
])  # fmt: skip
def test_spellings_of_one_door_are_one(text: str) -> None:
    assert sides(text) == ["文", "三", "路", "100", "嘉", "绿", "苑", "3", "2", "501"]


def test_a_hostile_address_is_cut() -> None:
    assert len(sides("一条" * 50_000)) == 200
    assert sides("A座B12\u202e=1+1") == ["a", "座", "b", "12", "1", "1"]


def _near(texts: list[str], least: int, at_least: int = 1) -> dict[int, set[int]]:
    places = pl.DataFrame({"group": ["x"] * len(texts), "symbols": [list(t) for t in texts]}, schema={"group": pl.String, "symbols": pl.List(pl.String)})
    told: dict[int, set[int]] = {}
    for near, own in Alike(places, least).around(pl.Series([1] * len(texts)), at_least):
        for at, key in own.iter_rows():
            assert at not in told
            told[at] = set(near.filter(pl.col("key") == key)["at"])
    return told


@settings(max_examples=60 * ROUNDS, deadline=None)
@given(
    st.lists(st.text("abcd", min_size=2, max_size=14), unique=True, max_size=25).map(sorted),
    st.sampled_from([1, 333, 500, 700, 850, 851, 999, 1000]),
)
def test_the_join_equals_brute_force(texts: list[str], least: int) -> None:
    # Who shares no bigram is alike to nobody; least 1 asks for any.
    want = {i: {j for j, u in enumerate(texts) if i == j or 1000 * dice(list(t), list(u)) >= least - 1e-9} for i, t in enumerate(texts)}
    assert _near(texts, least) == want


def test_blocks_of_thousands_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    texts = sorted({"".join(rng.choices("abc", k=rng.randrange(4, 12))) for _ in range(300)})
    whole = _near(texts, 800)
    monkeypatch.setattr("orderguard.rules.alike._BITS", 3)
    monkeypatch.setattr("orderguard.rules.alike._BATCH", 50)
    assert _near(texts, 800) == whole
    few = _near(texts, 800, 4)
    assert few == {i: near for i, near in whole.items() if len(near) >= 4}


# --- the rule -----------------------------------------------------------------------------------------------


def small(rng: random.Random, n: int = 60) -> pl.DataFrame:
    """Orders of two cities: few words, so that many are alike; ties, blanks, masks and old customers among them."""
    rows: list[dict[str, Any]] = []
    for i in range(n):
        detail = f"{rng.choice(['文三路', '文二路', '人民大道'])}{rng.choice('123')}号{rng.choice(['嘉绿苑', '阳光花园北区', ''])}{rng.choice('12')}幢{rng.randrange(5)}室"
        rows.append({
            "platform": rng.choice(["jd", "tb"]), "order_id": f"{i:03d}", "addr_province": "浙江省", "addr_city": rng.choice(["杭州市", "宁波市", None]) if rng.random() < 0.2 else "杭州市",
            "addr_district": rng.choice(["西湖区", "江干区", None]), "addr_detail": rng.choice([None, "1号"]) if rng.random() < 0.05 else detail,
            "addr_state": "masked" if rng.random() < 0.05 else "ok", "account_key": None if rng.random() < 0.05 else f"u{rng.randrange(12)}",
            "created_at": None if rng.random() < 0.03 else EPOCH + timedelta(minutes=rng.choice((1, 10)) * rng.randrange(40)),
            "prior_orders": rng.choice([0, 0, 0, 3, None]), "registered_at": EPOCH - timedelta(days=rng.choice([1, 1, 40])), PAST: rng.random() < 0.2,
        })  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"created_at": pl.Datetime("us", "UTC"), "registered_at": pl.Datetime("us", "UTC"), "prior_orders": pl.Int64})


def by_hand(frame: pl.DataFrame, rule: Rule) -> list[tuple[bool | None, int]]:
    s: Any = rule.settings
    rows = frame.to_dicts()
    for row in rows:
        row["signs"] = sides(row["addr_detail"] or "")
        row["numbers"] = [x for x in row["signs"] if x.isdigit()]
        fits = row["addr_state"] == "ok" and row["addr_city"] and len(row["signs"]) >= 4 and (s.by == "city" or row["addr_district"])
        who = row["account_key"] if s.who else row["order_id"]
        row["can"], row["whom"] = bool(fits and row["created_at"] and who), who
        row["new"] = True
        if s.prior_orders is not None:
            row["new"] = None if row["prior_orders"] is None else row["prior_orders"] <= s.prior_orders
        if s.registered_within and row["created_at"]:
            young = row["created_at"] - row["registered_at"] <= s.registered_within
            row["new"] = False if row["new"] is False or not young else row["new"]
    out: list[tuple[bool | None, int]] = []
    for me in rows:
        if me["new"] is False:
            out.append((False, 0))
            continue
        if not me["can"] or me["new"] is None:
            out.append((None, 0))
            continue
        near = [
            r for r in rows if r["can"] and r["new"] and r["addr_city"] == me["addr_city"] and (s.by == "city" or r["addr_district"] == me["addr_district"])
            and (s.numbers == "any" or r["numbers"] == me["numbers"]) and 100 * dice(me["signs"], r["signs"]) >= s.similarity - 1e-9
        ]  # fmt: skip
        most = 0
        for first in near:
            window = [r for r in near if timedelta(0) <= r["created_at"] - first["created_at"] <= s.window]
            if any(r is me for r in window):
                most = max(most, len({r["whom"] for r in window}))
        out.append((most >= s.at_least, most))
    return out


BOOKS = [
    "similarity: 85, window: 1h, at_least: 3",
    "similarity: 70%, window: 20m, at_least: 2, by: district",
    "similarity: 0.6, window: 2h, at_least: 2, numbers: same, prior_orders: 0",
    "similarity: 75, window: 1h, at_least: 3, who: null, registered_within: 7d",
    "similarity: 100, window: 6h, at_least: 2, prior_orders: 0, registered_within: 7d",
]


@pytest.mark.parametrize("text", BOOKS)
def test_it_equals_brute_force_on_small_batches(text: str) -> None:
    rule, seen = rule_of(text), Counter[bool | None]()
    for seed in range(5 * ROUNDS):
        frame = small(random.Random(seed))
        want, found = by_hand(frame, rule), rule.settings.measure(frame)
        assert found["hit"].to_list() == [h for h, _ in want]
        assert found.filter("hit")["value"].to_list() == [v for h, v in want if h]
        seen += Counter(h for h, _ in want)
    assert min(seen[True], seen[False], seen[None]) > 0


@pytest.mark.parametrize("text", BOOKS)
def test_in_pieces_and_slices_of_time_it_says_the_same(tmp_path: Path, text: str) -> None:
    rule = rule_of(text)
    frame = pl.concat([small(random.Random(s), 90).with_columns(order_id=f"{s}-" + pl.col("order_id"), created_at=pl.col("created_at") + timedelta(hours=3 * s)) for s in range(3)])
    whole = run_rules(frame, [rule], "zh-CN")
    frame = frame.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64), pl.lit(value=True).alias(AUDITED))
    parts = [p.drop("_n") for p in frame.with_columns(_n=pl.int_range(pl.len()) % 4).partition_by("_n")]
    cut = run_in_pieces(parts, [rule], "zh-CN", {}, tmp_path, 8)
    assert len(whole.findings) > 3
    assert cut.findings.drop("row").equals(whole.findings.drop("row"))
    assert cut.coverage.equals(whole.coverage)


def test_a_street_of_thousands_is_no_quadratic_thing() -> None:
    """All alike: one neighbourhood, not 36 million pairs."""
    texts = sorted(f"西溪街道文三路嘉绿苑北区{i}号" for i in range(6_000))
    places = pl.DataFrame({"group": "x", "t": texts}).select("group", symbols=symbols(pl.col("t")))
    told = list(Alike(places, 850).around(pl.Series([1] * len(texts)), 3))
    assert [(len(near), len(own)) for near, own in told] == [(6_000, 6_000)]


def test_counting_people_is_one_answer_whatever_type_they_have() -> None:
    rng = random.Random(2)
    key, who = pl.Series(rng.choices("ab", k=200)), pl.Series(rng.choices(["u1", "u2", "u10", None], k=200))
    at = pl.Series([EPOCH + timedelta(seconds=rng.randrange(900)) for _ in range(200)], dtype=pl.Datetime("us", "UTC"))
    texts = fullest_window(key, at, timedelta(minutes=1), 2, who)
    assert texts.equals(fullest_window(key, at, timedelta(minutes=1), 2, who.rank("dense")))
    assert texts.max() == 3


# --- as its user sees it ------------------------------------------------------------------------------------


def _ring(rooms: tuple[str, ...], hour: int = 9, prior: str = "0") -> list[dict[str, str]]:
    return [
        order(f"{hour}-{room}", 收货地址=f"浙江省杭州市西湖区西溪街道文三路100号嘉绿苑北区3幢2单元{room}室", 下单时间=f"2026-11-11 {hour:02d}:0{i}:00", 历史订单数=prior)
        for i, room in enumerate(rooms)
    ]  # fmt: skip


def test_a_scan_finds_a_ring_that_two_exports_cut_apart(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: near, kind: similar_address, with: {similarity: 85, window: 2h, at_least: 3, prior_orders: 0}, points: 40, max_share: 1}"))
    first = house.scan(export(tmp_path / "a.csv", [*_ring(("501", "502")), *_ring(("801", "802", "803"), 10, "7")])).run
    assert first["flagged"] == 0
    run = house.scan(export(tmp_path / "b.csv", _ring(("503",), 10))).run
    assert (run["flagged"], run["past_flagged"]) == (1, 2)
    said = pl.read_parquet(house.out / "findings.parquet")["reason"].to_list()
    assert [s for s in said if "3 个不同买家账号" not in s or "共 3 个写法" not in s or "文三路100嘉绿苑北区3-2-**" not in s] == []
    assert not any("501" in s or "502" in s for s in said)


@pytest.mark.parametrize(("text", "said"), [
    ("similarity: 30", "similarity"), ("similarity: 101", "similarity"), ("at_least: 1", "at_least"), ("by: province", "by"), ("who: buyer", "who"), ("numbers: some", "numbers"),
])  # fmt: skip
def test_wrong_settings_are_told(text: str, said: str) -> None:
    with pytest.raises(OrderguardError) as told:
        rule_of(text)
    assert said in str(told.value)


def test_names_of_columns_may_be_chinese(tmp_path: Path) -> None:
    one = book("{id: v, kind: velocity, points: 1, with: {key: [电话, 买家账号], window: 5m, at_least: 3}}").rules[0]
    same = book("{id: v, kind: velocity, points: 1, with: {key: [receiver_phone, account], window: 5m, at_least: 3}}").rules[0]
    assert (one.settings.columns(), one.fingerprint) == (("phone_key", "account_key"), same.fingerprint)  # type: ignore[attr-defined]
    words = book("{id: k, kind: keywords, points: 1, with: {column: 收货地址, any: [驿站]}}").rules[0].settings
    usual = book("{id: o, kind: outlier, points: 1, with: {by: 买家账号}}").rules[0].settings
    assert (words.column, usual.by) == ("address", "account")  # type: ignore[attr-defined]
    (tmp_path / "r.yaml").write_text(
        "version: 1\nbands: {review: 1, hold: 2}\nrules:\n- {id: v, kind: velocity, points: 1, with: {key: 收获地址, window: 5m, at_least: 3}}\n", encoding="utf-8"
    )
    done = shell("rules", "check", "r.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "'收获地址'" in done.stdout + done.stderr
    assert "'收货地址'" in done.stdout + done.stderr
