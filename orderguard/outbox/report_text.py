"""Numbers as a reader sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Say = Callable[[str, str], str]

NONE = "—"
ENOUGH = 10
"""As in report.stats: verdicts from which a share is shown as a percentage."""


def speaker(locale: str) -> Say:
    """`say(zh, en)` for a locale."""
    zh = locale.startswith("zh")
    return lambda chinese, english: chinese if zh else english


def whole(value: float | None) -> str:
    """`12,345`."""
    return NONE if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 1) -> str:
    """`31.2 %`; a trace of something is never shown as nothing."""
    if value is None:
        return NONE
    if 0 < value < 0.5 * 10 ** -(digits + 2):
        return f"<{10**-digits:g} %"
    return f"{100 * value:.{digits}f} %"


TOTALS = ("scanned", "flagged", "confirmed", "false_alarms", "held", "held_by_mistake")
"""What the trend tells of each month as a whole."""


def begun(trend: Sequence[Mapping[str, Any]]) -> list[str]:
    """The trend's months from the first of which anything is known: no zeros from before there was a ledger."""
    totals = [r for r in trend if r["rule_id"] is None]
    first = next((i for i, r in enumerate(totals) if r["flagged"] or r["scanned"]), len(totals) - 1)
    return [r["month"] for r in totals[max(first, 0) :]]


def lasting(seconds: float | None, say: Say) -> str:
    """A time span in its two largest units."""
    if seconds is None:
        return NONE
    total = round(seconds)
    units = ((86_400, say(" 天", " d")), (3_600, say(" 小时", " h")), (60, say(" 分", " min")), (1, say(" 秒", " s")))
    parts = []
    for size, word in units:
        if total >= size:
            parts.append(f"{total // size}{word}")
            total %= size
        elif parts:
            break
    return " ".join(parts[:2]) or f"0{say(' 秒', ' s')}"


def money(amounts: Mapping[str, float]) -> str:
    """`CNY 1,234.50 + USD 10.00`."""
    return " + ".join(f"{code} {value:,.2f}" for code, value in amounts.items()) or NONE


def change(value: float | None, say: Say, *, points: bool = False) -> str:
    """A difference to the other period: `+12.0 %`, or in percentage points."""
    if value is None:
        return ""
    return f"{100 * value:+.1f} {say('个百分点', 'points') if points else '%'}"


def share(row: Mapping[str, Any], key: str, say: Say) -> str:
    """`31.0 % (19–46 %, n = 61)`, or that there are too few."""
    n, value = row[f"{key}_n"], row[key]
    if not n or value is None:
        return NONE
    if n < ENOUGH:
        return say(f"太少（n = {n}）", f"too few (n = {n})")
    return f"{percent(value)}{spread(row, key, say)}"


def spread(row: Mapping[str, Any], key: str, say: Say) -> str:
    """`(19–46 %, n = 61)`: the 95 % interval and the count."""
    low, high = 100 * row[f"{key}_low"], 100 * row[f"{key}_high"]
    digits = 0 if high - low >= 2 else 1
    inside = f"{low:.{digits}f}–{high:.{digits}f} %"
    n = f"n = {row[f'{key}_n']:,}"
    return say(f"（{inside}，{n}）", f" ({inside}, {n})")
