"""High risk but kept: do customers whose flagged order was let go come back more often than others?

Survival analysis as by Kaplan and Meier (1958): a customer is followed from an order until the next one, or until the
ledger's last order where none came (censored). Intervals by Greenwood's variance on the log(-log) scale.
"""

from __future__ import annotations

from datetime import timedelta
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.missed import Z

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

HORIZONS = (30, 60, 90)
LOOK_BACK = timedelta(days=180)
"""Orders that customers are followed from are at most this old at the period's end."""
FEWEST = 20
"""Customers still at risk at a horizon from which its figure is shown; below, the history is too short or thin."""
_DAY = 86_400_000_000
ENDED = "取消|关闭|退款|退货|作废|cancel|refund|closed|void|return"
"""Words in a status that say that an order was not completed."""


def kept(visits: pl.DataFrame, flagged: pl.DataFrame, last: datetime | None) -> dict[str, Any]:
    """Both groups: flagged, released and completed; never flagged.

    Args:
        visits: orders of the look-back and after it: `key buyer created_at amount currency ended`, without those that
            lack a buyer or a time. `buyer` is a number for a person, `ended` says that the order was called off.
        flagged: all cases in that span: `key outcome`.
        last: the ledger's last order, where following ends.
    """
    short: dict[str, Any] = {"enough": False, "days_of_history": 0, "groups": [], "horizons": list(HORIZONS)}
    if visits.is_empty() or last is None:
        return short
    first = visits["created_at"].min()
    short["days_of_history"] = (last - first).days  # type: ignore[operator, union-attr]
    let_go = flagged.filter(pl.col("outcome").is_in(["false_alarm", "released", "timed_out"])).select("key")
    ordered = visits.filter(~pl.col("ended")).sort("buyer", "created_at", "key")
    following = ordered.with_columns(
        next=pl.when(pl.col("buyer").shift(-1) == pl.col("buyer")).then(pl.col("created_at").shift(-1))
    )
    risky = visits.join(flagged.select("key"), on="key", how="semi").select("buyer").unique()
    mine = following.join(let_go, on="key", how="semi", maintain_order="left")
    others = following.join(risky, on="buyer", how="anti", maintain_order="left")
    groups = []
    for name, part in (("kept", mine), ("others", others)):
        index = part.unique("buyer", keep="first", maintain_order=True)
        groups.append({"group": name, **_followed(index, last), **_value(ordered, index)})
    enough = all(any(p["enough"] for p in g["points"]) for g in groups)
    return {**short, "enough": enough, "groups": groups}


def _followed(index: pl.DataFrame, last: datetime) -> dict[str, Any]:
    times = index.select(
        days=(pl.coalesce("next", pl.lit(last)) - pl.col("created_at")).dt.total_microseconds() / _DAY,
        came=pl.col("next").is_not_null(),
    )
    curve = survival(times)
    return {
        "customers": len(index),
        "points": [_at(curve, times, h) for h in HORIZONS],
        "curve": [[round(d, 3), round(1 - s, 6)] for d, s in _thinned(curve["day"], curve["survival"])],
    }


def survival(times: pl.DataFrame) -> pl.DataFrame:
    """The estimate by product limit.

    Args:
        times: `days` followed and whether the customer `came` again (else censored).

    Returns:
        `day at_risk came survival variance` at each day somebody came; variance is Greenwood's sum.
    """
    per = (
        times.group_by("days").agg(came=pl.col("came").sum().cast(pl.Int64), left=pl.len().cast(pl.Int64)).sort("days")
    )
    per = per.with_columns(at_risk=pl.col("left").sum() - pl.col("left").cum_sum() + pl.col("left"))
    events = per.filter(pl.col("came") > 0)
    d, n = pl.col("came"), pl.col("at_risk")
    safe = pl.when(n > d).then(d / (n * (n - d))).otherwise(0.0)
    return events.select(
        "at_risk",
        "came",
        day="days",
        survival=(1 - d / n).cum_prod(),
        variance=safe.cum_sum(),
    )


def _at(curve: pl.DataFrame, times: pl.DataFrame, horizon: int) -> dict[str, Any]:
    until = curve.filter(pl.col("day") <= horizon)
    at_risk = int((times["days"] >= horizon).sum())
    point: dict[str, Any] = {"days": horizon, "at_risk": at_risk, "enough": at_risk >= FEWEST}
    if times.is_empty() or (not at_risk and until.is_empty()):
        return {**point, "repeat": None, "low": None, "high": None}
    s = float(until["survival"][-1]) if len(until) else 1.0
    low = high = None
    if 0 < s < 1:
        spread = Z * sqrt(float(until["variance"][-1])) / log(s)
        low, high = (round(1 - s ** exp(sign * spread), 6) for sign in (1, -1))
        low, high = min(low, high), max(low, high)
    return {**point, "repeat": round(1 - s, 6), "low": low, "high": high}


def _thinned(days: pl.Series, alive: pl.Series) -> Sequence[tuple[float, float]]:
    """At most some two hundred steps, enough for a picture: the last state of each half day, up to the last horizon."""
    steps: dict[int, tuple[float, float]] = {}
    for day, s in zip(days, alive, strict=True):
        if day <= HORIZONS[-1]:
            steps[int(day * 2)] = (day, s)
    return [(0.0, 1.0), *steps.values()]


def _value(done: pl.DataFrame, index: pl.DataFrame) -> dict[str, Any]:
    """Average order value over these customers' orders from the first that counts on, in the most common currency."""
    since = index.select("buyer", since="created_at")
    orders = done.join(since, on="buyer", how="inner").filter(
        (pl.col("created_at") >= pl.col("since")) & pl.col("amount").is_not_null()
    )
    if orders.is_empty():
        return {"average_order_value": None, "currency": None, "orders": 0}
    code = pl.col("currency").cast(pl.String).fill_null("CNY")
    sums = (
        orders.group_by(code.alias("code"))
        .agg(n=pl.len(), total=pl.col("amount").sum())
        .sort("n", "code", descending=[True, False])
    )
    currency, n, total = sums.row(0)
    return {"average_order_value": round(float(total) / n, 2), "currency": currency, "orders": n}
