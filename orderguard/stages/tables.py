"""Reads what rules name besides orders (lists, stock, tags, lead times) and hands it to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.rules.base import Surroundings
from orderguard.rules.book import line_of, say
from orderguard.stages.tablerows import Rows, inline, read_file, typed_rows
from orderguard.yamls import beside

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from orderguard.rules import Rulebook
    from orderguard.rules.base import Kind


def stocked(book: Rulebook, stock: str | None) -> Rulebook:
    """The rulebook with a rule that compares orders with `--stock`, where it has none of its own."""
    if stock is None or any(rule.kind == "oversell" for rule in book.active):
        return book
    from orderguard.rules.model import Rule  # noqa: PLC0415 - only with --stock
    from orderguard.rules.registry import kind_class  # noqa: PLC0415

    free = next(n for n in ("oversell", "oversell-stock", "oversell-stock-file") if n not in {r.id for r in book.rules})
    rule = Rule(
        id=free,
        kind="oversell",
        points=book.bands.hold,
        says={"zh": "库存不足（超卖）", "en": "Beyond stock (oversold)"},
        ask={
            "zh": "核对实际库存与到货时间；无货请尽快与买家协商换货或退款",
            "en": "Check stock and the next delivery; without goods agree on an exchange or a refund",
        },
    )
    rule = rule.model_copy(update={"settings": kind_class("oversell").model_validate({})})
    return book.model_copy(update={"rules": [*book.rules, rule]})


def equip(book: Rulebook, now: datetime, stock: str | None = None) -> Rulebook:
    """The rulebook with every rule's tables read, and the clock and zone given to those that ask for them.

    Args:
        book: files are looked for beside its own file.
        now: the clock, for entries that expire.
        stock: what `--stock` names; wins over a rule's own `stock:`.

    Raises:
        OrderguardError: files that are missing or wrong, every one at once, with file and row.
    """
    problems: list[Problem] = []
    awake = {rule.id for rule in book.active}
    says = {rule.id: say(rule.says, book.locale) for rule in book.rules}
    rules = [
        rule.model_copy(update={"settings": _with_tables(rule.id, rule.settings, book, says, now, stock, problems)})
        if rule.id in awake
        else rule
        for rule in book.rules
    ]
    promotions = []
    for promotion in book.promotions:
        changes = {
            name: change.model_copy(
                update={"settings": _with_tables(name, change.settings, book, says, now, stock, problems)}
            )
            if change.settings and name in awake
            else change
            for name, change in promotion.rules.items()
        }
        promotions.append(promotion.model_copy(update={"rules": changes}))
    if problems:
        raise OrderguardError(*problems)
    return book.model_copy(update={"rules": rules, "promotions": promotions})


def expired(book: Rulebook) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Entries of lists that no longer count: for `run.json`, and as notices."""
    told, notices = [], []
    for rule in book.active:
        rows = rule.settings.expired()
        if not rows:
            continue
        named = getattr(rule.settings, "file", None)
        told.append({"rule_id": rule.id, "file": named, "expired_rows": rows})
        some = "、".join(map(str, rows[:10])) + ("…" if len(rows) > 10 else "")
        what = Words(
            f"{rule.id}：{len(rows)} 条名单已过期，不再起作用（第 {some} 行）",
            f"{rule.id}: {len(rows)} entries have expired and do nothing (rows {some})",
        )
        notices.append(Problem(what, named or book.source, rows[0] if named else 0, fatal=False))
    return told, notices


def listed_entries(book: Rulebook) -> list[dict[str, Any]]:
    """Every entry of the rulebook's lists, for reports; values are hidden but for their beginning.

    `said` is how a finding's sentence names it: to be compared, never to be shown.
    """
    out = []
    for rule in book.active:
        gone = set(rule.settings.expired())
        named = getattr(rule.settings, "file", None) or book.source
        for row, kind, value in rule.settings.lines():
            shown = value[:3] + "…" if len(value) > 3 else value
            out.append(
                {
                    "rule_id": rule.id,
                    "file": named,
                    "row": row,
                    "kind": kind,
                    "value": shown,
                    "said": value[:60],
                    "expired": row in gone,
                }
            )
    return out


def _with_tables(
    rule_id: str,
    settings: Kind,
    book: Rulebook,
    says: dict[str, str],
    now: datetime,
    stock: str | None,
    problems: list[Problem],
) -> Kind:
    if settings.is_settled and (stock is None or "stock" not in settings.tables()):
        return settings  # the command line has read its tables already, to check them
    tables: dict[str, pl.DataFrame] = {}
    for setting, shape in settings.tables().items():
        given = getattr(settings, setting)
        typed, place, inside = None, "", f"{book.source}: {rule_id}.{setting}"
        told: list[Problem] = []
        try:
            if setting == "stock" and stock is not None:
                rows: Rows | None = read_file(Path(stock), shape)
            elif isinstance(given, str):
                place = str(beside(book.source) / given)
                rows = read_file(Path(place), shape)
            else:
                rows = inline(given, inside, shape) if given else None
            if rows is not None:
                typed = typed_rows(rows, shape, book.timezone)
                told = [Problem(what, rows.where, row) for row, what in settings.unfit(setting, typed)][:50]
        except OrderguardError as error:
            told = list(error.problems)
        at = (book, rule_id, setting)
        told = [_at_its_setting(p, at) if p.where == inside or (p.where == place and not p.line) else p for p in told]
        problems += [p for p in told if p not in problems]
        if any(p.fatal for p in told):
            continue
        if typed is not None:
            tables[setting] = typed
    return settings.settled(Surroundings(tables, now, book.timezone, says[rule_id]))


def _at_its_setting(problem: Problem, at: tuple[Rulebook, str, str]) -> Problem:
    """What is wrong with a whole file, or in a table of the rulebook's own, at the setting that names it."""
    book, rule_id, setting = at
    line = line_of(book, "rules", rule_id, "with", setting)
    if not line:  # a rulebook that is no file
        return problem
    if problem.where.startswith(f"{book.source}: "):
        nth = (f"第 {problem.line} 项 ", f"entry {problem.line} ") if problem.line else ("", "")
        what = Words(
            f"{rule_id}: {setting} {nth[0]}{problem.what.zh}", f"{rule_id}: {setting} {nth[1]}{problem.what.en}"
        )
    else:
        what = Words(
            f"{rule_id}: {setting} {problem.where}：{problem.what.zh}",
            f"{rule_id}: {setting} {problem.where}: {problem.what.en}",
        )
    return Problem(what, book.source, line, problem.fix, problem.fatal)
