"""What exports of other years and systems hold ends up in the right columns: every value is compared, not only the names."""

from __future__ import annotations

import csv
import json
import random
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from house import NOW, book
from variants import VARIANTS

from orderguard.columns import LINE_ONLY
from orderguard.platforms import load_profiles, match_header
from orderguard.route import Team
from orderguard.stages.options import Options
from orderguard.stages.reading import Read, read_orders

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = load_profiles()
RULES = book("{id: a, kind: round_amount, points: 1, with: {}, says: x}")
ROWS = 3
CELLS = {
    "order_id": "90000000000000{}", "line_id": "70000{}", "amount": "120{}.50", "discount": "{}.00", "coupon": "CPN{}", "unit_price": "11.2{}", "quantity": "{}", "prior_orders": "{}",
    "created_at": "2026-08-01 10:00:0{}", "paid_at": "2026-08-01 10:01:0{}", "promised_at": "2026-08-03 10:00:0{}", "registered_at": "2026-07-03 10:00:0{}", "ip": "198.51.100.{}", "currency": "USD",
    "receiver_phone": "1390000000{}", "email": "b{}@example.com", "province": "浙江省", "city": "杭州市", "district": "西湖区", "address": "文三路{}号", "platform": "自营商城", "shop": "贝贝店", "ship_from": "杭州仓",
    "device_id": "DEV{}AB", "status": "待发货", "receiver_name": "李四{}", "buyer_name": "王五{}", "buyer_id": "user_{}", "buyer_note": "请尽快{}", "seller_note": "老客{}", "sku": "SKU-{}", "title": "奶粉{}",
}  # fmt: skip
STRANGE = ("自定义列", "审核人", "Reviewed by", "X1")
_TIME = re.compile(r"时间|時間|日期|date|time|\bat$", re.IGNORECASE)
_MONEY = re.compile(r"[金額额價价费款折惠]|price|tax|fee|total|amount|cost|discount|shipping$|rebate", re.IGNORECASE)
_PHONE = re.compile(r"电话|固话|phone", re.IGNORECASE)


def columns(name: str) -> list[tuple[str, str]]:
    """Heading and our column, '' for one that is none of ours."""
    return [(h, c) for h, _, c in (part.partition("=") for part in VARIANTS[name][1].split("|"))]


def cell(heading: str, column: str, row: int) -> str:
    """Of a heading that is none of ours: something as like the thing itself as it can be."""
    if column:
        return CELLS[column].format(row)
    likes = ((_TIME, f"2026-08-05 12:00:0{row}"), (_MONEY, "0.10"), (_PHONE, f"0571888800{row}"), (re.compile("状态|狀態|status", re.IGNORECASE), ""))
    return next((c for p, c in likes if p.search(heading)), f"J{row}")


def scan(path: Path, wanted: list[tuple[str, str]], shown: list[str]) -> Read:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([shown, *([cell(h, c, row) for h, c in wanted] for row in range(1, ROWS + 1))])
    return read_orders(Options([str(path)], RULES, Team(), path.parent / "out", path.parent / "ledger", NOW, "r"), PROFILES)


def same(column: str, got: Any, wanted: str) -> bool:
    if column.endswith("_at"):
        return isinstance(got, datetime) and got.replace(tzinfo=None) == datetime.fromisoformat(wanted) - timedelta(hours=8)
    if column in {"amount", "discount", "unit_price", "quantity", "prior_orders"}:
        return got is not None and abs(float(got) - float(wanted)) < 1e-9
    return wanted in (got or "") if column == "address" else bool(got == wanted)  # streets and second lines are put to it


@pytest.mark.parametrize("form", ["as it is", "moved and written otherwise", "fewer columns"])
@pytest.mark.parametrize("name", VARIANTS)
def test_every_value_is_in_its_column(tmp_path: Path, name: str, form: str) -> None:
    wanted, rng = columns(name), random.Random(f"{name}{form}")
    shown = [h for h, _ in wanted]
    if form != "as it is":
        number = next(w for w in wanted if w[1] == "order_id")
        kept = [w for w in wanted if w is number or form != "fewer columns" or rng.random() < 0.7]
        wanted = [*kept, *((s, "") for s in rng.sample(STRANGE, 2))]
        rng.shuffle(wanted)
        pattern = rng.choice(["{}", " {}", "{}　", "*{}", "{}："])
        shown = [pattern.format(h.translate(str.maketrans("()", "（）"))) for h, _ in wanted]
    read = scan(tmp_path / "a.csv", wanted, shown)
    assert read.files[0]["platform"] == VARIANTS[name][0]
    assert not len(read.rejects)
    orders, lines = ({r["order_id"]: r for r in frame.to_dicts()} for frame in (read.orders, read.lines))
    wrong = []
    for row in range(1, ROWS + 1):
        number = CELLS["order_id"].format(row)
        for heading, column in wanted:
            if column and column not in {"order_id", "line_id"}:
                got = (lines if column in LINE_ONLY else orders)[number].get(column)
                if not same(column, got, cell(heading, column, row)):
                    wrong.append((heading, column, got))
    assert not wrong


def test_a_heading_or_two_by_chance_tell_no_platform() -> None:
    """Walmart's "Ship to Address 1" is eBay's too, Wix' "Fulfillment status" is Shopify's, Temu's "quantity shipped" Amazon's."""
    for name in ("walmart", "wix2024", "temu"):
        assert match_header([h for h, _ in columns(name)], PROFILES).profile.platform == "generic", name
    assert match_header(["Order Number", "Ship to Address 1", "Total Price", "Sale Date"], PROFILES).profile.platform == "ebay"


