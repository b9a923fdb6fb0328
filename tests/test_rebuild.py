"""A lost database comes back from the ledger's files; old history goes, and personal data with it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import NOW, House, book, burst, export, order, shell

from orderguard.errors import OrderguardError
from orderguard.ledger import CaseBook, History, cases, open_ledger, store
from orderguard.ledger.check import check
from orderguard.ledger.rebuild import rebuild
from orderguard.ledger.snoozes import SnoozeBook
from orderguard.ledger.store import holder
from orderguard.ledger.verdicts import VerdictBook
from orderguard.stages.sheets import read_sheets
from orderguard.stages.sweeping import sweep
from orderguard.stages.upkeep import tidy

if TYPE_CHECKING:
    from pathlib import Path


def dump(folder: Path) -> list[str]:
    """Everything in the database, but for how far the journal is."""
    db = sqlite3.connect(folder / "ledger.db")
    lines = sorted(line for line in db.iterdump() if not line.startswith('INSERT INTO "journal"'))
    (page,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    return [f"pages of {page}", *lines]


def whole(folder: Path) -> list[str]:
    ledger = open_ledger(folder)
    try:
        return [p.text("en") for p in check(ledger)]
    finally:
        ledger.close()


def lose(folder: Path) -> None:
    for path in folder.glob("ledger.db*"):
        path.unlink()


def odd(number: str, **more: str) -> dict[str, str]:
    return order(number, 收货地址="临时仓", **more)


RULES = book(
    "{id: risky-address, kind: keywords, with: {any: [临时仓]}, points: 40, max_share: 1}",
    "{id: ip-burst, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40}",
    "{id: round-amount, kind: round_amount, with: {multiple_of: 1000}, points: 30}",
)


def busy(house: House) -> None:
    """A day's work: scans, a reopened case, verdicts, a release, a transfer, a snooze, a sweep."""
    many = [odd(f"m{i}") for i in range(300)]  # more than a line holds
    house.scan(export(house.folder / "a.csv", [*many, odd("1"), odd("2"), *burst("b", (0, 2))]))
    house.scan(export(house.folder / "b.csv", [*burst("b", (0, 2, 5)), odd("3")]))
    sheet = house.folder / "小李.csv"
    sheet.write_text("订单编号,处置结果,备注\n1,误判,手机 13800000000\n2,属实,\n", encoding="utf-8")
    ledger = open_ledger(house.ledger)
    answers, sheets, _, _ = read_sheets([str(sheet)], None)
    VerdictBook(ledger).record(answers, sheets, NOW)
    cases = CaseBook(ledger)
    ids = {c["order_id"]: c["case_id"] for c in cases.listed()}
    VerdictBook(ledger).revise(ids["2"], "false_alarm", "主管", "看错", NOW)
    cases.release(ids["3"], "主管", "本人确认", NOW)
    cases.reassign(ids["b0"], "小王", "主管", "熟客", NOW)
    SnoozeBook(ledger).add("ip-burst", "192.0.2.7", NOW + timedelta(days=1), "主管", "网关", NOW)
    ledger.close()
    house.scan(export(house.folder / "c.csv", [odd("1", 实付金额="2000", 买家留言="")]))
    sweep(replace(house.options, now=NOW + timedelta(hours=9), run_id="sweep-1"), {})


def test_a_lost_database_comes_back_as_it_was(tmp_path: Path) -> None:
    house = House(tmp_path, RULES)
    busy(house)
    before, first = dump(house.ledger), whole(house.ledger)
    lose(house.ledger)
    done = rebuild(house.ledger, "old")
    assert (first, done["kept"]) == ([], None)
    assert dump(house.ledger) == before
    assert whole(house.ledger) == []
    again = house.scan(tmp_path / "a.csv").run
    assert (again["new_cases"], house.tasks(), house.holds()) == (0, {}, {})
    house.scan(export(tmp_path / "d.csv", [odd("new")]))
    after = dump(house.ledger)
    (house.ledger / "ledger.db").write_bytes(b"junk" * 1000)
    assert rebuild(house.ledger, "second")["kept"] == "ledger.db.second"
    assert dump(house.ledger) == after


def test_a_ledger_from_before_the_journal_gets_a_base(tmp_path: Path) -> None:
    house = House(tmp_path, RULES)
    busy(house)
    shutil.rmtree(house.ledger / "journal")
    db = sqlite3.connect(house.ledger / "ledger.db")
    db.execute("UPDATE journal SET seq = 0, size = 0")
    db.commit()
    db.close()
    assert whole(house.ledger) == []
    house.scan(export(tmp_path / "d.csv", [odd("new")]))
    before = dump(house.ledger)
    lose(house.ledger)
    assert rebuild(house.ledger, "old")["lines"] == 2
    assert dump(house.ledger) == before


