"""`--json` on every command that prints (design.md, section 7)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
import polars as pl
import pytest
from house import burst, export, order, shell

from orderguard.cli import _COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _leaves(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _leaves(below, (*words, name))
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield words, command


def test_every_command_prints_json() -> None:
    for name, where in _COMMANDS.items():
        module, attribute = where.split(":")
        for words, command in _leaves(getattr(import_module(module), attribute), (name,)):
            assert any("--json" in option.opts for option in command.params), " ".join(words)


def test_every_option_tells_what_it_is_for_in_both_languages() -> None:
    for name, where in _COMMANDS.items():
        module, attribute = where.split(":")
        for words, command in _leaves(getattr(import_module(module), attribute), (name,)):
            for option in (p for p in command.params if isinstance(p, click.Option)):
                zh, _, en = (option.help or "").partition(" / " if " / " in (option.help or "") else "/")
                assert re.search("[\u4e00-\u9fff]", zh), (words, option.opts)
                assert re.search("[A-Za-z]", en), (words, option.opts)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk", "utf-16"])
def test_a_scan_ends_well_wherever_its_words_go(tmp_path: Path, encoding: str) -> None:
    """An analyst's terminal or cron's pipe may know no Chinese: the audit is done all the same, and JSON stays JSON."""
    export(tmp_path / "a.csv", [order("1", 收货地址="𠮷临时仓")])
    for words in (("scan", "a.csv"), ("rules", "check"), ("scan", "a.csv", "--json")):
        done = _run(*words, cwd=tmp_path, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
    said = done.stdout.decode("utf-8" if encoding in {"ascii", "latin-1"} else encoding)
    assert json.loads(said)["flagged"] == 1


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (("scna",), "没有命令 orderguard scna；是否想写 'scan'？", "there is no command orderguard scna; did you mean 'scan'?"),
        (("scan", "x", "--outputz", "a"), "没有选项 --outputz；是否想写 '--outputs'？", "has no option --outputz; did you mean '--outputs'?"),
        (("scan",), "orderguard scan 缺少要扫描的文件或文件夹（PATHS）", "orderguard scan needs PATHS"),
        (("cases", "release", "1"), "缺少 --by", "needs --by"),
        (("scan", "x", "--fail-on", "hald"), "--fail-on 不能是“hald”", "--fail-on: 'hald' is not one of"),
        (("scan", "x", "--rules"), "--rules 后面要写一个值", "--rules needs a value"),
        (("init", "a", "b"), "多出了 b", "b is too much"),
    ],
)
def test_a_wrong_command_line_is_told_in_both_languages(tmp_path: Path, words: tuple[str, ...], zh: str, en: str) -> None:
    for locale, said in (("zh-CN", zh), ("en", en)):
        done = shell(*words, cwd=tmp_path, ORDERGUARD_LOCALE=locale)
        assert done.returncode == 2
        assert said in done.stderr
        assert "--help" in done.stderr or "hald" in words


def test_explain_tells_why_each_default_rule_flagged_an_order(tmp_path: Path) -> None:
    """In the words that the scan found."""
    odd = [order("K", 收货地址="某临时仓 3 号"), order("R", 实付金额="2000", 买家留言=""), order("F", 联系电话="13999110000")]
    new = order("N", 注册时间="2026-11-10 12:00:00", 历史订单数="0", 优惠券="满减")
    export(tmp_path / "a.csv", [*odd, new, *burst("B", (0, 1, 2))])
    assert shell("scan", "a.csv", cwd=tmp_path).returncode == 0
    said = dict(pl.read_parquet(tmp_path / "out" / "findings.parquet").select("order_id", "reason").iter_rows())
    assert set(said) == {"K", "R", "F", "N", "B0", "B1", "B2"}
    for number, reason in said.items():
        done = shell("explain", number, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert reason in done.stdout


def test_explain_tells_why_what_a_rule_found_does_not_count(tmp_path: Path) -> None:
    """On trial, without the rule it needs, on an allow list, out of the rule's scope: as the scan decided."""
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nbands: {review: 20}\nrules:\n"
        "- {id: station, kind: keywords, points: 20, needs: [empty, big], with: {any: [驿站]}}\n"
        "- {id: empty, kind: keywords, points: 5, with: {any: [临时仓]}}\n"
        "- {id: big, kind: condition, points: 5, says: 大额, with: {when: amount > 900}, status: trial}\n"
        "- {id: elsewhere, kind: condition, points: 5, only: {platform: [抖音]}, with: {when: amount > 1}}\n"
        "- {id: lists, kind: listed, points: 40, with: {entries: [{value: vip, kind: allow, column: account}]}}\n",
        encoding="utf-8",
    )
    rows = [order("1", 收货地址="某路驿站", 实付金额="950"), order("2", 收货地址="驿站临时仓"), order("3", 收货地址="驿站临时仓", 买家账号="vip")]
    export(tmp_path / "a.csv", rows)
    assert shell("scan", "a.csv", cwd=tmp_path).returncode == 0
    told = {
        n: {r["rule_id"]: r for r in json.loads(shell("explain", n, "--json", cwd=tmp_path).stdout)["rules"]} for n in "123"
    }
    assert [(told[n]["station"]["answer"], told[n]["station"]["counts"]) for n in "123"] == [("flagged", False), ("flagged", True), ("passed", False)]
    assert told["1"]["station"]["note"] == "不计分：要与 empty 或 big 一起"
    assert told["1"]["big"]["note"] == "试运行，不计分"
    assert told["3"]["station"]["note"] == "在白名单里，不标记"
    assert {told[n]["elsewhere"]["answer"] for n in "123"} == {"passed"}
    lines = shell("explain", "1", cwd=tmp_path).stdout
    assert "big  大额：实付金额 950（实付金额 > 900）  （试运行，不计分）" in lines


