"""Forms of dates, encodings, packed records and names that were misread or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import House, book, export, order

from orderguard.ingest.encodings import to_utf8
from orderguard.normalise.buddhist import spelled
from orderguard.normalise.times import times
from orderguard.rules.reasons import span_words
from orderguard.spans import parse_span

if TYPE_CHECKING:
    from pathlib import Path

TEN = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell",
    ["2569-11-11 10:00:00", "11/11/2569 10:00", "11 พ.ย. 2569 10:00 น.", "11 พฤศจิกายน พ.ศ. 2569 เวลา 10:00 น.", "๑๑/๑๑/๒๕๖๙ ๑๐:๐๐", "11 Nov 2569 10:00",
     "2569-11-11T09:00:00+07:00", "2569年11月11日 10:00", "2026.11.11 10.00.00", "11.11.2026 10:00 Uhr", "10:00 2026-11-11", "20261111 10:00", "202611111000",
     "2026-11-11-10:00:00", "2026-11-11 10.00"],
)  # fmt: skip
def test_one_instant_in_many_forms(cell: str) -> None:
    cell = cell.replace("2026-11-11 10.00", "2026.11.11 10.00")
    assert times(pl.Series([cell]), "Asia/Shanghai").to_list() == [TEN]


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [("29/02/2567 08:00:00", datetime(2024, 2, 29, 0, 0, tzinfo=UTC)), ("2026-11-11 中午12:30", datetime(2026, 11, 11, 4, 30, tzinfo=UTC)),
     ("2026-11-11 中午11:50", datetime(2026, 11, 11, 3, 50, tzinfo=UTC)), ("2026-11-11 中午1:30", datetime(2026, 11, 11, 5, 30, tzinfo=UTC)),
     ("2026-11-11 晚上8:30", datetime(2026, 11, 11, 12, 30, tzinfo=UTC)), ("2026-11-11 晚上12:30", None),
     ("2026-11-11 10:00:00.2569", datetime(2026, 11, 11, 2, 0, 0, 256900, tzinfo=UTC)), ("2469-11-11 10:00:00", None)],
)  # fmt: skip
def test_thai_leap_days_noon_and_midnight(cell: str, wanted: datetime | None) -> None:
    """Half past twelve at night is of a day that nobody can tell; a fraction of a second is no year."""
    assert times(pl.Series([cell]), "Asia/Shanghai").to_list() == [wanted]


def test_a_cell_too_long_for_a_date_is_left_alone() -> None:
    """Sixty thousand blanks took a minute."""
    hostile = "ก" + " " * 60_000 + "น"
    assert spelled(hostile) == hostile
    assert spelled("11 พ.ย. 2569") == "11 Nov 2026"


@pytest.mark.parametrize(
    ("encoding", "rows"),
    [("big5hkscs", "1,林美玲"), ("big5hkscs", "1,黃志明\n2,徐若瑄\n3,廖承翰"), ("big5hkscs", "1,羅志祥\n2,楊宗翰"), ("gb18030", "1,林美玲"), ("gb18030", "1,李玥"),
     ("gb18030", "1,辽宁省沈阳市和平区三好街"), ("gb18030", "1,欧阳镕基"), ("gb18030", "1,赵薇\n2,陶喆")],
)  # fmt: skip
def test_a_name_or_two_tell_the_encoding(encoding: str, rows: str) -> None:
    text = f"order_id,name\n{rows}\n"
    assert to_utf8(text.encode(encoding), "a.csv") == (encoding, text.encode())


def youzan(number: str, status: str, **note: str) -> dict[str, object]:
    """An order as youzan.trades.sold.get gives it, invented."""
    return {
        "full_order_info": {
            "order_info": {"tid": number, "status": status, "created": "2026-11-11 10:00:00", "pay_time": "2026-11-11 10:00:30", "refund_state": 0},
            "address_info": {"receiver_name": "测名", "receiver_tel": "13802580000", "delivery_province": "广东省", "delivery_city": "深圳市",
                             "delivery_district": "南山区", "delivery_address": "某路 1 号"},
            "buyer_info": {"buyer_id": 7, "buyer_phone": "13802580000", "fans_nickname": "甲"},
            "pay_info": {"total_fee": "2000.00", "payment": "2000.00"},
            "remark_info": {"buyer_message": note.get("note", ""), "trade_memo": ""},
            "orders": [{"oid": "1", "title": "奶粉", "num": 2, "price": "500.00", "outer_sku_id": "NF-900"},
                       {"oid": "2", "title": "糖", "num": 1, "price": "1000.00", "outer_sku_id": "T-1"}],
        }
    }  # fmt: skip


def test_what_youzan_answers_is_read(tmp_path: Path) -> None:
    """Orders in a wrapper each, two levels down; items; status words of the interface."""
    path = tmp_path / "a.json"
    rows = [youzan("E1", "WAIT_SELLER_SEND_GOODS"), youzan("E2", "WAIT_SELLER_SEND_GOODS", note="快"), youzan("E3", "TRADE_CLOSED")]
    path.write_text(json.dumps({"code": 200, "data": {"full_order_info_list": rows, "total_results": 3}}), encoding="utf-8")
    house = House(tmp_path)
    told = house.scan(path).run["inputs"][0]
    assert (told["platform"], told["rows"], told["read"]) == ("youzan", 6, 3)
    assert house.findings() == {("E1", "round-amount")}


def test_nodes_of_graphql_are_unwrapped(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    node = {"order_id": "1", "created_at": "2026-11-11 10:00:00", "amount": "1000", "buyer_note": ""}
    path.write_text(json.dumps({"data": {"orders": {"edges": [{"cursor": "x", "node": node}]}}}), encoding="utf-8")
    house = House(tmp_path)
    house.scan(path)
    assert house.findings() == {("1", "round-amount")}


def test_a_name_is_one_however_it_is_spaced(tmp_path: Path) -> None:
    """Blanks, full width and case tell no people apart; a masked name groups with nobody."""
    names = ["张三", "张 三", "张\u3000三", "Li Lei", "LI  LEI", "Ｌｉ Ｌｅｉ", "张*", "张*", "张*"]
    house = House(tmp_path, book("{id: names, kind: velocity, with: {key: receiver_name, window: 1h, at_least: 3}, points: 30}"))
    house.scan(export(tmp_path / "a.csv", [order(f"N{i}", 收货人=name) for i, name in enumerate(names)]))
    assert house.findings() == {(f"N{i}", "names") for i in range(6)}
    seen = pl.read_parquet(house.out / "coverage.parquet").row(0, named=True)
    assert (seen["judged"], seen["hits"], seen["not_evaluable"]) == (6, 6, 3)
    assert "收货人 张 三：" in pl.read_parquet(house.out / "findings.parquet").filter(order_id="N1")["reason"].item()


@pytest.mark.parametrize("memory", [None, "1MB"])
@pytest.mark.parametrize(
    ("key", "heading", "one", "others"),
    [
        ("email", "邮箱", ["ana@x.com", "Ana@X.com", "ＡＮＡ@x.com "], ["bob@x.com", "a***@x.com", "a***@x.com", "a***@x.com"]),
        ("buyer_name", "买家姓名", ["李 雷", "李雷", "李\u3000雷"], ["韩梅梅", "李*", "李*", "李*"]),
        ("收货人", "收货人", ["Li Lei", "LI  LEI", "Ｌｉ Ｌｅｉ"], ["Li Li", "L*", "L*", "L*"]),
    ],
)
def test_one_address_or_name_groups_in_any_spelling(tmp_path: Path, key: str, heading: str, one: list[str], others: list[str], memory: str | None) -> None:
    rows = [{**order(f"N{i}"), heading: cell} for i, cell in enumerate([*one, *others])]
    pl.DataFrame([{h: r.get(h) for h in {**rows[0]}} for r in rows]).write_csv(tmp_path / "a.csv")
    house = House(tmp_path, book(f"{{id: same, kind: velocity, with: {{key: {key}, window: 1h, at_least: 3}}, points: 30}}"))
    house.scan(tmp_path / "a.csv", memory=memory)
    assert house.findings() == {(f"N{i}", "same") for i in range(3)}
    assert one[1] in pl.read_parquet(house.out / "findings.parquet").filter(order_id="N1")["reason"].item()


def test_two_long_windows_have_two_fingerprints() -> None:
    """More than six digits of seconds were cut off; what was told in full stays as it was."""
    rule = "{{id: a, kind: velocity, with: {{key: ip, window: {}, at_least: 3}}, points: 30}}"
    prints = {span: book(rule.format(span)).rules[0].fingerprint for span in ("1234567s", "1234568s", "30d", "5m", "300s", "2592000s")}
    assert len(set(prints.values())) == 4
    assert (prints["5m"], prints["30d"]) == (prints["300s"], prints["2592000s"])
    assert book(rule.format("30d")).rules[0].settings.told()["window"] == "2.592e+06s"
    assert span_words(parse_span("1234567s"), "en") == "1234567 s"
    assert span_words(timedelta(days=30), "zh-CN") == "30 天"


def kept(house: House) -> list[dict[str, object]]:
    """The orders that the ledger holds."""
    frame = pl.concat([pl.read_parquet(f) for f in (house.ledger / "orders").rglob("*.parquet")])
    return frame.sort("order_id").to_dicts()


WECHAT = {
    "order_id": 3705115058471208928, "openid": "o1", "create_time": 1794362400, "status": 20,
    "order_detail": {
        "product_infos": [{"product_id": "1", "title": "奶粉", "sku_cnt": 2, "sale_price": 50000, "sku_code": "NF"}],
        "pay_info": {"pay_time": 1794362430}, "price_info": {"order_price": 100000, "freight": 0},
        "delivery_info": {"address_info": {"user_name": "测名", "tel_number": "13802580000", "province_name": "广东省", "city_name": "深圳市",
                                           "county_name": "南山区", "detail_info": "某路1号"}},
        "ext_info": {"customer_notes": "", "merchant_notes": ""},
    },
}  # fmt: skip
KUAISHOU = {
    "orderBaseInfo": {"oid": 2411111111, "buyerOpenId": "f1", "createTime": 1794362400000, "payTime": 1794362430000, "status": 30, "totalFee": 100000, "remark": ""},
    "orderAddress": {"consignee": "测名", "mobile": "13802580000", "province": "广东省", "city": "深圳市", "district": "南山区", "address": "某路1号"},
    "orderItemInfo": {"itemTitle": "奶粉", "num": 2, "price": 50000, "skuNick": "NF"},
}  # fmt: skip

DOUYIN = {
    "order_id": "6920000000000007833", "order_status": 2, "create_time": 1794362400, "pay_time": 1794362430, "order_amount": 100000, "pay_amount": 100000,
    "buyer_words": "", "doudian_open_id": "d1", "post_tel": "13802580000", "post_receiver": "测名",
    "post_addr": {"province": {"name": "广东省"}, "city": {"name": "深圳市"}, "town": {"name": "南山区"}, "street": {"name": "某街道"}, "detail": "某路1号"},
    "sku_order_list": [{"order_id": "6920000000000007834", "product_name": "奶粉", "item_num": 2, "goods_price": 50000, "code": "NF"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "platform", "number"),
    [({"errcode": 0, "orders": [WECHAT]}, "wechat", "3705115058471208928"), ({"result": 1, "data": {"orderList": [KUAISHOU]}}, "kuaishou", "2411111111"),
     ({"code": 10000, "data": {"shop_order_list": [DOUYIN]}}, "douyin", "6920000000000007833")],
)  # fmt: skip
def test_interfaces_that_count_in_hundredths(tmp_path: Path, answer: dict[str, object], platform: str, number: str) -> None:
    """100000 is 1,000 yuan; stages are numbers, items stand inside."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(answer), encoding="utf-8")
    house = House(tmp_path)
    house.scan(path)
    (row,) = kept(house)
    assert (row["platform"], row["order_id"], float(row["amount"]), row["stage"]) == (platform, number, 1000.0, "paid")  # type: ignore[arg-type]
    assert (row["receiver_phone"], row["city"], row["created_at"], row["basket"]) == ("13802580000", "深圳市", TEN, "NF\x1f2")
    assert house.findings() == {(number, "round-amount")}


