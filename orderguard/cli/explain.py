"""`orderguard explain`: the whole story of an order, and of a case (`cases show`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.cases import rules_of, state_of
from orderguard.cli.common import replaced
from orderguard.cli.options import json_option, ledger_option, rules_option

if TYPE_CHECKING:
    import polars as pl

    from orderguard.ledger import Ledger
    from orderguard.rules import Rulebook


@click.command()
@click.argument("order_id")
@ledger_option
@rules_option
@json_option()
def explain(order_id: str, ledger: str, rules_file: str | None, as_json: bool) -> None:
    """一单的来龙去脉：每条规则怎么说、分数、案件、处置。 The whole story: every rule's answer, score, case, verdicts."""
    from orderguard.cli.common import find_rulebook

    story(order_id, ledger, as_json=as_json, book=find_rulebook(rules_file))


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


def story(order_or_case: str, ledger: str, *, as_json: bool, book: Rulebook | None = None) -> None:
    """Print what the ledger knows of an order or case; with a rulebook what each rule says of it now, too."""
    import polars as pl

    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import print_json, viewed
    from orderguard.errors import OrderguardError, Words, printable
    from orderguard.ledger import CaseBook, History
    from orderguard.ledger.verdicts import VerdictBook

    with viewed(Path(ledger)) as store:
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
    from orderguard.staff import shown

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
        f"{c['case_id']}  {state_of(c, locale)}  {c['score']:g}  {shown(c['agent'], locale)}  {due}{clock(c['due_at'], zone)}"
        for c in told["cases"]
    ]
    return lines + _trail(told, locale, zone)


def _trail(told: dict[str, Any], locale: str, zone: str) -> list[str]:
    """Verdicts, then what else was done to the case."""
    from orderguard.cli.common import clock
    from orderguard.ledger.verdicts import RESULTS
    from orderguard.staff import shown
    from orderguard.statuses import STAGE_WORDS

    at = 0 if locale.startswith("zh") else 1
    again = ("（因新证据重开）", " (reopened on new evidence)")[at]
    results = {v["verdict_id"]: v["result"] for v in told["verdicts"]}
    lines = []
    for v in told["verdicts"]:
        mark = replaced(v, results, locale) if v["replaced_by"] else again if v["ended_run"] else ""
        lines.append(
            f"→  {clock(v['at'], zone)}  {shown(v['agent'], locale)}  {RESULTS[v['result']].pick(locale)}{mark}  {v['why'] or v['note']}".rstrip()
        )
    for event in told["events"]:
        word, _, rest = event["what"].partition(" ")
        what = EVENTS.get(word, (event["what"], event["what"]))[at]
        if word == "over":
            what += f" {STAGE_WORDS[rest].pick(locale)}"
        why = rules_of(event["why"]) if event["who"] == "scan" and word not in {"over", "reassigned"} else event["why"]
        if word == "reassigned":
            what += f" → {shown(rest.removeprefix('to '), locale)}"
            why = (f"{why} 不在" if at == 0 else f"{why} is not there") if event["who"] == "scan" else why
        if not event["what"].startswith("verdict"):
            lines.append(f"·  {clock(event['at'], zone)}  {event['who']}  {what}  {why}".rstrip())
    return lines


EVENTS = {
    "escalated": ("超时上报", "escalated"),
    "released": ("放行", "released"),
    "reopened": ("因新证据重开", "reopened on new evidence"),
    "evidence": ("新证据", "new evidence"),
    "reassigned": ("转派", "reassigned"),
    "over": ("订单已结束", "the order is over:"),
    "resumed": ("订单已恢复，重新待办", "the order is live again"),
}
