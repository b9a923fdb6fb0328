"""`orderguard cases reassign`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orderguard.cli.options import by_option, json_option, ledger_option, team_option, why_option

KEY = ("case_id", "platform", "order_id")
"""What names a case in --json."""

STATES = {
    "open": ("待核实", "open"),
    "investigating": ("调查中", "investigating"),
    "confirmed": ("属实", "confirmed"),
    "released": ("已放行", "released"),
    "over": ("订单已结束", "order over"),
}


@click.command()
@click.argument("order_or_case", required=False)
@click.argument("agent", required=False)
@click.option(
    "--from", "desk", metavar="NAME", help="此人（或 待分配）名下全部未处理的 / all open cases of NAME (or unassigned)"
)
@ledger_option
@team_option
@by_option()
@why_option
@json_option()
def reassign(order_or_case: str | None, agent: str | None, desk: str | None, **given: Any) -> None:
    """转派一单，或用 --from 转派一人名下的全部（不写给谁就按团队表分）。 Give an order to another agent, or with --from all of one's.

    They stand on the next sheets. With --from and no other name they go by team.yaml to whoever is there.
    """
    from orderguard.errors import OrderguardError, Problem, Words

    if desk is not None and agent is None:
        _empty(desk, order_or_case, given)
    elif desk is None and order_or_case is not None and agent is not None:
        _one(order_or_case, agent, given)
    else:
        fix = Words(
            "reassign 订单 姓名，或 reassign --from 姓名 [姓名]", "reassign ORDER NAME, or reassign --from NAME [NAME]"
        )
        raise OrderguardError(Problem(Words("要转派什么，给谁？", "what is to go to whom?"), fix=fix))


def _name(agent: str) -> str:
    from pydantic import ValidationError

    from orderguard.errors import OrderguardError, Words
    from orderguard.route.team import Agent

    try:
        return Agent(name=agent).name
    except ValidationError as error:
        raise OrderguardError(Words(f"'{agent}' 不能作处理人名", f"'{agent}' cannot be an agent's name")) from error


def _empty(desk: str, agent: str | None, given: dict[str, Any]) -> None:
    """All open cases of one agent."""
    from datetime import UTC, datetime

    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.platforms import load_profiles, platform_words
    from orderguard.route import Team, load_team
    from orderguard.staff import meant, shown
    from orderguard.stages.handing import empty_desk

    now, to, who = datetime.now(UTC), None if agent is None else _name(agent), meant(desk)
    team, file = Team(), Path(given["team_file"] or "team.yaml")
    if to is None:
        team = load_team(file).at(now, shop_zone()) if given["team_file"] or file.exists() else team
        if not [a for a in team.agents if a.name != who]:
            what = Words("团队表里没有别人在岗可接", "nobody else in the team file is there to take them")
            raise OrderguardError(
                Problem(what, str(file), fix=Words("写明给谁：--from 姓名 姓名", "say who: --from NAME NAME"))
            )
    with opened(Path(given["ledger"])) as book:
        moved = empty_desk(book, who, to, team, platform_words(load_profiles()), given["by"], given["why"], now)
    if given["as_json"]:
        print_json(moved)
        return
    counts: dict[str, int] = {}
    for case in moved:
        counts[case["agent"]] = counts.get(case["agent"], 0) + 1
    for name, n in sorted(counts.items()):
        click.echo(Words(f"{shown(name, 'zh-CN')}：{n} 单", f"{shown(name, 'en')}: {n} orders").pick(language()))
    if not moved:
        told = Words(
            f"{shown(who, 'zh-CN')} 名下没有能转的未处理案件",
            f"{shown(who, 'en')} has no open case that can go to anybody",
        )
        click.echo("! " + told.pick(language()), err=True)
    else:
        told = Words(
            "下一次扫描发出；现在就要用 orderguard tasks --agent 姓名",
            "on the next scan's sheets; at once: orderguard tasks --agent NAME",
        )
        click.echo(told.pick(language()), err=True)


def _one(order_or_case: str, agent: str, given: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    from orderguard.cli import language
    from orderguard.cli.common import one_case, opened, print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger import CaseBook
    from orderguard.ledger.cases import OPEN
    from orderguard.staff import shown

    name = _name(agent)
    with opened(Path(given["ledger"])) as book:
        case = one_case(book, order_or_case)
        if case["state"] not in OPEN:
            state = STATES[case["state"]]
            what = Words(
                f"{case['case_id']} 已是“{state[0]}”，没有要转派的",
                f"{case['case_id']} is {state[1]}: nothing to hand on",
            )
            fix = Words("用 orderguard verdict revise 更正结果", "correct its verdict with 'orderguard verdict revise'")
            if case["state"] == "over":
                fix = Words(
                    "订单恢复后会重新待办；仍可用 verdict record 记下结果",
                    "it is open again when the order is; its result can still be recorded with 'verdict record'",
                )
            raise OrderguardError(Problem(what, fix=fix))
        number = CaseBook(book).reassign(case["case_id"], name, given["by"], given["why"], datetime.now(UTC))
    if given["as_json"]:
        print_json({**{key: case[key] for key in KEY}, "agent": name, "still_on_sheet": number})
    else:
        click.echo(f"{case['case_id']} → {name}")
    if number:
        old = shown(case["agent"], language())
        told = Words(
            f"它还在 {old} 的第 {number} 号任务表上：请告知 {old}；运行 orderguard tasks --agent {old} 可重发不含它的表",
            f"it still stands on {old}'s sheet no. {number}: tell {old}; 'orderguard tasks --agent {old}' issues one without it",
        )
        click.echo("! " + told.pick(language()), err=True)
