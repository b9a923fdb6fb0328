"""`orderguard cases` and `orderguard explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.deadlines import overdue, sweep
from orderguard.cli.snooze import snooze, snoozed, unsnooze

if TYPE_CHECKING:
    import polars as pl

    from orderguard.ledger import Ledger
    from orderguard.rules import Rulebook

_LEDGER = click.option("--ledger", default="ledger", metavar="DIR", show_default=True, help="台账目录 / ledger folder")
_JSON = click.option("--json", "as_json", is_flag=True)
_BY = click.option("--by", required=True, metavar="NAME", help="谁 / who")
_WHY = click.option("--why", required=True, metavar="TEXT", help="为什么 / why")

KEY = ("case_id", "platform", "order_id")
"""What names a case in --json."""

STATES = {
    "open": ("待核实", "open"),
    "investigating": ("调查中", "investigating"),
    "confirmed": ("属实", "confirmed"),
    "released": ("已放行", "released"),
}


@click.group()
def cases() -> None:
    """看案件、放行、静音、转派、超时处理。 List, show, release, snooze, reassign and sweep cases."""


@cases.command("list")
@_LEDGER
@click.option("--state", type=click.Choice(list(STATES)), help="只看此状态 / only this state")
@click.option("--agent", metavar="NAME", help="只看此人 / only this agent")
@click.option("--overdue", is_flag=True, help="只看超时的 / only overdue ones")
@_JSON
def list_(ledger: str, state: str | None, agent: str | None, overdue: bool, as_json: bool) -> None:
    """列出案件，最急的在前。 List cases, the most urgent first."""
    from datetime import UTC, datetime

    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import clock, opened, print_json, print_table
    from orderguard.ledger import CaseBook
    from orderguard.ledger.cases import OPEN
    from orderguard.ledger.stamps import iso

    now = iso(datetime.now(UTC))
    with opened(Path(ledger)) as book:
        rows = CaseBook(book).listed()
    for row in rows:
        row["overdue"] = row["state"] in OPEN and row["due_at"] < now
    rows = [
        r
        for r in rows
        if (not state or r["state"] == state) and (not agent or r["agent"] == agent) and (not overdue or r["overdue"])
    ]
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
        [r["case_id"], r["order_id"], r["platform"], STATES[r["state"]][0 if zh else 1] + (late if r["overdue"] else ""), f"{r['score']:g}", r["agent"],
         clock(r["due_at"], zone), _rules(r["evidence"])]
        for r in rows
    ])  # fmt: skip


def _rules(evidence: str) -> str:
    return " ".join(dict.fromkeys(mark.split("@")[0] for mark in evidence.split(",")))


@cases.command()
@click.argument("order_or_case")
@_LEDGER
@_JSON
def show(order_or_case: str, ledger: str, as_json: bool) -> None:
    """一个案件的全部记录。 Everything about a case."""
    _story(order_or_case, ledger, as_json=as_json)


@cases.command()
@click.argument("order_or_case")
@_LEDGER
@_BY
@_WHY
@_JSON
def release(order_or_case: str, ledger: str, by: str, why: str, as_json: bool) -> None:
    """放行：同样的证据不再标记。 Release: not flagged again on the same evidence."""
    from datetime import UTC, datetime

    from orderguard.cli import language
    from orderguard.cli.common import one_case, opened, print_json
    from orderguard.errors import Words, printable
    from orderguard.ledger import CaseBook

    with opened(Path(ledger)) as book:
        found = one_case(book, order_or_case)
        before = found["state"] == "released"
        if not before:
            CaseBook(book).release(found["case_id"], by, why, datetime.now(UTC))
    if before:
        told = Words(
            f"{found['case_id']} 早已放行，没有改变什么；经过见 orderguard explain {found['order_id']}",
            f"{found['case_id']} was released before: nothing changed; see 'orderguard explain {found['order_id']}'",
        )
        click.echo(printable("! " + told.pick(language())), err=True)
    if as_json:
        print_json({**{name: found[name] for name in KEY}, "state": "released"})
    else:
        click.echo(f"{found['case_id']} → {STATES['released'][0]} / {STATES['released'][1]}")


@cases.command()
@click.argument("order_or_case")
@click.argument("agent")
@_LEDGER
@_BY
@_WHY
@_JSON
def reassign(order_or_case: str, agent: str, ledger: str, by: str, why: str, as_json: bool) -> None:
    """转派给另一位处理人，进其下一张任务表。 Give it to another agent, on whose next sheet it will stand."""
    from datetime import UTC, datetime

    from pydantic import ValidationError

    from orderguard.cli import language
    from orderguard.cli.common import one_case, opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger import CaseBook
    from orderguard.ledger.cases import OPEN
    from orderguard.route.team import Agent

    try:
        name = Agent(name=agent).name
    except ValidationError as error:
        raise OrderguardError(Words(f"'{agent}' 不能作处理人名", f"'{agent}' cannot be an agent's name")) from error
    with opened(Path(ledger)) as book:
        case = one_case(book, order_or_case)
        if case["state"] not in OPEN:
            state = STATES[case["state"]]
            what = Words(
                f"{case['case_id']} 已是“{state[0]}”，没有要转派的",
                f"{case['case_id']} is {state[1]}: nothing to hand on",
            )
            fix = Words("用 orderguard verdict revise 更正结果", "correct its verdict with 'orderguard verdict revise'")
            raise OrderguardError(Problem(what, fix=fix))
        number = CaseBook(book).reassign(case["case_id"], name, by, why, datetime.now(UTC))
    if as_json:
        print_json({**{key: case[key] for key in KEY}, "agent": name, "still_on_sheet": number})
    else:
        click.echo(f"{case['case_id']} → {name}")
    if number:
        old = case["agent"]
        told = Words(
            f"它还在 {old} 的第 {number} 号任务表上：请告知 {old}；运行 orderguard tasks --agent {old} 可重发不含它的表",
            f"it still stands on {old}'s sheet no. {number}: tell {old}; 'orderguard tasks --agent {old}' issues one without it",
        )
        click.echo("! " + told.pick(language()), err=True)


@click.command()
@click.argument("order_id")
@_LEDGER
@click.option("--rules", "rules_file", metavar="FILE", help="规则表，默认 ./rules.yaml / rulebook")
@_JSON
def explain(order_id: str, ledger: str, rules_file: str | None, as_json: bool) -> None:
    """一单的来龙去脉：每条规则怎么说、分数、案件、处置。 The whole story: every rule's answer, score, case, verdicts."""
    from orderguard.cli.common import find_rulebook

    _story(order_id, ledger, as_json=as_json, book=find_rulebook(rules_file))