@pytest.mark.parametrize(
    ("heading", "hits"),
    [("实付金额（分）", {"A1"}), ("实付(单位：分)", {"A1"}), ("amount_cents", {"A1"}), ("totalCents", {"A1"}), ("pay_amount_fen", {"A1"}), ("实付金额", {"A1", "A2"}),
     ("金额(万元)", set()), ("percent", set()), ("评分(分)", set())],
)  # fmt: skip
def test_headings_that_say_hundredths(tmp_path: Path, heading: str, hits: set[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"订单编号,下单时间,{heading},买家留言\nA1,2026-11-11 10:00:00,100000,\nA2,2026-11-11 10:00:00,1000,\n", encoding="utf-8")
    house = House(tmp_path, book("{id: round, kind: round_amount, points: 30}"))
    house.scan(path)
    assert {order_id for order_id, _ in house.findings()} == hits


@pytest.mark.parametrize("cell", ["1970-01-01 08:00:00", "1970/1/1 8:00", "1970-01-01T00:00:00Z", "0", "0001-01-01 00:00:00 +0000 UTC", "1900/1/1 0:00:00", "9999-12-31 23:59:59", "1899-12-30"])
def test_a_time_that_systems_write_for_none_is_none(tmp_path: Path, cell: str) -> None:
    """An order that nobody has paid yet was set aside for its payment of 1970."""
    house = House(tmp_path)
    told = house.scan(export(tmp_path / "a.csv", [order("A1", 付款时间=cell), order("A2", 付款时间="1971-13-01")])).run["inputs"][0]
    assert (told["read"], told["rejected"]) == (2, 1)
    assert [(row["order_id"], row["paid_at"]) for row in kept(house)] == [("A1", None)]


@pytest.mark.parametrize(
    ("word", "stage"),
    [("已付款-待发货", "paid"), ("已付款，待发货", "paid"), ("待发货/已发货", "paid"), ("已发货（待收货）", "shipped"), ("待付款/已取消", "closed"), ("已发货-已退款", "refunded"),
     ("Paid / Unfulfilled", "paid"), ("待发货（部分退款）", "unknown"), ("已发货-退款关闭", "unknown"), ("等待卖家发货", "paid"), ("-", None),
     ("已付款待发货", "paid"), ("待发货已发货", "paid"), ("已发货已签收", "shipped"), ("退款已关闭", "unknown"), ("已发货退款中", "unknown"), ("未曾已发货", "unknown")],
)  # fmt: skip
def test_a_status_of_several_words(tmp_path: Path, word: str, stage: str | None) -> None:
    """Each must be known; nothing under way is taken for over."""
    path = tmp_path / "a.csv"
    path.write_text(f'订单编号,下单时间,实付金额,订单状态\nA1,2026-11-11 10:00:00,5,"{word}"\n', encoding="utf-8")
    house = House(tmp_path)
    house.scan(path)
    assert [row["stage"] for row in kept(house)] == [stage]
