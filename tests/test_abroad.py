"""Files as other countries' systems write them: old encodings, a day and its clock in two columns, commas before the cents."""

from __future__ import annotations

import datetime as dt
import json
import random
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
import xlsxwriter
from house import NOW, book

from orderguard.ingest.encodings import to_utf8
from orderguard.normalise.clocks import with_clocks
from orderguard.normalise.values import money
from orderguard.platforms import load_profiles, match_header
from orderguard.route import Team
from orderguard.stages.options import Options
from orderguard.stages.reading import read_orders

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = load_profiles()
RULES = book("{id: a, kind: round_amount, points: 1, with: {}, says: x}")


def orders(path: Path) -> pl.DataFrame:
    read = read_orders(Options([str(path)], RULES, Team(), path.parent / "out", path.parent / "ledger", NOW, "r"), PROFILES)
    assert not len(read.rejects)
    return read.orders.sort("order_id")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp932", "注文番号,注文日時,氏名\n1,2026/11/11,鈴木花子\n"),
        ("cp932", "OrderId,ShipName,BuyerComments\n1,鈴木花子,早めにお願いします\n"),
        ("euc_jp", "注文番号,注文日時,送付先\n1,2026/11/11,鈴木花子\n"),
        ("cp949", "주문번호,상품명,수취인이름\n1,분유,이영희\n"),
        ("cp1251", "Номер заказа;Дата;Статус\n1;2;Новый\n"),
        ("cp874", "หมายเลขคำสั่งซื้อ,ชื่อผู้รับ\n1,สมชาย\n"),
        ("cp1252", "Order ID,Name,City\n1,José Núñez,Málaga\n2,Müller,Köln\n3,Bob,Austin\n"),
        ("cp1252", "Bestellnummer;Währung;Straße;Betrag\n1;EUR;Hauptstraße 1;1.299,00 €\n"),
        ("cp1252", "Name,Total\nJosé,5\n" + "Bob,5\n" * 50),
        ("cp1252", "Name,Note\nJosé Núñez,¡gracias! ¿qué tal?\nZoë,1 Peña St\n"),
        ("cp1254", "Sipariş Numarası;Alıcı;Ürün Adı;İl\n1;Ayşe Yılmaz;Süt;İstanbul\n"),
        ("cp1250", "Numer zamówienia;Imię;Płatność;Ilość\n1;Łukasz Żak;zł;2\n"),
        ("big5hkscs", "Order,Name\n1,陳大文\n2,林美\n"),
        ("gb18030", "order_id,name\n1,喆a\n2,堃b\n"),
        ("gb18030", "order_id,note\n1,ok\n2,Mr王先生a\n"),
        ("gb18030", "订单编号,商品名称,收货人\n1,テスト プレゼント,𠮷野\n"),
        ("gb18030", "订单编号,收货人\n" + "".join(f"{n},欧阳镕基{n}\n" for n in range(9))),
    ],
)
def test_the_encoding_proves_itself(encoding: str, text: str) -> None:
    """Bytes of nearly all of these are valid GB18030 too: read so, other people's names would stand in the order."""
    told, read = to_utf8(text.encode(encoding), "a.csv")
    assert (told, read.decode()) == (encoding, text)


def test_chinese_text_stays_chinese() -> None:
    """Of 500 short lists of everyday characters none is taken for a foreign script."""
    draw = random.Random(7)
    common = [bytes([a, b]).decode("gb2312") for a in range(0xB0, 0xD7) for b in range(0xA1, 0xFA)]
    for _ in range(500):
        rows = "".join(f"{n},{''.join(draw.choices(common, k=3))},{''.join(draw.choices(common, k=8))}1a\n" for n in range(5))
        assert to_utf8(f"order_id,name,address\n{rows}".encode("gbk"), "a.csv")[0] == "gb18030"


def test_a_shift_jis_export_of_rakuten_is_read_whole(tmp_path: Path) -> None:
    """Names in two columns, phones in three."""
    head = "注文番号,ステータス,注文日時,請求金額,送付先住所都道府県,送付先姓,送付先名,送付先電話番号1,送付先電話番号2,送付先電話番号3,ひとことメモ"
    path = tmp_path / "rms.csv"
    path.write_text(f"{head}\n123456-1,300,2026-11-11 00:03:05,2800,大阪府,鈴木,花子,080,8765,4321,\n", encoding="cp932")
    row = orders(path).row(0, named=True)
    assert (row["platform"], row["receiver_name"], row["province"], row["stage"]) == ("rakuten", "鈴木 花子", "大阪府", "paid")
    assert row["receiver_phone"].replace(" ", "") == "08087654321"
    assert row["currency"] == "JPY"  # 1,000 yen are no round sum of yuan


