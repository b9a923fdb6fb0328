"""Cells into our types, rows into orders; what cannot be read is set aside with the reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.columns import DAY_ONLY
from orderguard.normalise import Folded, Recipe, Typed, fold_orders, picking, type_table, values
from orderguard.normalise import times as clocks
from orderguard.normalise.slots import slot_ends
from orderguard.platforms import Pick
from orderguard.rules.windows import fullest_window

if TYPE_CHECKING:
    import random

ZONE = "Asia/Shanghai"
OUR = ("order_id", "receiver_phone", "address", "amount", "created_at", "paid_at", "ip", "buyer_note", "coupon")


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def column(*cells: str | None) -> pl.Series:
    return pl.Series("x", cells, dtype=pl.String)


def times(*cells: str | None, **settings: Any) -> list[datetime | None]:
    return clocks.times(column(*cells), ZONE, **settings).to_list()


def typed(*cells: dict[str, str], names: tuple[str, ...] = OUR, **recipe: Any) -> Typed:
    """A table whose headings are our own names; a cell that is not given is empty."""
    raw = pl.DataFrame([{n: c.get(n) for n in names} for c in cells], schema=dict.fromkeys(names, pl.String))
    raw = raw.with_columns(source_row=pl.int_range(2, 2 + len(raw), dtype=pl.Int64))
    picks = {n: Pick("first", (n,)) for n in names}
    return type_table(raw, "a.csv", Recipe("jd", picks, **recipe))


def one(cell: str, name: str = "order_id") -> Any:
    return typed({"order_id": "A1", name: cell}).rows[name].item()


def folded(*cells: dict[str, str], names: tuple[str, ...] = (*OUR, "sku", "line_id", "quantity", "unit_price"), sums: Any = None) -> Folded:
    return fold_orders(typed(*cells, names=names).rows, sums or {}, "zh-CN")


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-11 00:03:05", "2026/11/11 00:03:05", "2026-11-11T00:03:05", "2026-11-11 00:03:05.000", "20261111000305", "2026/11/11 0:03:05",
        "2026年11月11日 00:03:05", "2026.11.11 00:03:05", "2026-11-10T16:03:05Z", "2026-11-10T16:03:05+00:00", "2026-11-10 20:03:05 +0400",
        "2026-11-10 11:03:05 -0500", "２０２６-１１-１１ ００:０３:０５", "2026-11-11 12:03:05 AM", "1794326585", "1794326585000",
        "2026年11月11日0时03分05秒", "11/11/2026 00:03:05", "Wed Nov 11 00:03:05 CST 2026", "Tue Nov 10 16:03:05 UTC 2026",
        "1794326585000000", "1794326585000000000", "/Date(1794326585000)/", "2026-11-11 00:03:05,000", "November 11, 2026 00:03:05",
        "11 de noviembre de 2026 00:03:05 hs.", "11 de Novembro de 2026 às 0:03:05", "11th November 2026 00:03:05", "11-NOV-26 12.03.05.000000000 AM", "2026-11-11 00:03:05 Asia/Shanghai", "2026-11-11T00:03:05+08:00[Asia/Shanghai]",
        "2026-11-10T11:03:05[America/New_York]", "Wednesday, November 11, 2026 12:03:05 AM",
    ],
)  # fmt: skip
def test_spellings_of_one_instant(cell: str) -> None:
    """00:03:05 in Shanghai is 16:03:05 the day before in UTC, however it is written."""
    assert times(cell) == [utc(2026, 11, 10, 16, 3, 5)]


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2026-11-11 00:03", utc(2026, 11, 10, 16, 3)), ("2026-11-11", utc(2026, 11, 10, 16)), ("46337.5", utc(2026, 11, 11, 4)),
        ("2026年11月11日 下午3:05", utc(2026, 11, 11, 7, 5)), ("11 Nov 2026 00:03", utc(2026, 11, 10, 16, 3)),
        ("2026-11-11 24:00:00", utc(2026, 11, 11, 16)), ("2026/11/11 24:00", utc(2026, 11, 11, 16)), ("2026-02-28T24:00:00Z", utc(2026, 3, 1)),
    ],
)  # fmt: skip
def test_shorter_spellings(cell: str, instant: datetime) -> None:
    assert times(cell) == [instant]


@pytest.mark.parametrize("cell", ["2026-02-30 00:00:00", "2026-11-31 25:61:00", "昨天", "13/13/2026", "0", "99999999999999", "2026-13-01", "1.79433E+12", "2026-11-11 00:03:05 Nowhere/Land"])
def test_what_is_no_time_stays_null(cell: str) -> None:
    assert times(cell) == [None]


def test_day_or_month_first_is_settled_by_the_whole_column() -> None:
    """One 25 decides for all; without any, nothing is guessed; `order` settles it."""
    assert times("03/04/2026 10:00", "25/04/2026 10:00") == [utc(2026, 4, 3, 2), utc(2026, 4, 25, 2)]
    assert times("03/04/2026 10:00", "04/25/2026 10:00") == [utc(2026, 3, 4, 2), utc(2026, 4, 25, 2)]
    assert times("03/04/2026 10:00") == [None]
    assert times("03/04/2026 10:00", "11/11/2026 10:00") == [None, utc(2026, 11, 11, 2)]
    assert times("03/04/2026 10:00", order="day") == [utc(2026, 4, 3, 2)]
    assert times("03/04/2026 10:00", order="month") == [utc(2026, 3, 4, 2)]


def test_other_zone_and_clock_changes() -> None:
    """A skipped hour moves on, a repeated one is the earlier."""
    read = clocks.times(column("2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-07-01 12:00:00"), "Europe/Berlin").to_list()
    assert read == [utc(2026, 3, 29, 1, 30), utc(2026, 10, 25, 0, 30), utc(2026, 7, 1, 10)]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("299", "299"), ("1,299.00", "1299"), ("¥1,000.00", "1000"), ("￥12", "12"), ("12.00元", "12"), ("$45.99", "45.99"), ("-5.00", "-5"),
        ("１２．５０", "12.5"), ("CNY 12", "12"), ("0.10", "0.1"), ("12,345,678.90", "12345678.9"), ("0", "0"),
        ("人民币2000", "2000"), ("人民币：2,000.00元", "2000"), ("1 299,00", "1299"), ("1 234 567,8 ₽", "1234567.8"), ("1000（元）", "1000"),
        ("1000块", "1000"), ("1 000 zł", "1000"), ("1000 Kč", "1000"), ("1万", "10000"), ("1.2万", "12000"), ("3千", "3000"), ("1.2345678万元", "12345.678"),
        ("¥1.2 萬", "12000"), ("-1,000万", "-10000000"), ("1万2千", "12000"), ("12千块", "12000"), ("１.２万", "12000"),
    ],
)  # fmt: skip
def test_money_is_exact(cell: str, amount: str) -> None:
    assert values.money(column(cell)).item() == Decimal(amount)


@pytest.mark.parametrize("cell", ["12,5", "1,2,3", "abc", "12 5", "1.2.3", "免费", "1,29.00", "1 000,000", "万", "1万2", "1.2万3千", "1万12千", "3千万", "1,2万", "1万2千3"])
def test_what_is_no_money_stays_null(cell: str) -> None:
    """`12,5` may be twelve and a half or a hundred and twenty-five: nobody guesses."""
    assert values.money(column(cell)).item() is None


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["1万", "1.2万", "3千", "299.00"], [10_000, 12_000, 3_000, 299]),
        (["1.2万", "1.3万", "2.0万", ""], [None] * 4),  # each with one digit: a format
        (["1.2万", "0.03万", "299.00"], [None, None, 299]),  # nobody types 0.03万
        (["1.2万", "1.5万"], [12_000, 15_000]),
        (["1.2万", "1.3万", "2万"], [12_000, 13_000, 20_000]),
    ],
)
def test_a_spreadsheets_format_in_ten_thousands_hides_the_ends(cells: list[str], read: list[int | None]) -> None:
    assert values.money(column(*cells)).to_list() == [None if n is None else Decimal(n) for n in read]


def test_hidden_ends_are_told_with_their_repair() -> None:
    said = typed({"order_id": "A1", "amount": "0.03万"}).rejects["reason"].to_list()
    assert said == ["金额无法读取：'0.03万'；像是 Excel/WPS 把金额显示成“万”，尾数看不见；请把单元格格式改回“常规”再导出"]


@pytest.mark.parametrize(
    ("name", "phone", "read"),
    [
        ("张三[1234]", "13802580000", "13802580000-1234"),
        ("张三【1234】", "13802580000", "13802580000-1234"),
        ("张三[1234]", "13802580000-1234", "13802580000-1234"),
        ("张三[1234]", "138****0000", "138****0000"),
        ("张三[公司]", "13802580000", "13802580000"),
        ("张三[2]", "13802580000", "13802580000"),
        ("[1234]张三", "13802580000", "13802580000"),
        ("张三[1234]", "", None),
        ("", "13802580000", "13802580000"),
    ],
)
def test_an_extension_behind_the_name_belongs_to_the_number(name: str, phone: str, read: str | None) -> None:
    names = ("order_id", "receiver_name", "receiver_phone")
    cells = [{"order_id": "A", "receiver_name": name, "receiver_phone": phone}, {"order_id": "B", "receiver_name": "李四", "receiver_phone": "13802580001"}]
    assert typed(*cells, names=names).rows["receiver_phone"].to_list() == [read or None, "13802580001"]


TAIWAN = ("訂單編號", "付款時間")


def republican(*cells: str, heads: tuple[str, str] = TAIWAN, **recipe: Any) -> Typed:
    raw = pl.DataFrame([{heads[0]: f"T{i}", heads[1]: c, "電話" if heads is TAIWAN else "tel": "0912-345-678"} for i, c in enumerate(cells)])
    raw = raw.with_columns(source_row=pl.int_range(2, 2 + len(raw), dtype=pl.Int64))
    picks = {"order_id": Pick("first", heads[:1]), "paid_at": Pick("first", heads[1:])}
    return type_table(raw, "tw.csv", Recipe("jd", picks, **recipe))


@pytest.mark.parametrize("cell", ["民國114年11月11日 10:00", "民國114-11-11 10:00", "民国114/11/11 10:00:00", "中華民國 114 年 11 月 11 日 上午10:00", "民國１１４.１１.１１ 10:00"])
def test_a_year_of_the_republic_says_so(cell: str) -> None:
    assert times(cell) == [utc(2025, 11, 11, 2)]


@pytest.mark.parametrize("cell", ["114/11/11 10:00", "民國114年2月30日", "民國114", "民國114/13/01"])
def test_a_bare_or_impossible_year_of_the_republic_is_no_time(cell: str) -> None:
    assert times(cell) == [None]


def test_a_whole_column_of_bare_years_is_read_in_a_file_of_taiwan_and_told() -> None:
    read = republican("114/11/11 10:00", "114-11-12 10:00", "民國114年11月13日 10:00", "")
    assert read.rows["paid_at"].to_list() == [*(utc(2025, 11, d, 2) for d in (11, 12, 13)), None]
    assert [n.what.pick("zh-CN") for n in read.notes] == ["付款时间整列是三位数的年份（如 '114/11/11 10:00'），按民国年份读（114 年是 2025 年）"]
    by_phone = republican("114/11/11 10:00", heads=("order", "paid"))
    assert by_phone.rows["paid_at"].to_list() == [utc(2025, 11, 11, 2)]


@pytest.mark.parametrize("slot", ["114/11/12 23:00-01:00", "114/11/12 23:00-114/11/13 01:00", "114-11-12 23:00~114-11-13 01:00", "114年11月12日 23:00至114年11月13日 01:00", "民國114/11/12 23:00-次日01:00"])
def test_a_slot_of_bare_years_is_read_at_both_ends(slot: str) -> None:
    heads = ("訂單編號", "承諾發貨時間")
    raw = pl.DataFrame({heads[0]: ["1", "2"], heads[1]: [slot, "114/11/12 10:00"], "source_row": pl.Series([2, 3], dtype=pl.Int64)})
    picks = {"order_id": Pick("first", heads[:1]), "promised_at": Pick("first", heads[1:])}
    assert type_table(raw, "tw.csv", Recipe("jd", picks)).rows["promised_at"].to_list() == [utc(2025, 11, 12, 17), utc(2025, 11, 12, 2)]


def test_a_slip_beside_bare_years_is_set_aside_alone() -> None:
    read = republican("114/11/11 10:00", "114/11/12 10:00", "114/02/30 10:00")
    assert (read.rows["order_id"].to_list(), read.rejects["source_row"].to_list()) == (["T0", "T1"], [4])


@pytest.mark.parametrize(("heads", "cells"), [(("订单", "付款"), ["114/11/11 10:00"]), (TAIWAN, ["114/11/11 10:00", "2025-11-11 10:00", "2025-11-12 10:00"])])
def test_a_bare_year_that_nothing_proves_is_set_aside_with_the_way_out(heads: tuple[str, str], cells: list[str]) -> None:
    raw = pl.DataFrame([{heads[0]: f"T{i}", heads[1]: c} for i, c in enumerate(cells)]).with_columns(source_row=pl.int_range(2, 2 + len(cells), dtype=pl.Int64))
    picks = {"order_id": Pick("first", heads[:1]), "paid_at": Pick("first", heads[1:])}
    read = type_table(raw, "tw.csv", Recipe("jd", picks))
    assert read.rejects["reason"].to_list() == ["付款时间无法读取：'114/11/11 10:00'；像民国年份（114 年是 2025 年）但不能肯定；请写成 2025-11-11，或写明“民國114/11/11”"]


@pytest.mark.parametrize(("cell", "count"), [("2", 2.0), ("2件", 2.0), ("２", 2.0), ("x2", 2.0), ("×2", 2.0), ("共2件", 2.0), ("2.00 pcs", 2.0), ("1,000个", 1000.0), ("0次", 0.0), ("-1", -1.0),
                                              ("1.5kg", None), ("两件", None), ("2/2", None), ("1,5", None), ("", None), ("第2件", None)])  # fmt: skip
def test_counts_with_their_word(cell: str, count: float | None) -> None:
    assert values.fractional(column(cell, "7")).to_list() == [count, 7.0]
    assert values.whole(column(cell, "7")).to_list() == [None if count is None else int(count), 7]


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0, max_value=10**13))
def test_cents_come_back(cents: int) -> None:
    """Any amount, with and without thousands commas, to the last cent."""
    amount = Decimal(cents) / 100
    assert values.money(column(f"{amount:.2f}", f"{amount:,.2f}", f"¥{amount:,.2f}")).to_list() == [amount] * 3


def test_whole_numbers() -> None:
    assert values.whole(column("3", "3.0", "3.5", "x")).to_list() == [3, 3, None, None]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="3515313147000000017"', "3515313147000000017"), ("'13705810001", "13705810001"), ("\t6920000000000000001", "6920000000000000001"),
        ("00712", "00712"), ("\u00a0A1\u3000", "A1"), ("'+8613705810001", "+8613705810001"), ("#1001", "#1001"), ("\ufeffA1", "A1"),
    ],
)  # fmt: skip
def test_marks_for_spreadsheets_are_taken_off(cell: str, text: str) -> None:
    assert one(cell) == text


def test_an_apostrophe_of_the_text_stays() -> None:
    """Names and addresses may begin with one."""
    assert one("'t Hoekje 5, Gent", "address") == "'t Hoekje 5, Gent"


def test_no_coupon_no_note_no_key() -> None:
    """'' says "none"; the words for nothing in a key are null, so that they never group."""
    for word in ("0", "0.00", "无", "否", "未使用", "-", "--", "/", "N/A", ""):
        assert one(word, "coupon") == ""
    assert one("满减券30", "coupon") == "满减券30"
    for word in ("", "NULL", "nan", "N/A", "-", "无", "\\N", "无留言", "暂无"):
        assert one(word, "buyer_note") == ""
    assert one("无接触配送", "buyer_note") == "无接触配送"
    for word in ("-", "null", "未知", "N/A", "", "\\N", "#N/A", "(null)", "[NULL]"):
        assert one(word, "ip") is None
        assert one(word, "receiver_phone") is None


@pytest.mark.parametrize("cell", ["203.0.113.5", "203.0.113.005", "203.000.113.005, 198.51.100.1", "２０３.０.１１３.５", "::ffff:203.0.113.5", "203.0.113.5:443",
                                  "203.0.113.5，10.0.0.1", "203.0.113.5;10.0.0.1", "203.0.113.5 10.0.0.1", "203.0.113.5/10.0.0.1", "203.0.113.5:80|10.0.0.1", "203.0.113.5\n10.0.0.1", "unknown, 203.0.113.5", "127.0.0.1, 203.0.113.5",
                                  "203.0.113.5（广东深圳）", "203.0.113.5 广东省深圳市 电信", "IP:203.0.113.5", "203.0.113.5/32", "http://203.0.113.5", "203。0。113。5", '"203.0.113.5"'])  # fmt: skip
def test_one_address_on_the_net_has_one_spelling(cell: str) -> None:
    """However a gateway writes it: written apart, its orders were no burst."""
    assert one(cell, "ip") == "203.0.113.5"


@pytest.mark.parametrize("cell", ["203.0.113.0/24", "203.0.113.*, 10.0.0.1", "2001:db8::/64", "unknown", "10.0.x.x"])
def test_a_masked_address_is_none(cell: str) -> None:
    """A whole network behind one key would be a burst of strangers."""
    assert one(cell, "ip") is None


def test_column_that_was_not_exported_is_null() -> None:
    """Not the same as '' : a rule on it is not evaluable."""
    rows = typed({"order_id": "A1"}, names=("order_id",)).rows
    assert rows.select("coupon", "buyer_note", "amount", "ip").row(0) == (None, None, None, None)


def test_rows_without_id_date_or_amount_are_set_aside_with_row_and_reason() -> None:
    """The good ones go through; a blank amount or time is no error, an unreadable one is."""
    found = typed(
        {"order_id": "A1", "amount": "1.00", "created_at": "2026-11-11 00:00:00"},
        {"address": "云杉路"},
        {"order_id": "A3", "created_at": "昨天"},
        {"order_id": "A4", "amount": "12,5"},
        {"order_id": "A5", "paid_at": "2026-11-31"},
        {"order_id": "A6"},
    )
    assert found.rows["order_id"].to_list() == ["A1", "A6"]
    said = found.rejects.select("source_row", "reason").rows()
    assert [r for r, _ in said] == [3, 4, 5, 6]
    for (_, reason), words in zip(said, [("缺少订单编号",), ("下单时间", "'昨天'"), ("金额", "'12,5'"), ("付款时间", "'2026-11-31'")], strict=True):
        assert all(w in reason for w in words), reason
    assert "云杉路" in found.rejects["cells"][0]


def test_unreadable_lesser_value_is_a_notice_not_a_reject() -> None:
    found = typed({"order_id": "A1", "registered_at": "去年"}, names=("order_id", "registered_at"))
    assert (found.rows["order_id"].to_list(), found.rows["registered_at"].to_list()) == (["A1"], [None])
    (note,) = found.notes
    assert (note.where, note.line, note.fatal) == ("a.csv", 2, False)
    assert "去年" in note.text("zh-CN")


def test_reasons_in_english() -> None:
    found = typed({"address": "x"}, {"order_id": "A2", "amount": "12,5"}, locale="en")
    assert found.rejects["reason"].to_list()[0].startswith("no order number")
    assert found.rejects["reason"].to_list()[1].startswith("unreadable amount: '12,5'")


def test_platform_words_for_nothing() -> None:
    assert typed({"order_id": "A1", "address": "-"}, blanks=("-",)).rows["address"].item() is None


SAME = {"order_id": "A1", "receiver_phone": "137", "amount": "358.00", "created_at": "2026-11-11 00:00:00"}


def test_item_rows_fold_to_one_order() -> None:
    """The order's amount counts once, its items stay two lines."""
    found = folded(SAME | {"sku": "X", "quantity": "1"}, SAME | {"sku": "Y", "quantity": "2"})
    assert found.orders.select("order_id", "amount").rows() == [("A1", Decimal(358))]
    assert sorted(found.lines.select("sku", "quantity").rows()) == [("X", 1.0), ("Y", 2.0)]
    assert (found.folded, len(found.rejects)) == ({"a.csv": 1}, 0)


