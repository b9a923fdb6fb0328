"""Who gets the cases of people who left, are on leave, or off shift."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from house import NOW, House, export, order, shell

from orderguard.errors import OrderguardError
from orderguard.ledger import CaseBook, open_ledger
from orderguard.route import Team, load_team
from orderguard.route.duty import is_away, on_shift, parse_away, parse_shift

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)


def odd(number: str, **more: str) -> dict[str, str]:
    """Each its own address and phone: no two are linked unless a test says so."""
    return order(number, **{"收货地址": f"广东省深圳市某路 {number} 号临时仓", "联系电话": f"1380258{number:0>4}", **more})


def team(*agents: dict[str, Any] | str, **more: Any) -> Team:
    return Team.model_validate({"agents": [{"name": a} if isinstance(a, str) else a for a in agents], **more})


def cases(house: House) -> dict[str, tuple[str, str]]:
    ledger = open_ledger(house.ledger)
    try:
        return {c["order_id"]: (c["agent"], c["state"]) for c in CaseBook(ledger).listed()}
    finally:
        ledger.close()


def released(house: House, number: str) -> None:
    ledger = open_ledger(house.ledger)
    book = CaseBook(ledger)
    book.release(book.listed(number)[0]["case_id"], "主管", "电话核实", NOW)
    ledger.close()


def test_a_case_that_opens_again_goes_to_somebody_who_is_there(tmp_path: Path) -> None:
    """What 甲 has on a sheet stays with her, with a notice; what is opened again does not wait on her sheet."""
    house = House(tmp_path, team=team("甲"))
    house.scan(export(tmp_path / "a.csv", [odd("1"), odd("2")]))
    released(house, "1")
    again = export(tmp_path / "b.csv", [odd("1", 实付金额="3000", 买家留言=""), odd("2")])
    done = house.scan(again, team=team("乙"), now=NOW + DAY)
    assert cases(house) == {"1": ("乙", "open"), "2": ("甲", "open")}
    assert house.tasks() == {"乙": ["1"]}
    assert [p.what.zh for p in done.problems] == ["甲 不在团队表里或请假：1 单转给 乙", "甲 不在团队表里或请假，名下还有 1 单未处理"]
    assert "--from 甲" in done.problems[1].fix.zh
    told = shell("explain", "1", cwd=tmp_path)
    assert "转派 → 乙  甲 不在" in told.stdout
    assert house.scan(again, team=team("甲", "乙"), now=NOW + 2 * DAY).problems == []
    assert cases(house)["1"] == ("乙", "open"), "whoever comes back does not take it away again"


def test_what_never_reached_a_sheet_goes_to_somebody_who_is_there(tmp_path: Path) -> None:
    house = House(tmp_path, team=team("甲", every="1d"))
    house.scan(export(tmp_path / "a.csv", [odd("1")]))
    late = export(tmp_path / "b.csv", [odd("2")])
    assert house.scan(late, now=NOW + timedelta(hours=1)).run["waiting"] == {"甲": 1}
    house.scan(late, team=team("乙", every="1d"), now=NOW + timedelta(hours=2))
    assert house.tasks() == {"乙": ["2"]}
    assert cases(house)["2"] == ("乙", "open")


def test_what_a_person_gave_to_somebody_goes_to_them(tmp_path: Path) -> None:
    """The scan does not know better: 老板 is in no team file, and 丁, who is on leave, asked for it."""
    there = team("甲", {"name": "丁", "away": True})
    house = House(tmp_path, team=there)
    house.scan(export(tmp_path / "a.csv", [odd("1"), odd("2"), odd("3")]))
    for number, name in (("1", "老板"), ("2", "丁")):
        assert shell("cases", "reassign", number, name, "--by", "主管", "--why", "熟客", cwd=tmp_path).returncode == 0
    house.scan(tmp_path / "a.csv", now=NOW + DAY)
    assert house.tasks() == {"老板": ["1"], "丁": ["2"]}
    assert {n: a for n, (a, _) in cases(house).items()} == {"1": "老板", "2": "丁", "3": "甲"}


def test_a_ring_that_opens_again_follows_its_new_orders(tmp_path: Path) -> None:
    """One of its orders is new and goes to 丙, who handles the region; the one opened again goes the same way."""
    house = House(tmp_path, team=team("甲"))
    house.scan(export(tmp_path / "a.csv", [odd("1", 设备号="dev-77")]))
    released(house, "1")
    rows = [odd("1", 设备号="dev-77", 实付金额="3000", 买家留言=""), odd("2", 设备号="dev-77")]
    house.scan(export(tmp_path / "b.csv", rows), team=team("乙", "丙"), now=NOW + DAY)
    assert len({a for a, _ in cases(house).values()}) == 1


def test_on_leave_nobody_gets_anything_new(tmp_path: Path) -> None:
    """The first is away on the day of the scan by the shop's clock: 16:30 UTC is the next day in Shanghai."""
    away = team({"name": "a", "away": ["2026-11-12", "2026-12-01..2026-12-07"]}, "b")
    house = House(tmp_path, team=away)
    before = datetime(2026, 11, 11, 15, 30, tzinfo=UTC)
    house.scan(export(tmp_path / "a.csv", [odd("1")]), now=before)
    house.scan(export(tmp_path / "b.csv", [odd("2"), odd("3")]), now=before + timedelta(hours=1))
    house.scan(export(tmp_path / "c.csv", [odd("4")]), now=before + timedelta(hours=25))
    assert {n: a for n, (a, _) in cases(house).items()} == {"1": "a", "2": "b", "3": "b", "4": "a"}


