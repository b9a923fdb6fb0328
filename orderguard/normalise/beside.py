"""Work on several columns at once: Polars keeps one core busy with a step on one of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")
_MANY = 50_000


def each(work: Callable[[T], R], items: Iterable[T], rows: int) -> Iterable[R]:
    """`work` of each item, in their order; side by side where there are many `rows`, for less a thread does not pay."""
    if rows < _MANY:
        return map(work, items)
    with ThreadPoolExecutor() as workers:
        return list(workers.map(work, items))
