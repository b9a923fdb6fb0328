"""Who is one person: orders that share a phone, an account, an e-mail address or a name with an address, and whom these share with.

The one definition for facts, limits and windows. Masked, blank and virtual values link nobody, nor do names of many (前台, 先生).
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

from orderguard.texts import HAN, mended

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES_OF_MANY = (
    r"^(?:先生|女士|小姐|老师|同学|客户|顾客|买家|用户|收货人|收件人|匿名|本人|.{0,2}(?:收发室|前台|门卫|驿站|代收点))$"
)
_LEAST_NAME = 2

READS = {
    "phone": {"phone_key"},
    "account": {"account_key", "buyer_id", "email"},
    "address": {"receiver_name", "address_key"},
}
"""What may make one person, and the columns that each of these needs."""
ALL = tuple(READS)


def _readable(name: str) -> pl.Expr:
    return mended(pl.col(name), r"[^0-9a-z]|^$", _unmasked)


def _unmasked(text: pl.Expr) -> pl.Expr:
    text = text.str.strip_chars()
    return pl.when((text != "") & ~text.str.contains(r"[*＊●•]")).then(text.str.to_lowercase())


def name_key() -> pl.Expr:
    """The receiver's name without blanks, in one width and case; null when it is blank or masked."""
    return _one_spelling("receiver_name", rf"[^{HAN}]").alias("name_key")


def buyer_name_key() -> pl.Expr:
    """The buyer's name, as `name_key` is the receiver's."""
    return _one_spelling("buyer_name", rf"[^{HAN}]").alias("buyer_name_key")


def email_key() -> pl.Expr:
    """The mail address in one width and case; null when it is blank or masked."""
    return _one_spelling("email", r"[^0-9a-z@._+-]|^$").alias("email_key")


def _one_spelling(column: str, odd: str) -> pl.Expr:
    text = mended(pl.col(column), odd, lambda c: _unmasked(c.str.normalize("NFKC")).str.replace_all(r"\s+", ""))
    return pl.when(text != "").then(text)


def name_of_one() -> pl.Expr:
    """The receiver's name without blanks; null when it is blank, masked, or says who anybody may be."""
    name = name_key()
    return pl.when((name != "") & ~name.str.contains(_NAMES_OF_MANY)).then(name)


def name_at_address() -> pl.Expr:
    """Receiver and address as one key; null when either is blank or masked."""
    return pl.concat_str(name_of_one(), "address_key", separator=" ")


def _nodes(by: Sequence[str]) -> dict[str, list[pl.Expr]]:
    """What links orders: kind -> columns; texts of one kind are compared with each other."""
    account = _readable("buyer_id")
    mailed = account.str.contains("@", literal=True)
    ways: dict[str, dict[str, list[pl.Expr]]] = {
        "phone": {"phone": [pl.col("phone_key")]},
        # An account that is a mail address is the same wherever it is used; others belong to their platform.
        "account": {
            "account": [pl.when(~mailed).then(pl.col("account_key").str.to_lowercase())],
            "mail": [pl.when(mailed).then(account), _readable("email")],
        },
        # A surname alone is no name: links that follow from each other need more.
        "address": {"home": [pl.when(name_of_one().str.len_chars() >= _LEAST_NAME).then(name_at_address())]},
    }
    return {kind: columns for b in ALL if b in by for kind, columns in ways[b].items()}


def persons(frame: pl.DataFrame, by: Sequence[str] = ALL) -> pl.Series:
    """The number of each order's person, which is its first row's; null (Int64) where nothing tells who it is.

    Args:
        frame: orders with the columns of `READS`.
        by: what may link two orders.
    """
    nodes = {k: [frame.select(c.alias("text")).to_series() for c in columns] for k, columns in _nodes(by).items()}
    known = pl.DataFrame([s.is_not_null().alias(f"{k}{i}") for k, some in nodes.items() for i, s in enumerate(some)])
    parent = _components([_shared_nodes(some) for some in nodes.values()], len(frame))
    return parent.set(~known.select(pl.any_horizontal(pl.all())).to_series(), None).alias("person")


def person_keys(frame: pl.DataFrame) -> pl.Series:
    """`person_key` per order: equal for orders of one person, and the same whatever the order of the rows."""
    told = [pl.concat_str(pl.lit(k + " "), c) for k, columns in _nodes(ALL).items() for c in columns]
    rows = frame.select(least=pl.min_horizontal(told)).with_columns(number=persons(frame))
    least = rows.drop_nulls().group_by("number").agg(pl.col("least").min())
    names = ["P-" + sha256(text.encode()).hexdigest()[:12] for text in least["least"]]
    named = least.select("number", key=pl.Series(names, dtype=pl.String))
    return rows.join(named, on="number", how="left", maintain_order="left")["key"].alias("person_key")


def _components(kinds: Sequence[pl.DataFrame], height: int) -> pl.Series:
    """The least row of each row's component, one kind of links after the other.

    Args:
        kinds: `row` and `node` (whatever number stands for the text), where several rows have the node.
        height: rows in all.
    """
    parent = pl.int_range(height, dtype=pl.Int64, eager=True)
    for links in kinds:
        edges = _linking_only(links.select("node", label=parent.gather(links["row"])))
        while len(edges):  # every label hooks to the least one that it shares a node with, until none shares any
            low = edges.group_by("node").agg(low=pl.col("label").min())
            low = edges.join(low, on="node").group_by("label").agg(pl.col("low").min())
            parent = parent.scatter(low["label"], low["low"])
            while not ((above := parent.gather(parent)) == parent).all():
                parent = above
            # What hangs together is one label from now on: less is left with every round.
            edges = _linking_only(edges.with_columns(label=parent.gather(edges["label"])))
    return parent


def _linking_only(edges: pl.DataFrame) -> pl.DataFrame:
    edges = edges.unique()
    return edges.filter(pl.col("node").is_duplicated())


def _shared_nodes(texts: Sequence[pl.Series]) -> pl.DataFrame:
    """`row` and `node` of the texts of one kind that several rows have.

    A node is the text's 64-bit hash: of ten million texts two are taken for one in one run of 300,000.
    """
    rows = [
        pl.DataFrame({"row": pl.int_range(len(s), dtype=pl.Int64, eager=True), "node": s.hash()}).filter(
            s.is_not_null()
        )
        for s in texts
    ]
    return _linking_only(pl.concat(rows))
