"""The files of learned points: read, written whole, and taken out of use without being lost."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from orderguard.drafts import drafted
from orderguard.errors import OrderguardError, Problem, Words, unable
from orderguard.faults import explain
from orderguard.rules.model import Id  # noqa: TC001 - pydantic reads it when the model is made
from orderguard.yamls import parse_yaml, read_yaml

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-(\d+))?\.yaml")
Points = Annotated[float, Field(ge=0, le=10_000)]


class CurvePoint(BaseModel):
    """The probability of being abnormal at one score."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    score: float = Field(ge=0)
    probability: float = Field(ge=0, le=1)


class Withdrawn(BaseModel):
    """Who rolled an overlay back, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    by: str
    at: str


class Overlay(BaseModel):
    """One overlay file. Only `points` is required; what `learn --apply` writes has it all."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)
    version: Literal[1] = 1
    points: dict[Id, Points]
    approved_by: str = ""
    approved_at: str = ""
    ledger: str = ""
    rulebook: str = ""
    fingerprints: dict[str, str] = {}
    before: dict[str, float] = {}
    written: dict[str, float] = {}
    evidence: dict[str, Any] = {}
    calibration: list[CurvePoint] = []
    rolled_back: Withdrawn | None = None
    source: str = Field(default="", exclude=True)
    sha256: str = Field(default="", exclude=True)

    @field_validator("approved_at", "approved_by", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else str(value)

    @field_validator("calibration")
    @classmethod
    def _rising(cls, curve: list[CurvePoint]) -> list[CurvePoint]:
        for one, other in pairwise(curve):
            if one.score >= other.score or one.probability > other.probability:
                raise ValueError(
                    Words("分数与概率须逐点上升", "scores and probabilities must rise from point to point")
                )
        return curve


def overlay_files(folder: Path) -> list[Path]:
    """Overlay files, the newest first.

    Raises:
        OrderguardError: a YAML file that is not named by a date: it would be passed over in silence.
    """
    if not folder.is_dir():
        return []
    named, odd = [], []
    for path in folder.iterdir():
        found = _NAME.fullmatch(path.name)
        if found:
            named.append((found[1], int(found[2] or 1), path))
        elif path.suffix.casefold() in {".yaml", ".yml"} and not path.name.startswith("."):
            odd.append(path)
    if odd:
        what = Words("不是按日期命名的分值文件", "is not named by a date, as weights are")
        fix = Words(
            "改名为 年-月-日.yaml（如 2026-11-30.yaml），或移走", "name it such as 2026-11-30.yaml, or move it away"
        )
        raise OrderguardError(*[Problem(what, str(path), fix=fix) for path in sorted(odd)])
    return [path for _, _, path in sorted(named, reverse=True)]


def read_overlay(path: Path) -> Overlay:
    """Read one overlay.

    Raises:
        OrderguardError: it cannot be read, or is none; with its line and the repair.
    """
    fix = Words(
        "改好它，或用 orderguard learn rollback 退回上一版",
        "mend it, or go back to the weights before with 'orderguard learn rollback'",
    )
    try:
        document = read_yaml(path)
    except OrderguardError as error:
        raise OrderguardError(*[_with_fix(p, fix) for p in error.problems]) from error
    problems = list(document.problems)
    if not isinstance(document.data, dict):
        what = Words("应有 points:（规则: 分值）", "should hold points: (rule: number)")
        problems.append(Problem(what, str(path), 1))
    overlay = Overlay(points={})
    try:
        overlay = Overlay.model_validate(document.data) if not problems else overlay
    except ValidationError as error:
        problems += explain(error, document)
    if problems:
        raise OrderguardError(*[_with_fix(p, fix) for p in problems])
    return overlay.model_copy(update={"source": str(path), "sha256": document.sha256})


def _with_fix(problem: Problem, fix: Words) -> Problem:
    return problem if problem.fix.en else Problem(problem.what, problem.where, problem.line, fix)


def in_use(folder: Path, rulebook: str) -> Overlay | None:
    """The newest overlay for this rulebook that was not rolled back.

    Raises:
        OrderguardError: it, or a newer one, cannot be read: points must not fall back in silence.
    """
    for path in overlay_files(folder):
        overlay = read_overlay(path)
        if overlay.rolled_back is None and (not overlay.rulebook or overlay.rulebook == rulebook):
            return overlay
    return None


def write_overlay(folder: Path, content: dict[str, Any], at: datetime) -> Path:
    """Write a new overlay, named by its day; a second one of a day gets a number, so that none is overwritten.

    Raises:
        OrderguardError: it cannot be written.
    """
    head = (
        "# orderguard learn --apply 写出；规则表本身不改。撤回：orderguard learn rollback\n"
        "# Written by orderguard learn --apply; the rulebook itself is not edited. Undo: orderguard learn rollback\n"
    )
    text = head + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110)
    day = at.strftime("%Y-%m-%d")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Numbered behind the day's highest: a number that was deleted is not given again.
        taken = [int(found[2] or 1) for p in folder.iterdir() if (found := _NAME.fullmatch(p.name)) and found[1] == day]
        number = max(taken, default=0) + 1
        while True:
            path = folder / (f"{day}.yaml" if number == 1 else f"{day}-{number}.yaml")
            if _placed(path, text):
                return path
            number += 1
    except OSError as error:
        raise OrderguardError(_unwritable(folder, error)) from error


