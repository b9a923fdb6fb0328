"""Cases of orders that are over end by themselves, open again when the order does, and are no verdicts."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import HEAD, NOW, House, book, burst, order, shell
from xlsxwriter import Workbook

from orderguard.ledger import CaseBook, open_ledger
from orderguard.ledger import cases as ledger_cases
from orderguard.ledger.check import check
from orderguard.ledger.endings import any_unheard
from orderguard.ledger.lessons import lessons
from orderguard.ledger.rebuild import rebuild
from orderguard.ledger.verdicts import VerdictBook
from orderguard.route import Team
from orderguard.stages.issuing import issue
from orderguard.stages.sheets import read_sheets
from orderguard.stages.sweeping import sweep

if TYPE_CHECKING:
    from pathlib import Path

WAITING, OVER = "待发货", {"已发货": "shipped", "交易成功": "done", "交易关闭": "closed", "已退款": "refunded"}


def odd(number: str, status: str = WAITING, **more: str) -> dict[str, str]:
    own = {"收货地址": f"广东省深圳市南山区某路 {number} 号临时仓", "联系电话": f"13802580{sum(map(ord, number)):03d}"}
    return order(number, 订单状态=status, **own, **more)


def told(path: Path, hour: float, *rows: dict[str, str]) -> Path:
    """An export with a status column, last changed so many hours after noon."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*HEAD, "订单状态"], restval="")
        writer.writeheader()
        writer.writerows(rows)
    at = (NOW + timedelta(hours=hour)).timestamp()
    os.utime(path, (at, at))
    return path


def later(hours: float) -> Any:
    return NOW + timedelta(hours=hours)


def cases(house: House) -> dict[str, dict[str, Any]]:
    ledger = open_ledger(house.ledger)
    assert check(ledger) == []
    found = {c["order_id"]: c for c in CaseBook(ledger).listed()}
    for case in found.values():
        case["trail"] = [e["what"] for e in CaseBook(ledger).events(case["case_id"])]
    ledger.close()
    return found


def states(house: House) -> dict[str, str]:
    return {number: case["state"] for number, case in cases(house).items()}


def record(house: House, name: str = "小李", at: float = 0, **answers: str) -> tuple[int, int, list[str]]:
    sheet = house.folder / f"{name}.csv"
    sheet.write_text("订单编号,处置结果\n" + "".join(f"{n},{r}\n" for n, r in answers.items()), encoding="utf-8")
    ledger = open_ledger(house.ledger)
    rows, sheets, _, _ = read_sheets([str(sheet)], None)
    done = VerdictBook(ledger).record(rows, sheets, later(at))
    ledger.close()
    return done.written, done.same, [p.what.zh for p in done.oddities]


@pytest.mark.parametrize("status", OVER)
def test_the_scan_that_learns_it_ends_the_case_and_nothing_issued_afterwards_names_it(tmp_path: Path, status: str) -> None:
    house = House(tmp_path, team=Team.model_validate({"agents": [{"name": "小李"}]}))
    house.scan(told(tmp_path / "a.csv", 0, odd("1"), odd("2"), order("3", 订单状态=WAITING)))
    run = house.scan(told(tmp_path / "b.csv", 1, odd("1", status), odd("2")), now=later(1)).run
    assert (run["ended"], run["resumed"]) == ({OVER[status]: 1}, 0)
    found = cases(house)
    assert {n: (c["state"], c["ended"]) for n, c in found.items()} == {"1": ("over", OVER[status]), "2": ("open", None)}
    assert found["1"]["trail"] == [f"over {OVER[status]}"]
    board = (house.out / "board.html").read_text(encoding="utf-8")
    assert ("<td>1</td>" in board, ">2<" in board) == (False, True)
    ledger = open_ledger(house.ledger)
    assert CaseBook(ledger).load() == {"小李": 1}
    assert issue(ledger, "小李", tmp_path / "again", house.options.book, "sheet-1", later(2), ("csv",)) == 1
    ledger.close()
    assert pl.read_csv(tmp_path / "again" / "小李.csv", infer_schema=False)["订单编号"].to_list() == ["2"]
    again = house.scan(tmp_path / "b.csv", now=later(2)).run
    assert (again["ended"], cases(house)["1"]["trail"]) == ({}, [f"over {OVER[status]}"]), "cron tells it once"


