"""Linked orders: the same IP, phone, address, device or account among the flagged form one cluster."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from orderguard.columns import KEY, heading

LINKS = ("ip", "phone_key", "address_key", "device_id", "buyer_id")
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


def link(flagged: pl.DataFrame, locale: str) -> pl.DataFrame:
    """Connected components over shared values.

    Args:
        flagged: flagged orders with the columns of `LINKS` and the key. A Boolean column `burst` marks orders
            that a window rule flagged.
        locale: language of `linked_by`.

    Returns:
        `platform order_id cluster cluster_size linked_by`, same height and order. Cluster ids depend on the
        members only; `linked_by` names the shared values, at most three.
    """
    if flagged.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    parent = list(range(len(flagged)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    shared: list[tuple[str, str, list[int]]] = []
    indexed = flagged.with_row_index("_i")
    for name in LINKS:
        value = pl.col(name)
        usable = indexed.filter(value.is_not_null() & (value != "") & ~value.str.contains("*", literal=True))
        groups = usable.group_by(name).agg("_i", pl.col("buyer_id").n_unique().alias("people"), pl.col("burst").any())
        groups = groups.filter((pl.col("_i").list.len() > 1) & ((pl.col("people") <= MAX_STRANGERS) | pl.col("burst")))
        shared += [(name, text, rows) for text, rows in groups.sort(name).select(name, "_i").iter_rows()]
    for _, _, rows in shared:
        first = root(rows[0])
        for row in rows[1:]:
            other = root(row)
            first, other = min(first, other), max(first, other)
            parent[other] = first
    roots = [root(i) for i in range(len(flagged))]
    why: dict[int, list[str]] = {}
    for name, text, rows in shared:
        why.setdefault(roots[rows[0]], []).append(f"{heading(name, locale)} {text}")
    keys = ["\x1f".join(map(str, k)) for k in flagged.select(KEY).iter_rows()]
    smallest: dict[int, str] = {}
    size: dict[int, int] = {}
    for key, r in zip(keys, roots, strict=True):
        smallest[r] = min(key, smallest.get(r, key))
        size[r] = size.get(r, 0) + 1
    ids = {r: "K-" + blake2b(key.encode(), digest_size=4).hexdigest() for r, key in smallest.items()}
    return flagged.select(KEY).with_columns(
        cluster=pl.Series([ids[r] for r in roots]),
        cluster_size=pl.Series([size[r] for r in roots], dtype=pl.Int64),
        linked_by=pl.Series(["; ".join(why.get(r, [])[:3]) for r in roots]),
    )
