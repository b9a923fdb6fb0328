"""`--json` on every command that prints (design.md, section 7)."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING

import click
from house import burst, export, shell

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
