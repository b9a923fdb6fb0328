"""What several commands share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orderguard.rules import Rulebook


def find_rulebook(given: str | None) -> Rulebook:
    """The rulebook: `--rules`, else `rules.yaml` here, else the one that comes with orderguard."""
    from orderguard.rules.book import default_rulebook, load_rulebook  # noqa: PLC0415

    here = Path("rules.yaml")
    path = Path(given) if given else here if here.exists() else default_rulebook()
    return load_rulebook(path)


def print_json(value: Any) -> None:
    """JSON to standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """A table: drawn by Rich on a terminal, tab-separated otherwise."""
    from orderguard.errors import printable  # noqa: PLC0415

    safe = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [head, *safe]:
            click.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*head, box=SIMPLE_HEAD)
    for row in safe:
        table.add_row(*[Text(cell) for cell in row])
    Console(soft_wrap=False).print(table)
