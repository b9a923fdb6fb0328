"""A canonical column's text: which heading it is read from, joined, added up or cut out of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import MONEY, TIME_COLUMNS
from orderguard.normalise import values
from orderguard.normalise.cleaning import without
from orderguard.normalise.clocks import with_clocks
from orderguard.normalise.recipe import NO_KEY

if TYPE_CHECKING:
    from orderguard.normalise.cleaning import Texts
    from orderguard.normalise.recipe import Recipe, Source


def plain(source: Source) -> bool:
    """Whether a column is just one of the file's, so that its cells need no cleaning before they are read."""
    return source.how == "first" and len(source.sources) == 1 and not source.trim and source.then is None


def picked(name: str, source: Source, raw: pl.DataFrame, texts: Texts, recipe: Recipe) -> pl.Series:
    """One canonical column as cleaned text, or as it is where the file gives it a type."""
    own = _own(name, source, raw, texts, recipe)
    if source.trim and own.dtype == pl.String:
        own = own.str.replace(source.trim, "")
    if source.then is None or not own.null_count():
        return own
    rest = picked(name, source.then, raw, texts, recipe)
    if rest.dtype != own.dtype:
        own, rest = own.cast(pl.String), rest.cast(pl.String)
    return pl.select(pl.coalesce(pl.lit(own), pl.lit(rest))).to_series().alias(name)


def _own(  # noqa: PLR0911 - one line per way
    name: str, source: Source, raw: pl.DataFrame, cells: Texts, recipe: Recipe
) -> pl.Series:
    types = {raw.schema[s] for s in source.sources}
    if len(types) == 1 and pl.String not in types:
        if len(source.sources) == 1:
            return raw[source.sources[0]].alias(name)
        return pl.select(pl.coalesce([pl.lit(raw[s]) for s in source.sources])).to_series().alias(name)
    texts = [without(cells[s], recipe.blanks) for s in source.sources]
    if source.how == "extract":
        return _extracted(texts[0], source).alias(name)
    if source.how == "sum":
        return _added(texts, source.less).alias(name)
    if source.how == "any_amount":
        some = [pl.when(values.money(t) > 0).then(t) for t in texts]
        return pl.select(pl.coalesce(some)).to_series().alias(name)
    if len(texts) == 1:
        return texts[0].alias(name)
    if source.how == "join":
        joined = pl.select(pl.concat_str([pl.lit(t) for t in texts], separator=" ", ignore_nulls=True)).to_series()
        return joined.set(joined == "", None).alias(name)
    if name in TIME_COLUMNS:
        texts = with_clocks(texts)
    full = next((n for n, t in enumerate(texts) if not t.null_count()), len(texts))
    if not full:
        return texts[0].alias(name)
    return pl.select(pl.coalesce([pl.lit(t) for t in texts[: full + 1]])).to_series().alias(name)


def _extracted(text: pl.Series, source: Source) -> pl.Series:
    if not source.form:
        return text.str.extract(source.pattern)
    found = text.str.contains(source.pattern)
    whole = text.str.extract(f"({source.pattern})").str.replace(source.pattern, source.form)
    return pl.select(pl.when(found).then(whole)).to_series()


def _added(texts: list[pl.Series], less: int) -> pl.Series:
    """Amounts added up, those of the last columns subtracted whatever their sign; null where no cell is filled."""
    texts = [without(t, NO_KEY) for t in texts]
    amounts = [values.money(t).fill_null(0) for t in texts]
    plus, minus = amounts[: len(amounts) - less], amounts[len(amounts) - less :]
    total = pl.select(
        pl.sum_horizontal(plus) - (pl.sum_horizontal([pl.lit(m).abs() for m in minus]) if minus else 0)
    ).to_series()
    filled = pl.select(pl.any_horizontal([pl.lit(t).is_not_null() for t in texts[: len(texts) - less]])).to_series()
    return pl.select(pl.when(filled).then(pl.lit(total.cast(MONEY)))).to_series()


def with_extensions(phones: pl.Series, names: pl.Series) -> pl.Series:
    """Numbers with the extension that platforms write behind the name (`张三[1234]`): many buyers share the number alone."""
    marked = (names.str.ends_with("]") | names.str.ends_with("】")).fill_null(value=False).arg_true()
    if not len(marked):
        return phones
    extension = names.gather(marked).str.extract(r"[\[【](\d{4})[\]】]$")
    some = phones.gather(marked)
    told = pl.select(pl.when(pl.lit(some).str.contains(r"^1\d{10}$")).then(pl.lit(some) + "-" + pl.lit(extension)))
    return phones.scatter(marked, told.to_series().fill_null(some))
