"""Whose case an id is: two orders in a million cases may have the same one by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.ledger.cases import longer_id

if TYPE_CHECKING:
    from orderguard.ledger import CaseBook


def numbered(orders: pl.DataFrame, cases: CaseBook) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders with a `case_id` that no other order has, and the cases known of them (`CaseBook.known`).

    Of a million cases two share an id by chance in one ledger of 500: the later order gets a longer one.
    """
    known, key = cases.known(orders["case_id"]), ["case_id", "order_id"]
    others = known.join(orders.select(key), on=key, how="anti")
    if others.is_empty() and orders["case_id"].n_unique() == len(orders):
        return orders, known
    of = dict(known.select(key).iter_rows())
    own = []
    for case, order in orders.select(key).iter_rows():
        own.append(case if of.setdefault(case, order) == order else longer_id(case, order))
    orders = orders.with_columns(case_id=pl.Series(own, dtype=pl.String))
    return orders, cases.known(orders["case_id"].unique(maintain_order=True)).join(
        orders.select(key), on=key, how="semi"
    )