def test_facts_on_the_first_row_only() -> None:
    """Shopify fills the later rows of an order with item facts alone."""
    found = folded(SAME | {"sku": "X"}, {"order_id": "A1", "sku": "Y"})
    assert found.orders.select("amount", "receiver_phone").rows() == [(Decimal(358), "137")]
    assert len(found.lines) == 2


def test_sub_orders_add_up() -> None:
    """Each row has its own price times quantity: the order is their sum, also when they are equal."""
    sums = {"jd": {"amount": "sum_unless_repeated"}}
    first = {"order_id": "A1", "line_id": "1", "quantity": "2", "unit_price": "50.00", "amount": "100.00"}
    other = first | {"line_id": "2", "quantity": "1", "unit_price": "30.00", "amount": "30.00"}
    assert folded(first, other, sums=sums).orders["amount"].item() == Decimal(130)
    assert folded(first, first | {"line_id": "2"}, sums=sums).orders["amount"].item() == Decimal(200)


def test_repeated_order_amount_is_not_added() -> None:
    """The same total on each row, and no row's own price times quantity: it is the order's."""
    sums = {"jd": {"amount": "sum_unless_repeated"}}
    rows = [SAME | {"line_id": n, "quantity": "1", "unit_price": p} for n, p in (("1", "58.00"), ("2", "300.00"))]
    assert folded(*rows, sums=sums).orders["amount"].item() == Decimal(358)


