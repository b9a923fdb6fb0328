"""What no rule flagged: how many abnormal orders were missed. One definition, for `learn` and for the report.

Every order drawn for control stands for `1 / share` unflagged ones. Of those that were judged, the share found abnormal (with
its Wilson interval) is taken as that of all unflagged orders; where second opinions tell how often agents err, their errors
are taken off first, or slips among orders that are nearly all honest would look like thousands of misses. What was caught is
counted alike: flagged orders since the first control order was drawn, times the precision of those that were judged.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

Z = 1.959963984540054
"""Standard deviations to either side that hold 95 % of a normal distribution."""
_SAID = ("confirmed", "false_alarm")
PAIRS = 50
"""Under this many second opinions, agents' error is unknown."""


class Missed(NamedTuple):
    """An estimate.

    Attributes:
        drawn, judged, found: control orders on sheets, with a verdict that decides, and found abnormal.
        unflagged: orders that they stand for.
        missed, missed_low, missed_high: abnormal orders among these, with the 95 % interval.
        caught: abnormal orders among the flagged since the first control order was drawn.
        recall, recall_low, recall_high: caught of caught and missed; None while no control order has a verdict.
    """

    drawn: int
    judged: int
    found: int
    unflagged: float
    missed: float | None
    missed_low: float | None
    missed_high: float | None
    caught: float
    recall: float | None
    recall_low: float | None
    recall_high: float | None


def estimate(controls: pl.DataFrame, flagged: pl.DataFrame, error: float = 0.0) -> Missed | None:
    """What the control orders say; None where none was drawn.

    Args:
        controls: `opened_at share result`: when an order was drawn, what part of the unflagged was, and its verdict or null.
        flagged: `opened_at result` of the cases of orders that rules flagged.
        error: share of wrong verdicts (see `agents_error`).
    """
    if controls.is_empty():
        return None
    since = flagged.filter(flagged["opened_at"] >= controls["opened_at"].min())
    right, said = _counted(since["result"])
    caught = right / max(said, 1) * len(since)
    found, judged = _counted(controls["result"])
    unflagged = float((1 / controls["share"]).sum())
    low, high = wilson(found, judged)
    if low is None or high is None:
        return Missed(len(controls), 0, 0, unflagged, None, None, None, caught, None, None, None)
    missed = [unflagged * min(max((s - error) / (1 - 2 * error), 0.0), 1.0) for s in (found / judged, low, high)]
    rates = [caught / (caught + m) if caught + m > 0 else None for m in (missed[0], missed[2], missed[1])]
    return Missed(
        len(controls), judged, found, unflagged, missed[0], missed[1], missed[2], caught, rates[0], rates[1], rates[2]
    )


def _counted(results: pl.Series) -> tuple[int, int]:
    """How many were found abnormal, and how many were decided at all."""
    return int((results == "confirmed").sum()), int(results.is_in(_SAID).sum())


def agents_error(own: pl.Series, second: pl.Series) -> float | None:
    """The share of wrong verdicts that explains how often two agents disagree; None with too few second opinions.

    Args:
        own, second: what the two said of each order that both were asked about.
    """
    both = own.is_in(_SAID) & second.is_in(_SAID)
    pairs = int(both.sum())
    if pairs < PAIRS:
        return None
    differ = int((both & (own != second)).sum()) / pairs
    return (1 - sqrt(1 - 2 * min(differ, 0.42))) / 2


def wilson(hits: float, n: float) -> tuple[float | None, float | None]:
    """The 95 % interval of a share (Wilson 1927); nothing from nothing."""
    if n <= 0:
        return None, None
    p, z2 = hits / n, Z * Z
    middle, spread = p + z2 / (2 * n), Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z2 / n)), min(1.0, (middle + spread) / (1 + z2 / n))
