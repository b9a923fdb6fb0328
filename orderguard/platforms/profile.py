"""Platform profiles: YAML files of words, not code."""

from __future__ import annotations

import unicodedata
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orderguard.columns import BLANKS, LINE_ONLY, ORDERS
from orderguard.errors import OrderguardError, Problem, Words, closest
from orderguard.yamls import explain, parse_yaml, read_yaml

CANONICAL = frozenset([c.name for c in ORDERS if not c.name.startswith("source_")] + [*LINE_ONLY, "line_id"])

Fold = Literal["first", "sum", "sum_unless_repeated"]
How = Literal["first", "join", "any_amount", "extract"]


class Pick(NamedTuple):
    """Where a canonical column comes from.

    Attributes:
        how: `first` filled source wins; `join` puts all together; `any_amount` is '' unless one is above zero;
            `extract` takes the pattern's first group.
        sources: headings, in order of preference.
        pattern: for `extract`.
    """

    how: How
    sources: tuple[str, ...]
    pattern: str = ""


class _Join(BaseModel):
    model_config = ConfigDict(extra="forbid")
    join: list[str] | None = None
    any_amount: list[str] | None = None
    otherwise: list[str] = Field(default=[], alias="else")


class _Extract(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: str = Field(alias="from")
    pattern: str


class Profile(BaseModel):
    """One platform.

    Attributes:
        platform: permanent id, used in `(platform, order_id)`.
        name: what users read, by language.
        aliases: other words for the same platform, in rulebooks and 平台 columns.
        signature: headings that only this platform uses; one must be present.
        columns: canonical column -> heading, list of headings, `{join: ..}` or `{any_amount: ..}`.
        extract: canonical column -> a pattern inside another column.
        fold: how an amount is folded when an order has several rows.
        blanks: words that mean "nothing" in this platform's cells.
        knows: further headings of this platform, for recognition.
        given, expect: the profile's own proof.
    """

    model_config = ConfigDict(extra="forbid")

    platform: str = Field(min_length=1, pattern=r"^[a-z0-9_]+$")
    name: dict[str, str]
    aliases: list[str] = []
    signature: list[str] = []
    columns: dict[str, str | list[str] | _Join]
    extract: dict[str, _Extract] = {}
    fold: dict[str, Fold] = {}
    blanks: list[str] = []
    knows: list[str] = []
    given: dict[str, str] = {}
    expect: dict[str, str] = {}

    @model_validator(mode="after")
    def _known_columns(self) -> Profile:
        for name in [*self.columns, *self.extract, *self.fold]:
            if name not in CANONICAL:
                hint = closest(name, sorted(CANONICAL))
                raise ValueError(Words(f"没有 '{name}' 这一列，{hint.zh}", f"no column '{name}'; {hint.en}"))
        return self

    def pick(self, name: str) -> Pick | None:
        """The source of one canonical column, or None when the profile does not know it."""
        if name in self.extract:
            return Pick("extract", (self.extract[name].source,), self.extract[name].pattern)
        spec = self.columns.get(name)
        if spec is None:
            return None
        if isinstance(spec, str):
            return Pick("first", (spec,))
        if isinstance(spec, list):
            return Pick("first", tuple(spec))
        return Pick("join", tuple(spec.join)) if spec.join else Pick("any_amount", tuple(spec.any_amount or ()))

    def fallback(self, name: str) -> tuple[str, ...]:
        """Headings to use when none of a joined column's own is present."""
        spec = self.columns.get(name)
        return tuple(spec.otherwise) if isinstance(spec, _Join) else ()

    def headings(self) -> set[str]:
        """Every heading this profile knows, in the form that `heading_key` gives."""
        own = [h for n in self.columns for p in [self.pick(n)] if p for h in (*p.sources, *self.fallback(n))]
        own += [e.source for e in self.extract.values()]
        return {heading_key(h) for h in [*own, *self.signature, *self.knows]}


def heading_key(heading: str) -> str:
    """A heading as it is compared: full-width folded, blanks, quotes, underscores and case ignored."""
    folded = unicodedata.normalize("NFKC", heading).strip(BLANKS + "\"'*").casefold()
    return folded.translate(_IGNORED)


_IGNORED = str.maketrans("", "", BLANKS + "_-#")


def load_profiles(folder: str | None = None) -> list[Profile]:
    """The package's own profiles, then those of `folder` (which win over ours of the same name).

    Raises:
        OrderguardError: a profile that is not valid, with file and line.
    """
    found: dict[str, Profile] = {}
    inside = resources.files("orderguard.platforms").joinpath("profiles")
    for entry in sorted(inside.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".yaml"):
            profile = _load(parse_yaml(entry.read_text(encoding="utf-8"), entry.name))
            found[profile.platform] = profile
    if folder is not None:
        files = sorted(Path(folder).glob("*.y*ml"))
        if not files:
            what = Words("没有平台配置（*.yaml）", "holds no platform profiles (*.yaml)")
            raise OrderguardError(Problem(what, folder))
        for file in files:
            profile = _load(read_yaml(file))
            found[profile.platform] = profile
    return list(found.values())


def _load(document: Any) -> Profile:
    if document.problems:
        raise OrderguardError(*document.problems)
    try:
        return Profile.model_validate(document.data)
    except ValidationError as error:
        raise OrderguardError(*explain(error, document)) from error
