"""Sheets that come back after new evidence came: what they say holds for what they show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from house import NOW, House, book, burst, export, order
from openpyxl import load_workbook

from orderguard.ledger import CaseBook, open_ledger
from orderguard.ledger.check import check
from orderguard.ledger.lessons import lessons
from orderguard.ledger.rebuild import rebuild
from orderguard.ledger.verdicts import VerdictBook
from orderguard.rules.book import Bands
from orderguard.stages.issuing import issue
from orderguard.stages.sheets import read_sheets

if TYPE_CHECKING:
    from pathlib import Path

ODD = order("b0", 收货地址="广东省深圳市南山区某路 1 号临时仓", 下单IP="192.0.2.7", 下单时间="2026-11-11 09:00:00")


def filled(house: House, name: str, *said: str) -> Path:
    """The newest sheet with its rows answered, kept under another name."""
    sheet = load_workbook(house.out / "tasks" / "unassigned.xlsx")
    for row, result in enumerate(said, 2):
        sheet.active.cell(row, 2, result)
    path = house.folder / f"{name}.xlsx"
    sheet.save(path)
    return path


def record(house: House, hour: float, *sheets: Path) -> tuple[int, int, list[str]]:
    ledger = open_ledger(house.ledger)
    rows, read, _, _ = read_sheets([str(s) for s in sheets], None)
    done = VerdictBook(ledger).record(rows, read, NOW + timedelta(hours=hour))
    ledger.close()
    return done.written, done.same, [p.what.en for p in done.oddities]


def state(house: House, number: str = "b0") -> str:
    ledger = open_ledger(house.ledger)
    assert check(ledger) == []
    (case,) = CaseBook(ledger).listed(number)
    ledger.close()
    return str(case["state"])


def world(tmp_path: Path) -> tuple[House, Path]:
    """An odd address, on a sheet; an hour later three more orders from its IP."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [ODD]))
    old = filled(house, "old", "误判")
    house.scan(export(tmp_path / "b.csv", burst("c", (1, 2))), now=NOW + timedelta(hours=1))
    assert "b0" not in house.tasks()["unassigned"], "its agent has it on a sheet"
    return house, old


def test_a_false_alarm_releases_nothing_that_its_sheet_does_not_show(tmp_path: Path) -> None:
    house, old = world(tmp_path)
    written, _, (said,) = record(house, 2, old)
    assert (written, state(house)) == (1, "open")
    assert said == "order b0: ip-burst fired after this sheet was issued; the false alarm is recorded and releases nothing: judge the order on the next sheet"
    assert record(house, 2.5, old) == (0, 1, []), "the same sheet once more says nothing new"
    ledger = open_ledger(house.ledger)
    assert [(v["ended_run"], v["evidence"].split("@")[0]) for v in VerdictBook(ledger).listed()] == [("run-002", "risky-address")]
    assert lessons(ledger).hits["rule_id"].to_list() == ["risky-address"], "nobody has judged the burst"
    ledger.close()
    house.scan(tmp_path / "a.csv", now=NOW + timedelta(hours=3))
    assert house.tasks() == {"unassigned": ["b0"]}
    assert record(house, 4, filled(house, "new", "误判")) == (1, 0, [])
    assert state(house) == "released"
    ledger = open_ledger(house.ledger)
    assert sorted(lessons(ledger).hits["rule_id"]) == ["ip-burst", "risky-address"]
    before = list(ledger.db.execute("SELECT * FROM verdicts"))
    ledger.close()
    rebuild(house.ledger, "x.old")
    ledger = open_ledger(house.ledger)
    assert list(ledger.db.execute("SELECT * FROM verdicts")) == before
    ledger.close()


