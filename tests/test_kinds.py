"""A rule kind is one file: being in the folder registers it, and its docstring is its page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from house import shell

import orderguard.rules.kinds as folder
from orderguard.rules.registry import kind_class, kind_names, kind_page

NEW = '''"""A made-up kind.

Flags:
    orders of one buyer.

Why:
    to prove that a file is enough.

Misses:
    everybody else.
"""

import polars as pl

from orderguard.rules.base import Kind


class OneBuyer(Kind):
    """Settings: `name`."""

    name: str

    def hit(self) -> pl.Expr:
        return pl.col("buyer_id") == self.name

    def value(self) -> pl.Expr:
        return pl.lit(1.0)

    def reason(self, locale: str) -> pl.Expr:
        return pl.format("buyer {}", pl.col("buyer_id"))
'''


@pytest.mark.parametrize("kind", kind_names())
def test_every_kind_has_its_page_and_its_headings(kind: str) -> None:
    page = kind_page(kind)
    assert [h for h in ("Flags:", "Why:", "Misses:") if h not in page] == []
    assert kind_class(kind).__doc__
    assert (Path(__file__).parent.parent / "docs" / "rules" / f"{kind}.md").exists()


def test_generated_pages_are_not_stale() -> None:
    script = Path(__file__).parent.parent / "docs" / "generate.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_dropping_a_file_in_the_folder_registers_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one_buyer.py").write_text(NEW, encoding="utf-8")
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    assert "one_buyer" in kind_names()
    assert kind_class("one_buyer").model_validate({"name": "u1"}).reads() == {"buyer_id"}
    assert "Misses:" in kind_page("one_buyer")


def test_fail_on_and_standard_input(tmp_path: Path) -> None:
    """`--fail-on hold` is the only way to exit code 1; `-` reads standard input."""
    data = "订单编号,收货地址\n1,临时仓\n2,某路\n".encode("gb18030")
    assert shell("scan", "-", "--quiet", cwd=tmp_path, stdin=data).returncode == 0
    assert shell("scan", "-", "--quiet", "--fail-on", "hold", cwd=tmp_path, stdin=data).returncode == 1
    clean = "订单编号,收货地址\n3,某路\n".encode()
    assert shell("scan", "-", "--quiet", "--fail-on", "hold", cwd=tmp_path, stdin=clean).returncode == 0


def test_help_and_version_do_not_load_polars(tmp_path: Path) -> None:
    for word in ("--version", "--help"):
        code = f"import sys; sys.argv = ['orderguard', {word!r}]\nfrom orderguard.cli import main\ntry: main()\nexcept SystemExit: pass\nprint('polars' in sys.modules, 'pydantic' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True, text=True)
        assert done.stdout.splitlines()[-1] == "False False"
