"""A rule kind is one file: being in the folder registers it, and its docstring is its page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from house import shell

import orderguard.rules.kinds as folder
from orderguard.rules.book import default_rulebook, load_rulebook
from orderguard.rules.pages import HEADS, kind_page, kind_settings, kind_text
from orderguard.rules.registry import kind_class, kind_names

RULES = load_rulebook(default_rulebook()).rules
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


PAGES = Path(__file__).parent.parent / "docs" / "rules"


@pytest.mark.parametrize("kind", kind_names())
def test_every_kind_has_its_page_and_its_headings_in_both_languages(kind: str) -> None:
    """In each language: one line, what it flags, why and what it misses, each with text below it; and every setting."""
    for locale, pages in (("en", PAGES), ("zh-CN", PAGES / "zh")):
        page, heads = kind_page(kind, locale), [w.pick(locale) for w in HEADS]
        first, *parts = re.split("|".join(f"^{h}$" for h in heads), page, flags=re.MULTILINE)
        assert re.findall("|".join(f"^{h}$" for h in heads), page, flags=re.MULTILINE) == heads
        assert [len(p.strip()) > 5 for p in (first, *parts)] == [True] * 4, page
        assert (pages / f"{kind}.md").read_text(encoding="utf-8").endswith(kind_text(kind, RULES, locale))
    assert kind_class(kind).__doc__
    zh, en = kind_page(kind, "zh-CN"), kind_page(kind)
    assert len(re.findall(r"[\u4e00-\u9fff]", zh)) > 80 > len(re.findall(r"[\u4e00-\u9fff]", en))
    assert "标记什么" not in en
    assert "Flags" not in zh
    # A setting without a word, or a word of a setting that is gone.
    told = sys.modules[kind_class(kind).__module__].__doc__ or ""
    english = told.partition("Settings:\n")[2].partition("\n\n")[0]
    for text, colon, locale in ((told.partition("设置：\n")[2], "：", "zh-CN"), (english, ": ", "en")):
        assert re.findall(rf"^ +(\w+){colon}", text, re.MULTILINE) == [s.name for s in kind_settings(kind)]
        assert all(s.about and s.takes for s in kind_settings(kind, locale))


def test_no_page_outlives_its_kind_and_each_index_names_all() -> None:
    for pages in (PAGES, PAGES / "zh"):
        names = sorted(p.stem for p in pages.glob("*.md") if p.stem != "README")
        assert names == kind_names()
        index = (pages / "README.md").read_text(encoding="utf-8")
        assert re.findall(r"^\| \[(\w+)\]", index, re.MULTILINE) == kind_names()


def test_rules_docs_speaks_the_language_that_was_asked_for(tmp_path: Path) -> None:
    """The rulebook's, or `--locale` (`--lang`); a rule's id serves as its kind's name, and the tables' columns are told."""
    assert "## 标记什么" in shell("rules", "docs", "conflict", cwd=tmp_path).stdout
    english = shell("rules", "docs", "conflict", "--lang", "en", cwd=tmp_path).stdout
    assert ("## Flags" in english, "only_to" in english, "cold-and-warm" in english) == (True, True, True)
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nlocale: en\nbands: {review: 20}\nrules:\n  - {id: a, kind: listed, points: 1, with: {entries: [x]}}\n",
        encoding="utf-8",
    )
    assert "## Flags" in shell("rules", "docs", "a", cwd=tmp_path).stdout
    assert "黑名单" in shell("rules", "docs", "--locale", "zh", cwd=tmp_path).stdout
    told = json.loads(shell("rules", "docs", "velocity", "--json", "--lang", "zh", cwd=tmp_path).stdout)
    assert told["page"] == kind_page("velocity", "zh")
    window = next(s for s in told["settings"] if s["setting"] == "window")
    assert (window["required"], window["about"], "5m" in window["takes"]) == (True, "多长时间内", True)


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
    # One that speaks English only has the same page in Chinese.
    assert kind_page("one_buyer", "zh-CN") == kind_page("one_buyer")
    assert "orders of one buyer." in kind_text("one_buyer", [], "zh-CN")


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
