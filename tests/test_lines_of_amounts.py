"""Amounts on item rows: a line's own are added up, an order's own stand once, contradictions are told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import House, book

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "订单编号,下单时间,商品编码,数量,含税单价,价税合计,买家留言"


def amounts(folder: Path, *rows: str, head: str = HEAD) -> tuple[list[Decimal | None], int]:
    """The amount of each order, and how many rows were set aside."""
    path = folder / "a.csv"
    path.write_text("\n".join([head, *(r.replace("@", "2026-11-11 10:00:00") for r in rows), ""]), encoding="utf-8")
    house = House(folder, book("{id: round, kind: round_amount, points: 30}"))
    told = house.scan(path).run["inputs"][0]
    kept = pl.concat([pl.read_parquet(f) for f in (folder / "ledger" / "orders").rglob("*.parquet")]).sort("order_id")
    return kept["amount"].to_list(), told["rejected"]


@pytest.mark.parametrize(
    ("rows", "wanted", "rejected"),
    [
        (["A,@,S1,2,300,600,", "A,@,S2,1,400,400,"], 1000, 0),  # each line's own
        (["A,@,S1,1,500,500,", "A,@,S2,1,500,500,"], 1000, 0),  # equal lines: products to the cent
        (["A,@,S1,2,300,580,", "A,@,S2,1,400,420,"], 420, 1),  # one is more than it can be
        (["A,@,S1,2,300,580,", "A,@,S2,1,400,390,"], 970, 0),  # with discounts
        (["A,@,S1,2,300,1000,", "A,@,S2,1,400,1000,"], 1000, 0),  # the order's, on each row
        (["A,@,S1,1,300,250,", "A,@,S2,1,400,250,"], 250, 0),  # the order's, much discounted
        (["A,@,S1,2,300,600,", "A,@,S1,1,400,400,"], 400, 1),  # one item twice: a contradiction
        (["A,@,S1,2,,600,", "A,@,S2,1,,400,"], 400, 1),  # nothing shows what they are
    ],
)
def test_amounts_of_lines(tmp_path: Path, rows: list[str], wanted: int, rejected: int) -> None:
    """Whatever the order of the rows."""
    for n, some in enumerate((rows, rows[::-1])):
        (tmp_path / str(n)).mkdir()
        assert amounts(tmp_path / str(n), *some) == ([Decimal(wanted)], rejected)


def test_an_export_again_adds_nothing(tmp_path: Path) -> None:
    lines = ["A,@,S1,2,300,600,", "A,@,S2,1,400,400,"]
    path = tmp_path / "b.csv"
    path.write_text("\n".join([HEAD, *(r.replace("@", "2026-11-11 10:00:00") for r in lines), ""]), encoding="utf-8")
    house = House(tmp_path, book("{id: round, kind: round_amount, points: 30}"))
    (tmp_path / "c.csv").write_bytes(path.read_bytes())
    house.scan(path, tmp_path / "c.csv")
    assert house.findings() == {("A", "round")}
    assert pl.read_parquet(tmp_path / "out" / "findings.parquet")["value"].to_list() == [1000.0]
