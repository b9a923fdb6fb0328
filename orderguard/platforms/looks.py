"""What a column's values look like: a date, a phone, money, an address, an id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orderguard.columns import BLANKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SAMPLE = 1_000
"""Cells of a column that are looked at."""

_HAN = r"[\u4e00-\u9fff·]"
_PATTERNS: dict[str, str] = {
    "ip": r"(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?|(?=.*:.*:)[0-9a-f:]{3,39}",
    "email": r"[^@\s]+@[^@\s]+\.[a-z*]{2,}",
    "time": r"(?:20\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.](?:20)?\d\d|[a-z]{3,9}[- .]\d{1,2}[-, ]+\d{2,4}"
            r"|\d{1,2}[- ][a-z]{3,9}[- ]\d{2,4}|20\d{6})(?:[ T日,]+\d{1,2}:\d\d.*|\d{6})?|1[4-9]\d{8}(?:\d{3})?",
    "phone": r"(?:\+?86[- ]?|0086)?1[3-9]\d(?:\d{8}|[- ]\d{4}[- ]\d{4}|[\d*]*\*[\d*]*\d*)(?:\s*[-转]\s*\d+)?|[\[【]\d{3,6}[\]】]\s?1[3-9]\d{9}|\+\d[\d ()*-]{6,18}|0\d{2,3}-?\d{7,8}",
    "currency": r"cny|rmb|usd|eur|gbp|hkd|jpy|twd|krw|sgd|myr|thb|vnd|idr|php|inr|bdt|aud|cad|nzd|aed|sar|qar|kwd|bhd|omr|egp|try|ils|mad|ngn|kes|ghs|zar|pkr|lkr|npr|mmk|khr|kzt|rub|uah"
                r"|chf|sek|nok|dkk|pln|czk|huf|ron|bgn|mxn|brl|clp|cop|pen|ars|人民币|美元|港币|台币|欧元|英镑|日元",
    # Ten digits and no point, comma or sign of money: a bar code, an account, Unix time.
    "money": r"(?!\d{10,}$)[-(]?\s*(?:cny|rmb|usd|us|hk|rm|rp)?\s*[¥￥$€£৳₹₫]?\s*\d[\d,]{0,13}(?:\.\d{1,8})?\s*[万萬千]?(?:元|圆|[¥￥$€£৳₹₫])?\)?",
    "count": r"\d{1,4}(?:\.0+)?",
    "province": rf"{_HAN}{{2,6}}(?:省|自治区|特别行政区)|(?:北京|上海|天津|重庆)市?",
    "city": rf"{_HAN}{{2,8}}(?:市|州|盟|地区)",
    "district": rf"{_HAN}{{1,8}}(?:区|县|旗|市)",
    "address": rf"(?=.{{6,}})(?:.*{_HAN}.*(?:[省市区县镇乡村路街道巷弄号栋幢室楼苑园]).*|.*\d.*\b(?:st|street|rd|road|ave|avenue|lane|ln|dr|blvd|way|court)\b.*)",
    "person": rf"{_HAN}{{2,4}}|{_HAN}\*{{1,3}}{_HAN}?|[A-Z][a-zà-ÿ'’.-]+(?: [A-Z][a-zà-ÿ'’.-]*){{1,3}}",
    "id": r"(?=.*\d)[A-Za-z0-9#_-]{4,40}",
}  # fmt: skip
_TESTS = {name: re.compile(pattern, 0 if name == "person" else re.IGNORECASE) for name, pattern in _PATTERNS.items()}
_FITTING: dict[str, tuple[str, ...]] = {
    "order_id": ("id",), "line_id": ("id",), "created_at": ("time",), "paid_at": ("time",), "registered_at": ("time",),
    "promised_at": ("time",), "shipped_at": ("time",), "delivered_at": ("time",), "amount": ("money",), "discount": ("money",), "unit_price": ("money",), "quantity": ("count",),
    "prior_orders": ("count",), "receiver_phone": ("phone",), "email": ("email",), "ip": ("ip",), "currency": ("currency",),
    "province": ("province",), "city": ("city",), "district": ("district",), "address": ("address",),
    "receiver_name": ("person",), "buyer_name": ("person",),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What a column's cells look like.

    Attributes:
        filled: share of filled cells (0 to 1).
        distinct: distinct texts / filled cells.
        longest: characters of the longest cell.
        shares: kind of value -> share of the filled cells that look so.
        sample: the first filled cell.
    """

    filled: float
    distinct: float
    longest: int
    shares: dict[str, float]
    sample: str

    def fits(self, column: str) -> float | None:
        """Share of the cells that can be `column`; None when any text may stand there."""
        kinds = _FITTING.get(column)
        return None if kinds is None else max(self.shares.get(kind, 0.0) for kind in kinds)

    def kind(self, column: str | None = None) -> str:
        """What nearly all cells are: what `column` asks for, if they are that too; `empty` or `text` when they are nothing."""
        if not self.filled:
            return "empty"
        best = [k for k in _TESTS if self.shares.get(k, 0.0) >= 0.9]
        fitting = [k for k in best if k in _FITTING.get(column or "", ())]
        return [*fitting, *best, "text"][0]


def look(cells: Sequence[object], is_status: Callable[[str], bool] = lambda _: False) -> Look:
    """Look at a column's cells (at most `SAMPLE` of them)."""
    texts = ["" if c is None else str(c).strip(BLANKS + "'\"=") for c in cells[:SAMPLE]]
    filled = [t for t in texts if t and t not in {"-", "--", "——", "null", "None", "无"}]
    if not filled:
        return Look(0.0, 0.0, 0, {}, "")
    shares = {name: sum(bool(test.fullmatch(t[:300])) for t in filled) / len(filled) for name, test in _TESTS.items()}
    shares["status"] = sum(map(is_status, filled)) / len(filled)
    return Look(
        len(filled) / len(texts), len(set(filled)) / len(filled), max(map(len, filled)),
        {k: round(v, 3) for k, v in shares.items() if v}, filled[0],
    )  # fmt: skip