def test_of_several_promises_the_first_and_of_several_ships_the_last_speak() -> None:
    """An order is late as soon as one of its items is, and has left when all have."""
    names = ("order_id", "promised_at", "shipped_at", "prior_orders", "sku", "line_id")
    row = {"order_id": "A1", "sku": "s"}
    both = folded(
        {**row, "line_id": "1", "promised_at": "2026-11-13 09:00:00", "shipped_at": "2026-11-12 09:00:00", "prior_orders": "2"},
        {**row, "line_id": "2", "promised_at": "2026-11-12 09:00:00", "shipped_at": "2026-11-13 09:00:00", "prior_orders": "3"},
        names=names,
    ).orders
    assert both.select("promised_at", "shipped_at", "prior_orders").row(0) == (utc(2026, 11, 12, 1), utc(2026, 11, 13, 1), 3)


def test_same_row_in_two_exports_counts_once() -> None:
    rows = typed(SAME).rows
    both = pl.concat([rows, rows.with_columns(source_file=pl.lit("b.csv"))])
    found = fold_orders(both, {}, "zh-CN")
    assert (len(found.orders), len(found.rejects), sum(found.folded.values())) == (1, 0, 1)


def test_rows_that_contradict_their_order_are_set_aside() -> None:
    """One number, two phones: one row stays, the other is named with both values."""
    found = folded(SAME, SAME | {"receiver_phone": "139"})
    assert found.orders["receiver_phone"].to_list() == ["137"]
    (reject,) = found.rejects.to_dicts()
    assert (reject["source_file"], reject["source_row"]) == ("a.csv", 3)
    assert all(word in reject["reason"] for word in ("'139'", "'137'", "第 2 行"))


