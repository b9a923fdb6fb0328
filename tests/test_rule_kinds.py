"""The rule kinds against brute force written from their pages, and their precedence, files and messages."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import NOW, ROUNDS, House, book, export, order, shell
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.errors import OrderguardError
from orderguard.rules.book import default_rulebook, load_rulebook
from orderguard.rules.kinds.velocity import Velocity
from orderguard.rules.sql import Sql
from orderguard.rules.windows import fullest_window
from orderguard.stages.tables import equip

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = datetime(2026, 11, 11, tzinfo=UTC)


def instants(seconds: list[int | None]) -> pl.Series:
    return pl.Series([None if s is None else EPOCH + timedelta(seconds=s) for s in seconds], dtype=pl.Datetime("us", "UTC"))


# --- sums in windows ----------------------------------------------------------------------------------------


def heaviest(events: list[tuple[Any, Any, Any]], width: int) -> list[int | None]:
    """The largest sum of any window around each order: every window that begins at an order is tried."""
    out: list[int | None] = []
    for key, at, weight in events:
        if key is None or at is None or weight is None:
            out.append(None)
            continue
        same = [(t, w) for k, t, w in events if k == key and t is not None and w is not None]
        out.append(max(sum(w for t, w in same if start <= t <= start + width) for start, _ in same if start <= at <= start + width))
    return out


weighed = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.one_of(st.none(), st.integers(0, 25)), st.one_of(st.none(), st.integers(0, 9))),
    max_size=25,
)


@settings(max_examples=200 * ROUNDS, deadline=None)
@given(events=weighed, width=st.integers(1, 12))
def test_sums_are_those_of_the_heaviest_window(events: list[tuple[Any, Any, Any]], width: int) -> None:
    got = fullest_window(
        pl.Series([e[0] for e in events], dtype=pl.String), instants([e[1] for e in events]), timedelta(seconds=width), 1,
        weight=pl.Series([e[2] for e in events], dtype=pl.Int64),
    )  # fmt: skip
    assert got.to_list() == heaviest(events, width)


def test_sums_over_thousands_of_small_batches_with_ties_and_boundaries() -> None:
    rng = random.Random(7)
    for _ in range(500 * ROUNDS):
        events = [
            (rng.choice(["a", "b", None]), rng.choice([None, *range(8)]), rng.choice([None, 0, 1, 5, 10**15]))
            for _ in range(rng.randrange(18))
        ]
        width = rng.choice([1, 2, 3, 7])
        got = fullest_window(
            pl.Series([e[0] for e in events], dtype=pl.String), instants([e[1] for e in events]), timedelta(seconds=width), 1,
            weight=pl.Series([e[2] for e in events], dtype=pl.Int64),
        )  # fmt: skip
        assert got.to_list() == heaviest(events, width)


def test_a_sum_takes_money_exactly_and_leaves_other_currencies_and_refunds_alone() -> None:
    """Nothing paid is an amount: the order stands in its window. A refund is none."""
    rule = Velocity(key="ip", window="1h", sum="amount", at_least=100)  # type: ignore[arg-type]
    frame = pl.DataFrame(
        {
            "ip": ["a", "a", "a", "a", "a", "b", "a"],
            "amount": [Decimal("33.33"), Decimal("66.67"), Decimal(-5), Decimal(900), None, Decimal("99.999999"), Decimal(0)],
            "currency": [None, "cny", None, "USD", None, None, None],
            "created_at": instants([0, 3600, 0, 0, 0, 0, 0]),
        },
        schema_overrides={"amount": pl.Decimal(28, 8)},
    )
    assert rule.measure(frame)["hit"].to_list() == [True, True, None, None, None, False, True]


def test_the_same_basket_again_is_a_duplicate_whatever_the_order_of_its_items(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: twice, kind: velocity, with: {key: [account, basket], window: 1h, at_least: 2}, points: 20}"))
    head = "订单编号,平台,买家账号,下单时间,商品编码,数量\n"
    rows = [("1", "u1", "10:00", "A", 1), ("1", "u1", "10:00", "B", 2), ("2", "u1", "10:30", "B", 2), ("2", "u1", "10:30", "A", 1),
            ("3", "u1", "10:40", "A", 2), ("4", "u2", "10:40", "A", 1), ("5", "u1", "11:31", "A", 1)]  # fmt: skip
    lines = [f"{o},自营,{who},2026-11-11 {at}:00,{sku},{n}\n" for o, who, at, sku, n in rows]
    (tmp_path / "a.csv").write_text(head + "".join(lines), encoding="utf-8")
    house.scan(tmp_path / "a.csv")
    assert house.findings() == {("1", "twice"), ("2", "twice")}
    # cut by two exports, an hour apart, the order that comes later meets the earlier one in the ledger
    (tmp_path / "b.csv").write_text(head + "6,自营,u1,2026-11-11 11:30:00,B,2\n6,自营,u1,2026-11-11 11:30:00,A,1\n", encoding="utf-8")
    house.scan(tmp_path / "b.csv")
    assert house.findings() == {("6", "twice")}, "2 was told by the first scan"


# --- conditions ---------------------------------------------------------------------------------------------

CASES = [
    ("amount > 5000 AND hour(paid_at) < 6", {"amount": 5001, "paid_at": "2026-11-11 05:59"}, True),
    ("amount > 5000 AND hour(paid_at) < 6", {"amount": 5001, "paid_at": "2026-11-11 06:00"}, False),
    ("amount > 5000 AND hour(paid_at) < 6", {"amount": 5001}, None),
    ("amount > 5000 AND hour(paid_at) < 6", {"amount": 1}, False),
    ("amount > 5000 OR hour(paid_at) < 6", {"amount": 5001}, True),
    ("实付金额 > 5000", {"amount": 5001}, True),
    ("NOT amount > 5000", {}, None),
    ("amount IN (1, NULL)", {"amount": 2}, None),
    ("amount NOT IN (1, 2)", {"amount": 3}, True),
    ("amount BETWEEN 1 AND 2", {"amount": 2}, True),
    ("amount = 199.99", {"amount": "199.99"}, True),
    ("amount / discount > 2", {"amount": 5, "discount": 0}, None),
    ("buyer_note IS NULL", {}, True),
    ("buyer_note = ''", {}, None),
    ("coalesce(buyer_note, '') = ''", {}, True),
    ("address LIKE '%临_仓%'", {"address": "某路临时仓3号"}, True),
    ("address NOT LIKE '%(1)%'", {"address": "楼(1)"}, False),
    ("buyer_id ILIKE 'VIP%'", {"buyer_id": "vip7"}, True),
    ("contains(address, '.')", {"address": "a"}, False),
    ("contains(address, '.')", {}, None),
    ("concat(province, city) = '广东省'", {"province": "广东省"}, None),
    ("greatest(amount, discount) > 1", {"amount": 5}, None),
    ("length(buyer_note) = 2", {"buyer_note": "你好"}, True),
    ("regexp_matches(buyer_id, '^u[0-9]+$')", {"buyer_id": "u12"}, True),
    ("left(address, 2) = '广东' AND substring(address, 3, 1) = '省'", {"address": "广东省"}, True),
    ("CASE WHEN amount > 10 THEN 'a' ELSE 'b' END = 'a'", {"amount": 11}, True),
    ("if(amount > 10, 1, 2) = 2", {"amount": 1}, True),
    ("paid_at - created_at > INTERVAL '2 hours'", {"created_at": "2026-11-11 01:00", "paid_at": "2026-11-11 03:01"}, True),
    ("created_at >= '2026-11-11 08:00'", {"created_at": "2026-11-11 08:00"}, True),
    ("created_at + INTERVAL '1 day' < promised_at", {"created_at": "2026-11-11 08:00", "promised_at": "2026-11-12 08:00"}, False),
    ("date(created_at) = '2026-11-11'", {"created_at": "2026-11-11 00:30"}, True),
    ("date(created_at) - date(registered_at) <= 7", {"created_at": "2026-11-11 00:30", "registered_at": "2026-11-04 23:00"}, True),
    ("weekday(created_at) IN (6, 7)", {"created_at": "2026-11-14 23:59"}, True),
    ("prior_orders % 2 = 1", {"prior_orders": 3}, True),
    ("nullif(coupon, '') IS NULL", {"coupon": ""}, True),
    ("(amount > 1) IS TRUE", {}, False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cells", "wanted"), CASES)
def test_a_condition_is_sql_with_three_truth_values(text: str, cells: dict[str, Any], wanted: bool | None) -> None:  # noqa: FBT001
    from orderguard.rules.proofs import _frame

    frame = _frame([{k: v if ":" not in str(v) else f"{v}:00" for k, v in cells.items()}], "Asia/Shanghai")
    assert frame.select(hit=Sql(text, "Asia/Shanghai").expr)["hit"].to_list() == [wanted]


WRONG_SQL = {
    "amuont > 5": "at character 1: no column amuont; did you mean 'amount'?",
    "amount > 5 AND huor(paid_at) < 6": "at character 16: no function huor(); did you mean 'hour'?",
    "amount >": "cannot be read near '>'",
    "amount > 'much'": "at character 10: 'much' is text, not a number",
    "hour(amount) < 6": "at character 6: amount is a number, not a time",
    "created_at > 'soon'": "is no time such as",
    "amount": "is no condition",
    "amount IN (SELECT 1)": "IN needs values",
    "amount > 1; DROP TABLE x": "not allowed",
    "SELECT amount FROM orders": "not allowed",
    "count(*) > 3": "no function count()",
    "read_csv('/etc/passwd') = 'x'": "no function read_csv()",
    "getenv('HOME') = 'x'": "no function getenv()",
    "regexp_matches(address, '(')": "cannot run",
    "address = 'x": "open quote",
    "orders.amount > 1": "no column orders.amount",
    "amount > 1 AND" + " amount > 1 AND" * 400 + " amount > 1": "longer than",
    "(" * 200 + "amount > 1" + ")" * 200: "nested too deep",
    "": "cannot be read",
    "NOT amount": "not true or false",
    "paid_at - created_at > 5": "not a length of time",
    "amount LIKE '5%'": "amount is a number, not text",
}


@pytest.mark.parametrize("text", WRONG_SQL)
def test_a_wrong_condition_is_told_with_its_place(text: str) -> None:
    with pytest.raises(OrderguardError) as caught:
        book(f"{{id: a, kind: condition, with: {{when: {json.dumps(text)}}}, points: 1}}")
    told = [p for p in caught.value.problems if WRONG_SQL[text] in p.text("en")]
    assert told, [p.text("en") for p in caught.value.problems]
    assert told[0].line == 5
    assert told[0].what.zh


def test_hours_are_those_of_the_rulebooks_zone(tmp_path: Path) -> None:
    rule = "{id: night, kind: condition, with: {when: 'hour(created_at) = 9'}, points: 20}"
    house = House(tmp_path, book(rule, head="timezone: America/New_York"))
    house.scan(export(tmp_path / "a.csv", [order("1", 下单时间="2026-11-11 09:00:00"), order("2", 下单时间="2026-11-11 22:00:00")]))
    assert house.findings() == {("1", "night")}


def test_sqlglot_is_imported_for_a_condition_only(tmp_path: Path) -> None:
    import subprocess
    import sys

    export(tmp_path / "a.csv", [order("1")])
    words = [sys.executable, "-X", "importtime", "-m", "orderguard", "scan", "a.csv", "--quiet"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True, text=True)
    assert "polars" in done.stderr
    assert "sqlglot" not in done.stderr
    rule = "version: 1\nbands: {review: 20, hold: 30}\nrules:\n- {id: a, kind: condition, with: {when: amount > 1}, points: 1}\n"
    (tmp_path / "rules.yaml").write_text(rule, encoding="utf-8")
    assert "sqlglot" in subprocess.run(words, cwd=tmp_path, capture_output=True, check=True, text=True).stderr


# --- lists --------------------------------------------------------------------------------------------------

LIST = """值,类型,列,原因,添加人,到期
138-0258-0009,黑名单,电话,恶意退货,王,
203.0.113.0/24,关注,,,,
2001:db8::/32,关注,ip,,,
vip-*,白名单,账号,大客户,李,2026-12-31
/^bot[0-9]+$/,block,account,,,
某路 9 号,block,address,,,
203.0.113.77,allow,,,,2026-11-10
"""


def listed(tmp_path: Path, text: str = LIST, extra: str = "", more: tuple[str, ...] = ()) -> House:
    (tmp_path / "lists.csv").write_text(text, encoding="utf-8")
    rule = f"{{id: known, kind: listed, with: {{file: lists.csv{extra}}}, points: 30}}"
    made = book(rule, *more).model_copy(update={"source": str(tmp_path / "rules.yaml")})
    return House(tmp_path, made)


def test_hard_block_beats_allow_beats_everything_soft(tmp_path: Path) -> None:
    burst = "{id: burst, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40}"
    house = listed(tmp_path, more=(burst,))
    rows = [
        order("1", 下单IP="203.0.113.9", 买家账号="u1"),  # watched
        order("2", 下单IP="203.0.113.9", 买家账号="vip-1"),  # watched, in a burst, and allowed
        order("3", 下单IP="203.0.113.9", 买家账号="vip-2", 联系电话="+8613802580009"),  # allowed, but blocked
        order("4", 下单IP="2001:db8::5"),
        order("5", 下单IP="198.51.100.7", 买家账号="bot42"),
        order("6", 下单IP="198.51.100.8", 收货地址="广东省深圳市南山区某路9号301"),
        order("7", 下单IP="203.0.113.77"),  # its allow entry has expired
        order("8", 下单IP="198.51.100.9"),
    ]
    result = house.scan(export(tmp_path / "a.csv", rows))
    known = {(n, "known") for n in ("1", "3", "4", "5", "6", "7")}
    assert house.findings() == known | {("1", "burst"), ("3", "burst")}  # 2 counts in the burst and is not flagged
    assert house.bands()["2"] == "pass"
    assert result.run["expired_entries"] == [{"rule_id": "known", "file": "lists.csv", "expired_rows": [8]}]
    assert any("1 entries have expired" in p.text("en") and not p.fatal for p in result.problems)
    reasons = dict(pl.read_parquet(house.out / "findings.parquet").filter(rule_id="known").select("order_id", "reason").iter_rows())
    assert reasons["3"] == "命中黑名单“138-0258-0009”（恶意退货；王 添加）"
    coverage = {r["rule_id"]: r for r in result.run["coverage"]}
    assert coverage["burst"] | {"judged": 8, "hits": 2, "not_evaluable": 0} == coverage["burst"]


def test_a_trial_list_allows_nothing_and_entries_of_one_kind_can_be_taken(tmp_path: Path) -> None:
    burst = "{id: burst, kind: velocity, with: {key: ip, window: 5m, at_least: 2}, points: 40}"
    house = listed(tmp_path, more=(burst,))
    rows = [order(str(n), 下单IP="203.0.113.9", 买家账号=f"vip-{n}") for n in range(2)]
    trial = house.options.book.rules[0].model_copy(update={"status": "trial"})
    house.options.book = house.options.book.model_copy(update={"rules": [trial, house.options.book.rules[1]]})
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("0", "burst"), ("1", "burst")}
    other = listed(tmp_path / "b" if (tmp_path / "b").mkdir() is None else tmp_path, extra=", kinds: [watch]", more=(burst,))
    other.scan(tmp_path / "a.csv")
    assert other.findings() == {(n, r) for n in "01" for r in ("known", "burst")}


def test_a_block_of_another_live_list_beats_an_allow_and_one_on_trial_does_not(tmp_path: Path) -> None:
    burst = "{id: burst, kind: velocity, with: {key: ip, window: 5m, at_least: 2}, points: 40}"
    block = "{{id: block, kind: listed, with: {{entries: [{{value: u-0, kind: block}}]}}, points: 30, status: {}}}"
    rows = [order(str(n), 下单IP="203.0.113.9") for n in range(2)]
    found = {}
    for status in ("live", "trial"):
        (tmp_path / status).mkdir()
        made = equip(book("{id: known, kind: listed, with: {entries: [{value: u-*, kind: allow}]}, points: 30}", block.format(status), burst), NOW)
        house = House(tmp_path / status, made)
        house.scan(export(tmp_path / "a.csv", rows))
        found[status] = house.findings()
    assert found == {"live": {("0", "block"), ("0", "burst")}, "trial": set()}


def test_a_changed_list_does_not_reopen_released_orders(tmp_path: Path) -> None:
    before = listed(tmp_path).options.book.rules[0].fingerprint
    assert listed(tmp_path, LIST + "u9,block,account,,,\n").options.book.rules[0].fingerprint == before


def test_lists_against_brute_force() -> None:
    import ipaddress

    rng = random.Random(3)
    for _ in range(25 * ROUNDS):
        entries = [
            (rng.choice([f"10.0.{rng.randrange(3)}.{rng.randrange(4)}", f"10.0.{rng.randrange(3)}.0/{rng.choice([24, 31, 16])}", f"u{rng.randrange(6)}", "u1*"]),
             rng.choice(["block", "watch", "allow"]), rng.choice(["", "2026-11-10", "2026-11-11", "2026-11-12"]))
            for _ in range(rng.randrange(1, 6))
        ]  # fmt: skip
        inline = ", ".join(json.dumps({"value": v, "kind": k} | ({"expires": e} if e else {})) for v, k, e in entries)
        made = equip(book(f"{{id: known, kind: listed, with: {{entries: [{inline}]}}, points: 1}}"), NOW)
        rule = made.rules[0].settings
        people = [(f"10.0.{rng.randrange(3)}.{rng.randrange(4)}", f"u{rng.randrange(14)}") for _ in range(12)]
        frame = pl.DataFrame(
            {n: [None] * 12 for n in ("phone_key", "device_id", "email", "receiver_name", "address_key")}, schema=dict.fromkeys(("phone_key", "device_id", "email", "receiver_name", "address_key"), pl.String)
        ).with_columns(ip=pl.Series([p[0] for p in people]), buyer_id=pl.Series([p[1] for p in people]))  # fmt: skip

        def met(ip: str, who: str, kind: str) -> bool:
            for value, is_, expires in entries:  # noqa: B023
                if is_ != kind or expires == "2026-11-10":
                    continue  # 2026-11-11 counts to the end of that day
                if "/" in value and ipaddress.ip_address(ip) in ipaddress.ip_network(value, strict=False):
                    return True
                if value in {ip, who} or (value.endswith("*") and who.startswith(value[:-1])):
                    return True
            return False

        wanted = [met(ip, who, "block") or (met(ip, who, "watch") and not met(ip, who, "allow")) for ip, who in people]
        assert rule.measure(frame)["hit"].to_list() == wanted, entries


# --- files a rule names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("号码归属,类型\n1,黑名单\n", "lists.csv:1: has no column 'value'"),
        ("值,类型\n138,黑名\n", "lists.csv:2: '类型' is unknown (it says '黑名'); did you mean '黑名单'?"),
        ("值,类型,到期\nu1,allow,next year\n", "lists.csv:2: '到期' should be a time"),
        ("值,类型\nu1,allow\n,block\n", "lists.csv:3: '值' is empty"),
        ("值,类型\n10.0.0.0/99,block\n", "lists.csv:2: '10.0.0.0/99' is no valid CIDR"),
        ("值,类型\n/(/,block\n", "is no valid CIDR or pattern"),
        ("", "empty"),
    ],
)
def test_a_missing_or_broken_list_is_told_with_its_row(tmp_path: Path, text: str | None, said: str) -> None:
    house = listed(tmp_path, text or "")
    if text is None:
        (tmp_path / "lists.csv").unlink()
    with pytest.raises(OrderguardError) as caught:
        house.scan(export(tmp_path / "a.csv", [order("1")]))
    assert any(said in p.text("en") for p in caught.value.problems), [p.text("en") for p in caught.value.problems]
    assert all(p.what.zh for p in caught.value.problems)


def test_a_missing_list_is_exit_code_2_for_scan_and_check(tmp_path: Path) -> None:
    text = "version: 1\nbands: {review: 20, hold: 30}\nrules:\n- {id: a, kind: listed, with: {file: none.csv}, points: 1}\n"
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    export(tmp_path / "a.csv", [order("1")])
    for words in (("scan", "a.csv"), ("rules", "check"), ("rules", "test")):
        done = shell(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert "none.csv" in done.stderr
        assert "Traceback" not in done.stderr


def test_lists_may_be_yaml_and_gbk_and_spreadsheets(tmp_path: Path) -> None:
    import openpyxl

    (tmp_path / "l.yaml").write_text("entries:\n- {value: u1, kind: block}\n- u2\n", encoding="utf-8")
    (tmp_path / "l.csv").write_bytes("值,类型,备注\nu1,黑名单,坏\nu2,黑名单,\n".encode("gb18030"))
    sheet = openpyxl.Workbook()
    for row in (["值", "类型"], ["u1", "黑名单"], ["u2", None]):
        sheet.active.append(row)  # type: ignore[union-attr]
    sheet.save(tmp_path / "l.xlsx")
    for name in ("l.yaml", "l.csv", "l.xlsx"):
        made = book(f"{{id: a, kind: listed, with: {{file: {name}, columns: [account]}}, points: 1}}")
        rule = equip(made.model_copy(update={"source": str(tmp_path / "rules.yaml")}), NOW).rules[0].settings
        assert rule.measure(pl.DataFrame({"buyer_id": ["u1", "u2", "u3", None]}))["hit"].to_list() == [True, True, False, None]


def test_the_default_rules_keep_the_fingerprints_they_were_released_with() -> None:
    assert {r.id: r.fingerprint for r in load_rulebook(default_rulebook()).rules} == {
        "risky-address": "6bc968afb753", "ip-burst": "1fe4564009a9", "round-amount": "08edc641c81d",
        "far-phone": "deb972972d4b", "new-account-coupon": "b48bedad00ba",
    }  # fmt: skip


def test_settings_that_came_later_leave_old_fingerprints_alone() -> None:
    rule = book("{id: a, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 1}").rules[0]
    assert rule.settings.told() == {"key": "ip", "window": "300s", "at_least": 3, "who": None}
    assert "sum" in book("{id: a, kind: velocity, with: {key: ip, window: 5m, sum: amount, at_least: 3}, points: 1}").rules[0].settings.told()


# --- oversell and purchase limits ---------------------------------------------------------------------------

GOODS = "订单编号,平台,买家账号,收货人,联系电话,收货地址,下单时间,付款时间,订单状态,商品编码,数量\n"


def goods_export(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = GOODS.strip().split(",")
    path.write_text(GOODS + "".join(",".join(str(r.get(n, "")) for n in names) + "\n" for r in rows), encoding="utf-8")
    return path


def sold(number: int, sku: str, quantity: float, paid: str, **more: Any) -> dict[str, Any]:
    return {"订单编号": f"o{number}", "平台": "自营", "商品编码": sku, "数量": quantity, "下单时间": "2026-11-11 00:00:00", "付款时间": paid, **more}


def test_an_earlier_scans_order_that_was_paid_after_the_first_of_this_one_takes_stock(tmp_path: Path) -> None:
    """The stock says of no time: it counts from o2's payment on, and o1, ordered before, paid later."""
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nbands: {review: 20, hold: 30}\nrules:\n  - {id: over, kind: oversell, points: 30, with: {stock: {A: 2, B: 0}}}\n", encoding="utf-8"
    )  # fmt: skip
    goods_export(tmp_path / "a.csv", [sold(1, "A", 2, "2026-11-11 09:30:00")])
    rows = [sold(2, "A", 1, "2026-11-11 09:00:00", 下单时间="2026-11-11 08:00:00"), sold(3, "A", 2, "2026-11-11 09:40:00", 下单时间="2026-11-11 09:39:00")]
    goods_export(tmp_path / "b.csv", [*rows, sold(3, "B", 3, "2026-11-11 09:40:00", 下单时间="2026-11-11 09:39:00")])
    for name in ("a.csv", "b.csv"):
        assert shell("scan", name, "--quiet", cwd=tmp_path).returncode == 0
    found = pl.read_parquet(tmp_path / "out" / "findings.parquet").filter(rule_id="over")
    assert dict(found.select("order_id", "reason").iter_rows()) == {
        "o1": "A 超卖：库存 2，按付款先后到本单累计 3，本单缺 1 件",
        "o3": "A 超卖：库存 2，按付款先后到本单累计 5，本单连同另外 1 个货号共缺 5 件",
    }


