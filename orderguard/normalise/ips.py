"""Addresses on the net, in one spelling."""

from __future__ import annotations

import polars as pl

from orderguard.columns import BLANKS
from orderguard.normalise.cleaning import cleaned_series, without
from orderguard.normalise.values import filled

_PART = r"\.(?:0|[1-9][0-9]{0,2})"
_DOTTED = rf"^(?:[1-9]|1[013-9]|12[0-689]?|[2-9][0-9]|1[013-9][0-9]|2[0-9][0-9]){_PART}{_PART}{_PART}$"
"""Neither 0.0.0.0 nor 127.0.0.1, and no part that begins with a needless 0."""
_WIDE = {**{0xFF10 + n: str(n) for n in range(10)}, 0xFF0E: ".", 0xFF1A: ":", 0x3002: ".", 0xFF0C: ","}
_V4, _V6 = r"\d{1,3}(?:\.\d{1,3}){3}", r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]{0,15}){2,8}"
_AMONG = (
    r"(?i)^(?:(?:unknown|null|none|nil|未知|无|-+|127\.0\.0\.1|0\.0\.0\.0|::1)[\s,;；|、]+)*(?:(?:(?:下单|登录|客户端)?ip(?:v[46])?(?:地址)?|client(?:[ _-]?ip)?)\s*[:=]\s*|https?://)?"
    rf"[\"'“”]?({_V4}(?::\d+)?|{_V6}|\[{_V6}\](?::\d+)?)(?:%[\w.]+)?(?:/32|/128)?[\"'“”/]?(?:[\s,;；|、(（].*|/\d+\..*)?$"
)
"""The first address of a cell, between what stands before it (`IP:`, `unknown, `) and behind (a place, more addresses)."""
_NETWORK = rf"^{_V4}/(?:\d|[12]\d|3[01])$|^{_V6}/\d{{1,3}}$"
_GROUP = "[1-9a-f][0-9a-f]{0,3}"
_SHORTEST = rf"^(?:(?:{_GROUP}:){{7}}|{'|'.join(f'(?:{_GROUP}:){{{n}}}:(?:{_GROUP}:){{0,{5 - n}}}' for n in range(1, 6))}){_GROUP}$"
"""IPv6 in the spelling that RFC 5952 wants, without a group of zero but behind `::`: as most phones' addresses are."""
_NO_ADDRESS = ("0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104 - what proxies write when they know nothing


def ips(column: pl.Series, none: tuple[str, ...] = ()) -> pl.Series:
    """IP addresses in one spelling; null for none, local ones and masked ones (`10.0.x.x`), which must not group.

    The first of a forwarded list counts, whatever parts it; ports, labels and places go; IPv6 is compressed, IPv4 inside IPv6 unwrapped. What is no address
    stays as it is.

    Args:
        column: text with or without the marks of spreadsheets.
        none: words for no address.
    """
    odd = ~column.str.contains(_DOTTED).fill_null(value=True)
    if not odd.any():
        return column
    distinct = column.filter(odd).unique(maintain_order=True)
    kept = column.set(odd, None)
    return filled(
        column, kept, odd, pl.DataFrame({"text": distinct, "read": _odd_ips(without(cleaned_series(distinct), none))})
    )


def _odd_ips(column: pl.Series) -> pl.Series:
    plain = pl.Series(column.name, [t and t.translate(_WIDE) for t in column.to_list()], dtype=pl.String)
    among = plain.str.replace_all(r"[\r\n]+", ",").str.strip_chars(BLANKS).str.extract(_AMONG)
    text = pl.select(
        pl.coalesce(pl.lit(among), pl.lit(plain).str.split(",").list.first().str.strip_chars(BLANKS))
    ).to_series()
    text = text.str.replace(r"^(\d{1,3}(?:\.\d{1,3}){3}):\d+$", "$1").str.replace(
        r"^\[([0-9A-Fa-f:.]+)\](?::\d+)?$", "$1"
    )
    numbers = text.str.contains(r"^\d{1,3}(?:\.\d{1,3}){3}$").fill_null(value=False)
    text = text.set(numbers, None).fill_null(text.str.replace_all(r"(^|\.)0+(\d)", "$1$2"))
    masked = text.str.contains(_NETWORK).fill_null(value=False) | text.str.contains(
        r"\*|(?i)(^|[.:])x+([.:]|$)"
    ).fill_null(value=False)
    if text.str.contains(":", literal=True).any():
        distinct = text.filter(text.str.contains(":", literal=True) & ~text.str.contains(_SHORTEST)).unique()
        table = pl.DataFrame({"text": distinct, "one": [_one_spelling(v) for v in distinct.to_list()]})
        joined = pl.DataFrame({"text": text}).join(table, on="text", how="left", maintain_order="left")
        text = joined.select(pl.coalesce("one", "text")).to_series()
    gone = masked | text.is_in(list(_NO_ADDRESS)).fill_null(value=False)
    return text.set(gone, None).alias(column.name) if gone.any() else text.alias(column.name)


def _one_spelling(text: str) -> str:
    from ipaddress import IPv6Address, ip_address  # noqa: PLC0415 - few exports have IPv6

    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return text
    inside = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inside or address)
