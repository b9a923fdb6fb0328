"""Money as it is written: units, symbols, thousands; and which currency the symbol says."""

from __future__ import annotations

import re
from decimal import Decimal

import polars as pl

from orderguard.columns import BLANKS

_CODES = (
    "CNY|RMB|USD|EUR|GBP|HKD|JPY|SGD|MYR|THB|VND|IDR|PHP|TWD|KRW|INR|BDT|PKR|LKR|NPR|AED|SAR|CAD|AUD|NZD|CHF|SEK|NOK|DKK|PLN|CZK|"
    "TRY|BRL|MXN|RUB|ZAR|COP|CLP|PEN|ARS|KZT|UAH|HUF|RON|ILS|EGP|MOP|KHR|MMK|BGN|BYN|UZS|NGN|KES|UYU|KWD|QAR"
)
_SYMBOLS = "¥￥$€£৳₹₩฿₫₱₽₺₪₦₴₸円圆元원"
_BEFORE = rf"(?i)^(-?)\s*(?:(?:US|HK|NT|CA|AU|NZ|MX|S|A|C|R)\s?\$|(?:CN|JP)[¥￥]|kr\.?\s|(?:{_CODES}|RM|Rp|Tk|Rs|人民币)\.?[:：]?\s*[{_SYMBOLS}]?|[{_SYMBOLS}])\s*(-?)\s*"
_BEHIND = rf"(?i)\s*(?:{_CODES}|RM|Rp|Tk|TL|元整|元人民币|đ|Kč|zł|kr\.?|Ft|руб\.?|р\.?|грн\.?|тг\.?|лв\.?|lei|บาท|块钱?|圓|[（(]元[)）]|[{_SYMBOLS}])$"
_NARROW = "\u00a0\u202f\u2009'’ "

CURRENCIES = {
    "US$": "USD", "HK$": "HKD", "NT$": "TWD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "S$": "SGD", "R$": "BRL", "MX$": "MXN",
    "$": "USD", "€": "EUR", "£": "GBP", "৳": "BDT", "TK": "BDT", "₹": "INR", "₩": "KRW", "฿": "THB", "₫": "VND", "Đ": "VND", "₱": "PHP",
    "₽": "RUB", "₺": "TRY", "TL": "TRY", "CN¥": "CNY", "CN￥": "CNY", "JP¥": "JPY", "元整": "CNY", "RM": "MYR", "RP": "IDR", "円": "JPY", "元": "CNY", "圆": "CNY", "RMB": "CNY", "人民币": "CNY",
    "원": "KRW", "РУБ": "RUB", "Р": "RUB", "₴": "UAH", "ГРН": "UAH", "₸": "KZT", "ТГ": "KZT", "ЛВ": "BGN", "LEI": "RON", "ZŁ": "PLN", "KČ": "CZK",
    "FT": "HUF", "₪": "ILS", "₦": "NGN", "บาท": "THB", "KR": "XXX", "RS": "XXX",
}  # fmt: skip
"""¥ is missing: it is China's and Japan's. XXX (no currency, in ISO 4217): crowns and rupees are several countries', none of them China's."""


