"""JSON as interfaces and scripts leave it: wherever the orders stand, each is read once; what contradicts itself is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from house import House, order

from orderguard.errors import OrderguardError
from orderguard.ingest import find_sources, read_source
from orderguard.platforms import header_score, load_profiles

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{k: v for k, v in order(str(n)).items() if k != "优惠券"} for n in range(1, 6)]
ROWS[3]["收货地址"] = "临时仓"
HEADS = list(ROWS[0])
CELLS = [list(r.values()) for r in ROWS]


def _page(number: int, rows: list[Any]) -> dict[str, Any]:
    return {"code": 0, "msg": "ok", "data": {"page": number, "total": 5, "has_more": number < 2, "list": rows}}


PAGES = [_page(1, ROWS[:3]), _page(2, ROWS[3:]), _page(3, [])]
TABLE = {"columns": HEADS, "index": [0, 1, 2, 3, 4], "data": CELLS}
SHAPES: dict[str, Any] = {
    "an array of pages": PAGES,
    "pages under a name": {"pages": PAGES},
    "pages in pages": {"result": {"total": 3, "data": PAGES}},
    "pages of orders": [{"orders": ROWS[:2], "next": "x"}, {"orders": ROWS[2:], "next": None}],
    "pages and orders": [PAGES[0], *ROWS[3:]],
    "bare pages": [{"data": ROWS[:4]}, {"data": ROWS[4:]}],
    "items of a page": {"items": ROWS, "total": 5, "page": 1},
    "one page": PAGES[0] | {"data": {"list": ROWS}},
    "columns and data": TABLE,
    "columns and data in an answer": {"code": 0, "data": TABLE},
    "pages of tables": [{"code": 0, "data": {"columns": HEADS, "rows": part}} for part in (CELLS[:2], CELLS[2:])],
    "lists": [HEADS, *CELLS],
    "lists in an answer": {"code": 0, "data": [HEADS, *CELLS]},
    "columns of lists": {h: [r[h] for r in ROWS] for h in HEADS},
    "columns of numbered cells": {h: {str(n): r[h] for n, r in enumerate(ROWS)} for h in HEADS},
    "numbered orders": {str(n): r for n, r in enumerate(ROWS)},
    "numbered orders in an answer": {"code": 0, "orders": {r["订单编号"]: r for r in ROWS}},
    "wrapped orders": [{"order": r} for r in ROWS],
}
TEXTS = {name: json.dumps(value, ensure_ascii=False) for name, value in SHAPES.items()} | {
    "a page a line": "\n".join(json.dumps(p) for p in PAGES),
    "answers one after the other": "".join(json.dumps(p) for p in PAGES),
    "answers one after the other, indented": "\n".join(json.dumps(p, indent=1) for p in PAGES),
    "lists one after the other": json.dumps(ROWS[:2], indent=1) + "\r\n" + json.dumps(ROWS[2:]),
}


@pytest.mark.parametrize("shape", TEXTS)
def test_every_order_is_read_once(tmp_path: Path, shape: str) -> None:
    (tmp_path / "a.json").write_text(TEXTS[shape], encoding="utf-8")
    house = House(tmp_path)
    run = house.scan(tmp_path / "a.json").run
    assert (run["read"], run["rejected"], run["folded"]) == (5, 0, 0)
    assert house.findings() == {("4", "risky-address")}


@pytest.mark.parametrize("of", ["orders", "sub_orders", "items", "data", "list"])
def test_an_order_with_a_list_is_no_page(tmp_path: Path, of: str) -> None:
    """One fact of an order beside it and the list is the order's."""
    whole = [r | {of: [{"sku": "1", "num": 1}, {"sku": "2", "num": 2}]} for r in ROWS]
    (tmp_path / "a.json").write_text(json.dumps(whole), encoding="utf-8")
    assert House(tmp_path).scan(tmp_path / "a.json").run["read"] == 5


def test_what_no_page_should_hold_is_set_aside(tmp_path: Path) -> None:
    """A page that failed, a row with more cells than headings."""
    (tmp_path / "a.json").write_text(json.dumps([*PAGES, {"code": 429, "msg": "too many", "data": None}]), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps([HEADS, *CELLS[:2], [*CELLS[2], "more"]]), encoding="utf-8")
    house = House(tmp_path)
    runs = [house.scan(tmp_path / name).run for name in ("a.json", "b.json")]
    assert [(run["read"], run["rejected"]) for run in runs] == [(6, 1), (3, 1)]
    (tmp_path / "c.json").write_text(json.dumps(PAGES[2:]), encoding="utf-8")
    with pytest.raises(OrderguardError, match="holds no orders"):
        house.scan(tmp_path / "c.json")


def _twice(key: str, first: str, second: str) -> str:
    text = json.dumps(ROWS, ensure_ascii=False)
    at = text.index("{", text.index("{") + 1) + 1
    return f'{text[:at]}"{key}": {first}, {text[at:].replace(json.dumps(ROWS[1][key], ensure_ascii=False), second, 1)}'


def test_a_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    """The last one is read, as every JSON library does; an empty one hides nothing, and the same one again is nothing to tell."""
    for first, second, amount, told in (
        ('"88.00"', '"2000.00"', "2000.00", ["a.json: “实付金额”写了两次而内容不同，按后一个读：第 2 条；请核对这些订单，并检查导出程序"]),
        ('"2000.00"', "null", "2000.00", []),
        ('"2000.00"', '"2000.00"', "2000.00", []),
    ):
        text = _twice("实付金额", first, second)
        (tmp_path / "a.json").write_text(text, encoding="utf-8")
        (table,) = read_source(find_sources([str(tmp_path / "a.json")])[0], header_score(load_profiles())).tables
        assert [p.text("zh-CN") for p in table.notes] == told
        assert table.frame["实付金额"].to_list() == ["88.00", amount, "88.00", "88.00", "88.00"]
