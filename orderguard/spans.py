"""Lengths of time as people write them in a rulebook or a team file: `30s`, `5m`, `2h`, `7d`, `5 分钟`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from orderguard.errors import Words

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "秒": 1, "分钟": 60, "小时": 3600, "天": 86_400}
_LONGEST = timedelta(days=366)


def parse_span(value: object) -> timedelta:
    """A length of time from text such as `5m`.

    Raises:
        ValueError: with `Words` that say what is wrong.
    """
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|秒|分钟|小时|天)", str(value).strip())
    if not found:
        raise ValueError(Words("应为时长，如 30s、5m、2h、7d", "should be a length of time such as 30s, 5m, 2h, 7d"))
    seconds = float(found[1]) * _UNITS[found[2]]
    span = timedelta(seconds=min(seconds, 1e9))
    if not timedelta(0) < span <= _LONGEST:
        raise ValueError(Words("时长须大于 0 且不超过 366 天", "must be above 0 and at most 366 days"))
    return span


def _pause(value: object) -> timedelta:
    return timedelta(0) if value in (0, "0") and value is not False else parse_span(value)


def _shown(span: timedelta) -> str:
    """Seconds, which fingerprints are made of: in short as ever where that is exact, else in full."""
    seconds = span.total_seconds()
    short = f"{seconds:g}"
    return f"{short if float(short) == seconds else repr(seconds)}s"


_SHOWN = PlainSerializer(_shown, return_type=str)

Span = Annotated[timedelta, BeforeValidator(parse_span), _SHOWN]
"""A length of time above 0."""

Pause = Annotated[timedelta, BeforeValidator(_pause), _SHOWN]
"""A length of time, or 0."""
