"""What a mask hides and what it leaves to be seen; what an order known to the day only can be judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import House, book, export, order, process

from orderguard.enrich.addresses import parse_addresses

if TYPE_CHECKING:
    from pathlib import Path

CELLS = ("province", "city", "district", "address")


def seen(*cells: str) -> tuple[str | None, ...]:
    frame = pl.DataFrame([cells], schema=dict.fromkeys(CELLS, pl.String), orient="row")
    return parse_addresses(frame).select("addr_province", "addr_city", "addr_district", "addr_state").row(0)


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (("", "", "", "广东省深圳市南山区****"), ("广东省", "深圳市", "南山区")),
        (("浙江省", "杭州市", "西湖区", "****"), ("浙江省", "杭州市", "西湖区")),
        (("浙江省", "杭州市", "***", "****"), ("浙江省", "杭州市", None)),
        (("", "", "", "北京市****"), ("北京市", "北京市", None)),
        (("浙江省", "杭州市", "", "广东省深圳市****"), (None, None, None)),  # two regions: no one's
        (("", "", "", "****"), (None, None, None)),
    ],
)
def test_a_masked_street_leaves_its_region(cells: tuple[str, ...], wanted: tuple[str | None, ...]) -> None:
    assert seen(*cells) == (*wanted, "masked")


def coverage(house: House, rule: str) -> tuple[int, int, int]:
    table = pl.read_parquet(house.out / "coverage.parquet").filter(pl.col("rule_id") == rule)
    return table.select("judged", "hits", "not_evaluable").sum().row(0)


def test_rules_about_regions_judge_masked_streets(tmp_path: Path) -> None:
    """One far, one near, one that names two regions, one that names none."""
    lead = "{from: 深圳, to: 浙江, days: 3, deliveries: 9}"
    house = House(tmp_path, book(
        "{id: away, kind: distance, points: 1, with: {of: address, to: ship_from, same_province: true}}",
        "{id: km, kind: distance, points: 1, with: {of: address, to: ship_from, more_than_km: 300}}",
        f"{{id: late, kind: delivery_promise, points: 1, with: {{lead_times: [{lead}]}}}}",
        "{id: vague, kind: address_quality, points: 1, with: {}}",
    ))  # fmt: skip
    rows = [order("A1", 收货地址="浙江省杭州市西湖区****"), order("A2", 收货地址="广东省深圳市****"),
            order("A3", 收货地址="广东省杭州市****"), order("A4", 收货地址="****")]  # fmt: skip
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("A1", "away"), ("A1", "km"), ("A1", "late")}
    assert [coverage(house, r) for r in ("away", "km", "late", "vague")] == [(2, 1, 2), (2, 1, 2), (1, 1, 3), (0, 0, 4)]


def test_a_day_is_due_from_its_beginning(tmp_path: Path) -> None:
    """Two days from a day without a clock end at a midnight; the promise of that midnight holds."""
    house = House(tmp_path, book(
        "{id: late, kind: delivery_promise, points: 1, with: {lead_times: [{from: 深圳, to: 广东, days: 2, deliveries: 9}]}}",
    ))  # fmt: skip
    rows = [order(f"A{n}", 下单时间="2026-11-11", 付款时间="", 承诺发货时间=f"2026-11-{day}") for n, day in ((1, "13 00:00:00"), (2, "12 23:59:59"))]
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("A2", "late")}


def test_an_order_without_a_clock_is_in_no_limit_of_hours(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("订单编号,联系电话,下单时间,货号,数量\nA1,13802580000,2026-11-11,X,5\nA2,13802580000,2026-11-12 10:00:00,X,5\n", encoding="utf-8")
    rules = [f"{{id: {name}, kind: purchase_limit, points: 1, with: {{limit: 4, window: {name}}}}}" for name in ("1h", "1d")]
    house = House(tmp_path, book(*(r.replace("id: 1", "id: in-1") for r in rules)))
    house.scan(path)
    assert house.findings() == {("A1", "in-1d"), ("A2", "in-1d"), ("A2", "in-1h")}
    assert (coverage(house, "in-1h"), coverage(house, "in-1d")) == ((1, 1, 1), (2, 2, 0))


def test_the_c_locale_without_utf8_mode(tmp_path: Path) -> None:
    """Python would name `holds/京东.csv` in ASCII."""
    export(tmp_path / "订单.csv", [order("A1", 平台="京东", 收货地址="某市临时仓")])
    done = process("scan", "订单.csv", "--quiet", cwd=tmp_path, PYTHONUTF8="0", LC_ALL="POSIX", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "holds" / "京东.csv").exists()