ANSWERS = {
    "flagged": ("✗ 命中    ", "✗ flagged      "),
    "passed": ("✓ 未命中  ", "✓ passed       "),
    "not_evaluable": ("? 无法判断", "? not evaluable"),
}


def _answers(store: Ledger, keys: pl.DataFrame, book: Rulebook) -> list[dict[str, Any]]:
    from orderguard.ledger import History
    from orderguard.platforms import load_profiles, platform_ids, platform_words
    from orderguard.stages.retelling import answers

    profiles = load_profiles()
    orders = History(store).find(keys)
    words, ids = platform_words(profiles), platform_ids(profiles)
    return [
        {"platform": orders[i]["platform"][0], **a}
        for i in range(len(orders))
        for a in answers(store, orders[i], book, words, ids)
    ]


def _story(order_or_case: str, ledger: str, *, as_json: bool, book: Rulebook | None = None) -> None:
    import polars as pl

    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import opened, print_json
    from orderguard.errors import OrderguardError, Words, printable
    from orderguard.ledger import CaseBook, History
    from orderguard.ledger.verdicts import VerdictBook

    with opened(Path(ledger)) as store:
        casebook = CaseBook(store)
        found = casebook.listed(order_or_case)
        seen = History(store).named(found[0]["order_id"] if found else order_or_case)
        keys = pl.DataFrame(
            [(r["platform"], r["order_id"]) for r in seen], schema=["platform", "order_id"], orient="row"
        )
        findings = casebook.findings_of(keys).to_dicts() if seen else []
        verdicts = [v for c in found for v in VerdictBook(store).listed(c["case_id"])]
        events = [e for c in found for e in casebook.events(c["case_id"])]
        answers = _answers(store, keys, book) if book and seen else []
    if not found and not seen:
        raise OrderguardError(
            Words(f"台账里没有见过订单 {order_or_case}", f"the ledger has never seen order {order_or_case}")
        )
    told: dict[str, Any] = {
        "orders": seen, "rules": answers, "findings": findings, "cases": found, "verdicts": verdicts, "events": events,
    }  # fmt: skip
    if as_json:
        print_json(told)
        return
    locale = book.locale if book else language()
    for text in _lines(told, locale, book.timezone if book else shop_zone()):
        click.echo(printable(text))


