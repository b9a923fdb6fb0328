"""Time-outs, release lists, snoozes, and sheets that come at most every so often."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import NOW, House, book, burst, default_book, export, order, shell

from orderguard.errors import DeliveryError, OrderguardError
from orderguard.ledger import CaseBook, open_ledger
from orderguard.ledger.check import check
from orderguard.ledger.snoozes import SnoozeBook
from orderguard.ledger.verdicts import VerdictBook
from orderguard.route import Team, load_team
from orderguard.stages.issuing import issue, issue_waiting
from orderguard.stages.sheets import read_sheets
from orderguard.stages.snoozing import value_of
from orderguard.stages.sweeping import sweep

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {"jd": frozenset({"jd", "京东"}), "京东": frozenset({"jd", "京东"})}


def team(**given: Any) -> Team:
    return Team.model_validate(given)


def swept(house: House, hours: float, *, dry: bool = False) -> dict[str, Any]:
    later = NOW + timedelta(hours=hours)
    return sweep(replace(house.options, now=later, run_id=f"sweep-{hours}"), WORDS, dry=dry)


def released(house: House) -> dict[str, list[str]]:
    return {f.stem: pl.read_csv(f, infer_schema=False)["订单编号"].to_list() for f in sorted((house.out / "releases").glob("*.csv"))}


def states(house: House) -> dict[str, str]:
    ledger = open_ledger(house.ledger)
    assert check(ledger) == []
    found = {c["order_id"]: c["state"] for c in CaseBook(ledger).listed()}
    ledger.close()
    return found


def verdict(house: House, **answers: str) -> None:
    sheet = house.folder / "小李.csv"
    sheet.write_text("订单编号,处置结果\n" + "".join(f"{n},{r}\n" for n, r in answers.items()), encoding="utf-8")
    ledger = open_ledger(house.ledger)
    rows, sheets, _, _ = read_sheets([str(sheet)], None)
    assert VerdictBook(ledger).record(rows, sheets, NOW).written == len(answers)
    ledger.close()


def odd(number: str, **more: str) -> dict[str, str]:
    return order(number, 收货地址="临时仓", **more)


def test_at_time_out_each_case_gets_its_default_action_once(tmp_path: Path) -> None:
    rule = "{id: words, kind: keywords, with: {any: [临时仓]}, points: 30}"
    mild = "{id: mild, kind: keywords, with: {any: [代收点]}, points: 20}"
    house = House(tmp_path, book(rule, mild), team(on_timeout={"hold": "release", "review": "keep", "platform": {"JD": "escalate"}}))
    house.scan(export(tmp_path / "a.csv", [odd("1"), odd("2", 平台="京东"), order("3", 收货地址="代收点"), odd("4"), order("5")]))
    verdict(house, **{"4": "需进一步调查"})
    assert swept(house, 1)["orders"] == []
    told = swept(house, 9, dry=True)
    assert {c["order_id"]: c["action"] for c in told["orders"]} == {"1": "release", "2": "escalate", "3": "keep", "4": "escalate"}
    assert states(house) == {"1": "open", "2": "open", "3": "open", "4": "investigating"}
    told = swept(house, 9)
    assert (told["released"], told["escalated"], told["kept"], told["lists"]) == (1, 2, 1, {"自营": 1})
    assert released(house) == {"自营": ["1"]}
    assert states(house) == {"1": "released", "2": "open", "3": "open", "4": "investigating"}
    again = swept(house, 10)
    assert (again["released"], again["escalated"], again["listed"]) == (0, 0, 0)
    assert (again["escalated_before"], again["kept"]) == (2, 1), "what was escalated is not told as kept"
    house.scan(tmp_path / "a.csv")
    assert released(house) == {"自营": ["1"]}, "a scan carries the release lists over"
    assert house.bands()["1"] == "pass"


def staged(path: Path, *rows: dict[str, str]) -> Path:
    pl.DataFrame(list(rows)).write_csv(path)
    return path


@pytest.mark.parametrize("stage", ["已发货", "交易成功", "交易关闭", "已退款"])
def test_an_order_that_is_over_by_now_is_neither_escalated_nor_released(tmp_path: Path, stage: str) -> None:
    """Its case went overdue and was escalated, though a later export said that there is nothing left to hold."""
    house = House(tmp_path, team=team(on_timeout={"hold": "release", "review": "release", "platform": {"JD": "escalate"}}))
    rows = [odd("1"), odd("2", 平台="京东"), odd("3"), odd("4", 平台="京东")]
    house.scan(export(tmp_path / "a.csv", rows))
    house.scan(staged(tmp_path / "b.csv", *({**row, "订单状态": stage} for row in rows[:2])))
    told = swept(house, 30, dry=True)
    assert {c["order_id"]: c["action"] for c in told["orders"]} == {"3": "release", "4": "escalate"}
    told = swept(house, 30)
    assert (told["released"], told["escalated"], told["kept"]) == (1, 1, 0)
    assert released(house) == {"自营": ["3"]}
    assert states(house) == {"1": "over", "2": "over", "3": "released", "4": "open"}


def test_who_audits_orders_of_every_status_sweeps_them_too(tmp_path: Path) -> None:
    rule = "{id: words, kind: keywords, with: {any: [临时仓]}, points: 30}"
    house = House(tmp_path, book(rule, head="only_status: [all]"))
    house.scan(staged(tmp_path / "a.csv", {**odd("1"), "订单状态": "已发货"}))
    assert [c["action"] for c in swept(house, 9, dry=True)["orders"]] == ["escalate"]


def test_orders_found_harmless_are_on_a_release_list_once_and_held_again_on_new_evidence(tmp_path: Path) -> None:
    house = House(tmp_path)
    row = odd("1")
    house.scan(export(tmp_path / "a.csv", [row, odd("2")]))
    verdict(house, **{"1": "误判"})
    assert swept(house, 0.1)["lists"] == {"自营": 1}
    csv = pl.read_csv(house.out / "releases" / "自营.csv", infer_schema=False)
    assert csv.columns == ["订单编号", "状态", "原因", "处理人", "放行时间"]
    assert csv.row(0)[:4] == ("1", "放行", "误判", "小李")
    assert swept(house, 0.2)["listed"] == 0
    house.scan(export(tmp_path / "b.csv", [{**row, "实付金额": "2000", "买家留言": ""}]))
    assert house.holds() == {"自营": ["1"]}
    verdict(house, **{"1": "误判", "2": "误判"})
    assert swept(house, 0.3)["lists"] == {"自营": 2}
    assert sorted(released(house)["自营"]) == ["1", "2"]
    assert [p.name for p in (house.out / "releases" / "earlier").rglob("*.csv")] == ["自营.csv"]


def test_a_release_that_is_corrected_is_held_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [odd("1")]))
    verdict(house, **{"1": "误判"})
    swept(house, 0.1)
    ledger = open_ledger(house.ledger)
    VerdictBook(ledger).revise(CaseBook(ledger).listed("1")[0]["case_id"], "confirmed", "主管", "看错", NOW)
    ledger.close()
    house.scan(export(tmp_path / "b.csv", [order("9")]))
    assert (house.holds(), house.tasks()) == ({"自营": ["1"]}, {})
    house.scan(tmp_path / "b.csv")
    assert house.holds() == {}


def test_an_order_that_was_found_true_and_now_reaches_the_hold_band_is_held_at_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    export(tmp_path / "a.csv", [order("A", 联系电话="13999110000")])
    house.scan(tmp_path / "a.csv")
    assert house.bands() == {"A": "review"}
    verdict(house, A="属实")
    export(tmp_path / "a.csv", [order("A", 联系电话="13999110000", 收货地址="临时仓")])
    house.scan(tmp_path / "a.csv")
    assert house.holds() == {"自营": ["A"]}
    house.scan(tmp_path / "a.csv")
    assert house.holds() == {}
    assert states(house) == {"A": "confirmed"}


def test_what_could_not_be_written_is_on_the_next_release_list(tmp_path: Path) -> None:
    house = House(tmp_path, team=team(on_timeout="release"))
    house.scan(export(tmp_path / "a.csv", [odd("1")]))
    (house.out / "releases").write_text("in the way")
    with pytest.raises(OrderguardError, match="release lists cannot be written"):
        swept(house, 9)
    (house.out / "releases").unlink()
    assert swept(house, 9.5)["lists"] == {"自营": 1}


def test_a_snoozed_rule_adds_no_points_for_that_value_until_its_date(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = burst("b", (0, 2, 5)) + burst("c", (0, 2, 5), ip="192.0.2.8")
    file = export(tmp_path / "a.csv", rows)
    ledger = open_ledger(house.ledger)
    SnoozeBook(ledger).add("ip-burst", "192.0.2.7", NOW + timedelta(days=1), "主管", "公司网关", NOW)
    ledger.close()
    run = house.scan(file).run
    assert {o: b for o, b in house.bands().items() if b == "hold"} == {"c0": "hold", "c1": "hold", "c2": "hold"}
    assert (run["snoozed"], run["flagged"], run["clean"]) == (3, 3, 3)
    assert {o for o, _ in house.findings()} == {r["订单编号"] for r in rows}, "recorded all the same"
    scores = dict(pl.read_parquet(house.out / "decisions.parquet").select("order_id", "score").iter_rows())
    assert scores == {r["订单编号"]: 0.0 if r["下单IP"] == "192.0.2.7" else 40.0 for r in rows}
    house.scan(file, now=NOW + timedelta(days=2))
    assert set(house.bands().values()) == {"hold"}
    assert sorted(house.tasks()["unassigned"]) == ["b0", "b1", "b2"]


def test_what_a_rule_is_about() -> None:
    rules = {r.id: r for r in default_book().rules}
    row = {"order_id": "1", "buyer_id": "u1", "ip": "192.0.2.7", "receiver_phone": "13800000000"}
    assert value_of(rules["ip-burst"], row) == "192.0.2.7"
    assert value_of(rules["round-amount"], row) == "u1"
    assert value_of(rules["round-amount"], {**row, "buyer_id": "张**"}) == "1"


def test_a_gateway_can_be_snoozed_before_the_first_scan(tmp_path: Path) -> None:
    words = ("cases", "snooze", "--rule", "ip-burst", "--value", "192.0.2.7", "--until", "7d", "--by", "主管", "--why", "网关")
    assert shell(*words, cwd=tmp_path).returncode == 0
    done = shell("scan", export(tmp_path / "a.csv", burst("b", (0, 1, 2))), "--json", cwd=tmp_path)
    run = json.loads(done.stdout)
    assert (run["snoozed"], run["flagged"]) == (3, 0)
    assert shell("cases", "snooze", "b9", *words[6:], "--ledger", "other", cwd=tmp_path).returncode == 2
    wrong = shell("cases", "snooze", "--rule", "nope", *words[4:], "--ledger", "other", cwd=tmp_path)
    assert (wrong.returncode, "nope" in wrong.stderr, (tmp_path / "other").exists()) == (2, True, False)


def test_snooze_from_the_shell(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", burst("b", (0, 2, 5)))
    assert shell("scan", "a.csv", cwd=tmp_path).returncode == 0
    done = shell("cases", "snooze", "b0", "--until", "7d", "--by", "主管", "--why", "网关", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)[0]["value"]) == (0, "192.0.2.7")
    shown = json.loads(shell("cases", "snoozed", "--json", cwd=tmp_path).stdout)
    assert [(s["rule_id"], s["value"], s["who"], s["why"]) for s in shown] == [("ip-burst", "192.0.2.7", "主管", "网关")]
    assert shell("cases", "unsnooze", str(shown[0]["snooze_id"]), "--by", "x", "--why", "y", cwd=tmp_path).returncode == 0
    assert json.loads(shell("cases", "snoozed", "--json", cwd=tmp_path).stdout) == []
    for words, said in (
        (("b0", "--until", "gestern"), "2026-12-01"), (("b0", "--rule", "ip-brust", "--until", "7d"), "ip-burst"),
    ):  # fmt: skip
        wrong = shell("cases", "snooze", *words, "--by", "x", "--why", "y", cwd=tmp_path)
        assert wrong.returncode == 2
        assert said in wrong.stderr


def test_overdue_and_sweep_from_the_shell(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [odd("1")]), now=NOW - timedelta(days=200))
    (tmp_path / "team.yaml").write_text("version: 1\non_timeout: release\n")
    late = json.loads(shell("cases", "overdue", "--json", cwd=tmp_path).stdout)
    assert [(c["order_id"], c["action"]) for c in late] == [("1", "release")]
    done = shell("cases", "sweep", cwd=tmp_path)
    assert (done.returncode, "放行 1" in done.stdout, released(house)) == (0, True, {"自营": ["1"]})
    nothing = shell("cases", "sweep", "--json", cwd=tmp_path)
    assert json.loads(nothing.stdout)["released"] == 0


def test_a_sheet_every_so_often_and_no_order_on_two(tmp_path: Path) -> None:
    house = House(tmp_path, team=team(every="15m", agents=[{"name": "小李"}]))
    seen: list[str] = []
    waiting, numbers = [], []
    for minute in range(32):
        now = NOW + timedelta(minutes=minute)
        run = house.scan(export(tmp_path / "a.csv", [odd(f"{minute}-{i}") for i in range(2)]), now=now).run
        waiting.append(sum(run["waiting"].values()))
        assert sorted(house.holds()["自营"]) == [f"{minute}-{i}" for i in range(2)], "holds never wait"
        numbers += run["sheets"].values()
        seen += house.tasks().get("小李", [])
    assert [m for m, n in enumerate(waiting) if n == 0] == [0, 15, 30]
    assert numbers == [1, 2, 3]
    assert len(seen) == len(set(seen)) == 62
    ledger = open_ledger(house.ledger)
    late = replace(house.options, now=NOW + timedelta(minutes=50), run_id="late")
    assert issue_waiting(ledger, late) == {"小李": 2}
    assert issue_waiting(ledger, late) == {}
    ledger.close()
    assert house.tasks() == {"小李": ["31-0", "31-1"]}


def test_on_demand_an_agent_gets_all_open_orders_and_a_reassigned_case_has_left(tmp_path: Path) -> None:
    house = House(tmp_path, team=team(every="15m", agents=[{"name": "小李"}, {"name": "小王", "handles": {"platform": "没有"}}]))
    house.scan(export(tmp_path / "a.csv", [odd("1"), odd("2")]))
    house.scan(export(tmp_path / "b.csv", [odd("3")]), now=NOW + timedelta(minutes=1))
    ledger = open_ledger(house.ledger)
    cases = CaseBook(ledger)
    cases.reassign(cases.listed("1")[0]["case_id"], "小王", "主管", "熟客", NOW)
    kinds = ("xlsx", "csv", "json", "md")
    assert issue(ledger, "小李", tmp_path / "again", house.options.book, "sheet-1", NOW + timedelta(minutes=2), kinds) == 2
    assert issue(ledger, "没人", tmp_path / "again", house.options.book, "sheet-2", NOW, kinds) == 0
    ledger.close()
    for kind in ("xlsx", "csv", "json"):
        answers, _, unanswered, problems = read_sheets([str(tmp_path / "again" / f"小李.{kind}")], None)
        assert (answers, unanswered, problems) == ([], 2, [])
    cards = (tmp_path / "again" / "小李.md").read_text()
    assert "### 2 · 暂扣" in cards
    assert "### 1 " not in cards
    house.scan(tmp_path / "b.csv", now=NOW + timedelta(minutes=3))
    assert house.tasks() == {"小王": ["1"]}


def test_who_hands_a_case_on_hears_which_sheet_it_still_stands_on(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [odd("1"), odd("2")])
    (tmp_path / "team.yaml").write_text("agents: [{name: 小李}]", encoding="utf-8")
    assert shell("scan", "a.csv", cwd=tmp_path).returncode == 0
    done = shell("cases", "reassign", "1", "小王", "--by", "主管", "--why", "熟客", cwd=tmp_path)
    assert "第 1 号任务表" in done.stderr
    again = shell("cases", "reassign", "1", "小李", "--by", "主管", "--why", "还是你来", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")  # 小王 never had it on a sheet
    assert shell("cases", "release", "2", "--by", "主管", "--why", "老客户", cwd=tmp_path).returncode == 0
    twice = shell("cases", "release", "2", "--by", "别人", "--why", "又一次", cwd=tmp_path)
    assert (twice.returncode, "早已放行" in twice.stderr) == (0, True)  # and leaves no second mark
    told = shell("explain", "2", cwd=tmp_path).stdout
    assert ("老客户" in told, "又一次" in told) == (True, False)
    late = shell("cases", "reassign", "2", "小王", "--by", "主管", "--why", "x", cwd=tmp_path)
    assert late.returncode == 2
    assert "放行" in late.stderr


def test_hold_lists_as_an_erp_takes_them(tmp_path: Path) -> None:
    house = House(tmp_path, team=team(on_timeout="release"))
    rows = [odd(str(1000 + i)) for i in range(45)] + [odd("a,b\n=1+1")]
    house.scan(export(tmp_path / "a.csv", rows), holds_formats=("csv", "txt", "json"))
    lines = (house.out / "holds" / "自营.txt").read_text().splitlines()
    assert [len(line.split(",")) for line in lines] == [20, 20, 6]
    told = json.loads((house.out / "holds" / "自营.json").read_text())
    assert len(told) == 46
    assert {k: told[0][k] for k in ("status", "action", "promised_at")} == {
        "status": "pending", "action": "release", "promised_at": "2026-11-13T09:00:00+08:00",
    }  # fmt: skip
    assert set(pl.read_csv(house.out / "holds" / "自营.csv", infer_schema=False)["超时处理"]) == {"放行"}


def test_a_night_with_more_than_a_sheet_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orderguard.outbox.tasks.MOST", 5)
    house = House(tmp_path)
    rows = [odd(str(i)) for i in range(12)]
    house.scan(export(tmp_path / "a.csv", rows))
    rest = pl.read_csv(house.out / "tasks" / "unassigned~2.csv", infer_schema=False)
    assert sorted(house.tasks()["unassigned"] + rest["订单编号"].to_list()) == sorted(r["订单编号"] for r in rows)
    assert (len(rest), rest.columns[1]) == (7, "处置结果")


def test_a_wrong_action_is_named(tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text("version: 1\nevery: 0\non_timeout: {hold: drop}\ndue: {hold: soon}\n")
    with pytest.raises(OrderguardError) as wrong:
        load_team(path)
    said = str(wrong.value)
    assert "team.yaml:3" in said
    assert "team.yaml:4" in said


def test_a_ledger_that_fails_after_the_outputs_are_in_place_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    file = export(tmp_path / "a.csv", [odd("1")])

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(CaseBook, "delivered", full)
        with pytest.raises(DeliveryError, match="issued again"):
            house.scan(file)
    house.scan(file)
    assert (house.tasks(), house.tasks("earlier")) == ({"unassigned": ["1"]}, {})
    assert states(house) == {"1": "open"}
