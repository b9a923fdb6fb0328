"""Spans of a report: whole months and days in the rulebook's time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from orderguard.errors import OrderguardError, Problem, Words


class Period(NamedTuple):
    """A span of local days as instants.

    Attributes:
        label: `2026-11`, or `2026-11-01_2026-11-15`.
        first, last: local days, both included.
        start, end: instants in UTC; the end is not included.
        zone: name of the time zone.
    """

    label: str
    first: date
    last: date
    start: datetime
    end: datetime
    zone: str

    @property
    def seconds(self) -> tuple[int, int]:
        """Start and end in seconds since 1970."""
        return int(self.start.timestamp()), int(self.end.timestamp())


def month(text: str, zone: str, option: str = "--month") -> Period:
    """A calendar month, `2026-11` (also `2026-1`, `202611`, `2026/11`, `2026年11月`).

    Raises:
        OrderguardError: the text is no month.
    """
    found = re.fullmatch(r"\s*(\d{4})(?:[-/.年]\s*(\d{1,2})月?|(\d{2}))\s*", text)
    number = int(found[2] or found[3]) if found else 0
    if not found or not 1 <= number <= 12:
        what = Words(f"{option} 读不懂“{text}”", f"{option}: '{text}' is no month")
        raise OrderguardError(Problem(what, fix=Words("写成 2026-11", "write it as 2026-11")))
    first = date(int(found[1]), number, 1)
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return _span(f"{first:%Y-%m}", first, after - timedelta(days=1), zone)


def between(first: date, last: date, zone: str) -> Period:
    """The days from `first` to `last`, both included.

    Raises:
        OrderguardError: the last day is before the first.
    """
    if last < first:
        what = Words(f"--to {last} 早于 --from {first}", f"--to {last} is before --from {first}")
        raise OrderguardError(Problem(what))
    return _span(f"{first}_{last}", first, last, zone)


def previous(period: Period) -> Period:
    """The month before a month; as many days before any other span."""
    before = period.first - timedelta(days=1)
    if re.fullmatch(r"\d{4}-\d{2}", period.label):
        return month(f"{before:%Y-%m}", period.zone)
    days = (period.last - period.first).days
    return between(before - timedelta(days=days), before, period.zone)


def months_back(period: Period, n: int) -> list[Period]:
    """The `n` calendar months that end with the period's last day's month, oldest first."""
    out = [month(f"{period.last:%Y-%m}", period.zone)]
    while len(out) < n:
        out.append(previous(out[-1]))
    return out[::-1]


def _span(label: str, first: date, last: date, zone: str) -> Period:
    return Period(label, first, last, _midnight(first, zone), _midnight(last + timedelta(days=1), zone), zone)


def _midnight(day: date, zone: str) -> datetime:
    """Where a clock change leaves out midnight, the first instant of the day."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
