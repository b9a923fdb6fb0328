"""Instants as the database stores them: text, whole seconds, UTC."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import datetime


def iso(at: datetime) -> str:
    """An instant as it is stored: `2026-11-11T00:00:03+0000`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S%z")


def instant(name: str) -> pl.Expr:
    """A text column of the database as instants."""
    return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us", time_zone="UTC")
