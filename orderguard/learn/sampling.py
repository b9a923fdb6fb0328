"""What the control group says about orders that no rule flagged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orderguard.learn.evidence import Share, share
from orderguard.missed import estimate

if TYPE_CHECKING:
    import polars as pl


class Recall(NamedTuple):
    """`missed.Missed` as `learn` tells it: `found` with its interval; `low` and `high` are those of `recall`."""

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
    """Recall by the control group (see `orderguard.missed`); None where none was drawn.

    Args:
        cases: as for `propose`; `share` is the part of the unflagged orders that was drawn, `opened_at` when.
        error: share of wrong verdicts.
    """
    controls = cases.filter("control")
    found = estimate(controls, cases.filter(~cases["control"]), error)
    if found is None:
        return None
    return Recall(
        found.drawn, found.judged, share(found.found, found.judged), found.unflagged, found.missed, found.missed_low,
        found.missed_high, found.caught, found.recall, found.recall_low, found.recall_high,
    )  # fmt: skip
