"""`team.yaml`: agents, what they handle, how much they can take, and the regional managers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.faults import explain, hinted
from orderguard.route.duty import Away, Shift, is_away, on_shift
from orderguard.spans import Pause, Span  # noqa: TC001 - pydantic reads them when the model is made
from orderguard.staff import UNASSIGNED, meant
from orderguard.yamls import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

NOTICE_EVERY = timedelta(minutes=15)
PLACES = ("name", "region", "new", "hold", "review", "due", "platforms", "overdue")
"""What a `message:` may name in braces."""


class Handles(BaseModel):
    """What an agent handles; an empty list means everything."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    platform: list[str] = []
    shop: list[str] = []
    region: list[str] = []

    @field_validator("platform", "shop", "region", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class Agent(BaseModel):
    """One agent.

    `capacity` is how many open orders they can have; above it, work waits in the shared queue. On days when they are `away`
    they get nothing; outside their `shift` only what nobody on duty can take. With `cards` the messages to `targets` name
    the orders, their reasons and what to ask.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    name: str = Field(min_length=1, max_length=40)
    handles: Handles = Handles()
    capacity: int = Field(default=200, ge=1, le=100_000)
    away: Away = ()
    shift: Shift | None = None
    targets: list[str] = []
    cards: bool = False

    @field_validator("targets", mode="before")
    @classmethod
    def _one_target(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("name")
    @classmethod
    def _file_name(cls, name: str) -> str:
        if meant(name) == UNASSIGNED:
            raise ValueError(
                Words(
                    "是共享队列的名字，请换一个；没人负责的任务会自动进去",
                    "is the name of the shared queue, choose another; tasks that nobody handles go there by themselves",
                )
            )
        if re.search(r'[\\/:*?"<>|\x00-\x1f]', name) or name.strip(". ") != name:
            raise ValueError(
                Words(
                    "不能用作文件名，请去掉 / \\ : * ? 等字符",
                    "cannot be a file name; leave out / \\ : * ? and the like",
                )
            )
        return name

    @model_validator(mode="after")
    def _cards_need_targets(self) -> Agent:
        if self.cards and not self.targets:
            raise ValueError(
                Words("cards 需要 targets：任务卡片要发到哪里", "cards needs targets: where the task cards are to go")
            )
        return self


class Manager(BaseModel):
    """One regional manager; an empty `region` means all regions.

    `targets` are apprise URLs or webhooks; secrets come from the environment: `wecombot://${WECOM_KEY}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    name: str = Field(min_length=1, max_length=40)
    region: list[str] = []
    targets: list[str] = []
    locale: Literal["zh-CN", "en"] | None = None

    @field_validator("region", "targets", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class Due(BaseModel):
    """By when a case needs a decision."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    hold: Span = timedelta(hours=2)
    review: Span = timedelta(hours=8)
    before_promise: Pause = timedelta(hours=2)


Action = Literal["release", "keep", "escalate"]


class Timeout(BaseModel):
    """What `cases sweep` does with a case that nobody decided in time: by band, or for all orders of a platform."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    hold: Action = "escalate"
    review: Action = "keep"
    platform: dict[str, Action] = {}

    @model_validator(mode="before")
    @classmethod
    def _for_all(cls, value: object) -> object:
        return {"hold": value, "review": value} if isinstance(value, str) else value

    def of(self, band: str, platform: str, synonyms: Mapping[str, frozenset[str]]) -> Action:
        """The action for a case, whatever word the platform goes by."""
        folded = platform.casefold()
        words = synonyms.get(folded, frozenset([folded]))
        for name, action in self.platform.items():
            if name.casefold() in words:
                return action
        return self.hold if band == "hold" else self.review


class Message(BaseModel):
    """The words of a notice, in place of orderguard's own; `{new}` and the other `PLACES` are filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    zh: str | None = None
    en: str | None = None

    @field_validator("zh", "en")
    @classmethod
    def _known_places(cls, text: str | None) -> str | None:
        named = re.findall(r"{([^{}]*)}", text or "")
        wrong = [n for n in named if n not in PLACES]
        if wrong or re.sub(r"{[^{}]*}", "", text or "").count("{"):
            listed = " ".join(f"{{{p}}}" for p in PLACES)
            raise ValueError(Words(f"只能用 {listed}", f"may name only {listed}"))
        return text


class Team(BaseModel):
    """Everybody.

    Attributes:
        every: at most one notice and one task sheet per person in this time. Without it: a notice every 15 minutes at
            most, a task sheet from each scan that has something new.
        due: by when a case needs a decision.
        on_timeout: what happens to a case that nobody decided by then.
        message: own words for notices.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    version: Literal[1] = 1
    every: Pause | None = None
    due: Due = Due()
    on_timeout: Timeout = Timeout()
    message: Message = Message()
    agents: list[Agent] = []
    managers: list[Manager] = []
    _off: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def off(self) -> frozenset[str]:
        """Agents who are not on shift, as `at` left it."""
        return self._off

    def at(self, now: datetime, zone: str) -> Team:
        """The team as it is at an instant: without who is away that day, knowing who is off shift."""
        local = now.astimezone(ZoneInfo(zone))
        here = [a for a in self.agents if not is_away(a.away, local.date())]
        if len(here) == len(self.agents) and all(a.shift is None for a in here):
            return self
        team = self.model_copy(update={"agents": here})
        off = frozenset(a.name for a in here if a.shift and not on_shift(a.shift, local.time()))
        object.__setattr__(team, "_off", off)
        return team


_PARTS: dict[str, type[BaseModel]] = {
    "agents": Agent, "managers": Manager, "handles": Handles, "due": Due, "on_timeout": Timeout, "message": Message
}  # fmt: skip
_INSIDE = {name: list(part.model_fields) for name, part in _PARTS.items()}
"""Keys that hold others, and those."""


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
        problems += hinted(explain(error, document), list(Team.model_fields), _INSIDE)
    names = [a.name.casefold() for a in team.agents]
    for i, name in enumerate(names):
        if name in names[:i]:
            what = Words(f"处理人 '{team.agents[i].name}' 写了两次", f"agent '{team.agents[i].name}' is given twice")
            fix = Words("合并成一个，或换个名字", "make them one, or choose another name")
            problems.append(Problem(what, document.name, document.line(("agents", i)), fix))
    if problems:
        raise OrderguardError(*problems)
    return team
