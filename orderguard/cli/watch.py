"""`orderguard watch`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
from orderguard.errors import EXIT_DELIVERY, EXIT_INPUT

if TYPE_CHECKING:
    from orderguard.stages.options import Options


_REMIND = 30.0
"""Seconds between two looks for notices that are due though no file came."""


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--once", is_flag=True, help="看一轮就退出，供 cron 用 / one round, for cron")
@click.option(
    "--every", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, help="秒 / seconds between looks"
)
@rules_option
@out_option("out", "输出目录 / output folder")
@audit_options
@delivery_options
@sample_option
@double_option
@json_option("每次扫描打一行 run.json / a line of JSON a scan")
@quiet_option
def watch(**given: Any) -> None:
    """盯住文件夹：导出文件写完即扫，每个只扫一次。 Scan each export once, as soon as it is finished."""
    from orderguard.cli.common import find_rulebook
    from orderguard.cli.scan import options_of
    from orderguard.errors import OrderguardError

    folder, once = Path(given["folder"]), given["once"]
    seen: dict[str, Any] = {}
    codes = {0}
    looks, told, said, book = 0, time.monotonic(), "", None
    while True:
        try:
            # The rulebook is read anew each time: a changed threshold counts from the next file on.
            book = find_rulebook(given["rules_file"])
            options = options_of(book, {**given, "paths": (), "as_json": False})
            seen, code = _round(folder, options, seen, quiet=given["quiet"], as_json=given["as_json"])
            codes.add(code)
            if given["notify"] and (time.monotonic() - told > _REMIND or (once and looks == 1)):
                codes.add(_tell(options))
                told = time.monotonic()
        except OrderguardError as error:
            if once or book is None:
                raise
            # A rulebook that is being edited, a share that is gone, a full disk: told once, and the next look tries again.
            text = "\n".join("✗ " + problem.text(book.locale) for problem in error.problems)
            if text != said:
                click.echo(text, err=True)
            said = text
        else:
            said = ""
        looks += 1
        if once and looks == 2:
            sys.exit(EXIT_INPUT if EXIT_INPUT in codes else max(codes))
        time.sleep(min(given["every"], 1.0) if once else given["every"])


def _round(
    folder: Path, options: Options, seen: dict[str, Any], *, quiet: bool, as_json: bool
) -> tuple[dict[str, Any], int]:
    from datetime import UTC, datetime

    from orderguard.cli.common import print_json
    from orderguard.stages.boarding import refresh
    from orderguard.watching import beat, look

    done, states = look(folder, options, seen)
    beat(options.ledger, done, datetime.now(UTC))
    if done.result is None:
        refresh(options)
    for problem in done.problems:
        click.echo(("✗ " if problem.fatal else "! ") + problem.text(options.book.locale), err=True)
    if done.result:
        run = done.result.run
        if as_json:
            print_json(run, indent=None)
        elif not quiet:
            zh = options.book.locale.startswith("zh")
            click.echo(
                f"{run['local_time']}  {done.scanned} 个文件  读取 {run['read']:,}  异常 {run['flagged']:,}  新任务 {run['new_cases']:,}"
                if zh
                else f"{run['local_time']}  {done.scanned} files  read {run['read']:,}  flagged {run['flagged']:,}  new tasks {run['new_cases']:,}"
            )
    late = done.result is not None and done.result.undelivered
    return states, EXIT_INPUT if done.failed else EXIT_DELIVERY if late else 0


def _tell(options: Options) -> int:
    from orderguard.platforms import load_profiles, platform_names
    from orderguard.stages.notices import tell

    done, lost = tell(options, platform_names(load_profiles(options.platforms_dir), options.book.locale))
    for problem in lost:
        click.echo("! " + problem.text(options.book.locale), err=True)
    return EXIT_DELIVERY if done["failed"] else 0
