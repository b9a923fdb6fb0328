"""Writes the generated pages: `docs/columns.md` and `docs/rules/*.md`. `--check` only tells whether they are stale."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from orderguard import columns
from orderguard.rules.book import default_rulebook, load_rulebook
from orderguard.rules.registry import kind_class, kind_example, kind_names, kind_page

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
    out = {HERE / "columns.md": columns_page()}
    for kind in kind_names():
        out[HERE / "rules" / f"{kind}.md"] = kind_text(kind)
    return out


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


def kind_text(kind: str) -> str:
    """A kind's page: its docstring, its settings, and the examples of the rules that use it."""
    cls = kind_class(kind)
    lines = [f"# {kind}", "", f"Generated from `orderguard/rules/kinds/{kind}.py` and `rules.yaml`; do not edit.", ""]
    heads = {"Flags:": "## Flags", "Why:": "## Why", "Misses:": "## Misses"}
    lines += [heads.get(line, line.removeprefix("    ")) for line in kind_page(kind).splitlines()]
    lines += ["", "## Settings", "", (cls.__doc__ or "").strip(), "", "| setting | default |", "|---|---|"]
    for name, field in cls.model_fields.items():
        default = "required" if field.is_required() else f"`{_short(field.default)}`"
        lines.append(f"| `{name}` | {default} |")
    for rule in load_rulebook(default_rulebook()).rules:
        if rule.kind != kind:
            continue
        block = {
            "id": rule.id,
            "kind": rule.kind,
            "with": rule.with_,
            "points": rule.points,
            "flags": rule.flags,
            "passes": rule.passes,
        }
        text = yaml.safe_dump([block], allow_unicode=True, sort_keys=False, width=110)
        lines += ["", "## Example", "", "```yaml", text.rstrip(), "```"]
    if kind_example(kind):
        lines += [
            "",
            "## Example" if "## Example" not in lines else "## More",
            "",
            "```yaml",
            kind_example(kind),
            "```",
        ]
    return "\n".join(lines) + "\n"


def _short(default: object) -> str:
    return str(default).replace("|", "\\|")


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
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
