"""What the control group says about orders that no rule flagged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderguard.learn.evidence import share
from orderguard.missed import Missed, estimate

if TYPE_CHECKING:
    import polars as pl


def recall(cases: pl.DataFrame, error: float) -> Missed | None:
    """Recall by the control group (see `orderguard.missed`); None where none was drawn.

    Args:
        cases: as for `propose`; `share` is the part of the unflagged orders that was drawn, `opened_at` when.
        error: share of wrong verdicts.
    """
    return estimate(cases.filter("control"), cases.filter(~cases["control"]), error)


def told(missed: Missed) -> dict[str, object]:
    """As JSON shows it: `found` with its interval, `low` and `high` of `recall`."""
    said = {n: round(v, 4) if isinstance(v, float) else v for n, v in missed._asdict().items()}
    said = {n.removeprefix("recall_"): v for n, v in said.items()}
    return {**said, "found": share(missed.found, missed.judged).told()}
