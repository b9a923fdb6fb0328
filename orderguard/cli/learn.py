"""`orderguard learn`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.options import json_option, ledger_option, rules_option

if TYPE_CHECKING:
    from orderguard.learn.proposal import Proposal, RuleLesson
    from orderguard.rules import Rulebook


@click.group(invoke_without_command=True)
@ledger_option
@rules_option
@click.option("--since", metavar="DATE", help="只用这天起的处置结果 / verdicts from this day on")
@click.option("--until", metavar="DATE", help="只用到这天为止的 / verdicts up to this day")
@click.option("--out", metavar="FILE.xlsx", help="另存为表格或 JSON / also write it as a workbook or JSON")
@click.option("--apply", "apply_", is_flag=True, help="采用建议，写入 weights/ / put the proposal in use")
@click.option("--by", metavar="NAME", help="谁批准（--apply 时必填） / who approves it")
@json_option()
@click.pass_context
def learn(context: click.Context, /, **given: Any) -> None:
    """从处置结果学分值与阈值：先给建议，批准后才用。 Learn points and thresholds from verdicts; nothing changes without --apply."""
    if context.invoked_subcommand:
        context.obj = given
        return
    from datetime import UTC, datetime

    from orderguard.cli.common import find_rulebook, plain_rulebook, print_json, viewed
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.rules.overlays import write_overlay
    from orderguard.rules.weights import weights_folder
    from orderguard.stages.teaching import overlay, proposal

    by = _name(given["by"]) if given["apply_"] or given["by"] is not None else ""
    book = find_rulebook(given["rules_file"])
    span = [_instant(given["since"], book.timezone, end=False), _instant(given["until"], book.timezone, end=True)]
    with viewed(Path(given["ledger"])) as store:
        found = proposal(store, book, *span, places=True)
    now = datetime.now(UTC)
    if given["out"]:
        _write(Path(given["out"]), found, book)
    told: dict[str, Any] = {
        **found.told(),
        "weights_in_use": book.weights.file if book.weights else None,
        "applied": None,
    }
    if given["apply_"]:
        if not (found.moves or found.knots):
            what = Words("没有可采用的建议", "there is nothing to apply")
            fix = Words(
                "先记录更多处置结果：orderguard verdict record", "record more verdicts first: orderguard verdict record"
            )
            raise OrderguardError(Problem(what, fix=fix))
        from zoneinfo import ZoneInfo

        folder = weights_folder(book, packaged=plain_rulebook(given["rules_file"])[1])
        content = overlay(found, book, Path(given["ledger"]).resolve(), by, now)
        told["applied"] = str(write_overlay(folder, content, now.astimezone(ZoneInfo(book.timezone))))
    if given["as_json"]:
        print_json(told)
        return
    _show(found, book, applied=bool(told["applied"]))
    if told["applied"]:
        zh = book.locale.startswith("zh")
        click.echo(
            f"✓ 已采用，{by} 批准：{told['applied']}；下次 scan 起生效，撤回用 orderguard learn rollback"
            if zh
            else f"✓ applied, approved by {by}: {told['applied']}; counts from the next scan on, undo with 'orderguard learn rollback'"
        )


@learn.command()
@rules_option
@click.option("--by", metavar="NAME", help="谁撤回 / who rolls it back")
@json_option()
@click.pass_context
def rollback(context: click.Context, rules_file: str | None, by: str | None, as_json: bool) -> None:
    """撤回最近采用的分值，回到上一版。 Go back to the weights before."""
    from datetime import UTC, datetime
    from getpass import getuser

    from orderguard.cli.common import plain_rulebook, print_json
    from orderguard.rules.overlays import roll_back
    from orderguard.rules.weights import weights_folder

    above = context.obj or {}
    book, packaged = plain_rulebook(rules_file or above.get("rules_file"))
    who = by or above.get("by")
    try:
        who = who or getuser()
    except (KeyError, OSError, ImportError):  # a container without a user name
        who = "?"
    gone, now = roll_back(weights_folder(book, packaged=packaged), Path(book.source).name, who, datetime.now(UTC))
    if as_json or above.get("as_json"):
        print_json(
            {"rolled_back": str(gone), "in_use": now.source if now else None, "points": now.points if now else None}
        )
        return
    zh = book.locale.startswith("zh")
    left = (now.source if now else None) or ("规则表自己的分值" if zh else "the rulebook's own points")
    click.echo(f"已撤回 {gone}；现用：{left}" if zh else f"rolled back {gone}; in use now: {left}")


def _name(by: str | None) -> str:
    from orderguard.errors import OrderguardError, Problem, Words, printable

    if not by or not by.strip():
        what = Words("--apply 要写明谁批准", "--apply needs to know who approves it")
        raise OrderguardError(Problem(what, fix=Words("加上 --by 姓名", "add --by NAME")))
    return printable(by).strip()[:80]


def _instant(day: str | None, zone: str, *, end: bool) -> str | None:
    """The first or last second of a day of the shop's clock, as the ledger stores instants."""
    if day is None:
        return None
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo

    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger.stamps import iso

    try:
        at = datetime.strptime(day.strip(), "%Y-%m-%d").replace(tzinfo=ZoneInfo(zone))
    except ValueError as error:
        what = Words(f"日期 '{day}' 读不懂", f"cannot read the date '{day}'")
        raise OrderguardError(Problem(what, fix=Words("写成 2026-11-30", "write it such as 2026-11-30"))) from error
    return iso(at + timedelta(days=1, seconds=-1) if end else at)


