"""Learned points: dated overlays in `weights/` beside the rulebook, which itself is never edited.

The newest overlay that was not rolled back counts. Each names who approved it and the fingerprints of the rules that
it was learned on: for a rule that has changed since, the rulebook's own points count, and the scan says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from orderguard.errors import Problem, Words
from orderguard.rules.model import Rule, Rulebook  # noqa: TC001 - pydantic reads it when the model is made
from orderguard.rules.overlays import Overlay, in_use, overlay_files, read_overlay
from orderguard.yamls import beside

FOLDER = "weights"


class Weighted(BaseModel):
    """An overlay in use.

    Attributes:
        file: its name beside the rulebook, such as `weights/2026-11-30.yaml`.
        written: the rulebook's own points, of all rules.
        points: the points it sets.
        ignored: rules that it names and that it does not decide, with the reason in words.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, defer_build=True)
    file: str
    overlay: Overlay
    written: dict[str, float]
    points: dict[str, float]
    ignored: dict[str, Words]

    def told(self, locale: str) -> dict[str, Any]:
        """As `run.json` names it."""
        return {
            "file": self.file, "sha256": self.overlay.sha256, "approved_by": self.overlay.approved_by,
            "approved_at": self.overlay.approved_at, "points": self.points,
            "ignored": {rule: why.pick(locale) for rule, why in self.ignored.items()},
        }  # fmt: skip

    def problems(self) -> list[Problem]:
        """One notice for each rule that the overlay does not decide."""
        return [
            Problem(
                Words(f"{rule}：未采用学到的分值（{why.zh}）", f"{rule}: its learned points are not used ({why.en})"),
                self.file,
                fix=Words("再运行 orderguard learn 可更新", "run 'orderguard learn' again to renew them"),
                fatal=False,
            )
            for rule, why in self.ignored.items()
        ]


def weights_folder(book: Rulebook, *, packaged: bool) -> Path:
    """Where a rulebook's overlays are; those of the rulebook that comes with orderguard are in this folder."""
    return (Path() if packaged else beside(book.source)) / FOLDER


def history(folder: Path, rulebook: str) -> list[Overlay]:
    """Every overlay for this rulebook, rolled back ones too, the newest first.

    Raises:
        OrderguardError: one of them cannot be read.
    """
    found = [read_overlay(path) for path in overlay_files(folder)]
    return [o for o in found if not o.rulebook or o.rulebook == rulebook]


def rule_history(folder: Path, rulebook: str, rule: Rule) -> list[dict[str, Any]]:
    """What every overlay says of one rule, the newest first: points, from what, by whom, on what evidence."""
    told = []
    for overlay in history(folder, rulebook):
        name = next((n for n in (rule.id, *rule.was) if n in overlay.points), None)
        if name is None:
            continue
        rules = overlay.evidence.get("rules")
        found = rules.get(name) if isinstance(rules, dict) else None
        gone = overlay.rolled_back
        told.append(
            {
                "file": f"{FOLDER}/{Path(overlay.source).name}",
                "points": overlay.points[name],
                "before": overlay.before.get(name),
                "approved_by": overlay.approved_by,
                "approved_at": overlay.approved_at,
                "same_rule": overlay.fingerprints.get(name, rule.fingerprint) == rule.fingerprint,
                "evidence": found if isinstance(found, dict) else None,
                "rolled_back": gone.model_dump() if gone else None,
            }
        )
    return told


def weighted(book: Rulebook, folder: Path) -> Rulebook:
    """The rulebook with its learned points, `book.weights` naming them; as it is where there are none.

    Raises:
        OrderguardError: the weights cannot be read.
    """
    overlay = in_use(folder, Path(book.source).name)
    if overlay is None:
        return book
    given = dict(overlay.points)
    points: dict[str, float] = {}
    ignored: dict[str, Words] = {}
    rules = []
    for rule in book.rules:
        name = next((n for n in (rule.id, *rule.was) if n in given), None)
        if name is None:
            rules.append(rule)
            continue
        wanted = given.pop(name)
        learned_on = overlay.fingerprints.get(name)
        if rule.locked:
            if wanted != rule.points:
                ignored[rule.id] = Words("规则已锁定 locked", "the rule is locked")
            rules.append(rule)
        elif learned_on and learned_on != rule.fingerprint:
            ignored[rule.id] = Words("规则在此之后改过", "the rule has changed since")
            rules.append(rule)
        else:
            points[rule.id] = wanted
            rules.append(rule.model_copy(update={"points": wanted}))
    for name in given:
        ignored[name] = Words("规则表里没有这条规则", "the rulebook has no such rule")
    file = f"{FOLDER}/{Path(overlay.source).name}"
    used = Weighted(
        file=file, overlay=overlay, written={r.id: r.points for r in book.rules}, points=points, ignored=ignored
    )
    return book.model_copy(update={"rules": rules, "weights": used})