def test_oversell_counts_in_order_of_payment_and_says_how_many_are_short(tmp_path: Path) -> None:
    stock = tmp_path / "库存.csv"
    stock.write_bytes("货号,可用库存,时间\nA,10,2026-11-11 00:00:00\nB,0,2026-11-11\n".encode("gb18030"))
    rows = [
        sold(1, "A", 8, "2026-11-11 09:00:00"),
        sold(2, "a", 5, "2026-11-11 08:00:00"),  # paid first
        sold(3, "A", 2, "", 下单时间="2026-11-11 10:00:00"),  # unpaid: by the time it was ordered
        sold(4, "A", 99, "2026-11-10 23:59:59"),  # the stock knows it already
        sold(5, "A", 4, "2026-11-11 07:00:00", 订单状态="已取消"),
        sold(6, "B", 1, "2026-11-11 07:00:00"),
        sold(6, "A", 1, "2026-11-11 07:00:00"),
        sold(7, "C", 1, "2026-11-11 07:00:00"),  # not in the stock file
    ]
    goods_export(tmp_path / "a.csv", rows)
    done = shell("scan", "a.csv", "--stock", stock, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = pl.read_parquet(tmp_path / "out" / "findings.parquet").filter(rule_id="oversell")
    assert dict(found.select("order_id", "value").iter_rows()) == {"o1": 4.0, "o3": 2.0, "o6": 1.0}
    assert dict(found.select("order_id", "reason").iter_rows())["o1"] == "A 超卖：库存 10，按付款先后到本单累计 14，本单缺 4 件"
    coverage = pl.read_parquet(tmp_path / "out" / "coverage.parquet").filter(rule_id="oversell")
    assert coverage.select("judged", "hits", "not_evaluable").row(0) == (5, 3, 1)  # the cancelled one is not audited
    decisions = dict(pl.read_parquet(tmp_path / "out" / "decisions.parquet").select("order_id", "band").iter_rows())
    assert decisions["o1"] == "hold"
    # scanned again, and cut: what earlier scans sold counts, and no order twice
    goods_export(tmp_path / "b.csv", [*rows[:1], sold(8, "A", 1, "2026-11-11 11:00:00")])
    shell("scan", "b.csv", "--stock", stock, cwd=tmp_path)
    again = pl.read_parquet(tmp_path / "out" / "findings.parquet").filter(rule_id="oversell")
    # o3 and o6, which the first scan told, are counted and not told again
    assert dict(again.select("order_id", "value").iter_rows()) == {"o1": 4.0, "o8": 1.0}


def test_bundles_and_gifts_take_their_parts_from_stock(tmp_path: Path) -> None:
    rule = (
        "{id: over, kind: oversell, with: {stock: {A: 2, B: 1, G: 1}, bundles: ["
        "{sku: SET, part: A, each: 2}, {sku: SET, part: B}, {sku: A, part: G, kind: gift}]}, points: 30}"
    )
    house = House(tmp_path, book(rule))
    rows = [sold(1, "SET", 1, "2026-11-11 08:00:00"), sold(2, "A", 1, "2026-11-11 09:00:00"), sold(3, "G", 1, "2026-11-11 10:00:00"),
            sold(4, "B", 1, "2026-11-11 07:00:00")]  # fmt: skip
    house.scan(goods_export(tmp_path / "a.csv", rows))
    values = dict(pl.read_parquet(house.out / "findings.parquet").select("order_id", "value").iter_rows())
    assert values == {"o1": 1.0, "o2": 1.0, "o3": 1.0}


def test_bundles_in_bundles_gifts_of_their_own_and_circles(tmp_path: Path) -> None:
    """A part may be a bundle; buy one get one free is no circle; a bundle that holds itself is an error with its row."""
    rule = (
        "{id: over, kind: oversell, with: {stock: {A: 12, G: 3}, bundles: ["
        "{sku: BOX, part: SET, each: 2}, {sku: SET, part: A, each: 3}, {sku: G, part: G, kind: gift}]}, points: 30}"
    )
    house = House(tmp_path, book(rule))
    rows = [sold(1, "BOX", 1, "2026-11-11 08:00:00"), sold(2, "BOX", 2, "2026-11-11 09:00:00"), sold(3, "G", 2, "2026-11-11 10:00:00")]
    house.scan(goods_export(tmp_path / "a.csv", rows))
    values = dict(pl.read_parquet(house.out / "findings.parquet").select("order_id", "value").iter_rows())
    assert values == {"o2": 6.0, "o3": 1.0}
    circle = "{id: over, kind: oversell, with: {stock: {A: 1}, bundles: [{sku: X, part: A}, {sku: B, part: C}, {sku: C, part: B}]}, points: 30}"
    with pytest.raises(OrderguardError) as caught:
        equip(book(circle), NOW)
    assert [p.line for p in caught.value.problems] == [2, 3]


def test_an_account_is_one_platforms(tmp_path: Path) -> None:
    """u1 of two shops systems is two people; a platform's two names are one."""
    house = House(tmp_path, book("{id: again, kind: velocity, with: {key: account, window: 1h, at_least: 2}, points: 20}"))
    rows = [order(n, 平台=p, 买家账号=u, 下单时间="2026-11-11 09:00:00") for n, p, u in (("a", "京东", "u1"), ("b", "淘宝", "u1"), ("c", "京东", "u2"), ("d", "jd", "u2"))]  # fmt: skip
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("c", "again"), ("d", "again")}
    assert "u2" in pl.read_parquet(house.out / "findings.parquet")["reason"][0]