def test_one_number_on_two_platforms_is_two_orders() -> None:
    names = (*OUR, "platform")
    rows = typed(SAME | {"platform": "京东"}, SAME | {"platform": "淘宝", "receiver_phone": "139"}, names=names).rows
    found = fold_orders(rows, {}, "zh-CN")
    assert (len(found.orders), len(found.rejects)) == (2, 0)


def test_one_order_under_several_words_for_its_platform_is_one() -> None:
    """The platform's own row speaks, else the first word; what it does not tell, the others do."""
    names, ids = (*OUR, "platform"), {"京东": "jd", "京东商城": "jd"}
    own = SAME | {"platform": "jd", "ip": None}
    erp = SAME | {"platform": "京东", "receiver_phone": "139", "ip": "192.0.2.9"}
    others = [SAME | {"order_id": "B1", "platform": "京东", "ip": None}, SAME | {"order_id": "B1", "platform": "京东商城", "receiver_phone": "139", "ip": "192.0.2.8"}]
    found = fold_orders(typed(own, erp, *others, names=names).rows, {}, "zh-CN", ids)
    told = found.orders.select("platform", "order_id", "receiver_phone", "ip").sort("order_id", "platform")
    assert told.rows() == [("jd", "A1", "137", "192.0.2.9"), ("京东", "B1", "137", "192.0.2.8")]
    assert found.rejects.is_empty()


