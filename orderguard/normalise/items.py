"""Rows that hold several items, and items whose order stands in the row above."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS, LINE_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.normalise.recipe import Recipe, Source

_ITEM = ("line_id", *LINE_ONLY)
_FACTS = ("amount", "created_at", "paid_at", "receiver_phone", "receiver_name", "address", "buyer_id", "status", "ip")
_ONCE = ("amount", "discount")
_PACKED = re.compile(
    r"(?:^|\|)\s*(name|sku|quantity|qty|total|price|product_id)\s*:(.*?)(?=\||$)", re.IGNORECASE | re.DOTALL
)
_NOT_AN_ITEM = r"(?i)^\s*(?:[本页总小]*[合总小]计|汇总|(?:grand |sub)?totals?|sum)\s*[:：]?"


def continued(raw: pl.DataFrame, picks: Mapping[str, Source]) -> tuple[pl.DataFrame, int]:
    """Give items without an order number the one above them, as merged cells mean it; and how many there were.

    Only rows that hold at least two item cells and not one fact of an order: one that lost its number is no item.
    """
    if "order_id" not in picks or not len(raw):
        return raw, 0
    own = picks["order_id"].sources
    blank = pl.all_horizontal([_empty(raw, s) for s in own])
    short = pl.all_horizontal([_short(raw, s) for s in own])
    candidates = raw.filter(short)  # few, as a rule none: the rest is looked at only where there are some
    if not len(candidates) or not candidates.select(blank.any()).item():
        return raw, 0
    items = [s for n in _ITEM if n in picks for s in picks[n].sources]
    facts = [s for n in _FACTS if n in picks for s in picks[n].all_sources() if s not in items and s not in own]
    if not items:
        return raw, 0
    total = pl.any_horizontal(
        [pl.col(s).cast(pl.String).str.contains(_NOT_AN_ITEM).fill_null(value=False) for s in items]
    )
    item = (
        blank
        & (pl.sum_horizontal([(~_empty(raw, s)).cast(pl.Int32) for s in items]) >= 2)
        & pl.all_horizontal([_empty(raw, s) for s in facts] or [pl.lit(value=True)])
        & ~total
    )
    if not candidates.select(item.any()).item():
        return raw, 0
    marked = raw.with_columns(item.alias("\x1fitem"), blank.alias("\x1fblank"))
    # What is neither an order nor an item (a title, a total) ends the order above.
    group = (~pl.col("\x1fitem")).cum_sum().alias("\x1forder")
    found = int(marked["\x1fitem"].sum())
    if not found:
        return raw, 0
    filled = marked.with_columns(group).with_columns(
        pl.when("\x1fitem").then(pl.col(s).first().over("\x1forder")).otherwise(pl.col(s)).alias(s) for s in own
    )
    return filled.select(raw.columns), found


def _short(raw: pl.DataFrame, name: str) -> pl.Expr:
    """What may be empty: a quick look that finds no cell of more than nine bytes."""
    column = pl.col(name)
    return column.is_null() | (column.str.len_bytes() < 10) if raw.schema[name] == pl.String else column.is_null()


def _empty(raw: pl.DataFrame, name: str) -> pl.Expr:
    column = pl.col(name)
    return (
        column.is_null() | (column.str.strip_chars(BLANKS) == "") if raw.schema[name] == pl.String else column.is_null()
    )


def spread(
    raw: pl.DataFrame, recipe: Recipe, separator: str, packed: str
) -> tuple[pl.DataFrame, Recipe, pl.Series | None]:
    """A row per item where one row holds several; amounts of the order stay on the first.

    Args:
        raw: text columns and `source_row`.
        recipe: how the table is read; columns that are made here are added to its picks.
        separator: what joins items in one cell, '' for none.
        packed: headings that begin so hold an item each (`name:Mug|sku:M|quantity:2`), '' for none.

    Returns:
        the rows, the recipe for them, and which rows were added (None: none were).
    """
    columns = [c for c in raw.columns if packed and re.fullmatch(re.escape(packed) + r"\d+", c)]
    if columns:
        return _unpacked(raw, recipe, columns)
    if not separator or not len(raw):
        return raw, recipe, None
    sources = {n: recipe.picks[n].sources[0] for n in _ITEM if n in recipe.picks}
    joined = [s for s in sources.values() if raw.schema[s] == pl.String]
    hit = raw.select(
        pl.any_horizontal([pl.col(s).str.contains(separator, literal=True) for s in joined] or [pl.lit(value=False)])
    )
    rows = hit.to_series().fill_null(value=False)
    if not rows.any():
        return raw, recipe, None
    once = [s for n in _ONCE if n in recipe.picks for s in recipe.picks[n].all_sources()]
    out: list[dict[str, object]] = []
    for row in raw.filter(rows).iter_rows(named=True):
        out += [{**item, _ADDED: i > 0} for i, item in enumerate(_parted(row, sources, separator, once))]
    whole = raw.filter(~rows).with_columns(pl.lit(value=False).alias(_ADDED))
    together = pl.concat([whole, pl.DataFrame(out, schema=whole.schema)]).sort("source_row", maintain_order=True)
    return together.drop(_ADDED), recipe, together[_ADDED]


def _parted(
    row: dict[str, object], sources: Mapping[str, str], separator: str, once: Sequence[str]
) -> list[dict[str, object]]:
    parts = {
        s: [p.strip(BLANKS) for p in str(row[s]).split(separator)] for s in set(sources.values()) if row[s] is not None
    }
    counts = [len(p) for p in parts.values() if len(p) > 1]
    line = sources.get("line_id")
    number = len(parts[line]) if line in parts else max(set(counts), key=counts.count)
    # One cell alone may hold the sign as part of a title: two that agree do not.
    if number < 2 or (line not in parts and counts.count(number) < 2):
        return [row]
    out = []
    for i in range(number):
        item = dict(row)
        for source, cells in parts.items():
            if len(cells) == number:
                item[source] = cells[i] or None
            elif source == sources.get("quantity") and len(cells) == 1:
                item[source] = _share(cells[0], number, i)
        if i:
            item.update(dict.fromkeys(once))
        out.append(item)
    return out


def _share(total: str, number: int, i: int) -> str | None:
    """One total of units over several items: one each, the rest with the first."""
    if not total.isdigit() or int(total) < number:
        return None
    return str(int(total) - number + 1) if i == 0 else "1"


class _Made:
    """A column made here, as a pick."""

    how, pattern, form, less, trim, then = "first", "", "", 0, "", None

    def __init__(self, source: str) -> None:
        self.sources = (source,)

    def all_sources(self) -> tuple[str, ...]:
        return self.sources


_ADDED = "\x1fadded"


def _unpacked(
    raw: pl.DataFrame, recipe: Recipe, columns: Sequence[str]
) -> tuple[pl.DataFrame, Recipe, pl.Series | None]:
    from dataclasses import replace  # noqa: PLC0415

    made = {"sku": "\x1fsku", "title": "\x1ftitle", "quantity": "\x1fquantity", "unit_price": "\x1fprice"}
    once = [s for n in _ONCE if n in recipe.picks for s in recipe.picks[n].all_sources()]
    out: list[dict[str, object]] = []
    for row in raw.iter_rows(named=True):
        items = [i for c in columns if row[c] and (i := _item(str(row[c])))]
        for number, item in enumerate(items or [{}]):
            out.append(
                {
                    **row,
                    **dict.fromkeys(made.values()),
                    **(dict.fromkeys(once) if number else {}),
                    **item,
                    _ADDED: number > 0,
                }
            )
    schema: dict[str, pl.DataType | type[pl.DataType]] = {**raw.schema, **dict.fromkeys(made.values(), pl.String)}
    schema[_ADDED] = pl.Boolean
    picks = {**recipe.picks, **{n: _Made(s) for n, s in made.items()}}
    together = pl.DataFrame(out, schema=schema)
    return together.drop(_ADDED), replace(recipe, picks=picks), together[_ADDED]


def _item(cell: str) -> dict[str, str | None]:
    found = {k.lower(): v.strip(BLANKS) or None for k, v in _PACKED.findall(cell)}
    if not found:
        return {}
    quantity = found.get("quantity") or found.get("qty")
    return {
        "\x1fsku": found.get("sku") or found.get("product_id"),
        "\x1ftitle": found.get("name"),
        "\x1fquantity": quantity,
        "\x1fprice": _unit(found.get("price"), found.get("total"), quantity),
    }


def _unit(price: str | None, total: str | None, quantity: str | None) -> str | None:
    if price or not total or not quantity:
        return price
    from decimal import Decimal, InvalidOperation  # noqa: PLC0415

    try:
        return f"{Decimal(total) / Decimal(quantity):.4f}"
    except (InvalidOperation, ZeroDivisionError):
        return None
