"""Platform profiles: YAML files of words, not code."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from orderguard.columns import BLANKS, LINE_ONLY, ORDERS
from orderguard.currencies import heading_unit, without_cents
from orderguard.errors import Words, closest
from orderguard.traditional import SIMPLIFIED

GENERIC = "generic"
CANONICAL = frozenset(
    [c.name for c in ORDERS if c.name != "stage" and not c.name.startswith("source_")] + [*LINE_ONLY, "line_id"]
)

Fold = Literal["first", "sum", "sum_unless_repeated"]
How = Literal["first", "join", "any_amount", "extract", "sum"]


class Pick(NamedTuple):
    """Where a canonical column comes from.

    Attributes:
        how: `first` filled source wins; `join` puts all together; `any_amount` is '' unless one is above zero;
            `extract` takes the pattern's groups; `sum` adds amounts, `less` of the last ones subtracted.
        sources: headings, in order of preference.
        pattern: for `extract`.
        form: what `extract` makes of the groups (`20$1-$2-$3`); the first group when empty.
        less: for `sum`.
        trim: a pattern that is cut from the text.
        then: what fills the rows that stay blank.
    """

    how: How
    sources: tuple[str, ...]
    pattern: str = ""
    form: str = ""
    less: int = 0
    trim: str = ""
    then: Pick | None = None

    def all_sources(self) -> tuple[str, ...]:
        """The headings it reads, with those of `then`."""
        return tuple(dict.fromkeys((*self.sources, *(self.then.all_sources() if self.then else ()))))


class _Join(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)
    join: list[str] | None = None
    any_amount: list[str] | None = None
    plus: list[str] | None = None
    minus: list[str] = []
    otherwise: list[str] | _Join = Field(default=[], alias="else")

    @model_validator(mode="after")
    def _one_way(self) -> _Join:
        if sum(way is not None for way in (self.join, self.any_amount, self.plus)) != 1:
            raise ValueError(Words("写 join、any_amount、plus 之一", "give one of join, any_amount, plus"))
        return self

    def pick(self) -> Pick:
        rest = self.otherwise
        then = rest.pick() if isinstance(rest, _Join) else Pick("first", tuple(rest)) if rest else None
        if self.join is not None:
            return Pick("join", tuple(self.join), then=then)
        if self.plus is not None:
            return Pick("sum", (*self.plus, *self.minus), less=len(self.minus), then=then)
        return Pick("any_amount", tuple(self.any_amount or ()), then=then)


class _Extract(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)
    source: str | list[str] = Field(alias="from")
    pattern: str
    form: str = Field(default="", alias="as")

    @field_validator("pattern")
    @classmethod
    def _is_pattern(cls, value: str, info: ValidationInfo) -> str:
        return _pattern(value, info)

    def pick(self) -> Pick | None:
        sources = [self.source] if isinstance(self.source, str) else self.source
        found: Pick | None = None
        for source in reversed(sources):
            found = Pick("extract", (source,), self.pattern, self.form, then=found)
        return found


PROVED: dict[str, Any] = {"proved": True}
"""Context of a profile whose patterns were tried when it was packed: trying each again takes a millisecond."""


def _pattern(value: str, info: ValidationInfo) -> str:
    """A pattern that Polars understands (Rust's syntax: no look-around).

    Raises:
        ValueError: it is none.
    """
    if info.context is PROVED:
        return value
    from polars import Series  # noqa: PLC0415 - only profiles with patterns
    from polars.exceptions import PolarsError  # noqa: PLC0415

    try:
        Series(["x"]).str.contains(value)
    except PolarsError as error:
        said = str(error).splitlines()[0][:80]
        raise ValueError(Words(f"不是有效的正则（{said}）", f"is no valid pattern ({said})")) from error
    return value


Stage = Literal["unpaid", "paid", "shipped", "done", "closed", "refunding", "refunded", "none"]
"""What a platform's status words come down to; `none`: a word that says nothing (无售后)."""


class Profile(BaseModel):
    """One platform.

    Attributes:
        platform: permanent id, used in `(platform, order_id)`.
        variant: tells several files of one platform apart (`items`); '' for the order list.
        part: `orders`, or `items` for a file whose rows are items of orders that another file tells of.
        name: what users read, by language.
        aliases: other words for the same platform, in rulebooks and 平台 columns.
        signature: headings that only this platform uses; one must be present.
        hints: headings that tell it only together: three of them, where none of its own is there.
        style: a pattern that this platform's headings follow as they are written; three that it knows tell it.
        ids: a pattern of order numbers that only this platform gives out; asked where headings tell nothing.
        columns: canonical column -> heading, list of headings, `{join: ..}` or `{any_amount: ..}`.
        extract: canonical column -> a pattern inside another column.
        fold: how an amount is folded when an order has several rows.
        blanks: words that mean "nothing" in this platform's cells.
        trim: canonical column -> a pattern that is cut from its text (the postcode in brackets).
        split: what joins the items of an order in one cell (`;`).
        packed: headings that begin so hold an item each, as `name:..|sku:..|quantity:..`.
        date_order: what comes first in 03/04/2026 where the platform has one answer.
        statuses: stage -> this platform's words for it.
        status_from: further headings whose words tell the stage (after-sale status); the furthest stage counts.
        status_starts: what a status begins with -> its stage, whatever follows.
        status_if_filled: heading -> the stage of orders whose cell there is filled.
        doubts: canonical column -> why it may be wrong (left by `platforms draft`); told at each scan until it is gone.
        cents: headings whose sums are in hundredths (an interface's 100000 is 1,000.00).
        knows: further headings of this platform, for recognition.
        given, expect: the profile's own proof.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)

    platform: str = Field(min_length=1, pattern=r"^[a-z0-9_]+$")
    variant: str = Field(default="", pattern=r"^[a-z0-9_]*$")
    part: Literal["orders", "items"] = "orders"
    name: dict[str, str]
    aliases: list[str] = []
    signature: list[str] = []
    hints: list[str] = []
    style: str = ""
    ids: str = ""
    columns: dict[str, str | list[str] | _Join]
    extract: dict[str, _Extract] = {}
    fold: dict[str, Fold] = {}
    blanks: list[str] = []
    trim: dict[str, str] = {}
    split: str = ""
    packed: str = ""
    date_order: Literal["day", "month"] | None = None
    statuses: dict[Stage, list[str]] = {}
    status_from: list[str] = []
    status_starts: dict[str, Stage] = {}
    status_if_filled: dict[str, Stage] = {}
    cents: list[str] = []
    knows: list[str] = []
    doubts: dict[str, str] = {}
    given: dict[str, str] = {}
    expect: dict[str, str] = {}
    _headings: set[str] | None = None

    @model_validator(mode="after")
    def _known_columns(self) -> Profile:
        for name in [*self.columns, *self.extract, *self.fold, *self.trim, *self.doubts]:
            if name not in CANONICAL:
                hint = closest(name, sorted(CANONICAL))
                raise ValueError(Words(f"没有 '{name}' 这一列，{hint.zh}", f"no column '{name}'; {hint.en}"))
        return self

    @field_validator("knows", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        """Headings as a list, or as one text with `|` between them, which reads faster."""
        return [part.strip() for part in value.split("|")] if isinstance(value, str) else value

    @field_validator("trim")
    @classmethod
    def _are_patterns(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        return {name: _pattern(text, info) for name, text in value.items()}

    @field_validator("style", "ids")
    @classmethod
    def _is_pattern(cls, value: str, info: ValidationInfo) -> str:
        return _pattern(value, info) if value else value

    def pick(self, name: str) -> Pick | None:
        """The source of one canonical column, or None when the profile does not know it."""
        spec, extract = self.columns.get(name), self.extract.get(name)
        last = extract.pick() if extract else None
        if spec is None:
            return last
        own = (
            spec.pick() if isinstance(spec, _Join) else Pick("first", (spec,) if isinstance(spec, str) else tuple(spec))
        )
        return _after(own, last)._replace(trim=self.trim.get(name, ""))

    def knowing(self, keys: dict[str, str]) -> Profile:
        """Itself; `heading_key` of every heading it has is known."""
        _FOLDED.update(keys)
        self._headings = set(keys.values())
        return self

    def written(self) -> set[str]:
        """Every heading this profile knows, as it is written."""
        own = [h for n in {*self.columns, *self.extract} for p in [self.pick(n)] if p for h in p.all_sources()]
        return {*own, *self.signature, *self.hints, *self.knows, *self.status_from, *self.status_if_filled}

    def headings(self) -> set[str]:
        """Every heading this profile knows, in the form that `heading_key` gives."""
        if self._headings is None:
            self._headings = set(map(heading_key, self.written()))
        return self._headings


def _after(pick: Pick, last: Pick | None) -> Pick:
    """`pick` with `last` behind everything else that it tries."""
    if last is None:
        return pick
    return pick._replace(then=_after(pick.then, last) if pick.then else last)


_FOLDED: dict[str, str] = {}
"""Of the headings of our own profiles, what `folded` gives: packed with them."""


def heading_key(heading: str) -> str:
    """A heading as it is compared: full width and traditional characters folded, blanks, quotes, underscores, dots, case ignored."""
    known = _FOLDED.get(heading)
    return folded(heading) if known is None else known


@lru_cache(maxsize=8192)
def folded(heading: str) -> str:
    """What `heading_key` is, worked out."""
    text = unicodedata.normalize("NFKC", heading).strip(BLANKS + "=\"'*:;`“”‘’")
    key = heading_unit(without_cents(text)[0])[0].casefold().translate(_IGNORED)
    if key[:1] == "[" and key.find("]") == len(key) - 1:  # how SQL Server writes names
        key = key[1:-1] or key
    for opened, closed in _BRACKETS:
        if key.endswith(closed) and key[key.rfind(opened) + 1 : -1].removeprefix("单位:") in _UNITS:
            return key[: key.rfind(opened)] or key
    return key


_IGNORED = str.maketrans("", "", BLANKS + "_-#.\u0307") | str.maketrans(SIMPLIFIED)
_BRACKETS = (("(", ")"), ("[", "]"), ("【", "】"))
_UNITS = frozenset({"件", "个", "必填", "选填", "单位元"})
"""A unit behind a heading says nothing about which column it is: 商品总价(元), 商品数量(件)."""
