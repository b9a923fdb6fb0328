"""What a command must not import: start-up is paid by every scan, every minute."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from house import burst, export, order

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "altair", "apprise", "connectorx", "duckdb", "fastexcel", "geopy", "IPython", "jinja2", "matplotlib", "msoffcrypto", "numpy",
    "openpyxl", "pandas", "phone", "phonenumbers", "psycopg", "pyarrow", "pymysql", "pyspark", "pysail", "requests", "rich",
    "scipy", "sklearn", "sqlalchemy", "sqlglot", "vl_convert",
}  # fmt: skip
NOT_TO_START = HEAVY | {"polars", "pydantic", "yaml", "sqlite3", "xlsxwriter", "zoneinfo", "asyncio", "email", "http"}
_PRINT = "import atexit, sys; atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))"


def imported(folder: Path, *words: str) -> set[str]:
    """The top-level modules that a command has imported when it ends."""
    (folder / "sitecustomize.py").write_text(_PRINT, encoding="utf-8")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "orderguard", *words],
        cwd=folder, capture_output=True, check=False, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.splitlines()}


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["scan", "--help"]])
def test_to_say_what_it_is_it_imports_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    found = imported(tmp_path, *words)
    assert "click" in found
    assert found & NOT_TO_START == set()


def test_a_small_scan_imports_what_it_needs_only(tmp_path: Path) -> None:
    export(tmp_path / "orders.csv", [order("1", 收货地址="临时仓"), *burst("b", (1, 2, 3))])
    found = imported(tmp_path, "scan", "orders.csv", "--outputs", "frames", "--quiet")
    assert {"polars", "orderguard"} <= found
    assert found & (HEAVY | {"xlsxwriter"}) == set()


def test_a_scan_with_all_outputs_imports_the_writer_more(tmp_path: Path) -> None:
    export(tmp_path / "orders.csv", [order("1", 收货地址="临时仓")])
    found = imported(tmp_path, "scan", "orders.csv")
    assert "xlsxwriter" in found
    assert found & HEAVY == set()
