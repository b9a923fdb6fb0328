"""Real export headers of 22 systems, in other years' and other selections of columns, and the quirks of their cells."""

from __future__ import annotations

import csv
import io
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import NOW, ROUNDS, book
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orderguard.errors import OrderguardError
from orderguard.platforms import load_profiles, match_header
from orderguard.route import Team
from orderguard.stages.options import Options
from orderguard.stages.reading import Read, read_orders

if TYPE_CHECKING:
    from collections.abc import Sequence

PROFILES = load_profiles()
HEADERS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "headers.json").read_text(encoding="utf-8"))
RULES = book("{id: a, kind: round_amount, points: 1, with: {}, says: x}")
STRANGE = ("自定义列", "审核人", "X1", "内部批次", "打印次数", "Reviewed by")
# What a canonical column holds in the made-up exports below; other columns get a word of their own.
CELLS = {
    "order_id": "9000000000000001", "amount": "1299.50", "discount": "5.00", "coupon": "7.00", "unit_price": "11.25", "quantity": "3",
    "created_at": "2026-08-01 10:00:00", "paid_at": "2026-08-01 10:01:00", "promised_at": "2026-08-03 10:00:00", "ip": "192.0.2.9",
    "receiver_phone": "13900000000", "currency": "EUR",
}  # fmt: skip
KEPT = tuple(CELLS)
TEXTS = ("status", "buyer_id", "receiver_name", "province", "city", "buyer_note", "seller_note", "sku", "title", "shop")


def scan(*files: Path, **changed: Any) -> Read:
    """What the inputs hold."""
    folder = files[0].parent
    options = Options([str(f) for f in files], RULES, Team(), folder / "out", folder / "ledger", NOW, "r", **changed)
    return read_orders(options, PROFILES)


