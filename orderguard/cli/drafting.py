"""`orderguard platforms draft`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orderguard.cli.options import json_option, password_option, platforms_option

if TYPE_CHECKING:
    from orderguard.ingest import Table
    from orderguard.platforms import Profile


@click.command()
@click.argument("file")
@click.option(
    "--out", "target", metavar="FILE.yaml", help="写到文件，默认打到标准输出 / write here instead of standard output"
)
@click.option("--platform", "name", metavar="ID", help="平台代号，默认取自文件名 / id of the new platform")
@platforms_option
@password_option
@json_option()
def draft(
    file: str, target: str | None, name: str | None, platforms_dir: str | None, password_file: str | None, as_json: bool
) -> None:
    """为不认识的导出起草平台配置，疑点逐条标出。 Draft a profile for an unknown export, every doubt marked."""
    from orderguard.cli import language
    from orderguard.cli.common import print_json
    from orderguard.errors import OrderguardError, Problem, Words
    from orderguard.platforms import load_profiles
    from orderguard.platforms.draft import draft_yaml
    from orderguard.stages.drafting import drafted, id_of

    locale = language()
    if name is not None and not re.fullmatch(r"[a-z0-9_]+", name):
        what = Words(
            f"平台代号 '{name}' 只能用小写字母、数字和 _", f"the id '{name}' may hold small letters, digits and _ only"
        )
        raise OrderguardError(Problem(what))
    profiles = load_profiles(platforms_dir)
    tables = tables_of(file, profiles, password_file)
    table = max(tables, key=lambda t: len(t.frame))
    made, looks = drafted(table, profiles, name or id_of(table.source.split("[")[0]))
    if not any(g.column == "order_id" for g in made.guesses):
        what = Words("哪一列都不像订单编号", "no column looks like an order number")
        fix = Words("检查表头是否在第一行", "check that the header is the first row")
        raise OrderguardError(Problem(what, table.source, fix=fix))
    text = draft_yaml(made, looks, locale)
    if target is not None:
        _write(target, text)
    if as_json:
        columns = [
            {
                "column": g.column,
                "heading": g.heading,
                "sample": looks[g.heading].sample[:40],
                "doubts": [d.pick(locale) for d in g.doubts],
            }
            for g in made.guesses
        ]
        print_json({"platform": made.platform, "file": table.source, "columns": columns, "unused": made.unused,
                    "unknown_statuses": made.words, "written": target, "profile": text})  # fmt: skip
    elif target is None:
        click.echo(text, nl=False)
    doubts = sum(bool(g.doubts) for g in made.guesses)
    if not as_json:
        said = Words(
            f"{table.source}：找到 {len(made.guesses)} 列，{doubts} 列有疑问；核对后放进目录，用 scan --platforms 目录",
            f"{table.source}: {len(made.guesses)} columns found, {doubts} doubtful; check, put it into a folder, scan with --platforms",
        )
        click.echo("… " + said.pick(locale), err=True)


def _write(target: str, text: str) -> None:
    """Write a new file; one that is there stays as it is."""
    from orderguard.errors import OrderguardError, Problem, Words, unable

    try:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with Path(target).open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                Path(target).unlink()
                raise
    except FileExistsError as error:
        what = Words("文件已在，不会覆盖", "the file is there already and is not overwritten")
        fix = Words("换个文件名，或先移走它", "choose another name, or move it away")
        raise OrderguardError(Problem(what, target, fix=fix)) from error
    except OSError as error:
        raise OrderguardError(Problem(unable(Words("无法写入", "cannot be written"), error), target)) from error


def tables_of(file: str, profiles: list[Profile], password_file: str | None) -> list[Table]:
    """The tables of a file.

    Raises:
        OrderguardError: it cannot be read, or holds none.
    """
    from orderguard.errors import OrderguardError
    from orderguard.ingest import find_sources, load_passwords, read_source
    from orderguard.platforms import header_score

    score, passwords = header_score(profiles), load_passwords(password_file)
    tables = []
    for source in find_sources([file]):
        read_source(source, score, passwords)
        if source.problems and not source.tables:
            raise OrderguardError(*source.problems)
        tables += source.tables
    return tables