def short_by_hand(orders: list[tuple[str, int, dict[str, int]]], stock: dict[str, int]) -> dict[str, int]:
    left, out = dict(stock), {}
    for name, _, items in sorted(orders, key=lambda o: (o[1], o[0])):
        short = 0
        for sku, n in items.items():
            if sku in left:
                short += min(n, max(n - max(left[sku], 0), 0))
                left[sku] -= n
        if short:
            out[name] = short
    return out


def basket(items: dict[str, int]) -> str:
    return "\x1e".join(sorted(f"{k}\x1f{v}" for k, v in items.items()))


def test_oversell_equals_brute_force_on_many_small_batches() -> None:
    rng = random.Random(11)
    for _ in range(150 * ROUNDS):
        stock = {s: rng.randrange(0, 9) for s in "AB"}
        made = equip(book(f"{{id: over, kind: oversell, with: {{stock: {json.dumps(stock)}}}, points: 1}}"), NOW)
        orders = [
            (f"o{i}", rng.randrange(4), {s: rng.randrange(1, 5) for s in rng.sample("ABC", rng.randrange(1, 3))})
            for i in range(rng.randrange(1, 9))
        ]
        rng.shuffle(orders)
        frame = pl.DataFrame(
            {
                "order_id": [o[0] for o in orders], "platform": "p", "past": False, "status": None,
                "paid_at": instants([o[1] for o in orders]), "created_at": instants([0] * len(orders)),
                "basket": [basket(o[2]) for o in orders],
            },
            schema_overrides={"status": pl.String},
        )  # fmt: skip
        measured = made.rules[0].settings.measure(frame)
        wanted = short_by_hand(orders, stock)
        got = {o[0]: v for o, v, h in zip(orders, measured["value"], measured["hit"], strict=True) if h}
        assert got == wanted, (orders, stock)
        unknown = [o[0] for o in orders if "C" in o[2] and o[0] not in wanted]
        assert [o[0] for o, h in zip(orders, measured["hit"], strict=True) if h is None] == unknown


