"""Ingest, platforms and normalise: every input as one frame of orders."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import heading
from orderguard.errors import OrderguardError, Problem, Words, printable
from orderguard.ingest import find_sources, passed_over, read_source
from orderguard.normalise import Folded, fold_orders, type_table, with_baskets
from orderguard.normalise.recipe import REJECTS
from orderguard.platforms import header_score, platform_ids
from orderguard.platforms.recognise import DECIDING
from orderguard.stages.ahead import taken
from orderguard.stages.currencies import settled_for, with_currencies
from orderguard.stages.databases import database_sources, files_among
from orderguard.stages.lookups import with_lookups
from orderguard.stages.recipes import recipe_of, recognised
from orderguard.stages.tables import expired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.databases import Mark
    from orderguard.ingest import Table
    from orderguard.platforms import Match, Profile
    from orderguard.rules import Rulebook
    from orderguard.stages.aside import Aside
    from orderguard.stages.options import Options

TOLD = ("source_file", "status", "created_at")
"""Columns of orders that `run.json` tells of."""


@dataclass
class Read:
    """What the inputs hold.

    Attributes:
        orders, lines: normalised frames; orders have `basket` too. Where `spans` is there, orders are those that some
            rule flagged, and only their `TOLD`.
        rejects: rows set aside.
        files: per table, its counts for `run.json`.
        problems: what went wrong with whole files, and notices.
        marks: how far databases were read.
        spans: first and last order time per file, where `orders` are not all of them.
    """

    orders: pl.DataFrame
    lines: pl.DataFrame
    rejects: pl.DataFrame | Aside
    files: list[dict[str, Any]]
    problems: list[Problem]
    marks: list[Mark] = field(default_factory=list)
    spans: dict[str, tuple[Any, Any]] | None = None


@dataclass
class Pile:
    """What was typed so far: rows per table, rows set aside, counts per file, notices, amounts that add up."""

    rows: list[pl.DataFrame] = field(default_factory=list)
    rejects: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=REJECTS)])
    files: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    sums: dict[str, dict[str, str]] = field(default_factory=dict)


def read_orders(  # noqa: C901 - the order of steps, as they come
    options: Options, profiles: Sequence[Profile], most: int = 1 << 62
) -> Read:
    """Read every input.

    Raises:
        OrderguardError: not one row could be read; every reason at once.
        TooLarge: databases hold more than `most` bytes of text.
    """
    score = header_score(profiles)
    pile = Pile(problems=[*expired(options.book)[1], *passed_over(options.paths, options.lookups)])
    marks: list[Mark] = []
    ahead = options.ahead.result() if options.ahead else {}
    for found in [*database_sources(options, profiles, marks, most), *find_sources(files_among(options.paths))]:
        source = taken(found, ahead)
        options.tell(Words(f"读取 {source.name}", f"reading {source.name}"))
        if not source.sha256:
            read_source(source, score, options.passwords)
        pile.problems += source.problems
        known, before = len(pile.files), len(pile.problems)
        for table in source.tables:
            add_table(table, {"bytes": source.size, "sha256": source.sha256}, pile, options, profiles)
        if len(source.tables) > 1 and len(pile.files) > known:
            pile.problems[before:] = [_beside(p, source.tables) for p in pile.problems[before:]]
    if not any(f["rows"] for f in pile.files):
        if options.since and pile.files and not any(p.fatal for p in pile.problems):
            return _nothing_new(pile, options, marks)
        if not any(p.fatal for p in pile.problems):
            names = ", ".join(f["file"] for f in pile.files)[:200]
            fix = Words("检查导出的时间范围", "check the date range of the export")
            pile.problems.append(
                Problem(Words("没有一行订单：只有表头", "no order rows: only a header"), names, fix=fix)
            )
        raise OrderguardError(*pile.problems)
    for file in pile.files:
        if not file["rows"]:
            pile.problems.append(
                Problem(Words("只有表头，没有订单", "only a header, no orders"), file["file"], fatal=False)
            )
    pile.problems += future_notes(pile.rows, options)
    rows = with_lookups(pl.concat(pile.rows, rechunk=True), options, profiles, score, pile.problems)
    folded = folded_orders(rows, pile.sums, options.book, platform_ids(profiles))
    rejects = pl.concat([*pile.rejects, folded.rejects]).sort("source_file", "source_row")
    if folded.orders.is_empty():
        first = rejects.row(0, named=True)
        what = Words(
            f"没有一行能读取；第一处：{first['reason']}", f"not one row could be read; the first: {first['reason']}"
        )
        raise OrderguardError(*pile.problems, Problem(what, first["source_file"], first["source_row"]))
    for file in pile.files:
        file["folded"] = folded.folded.get(file["file"], 0)
        file["read"] = file["rows"] - file["folded"]
        file["rejected"] = int((rejects["source_file"] == file["file"]).sum())
    return Read(folded.orders, folded.lines, rejects, pile.files, pile.problems, marks)


def folded_orders(
    rows: pl.DataFrame, sums: Mapping[str, Mapping[str, str]], book: Rulebook, ids: Mapping[str, str]
) -> Folded:
    """Typed rows to orders: the same for every engine, so whatever an order gets after folding is added here."""
    folded = fold_orders(rows, sums, book.locale, ids, book.timezone)
    folded.orders = with_currencies(with_baskets(folded.orders, folded.lines), book.currency, ids)
    return folded


def _nothing_new(pile: Pile, options: Options, marks: list[Mark]) -> Read:
    """A database without new rows: a clean look, not an empty file."""
    folded = folded_orders(pl.concat(pile.rows), pile.sums, options.book, {})
    for file in pile.files:
        file.update(folded=0, read=0, rejected=0)
    what = Words("上次之后没有新订单", "no new orders since the last scan")
    if options.since != "last":
        what = Words(f"{options.since} 之后没有订单", f"no orders since {options.since}")
    pile.problems += [Problem(what, f["file"], fatal=False) for f in pile.files]
    return Read(folded.orders, folded.lines, pl.DataFrame(schema=REJECTS), pile.files, pile.problems, marks)


def _beside(problem: Problem, tables: Sequence[Table]) -> Problem:
    """A sheet without orders beside one with orders (a read-me, a summary) is passed over, and said."""
    if not problem.fatal or problem.where not in {t.source for t in tables} or problem.line:
        return problem
    what = Words(f"跳过这张工作表：{problem.what.zh}", f"sheet passed over: {problem.what.en}")
    return replace(problem, what=what, fatal=False)


def future_notes(tables: Sequence[pl.DataFrame], options: Options) -> list[Problem]:
    """Orders dated more than a day after now: a wrong clock, zone or order of day and month."""
    limit = options.now + timedelta(days=1)
    notes = []
    for table in tables:
        late = table.filter(pl.col("created_at") > limit)
        if len(late):
            file, row, at = (
                late.row(0)[late.columns.index("source_file")],
                int(late["source_row"][0]),
                late["created_at"][0],
            )
            said = f"{at:%Y-%m-%d}"
            what = Words(
                f"有 {len(late)} 单的下单时间在未来（如 {said}），仍照常审核",
                f"{len(late)} orders are dated in the future (such as {said}); they are audited all the same",
            )
            fix = Words(
                "检查时区与日月次序（--date-order）",
                "check the time zone and the order of day and month (--date-order)",
            )
            notes.append(Problem(what, file, row, fix, fatal=False))
    return notes


def add_table(table: Table, source: dict[str, Any], pile: Pile, options: Options, profiles: Sequence[Profile]) -> None:
    """Type one raw table and add it to the pile."""
    pile.problems += table.notes
    book = options.book
    headings = [c for c in table.frame.columns if c != "source_row"]
    try:
        match, said = recognised(table.frame, profiles, options.platform, table.source)
    except OrderguardError as error:
        pile.problems += error.problems
        return
    pile.problems += said
    profile = match.profile
    pile.sums.setdefault(profile.platform, {}).update(profile.fold)
    recipe = recipe_of(match, profiles, headings, book.timezone, book.locale, options.date_order)
    if settled_for(profile.platform, book.currency, platform_ids(profiles)):
        recipe.guessed_currency = ""
    pile.problems += _told_apart(match, table.source) + _twins(match, table)
    typed = type_table(table.frame, table.source, recipe)
    pile.problems += typed.notes
    pile.rows.append(typed.rows)
    bad = [
        {"source_file": table.source, "source_row": b.row, "reason": b.why.pick(book.locale), "cells": b.cells}
        for b in table.bad
    ]
    pile.rejects += [typed.rejects, pl.DataFrame(bad, schema=REJECTS)]
    counts = {"file": table.source, "platform": profile.platform, "recognised": round(match.share, 3)}
    guessed = {n: list(match.picks[n].sources) for n in match.guessed}
    pile.files.append({**counts, "guessed": guessed, "rows": len(table.frame) + len(bad), **source})


def _twins(match: Match, table: Table) -> list[Problem]:
    """Columns that decide rules and stand twice under one heading, with different values: which one is read."""
    found = []
    for heading_ in dict.fromkeys(p.sources[0] for n, p in match.picks.items() if n in DECIDING and p.how == "first"):
        twin = f"{heading_}#2"
        if twin not in table.frame.columns:
            continue
        one, other = (table.frame[c].cast(pl.String) for c in (heading_, twin))
        rows = table.frame["source_row"].filter((one != other).fill_null(value=False))
        if len(rows):
            zh, en = f"“{printable(heading_)}”有两列", f"there are two columns '{printable(heading_)}'"
            what = Words(
                f"{zh}，{len(rows)} 行内容不同，按左边一列读", f"{en}, {len(rows)} rows differ, the left one is read"
            )
            fix = Words(
                "不对时请删去左边一列，或改它的表头", "if that is wrong, delete the left one or give it another heading"
            )
            found.append(Problem(what, table.source, int(rows[0]), fix, fatal=False))
    return found


def _told_apart(match: Match, where: str) -> list[Problem]:
    """Columns that decide rules and were not read as the profile says, or that its draft was unsure of."""
    found = []
    by_name = [n for n in match.guessed if n in DECIDING]
    if by_name:
        zh, en = (
            sep.join(f"{match.picks[n].sources[0]}→{heading(n, lang)}" for n in by_name)
            for lang, sep in (("zh-CN", "、"), ("en", ", "))
        )
        what = Words(
            f"{match.profile.platform} 的配置里没有、按通用名称读的列：{zh}",
            f"columns read by their general names, not by the profile of {match.profile.platform}: {en}",
        )
        fix = Words("用 orderguard platforms detect 核对", "check them with 'orderguard platforms detect'")
        found.append(Problem(what, where, fix=fix, fatal=False))
    for name, why in match.profile.doubts.items():
        if name in match.picks:
            what = Words(
                f"平台配置 {match.profile.platform} 里“{heading(name, 'zh-CN')}”还没核对：{why}",
                f"the profile {match.profile.platform} is not sure of '{name}': {why}",
            )
            fix = Words(
                "核对后删去配置里 doubts 的这一行", "check it, then delete the line under doubts in the profile"
            )
            found.append(Problem(what, where, fix=fix, fatal=False))
    return found
