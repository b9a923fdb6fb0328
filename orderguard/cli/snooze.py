"""`orderguard cases snooze`, `snoozed` and `unsnooze`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.options import by_option, json_option, ledger_option, rules_option, why_option

if TYPE_CHECKING:
    from datetime import datetime

    from orderguard.ledger import Ledger
    from orderguard.rules import Rulebook


@click.command()
@click.argument("order_or_case", required=False)
@click.option(
    "--rule",
    "rule_ids",
    multiple=True,
    metavar="ID",
    help="哪条规则，默认命中的全部 / which rule; default all that flagged it",
)
@click.option("--value", metavar="TEXT", help="对哪个值：IP、号码、账号、地址… / the IP, phone, account, address...")
@click.option("--until", required=True, metavar="DATE", help="到哪天（含），或 7d / through this day, or 7d")
@by_option()
@why_option
@ledger_option
@rules_option
@json_option()
def snooze(**given: Any) -> None:
    """静音：规则对某个值到期前不加分，命中仍记录。 A rule adds no points for a value until a date; hits are still recorded.

    \b
    orderguard cases snooze 订单号 --until 2026-12-01 --by 主管 --why 同一单位团购
    orderguard cases snooze --rule ip-burst --value 203.0.113.7 --until 7d --by 主管 --why 公司网关
    """  # noqa: D301 - \b keeps click from joining the lines
    from datetime import UTC, datetime

    from orderguard.cli.common import clock, find_rulebook, opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger.snoozes import SnoozeBook

    book = find_rulebook(given["rules_file"])
    now = datetime.now(UTC)
    until = _snooze_end(given["until"], now, book.timezone)
    if not given["order_or_case"] and not (given["rule_ids"] and given["value"]):
        what = Words(
            "要写订单号（或案件号），或者同时写 --rule 与 --value", "give an order or case, or both --rule and --value"
        )
        raise OrderguardError(Problem(what))
    _check_rules(book, given["rule_ids"])
    # A gateway can be known before the first scan.
    with opened(Path(given["ledger"]), new=not given["order_or_case"]) as store:
        pairs = _rules_and_values(store, book, given)
        for rule_id, value in pairs:
            SnoozeBook(store).add(rule_id, value, until, given["by"], given["why"], now)
    if given["as_json"]:
        print_json([{"rule_id": r, "value": v, "until": until.isoformat(timespec="seconds")} for r, v in pairs])
        return
    zh = book.locale.startswith("zh")
    for rule_id, value in pairs:
        end = given["until"] if given["until"][:4].isdecimal() else clock(until.isoformat(), book.timezone)
        click.echo(f"{rule_id} × {value} → {end}")
    if given["order_or_case"]:
        click.echo(
            "现有案件不变，放行请用 cases release"
            if zh
            else "the case itself stays as it is; let it go with 'cases release'",
            err=True,
        )


def _check_rules(book: Rulebook, rule_ids: tuple[str, ...]) -> None:
    from orderguard.errors import OrderguardError, Problem, Words, closest

    known = [r.id for r in book.rules]
    for rule_id in rule_ids:
        if rule_id not in known:
            what = Words(f"规则表没有规则 '{rule_id}'", f"the rulebook has no rule '{rule_id}'")
            raise OrderguardError(Problem(what, fix=closest(rule_id, known)))


def _rules_and_values(store: Ledger, book: Rulebook, given: dict[str, Any]) -> list[tuple[str, str]]:
    """Rules and the values that they shall be silent about."""
    import polars as pl

    from orderguard.cli.common import one_case
    from orderguard.ledger import History
    from orderguard.stages.snoozing import value_of

    rules = {r.id: r for r in book.rules}
    if not given["order_or_case"]:
        return [(r, given["value"]) for r in given["rule_ids"]]
    case = one_case(store, given["order_or_case"])
    flagged = dict.fromkeys(mark.split("@")[0] for mark in case["evidence"].split(","))
    key = pl.DataFrame([(case["platform"], case["order_id"])], schema=["platform", "order_id"], orient="row")
    orders = History(store).find(key).to_dicts()
    pairs = []
    for rule_id in given["rule_ids"] or flagged:
        value = given["value"] or (
            value_of(rules[rule_id], orders[0]) if rule_id in rules and orders else case["order_id"]
        )
        if value:
            pairs.append((rule_id, value))
    return pairs


def _snooze_end(text: str, now: datetime, zone: str) -> datetime:
    """The end of that day in the shop's zone, or a length of time from now."""
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo

    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.spans import parse_span

    try:
        span = parse_span(text)
        until = now + span
    except ValueError:
        try:
            day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=ZoneInfo(zone))
        except ValueError as error:
            what = Words(f"--until 看不懂 '{text}'", f"--until cannot be read: '{text}'")
            raise OrderguardError(Problem(what, fix=Words("写 2026-12-01 或 7d", "write 2026-12-01 or 7d"))) from error
        until = day + timedelta(days=1)
    if until <= now:
        raise OrderguardError(Problem(Words(f"--until {text} 已经过了", f"--until {text} is in the past")))
    return until


@click.command()
@ledger_option
@click.option("--all", "ended", is_flag=True, help="到期的、取消的也列 / ended ones too")
@json_option()
def snoozed(ledger: str, ended: bool, as_json: bool) -> None:
    """列出静音。 List what is snoozed."""
    from datetime import UTC, datetime

    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import clock, print_json, print_table, viewed
    from orderguard.ledger.snoozes import SnoozeBook

    with viewed(Path(ledger)) as store:
        book = SnoozeBook(store)
        rows = book.listed() if ended else book.active(datetime.now(UTC))
    if as_json:
        print_json([r._asdict() for r in rows])
        return
    locale, zone = language(), shop_zone()
    zh = locale.startswith("zh")
    head = (
        ["编号", "规则", "值", "到", "谁", "为什么", "取消于"]
        if zh
        else ["No.", "Rule", "Value", "Until", "Who", "Why", "Ended"]
    )
    print_table(
        head,
        [
            [
                str(r.snooze_id), r.rule_id, r.value, _through(r.until, zone, locale), r.who, r.why, clock(r.ended_at, zone) if r.ended_at else "",
            ]
            for r in rows
        ],
    )  # fmt: skip


def _through(until: str, zone: str, locale: str) -> str:
    """Until when, as it was said: a day through its end, or an instant."""
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from orderguard.cli.common import clock
    from orderguard.errors import Words

    try:
        at = datetime.fromisoformat(until).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return clock(until, zone)
    if at.strftime("%H%M%S") != "000000":
        return clock(until, zone)
    day = f"{at.date() - timedelta(days=1)}"
    return Words(f"{day}（含当天）", f"{day} (that day too)").pick(locale)


@click.command()
@click.argument("number", type=int)
@by_option()
@why_option
@ledger_option
@json_option()
def unsnooze(number: int, by: str, why: str, ledger: str, as_json: bool) -> None:
    """提前取消静音。 End a snooze before its time."""
    from datetime import UTC, datetime

    from orderguard.cli.common import opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger.snoozes import SnoozeBook

    with opened(Path(ledger)) as store:
        done = SnoozeBook(store).end(number, f"{by}: {why}", datetime.now(UTC))
    if not done:
        fix = Words("用 cases snoozed 查编号", "see 'cases snoozed' for the numbers")
        raise OrderguardError(Problem(Words(f"没有生效中的静音 {number}", f"no snooze {number} is on"), fix=fix))
    if as_json:
        print_json({"snooze_id": number, "ended": True})
    else:
        click.echo(f"{number} ✓")
