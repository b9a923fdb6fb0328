"""What was missed: abnormal orders that nothing flagged, from the control group and from after-sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.report.stats import wilson

if TYPE_CHECKING:
    from orderguard.report.period import Period

_KEYS = ["ledger", "case_id"]
_MISSES = {"key": pl.UInt64, "weight": pl.Float64}


def control(cases: pl.DataFrame, controls: pl.DataFrame, verdicts: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The period's control orders: `key share result` (null without a verdict that counts).

    Args:
        cases: `ledger case_id key ordered_at opened_at` (`ordered_at` in microseconds, null when unknown).
        controls: `ledger case_id share`.
        verdicts: as in `ledger.snapshot`.
        period: the report's.
    """
    low, high = period.seconds
    made = pl.coalesce(pl.col("ordered_at") // 1_000_000, pl.col("opened_at").dt.epoch("s"))
    counting = verdicts.filter(pl.col("replaced_by").is_null() & pl.col("ended_run").is_null())
    current = counting.select(*_KEYS, "result").unique(_KEYS, keep="last")
    drawn = cases.join(controls, on=_KEYS, how="inner").filter(made.is_between(low, high, closed="left"))
    return drawn.join(current, on=_KEYS, how="left").select("key", "share", "result").unique("key")


def misses(drawn: pl.DataFrame, sales: pl.DataFrame | None) -> pl.DataFrame:
    """Abnormal orders that nobody confirmed as a case: `key weight`, each for as many as it stands for."""
    found = drawn.filter(pl.col("result") == "confirmed").select("key", weight=1 / pl.col("share"))
    both = pl.concat([found, pl.DataFrame(schema=_MISSES) if sales is None else sales.select(list(_MISSES))])
    return both.group_by("key").agg(pl.col("weight").max())


def overall(confirmed: int, missed: pl.DataFrame, drawn: pl.DataFrame) -> dict[str, Any]:
    """Recall over all rules, and what the control group says.

    Returns:
        `confirmed missed recall` from what is known, and `control`: `drawn judged found unflagged missed missed_low
        missed_high recall recall_low recall_high`, an estimate with its 95 % interval; None where nothing was drawn.
    """
    known = float(missed["weight"].sum() or 0.0)
    out: dict[str, Any] = {
        "confirmed": confirmed,
        "missed": round(known, 2),
        "recall": round(confirmed / (confirmed + known), 6) if confirmed + known else None,
        "control": None,
    }
    if drawn.is_empty():
        return out
    judged = drawn.filter(pl.col("result").is_in(["confirmed", "false_alarm"]))
    found, n = int((judged["result"] == "confirmed").sum()), len(judged)
    unflagged = float((1 / drawn["share"]).sum())
    told: dict[str, Any] = {"drawn": len(drawn), "judged": n, "found": found, "unflagged": round(unflagged)}
    low, high = wilson(found, n)
    for name, rate in (("missed", found / n if n else None), ("missed_low", low), ("missed_high", high)):
        told[name] = None if rate is None else round(unflagged * rate, 2)
    for name, rest in (("recall", "missed"), ("recall_low", "missed_high"), ("recall_high", "missed_low")):
        total = None if told[rest] is None else confirmed + told[rest]
        told[name] = round(confirmed / total, 6) if total else None
    return {**out, "control": told}
