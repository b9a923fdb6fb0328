"""Times and sums as other languages and programs write them."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from orderguard.normalise.dates import settle
from orderguard.normalise.sums import currency
from orderguard.normalise.times import times
from orderguard.normalise.values import money


def read(*cells: str) -> list[str | None]:
    found = times(pl.Series("t", cells), "Asia/Shanghai")
    return [t and t.strftime("%Y-%m-%d %H:%M:%S") for t in found.dt.convert_time_zone("Asia/Shanghai").to_list()]


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("2026-11-11 (三) 00:03", "00:03:00"), ("2026-11-11 00:03:05 周三", "00:03:05"), ("2026-11-11星期三 00:03", "00:03:00"),
        ("2026/11/11(水) 00:03", "00:03:00"), ("2026. 11. 11. 오전 12:03:05", "00:03:05"), ("2026-11-11 오후 1:03", "13:03:00"),
        ("2026/11/11 午後 1:03", "13:03:00"), ("2026/11/11 凌晨 0:03", "00:03:00"), ("2026/11/11 晚上 8:03", "20:03:00"),
        ("2026-11-11 AM 12:03", "00:03:00"), ("2026-11-11 PM 12:03", "12:03:00"), ("11/11/2026 12:03:05 a. m.", "00:03:05"),
        ("11/11/2026 1:03:05 p. m.", "13:03:05"), ("Wed Nov 11 2026 00:03:05 GMT+0800 (China Standard Time)", "00:03:05"),
        ("Wed Nov 11 00:03:05 +0800 2026", "00:03:05"), ("11.11.2026, 00:03:05", "00:03:05"), ("11. Nov. 2026 00:03", "00:03:00"),
        ("11 ноября 2026 г., 00:03", "00:03:00"), ("11 nov. 2026 à 00:03", "00:03:00"), ("11 novembre 2026 à 00:03", "00:03:00"),
        ("11 Kasım 2026 00:03", "00:03:00"), ("11 de nov. de 2026 00:03", "00:03:00"), ("November 11, 2026 at 12:03 am", "00:03:00"),
        ("2026-11-11_00:03:05", "00:03:05"), ("11 listopada 2026 00:03", "00:03:00"),
    ],
)  # fmt: skip
def test_the_same_minute_in_many_tongues(cell: str, wanted: str) -> None:
    assert read(cell) == [f"2026-11-11 {wanted}"]


@pytest.mark.parametrize("cell", ["昨天 10:00", "11 foo 2026", "2026-W46-3", "11/13/2026 25:00", "水 10:00"])
def test_what_is_no_time_stays_unread(cell: str) -> None:
    assert read(cell) == [None]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["26/11/11 00:03", "26/11/12 10:00"], ["2026-11-11", "2026-11-12"]),  # the 26th of November 2011, it was
        (["26-11-11"], ["2026-11-11"]),
        (["25/11/26", "26/11/26"], ["2026-11-25", "2026-11-26"]),  # the last varies less: day first
        (["25/11/26"], ["2026-11-25"]),
        (["31/12/26", "01/01/27"], ["2026-12-31", "2027-01-01"]),
    ],
)
def test_years_of_two_figures_stand_where_they_vary_less(cells: list[str], wanted: list[str]) -> None:
    assert [r and r[:10] for r in read(*cells)] == wanted


def test_a_year_first_column_does_not_settle_the_other_columns() -> None:
    short = pl.Series(["26/11/11", "26/11/12"])
    assert settle([short]) is None
    assert settle([short, pl.Series(["04/25/2026"])]) == "month"


@pytest.mark.parametrize(
    ("cell", "amount", "code"),
    [("CN¥1,000.00", "1000", "CNY"), ("1.000,00 TL", "1000", "TRY"), ("MX$250.50", "250.50", "MXN"), ("JP¥1000", "1000", "JPY"),
     ("US $12.50", "12.50", "USD"), ("kr 1.299,00", "1299", "XXX"), ("1,000.00 元整", "1000", "CNY")],
)  # fmt: skip
def test_sums_with_their_currency(cell: str, amount: str, code: str | None) -> None:
    told = currency(pl.Series([cell]))
    assert (money(pl.Series([cell])).item(), None if told is None else told.item()) == (Decimal(amount), code)
