"""Each rule by itself and beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.report.headline import MISTAKEN
from orderguard.report.stats import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.report.period import Period

REPEATS = 0.95
"""A rule of whose orders this share is hit by one other rule too only repeats it."""
REPEATS_FROM = 20
"""Orders from which that is said."""


def rules(
    findings: pl.DataFrame,
    flagged: pl.DataFrame,
    known: Sequence[Mapping[str, Any]],
    judged: Mapping[str, tuple[int, int]],
    missed: pl.DataFrame,
) -> list[dict[str, Any]]:
    """Figures per rule, the rulebook's rules first, then those that only the ledger remembers.

    `judged` and `not_evaluable` (and by clearer names `judged_times`, `not_evaluable_times`) add up scans: an order that two files
    have was judged twice. Everything else counts orders.

    Args:
        findings: of the period, one row per order and rule, with `buyer`.
        flagged: cases with `outcome`.
        known: the rulebook's rules: `rule_id says status points`.
        judged: rule -> orders it could judge, and those it could not, over the period's runs.
        missed: abnormal orders that are known otherwise (control group, after-sales): `key weight`, of which
            none is a confirmed case. `weight` is how many orders each stands for.
    """
    outcome = flagged.select("key", "outcome")
    told = findings.join(outcome, on="key", how="left")
    bad = pl.concat(
        [
            flagged.filter(pl.col("outcome") == "confirmed").select("key", pl.lit(1.0).alias("weight")),
            missed.select("key", "weight"),
        ]
    )
    total = float(bad["weight"].sum() or 0.0)
    caught = dict(findings.join(bad, on="key", how="inner").group_by("rule_id").agg(pl.col("weight").sum()).iter_rows())
    alone = told.filter(pl.len().over("key") == 1)
    only = dict(alone["rule_id"].value_counts().iter_rows())
    per = {
        row["rule_id"]: row
        for row in told.group_by("rule_id").agg(
            hits=pl.len(),
            people=pl.struct("pid", "buyer").filter(pl.col("buyer").is_not_null()).n_unique(),
            without_person=pl.col("buyer").is_null().sum(),
            cases=pl.col("outcome").is_not_null().sum(),
            confirmed=(pl.col("outcome") == "confirmed").sum(),
            false_alarms=(pl.col("outcome") == "false_alarm").sum(),
            settings=pl.col("rule_fingerprint").n_unique(),
            status=pl.col("status").last(),
        ).iter_rows(named=True)
    }  # fmt: skip
    listed = [dict(k) for k in known]
    ids = {k["rule_id"] for k in listed}
    listed += [
        {"rule_id": r, "says": "", "status": "gone", "points": None} for r in sorted(per) if r not in ids
    ]  # fmt: skip
    nothing = dict.fromkeys(("hits", "people", "without_person", "cases", "confirmed", "false_alarms", "settings"), 0)
    out = []
    for rule in listed:
        rule_id = rule["rule_id"]
        mine = {k: v for k, v in per.get(rule_id, nothing).items() if k not in {"rule_id", "status"}}
        right, wrong = mine["confirmed"], mine["false_alarms"]
        could, could_not = judged.get(rule_id, (0, 0))
        figures = {
            **rule,
            **mine,
            "unique": only.get(rule_id, 0),
            "judged": could,
            "not_evaluable": could_not,
            "judged_times": could,
            "not_evaluable_times": could_not,
            **share("precision", right, right + wrong),
            **_recall(caught.get(rule_id, 0.0), total, len(bad)),
        }
        figures["f1"] = _f1(figures["precision"], figures["recall"])
        out.append(figures)
    return out


def _recall(caught: float, total: float, n: int) -> dict[str, Any]:
    value = share("recall", round(caught), round(total))
    exact = round(caught / total, 6) if total else None
    return {**value, "recall": exact, "recall_n": n}


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return round(2 * precision * recall / (precision + recall), 6) if precision + recall else 0.0


def overlap(findings: pl.DataFrame) -> list[dict[str, Any]]:
    """Pairs of rules that hit the same orders: `a b both a_hits b_hits share_of_a share_of_b`, largest first."""
    hits = dict(findings["rule_id"].value_counts().iter_rows())
    left = findings.select("key", a="rule_id")
    pairs = left.join(findings.select("key", b="rule_id"), on="key").filter(pl.col("a") < pl.col("b"))
    both = pairs.group_by("a", "b").agg(both=pl.len()).sort("both", "a", "b", descending=[True, False, False])
    return [
        {
            "a": a, "b": b, "both": n, "a_hits": hits[a], "b_hits": hits[b],
            "share_of_a": round(n / hits[a], 6), "share_of_b": round(n / hits[b], 6),
        }
        for a, b, n in both.iter_rows()
    ]  # fmt: skip


def repeating(pairs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rules that only repeat another one: `rule_id repeats hits share`."""
    out = []
    for pair in pairs:
        for mine, other in (("a", "b"), ("b", "a")):
            hits, part = pair[f"{mine}_hits"], pair[f"share_of_{mine}"]
            smaller = hits < pair[f"{other}_hits"] or (hits == pair[f"{other}_hits"] and mine == "b")
            if hits >= REPEATS_FROM and part >= REPEATS and smaller:
                out.append({"rule_id": pair[mine], "repeats": pair[other], "hits": hits, "share": part})
    return out


def silent(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rules that ran and found nothing: `rule_id judged not_evaluable blind` (blind: it could judge no order at all)."""
    return [
        {"rule_id": r["rule_id"], "judged": r["judged"], "not_evaluable": r["not_evaluable"], "blind": not r["judged"]}
        for r in told
        if not r["hits"] and r["status"] in {"live", "trial"}
    ]


def trend(
    findings: pl.DataFrame, flagged: pl.DataFrame, traffic: pl.DataFrame, months: Sequence[Period]
) -> list[dict[str, Any]]:
    """Per month and rule `month rule_id hits confirmed false_alarms`, and per month as a whole (rule_id None) also others.

    These are `scanned flagged held held_by_mistake` (held orders that were found honest or let go).

    Args:
        findings: of all these months, one row per order and rule, with `made` (seconds since 1970).
        flagged: cases of all these months, with `made`.
        traffic: `quarter orders`.
        months: oldest first.
    """
    out: list[dict[str, Any]] = []
    told = findings.join(flagged.select("key", "outcome"), on="key", how="left")
    for one in months:
        low, high = one.seconds
        inside = pl.col("made").is_between(low, high, closed="left")
        cases = flagged.filter(inside)
        seen = traffic.filter(pl.col("quarter").is_between(low // 900, high // 900, closed="left"))["orders"].sum()
        counts = dict(cases["outcome"].value_counts().iter_rows())
        held = cases.filter(pl.col("band") == "hold")
        total = {
            "confirmed": counts.get("confirmed", 0),
            "false_alarms": counts.get("false_alarm", 0),
            "held": len(held),
            "held_by_mistake": int(held["outcome"].is_in(MISTAKEN).sum()),
        }
        out.append({"month": one.label, "rule_id": None, "scanned": int(seen), "flagged": len(cases), **total})
        per = told.filter(inside).group_by("rule_id").agg(
            hits=pl.len(),
            confirmed=(pl.col("outcome") == "confirmed").sum(),
            false_alarms=(pl.col("outcome") == "false_alarm").sum(),
        ).sort("rule_id")  # fmt: skip
        out += [{"month": one.label, **row} for row in per.iter_rows(named=True)]
    return out
