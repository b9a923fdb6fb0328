"""The rulebook as a model: what it may hold, what each value may be, and a rule's fingerprint."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from orderguard.currencies import UNITS
from orderguard.errors import Words, closest
from orderguard.rules.bands import Bands  # noqa: TC001 - pydantic reads it when the model is made
from orderguard.rules.base import Kind  # noqa: TC001 - pydantic reads it when the model is made
from orderguard.rules.promotions import BASE, Held, Promotion

SCOPES = ("platform", "shop", "ship_from", "currency", "status", "province")
Text = str | dict[Literal["zh", "en"], str]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Privacy(BaseModel):
    """What sheets show of personal data, and how long the ledger keeps it. Logs, terminal and notices are always masked."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    mask_sheets: bool = False
    retain_days: int | None = Field(default=None, ge=1, le=36_500)


def _code(value: object) -> object:
    """`jpy` or 日元 as JPY."""
    code = str(value).strip().upper()
    code = UNITS.get(str(value).strip().casefold(), code) or "CNY"
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError(Words(f"'{value}' 不是币种代码，如 USD", f"'{value}' is no currency code; such as USD"))
    return code


Currency = Annotated[str, BeforeValidator(_code)]


class ShipFrom(BaseModel):
    """Where orders leave from: a default place, or by platform, shop or warehouse name."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    default: str | None = None
    platform: dict[str, str] = {}
    shop: dict[str, str] = {}
    warehouse: dict[str, str] = {}


class Currencies(BaseModel):
    """What sums are in where an export does not say: one currency, or by platform or shop name."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    default: Currency | None = None
    platform: dict[str, Currency] = {}
    shop: dict[str, Currency] = {}


def _share(value: object) -> object:
    """`20%` or 0.2."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[%％]\s*", value) if isinstance(value, str) else None
    share = float(found[1]) / 100 if found else value
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise ValueError(
            Words("应为份额，如 20% 或 0.2（最多 100%）", "should be a share such as 20% or 0.2, at most 100%")
        )
    return share


Share = Annotated[float, BeforeValidator(_share)]


class Needs(BaseModel):
    """The rules beside which a rule counts: `any` of them, or `all` of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    any: list[str] = []
    all: list[str] = []

    @property
    def ids(self) -> list[str]:
        """All that are named."""
        return [*self.any, *self.all]

    @model_validator(mode="after")
    def _names_a_rule(self) -> Needs:
        if not self.ids:
            raise ValueError(Words("至少要写一条规则", "must name at least one rule"))
        return self


