"""`orderguard cases overdue` and `cases sweep`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from orderguard.cli.options import json_option, ledger_option, out_option, rules_option, team_option
from orderguard.errors import EXIT_DELIVERY


@click.command()
@ledger_option
@team_option
@rules_option
@json_option()
def overdue(**given: Any) -> None:
    """超时未处理的案件，及 cases sweep 会怎么做。 Undecided cases past their due time, and what a sweep would do."""
    told = _sweep(given, dry=True)
    if given["as_json"]:
        from orderguard.cli.common import print_json

        print_json(told["orders"])
        return
    _show(told, given)


@click.command()
@ledger_option
@out_option("out", "清单写到 DIR/releases / lists go to DIR/releases")
@team_option
@rules_option
@click.option("--dry-run", is_flag=True, help="只说会怎么做 / only tell what it would do")
@click.option("--notify", is_flag=True, help="通知负责人有超时上报 / tell managers what was escalated")
@json_option()
def sweep(**given: Any) -> None:
    """超时的案件按 team.yaml 的 on_timeout 处理，写出放行清单；供 cron 用。 Apply the action at time-out, write release lists."""
    from orderguard.cli.common import print_json

    told = _sweep(given, dry=given["dry_run"])
    if given["as_json"]:
        print_json(told)
    else:
        _show(told, given)
    if told.get("undelivered"):
        sys.exit(EXIT_DELIVERY)


def _sweep(given: dict[str, Any], *, dry: bool) -> dict[str, Any]:
    from orderguard.cli.common import find_rulebook, opened, viewed
    from orderguard.cli.scan import options_of, plain
    from orderguard.platforms import load_profiles, platform_names, platform_words
    from orderguard.stages.notices import tell
    from orderguard.stages.sweeping import sweep as swept

    book = find_rulebook(given["rules_file"])
    with (viewed if dry else opened)(Path(given["ledger"])):
        pass  # a missing ledger is told, not made
    options = options_of(
        book, {**plain(), **{k: given[k] for k in ("ledger", "team_file", "out", "notify") if k in given}}
    )
    profiles = load_profiles()
    told = swept(options, platform_words(profiles), dry=dry)
    told["locale"], told["timezone"] = book.locale, book.timezone
    if options.notify and not dry:
        told["notices"], lost = tell(options, platform_names(profiles, book.locale))
        told["undelivered"] = told["notices"]["failed"]
        for problem in lost:
            click.echo("! " + problem.text(book.locale), err=True)
    return told


def _show(told: dict[str, Any], given: dict[str, Any]) -> None:
    from orderguard.cli.common import clock, print_table
    from orderguard.outbox.lists import ACTIONS
    from orderguard.staff import shown

    at = 0 if told["locale"].startswith("zh") else 1
    head = (
        ["案件号", "订单编号", "平台", "处理人", "时限", "超时处理"]
        if at == 0
        else ["Case", "Order", "Platform", "Agent", "Due", "At time-out"]
    )
    if told["orders"]:
        print_table(head, [
            [c["case_id"], c["order_id"], c["platform"], shown(c["agent"], told["locale"]), clock(c["due_at"], told["timezone"]), ACTIONS[c["action"]][at]] for c in told["orders"]
        ])  # fmt: skip
    if "dry_run" not in given:
        if not told["orders"]:
            click.echo("没有超时的案件" if at == 0 else "no case is overdue", err=True)
        return
    lists = "  ".join(f"{p} {n}" for p, n in told["lists"].items()) or "—"
    where = Path(given["out"]) / "releases"
    over = (f"  订单已结束 {told['over']}", f"  over by now {told['over']}") if told["over"] else ("", "")
    before = (
        (f"（先前已上报 {told['escalated_before']}）", f" (before: {told['escalated_before']})")
        if told["escalated_before"]
        else ("", "")
    )
    click.echo(
        f"放行 {told['released']}  上报 {told['escalated']}{before[0]}  维持 {told['kept']}{over[0]}  放行清单：{lists}（{where}）"
        if at == 0
        else f"released {told['released']}  escalated {told['escalated']}{before[1]}  kept {told['kept']}{over[1]}  release lists: {lists} ({where})"
    )
