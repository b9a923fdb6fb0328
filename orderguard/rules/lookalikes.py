"""One word, many spellings: what is taken for the same when words are looked for in texts.

Always: width, case and compatibility forms (NFKC: ｖｘ, ①, ㊙), blanks, zero-width and combining characters, punctuation and
pictures between the characters. Where a word is concerned: traditional characters, 〇 and 零, Cyrillic and Greek letters that
look Latin. Digits for letters (we1xin, c0upon) only inside a run that holds more letters than digits, never three digits in a
row, and only for words of at least three letters: a phone number or a room is no word.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.texts import HAN, mended_series
from orderguard.traditional import SIMPLIFIED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DROPPED = r"[\s\p{Z}\p{P}\p{So}\p{Sk}\p{Cf}\p{Cc}\p{Mn}\p{Me}~|<>^--[%#@&*]]+"
"""Cut out between characters. % # @ & mean something, + = and money signs too; a star may be a mask."""
_ODD = rf"[^0-9a-z{HAN}]"
_STARS, _WALL = r"\*{2,}", "\ue000"
_RUN = r"[0-9a-z]+"
_LEAST = 3
"""Latin letters that a word must have before digits are read as letters for its sake."""
_FEW = 12
"""Words that one pattern looks for in less time than an automaton of all of them: six take a third of it."""

_LATIN = "аaвbсcеeнhкkмmоoрpтtхxуyіiѕsјjԁdԛqԝwɡgһhαaβbεeηnιiκkμmνvοoρpτtυuχxωwγyɑaıi"
"""Pairs, lower case: a Cyrillic or Greek letter and the Latin one that it passes for."""


def _pairs(text: str) -> dict[str, str]:
    return {a: b for a, b in zip(text[::2], text[1::2], strict=True) if a != b}


@cache
def _stand_ins() -> dict[str, str]:
    return SIMPLIFIED | _pairs(_LATIN) | {"〇": "零"}


class Sought(NamedTuple):
    """Words as they are looked for.

    Attributes:
        words: folded, each once, in the order given.
        alike: characters of texts -> the one of a word that they pass for.
        latin: those of `words` for whose sake digits may be letters.
    """

    words: list[str]
    alike: dict[str, str]
    latin: list[str]


def sought(words: Sequence[str]) -> Sought:
    """The words, folded; one that holds nothing but punctuation goes."""
    # Of a few words each character is looked up; a pattern of all that pass for others would take longer to make.
    passing = str.maketrans(_stand_ins())
    told = [w.translate(passing) for w in _folded_words(words) if w]
    told = list(dict.fromkeys(told))
    letters = set("".join(told))
    latin = [w for w in told if re.fullmatch(_RUN, w) and len(re.findall("[a-z]", w)) >= _LEAST]
    return Sought(told, {a: b for a, b in _stand_ins().items() if b in letters}, latin)


def hollow(words: Sequence[str]) -> list[str]:
    """Those words that hold nothing but blanks and punctuation: nothing is left of them to look for."""
    return [w for w, folded in zip(words, _folded_words(words), strict=True) if not folded]


def _folded_words(words: Sequence[str]) -> list[str]:
    return _folded(pl.Series(list(words), dtype=pl.String), {}, stars=False).to_list()


def found(texts: pl.Series, of: Sought, *, stars: bool) -> pl.DataFrame:
    """Which words stand in which texts: `row` (UInt32) and `word`, each pair once, in the order of the text.

    Args:
        texts: String or null.
        of: what is looked for.
        stars: a single star between characters is punctuation; else it is a mask, and stays.
    """
    none = pl.DataFrame(schema={"row": pl.UInt32, "word": pl.String})
    if not of.words:
        return none
    folded = _folded(texts, of.alike, stars=stars)
    parts = [none, _words_in(folded, pl.int_range(len(folded), dtype=pl.UInt32, eager=True), of.words)]
    if of.latin:
        parts += _with_digits(folded, of.latin)
    return pl.concat(parts).unique(maintain_order=True)


def _words_in(texts: pl.Series, rows: pl.Series, words: list[str]) -> pl.DataFrame:
    few = "|".join(map(re.escape, words)) if len(words) <= _FEW else None
    here = (texts.str.contains(few) if few else texts.str.contains_any(words)).fill_null(value=False)
    some = pl.DataFrame({"row": rows.filter(here), "word": texts.filter(here)})
    some = some.with_columns(pl.col("word").str.extract_many(words, overlapping=True))
    return some.explode("word", empty_as_null=False)


def _with_digits(texts: pl.Series, words: list[str]) -> list[pl.DataFrame]:
    """Words in runs like we1xin and c0upon: 1 as l, and 1 and l as i; 0 as o."""
    doubtful = texts.str.contains(r"[a-z][0-9]|[0-9][a-z]|l").fill_null(value=False)
    rows = doubtful.arg_true()
    runs = pl.DataFrame({"row": rows, "run": texts.gather(rows).str.extract_all(_RUN)}).explode(
        "run", empty_as_null=False
    )
    run = pl.col("run")
    runs = runs.filter(
        run.str.count_matches("[a-z]") > run.str.count_matches("[0-9]"),
        ~run.str.contains(r"[0-9]{3}"),
        run.str.contains("[01l]"),
    )
    if runs.is_empty():
        return []
    ways = ({"0": "o", "1": "l"}, {"0": "o", "1": "i", "l": "i"})
    return [_words_in(runs["run"].str.replace_many(way), runs["row"], words) for way in ways]


def _folded(texts: pl.Series, alike: Mapping[str, str], *, stars: bool) -> pl.Series:
    def mend(c: pl.Expr) -> pl.Expr:
        c = c.str.normalize("NFKC").str.to_lowercase()
        # Behind two stars something is hidden: nothing may be read across it.
        c = c.str.replace_all(_STARS, _WALL) if stars else c
        c = c.str.replace_all(_DROPPED, "")
        c = c.str.replace_all("*", "", literal=True) if stars else c
        return c.str.replace_many(dict(alike)) if alike else c

    # One look for both: letters and digits that pass for others are odd too.
    odd = f"[{_ODD}{''.join(map(re.escape, alike))}]"
    return mended_series(texts, texts.str.contains(odd), mend)
