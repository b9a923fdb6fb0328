"""Scores from which an order is reviewed and held."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orderguard.errors import Words


class Chance(BaseModel):
    """A band given as a probability; `points` is the score that stands in until there is a calibration."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    probability: float = Field(gt=0, lt=1)
    points: float | None = Field(default=None, gt=0, le=100_000)


class Bands(BaseModel):
    """Scores from which an order is reviewed and held, or probabilities that `learn` has given a score."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    review: float = Field(default=20, gt=0, le=100_000)
    hold: float = Field(default=30, gt=0, le=100_000)
    chances: dict[Literal["review", "hold"], Chance] = Field(default={}, exclude=True, init=False)

    @model_validator(mode="before")
    @classmethod
    def _points_or_probability(cls, given: Any) -> Any:
        """`hold: {probability: 0.5}` becomes the score that stands in for it, and is kept in `chances`."""
        if not isinstance(given, dict):
            return given
        if "chances" in given:
            raise ValueError(Words("未知的键 chances", "unknown key chances"))
        asked = {k: v for k, v in given.items() if k in {"review", "hold"} and isinstance(v, dict)}
        chances = {}
        for name, value in asked.items():
            try:
                chances[name] = Chance.model_validate(value)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                key = ".".join(str(part) for part in first["loc"]) or "probability"
                raise ValueError(
                    Words(
                        f"{name} 应为分数，或 {{probability: 0.5}}（0 到 1 之间）；{key} 不对",
                        f"{name} should be a score or {{probability: 0.5}} (between 0 and 1); {key} is wrong",
                    )
                ) from error
        scores = {name: chance.points or cls.model_fields[name].default for name, chance in chances.items()}
        return {**given, **scores, "chances": chances} if chances else given

    @model_validator(mode="after")
    def _ordered(self) -> Bands:
        if self.review > self.hold:
            raise ValueError(Words("review 不能高于 hold", "review must not be above hold"))
        return self
