"""The night at a glance: the queue, what is due, which rules fire, and which of them out of their usual range."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import sqrt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orderguard.columns import LINKS, heading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN = 48
"""Quarters of an hour that are shown: twelve hours."""
_LEAST_ORDERS = 200
_LEAST_QUARTERS = 8
_LEAST_HITS = 5
_SIGMAS = 3.0
_BLIND, _BLIND_FROM = 0.5, 20
_SILENT_QUARTERS, _SILENT_FROM = 8, 20


def habit(hits: Mapping[int, int], orders: Mapping[int, int], history: Sequence[int]) -> tuple[float, float] | None:
    """A rule's share of orders over `history`, and how much wider than a Poisson's its hits spread (1 or more).

    None with too few orders to tell.

    Args:
        hits, orders: per quarter.
        history: quarters that count, with orders.
    """
    total = sum(orders[q] for q in history)
    if len(history) < _LEAST_QUARTERS or total < _LEAST_ORDERS:
        return None
    rate = sum(hits.get(q, 0) for q in history) / total
    excess = sum((hits.get(q, 0) - rate * orders[q]) ** 2 for q in history)
    return rate, max(1.0, excess / max(rate * total, 1e-9)) if rate else 1.0


def usual(habits: tuple[float, float], orders: int) -> tuple[float, float]:
    """How many hits are usual in a quarter of an hour of so many orders: give or take three standard deviations."""
    rate, spread = habits
    expected = rate * orders
    width = _SIGMAS * sqrt(spread * expected) + 1
    return max(0.0, expected - width), expected + width


def firing(
    fired: Sequence[tuple[Any, ...]], traffic: Sequence[tuple[Any, ...]], end: int
) -> tuple[list[int], list[dict[str, Any]]]:
    """Rules over the last twelve hours, those out of range first.

    Args:
        fired: `rule quarter hits`.
        traffic: `quarter orders`.
        end: the newest quarter.

    Returns:
        Orders per quarter, and per rule `rule_id hits series alerts low high last`: `alerts` are indexes into
        `series`, the range is that of the newest quarter (None: too little history).
    """
    orders = {q: n for q, n in traffic if n}
    per: dict[str, dict[int, int]] = {}
    for rule, quarter, n in fired:
        per.setdefault(rule, {})[quarter] = n
    shown = range(end - SHOWN + 1, end + 1)
    known = sorted(orders)
    before = [q for q in known if q < shown[0]]
    out: list[dict[str, Any]] = []
    for rule, hits in per.items():
        series = [hits.get(q, 0) for q in shown]
        alerts, limits = [], None
        habits = habit(hits, orders, before)
        for i, quarter in enumerate(shown):
            if quarter not in orders:
                continue
            # What comes before the hours shown; on the first night, what of them came before this quarter.
            if len(before) < _LEAST_QUARTERS:
                habits = habit(hits, orders, [q for q in known if q < quarter])
            limits = usual(habits, orders[quarter]) if habits else None
            if limits and ((series[i] > limits[1] and series[i] >= _LEAST_HITS) or series[i] < limits[0]):
                alerts.append(i)
        low, high = limits or (None, None)
        out.append({
            "rule_id": rule, "hits": sum(series), "last": series[-1], "series": series, "alerts": alerts,
            "low": None if low is None else round(low, 2), "high": None if high is None else round(high, 2),
        })  # fmt: skip
    out.sort(key=lambda r: (not r["alerts"], -max(r["alerts"], default=0), -r["hits"], r["rule_id"]))
    return [orders.get(q, 0) for q in shown], [r for r in out if r["hits"] or r["alerts"]]


def board(pulse: Any, now: datetime, zone: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Every figure of the board. No personal data: order numbers, agents, and what links orders, but not its value.

    Args:
        pulse: `ledger.pulse.Pulse`.
        now: the clock.
        zone: for the times that are shown.
        names: every word for a platform, in lower case -> how people call it.
    """
    local = ZoneInfo(zone)

    def clock(text: str | None) -> str | None:
        if text is None:
            return None
        return datetime.fromisoformat(text[:19] + "+00:00").astimezone(local).strftime("%m-%d %H:%M")

    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    bands = {b: {"band": b, "open": 0, "overdue": 0, "within_1h": 0, "within_4h": 0} for b in ("hold", "review")}
    agents: dict[str, dict[str, Any]] = {}
    for agent, stored, n, late, hour, four, first in pulse.queue:
        band = _shown(stored)
        mine = agents.setdefault(
            agent, {"agent": agent, "open": 0, "held": 0, "overdue": 0, "within_1h": 0, "first_due": first}
        )
        mine["open"] += n
        mine["held"] += n if band == "hold" else 0
        mine["overdue"] += late
        mine["within_1h"] += hour - late
        mine["first_due"] = min(mine["first_due"], first)
        total = bands.setdefault(band, {"band": band, "open": 0, "overdue": 0, "within_1h": 0, "within_4h": 0})
        for name, count in (("open", n), ("overdue", late), ("within_1h", hour - late), ("within_4h", four - hour)):
            total[name] += count
    orders, rules = firing(pulse.fired, pulse.traffic, pulse.end) if pulse.end is not None else ([], [])
    end = None if pulse.end is None else datetime.fromtimestamp((pulse.end + 1) * 900, local)
    return {
        "made_at": now.isoformat(timespec="seconds"),
        "made_local": now.astimezone(local).strftime("%Y-%m-%d %H:%M:%S"),
        "timezone": zone,
        "last_run": None if pulse.last_run is None else {"at": clock(pulse.last_run[0]), "read": pulse.last_run[1]},
        "opened_24h": pulse.today[0],
        "verdicts_24h": pulse.today[1],
        "over_24h": pulse.today[2],
        "queue": list(bands.values()),
        "agents": [
            {**a, "first_due": clock(a["first_due"])} for a in sorted(agents.values(), key=lambda a: (-a["open"], a["agent"]))
        ],
        "soonest": [
            {
                "platform": names.get(platform.lower(), platform), "order_id": number, "band": _shown(band), "agent": agent, "due": clock(due),
                "overdue": due[:19] < stamp, "rules": [m.split("@")[0] for m in evidence.split(",") if m],
            }
            for platform, number, band, agent, due, evidence in pulse.soonest
        ],
        "clusters": [
            {"cluster": c, "orders": n, "held": held, "first_due": clock(first), "agent": agent, "linked_by": _links(linked)}
            for c, n, held, first, agent, linked in pulse.clusters
        ],
        "until": None if end is None else end.strftime("%Y-%m-%d %H:%M"),
        "orders_per_quarter": orders,
        "rules": rules,
        "alerts": [r["rule_id"] for r in rules if r["alerts"] and r["alerts"][-1] >= SHOWN - 4],
        "gaps": _gaps(pulse.coverage, names),
        "platforms": _platforms(pulse, names),
    }  # fmt: skip


