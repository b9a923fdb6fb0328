"""Text to money and numbers (times: `times.py`).

Each function leaves null what it cannot read; `unread` tells which of these cells held something.
"""

from __future__ import annotations

import polars as pl

from orderguard.columns import MONEY
from orderguard.normalise import sums
from orderguard.normalise.cleaning import cleaned_series, without

WIDE = str.maketrans("０１２３４５６７８９．，：／－＋", "0123456789.,:/-+")
_COUNTED = (
    r"(?i)^(?:[x×*]|共)?\s*(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*"
    r"(?:[次单單件个個笔筆盒袋瓶箱包套双雙条條台只罐支张張份本点개건]|pcs?|pieces?|units?|ea|orders?)?\.?$"
)
"""A number with the word of what is counted."""


def unread(column: pl.Series, read: pl.Series, none: tuple[str, ...]) -> pl.Series | None:
    """Where a cell holds something that could not be read; None when there is no such cell."""
    rows = column.is_not_null() & read.is_null()
    if not rows.any():
        return None
    if column.dtype == pl.String:
        meant = without(cleaned_series(column.filter(rows)), none).is_not_null()
        rows = rows.scatter(rows.arg_true(), meant)
    return rows if rows.any() else None


def filled(column: pl.Series, done: pl.Series, unread: pl.Series, table: pl.DataFrame) -> pl.Series:
    """`done` with the unread cells looked up in `table` (`text read`): only these few rows are joined."""
    rows = unread.arg_true()
    texts = pl.DataFrame({"text": column.gather(rows)})
    found = texts.join(table, on="text", how="left", maintain_order="left")["read"]
    return done.scatter(rows, found).alias(column.name)


def money(
    column: pl.Series, none: tuple[str, ...] = (), first: pl.Series | None = None, *, no_cents: bool = False
) -> pl.Series:
    """Exact decimals. `1,299.00`, `¥12`, `12.00元`, `1.2万`, `$45.99`, `1.299,00 €` are read; `12,5` is where the column shows it (see `sums`).

    Args:
        column: text with or without the marks of spreadsheets, or numbers.
        none: words for no amount.
        first: what `first_look` read already.
        no_cents: the file's currency has none (rupiah, dong), so that `125.000` is a hundred and twenty-five thousand.
    """
    if column.dtype != pl.String:
        return column.cast(MONEY, strict=False)
    done = column.cast(MONEY, strict=False) if first is None else first
    by_currency = no_cents and sums.parts_thousands(column)
    if done.null_count() == column.null_count() and not by_currency:
        return done
    unread = column.is_not_null() & done.is_null()
    written = column.filter(unread)
    dotted = by_currency or sums.is_dotted(written) or sums.has_comma_cents(column, written)
    if dotted:
        unread = unread | column.str.contains(sums.DOTTED).fill_null(value=False)
    rest = column.filter(unread).unique(maintain_order=True)
    meant = without(cleaned_series(rest), none)
    text = pl.Series(column.name, [v and v.translate(WIDE) for v in meant.to_list()], dtype=pl.String)
    short = text.str.contains(sums.SHORTENED).fill_null(value=False)
    if short.any() and sums.is_shown_short(without(cleaned_series(column), none)):
        text = text.set(short, None)
    plain = sums.plain(text, dotted=dotted)
    return filled(column, done, unread, pl.DataFrame({"text": rest, "read": plain.cast(MONEY, strict=False)}))


def whole(column: pl.Series, none: tuple[str, ...] = (), first: pl.Series | None = None) -> pl.Series:
    """Whole numbers; `3.0` is read, `3.5` is not."""
    if first is not None and first.null_count() == column.null_count():
        return first
    number = fractional(column, none)
    return (
        pl.select(pl.when(number == number.round()).then(number))
        .to_series()
        .cast(pl.Int64, strict=False)
        .alias(column.name)
    )


def fractional(column: pl.Series, none: tuple[str, ...] = (), first: pl.Series | None = None) -> pl.Series:
    """Numbers with or without a fraction; `2件`, `x2`, `1,000 pcs` are read, `1.5kg` is no count."""
    done = _finite(column.cast(pl.Float64, strict=False) if first is None else first)
    if column.dtype != pl.String or done.null_count() == column.null_count():
        return done
    rest = column.is_not_null() & done.is_null()
    distinct = column.filter(rest).unique(maintain_order=True)
    meant = without(cleaned_series(distinct), none)
    text = pl.Series(column.name, [v and v.translate(WIDE) for v in meant.to_list()], dtype=pl.String)
    bare = text.str.extract(_COUNTED).str.replace_all(",", "", literal=True)
    read = pl.select(
        pl.coalesce(pl.lit(text).cast(pl.Float64, strict=False), pl.lit(bare).cast(pl.Float64))
    ).to_series()
    return filled(column, done, rest, pl.DataFrame({"text": distinct, "read": _finite(read)}))


def _finite(number: pl.Series) -> pl.Series:
    """`nan` and `inf` are words to us, whatever a cast makes of them."""
    return number if number.is_finite().all() else number.set(~number.is_finite(), None)
