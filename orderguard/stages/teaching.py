"""From a ledger and a rulebook to a proposal, and from an approved proposal to an overlay's content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import KEY
from orderguard.frames import platform_id
from orderguard.learn.proposal import Taught, Threshold, propose
from orderguard.ledger import History
from orderguard.ledger.lessons import lessons
from orderguard.platforms import load_profiles, platform_ids
from orderguard.rules.bands import Bands
from orderguard.rules.thresholds import limit_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderguard.learn.proposal import Proposal
    from orderguard.ledger import Ledger
    from orderguard.rules import Rule, Rulebook
    from orderguard.rules.weights import Weighted


def taught(rules: Sequence[Rule]) -> list[Taught]:
    """The rulebook's live and trial rules as `learn` knows them."""
    told = []
    for rule in rules:
        if rule.status == "retired":
            continue
        limit = limit_of(rule.settings)
        live = rule.status == "live"
        threshold = Threshold(*limit) if limit else None
        told.append(Taught(rule.id, tuple(rule.was), rule.fingerprint, rule.points, rule.locked, live, threshold))
    return told


def proposal(
    ledger: Ledger, book: Rulebook, since: str | None = None, until: str | None = None, *, places: bool = False
) -> Proposal:
    """What the ledger's verdicts teach about a rulebook with the weights that are in use.

    Args:
        ledger: an open ledger.
        book: as `in_effect` gives it.
        since, until: instants (see `ledger.lessons`).
        places: look for what rules should except, which reads the shops of all judged orders.
    """
    found = lessons(ledger, since, until)
    chance = book.bands.chances.get("hold")
    sure = chance.probability if chance else 0.5
    # Where the band follows the probabilities, points keep the scale of the score that stood in for it.
    anchor = (chance.points or Bands.model_fields["hold"].default) if chance else book.bands.hold
    where = _places(found.cases, ledger) if places else None
    rules, bands = taught(book.rules), book.bands
    return propose(found.cases, found.hits, rules, bands.review, bands.hold, sure, anchor, where)


def _places(cases: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Shop and platform of judged cases: `case_id shop platform`."""
    judged = cases.filter(pl.col("result").is_not_null()).select("case_id", *KEY)
    told = judged.join(History(ledger).shops(judged), on=KEY, how="left")
    shop = pl.col("shop").str.strip_chars()
    return told.select(
        "case_id", pl.when(shop != "").then(shop).alias("shop"), platform_id(platform_ids(load_profiles()))
    )


def overlay(found: Proposal, book: Rulebook, ledger: Path, by: str, now: datetime) -> dict[str, Any]:
    """What `--apply` writes: the points of every live rule, who approved them, and on what evidence."""
    live = [r for r in found.rules if r.why != "trial"]
    used: Weighted | None = book.weights
    written = used.written if used else {r.id: r.points for r in book.rules}
    return {
        "version": 1,
        "points": {r.id: r.after for r in live},
        "approved_by": by,
        "approved_at": now.isoformat(timespec="seconds"),
        "ledger": ledger.name,
        "rulebook": Path(book.source).name,
        "rulebook_sha256": book.sha256,
        "bands": {"review": book.bands.review, "hold": book.bands.hold},
        "fingerprints": {r.id: r.fingerprint for r in live},
        "before": {r.id: r.before for r in live},
        "written": {r.id: written[r.id] for r in live},
        "replaces": used.file if used else "",
        "evidence": {
            "verdicts": {"used": found.right + found.wrong, "right": found.right, "wrong": found.wrong, "unknown": found.unknown},
            "rules": {r.id: _evidence(r) for r in live},
            "holdout": found.effect.told() if found.effect else None,
        },
        "calibration": [k._asdict() for k in found.knots],
    }  # fmt: skip


def _evidence(lesson: Any) -> dict[str, Any]:
    precision = lesson.precision
    interval = None if precision.low is None else [round(precision.low, 4), round(precision.high, 4)]
    return {
        "why": lesson.why, "right": lesson.right, "wrong": lesson.wrong, "unknown": lesson.unknown,
        "not_used": lesson.stale, "precision": None if precision.share is None else round(precision.share, 4),
        "interval_95": interval,
    }  # fmt: skip