def put(path: Path, head: Sequence[str], *rows: Sequence[str], delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([head, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def one(path: Path, head: Sequence[str], *rows: Sequence[str], **changed: Any) -> dict[str, Any]:
    """The only order of an export."""
    read = scan(put(path, head, *rows), **changed)
    assert len(read.rejects) == 0, read.rejects["reason"].to_list()
    assert not [p for p in read.problems if p.fatal]
    (order,) = read.orders.to_dicts()
    return order


def first_sources(key: str) -> dict[str, str]:
    """Canonical column -> the heading of the full header that it is read from, where that is one column alone."""
    match = match_header(HEADERS[key]["header"], PROFILES)
    return {n: p.sources[0] for n, p in match.picks.items() if p.how == "first" and not (p.trim or p.then)}


@pytest.mark.parametrize("key", HEADERS)
def test_whole_header(key: str) -> None:
    """Every heading is one that the profile knows, nothing is guessed, and an order's main facts are found."""
    match = match_header(HEADERS[key]["header"], PROFILES)
    assert (match.profile.platform, match.share, match.guessed) == (HEADERS[key]["platform"], 1.0, ())
    wanted = {"order_id"} if match.profile.part == "items" else {"order_id", "amount", "created_at"}
    assert wanted <= set(match.picks) | ({"created_at"} if key.startswith("pdd") else set())


@settings(max_examples=60 * ROUNDS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(HEADERS)), st.data())
def test_another_years_selection_is_read_the_same(tmp_path: Path, key: str, data: st.DataObject) -> None:
    """Columns dropped, added, moved, renamed by full-width brackets and blanks: each that is left is filled from its cell."""
    full = list(dict.fromkeys(h.strip() for h in HEADERS[key]["header"]))
    sources = {n: h.strip() for n, h in first_sources(key).items()}
    cell_of = {h: CELLS[n] for n, h in reversed(sources.items()) if n in CELLS}
    kept = data.draw(st.lists(st.sampled_from(full), min_size=len(full) // 2, max_size=len(full), unique=True))
    marks = {s for p in PROFILES if p.platform == HEADERS[key]["platform"] for s in p.signature}
    needed = [sources["order_id"], data.draw(st.sampled_from([h for h in full if h in marks])), *([sources["amount"]] if "amount" in sources else [])]
    kept += [h for h in dict.fromkeys(needed) if h not in kept]
    kept += data.draw(st.lists(st.sampled_from(STRANGE), max_size=3, unique=True))
    kept = data.draw(st.permutations(kept))
    form = data.draw(st.sampled_from(["{}", " {}", "{} ", "{}\t", "　{}"]))
    wide = data.draw(st.sampled_from(["", "()"]))
    shown = [form.format(h.translate(str.maketrans("()", "（）")) if wide else h) for h in kept]
    row = [cell_of.get(h, "") for h in kept]
    read = scan(put(tmp_path / "a.csv", shown, row))
    assert read.files[0]["platform"] == HEADERS[key]["platform"]
    (order,) = read.orders.to_dicts()
    assert order["order_id"] == CELLS["order_id"]
    for name, heading in sources.items():
        if name in CELLS and heading in kept and name in order and sources_alone(name, heading, sources):
            assert order[name] is not None, (name, heading)
            if name == "amount" and "unit_price" not in sources:
                assert order[name] == Decimal("1299.50")


def sources_alone(name: str, heading: str, sources: dict[str, str]) -> bool:
    """A heading that two columns are read from holds the cell of one of them only."""
    return [n for n, h in sources.items() if h == heading] == [name]


# What the cells of each system look like.


def test_taobao_orders_and_their_items_are_one_order(tmp_path: Path) -> None:
    """The list gives the facts, the item lists the lines; also an item list whose rows have amounts of their own."""
    orders = put(
        tmp_path / "ExportOrderList.csv", ["订单编号", "买家会员名", "买家实际支付金额", "宝贝标题 ", "宝贝总数量", "收货地址 ", "订单状态", "买家留言"],
        ['="101"', "u1", "310.00", "奶粉，湿巾", "3", "浙江省 杭州市 西湖区 某路1号(000000)", "买家已付款，等待卖家发货", ""],
    )  # fmt: skip
    items = put(
        tmp_path / "ExportOrderDetailList.csv", ["订单编号", "标题", "价格", "购买数量", "外部系统编号", "商品属性", "套餐信息", "备注", "订单状态", "商家编码"],
        ['="101"', "奶粉", "150.00", "2", "NF", "", "", "内部备注", "买家已付款，等待卖家发货", "NF-1", ""],
        ['="101"', "湿巾", "10.00", "1", "WP", "", "", "", "买家已付款，等待卖家发货", "WP-1", ""],
    )  # fmt: skip
    read = scan(orders, items)
    (order,) = read.orders.to_dicts()
    assert (order["amount"], order["address"], order["buyer_note"], order["stage"]) == (310, "浙江省 杭州市 西湖区 某路1号", "", "paid")
    assert sorted(read.lines.select("sku", "quantity").rows()) == [("NF-1", 2.0), ("WP-1", 1.0)]
    assert [f["read"] for f in read.files] == [1, 0]
    tmall = put(
        tmp_path / "tmall.csv", ["子订单编号", "主订单编号", "标题", "价格", "购买数量", "商家编码", "买家实际支付金额", "订单创建时间", "退款状态"],
        ["1", "101", "奶粉", "150.00", "2", "NF-1", "300.00", "2026-08-01 10:00:00", "没有申请退款"],
        ["2", "101", "湿巾", "10.00", "1", "WP-1", "10.00", "2026-08-01 10:00:00", "没有申请退款"],
    )  # fmt: skip
    both, alone = scan(orders, tmall), scan(tmall)
    assert (both.orders["amount"].item(), alone.orders["amount"].item(), len(both.lines)) == (310, 310, 2)


def test_pdd_takes_a_blank_time_from_the_order_number(tmp_path: Path) -> None:
    head = ["订单号", "用户实付金额(元)", "订单成交时间", "售后状态", "订单状态"]
    order = one(tmp_path / "a.csv", head, ["260517-607198974342268", "12.00元", "", "无售后或售后取消", "已收货"])
    assert (f"{order['created_at']:%Y-%m-%d %H}", order["amount"], order["stage"]) == ("2026-05-16 16", 12, "done")


def test_shopify_rows_of_items_and_an_ip_in_the_note_attributes(tmp_path: Path) -> None:
    head = ["Name", "Email", "Financial Status", "Total", "Currency", "Created at", "Lineitem name", "Lineitem quantity", "Note Attributes", "Cancelled at"]
    order = one(
        tmp_path / "a.csv", head, ["#1", "a@x.org", "paid", "45.99", "USD", "2026-04-05 21:06:21 +0400", "Mug", "1", "City: X\nIP address: 192.0.2.7", ""],
        ["#1", "a@x.org", "", "", "", "2026-04-05 21:06:21 +0400", "Cup", "2", "", ""],
    )  # fmt: skip
    assert (order["ip"], order["amount"], order["stage"]) == ("192.0.2.7", Decimal("45.99"), "paid")
    gone = one(tmp_path / "b.csv", head, ["#2", "", "paid", "1", "USD", "2026-04-05 21:06:21 +0400", "Mug", "1", "", "2026-04-06 21:06:21 +0400"])
    assert gone["stage"] == "closed"


def test_amazon_without_quoting_adds_up_its_items(tmp_path: Path) -> None:
    head = ["order-id", "order-item-id", "purchase-date", "product-name", "quantity-purchased", "currency", "item-price", "shipping-price", "item-promotion-discount"]
    rows = [["1-1", "1", "2026-01-01T10:50:49-08:00", '"Best" 7" tablet', "1", "USD", "40.00", "5.00", "-1.00"],
            ["1-1", "2", "2026-01-01T10:50:49-08:00", '"open quote', "2", "USD", "10.00", "", ""]]  # fmt: skip
    path = tmp_path / "a.txt"
    path.write_text("\n".join("\t".join(r) for r in [head, *rows]) + "\n", encoding="utf-8")
    read = scan(path)
    assert read.orders.select("amount", "currency").rows() == [(Decimal(54), "USD")]
    assert sorted(read.lines["title"].to_list()) == ['"Best" 7" tablet', '"open quote']


def test_ebay_preamble_footer_total_row_and_dollars(tmp_path: Path) -> None:
    """A row with the total and no item beside its items; lines around the table are no orders."""
    head = ["Sales Record Number", "Order Number", "Buyer Username", "Item Title", "Custom Label", "Quantity", "Sold For", "Total Price", "Sale Date"]
    path = put(
        tmp_path / "a.csv", ["Orders report generated 2 October 2026"], [], head,
        ["83", "01-1", "b1", "", "", "2", "", "$1,060.00", "Jul-21-25"], ["83", "01-1", "b1", "Mug", "M", "1", "$20.00", "", "Jul-21-25"],
        ["83", "01-1", "b1", "Cup", "C", "1", "$40.00", "", "Jul-21-25"], [], ["2", "record(s) downloaded"], ["Seller ID : x"],
    )  # fmt: skip
    read = scan(path)
    assert read.orders.select("order_id", "amount", "currency").rows() == [("01-1", Decimal(1060), "USD")]
    assert read.files[0]["read"] == 1 + read.files[0]["rejected"]
    assert all("不是订单" in r for r in read.rejects["reason"])


@pytest.mark.parametrize(("cells", "days"), [(("03/04/2026", "25/06/2026 13:03:57"), ["2026-04-03", "2026-06-25"]),
                                             (("03/04/2026", "06/25/2026 01:03:57 PM"), ["2026-03-04", "2026-06-25"])])  # fmt: skip
def test_day_and_month_are_settled_by_all_times_of_the_file(tmp_path: Path, cells: tuple[str, str], days: list[str]) -> None:
    """The payment column tells how the order column is meant."""
    head = ["Order ID", "Order Amount", "Created Time", "Paid Time", "SKU Subtotal After Discount"]
    order = one(tmp_path / "a.csv", head, ["1\t", "5", cells[0] + " 10:00:00\t", cells[1], "5"])
    local = pl.Series([order["created_at"], order["paid_at"]]).dt.convert_time_zone("Asia/Shanghai")
    assert local.dt.strftime("%Y-%m-%d").to_list() == days


def test_dates_that_nothing_settles_are_asked_for(tmp_path: Path) -> None:
    head = ["Order ID", "Order Amount", "Created Time", "SKU Subtotal After Discount"]
    path = put(tmp_path / "a.csv", head, ["1", "5", "03/04/2026 10:00:00", "5"])
    with pytest.raises(OrderguardError) as caught:
        scan(path)
    assert any("--date-order dmy" in p.text("zh-CN") and p.line == 2 for p in caught.value.problems)
    assert scan(path, date_order="day").orders["created_at"].dt.month().item() == 4


def test_etsy_writes_months_first(tmp_path: Path) -> None:
    order = one(tmp_path / "a.csv", ["Sale Date", "Order ID", "Order Total", "Number of Items"], ["09/05/26", "1", "5", "1"])
    assert f"{order['created_at']:%m-%d}" == "09-04"


@pytest.mark.parametrize(("cell", "amount", "currency"), [("12.00元", "12", "CNY"), ("$45.99", "45.99", "USD"), ("৳2,999", "2999", "BDT"), ("65.000", "65", None),
                                                         ("65.000 ₫", "65000", "VND"), ("1.299,00 €", "1299", "EUR"), ("RM 12.50", "12.5", "MYR")])  # fmt: skip
def test_amounts_with_units(tmp_path: Path, cell: str, amount: str, currency: str | None) -> None:
    order = one(tmp_path / "a.csv", ["Order #", "N. Revenue (formatted)", "Date", "Customer type"], ["1", cell, "2026-08-01 10:00:00", "new"])
    assert (order["amount"], order["currency"]) == (Decimal(amount), currency)


def test_dots_part_thousands_where_another_amount_shows_it(tmp_path: Path) -> None:
    read = scan(put(tmp_path / "a.csv", ["订单编号", "实付金额"], ["1", "65.000"], ["2", "1.250.000"], ["3", "12,50"]))
    assert read.orders["amount"].to_list() == [65000, 1250000, Decimal("12.5")]


@pytest.mark.parametrize(("cell", "utc"), [("2026-01-01 10:00:00 PST", "18:00"), ("2026-07-01 10:00:00 PDT", "17:00"), ("2026-01-01 10:00:00 UTC", "10:00"),
                                          ("2026-01-01T10:00:00+08:00", "02:00"), ("2026-01-01 10:00:00 CST", "02:00"), ("Jan 1, 2026 10:00:00 PM PST", "06:00")])  # fmt: skip
def test_zone_suffixes(tmp_path: Path, cell: str, utc: str) -> None:
    """CST is China's in a shop whose zone is Asian."""
    assert f"{one(tmp_path / 'a.csv', ['订单编号', '下单时间', '实付金额'], ['1', cell, '5'])['created_at']:%H:%M}" == utc


def test_cst_beside_other_american_letters_is_american(tmp_path: Path) -> None:
    read = scan(put(tmp_path / "a.csv", ["订单编号", "下单时间"], ["1", "2026-01-01 10:00:00 CST"], ["2", "2026-07-01 10:00:00 EDT"]))
    assert read.orders["created_at"].dt.hour().to_list() == [16, 14]


# Statuses.

STATUSES = [
    ("taobao", "等待买家付款", "unpaid"), ("taobao", "买家已付款，等待卖家发货", "paid"), ("taobao", "卖家已发货,等待买家确认", "shipped"), ("taobao", "交易成功", "done"),
    ("taobao", "付款以前，卖家或买家主动关闭交易", "closed"), ("jd", "等待出库", "paid"), ("jd", "(删除)等待出库", "closed"), ("jd", "（锁定）等待出库", "refunding"),
    ("douyin", "备货中", "paid"), ("douyin", "已发货", "shipped"), ("pdd", "已发货，待签收", "shipped"), ("pdd", "未发货，退款成功", "refunded"), ("kuaishou", "待发货", "paid"),
    ("xiaohongshu", "配货中", "paid"), ("wechat", "待收货", "shipped"), ("youzan", "交易关闭", "closed"), ("1688", "等待卖家发货", "paid"), ("shopify", "voided", "closed"),
    ("woocommerce", "wc-on-hold", "unpaid"), ("amazon", "Unshipped", "paid"), ("lazada", "ready_to_ship", "paid"), ("tiktok", "To ship", "paid"), ("tiktok", "Canceled", "closed"),
    ("etsy", "Shipped", "shipped"), ("ebay", "Awaiting postage", "paid"), ("generic", "已退款", "refunded"), ("generic", "天晓得", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("platform", "word", "stage"), STATUSES)
def test_status_words_come_down_to_one_set(tmp_path: Path, platform: str, word: str, stage: str) -> None:
    """The word itself is kept; one that nobody knows is told, with its count."""
    profile = next(p for p in PROFILES if p.platform == platform and not p.variant)
    heading = {n: profile.pick(n).sources[0] for n in ("order_id", "status", "amount") if profile.pick(n)}  # type: ignore[union-attr]
    read = scan(put(tmp_path / "a.csv", list(heading.values()), ["1001", word, "5"]), platform=platform)
    assert read.orders.select("status", "stage").rows() == [(word, stage)]
    assert any(f"{word}（1）" in p.text("zh-CN") for p in read.problems) == (stage == "unknown")


def test_after_sale_status_counts_and_a_blank_one_does_not(tmp_path: Path) -> None:
    head = ["主订单编号", "订单应付金额", "订单状态", "售后状态"]
    rows = [["1", "5", "待发货", "-"], ["2", "5", "待发货", "退款成功"], ["3", "5", "待发货", "退款中"], ["4", "5", "", ""]]
    assert scan(put(tmp_path / "a.csv", head, *rows)).orders["stage"].to_list() == ["paid", "refunded", "refunding", None]


def test_an_order_is_not_over_before_its_last_item_is(tmp_path: Path) -> None:
    head = ["主订单编号", "子订单编号", "订单应付金额", "订单状态", "选购商品"]
    rows = [["1", "a", "5", "已关闭", "x"], ["1", "b", "6", "待发货", "y"], ["2", "c", "5", "已关闭", "x"], ["2", "d", "6", "已发货", "y"]]
    assert dict(scan(put(tmp_path / "a.csv", head, *rows)).orders.select("order_id", "stage").rows()) == {"1": "paid", "2": "shipped"}


def test_a_later_export_of_one_order_counts(tmp_path: Path) -> None:
    """Whatever the order of the files, and its lines do not double."""
    head = ["订单号", "下单帐号", "应付金额", "订单状态", "商品名称"]
    early = put(tmp_path / "b.csv", head, ["1", "u", "5", "等待出库", "x"])
    late = put(tmp_path / "a.csv", head, ["1", "u", "5", "完成", "x"])
    for files in ((early, late), (late, early)):
        read = scan(*files)
        assert (read.orders.select("stage", "status").rows(), len(read.lines)) == ([("done", "完成")], 1)


# Rows that hold more or less than one item.


def test_items_joined_by_semicolons_are_lines_of_their_own(tmp_path: Path) -> None:
    """The order's amount counts once, one total of units is shared out, and a title may hold the sign alone."""
    head = ["主订单编号", "子订单编号", "选购商品", "商品ID", "商家编码", "商品数量", "订单应付金额", "平台优惠"]
    read = scan(put(tmp_path / "a.csv", head, ["\t1", "\t11;\t12", "奶粉;湿巾", "7;8", "A;B", "3", "1,310.00", "5"],
                    ["2", "21", "奶粉;3段", "7", "A", "1", "5", "0"], ["3", "31;32", "x;y", "7;8", "A;B", "2", "多少", "0"]))  # fmt: skip
    assert read.orders.select("order_id", "amount", "coupon").rows() == [("2", 5, ""), ("1", 1310, "5")]
    assert sorted(read.lines.select("order_id", "sku", "quantity").rows()) == [("1", "A", 2.0), ("1", "B", 1.0), ("2", "A", 1.0)]
    (file,) = read.files
    assert (file["rows"], file["folded"], file["read"], file["rejected"], len(read.rejects)) == (3, 0, 3, 1, 1)


def test_merged_cells_of_1688(tmp_path: Path) -> None:
    """Item rows under the order's row, in a book with merged cells and in a CSV made of it; a lost number stays lost."""
    import xlsxwriter

    head = ["订单编号", "买家公司名", "实付款", "订单创建时间", "货品标题", "单价(元)", "数量"]
    cells = [["1", "甲", "30", "2026-08-01 10:00:00", "伞", "10", "1"], ["", "", "", "", "杯", "20", "1"], ["2", "乙", "5", "2026-08-01 10:00:00", "碗", "5", "1"],
             ["", "丙", "5", "2026-08-01 10:00:00", "盘", "5", "1"], ["合计", "", "40", "", "", "", ""], ["", "", "", "", "杯", "20", "1"]]  # fmt: skip
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for i, row in enumerate([head, *cells]):
            sheet.write_row(i, 0, row)
        for column in range(4):
            sheet.merge_range(1, column, 2, column, cells[0][column])
    for file in (path, put(tmp_path / "a.csv", head, *cells)):
        read = scan(file)
        assert read.orders.select("order_id", "amount").sort("order_id").rows() == [("1", 30), ("2", 5)]
        assert sorted(read.lines["title"].to_list()) == ["伞", "杯", "碗"]
        assert read.rejects["source_row"].to_list() == [5, 6, 7]
        assert "合计行" in read.rejects["reason"][1]
        assert any("合并单元格" in p.text("zh-CN") for p in read.problems)


def test_woocommerce_items_packed_into_columns(tmp_path: Path) -> None:
    head = ["order_number", "order_date", "order_total", "wt_import_key", "line_item_1", "line_item_2"]
    read = scan(put(tmp_path / "a.csv", head, ["1", "2025-03-02 09:00:00", "50", "1", "name:Mug|product_id:7|sku:M|quantity:2|total:40.00", "name:Cup|sku:C|quantity:1|total:10"],
                    ["2", "2025-03-02 09:00:00", "10", "2", "name:Cup|sku:C|quantity:1|total:10", ""]))  # fmt: skip
    assert read.orders.sort("order_id")["amount"].to_list() == [50, 10]
    assert sorted(read.lines.select("order_id", "sku", "quantity", "unit_price").rows()) == [("1", "C", 1.0, 10), ("1", "M", 2.0, 20), ("2", "C", 1.0, 10)]
    assert read.files[0]["read"] == 2


def test_rows_that_are_one_cell_joined_by_tabs(tmp_path: Path) -> None:
    """The whole file so, or some rows of it, in text and in a book; cells may end in tabs of their own."""
    import xlsxwriter

    head = ["Order ID", "Order Status", "Order Amount", "Created Time", "SKU Subtotal After Discount"]
    cells = [["583870900000000001", "To ship", "5.00", "25/06/2026 13:03:57", "5"], ["583870900000000002", "To ship", "6.00", "25/06/2026 13:03:58", "6"]]
    joined, trailing = "\t".join(cells[0]), "\t\t".join(cells[1]) + "\t"
    texts = [",".join(head) + f'\n"{joined}"\n"{trailing}"\n', '"' + "\t".join(head) + f'"\n"{joined}"\n"' + "\t".join(cells[1]) + '"\n']
    files = []
    for i, text in enumerate(texts):
        files.append(tmp_path / f"{i}.csv")
        files[-1].write_text("\ufeff" + text, encoding="utf-8")
    for name, rows in (("part", [head, [joined], cells[1]]), ("all", [["\t".join(head)], [joined], ["\t".join(cells[1])]])):
        files.append(tmp_path / f"{name}.xlsx")
        with xlsxwriter.Workbook(str(files[-1])) as workbook:
            sheet = workbook.add_worksheet()
            for r, row in enumerate(rows):
                sheet.write_row(r, 0, row)
    for file in files:
        orders = scan(file).orders.sort("order_id")
        assert orders.select("order_id", "amount", "platform").rows() == [(cells[0][0], 5, "tiktok"), (cells[1][0], 6, "tiktok")], file.name


def locked(path: Path, password: str, rows: Sequence[Sequence[str]]) -> Path:
    import msoffcrypto.format.ooxml
    import xlsxwriter

    plain = io.BytesIO()
    with xlsxwriter.Workbook(plain) as workbook:
        sheet = workbook.add_worksheet()
        for r, row in enumerate(rows):
            sheet.write_row(r, 0, row)
    with path.open("wb") as out:
        msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt(password, out)
    return path


def test_locked_book_opens_with_a_password_of_the_file(tmp_path: Path) -> None:
    """Each line is tried; the password stands in no output."""
    from house import shell

    locked(tmp_path / "ks.xlsx", "开门 7!", [["订单号", "实付款", "订单创建时间", "成交数量", "买家留言"], ["1", "1000", "2026-08-01 10:00:00", "1", ""]])
    (tmp_path / "pw.txt").write_text("wrong\n\n开门 7!\n", encoding="utf-8")
    done = shell("scan", "ks.xlsx", "--password-file", "pw.txt", cwd=tmp_path)
    assert (done.returncode, "round-amount" in done.stdout) == (0, True)
    left = [f for f in tmp_path.rglob("*") if f.is_file() and f.name not in {"pw.txt", "ks.xlsx"}]
    assert left
    assert not [f for f in left if "开门 7!".encode() in f.read_bytes()]
    (tmp_path / "pw.txt").write_text("wrong\n", encoding="utf-8")
    refused = shell("scan", "ks.xlsx", "--password-file", "pw.txt", cwd=tmp_path)
    assert (refused.returncode, "都打不开" in refused.stderr, "wrong" in refused.stderr) == (2, True, False)
    missing = shell("scan", "ks.xlsx", "--password-file", "none.txt", cwd=tmp_path)
    assert (missing.returncode, "none.txt" in missing.stderr) == (2, True)


def test_locked_books_as_libreoffice_writes_them(tmp_path: Path) -> None:
    """An .xls says so in its first records; an .ods stays locked, and is told to be."""
    from house import shell

    folder = Path(__file__).parent / "locked"
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    refused = shell("scan", "orders.xls", cwd=tmp_path)
    assert (refused.returncode, "有打开密码" in refused.stderr) == (2, True), refused.stderr
    (tmp_path / "pw.txt").write_text("geheim-双11\n", encoding="utf-8")
    done = shell("scan", "orders.xls", "--password-file", "pw.txt", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["inputs"][0]["read"]) == (0, 2), done.stderr
    sheet = shell("scan", "orders.ods", "--password-file", "pw.txt", cwd=tmp_path)
    assert (sheet.returncode, "ODS 的密码本工具打不开" in sheet.stderr) == (2, True), sheet.stderr


def test_sheets_with_headers_of_their_own_and_one_without_orders(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheets = {"说明": [["本表由系统导出", "请勿修改"], ["联系", "客服"]], "京东": [["订单号", "下单帐号", "应付金额"], ["1", "u", "5"]],
                  "有赞": [["订单号", "归属店铺", "订单实付金额", "分销员", "分销员"], ["2", "店", "6", "a", "b"]]}  # fmt: skip
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for r, row in enumerate(rows):
                sheet.write_row(r, 0, row)
    read = scan(path)
    assert read.orders.sort("order_id").select("platform", "amount").rows() == [("jd", 5), ("youzan", 6)]
    assert [(p.where, p.fatal) for p in read.problems] == [("a.xlsx[说明]", False)]


def test_wrong_dimension_of_a_sheet_is_not_believed(tmp_path: Path) -> None:
    import re
    import zipfile

    import xlsxwriter

    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    with xlsxwriter.Workbook(str(good)) as workbook:
        sheet = workbook.add_worksheet()
        for r, row in enumerate([["订单号", "实付款", "成交数量"], ["1", "5", "1"], ["2", "6", "1"]]):
            sheet.write_row(r, 0, row)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for item in old.namelist():
            data = old.read(item)
            new.writestr(item, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', data))
    assert scan(bad).orders["order_id"].to_list() == ["1", "2"]
