"""`orderguard tasks`."""

from __future__ import annotations

from pathlib import Path

import click

from orderguard.cli.options import json_option, ledger_option, rules_option


@click.command()
@click.option("--agent", required=True, metavar="NAME", help="谁的任务表 / whose sheet")
@click.option("--to", "target", metavar="DIR", default=".", show_default=True, help="写到哪个目录 / folder to write to")
@ledger_option
@rules_option
@click.option(
    "--tasks-format",
    "--format",
    "formats",
    default="xlsx",
    metavar="LIST",
    show_default=True,
    help="任务表 / task sheets: xlsx,csv,json,md",
)
@json_option()
def tasks(agent: str, target: str, ledger: str, rules_file: str | None, formats: str, as_json: bool) -> None:
    """重发某人全部未处理订单的任务表。 Issue an agent's sheet again, with all open orders."""
    from datetime import UTC, datetime
    from secrets import token_hex

    from orderguard.cli.common import find_rulebook, formats_of, opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger import CaseBook
    from orderguard.outbox.tasks import TASK_FORMATS
    from orderguard.staff import meant, shown
    from orderguard.stages.issuing import issue

    agent, book = meant(agent), find_rulebook(rules_file)
    kinds = formats_of(formats, TASK_FORMATS, "--tasks-format")
    folder, now = Path(target), datetime.now(UTC)
    with opened(Path(ledger)) as store:
        issue_id = f"sheet-{now:%Y%m%dT%H%M%S}-{token_hex(3)}"
        orders = issue(store, agent, folder, book, issue_id, now, kinds)
        names = sorted(CaseBook(store).load())
    if not orders:
        what = Words(f"{shown(agent, 'zh-CN')} 没有未处理的订单", f"{agent} has no open orders")
        listed = [", ".join(shown(n, locale) for n in names) or "-" for locale in ("zh-CN", "en")]
        raise OrderguardError(Problem(what, fix=Words(f"有任务的：{listed[0]}", f"with work: {listed[1]}")))
    path = folder / f"{agent}.{kinds[0]}"
    if as_json:
        print_json({"file": str(path), "orders": orders})
    else:
        click.echo(f"{path}：{orders} 单" if book.locale.startswith("zh") else f"{path}: {orders} orders")