def test_a_heading_that_stands_there_twice_fills_the_blanks_of_the_first(tmp_path: Path) -> None:
    """Of amounts the first counts, blank or not."""
    head = ["订单编号", "收货人", "联系电话", "实付金额", "联系电话", "收货人", "实付金额", "自定义", "自定义"]
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, ["1", "", "", "", "13800001234", "李四", "5", "", ""], ["2", "张三", "13900001234", "7", "13700001234", "李四", "5", "", ""]])
    read = read_orders(Options([str(tmp_path / "a.csv")], RULES, Team(), tmp_path / "out", tmp_path / "ledger", NOW, "r"), PROFILES)
    found = read.orders.sort("order_id").select("receiver_name", "receiver_phone", "amount").rows()
    assert found == [("李四", "13800001234", None), ("张三", "13900001234", 7)]


@pytest.mark.parametrize(("stage", "words"), [("paid", ["待出貨", "等待賣家發貨", "已付款"]), ("closed", ["已取消", "訂單關閉"]), ("refunding", ["退款中"]), ("shipped", ["已發貨"])])
def test_traditional_status_words(tmp_path: Path, stage: str, words: list[str]) -> None:
    (tmp_path / "a.csv").write_text("訂單編號,訂單狀態,實付金額\n" + "".join(f"{i},{w},5\n" for i, w in enumerate(words, 1)), encoding="utf-8")
    read = read_orders(Options([str(tmp_path / "a.csv")], RULES, Team(), tmp_path / "out", tmp_path / "ledger", NOW, "r"), PROFILES)
    assert read.orders["stage"].to_list() == [stage] * len(words)


PERSON = {"name": "李四", "phone": "13800001234", "mobile": "13800001234", "province": "浙江省", "city": "杭州市"}
APIS: dict[str, tuple[str, Any]] = {
    "shopify": ("shopify", {"orders": [{"name": "#1", "created_at": "2026-11-11T10:00:00+08:00", "total_price": "45.99", "currency": "USD", "financial_status": "paid", "browser_ip": "192.0.2.7", "phone": None, "note": "",
                "shipping_address": {**PERSON, "address1": "某路 1 号"}, "customer": {"created_at": "2026-11-10T10:00:00+08:00"}, "line_items": [{"id": 1, "sku": "M", "title": "Mug", "quantity": 2, "price": "20.00"}]}]}),
    "woocommerce": ("woocommerce", [{"id": 1, "status": "processing", "date_created": "2026-11-11T10:00:00", "total": "45.99", "customer_ip_address": "192.0.2.7", "customer_note": "", "shipping": {"first_name": "李四", "address_1": "某路 1 号", "city": "杭州市", "state": "浙江省"},
                    "billing": {"phone": "13800001234", "first_name": "王五"}, "line_items": [{"sku": "M", "name": "Mug", "quantity": 2, "price": 20}]}]),
    "amazon": ("amazon", {"payload": {"Orders": [{"AmazonOrderId": "111-0000000-0000001", "PurchaseDate": "2026-11-11T02:00:00Z", "OrderStatus": "Unshipped", "OrderTotal": {"CurrencyCode": "USD", "Amount": "45.99"},
               "ShippingAddress": {"Name": "李四", "AddressLine1": "某路 1 号", "City": "杭州市", "StateOrRegion": "浙江省", "Phone": "13800001234"}}]}}),
    "own": ("generic", {"code": 0, "data": {"list": [{"orderId": "1", "receiver": {**PERSON, "address": "某路 1 号"}, "payAmount": 45.99, "createTime": "2026-11-11 10:00:00", "goods": [{"sku": "M", "title": "Mug", "num": 2, "price": 20}]}]}}),
    "taobao": ("generic", {"trades_sold_get_response": {"trades": {"trade": [{"tid": "1", "receiver_name": "李四", "receiver_mobile": "13800001234", "receiver_state": "浙江省", "receiver_city": "杭州市", "receiver_address": "某路 1 号", "payment": "45.99",
               "created": "2026-11-11 10:00:00", "status": "WAIT_SELLER_SEND_GOODS", "buyer_message": ""}]}}}),
}  # fmt: skip


@pytest.mark.parametrize("name", APIS)
def test_what_their_programming_interfaces_answer(tmp_path: Path, name: str) -> None:
    """Facts that stand in objects of their own are read like columns: shipping_address.name, OrderTotal.Amount."""
    platform, answer = APIS[name]
    (tmp_path / "a.json").write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    read = read_orders(Options([str(tmp_path / "a.json")], RULES, Team(), tmp_path / "out", tmp_path / "ledger", NOW, "r"), PROFILES)
    (order,) = read.orders.to_dicts()
    assert read.files[0]["platform"] == platform
    assert (float(order["amount"]), f"{order['created_at']:%d %H}", order["receiver_name"], order["province"], order["city"], order["address"]) == (45.99, "11 02", "李四", "浙江省", "杭州市", "某路 1 号")
    assert order["receiver_phone"] == "13800001234"
    assert order["stage"] in {"paid", None}
    assert [(r["sku"], r["title"], r["quantity"]) for r in read.lines.to_dicts()] in ([("M", "Mug", 2.0)], [(None, None, None)], [])
    assert len(read.lines) or name in {"amazon", "taobao"}
