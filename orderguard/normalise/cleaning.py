"""Cells without what spreadsheets put around them, at the price of a look where there is nothing to clean.

An export's columns are clean as a rule, so each is proved clean by the cheapest proof that fits it: of few distinct
texts these are looked at, of digits alone a cast to integers, else the first and last characters of every cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS
from orderguard.normalise.beside import each

if TYPE_CHECKING:
    from collections.abc import Iterable

_SAMPLE, _FEW, _MANY, _SMALL, _REPEATED = 500, 60, 5_000, 500, 4
_ODD_START, _ODD_END = rf"^[{BLANKS}\"'=]", rf"[{BLANKS}]$"


def untabbed(cells: pl.DataFrame) -> pl.DataFrame:
    """Columns whose first cells all end in a tab, as Pinduoduo writes them, without it: the rest of the cleaning costs 50 times that."""
    looks = cells.head(_LOOKED_AT).select(pl.col(pl.String).str.ends_with("\t").all()).to_dicts()
    ended = [name for name, tabs in looks[0].items() if tabs] if looks else []
    return cells.with_columns(pl.col(ended).str.strip_suffix("\t")) if ended else cells


_LOOKED_AT = 64


class Texts:
    """The cleaned texts of a table, each column cleaned once and when it is asked for.

    Args:
        raw: the table as it was read; columns that are no text are cast.
        expected: columns that will be asked for: they are looked at together, on every core.
    """

    def __init__(self, raw: pl.DataFrame, expected: Iterable[str] = ()) -> None:
        self._raw = raw
        self._done = dict(_clean(raw.select(list(dict.fromkeys(expected))))) if len(raw) else {}

    def __getitem__(self, name: str) -> pl.Series:
        if name not in self._done:
            self._done.update(_clean(self._raw.select(name)))
        return self._done[name]

    def __contains__(self, name: str) -> bool:
        return name in self._raw.columns


def _clean(frame: pl.DataFrame) -> dict[str, pl.Series]:
    frame = frame.with_columns([pl.col(n).cast(pl.String) for n, t in frame.schema.items() if t != pl.String])
    few, dirty = _dirty(frame)
    changes = [_replaced(pl.col(n), texts) for n, texts in few.items()]
    frame = frame.with_columns(changes) if changes else frame
    done = {name: frame[name] for name in frame.columns}

    def mended(name: str) -> pl.Series:
        odd = dirty[name]
        return frame[name].scatter(odd, cleaned_series(frame[name].gather(odd)))

    return done | dict(zip(dirty, each(mended, dirty, len(frame)), strict=True))


def _replaced(column: pl.Expr, texts: pl.Series) -> pl.Expr:
    """A column with its few texts cleaned; where only blank cells are odd, they are cut out at a twentieth of the price."""
    clean = cleaned_series(texts)
    if (clean.is_null() | (clean == texts)).all() and (texts.filter(clean.is_null()).fill_null("") == "").all():
        return pl.when(column != "").then(column)
    return column.replace(texts, clean)


def cleaned_series(text: pl.Series) -> pl.Series:
    """`cleaned` of one column."""
    return text.to_frame("text").select(cleaned(pl.col("text"))).to_series().alias(text.name)


def cleaned(text: pl.Expr) -> pl.Expr:
    """Text without the marks that keep spreadsheets from changing it: `="123"`, a leading `'`, blanks around.

    Empty cells become null.
    """
    text = text.str.strip_chars(BLANKS)
    text = text.str.replace(r'^="([^"]*)"$', "$1").str.strip_chars(BLANKS)
    quoted = text.str.contains(r"^'[0-9A-Za-z+=@\-(][^' ]*$")
    text = pl.when(quoted).then(text.str.slice(1)).otherwise(text).str.strip_chars(BLANKS)
    return pl.when(text != "").then(text)


def _dirty(frame: pl.DataFrame) -> tuple[dict[str, pl.Series], dict[str, pl.Series]]:
    """Columns that have something to clean: those of few texts with all their texts, the others with its row numbers."""
    if len(frame) <= _MANY:
        return {}, _odd(frame, frame.columns)
    sample = frame.head(_SAMPLE)
    told = sample.select(
        pl.all().n_unique().name.suffix("\x1fn"),
        pl.all().cast(pl.Int64, strict=False).null_count().name.suffix("\x1fd"),
        pl.all().null_count().name.suffix("\x1f0"),
    ).row(0, named=True)
    few = [n for n in frame.columns if told[f"{n}\x1fn"] <= _FEW]
    digits = [n for n in frame.columns if n not in few and told[f"{n}\x1fd"] - told[f"{n}\x1f0"] <= _SAMPLE // 10]
    rest = [n for n in frame.columns if n not in few and n not in digits]
    # All looks at once: Polars spreads them over the cores.
    texts, few = _repeated(frame, sample, few)
    looks = [pl.col(n).unique().implode() for n in few]
    looks += [_no_digits(pl.col(n)).arg_true().implode() for n in digits]
    looks += [_maybe_odd(pl.col(n)).arg_true().implode() for n in rest]
    found = frame.select(looks) if looks else pl.DataFrame()
    texts |= {n: found[n][0] for n in few}
    mixed = {n: t for n, t in texts.items() if _odd(t.to_frame(n), [n])}
    few_dirty = {n: t for n, t in mixed.items() if len(t) <= _MANY}
    mostly = [n for n in digits if len(found[n][0]) <= len(frame) // 10]
    odd = _surely(frame, {n: found[n][0] for n in rest + mostly})
    more = [n for n in mixed if n not in few_dirty] + [n for n in digits if n not in mostly]
    return few_dirty, odd | _odd(frame, more)


def _no_digits(text: pl.Expr) -> pl.Expr:
    return text.is_not_null() & text.cast(pl.Int64, strict=False).is_null()


def few_texts(text: pl.Series) -> pl.Series | None:
    """All texts that a long column holds, where they are at most four and its first rows have them all; else None."""
    if len(text) <= _MANY:
        return None
    name = text.name
    return _repeated(text.to_frame(), text.head(_SAMPLE).to_frame(), [name])[0].get(name)


def _repeated(frame: pl.DataFrame, sample: pl.DataFrame, names: list[str]) -> tuple[dict[str, pl.Series], list[str]]:
    """Of those columns the ones that hold no other texts than their sample, with these, and the rest.

    To compare a cell takes a sixth of the time that hashing it takes.
    """
    seen = {n: sample[n].drop_nulls().unique(maintain_order=True) for n in names}
    seen = {n: texts for n, texts in seen.items() if 0 < len(texts) <= _REPEATED}
    if not seen:
        return {}, names
    only = frame.select(pl.any_horizontal(pl.col(n) == t for t in texts).all().alias(n) for n, texts in seen.items())
    known = {n: texts for n, texts in seen.items() if only[n].item()}
    return known, [n for n in names if n not in known]


def _odd(frame: pl.DataFrame, names: list[str]) -> dict[str, pl.Series]:
    """The row numbers of the odd cells of those columns that have such cells."""
    if not names or not len(frame):
        return {}
    told = frame.select(_maybe_odd(pl.col(n)).arg_true().implode() for n in names)
    return _surely(frame, {n: told[n][0] for n in names})


def _surely(frame: pl.DataFrame, maybe: dict[str, pl.Series]) -> dict[str, pl.Series]:
    sure = {n: rows.filter(_is_odd(frame[n].gather(rows))) for n, rows in maybe.items() if len(rows)}
    return {n: rows for n, rows in sure.items() if len(rows)}


def _maybe_odd(text: pl.Expr) -> pl.Expr:
    """All that `_is_odd` finds and little more, at half the price: texts are compared by the bytes of their ends."""
    return text.map_batches(_maybe, return_dtype=pl.Boolean, is_elementwise=True)


def _maybe(text: pl.Series) -> pl.Series:
    last = text.str.slice(-1)
    quoted = (text < "(") | ((text >= "=") & (text < ">"))
    return quoted | _foreign(text) | (last <= " ") | _foreign(last)


def _foreign(text: pl.Series) -> pl.Series:
    """Begins with a character beyond ASCII that is no ideograph: the blanks there are such."""
    return (text >= "\x80") & ((text < "\u3400") | (text >= "\uf900"))


def _is_odd(text: pl.Series) -> pl.Series:
    return text.str.contains(_ODD_START) | text.str.contains(_ODD_END) | (text == "")


def without(text: pl.Series, words: tuple[str, ...], *, fold: bool = False) -> pl.Series:
    """`text` with null for each of `words` (`fold`: whatever their case)."""
    if text.dtype != pl.String or not words or not len(text):
        return text
    if len(text) <= _SMALL:  # a step of Polars costs more than a look at some hundred cells
        told = set(words)
        at = [i for i, t in enumerate(text.to_list()) if t is not None and (t.lower() if fold else t) in told]
        return text.clone().scatter(at, None) if at else text
    few = few_texts(text)
    if few is not None:
        gone = [t for t in few if (t.lower() if fold else t) in words]
        return text.set(text.is_in(gone), None) if gone else text
    longest = max(len(w.encode()) for w in words)
    short = (text.str.len_bytes() <= longest).arg_true()
    if not len(short):
        return text
    some = text.gather(short)
    none = (some.str.to_lowercase() if fold else some).is_in(list(words))
    # `scatter` writes into the series it is called on, which here is the caller's.
    return text.clone().scatter(short.filter(none), None) if none.any() else text