@pytest.mark.parametrize(("said", "becomes"), [("属实", "confirmed"), ("需进一步调查", "investigating")])
def test_what_lets_nothing_go_counts_from_any_sheet(tmp_path: Path, said: str, becomes: str) -> None:
    house, _ = world(tmp_path)
    sheet = load_workbook(tmp_path / "old.xlsx")
    sheet.active.cell(2, 2, said)
    sheet.save(tmp_path / "old.xlsx")
    assert (record(house, 2, tmp_path / "old.xlsx"), state(house)) == ((1, 0, []), becomes)


def test_yesterdays_sheet_handed_in_again_does_not_release_what_is_open_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [ODD]))
    old = filled(house, "old", "误判")
    assert (record(house, 0.5, old), state(house)) == ((1, 0, []), "released")
    house.scan(export(tmp_path / "b.csv", burst("c", (1, 2))), now=NOW + timedelta(hours=1))
    assert (house.tasks()["unassigned"].count("b0"), state(house)) == (1, "open")
    assert (record(house, 2, old), state(house)) == ((0, 1, []), "open")
    new = filled(house, "new", "误判", "误判", "误判")
    assert (record(house, 3, old, new)[:2], state(house)) == ((3, 1), "released"), "the old one first, whatever their names"


def test_what_the_sheet_shows_is_known_however_it_was_issued(tmp_path: Path) -> None:
    house, old = world(tmp_path)
    ledger = open_ledger(house.ledger)
    issue(ledger, "unassigned", tmp_path / "again", house.options.book, "t-1", NOW + timedelta(hours=2), ["xlsx"])
    ledger.close()
    sheet = load_workbook(tmp_path / "again" / "unassigned.xlsx")
    for row in range(2, 5):
        sheet.active.cell(row, 2, "误判")
    sheet.save(tmp_path / "again.xlsx")
    assert (record(house, 3, tmp_path / "again.xlsx")[:2], state(house)) == ((3, 0), "released")
    assert (record(house, 4, old)[:2], state(house)) == ((0, 1), "released"), "what was let go on all evidence stays so"


def test_a_later_doubt_outweighs_an_older_false_alarm(tmp_path: Path) -> None:
    house, old = world(tmp_path)
    (tmp_path / "own.csv").write_text("订单编号,处置结果\nb0,需进一步调查\n", encoding="utf-8")
    assert record(house, 2, tmp_path / "own.csv")[0] == 1
    written, same, (said,) = record(house, 3, old)
    assert (written, same, state(house)) == (0, 0, "investigating")
    assert "was found 'Needs investigation' by own already" in said


def test_higher_points_are_no_new_evidence(tmp_path: Path) -> None:
    rule = book("{id: words, kind: keywords, with: {any: [临时仓]}, points: 20}")
    house = House(tmp_path, rule)
    path = export(tmp_path / "a.csv", [ODD])
    house.scan(path)
    old = filled(house, "old", "误判")
    harder = rule.model_copy(update={"bands": Bands(review=20, hold=20)})
    house.scan(path, book=harder, now=NOW + timedelta(hours=1))
    assert house.holds() == {"自营": ["b0"]}
    assert (record(house, 2, old), state(house)) == ((1, 0, []), "released")
    assert (record(house, 3, old), state(house)) == ((0, 1, []), "released")


def test_a_sheet_of_another_ledger_or_without_its_batch_is_taken_as_it_is(tmp_path: Path) -> None:
    house, old = world(tmp_path)
    sheet = load_workbook(old)
    sheet.active.cell(2, 26, "run-of-elsewhere")
    sheet.save(tmp_path / "strange.xlsx")
    assert (record(house, 2, tmp_path / "strange.xlsx"), state(house)) == ((1, 0, []), "released")


def test_an_order_that_is_over_stays_so(tmp_path: Path) -> None:
    house, old = world(tmp_path)
    ledger = open_ledger(house.ledger)
    with ledger.commit() as db:
        db.execute("UPDATE cases SET state = 'over', ended = 'shipped' WHERE order_id = 'b0'")
    ledger.close()
    assert (record(house, 2, old)[0], state(house)) == (1, "over")
