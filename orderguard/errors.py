"""What can go wrong, in words that an analyst can act on: where, what, what to try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

EXIT_ASKED = 1
EXIT_INPUT = 2
EXIT_DELIVERY = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
"""orderguard itself is wrong (EX_SOFTWARE of sysexits.h); never for wrong input."""


class Words(NamedTuple):
    """One message in both languages, written side by side where it is raised.

    Attributes:
        zh: Chinese.
        en: English.
    """

    zh: str
    en: str

    def pick(self, locale: str) -> str:
        """The text for a locale (anything that starts with `zh` is Chinese)."""
        return self.zh if locale.startswith("zh") else self.en


NOTHING = Words("", "")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in an input or a configuration file.

    Attributes:
        what: what is wrong.
        where: the file (and sheet) it is in; empty when it is not in a file.
        line: 1-based line or row; 0 when the whole file is meant.
        fix: what to try.
        fatal: False for a notice after which the file was still read.
    """

    what: Words
    where: str = ""
    line: int = 0
    fix: Words = NOTHING
    fatal: bool = True

    def text(self, locale: str) -> str:
        """`file:line: what; fix`: one line without control characters, safe on any terminal and in any log."""
        place = self.where + (f":{self.line}" if self.line else "")
        said, fix = self.what.pick(locale), self.fix.pick(locale)
        tail = ("；" if locale.startswith("zh") else "; ") + fix if fix else ""
        return printable((f"{place}: " if place else "") + said + tail)


class OrderguardError(Exception):
    """Wrong input or configuration: one or more problems, all shown at once (exit code 2)."""

    exit_code = EXIT_INPUT

    def __init__(self, *problems: Problem | Words) -> None:
        self.problems = [p if isinstance(p, Problem) else Problem(p) for p in problems]
        super().__init__("\n".join(p.text("en") for p in self.problems))


class DeliveryError(OrderguardError):
    """The audit is safe in the ledger, but an output could not be written (exit code 3)."""

    exit_code = EXIT_DELIVERY


def unable(what: Words, error: BaseException) -> Words:
    """What could not be done, and why the system or the database says it could not, in both languages.

    What they say of themselves is English; a reason that is not among the usual ones stays so.
    """
    from errno import errorcode  # noqa: PLC0415 - only when something is already wrong

    code = errorcode.get(getattr(error, "errno", None) or 0, "")
    told = str(getattr(error, "strerror", None) or error).strip().splitlines() or [type(error).__name__]
    zh = _SYSTEM.get(code) or next((zh for said, zh in _DATABASE.items() if said in told[0]), told[0])
    return Words(f"{what.zh}（{zh}）", f"{what.en} ({told[0]})")


_SYSTEM = {
    "ENOENT": "没有这个文件或文件夹", "EISDIR": "这是文件夹，不是文件", "ENOTDIR": "不是文件夹", "EEXIST": "已有同名文件",
    "EACCES": "没有权限", "EPERM": "没有权限", "EROFS": "磁盘只读", "ENOSPC": "磁盘已满", "EDQUOT": "磁盘配额已满", "ENAMETOOLONG": "名字太长",
    "EBADF": "已经关闭", "EBUSY": "正被占用", "ETXTBSY": "正被占用", "EMFILE": "打开的文件太多", "ENFILE": "打开的文件太多", "EFBIG": "文件太大", "EIO": "磁盘读写出错",
    "ELOOP": "链接绕成了圈", "ENOTEMPTY": "文件夹不是空的", "EADDRINUSE": "端口已被占用", "EPIPE": "对方已关闭", "ECONNREFUSED": "对方拒绝连接", "ENXIO": "设备不可用",
}  # fmt: skip
_DATABASE = {
    "database is locked": "正被另一个命令占用", "disk is full": "磁盘已满", "readonly database": "没有写权限", "unable to open": "打不开文件",
    "not a database": "不是台账文件", "malformed": "文件已损坏", "disk I/O": "磁盘读写出错", "Invalid thrift": "文件没写完，多半是磁盘已满",
    "No space left": "磁盘已满",
}  # fmt: skip


def printable(text: str) -> str:
    """`text` with every control, bidi and line-breaking character replaced by a space."""
    return "".join(c if c.isprintable() else " " for c in text)


def json_text(value: object, indent: int | None = 2) -> str:
    """JSON (one line with `indent=None`) with Chinese as it is, but control and bidirectional characters escaped: safe to show on a terminal."""
    import json  # noqa: PLC0415
    import re  # noqa: PLC0415

    text = json.dumps(value, ensure_ascii=False, indent=indent)
    marks = "[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
    return re.sub(marks, lambda found: f"\\u{ord(found[0]):04x}", text)


def closest(word: str, known: list[str]) -> Words:
    """A did-you-mean hint for `word`, or a list of what is known; nothing where nothing is."""
    from difflib import get_close_matches  # noqa: PLC0415 - only when something is already wrong

    near = get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return Words(f"是否想写 '{near[0]}'？", f"did you mean '{near[0]}'?")
    if not known:
        return NOTHING
    listed = ", ".join(known[:20])
    return Words(f"可用：{listed}", f"known: {listed}")
