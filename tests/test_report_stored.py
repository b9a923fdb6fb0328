"""What a scan stores for reports: when orders were made, how many were new, how far rules could see."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from house import House, export, order

if TYPE_CHECKING:
    from pathlib import Path


def test_a_scan_stores_what_a_report_needs(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [
        order("1", 收货地址="临时仓", 下单时间="2026-11-11 09:14:59"),
        order("2", 下单时间="2026-11-11 09:15:00"),
        order("3", 平台="京东", 下单时间="2026-11-11 09:29:59"),
        order("4", 下单时间="", 付款时间=""),
    ]
    house.scan(export(tmp_path / "a.csv", rows))
    house.scan(export(tmp_path / "b.csv", [*rows[1:], order("5", 下单时间="2026-11-11 09:20:00")]))
    db = sqlite3.connect(house.ledger / "ledger.db")
    nine = 1_794_358_800  # 2026-11-11 09:00 in Shanghai
    assert db.execute("SELECT order_id, ordered_at FROM findings").fetchall() == [("1", nine + 899)]
    traffic = db.execute("SELECT quarter * 900 - ?, platform, orders FROM traffic ORDER BY 1, 2, run_id", (nine,)).fetchall()
    now = -(nine + 3 * 3600) - nine  # an undated order counts where it was first seen, at 12:00, but in no hour: negative
    assert traffic == [(now, "自营", 1), (0, "自营", 1), (900, "京东", 1), (900, "自营", 1), (900, "自营", 1)]
    inputs, counts = (json.loads(t) for t in db.execute("SELECT inputs, counts FROM runs ORDER BY run_id").fetchone())
    db.close()
    assert (inputs[0]["first_order_at"], inputs[0]["last_order_at"]) == ("2026-11-11T01:14:59+00:00", "2026-11-11T01:29:59+00:00")
    seen = {(c["rule_id"], c["platform"]): (c["judged"], c["hits"]) for c in counts["coverage_by_platform"]}
    assert (seen["risky-address", "自营"], seen["risky-address", "京东"]) == ((3, 1), (1, 0))
