"""`orderguard backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.dates import date_order
from orderguard.cli.options import (
    date_order_option,
    json_option,
    lookup_option,
    platform_option,
    platforms_option,
    quiet_option,
    stock_option,
)
from orderguard.errors import OrderguardError, Problem, Words

if TYPE_CHECKING:
    from orderguard.rules import Rulebook
    from orderguard.stages.backtest import Trial


@click.command()
@click.argument("paths", nargs=-1)
@click.option(
    "--rules", "rules_file", metavar="FILE", help="新规则表，或 learn 的分值提案 / new rulebook, or learn's proposal"
)
@click.option("--against", "against_file", metavar="FILE", help="现行规则表，默认 ./rules.yaml / the rulebook in force")
@click.option("--ledger", metavar="DIR", help="台账：历史订单与处置结果，默认 ledger / past orders and verdicts")
@click.option("--out", metavar="FILE.xlsx", help="工作簿，默认 backtest.xlsx / workbook")
@click.option(
    "--fit-queue",
    type=click.IntRange(0),
    metavar="N",
    help="使每日队列不超过 N 单的分数线 / bands for a daily queue of N",
)
@click.option(
    "--minutes-per-case",
    type=click.FloatRange(0, 10_000),
    default=6.0,
    show_default=True,
    help="每单处理分钟数 / minutes per case",
)
@platform_option
@platforms_option
@lookup_option
@stock_option
@date_order_option
@json_option("结果打到标准输出；给了 --out 才写工作簿 / to stdout; a workbook only with --out")
@quiet_option
def backtest(**given: Any) -> None:
    """换规则前先试：对历史或文件比较两份规则表。 Compare two rulebooks over history or files; changes nothing."""
    from orderguard.cli import fail
    from orderguard.cli.common import find_rulebook, print_json

    old = find_rulebook(given["against_file"])
    try:
        new = _stocked(_candidate(given, old), given["stock"])
        old = _stocked(old, given["stock"])
        trial, problems = _run_both(given, old, new)
        for problem in problems:
            if problem.fatal or not given["quiet"]:
                click.echo(("✗ " if problem.fatal else "! ") + problem.text(new.locale), err=True)
        told = _told(given, trial)
        file = _workbook(given, trial, told)
    except OrderguardError as error:
        fail(error, old.locale)
        return
    if given["as_json"]:
        from orderguard.stages.backtest import listed

        print_json(told | {"workbook": str(file) if file else None, "changed_orders": listed(trial)})
    elif not given["quiet"]:
        from orderguard.cli.comparison import show

        show(told, new, file)
    if any(p.fatal for p in problems):
        raise click.exceptions.Exit(2)


def _candidate(given: dict[str, Any], old: Rulebook) -> Rulebook:
    from datetime import UTC, datetime

    from orderguard.rules.book import load_candidate
    from orderguard.stages.tables import equip
    from orderguard.stages.weighing import keep_learned

    if given["rules_file"]:
        return equip(keep_learned(load_candidate(Path(given["rules_file"]), old), old), datetime.now(UTC))
    if given["fit_queue"] is not None:
        return old
    what = Words("没有可比的：缺少 --rules", "nothing to compare: --rules is missing")
    fix = Words("--rules 新规则表.yaml，或 --fit-queue N", "give --rules new.yaml, or --fit-queue N")
    raise OrderguardError(Problem(what, fix=fix))


def _stocked(book: Rulebook, stock: str | None) -> Rulebook:
    """The rulebook as `scan --stock` would run it."""
    if stock is None:
        return book
    from datetime import UTC, datetime

    from orderguard.stages.tables import equip, stocked

    return equip(stocked(book, stock), datetime.now(UTC), stock)


def _run_both(given: dict[str, Any], old: Rulebook, new: Rulebook) -> tuple[Trial, list[Problem]]:
    from orderguard.cli import language
    from orderguard.ledger import History, reading
    from orderguard.ledger.verdicts import VerdictBook
    from orderguard.platforms import load_profiles, platform_ids, platform_words
    from orderguard.rules.engine import needed
    from orderguard.stages.backtest import run_backtest
    from orderguard.stages.reading import read_orders
    from orderguard.stages.weighing import unlearned

    profiles = load_profiles(given["platforms_dir"])
    synonyms, ids = platform_words(profiles), platform_ids(profiles)
    problems: list[Problem] = []
    orders = past = None
    if given["paths"]:
        read = read_orders(_options(given, new), profiles)
        orders, problems = read.orders, read.problems
        past = orders.clear()
    verdicts: dict[tuple[str, str], str] = {}
    if orders is None or given["ledger"]:
        with reading(
            Path(given["ledger"] or "ledger"), lambda w: click.echo("… " + w.pick(language()), err=True)
        ) as ledger:
            history = History(ledger)
            if orders is None:
                orders = history.everything(ids)
                past = orders.clear()
            else:
                past = history.around(orders, max(needed(b.variants)[2] for b in (old, new)), ids)
            history.finish()
            for platform, order_id, result in VerdictBook(ledger).standing():
                verdicts[ids.get(platform.lower(), platform.lower()), order_id] = result
    if orders.is_empty() or past is None:
        what = Words("台账里没有历史订单", "the ledger holds no orders")
        raise OrderguardError(
            Problem(
                what, str(given["ledger"] or "ledger"), fix=Words("给出文件，或先扫描", "name files, or scan first")
            )
        )
    return run_backtest(orders, past, verdicts, old, new, (synonyms, ids)), problems + unlearned(new, old)


def _options(given: dict[str, Any], book: Rulebook) -> Any:
    from datetime import UTC, datetime

    from orderguard.route import Team
    from orderguard.stages.options import Options

    nowhere = Path()
    return Options(
        given["paths"], book, Team(), nowhere, nowhere, datetime.now(UTC), "backtest", platform=given["platform"],
        platforms_dir=given["platforms_dir"], lookups=given["lookups"], date_order=date_order(given["date_order"]),
    )  # fmt: skip


def _told(given: dict[str, Any], trial: Trial) -> dict[str, Any]:
    from orderguard.stages.backtest import compared
    from orderguard.stages.fitting import fit_queue, proposal_yaml

    told: dict[str, Any] = {
        "new": {"path": trial.new.source, "sha256": trial.new.sha256},
        "against": {"path": trial.old.source, "sha256": trial.old.sha256},
        **compared(trial, given["minutes_per_case"]),
    }
    if given["fit_queue"] is not None:
        fit = fit_queue(trial, given["fit_queue"])
        told["fit_queue"] = fit | {"yaml": proposal_yaml(fit, trial.new.locale)}
    return told


def _workbook(given: dict[str, Any], trial: Trial, told: dict[str, Any]) -> Path | None:
    if given["as_json"] and not given["out"]:
        return None
    from orderguard.cli.comparison import lines
    from orderguard.outbox.compared import write_compared
    from orderguard.stages.backtest import changed_hits, changed_orders
    from orderguard.stages.delivery import masked

    out = Path(given["out"] or "backtest.xlsx")
    if out.suffix.lower() != ".xlsx":
        out = out / "backtest.xlsx"
    book = trial.new
    write_compared(
        out,
        lines(told, book.locale),
        told,
        masked(changed_orders(trial), book),
        masked(changed_hits(trial), book),
        book.locale,
        book.timezone,
    )
    return out
