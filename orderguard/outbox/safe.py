"""Buyer text is hostile: what it must lose before it stands in a sheet or a CSV.

Source of the rule: OWASP "CSV Injection": a cell that starts with = + - @ TAB or CR can run as a formula.
"""

from __future__ import annotations

import re

import polars as pl

_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
_FORMULA = r"^\s*[=+\-@＝＋－＠\t]"
_NUMBERLIKE = r"^\s*[+\-]?[\d\s().\-/]*$"
_ODD = f"{_CONTROL}|{_FORMULA}"
_SEEN = re.compile(_ODD).search
_MAX_CELL = 32_000
"""Excel takes 32,767 units of UTF-16 in a cell; a character beyond the first plane (an emoji) is two."""
_ASTRAL = "[\U00010000-\U0010ffff]"
_FEW = 500


def inert(column: pl.Expr) -> pl.Expr:
    """Text without control or bidirectional marks, quoted with ' where a spreadsheet would take it for a formula."""
    text = column.str.replace_all(_CONTROL, "").str.slice(0, _MAX_CELL)
    long = (text.str.len_chars() > _MAX_CELL // 2) & text.str.contains(_ASTRAL)
    text = pl.when(long).then(text.str.slice(0, _MAX_CELL // 2)).otherwise(text)
    risky = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBERLIKE)
    return pl.when(risky).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)


def inert_text(text: str) -> str:
    """`inert` for one text."""
    clean = re.sub(_CONTROL, "", text)[:_MAX_CELL]
    if len(clean) > _MAX_CELL // 2 and re.search(_ASTRAL, clean):
        clean = clean[: _MAX_CELL // 2]
    return "'" + clean if re.match(_FORMULA, clean) and not re.fullmatch(_NUMBERLIKE, clean) else clean


def inert_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """`inert` for every text column; one look at most columns, which hold nothing hostile."""
    texts = [c for c, t in frame.schema.items() if t == pl.String]
    odd = [c for c in texts if _is_odd(frame[c])]
    return frame.with_columns([inert(pl.col(c)).alias(c) for c in odd])


def _is_odd(texts: pl.Series) -> bool:
    if len(texts) < _FEW:  # for which Polars' start of a search takes longer than the search
        return any(len(t) > _MAX_CELL // 2 or _SEEN(t) for t in texts if t)
    return bool((texts.str.contains(_ODD) | (texts.str.len_bytes() > _MAX_CELL)).any())


def mask_phone(column: pl.Expr) -> pl.Expr:
    """`138****1234`: the first three and last four digits."""
    return column.str.replace(r"(\d{3})\d{4,}(\d{4})", "$1****$2")


def mask_name(column: pl.Expr) -> pl.Expr:
    """The first character, then `**`."""
    return (
        pl.when(column.str.len_chars() > 0).then(pl.concat_str(column.str.slice(0, 1), pl.lit("**"))).otherwise(column)
    )
