"""Text that is neither UTF-8 nor Chinese: the old encodings of Japan, Korea, Europe, Russia and Thailand.

Nearly all of their bytes are valid GB18030 too and would come out as other people's names in rare characters, so
each must prove itself: Japanese by kana, Korean, Russian and Thai by words of a shop, European by letters
that stand alone among ASCII ones (Chinese bytes come in pairs).
"""

from __future__ import annotations

import re
from math import log

_KANA = re.compile(r"[ぁ-んァ-ヶー]")
_WORDS = {
    "cp932": ("注文", "番号", "日時", "送付先", "届け先", "氏名", "商品", "個数", "金額", "電話", "住所", "郵便", "受注", "備考", "決済"),
    "euc_jp": ("注文", "番号", "日時", "送付先", "届け先", "氏名", "商品", "個数", "金額", "電話", "住所", "郵便", "受注", "備考", "決済"),
    "cp949": ("주문", "상품", "수취인", "구매", "배송", "결제", "번호", "수량", "연락처", "전화", "주소", "이름", "금액", "우편", "택배", "받는"),
    "cp1251": ("заказ", "номер", "дата", "статус", "сумма", "товар", "цена", "колич", "адрес", "телефон", "покупател", "получател", "склад",
               "город", "оплат", "артикул", "клиент"),
    "cp874": ("หมายเลข", "คำสั่งซื้อ", "สถานะ", "ชื่อ", "วันที่", "ราคา", "จำนวน", "ที่อยู่", "โทรศัพท์", "สินค้า", "ผู้รับ", "จังหวัด"),
}  # fmt: skip
"""Words of order lists; two different ones are no accident."""
_CENTRAL = re.compile("[a-zàâçèéêîïôöûüß][³¹¿œŸ¶¼æ][a-zàâçèéêîïôöûüß]|[³¹¶][a-z]{2}")
_TURKISH = re.compile("[a-zA-ZçöüÇÖÜ][þýðÞÝÐ]|[þýðÞÝÐ][a-zA-Z]")
_SIGNS = frozenset("¡¿¢×÷€£¥§°ºª«»‘’“”„–—…®©™·´•²³½\xa0\xad")


def other_script(head: bytes) -> str | None:
    """The encoding of text that is not UTF-8, if it is none of China's; None where nothing proves one.

    Args:
        head: whole lines around the first byte that is not ASCII.
    """
    broken = head.count(b"\n") // 10
    text = head.decode("cp932", "replace")
    if len(_KANA.findall(text)) * 10 >= sum(c > "\x7f" for c in text) and text.count("\ufffd") <= broken:
        return "cp932"
    for encoding, words in _WORDS.items():
        text = head.decode(encoding, "replace").lower()
        if sum(word in text for word in words) >= 2 and text.count("\ufffd") <= broken:
            return encoding
    return _european(head)


def _european(head: bytes) -> str | None:
    """An encoding of one byte a letter: high bytes stand single or in twos among more ASCII letters."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", head)]
    words = re.findall(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*", head)
    letters = sum(map(len, words)) - sum(runs)
    odd, long = sum(n % 2 for n in runs), sum(n > 3 for n in runs)
    if not runs or odd < 0.15 * len(runs) or long > 0.03 * len(runs) or letters < 1.3 * sum(runs):
        return None
    text = head.decode("cp1252", "replace")
    if not _fits(text) or _CENTRAL.search(text):
        return "cp1250" if _fits(head.decode("cp1250", "replace")) else None
    return "cp1254" if _TURKISH.search(text) else "cp1252"


def _fits(text: str) -> bool:
    strange = [c for c in text if c > "\x7f"]
    return sum(c.isalpha() or c in _SIGNS for c in strange) >= 0.95 * len(strange)


def is_big5(head: bytes) -> bool:
    """Whether the characters are everyday ones in Big5 and many are none in GB 2312: names below headings in English."""
    return _share(head, "big5", 0xC6) > 0.95 and _share(head, "gb2312", 0xD7) < 0.7


_GB_CLASSES = ((0xB0, 0xD7, 0.93 / 3755), (0xD8, 0xF7, 0.06 / 3008))
_BIG5_CLASSES = ((0xA4, 0xC6, 0.97 / 5401), (0xC9, 0xF9, 0.03 / 7652))
_RARE = 0.01 / 14_000
_POINTS = frozenset("，。、；：？！（）《》“”‘’「」—…－～·　")
_LEAST, _FEW, _LEAN = 3, 60, 4.0
"""Chinese is expected: the other reading must be likelier by e⁴."""


def is_likelier_big5(head: bytes) -> bool:
    """Whether a few characters (a name or two below headings in English) are everyday ones in Big5 rather than in GB 2312.

    Each reading is as likely as its characters are common: those of the first half of either standard are, those that
    only GBK has are hardly ever met.
    """
    big5 = [c for c in head.decode("big5hkscs", "replace") if c > "\x7f"]
    if not _LEAST <= len(big5) <= _FEW or "\ufffd" in big5:
        return False
    gb = [c for c in head.decode("gb18030", "replace") if c > "\x7f"]
    return _likelihood(big5, "big5", _BIG5_CLASSES) > _likelihood(gb, "gb2312", _GB_CLASSES) + _LEAN


def _likelihood(text: list[str], encoding: str, classes: tuple[tuple[int, int, float], ...]) -> float:
    total = 0.0
    for char in text:
        if char in _POINTS:
            continue
        code = char.encode(encoding, "ignore")
        total += log(next((p for low, high, p in classes if code and low <= code[0] <= high), _RARE))
    return total


def is_gb(head: bytes) -> bool:
    """Whether nearly all characters are everyday ones in GB 2312."""
    return _share(head, "gb2312", 0xD7) > 0.9


def _share(head: bytes, encoding: str, last: int) -> float:
    """Share of the wide characters that stand in the first half of an encoding, where the everyday ones do."""
    whole = "gb18030" if encoding == "gb2312" else "big5hkscs"
    codes = [c.encode(encoding, "ignore") for c in head.decode(whole, "replace") if c > "\x7f"]
    return sum(bool(c) and 0xA1 <= c[0] <= last for c in codes) / len(codes) if len(codes) >= 4 else 0.5
