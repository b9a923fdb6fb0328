"""The rulebook as a model: what it may hold, what each value may be, and a rule's fingerprint."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from orderguard.errors import Words, closest
from orderguard.rules.base import Kind  # noqa: TC001 - pydantic reads it when the model is made

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


def say(text: Text, locale: str) -> str:
    """A rule's own words in a language (one string serves both)."""
    if isinstance(text, str):
        return text
    zh = locale.startswith("zh")
    return text.get("zh" if zh else "en") or text.get("en" if zh else "zh", "")
