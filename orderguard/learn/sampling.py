"""What the control group says about orders that no rule flagged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orderguard.learn.evidence import Share, share

if TYPE_CHECKING:
    import polars as pl


class Recall(NamedTuple):
    """An estimate from random unflagged orders.

    Attributes:
        drawn, judged, found: control orders on sheets, with a verdict, and found abnormal.
        unflagged: orders that they stand for.
        missed, missed_low, missed_high: abnormal orders among these, with the 95 % interval.
        caught: abnormal orders among the flagged since the first control order was drawn (unjudged ones by the
            precision of the judged).
        recall, low, high: caught of caught and missed; None while no control order has a verdict.
    """

    drawn: int
    judged: int
    found: Share
    unflagged: float
    missed: float | None
    missed_low: float | None
    missed_high: float | None
    caught: float
    recall: float | None
    low: float | None
    high: float | None

    def told(self) -> dict[str, object]:
        """As JSON shows it."""
        told = {n: round(v, 4) if isinstance(v, float) else v for n, v in self._asdict().items()}
        return {**told, "found": self.found.told()}


def recall(cases: pl.DataFrame, error: float) -> Recall | None:
    """Recall by the control group; None where none was drawn.

    Args:
        cases: as for `propose`; `share` is the part of the unflagged orders that was drawn, `opened_at` when.
        error: share of wrong verdicts, taken off before the count is scaled up: among orders that are nearly all
            honest, agents' slips would otherwise look like thousands of missed orders.
    """
    controls = cases.filter("control")
    if controls.is_empty():
        return None
    since = controls["opened_at"].min()
    flagged = cases.filter(~cases["control"] & (cases["opened_at"] >= since))
    said = flagged["result"].is_in(["confirmed", "false_alarm"])
    precision = float((flagged["result"] == "confirmed").sum()) / max(int(said.sum()), 1)
    caught = precision * len(flagged)
    judged = controls.filter(controls["result"].is_in(["confirmed", "false_alarm"]))
    found = share(int((judged["result"] == "confirmed").sum()), len(judged))
    unflagged = float((1 / controls["share"]).sum())
    if found.share is None or found.low is None or found.high is None:
        return Recall(len(controls), 0, found, unflagged, None, None, None, caught, None, None, None)
    missed, low, high = (
        unflagged * min(max((s - error) / (1 - 2 * error), 0.0), 1.0) for s in (found.share, found.low, found.high)
    )
    rates = [caught / (caught + m) if caught + m > 0 else None for m in (missed, high, low)]
    return Recall(len(controls), len(judged), found, unflagged, missed, low, high, caught, *rates)
