"""Which currency a column of sums is in, where no column of its own says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.currencies import heading_unit
from orderguard.normalise import sums
from orderguard.normalise.refusals import told_currency

if TYPE_CHECKING:
    from orderguard.errors import Problem
    from orderguard.normalise.recipe import Recipe


def beside_amounts(
    picks: dict[str, pl.Series], first: pl.DataFrame, recipe: Recipe, source: str, notes: list[Problem]
) -> list[pl.Series]:
    """What stands beside the amounts, else what their heading, other sums and the headings' language say; nothing if nothing does."""
    if "currency" in picks or "amount" not in picks:
        return []
    told: pl.Series | None = None
    for name in ("amount", "unit_price", "discount"):
        if name not in picks or picks[name].dtype != pl.String or (told is not None and not told.null_count()):
            continue
        said = sums.currency(picks[name], first[name] if name in first.columns else None)
        told = said if told is None else told if said is None else told.zip_with(told.is_not_null(), said)
    head = headed("amount", recipe)[0]
    if head and (told is None or told.null_count()):
        if not _units("amount", recipe) and not recipe.currency:
            notes.append(told_currency(head, source))
        rest = pl.Series("currency", [head]).new_from_index(0, len(picks["amount"]))
        told = rest if told is None else told.fill_null(rest)
    return [] if told is None else [told.alias("currency")]


def headed(name: str, recipe: Recipe) -> list[str]:
    """What the headings say a column of sums is in, the surest first: its own units, else those of others, else their language."""
    return _units(name, recipe) or [recipe.currency or recipe.guessed_currency]


def _units(name: str, recipe: Recipe) -> list[str]:
    return [unit for h in recipe.picks[name].all_sources() if (unit := heading_unit(h)[1]) is not None]