def test_orders_whose_case_ids_are_the_same_have_a_case_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By chance one pair in a ledger of twenty million cases; here every order shares its id with one other."""
    monkeypatch.setattr(ledger_cases, "case_id", lambda _, number: f"C-{int(number) % 20}")
    house, numbers, issued = House(tmp_path), [str(i) for i in range(40)], list[str]()
    rows = [odd(n) for n in numbers]
    for part in (rows[:10], rows[5:30], rows, rows[::-1]):
        house.scan(told(tmp_path / "a.csv", 0, *part))
        issued += [n for sheet in house.tasks().values() for n in sheet]
    found = cases(house)
    assert sorted(found, key=int) == numbers
    assert len({c["case_id"] for c in found.values()}) == 40
    assert all(c["trail"] == [] for c in found.values()), "nothing new is known of any"
    assert sorted(issued, key=int) == numbers
    house.scan(told(tmp_path / "b.csv", 1, odd("3", "已发货"), odd("25", "已发货")))
    assert {n for n, state in states(house).items() if state == "over"} == {"3", "25"}, "25 has a longer id, 3 and 25 are no pair"
    house.scan(told(tmp_path / "c.csv", 2, odd("7", "已发货"), odd("27", "交易关闭"), odd("25"), odd("5", "已发货")))
    found = cases(house)
    assert {n: c["ended"] for n, c in found.items() if c["ended"]} == {"3": "shipped", "5": "shipped", "7": "shipped", "27": "closed"}
    assert found["25"]["trail"] == ["over shipped", "resumed"]


def test_refunding_unknown_and_blank_statuses_end_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(told(tmp_path / "a.csv", 0, odd("1"), odd("2"), odd("3")))
    run = house.scan(told(tmp_path / "b.csv", 1, odd("1", "退款中"), odd("2", "在火星"), odd("3", ""))).run
    assert (run["ended"], set(states(house).values())) == ({}, {"open"})


def test_who_audits_shipped_orders_keeps_their_cases(tmp_path: Path) -> None:
    rule = "{id: words, kind: keywords, with: {any: [临时仓]}, points: 30}"
    house = House(tmp_path, book(rule, head="only_status: [paid, shipped]"))
    house.scan(told(tmp_path / "a.csv", 0, odd("1"), odd("2")))
    assert house.scan(told(tmp_path / "b.csv", 1, odd("1", "已发货"), odd("2", "交易关闭"))).run["ended"] == {"closed": 1}
    assert states(house) == {"1": "open", "2": "over"}


def test_an_order_that_is_live_again_is_held_and_asked_about_once_more_and_once_only(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(told(tmp_path / "a.csv", 0, odd("1")))
    due = cases(house)["1"]["due_at"]
    house.scan(told(tmp_path / "b.csv", 1, odd("1", "交易关闭")), now=later(1))
    assert (house.tasks(), house.holds()) == ({}, {})
    run = house.scan(told(tmp_path / "c.csv", 2, odd("1")), now=later(2)).run
    assert (run["resumed"], house.tasks(), house.holds()) == (1, {"unassigned": ["1"]}, {"自营": ["1"]})
    sheet = pl.read_excel(house.out / "tasks" / "unassigned.xlsx", infer_schema_length=0)
    assert "订单已恢复" in " ".join(str(v) for v in sheet.row(0))
    assert cases(house)["1"]["due_at"] > due
    run = house.scan(tmp_path / "c.csv", now=later(3)).run
    assert (run["resumed"], house.tasks(), house.holds()) == (0, {}, {})
    assert cases(house)["1"]["trail"] == ["over closed", "resumed"]
    house.scan(told(tmp_path / "d.csv", 4, odd("1", "交易关闭")), now=later(4))
    assert states(house) == {"1": "over"}


def test_an_older_export_neither_ends_nor_opens(tmp_path: Path) -> None:
    house = House(tmp_path)
    a = told(tmp_path / "a.csv", 0, odd("1"), odd("2"))
    b = told(tmp_path / "b.csv", 1, odd("1", "交易关闭"), odd("2", "交易关闭"))
    older = told(tmp_path / "older.csv", 0.5, odd("1"), order("9", 订单状态=WAITING))
    house.scan(a)
    house.scan(b, now=later(1))
    for stale in (a, older):
        assert house.scan(stale, now=later(2)).run["resumed"] == 0
        assert (states(house), house.tasks(), house.holds()) == ({"1": "over", "2": "over"}, {}, {})
    house.scan(told(tmp_path / "c.csv", 3, odd("2")), now=later(3))
    assert states(house) == {"1": "over", "2": "open"}
    assert house.scan(b, now=later(4)).run["ended"] == {}
    assert states(house) == {"1": "over", "2": "open"}


def test_what_an_older_export_told_first_still_ends_the_case_when_a_newer_one_says_so(tmp_path: Path) -> None:
    """Seed 6 of random exports: the history knew the closed order from the late file, so that it was nothing new there."""
    house = House(tmp_path)
    house.scan(told(tmp_path / "a.csv", 2, odd("1")), now=later(2))
    house.scan(told(tmp_path / "late.csv", 1, odd("1", "交易关闭")), now=later(3))
    assert states(house) == {"1": "open"}
    house.scan(told(tmp_path / "b.csv", 4, odd("1", "交易关闭")), now=later(4))
    assert states(house) == {"1": "over"}


def test_files_unpacked_in_any_order_within_a_minute_are_as_new_as_their_scans(tmp_path: Path) -> None:
    """Of an archive of exports the times say nothing; but a file that was read before is no news."""
    house = House(tmp_path)
    closed = told(tmp_path / "closed.csv", 0, odd("1", "交易关闭"))
    again = told(tmp_path / "again.csv", 0.0001, odd("1"))
    paid = told(tmp_path / "paid.csv", 0.0002, odd("1"))
    for file, state in ((paid, "open"), (closed, "over"), (paid, "over"), (again, "open"), (closed, "open"), (paid, "open")):
        house.scan(file, now=later(1 + house.runs))
        assert states(house) == {"1": state}, file.name


def test_sheets_of_a_workbook_are_as_old_as_the_workbook(tmp_path: Path) -> None:
    house = House(tmp_path)
    old = tmp_path / "old.xlsx"
    with Workbook(old) as made:
        for name, row in (("一月", odd("1")), ("二月", odd("2"))):
            sheet = made.add_worksheet(name)
            sheet.write_row(0, 0, list(row))
            sheet.write_row(1, 0, list(row.values()))
    os.utime(old, (NOW.timestamp(), NOW.timestamp()))
    house.scan(old)
    house.scan(told(tmp_path / "b.csv", 1, odd("1", "交易关闭"), odd("2", "交易关闭")), now=later(1))
    assert house.scan(old, now=later(2)).run["resumed"] == 0
    assert states(house) == {"1": "over", "2": "over"}


def test_a_file_from_the_future_does_not_silence_the_next_ones(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(told(tmp_path / "a.csv", 8, odd("1")), now=later(0))
    house.scan(told(tmp_path / "b.csv", 1, odd("1", "已发货")), now=later(1))
    assert states(house) == {"1": "over"}


def test_an_erp_that_lags_behind_the_platform_opens_nothing_again(tmp_path: Path) -> None:
    """Alternating exports of JD and of an ERP would otherwise print the order every minute."""
    house = House(tmp_path)
    house.scan(told(tmp_path / "erp.csv", 0, odd("1", 平台="京东")))
    house.scan(told(tmp_path / "jd.csv", 1, odd("1", "已发货", 平台="JD")), now=later(1))
    assert states(house) == {"1": "over"}
    for hour in (2, 3):
        house.scan(told(tmp_path / "erp.csv", hour, odd("1", 平台="京东")), now=later(hour))
        assert (states(house), house.tasks(), house.holds()) == ({"1": "over"}, {}, {})
    house.scan(told(tmp_path / "jd.csv", 4, odd("1", 平台="JD")), now=later(4))
    assert states(house) == {"1": "open"}


def test_a_sheet_that_comes_back_afterwards_is_recorded_once_and_teaches(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(told(tmp_path / "a.csv", 0, odd("1"), odd("2"), odd("3"), odd("4")))
    house.scan(told(tmp_path / "b.csv", 1, *(odd(n, "已发货") for n in "1234")), now=later(1))
    answers = {"1": "属实", "2": "误判", "3": "需进一步调查"}
    assert record(house, at=2, **answers) == (3, 0, [])
    assert record(house, at=3, **answers) == (0, 3, [])
    assert states(house) == {"1": "confirmed", "2": "released", "3": "over", "4": "over"}
    ledger = open_ledger(house.ledger)
    taught = dict(lessons(ledger).cases.select("order_id", "result").iter_rows())
    ledger.close()
    assert taught == {"1": "confirmed", "2": "false_alarm", "3": "investigating", "4": None}
    house.scan(told(tmp_path / "c.csv", 3, odd("9")), now=later(3))
    assert (house.tasks(), house.holds()) == ({"unassigned": ["9"]}, {"自营": ["9"]})


def test_live_again_what_was_decided_stays_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(told(tmp_path / "a.csv", 0, odd("1"), odd("2"), odd("3")))
    record(house, **{"1": "属实", "2": "误判", "3": "需进一步调查"})
    run = house.scan(told(tmp_path / "b.csv", 1, *(odd(n, "交易关闭") for n in "123")), now=later(1)).run
    assert run["ended"] == {"closed": 1}, "what was decided is not counted as over before that"
    assert states(house) == {"1": "confirmed", "2": "released", "3": "over"}
    house.scan(told(tmp_path / "c.csv", 2, *(odd(n) for n in "123")), now=later(2))
    assert states(house) == {"1": "confirmed", "2": "released", "3": "investigating"}
    assert (house.tasks(), house.holds()) == ({"unassigned": ["3"]}, {"自营": ["1", "3"]})
    house.scan(tmp_path / "c.csv", now=later(3))
    assert (house.tasks(), house.holds()) == ({}, {})


def test_a_hold_that_was_never_delivered_is_not_listed_when_its_order_is_over(tmp_path: Path) -> None:
    house = House(tmp_path)
    a = told(tmp_path / "a.csv", 0, odd("1"), odd("2"))
    house.scan(a, outputs=frozenset({"frames"}))
    house.scan(told(tmp_path / "b.csv", 1, odd("1", "已发货")), now=later(1))
    assert (house.tasks(), house.holds()) == ({"unassigned": ["2"]}, {"自营": ["2"]})


def test_a_ring_ends_when_all_of_it_has(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [{**r, "订单状态": WAITING} for r in burst("b", (0, 2, 4))]
    house.scan(told(tmp_path / "a.csv", 0, *rows))
    house.scan(told(tmp_path / "b.csv", 1, {**rows[0], "订单状态": "已发货"}), now=later(1))
    assert states(house) == {"b0": "over", "b1": "open", "b2": "open"}
    ledger = open_ledger(house.ledger)
    assert issue(ledger, "unassigned", tmp_path / "again", house.options.book, "sheet-1", later(2), ("csv",)) == 2
    ledger.close()
    house.scan(told(tmp_path / "c.csv", 2, *({**r, "订单状态": "交易关闭"} for r in rows[1:])), now=later(2))
    assert set(states(house).values()) == {"over"}


def test_the_least_loaded_agent_is_told_by_what_is_still_open(tmp_path: Path) -> None:
    team = Team.model_validate({"agents": [{"name": "甲", "capacity": 2}, {"name": "乙", "capacity": 2}]})
    house = House(tmp_path, team=team)
    house.scan(told(tmp_path / "a.csv", 0, *(odd(n) for n in "1234")))
    assert {a: len(n) for a, n in house.tasks().items()} == {"甲": 2, "乙": 2}
    mine = house.tasks()["甲"]
    new = [odd("8"), odd("9")]
    house.scan(told(tmp_path / "b.csv", 1, *(odd(n, "已发货") for n in mine), *new), now=later(1))
    assert {a: sorted(n) for a, n in house.tasks().items()} == {"甲": ["8", "9"]}


def test_orders_drawn_for_control_are_judged_whether_they_are_shipped_or_not(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [order(str(i), 订单状态=WAITING) for i in range(12)]
    house.scan(told(tmp_path / "a.csv", 0, *rows), sample=0.5)
    drawn = states(house)
    assert drawn
    house.scan(told(tmp_path / "b.csv", 1, *({**r, "订单状态": "已发货"} for r in rows)), now=later(1))
    assert states(house) == dict.fromkeys(drawn, "open")


def test_the_journal_rebuilds_the_same(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(told(tmp_path / "a.csv", 0, *(odd(n) for n in "123")))
    house.scan(told(tmp_path / "b.csv", 1, *(odd(n, "交易关闭") for n in "123")), now=later(1))
    house.scan(told(tmp_path / "c.csv", 2, odd("1")), now=later(2))
    record(house, **{"2": "误判"})

    def dump() -> list[str]:
        with sqlite3.connect(house.ledger / "ledger.db") as db:
            return list(db.iterdump())

    before = dump()
    assert rebuild(house.ledger, "x.old")["lines"] > 0
    assert dump() == before
    assert states(house) == {"1": "open", "2": "released", "3": "over"}


def test_a_ledger_from_before_is_caught_up_with_by_a_sweep_or_a_scan(tmp_path: Path) -> None:
    for name in ("sweep", "scan"):
        house = House(tmp_path / name)
        house.folder.mkdir()
        house.scan(told(house.folder / "a.csv", 0, odd("1"), odd("2")))
        house.scan(told(house.folder / "b.csv", 1, odd("1", "已发货")), now=later(1))
        with sqlite3.connect(house.ledger / "ledger.db") as db:
            db.execute("UPDATE cases SET state = 'open', ended = NULL, ended_at = NULL, heard_at = NULL")
        if name == "sweep":
            dry = sweep(replace(house.options, now=later(20), run_id="s-0"), {}, dry=True)
            assert ({c["order_id"]: c["action"] for c in dry["orders"]}, states(house)["1"]) == ({"1": "over", "2": "escalate"}, "open")
            done = sweep(replace(house.options, now=later(20), run_id="s-1"), {})
            assert (done["over"], done["escalated"]) == (1, 1)
        else:
            house.scan(told(house.folder / "c.csv", 2, odd("9")), now=later(2))
        assert {n: s for n, s in states(house).items() if n != "9"} == {"1": "over", "2": "open"}
        ledger = open_ledger(house.ledger)
        assert not any_unheard(ledger), "looked at once"
        ledger.close()


def test_in_pieces_and_from_the_shell(tmp_path: Path) -> None:
    """The report tells what was over before anybody looked; a verdict given afterwards moves it."""
    told(tmp_path / "a.csv", 0, odd("1"), odd("2"), odd("3"), odd("4"))
    assert shell("scan", "a.csv", cwd=tmp_path).returncode == 0
    rows = [odd("1", "已发货"), odd("2", "交易关闭"), odd("3", "已发货"), odd("4")]
    told(tmp_path / "b.csv", 5000, *rows)
    done = shell("scan", "b.csv", "--memory", "1", cwd=tmp_path)
    assert (done.returncode, "任务自动关闭 3（已发货 2、已关闭 1）" in done.stdout) == (0, True), done.stdout + done.stderr
    (tmp_path / "小李.csv").write_text("订单编号,处置结果\n3,属实\n", encoding="utf-8")
    assert shell("verdict", "record", "小李.csv", cwd=tmp_path).returncode == 0
    listed = {c["order_id"]: (c["state"], c["ended"]) for c in json.loads(shell("cases", "list", "--json", cwd=tmp_path).stdout)}
    assert listed == {"1": ("over", "shipped"), "2": ("over", "closed"), "3": ("confirmed", "shipped"), "4": ("open", None)}
    assert "订单已结束（已发货）" in shell("cases", "list", "--state", "over", cwd=tmp_path).stdout
    story = shell("explain", "1", cwd=tmp_path).stdout
    assert ("订单已结束 已发货  b.csv" in story) is True
    report = json.loads(shell("report", "--month", "2026-11", "--json", cwd=tmp_path).stdout)
    head = report["headline"]
    assert {k: head[k] for k in ("flagged", "confirmed", "false_alarms", "open", "over")} == {
        "flagged": 4, "confirmed": 1, "false_alarms": 0, "open": 1, "over": 2,
    }  # fmt: skip
    assert head["over_before_review"] == {
        "orders": 3, "held": 3, "shipped": 2, "done": 0, "closed": 1, "refunded": 0, "judged_later": 1,
    }  # fmt: skip
    assert head["precision_n"] == 1
    handed = shell("cases", "reassign", "1", "小王", "--by", "主管", "--why", "x", cwd=tmp_path)
    assert (handed.returncode, "订单已结束" in handed.stderr) == (2, True)
