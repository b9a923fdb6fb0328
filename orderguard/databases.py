"""Database addresses: who is meant, with which password, and a connection. Passwords never leave this module.

An address is written `postgresql://user@host:5432/db`, `mysql://user@host/db` or `sqlite:///path.db`. The password comes
from the environment (`ORDERGUARD_DB_PASSWORD`, `PGPASSWORD`, `MYSQL_PWD`) or from a file in the form of `.pgpass`
(`ORDERGUARD_DB_PASSFILE`, `PGPASSFILE`, `~/.pgpass`); one that stands in the address is used and masked everywhere.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from orderguard.dberrors import said, usual
from orderguard.errors import NOTHING, OrderguardError, Problem, Words, printable

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = {"sqlite": "sqlite", "postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_PASSWORDS = ("ORDERGUARD_DB_PASSWORD", "PGPASSWORD", "MYSQL_PWD")
_OWN = {"postgres": "PGPASSWORD", "mysql": "MYSQL_PWD"}
_PORTS = {"postgres": 5432, "mysql": 3306}
_SECONDS = 15


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Attributes:
        kind: `sqlite`, `postgres` or `mysql`.
        shown: the address as messages, outputs and the ledger call it: without password and options.
        path: of an SQLite file.
        user, host, port, name: of a server's database; port 0 where the address names none.
        options: what follows the `?`, for the driver.
    """

    kind: str
    shown: str
    path: Path = Path()
    user: str = ""
    host: str = ""
    port: int = 0
    name: str = ""
    options: dict[str, str] = field(default_factory=dict, repr=False)
    password: str = field(default="", repr=False)


class Mark(NamedTuple):
    """How far a table or query was read.

    Attributes:
        source: digest of address, table or query, and column: the same question.
        shown: the input as messages call it.
        column: what is compared.
        value: its highest value, as JSON.
        seen: digests of the rows that have exactly this value (or none): they are not read twice.
    """

    source: str
    shown: str
    column: str
    value: str
    seen: tuple[str, ...] = ()


