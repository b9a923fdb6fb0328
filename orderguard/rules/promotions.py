"""Promotions: other points, thresholds, status and bands between two instants, by when an order was placed.

The rule of the border: an order is judged by what holds at its own `created_at` (from the first instant on, up to
but without the last). Windows count the orders on both sides of a border; whether they are enough is for the
settings that hold for the order that is judged.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from orderguard.errors import Problem, Words, closest
from orderguard.faults import explain, hinted
from orderguard.rules.bands import Bands  # noqa: TC001 - pydantic reads it when the model is made
from orderguard.rules.base import Kind  # noqa: TC001 - pydantic reads it when the model is made

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.rules.model import Rule
    from orderguard.yamls import Document

BASE = "base"
"""The name of what holds when no promotion does."""

OWN = {"source", "sha256", "weights", "settings", "held"}
"""Fields of our models that no file gives."""

Instants = tuple[datetime, datetime]


class Held(NamedTuple):
    """When a variant of a rule holds: inside these spans, or outside all of them."""

    inside: bool
    spans: tuple[Instants, ...]

    def mask(self) -> pl.Expr:
        """True per order that it is for; an order without a time is outside."""
        at = pl.col("created_at")
        within = pl.any_horizontal([at.is_between(a, b, closed="left") for a, b in self.spans]).fill_null(value=False)
        return within if self.inside else ~within


def _moment(value: object, *, end: bool) -> object:
    """An instant or a wall clock; a whole day begins at its midnight, and as an end lasts to the next."""
    text = str(value).strip().replace("/", "-")
    after = timedelta(0)
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text):
        text = "-".join(part.zfill(2) for part in text.split("-"))
        after = timedelta(days=1 if end else 0)
    midnight = re.fullmatch(r"(.*)[ T]24:00(:00)?", text)
    if midnight:
        text, after = midnight[1], timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text) + after if isinstance(value, str | date) else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 2000 <= moment.year <= 2200:
        raise ValueError(Words("应为时刻，如 2026-11-10 20:00", "should be an instant such as 2026-11-10 20:00"))
    return moment


class Change(BaseModel):
    """What a promotion changes of one rule. `settings` is the rule's `with:` with the changes laid over it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)
    points: float | None = Field(default=None, ge=0, le=10_000)
    status: Literal["live", "trial", "retired"] | None = None
    with_: dict[str, Any] = Field(default={}, alias="with")
    settings: Kind | None = Field(default=None, exclude=True)


