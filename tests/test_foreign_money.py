"""Sums that are no yuan though no column says so, and who says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import House, book, shell

from orderguard.currencies import currency_of_language, heading_unit
from orderguard.errors import OrderguardError
from orderguard.platforms.profile import heading_key

if TYPE_CHECKING:
    from pathlib import Path

ROUND = "{id: round, kind: round_amount, points: 30}"


def coverage(house: House) -> tuple[int, int, int]:
    """Judged, hits, not evaluable."""
    told = pl.read_parquet(house.out / "coverage.parquet").select("judged", "hits", "not_evaluable").sum().row(0)
    return told[0], told[1], told[2]


def scanned(folder: Path, text: str, head: str = "") -> tuple[House, list[str]]:
    """A scan of one CSV by the one rule, and its notices."""
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    house = House(folder, book(ROUND, head=head))
    return house, [p.what.en for p in house.scan(path).problems]


KOREAN = "주문번호,주문일시,수취인이름,결제금액,배송메세지\n1,2026-11-11 10:00:00,김철수,12000,\n"


@pytest.mark.parametrize(
    "text",
    [
        "订单编号,下单时间,实付金额(日元),买家留言,运费（元）\n1,2026-11-11 10:00:00,12000,,2\n",
        "订单编号,下单时间,实付金额/USD,买家留言\n1,2026-11-11 10:00:00,12000,\n",
        "Order ID,Order Date,Total USD,Customer Note\n1,2026-11-11 10:00:00,12000,\n",
        "Order ID,Order Date,Total,Shipping (EUR),Customer Note\n1,2026-11-11 10:00:00,12000,3,\n",
        'Номер заказа,Дата заказа,"Сумма, ₽",Комментарий покупателя\n1,2026-11-11 10:00:00,12000,\n',
        "订单编号,下单时间,实付金额,单价,买家留言\n1,2026-11-11 10:00:00,12000,₩6000,\n",
        "Order ID,Order Date,Total,Customer Note\n1,2026-11-11 10:00:00,Rs. 12000,\n",
        KOREAN,
        "注文番号,注文日時,お届け先氏名,合計金額,お支払い方法,備考\n1,2026-11-11 10:00:00,鈴木,12000,,\n",
    ],
)
def test_foreign_sums_are_no_round_yuan(tmp_path: Path, text: str) -> None:
    """By the heading's unit, another heading's, a symbol beside another sum, or the language."""
    house, _ = scanned(tmp_path, text)
    assert coverage(house) == (0, 0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "订单编号,下单时间,实付金额(元),买家留言,国际运费(USD)\n1,2026-11-11 10:00:00,12000,,2\n",
        "订单编号,下单时间,实付金额,买家留言\n1,2026-11-11 10:00:00,12000,\n",
        "订单编号,下单时间,实付金额,买家留言,汇率(USD)\n1,2026-11-11 10:00:00,12000,,7.1\n",
        "Order ID,Order Date,Total,Customer Note\n1,2026-11-11 10:00:00,12000,\n",
        "訂單編號,下單時間,實付金額,買家留言\n1,2026-11-11 10:00:00,12000,\n",
    ],
)
def test_sums_without_a_word_stay_the_shops_own(tmp_path: Path, text: str) -> None:
    house, said = scanned(tmp_path, text)
    assert coverage(house) == (1, 1, 0)
    assert not [s for s in said if "currency" in s]


def test_a_guess_by_language_is_told_and_the_rulebook_overrules_it(tmp_path: Path) -> None:
    for name, head, wanted, told in (
        ("a", "", (0, 0, 1), 1),
        ("b", "currency: CNY", (1, 1, 0), 0),
        ("c", "currency: {platform: {generic: 人民币}}", (1, 1, 0), 0),
        ("d", "currency: 日元", (0, 0, 1), 0),
    ):
        (tmp_path / name).mkdir()
        house, said = scanned(tmp_path / name, KOREAN, head)
        assert (coverage(house), sum("KRW" in s for s in said)) == (wanted, told), name


def test_the_rulebook_says_it_by_shop_and_platform(tmp_path: Path) -> None:
    """The order's own word, then its shop's, its platform's, and the default."""
    rows = [("1", "东京店", "京东", ""), ("2", "本店", "京东", ""), ("3", "本店", "拼多多", ""), ("4", "东京店", "京东", "CNY"), ("5", "本店", "淘宝", "")]
    lines = [",".join([*row, "", "9000", "2026-11-11 10:00:00"]) for row in rows]
    text = "\n".join(["订单编号,店铺名称,平台,币种,买家留言,实付金额,下单时间", *lines, ""])
    house, _ = scanned(tmp_path, text, "currency: {default: CNY, platform: {jd: USD}, shop: {东京店: JPY}}")
    assert house.findings() == {("3", "round"), ("4", "round"), ("5", "round")}


