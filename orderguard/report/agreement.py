"""Second opinions: how far two agents agree on the same orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.missed import agents_error
from orderguard.report.stats import share

if TYPE_CHECKING:
    from orderguard.report.period import Period

_SAID = ("confirmed", "false_alarm", "investigating")


def own_opinions(cases: pl.DataFrame, verdicts: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The period's cases, control orders too, with what their agent said: `ledger case_id agent result`.

    What a supervisor corrected afterwards is not that agent's opinion: a dispute that was settled was one.

    Args:
        cases: `ledger case_id agent ordered_at opened_at` (`ordered_at` in microseconds, null when unknown).
        verdicts: `ledger case_id verdict_id result why ended_run`, replaced ones too; only a correction says why.
        period: the report's.
    """
    keys = ["ledger", "case_id"]
    low, high = period.seconds
    made = pl.coalesce(pl.col("ordered_at") // 1_000_000, pl.col("opened_at").dt.epoch("s"))
    own = verdicts.filter(pl.col("ended_run").is_null() & (pl.col("why").fill_null("") == ""))
    last = own.sort("verdict_id").select(*keys, "result").unique(keys, keep="last")
    mine = cases.filter(made.is_between(low, high, closed="left")).select(*keys, "agent")
    return mine.join(last, on=keys, how="left")


def error(judged: pl.DataFrame, doubles: pl.DataFrame) -> float | None:
    """The share of wrong verdicts that these second opinions tell; None where they are too few."""
    second = doubles.select("ledger", "case_id", second="result")
    asked = judged.join(second, on=["ledger", "case_id"], how="inner")
    return agents_error(asked["result"], asked["second"])


def agreement(judged: pl.DataFrame, doubles: pl.DataFrame) -> dict[str, Any]:
    """`pairs same agreed... kappa waiting`, and the same per pair of agents.

    Cohen's kappa (1960): (observed - expected) / (1 - expected), expected from how often either side gives each result;
    None without pairs, or where both always say the same one thing.

    Args:
        judged: as `own_opinions` gives it.
        doubles: `ledger case_id agent result`.
    """
    second = doubles.select("ledger", "case_id", second_agent="agent", second="result")
    asked = judged.join(second, on=["ledger", "case_id"], how="inner")
    both = asked.filter(pl.col("result").is_in(_SAID) & pl.col("second").is_in(_SAID))
    pairs = []
    for (one, other), part in both.partition_by("agent", "second_agent", as_dict=True).items():
        pairs.append({"agent": one, "second_agent": other, **_measured(part)})
    pairs.sort(key=lambda p: (-p["pairs"], p["agent"], p["second_agent"]))
    return {**_measured(both), "waiting": len(asked) - len(both), "by_pair": pairs}


def _measured(both: pl.DataFrame) -> dict[str, Any]:
    n = len(both)
    same = int((both["result"] == both["second"]).sum())
    first, second = (dict(both[c].value_counts().iter_rows()) for c in ("result", "second"))
    expected = sum(first.get(r, 0) * second.get(r, 0) for r in _SAID) / (n * n) if n else 1.0
    kappa = round((same / n - expected) / (1 - expected), 6) if n and expected < 1 else None
    return {"pairs": n, "same": same, **share("agreed", same, n), "kappa": kappa}
