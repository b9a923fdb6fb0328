"""A profile for an export that nobody knows: from its headings and its values, every doubt written down."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from orderguard.columns import heading as heading_of
from orderguard.errors import Words
from orderguard.platforms.profile import CANONICAL, GENERIC, heading_key
from orderguard.platforms.recognise import DECIDING
from orderguard.platforms.telling import telling_headings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.platforms.looks import Look
    from orderguard.platforms.profile import Profile

_BY_VALUE = (
    "order_id",
    "created_at",
    "amount",
    "receiver_phone",
    "address",
    "ip",
    "email",
    "province",
    "city",
    "district",
    "receiver_name",
    "status",
)

_PERSONAL = {"receiver_name", "buyer_name", "receiver_phone", "address", "email", "buyer_id", "ip", "device_id"}
_EXACT, _PART, _VALUE, _FIT = 3.0, 1.6, 1.0, 2.0
_NEAR = 0.8
_LONG = 9


@dataclass
class Guess:
    """One canonical column of a draft.

    Attributes:
        column: ours.
        heading: theirs.
        merit: how well it fits, for choosing between headings.
        doubts: why it may be wrong; empty when name and values agree.
    """

    column: str
    heading: str
    merit: float
    doubts: list[Words] = field(default_factory=list)


@dataclass
class Draft:
    """A profile to be checked by hand.

    Attributes:
        platform: its id.
        guesses: in the order of our columns.
        signature: headings that no known platform has.
        unused: headings that no column uses.
        words: status words that are not known.
    """

    platform: str
    guesses: list[Guess]
    signature: list[str]
    unused: list[str]
    words: list[str]


def draft(
    headings: Sequence[str],
    looks: Mapping[str, Look],
    profiles: Sequence[Profile],
    platform: str,
    words: Sequence[str] = (),
) -> Draft:
    """Guess which heading is which of our columns.

    Args:
        headings: the file's.
        looks: what each heading's cells look like.
        profiles: all known ones; their names for columns are what names are compared with.
        platform: the id of the new profile.
        words: status words of the file that are not known.
    """
    names = _known_names(profiles)
    rated = [
        Guess(column, head, merit)
        for head in headings
        for column in names
        if (merit := _merit(column, head, looks[head], names)) > 0
    ]
    rated.sort(key=lambda g: (-g.merit, list(headings).index(g.heading), g.column))
    taken: dict[str, Guess] = {}
    used: set[str] = set()
    for guess in rated:
        if guess.column not in taken and guess.heading not in used:
            taken[guess.column] = guess
            used.add(guess.heading)
    for guess in taken.values():
        guess.doubts += _doubts(
            guess, looks[guess.heading], names, [g for g in rated if g.column == guess.column and g.heading not in used]
        )
    order = [c for c in names if c in taken]
    known = set[str]().union(*telling_headings(profiles).values())
    general = set[str]().union(*(p.headings() for p in profiles))
    own = [h for h in headings if heading_key(h) not in general and heading_key(h) not in known]
    unused = [h for h in headings if h not in used]
    return Draft(
        platform, [taken[c] for c in order], own[:12] or [h for h in headings if h in used][:3], unused, list(words)
    )


def _known_names(profiles: Sequence[Profile]) -> dict[str, dict[str, float]]:
    """Column -> names for it (as they are compared) -> weight: the general ones first, then every platform's."""
    names: dict[str, dict[str, float]] = {}
    for column in [c for p in profiles if p.platform == GENERIC for c in p.columns] + sorted(CANONICAL):
        for profile in profiles:
            pick = profile.pick(column)
            for rank, source in enumerate(pick.all_sources() if pick else ()):
                if pick and pick.how in {"first", "join"}:
                    weight = 1.0 - (min(rank, 9) * 0.02) - (0 if profile.platform == GENERIC else 0.25)
                    table = names.setdefault(column, {})
                    table[heading_key(source)] = max(table.get(heading_key(source), 0.0), weight)
    return names


def _merit(column: str, head: str, look: Look, names: Mapping[str, Mapping[str, float]]) -> float:
    key = heading_key(head)
    name = _EXACT * names[column].get(key, 0.0) or _PART * _overlap(key, names[column])
    fit = look.fits(column)
    if not look.filled:
        return name * 0.5
    if column == "order_id":
        fit = (
            (fit or 0.0)
            * (1.0 if look.distinct > 0.5 else 0.3)
            * (0.4 if max(look.shares.get(k, 0.0) for k in ("time", "phone", "ip")) > 0.5 else 1)
        )
    if column == "status":
        fit = look.shares.get("status", 0.0) if look.distinct < 0.5 or look.shares.get("status") else 0.0
    if name:
        # A name whose values say otherwise is no match: 电话 full of dates.
        return name + (_FIT * (fit - 0.5) if fit is not None else 0.0)
    return (
        _VALUE * (fit or 0.0) * _typical(column, look)
        if column in _BY_VALUE and (fit or 0.0) >= 0.9 and not _belongs_elsewhere(key, column, names)
        else 0.0
    )


def _typical(column: str, look: Look) -> float:
    """How well values that can be a column are also like it, up to 1: a row's count and a long number are no sums."""
    if column == "order_id":
        return 0.5 + min(look.longest, 20) / 40
    if column == "amount":
        long = look.longest >= _LONG and look.shares.get("id", 0.0) >= 0.9
        return 0.4 if long else 0.5 if look.shares.get("count", 0.0) >= 0.9 else 1.0
    return 1.0