def _shown(band: str) -> str:
    """A control order's band is pass, which would give it away: it is shown as one for review, as on the sheet."""
    return "review" if band == "pass" else band


_LABELS = "(" + "|".join(re.escape(heading(name, lang)) for name in LINKS for lang in ("zh-CN", "en")) + ") "


def _links(text: str) -> list[str]:
    """What links a group, by its headings only: the values are phones, addresses and accounts."""
    found = (re.match(_LABELS, part.strip()) for part in text.split(";"))
    return list(dict.fromkeys(label[1] for label in found if label))


def _gaps(coverage: Mapping[str, Mapping[str, Sequence[int]]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rules that could not judge at least half of a platform's orders in the last runs, the blindest first."""
    out = []
    for rule, platforms in coverage.items():
        sums: dict[str, list[int]] = {}
        for word, counts in platforms.items():
            name = names.get(word.lower(), word)
            sums[name] = [a + b for a, b in zip(sums.get(name, (0, 0)), counts, strict=True)]
        for platform, (judged, blind) in sums.items():
            if judged + blind >= _BLIND_FROM and blind / (judged + blind) >= _BLIND:
                out.append(
                    {
                        "rule_id": rule,
                        "platform": platform,
                        "orders": judged + blind,
                        "not_evaluable": blind,
                    }
                )
    return sorted(out, key=lambda g: (-g["not_evaluable"] / g["orders"], -g["orders"], g["rule_id"], g["platform"]))


def _platforms(pulse: Any, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """How long ago each platform's newest order was; silent: over two hours behind the newest of all.

    One with hardly any orders is never called silent.
    """
    if pulse.end is None:
        return []
    known: dict[str, tuple[int, int]] = {}
    for word, q, n in pulse.platforms:
        newest, orders = known.get(name := names.get(word.lower(), word), (q, 0))
        known[name] = max(q, newest), orders + n
    return [
        {
            "platform": p,
            "orders": n,
            "behind_minutes": (pulse.end - q) * 15,
            "silent": n >= _SILENT_FROM and pulse.end - q > _SILENT_QUARTERS,
        }
        for p, (q, n) in sorted(known.items(), key=lambda one: -one[1][1])
    ]
