"""Shares with their intervals, and what points do to orders that have verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orderguard.missed import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Share(NamedTuple):
    """`part` of `whole`, with its Wilson 95 % interval; all None where there is nothing to divide by."""

    part: int
    whole: int
    share: float | None
    low: float | None
    high: float | None

    def told(self) -> dict[str, float | int | None]:
        """As JSON and YAML show it."""
        return {n: round(v, 4) if isinstance(v, float) else v for n, v in self._asdict().items()}


def share(part: int, whole: int) -> Share:
    """A share with its Wilson score interval (95 %), which is never 0 % to 0 % or 100 % to 100 %."""
    low, high = wilson(part, whole)
    return Share(part, whole, part / whole if whole else None, low, high)


class Judged(NamedTuple):
    """Orders with a verdict that says something, and with the same hits.

    Attributes:
        hits: rule ids of today's live rules that fired on them, with today's fingerprint.
        right: they were found abnormal.
        control: they were drawn at random from the unflagged.
        n, weight: how many; the same with recent verdicts counting more.
    """

    hits: tuple[str, ...]
    right: bool
    control: bool
    n: int
    weight: float


class Outcome(NamedTuple):
    """What a set of points does to judged orders.

    Attributes:
        queue, held: orders at or above the review and the hold band.
        queue_precision, held_precision: of these, found abnormal.
        recall: abnormal ones in the queue, of all abnormal ones that were judged.
        held_honest: honest orders on hold.
    """

    queue: int
    held: int
    queue_precision: Share
    held_precision: Share
    recall: Share
    held_honest: int

    def told(self) -> dict[str, object]:
        """As JSON and YAML show it."""
        return {n: v.told() if isinstance(v, Share) else v for n, v in self._asdict().items()}


def score(hits: Sequence[str], points: Mapping[str, float]) -> float:
    """The sum of points, in the order of the rules' ids, so that equal hits give equal sums."""
    return sum(points.get(h, 0.0) for h in sorted(hits))


def outcome(judged: Sequence[Judged], points: Mapping[str, float], review: float, hold: float) -> Outcome:
    """Count judged orders by band under `points`."""
    queue = held = queue_right = held_right = right = 0
    for order in judged:
        worth = score(order.hits, points)
        found = order.n * order.right
        right += found
        if worth >= review:
            queue += order.n
            queue_right += found
        if worth >= hold:
            held += order.n
            held_right += found
    return Outcome(
        queue, held, share(queue_right, queue), share(held_right, held), share(queue_right, right), held - held_right
    )
