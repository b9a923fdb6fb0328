"""A profile's words as `normalise` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderguard.normalise import Recipe
from orderguard.normalise.status import StatusWords, word_key
from orderguard.platforms.profile import heading_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.normalise.dates import DateOrder
    from orderguard.platforms import Match, Profile


def status_words(profile: Profile, profiles: Sequence[Profile], headings: Sequence[str]) -> StatusWords:
    """What the status words of a file mean: the platform's own, then those that all shop systems share.

    Args:
        profile: the file's.
        profiles: all, `generic` among them.
        headings: the file's column names.
    """
    generic = next(p for p in profiles if p.platform == "generic")
    words: dict[str, str] = {}
    for one in (generic, profile):
        words.update({word_key(w): stage for stage, said in one.statuses.items() for w in said})
    have = {heading_key(h): h for h in reversed(headings)}
    return StatusWords(
        words,
        {word_key(w): stage for w, stage in profile.status_starts.items()},
        tuple(have[k] for k in map(heading_key, profile.status_from) if k in have),
        {have[k]: stage for h, stage in profile.status_if_filled.items() if (k := heading_key(h)) in have},
    )


def recipe_of(
    match: Match, profiles: Sequence[Profile], headings: Sequence[str], zone: str, locale: str, order: DateOrder | None
) -> Recipe:
    """How to read a file that was recognised."""
    profile = match.profile
    return Recipe(
        profile.platform,
        match.picks,
        tuple(profile.blanks),
        zone,
        locale,
        order,
        profile.date_order,
        status_words(profile, profiles, headings),
        items=profile.part == "items",
        split=profile.split,
        packed=profile.packed,
    )