class Promotion(BaseModel):
    """One promotion. Times without a zone are the rulebook's."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)
    id: str = Field(default="", max_length=64)
    name: str = Field(default="", max_length=64)
    from_: Annotated[datetime, BeforeValidator(lambda v: _moment(v, end=False))] = Field(alias="from")
    to: Annotated[datetime, BeforeValidator(lambda v: _moment(v, end=True))]
    rules: dict[str, Change] = {}
    bands: Bands | None = None

    @field_validator("id", "name", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @property
    def label(self) -> str:
        """What it is called in `run.json`, decisions and sheets."""
        return self.id or self.name

    def span(self, zone: str) -> Instants:
        """Its first instant, and the first one after it, in UTC."""
        local = ZoneInfo(zone)
        first, after = (t if t.tzinfo else t.replace(tzinfo=local) for t in (self.from_, self.to))
        return first.astimezone(UTC), after.astimezone(UTC)


def without_own(item: Any, at: tuple[str | int, ...], label: str, document: Document) -> tuple[Any, list[Problem]]:
    """A mapping without the keys that are ours, each told as unknown."""
    if not isinstance(item, dict):
        return item, []
    found = [k for k in item if k in OWN]
    prefix = f"{label}: " if label else ""
    problems = [
        Problem(
            Words(f"{prefix}{k} 未知的键", f"{prefix}{k} unknown key"), document.name, document.line((*at, k)),
            Words("删去它", "remove it"),
        )
        for k in found
    ]  # fmt: skip
    return {k: v for k, v in item.items() if k not in OWN}, problems


def read_promotions(
    given: Any, rules: Mapping[str, Rule], ids: set[str], document: Document, zone: str | None
) -> tuple[list[Promotion], list[Problem]]:
    """Check `promotions:`.

    Args:
        given: what the file says.
        rules: those that are right, by id.
        ids: all rule ids of the file, right or wrong.
        document: for lines.
        zone: of the rulebook; None when that is wrong, and times cannot be compared.
    """
    if not isinstance(given, list):
        said = Words("promotions 应为列表 [..]", "promotions should be a list [..]")
        fix = Words("每个促销以 - 开头", "begin each promotion with -")
        return [], [Problem(said, document.name, document.line(("promotions",)), fix)]
    good: list[tuple[int, Promotion]] = []
    problems: list[Problem] = []
    for i, item in enumerate(given):
        promotion, found = _read_promotion(item, ("promotions", i), rules, ids, document)
        problems += found
        good += [(i, promotion)] if promotion else []
    return [p for _, p in good], problems + (_clashes(good, document, zone) if zone else [])


def _read_promotion(
    item: Any, at: tuple[str | int, ...], rules: Mapping[str, Rule], ids: set[str], document: Document
) -> tuple[Promotion | None, list[Problem]]:
    named = (item.get("id") or item.get("name")) if isinstance(item, dict) else None
    label = str(named)[:64] if named else f"promotions #{int(at[1]) + 1}"
    problems: list[Problem] = []
    if isinstance(item, dict) and isinstance(item.get("rules"), dict):
        rules_of = {}
        for rule_id, change in item["rules"].items():
            rules_of[rule_id], found = without_own(change, (*at, "rules", rule_id), f"{label}: {rule_id}", document)
            problems += found
        item = {**item, "rules": rules_of}
    try:
        promotion = Promotion.model_validate(item)
    except ValidationError as error:
        known = ["id", "name", "from", "to", "rules", "bands", "points", "status", "with", "review", "hold"]
        return None, problems + hinted(explain(error, document, at, label), known)
    if not named or promotion.label == BASE:
        said = Words(
            f"{label}：要有 id 或 name（不能叫 {BASE}）", f"{label}: needs an id or a name (other than '{BASE}')"
        )
        problems.append(
            Problem(said, document.name, document.line(at), Words("加上 id: 双11", "add an id, such as id: double11"))
        )
    changes = {}
    for rule_id, change in promotion.rules.items():
        place = (*at, "rules", rule_id)
        if rule_id not in ids:
            said = Words(f"{label}：没有规则 '{rule_id}'", f"{label}: no rule '{rule_id}'")
            problems.append(Problem(said, document.name, document.line(place), closest(rule_id, sorted(ids))))
        rule = rules.get(rule_id)
        changes[rule_id] = change
        if rule is None or not change.with_:
            continue
        cls = type(rule.settings)
        try:
            settings = cls.model_validate({**rule.with_, **change.with_})
        except ValidationError as error:
            problems += hinted(
                explain(error, document, (*place, "with"), f"{label}: {rule_id}"), list(cls.model_fields)
            )
            continue
        changes[rule_id] = change.model_copy(update={"settings": settings})
    return promotion.model_copy(update={"rules": changes}), problems


def _clashes(good: list[tuple[int, Promotion]], document: Document, zone: str) -> list[Problem]:
    """Ends before beginnings, names given twice, and overlaps: which of two promotions holds must never be a guess."""
    problems = []
    for n, (i, promotion) in enumerate(good):
        first, after = promotion.span(zone)
        if first >= after:
            said = Words(f"{promotion.label}：to 不晚于 from", f"{promotion.label}: 'to' is not after 'from'")
            fix = Words(
                "写成 from: 2026-11-10 20:00、to: 2026-11-12 00:00",
                "such as from: 2026-11-10 20:00, to: 2026-11-12 00:00",
            )
            problems.append(Problem(said, document.name, document.line(("promotions", i, "to")), fix))
        for j, other in good[:n]:
            line = document.line(("promotions", j))
            if other.label == promotion.label:
                said = Words(
                    f"促销 '{other.label}' 已在第 {line} 行用过", f"promotion '{other.label}' was used in line {line}"
                )
                fix = Words("换一个名字", "give it a name of its own")
                problems.append(Problem(said, document.name, document.line(("promotions", i)), fix))
            begins, ends = other.span(zone)
            if first < ends and begins < after:
                said = Words(
                    f"{promotion.label} 与 {other.label}（第 {line} 行）时间重叠",
                    f"{promotion.label} overlaps with {other.label} (line {line})",
                )
                fix = Words(
                    "同一时刻只能有一个促销：改 from/to，或合为一个；只写日期的 to 含当天，到零点为止请写 00:00",
                    "one promotion at a time: change from/to, or join them; a bare day as 'to' lasts to its midnight, 00:00 ends where it begins",
                )
                problems.append(Problem(said, document.name, document.line(("promotions", i, "from")), fix))
    return problems
