"""Years of the Buddhist era (2569 is 2026) and Thai words of dates, as shops in Thailand write them."""

from __future__ import annotations

import re

_AHEAD = 543
_YEAR = r"(25[3-9]\d|26[0-4]\d)"
"""1987 to 2106 of ours; no export holds orders of the 26th century."""
_YEAR_FIRST = re.compile(rf"^([\s'\"]*){_YEAR}(?=\s*[-/.年]\s*\d{{1,2}}\s*[-/.月]\s*\d{{1,2}}(?:\D|$))")
_YEAR_LAST = re.compile(
    rf"^([\s'\"]*(?:\d{{1,2}}\s*[-/.]\s*\d{{1,2}}\s*[-/.]\s*|\d{{1,2}}[\s-]+[^\W\d]{{3,}}\.?,?[\s-]+|[^\W\d]{{3,}}\.?[\s-]+\d{{1,2}},?[\s-]+)){_YEAR}(?!\d)"
)
_MONTHS = {
    word: month
    for month, words in (
        ("Jan", "มกราคม ม.ค."), ("Feb", "กุมภาพันธ์ ก.พ."), ("Mar", "มีนาคม มี.ค."), ("Apr", "เมษายน เม.ย."), ("May", "พฤษภาคม พ.ค."),
        ("Jun", "มิถุนายน มิ.ย."), ("Jul", "กรกฎาคม ก.ค."), ("Aug", "สิงหาคม ส.ค."), ("Sep", "กันยายน ก.ย."), ("Oct", "ตุลาคม ต.ค."),
        ("Nov", "พฤศจิกายน พ.ย."), ("Dec", "ธันวาคม ธ.ค."),
    )
    for word in words.split()
}  # fmt: skip
_WORDS = re.compile(r"\s*(?:" + "|".join(re.escape(w) for w in sorted(_MONTHS, key=len, reverse=True)) + r")\s*")
_AROUND = re.compile(r"พ\.?ศ\.?\s*|เวลา\s*|\s*น\.?\s*$")
_LONGEST = 80
"""No date is longer, and sixty thousand blanks in a hostile cell would take a minute."""
_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


def spelled(text: str) -> str:
    """`11/11/2569 10:00`, `11 พ.ย. 2569 10:00 น.` as `11/11/2026 10:00`, `11 Nov 2026 10:00`; any other text as it is."""
    if len(text) > _LONGEST:
        return text
    if not text.isascii() and any("\u0e00" <= c <= "\u0e7f" for c in text):
        text = _WORDS.sub(lambda m: f" {_MONTHS[m[0].strip()]} ", _AROUND.sub(" ", text.translate(_DIGITS))).strip()
    return _YEAR_LAST.sub(_ours, _YEAR_FIRST.sub(_ours, text))


def _ours(found: re.Match[str]) -> str:
    return f"{found[1]}{int(found[2]) - _AHEAD}"
