"""`orderguard ledger`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orderguard.errors import EXIT_INPUT


@click.group()
def ledger() -> None:
    """检查台账。 Check the ledger."""


@ledger.command()
@click.option("--ledger", "folder", default="ledger", metavar="DIR", show_default=True, help="台账目录 / ledger folder")
@click.option("--json", "as_json", is_flag=True)
def check(folder: str, as_json: bool) -> None:
    """证明台账完好；有问题时退出码为 2。 Prove that the ledger is whole; exit 2 if it is not."""
    from orderguard.cli import language
    from orderguard.cli.common import opened, print_json
    from orderguard.ledger.check import check as examine
    from orderguard.ledger.check import table_counts

    with opened(Path(folder)) as book:
        problems = examine(book)
        counts = table_counts(book)
    locale = language()
    if as_json:
        print_json({"ok": not problems, **counts, "problems": [p.text(locale) for p in problems]})
    else:
        for problem in problems:
            click.echo("✗ " + problem.text(locale), err=True)
        if not problems:
            told = "  ".join(f"{k} {v:,}" for k, v in counts.items())
            click.echo(("✓ 台账完好  " if locale.startswith("zh") else "✓ the ledger is whole  ") + told)
    if problems:
        sys.exit(EXIT_INPUT)