def test_a_full_or_closed_standard_output_is_no_fault_of_ours(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order("1")])
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = _run("scan", "a.csv", cwd=tmp_path, stdout=full)
    assert done.returncode == 3
    assert "标准输出无法写入" in done.stderr.decode()
    line = f"{sys.executable} -m orderguard scan a.csv >&-"
    assert subprocess.run(["sh", "-c", line], cwd=tmp_path, check=False, capture_output=True).returncode == 0


def _run(*words: str, cwd: Path, stdout: Any = subprocess.PIPE, **env: str) -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-m", "orderguard", *words]
    return subprocess.run(line, cwd=cwd, check=False, stdout=stdout, stderr=subprocess.PIPE, env={**os.environ, **env})


def test_what_a_command_did_to_a_case_is_json_too(tmp_path: Path) -> None:
    def said(*words: str) -> object:
        done = shell(*words, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert said("init", "shop") == ["shop/rules.yaml", "shop/team.yaml"]
    (tmp_path / "in").mkdir()
    export(tmp_path / "in" / "a.csv", burst("b", (0, 1, 2)))
    run = shell("watch", "in", "--once", "--json", cwd=tmp_path).stdout.splitlines()
    assert [json.loads(line)["new_cases"] for line in run] == [3]
    who = ("--by", "主管", "--why", "试")
    order = json.loads(run[0]) and said("cases", "list")[0]["order_id"]
    moved = said("cases", "reassign", order, "小王", *who)
    assert (moved["order_id"], moved["agent"]) == (order, "小王")
    assert said("cases", "release", order, *who)["state"] == "released"
    other = said("cases", "list")[1]["order_id"]
    (tmp_path / "小王.csv").write_text(f"订单编号,处置结果\n{other},误判\n", encoding="utf-8")
    assert said("verdict", "record", "小王.csv")["recorded"] == 1
    assert said("verdict", "revise", other, "属实", *who)["result"] == "confirmed"
