"""Who a case lies with, as users read and type it: a name, or the queue that all share."""

from __future__ import annotations

from orderguard.errors import Words

UNASSIGNED = "unassigned"
"""In frames, the ledger, JSON and file names: nobody yet."""
NOBODY = Words("待分配", UNASSIGNED)


def shown(agent: str, locale: str) -> str:
    """An agent's name, or the word for the shared queue."""
    return NOBODY.pick(locale) if agent == UNASSIGNED else agent


def meant(name: str) -> str:
    """The agent that a user's word names."""
    return UNASSIGNED if name.strip().casefold() in {UNASSIGNED, *NOBODY} else name
