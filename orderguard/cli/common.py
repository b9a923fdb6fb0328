"""What several commands share."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderguard.ledger import Ledger
    from orderguard.rules import Rulebook


def find_rulebook(given: str | None) -> Rulebook:
    """The rulebook with the learned points that are in use (see `plain_rulebook`)."""
    from orderguard.stages.weighing import in_effect

    book, packaged = plain_rulebook(given)
    return in_effect(book, packaged=packaged)


def plain_rulebook(given: str | None) -> tuple[Rulebook, bool]:
    """The rulebook as written: `--rules`, else `rules.yaml` here, else the one that comes with orderguard (True).

    Its tables are read.
    """
    from datetime import UTC, datetime

    from orderguard.rules.book import load_rulebook
    from orderguard.stages.tables import equip

    path, packaged = rulebook_path(given)
    return equip(load_rulebook(path), datetime.now(UTC)), packaged


def rulebook_path(given: str | None) -> tuple[Path, bool]:
    """The rulebook's file: `--rules`, else `rules.yaml` here, else the one that comes with orderguard (True)."""
    from orderguard.rules.book import default_rulebook

    here = Path("rules.yaml")
    packaged = not given and not here.exists()
    return Path(given) if given else here if here.exists() else default_rulebook(), packaged


def print_json(value: Any, indent: int | None = 2) -> None:
    """JSON to standard output, valid in any encoding."""
    from orderguard.errors import json_text

    text = json_text(value, indent)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        import json

        text = json.dumps(value, indent=indent)
    click.echo(text)


def clock(stamp: str | None, zone: str) -> str:
    """A stored instant as the shop's clock shows it."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if not stamp:
        return "-"
    at = datetime.fromisoformat(stamp)
    try:
        return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    except (ZoneInfoNotFoundError, ValueError):  # a zone that `rules check` complains of
        return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def may_leave(store: Ledger, locale: str) -> str:
    """A line for people who have just let orders go: how many wait for a release list, and the command; "" if none does."""
    from orderguard.errors import Words
    from orderguard.ledger.sweeps import SweepBook

    waiting = len(SweepBook(store).releasable())
    told = Words(
        f"暂扣过、现可放行 {waiting:,} 单，还没上放行清单：orderguard cases sweep 会写出清单",
        f"on hold lists, may leave, on no release list yet: {waiting:,}; 'orderguard cases sweep' writes the lists",
    )
    return told.pick(locale) if waiting else ""


def replaced(verdict: dict[str, Any], results: dict[int, str], locale: str) -> str:
    """What became of a verdict that another one replaced: corrected, upheld, or followed by a decision."""
    from orderguard.errors import Words

    if results.get(verdict["replaced_by"]) == verdict["result"]:
        return Words("（经裁定维持）", " (upheld)").pick(locale)
    return Words("（已更正）", " (corrected)").pick(locale)


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """A table: drawn by Rich on a terminal, tab-separated otherwise."""
    from orderguard.errors import printable

    safe = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [head, *safe]:
            click.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=SIMPLE_HEAD)
    for row in safe:
        table.add_row(*[Text(cell) for cell in row])
    Console(soft_wrap=False).print(table)


def formats_of(text: str, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The kinds of file that an option names.

    Raises:
        OrderguardError: one that is not known.
    """
    from orderguard.errors import OrderguardError, Problem, Words

    chosen = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    wrong = [c for c in chosen if c not in known]
    if wrong or not chosen:
        listed = ", ".join(known)
        what = Words(f"{option} 没有 '{text}'", f"{option} knows no '{text}'")
        raise OrderguardError(Problem(what, fix=Words(f"可用：{listed}", f"known: {listed}")))
    return chosen


@contextmanager
def opened(folder: Path, *, new: bool = False) -> Iterator[Ledger]:
    """An existing ledger (with `new` one that is made here), with its lock.

    Raises:
        OrderguardError: there is no ledger in that folder.
    """
    from orderguard.cli import language
    from orderguard.errors import OrderguardError
    from orderguard.ledger import open_ledger
    from orderguard.ledger.store import absent

    if not new and not (folder / "ledger.db").exists():
        raise OrderguardError(absent(folder))
    ledger = open_ledger(folder, lambda words: click.echo("… " + words.pick(language()), err=True))
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def viewed(folder: Path) -> Iterator[Ledger]:
    """An existing ledger, for a command that only reads it: also one that this user may not write to.

    Raises:
        OrderguardError: there is none, or it would have to be upgraded first.
    """
    from orderguard.errors import OrderguardError
    from orderguard.ledger.schema import STEPS
    from orderguard.ledger.store import outdated, reading, version_of, writable

    if not (folder / "ledger.db").exists() or writable(folder):
        with opened(folder) as ledger:
            yield ledger
        return
    with reading(folder) as ledger:
        if version_of(ledger.db) < len(STEPS):
            raise OrderguardError(outdated(folder))
        yield ledger


def one_case(ledger: Ledger, order_or_case: str) -> dict[str, Any]:
    """The case with this id or order number.

    Raises:
        OrderguardError: none, or several orders with this number.
    """
    from orderguard.errors import OrderguardError, Words
    from orderguard.ledger import CaseBook

    found = CaseBook(ledger).listed(order_or_case)
    if not found:
        raise OrderguardError(Words(f"没有 {order_or_case} 的案件", f"no case for {order_or_case}"))
    if len(found) > 1:
        ids = ", ".join(c["case_id"] for c in found)
        raise OrderguardError(
            Words(
                f"多个平台都有这个订单号，请用案件号：{ids}", f"several platforms have this order; use the case: {ids}"
            )
        )
    return found[0]