def is_address(text: str) -> bool:
    """Whether a path of the command line is a database's address."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.\-]{1,30}://", text) is not None


def parse_address(text: str) -> Address:
    """Read an address.

    Raises:
        OrderguardError: an unknown kind of database, or no host, file or database in it.
    """
    scheme, _, rest = text.partition("://")
    kind = _KINDS.get(scheme.lower().partition("+")[0])
    if kind is None:
        what = Words(f"不支持的数据库 {printable(scheme)}", f"unknown kind of database {printable(scheme)}")
        fix = Words(
            "支持 postgresql://、mysql://、sqlite:///文件", "known are postgresql://, mysql:// and sqlite:///file"
        )
        raise OrderguardError(Problem(what, _hidden(text), fix=fix))
    if kind == "sqlite":
        return _file(rest)
    try:
        parts = urlsplit(f"{kind}://{rest}")
        port = parts.port or 0
    except ValueError:
        raise _unreadable(text) from None
    options = dict(parse_qsl(parts.query))
    host = parts.hostname or options.pop("host", "")
    name, user = unquote(parts.path.lstrip("/")), unquote(parts.username or options.pop("user", ""))
    if not name:
        raise _unreadable(text)
    password = unquote(parts.password or options.pop("password", ""))
    options.pop("password", None)
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    shown = f"{'postgresql' if kind == 'postgres' else kind}://{quote(user) + '@' if user else ''}{place}/{name}"
    return Address(kind, printable(shown), Path(), user, host, port, name, options, password)


def _hidden(text: str) -> str:
    """An address that is not understood: nobody knows where its password stands, so nothing of it is shown."""
    return printable(text.partition("://")[0]) + "://***"


def _unreadable(text: str) -> OrderguardError:
    fix = Words("写成 postgresql://用户@主机:端口/库名", "write postgresql://user@host:port/database")
    if "@" in text:
        fix = Words(
            f"{fix.zh}；密码放进环境变量 ORDERGUARD_DB_PASSWORD，或把其中的 @ : / # 写成 %40 %3A %2F %23",
            f"{fix.en}; put the password into ORDERGUARD_DB_PASSWORD, or write its @ : / # as %40 %3A %2F %23",
        )
    return OrderguardError(
        Problem(Words("数据库地址不完整", "the database address is incomplete"), _hidden(text), fix=fix)
    )


def _file(rest: str) -> Address:
    """`sqlite:////a.db` is absolute. `sqlite:///a.db` is relative, but for a path that exists from the root only."""
    text = unquote(rest.partition("?")[0])
    if not text.strip("/"):
        what = Words("没有写数据库文件", "names no database file")
        fix = Words("写成 sqlite:///订单.db", "write sqlite:///orders.db")
        raise OrderguardError(Problem(what, "sqlite://", fix=fix))
    text = "//" + text.lstrip("/") if text.startswith("//") else text
    path = Path(text.removeprefix("/"))
    rooted = Path(text)
    if text.startswith("/") and not path.is_absolute() and not path.exists():
        here = path.parent.is_dir() and path.parent != rooted.parent
        path = rooted if rooted.exists() or (not here and rooted.parent.is_dir()) else path
    return Address("sqlite", f"sqlite:///{printable(str(path))}", path)


def connect(address: Address, *, write: bool = False, say: Callable[[Words], None] | None = None) -> Any:
    """A connection (Python DB-API), reading unless `write`; `say` is told when it has to wait.

    Raises:
        OrderguardError: the driver is not installed, the file does not exist, or the server refuses.
    """
    if address.kind == "sqlite":
        from orderguard.sqlites import opened  # noqa: PLC0415 - it needs this module

        return opened(address, say, write=write)
    return _postgres(address, write=write) if address.kind == "postgres" else _mysql(address, write=write)


def failed(address: Address, error: BaseException, doing: Words, fix: Words = NOTHING) -> Problem:
    """What to say of a driver's error: what it means, and its first line, without anything secret.

    Args:
        address: of the database.
        error: the driver's.
        doing: what could not be done.
        fix: what to try after what the refusal itself calls for.
    """
    told = said(error)
    refusal, shown = usual(told), scrub(address, told)[:300]
    own = refusal.fix if refusal else NOTHING
    fixes = [f for f in (own, fix) if any(f)]
    what = Words(
        f"{doing.zh}：{refusal.zh}（{shown}）" if refusal else f"{doing.zh}（{shown}）", f"{doing.en} ({shown})"
    )
    return Problem(what, address.shown, fix=Words("；".join(f.zh for f in fixes), "; ".join(f.en for f in fixes)))


def scrub(address: Address, text: str) -> str:
    """`text` without any password that may be in it."""
    secrets = {address.password, quote(address.password), *(os.environ.get(n, "") for n in _PASSWORDS)}
    secrets.add(_from_passfile(address) or "")
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return printable(text)


def _given_password(address: Address) -> str | None:
    return address.password or os.environ.get("ORDERGUARD_DB_PASSWORD") or os.environ.get(_OWN[address.kind]) or None


def _passfile() -> Path:
    named = os.environ.get("ORDERGUARD_DB_PASSFILE") or os.environ.get("PGPASSFILE")
    return Path(named) if named else Path.home() / ".pgpass"


def _from_passfile(address: Address) -> str | None:
    """The password of the first line `host:port:database:user:password` that fits; `*` fits all."""
    if address.kind not in _PORTS:
        return None
    try:
        path = _passfile()
        lines = path.read_text(encoding="utf-8").splitlines()
        if os.name == "posix" and path.stat().st_mode & 0o077:
            return None  # as libpq does: a password that others can read is none
    except (OSError, UnicodeDecodeError, RuntimeError):
        return None
    wanted = (address.host or "localhost", str(address.port or _PORTS[address.kind]), address.name, address.user)
    for line in lines:
        parts = [re.sub(r"\\(.)", r"\1", p) for p in re.findall(r"((?:\\.|[^:\\])*)(?::|$)", line)][:5]
        if (
            not line.startswith("#")
            and len(parts) == 5
            and all(p in {"*", w} for p, w in zip(parts, wanted, strict=False))
        ):
            return parts[4]
    return None


def _missing(address: Address, extra: str) -> OrderguardError:
    what = Words("缺少数据库驱动", "the database driver is not installed")
    command = f"pip install 'orderguard[{extra}]'"
    return OrderguardError(Problem(what, address.shown, fix=Words(f"运行 {command}", f"run {command}")))


CANNOT = Words("无法连接数据库", "cannot connect to the database")


def _postgres(address: Address, *, write: bool) -> Any:
    try:
        import psycopg  # noqa: PLC0415
    except ImportError:
        raise _missing(address, "postgres") from None
    given: dict[str, Any] = {"host": address.host, "port": address.port, "user": address.user, "dbname": address.name}
    given["password"] = _given_password(address) or _from_passfile(address)
    given = {k: v for k, v in given.items() if v}
    try:
        db = psycopg.connect("", **{"connect_timeout": _SECONDS, **address.options, **given})
        db.execute("SET TIME ZONE 'UTC'")
        db.execute("SET datestyle = 'ISO, YMD'")
        db.execute("SET client_encoding = 'UTF8'")
        db.execute("SET extra_float_digits = 1")
        db.commit()
        if not write:
            db.isolation_level, db.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
    except (psycopg.Error, UnicodeError, ValueError) as error:
        raise OrderguardError(failed(address, error, CANNOT)) from None
    return db


def _mysql(address: Address, *, write: bool) -> Any:
    try:
        import pymysql  # noqa: PLC0415
        from pymysql.converters import conversions  # noqa: PLC0415
    except ImportError:
        raise _missing(address, "mysql") from None
    as_sent = {k: v for k, v in conversions.items() if not isinstance(k, int)}  # every cell stays the text it came as
    password = _given_password(address) or _from_passfile(address) or ""
    known = {"unix_socket": str, "ssl_ca": str, "ssl_cert": str, "ssl_key": str, "ssl_disabled": bool}
    try:
        db = pymysql.connect(
            host=address.host or "localhost", port=address.port or 3306, user=address.user or None, password=password,
            database=address.name, charset="utf8mb4", conv=as_sent, connect_timeout=_SECONDS,
            **{k: known[k](v) for k, v in address.options.items() if k in known},
        )  # fmt: skip
        with db.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(f"START TRANSACTION{'' if write else ' WITH CONSISTENT SNAPSHOT, READ ONLY'}")
    except (pymysql.Error, OSError, RuntimeError, ValueError) as error:
        raise OrderguardError(failed(address, error, CANNOT)) from None
    return db
