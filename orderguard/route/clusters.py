"""Linked orders: the same IP, phone, address, device or account among the flagged form one cluster."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import KEY, LINKS, heading
from orderguard.frames import platform_id

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_STRANGERS = 20
"""A value shared by more different accounts than this is a gateway or a pick-up point: it links nobody, unless a
rule flagged the orders for sharing just that value."""

_SCHEMA = {
    "platform": pl.String,
    "order_id": pl.String,
    "cluster": pl.String,
    "cluster_size": pl.Int64,
    "linked_by": pl.String,
}


def link(flagged: pl.DataFrame, locale: str, ids: Mapping[str, str]) -> pl.DataFrame:
    """Connected components over shared values.

    Args:
        flagged: flagged orders with the columns of `LINKS` and the key. A Boolean column `burst` marks orders
            that a window rule flagged.
        locale: language of `linked_by`.
        ids: words for platforms: an account is one platform's, unless it is a mail address.

    Returns:
        `platform order_id cluster cluster_size linked_by`, same height and order. Cluster ids depend on the
        members only; `linked_by` names the shared values, at most three.
    """
    if flagged.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    shared: list[tuple[str, str, list[int]]] = []
    mail = pl.col("buyer_id").str.contains("@", literal=True)
    whose = pl.when(~mail).then(platform_id(ids)).alias("_whose")
    indexed = flagged.select(whose, *LINKS, "burst").with_row_index("_i")
    for name in LINKS:
        by = [name, "_whose"] if name == "buyer_id" else [name]
        value = pl.col(name)
        usable = indexed.filter(value.is_not_null() & (value != "") & ~value.str.contains("*", literal=True))
        usable = usable.filter(usable[name].hash().is_duplicated())  # most values stand alone: those are not grouped
        groups = usable.group_by(by).agg("_i", pl.col("buyer_id").n_unique().alias("people"), pl.col("burst").any())
        groups = groups.filter((pl.col("_i").list.len() > 1) & ((pl.col("people") <= MAX_STRANGERS) | pl.col("burst")))
        shared += [(name, text, rows) for text, rows in groups.sort(by).select(name, "_i").iter_rows()]
    for _, _, rows in shared:
        first = root(rows[0])
        for row in rows[1:]:
            other = root(row)
            first, other = min(first, other), max(first, other)
            parent[other] = first
    roots = {i: root(i) for i in parent}  # of those that share something; the others are clusters of their own
    why: dict[int, list[str]] = {}
    for name, text, rows in shared:
        why.setdefault(roots[rows[0]], []).append(f"{heading(name, locale)} {text}")
    speaks = flagged.select(pl.concat_str(KEY, separator="\x1f")).to_series().to_list()
    smallest: dict[int, str] = {}
    size: dict[int, int] = {}
    for i, r in roots.items():
        smallest[r] = min(speaks[i], smallest.get(r, speaks[i]))
        size[r] = size.get(r, 0) + 1
    sizes, linked = [1] * len(speaks), [""] * len(speaks)
    said = {r: "; ".join(words[:3]) for r, words in why.items()}
    for i, r in roots.items():
        speaks[i], sizes[i], linked[i] = smallest[r], size[r], said.get(r, "")
    return flagged.select(KEY).with_columns(
        cluster=pl.Series(["K-" + blake2b(key.encode(), digest_size=6).hexdigest() for key in speaks]),
        cluster_size=pl.Series(sizes, dtype=pl.Int64),
        linked_by=pl.Series(linked),
    )
