"""Which platform a header belongs to, and which heading means which of our columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orderguard.columns import LINE_ONLY, ORDERS
from orderguard.errors import OrderguardError, Problem, Words, closest
from orderguard.platforms.profile import GENERIC, Pick, Profile, heading_key
from orderguard.platforms.telling import TOGETHER, in_style, own_headings, profile_key, telling_headings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LEAST, _MANY, _MOSTLY = 2, 4, 0.8
"""An order file must give at least this many of our columns, the order id among them."""

DECIDING = (
    "order_id", "created_at", "amount", "receiver_phone", "address", "ip", "registered_at", "prior_orders", "coupon",
    "buyer_note", "status", "device_id", "buyer_id", "ship_from", "currency",
)  # fmt: skip
"""What rules read: a slip here flags the wrong orders, or none."""

_DERIVED = ("stage",)
_COLUMNS = [
    *(c.name for c in ORDERS if not c.name.startswith("source_") and c.name not in _DERIVED),
    "line_id",
    *LINE_ONLY,
]


@dataclass
class Match:
    """How one header was understood.

    Attributes:
        profile: the platform.
        share: known headings / all headings (0 to 1).
        picks: canonical column -> the headings of this file it is read from.
        guessed: canonical columns that were filled by the generic names, not by the profile.
        unused: headings that no column uses.
    """

    profile: Profile
    share: float
    picks: dict[str, Pick]
    guessed: tuple[str, ...]
    unused: tuple[str, ...]


def header_score(profiles: Sequence[Profile]) -> Callable[[Sequence[str]], float]:
    """A function that tells which share of a row's filled cells are headings some profile knows."""
    known = set[str]().union(*(p.headings() for p in profiles))

    def score(cells: Sequence[str]) -> float:
        keys = [k for k in map(heading_key, cells) if k]
        return sum(k in known for k in keys) / len(keys) if keys else 0.0

    return score


def named(word: str, profiles: Sequence[Profile], where: str = "") -> list[Profile]:
    """The profiles (its variants) of the platform that a user calls `word`: by its id or another name.

    Raises:
        OrderguardError: nobody is called so.
    """
    found = [p for p in profiles if word.casefold() in {p.platform, *(a.casefold() for a in p.aliases)}]
    if not found:
        what = Words(f"未知平台 '{word}'", f"unknown platform '{word}'")
        raise OrderguardError(
            Problem(what, where, fix=closest(word, list(dict.fromkeys(p.platform for p in profiles))))
        )
    return found


def match_header(
    headings: Sequence[str], profiles: Sequence[Profile], wanted: str | None = None, where: str = ""
) -> Match:
    """Recognise a header by its best share of known headings.

    Args:
        headings: the file's column names.
        profiles: all that are known, `generic` among them.
        wanted: `--platform`, when the user says which it is.
        where: the file, for messages.

    Raises:
        OrderguardError: `wanted` is unknown, or no order number column was found.
    """
    generic = next(p for p in profiles if p.platform == GENERIC)
    keys = {heading_key(h): h for h in reversed(headings)}
    if wanted is not None:
        return _match(named(wanted, profiles, where)[0], generic, keys)
    telling = telling_headings(profiles)
    told = [_match(p, generic, keys) for p in profiles if p is generic or own_headings(p, telling, keys)]
    told = [m for m in told if not _by_chance(m, told, telling, keys)]
    # A heading that only one system has and an order number are an order file of it, if one that tells little.
    usable = [m for m in told if "order_id" in m.picks and (len(m.picks) >= _LEAST or m.profile is not generic)]
    if not usable:  # a selection of columns without any telltale one, in which the general names find no order number
        rest = [_match(p, generic, keys) for p in profiles]
        usable = [m for m in rest if "order_id" in m.picks and len(m.picks) >= _MANY and m.share >= _MOSTLY]
    if not usable:
        shown = ", ".join(h[:20] for h in list(headings)[:12])
        alone = any("order_id" in m.picks for m in told)
        what = (
            Words(f"只认出订单编号一列（{shown}）", f"only the order number was recognised ({shown})")
            if alone
            else Words(
                f"认不出是哪个平台：表头里没有订单编号列（{shown}）",
                f"platform not recognised: no order number column ({shown})",
            )
        )
        fix = Words(
            "检查表头是否在第一行；或用 --platform 指定平台；orderguard platforms draft 文件 可起草它的配置",
            "check that the header is the first row, or name it with --platform; 'orderguard platforms draft FILE' drafts a profile",
        )
        raise OrderguardError(Problem(what, where, fix=fix))
    best = max(usable, key=lambda m: _merit(m, generic, telling, keys))
    return (_only_one_that_knows(profiles, best, keys) or best) if best.profile is generic else best


