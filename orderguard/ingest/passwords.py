"""Books that open with a password only: each line of a password file is tried. Passwords are told nowhere."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from orderguard.errors import OrderguardError, Problem, Words, unable

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 100


def load_passwords(path: str | None) -> tuple[str, ...]:
    """The lines of a password file, blank ones left out; none without a file.

    Raises:
        OrderguardError: the file is missing, not UTF-8, or without a password.
    """
    if path is None:
        return ()
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise OrderguardError(Problem(unable(Words("无法打开", "cannot be opened"), error), path)) from error
    except UnicodeDecodeError as error:
        what = Words("不是 UTF-8 文本", "is not UTF-8 text")
        raise OrderguardError(Problem(what, path, fix=Words("每行写一个密码", "write a password a line"))) from error
    found = tuple(line.strip("\r\n") for line in lines if line.strip())
    if not found or len(found) > _MOST:
        what = Words(f"应有 1 到 {_MOST} 个密码，每行一个", f"should hold 1 to {_MOST} passwords, one a line")
        raise OrderguardError(Problem(what, path))
    return found


def unlocked(data: bytes, name: str, passwords: Sequence[str]) -> bytes:
    """The book without its encryption.

    Raises:
        OrderguardError: no password fits, or none was given.
    """
    what = Words("Excel 文件有打开密码", "the Excel file is protected by a password")
    if not passwords:
        fix = Words(
            "把密码写进一个文本文件并加 --password-file FILE（每行一个密码）；或在 Excel 中去掉密码后另存再扫",
            "put the password into a text file and give it with --password-file FILE (one a line), or save without one",
        )
        raise OrderguardError(Problem(what, name, fix=fix))
    import msoffcrypto  # noqa: PLC0415 - only where a book is locked
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError  # noqa: PLC0415

    for password in passwords:
        for spelt in dict.fromkeys((password, password.strip())):
            try:
                book, out = msoffcrypto.OfficeFile(io.BytesIO(data)), io.BytesIO()
                book.load_key(password=spelt)
                book.decrypt(out)
            except (InvalidKeyError, DecryptionError):
                continue
            except (FileFormatError, ParseError, ValueError, KeyError, OSError) as error:
                broken = Words("加密的 Excel 文件损坏或不完整", "the protected Excel file is damaged or incomplete")
                fix = Words("请重新下载或导出", "download or export it again")
                raise OrderguardError(Problem(broken, name, fix=fix)) from error
            return out.getvalue()
    wrong = Words(
        f"给出的 {len(passwords)} 个密码都打不开这个 Excel 文件",
        f"none of the {len(passwords)} passwords given opens this Excel file",
    )
    fix = Words("核对 --password-file 里的密码", "check the passwords in the --password-file")
    raise OrderguardError(Problem(wrong, name, fix=fix))