def people_by_hand(rows: list[dict[str, Any]]) -> list[int | None]:
    """Persons by merging until nothing changes."""
    groups: list[tuple[set[int], set[Any]]] = []
    for i, row in enumerate(rows):
        keys = {(k, row[k]) for k in ("phone_key", "account_key") if row[k]}
        if row["receiver_name"] and row["address_key"]:
            keys.add(("at", row["receiver_name"], row["address_key"]))
        if not keys:
            continue
        mine, others = ({i}, keys), []
        for group in groups:
            if group[1] & mine[1]:
                mine = (mine[0] | group[0], mine[1] | group[1])
            else:
                others.append(group)
        groups = [*others, mine]
    return [next((n for n, g in enumerate(groups) if i in g[0]), None) for i in range(len(rows))]


def test_purchase_limits_equal_brute_force_on_many_small_batches() -> None:
    rng = random.Random(13)
    fields = ("phone_key", "account_key", "receiver_name", "address_key")
    for _ in range(150 * ROUNDS):
        rows: list[dict[str, Any]] = [
            {f: rng.choice([None, *range(4)]) for f in fields}
            | {"at": rng.choice([None, *range(7)]), "items": {s: rng.randrange(1, 4) for s in rng.sample("AB", rng.randrange(0, 3))}}
            for _ in range(rng.randrange(1, 9))
        ]
        width, limit = rng.choice([1, 3, 6]), rng.randrange(1, 6)
        rule = book(f"{{id: lim, kind: purchase_limit, with: {{limit: {limit}, window: {width}s}}, points: 1}}").rules[0].settings
        frame = pl.DataFrame(
            {f: [None if r[f] is None else f"{f}{r[f]}" for r in rows] for f in fields}, schema=dict.fromkeys(fields, pl.String)
        ).with_columns(
            created_at=instants([r["at"] for r in rows]), buyer_id=pl.lit("u"), email=pl.lit(None, dtype=pl.String),
            basket=pl.Series([basket(r["items"]) or None for r in rows], dtype=pl.String),
        )  # fmt: skip
        who = people_by_hand([{f: None if r[f] is None else f"{f}{r[f]}" for f in fields} for r in rows])
        wanted: list[bool | None] = []
        for i, row in enumerate(rows):
            if who[i] is None or row["at"] is None or not row["items"]:
                wanted.append(None)
                continue
            wanted.append(
                any(
                    sum(
                        r["items"].get(sku, 0)
                        for j, r in enumerate(rows)
                        if who[j] == who[i] and r["at"] is not None and start <= r["at"] <= start + width
                    )
                    > limit
                    for sku in row["items"]
                    for start in range(row["at"] - width, row["at"] + 1)
                )
            )
        assert rule.measure(frame)["hit"].to_list() == wanted, rows


