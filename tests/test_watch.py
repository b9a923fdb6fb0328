"""A watched folder: each finished file is scanned once, also across a kill; a file that fails three times is set aside."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import polars as pl
from house import House, export, order, shell

if TYPE_CHECKING:
    from pathlib import Path


def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def test_each_file_is_scanned_once_and_a_changed_one_again(tmp_path: Path) -> None:
    folder = inbox(tmp_path)
    export(folder / "a.csv", [order("1", 收货地址="临时仓")])
    first = shell("watch", "in", "--once", "--every", "0.1", cwd=tmp_path)
    assert (first.returncode, first.stdout.count("新任务 1")) == (0, 1)
    second = shell("watch", "in", "--once", "--every", "0.1", cwd=tmp_path)
    assert (second.returncode, second.stdout) == (0, "")
    export(folder / "a.csv", [order("1", 收货地址="临时仓"), order("2", 收货地址="临时仓")])
    third = shell("watch", "in", "--once", "--every", "0.1", cwd=tmp_path)
    assert "新任务 1" in third.stdout
    assert json.loads((tmp_path / "ledger" / "heartbeat.json").read_text())["waiting"] == 0


def test_a_file_that_fails_three_times_is_set_aside_and_the_others_go_through(tmp_path: Path) -> None:
    folder = inbox(tmp_path)
    (folder / "bad.xlsx").write_bytes(b"PK\x03\x04 cut off")
    export(folder / "good.csv", [order("1", 收货地址="临时仓")])
    for _ in range(3):
        done = shell("watch", "in", "--once", "--every", "0.1", cwd=tmp_path)
        assert done.returncode == 2
        assert "bad.xlsx" in done.stderr
    assert (folder / "quarantine" / "bad.xlsx").exists()
    assert not (folder / "bad.xlsx").exists()
    assert shell("watch", "in", "--once", "--every", "0.1", cwd=tmp_path).returncode == 0
    assert shell("cases", "list", "--json", cwd=tmp_path).stdout.count('"order_id": "1"') == 1


def test_many_files_at_once_and_a_kill_in_between(tmp_path: Path) -> None:
    folder = inbox(tmp_path)
    for i in range(60):
        export(folder / f"{i:02d}.csv", [order(f"o{i}", 收货地址="临时仓")])
    words = [sys.executable, "-m", "orderguard", "watch", "in", "--every", "0.1", "--quiet"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.Random(5).uniform(0.6, 1.6))
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = shell("watch", "in", "--once", "--every", "0.1", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    house = House(tmp_path)
    issued = [o for where in ("tasks", "earlier") for orders in house.tasks(where).values() for o in orders]
    assert sorted(issued) == sorted(f"o{i}" for i in range(60))
    assert shell("ledger", "check", cwd=tmp_path).returncode == 0


def test_an_agents_sheet_can_be_issued_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓"), order("2", 收货地址="代收点")]))
    done = shell("tasks", "--agent", "unassigned", "--to", "again", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sheet = pl.read_excel(tmp_path / "again" / "unassigned.xlsx", infer_schema_length=0)
    assert sorted(sheet["订单编号"]) == ["1", "2"]
    assert all("含" in r for r in sheet["原因"])
    nobody = shell("tasks", "--agent", "小李", cwd=tmp_path)
    assert nobody.returncode == 2
    assert "待分配" in nobody.stderr