def _overlap(key: str, names: Mapping[str, float]) -> float:
    """The longest known name inside a heading, or the heading inside a known name, as a share of the longer one."""
    best = 0.0
    for name, weight in names.items():
        if len(name) >= 2 and (name in key or (len(key) >= 2 and key in name)):
            best = max(best, weight * min(len(name), len(key)) / max(len(name), len(key)))
    return best if best >= 0.3 else 0.0


def _belongs_elsewhere(key: str, column: str, names: Mapping[str, Mapping[str, float]]) -> bool:
    return any(key in table for other, table in names.items() if other != column)


def _doubts(guess: Guess, look: Look, names: Mapping[str, Mapping[str, float]], others: Sequence[Guess]) -> list[Words]:
    found = []
    key, fit = heading_key(guess.heading), look.fits(guess.column)
    exact = key in names[guess.column]
    if not exact:
        part = _overlap(key, names[guess.column]) > 0
        found.append(
            Words("表头只是部分相像", "the heading is only alike in part")
            if part
            else Words("只凭内容猜的", "guessed from the values alone")
        )
    if not look.filled:
        found.append(Words("样本里全空，内容无法核对", "no filled cell in the sample: the values could not be checked"))
    elif fit is not None and fit < 0.95:
        found.append(
            Words(
                f"{1 - fit:.0%} 的内容不像{heading_of(guess.column, 'zh-CN')}",
                f"{1 - fit:.0%} of the cells do not look like {guess.column}",
            )
        )
    near = [o.heading for o in others if o.merit >= guess.merit * _NEAR]
    if near:
        listed = "、".join(near[:3])
        found.append(Words(f"也可能是：{listed}", f"may also be: {', '.join(near[:3])}"))
    if guess.column in {"created_at", "paid_at", "registered_at"} and re.fullmatch(
        r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*", look.sample
    ):
        found.append(
            Words(
                "日月次序：核对 date_order（day 或 month）", "order of day and month: check date_order (day or month)"
            )
        )
    return found if guess.column in DECIDING or not exact else [d for d in found if look.filled]


def draft_yaml(made: Draft, looks: Mapping[str, Look], locale: str) -> str:
    """The profile as YAML: each column with a sample, each doubt beside it and under `doubts:`."""
    zh = locale.startswith("zh")
    lines = [
        "# 由 orderguard platforms draft 起草。逐列核对，删去 doubts 里已核对的行，放进一个目录，用 scan --platforms 目录 扫描。"
        if zh
        else "# Drafted by orderguard platforms draft. Check each column, delete from doubts what you have checked, put the file into a",
        *([] if zh else ["# folder and scan with --platforms FOLDER."]),
        f"platform: {_quoted(made.platform)}",
        f"name: {{zh: {_quoted(made.platform)}, en: {_quoted(made.platform)}}}",
        "# 只有这个系统才有的表头，至少有一个才认作它"
        if zh
        else "# headings that only this system has: one of them must be there",
        f"signature: [{', '.join(map(_quoted, made.signature))}]",
        "columns:",
    ]
    for guess in made.guesses:
        look = looks[guess.heading]
        shown = _shown(guess.column, look.sample)
        note = f"{heading_of(guess.column, locale)}" + (
            f"；例 {shown}" if zh and shown else f"; such as {shown}" if shown else ""
        )
        doubt = "".join(("；疑问：" if zh else "; doubt: ") + d.pick(locale) for d in guess.doubts)
        lines.append(f"  {guess.column}: {_quoted(guess.heading)}  # {_comment(note + doubt)}")
    missing = [c for c in DECIDING if c not in {g.column for g in made.guesses}]
    if missing:
        listed = ", ".join(f"{c}（{heading_of(c, locale)}）" if zh else c for c in missing)
        lines.append(
            (
                "  # 没找到，用到它们的规则会无法判断："
                if zh
                else "  # not found, so rules that need them are not evaluable: "
            )
            + listed
        )
    doubtful = [g for g in made.guesses if g.doubts]
    if doubtful:
        lines += [
            "# 每次扫描都会提醒，核对一行删一行"
            if zh
            else "# each scan reminds of these; delete what you have checked",
            "doubts:",
        ]
        said = "；" if zh else "; "
        lines += [f"  {g.column}: {_quoted(said.join(d.pick(locale) for d in g.doubts))}" for g in doubtful]
    if made.words:
        lines.append(
            "# 不认识的订单状态，按阶段归类（unpaid paid shipped done closed refunding refunded）：" if zh
            else "# status words that are not known; sort them by stage (unpaid paid shipped done closed refunding refunded):"
        )  # fmt: skip
        lines += ["# statuses:", f"#   paid: [{_comment(', '.join(map(_quoted, made.words[:30])))}]"]
    if made.unused:
        lines.append(("# 没用到的表头：" if zh else "# headings not used: ") + _comment(", ".join(made.unused)))
        lines.append(f"knows: [{', '.join(map(_quoted, made.unused))}]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A YAML scalar on one line, whatever stands in it."""
    dumped = yaml.safe_dump(
        text, allow_unicode=True, width=10**9, default_style='"' if re.search(r"[^\w\u4e00-\u9fff]|^\d", text) else None
    )
    return dumped.strip().removesuffix("...").strip()


def _comment(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:400]


def _shown(column: str, sample: str) -> str:
    """A sample for a comment: personal data by its first characters only."""
    return masked(sample) if column in _PERSONAL and sample else sample[:30]


def masked(sample: str) -> str:
    """`138***`, `王***`: too little to know anybody by."""
    return sample[: 3 if len(sample) > 6 else 1] + "***"
