"""How each shop system spells an order: one YAML of words per platform, and the recognition of a file's header."""

from orderguard.platforms.loading import load_profiles
from orderguard.platforms.profile import Pick, Profile
from orderguard.platforms.recognise import (
    Match,
    header_score,
    match_header,
    named,
    names_of_words,
    platform_ids,
    platform_names,
    platform_words,
)

__all__ = [
    "Match",
    "Pick",
    "Profile",
    "header_score",
    "load_profiles",
    "match_header",
    "named",
    "names_of_words",
    "platform_ids",
    "platform_names",
    "platform_words",
]
