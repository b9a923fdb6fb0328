"""What a task sheet shows as the address, and which months a trend begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import House, export, order
from openpyxl import load_workbook

from orderguard.outbox.report_text import begun

if TYPE_CHECKING:
    from pathlib import Path

STREET = "阳明路 1 号临时仓"


@pytest.mark.parametrize(
    ("province", "city", "district", "address", "shown"),
    [
        ("", "", "", f"江西省南昌市{STREET}", f"江西省南昌市{STREET}"),
        ("江西省", "南昌市", "东湖区", STREET, f"江西省南昌市东湖区{STREET}"),
        ("江西省", "南昌市", "东湖区", f"江西省南昌市东湖区{STREET}", f"江西省南昌市东湖区{STREET}"),
        ("江西", "南昌市", "东湖区", f"江西南昌市东湖区{STREET}", f"江西南昌市东湖区{STREET}"),
        ("江西", "南昌市", "东湖区", f"江西省南昌市东湖区{STREET}", f"江西省南昌市东湖区{STREET}"),
        ("江西省", "南昌市", "东湖区", f"南昌市东湖区{STREET}", f"南昌市东湖区{STREET}"),
        ("广西壮族自治区", "南宁市", "青秀区", f"广西南宁市青秀区{STREET}", f"广西南宁市青秀区{STREET}"),
        ("北京市", "北京市", "朝阳区", f"北京市朝阳区{STREET}", f"北京市朝阳区{STREET}"),
        ("吉林省", "吉林市", "昌邑区", f"吉林大街{STREET}", f"吉林省吉林市昌邑区吉林大街{STREET}"),
        ("江西省", "", "", STREET, f"江西省{STREET}"),
    ],
)
def test_an_address_stands_on_the_sheet_once(tmp_path: Path, province: str, city: str, district: str, address: str, shown: str) -> None:
    path = export(tmp_path / "a.csv", [order("1", 收货地址=address)])
    table = pl.read_csv(path, infer_schema=False)
    table.with_columns(pl.lit(province).alias("省"), pl.lit(city).alias("市"), pl.lit(district).alias("区")).write_csv(path)
    house = House(tmp_path)
    house.scan(path)
    page = load_workbook(house.out / "tasks" / "unassigned.xlsx").active
    column = [cell.value for cell in page[1]].index("收货地址") + 1
    assert page.cell(2, column).value == shown


def test_of_orders_due_at_one_time_the_held_ones_stand_first(tmp_path: Path) -> None:
    late = {"承诺发货时间": "2026-11-11 09:30:00"}  # all are due at once
    far = [order(f"R{i}", 联系电话=f"1351890000{i}", **late) for i in range(5)]
    risky = [order(f"H{i}", 收货地址=f"广东省深圳市{STREET}{i}", **late) for i in range(5)]
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [*far, *risky]))
    assert [n[0] for n in house.tasks()["unassigned"]] == list("HHHHHRRRRR")


def test_a_trend_begins_with_the_first_month_that_anything_is_known_of() -> None:
    def total(month: str, scanned: int, flagged: int = 0) -> dict[str, object]:
        return {"month": month, "rule_id": None, "scanned": scanned, "flagged": flagged}

    rule = {"month": "2026-08", "rule_id": "a", "hits": 0}
    assert begun([total("2026-08", 0), rule, total("2026-09", 5), total("2026-10", 0), total("2026-11", 9)]) == ["2026-09", "2026-10", "2026-11"]
    assert begun([total("2026-08", 0), total("2026-09", 0, 1)]) == ["2026-09"]
    assert begun([total("2026-10", 0), total("2026-11", 0)]) == ["2026-11"]
    assert begun([]) == []
