"""`orderguard verdict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from orderguard.cli.options import by_option, json_option, ledger_option, why_option
from orderguard.errors import EXIT_INPUT


@click.group()
def verdict() -> None:
    """记录、查看、更正处置结果。 Record, list and correct verdicts."""


@verdict.command()
@click.argument("sheets", nargs=-1, required=True)
@ledger_option
@click.option("--by", metavar="NAME", help="谁填的，默认文件名 / who filled them in")
@json_option()
def record(sheets: tuple[str, ...], ledger: str, by: str | None, as_json: bool) -> None:
    """把填好的任务表记入台账。 Record filled task sheets."""
    from datetime import UTC, datetime

    from orderguard.cli import language
    from orderguard.cli.common import may_leave, opened, print_json
    from orderguard.ledger.verdicts import VerdictBook
    from orderguard.stages.sheets import read_sheets

    answers, read, unanswered, problems = read_sheets(sheets, by)
    locale = language()
    with opened(Path(ledger)) as book:
        done = VerdictBook(book).record(answers, read, datetime.now(UTC))
        leaving = may_leave(book, locale) if done.written else ""
    oddities = [*problems, *done.oddities]
    if as_json:
        told: dict[str, Any] = {"recorded": done.written, "same": done.same, "unanswered": unanswered}
        told["oddities"] = [{"file": p.where, "row": p.line, "text": p.text(locale)} for p in oddities]
        print_json(told)
    else:
        for problem in oddities:
            click.echo("! " + problem.text(locale), err=True)
        zh = locale.startswith("zh")
        click.echo(
            f"记录 {done.written} 条，先前已记 {done.same} 条，未填 {unanswered} 行，问题 {len(oddities)} 处"
            if zh
            else f"{done.written} recorded, {done.same} recorded before, {unanswered} rows without an answer, {len(oddities)} oddities"
        )
        if leaving:
            click.echo(leaving, err=True)
    if oddities and not done.written and not done.same:
        sys.exit(EXIT_INPUT)


@verdict.command("list")
@ledger_option
@json_option()
def list_(ledger: str, as_json: bool) -> None:
    """列出全部处置结果（含被更正的）。 List all verdicts, corrected ones too."""
    from orderguard.cli import language, shop_zone
    from orderguard.cli.common import clock, print_json, print_table, replaced, viewed
    from orderguard.ledger.verdicts import RESULTS, VerdictBook
    from orderguard.staff import shown

    with viewed(Path(ledger)) as book:
        rows = VerdictBook(book).listed()
    if as_json:
        print_json(rows)
        return
    locale, zone = language(), shop_zone()
    zh = locale.startswith("zh")
    head = (
        ["案件号", "平台", "订单编号", "结果", "处理人", "时间", "说明"]
        if zh
        else ["Case", "Platform", "Order", "Result", "Agent", "At", "Note"]
    )
    again = "（因新证据重开）" if zh else " (reopened on new evidence)"
    results = {r["verdict_id"]: r["result"] for r in rows}
    print_table(head, [
        [r["case_id"], r["platform"], r["order_id"], RESULTS[r["result"]].pick(locale) + (replaced(r, results, locale) if r["replaced_by"] else again if r["ended_run"] else ""), shown(r["agent"], locale), clock(r["at"], zone), r["why"] or r["note"]]
        for r in rows
    ])  # fmt: skip


@verdict.command()
@click.argument("order_or_case")
@click.argument("result")
@ledger_option
@by_option("谁更正 / who corrects it")
@why_option
@json_option()
def revise(order_or_case: str, result: str, ledger: str, by: str, why: str, as_json: bool) -> None:
    """更正一条处置结果，或在两人不一致时裁定；旧的保留在案。 Correct a verdict or settle a dispute; the old one stays in the trail."""
    from datetime import UTC, datetime

    from orderguard.cli import language
    from orderguard.cli.common import may_leave, one_case, opened, print_json
    from orderguard.errors import OrderguardError, Words
    from orderguard.ledger.verdicts import RESULTS, VerdictBook, read_result

    value = read_result(result)
    if value is None:
        said = " / ".join(w.zh for w in RESULTS.values()), " / ".join(w.en for w in RESULTS.values())
        raise OrderguardError(Words(f"结果应为 {said[0]}", f"the result must be {said[1]}"))
    with opened(Path(ledger)) as book:
        found = one_case(book, order_or_case)
        settled = VerdictBook(book).revise(found["case_id"], value, by, why, datetime.now(UTC))
        leaving = may_leave(book, language()) if value == "false_alarm" else ""
    if as_json:
        keys = {name: found[name] for name in ("case_id", "platform", "order_id")}
        print_json({**keys, "result": value, "settled": settled})
    else:
        kept = Words("（维持原判）", " (upheld)").pick(language()) if settled else ""
        click.echo(f"{found['case_id']} → {RESULTS[value].pick(language())}{kept}")
        if leaving:
            click.echo(leaving, err=True)


@verdict.command()
@click.argument("file", required=False)
@click.option("--out", metavar="FILE", help="同上 / the same")
@ledger_option
@json_option()
def export(file: str | None, out: str | None, ledger: str, as_json: bool) -> None:
    """导出全部处置结果：.csv .xlsx .parquet .json 。 Export all verdicts, corrected ones too."""
    from orderguard.cli import language
    from orderguard.cli.common import print_json, viewed
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.ledger.handing import exported
    from orderguard.outbox.table import write_table

    target = file or out
    if target is None and not as_json:
        what = Words("要写到哪个文件？", "which file is it to be?")
        fix = Words("如 orderguard verdict export verdicts.csv", "such as: orderguard verdict export verdicts.csv")
        raise OrderguardError(Problem(what, fix=fix))
    with viewed(Path(ledger)) as book:
        frame = exported(book)
    if target is None:
        print_json(frame.to_dicts())
        return
    zh = language().startswith("zh")
    write_table(Path(target), frame, "处置结果" if zh else "Verdicts")
    if as_json:
        print_json({"file": target, "verdicts": len(frame)})
    else:
        click.echo(f"{target}：{len(frame)} 条" if zh else f"{target}: {len(frame)} verdicts")
