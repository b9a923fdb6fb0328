"""Which entry of a list each order meets: whole values, CIDR ranges, patterns."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

_SEPARATORS = r"[\s\u00a0\u3000\u200b()（）,，。;；:：·\-_+]+"
_HAN = r"\p{Han}"
_SHORTEST = 4  # characters of an address by which it is known
_V4 = r"^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$"


class Entry(NamedTuple):
    """One entry: its row in the table, what it says, and the columns it is compared with."""

    row: int
    value: str
    columns: tuple[str, ...]


def fold(text: pl.Expr) -> pl.Expr:
    """Spellings of one value are one: width, case, blanks, dashes; a Chinese mobile without +86."""
    plain = text.str.normalize("NFKC").str.to_lowercase().str.replace_all(_SEPARATORS, "")
    return plain.str.replace(r"^(?:00)?86(1[3-9]\d{9})$", "$1")


def wrong_value(value: str) -> bool:
    """True for a CIDR or regular expression that cannot be read."""
    if "/" in value and re.fullmatch(r"[0-9a-fA-F:.]+/\d{1,3}", value.strip()):
        return _network(value) is None
    if _is_regex(value):
        try:
            pl.Series(["a"]).str.contains(value[1:-1])
        except pl.exceptions.PolarsError:
            return True
    return False


def _network(value: str) -> tuple[bool, int, int] | None:
    """Version 4 or not, first and last address; None if it is no CIDR."""
    if not re.fullmatch(r"[0-9a-fA-F:.]+/\d{1,3}", value.strip()):
        return None
    try:
        net = ip_network(value.strip(), strict=False)
    except ValueError:
        return None
    return net.version == 4, int(net.network_address), int(net.broadcast_address)


def _is_regex(value: str) -> bool:
    return len(value) > 2 and value.startswith("/") and value.endswith("/")


def first_met(frame: pl.DataFrame, entries: list[Entry]) -> pl.Series:
    """The row of the first entry that each order meets, null where it meets none.

    Args:
        frame: orders with the entries' columns.
        entries: in order of precedence.
    """
    best = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(frame))
    exact: dict[str, dict[str, int]] = {}
    for rank, entry in enumerate(entries):
        net = _network(entry.value)
        for column in entry.columns:
            if net is not None:
                best = _earlier(best, _in_network(frame["ip"], net) if column == "ip" else None, rank)
            elif _is_regex(entry.value):
                best = _earlier(best, frame[column].str.contains(entry.value[1:-1]), rank)
            elif "*" in entry.value:
                best = _earlier(best, _glob(frame, column, entry.value), rank)
            else:
                exact.setdefault(column, {}).setdefault(entry.value, rank)
    for column, values in exact.items():
        for found in _whole(frame, column, values):
            best = pl.select(pl.min_horizontal(best, found)).to_series()
    rows = [entry.row for entry in entries]
    return best.replace_strict(dict(enumerate(rows)), default=None, return_dtype=pl.Int64) if rows else best


def _earlier(best: pl.Series, met: pl.Series | None, rank: int) -> pl.Series:
    if met is None:
        return best
    return pl.select(pl.when(met & (best.is_null() | (best > rank))).then(rank).otherwise(best)).to_series()


def _glob(frame: pl.DataFrame, column: str, value: str) -> pl.Series:
    parts = [re.escape(p) for p in pl.Series(value.split("*")).to_frame("v").select(fold(pl.col("v")))["v"]]
    return frame.select(fold(pl.col(column)).str.contains("(?s)^" + ".*".join(parts) + "$")).to_series()


def _whole(frame: pl.DataFrame, column: str, values: dict[str, int]) -> list[pl.Series]:
    table = pl.DataFrame(
        {"value": list(values), "rank": list(values.values())}, schema={"value": pl.String, "rank": pl.Int64}
    )
    table = (
        table.with_columns(fold(pl.col("value")))
        .filter(pl.col("value") != "")
        .unique("value", keep="first", maintain_order=True)
    )
    text = frame.select(value=fold(pl.col(column)))
    out = [text.join(table, on="value", how="left", maintain_order="left")["rank"]]
    if column == "address_key":  # an address is known by a part of it
        inside = table.filter(pl.col("value").str.contains(_HAN), pl.col("value").str.len_chars() >= _SHORTEST)
        if len(inside):
            found = text["value"].str.extract_many(inside["value"].to_list(), overlapping=True)
            ranks = found.list.eval(
                pl.element().replace_strict(dict(inside.iter_rows()), default=None, return_dtype=pl.Int64)
            )
            out.append(ranks.list.min())
    return out


def _in_network(ips: pl.Series, net: tuple[bool, int, int]) -> pl.Series:
    four, low, high = net
    if four:
        parts = ips.str.extract_groups(_V4).struct.unnest().cast(pl.Int64)
        number = parts.select(pl.sum_horizontal(pl.nth(i) * 256 ** (3 - i) for i in range(4))).to_series()
        return ips.str.contains(_V4) & (number >= low) & (number <= high)
    six = ips.filter(ips.str.contains(":", literal=True)).unique()
    inside = [ip for ip in six.to_list() if low <= _number(ip, ip_address) <= high]
    return ips.is_in(inside)


def _number(ip: str, read: Callable[[str], object]) -> int:
    try:
        return int(read(ip))  # type: ignore[call-overload,no-any-return]
    except ValueError:
        return -1
