"""What databases say when they refuse, in Chinese, and what to do about it. Their own words are English."""

from __future__ import annotations

import re
from typing import NamedTuple

from orderguard.errors import NOTHING, Words


class Refusal(NamedTuple):
    """A usual refusal.

    Attributes:
        zh: what it means.
        fix: what to try.
    """

    zh: str
    fix: Words = NOTHING


_REACH = Words(
    "核对主机和端口，确认数据库已启动、网络相通",
    "check host and port, that the server runs and that the network reaches it",
)
_LOGIN = Words(
    "核对用户名和密码（ORDERGUARD_DB_PASSWORD 或 .pgpass）",
    "check user and password (ORDERGUARD_DB_PASSWORD or .pgpass)",
)
_GRANT = Words("请数据库管理员给此用户读取权限", "ask the database's administrator to let this user read it")
_NAMES = Words("核对库名", "check the database's name")
_QUERY = Words("核对 --query 里的表名、列名和写法", "check table, columns and spelling of --query")
_AGAIN = Words("稍后再试", "try again later")

_USUAL = (
    (r"connection refused|errno 111\b|errno 61\b|10061", Refusal("对方拒绝连接", _REACH)),
    (
        (r"could not translate host|failed to resolve host|name or service not known|nodename nor servname|no address associated"
        r"|name resolution|getaddrinfo|11001"),
        Refusal("找不到这台主机", _REACH),
    ),
    (r"no route to host|network is unreachable", Refusal("网络不通", _REACH)),
    (
        r"statement timeout|max_statement_time|max_execution_time|execution was interrupted|query_timeout|\b3024\b",
        Refusal("查询超时，被数据库中止", Words("缩小范围，如加 --since，或请管理员放宽时限", "ask for less, such as with --since, or for a longer limit")),
    ),
    (r"timed? ?out|timeout expired", Refusal("连接超时", _REACH)),
    (r"access denied for user .* to database|permission denied for database", Refusal("没有这个库的权限，或没有这个库", _GRANT)),
    (r"password authentication failed|access denied for user|no password supplied|authentication failed", Refusal("用户名或密码不对", _LOGIN)),
    (r"role \S+ does not exist", Refusal("没有这个用户", _LOGIN)),
    (r"pg_hba\.conf|is not allowed to connect", Refusal("数据库不允许这台机器以此用户连接", Words("请数据库管理员放行", "ask the database's administrator to allow it"))),
    (r"database \S+ does not exist|unknown database", Refusal("没有这个库", _NAMES)),
    (r"no such table|relation \S+ does not exist|table '\S+' doesn't exist|undefined table", Refusal("没有这个表", _QUERY)),
    (r"no such column|column \S+ does not exist|unknown column", Refusal("没有这一列", _QUERY)),
    (r"no such function|function .* does not exist", Refusal("没有这个函数", _QUERY)),
    (r"syntax error|error in your sql syntax|incomplete input|unrecognized token", Refusal("查询写法有误", _QUERY)),
    (r"permission denied|command denied|insufficient privilege|not authorized", Refusal("没有权限", _GRANT)),
    (r"read-only transaction|readonly database|read-only option", Refusal("数据库只读", _GRANT)),
    (r"too many (?:clients|connections)|connection slots", Refusal("数据库连接数已满", _AGAIN)),
    (r"database is locked|lock wait timeout|deadlock|could not obtain lock", Refusal("正被另一个程序占用", _AGAIN)),
    (
        r"closed the connection|lost connection|server has gone away|terminating connection|connection reset|broken pipe",
        Refusal("连接中断", _AGAIN),
    ),
    (r"\bssl\b|certificate|\btls\b", Refusal("加密连接没有谈成", Words("核对地址里的 sslmode 等选项", "check options such as sslmode in the address"))),
    (r"not a database|malformed", Refusal("不是数据库文件，或已损坏", Words("核对路径", "check the path"))),
    (r"disk is full|no space left|could not extend file", Refusal("磁盘已满", Words("清出空间", "make room on it"))),
    (r"unable to open", Refusal("打不开文件", Words("核对路径和权限", "check path and permissions"))),
)  # fmt: skip


def said(error: BaseException) -> str:
    """The first line of a driver's error, without the number that MySQL's puts before it."""
    told = error.args[1] if len(error.args) == 2 and isinstance(error.args[0], int) else str(error)
    return next((line.strip() for line in str(told).splitlines() if line.strip()), type(error).__name__)


def usual(text: str) -> Refusal | None:
    """The usual refusal that a text tells of, if it is one."""
    return next((refusal for pattern, refusal in _USUAL if re.search(pattern, text, re.IGNORECASE)), None)
