"""What nobody has yet lies in the shared queue, which has one name per language wherever users read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from house import House, export, order, shell
from openpyxl import load_workbook

from orderguard.errors import OrderguardError
from orderguard.route.team import Agent
from orderguard.staff import meant, shown

if TYPE_CHECKING:
    from pathlib import Path

ODD = order("A1", 收货地址="广东省深圳市南山区某路 1 号临时仓")


@pytest.mark.parametrize(("locale", "word", "other"), [("zh-CN", "待分配", "unassigned"), ("en", "unassigned", "待分配")])
def test_one_word_wherever_users_read_it(tmp_path: Path, locale: str, word: str, other: str) -> None:
    """The file keeps its name, JSON its value."""
    (tmp_path / "rules.yaml").write_text(
        f"version: 1\nlocale: {locale}\nbands: {{review: 20, hold: 30}}\nrules:\n"
        "  - {id: station, kind: keywords, with: {any: [临时仓]}, points: 40}\n",
        encoding="utf-8",
    )
    export(tmp_path / "a.csv", [ODD])
    env = {"ORDERGUARD_LOCALE": locale}
    done = shell("scan", "a.csv", cwd=tmp_path, **env)
    assert done.returncode == 0, done.stderr
    told = next(line for line in done.stdout.splitlines() if line.startswith(("任务表：", "task sheets:")))
    assert told.endswith("待分配（unassigned.xlsx） 1" if locale == "zh-CN" else "unassigned 1")
    texts = {
        "flagged": _cells(tmp_path / "out" / "flagged.xlsx"), "sheet": _cells(tmp_path / "out" / "tasks" / "unassigned.xlsx"),
        "cases": shell("cases", "list", cwd=tmp_path, **env).stdout, "explain": shell("explain", "A1", cwd=tmp_path, **env).stdout,
        "board": (tmp_path / "out" / "board.html").read_text(encoding="utf-8"),
    }  # fmt: skip
    assert {name for name, text in texts.items() if word not in text} == set()
    assert {name for name, text in texts.items() if other in text} == set()
    (case,) = json.loads(shell("cases", "list", "--agent", word, "--json", cwd=tmp_path, **env).stdout)
    assert case["agent"] == "unassigned"
    again = shell("tasks", "--agent", word, "--to", "again", cwd=tmp_path, **env)
    assert (again.returncode, (tmp_path / "again" / "unassigned.xlsx").exists()) == (0, True)


def _cells(path: Path) -> str:
    return "\n".join(str(c) for sheet in load_workbook(path) for row in sheet.iter_rows(values_only=True) for c in row)


def test_a_sheet_of_the_queue_names_no_agent(tmp_path: Path) -> None:
    """Its verdicts are those of whoever handed it in, and not of somebody called 待分配."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [ODD]))
    sheet = house.out / "tasks" / "unassigned.xlsx"
    book = load_workbook(sheet)
    head = [c.value for c in book.active[1]]
    book.active.cell(2, head.index("处置结果") + 1, "误判")
    book.save(sheet)
    assert book.active.cell(2, head.index("处理人") + 1).value == "待分配"
    done = shell("verdict", "record", "out/tasks/unassigned.xlsx", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (verdict,) = json.loads(shell("verdict", "list", "--json", cwd=tmp_path).stdout)
    assert verdict["agent"] not in {"待分配", ""}


@pytest.mark.parametrize("name", ["待分配", "unassigned", "Unassigned"])
def test_nobody_is_called_like_the_queue(name: str) -> None:
    assert meant(name) == "unassigned"
    with pytest.raises((ValueError, OrderguardError), match=r"共享队列|shared queue"):
        Agent(name=name)


def test_a_name_stays_a_name() -> None:
    assert [shown(n, "zh-CN") for n in ("小李", "unassigned")] == ["小李", "待分配"]
    assert meant("小李") == "小李"
