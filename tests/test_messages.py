"""What a wrong command is told, in the shop's language, and times as its clock shows them."""

from __future__ import annotations

import errno
import os
import re
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from house import House, export, order, shell

from orderguard import cli
from orderguard.cli.usage import _refused
from orderguard.errors import OrderguardError, Words, unable
from orderguard.ingest import find_sources
from orderguard.ledger.answers import read_result, worn
from orderguard.platforms.looks import look

if TYPE_CHECKING:
    from pathlib import Path

ENGLISH = re.compile(r"\b(?:is|not|does|exist|such|file or|directory|denied|Errno)\b", re.IGNORECASE)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["verdict", "revise"], "缺少订单编号或案件号（ORDER_OR_CASE）"), (["explain"], "缺少订单编号（ORDER_ID）"), (["scan", "a.csv", "--date-order", "x"], "--date-order 不能是“x”"),
        (["watch", "nowhere"], "文件夹（FOLDER）没有“nowhere”"), (["watch", "a.csv"], "“a.csv”是文件，不是文件夹"), (["board", "--port", "abc"], "--port 应为整数，而不是“abc”"),
        (["scan", "a.csv", "--rules", "."], "这是文件夹，不是文件"), (["scan", "a.csv", "--team", "none.yaml"], "没有这个文件"), (["scan", "a.csv", "--ledger", "a.csv"], "已有同名文件"),
        (["scan", "a.csv", "--password-file", "none"], "没有这个文件"),
    ],
)  # fmt: skip
def test_wrong_commands_are_told_in_chinese(tmp_path: Path, words: list[str], told: str) -> None:
    export(tmp_path / "a.csv", [order("1")])
    done = shell(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not ENGLISH.search(done.stderr)
    assert not (tmp_path / "ledger").exists()


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG, errno.EIO])
def test_reasons_of_the_system_in_both_languages(number: int) -> None:
    told = unable(Words("无法写入", "cannot be written"), OSError(number, os.strerror(number), "/secret/path"))
    assert told.en == f"cannot be written ({os.strerror(number)})"
    assert re.fullmatch("无法写入（[\u4e00-\u9fff，]+）", told.zh)


def test_reasons_of_a_database_and_of_nobody() -> None:
    assert unable(Words("打不开", "x"), sqlite3.OperationalError("database is locked")).zh == "打不开（正被另一个命令占用）"
    assert unable(Words("打不开", "x"), OSError()).zh == "打不开（OSError）"
    assert _refused("something new") == "的值不能用（something new）"


def test_lists_show_the_shops_clock(tmp_path: Path) -> None:
    """Without a rulebook China's; with one the zone it names. In JSON instants stay instants."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="某路 1 号临时仓")]))
    shell("verdict", "revise", "1", "属实", "--by", "a", "--why", "b", cwd=tmp_path)
    stamp = shell("cases", "list", "--json", cwd=tmp_path).stdout.split('"due_at": "')[1].split('"')[0]
    assert stamp.endswith("+0000")
    shown = {}
    for zone in ("", "timezone: UTC", "timezone: 'America/New_York'", "timezone: Nowhere/At_all"):
        (tmp_path / "rules.yaml").write_text(zone, encoding="utf-8") if zone else None
        shown[zone] = shell("cases", "list", cwd=tmp_path).stdout.splitlines()[1].split("\t")[6]
    utc = stamp.replace("T", " ").removesuffix("+0000")
    assert shown["timezone: UTC"] == utc
    assert shown["timezone: Nowhere/At_all"] == utc + " UTC"
    assert len({*shown.values()}) == 4
    (tmp_path / "rules.yaml").unlink()
    shell("cases", "snooze", "--rule", "ip-burst", "--value", "192.0.2.7", "--until", "2099-12-31", "--by", "a", "--why", "b", cwd=tmp_path)
    for words, at in ((["cases", "snoozed"], "2099-12-31（含当天）"), (["cases", "snoozed"], "192.0.2.7")):
        assert at in shell(*words, cwd=tmp_path).stdout


@pytest.mark.parametrize(("shown", "same"), [("7.12346E+16", True), ("7.1234567890130E+16", True), ("71234567890130794", True), ("71234567890130800", True), ("'0071234567890130794", True), ("71,234,567,890,130,794", True),
                                             ("71234567890130700", False), ("7.12347E+16", False), ("7.12346E+17", False), ("7.12346E-16", False), ("", False), ("0", False), ("e", False), ("1e", False)])  # fmt: skip
def test_what_spreadsheets_make_of_a_number(shown: str, *, same: bool) -> None:
    assert worn(shown, "0071234567890130794") is same
    assert not worn(shown, "A-1")


@pytest.mark.parametrize(("said", "result"), [("屬實", "confirmed"), ("誤判", "false_alarm"), ("需進一步調查", "investigating"), ("False positive", "false_alarm"), ("需要调查", "investigating"), ("不屬實", None), ("是", None)])
def test_answers_in_traditional_chinese(said: str, result: str | None) -> None:
    assert read_result(said) == result


def test_long_numbers_are_no_money() -> None:
    assert [look([c] * 3).kind() for c in ("6920000000000028573", "1,299.50", "¥1299", "240000000")] == ["id", "money", "money", "money"]


def test_an_english_shop_gets_an_english_rulebook(tmp_path: Path) -> None:
    """What `init` writes speaks the language it was asked in; and an Emirati export's currency looks like one."""
    for template in ([], ["--template", "cross-border"]):
        folder = tmp_path / (template[-1] if template else "plain")
        assert shell("init", folder, *template, cwd=tmp_path, ORDERGUARD_LOCALE="en").returncode == 0
        assert "\nlocale: en " in (folder / "rules.yaml").read_text(encoding="utf-8")
        assert shell("rules", "check", cwd=folder).returncode == 0
    assert look(["AED", "aed"]).fits("currency") == 1.0