_FEW = 2
_LEAST_SHARE = {1: 0.75, 2: 0.5}
_SHARE = 0.65
"""A platform must know this share of what the usual names know, by how many headings tell it: ShipStation writes five as eBay does (Ship To - Name)."""


def _by_chance(
    match: Match, told: Sequence[Match], telling: dict[tuple[str, str], set[str]], keys: dict[str, str]
) -> bool:
    """A system that no profile is for happens to have a heading or two of this one, of whose others it has hardly any."""
    profile = match.profile
    usual = next(m for m in told if m.profile.platform == GENERIC)
    own = telling[profile_key(profile)] & keys.keys()
    if profile.platform == GENERIC or "order_id" not in usual.picks:
        return False
    foreign = len(own) <= _FEW and profile.style and not any(in_style(profile, keys[k]) for k in own)
    least = _LEAST_SHARE.get(len(own), _SHARE)
    return match.share < least * usual.share or (bool(foreign) and match.share < usual.share)


def _only_one_that_knows(profiles: Sequence[Profile], generic: Match, keys: dict[str, str]) -> Match | None:
    """Without a telling heading: the one platform that knows (nearly) all of the header, and more than anybody does."""
    shares = [(len(p.headings() & keys.keys()) / max(len(keys), 1), p) for p in profiles if p.platform != GENERIC]
    most = max(share for share, _ in shares) if shares else 0.0
    first = [p for share, p in shares if share == most]
    if most < 0.9 or most < generic.share + 0.09 or len({p.platform for p in first}) > 1 or "platform" in generic.picks:
        return None
    match = _match(first[0], generic.profile, keys)
    return match if "order_id" in match.picks and len(match.picks) >= _LEAST else None


def by_numbers(numbers: Sequence[str], profiles: Sequence[Profile]) -> Profile | None:
    """The one platform that gives out order numbers of this form, when (nearly) all of them have it.

    Args:
        numbers: some order numbers of the file, cleaned.
        profiles: all that are known.
    """
    if len(numbers) < TOGETHER:
        return None
    fits = {
        p.platform: p
        for p in profiles
        if p.ids and not p.variant and sum(re.fullmatch(p.ids, n) is not None for n in numbers) >= 0.95 * len(numbers)
    }
    return next(iter(fits.values())) if len(fits) == 1 else None


def candidates(headings: Sequence[str], profiles: Sequence[Profile]) -> list[tuple[Match, tuple[str, ...]]]:
    """Every platform that the header may be of, the likeliest first, with the headings that tell it."""
    generic = next(p for p in profiles if p.platform == GENERIC)
    keys = {heading_key(h): h for h in reversed(headings)}
    telling = telling_headings(profiles)
    found = [_match(p, generic, keys) for p in profiles if p is generic or own_headings(p, telling, keys)]
    found = [m for m in found if not _by_chance(m, found, telling, keys)]
    found.sort(key=lambda m: _merit(m, generic, telling, keys), reverse=True)
    return [(m, tuple(keys[k] for k in keys if k in telling[profile_key(m.profile)])[:8]) for m in found]