def test_a_limit_holds_across_platforms_and_exports(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: lim, kind: purchase_limit, with: {limit: 10, window: 7d}, points: 30}"))
    first = [sold(1, "A", 6, "", 平台="京东", 买家账号="x", 联系电话="13802580000", 收货人="王芳", 收货地址="某市某路一号")]
    second = [
        sold(2, "A", 3, "", 平台="抖音", 买家账号="y", 联系电话="13900000000", 收货人="王芳", 收货地址="某市某路一号"),
        sold(3, "A", 2, "", 平台="淘宝", 买家账号="z", 联系电话="13900000000", 收货人="李伟", 收货地址="某市另路二号"),
        sold(4, "A", 9, "", 平台="淘宝", 买家账号="x", 联系电话="13700000000", 收货人="李伟", 收货地址="别处三路三号"),  # another x
    ]
    house.scan(goods_export(tmp_path / "a.csv", first))
    house.scan(goods_export(tmp_path / "b.csv", second))
    assert house.findings() == {("o1", "lim"), ("o2", "lim"), ("o3", "lim")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("货号,可用库存\nA,many\n", "stock.csv:2: '可用库存' should be a number (it says 'many')"),
        ("货号,价格\nA,1\n", "stock.csv:1: has no column 'available'"),
        ("货号,可用库存,时间\nA,1,soon\n", "stock.csv:2: '时间' should be a time"),
        ("货号,可用库存\n", "stock.csv:1: holds not one row"),
        ("货号,可用库存\n,1\n", "stock.csv:2: '货号' is empty"),
    ],
)
def test_a_wrong_stock_file_is_told_with_its_row(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "stock.csv").write_text(text, encoding="utf-8")
    export(tmp_path / "a.csv", [order("1")])
    done = shell("scan", "a.csv", "--stock", "stock.csv", cwd=tmp_path, ORDERGUARD_LOCALE="en")
    assert done.returncode == 2
    zh = said.split(": ", maxsplit=1)[0]
    assert zh in done.stderr
    with pytest.raises(OrderguardError) as caught:
        House(tmp_path, book("{id: o, kind: oversell, points: 1}")).scan(tmp_path / "a.csv", stock=str(tmp_path / "stock.csv"))
    assert any(said in p.text("en") for p in caught.value.problems), [p.text("en") for p in caught.value.problems]


