"""The rulebook: read, checked (every error at once, with file and line), and its rules made ready to run."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from orderguard.errors import OrderguardError, Problem, Words, closest
from orderguard.rules.base import Kind  # noqa: TC001 - pydantic reads it when the model is made
from orderguard.rules.registry import kind_class, kind_names
from orderguard.yamls import Document, explain, parse_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPES = ("platform", "shop", "ship_from", "currency", "status", "province")
Text = str | dict[Literal["zh", "en"], str]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Bands(BaseModel):
    """Scores from which an order is reviewed and held."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    review: float = Field(default=20, gt=0, le=100_000)
    hold: float = Field(default=30, gt=0, le=100_000)

    @model_validator(mode="after")
    def _ordered(self) -> Bands:
        if self.review > self.hold:
            raise ValueError(Words("review 不能高于 hold", "review must not be above hold"))
        return self


class Privacy(BaseModel):
    """What sheets show of personal data. Logs, terminal and notices are always masked."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mask_sheets: bool = False


class ShipFrom(BaseModel):
    """Where orders leave from: a default place, or by platform, shop or warehouse name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    default: str | None = None
    platform: dict[str, str] = {}
    shop: dict[str, str] = {}
    warehouse: dict[str, str] = {}


class Rule(BaseModel):
    """One rule, as written. `settings` is `with:` checked by the rule's kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    id: Id
    kind: str
    with_: dict[str, Any] = Field(default={}, alias="with")
    points: float = Field(ge=0, le=10_000)
    status: Literal["live", "trial", "retired"] = "live"
    only: dict[str, list[str]] = {}
    says: Text = ""
    ask: Text = ""
    flags: list[dict[str, Any] | list[dict[str, Any]]] = []
    passes: list[dict[str, Any] | list[dict[str, Any]]] = []
    was: list[str] = []
    settings: Kind = Field(default=None, exclude=True)  # type: ignore[assignment]

    @field_validator("only")
    @classmethod
    def _scopes(cls, only: dict[str, list[str]]) -> dict[str, list[str]]:
        for name in only:
            if name not in SCOPES:
                hint = closest(name, list(SCOPES))
                raise ValueError(Words(f"不能按 '{name}' 限定；{hint.zh}", f"cannot be limited by '{name}'; {hint.en}"))
        return only

    @property
    def fingerprint(self) -> str:
        """12 hex digits of what decides a finding: kind, all settings, scope; not points or words."""
        told = {"kind": self.kind, "with": self.settings.model_dump(mode="json"), "only": self.only}
        return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def _whole_one(value: object) -> object:
    """`true` is no version, though Python says that it equals 1."""
    return "true" if value is True else value


class Rulebook(BaseModel):
    """A whole rulebook."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Annotated[Literal[1], BeforeValidator(_whole_one)]
    locale: Literal["zh-CN", "en"] = "zh-CN"
    timezone: str = "Asia/Shanghai"
    ship_from: ShipFrom = ShipFrom()
    bands: Bands
    only_status: list[str] = []
    privacy: Privacy = Privacy()
    rules: list[Rule] = Field(min_length=1)
    source: str = Field(default="", exclude=True)
    sha256: str = Field(default="", exclude=True)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
            pl.Series([datetime(2026, 1, 1)], dtype=pl.Datetime("us")).dt.replace_time_zone(name)  # noqa: DTZ001 - a wall clock
        except (KeyError, ValueError, OSError, pl.exceptions.PolarsError) as error:
            raise ValueError(Words("未知时区，如 Asia/Shanghai", "unknown time zone; such as Asia/Shanghai")) from error
        return name

    @field_validator("ship_from", mode="before")
    @classmethod
    def _place(cls, value: Any) -> Any:
        return {"default": value} if isinstance(value, str) else value

    @property
    def active(self) -> list[Rule]:
        """Rules that run: live and trial."""
        return [r for r in self.rules if r.status != "retired"]

    @property
    def points(self) -> dict[str, float]:
        """Points of the live rules; trial rules add none."""
        return {r.id: r.points for r in self.rules if r.status == "live"}


def default_rulebook() -> Path:
    """The rulebook that comes with orderguard."""
    inside = Path(__file__).parent.parent / "rules.yaml"
    return inside if inside.exists() else inside.parent.parent / "rules.yaml"


def load_rulebook(path: Path) -> Rulebook:
    """Read and check a rulebook.

    Raises:
        OrderguardError: every problem of the file at once.
    """
    document = read_yaml(path)
    book = build_rulebook(document)
    return book.model_copy(update={"source": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})


