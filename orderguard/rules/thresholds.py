"""Which setting of a rule is the limit on its measured value."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from orderguard.rules.base import Kind


class Limit(NamedTuple):
    """A rule's threshold, in the unit of its findings' `value`.

    Attributes:
        setting: key in `with:`.
        now: its value.
        above: values above (or at) it are flagged; else values below.
        whole: it counts things.
        unit: shown behind the number.
    """

    setting: str
    now: float
    above: bool
    whole: bool
    unit: str


_ABOVE = ("more_than_km", "more_than", "at_least", "above", "over", "times", "factor", "min_amount", "similarity")
_BELOW = ("less_than", "at_most", "below", "under", "within")
_UNITS = {"more_than_km": "km"}
_DAY = 86_400.0


def limit_of(kind: Kind) -> Limit | None:
    """The limit among a kind's settings, by name; None where `value` is not compared with one.

    A window rule's length of time is how far it looks, not a limit on its count.
    """
    own = getattr(kind, "threshold", None)
    if callable(own):
        found = own()
        return Limit(*found) if found else None
    windowed = kind.reach().within is not None
    for names, above in ((_ABOVE, True), (_BELOW, False)):
        for name in names:
            value = getattr(kind, name, None)
            if isinstance(value, timedelta) and not windowed:
                return Limit(name, value.total_seconds() / _DAY, above, whole=False, unit="d")
            if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
                whole = isinstance(value, int)
                return Limit(name, float(value), above, whole=whole, unit=_UNITS.get(name, ""))
    return None
