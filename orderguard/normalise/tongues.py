"""Times as other languages and programs write them, respelled for the reader of English and Chinese forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

_MONTHS: Sequence[tuple[str, str]] = (
    ("jan", "января|янв|januar|jänner|janvier|janv|gennaio|enero|ene|janeiro|ocak|oca|stycznia"),
    ("feb", "февраля|фев|februar|février|févr|febbraio|febrero|fevereiro|fev|şubat|şub|lutego"),
    ("mar", "марта|мар|märz|mär|mars|marzo|março|mart|marca"),
    ("apr", "апреля|апр|april|avril|avr|aprile|abril|abr|nisan|nis|kwietnia"),
    ("may", "мая|май|mai|maggio|mag|mayo|maio|mayıs|maja"),
    ("jun", "июня|июн|juni|juin|giugno|giu|junio|junho|haziran|haz|czerwca"),
    ("jul", "июля|июл|juli|juillet|juil|luglio|lug|julio|julho|temmuz|tem|lipca"),
    ("aug", "августа|авг|august|août|agosto|ago|ağustos|ağu|sierpnia"),
    ("sep", "сентября|сент|сен|september|septembre|sept|settembre|set|septiembre|setembro|eylül|eyl|września"),
    ("oct", "октября|окт|oktober|okt|octobre|ottobre|ott|octubre|outubro|out|ekim|eki|października"),
    ("nov", "ноября|ноя|november|novembre|noviembre|novembro|kasım|kas|listopada"),
    ("dec", "декабря|дек|dezember|dez|décembre|déc|dicembre|dic|diciembre|dezembro|aralık|ara|grudnia"),
)
_DAY_MONTH = r"^(?P<d>\d{1,2})\.?\s*(?:de\s+)?(?P<m>\p{L}{3,})\.?,?\s*(?:de\s+)?(?P<y>\d{4})"
_STEPS: Sequence[tuple[str, str]] = (
    # 2026-11-11 (三) 00:03, 周三, 星期三, (水), (수)
    (r"\s*(?:周|星期|礼拜|週)[一二三四五六日天]|\s*[（(][一二三四五六日天月火水木金土월화수목금토일][)）]", " "),
    (r"(?:晚上|夜里|夜裡)\s*(?:0?[1-4]|12)[:：点點时時]", "?"),  # half past twelve at night is of which day?
    (r"中午\s*(1[01][:：点點时時])", "上午$1"),
    ("中午", "下午"),
    (r"오전|午前|凌晨|清晨|早上|早晨", "上午"),
    (r"오후|午後|傍晚|晚上|夜里|夜裡", "下午"),
    (r"(?i)\b([ap])\.?\s?m\.?\s+(\d{1,2}:\d\d(?::\d\d)?)$", "$2 ${1}m"),  # AM 12:03
    (r"(?i)\b([ap])\.\s?m\.?$", "${1}m"),  # a. m.
    (r"^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})$", "$1 $2 $5 $3 $4"),
    (r"((?:GMT|UTC)[+-]\d{4}) \([^()]*\)$", "$1"),  # what JavaScript's Date says of its zone
    (r"^(\d{4})\. ?(\d{1,2})\. ?(\d{1,2})\.(?:\s|$)", "$1-$2-$3 "),
    (r"^(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}), (\d)", "$1 $2"),
    (r"(\d{4}),?\s+(?:г\.?,?\s*)?(?:at|à|um|às|alle|o|ore|в|saat|kl\.?)\s+(\d{1,2}[:.]\d\d)", "$1 $2"),
    (r"(\d{4})\s+г\.?,?(\s|$)", "$1 "),
    (r"(\d)_(\d{1,2}:\d\d)", "$1 $2"),
    (r"(?i)(:\d\d)\s*(?:uhr|hs?\.?|hrs)$", "$1"),
    (r"^(\d{1,4}\.\d{1,2}\.\d{1,4}) (\d{1,2})\.(\d\d)$", "$1 $2:$3"),
    (r"^(\d{1,4}\.\d{1,2}\.\d{1,4}) (\d{1,2})\.(\d\d)\.(\d\d)$", "$1 $2:$3:$4"),
    (r"^(\d{1,2}:\d\d(?::\d\d)?),?\s+(\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4})$", "$2 $1"),
    (r"^(\d{8}) (\d{1,2}:\d\d)$", "$1 $2:00"),
    (r"^(20\d\d)(0[1-9]|1[0-2])([0-3]\d)([0-2]\d)([0-5]\d)$", "$1-$2-$3 $4:$5"),
    (r"^(\d{4}-\d\d-\d\d)-(\d\d:\d\d)", "$1 $2"),
)  # fmt: skip


def respelled(texts: pl.Series) -> pl.Series:
    """`11 ноября 2026 г., 00:03`, `2026. 11. 11. 오전 12:03`, `11.11.2026, 00:03`, `AM 12:03` in forms that are read.

    Args:
        texts: distinct cells that the usual forms do not fit.
    """
    step = pl.col("t")
    for pattern, form in _STEPS:
        step = step.str.replace(pattern, form)
    texts = texts.to_frame("t").select(step).to_series()
    named = texts.str.extract(_DAY_MONTH, 2).str.to_lowercase()
    if named.null_count() == len(named):
        return texts.str.strip_chars_end()
    english = named.replace_strict(_ENGLISH, default=None, return_dtype=pl.String)
    day, year, rest = (
        texts.str.extract(_DAY_MONTH, 1),
        texts.str.extract(_DAY_MONTH, 3),
        texts.str.replace(_DAY_MONTH, ""),
    )
    told = pl.select(pl.concat_str(*map(pl.lit, (day, english, year)), separator=" ") + pl.lit(rest)).to_series()
    return texts.zip_with(told.is_null(), told.str.replace(r"(\d{4}),\s", "$1 ")).str.strip_chars_end()


_ENGLISH = {word: month for month, words in _MONTHS for word in (month, *words.split("|"))}