def parse_rulebook(text: str, name: str = "rules.yaml") -> Rulebook:
    """A rulebook from text (for tests and tools); raises as `load_rulebook`."""
    return build_rulebook(parse_yaml(text, name))


def build_rulebook(document: Document) -> Rulebook:
    """Check a parsed rulebook; raises as `load_rulebook`."""
    problems = list(document.problems)
    data = document.data
    if not isinstance(data, dict):
        what = Words("应以 version: 1、bands:、rules: 开头", "should start with version: 1, bands: and rules:")
        raise OrderguardError(Problem(what, document.name, 1))
    given = data.get("rules")
    rules: list[Rule] = []
    if isinstance(given, list):
        for i, item in enumerate(given):
            rule, found = _rule(item, i, document)
            problems += found
            rules += [rule] if rule else []
        problems += _twice(given, document)
    head = {k: v for k, v in data.items() if k != "rules"}
    if "rules" in data:
        head["rules"] = rules or ([_placeholder()] if isinstance(given, list) and given else given)
    if "promotions" in head:
        what = Words("promotions 在此版本尚不支持", "promotions are not supported in this version yet")
        fix = Words("请删去，或另存一份规则表在活动期使用", "remove it, or keep a second rulebook for the promotion")
        problems.append(Problem(what, document.name, document.line(("promotions",)), fix))
        head.pop("promotions")
    book = None
    try:
        book = Rulebook.model_validate(head)
    except ValidationError as error:
        known = [n for n in Rulebook.model_fields if n not in {"source", "sha256"}]
        nested = [*Bands.model_fields, *Privacy.model_fields, *ShipFrom.model_fields]
        found = explain(error, document)
        problems += _with_hints([p for p in found if "." not in p.what.en.split(" ")[0]], known)
        problems += _with_hints([p for p in found if "." in p.what.en.split(" ")[0]], nested)
    if problems or book is None:
        raise OrderguardError(*sorted(problems, key=lambda p: p.line))
    return book


def _placeholder() -> Rule:
    """Stands in for rules that are reported already, so that the rest of the file is still checked."""
    return Rule.model_construct(id="x", kind="x", points=0.0, status="retired")


def _rule(item: Any, index: int, document: Document) -> tuple[Rule | None, list[Problem]]:
    at = ("rules", index)
    label = str(item.get("id", f"#{index + 1}")) if isinstance(item, dict) else f"#{index + 1}"
    problems: list[Problem] = []
    rule = None
    try:
        rule = Rule.model_validate(item)
    except ValidationError as error:
        known = ["id", "kind", "with", "points", "status", "only", "says", "ask", "flags", "passes", "was"]
        problems += _with_hints(explain(error, document, at, label), known)
    kind = item.get("kind") if isinstance(item, dict) else None
    if not isinstance(kind, str):
        return None, problems
    if kind not in kind_names():
        what = Words(f"{label}: 未知规则类型 '{kind}'", f"{label}: unknown kind '{kind}'")
        return None, [
            *problems,
            Problem(what, document.name, document.line((*at, "kind")), closest(kind, kind_names())),
        ]
    cls = kind_class(kind)
    try:
        settings = cls.model_validate(item.get("with") or {})
    except ValidationError as error:
        at_with = (*at, "with") if isinstance(item.get("with"), dict) else at
        return None, problems + _with_hints(explain(error, document, at_with, label), list(cls.model_fields))
    return (rule.model_copy(update={"settings": settings}) if rule else None), problems


def _with_hints(problems: list[Problem], known: list[str]) -> list[Problem]:
    out = []
    for problem in problems:
        if problem.what.en.endswith("unknown key") and not problem.fix.en:
            name = problem.what.en.removesuffix("unknown key").strip().split(" ")[-1].split(".")[-1]
            out.append(Problem(problem.what, problem.where, problem.line, closest(name, known)))
        else:
            out.append(problem)
    return out


def _twice(given: Iterable[Any], document: Document) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for i, item in enumerate(given):
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        line = document.line(("rules", i, "id"))
        if name in seen:
            what = Words(
                f"规则编号 '{name}' 已在第 {seen[name]} 行用过", f"rule id '{name}' was used in line {seen[name]}"
            )
            fix = Words("每条规则要有自己的编号", "give each rule an id of its own")
            problems.append(Problem(what, document.name, line, fix))
        seen.setdefault(name, line)
    return problems


def say(text: Text, locale: str) -> str:
    """A rule's own words in a language (one string serves both)."""
    if isinstance(text, str):
        return text
    zh = locale.startswith("zh")
    return text.get("zh" if zh else "en") or text.get("en" if zh else "zh", "")