def _merit(
    match: Match, generic: Profile, telling: dict[tuple[str, str], set[str]], keys: dict[str, str]
) -> tuple[float, ...]:
    """A platform's own headings outweigh those that any shop system has, which tell nothing against it.

    But a column that names the platform of each row (平台) is an ERP's: no platform's own export has it.
    """
    profile = match.profile
    own = own_headings(profile, telling, keys)
    merit = len((profile.headings() | generic.headings()) & keys.keys()) / max(len(keys), 1) + min(own, 5) * 0.1
    if profile is not generic:
        named = _present(generic.pick("platform"), keys)
        merit -= 0.25 if named and not {heading_key(s) for s in named.sources} & profile.headings() else 0.0
    return (round(merit, 9), round(match.share, 9), float(profile is not generic), float(len(match.picks)))


def _match(profile: Profile, generic: Profile, keys: dict[str, str]) -> Match:
    picks: dict[str, Pick] = {}
    guessed: list[str] = []
    used: set[str] = set()
    for name in _COLUMNS:
        found = _present(profile.pick(name), keys)
        if found:
            picks[name] = _settled(name, found)
            used.update(picks[name].all_sources())
    share = len([k for k in keys if k in profile.headings()]) / max(len(keys), 1)
    if profile is not generic and profile.part == "orders":
        for name in _COLUMNS:
            if name in picks or name == "platform":
                continue
            found = _present(generic.pick(name), {k: h for k, h in keys.items() if h not in used})
            if found:
                picks[name] = _settled(name, found)
                used.update(picks[name].sources)
                guessed.append(name)
    unused = tuple(h for h in keys.values() if h not in used)
    return Match(profile, share, picks, tuple(guessed), unused)


_ONE_COLUMN = ("amount", "buyer_note")
"""An order total is no paid amount, and a shop's remark no buyer's word: a blank cell of the first heading stays blank."""


def _settled(name: str, pick: Pick) -> Pick:
    return pick._replace(sources=pick.sources[:1]) if name in _ONE_COLUMN and pick.how == "first" else pick


def _present(pick: Pick | None, keys: dict[str, str]) -> Pick | None:
    """`pick` narrowed to the headings that there are; what fills its blanks stands in where there are none."""
    if pick is None:
        return None
    then = _present(pick.then, keys)
    have = tuple(dict.fromkeys(keys[k] for k in map(heading_key, pick.sources) if k in keys))
    if not have or len(have) <= (
        less := sum(heading_key(s) in keys for s in pick.sources[len(pick.sources) - pick.less :])
    ):
        return then
    if pick.how == "first":  # a heading that stands there again fills what is blank under the first
        have += tuple(twin for h in have if keys.get(heading_key(twin := f"{h}#2")) == twin)
    return pick._replace(sources=have, less=less, then=then)


def platform_ids(profiles: Sequence[Profile]) -> dict[str, str]:
    """Every word for a platform (casefolded) -> its id: `京东` -> `jd`."""
    return {w.casefold(): p.platform for p in profiles for w in (p.platform, *p.aliases, *p.name.values())}


def platform_names(profiles: Sequence[Profile], locale: str) -> dict[str, str]:
    """Platform id -> what people call it in a language."""
    return {p.platform: p.name["zh" if locale.startswith("zh") else "en"] for p in profiles}


def names_of_words(profiles: Sequence[Profile], locale: str) -> dict[str, str]:
    """Every word for a platform (casefolded) -> what people call it in a language."""
    names = platform_names(profiles, locale)
    return {word: names[platform] for word, platform in platform_ids(profiles).items()}


def present(pick: Pick | None, headings: Sequence[str]) -> Pick | None:
    """`pick` narrowed to the headings that a file has; None when it has none of them."""
    return _present(pick, {heading_key(h): h for h in reversed(headings)})


def platform_words(profiles: Sequence[Profile]) -> dict[str, frozenset[str]]:
    """Every word for a platform (casefolded) -> all words for the same platform, for scopes such as `only:`."""
    words: dict[str, frozenset[str]] = {}
    for profile in profiles:
        same = frozenset(w.casefold() for w in [profile.platform, *profile.aliases, *profile.name.values()])
        words.update(dict.fromkeys(same, same))
    return words
