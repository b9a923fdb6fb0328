"""The month: ledgers and after-sales in, figures, page and workbook out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from orderguard.drafts import drafted
from orderguard.ledger.snapshot import reading
from orderguard.ledger.stamps import iso
from orderguard.outbox.report_book import write_report_book
from orderguard.outbox.report_page import write_report_page
from orderguard.platforms import load_profiles, platform_ids, platform_names
from orderguard.report.figures import Settings, tell_period
from orderguard.report.oversold import KIND
from orderguard.rules.book import say
from orderguard.stages.aftersales import read_outcomes
from orderguard.stages.material import gather
from orderguard.stages.tables import listed_entries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderguard.errors import Problem
    from orderguard.ledger import Ledger
    from orderguard.report.period import Period
    from orderguard.rules import Rulebook


@dataclass(frozen=True)
class Asked:
    """What a report is asked for.

    Attributes:
        period, before: the span, and the one that it is compared with.
        ledgers: folders.
        outcomes: after-sales files.
        out: folder of page and workbook.
        locale: of both.
        now: the clock.
    """

    book: Rulebook
    period: Period
    before: Period
    ledgers: Sequence[str]
    outcomes: Sequence[str]
    out: Path
    locale: str
    now: datetime
    platforms_dir: str | None = None


def figures(asked: Asked) -> tuple[dict[str, Any], list[Problem]]:
    """Every figure, and notices about the after-sales file.

    Raises:
        OrderguardError: no ledger, no order in the span, an unreadable after-sales file.
    """
    profiles = load_profiles(asked.platforms_dir)
    ids = platform_ids(profiles)
    outcomes, problems = read_outcomes(asked.outcomes, ids) if asked.outcomes else (None, [])
    entries = listed_entries(asked.book)
    sentences_of = [r.id for r in asked.book.rules if r.kind == KIND] + sorted({e["rule_id"] for e in entries})
    material = gather(asked.ledgers, asked.period, asked.before, ids, outcomes, sentences_of)
    names = platform_names(profiles, asked.locale)
    rules = [
        {"rule_id": r.id, "says": say(r.says, asked.locale), "status": r.status, "points": r.points}
        for r in asked.book.rules
    ]
    told = tell_period(
        material,
        Settings(asked.period, asked.before, rules, asked.now, names, ids, list(asked.ledgers), entries),
    )
    told["learn"] = _learn(asked)
    return told, problems


def _learn(asked: Asked) -> dict[str, Any] | None:
    """What `learn` would change, on the verdicts given until the period's end; None with several ledgers."""
    folders = list(dict.fromkeys(asked.ledgers))
    if len(folders) > 1:
        return None
    from orderguard.stages.teaching import proposal  # noqa: PLC0415 - scipy takes its time

    with reading(Path(folders[0])) as db:
        # It reads the database only; the ledger's lock is not needed for that.
        ledger = cast("Ledger", SimpleNamespace(db=db))
        found = proposal(ledger, asked.book, until=iso(asked.period.end)).told()
    return {name: found[name] for name in ("verdicts", "rules", "thresholds", "holdout")}


def write(asked: Asked, told: dict[str, Any]) -> dict[str, str]:
    """Write page and workbook; returns their paths by kind."""
    stem = f"report-{asked.period.label}"
    page, book = asked.out / f"{stem}.html", asked.out / f"{stem}.xlsx"
    with drafted(page, book) as (page_draft, book_draft):
        write_report_page(page_draft, told, asked.locale)
        write_report_book(book_draft, told, asked.locale)
    return {"html": str(page), "xlsx": str(book)}