def test_amounts_of_lines_add_up_beside_another_systems_row_of_the_order() -> None:
    names, ids = (*OUR, "platform", "sku", "quantity", "unit_price"), {"京东": "x", "jd": "x"}
    lines = [SAME | {"platform": "jd", "sku": s, "quantity": "1", "unit_price": p, "amount": p} for s, p in (("A", "50"), ("B", "38"))]
    erp = SAME | {"platform": "京东", "amount": "88"}
    for rows in ([*lines, erp], [erp, *lines]):
        found = fold_orders(typed(*rows, names=names).rows, {}, "zh-CN", ids)
        assert (found.orders["amount"].to_list(), len(found.rejects), sorted(found.lines["sku"])) == ([Decimal(88)], 0, ["A", "B"])


def test_coupon_or_note_of_any_item_row_counts() -> None:
    found = folded(SAME | {"sku": "X", "coupon": "0"}, SAME | {"sku": "Y", "coupon": "满减", "buyer_note": "送人"})
    assert found.orders.select("coupon", "buyer_note").rows() == [("满减", "送人")]


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_row_order_does_not_matter(shuffle: random.Random) -> None:
    """The same rows in any order give the same orders and the same number of rejects."""
    cells = [
        SAME | {"sku": "X"}, SAME | {"sku": "Y"}, SAME | {"receiver_phone": "139"}, {"order_id": "A1", "sku": "Z"},
        {"order_id": "B1", "amount": "5"}, {"order_id": "B1", "amount": "6"}, {"order_id": "C1", "ip": "192.0.2.1"},
    ]  # fmt: skip
    mixed = shuffle.sample(cells, len(cells))
    kept = [c for c in OUR if c != "source_row"]
    first, second = folded(*cells), folded(*mixed)
    assert first.orders.sort("order_id").select(kept).equals(second.orders.sort("order_id").select(kept))
    assert len(first.rejects) == len(second.rejects)
    assert sorted(first.lines["sku"].to_list()) == sorted(second.lines["sku"].to_list())


