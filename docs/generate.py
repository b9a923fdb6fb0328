"""Writes what is generated: `docs/columns.md`, `docs/rules/*.md`, in Chinese `docs/rules/zh/*.md`, and `profiles.json`.

The last is `orderguard/platforms/profiles/*.yaml` as JSON, which a scan reads in a fortieth of the time.

`--check` only tells whether they are stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from orderguard import columns
from orderguard.platforms import loading
from orderguard.rules.book import default_rulebook, load_rulebook
from orderguard.rules.pages import kind_about, kind_text
from orderguard.rules.registry import kind_names

HERE = Path(__file__).parent
FRAMES = (
    ("orders", columns.ORDERS, "One row per order, key `(platform, order_id)`."),
    ("lines", columns.LINES, "One row per item of an order."),
    ("facts", columns.FACTS, "What enrich adds to orders when a rule needs it."),
    ("findings", columns.FINDINGS, "One row per order and rule that fired: `findings.parquet`."),
    ("coverage", columns.COVERAGE, "How far each rule could see: `coverage.parquet`."),
    ("decisions", columns.DECISIONS, "One row per order: `decisions.parquet`."),
    ("cases", columns.CASES, "What route adds to a flagged order."),
)


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    out = {HERE / "columns.md": columns_page(), Path(loading.__file__).parent / "profiles.json": loading.packed()}
    rules = load_rulebook(default_rulebook()).rules
    for folder, locale in ((HERE / "rules", "en"), (HERE / "rules" / "zh", "zh-CN")):
        out[folder / "README.md"] = index_page(locale)
        for kind in kind_names():
            out[folder / f"{kind}.md"] = _head(kind, locale) + kind_text(kind, rules, locale)
    return out


def index_page(locale: str) -> str:
    """Every kind in one line."""
    zh = locale.startswith("zh")
    lines = [
        "# 规则类型" if zh else "# Rule kinds",
        "",
        "[English](../README.md)" if zh else "[中文](zh/README.md)",
        "",
    ]
    lines += ["| 类型 | 找什么 |" if zh else "| kind | finds |", "|---|---|"]
    lines += [f"| [{kind}]({kind}.md) | {kind_about(kind, locale)} |" for kind in kind_names()]
    return "\n".join(lines) + "\n"


def _head(kind: str, locale: str) -> str:
    source = f"`orderguard/rules/kinds/{kind}.py`"
    if locale.startswith("zh"):
        return f"# {kind}\n\n[English](../{kind}.md) · 由 {source} 与 `rules.yaml` 生成，请勿手改。\n\n"
    return f"# {kind}\n\n[中文](zh/{kind}.md) · Generated from {source} and `rules.yaml`; do not edit.\n\n"


def columns_page() -> str:
    """The frames' columns with type, meaning and example."""
    lines = ["# Columns", "", "Generated from `orderguard/columns.py`; do not edit.", ""]
    for name, frame, says in FRAMES:
        lines += [f"## {name}", "", says, "", "| column | 中文 | type | meaning | example |", "|---|---|---|---|---|"]
        lines += [f"| `{c.name}` | {c.zh} | {_type(c.dtype)} | {c.meaning} | `{c.example}` |" for c in frame]
        lines.append("")
    return "\n".join(lines)


def _type(dtype: object) -> str:
    return str(dtype() if isinstance(dtype, type) else dtype)


def main() -> int:
    """Write the pages, or with `--check` return 1 if one is stale."""
    stale = 0
    for path, text in pages().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in sys.argv:
            print(f"stale: {path.relative_to(HERE.parent)}; run python docs/generate.py")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
