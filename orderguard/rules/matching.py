"""Which entry of a list each order meets: whole values, CIDR ranges, patterns."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.texts import HAN, mended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SEPARATORS = r"[\s\u00a0\u3000\u200b()（）,，。;；:：·\-_+]+"
_HAN = r"\p{Han}"
_ODD = rf"[^0-9a-z.{HAN}]|^(?:00)?86"
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


def first_met(frame: pl.DataFrame, groups: Mapping[str, list[Entry]]) -> pl.DataFrame:
    """The row of the first entry that each order meets, null where it meets none; a column for each group of entries.

    Args:
        frame: orders with the entries' columns.
        groups: name -> entries in order of precedence.
    """
    folded: dict[str, pl.Series] = {}

    def told(column: str) -> pl.Series:
        if column not in folded:
            folded[column] = frame.select(mended(pl.col(column), _ODD, fold)).to_series()
        return folded[column]

    none = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(frame))
    best = dict.fromkeys(groups, none)
    exact: dict[str, dict[str, dict[str, int]]] = {}
    for name, entries in groups.items():
        for rank, entry in enumerate(entries):
            if not _is_pattern(entry.value):
                for column in entry.columns:
                    exact.setdefault(column, {}).setdefault(name, {}).setdefault(entry.value, rank)
                continue
            for met in _patterned(frame, entry, told):
                best[name] = _better_rank(best[name], met, rank)
    for column, values in exact.items():
        for name, found in _entries_met(told(column), values, parts=column == "address_key"):
            best[name] = pl.select(pl.min_horizontal(best[name], found)).to_series()
    rows = {name: dict(enumerate(entry.row for entry in entries)) for name, entries in groups.items()}
    return pl.DataFrame(
        [
            (s.replace_strict(rows[name], default=None, return_dtype=pl.Int64) if rows[name] else s).alias(name)
            for name, s in best.items()
        ]
    )


def _is_pattern(value: str) -> bool:
    return "*" in value or _is_regex(value) or _network(value) is not None


def _patterned(frame: pl.DataFrame, entry: Entry, told: Callable[[str], pl.Series]) -> Iterator[pl.Series]:
    """Whether each order meets an entry that is no whole value, for each of its columns."""
    net = _network(entry.value)
    for column in entry.columns:
        if net is not None:
            if column == "ip":
                yield _in_network(frame["ip"], net)
        elif _is_regex(entry.value):
            yield frame[column].str.contains(entry.value[1:-1])
        else:
            yield told(column).str.contains(_glob(entry.value))


def _better_rank(best: pl.Series, met: pl.Series, rank: int) -> pl.Series:
    return pl.select(pl.when(met & (best.is_null() | (best > rank))).then(rank).otherwise(best)).to_series()


def _glob(value: str) -> str:
    parts = [re.escape(p) for p in pl.Series(value.split("*")).to_frame("v").select(fold(pl.col("v")))["v"]]
    return "(?s)^" + ".*".join(parts) + "$"


def _entries_met(text: pl.Series, groups: Mapping[str, dict[str, int]], *, parts: bool) -> list[tuple[str, pl.Series]]:
    """Group and rank of the entry that each text is, or (`parts`) that is a part of it."""
    out = []
    for name, values in groups.items():
        table = pl.DataFrame(
            {"value": list(values), "rank": list(values.values())}, schema={"value": pl.String, "rank": pl.Int64}
        )
        table = (
            table.with_columns(fold(pl.col("value")))
            .filter(pl.col("value") != "")
            .unique("value", keep="first", maintain_order=True)
        )
        none = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(text))
        rows = text.is_in(table["value"].implode()).fill_null(value=False).arg_true()
        met = pl.DataFrame({"value": text.gather(rows)}).join(table, on="value", how="left", maintain_order="left")
        out.append((name, none.scatter(rows, met["rank"])))
        if not parts:
            continue
        inside = table.filter(pl.col("value").str.contains(_HAN), pl.col("value").str.len_chars() >= _SHORTEST)
        if len(inside):  # an address is known by a part of it
            words = inside["value"].to_list()
            rows = text.str.contains_any(words).fill_null(value=False).arg_true()
            found = text.gather(rows).str.extract_many(words, overlapping=True)
            ranks = found.list.eval(
                pl.element().replace_strict(dict(inside.iter_rows()), default=None, return_dtype=pl.Int64)
            )
            out.append((name, none.scatter(rows, ranks.list.min())))
    return out


def _in_network(ips: pl.Series, net: tuple[bool, int, int]) -> pl.Series:
    four, low, high = net
    if four:
        parts = ips.str.extract_groups(_V4).struct.unnest().cast(pl.Int64)
        number = parts.select(pl.sum_horizontal(pl.nth(i) * 256 ** (3 - i) for i in range(4))).to_series()
        return ips.str.contains(_V4) & (number >= low) & (number <= high)
    six = ips.filter(ips.str.contains(":", literal=True)).unique()
    inside = [ip for ip in six.to_list() if low <= _ip_number(ip, ip_address) <= high]
    return ips.is_in(inside)


def _ip_number(ip: str, read: Callable[[str], object]) -> int:
    try:
        return int(read(ip))  # type: ignore[call-overload,no-any-return]
    except ValueError:
        return -1
