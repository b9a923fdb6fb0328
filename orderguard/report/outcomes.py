"""What came after the sale: refunds, claims and wrong deliveries among held, reviewed and passed orders."""

from __future__ import annotations

from typing import Any

import polars as pl

from orderguard.report.headline import money
from orderguard.report.stats import share

KINDS = ("refund", "claim", "wrong_delivery", "abnormal")
ABNORMAL = ("claim", "wrong_delivery", "abnormal")
"""Kinds that say that an order was abnormal; an ordinary refund does not."""
GROUPS = ("held", "reviewed", "passed")


def matched(outcomes: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Outcomes of the period's orders: by order number and platform, by number alone where it names none.

    An outcome without a platform whose number several platforms have belongs to none of them.

    Args:
        outcomes: `key pid order_id kind amount currency`.
        orders: of the period, at least those whose number an outcome has.
    """
    named = outcomes.filter(pl.col("pid").is_not_null()).join(orders.select("key"), on="key", how="semi")
    bare = outcomes.filter(pl.col("pid").is_null()).drop("pid", "key")
    numbers = bare.select("order_id").unique()
    single = orders.select("key", "pid", "order_id").join(numbers, on="order_id", how="semi")
    found = bare.join(single.filter(pl.len().over("order_id") == 1), on="order_id", how="inner")
    return pl.concat([named, found.select(named.columns)])


def after_sales(outcomes: pl.DataFrame, found: pl.DataFrame, orders: int, flagged: pl.DataFrame) -> dict[str, Any]:
    """Counts and money per group of orders.

    Args:
        outcomes: all rows of the file, see `matched`.
        found: those that `matched`.
        orders: how many orders the period has.
        flagged: its cases.

    Returns:
        `rows matched unmatched groups`; `saved`: orders confirmed before they had left, without trouble afterwards; `missed`:
        orders with trouble that were let go or never flagged, as `misses` has them.
    """
    group = pl.when(pl.col("band") == "hold").then(pl.lit("held")).otherwise(pl.lit("reviewed"))
    cases = flagged.select("key", group.alias("group"))
    told = found.join(cases, on="key", how="left").with_columns(pl.col("group").fill_null("passed"))
    sizes = dict(cases["group"].value_counts().iter_rows())
    sizes["passed"] = orders - sum(sizes.values())
    groups = []
    for name in GROUPS:
        part = told.filter(pl.col("group") == name)
        n = sizes.get(name, 0)
        bad = part.filter(pl.col("kind").is_in(ABNORMAL))
        counts = {k: part.filter(pl.col("kind") == k).select("key").unique().height for k in KINDS}
        groups.append({
            "group": name,
            "orders": n,
            **counts,
            **share("any_share", part.select("key").unique().height, n),
            **share("abnormal_share", bad.select("key").unique().height, n),
            "money": money(part)["amounts"],
            "abnormal_money": money(bad)["amounts"],
        })  # fmt: skip
    passed = told.filter(pl.col("kind").is_in(ABNORMAL)).join(misses(found, flagged), on="key", how="semi")
    # In whichever band it stood: learnt points move rules from hold to review, and what agents stop is stopped.
    left = pl.col("ended").is_in(["shipped", "done"]).fill_null(value=False)
    stopped = flagged.filter((pl.col("outcome") == "confirmed") & ~left)
    unhurt = stopped.join(found.filter(pl.col("kind").is_in(ABNORMAL)), on="key", how="anti")
    return {
        "rows": len(outcomes),
        "matched": len(found),
        "unmatched": len(outcomes) - len(found),
        "groups": groups,
        "saved": money(unhurt),
        "missed": {"cases": passed.select("key").unique().height, **money(passed)},
    }


def misses(found: pl.DataFrame, flagged: pl.DataFrame) -> pl.DataFrame:
    """Orders that after-sales shows to be abnormal and that were let go or never flagged: `key weight`."""
    bad = found.filter(pl.col("kind").is_in(ABNORMAL)).select("key").unique()
    caught = flagged.filter(pl.col("outcome").is_in(["confirmed", "open"])).select("key")
    return bad.join(caught, on="key", how="anti").with_columns(weight=pl.lit(1.0))
