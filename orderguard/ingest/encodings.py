"""Bytes to UTF-8: which encoding a text file is in, told from its own bytes."""

from __future__ import annotations

import codecs
import re

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest.scripts import is_big5, is_gb, is_likelier_big5, other_script

HEAD_BYTES = 256 * 1024
_BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"%PDF", b"GIF8", b"\x7fELF", b"MZ\x90")
_PACKED = (b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
"""rar, 7z, gzip, bzip2, xz, zstd."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF8 = re.compile(rb"[\xc3-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe0-\xef][\x80-\xbf]{2}(?![\x80-\xbf])")
"""Characters of UTF-8 that stand alone or end a run; Chinese in GB18030 has these now and then."""
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
"""Bytes that text holds hardly any of, and every ninth of a binary file is."""
_COMMON = "訂單編號收貨人地址電話時間金額數量姓名商品"
_SIMPLIFIED = "订单编号收货人地址电话时间金额数量姓名商品"


def to_utf8(data: bytes, name: str) -> tuple[str, bytes]:
    """The encoding, and the text as UTF-8 bytes; bytes that do not decode become U+FFFD.

    Raises:
        OrderguardError: a binary file, or text in no encoding that is known.
    """
    marked = by_mark(data)
    if marked:
        encoding, body = marked
        return encoding, body if encoding == "utf-8" else body.decode(encoding, "replace").encode()
    if data.startswith(_PACKED):
        fix = Words("请先解压再扫", "unpack it, then scan what is inside")
        raise OrderguardError(Problem(Words("是压缩包，不是表格", "is an archive, not a table"), name, fix=fix))
    if data.startswith(_BINARY):
        raise OrderguardError(_binary(name))
    if data[:4096].count(0) > 16:
        wide = _utf16(data)
        if wide:
            return wide, data.decode(wide, "replace").encode()
    head = data[:65536]
    if b"\x00" in head and len(head) - len(head.translate(None, _CONTROLS)) > len(head) / 20:
        raise OrderguardError(_binary(name))
    if b"\x00" in data:  # in one buyer's note: that must not keep the whole file from being audited
        data = data.replace(b"\x00", b"")
    if data.isascii():
        return "utf-8", data
    encoding = _guess(_telling(data), name)
    return encoding, data if encoding == "utf-8" else data.decode(encoding, "replace").encode()


def by_mark(data: bytes) -> tuple[str, bytes] | None:
    """The encoding that a byte order mark tells, and the bytes behind it."""
    return next(((encoding, data[len(bom) :]) for bom, encoding in _BOMS if data.startswith(bom)), None)


def _telling(data: bytes) -> bytes:
    """Whole lines around the first byte that is not ASCII: only these tell one encoding from another."""
    found = re.search(rb"[\x80-\xff]", data)
    start = data.rfind(b"\n", 0, found.start() if found else 0) + 1
    head = data[start : start + HEAD_BYTES]
    return head[: head.rfind(b"\n") + 1] or head


def _utf16(data: bytes) -> str | None:
    """UTF-16 without a byte order mark: line ends of two bytes, and text that can be printed."""
    if b"\n\x00" not in data and b"\x00\n" not in data:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = data[:4096].decode(encoding, "ignore")
        if sum(c.isprintable() or c in "\t\r\n\x01" for c in text) > 0.98 * len(text):
            return encoding
    return None


def _guess(head: bytes, name: str) -> str:
    """UTF-8, GB18030 or Big5, whichever decodes, or what proves itself another; a few broken lines do not decide."""
    foreign = None if _UTF8.search(head) else other_script(head)
    if foreign:
        return foreign
    if _errors(head, "utf-8") <= max(3, head.count(b"\n") // 50) and not _clean(head, "gb18030"):
        return "utf-8"
    if _speaks_utf8(head.split(b"\n", 1)[0]):  # other bytes further down spoil their own rows only
        return "utf-8"
    counts = {e: _errors(head, e) for e in ("utf-8", "gb18030", "big5hkscs")}
    if counts["utf-8"] == 0:
        return "utf-8"
    foreign = other_script(head)
    if foreign:
        return foreign
    traditional = counts["big5hkscs"] <= counts["gb18030"] and (
        is_big5(head) or (_big5(head) and not is_gb(head)) or is_likelier_big5(head)
    )
    encoding = "gb18030" if counts["gb18030"] <= counts["big5hkscs"] and not traditional else "big5hkscs"
    if counts[encoding] > max(3, head.count(b"\n") // 10):
        what = Words("无法识别文字编码", "the text encoding is not recognised")
        fix = Words("请用 UTF-8 或 GBK 编码另存", "save it as UTF-8 or GBK")
        raise OrderguardError(Problem(what, name, fix=fix))
    return encoding


def _speaks_utf8(line: bytes) -> bool:
    """Whether the first line that is not ASCII is UTF-8 beyond chance: characters of three bytes, two at least."""
    try:
        wide = [c for c in line.decode() if c > "\x7f"]
    except UnicodeDecodeError:
        return False
    return len(wide) >= 2 and all(c >= "\u0800" for c in wide)


def _clean(data: bytes, encoding: str) -> bool:
    return _errors(data, encoding) == 0


def _errors(data: bytes, encoding: str) -> int:
    return data.decode(encoding, "replace").count("�")


def _big5(head: bytes) -> bool:
    """Text that GB18030 reads as rare characters but Big5 as common ones (traditional headings)."""
    gb, big5 = head.decode("gb18030", "replace"), head.decode("big5hkscs", "replace")
    return sum(big5.count(c) for c in _COMMON) > sum(gb.count(c) for c in _SIMPLIFIED + _COMMON)


def _binary(name: str) -> Problem:
    what = Words("是二进制文件，不是文本表格", "is a binary file, not a text table")
    return Problem(what, name, fix=Words("请从后台重新导出 CSV 或 Excel", "export it again as CSV or Excel"))
