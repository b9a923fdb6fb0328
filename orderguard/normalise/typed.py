"""One raw table into typed rows: our column names, our types, unreadable rows set aside.

Columns that are just one of the file's are read as they are, all of them at once on every core; only cells that this
first look leaves unread, and columns that are put together, are cleaned and read the long way.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import MONEY, MONEY_COLUMNS, TEXT_ORDER_COLUMNS, TIME_COLUMNS
from orderguard.normalise import dates, minguo, sums, values
from orderguard.normalise.beside import each
from orderguard.normalise.cleaning import Texts, untabbed, without
from orderguard.normalise.currency import beside_amounts, headed
from orderguard.normalise.ips import ips
from orderguard.normalise.items import continued, spread
from orderguard.normalise.picking import picked, plain, with_extensions
from orderguard.normalise.plain import form_of
from orderguard.normalise.recipe import (
    ADDED,
    ITEMS,
    KEEP_EMPTY,
    KEYS,
    NO_COUPON,
    NO_DATE,
    NO_KEY,
    NO_NOTE,
    REJECTS,
    ROUNDED,
    SCHEMA,
    Recipe,
    Typed,
)
from orderguard.normalise.refusals import (
    ambiguous_dates,
    lettered,
    reasons,
    reject_frame,
    told_below,
    told_days,
    told_republican,
    unknown_words,
    without_rounded,
)
from orderguard.normalise.slots import slot_ends
from orderguard.normalise.status import stages
from orderguard.normalise.times import ISO, times

if TYPE_CHECKING:
    from orderguard.errors import Problem

_KINDS = {
    **dict.fromkeys(TIME_COLUMNS, "time"),
    **dict.fromkeys((*MONEY_COLUMNS, "unit_price"), "money"),
    "prior_orders": "whole",
    "quantity": "number",
}
"""Columns that are no text: a cell that cannot be read is told."""


def _first_look(name: str, sample: pl.Series, kind: str) -> pl.Expr:
    """How nearly every cell of a column is read, for all columns at once: what it leaves null is read the long way.

    Args:
        name: the heading.
        sample: some of its cells; times are read in the form that most of them have.
        kind: `time`, `money`, `whole` or `number`.
    """
    column = pl.col(name)
    if kind == "money":
        return column.cast(MONEY, strict=False)
    if kind in {"whole", "number"}:
        return column.cast(pl.Int64 if kind == "whole" else pl.Float64, strict=False)
    cells = sample.drop_nulls().head(50).to_list() if sample.dtype == pl.String else []
    form = next(iter(Counter(f for cell in cells if (f := form_of(cell))).most_common(1)), (ISO, 0))[0]
    form = ISO if form.endswith("Z") else form  # a letter to Polars: which zone it means is told by `times`
    return column.str.to_datetime(form, strict=False, time_unit="us", exact=True, cache=False)


def type_table(raw: pl.DataFrame, source: str, recipe: Recipe) -> Typed:
    """Read one raw table (text columns and `source_row`) by its recipe."""
    raw, below = continued(raw, recipe.picks)
    raw, recipe, added = spread(raw, recipe, recipe.split, recipe.packed)
    told = recipe.status.headings() if recipe.status else ()
    used = list(dict.fromkeys([*(s for p in recipe.picks.values() for s in p.all_sources()), *told]))
    cells = untabbed(raw.select("source_row", *used))
    bare = {
        n
        for n, p in recipe.picks.items()
        if plain(p) and (n in _KINDS or n == "ip") and cells.schema[p.sources[0]] == pl.String
    }
    # A column that is only cast or parsed is read where it lies; of the others every later step would look up where.
    cells = cells.with_columns(cells.select(pl.exclude([recipe.picks[n].sources[0] for n in bare])).rechunk())
    texts = Texts(
        cells, [s for n, p in recipe.picks.items() if n not in bare for s in p.sources if cells.schema[s] == pl.String]
    )
    notes: list[Problem] = [told_below(below, source)] if below else []
    source_of = {n: recipe.picks[n].sources[0] for n in bare if n in _KINDS}
    first = cells.select(_first_look(s, cells[s].head(2_000), _KINDS[n]).alias(n) for n, s in source_of.items())
    picks, columns, failed = _columns(cells, first, bare, texts, recipe, source, notes)
    notes += _republican(picks, columns, failed, recipe, raw, source) if failed else []
    if {"receiver_name", "receiver_phone"} <= columns.keys():
        columns["receiver_phone"] = with_extensions(columns["receiver_phone"], columns["receiver_name"])
    if failed and _settled_dates(picks, columns, failed, recipe):
        notes += ambiguous_dates(picks, failed, raw["source_row"], source)

    def marked(name: str) -> list[Problem]:
        column, days = dates.marked_days(picks[name], columns[name], recipe.zone)
        columns[name] = column.alias(name)
        return [told_days(days, source)] if days and name == "created_at" else []

    more: list[pl.Series] = []

    def otherwise(_: str) -> list[Problem]:
        said: list[Problem] = []
        more.extend(_told_otherwise(cells, first, texts, picks, recipe, source, said))
        return said

    suspect: list[pl.Series] = []

    def odd_numbers(_: str) -> list[Problem]:
        number = columns.get("order_id", pl.Series([None], dtype=pl.String).new_from_index(0, len(cells)))
        suspect.append(lettered(number.cast(pl.String)))
        return []

    jobs = [(marked, n) for n in columns if n in TIME_COLUMNS] + [(otherwise, ""), (odd_numbers, "")]
    for told_of in each(lambda job: job[0](job[1]), jobs, len(cells)):
        notes += told_of
    frame = _frame(cells, columns, more, source, recipe, added)
    reason = reasons(raw, frame, picks, failed, suspect[0], recipe, source, notes)
    if reason is None:
        return Typed(frame, pl.DataFrame(schema=REJECTS), notes)
    bad = reason.is_not_null()
    rejects = reject_frame(raw.filter(bad & ~frame[ADDED]), source, reason.filter(bad & ~frame[ADDED]), used)
    if added is not None:  # with its row go the items made of it
        bad = bad | (added & raw["source_row"].is_in(rejects["source_row"].implode()))
    return Typed(frame.filter(~bad), rejects, notes)


def _columns(
    cells: pl.DataFrame,
    first: pl.DataFrame,
    bare: set[str],
    texts: Texts,
    recipe: Recipe,
    source: str,
    notes: list[Problem],
) -> tuple[dict[str, pl.Series], dict[str, pl.Series], dict[str, pl.Series]]:
    """Each of our columns: the texts that it is read from, what they say, and where they could not be read."""
    picks: dict[str, pl.Series] = {}
    columns: dict[str, pl.Series] = {}
    failed: dict[str, pl.Series] = {}

    def read(name: str) -> tuple[pl.Series, pl.Series, pl.Series | None, list[Problem]]:
        pick = recipe.picks[name]
        text = cells[pick.sources[0]].alias(name) if name in bare else picked(name, pick, cells, texts, recipe)
        column = _typed(name, text, recipe, first[name] if name in first.columns else None).alias(name)
        said: list[Problem] = []
        if name in ROUNDED:
            column = without_rounded(column, cells["source_row"], source, said)
        return text, column, values.unread(text, column, _none(name, recipe)) if name in _KINDS else None, said

    for name, (text, column, where, said) in zip(recipe.picks, each(read, recipe.picks, len(cells)), strict=True):
        picks[name], columns[name] = text, column
        notes += said
        if where is not None:
            failed[name] = where
    return picks, columns, failed


def _frame(
    cells: pl.DataFrame,
    columns: dict[str, pl.Series],
    more: list[pl.Series],
    source: str,
    recipe: Recipe,
    added: pl.Series | None,
) -> pl.DataFrame:
    """The rows in `SCHEMA`: what was read, null where nothing was."""
    frame = pl.DataFrame([cells["source_row"], *columns.values(), *more])
    own = pl.lit(recipe.platform)
    named = frame["platform"].cast(pl.String) if "platform" in frame.columns else None
    platform = own if named is None else pl.coalesce(pl.lit(named), own) if named.null_count() else pl.lit(named)
    made = {
        "platform": platform,
        "source_file": pl.lit(source),
        ITEMS: pl.lit(recipe.items),
        ADDED: pl.lit(value=False) if added is None else pl.lit(added),
    }
    return frame.select(
        (made[n] if n in made else pl.col(n) if n in frame.columns else pl.lit(None)).cast(t).alias(n)
        for n, t in SCHEMA.items()
    )


def _none(name: str, recipe: Recipe) -> tuple[str, ...]:
    return (*(NO_DATE if name in TIME_COLUMNS else NO_KEY), *recipe.blanks)


def _settled_dates(
    picks: dict[str, pl.Series], columns: dict[str, pl.Series], failed: dict[str, pl.Series], recipe: Recipe
) -> bool:
    """Read the times again by what the whole file tells of day and month; True when dates are left that nothing settles."""
    late = [n for n in failed if n in TIME_COLUMNS and picks[n].dtype == pl.String]
    late = [n for n in late if dates.numbered(picks[n].filter(failed[n])).any()]
    if not late or recipe.date_order:
        return False
    order = dates.settle(picks[n] for n in picks if n in TIME_COLUMNS) or recipe.date_hint
    if order is None:
        return True
    for name in late:
        columns[name] = _instants(name, picks[name], recipe, order=order).alias(name)
        where = values.unread(picks[name], columns[name], _none(name, recipe))
        failed.pop(name) if where is None else failed.update({name: where})
    return False


def _republican(
    picks: dict[str, pl.Series],
    columns: dict[str, pl.Series],
    failed: dict[str, pl.Series],
    recipe: Recipe,
    raw: pl.DataFrame,
    source: str,
) -> list[Problem]:
    """Read columns of bare years of the Republic (`114/11/11`) in a file of Taiwan; a notice of each."""
    told = []
    for name in [n for n in failed if n in TIME_COLUMNS and picks[n].dtype == pl.String]:
        if not minguo.is_whole_column(picks[name], columns[name], failed[name]) or not minguo.is_taiwan(raw):
            continue
        columns[name] = _instants(name, minguo.respelled(picks[name]), recipe).alias(name)
        told.append(told_republican(name, picks[name].filter(failed[name]), failed[name], raw["source_row"], source))
        where = values.unread(picks[name], columns[name], _none(name, recipe))
        failed.pop(name) if where is None else failed.update({name: where})
    return told


def _told_otherwise(
    cells: pl.DataFrame,
    first: pl.DataFrame,
    texts: Texts,
    picks: dict[str, pl.Series],
    recipe: Recipe,
    source: str,
    notes: list[Problem],
) -> list[pl.Series]:
    """Columns that other columns tell: the stage of an order, and the currency that stands beside an amount."""
    more = []
    if recipe.status is not None:
        stage, unknown = stages(picks.get("status"), texts, recipe.status, len(cells), (*NO_DATE, *recipe.blanks))
        more.append(stage)
        if unknown:
            notes.append(unknown_words(unknown, cells["source_row"], source))
    return more + beside_amounts(picks, first, recipe, source, notes)


def _instants(
    name: str, text: pl.Series, recipe: Recipe, first: pl.Series | None = None, order: dates.DateOrder | None = None
) -> pl.Series:
    def read(texts: pl.Series) -> pl.Series:
        return times(texts, recipe.zone, order or recipe.date_order, _none(name, recipe), first)

    return slot_ends(text, read, recipe.zone) if name == "promised_at" else read(text)


def _typed(  # noqa: PLR0911 - one line per type
    name: str, text: pl.Series, recipe: Recipe, first: pl.Series | None
) -> pl.Series:
    kind, none = _KINDS.get(name), _none(name, recipe)
    if kind == "time":
        return _instants(name, text, recipe, first)
    if kind == "money":
        read = values.money(text, none, first, no_cents=not sums.NO_CENTS.isdisjoint(headed(name, recipe)))
        hundredths = recipe.cents.issuperset(recipe.picks[name].all_sources())
        return pl.select((pl.lit(read) / 100).cast(MONEY)).to_series() if hundredths else read
    if kind == "whole":
        return values.whole(text, none, first)
    if kind == "number":
        return values.fractional(text, none, first)
    text = text.cast(pl.String)
    if name == "coupon":
        return without(text, NO_COUPON, fold=True).fill_null("")
    if name in KEEP_EMPTY:
        return without(text, NO_NOTE).fill_null("")
    if name == "ip":
        return ips(text, none)
    return without(text, NO_KEY) if name in KEYS else text


__all__ = ["Recipe", "Typed", "reject_frame", "type_table"]
assert set(TEXT_ORDER_COLUMNS) <= set(SCHEMA)  # noqa: S101 - a spelling slip here would lose a column
