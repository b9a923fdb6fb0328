"""`orderguard ledger`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orderguard.cli.options import json_option, ledger_option, rules_option
from orderguard.errors import EXIT_INPUT


@click.group()
def ledger() -> None:
    """检查、重建、导出、清理台账。 Check, rebuild, export and prune the ledger."""


@ledger.command()
@ledger_option
@json_option()
def check(ledger: str, as_json: bool) -> None:
    """证明台账完好；有问题时退出码为 2。 Prove that the ledger is whole; exit 2 if it is not."""
    from orderguard.cli import language
    from orderguard.cli.common import print_json, viewed
    from orderguard.ledger.check import check as examine
    from orderguard.ledger.check import table_counts

    with viewed(Path(ledger)) as book:
        problems = examine(book)
        counts = table_counts(book)
    locale = language()
    if as_json:
        print_json({"ok": not problems, **counts, "problems": [p.text(locale) for p in problems]})
    else:
        for problem in problems:
            click.echo("✗ " + problem.text(locale), err=True)
        if not problems:
            told = _counted(counts, locale)
            click.echo(("✓ 台账完好  " if locale.startswith("zh") else "✓ the ledger is whole  ") + told)
    if problems:
        sys.exit(EXIT_INPUT)


_TABLES = {"runs": "扫描", "cases": "案件", "findings": "命中", "verdicts": "处置", "history": "历史文件"}


def _counted(counts: dict[str, int], locale: str) -> str:
    zh = locale.startswith("zh")
    return "  ".join(f"{_TABLES.get(name, name) if zh else name} {n:,}" for name, n in counts.items())


@ledger.command()
@ledger_option
@json_option()
def rebuild(ledger: str, as_json: bool) -> None:
    """数据库丢了或坏了：从流水、历史订单与处置记录重建。 Build a lost or damaged ledger.db again from its files."""
    from datetime import UTC, datetime

    from orderguard.cli import language
    from orderguard.cli.common import opened, print_json
    from orderguard.ledger.check import check as examine
    from orderguard.ledger.check import table_counts
    from orderguard.ledger.rebuild import rebuild as build

    now = datetime.now(UTC)
    locale = language()
    done = build(
        Path(ledger), f"{now:%Y%m%dT%H%M%S}.old", lambda words: click.echo("… " + words.pick(locale), err=True)
    )
    with opened(Path(ledger)) as book:
        problems, counts = examine(book), table_counts(book)
    if as_json:
        print_json({**done, "ok": not problems, **counts, "problems": [p.text(locale) for p in problems]})
    else:
        for problem in problems:
            click.echo("✗ " + problem.text(locale), err=True)
        told = _counted(counts, locale)
        old = f"  {done['kept']}" if done["kept"] else ""
        zh = locale.startswith("zh")
        click.echo(
            f"已重建：流水 {done['lines']:,} 条  {told}"
            if zh
            else f"rebuilt from {done['lines']:,} journal lines  {told}"
        )
        if old:
            click.echo(f"旧数据库保留为{old}" if zh else f"the old database is kept as{old}")
    if problems:
        sys.exit(EXIT_INPUT)


@ledger.command()
@ledger_option
@click.option(
    "--to", "target", default="ledger-export", metavar="DIR", show_default=True, help="写到哪 / folder to write to"
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="写成哪种 / kind of file",
)
@json_option()
def export(ledger: str, target: str, kind: str, as_json: bool) -> None:
    """把各表导出为 Parquet 或 CSV。 Write every table as Parquet or CSV."""
    from orderguard.cli.common import print_json, viewed
    from orderguard.stages.upkeep import export_tables

    with viewed(Path(ledger)) as book:
        counts = export_tables(book, Path(target), kind)
    if as_json:
        print_json(counts)
    else:
        for name, rows in counts.items():
            click.echo(f"{Path(target) / name}.{kind}\t{rows:,}")


@ledger.command()
@ledger_option
@click.option("--before", metavar="DATE", help="删去此日前的历史订单 / drop the history of orders before this day")
@rules_option
@json_option()
def prune(ledger: str, before: str | None, rules_file: str | None, as_json: bool) -> None:
    """清理历史订单（案件与处置不删）；按 privacy.retain_days 清除个人信息。 Drop old history, erase old personal data."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from orderguard.cli.common import find_rulebook, opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.stages.upkeep import tidy

    book = find_rulebook(rules_file)
    day = None
    if before:
        try:
            day = datetime.strptime(before.strip(), "%Y-%m-%d").replace(tzinfo=ZoneInfo(book.timezone)).astimezone(UTC)
        except ValueError as error:
            what = Words(f"--before 看不懂 '{before}'", f"--before cannot be read: '{before}'")
            raise OrderguardError(Problem(what, fix=Words("写 2026-10-01", "write 2026-10-01"))) from error
    with opened(Path(ledger)) as store:
        done = tidy(store, book, day, datetime.now(UTC))
    if as_json:
        print_json(done)
        return
    click.echo(
        "删去订单 {dropped:,}，旧版本 {merged:,}；清除个人信息 {erased:,} 单；文件 {files_before:,} → {files_after:,}".format(
            **done
        )
        if book.locale.startswith("zh")
        else "dropped {dropped:,} orders and {merged:,} older versions; personal data of {erased:,} erased; files {files_before:,} -> {files_after:,}".format(
            **done
        )
    )
