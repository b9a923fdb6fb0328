"""Where notices go: targets as written in team.yaml, their secrets from the environment, their harmless labels."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from orderguard.errors import OrderguardError, Problem, Words, printable
from orderguard.outbox.sms import SCHEMES, check_sms

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPEN_HOSTS = {"json", "jsons", "xml", "xmls", "form", "forms", "http", "https", "mailto", "mailtos"}
"""Schemes whose host is no secret; of all others nothing but the scheme is shown."""


class Target(NamedTuple):
    """One place to send to.

    Attributes:
        key: stands for the target as written, in the ledger.
        label: what may be shown: scheme, names of variables, for webhooks and mail the host.
        url: with secrets, for apprise; never stored or shown.
        secrets: texts that must not be seen in any message.
    """

    key: str
    label: str
    url: str
    secrets: tuple[str, ...]


def target_key(written: str) -> str:
    """Ten hex digits that stand for a target as it is written in team.yaml."""
    return blake2b(written.encode(), digest_size=5).hexdigest()


def target_label(written: str) -> str:
    """A target without anything that could be secret: `wecombot://${WECOM_KEY}`, `json://127.0.0.1:8080/***`."""
    scheme, found, rest = written.partition("://")
    if not found:
        return "".join(f"${{{n}}}" for n in _VARIABLE.findall(written)) or printable(written)[:40]
    names = "".join(f"${{{n}}}" for n in _VARIABLE.findall(rest))
    host = ""
    if scheme.lower() in _OPEN_HOSTS:
        place = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        host = place if not _VARIABLE.search(place) else ""
    hidden = _VARIABLE.sub("", rest).strip("/@:?&=,") != host
    return printable(f"{scheme}://{host}{'/' if host and (names or hidden) else ''}{names}{'***' if hidden else ''}")


def resolve(written: str, environment: Mapping[str, str], where: str) -> Target:
    """A target with its variables filled in, as a URL that apprise knows.

    Args:
        written: as in team.yaml.
        environment: where secrets come from.
        where: the file to name in messages.

    Raises:
        OrderguardError: a variable is not set, or apprise cannot send there.
    """
    missing = [n for n in _VARIABLE.findall(written) if not _NAME.fullmatch(n) or not environment.get(n)]
    if missing:
        missing = list(dict.fromkeys(missing))
        zh, en = "、".join(missing), ", ".join(missing)
        what = Words(
            f"通知目标要用环境变量 {zh}，但没有设置",
            f"a notice target needs environment variables that are not set: {en}",
        )
        fix = Words(
            f"先设置：{'；'.join(f'export {n}=…' for n in missing)}；不想发送就去掉 --notify",
            f"set it ({'; '.join(f'export {n}=...' for n in missing)}), or leave out --notify",
        )
        raise OrderguardError(Problem(what, where, fix=fix))
    values = [environment[n] for n in _VARIABLE.findall(written)]
    full = _VARIABLE.sub(lambda m: environment[m[1]], written).strip()
    label = target_label(written)
    url = _for_apprise(full)
    pieces = [p for p in re.split(r"[/?&=@:#,\s]+", full) if len(p) >= 4 and p not in label]
    target = Target(
        target_key(written), label, url, tuple(sorted({full, url, *values, *pieces}, key=len, reverse=True))
    )
    _check_sendable(target, where)
    return target


def _for_apprise(url: str) -> str:
    """Robot addresses as the chat programs show them, and plain webhooks, as apprise spells them."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    robot = re.fullmatch(r"/open-apis/bot/v2/hook/([\w-]+)/?", parts.path)
    if parts.hostname == "open.feishu.cn" and robot:
        return f"feishu://{robot[1]}"
    if parts.hostname == "open.larksuite.com" and robot:
        return f"lark://{robot[1]}"
    if parts.hostname == "oapi.dingtalk.com" and query.get("access_token"):
        secret = quote(query["secret"], safe="") + "@" if query.get("secret") else ""
        return f"dingtalk://{secret}{quote(query['access_token'], safe='')}"
    if parts.hostname == "qyapi.weixin.qq.com" and query.get("key"):
        return f"wecombot://{quote(query['key'], safe='')}"
    if parts.scheme in {"http", "https"}:
        # Of a plain webhook's own parameters, apprise hands on those that start with a minus.
        own = "&".join(f"-{quote(k, safe='')}={quote(v, safe='')}" for k, v in parse_qsl(parts.query))
        scheme = "json" if parts.scheme == "http" else "jsons"
        return f"{scheme}://{parts.netloc}{parts.path or '/'}{'?' + own if own else ''}"
    return url


PLACES = ("name", "region", "new", "hold", "review", "due", "platforms", "overdue")
"""The figures of a notice."""


def _check_sendable(target: Target, where: str) -> None:
    if target.url.partition("://")[0] in SCHEMES:
        check_sms(target.url, PLACES, target.label, where)
        return
    from apprise import Apprise  # noqa: PLC0415 - 0.3 s that only --notify pays

    if "://" not in target.url or Apprise.instantiate(target.url, suppress_exceptions=True) is None:
        what = Words(
            f"通知目标 {target.label} 不是可发送的地址",
            f"the notice target {target.label} is not an address to send to",
        )
        fix = Words(
            "写成 wecombot://密钥、dingtalk://令牌、feishu://令牌、mailtos://…、json://主机/路径 或 https:// 网址",
            "write wecombot://KEY, dingtalk://TOKEN, feishu://TOKEN, mailtos://..., json://host/path or an https:// address",
        )
        raise OrderguardError(Problem(what, where, fix=fix))
