"""A shop's SQLite file, opened: while another program writes to it, it has to be waited for."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

from orderguard.databases import CANNOT, failed
from orderguard.errors import NOTHING, OrderguardError, Problem, Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from orderguard.databases import Address

_AT_ONCE = 1
"""Seconds of waiting that nobody is told of: most writers need less."""
_MOST = 30
"""Seconds after which a file that another program keeps locked is given up."""
_LOOK = "SELECT COUNT(*) FROM sqlite_master"


def opened(address: Address, say: Callable[[Words], None] | None, *, write: bool) -> sqlite3.Connection:
    """A connection to the file; with `write` it is made where there is none. `say` is told when it has to wait.

    Raises:
        OrderguardError: no such file, no database, or another program did not let go of it in time.
    """
    if not write and not address.path.is_file():
        what = Words("找不到这个数据库文件", "no such database file")
        fix = Words(
            "相对路径写 sqlite:///订单.db，绝对路径写 sqlite:////data/订单.db",
            "a relative path is written sqlite:///orders.db, an absolute one sqlite:////data/orders.db",
        )
        raise OrderguardError(Problem(what, address.shown, fix=fix))
    try:
        mode = "rwc" if write else "ro"
        uri = f"file:{quote(str(address.path.absolute()))}?mode={mode}"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_AT_ONCE)
        try:
            db.execute(_LOOK).fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            if say:
                zh, en = f"{address.shown} 正被另一个程序写入", f"another program is writing to {address.shown}"
                say(Words(f"{zh}，最多等 {_MOST} 秒…", f"{en}, waiting {_MOST} seconds at most..."))
        db.execute(f"PRAGMA busy_timeout = {_MOST * 1000}")
        db.execute(_LOOK).fetchone()
    except sqlite3.Error as error:
        fix = Words(
            "等那个程序写完再扫，或扫一份副本（sqlite3 原文件 '.backup 副本.db'）",
            "scan again when that program is done, or scan a copy (sqlite3 FILE '.backup copy.db')",
        )
        problem = failed(address, error, CANNOT, fix if "locked" in str(error) and not write else NOTHING)
        raise OrderguardError(problem) from None
    db.text_factory = lambda cell: cell.decode("utf-8", "replace")
    return db
