"""`--date-order`: what comes first in 03/04/2026."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orderguard.normalise.dates import DateOrder

DATE_ORDERS = click.Choice(["dmy", "mdy", "day", "month"])


def date_order(word: str | None) -> DateOrder | None:
    """`day` or `month`, whichever way it was said."""
    words: dict[str, DateOrder] = {"dmy": "day", "day": "day", "mdy": "month", "month": "month"}
    return words[word] if word else None
