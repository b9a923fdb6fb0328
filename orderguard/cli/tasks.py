"""`orderguard tasks`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--agent", required=True, metavar="NAME", help="谁的任务表 / whose sheet")
@click.option("--to", "target", metavar="DIR", default=".", show_default=True, help="写到哪个目录 / folder to write to")
@click.option("--ledger", default="ledger", metavar="DIR", show_default=True, help="台账目录 / ledger folder")
@click.option("--rules", "rules_file", metavar="FILE", help="规则表，默认 ./rules.yaml / rulebook")
@click.option("--json", "as_json", is_flag=True)
def tasks(agent: str, target: str, ledger: str, rules_file: str | None, as_json: bool) -> None:
    """重发某人全部未处理订单的任务表。 Issue an agent's sheet again, with all open orders."""
    import polars as pl

    from orderguard.cli.common import find_rulebook, opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger import CaseBook, History
    from orderguard.outbox import write_tasks
    from orderguard.stages.casework import task_rows

    book = find_rulebook(rules_file)
    with opened(Path(ledger)) as store:
        cases = CaseBook(store)
        chosen = cases.open_of(agent)
        rows = task_rows(chosen, cases, History(store), book) if len(chosen) else chosen
        names = sorted(cases.load())
    if rows.is_empty():
        what = Words(f"{agent} 没有未处理的订单", f"{agent} has no open orders")
        listed = ", ".join(names) or "-"
        raise OrderguardError(Problem(what, fix=Words(f"有任务的：{listed}", f"with work: {listed}")))
    folder = Path(target)
    try:
        counts = write_tasks(folder, rows.with_columns(items=pl.lit(None, dtype=pl.String)), book.locale, book.timezone)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OrderguardError(
            Problem(Words(f"无法写入（{reason}）", f"cannot be written ({reason})"), target)
        ) from error
    path = folder / f"{agent}.xlsx"
    if as_json:
        print_json({"file": str(path), "orders": counts[agent]})
    else:
        click.echo(f"{path}：{counts[agent]} 单" if book.locale.startswith("zh") else f"{path}: {counts[agent]} orders")
