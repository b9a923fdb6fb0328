"""What became of the rulebook in a month: rules on trial, promotions, list entries of no use, rules that a guard rail demoted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Span = tuple[str, str, str]
"""A promotion's name, its first instant and the one after its last (ISO)."""


def rulebook(
    hits: pl.DataFrame,
    flagged: pl.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    rules: Sequence[Mapping[str, Any]],
    entries: Sequence[Mapping[str, Any]],
    promoted: Mapping[Span, int],
    sentences: pl.DataFrame,
) -> dict[str, Any]:
    """The lists.

    Args:
        hits: findings of the month, once per order and rule: `key rule_id status value`.
        flagged: the month's cases: `key outcome made band`.
        runs: those of the month: `started_at counts`.
        rules: of the rulebook: `rule_id status`.
        entries: of its lists: `rule_id file row kind value said expired`.
        promoted: promotions -> the month's orders that were made while they held.
        sentences: `key rule_id reason` of the lists' findings.
    """
    counts = [(run["started_at"], run["counts"]) for run in runs]
    return {
        "trial": _trial(hits, flagged, rules),
        "promotions": _promotions(promoted, flagged),
        "lists": _lists(hits, entries, sentences),
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


def spans(counts: Iterable[Mapping[str, Any]]) -> list[Span]:
    """Every promotion that some scan was told of, each once."""
    told = {
        (p["profile"], p["from"], p["to"]): None
        for run in counts
        for p in run.get("profiles", [])
        if p.get("from") is not None and p.get("to") is not None
    }
    return list(told)


def _promotions(promoted: Mapping[Span, int], flagged: pl.DataFrame) -> list[dict[str, Any]]:
    """Each promotion that held for an order: its orders, each counted once however often it was scanned."""
    out = []
    for (name, first, after), orders in promoted.items():
        low, high = (datetime.fromisoformat(t).timestamp() for t in (first, after))
        cases = flagged.filter((pl.col("made") >= low) & (pl.col("made") < high))
        held = int((cases["band"] == "hold").sum())
        told = {"profile": name, "from": first, "to": after, "orders": orders, "flagged": len(cases), "held": held}
        out += [told] if orders else []
    return sorted(out, key=lambda p: (p["from"], p["profile"]))


_ENTRY = r"(?:名单|list)“(.+?)”(?:（|$)"
"""What a finding's sentence says of the entry that was met. Its row says less: lines come and go in a list."""


def _lists(hits: pl.DataFrame, entries: Sequence[Mapping[str, Any]], sentences: pl.DataFrame) -> list[dict[str, Any]]:
    """Entries that have expired, and entries that no order of the month met (allow entries leave no finding to tell)."""
    told = sentences.select("rule_id", "key", entry=pl.col("reason").str.extract(_ENTRY)).drop_nulls("entry")
    met = set(told.select("rule_id", "entry").unique().iter_rows())
    silent = hits.join(told, on=["rule_id", "key"], how="anti")  # their sentences have been pruned
    rows = set(silent.select("rule_id", pl.col("value").cast(pl.Int64, strict=False)).unique().iter_rows())
    out = []
    for entry in entries:
        state = "expired" if entry["expired"] else "unused"
        was_met = (entry["rule_id"], entry["said"]) in met or (entry["rule_id"], entry["row"]) in rows
        if state == "unused" and (entry["kind"] == "allow" or was_met):
            continue
        out.append({k: v for k, v in entry.items() if k not in {"expired", "said"}} | {"state": state})
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
