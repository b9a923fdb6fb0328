"""Commands that only look at a ledger: for users who may not write to it; and what they call things."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING

import pytest
from house import NOW, House, export, order, shell

from orderguard.cli import main
from orderguard.platforms import load_profiles, names_of_words
from orderguard.report.period import month, previous
from orderguard.stages.boarding import board_in
from orderguard.stages.reporting import Asked, figures

if TYPE_CHECKING:
    from pathlib import Path

NOVEMBER = month("2026-11", "Asia/Shanghai")
LOOKS = (
    "cases list --json", "cases overdue --json", "cases snoozed --json", "explain 1 --json", "verdict list --json", "verdict export --json",
    "notices list --json", "learn --json", "ledger check --json", "board --json", "ledger export --to tables --json",
    "report --month 2026-11 --out made --json",
)  # fmt: skip


def said(words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The command line in this process: exit code, standard output and error."""
    monkeypatch.setattr("sys.argv", ["orderguard", *words.split()])
    code, mask = 0, os.umask(0o077)
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os.umask(mask)
    return code, *capsys.readouterr()


def lying(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p.relative_to(folder)): (p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(folder.rglob("*"))}


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose ledger this user may read only."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓"), order("2")]))
    monkeypatch.chdir(tmp_path)
    for place in ("ledger.store", "ledger.snapshot", "stages.sweeping"):
        monkeypatch.setattr(f"orderguard.{place}.writable", lambda _: False)
    return house


@pytest.mark.parametrize("words", LOOKS)
def test_who_may_not_write_can_look(
    closed: House, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (closed.ledger / ".lock").unlink()
    before = lying(closed.ledger)
    code, out, err = said(words, monkeypatch, capsys)
    assert code == 0, err
    json.loads(out)
    assert lying(closed.ledger) == before


def test_an_older_ledger_says_who_must_upgrade_it(
    closed: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(closed.ledger / "ledger.db") as db:
        db.execute("PRAGMA user_version = 6")
        db.execute("PRAGMA journal_mode = DELETE")
    for words in ("cases list", "report --month 2026-11"):
        code, _, err = said(words, monkeypatch, capsys)
        assert (code, "ledger check" in err) == (2, True), words


def test_board_and_report_call_a_platform_alike(tmp_path: Path) -> None:
    """The board showed an ERP's word as written, the report the platform's name."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓", 平台="京东"), order("2", 收货地址="临时仓")]))
    for locale, jd in (("en", "JD"), ("zh-CN", "京东")):
        names = names_of_words(load_profiles(), locale)
        told = board_in(house.ledger, house.options.book, NOW, names)
        report = figures(Asked(house.options.book, NOVEMBER, previous(NOVEMBER), [str(house.ledger)], [], tmp_path, locale, NOW))[0]
        assert {s["platform"] for s in told["soonest"]} == {p["platform_name"] for p in report["platforms"]} == {jd, "自营"}


def test_a_day_is_shown_as_the_day_that_was_said(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    assert shell("scan", "a.csv", cwd=tmp_path).returncode == 0
    who = ("--by", "主管", "--why", "网关")
    for until in ("2099-12-01", "36h"):
        assert shell("cases", "snooze", "--rule", "ip-burst", "--value", until, "--until", until, *who, cwd=tmp_path).returncode == 0
    shown = shell("cases", "snoozed", cwd=tmp_path).stdout
    assert "\t2099-12-01（含当天）\t" in shown
    assert "2099-12-02" not in shown
    assert json.loads(shell("cases", "snoozed", "--json", cwd=tmp_path).stdout)[0]["until"] == "2099-12-01T16:00:00+0000"


def test_what_adds_up_scans_says_so_beside_what_counts_orders(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [order("1", 收货地址="临时仓"), order("2")]
    house.scan(export(tmp_path / "a.csv", rows))
    house.scan(export(tmp_path / "b.csv", [*rows, order("3")]))
    told = figures(Asked(house.options.book, NOVEMBER, previous(NOVEMBER), [str(house.ledger)], [], tmp_path, "en", NOW))[0]
    rule = next(r for r in told["rules"] if r["rule_id"] == "risky-address")
    assert (rule["judged"], rule["judged_times"], rule["hits"], told["headline"]["scanned"]) == (5, 5, 1, 3)
    row = next(c for c in told["quality"]["coverage"] if c["rule_id"] == "risky-address")
    assert (row["orders"], row["judged"], row["hits"]) == (3, 5, 2)
