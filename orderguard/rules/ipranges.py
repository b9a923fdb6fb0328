"""Where an IP is, by a table of ranges that the shop supplies: `network` (a CIDR) or `start` and `end`."""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from orderguard.errors import Words
from orderguard.rules.tables import Cell, Shape

RANGES = Shape({
    "start": Cell(("network", "start", "cidr", "ip_from", "start_ip", "ip_start", "range_start", "网段", "起始", "起始ip", "开始ip", "ip"), required=True),
    "end": Cell(("end", "ip_to", "end_ip", "ip_end", "range_end", "结束", "结束ip", "终止ip")),
    "province": Cell(("province", "region", "stateprov", "region_name", "subdivision", "省", "省份", "地区"), "province"),
    "city": Cell(("city", "city_name", "市", "城市")),
    "lat": Cell(("lat", "latitude", "纬度"), "number"),
    "lon": Cell(("lon", "lng", "longitude", "经度"), "number"),
})  # fmt: skip
_V4_MAX = 1 << 32
_OCTETS = r"^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$"


class _Range(NamedTuple):
    first: int
    last: int
    six: bool
    row: int
    at: int


def _number(text: str, *, six: bool = False) -> tuple[int, bool]:
    """An address as a number (tables of ranges often write it so), and whether it is version 6."""
    if text.isdecimal():
        value = int(text)
        return value, six or value >= _V4_MAX
    found = ip_address(text)
    return int(found), found.version == 6


def _read(start: str, end: str | None) -> tuple[int, int, bool]:
    """First and last address of a range; raises ValueError."""
    if "/" in start:
        net = ip_network(start, strict=False)
        return int(net.network_address), int(net.broadcast_address), net.version == 6
    last, six = _number(end or start)
    first, other = _number(start, six=six)
    if six != other or last < first:
        raise ValueError(start)
    return first, last, six


def _ranges(table: pl.DataFrame) -> tuple[list[_Range], list[int]]:
    """The ranges in order, and the rows that cannot be read."""
    good, bad = [], []
    for at, (start, end, row) in enumerate(table.select("start", "end", "source_row").iter_rows()):
        try:
            good.append(_Range(*_read(start, end), row, at))
        except ValueError:
            bad.append(row)
    return sorted(good, key=lambda r: (r.six, r.first, r.last)), bad


def unfit_ranges(table: pl.DataFrame, *, points: bool) -> list[tuple[int, Words]]:
    """Rows of a table of ranges that cannot be used, and why; `points`: places are needed as coordinates."""
    ranges, bad = _ranges(table)
    said = Words("不是有效的 IP、网段或起止范围", "is no valid IP, CIDR, or range from start to end")
    out = [(row, said) for row in bad]
    for one, other in pairwise(ranges):
        if one.six == other.six and other.first <= one.last:
            out.append((other.row, Words(f"与第 {one.row} 行的范围重叠", f"overlaps with row {one.row}")))
    known = pl.all_horizontal("lat", "lon").is_not_null() if points else pl.col("province").is_not_null()
    if not table.select(known.any()).item():
        what = Words(
            "没有经纬度：用 same_province，或加上 lat、lon 列",
            "holds no coordinates: use same_province, or add lat and lon",
        )
        out.append((1, what if points else Words("没有省份列", "holds no province")))
    return out


def places_of(ips: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """`province city lat lon` of each IP; null where no range holds it, and for a masked or blank one."""
    ranges, _ = _ranges(table)
    distinct = pl.DataFrame({"ip": ips.drop_nulls().unique()})
    parts = distinct["ip"].str.extract_groups(_OCTETS).struct.unnest().cast(pl.Int64)
    octets = pl.all_horizontal(pl.all().is_between(0, 255))
    four = parts.select(
        pl.when(octets).then(pl.sum_horizontal(pl.nth(i) * 256 ** (3 - i) for i in range(4)))
    ).to_series()
    own = [r for r in ranges if not r.six]
    at = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(distinct))
    if own:
        firsts = pl.Series([r.first for r in own], dtype=pl.Int64)
        hit = firsts.search_sorted(four.fill_null(0), side="right").cast(pl.Int64) - 1
        last = pl.Series([r.last for r in own], dtype=pl.Int64).gather(hit.clip(0))
        rows = pl.Series([r.at for r in own], dtype=pl.Int64).gather(hit.clip(0))
        at = rows.set(~((hit >= 0) & (four <= last)).fill_null(value=False), None)
    at = _six(distinct["ip"], [r for r in ranges if r.six], at)
    found = distinct.with_columns(
        table.select("province", "city", "lat", "lon").with_row_index("n").select(pl.all().exclude("n").gather(at))
    )
    return ips.to_frame("ip").join(found, on="ip", how="left", maintain_order="left").drop("ip")


def _six(ips: pl.Series, ranges: list[_Range], at: pl.Series) -> pl.Series:
    """`at` with the rows of version 6 addresses filled: numbers of 128 bits, one by one."""
    firsts = [r.first for r in ranges]
    found: dict[int, int] = {}
    for i in ips.str.contains(":", literal=True).arg_true().to_list() if ranges else ():
        try:
            value = int(ip_address(ips[i]))
        except ValueError:
            continue
        k = bisect_right(firsts, value) - 1
        if k >= 0 and value <= ranges[k].last:
            found[i] = ranges[k].at
    return at.scatter(list(found), list(found.values())) if found else at
