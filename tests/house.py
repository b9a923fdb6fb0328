"""The whole house for tests: small exports, scans in this process, commands here or in a process of their own, and what they left."""

from __future__ import annotations

import csv
import gc
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import FileIO, TextIOWrapper
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from orderguard.audit import scan
from orderguard.cli import main
from orderguard.route import Team
from orderguard.rules.book import Rulebook, default_rulebook, load_rulebook, parse_rulebook
from orderguard.stages.options import OUTPUTS, Options, Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROUNDS = int(os.environ.get("ORDERGUARD_TEST_ROUNDS", "1"))
"""How many times as many random batches as `.ci/run` has time for."""
ALL = frozenset(OUTPUTS)
NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
HEAD = (
    "订单编号", "平台", "店铺名称", "买家账号", "注册时间", "历史订单数", "收货人", "联系电话", "收货地址", "下单时间", "付款时间",
    "实付金额", "优惠券", "买家留言", "下单IP", "设备号", "发货地", "承诺发货时间",
)  # fmt: skip
_CLEAN = {
    "平台": "自营", "店铺名称": "甲店", "注册时间": "2020-01-01 00:00:00", "历史订单数": "5", "收货人": "测名",
    "联系电话": "13802580000", "收货地址": "广东省深圳市南山区某路 1 号", "下单时间": "2026-11-11 09:00:00",
    "付款时间": "2026-11-11 09:00:30", "实付金额": "88.00", "优惠券": "", "买家留言": "谢谢", "发货地": "深圳",
    "承诺发货时间": "2026-11-13 09:00:00",
}  # fmt: skip


def order(number: str, **changed: str) -> dict[str, str]:
    """A clean order, its account, IP and device its own, with some cells changed."""
    n = abs(hash(number)) % 200 + 1
    own = {"买家账号": f"u-{number}", "下单IP": f"198.51.100.{n}-{number}", "设备号": f"d-{number}"}
    return {"订单编号": number, **_CLEAN, **own, **changed}


def burst(prefix: str, minutes: tuple[int, ...], ip: str = "192.0.2.7") -> list[dict[str, str]]:
    """Orders from one IP at the given minutes past nine."""
    return [order(f"{prefix}{i}", 下单IP=ip, 下单时间=f"2026-11-11 09:{m:02d}:00") for i, m in enumerate(minutes)]


def export(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write rows as a generic CSV export."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEAD, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@cache
def default_book() -> Rulebook:
    """The rulebook that comes with orderguard."""
    return load_rulebook(default_rulebook())


@cache
def book(*rules: str, head: str = "") -> Rulebook:
    """A rulebook of the given rules (YAML mappings in flow style)."""
    text = f"version: 1\nbands: {{review: 20, hold: 30}}\n{head}\nrules:\n" + "".join(f"  - {r}\n" for r in rules)
    return parse_rulebook(text)


class House:
    """A place with one ledger and one output folder.

    A scan leaves no workbook unless it is asked for (`outputs=ALL`): it takes a third of a small scan's time, and the scans
    that tests run from the shell write it.
    """

    def __init__(self, folder: Path, rulebook: Rulebook | None = None, team: Team | None = None) -> None:
        self.folder = folder
        self.out, self.ledger = folder / "out", folder / "ledger"
        self.runs = 0
        rules, places = rulebook or default_book(), (self.out, self.ledger)
        self.options = Options([], rules, team or Team(), *places, NOW, "", outputs=ALL - {"workbook"})

    def scan(self, *paths: Path, **changed: Any) -> Scan:
        """Scan in this process."""
        self.runs += 1
        run_id = f"run-{self.runs:03d}"
        return scan(replace(self.options, paths=[str(p) for p in paths], run_id=run_id, **changed))

    def findings(self) -> set[tuple[str, str]]:
        """Order and rule of every finding of the last scan."""
        return set(pl.read_parquet(self.out / "findings.parquet").select("order_id", "rule_id").iter_rows())

    def bands(self) -> dict[str, str]:
        """Band per order of the last scan."""
        return dict(pl.read_parquet(self.out / "decisions.parquet").select("order_id", "band").iter_rows())

    def tasks(self, where: str = "tasks") -> dict[str, list[str]]:
        """Order numbers on each task sheet of the last scan (or under `earlier`)."""
        files = sorted((self.out / where).rglob("*.xlsx"))
        return {f.stem: pl.read_excel(f, infer_schema_length=0)["订单编号"].to_list() for f in files if "tasks" in f.parts}

    def holds(self) -> dict[str, list[str]]:
        """Order numbers on each hold list of the last scan."""
        files = sorted((self.out / "holds").glob("*.csv"))
        return {f.stem: pl.read_csv(f, infer_schema=False)["订单编号"].to_list() for f in files}


def shell(*words: str | Path, cwd: Path, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command through the program's own `main`, in this process: a second sooner than in one of its own."""
    code: Any = 0
    with pytest.MonkeyPatch.context() as patch, _streams(stdin) as told:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["orderguard", *map(str, words)])
        for name, value in env.items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        return subprocess.CompletedProcess([*map(str, words)], code, *told())


@contextmanager
def _streams(stdin: bytes) -> Iterator[Callable[[], list[str]]]:
    """Files in place of the three standard streams, for Polars' threads too; gives what was told so far. What `main` changes is put back."""
    collected, mask, interrupted = gc.get_threshold(), os.umask(0o077), signal.getsignal(signal.SIGINT)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        files = [stack.enter_context(TemporaryFile()) for _ in range(3)]
        files[0].write(stdin)
        files[0].seek(0)
        for n, name in enumerate(("stdin", "stdout", "stderr")):
            kept = os.dup(n)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, n)
            os.dup2(files[n].fileno(), n)
            patch.setattr(sys, name, TextIOWrapper(FileIO(n, "w" if n else "r", closefd=False), encoding="utf-8"))

        def told() -> list[str]:
            sys.stdout.flush()
            sys.stderr.flush()
            return [os.pread(f.fileno(), os.fstat(f.fileno()).st_size, 0).decode() for f in files[1:]]

        yield told
    os.umask(mask)
    gc.set_threshold(*collected)
    signal.signal(signal.SIGINT, interrupted)


def process(*words: str | Path, cwd: Path, stdin: bytes | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, in a process of its own: for what the process itself is asked of."""
    done = subprocess.run(
        [sys.executable, "-m", "orderguard", *map(str, words)],
        cwd=cwd, input=stdin, capture_output=True, check=False, env={**os.environ, **env}, timeout=120,
    )  # fmt: skip
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
