"""One person across platforms: orders linked by phone, account, e-mail, or name with address, step by step."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAST_NAME = 2
_NAMES_OF_MANY = (
    r"^(?:先生|女士|小姐|老师|同学|客户|顾客|买家|用户|收货人|收件人|匿名|本人|.{0,2}(?:收发室|前台|门卫|驿站|代收点))$"
)


def person_keys(orders: pl.DataFrame, platforms: Mapping[str, str] | None = None) -> pl.Series:
    """A key per order, equal for orders of one person; null where nothing tells who it is.

    Two orders are one person's when they share a readable phone number, an account of one platform, an e-mail address,
    or receiver's name and address; and so are orders linked through a third. Masked, blank and virtual values link
    nobody. The key depends on what the orders say only, not on their order.

    Args:
        orders: with `phone_key` and `address_key`.
        platforms: words for a platform (casefolded) -> one word, so that 京东 and `jd` have the same accounts.
    """
    nodes = orders.select(_phone(), _account(platforms or {}), _email(), _named())
    lists = (
        nodes.select(pl.concat_list(pl.all()).list.drop_nulls().alias("n"))
        .with_row_index("row")
        .explode("n")
        .drop_nulls()
    )
    if lists.is_empty():
        return pl.Series("person_key", [None] * len(orders), dtype=pl.String)
    first = _joined(lists)
    names = {node: "P-" + sha256(node.encode()).hexdigest()[:12] for node in first["least"].unique().to_list()}
    keyed = first.select("row", pl.col("least").replace_strict(names, return_dtype=pl.String).alias("key"))
    whole = pl.DataFrame({"row": pl.int_range(len(orders), dtype=pl.UInt32, eager=True)})
    return whole.join(keyed, on="row", how="left", maintain_order="left")["key"].alias("person_key")


def _joined(lists: pl.DataFrame) -> pl.DataFrame:
    """`row n` -> `row least`: each row with the least node of all that it is linked with."""
    least = lists.group_by("row").agg(pl.col("n").min().alias("least"))
    # Most orders share nothing: only rows with a node that occurs again take part.
    shared = lists.filter(pl.col("n").is_duplicated())
    if shared.is_empty():
        return least
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = parent[above]
            node = above
        return node

    for own, node in least.join(shared, on="row").select("least", "n").iter_rows():
        a, b = root(own), root(node)
        if a != b:
            parent[max(a, b)] = min(a, b)
    roots = {node: root(node) for node in list(parent)}
    return least.with_columns(pl.col("least").replace(roots))


def _open(name: str) -> pl.Expr:
    column = pl.col(name).str.strip_chars()
    return pl.when((column != "") & ~column.str.contains(r"[*＊●•]")).then(column.str.to_lowercase())


def _phone() -> pl.Expr:
    return pl.concat_str(pl.lit("phone "), "phone_key").alias("phone")


def _account(platforms: Mapping[str, str]) -> pl.Expr:
    own = pl.col("platform").str.to_lowercase().replace(dict(platforms))
    account = _open("buyer_id")
    with_mail = account.str.contains("@", literal=True)
    return (
        pl.when(with_mail)
        .then(pl.concat_str(pl.lit("mail "), account))
        .otherwise(pl.concat_str(pl.lit("account "), own, pl.lit(" "), account))
    ).alias("account")


def _email() -> pl.Expr:
    return pl.concat_str(pl.lit("mail "), _open("email")).alias("email")


def _named() -> pl.Expr:
    name = _open("receiver_name").str.normalize("NFKC").str.replace_all(r"\s+", "")
    told = (name.str.len_chars() >= _LEAST_NAME) & ~name.str.contains(_NAMES_OF_MANY)
    return pl.when(told).then(pl.concat_str(pl.lit("home "), name, pl.lit(" "), "address_key")).alias("named")