def test_a_journal_that_was_lost_begins_again(tmp_path: Path) -> None:
    house = House(tmp_path, RULES)
    busy(house)
    shutil.rmtree(house.ledger / "journal")
    assert whole(house.ledger) == []
    before = dump(house.ledger)
    lose(house.ledger)
    rebuild(house.ledger, "old")
    assert dump(house.ledger) == before


def test_what_a_killed_command_left_in_the_journal_never_counts(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [odd("1")]))
    before = dump(house.ledger)
    path = next((house.ledger / "journal").glob("*.jsonl"))
    with path.open("ab") as file:
        file.write(b'{"seq":3,"version":1,"do":[["DELETE FROM cases",[[]]]]}\n{"seq":4,')
    assert whole(house.ledger) == []
    lose(house.ledger)
    rebuild(house.ledger, "old")
    assert dump(house.ledger) == before
    ledger = open_ledger(house.ledger)
    db = ledger.db
    with pytest.raises(sqlite3.OperationalError), ledger.commit():  # noqa: PT012 - what comes before the error counts
        db.executemany("UPDATE cases SET agent = ? WHERE case_id = ?", [("x", str(i)) for i in range(500)])
        db.execute("no SQL")
    assert ledger.journal is not None
    ledger.journal.begin()
    db.execute("BEGIN")
    db.executemany("UPDATE cases SET agent = ? WHERE case_id = ?", [("x", str(i)) for i in range(500)])
    ledger.journal.write(1)
    assert len(list((house.ledger / "journal").iterdir())) == 2
    db.execute("ROLLBACK")
    ledger.journal.undo()
    ledger.close()
    assert [p.name for p in (house.ledger / "journal").iterdir()] == [path.name]
    assert whole(house.ledger) == []


def test_a_damaged_journal_is_named_and_nothing_changes(tmp_path: Path) -> None:
    house = House(tmp_path, RULES)
    busy(house)
    path = next((house.ledger / "journal").glob("*.jsonl"))
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b"x" * len(lines[1]), *lines[2:]]))
    assert any("000000.jsonl:2" in said for said in whole(house.ledger))
    before = dump(house.ledger)
    with pytest.raises(OrderguardError, match="damaged"):
        rebuild(house.ledger, "old")
    assert dump(house.ledger) == before
    with pytest.raises(OrderguardError, match="no journal"):
        rebuild(tmp_path, "old")


def test_pruned_history_leaves_windows_cases_and_open_orders_right(tmp_path: Path) -> None:
    house = House(tmp_path)
    old = [odd("open", 下单时间="2026-10-01 09:00:00"), order("gone", 下单时间="2026-10-01 09:00:00")]
    house.scan(export(tmp_path / "old.csv", old))
    house.scan(export(tmp_path / "old2.csv", [{**old[1], "买家留言": "改"}]))
    house.scan(export(tmp_path / "a.csv", burst("b", (0, 2))))
    ledger = open_ledger(house.ledger)
    # The burst begins before the day and goes on after it: five minutes before it are kept.
    day = datetime(2026, 11, 11, 1, 4, tzinfo=UTC)
    done = tidy(ledger, house.options.book, day, NOW)
    assert (done["dropped"], done["merged"]) == (1, 1)
    assert History(ledger).named("gone") == []
    assert len(History(ledger).named("open")) == 1
    assert check(ledger) == []
    ledger.close()
    house.scan(export(tmp_path / "b.csv", [burst("b", (0, 2, 5))[2]]))
    assert house.findings() == {("b0", "ip-burst"), ("b1", "ip-burst"), ("b2", "ip-burst")}
    before = dump(house.ledger)
    lose(house.ledger)
    rebuild(house.ledger, "old")
    assert dump(house.ledger) == before
    assert whole(house.ledger) == []


CANARY = ("临时仓金丝雀路", "13812345678", "金丝雀", "canary-note", "198.51.100.77")


