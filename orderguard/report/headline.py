"""The first lines of the page: how many orders, what became of them, how fast, and the money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.report.stats import quantiles, share
from orderguard.statuses import OVER

if TYPE_CHECKING:
    from datetime import datetime

SHOP_CURRENCY = "CNY"
"""What an export without a currency is counted in, as `columns.ORDERS` says."""


MISTAKEN = ("false_alarm", "released")
"""What became of an order that was held by mistake."""


def headline(scanned: int, flagged: pl.DataFrame, now: datetime) -> dict[str, Any]:
    """Figures of one period.

    Args:
        scanned: distinct orders made in the period.
        flagged: its cases, see `figures.flagged_orders`.
        now: the clock, for what is overdue.
    """
    counts = dict(flagged["outcome"].value_counts().iter_rows())
    held = flagged.filter(pl.col("band") == "hold")
    confirmed, false = counts.get("confirmed", 0), counts.get("false_alarm", 0)
    found = flagged.select(seconds=(pl.col("opened_at") - pl.col("created_at")).dt.total_seconds())["seconds"]
    handled = flagged.select(seconds=(pl.col("decided_at") - pl.col("begun_at")).dt.total_seconds())["seconds"]
    waiting = flagged.filter(pl.col("outcome") == "open")
    kept, mistaken = held.filter(pl.col("outcome") == "confirmed"), held.filter(pl.col("outcome").is_in(MISTAKEN))
    judged = len(held.filter(pl.col("outcome").is_in(["confirmed", "false_alarm"])))
    return {
        "scanned": scanned,
        "flagged": len(flagged),
        "held": len(held),
        "review": len(flagged) - len(held),
        "confirmed": confirmed,
        "false_alarms": false,
        "released": counts.get("released", 0),
        "timed_out": counts.get("timed_out", 0),
        "over": counts.get("over", 0),
        "over_before_review": over_before_review(flagged),
        "open": counts.get("open", 0),
        "other": counts.get("other", 0),
        "investigating": int((waiting["state"] == "investigating").sum()),
        "overdue": int((waiting["due_at"] < now).sum()),
        "clusters": flagged.filter(pl.len().over("ledger", "cluster") > 1)["cluster"].n_unique() if len(flagged) else 0,
        **share("flagged_share", len(flagged), scanned),
        **share("precision", confirmed, confirmed + false),
        "held_by_mistake": len(mistaken),
        **share("hold_precision", len(kept), judged),
        "detection_seconds": quantiles(found.filter(found >= 0)),
        "flagged_before_ordered": int((found < 0).sum()),
        "handling_seconds": quantiles(handled),
        "money_at_risk": money(flagged.filter(pl.col("outcome") == "confirmed")),
        "money_held_by_mistake": money(mistaken),
    }


def over_before_review(flagged: pl.DataFrame) -> dict[str, int]:
    """Flagged orders that were over before anybody decided, decided afterwards or not.

    Returns:
        `orders held shipped done closed refunded judged_later`: all of them, of these on hold, by what they were over as,
        and those that got a verdict (or were let go) afterwards.
    """
    unseen = flagged.filter("unseen")
    stages = dict(unseen["ended"].value_counts().iter_rows())
    return {
        "orders": len(unseen),
        "held": int((unseen["band"] == "hold").sum()),
        **{stage: stages.get(stage, 0) for stage in OVER},
        "judged_later": int((unseen["outcome"] != "over").sum()),
    }


def money(orders: pl.DataFrame) -> dict[str, Any]:
    """`orders without_amount amounts`: what the orders come to in each currency, exact to the cent."""
    known = orders.filter(pl.col("amount").is_not_null())
    code = pl.col("currency").cast(pl.String).fill_null(SHOP_CURRENCY)
    sums = known.group_by(code.alias("code")).agg(pl.col("amount").sum()).sort("code")
    amounts = {c: float(round(a, 2)) for c, a in sums.iter_rows()}
    return {"orders": len(orders), "without_amount": len(orders) - len(known), "amounts": amounts}


_CHANGES = ("scanned", "flagged", "held", "held_by_mistake", "confirmed", "false_alarms", "over", "open", "overdue")


def compared(now: dict[str, Any], before: dict[str, Any], label: str) -> dict[str, Any]:
    """The figures of another period, and how today's differ: counts and medians as a ratio minus one, shares in points."""

    def ratio(new: float | None, old: float | None) -> float | None:
        return round(new / old - 1, 6) if old and new is not None else None

    changes: dict[str, Any] = {n: ratio(now[n], before[n]) for n in _CHANGES}
    for name in ("detection_seconds", "handling_seconds"):
        changes[name] = {q: ratio(now[name][q], before[name][q]) for q in ("p50", "p90", "p99")}
    for name in ("precision", "hold_precision", "flagged_share"):
        both = now[name] is not None and before[name] is not None
        changes[name] = round(now[name] - before[name], 6) if both else None
    for name in ("money_at_risk", "money_held_by_mistake"):
        new, old = now[name]["amounts"], before[name]["amounts"]
        changes[name] = {c: ratio(new.get(c, 0.0), old.get(c)) for c in sorted({*new, *old})}
    return {"period": label, "headline": before, "change": changes}
