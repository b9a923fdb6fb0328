"""A case that is known and meets new evidence: what is issued again, and what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from house import House, book, burst, export, order, shell
from openpyxl import load_workbook

if TYPE_CHECKING:
    from pathlib import Path


def test_what_stands_on_a_hold_list_is_not_put_there_again(tmp_path: Path) -> None:
    """Its address held b0; the burst that came later names it too, and its platform holds it already."""
    first, *later = burst("b", (0, 1, 2))
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [{**first, "收货地址": "广东省深圳市南山区某路 1 号临时仓"}]))
    assert house.holds() == {"自营": ["b0"]}
    house.scan(export(tmp_path / "b.csv", later))
    assert ("b0", "ip-burst") in house.findings()
    assert (house.holds(), sorted(house.tasks()["unassigned"])) == ({"自营": ["b1", "b2"]}, ["b1", "b2"])


def test_what_was_only_to_be_reviewed_is_held_when_new_evidence_says_so(tmp_path: Path) -> None:
    far = order("b0", 联系电话="15099610070", 下单IP="192.0.2.7", 下单时间="2026-11-11 09:00:00", 发货地="深圳")
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [far]))
    assert (house.bands(), house.holds()) == ({"b0": "review"}, {})
    house.scan(export(tmp_path / "b.csv", burst("b", (0, 1, 2))[1:]))
    assert house.holds() == {"自营": ["b0", "b1", "b2"]}
    assert sorted(house.tasks()["unassigned"]) == ["b1", "b2"]
    due = {c["order_id"]: c["due_at"] for c in json.loads(shell("cases", "list", "--json", cwd=tmp_path).stdout)}
    assert due["b0"] == due["b1"], "what is held is due as held orders are, on the hold list and for `cases overdue`"


def test_a_held_case_stays_held_when_new_evidence_alone_would_only_be_reviewed(tmp_path: Path) -> None:
    """Nobody has decided it: a softer rulebook does not let it go."""
    path = export(tmp_path / "a.csv", [order("1", 收货地址="广东省深圳市南山区某路 1 号临时仓")])
    house = House(tmp_path, book("{id: hard, kind: keywords, with: {any: [临时仓]}, points: 40}"))
    house.scan(path)
    house.scan(path, book=book("{id: soft, kind: keywords, with: {any: [某路]}, points: 20}"))
    assert house.bands() == {"1": "review"}
    (case,) = json.loads(shell("cases", "list", "--json", cwd=tmp_path).stdout)
    assert (case["band"], case["score"], sorted(e.split("@")[0] for e in case["evidence"].split(","))) == ("hold", 20.0, ["hard", "soft"])


def test_a_case_that_new_evidence_reopened_may_be_released_by_hand(tmp_path: Path) -> None:
    """Its verdict ended with the reopening. While a verdict stands, only `verdict revise` changes it."""
    first, *later = burst("b", (0, 1, 2))
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [{**first, "收货地址": "广东省深圳市南山区某路 1 号临时仓"}]))
    sheet = house.out / "tasks" / "unassigned.xlsx"
    answered = load_workbook(sheet)
    page = answered.active
    page.cell(2, [cell.value for cell in page[1]].index("处置结果") + 1, "属实")
    answered.save(sheet)
    release = ("cases", "release", "b0", "--by", "主管", "--why", "核实")
    assert shell("verdict", "record", sheet, cwd=tmp_path).returncode == 0
    assert "verdict revise" in shell(*release, cwd=tmp_path).stderr
    assert shell("verdict", "revise", "b0", "误判", "--by", "主管", "--why", "弄错", cwd=tmp_path).returncode == 0
    house.scan(export(tmp_path / "b.csv", later))
    done = shell(*release, cwd=tmp_path)
    assert (done.returncode, done.stdout.endswith("→ 已放行\n")) == (0, True), done.stderr


def test_one_number_on_two_platforms_is_told_apart_by_the_sheets_platform(tmp_path: Path) -> None:
    """Without it, and without the case, nobody knows which is meant."""
    odd = {"收货地址": "广东省深圳市南山区某路 1 号临时仓"}
    House(tmp_path).scan(export(tmp_path / "a.csv", [order("1", **odd), order("1", 平台="京东", **odd)]))
    (tmp_path / "which.csv").write_text("订单编号,处置结果\n1,属实\n", encoding="utf-8")
    asked = shell("verdict", "record", "which.csv", cwd=tmp_path)
    assert (asked.returncode, "在多个平台都有" in asked.stderr) == (2, True)
    (tmp_path / "jd.csv").write_text("订单编号,平台,处置结果\n1,京东,误判\n", encoding="utf-8")
    assert shell("verdict", "record", "jd.csv", cwd=tmp_path).returncode == 0
    states = {c["platform"]: c["state"] for c in json.loads(shell("cases", "list", "--json", cwd=tmp_path).stdout)}
    assert states == {"自营": "open", "京东": "released"}
