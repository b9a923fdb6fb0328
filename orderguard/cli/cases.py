"""`orderguard cases`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orderguard.cli.deadlines import overdue, sweep
from orderguard.cli.handing import KEY, STATES, reassign
from orderguard.cli.options import by_option, json_option, ledger_option, why_option
from orderguard.cli.snooze import snooze, snoozed, unsnooze


@click.group()
def cases() -> None:
    """看案件、放行、静音、转派、超时处理。 List, show, release, snooze, reassign and sweep cases."""


@cases.command("list")
@ledger_option
@click.option("--state", type=click.Choice(list(STATES)), help="只看此状态 / only this state")
@click.option("--agent", metavar="NAME", help="只看此人 / only this agent")
@click.option("--overdue", is_flag=True, help="只看超时的 / only overdue ones")
@json_option()
def list_(ledger: str, state: str | None, agent: str | None, overdue: bool, as_json: bool) -> None:
    """列出案件，最急的在前。 List cases, the most urgent first."""
    from datetime import UTC, datetime

    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import clock, print_json, print_table, viewed
    from orderguard.ledger import CaseBook
    from orderguard.ledger.cases import OPEN
    from orderguard.ledger.stamps import iso
    from orderguard.staff import meant, shown

    now = iso(datetime.now(UTC))
    with viewed(Path(ledger)) as book:
        rows = CaseBook(book).listed()
    for row in rows:
        row["overdue"] = row["state"] in OPEN and row["due_at"] < now
    rows = [
        r
        for r in rows
        if (not state or r["state"] == state)
        and (not agent or r["agent"] == meant(agent))
        and (not overdue or r["overdue"])
    ]
    rows.sort(key=lambda r: r["state"] not in OPEN)
    if as_json:
        print_json(rows)
        return
    zh, zone = language().startswith("zh"), shop_zone()
    head = (
        ["案件号", "订单编号", "平台", "状态", "分数", "处理人", "时限", "规则"]
        if zh
        else ["Case", "Order", "Platform", "State", "Score", "Agent", "Due", "Rules"]
    )
    late = "（超时）" if zh else " (overdue)"
    print_table(head, [
        [r["case_id"], r["order_id"], r["platform"], state_of(r, language()) + (late if r["overdue"] else ""), f"{r['score']:g}", shown(r["agent"], language()),
         clock(r["due_at"], zone), rules_of(r["evidence"])]
        for r in rows
    ])  # fmt: skip


def state_of(case: dict[str, Any], locale: str) -> str:
    """A case's state in words; of an order that is over also as what."""
    from orderguard.statuses import STAGE_WORDS

    word = STATES[case["state"]][0 if locale.startswith("zh") else 1]
    if case["ended"] is None:
        return word
    stage = STAGE_WORDS[case["ended"]].pick(locale)
    return f"{word}（{stage}）" if locale.startswith("zh") else f"{word} ({stage})"


def rules_of(evidence: str) -> str:
    """The rules that a case's evidence names, without their fingerprints."""
    return " ".join(dict.fromkeys(mark.split("@")[0] for mark in evidence.split(",")))


@cases.command()
@click.argument("order_or_case")
@ledger_option
@json_option()
def show(order_or_case: str, ledger: str, as_json: bool) -> None:
    """一个案件的全部记录。 Everything about a case."""
    from orderguard.cli.explain import story

    story(order_or_case, ledger, as_json=as_json)


@cases.command()
@click.argument("order_or_case")
@ledger_option
@by_option()
@why_option
@json_option()
def release(order_or_case: str, ledger: str, by: str, why: str, as_json: bool) -> None:
    """放行：同样的证据不再标记。 Release: not flagged again on the same evidence."""
    from datetime import UTC, datetime

    from orderguard.cli import language
    from orderguard.cli.common import may_leave, one_case, opened, print_json
    from orderguard.errors import Words, printable
    from orderguard.ledger import CaseBook

    with opened(Path(ledger)) as book:
        found = one_case(book, order_or_case)
        before = found["state"] == "released"
        if not before:
            CaseBook(book).release(found["case_id"], by, why, datetime.now(UTC))
        leaving = may_leave(book, language())
    if before:
        told = Words(
            f"{found['case_id']} 早已放行，没有改变什么；经过见 orderguard explain {found['order_id']}",
            f"{found['case_id']} was released before: nothing changed; see 'orderguard explain {found['order_id']}'",
        )
        click.echo(printable("! " + told.pick(language())), err=True)
    if as_json:
        print_json({**{name: found[name] for name in KEY}, "state": "released"})
    else:
        click.echo(f"{found['case_id']} → {STATES['released'][0 if language().startswith('zh') else 1]}")
        if leaving:
            click.echo(leaving, err=True)


cases.add_command(snooze)
cases.add_command(snoozed)
cases.add_command(unsnooze)
cases.add_command(reassign)
cases.add_command(overdue)
cases.add_command(sweep)
