"""Years of the Republic of China (民國114 is 2025), as shops in Taiwan write them."""

from __future__ import annotations

import re

import polars as pl

from orderguard.traditional import SIMPLIFIED

_DAY = r"(\d{1,3})\s*[年/.\-]\s*(\d{1,2})\s*[月/.\-]\s*(\d{1,2})(?!\d)\s*日?\s*"
_MARKED = re.compile(rf"(?:中[華华])?民[國国]\s*{_DAY}")
_BARE_DAY = re.compile(rf"(?<!\d)(?=1\d\d\D){_DAY}")
_FIRST = 1911
BARE = r"^[\s'\"]*1\d\d\s*[年/.\-]\s*\d{1,2}\s*[月/.\-]\s*\d{1,2}(?:\D|$)"
"""A date whose year has three digits and no word that says of which calendar."""

_PHONE = r"(?:\+?886[\s\-]?|0)9\d\d[\s\-]?\d{3}[\s\-]?\d{3}(?:\D|$)"
_SAMPLE = 200


def spelled(text: str) -> str:
    """`民國114年11月11日 10:00` as `2025-11-11 10:00`; any other text as it is."""
    return _MARKED.sub(_gregorian, text)


def respelled(text: pl.Series) -> pl.Series:
    """Dates with bare years of the Republic in ours, both of a slot; the cells around them as they are."""
    return text.map_elements(
        lambda t: spelled(t) if "民" in t else _BARE_DAY.sub(_gregorian, t), return_dtype=pl.String
    )


def is_whole_column(text: pl.Series, read: pl.Series, failed: pl.Series) -> bool:
    """Whether a column's dates are those of the Republic throughout: no other date was read, most cells look so.

    Args:
        text: the cells.
        read: their instants.
        failed: where a cell holds something that could not be read.
    """
    bare = text.filter(failed).str.contains(BARE).sum()
    others = text.filter(read.is_not_null()).str.contains("民[國国]").not_().any()
    return bool(2 * bare > failed.sum() and not others)


def is_taiwan(raw: pl.DataFrame) -> bool:
    """Whether a file is one of Taiwan: headings in traditional characters, or most rows with a phone of there."""
    if not SIMPLIFIED.keys().isdisjoint("".join(raw.columns)):
        return True
    some = raw.head(_SAMPLE)
    texts = [pl.col(n).fill_null("") for n, t in some.schema.items() if t == pl.String]
    if not texts or some.is_empty():
        return False
    there = some.select(pl.concat_str(texts, separator="\t").str.contains(rf"(?:^|\D){_PHONE}").sum()).item()
    return bool(2 * there > len(some))


def _gregorian(found: re.Match[str]) -> str:
    year, month, day = map(int, found.groups())
    return f"{year + _FIRST}-{month:02d}-{day:02d} "
