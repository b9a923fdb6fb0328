"""When agents are there: days on which they are away, and the hours of their shift."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, time
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from orderguard.errors import Words

Days = tuple[date, date]
"""First and last day, both included."""

_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_TO = r"\s*(?:\.\.+|~|至|to)\s*"
_CLOCK = r"([01]?\d|2[0-3]|24(?=:00)):([0-5]\d)"
_ALWAYS: Days = (date.min, date.max)
_NO_DAYS = Words(
    "应为日期（2026-11-25）、一段日期（2026-12-01..2026-12-07）、它们的列表，或 true",
    "should be a day (2026-11-25), days (2026-12-01..2026-12-07), a list of these, or true",
)
_NO_HOURS = Words("应为时段，如 08:00-20:00", "should be hours such as 08:00-20:00")


def parse_away(value: object) -> tuple[Days, ...]:
    """Days from `true`, `2026-11-25`, `2026-12-01..2026-12-07`, or a list of these.

    Raises:
        ValueError: with `Words` that say what is wrong.
    """
    if isinstance(value, bool):
        return (_ALWAYS,) if value else ()
    if isinstance(value, list | tuple):
        return tuple(days for part in value for days in ((part,) if isinstance(part, tuple) else parse_away(part)))
    found = re.fullmatch(rf"({_DAY})(?:{_TO}({_DAY}))?", str(value).strip())
    first, last = (_day(found[n] or found[1]) if found else None for n in (1, 2))
    if first is None or last is None:
        raise ValueError(_NO_DAYS)
    if last < first:
        raise ValueError(Words("结束早于开始", "ends before it begins"))
    return ((first, last),)


def _day(text: str) -> date | None:
    year, month, day = map(int, text.split("-"))
    return date(year, month, day) if year and 0 < month <= 12 and 0 < day <= monthrange(year, month)[1] else None


def parse_shift(value: object) -> tuple[time, time]:
    """Hours from `08:00-20:00`; `20:00-08:00` is a night.

    Raises:
        ValueError: with `Words` that say what is wrong.
    """
    if isinstance(value, tuple):
        return value
    found = re.fullmatch(rf"{_CLOCK}\s*[-~–至]\s*{_CLOCK}", str(value).strip())
    if not found:
        raise ValueError(_NO_HOURS)
    return time(int(found[1]) % 24, int(found[2])), time(int(found[3]) % 24, int(found[4]))


def is_away(away: tuple[Days, ...], day: date) -> bool:
    """Whether a day is among them."""
    return any(first <= day <= last for first, last in away)


def on_shift(shift: tuple[time, time], at: time) -> bool:
    """Whether a shift, from its beginning up to its end, covers a time of day."""
    first, last = shift
    return first <= at < last if first < last else at >= first or at < last


def _shown(away: tuple[Days, ...]) -> list[str]:
    return [f"{first}..{last}" for first, last in away]


Away = Annotated[tuple[Days, ...], BeforeValidator(parse_away), PlainSerializer(_shown)]
Shift = Annotated[tuple[time, time], BeforeValidator(parse_shift)]