def _odd_cells(rng: random.Random, height: int) -> dict[str, list[str | None]]:
    """Columns clean for the most part, each of a kind that is looked at in its own way, with a few odd cells anywhere."""
    usual: dict[str, Any] = {
        "order_id": lambda n: f"30{n:012}", "receiver_phone": lambda n: f"138{n:08}", "address": lambda n: f"某路{n}号", "amount": lambda n: f"{n % 900}.{n % 100:02}",
        "created_at": lambda n: f"2026-{n % 12 + 1:02}-11 {n % 24:02}:03:05", "paid_at": lambda n: f"2026/11/11 {n % 24}:03", "ip": lambda n: f"198.51.{n % 250}.{n % 99}",
        "buyer_note": lambda n: ("请快", "", None)[n % 3], "coupon": lambda n: ("满减", "0", "无", "")[n % 4],
    }  # fmt: skip
    odd = (" {}", "{}\t", "'{}", '="{}"', "\u3000{}\u00a0", "\ufeff{}", "{}\u200b", "", "-", "null", "x", "1,299.00", "¥5", "2026-13-40", "26-11-11 00:00:00", "2026年1月2日",
           "0000-00-00", "0001-01-01 00:00:00", "127.0.0.1", "10.0.x.x", "::1", "03/04/2026")  # fmt: skip
    cells = {name: [usual[name](n) for n in range(height)] for name in OUR}
    for name in OUR:
        for n in rng.sample(range(height), rng.choice([0, 1, 5, 40])):
            cells[name][n] = rng.choice(odd).replace("{}", str(cells[name][n] or ""))
    return cells


@settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_long_table_is_read_as_its_short_pieces(rng: random.Random) -> None:
    """What proves a long column clean (few texts, digits alone, a look at both ends) hides no odd cell."""
    height = 5_400
    raw = pl.DataFrame(_odd_cells(rng, height), schema=dict.fromkeys(OUR, pl.String)).with_columns(source_row=pl.int_range(2, 2 + height, dtype=pl.Int64))
    recipe = Recipe("jd", {n: Pick("first", (n,)) for n in OUR}, date_order="day")
    whole = type_table(raw, "a.csv", recipe)
    pieces = [type_table(raw[at : at + 1_350], "a.csv", recipe) for at in range(0, height, 1_350)]
    assert whole.rows.equals(pl.concat([p.rows for p in pieces]))
    assert whole.rejects.equals(pl.concat([p.rejects for p in pieces]))


def test_a_row_set_aside_is_written_as_an_export_writes_it() -> None:
    """On the shop's clock, without places of ours: whoever corrects rejected.csv knows it again."""
    cells = {"order_id": "A1", "amount": "338.9", "created_at": "2026-11-10", "paid_at": "2026-07-10 10:00:00.5", "quantity": "2", "unit_price": "169.45"}
    rows = typed(cells, {**cells, "amount": "338.95", "registered_at": "2026-11-01 08:00:00"}, names=(*OUR, "quantity", "unit_price")).rows
    (told,) = [json.loads(c) for c in fold_orders(rows, {}, "zh-CN", None, ZONE).rejects["cells"]]
    assert (told["amount"], told["created_at"], told["paid_at"], told["quantity"], told["unit_price"]) == ("338.95", "2026-11-10", "2026-07-10 10:00:00.500", "2", "169.45")
    assert "device_id" not in told
    (told,) = [json.loads(c) for c in fold_orders(rows, {}, "en", None, "America/New_York").rejects["cells"]]
    assert told["paid_at"] == "2026-07-09 22:00:00.500-04:00"  # in summer: an hour of the autumn comes twice


@pytest.mark.parametrize(("cell", "marked"), [("2026-11-11", True), ("2026/11/11", True), ("20261111", True), ("2026年11月11日", True), ("Nov-11-2026", True), ("2026-11-11 00:00:00", False),
                                              ("2026-11-11 00:00", False), ("20261111000000", False), ("2026年11月11日 00:00", False), ("2026-11-11 00:00:01", False), ("2026-11-11T00:00:00+08:00", False)])  # fmt: skip
def test_a_date_without_a_time_of_day_is_known_to_the_day_only(cell: str, *, marked: bool) -> None:
    read = typed({"order_id": "A1", "created_at": cell})
    assert (read.rows["created_at"].dt.microsecond().item() == DAY_ONLY) is marked
    assert any("不足一天" in n.text("zh-CN") for n in read.notes) is marked


def test_a_file_of_midnights_is_one_of_days() -> None:
    """Every order of several days at 00:00:00 in full: a spreadsheet wrote the times, nobody ordered so. A few such orders are believed."""
    cells = [{"order_id": f"A{n}", "created_at": f"2026-11-{n % 5 + 1:02} 00:00:00"} for n in range(40)]
    assert set(typed(*cells).rows["created_at"].dt.microsecond()) == {DAY_ONLY}
    assert set(typed(*cells[:10]).rows["created_at"].dt.microsecond()) == {0}
    one_day = [{**c, "created_at": "2026-11-11 00:00:00"} for c in cells]
    assert set(typed(*one_day).rows["created_at"].dt.microsecond()) == {0}
    mixed = typed(*cells, {"order_id": "B", "created_at": "2026-11-01 10:00:00"}).rows["created_at"]
    assert set(mixed.dt.microsecond()) == {0}


