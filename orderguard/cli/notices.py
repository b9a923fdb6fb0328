"""`orderguard notices`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orderguard.cli.options import json_option, ledger_option, rules_option, team_option
from orderguard.errors import EXIT_DELIVERY

STATES = {
    "sent": ("已送达", "sent"),
    "failed": ("未送达", "failed"),
    "pending": ("待发", "pending"),
    "sending": ("发送中", "sending"),
    "moot": ("已处理，未发", "handled, not sent"),
    "dropped": ("目标已撤", "target removed"),
}


@click.group()
def notices() -> None:
    """看通知送达没有；补发。 See what was delivered; send what is due."""


@notices.command("list")
@ledger_option
@click.option("--failed", is_flag=True, help="只看未送达的 / only what was not delivered")
@json_option()
def list_(ledger: str, failed: bool, as_json: bool) -> None:
    """每条通知给了谁、到没到。 Who was told, and whether it arrived; newest first."""
    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import clock, print_json, print_table, viewed
    from orderguard.ledger.notices import NoticeBook

    with viewed(Path(ledger)) as book:
        rows = NoticeBook(book).listed()
    if failed:
        rows = [r for r in rows if r["state"] in {"failed", "pending", "sending"}]
    if as_json:
        print_json(rows)
        return
    at, zone = 0 if language().startswith("zh") else 1, shop_zone()
    head = (
        ["编号", "给谁", "案件", "目标", "状态", "次数", "时间", "原因"]
        if at == 0
        else ["No.", "Who", "Cases", "Target", "State", "Tries", "At", "Said"]
    )
    print_table(head, [
        [str(r["notice_id"]), str(r["who"]).partition(":")[2], str(r["cases"]), str(r["target"] or "-"),
         STATES[str(r["state"] or "pending")][at], str(r["tries"] or 0), clock(str(r["at"] or r["created_at"]), zone), str(r["said"] or "")]
        for r in rows
    ])  # fmt: skip


@notices.command()
@ledger_option
@team_option
@rules_option
@json_option()
def send(ledger: str, team_file: str | None, rules_file: str | None, as_json: bool) -> None:
    """发出到点的通知，补发没送到的；还有没送到的则退出码为 3。 Send what is due and what failed; exit 3 if any fails again."""
    from orderguard.cli.common import find_rulebook, opened, print_json
    from orderguard.cli.scan import options_of, plain
    from orderguard.platforms import load_profiles, platform_names
    from orderguard.stages.notices import tell

    book = find_rulebook(rules_file)
    with opened(Path(ledger)):
        pass  # a missing ledger is told before a missing team
    words = {"team_file": team_file, "notify": True}
    options = options_of(book, {**plain(), **words, "ledger": ledger})
    zh = book.locale.startswith("zh")
    done, lost = tell(options, platform_names(load_profiles(), book.locale))
    for problem in lost:
        click.echo("! " + problem.text(book.locale), err=True)
    if as_json:
        print_json(done)
    else:
        waiting = ("、" if zh else ", ").join(done["waiting"])
        later = (f"，未到间隔的：{waiting}" if zh else f", later: {waiting}") if waiting else ""
        sent, failed = done["sent"], done["failed"]
        click.echo(
            f"送达 {sent} 条，未送达 {failed} 条{later}" if zh else f"{sent} delivered, {failed} not delivered{later}"
        )
    if done["failed"]:
        sys.exit(EXIT_DELIVERY)
