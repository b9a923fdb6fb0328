"""A profile's words as `normalise` takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from orderguard.currencies import currency_of_language, heading_unit, without_cents
from orderguard.errors import Problem, Words
from orderguard.normalise import Recipe
from orderguard.normalise.cleaning import cleaned_series
from orderguard.normalise.status import StatusWords, word_key
from orderguard.platforms import match_header
from orderguard.platforms.profile import GENERIC, heading_key
from orderguard.platforms.recognise import by_numbers

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


_ASKED = 200
"""Order numbers that are looked at where headings tell no platform."""


def recognised(
    frame: pl.DataFrame, profiles: Sequence[Profile], wanted: str | None, where: str
) -> tuple[Match, list[Problem]]:
    """How a table is understood, and what must be said about it: by its headings, else by the form of its order numbers.

    Args:
        frame: the table as it was read.
        profiles: all that are known.
        wanted: `--platform`.
        where: the file, for messages.

    Raises:
        OrderguardError: no order number column was found, or `wanted` is unknown.
    """
    headings = [c for c in frame.columns if c != "source_row"]
    match = match_header(headings, profiles, wanted, where)
    if wanted is not None or match.profile.platform != GENERIC or "platform" in match.picks:
        return match, []
    numbers = frame[match.picks["order_id"].sources[0]].head(_ASKED).drop_nulls().cast(pl.String)
    told = by_numbers(cleaned_series(numbers).drop_nulls().to_list() if len(numbers) else [], profiles)
    if told is None:
        return match, []
    name = told.name
    what = Words(
        f"表头认不出平台，按订单编号的格式当作{name['zh']}",
        f"the headings tell no platform; the form of the order numbers is that of {name['en']}",
    )
    fix = Words("不对时用 --platform 指定", "name another with --platform if that is wrong")
    return match_header(headings, profiles, told.platform, where), [Problem(what, where, fix=fix, fatal=False)]


def recipe_of(
    match: Match, profiles: Sequence[Profile], headings: Sequence[str], zone: str, locale: str, order: DateOrder | None
) -> Recipe:
    """How to read a file that was recognised."""
    profile = match.profile
    hundredths = {heading_key(h) for h in profile.cents}
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
        currency=_of_headings(headings),
        guessed_currency=currency_of_language(headings),
        cents=frozenset(h for h in headings if without_cents(h)[1] or heading_key(h) in hundredths),
    )


_CONVERTED = re.compile("汇率|匯率|折|换算|換算|(?i:rate|equiv|convert)")
"""What such a heading names is another money than the order's."""


def _of_headings(headings: Sequence[str]) -> str:
    """The one currency that headings name behind themselves; '' where there are none or several."""
    codes = {code for h in headings if (code := heading_unit(h)[1]) and not _CONVERTED.search(h)}
    return codes.pop() if len(codes) == 1 else ""