def test_a_day_is_no_burst_of_five_minutes() -> None:
    """It is in no window shorter than a day, and in those of a day or more."""
    read = typed(*[{"order_id": f"A{n}", "created_at": "2026-11-11", "ip": "192.0.2.7"} for n in range(4)]).rows
    short = fullest_window(read["ip"], read["created_at"], timedelta(minutes=5), 3)
    assert short.to_list() == [None] * 4
    assert fullest_window(read["ip"], read["created_at"], timedelta(days=1), 3).to_list() == [4] * 4


def test_a_slot_over_midnight_ends_on_the_next_day_of_the_shop() -> None:
    column = pl.Series("promised_at", ["2026-11-20 23:30-00:30", "2026-12-31 23:00~01-01 01:00"])
    read = slot_ends(column, partial(clocks.times, zone="Asia/Shanghai"), "Asia/Shanghai")
    local = read.dt.convert_time_zone("Asia/Shanghai")
    assert [f"{t:%Y-%m-%d %H:%M}" for t in local] == ["2026-11-21 00:30", "2027-01-01 01:00"]


def test_a_slot_is_read_with_the_day_and_month_order_of_its_file() -> None:
    names = ("order_id", "created_at", "promised_at")
    cells = {"order_id": "1", "created_at": "25/11/2026 10:00", "promised_at": "03/12/2026 18:00-19:00"}
    assert typed(cells, names=names).rows["promised_at"][0] == utc(2026, 12, 3, 11)


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("2026-11-20 18:00-19:00", "11:00"),
        ("2026-11-20 08:00-09:00", "01:00"),  # no zone of Alaska
        ("2026-11-20 18:00~18:30", "10:30"),
        ("2026年11月20日 18：00至18：30", "10:30"),
        ("2026-11-20 18:00:00-2026-11-20 19:00:00", "11:00"),
        ("2026-11-20 8:00 - 9:30", "01:30"),
        ("2026-11-20 18:00:00-05:00", "23:00"),  # a time with its zone
        ("2026-11-20T18:00-05:00", "23:00"),
        ("2026-11-20 18:00", "10:00"),
        ("2026-11-20 23:30-00:30", "16:30"),  # over midnight: the 21st
        ("2026-11-20 22:00-00:00", "16:00"),
        ("2026-11-20 22:00-24:00", "16:00"),
        ("2026-11-20 23:00-05:00", "21:00"),
        ("2026-11-20 18:00-05:00", None),  # New York's zone, or a night of eleven hours
        ("2026-11-20 18:00~05:00", "21:00"),
        ("2026-11-20 18:00 至 次日 05:00", "21:00"),
        ("2026-11-20 23:00-次日01:00", "17:00"),
        ("2026-11-20 23:00 至 翌日 01:00", "17:00"),
        ("2026-11-20 23:00 - 2026-11-21 01:00", "17:00"),
        ("2026年11月20日 23:00-2026年11月21日01:00", "17:00"),
        ("2026-11-20 23:00~11-21 01:00", "17:00"),
        ("2026年11月20日 23:00~11月21日 01:00", "17:00"),
        ("2026-02-31 23:00~2026-11-21 01:00", "17:00"),  # the end is what was promised
        ("2026-11-20 23:00~2026-02-31 01:00", None),
        ("2026-02-31 23:00-01:00", None),
        ("23:00-01:00", None),
    ],
)
def test_a_slot_of_time_promises_its_end(cell: str, wanted: str | None) -> None:
    column = pl.Series("promised_at", [cell, "2026-11-21 07:00:00", None])
    read = slot_ends(column, partial(clocks.times, zone="Asia/Shanghai"), "Asia/Shanghai")
    assert [t and t.strftime("%H:%M") for t in read.to_list()] == [wanted, "23:00", None]


@pytest.mark.parametrize("word", ["NaN", "nan", "inf", "-Infinity", "1e400"])
def test_no_number_is_no_quantity(word: str) -> None:
    """A cast makes floats of them, which are more than any stock and equal to nothing."""
    text = pl.Series("quantity", ["2", word, "3件"])
    assert values.fractional(text).to_list() == [2, None, 3]
    assert values.fractional(text, first=text.cast(pl.Float64, strict=False)).to_list() == [2, None, 3]
    assert values.fractional(pl.Series([2.5, float(word)])).to_list() == [2.5, None]
    assert values.whole(text).to_list() == [2, None, 3]


def test_a_sum_of_nothing_but_dashes_is_no_sum() -> None:
    texts = [pl.Series(["-", "1", None]), pl.Series([None, "-", "--"])]
    assert picking._added(texts, 0).to_list() == [None, Decimal(1), None]