def test_personal_data_goes_when_its_time_is_over(tmp_path: Path) -> None:
    rules = book(
        "{id: words, kind: keywords, with: {any: [临时仓金丝雀路]}, points: 30}", head="privacy: {retain_days: 30}"
    )
    house = House(tmp_path, rules)
    facts = {
        "收货地址": CANARY[0],
        "联系电话": CANARY[1],
        "收货人": CANARY[2],
        "下单IP": CANARY[4],
        "买家账号": CANARY[2],
    }
    house.scan(export(tmp_path / "a.csv", [order("1", **facts), order("2", **facts)]), now=NOW - timedelta(days=60))
    (tmp_path / "a.csv").write_text("")
    sheet = tmp_path / "小李.csv"
    sheet.write_text(f"订单编号,处置结果,备注,收货电话\n1,误判,{CANARY[3]},{CANARY[1]}\n2,属实,,\n", encoding="utf-8")
    ledger = open_ledger(house.ledger)
    answers, sheets, _, _ = read_sheets([str(sheet)], None)
    VerdictBook(ledger).record(answers, sheets, NOW - timedelta(days=59))
    assert tidy(ledger, rules, None, NOW - timedelta(days=40))["erased"] == 0
    told = tidy(ledger, rules, None, NOW + timedelta(days=30))
    assert told["erased"] == 2
    assert check(ledger) == []
    ledger.close()
    db = sqlite3.connect(house.ledger / "ledger.db")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("VACUUM")
    db.close()
    for path in house.ledger.rglob("*"):
        if path.is_file():
            text = pl.read_parquet(path).write_csv().encode() if path.suffix == ".parquet" else path.read_bytes()
            for word in CANARY:
                assert word.encode() not in text, (path, word)
    short = book(
        "{id: far, kind: velocity, with: {key: ip, window: 40d, at_least: 3}, points: 30}",
        head="privacy: {retain_days: 30}",
    )
    ledger = open_ledger(house.ledger)
    with pytest.raises(OrderguardError, match="retain_days"):
        tidy(ledger, short, None, NOW)
    ledger.close()


def test_rebuild_export_and_prune_from_the_shell(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [odd("1"), order("=1+1", 收货地址="临时仓")]))
    lose(house.ledger)
    done = shell("ledger", "rebuild", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["ok"], told["cases"]) == (True, 2)
    out = shell("ledger", "export", "--to", "tables", "--format", "csv", "--json", cwd=tmp_path)
    assert json.loads(out.stdout)["cases"] == 2
    assert "'=1+1" in (tmp_path / "tables" / "cases.csv").read_text("utf-8-sig")
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "tables").iterdir())
    assert shell("ledger", "prune", cwd=tmp_path).returncode == 2
    assert shell("ledger", "prune", "--before", "2026-01-01", cwd=tmp_path).returncode == 0
    house.scan(export(tmp_path / "b.csv", [order(f"C{i}") for i in range(3)]))  # a day in the shop's zone, orders in UTC
    pruned = json.loads(shell("ledger", "prune", "--before", "2030-01-01", "--json", cwd=tmp_path).stdout)
    assert (pruned["dropped"], shell("ledger", "check", cwd=tmp_path).returncode) == (3, 0)


def test_who_holds_the_lock_is_told(tmp_path: Path) -> None:
    House(tmp_path).scan(export(tmp_path / "a.csv", [odd("1")]))
    ledger = open_ledger(tmp_path / "ledger")
    words = [sys.executable, "-m", "orderguard", "cases", "list"]
    process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    said = process.stderr.readline().decode()
    ledger.close()
    assert process.wait(timeout=30) == 0
    process.stderr.close()
    assert "进程 " in said
    assert time.strftime("%H:") in said or "自 " in said
    (tmp_path / "ledger" / ".holder").write_text("junk")
    assert holder(tmp_path / "ledger").en == "another orderguard"


def test_indexes_made_after_the_rows_are_those_of_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the transaction comes to nothing after they were dropped."""
    dumps = []
    for name, many in (("one", 50_000), ("two", 1)):
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, RULES)
        monkeypatch.setattr(store, "_MANY", many)
        with monkeypatch.context() as patch:
            patch.setattr(cases, "record_drawn", None)
            with pytest.raises(TypeError):
                house.scan(export(tmp_path / "a.csv", [odd("1"), odd("2")]))
        house.scan(export(tmp_path / "b.csv", [odd(str(i)) for i in range(20)]))
        house.scan(export(tmp_path / "c.csv", [odd(str(i)) for i in range(15, 25)]))
        assert whole(house.ledger) == []
        dumps.append(dump(house.ledger))
    assert [line for line in dumps[0] if "INDEX" in line] == [line for line in dumps[1] if "INDEX" in line]
    assert len(dumps[0]) == len(dumps[1])
