"""`orderguard report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.options import json_option, locale_option, out_option, platforms_option, rules_option

if TYPE_CHECKING:
    from orderguard.report.period import Period
    from orderguard.rules import Rulebook


@click.command()
@click.option("--month", metavar="YYYY-MM", help="哪个月，默认本月 / which month, default this one")
@click.option("--from", "first", metavar="DAY", help="从哪天起（含）/ first day, instead of a month")
@click.option("--to", "last", metavar="DAY", help="到哪天止（含）/ last day")
@click.option(
    "--compare", metavar="YYYY-MM", help="与哪个月比，默认上一期 / month to compare with, default the one before"
)
@click.option(
    "--ledger", "ledgers", multiple=True, metavar="DIR", help="台账目录，可多个合并 / ledger, several are merged"
)
@click.option(
    "--outcomes", multiple=True, metavar="FILE", help="售后表：退款、理赔、错发 / refunds, claims, wrong deliveries"
)
@out_option(".", "写到哪个目录 / folder to write to")
@rules_option
@platforms_option
@locale_option("报告语言，默认同规则表 / language, default the rulebook's")
@json_option("把全部数字打到标准输出 / print every figure")
def report(**given: Any) -> None:
    """给主管看的月报：report-YYYY-MM.html 与 .xlsx。 The month for a supervisor, as page and workbook."""
    from datetime import UTC, datetime

    from orderguard.cli import fail
    from orderguard.cli.common import find_rulebook, print_json
    from orderguard.errors import DeliveryError, OrderguardError, Problem, Words, unable
    from orderguard.stages.reporting import Asked, figures, write

    book = find_rulebook(given["rules_file"])
    now = datetime.now(UTC)
    locale = given["locale"] or book.locale
    try:
        period, before = _spans(given, book, now)
        asked = Asked(
            book, period, before, given["ledgers"] or ("ledger",), given["outcomes"], Path(given["out"]), locale, now,
            given["platforms_dir"],
        )  # fmt: skip
        told, problems = figures(asked)
        if told["compare"] is None and given["compare"]:
            what = Words(f"{before.label} 没有订单，无从比较", f"no orders in {before.label} to compare with")
            problems = [*problems, Problem(what, fatal=False)]
        for problem in problems:
            click.echo(("✗ " if problem.fatal else "! ") + problem.text(locale), err=True)
        try:
            files = write(asked, told)
        except OSError as error:
            what = unable(Words("报告无法写入", "the report cannot be written"), error)
            raise DeliveryError(
                Problem(what, given["out"], fix=Words("用 --out 换一个目录", "choose another --out"))
            ) from error
    except OrderguardError as error:
        fail(error, locale)
        return
    if given["as_json"]:
        print_json({**told, "files": files})
    else:
        click.echo("\n".join(files.values()))


def _spans(given: dict[str, Any], book: Rulebook, now: Any) -> tuple[Period, Period]:
    from zoneinfo import ZoneInfo

    from orderguard.errors import OrderguardError, Words
    from orderguard.report.period import between, month, previous

    first, last, zone = given["first"], given["last"], book.timezone
    if (first or last) and given["month"]:
        raise OrderguardError(Words("--month 与 --from/--to 二选一", "give --month or --from/--to, not both"))
    if first or last:
        today = now.astimezone(ZoneInfo(zone)).date()
        if not first:
            raise OrderguardError(Words("有 --to 就要有 --from", "--to needs --from"))
        period = between(_day(first, "--from"), _day(last, "--to") if last else today, zone)
    else:
        period = month(given["month"] or f"{now.astimezone(ZoneInfo(zone)):%Y-%m}", zone)
    before = month(given["compare"], zone, "--compare") if given["compare"] else previous(period)
    return period, before


def _day(text: str, option: str) -> Any:
    from datetime import date

    from orderguard.errors import OrderguardError, Problem, Words

    try:
        return date.fromisoformat(text.strip().replace("/", "-"))
    except ValueError as error:
        what = Words(f"{option} 读不懂“{text}”", f"{option}: '{text}' is no day")
        raise OrderguardError(Problem(what, fix=Words("写成 2026-11-01", "write it as 2026-11-01"))) from error
