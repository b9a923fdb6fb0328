"""What was missed: abnormal orders that nothing flagged, from the control group and from after-sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.missed import estimate

if TYPE_CHECKING:
    from orderguard.report.period import Period

_KEYS = ["ledger", "case_id"]
_MISSES = {"key": pl.UInt64, "weight": pl.Float64}


def control(cases: pl.DataFrame, controls: pl.DataFrame, verdicts: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The period's control orders: `key opened_at share result` (null without a verdict that counts).

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
    return drawn.join(current, on=_KEYS, how="left").select("key", "opened_at", "share", "result").unique("key")


def misses(drawn: pl.DataFrame, sales: pl.DataFrame | None) -> pl.DataFrame:
    """Abnormal orders that nobody confirmed as a case: `key weight`, each for as many as it stands for."""
    found = drawn.filter(pl.col("result") == "confirmed").select("key", weight=1 / pl.col("share"))
    both = pl.concat([found, pl.DataFrame(schema=_MISSES) if sales is None else sales.select(list(_MISSES))])
    return both.group_by("key").agg(pl.col("weight").max())


def overall(
    confirmed: int, missed: pl.DataFrame, drawn: pl.DataFrame, flagged: pl.DataFrame, error: float | None
) -> dict[str, Any]:
    """Recall over all rules, and what the control group says.

    Args:
        confirmed: confirmed orders of the period.
        missed: see `misses`.
        drawn: see `control`.
        flagged: the period's cases: `opened_at outcome`.
        error: share of wrong verdicts, as far as it is known.

    Returns:
        `confirmed missed recall` from what is known, and `control`: `drawn judged found unflagged missed missed_low
        missed_high caught recall recall_low recall_high agents_error`, an estimate with its 95 % interval (see
        `orderguard.missed`); None where nothing was drawn.
    """
    known = float(missed["weight"].sum() or 0.0)
    out: dict[str, Any] = {
        "confirmed": confirmed,
        "missed": round(known, 2),
        "recall": round(confirmed / (confirmed + known), 6) if confirmed + known else None,
        "control": None,
    }
    found = estimate(drawn, flagged.select("opened_at", result="outcome"), error or 0.0)
    if found is None:
        return out
    told: dict[str, Any] = {
        "drawn": found.drawn,
        "judged": found.judged,
        "found": found.found,
        "unflagged": round(found.unflagged),
    }
    for name in ("missed", "missed_low", "missed_high", "caught", "recall", "recall_low", "recall_high"):
        value = getattr(found, name)
        told[name] = None if value is None else round(value, 6 if name.startswith("recall") else 2)
    told["agents_error"] = None if error is None else round(error, 4)
    return {**out, "control": told}