def test_off_shift_comes_after_on_shift_but_before_nobody(tmp_path: Path) -> None:
    """It is noon in Shanghai; the night shift gets what the day shift has no room for, by their load."""
    shifts = team({"name": "夜", "shift": "20:00-08:00"}, {"name": "日", "shift": "08:00-20:00", "capacity": 2})
    house = House(tmp_path, team=shifts)
    house.scan(export(tmp_path / "a.csv", [odd(str(n)) for n in range(3)]))
    assert sorted(a for a, _ in cases(house).values()) == ["夜", "日", "日"]


@pytest.mark.parametrize(
    ("said", "days"),
    [
        (True, None), (False, []), ([], []), ("2026-11-25", ["2026-11-25"]),
        (date(2026, 11, 25), ["2026-11-25"]), ("2026-11-24..2026-11-26", ["2026-11-24", "2026-11-25", "2026-11-26"]),
        ("2026-11-25 至 2026-11-26", ["2026-11-25", "2026-11-26"]), (["2026-11-23", "2026-11-26"], ["2026-11-23", "2026-11-26"]),
    ],
)  # fmt: skip
def test_days_away(said: Any, days: list[str] | None) -> None:
    asked = ["2020-01-01", *(f"2026-11-2{n}" for n in range(2, 9)), "2099-12-31"]
    assert [d for d in asked if is_away(parse_away(said), date.fromisoformat(d))] == (asked if days is None else days)


@pytest.mark.parametrize(
    ("said", "hours"),
    [("08:00-20:00", "08:00 19:59"), ("20:00-08:00", "00:00 07:59 20:00"), ("8:00-24:00", "08:00 19:59 20:00"), ("00:00-24:00", "00:00 07:59 08:00 19:59 20:00")],
)  # fmt: skip
def test_hours_of_a_shift(said: str, hours: str) -> None:
    asked = "00:00 07:59 08:00 19:59 20:00"
    assert " ".join(h for h in asked.split() if on_shift(parse_shift(said), time.fromisoformat(h))) == hours


@pytest.mark.parametrize(
    "agent",
    ["away: 下周", "away: [2026-02-30]", "away: 2026-11-26..2026-11-25", "shift: 早班", "shift: 08:00-25:00"],
)
def test_what_is_no_day_and_no_shift_is_told(tmp_path: Path, agent: str) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(f"agents:\n  - {{name: 甲, {agent}}}\n", encoding="utf-8")
    with pytest.raises(OrderguardError) as error:
        load_team(path)
    assert [p.line for p in error.value.problems] == [2]


def test_a_desk_is_emptied_by_one_command(tmp_path: Path) -> None:
    """Over the team by load and what they handle; what nobody has room for waits in the shared queue; trail and sheets follow."""
    house = House(tmp_path, team=team("甲"))
    house.scan(export(tmp_path / "a.csv", [odd(str(n)) for n in range(5)]))
    file = tmp_path / "team.yaml"
    file.write_text("agents:\n  - {name: 乙, capacity: 2}\n  - {name: 丙, capacity: 2}\n  - {name: 丁, away: true}\n", encoding="utf-8")
    words = ("--by", "主管", "--why", "离职")
    moved = json.loads(shell("cases", "reassign", "--from", "甲", *words, "--json", cwd=tmp_path).stdout)
    assert sorted(c["agent"] for c in moved) == ["unassigned", *["丙"] * 2, *["乙"] * 2]
    assert {c["order_id"]: c["agent"] for c in moved} == {n: a for n, (a, _) in cases(house).items()}
    house.scan(tmp_path / "a.csv", team=load_team(file), now=NOW + DAY)
    assert {a: len(n) for a, n in house.tasks().items()} == {"unassigned": 1, "丙": 2, "乙": 2}
    again = shell("cases", "reassign", "--from", "甲", *words, cwd=tmp_path)
    assert (again.returncode, "甲 名下没有" in again.stderr) == (0, True)
    assert shell("cases", "reassign", "--from", "待分配", "丁", *words, cwd=tmp_path).stdout == "丁：1 单\n"
    assert sorted(a for a, _ in cases(house).values()) == ["丁", *["丙"] * 2, *["乙"] * 2]
    assert shell("ledger", "check", cwd=tmp_path).returncode == 0
    assert shell("cases", "reassign", *words, cwd=tmp_path).returncode == 2
    assert shell("cases", "reassign", "1", "乙", "--from", "丙", *words, cwd=tmp_path).returncode == 2
