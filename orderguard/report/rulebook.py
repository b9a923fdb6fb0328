"""What became of the rulebook in a month: rules on trial, promotions, list entries of no use, rules that a guard rail demoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def rulebook(
    hits: pl.DataFrame,
    flagged: pl.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    rules: Sequence[Mapping[str, Any]],
    entries: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The lists.

    Args:
        hits: findings of the month, once per order and rule: `key rule_id status value`.
        flagged: the month's cases: `key outcome`.
        runs: those of the month: `started_at counts`.
        rules: of the rulebook: `rule_id status`.
        entries: of its lists: `rule_id file row kind value expired`.
    """
    counts = [(run["started_at"], run["counts"]) for run in runs]
    return {
        "trial": _trial(hits, flagged, rules),
        "promotions": _promotions([c for _, c in counts]),
        "lists": _lists(hits, entries),
        "demoted": _demoted(counts),
    }


def _trial(hits: pl.DataFrame, flagged: pl.DataFrame, rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each trial rule hit; what of it live rules had flagged already, and what agents said of these."""
    mine = hits.filter(pl.col("status") == "trial").join(flagged.select("key", "outcome"), on="key", how="left")
    per = mine.group_by("rule_id").agg(
        hits=pl.col("key").n_unique(),
        already_flagged=pl.col("outcome").is_not_null().sum(),
        would_flag=pl.col("outcome").is_null().sum(),
        confirmed=(pl.col("outcome") == "confirmed").sum(),
        false_alarms=(pl.col("outcome") == "false_alarm").sum(),
    )
    told = {row["rule_id"]: row for row in per.iter_rows(named=True)}
    none = {n: 0 for n in per.columns if n != "rule_id"}
    names = [r["rule_id"] for r in rules if r["status"] == "trial"]
    names += sorted(set(told) - set(names))
    return [{"rule_id": n, **none, **told.get(n, {})} for n in names]


def _promotions(counts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each promotion that held for an order, with what the month's scans counted under it."""
    out: dict[tuple[str, str | None, str | None], dict[str, Any]] = {}
    for run in counts:
        for p in run.get("profiles", []):
            if p.get("from") is None and p.get("to") is None:
                continue
            key = (p["profile"], p["from"], p["to"])
            own = out.setdefault(
                key, {"profile": key[0], "from": key[1], "to": key[2], "orders": 0, "flagged": 0, "held": 0}
            )
            for name in ("orders", "flagged", "held"):
                own[name] += p.get(name, 0)
    return sorted((p for p in out.values() if p["orders"]), key=lambda p: (str(p["from"]), p["profile"]))


def _lists(hits: pl.DataFrame, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries that have expired, and entries that no order of the month met (allow entries leave no finding to tell)."""
    met = set(hits.select("rule_id", pl.col("value").cast(pl.Int64, strict=False)).unique().iter_rows())
    out = []
    for entry in entries:
        state = "expired" if entry["expired"] else "unused"
        if state == "unused" and (entry["kind"] == "allow" or (entry["rule_id"], entry["row"]) in met):
            continue
        out.append({k: v for k, v in entry.items() if k != "expired"} | {"state": state})
    return sorted(out, key=lambda e: (e["state"], e["rule_id"], e["row"]))


def _demoted(counts: Sequence[tuple[Any, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Rules that flagged more than their share of a run, with the worst of them and the last time."""
    out: dict[str, dict[str, Any]] = {}
    for at, run in counts:
        for d in run.get("demoted", []):
            own = out.setdefault(d["rule_id"], {"rule_id": d["rule_id"], "runs": 0, "share": 0.0})
            own |= {
                "runs": own["runs"] + 1,
                "share": max(own["share"], d["share"]),
                "max_share": d["max_share"],
                "last": at.isoformat(),
            }
    return sorted(out.values(), key=lambda d: (-d["runs"], d["rule_id"]))