def _write(path: Path, found: Proposal, book: Rulebook) -> None:
    from orderguard.drafts import drafted
    from orderguard.errors import OrderguardError, Problem, Words, json_text, unable
    from orderguard.outbox.proposal import write_proposal

    if path.suffix.casefold() not in {".xlsx", ".json"}:
        what = Words(
            f"--out 只能是 .xlsx 或 .json，不是 '{path.suffix}'", f"--out takes .xlsx or .json, not '{path.suffix}'"
        )
        raise OrderguardError(Problem(what, str(path)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with drafted(path) as (draft,):
            if path.suffix.casefold() == ".json":
                draft.write_text(json_text(found.told()) + "\n", encoding="utf-8")
            else:
                write_proposal(draft, found.told(), book.locale)
    except OSError as error:
        raise OrderguardError(Problem(unable(Words("无法写入", "cannot be written"), error), str(path))) from error


WHY = {
    "moved": ("", ""),
    "capped": ("已到一次的上限，下次可再变", "the most for one run"),
    "kept": ("留在复核线：再低会漏掉属实的", "kept at the review band: lower would lose confirmed orders"),
    "left": ("单凭它不再进队列", "alone it brings no order under review any more"),
    "same": ("与处置结果相符，不变", "fits the verdicts, stays"),
    "few": ("处置结果不足", "not enough verdicts"),
    "locked": ("已锁定", "locked"),
    "trial": ("试运行，不计分", "trial, adds no points"),
}


def _show(found: Proposal, book: Rulebook, *, applied: bool) -> None:
    from orderguard.cli.common import print_table
    from orderguard.cli.lessons import lines
    from orderguard.learn.points import MINIMUM

    zh = book.locale.startswith("zh")
    at = 0 if zh else 1
    used = found.right + found.wrong
    click.echo(
        f"处置结果 {used} 条（属实 {found.right}，误判 {found.wrong}），另有未定 {found.unknown} 条不计"
        if zh
        else f"{used} verdicts ({found.right} confirmed, {found.wrong} false alarms); {found.unknown} more are undecided and do not count"
    )
    head = (
        ["规则", "现分值", "建议", "属实", "误判", "未定", "属实率", "95% 区间", "旧版未计", "说明"]
        if zh
        else [
            "Rule",
            "Points",
            "Proposed",
            "Right",
            "Wrong",
            "Unknown",
            "Precision",
            "95% interval",
            "Not used (old form)",
            "Why",
        ]
    )
    print_table(head, [_row(r, at, MINIMUM) for r in found.rules])
    for line in lines(found, zh=zh):
        click.echo(line)
    if found.moves and not applied:
        click.echo(
            "建议尚未生效；采用：orderguard learn --apply --by 姓名"
            if zh
            else "nothing has changed yet; to apply it: orderguard learn --apply --by NAME"
        )


def _row(r: RuleLesson, at: int, minimum: int) -> list[str]:
    p = r.precision
    rate = f"{p.share:.0%}" if p.share is not None else "—"
    interval = f"{p.low:.0%}–{p.high:.0%}" if p.low is not None and p.high is not None else "—"
    need = (
        f"（下调需误判 {minimum} 条，上调需属实 {minimum} 条）",
        f" ({minimum} false alarms to fall, {minimum} confirmed to rise)",
    )
    alone = (
        f"（单独命中 {r.alone.whole} 单，属实 {r.alone.part}）",
        f" ({r.alone.part} of the {r.alone.whole} that only it flagged were confirmed)",
    )
    why = WHY[r.why][at] + (need[at] if r.why == "few" else alone[at] if r.why in {"kept", "left"} else "")
    after = f"{r.after:g}" if r.after != r.before else "="
    return [r.id, f"{r.before:g}", after, str(r.right), str(r.wrong), str(r.unknown), rate, interval, str(r.stale), why]