def _lines(told: dict[str, Any], locale: str, zone: str) -> list[str]:
    """The story as lines, times as the shop's clock shows them."""
    from orderguard.cli.common import clock

    at = 0 if locale.startswith("zh") else 1
    lines = []
    for order in told["orders"]:
        amount = (order["amount"] or "").rstrip("0").rstrip(".")
        lines.append(
            f"{order['platform']}  {order['order_id']}  {clock(order['created_at'], zone)}  {amount}  {order['source_file'] or ''}"
        )
    demoted = {(f["platform"], f["rule_id"]) for f in told["findings"] if f["status"] == "demoted"}
    rail = ("护栏降级，当时不计分", "demoted by the guard rail: no points then")[at]
    for a in told["rules"]:
        a["note"] = a["note"] or (rail if (a["platform"], a["rule_id"]) in demoted else "")
        says = "" if a["says"] and a["reason"].startswith(a["says"]) else a["says"]
        note = f"{'（' if at == 0 else '('}{a['note']}{'）' if at == 0 else ')'}" if a["note"] else ""
        lines.append(
            "  ".join(p for p in (f"{ANSWERS[a['answer']][at]}  {a['rule_id']}", says, a["reason"], note) if p)
        )
    if not told["rules"]:
        lines += [f"•  {f['rule_id']}  {f['reason']}" for f in told["findings"]]
    due = ("时限 ", "due ")[at]
    lines += [
        f"{c['case_id']}  {STATES[c['state']][at]}  {c['score']:g}  {c['agent']}  {due}{clock(c['due_at'], zone)}"
        for c in told["cases"]
    ]
    return lines + _trail(told, locale, zone)


def _trail(told: dict[str, Any], locale: str, zone: str) -> list[str]:
    """Verdicts, then what else was done to the case."""
    from orderguard.cli.common import clock
    from orderguard.ledger.verdicts import RESULTS

    at = 0 if locale.startswith("zh") else 1
    corrected, again = ("（已更正）", " (corrected)")[at], ("（因新证据重开）", " (reopened on new evidence)")[at]
    lines = []
    for v in told["verdicts"]:
        mark = corrected if v["replaced_by"] else again if v["ended_run"] else ""
        lines.append(
            f"→  {clock(v['at'], zone)}  {v['agent']}  {RESULTS[v['result']].pick(locale)}{mark}  {v['why'] or v['note']}".rstrip()
        )
    for event in told["events"]:
        what = EVENTS.get(event["what"].split(" ")[0], (event["what"], event["what"]))[at]
        why = _rules(event["why"]) if event["who"] == "scan" else event["why"]
        if not event["what"].startswith("verdict"):
            lines.append(f"·  {clock(event['at'], zone)}  {event['who']}  {what}  {why}".rstrip())
    return lines


EVENTS = {
    "escalated": ("超时上报", "escalated"),
    "released": ("放行", "released"),
    "reopened": ("因新证据重开", "reopened on new evidence"),
    "evidence": ("新证据", "new evidence"),
    "reassigned": ("转派", "reassigned"),
}


cases.add_command(snooze)
cases.add_command(snoozed)
cases.add_command(unsnooze)
cases.add_command(overdue)
cases.add_command(sweep)
