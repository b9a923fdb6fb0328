"""Which headings tell a platform: those that no other system writes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from orderguard.columns import BLANKS
from orderguard.platforms.profile import GENERIC, Profile, heading_key

if TYPE_CHECKING:
    from collections.abc import Sequence

TOGETHER = 3


def own_headings(profile: Profile, telling: dict[tuple[str, str], set[str]], keys: dict[str, str]) -> int:
    """How many headings tell the platform: its own, or one's worth where three hints or three in its style stand together."""
    own = len(telling[profile_key(profile)] & keys.keys())
    if own or not (profile.hints or profile.style):
        return own
    together = sum(k in keys for k in {heading_key(h) for h in profile.hints})
    if profile.style:
        written = [h for k, h in keys.items() if k in profile.headings()]
        together = max(together, sum(in_style(profile, h) for h in written))
    return int(together >= TOGETHER)


def profile_key(profile: Profile) -> tuple[str, str]:
    """A profile's platform and variant."""
    return (profile.platform, profile.variant)


class _Same(tuple[Profile, ...]):
    """Profiles that are the same when they are the same objects: a folder of a thousand files asks for them each time."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(tuple(map(id, self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and list(map(id, self)) == list(map(id, other))


def telling_headings(profiles: Sequence[Profile]) -> dict[tuple[str, str], set[str]]:
    """Per profile the headings that tell it: those of its signature, and those no one else knows; never another platform's."""
    return _telling(_Same(profiles))


@lru_cache(maxsize=4)
def _telling(profiles: _Same) -> dict[tuple[str, str], set[str]]:
    owners: dict[str, set[str]] = {}
    general = set[str]().union(*(p.headings() for p in profiles if p.platform == GENERIC))
    for profile in profiles:
        for heading in profile.headings() if profile.platform != GENERIC else ():
            owners.setdefault(heading, set()).add(profile.platform)
    signatures = {profile_key(p): {heading_key(s) for s in p.signature} for p in profiles}
    return {
        key: {
            h
            for h in (p.headings() if p.platform != GENERIC else ())
            if len(owners[h]) == 1 and (h in signatures[key] or (h not in general and len(h) > 1))
        }
        for key, p in ((profile_key(p), p) for p in profiles)
    }


def in_style(profile: Profile, heading: str) -> bool:
    """Whether a heading is written as this platform writes its own."""
    return re.fullmatch(profile.style, heading.strip(BLANKS + "\"'*")) is not None