class Rule(BaseModel):
    """One rule, as written. `settings` is `with:` checked by the rule's kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)
    id: Id
    kind: str
    with_: dict[str, Any] = Field(default={}, alias="with")
    points: float = Field(ge=0, le=10_000)
    status: Literal["live", "trial", "retired"] = "live"
    only: dict[str, list[str]] = {}
    except_: dict[str, list[str]] = Field(default={}, alias="except")
    says: Text = ""
    ask: Text = ""
    flags: list[dict[str, Any] | list[dict[str, Any]]] = []
    passes: list[dict[str, Any] | list[dict[str, Any]]] = []
    was: list[str] = []
    needs: Needs | None = None
    max_share: Share | None = None
    locked: bool = False
    settings: Kind = Field(default=None, exclude=True)  # type: ignore[assignment]
    held: Held | None = Field(default=None, exclude=True)

    @field_validator("needs", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"any": [value]}
        if value is not None and not isinstance(value, list | dict):
            raise ValueError(
                Words("应为规则编号，如 ip-burst 或 [a, b]", "should name rules, such as ip-burst or [a, b]")
            )
        return {"any": value} if isinstance(value, list) else value

    @field_validator("only", "except_")
    @classmethod
    def _scopes(cls, scope: dict[str, list[str]]) -> dict[str, list[str]]:
        told = []
        for name in scope:
            if name not in SCOPES:
                hint = closest(name, list(SCOPES))
                told.append(Words(f"不能按 '{name}' 限定；{hint.zh}", f"cannot be limited by '{name}'; {hint.en}"))
        if told:
            raise ValueError(Words("；".join(w.zh for w in told), "; ".join(w.en for w in told)))
        return scope

    @property
    def fingerprint(self) -> str:
        """12 hex digits of what decides a finding: kind, all settings, scope; not points or words."""
        told = {"kind": self.kind, "with": self.settings.told(), "only": self.only}
        told |= {"except": self.except_} if self.except_ else {}  # without it a fingerprint is what it always was
        return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def is_zone(name: object) -> bool:
    """Whether both Python and Polars know the time zone."""
    if not isinstance(name, str):
        return False
    try:
        ZoneInfo(name)
        pl.Series([datetime(2026, 1, 1)], dtype=pl.Datetime("us")).dt.replace_time_zone(name)  # noqa: DTZ001 - a wall clock
    except (KeyError, ValueError, OSError, pl.exceptions.PolarsError):
        return False
    return True


def _whole_one(value: object) -> object:
    """`true` is no version, though Python says that it equals 1."""
    return "true" if value is True else value


class Rulebook(BaseModel):
    """A whole rulebook."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    version: Annotated[Literal[1], BeforeValidator(_whole_one)]
    locale: Literal["zh-CN", "en"] = "zh-CN"
    timezone: str = "Asia/Shanghai"
    ship_from: ShipFrom = ShipFrom()
    bands: Bands
    only_status: list[str] = []
    privacy: Privacy = Privacy()
    currency: Currencies = Currencies()
    rates: dict[str, Annotated[float, Field(gt=0, le=1_000_000)]] = {}
    max_share: Share = 0.2
    promotions: list[Promotion] = []
    rules: list[Rule] = Field(min_length=1)
    source: str = Field(default="", exclude=True)
    sha256: str = Field(default="", exclude=True)
    weights: Any = Field(default=None, exclude=True)

    @field_validator("weights", mode="before")
    @classmethod
    def _not_here(cls, _: object) -> object:
        raise ValueError(
            Words("未知的键；学到的分值在 weights 文件夹", "unknown key; learned points are in the folder weights")
        )

    @field_validator("rates", mode="before")
    @classmethod
    def _codes(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        odd = next((k for k in value if not isinstance(k, str) or not re.fullmatch(r"[A-Za-z]{3}", k)), None)
        if odd is not None:
            raise ValueError(Words(f"'{odd}' 不是币种代码，如 USD", f"'{odd}' is no currency code; such as USD"))
        return {k.upper(): v for k, v in value.items()}

    @field_validator("currency", mode="before")
    @classmethod
    def _one_for_all(cls, value: Any) -> Any:
        return {"default": value} if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if not is_zone(name):
            raise ValueError(Words("未知时区，如 Asia/Shanghai", "unknown time zone; such as Asia/Shanghai"))
        return name

    @field_validator("ship_from", mode="before")
    @classmethod
    def _one_place_for_all(cls, value: Any) -> Any:
        return {"default": value} if isinstance(value, str) else value

    @property
    def active(self) -> list[Rule]:
        """Rules that run at some time: live and trial ones, and retired ones that a promotion wakes."""
        return [r for r in self.rules if any(p.status[r.id] != "retired" for p in self.profiles)]

    @property
    def points(self) -> dict[str, float]:
        """Points of the live rules outside promotions; trial rules add none."""
        return self.profiles[0].points

    @property
    def profiles(self) -> list[Profile]:
        """What holds outside promotions, then what holds in each of them, in the file's order."""
        out = [Profile(BASE, {r.id: r.points for r in self.rules}, {r.id: r.status for r in self.rules}, self.bands)]
        for promotion in self.promotions:
            change = promotion.rules
            worth = {
                r.id: r.points if r.id not in change or change[r.id].points is None else change[r.id].points
                for r in self.rules
            }
            status = {r.id: (change[r.id].status if r.id in change else None) or r.status for r in self.rules}
            out.append(Profile(promotion.label, worth, status, promotion.bands or self.bands))  # type: ignore[arg-type]
        return [p._replace(points={k: v for k, v in p.points.items() if p.status[k] == "live"}) for p in out]

    @property
    def spans(self) -> list[tuple[datetime, datetime]]:
        """When each promotion holds: its first instant, and the first one after it (UTC)."""
        return [p.span(self.timezone) for p in self.promotions]

    def holding(self) -> pl.Expr:
        """Index into `profiles` per order: the promotion that its `created_at` falls in, else 0."""
        which = pl.lit(0, dtype=pl.Int32)
        for i, span in enumerate(self.spans, 1):
            which = pl.when(Held(True, (span,)).mask()).then(pl.lit(i, dtype=pl.Int32)).otherwise(which)
        return which.alias("profile")

    @property
    def variants(self) -> list[Rule]:
        """What runs: each active rule once for every different setting, with the times it is held to."""
        out = []
        for rule in self.rules:
            apart: list[tuple[datetime, datetime]] = []
            own: dict[str, tuple[Rule, list[tuple[datetime, datetime]]]] = {}
            for promotion, span, profile in zip(self.promotions, self.spans, self.profiles[1:], strict=True):
                change = promotion.rules.get(rule.id)
                changed = rule.model_copy(update={"settings": change.settings}) if change and change.settings else rule
                same = changed.fingerprint == rule.fingerprint and rule.status != "retired"
                if profile.status[rule.id] == "retired":
                    apart.append(span)
                elif not same:
                    apart.append(span)
                    own.setdefault(changed.fingerprint, (changed, []))[1].append(span)
            if rule.status != "retired":
                out.append(rule.model_copy(update={"held": Held(False, tuple(apart))}) if apart else rule)
            out += [r.model_copy(update={"held": Held(True, tuple(spans))}) for r, spans in own.values()]
        return out


class Profile(NamedTuple):
    """What holds at a time.

    Attributes:
        name: the promotion's, or `base`.
        points: of the rules that are live then.
        status: of every rule then.
        bands: scores from which an order is reviewed and held.
    """

    name: str
    points: dict[str, float]
    status: dict[str, str]
    bands: Bands


def say(text: Text, locale: str) -> str:
    """A rule's own words in a language (one string serves both)."""
    if isinstance(text, str):
        return text
    zh = locale.startswith("zh")
    return text.get("zh" if zh else "en") or text.get("en" if zh else "zh", "")
