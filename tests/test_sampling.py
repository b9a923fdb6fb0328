"""The control group and second opinions: drawn by lot, known to the ledger only, heard beside the verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import ALL, NOW, House, book, burst, export, order, shell

from orderguard.ledger import CaseBook, open_ledger
from orderguard.ledger.check import check
from orderguard.ledger.handing import exported
from orderguard.ledger.lessons import agreement, lessons
from orderguard.ledger.verdicts import VerdictBook
from orderguard.report.period import month, previous
from orderguard.route import Team
from orderguard.route.team import Agent
from orderguard.stages.reporting import Asked, figures
from orderguard.stages.sheets import read_sheets

if TYPE_CHECKING:
    from pathlib import Path

TEAM = Team(agents=[Agent(name="小李"), Agent(name="小王")])


def clean(count: int, start: int = 0) -> list[dict[str, str]]:
    return [order(f"c{i}") for i in range(start, start + count)]


def controls(house: House) -> set[str]:
    ledger = open_ledger(house.ledger)
    found = {r[0] for r in ledger.db.execute("SELECT order_id FROM controls JOIN cases USING (case_id)")}
    ledger.close()
    return found


def test_control_orders_are_on_a_sheet_like_any_other_and_on_no_list(tmp_path: Path) -> None:
    house = House(tmp_path)
    file = export(tmp_path / "a.csv", [*clean(400), order("bad", 收货地址="临时仓")])
    run = house.scan(file, sample=0.1, outputs=ALL).run
    drawn = controls(house)
    assert 20 <= len(drawn) == run["sampled"] <= 65
    assert (run["flagged"], run["new_cases"]) == (1, 1)
    assert set(house.tasks()["unassigned"]) == {*drawn, "bad"}
    assert house.holds() == {"自营": ["bad"]}
    assert set(house.bands().values()) == {"pass", "hold"}
    sheet = pl.read_excel(house.out / "tasks" / "unassigned.xlsx", infer_schema_length=0)
    told = sheet.filter(pl.col("订单编号") != "bad")
    assert set(told["级别"]) == {"复核"}
    assert set(told["原因"]) == {"请核实该订单"}
    assert not any("对照" in cell or "抽" in cell for row in sheet.iter_rows() for cell in row if cell)
    book_ = pl.read_excel(house.out / "flagged.xlsx", sheet_name="异常订单", infer_schema_length=0)
    assert book_["订单编号"].to_list() == ["bad"]
    ledger = open_ledger(house.ledger)
    assert check(ledger) == []
    ledger.close()


def test_overlapping_scans_draw_the_same_orders_once(tmp_path: Path) -> None:
    one, two = House(tmp_path / "one"), House(tmp_path / "two")
    for house in (one, two):
        house.folder.mkdir()
    whole = export(tmp_path / "whole.csv", clean(300))
    one.scan(whole, sample=0.1)
    first = set(one.tasks()["unassigned"])
    one.scan(whole, sample=0.1)
    assert one.tasks() == {}, "what was drawn before is not issued again"
    two.scan(export(tmp_path / "a.csv", clean(200)), sample=0.1)
    two.scan(export(tmp_path / "b.csv", clean(200, 100)), sample=0.1)
    assert controls(one) == controls(two) == first


def test_a_scan_in_pieces_draws_the_same_orders(tmp_path: Path) -> None:
    one, two = House(tmp_path / "one"), House(tmp_path / "two")
    for house in (one, two):
        house.folder.mkdir()
    file = export(tmp_path / "a.csv", [*clean(400), order("bad", 收货地址="临时仓")])
    one.scan(file, sample=0.1)
    run = two.scan(file, sample=0.1, memory="1MB").run
    assert controls(one) == controls(two)
    assert two.tasks() == {"unassigned": [*one.tasks()["unassigned"]]}
    assert (run["clean"], run["flagged"], run["sampled"]) == (400, 1, len(controls(one)))


def test_a_control_order_that_is_flagged_later_is_an_order_that_rules_caught(tmp_path: Path) -> None:
    """It is held, stands on a sheet with its reason, is due as others of its ring, and no miss: it counts as flagged."""
    house = House(tmp_path)
    rows = burst("b", (0, 2, 5))
    house.scan(export(tmp_path / "a.csv", [*rows[:2], order("c")]), sample=1.0)
    assert sorted(house.tasks()["unassigned"]) == ["b0", "b1", "c"]
    house.scan(export(tmp_path / "b.csv", rows[2:]), sample=1.0)
    assert house.tasks() == {"unassigned": ["b0", "b1", "b2"]}
    assert sorted(house.holds()["自营"]) == ["b0", "b1", "b2"]
    sheet = pl.read_excel(house.out / "tasks" / "unassigned.xlsx", infer_schema_length=0)
    told = dict(sheet.select("订单编号", "原因").iter_rows())
    assert told["b0"] == "【有新证据】" + told["b2"]
    assert (sheet["处理时限"].n_unique(), sheet["关联组"].n_unique(), set(sheet["级别"])) == (1, 1, {"暂扣"})
    say(house, dict.fromkeys(("b0", "b1", "b2"), "属实") | {"c": "误判"})
    zone = month("2026-11", "Asia/Shanghai")
    found = figures(Asked(house.options.book, zone, previous(zone), [str(house.ledger)], [], tmp_path, "en", NOW))[0]
    assert [found["headline"][n] for n in ("flagged", "held", "confirmed")] == [3, 3, 3]
    learnt = json.loads(shell("learn", "--json", cwd=tmp_path).stdout)["control_group"]
    for group in (found["recall"]["control"], learnt):
        assert [group[n] for n in ("drawn", "judged", "missed", "caught", "recall")] == [1, 1, 0.0, 3.0, 1.0]
    ledger = open_ledger(house.ledger)
    assert exported(ledger).filter("control")["order_id"].to_list() == ["c"]
    ledger.close()


def test_the_control_group_tells_how_many_abnormal_orders_no_rule_found(tmp_path: Path) -> None:
    """A tenth of 1,000 unflagged orders is drawn and a tenth of these is abnormal: about 100 were missed."""
    house = House(tmp_path, book("{id: words, kind: keywords, with: {any: [临时仓]}, points: 40}"))
    rows = clean(1_000) + [order(f"bad{i}", 收货地址="临时仓") for i in range(100)]
    house.scan(export(tmp_path / "a.csv", rows), sample=0.1)
    drawn = sorted(controls(house))
    missed = set(drawn[::10])
    say(house, {f"bad{i}": "属实" for i in range(100)} | {n: "属实" if n in missed else "误判" for n in drawn})
    from orderguard.stages.teaching import proposal

    ledger = open_ledger(house.ledger)
    told = proposal(ledger, house.options.book).recall
    ledger.close()
    assert told is not None
    assert (told.drawn, told.judged, told.found, told.caught) == (len(drawn), len(drawn), len(missed), 100)
    assert told.unflagged == pytest.approx(10 * len(drawn))
    assert told.missed == pytest.approx(10 * len(missed))
    assert told.recall == pytest.approx(100 / (100 + 10 * len(missed)))
    assert told.recall_low < told.recall < told.recall_high
    said = json.loads(shell("learn", "--json", cwd=tmp_path).stdout)["control_group"]
    names = "drawn judged found unflagged missed missed_low missed_high caught recall low high"
    assert (list(said), said["found"]["part"], said["low"] < said["recall"] < said["high"]) == (names.split(), len(missed), True)
    zone = month("2026-11", "Asia/Shanghai")
    group = figures(Asked(house.options.book, zone, previous(zone), [str(house.ledger)], [], tmp_path, "en", NOW))[0]["recall"]["control"]
    assert {n: group[n] for n in ("drawn", "judged", "found", "caught")} == {"drawn": told.drawn, "judged": told.judged, "found": told.found, "caught": told.caught}
    mine = (told.missed, told.missed_low, told.missed_high, told.recall, told.recall_low, told.recall_high)
    names = ("missed", "missed_low", "missed_high", "recall", "recall_low", "recall_high")
    assert [group[n] for n in names] == pytest.approx(mine, abs=0.01), "the report says what learn says"


def say(house: House, results: dict[str, str], agent: str = "unassigned", name: str = "sheet") -> list[str]:
    """Hand in a sheet; returns the oddities."""
    sheet = house.folder / f"{name}.csv"
    text = "".join(f"{order_id},{result},{agent}\n" for order_id, result in results.items())
    sheet.write_text("订单编号,处置结果,处理人\n" + text, encoding="utf-8")
    ledger = open_ledger(house.ledger)
    answers, sheets, _, _ = read_sheets([str(sheet)], None)
    done = VerdictBook(ledger).record(answers, sheets, NOW)
    ledger.close()
    return [p.what.zh for p in done.oddities]


def test_a_doubled_task_goes_to_another_agent_too_and_the_first_verdict_counts(tmp_path: Path) -> None:
    house = House(tmp_path, team=TEAM)
    file = export(tmp_path / "a.csv", [order(f"{i}", 收货地址="临时仓") for i in range(20)])
    run = house.scan(file, double=1.0).run
    tasks = house.tasks()
    assert sorted(tasks["小李"]) == sorted(tasks["小王"]) == sorted(str(i) for i in range(20))
    assert (run["new_cases"], run["tasks"]) == (20, {"小李": 20, "小王": 20})
    assert sorted(house.holds()["自营"]) == sorted(str(i) for i in range(20))
    ledger = open_ledger(house.ledger)
    owner = {c["order_id"]: c["agent"] for c in CaseBook(ledger).listed()}
    ledger.close()
    mine = {str(i): "属实" if i < 10 else "误判" for i in range(20)}
    other = {**mine, "0": "误判", "19": "需进一步调查"}
    first = {a: {o: (mine if owner[o] == a else other)[o] for o in mine} for a in ("小李", "小王")}
    said = say(house, first["小李"], "小李", "小李") + say(house, first["小王"], "小王", "小王")
    assert len(said) == 2
    assert all("两人判断不一致" in text for text in said)
    assert say(house, first["小李"], "小李", "小李") == [], "the same sheet again changes nothing"
    ledger = open_ledger(house.ledger)
    found = lessons(ledger).cases
    assert dict(found.select("order_id", "result").iter_rows())["0"] == "confirmed"
    told = agreement(found)
    ledger.close()
    assert (told.pairs, told.same, told.waiting) == (20, 18, 0)
    # 18 of 20 alike; by chance (10 x 9 + 10 x 10 + 0 x 1) / 400 = 0.475.
    assert told.kappa == pytest.approx((0.9 - 0.475) / (1 - 0.475))


def test_with_one_agent_nothing_is_doubled(tmp_path: Path) -> None:
    house = House(tmp_path, team=Team(agents=[Agent(name="小李")]))
    run = house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]), double=1.0).run
    assert run["doubled"] == 0
    assert any("没有第二个人" in p["text"] for p in run["problems"])
    assert house.tasks() == {"小李": ["1"]}


def test_a_doubled_task_that_was_not_delivered_is_issued_to_both_by_the_next_scan(tmp_path: Path) -> None:
    house = House(tmp_path, team=TEAM)
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    house.scan(file, double=1.0, outputs=frozenset({"frames"}))
    house.scan(file)
    assert house.tasks() == {"小李": ["1"], "小王": ["1"]}
    house.scan(file)
    assert house.tasks() == {}


def test_a_second_agents_sheet_is_issued_again_with_what_they_still_owe(tmp_path: Path) -> None:
    house = House(tmp_path, team=TEAM)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]), double=1.0)
    ledger = open_ledger(house.ledger)
    owner = CaseBook(ledger).listed()[0]["agent"]
    other = "小王" if owner == "小李" else "小李"
    assert CaseBook(ledger).open_of(other)["order_id"].to_list() == ["1"]
    ledger.close()
    say(house, {"1": "需进一步调查"}, other)
    ledger = open_ledger(house.ledger)
    assert CaseBook(ledger).open_of(other).is_empty()
    assert CaseBook(ledger).open_of(owner)["order_id"].to_list() == ["1"]
    ledger.close()


@pytest.mark.parametrize("text", ["abc", "-1%", "150%", "2", ""])
def test_a_share_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    export(tmp_path / "a.csv", clean(1))
    done = shell("scan", "a.csv", "--sample", text, cwd=tmp_path)
    assert done.returncode == 2
    assert "--sample" in done.stderr
    assert "0.5%" in done.stderr


