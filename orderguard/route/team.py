"""`team.yaml`: agents, what they handle, how much they can take, and the regional managers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.yamls import explain, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

UNASSIGNED = "unassigned"


class Handles(BaseModel):
    """What an agent handles; an empty list means everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    platform: list[str] = []
    shop: list[str] = []
    region: list[str] = []


class Agent(BaseModel):
    """One agent. `capacity` is how many open orders they can have; above it, work waits in the shared queue."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=40)
    handles: Handles = Handles()
    capacity: int = Field(default=200, ge=1, le=100_000)

    @field_validator("name")
    @classmethod
    def _file_name(cls, name: str) -> str:
        if re.search(r'[\\/:*?"<>|\x00-\x1f]', name) or name.strip(". ") != name or name.lower() == UNASSIGNED:
            raise ValueError(
                Words(
                    "不能用作文件名，请去掉 / \\ : * ? 等字符",
                    "cannot be a file name; leave out / \\ : * ? and the like",
                )
            )
        return name


class Manager(BaseModel):
    """One regional manager; an empty `region` means all regions. `targets`: names of where to tell them, no secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=40)
    region: list[str] = []
    targets: list[str] = []

    @field_validator("region", mode="before")
    @classmethod
    def _one(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class Team(BaseModel):
    """Everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    agents: list[Agent] = []
    managers: list[Manager] = []


def load_team(path: Path) -> Team:
    """Read `team.yaml`.

    Raises:
        OrderguardError: every problem of the file at once.
    """
    document = read_yaml(path)
    problems = list(document.problems)
    team = Team()
    try:
        team = Team.model_validate(
            {k: v for k, v in (document.data or {}).items() if v is not None}
            if isinstance(document.data, dict | None)
            else document.data
        )
    except ValidationError as error:
        problems += explain(error, document)
    names = [a.name.casefold() for a in team.agents]
    for i, name in enumerate(names):
        if name in names[:i]:
            what = Words(f"处理人 '{team.agents[i].name}' 写了两次", f"agent '{team.agents[i].name}' is given twice")
            problems.append(Problem(what, document.name, document.line(("agents", i))))
    if problems:
        raise OrderguardError(*problems)
    return team