def plain(text: pl.Series, *, dotted: bool) -> pl.Series:
    """Distinct amounts as plain decimals, where they can be read.

    `1,299.00`, `¥12`, `12.00元`, `1.2万`, `$45.99`, `৳2,999`, `1.299,00 €`, `(5.00)` are read. `12,5` is left as it is and
    `65.000` is sixty-five unless other values of the column show that dots part thousands and commas cents (`dotted`) or
    the symbol is one of a currency that writes so (€, ₫, Rp).
    """
    text = text.str.strip_chars(BLANKS).str.replace_all("−", "-", literal=True).str.replace(r"^\((.*)\)$", "-$1")
    dong = text.str.contains(r"(?i)[₫đ]|VND|^-?Rp|IDR").fill_null(value=False)
    euro = text.str.contains(r"(?i)€|EUR").fill_null(value=False)
    bare = text.str.replace(_BEFORE, "$1$2").str.replace(_BEHIND, "").str.strip_chars(BLANKS)
    spaced = pl.lit(bare).str.contains(rf"^-?\d{{1,3}}(?:[{_NARROW}]\d{{3}})+(?:[.,]\d+)?$")
    unspaced = pl.lit(bare).str.replace_all(f"[{_NARROW}]", "")
    spaced_cents = spaced & unspaced.str.contains(
        r"^-?\d{4,},\d{1,2}$"
    )  # 1 299,00: a comma behind spaces parts no thousands
    value = pl.lit(in_full(pl.select(pl.when(spaced).then(unspaced).otherwise(pl.lit(bare))).to_series()))
    english = value.str.contains(r"^-?\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?$")
    european = value.str.contains(r"^-?\d{1,3}(?:\.\d{3})+,\d+$") | spaced_cents
    european = european | (pl.lit(euro | dotted) & value.str.contains(r"^-?\d+,\d{1,2}$"))
    thousands = pl.lit(dong | dotted) & value.str.contains(DOTTED)
    return pl.select(
        pl.when(european)
        .then(value.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
        .when(thousands)
        .then(value.str.replace_all(".", "", literal=True))
        .when(english)
        .then(value.str.replace_all(",", "", literal=True))
        .otherwise(value)
    ).to_series()


SHORTENED = r"\d\s*[万萬]\s*(?:元|圆|圓|块钱?|[（(]元[)）])?$"
"""An amount in ten thousands; `千` is written by hand only."""
_SPOKEN = re.compile(r"(-?)(?:(\d+(?:,\d{3})*(?:\.\d+)?)\s*[万萬])?(?:(\d+(?:,\d{3})*(?:\.\d+)?)\s*[千仟])?")


def in_full(text: pl.Series) -> pl.Series:
    """`1.2万`, `3千`, `1万2千` in digits, exactly. `1万2` (12,000 or 10,002?) stays as it is."""
    if not text.str.contains(r"[万萬千仟]$").any():
        return text
    return text.map_elements(_digits, return_dtype=pl.String)


def _digits(text: str) -> str:
    told = _SPOKEN.fullmatch(text)
    if told is None or not (told[2] or told[3]):
        return text
    both = told[2] is not None and told[3] is not None
    if both and ("." in told[2] + told[3] or len(told[3]) > 1):  # 1.2万3千, 1万23千: nobody says so
        return text
    total = sum(Decimal((told[i] or "0").replace(",", "")) * unit for i, unit in ((2, 10_000), (3, 1_000)))
    return f"{told[1]}{total:f}"


def is_shown_short(column: pl.Series) -> bool:
    """Whether a spreadsheet shows the amounts in ten thousands, their ends hidden, rather than a person having typed so.

    Nobody types `0.03万`; and where every amount has as many digits behind the point, it is a format.
    """
    short = column.str.contains(SHORTENED).fill_null(value=False)
    if not short.any():
        return False
    if column.filter(short).str.contains(r"(?:^|[^\d.,])0+(?:\.\d+)?\s*[万萬]").any():
        return True
    ends = column.filter(short).str.extract(r"\.(\d+)\s*[万萬]")
    whole = short.sum() == len(column) - column.null_count() and not ends.null_count()
    return bool(whole and ends.str.len_chars().n_unique() == 1 and column.n_unique() > 2)


DOTTED = r"^-?\d{1,3}(?:\.\d{3})+$"


def is_dotted(text: pl.Series) -> bool:
    """Whether some amount shows that dots part thousands here: `1.250.000`, `65.000,50`."""
    return bool(text.str.contains(r"\d\.\d{3}\.\d{3}|\d\.\d{3},\d").any())


NO_CENTS = frozenset({"IDR", "VND"})
"""Currencies of countries that part thousands by dots and whose cents nobody uses."""


def parts_thousands(column: pl.Series) -> bool:
    """Whether every dot of a column stands before three digits, and some does: no amount has cents."""
    return bool(column.str.contains(r"\d\.\d{3}(?:\D|$)").any()) and not bool(
        column.str.contains(r"\.(?:\d{1,2}|\d{4,})(?:\D|$)").any()
    )


_CENTS = r"^[^\d,.]*\d[\d.]*,\d\d[^\d,.]*$"


def has_comma_cents(column: pl.Series, unread: pl.Series) -> bool:
    """Whether commas part cents in a column: every fifth amount or more is like `129,90`, and none like `12.50` or `1,299`.

    Args:
        column: its cells.
        unread: those that are no plain numbers; most often they tell already that it is not so.
    """
    if (
        not unread.str.contains(_CENTS).any()
        or column.str.contains(_CENTS).sum() * 5 < len(column) - column.null_count()
    ):
        return False
    return not column.str.contains(r"\.\d{1,2}(?:\D|$)|\.\d{4,}|,\d{3}(?:\D|$)|,\d{4,}").any()


def currency(text: pl.Series, bare: pl.Series | None = None) -> pl.Series | None:
    """The ISO code that each amount's own symbol or letters say, null where there are none; None when no one does.

    Args:
        text: the amounts as they are written.
        bare: the amounts of those cells that hold nothing but a number, where that is known.
    """
    told = text.head(1000).str.contains(r"[^\d.,\-+\s]")
    if not told.any():
        return None
    if bare is None:
        written = text.str.contains(r"[^\d.,\-+\s]").fill_null(value=False)
    else:
        written = text.is_not_null() & bare.is_null()
    distinct = text.filter(written).unique(maintain_order=True)
    mark = (
        distinct.str.to_uppercase()
        .str.extract(r"^-?\s*([A-Z]{0,3}\s?\.?\s?[^\d\s.,\-]?)")
        .str.replace_all(r"[\s.]", "")
    )
    tail = distinct.str.to_uppercase().str.replace_all("[万萬千仟]", "").str.extract(r"([^\d\s.,]+)\.?\s*$")
    table = {**CURRENCIES, **{c: c for c in _CODES.split("|") if c != "RMB"}}
    codes = pl.DataFrame({"text": distinct, "mark": mark, "tail": tail}).select(
        "text",
        code=pl.coalesce(
            pl.col(name).replace_strict(table, default=None, return_dtype=pl.String) for name in ("mark", "tail")
        ),
    )
    rows = written.arg_true()
    some = pl.DataFrame({"text": text.gather(rows)}).join(codes, on="text", how="left", maintain_order="left")["code"]
    if some.null_count() == len(some):
        return None
    return pl.Series("currency", [None], dtype=pl.String).extend_constant(None, len(text) - 1).scatter(rows, some)
