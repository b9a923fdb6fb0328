"""What the ledger promises: one case an order, bursts across exports, and nothing lost when a process is killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import NOW, House, book, burst, default_book, export, order, shell
from worlds import make_world, write_csv

from orderguard.errors import DeliveryError, OrderguardError
from orderguard.ledger import CaseBook, open_ledger
from orderguard.ledger.check import check
from orderguard.ledger.store import take_lock
from orderguard.ledger.verdicts import VerdictBook
from orderguard.rules.book import Bands
from orderguard.stages.sheets import read_sheets

if TYPE_CHECKING:
    from pathlib import Path


def whole(folder: Path) -> list[str]:
    """What `ledger check` finds wrong."""
    ledger = open_ledger(folder)
    try:
        return [p.text("en") for p in check(ledger)]
    finally:
        ledger.close()


def test_a_second_scan_gives_the_same_answer_and_no_second_task(tmp_path: Path) -> None:
    house = House(tmp_path)
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓 1 号"), order("2"), *burst("b", (0, 2, 5))])
    house.scan(file)
    first, tasks = house.findings(), house.tasks()
    assert {agent: sorted(orders) for agent, orders in tasks.items()} == {"unassigned": ["1", "b0", "b1", "b2"]}
    again = house.scan(file)
    assert house.findings() == first
    assert again.run["new_cases"] == 0
    assert house.tasks() == {}
    assert house.holds() == {}
    assert sorted(house.tasks("earlier")["unassigned"]) == ["1", "b0", "b1", "b2"], "the first sheet is kept"
    assert whole(house.ledger) == []


def test_a_burst_cut_by_two_exports_is_still_a_burst(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = burst("b", (0, 2, 5))
    house.scan(export(tmp_path / "a.csv", rows[:2]))
    assert house.findings() == set()
    done = house.scan(export(tmp_path / "b.csv", rows[2:]))
    assert house.findings() == {("b0", "ip-burst"), ("b1", "ip-burst"), ("b2", "ip-burst")}
    assert sorted(house.tasks()["unassigned"]) == ["b0", "b1", "b2"]
    assert sorted(house.holds()["自营"]) == ["b0", "b1", "b2"]
    run = done.run
    assert (run["read"], run["flagged"], run["past_flagged"]) == (1, 1, 2)


def test_an_earlier_order_pulled_into_a_burst_keeps_its_earlier_findings(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = burst("b", (0, 2, 5))
    rows[0]["收货地址"] = "临时仓 9 号"
    house.scan(export(tmp_path / "a.csv", rows[:2]))
    house.scan(export(tmp_path / "b.csv", rows[2:]))
    decisions = pl.read_parquet(house.out / "decisions.parquet")
    assert decisions.filter(pl.col("order_id") == "b0")["score"].to_list() == [80.0]


def test_an_order_scanned_again_is_kept_once_though_half_of_its_columns_are_empty(tmp_path: Path) -> None:
    """What nobody exported (null) is no change; the order that did change is written again, and alone."""
    house = House(tmp_path)
    rows = [order(str(i), 历史订单数="", 优惠券="") for i in range(3)]

    def kept() -> list[list[str]]:
        files = [pl.read_parquet(f) for f in (house.ledger / "orders").rglob("*.parquet")]
        return sorted((f.sort("order_id")["address"].to_list() for f in files), key=len)

    there, moved = rows[0]["收货地址"], "广东省深圳市南山区别路 2 号"
    for address, files in ((there, [[there] * 3]), (there, [[there] * 3]), (moved, [[moved], [there] * 3])):
        rows[0]["收货地址"] = address
        house.scan(export(tmp_path / "a.csv", rows))
        assert kept() == files


def test_overlapping_exports_open_each_case_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [order(str(i), 收货地址="临时仓") for i in range(6)]
    house.scan(export(tmp_path / "a.csv", rows[:4]))
    house.scan(export(tmp_path / "b.csv", rows[2:]))
    assert sorted(house.tasks()["unassigned"]) == ["4", "5"]
    ledger = open_ledger(house.ledger)
    assert [c["order_id"] for c in sorted(CaseBook(ledger).listed(), key=lambda c: c["order_id"])] == [str(i) for i in range(6)]
    ledger.close()


def test_a_released_order_is_not_flagged_again_on_the_same_evidence_but_on_new(tmp_path: Path) -> None:
    house = House(tmp_path)
    row = order("1", 收货地址="临时仓")
    house.scan(export(tmp_path / "a.csv", [row, order("2")]))
    ledger = open_ledger(house.ledger)
    CaseBook(ledger).release(CaseBook(ledger).listed("1")[0]["case_id"], "主管", "本人确认", NOW)
    ledger.close()
    done = house.scan(tmp_path / "a.csv")
    assert house.bands() == {"1": "pass", "2": "pass"}
    assert (done.run["released_before"], done.run["clean"], done.run["new_cases"]) == (1, 2, 0)
    done = house.scan(export(tmp_path / "b.csv", [{**row, "实付金额": "2000", "买家留言": ""}]))
    assert house.bands() == {"1": "hold"}
    assert house.tasks() == {"unassigned": ["1"]}
    sheet = pl.read_excel(house.out / "tasks" / "unassigned.xlsx", infer_schema_length=0)
    assert sheet["原因"][0].startswith("【曾放行，有新证据】")


def test_a_review_that_becomes_a_hold_goes_on_the_hold_list_and_on_no_second_sheet(tmp_path: Path) -> None:
    rules = ("{id: far, kind: round_amount, with: {multiple_of: 1000}, points: 20}", "{id: words, kind: keywords, with: {any: [临时仓]}, points: 30}")
    house = House(tmp_path, book(*rules))
    house.scan(export(tmp_path / "a.csv", [order("1", 实付金额="1000", 买家留言="")]))
    assert (house.tasks(), house.holds()) == ({"unassigned": ["1"]}, {})
    house.scan(export(tmp_path / "b.csv", [order("1", 实付金额="1000", 买家留言="", 收货地址="临时仓")]))
    assert (house.tasks(), house.holds()) == ({}, {"自营": ["1"]})


def test_past_orders_are_told_by_the_run_that_found_them_out(tmp_path: Path) -> None:
    """A burst that is known already does not stand among the findings of every scan that looks back so far."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", burst("A", (0, 1))))
    run = house.scan(export(tmp_path / "b.csv", burst("B", (2,)))).run
    assert (run["past_flagged"], {o for o, _ in house.findings()}) == (2, {"A0", "A1", "B0"})
    run = house.scan(export(tmp_path / "c.csv", [order("C", 下单时间="2026-11-11 09:03:00", 收货地址="临时仓")])).run
    assert (run["past_flagged"], house.findings(), house.bands()) == (0, {("C", "risky-address")}, {"C": "hold"})
    run = house.scan(export(tmp_path / "d.csv", burst("D", (4,)))).run
    assert (run["flagged"], run["past_flagged"], house.findings()) == (1, 0, {("D0", "ip-burst")})
    assert [n for names in house.holds().values() for n in names] == ["D0"]
    run = house.scan(export(tmp_path / "a.csv", burst("A", (0, 1)))).run  # of this input every order is told
    assert (run["flagged"], {o for o, _ in house.findings()}) == (2, {"A0", "A1"})


