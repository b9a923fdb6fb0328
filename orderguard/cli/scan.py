"""`orderguard scan`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.dates import date_order
from orderguard.cli.options import (
    audit_options,
    delivery_options,
    double_option,
    json_option,
    out_option,
    quiet_option,
    rules_option,
    sample_option,
)
from orderguard.errors import EXIT_ASKED, EXIT_DELIVERY, EXIT_INPUT, OrderguardError, Problem, Words

if TYPE_CHECKING:
    from orderguard.rules import Rulebook
    from orderguard.stages.options import Options


@click.command()
@click.argument("paths", nargs=-1, required=True)
@rules_option
@out_option("out", "输出目录 / output folder")
@audit_options
@click.option(
    "--fail-on", type=click.Choice(["review", "hold"]), help="有此类订单时退出码为 1 / exit 1 if there are any"
)
@delivery_options
@click.option("--table", metavar="NAME", help="数据库里的表或视图 / table or view of a database")
@click.option("--query", metavar="SQL", help="代替表的 SELECT / a SELECT instead of a table")
@click.option(
    "--since", metavar="last|VALUE", help="只读新行：last=接着上次 / only rows since the last scan, or a value"
)
@click.option(
    "--watermark", metavar="COLUMN", help="比较哪一列，默认下单时间 / column for --since, default the order time"
)
@click.option("--export-to", metavar="URL", help="把结果写回数据库 / write findings, decisions, cases to a database")
@click.option(
    "--engine",
    type=click.Choice(["auto", "spark"]),
    default="auto",
    help="在哪里跑：本机或 Spark / this machine or Spark",
)
@click.option(
    "--memory", metavar="SIZE", help="最多用多少内存，如 4GB；更大的输入分批审 / memory to use; larger inputs are cut"
)
@sample_option
@double_option
@json_option("把 run.json 打到标准输出 / print run.json")
@quiet_option
def scan(**given: Any) -> None:
    """扫描订单：文件、文件夹、通配符、- 或数据库地址。 Audit orders: files, folders, globs, - or databases."""
    from orderguard.cli import fail
    from orderguard.stages.ahead import read_ahead

    # Headings are looked for with every profile there is, and locked books need their passwords.
    own = given["platforms_dir"] or given["password_file"] or given["memory"] or given["engine"] != "auto"
    ahead = None if own else read_ahead(given["paths"])
    from orderguard.cli.common import find_rulebook, print_json
    from orderguard.stages.tables import stocked

    book = stocked(find_rulebook(given["rules_file"]), given["stock"])
    try:
        result = _run(book, {**given, "ahead": ahead})
    except OrderguardError as error:
        fail(error, book.locale)
        return
    for problem in result.problems:
        if problem.fatal or result.undelivered or not given["quiet"]:
            click.echo(("✗ " if problem.fatal else "! ") + problem.text(book.locale), err=True)
    if given["as_json"]:
        print_json(result.run)
    elif not given["quiet"]:
        from orderguard.cli.summary import show

        show(result.run, book, Path(given["out"]))
    if any(p.fatal for p in result.problems):
        sys.exit(EXIT_INPUT)
    if result.undelivered:
        sys.exit(EXIT_DELIVERY)
    asked = {"hold": result.run["held"], "review": result.run["flagged"], None: 0}
    if asked[given["fail_on"]]:
        sys.exit(EXIT_ASKED)


def _run(book: Rulebook, given: dict[str, Any]) -> Any:
    from dataclasses import replace

    from orderguard.audit import scan as audit
    from orderguard.cli.progress import Bar

    options = options_of(book, given)
    if given["quiet"] or given["as_json"] or not sys.stderr.isatty():
        return audit(options)
    bar = Bar(book.locale)
    try:
        return audit(replace(options, progress=bar))
    finally:
        bar.close()


def plain() -> dict[str, Any]:
    """What `options_of` takes, with every default: for commands that share only some of a scan's options."""
    return {**scan.make_context("scan", ["-"]).params, "paths": (), "quiet": True}


def options_of(book: Rulebook, given: dict[str, Any]) -> Options:
    """What a scan is told, from the command line's words."""
    from datetime import UTC, datetime
    from secrets import token_hex

    from orderguard.cli.common import formats_of
    from orderguard.ingest import load_passwords
    from orderguard.outbox.lists import HOLD_FORMATS
    from orderguard.outbox.tasks import TASK_FORMATS
    from orderguard.route import Team, load_team
    from orderguard.stages.notices import check_targets
    from orderguard.stages.options import OUTPUTS, Options

    now = datetime.now(UTC)
    team_file = Path(given["team_file"] or "team.yaml")
    team = load_team(team_file) if given["team_file"] or team_file.exists() else Team()
    targets = check_targets(team, str(team_file), os.environ) if given["notify"] else {}
    outputs = _outputs(given["outputs"], OUTPUTS)
    quiet = given["quiet"] or given["as_json"] or not sys.stderr.isatty()

    def say(words: Words) -> None:
        click.echo(f"… {words.pick(book.locale)}", err=True)

    return Options(
        paths=given["paths"],
        book=book,
        team=team,
        out=Path(given["out"]),
        ledger=Path(given["ledger"]),
        now=now,
        run_id=now.strftime("%Y%m%dT%H%M%S") + "-" + token_hex(3),
        outputs=outputs,
        platform=given["platform"],
        platforms_dir=given["platforms_dir"],
        lookups=given["lookups"],
        stock=given.get("stock"),
        date_order=date_order(given["date_order"]),
        passwords=load_passwords(given.get("password_file")),
        tasks_formats=formats_of(given["tasks_format"], TASK_FORMATS, "--tasks-format"),
        holds_formats=formats_of(given["holds_format"], HOLD_FORMATS, "--holds-format"),
        notify=given["notify"],
        targets=targets,
        table=given.get("table"),
        query=given.get("query"),
        since=given.get("since"),
        watermark=given.get("watermark"),
        export_to=given.get("export_to"),
        memory=given.get("memory"),
        sample=_share(given.get("sample"), "--sample"),
        double=_share(given.get("double"), "--double"),
        engine=given.get("engine") or "auto",
        ahead=given.get("ahead"),
        tell=_silent if quiet else say,
        heed=_silent if given["quiet"] else say,
    )


def _silent(_: Words) -> None:
    return


def _share(text: str | None, option: str) -> float:
    """`0.5%` or 0.005; more than a whole is none."""
    if text is None:
        return 0.0
    number = text.strip().removesuffix("%").removesuffix("％")
    try:
        share = float(number) / (100 if number != text.strip() else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        what = Words(f"{option} 不能是 '{text}'", f"{option} cannot be '{text}'")
        raise OrderguardError(Problem(what, fix=Words("写成 0.5% 或 0.005", "write it such as 0.5% or 0.005")))
    return share


def _outputs(text: str | None, known: tuple[str, ...]) -> frozenset[str]:
    if text is None:
        return frozenset(known)
    chosen = {part.strip() for part in text.split(",") if part.strip()}
    wrong = sorted(chosen - set(known))
    if wrong:
        listed = ", ".join(known)
        what = Words(f"--outputs 没有 '{wrong[0]}'", f"--outputs knows no '{wrong[0]}'")
        raise OrderguardError(Problem(what, fix=Words(f"可用：{listed}", f"known: {listed}")))
    return frozenset(chosen)