def _placed(path: Path, text: str) -> bool:
    """Put a whole file in place, unless there is one of that name already."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        draft.replace(path)
        return True
    finally:
        draft.unlink(missing_ok=True)
    return True


def roll_back(folder: Path, rulebook: str, by: str, at: datetime) -> tuple[Path, Overlay | None]:
    """Take the newest overlay out of use, though it cannot be read; it stays in its place, marked.

    Returns:
        What was rolled back, and what counts now (None: the rulebook's own points).

    Raises:
        OrderguardError: there is nothing to roll back, or the file cannot be written.
    """
    for path in overlay_files(folder):
        try:
            overlay = read_overlay(path)
        except OrderguardError:
            _set_aside(path)
            return path, in_use(folder, rulebook)
        if overlay.rolled_back is None and (not overlay.rulebook or overlay.rulebook == rulebook):
            mark = yaml.safe_dump(
                {"rolled_back": {"by": by, "at": at.isoformat(timespec="seconds")}}, allow_unicode=True
            )
            marked = path.read_text(encoding="utf-8-sig").rstrip("\n") + "\n" + mark
            if _marks_a_rollback(marked, str(path)):
                _replace(path, marked)
            else:  # written by hand, in a style that takes no further line
                _set_aside(path)
            return path, in_use(folder, rulebook)
    what = Words("没有可撤回的分值", "there are no learned weights to roll back")
    raise OrderguardError(
        Problem(what, str(folder), fix=Words("规则表自己的分值在用", "the rulebook's own points are in use"))
    )


def _marks_a_rollback(text: str, name: str) -> bool:
    try:
        data = parse_yaml(text, name).data
    except OrderguardError:
        return False
    return isinstance(data, dict) and "rolled_back" in data


def _set_aside(path: Path) -> None:
    """A file that cannot be marked is renamed, so that it no longer counts."""
    try:
        path.replace(path.with_name(path.name + ".rolled-back"))
    except OSError as error:
        raise OrderguardError(_unwritable(path, error)) from error


def _replace(path: Path, text: str) -> None:
    try:
        with drafted(path) as (draft,):
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OrderguardError(_unwritable(path, error)) from error


def _unwritable(path: Path, error: OSError) -> Problem:
    what = unable(Words("无法写入", "cannot be written"), error)
    return Problem(what, str(path), fix=Words("检查目录权限与磁盘空间", "check rights and disk space"))