def test_what_could_not_be_written_is_issued_by_the_next_scan(tmp_path: Path) -> None:
    house = House(tmp_path)
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    blocked = tmp_path / "round"
    blocked.symlink_to("round")  # a link that leads to itself: no folder can be made there
    with pytest.raises(DeliveryError, match="cannot be written"):
        house.scan(file, out=blocked)
    house.scan(export(tmp_path / "b.csv", [order("2")]))
    assert house.tasks() == {"unassigned": ["1"]}
    assert house.holds() == {"自营": ["1"]}
    house.scan(file)
    assert house.tasks() == {}


def test_frames_only_leaves_the_tasks_for_a_scan_that_writes_them(tmp_path: Path) -> None:
    house = House(tmp_path)
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    house.scan(file, outputs=frozenset({"frames"}))
    assert not (house.out / "tasks").exists()
    house.scan(file)
    assert house.tasks() == {"unassigned": ["1"]}


def test_verdicts_are_recorded_once_and_every_oddity_is_named(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order(str(i), 收货地址="临时仓") for i in range(1, 6)]))
    sheet = tmp_path / "小李.csv"
    text = "订单编号,处置结果,备注\n1,属 实,\n2,误判,本人\n2,误判,本人\n3,属实,\n3,误判,\n4,乱写,\n9,属实,\n5,,\n"
    sheet.write_bytes(text.encode("gb18030"))
    ledger = open_ledger(house.ledger)
    answers, sheets, unanswered, problems = read_sheets([str(sheet)], None)
    done = VerdictBook(ledger).record(answers, sheets, NOW)
    assert (done.written, unanswered, problems) == (2, 1, [])
    said = [(p.line, p.what.zh) for p in done.oddities]
    assert [line for line, _ in said] == [4, 6, 7, 8]
    assert "只记一次" in said[0][1]
    assert any("两处都未记录" in text for _, text in said)
    assert any("乱写" in text for _, text in said)
    assert any("没有订单 9" in text for _, text in said)
    again = VerdictBook(ledger).record(answers, sheets, NOW)
    assert (again.written, again.same) == (0, 2)
    assert {c["order_id"]: c["state"] for c in CaseBook(ledger).listed()} == {"1": "confirmed", "2": "released", "3": "open", "4": "open", "5": "open"}
    assert len(list((house.ledger / "verdicts").rglob("*.csv"))) >= 1
    ledger.close()
    assert whole(house.ledger) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_files_with_personal_data_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]))
    for root in (house.out, house.ledger):
        for path in [root, *root.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


def start(folder: Path, *paths: Path) -> subprocess.Popen[bytes]:
    """A scan from the shell, in the background."""
    words = [sys.executable, "-m", "orderguard", "scan", *map(str, paths), "--out", "out", "--ledger", "ledger", "--quiet"]
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("seed", range(10))
def test_killed_anywhere_the_next_scan_makes_it_whole(tmp_path: Path, seed: int) -> None:
    house = House(tmp_path)
    rows = [order(str(i), 收货地址="临时仓") for i in range(20)] + burst("b", (0, 2, 5))
    file = export(tmp_path / "a.csv", rows)
    process = start(tmp_path, file)
    time.sleep(random.Random(seed).uniform(0.2, 1.0))
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = shell("scan", file, "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    issued = house.tasks().get("unassigned", []) + house.tasks("earlier").get("unassigned", [])
    assert sorted(issued) == sorted(r["订单编号"] for r in rows)
    assert whole(house.ledger) == []
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")] == []


def test_side_by_side_every_order_gets_one_case(tmp_path: Path) -> None:
    """Four scans over overlapping exports at once: one waits for the other, and the sum is that of a serial run."""
    files = []
    for part in range(4):
        rows = [order(str(i), 收货地址="临时仓") for i in range(part * 5, part * 5 + 10)]
        files.append(export(tmp_path / f"{part}.csv", rows))
    running = []
    for part, file in enumerate(files):
        words = [sys.executable, "-m", "orderguard", "scan", str(file), "--out", f"out{part}", "--ledger", "ledger", "--quiet"]
        running.append(subprocess.Popen(words, cwd=tmp_path))
    assert [p.wait(timeout=120) for p in running] == [0, 0, 0, 0]
    sheets = [House(tmp_path) for _ in files]
    issued = []
    for part, house in enumerate(sheets):
        house.out = tmp_path / f"out{part}"
        issued += house.tasks().get("unassigned", [])
    assert sorted(issued) == sorted(str(i) for i in range(25))
    db = sqlite3.connect(tmp_path / "ledger" / "ledger.db")
    assert db.execute("SELECT COUNT(*) FROM cases").fetchone() == (25,)
    db.close()
    assert whole(tmp_path / "ledger") == []


def test_an_output_folder_with_other_files_keeps_them(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.out.mkdir()
    (house.out / "mine.txt").write_text("precious")
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    house.scan(file)
    house.scan(file)
    assert (house.out / "mine.txt").read_text() == "precious"
    assert house.bands() == {"1": "hold"}
    assert house.tasks("earlier") == {"unassigned": ["1"]}


def test_the_default_rulebook_is_the_one_in_the_repository() -> None:
    assert [r.id for r in default_book().rules] == ["risky-address", "ip-burst", "round-amount", "far-phone", "new-account-coupon"]


def test_one_order_from_the_platform_and_from_the_erp_is_one_order_and_one_case(tmp_path: Path) -> None:
    """The JD export and the ERP's 平台=京东 row meet: one order, the ERP's IP fills the gap, one task, one hold."""
    jd = tmp_path / "jd.csv"
    jd.write_text("订单号,下单帐号,客户姓名,客户地址,联系电话,应付金额,京东价,下单时间\nJ1,acc,测名,杭州临时仓,13800000001,88,88,2026-11-11 09:00:00\n", encoding="gb18030")
    erp = export(tmp_path / "erp.csv", [order("J1", 平台="京东", 下单IP="192.0.2.9"), order("J2", 平台="京东", 收货地址="临时仓")])
    house = House(tmp_path)
    done = house.scan(jd, erp)
    assert house.bands() == {"J1": "hold", "J2": "hold"}
    assert house.holds() == {"jd": ["J1"], "京东": ["J2"]}
    assert (done.run["read"], done.run["rejected"], done.run["folded"]) == (2, 0, 1)
    house.scan(export(tmp_path / "late.csv", [order("J1", 平台="京东", 收货地址="临时仓")]))
    assert (house.tasks(), house.holds()) == ({}, {})


def test_the_same_order_under_two_words_is_one_order_in_a_window(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [order(f"J{i}", 平台="京东", 下单IP="192.0.2.9", 下单时间=f"2026-11-11 09:0{i}:00") for i in range(2)]
    house.scan(export(tmp_path / "a.csv", rows))
    house.scan(export(tmp_path / "b.csv", [{**r, "平台": "JD"} for r in rows]))
    assert house.findings() == set()


def test_two_systems_of_one_shop_in_one_scan_count_an_order_once(tmp_path: Path) -> None:
    """Both spell the platform in a way of their own: two orders of a family are no burst of four."""
    house = House(tmp_path)
    rows = [order(f"J{i}", 平台="京东", 下单IP="192.0.2.9", 下单时间=f"2026-11-11 09:0{i}:00") for i in range(2)]
    done = house.scan(export(tmp_path / "a.csv", rows), export(tmp_path / "b.csv", [{**r, "平台": "JD"} for r in rows]))
    assert (house.findings(), done.run["read"], done.run["folded"], done.run["rejected"]) == (set(), 2, 2, 0)


@pytest.mark.parametrize("words", [("jd", "京东"), ("京东", "jd"), ("JD", "京东")])
def test_of_two_words_for_a_platform_the_one_that_knows_the_order_further_tells_its_stage(words: tuple[str, str], tmp_path: Path) -> None:
    def told(name: str, word: str, *statuses: str) -> Path:
        rows = [order("J1", 收货地址="临时仓", 平台=word) | {"商品编码": f"S{i}", "订单状态": s} for i, s in enumerate(statuses)]
        pl.DataFrame(rows).write_csv(tmp_path / name)
        return tmp_path / name

    early = told("a.csv", words[0], "待发货", "待发货")
    house, late = House(tmp_path / "one"), told("b.csv", words[1], "已发货", "待发货")
    part = house.scan(early, late)  # one item still waits: of one word's rows the one that has come least far speaks
    assert (part.run["skipped_by_stage"], house.bands()) == ({}, {"J1": "hold"})
    gone = House(tmp_path / "two").scan(early, told("b.csv", words[1], "已发货", "已发货"))
    assert (gone.run["skipped_by_stage"], gone.run["held"]) == ({"shipped": 1}, 0)


def test_a_night_of_overlapping_minute_exports_finds_what_one_scan_of_the_night_finds(tmp_path: Path) -> None:
    """Forty slices, each overlapping the one before by half, against one scan of all: findings and tasks are the same."""
    rows = sorted(make_world(1_200, 11, dirty=False), key=lambda r: str(r["下单时间"]))
    whole_night = House(tmp_path / "whole")
    (tmp_path / "whole").mkdir()
    (tmp_path / "night").mkdir()
    whole_night.scan(write_csv(rows, tmp_path / "whole.csv"))
    night, found, issued, width = House(tmp_path / "night"), set(), [], len(rows) // 40
    for start_at in range(0, len(rows), width):
        part = rows[max(0, start_at - width // 2) : start_at + width]
        night.scan(write_csv(part, tmp_path / "minute.csv"))
        found |= night.findings()
        issued += [o for orders in night.tasks().values() for o in orders]
    assert found == whole_night.findings()
    assert sorted(issued) == sorted(o for orders in whole_night.tasks().values() for o in orders)
    assert whole(night.ledger) == []


def verdict(house: House, number: str, result: str) -> None:
    """Record one answer as a sheet would."""
    sheet = house.folder / "小李.csv"
    sheet.write_text(f"订单编号,处置结果\n{number},{result}\n", encoding="utf-8")
    ledger = open_ledger(house.ledger)
    answers, sheets, _, _ = read_sheets([str(sheet)], None)
    assert VerdictBook(ledger).record(answers, sheets, NOW).written == 1
    ledger.close()


def test_a_reopened_case_takes_a_new_verdict_and_keeps_the_old_one(tmp_path: Path) -> None:
    house = House(tmp_path)
    row = order("1", 收货地址="临时仓")
    house.scan(export(tmp_path / "a.csv", [row]))
    verdict(house, "1", "误判")
    house.scan(export(tmp_path / "b.csv", [{**row, "实付金额": "2000", "买家留言": ""}]))
    assert whole(house.ledger) == []
    verdict(house, "1", "误判")
    ledger = open_ledger(house.ledger)
    assert [(v["result"], v["ended_run"]) for v in VerdictBook(ledger).listed()] == [("false_alarm", "run-002"), ("false_alarm", None)]
    assert CaseBook(ledger).listed("1")[0]["state"] == "released"
    ledger.close()
    assert whole(house.ledger) == []


def test_a_confirmed_case_is_not_asked_again_on_new_evidence(tmp_path: Path) -> None:
    house = House(tmp_path)
    row = order("1", 收货地址="临时仓")
    house.scan(export(tmp_path / "a.csv", [row]))
    verdict(house, "1", "属实")
    house.scan(export(tmp_path / "b.csv", [{**row, "实付金额": "2000", "买家留言": ""}]))
    assert (house.bands(), house.tasks()) == ({"1": "hold"}, {})
    assert whole(house.ledger) == []


def test_a_lower_hold_band_puts_open_reviews_on_the_hold_list(tmp_path: Path) -> None:
    rule = "{id: words, kind: keywords, with: {any: [临时仓]}, points: 20}"
    house = House(tmp_path, book(rule))
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    house.scan(file)
    assert house.holds() == {}
    house.scan(file, book=book(rule).model_copy(update={"bands": Bands(review=20, hold=20)}))
    assert (house.holds(), house.tasks()) == ({"自营": ["1"]}, {})


def test_a_case_with_a_verdict_is_corrected_not_released(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]))
    verdict(house, "1", "属实")
    ledger = open_ledger(house.ledger)
    with pytest.raises(OrderguardError, match="verdict revise"):
        CaseBook(ledger).release(CaseBook(ledger).listed("1")[0]["case_id"], "主管", "x", NOW)
    ledger.close()


def test_other_peoples_files_with_our_names_are_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    (house.out / "tasks").mkdir(parents=True)
    (house.out / "tasks" / "plan.txt").write_text("mine")
    with pytest.raises(OrderguardError, match="tasks"):
        house.scan(export(tmp_path / "a.csv", [order("1")]))
    assert (house.out / "tasks" / "plan.txt").read_text() == "mine"


def test_a_linked_output_folder_stays_a_link(tmp_path: Path) -> None:
    house = House(tmp_path)
    (tmp_path / "real").mkdir()
    house.out.symlink_to(tmp_path / "real")
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]))
    assert house.out.is_symlink()
    assert house.bands() == {"1": "hold"}


def test_damaged_history_is_told_with_its_repair(tmp_path: Path) -> None:
    house = House(tmp_path)
    file = export(tmp_path / "a.csv", [order("1")])
    house.scan(file)
    next((house.ledger / "orders").rglob("*.parquet")).write_bytes(b"junk")
    with pytest.raises(OrderguardError, match="ledger check"):
        house.scan(file)
    assert any("damaged" in text for text in whole(house.ledger))


def test_whoever_waits_for_the_ledger_says_so_without_a_terminal(tmp_path: Path) -> None:
    """Cron's log told nothing while a scan waited; with --quiet it still tells nothing."""
    file, taken = export(tmp_path / "a.csv", [order("1")]), threading.Event()
    (tmp_path / "ledger").mkdir()

    def hold_it() -> None:
        lock = take_lock(tmp_path / "ledger", None)
        taken.set()
        time.sleep(1)
        lock.close()

    for words, told in (((), True), (("--quiet",), False)):
        taken.clear()
        other = threading.Thread(target=hold_it)
        other.start()
        taken.wait()
        done = shell("scan", file, "--outputs", "frames", *words, cwd=tmp_path)
        other.join()
        assert done.returncode == 0
        assert ("正在使用台账，等待中" in done.stderr) is told