def test_backtest_tries_rules_that_name_files(tmp_path: Path) -> None:
    head = "version: 1\nbands: {review: 20, hold: 30}\nrules:\n"
    (tmp_path / "old.yaml").write_text(head + "- {id: a, kind: keywords, with: {any: [临时仓]}, points: 20}\n", encoding="utf-8")
    (tmp_path / "lists.csv").write_text("值,类型,列\nu-1,黑名单,账号\n", encoding="utf-8")
    (tmp_path / "new.yaml").write_text(head + "- {id: b, kind: listed, with: {file: lists.csv}, points: 20}\n", encoding="utf-8")
    export(tmp_path / "a.csv", [order("1"), order("2")])
    done = shell("backtest", "--rules", "new.yaml", "--against", "old.yaml", "a.csv", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [o["order_id"] for o in json.loads(done.stdout)["changed_orders"]] == ["1"]


@pytest.mark.parametrize("beside", [0, 1, 8])
def test_a_value_does_not_hang_on_how_many_orders_stand_beside_it(tmp_path: Path, beside: int) -> None:
    """Polars divides one row by a number, and multiplies several with its reciprocal: 5 h were 0.20833333333333331 days then."""
    house = House(tmp_path, book(
        "{id: young, kind: new_account, points: 20, max_share: 1, with: {within: 7d, coupon: false, prior_orders: 9}}",
        "{id: third, kind: condition, points: 20, max_share: 1, with: {when: 'amount / 3 >= 0.16'}}",
    ))  # fmt: skip
    rows = [order(n, 注册时间="2026-11-11 00:00:00", 下单时间="2026-11-11 05:00:00", 实付金额="0.48", 历史订单数="0") for n in range(1 + beside)]
    house.scan(export(tmp_path / "a.csv", rows))
    found = pl.read_parquet(house.out / "findings.parquet")
    assert found.filter(rule_id="young")["value"].to_list() == [18_000 / 86_400] * (1 + beside)
    assert (0.48 / 3 >= 0.16, len(found.filter(rule_id="third"))) == (True, 1 + beside)


@pytest.mark.parametrize(("registered", "hits"), [("2026-11-04 00:00:00", 1), ("2026-11-03 23:59:59", 0), ("2026-11-04", 1)])
def test_an_order_known_to_the_day_is_as_old_as_its_day_begins(tmp_path: Path, registered: str, hits: int) -> None:
    house = House(tmp_path, book("{id: young, kind: new_account, points: 20, max_share: 1, with: {within: 7d, coupon: false}}"))
    house.scan(export(tmp_path / "a.csv", [order(0, 注册时间=registered, 下单时间="2026-11-11", 历史订单数="0")]))
    assert len(pl.read_parquet(house.out / "findings.parquet")) == hits