def test_a_word_that_is_no_currency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OrderguardError) as told:
        book(ROUND, head="currency: {platform: {jd: 银子}}")
    assert "银子" in str(told.value)
    path = tmp_path / "rules.yaml"
    path.write_text(f"version: 1\nbands: {{review: 20, hold: 30}}\ncurrency: {{shop: 5}}\nrules:\n  - {ROUND}\n", encoding="utf-8")
    done = shell("rules", "check", path, cwd=tmp_path)
    assert done.returncode == 2
    assert "rules.yaml:3" in done.stderr


@pytest.mark.parametrize(
    ("heading", "key", "code"),
    [("Total (USD)", "total", "USD"), ("合计金额【日元】", "合计金额", "JPY"), ("Сумма, руб.", "сумма", "RUB"), ("金额/元", "金额", ""), ("Amount_KRW", "amount", "KRW"),
     ("実付金額(円)", "実付金额", "JPY"), ("手机/电话", "手机/电话", None), ("USD", "usd", None), ("(USD)", "(usd)", None), ("数量(件)", "数量", None),
     ("Item SKU", "itemsku", None), ("单价（单位：元）", "单价", "")],
)  # fmt: skip
def test_units_of_headings(heading: str, key: str, code: str | None) -> None:
    assert (heading_key(heading), heading_unit(heading)[1]) == (key, code)


def test_chinese_and_english_headings_are_no_foreign_language() -> None:
    assert currency_of_language(["订单编号", "下单时间", "收货人", "实付金额"]) == ""
    assert currency_of_language(["Order ID", "Name", "Total", "Prix"]) == ""
    assert currency_of_language(["หมายเลขคำสั่งซื้อ", "ราคา", "ที่อยู่", "SKU"]) == "THB"


@pytest.mark.parametrize(
    ("head", "cells", "wanted"),
    [("No. Pesanan,Nama Penerima,Alamat Pengiriman,Total Pembayaran", ["125.000", "65.000", "980"], [125_000, 65_000, 980]),
     ("No. Pesanan,Nama Penerima,Alamat Pengiriman,Total Pembayaran", ["125.000", "65.50", "980"], [125, 65.5, 980]),
     ("Order ID,Name,Address,Total (VND)", ["125.000", "65000", "1.250.000"], [125_000, 65_000, 1_250_000]),
     ("Order ID,Name,Address,Total (USD)", ["125.000", "65.000", "980"], [125, 65, 980])],
)  # fmt: skip
def test_dots_part_thousands_where_the_currency_has_no_cents(tmp_path: Path, head: str, cells: list[str], wanted: list[float]) -> None:
    rows = "".join(f"{n},甲,某路,{cell}\n" for n, cell in enumerate(cells))
    house, _ = scanned(tmp_path, f"{head}\n{rows}")
    kept = pl.concat([pl.read_parquet(f) for f in (house.ledger / "orders").rglob("*.parquet")]).sort("order_id")
    assert kept["amount"].cast(pl.Float64).to_list() == wanted


@pytest.mark.parametrize(
    ("setting", "zh", "en"),
    [("JPY", "实付 12000 JPY，是 1000 JPY的整数倍，且留言为空", "paid 12000 JPY, a multiple of 1000, without a note"),
     ("null", "实付 12000 JPY，是 1000 JPY的整数倍，且留言为空", "paid 12000 JPY, a multiple of 1000, without a note")],
)  # fmt: skip
def test_a_reason_names_the_money_it_is_about(tmp_path: Path, setting: str, zh: str, en: str) -> None:
    """It said 元 of yen."""
    rule = f"{{id: round, kind: round_amount, with: {{currency: {setting}}}, points: 30}}"
    path = tmp_path / "a.csv"
    path.write_text("订单编号,下单时间,实付金额(日元),买家留言\n1,2026-11-11 10:00:00,12000,\n", encoding="utf-8")
    for locale, wanted in (("zh-CN", zh), ("en", en)):
        (tmp_path / locale).mkdir()
        house = House(tmp_path / locale, book(rule, head=f"locale: {locale}"))
        house.scan(path)
        assert pl.read_parquet(house.out / "findings.parquet")["reason"].to_list() == [wanted]


def test_a_cluster_reads_the_headings_that_tell_the_currency() -> None:
    """Columns that no rule reads stay on the disk, but not one whose heading says what money it is."""
    from orderguard.platforms import load_profiles, match_header
    from orderguard.stages.spark import used_columns

    profiles = load_profiles()
    for headings, whole in ((["Order ID", "Order Date", "Total", "Shipping (EUR)"], True), (["Order ID", "Order Date", "Total", "Colour of box"], False)):
        used = used_columns(match_header(headings, profiles), profiles, headings)
        assert (used == headings) is whole


def test_a_hostile_heading_is_no_work() -> None:
    """Its unit stands at its end: only that is looked at (a second each for thirty thousand characters before)."""
    from orderguard.currencies import without_cents

    assert without_cents("（单位：分" * 6_000) == ("（单位：分" * 6_000, False)
    assert without_cents("x" * 5_000 + "(分)") == ("x" * 5_000, True)
    assert heading_unit("x" * 5_000 + "(USD)") == ("x" * 5_000, "USD")
