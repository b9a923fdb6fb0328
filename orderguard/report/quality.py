"""How far the figures can be trusted: what was read, what was set aside, what rules could not see, what came late."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.report.stats import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.report.period import Period

LATE = timedelta(hours=24)
"""A file is late when its newest order is older than this at the scan: its holds come after the parcels."""

Run = dict[str, Any]


def runs_of(runs: pl.DataFrame, period: Period) -> list[Run]:
    """Runs that read orders of the period, oldest first; of runs over the very same bytes the last one counts.

    A file without the span of its orders (an old ledger, only undated orders) belongs to when it was scanned.
    """
    kept: dict[tuple[Any, ...], Run] = {}
    for row in runs.sort("started_at", "run_id").iter_rows(named=True):
        inputs, counts = json.loads(row["inputs"]), json.loads(row["counts"])
        inside = [f for f in inputs if _touches(f, row["started_at"], period)]
        if inside:
            key = (row["ledger"], *sorted(str(f.get("sha256", "")) + str(f.get("file", "")) for f in inputs))
            kept.pop(key, None)
            kept[key] = {**row, "inputs": inside, "counts": counts}
    return list(kept.values())


def _touches(file: Mapping[str, Any], started: datetime, period: Period) -> bool:
    first, last = _instant(file.get("first_order_at")), _instant(file.get("last_order_at"))
    if first is None or last is None:
        return period.start <= started < period.end
    return first < period.end and last >= period.start


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def coverage(runs: Sequence[Run], ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Per rule and platform `judged hits not_evaluable` over the runs, and the share that could not be judged, the blindest first.

    `ids` leads from words for platforms to permanent ids. Runs of an older version stored no platforms: theirs is None.
    """
    sums: dict[tuple[str, str | None], list[int]] = {}
    for run in runs:
        rows = run["counts"].get("coverage_by_platform") or run["counts"].get("coverage") or []
        for row in rows:
            total = sums.setdefault((row["rule_id"], _id(row.get("platform"), ids)), [0, 0, 0])
            for i, name in enumerate(("judged", "hits", "not_evaluable")):
                total[i] += int(row.get(name) or 0)
    out = [
        {
            "rule_id": rule, "platform": platform, "judged": judged, "hits": hits, "not_evaluable": blind,
            **share("blind_share", blind, judged + blind),
        }
        for (rule, platform), (judged, hits, blind) in sums.items()
    ]  # fmt: skip
    return sorted(out, key=lambda r: (-(r["blind_share"] or 0), r["rule_id"], r["platform"] or ""))


def _id(platform: str | None, ids: Mapping[str, str]) -> str | None:
    return None if platform is None else ids.get(platform.lower(), platform.lower())


def judged(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Rule -> orders it could judge and could not."""
    out: dict[str, tuple[int, int]] = {}
    for row in rows:
        could, could_not = out.get(row["rule_id"], (0, 0))
        out[row["rule_id"]] = (could + row["judged"], could_not + row["not_evaluable"])
    return out


def quality(runs: Sequence[Run], orders: pl.DataFrame, repeated: int) -> dict[str, Any]:
    """Runs, files, rejected rows, late files, and orders that lack what the figures need.

    Args:
        runs: see `runs_of`.
        orders: the period's orders, counted: `shop region quarter no_buyer orders`.
        repeated: orders that several ledgers have.
    """
    files: dict[tuple[str, str, str], dict[str, Any]] = {}
    for run in runs:
        for file in run["inputs"]:
            last = _instant(file.get("last_order_at"))
            lag = (run["started_at"] - last).total_seconds() if last else None
            key = (run["ledger"], str(file.get("sha256", "")), str(file.get("file", "")))
            first = files.get(key, {}).get("lag_seconds")
            files[key] = {
                "file": str(file.get("file", "")),
                "platform": file.get("platform"),
                "read": int(file.get("read", 0)),
                "rejected": int(file.get("rejected", 0)),
                # Scanned again later, a file is no later than it was the first time.
                "lag_seconds": min(x for x in (lag, first) if x is not None) if lag is not None or first is not None else None,
            }  # fmt: skip
    told = list(files.values())
    late = [f for f in told if f["lag_seconds"] is not None and f["lag_seconds"] > LATE.total_seconds()]
    bad = [f for f in told if f["rejected"]]
    read, rejected = sum(f["read"] for f in told), sum(f["rejected"] for f in told)
    lacks = {
        "undated": pl.col("quarter").is_null(),
        "no_buyer": pl.col("no_buyer"),
        "no_region": pl.col("region").is_null(),
        "no_shop": pl.col("shop").is_null(),
    }
    lacking = {name: int(orders.filter(missing)["orders"].sum()) for name, missing in lacks.items()}
    return {
        "runs": len(runs),
        "files": len(told),
        "read": read,
        "rejected": rejected,
        **share("rejected_share", rejected, read),
        "rejected_files": sorted(bad, key=lambda f: (-f["rejected"], f["file"])),
        "late_after_hours": LATE.total_seconds() / 3600,
        "late_files": sorted(late, key=lambda f: (-f["lag_seconds"], f["file"])),
        "in_several_ledgers": repeated,
        **lacking,
    }