@pytest.mark.parametrize(("locale", "said"), [("zh-CN", "已中断"), ("en", "the ledger is whole")])
def test_ctrl_c_says_what_it_left(locale: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("ORDERGUARD_LOCALE", locale)
    monkeypatch.setattr(sys, "argv", ["orderguard", "rules", "check"])
    monkeypatch.setattr(cli.cli, "invoke", pressed)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as left:
            cli.main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert left.value.code == 130
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["scan", "{}/x.csv"], ["scan", "{}.csv"], ["scan", "a.csv", "--rules", "{}"], ["scan", "a.csv", "--ledger", "{}"], ["platforms", "detect", "{}"], ["verdict", "record", "{}"]])
def test_a_name_that_no_file_can_have_is_no_internal_error(tmp_path: Path, words: list[str]) -> None:
    export(tmp_path / "a.csv", [order("1")])
    done = shell(*(w.format("n" * 300) for w in words), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "名字太长" in done.stderr


def test_a_folder_that_nobody_may_open_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(type(tmp_path), "iterdir", refused)
    with pytest.raises(OrderguardError) as told:
        find_sources([str(tmp_path), "nowhere.csv"])
    assert [p.what.zh for p in told.value.problems] == ["无法打开（没有权限）", "找不到这个文件"]


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (["ledger", "check"], "✓ 台账完好  扫描 1  案件 1  命中 1  处置 0  历史文件 1", "✓ the ledger is whole  runs 1  cases 1  findings 1  verdicts 0  history 1"),
        (["cases", "release", "A1", "--by", "x", "--why", "y"], "→ 已放行\n", "→ released\n"),
        (["ledger", "prune"], "加 --before 2026-10-01，或在规则表写 privacy: {retain_days: 90}", "give --before 2026-10-01, or write privacy"),
    ],
)
def test_commands_speak_one_language(tmp_path: Path, words: list[str], zh: str, en: str) -> None:
    for locale, told in (("zh-CN", zh), ("en", en)):
        folder = tmp_path / locale
        folder.mkdir()
        House(folder).scan(export(folder / "a.csv", [order("A1", 收货地址="广东省深圳市南山区某路 1 号临时仓")]))
        (folder / "rules.yaml").write_text(f"version: 1\nlocale: {locale}\nbands: {{review: 20, hold: 30}}\nrules:\n  - {{id: a, kind: keywords, with: {{any: [临时仓]}}, points: 40}}\n", encoding="utf-8")
        done = shell(*words, cwd=folder, ORDERGUARD_LOCALE=locale)
        assert told in done.stdout + done.stderr


@pytest.mark.parametrize(("locale", "told"), [("zh-CN", "没有超时的案件"), ("en", "no case is overdue")])
def test_an_empty_list_of_overdue_cases_says_so(tmp_path: Path, locale: str, told: str) -> None:
    House(tmp_path).scan(export(tmp_path / "a.csv", [order("A1")]))
    rule = "{id: a, kind: keywords, with: {any: [临时仓]}, points: 40}"
    (tmp_path / "rules.yaml").write_text(f"version: 1\nlocale: {locale}\nbands: {{review: 20, hold: 30}}\nrules: [{rule}]\n", encoding="utf-8")
    done = shell("cases", "overdue", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (0, "", told)


def test_standard_input_that_is_closed_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec '{sys.executable}' -m orderguard scan - <&-"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (2, "✗ stdin: 无法打开（已经关闭）")