def test_a_day_and_its_clock_are_one_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["A1,2026-11-11,00:03:05,5", "A2,20261111,12:03:05,5", "A3,2026年11月11日,上午9:05,6", "A5,2026-11-12,,6"]
    path.write_text("\n".join(["订单编号,下单日期,下单时间,实付金额", *rows]), encoding="utf-8")
    read = [t.isoformat() for t in orders(path)["created_at"]]
    assert read[:3] == ["2026-11-10T16:03:05+00:00", "2026-11-11T04:03:05+00:00", "2026-11-11T01:05:00+00:00"]
    assert read[3] == "2026-11-11T16:00:00.271828+00:00"  # a day, no clock


def test_clocks_of_a_book_and_of_english_exports(tmp_path: Path) -> None:
    """Excel gives a clock alone the day 1899-12-31."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as file:
        sheet, day, clock = file.add_worksheet(), file.add_format({"num_format": "yyyy-mm-dd"}), file.add_format({"num_format": "hh:mm:ss"})
        sheet.write_row(0, 0, ["Order ID", "Order Date", "Order Time", "Order Total"])
        for n, at in enumerate([dt.time(8, 3, 1), dt.time(0, 0, 0)], 1):
            sheet.write(n, 0, f"A{n}")
            sheet.write_datetime(n, 1, dt.date(2026, 11, 11), day)
            sheet.write_datetime(n, 2, at, clock)
            sheet.write(n, 3, 5)
    assert [t.isoformat() for t in orders(path)["created_at"]] == ["2026-11-11T00:03:01+00:00", "2026-11-10T16:00:00+00:00"]


def test_columns_of_times_without_a_clock_column_stay() -> None:
    whole, other = pl.Series(["2026-11-11 10:00", None]), pl.Series([None, "2026-11-12"])
    assert [t.to_list() for t in with_clocks([whole, other])] == [whole.to_list(), other.to_list()]
    alone = pl.Series(["10:00", "11:00"])
    assert with_clocks([alone, pl.Series([None, None], dtype=pl.String)])[0].to_list() == ["10:00", "11:00"]


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["129,90", "15,00", "1.299,00", "5", "7,5"], ["129.90", "15", "1299", "5", "7.5"]),
        (["129,90", "1.299"], ["129.90", "1299"]),
        (["12,50", "12.50"], [None, "12.50"]),  # both ways in one column: nobody guesses
        (["12,50", "1,299"], [None, "1299"]),
        (["12,50", *["5"] * 9], [None, *["5"] * 9]),  # one slip among whole amounts
    ],
)
def test_commas_before_cents_are_told_by_the_column(cells: list[str], read: list[str | None]) -> None:
    assert money(pl.Series(cells)).to_list() == [Decimal(r) if r else None for r in read]


@pytest.mark.parametrize("head", ["Order Id,SKU,Product,Buyer name,Ship to name,Address Line 1,Address Line 2,City,State,Invoice Amount",
                                  "订单编号,门店名称,下单时间,用户姓名,用户电话,用户地址,用户实付,平台优惠,商家优惠,骑手姓名"])  # fmt: skip
def test_one_heading_makes_no_platform(head: str) -> None:
    """Address Line 2 was TikTok's, 商家优惠 Douyin's: the receiver's columns stayed empty."""
    assert match_header(head.split(","), PROFILES).profile.platform == "generic"


def test_facts_of_the_buyer_within_an_order_of_json(tmp_path: Path) -> None:
    """What decides new-account-coupon was left blank beneath `user`."""
    user = {"id": 7, "registeredAt": "2026-11-10 09:00:00", "orderCount": 0}
    items = [{"skuCode": "NF-900", "name": "奶粉", "qty": 2}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": [{"orderNo": "A1", "user": user, "payAmount": 5, "createTime": "2026-11-11 09:00:00", "items": items}]}), encoding="utf-8")
    row = orders(path).row(0, named=True)
    assert (row["buyer_id"], row["registered_at"].isoformat(), row["prior_orders"]) == ("7", "2026-11-10T01:00:00+00:00", 0)
