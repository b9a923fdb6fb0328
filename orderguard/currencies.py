"""Which currency a heading or the language of a file says.

Sums without a word count as the shop's own. A heading with a unit (`金额(JPY)`, `Total, €`) is such a word, and so is the
language in which a shop system writes its headings, where one country's money goes with it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CODES: Final = frozenset([
    "CNY", "USD", "EUR", "GBP", "HKD", "JPY", "SGD", "MYR", "THB", "VND", "IDR", "PHP", "TWD", "KRW", "INR", "BDT", "PKR", "LKR", "NPR", "AED",
    "SAR", "CAD", "AUD", "NZD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "TRY", "BRL", "MXN", "RUB", "ZAR", "COP", "CLP", "PEN", "ARS", "KZT",
    "UAH", "HUF", "RON", "ILS", "EGP", "MOP", "KHR", "MMK", "BGN", "BYN", "UZS", "NGN", "KES", "UYU", "KWD", "QAR",
])  # fmt: skip
UNITS: Final = {
    **{c.lower(): c for c in CODES},
    "rmb": "", "人民币": "", "¥": "", "元": "", "人民币元": "", "单位元": "",
    "円": "JPY", "日元": "JPY", "日圆": "JPY", "日币": "JPY", "yen": "JPY", "엔": "JPY", "원": "KRW", "韩元": "KRW", "韩币": "KRW",
    "韩圆": "KRW", "₩": "KRW", "won": "KRW", "$": "USD", "us$": "USD", "美元": "USD", "美金": "USD", "dollar": "USD",
    "€": "EUR", "欧元": "EUR", "euro": "EUR", "£": "GBP", "英镑": "GBP", "₽": "RUB", "卢布": "RUB", "руб": "RUB", "р": "RUB", "rur": "RUB",
    "hk$": "HKD", "港币": "HKD", "港元": "HKD", "nt$": "TWD", "ntd": "TWD", "台币": "TWD", "新台币": "TWD", "rm": "MYR", "马币": "MYR",
    "令吉": "MYR", "s$": "SGD", "新币": "SGD", "新加坡元": "SGD", "฿": "THB", "บาท": "THB", "泰铢": "THB", "₫": "VND", "đ": "VND",
    "越南盾": "VND", "rp": "IDR", "印尼盾": "IDR", "₱": "PHP", "菲律宾比索": "PHP", "₹": "INR", "卢比": "INR", "r$": "BRL", "雷亚尔": "BRL",
    "zł": "PLN", "zl": "PLN", "kč": "CZK", "ft": "HUF", "₺": "TRY", "tl": "TRY", "₴": "UAH", "грн": "UAH", "₸": "KZT", "тг": "KZT",
    "澳元": "AUD", "加元": "CAD", "澳币": "AUD", "加币": "CAD", "a$": "AUD", "c$": "CAD", "mx$": "MXN", "墨西哥比索": "MXN", "৳": "BDT", "₪": "ILS",
    "瑞士法郎": "CHF",
}  # fmt: skip
"""A unit as headings write it, folded -> its code; '' for yuan, which needs no word (and 元 is Taiwan's, too)."""

_END = 40
"""Characters at the end of a heading in which its unit stands: a hostile heading of thousands would take seconds."""
_BRACKETED = re.compile(r"[(\[【]\s*(?:单位\s*[:：]?\s*)?([^()\[\]【】]{1,8}?)\s*\.?\s*[)\]】]\s*$")
_BEHIND = re.compile(r"\S\s*[,/、:：]\s*([^\s,/、:：()]{1,5}?)\.?\s*$")
_LAST = re.compile(r"\S[\s_]+([A-Z]{3}|[₽€£₩₴₸฿₫₱₹₺₪])\s*$")


@lru_cache(maxsize=4096)
def heading_unit(heading: str) -> tuple[str, str | None]:
    """A heading without the currency behind it, and its code: `Total (USD)`, `Сумма, ₽`, `Amount USD`, `金额/日元`.

    The code is '' for yuan and None where no unit stands.
    """
    text = unicodedata.normalize("NFKC", heading).rstrip()
    begin = max(len(text) - _END, 0)
    for form in (_BRACKETED, _BEHIND, _LAST):
        found = form.search(text, begin)
        code = UNITS.get(found[1].casefold()) if found else None
        start = 0 if found is None else found.start() + (form is not _BRACKETED)
        if start and code is not None:
            return text[:start].rstrip(), code
    return heading, None


_CENTS = re.compile(
    r"[(\[【]\s*(?:单位\s*[:：]?\s*)?(?:分|cents?|fen)\s*[)\]】]\s*$|[\s_\-](?:in[\s_\-])?(?:cents|fen)\s*$|(?<=[a-z])(?:In)?Cents$",
)


@lru_cache(maxsize=4096)
def without_cents(heading: str) -> tuple[str, bool]:
    """A heading without what says that its sums are in hundredths, and whether it says so: `实付金额(分)`, `amount_cents`."""
    text = unicodedata.normalize("NFKC", heading).rstrip()
    found = _CENTS.search(text, max(len(text) - _END, 0))
    return (text[: found.start()].rstrip(), True) if found and found.start() else (heading, False)


_LANGUAGES = (
    ("JPY", 5, "[\u3041-\u309f\u30a1-\u30fa]|注文|受注|個数"),
    ("KRW", 2, "[\uac00-\ud7a3]"),
    ("THB", 2, "[\u0e01-\u0e5b]"),
    ("VND", 3, "[ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]"),
    ("UAH", 4, "[іїєґ]"),
    ("RUB", 2, "[а-я]"),
    ("PLN", 5, "[łńśźżąę]"),
    ("TRY", 5, "[ğış]"),
    ("IDR", 4, "pesanan|pembeli|pembayaran|penerima|alamat"),
    ("EUR", 6, "bestell|rechnung|betrag|lieferadresse|commande|montant|livraison|ordine|importo|spedizione"),
)
"""Code, in how many headings one must show the language (合計金額 has no kana), and what shows it."""
_LEAST = 3


def currency_of_language(headings: Iterable[str]) -> str:
    """The money that goes with the language of a file's headings; '' where too few of them, or fewer than three, show one."""
    names = [unicodedata.normalize("NFC", h).lower() for h in headings]
    for code, one_in, shows in _LANGUAGES:
        told = sum(re.search(shows, n) is not None for n in names)
        if told >= _LEAST and told * one_in >= len(names):
            return code
    return ""
