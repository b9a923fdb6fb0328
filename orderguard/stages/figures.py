"""What the ledger knows of each rule's last 30 days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orderguard.ledger import reading
from orderguard.ledger.hits import rule_hits
from orderguard.platforms import load_profiles, platform_ids

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from orderguard.rules import Rulebook

DAYS = 30


def last_month(folder: Path, book: Rulebook, now: datetime) -> dict[str, dict[str, Any]]:
    """Hits among the orders of the last 30 days, and what the verdicts say of them.

    Only hits of the rules as they are now (their fingerprints) count: verdicts on last month's limit say nothing of
    this month's.

    Returns:
        Rule id -> `hits confirmed false_alarm investigating precision earlier_form`; precision is null without a
        confirmed or refuted hit, `earlier_form` are hits of the same rule with other settings.

    Raises:
        OrderguardError: there is no ledger in the folder.
    """
    ids = platform_ids(load_profiles())
    with reading(folder) as ledger:
        found = rule_hits(ledger, int((now - timedelta(days=DAYS)).timestamp()), ids)
    prints = {(r.id, r.fingerprint) for r in book.variants} | {(r.id, r.fingerprint) for r in book.rules}
    out = {}
    for rule in book.rules:
        mine = [row for row in found if row[0] in {rule.id, *rule.was}]
        same = [row for row in mine if (rule.id, row[1]) in prints]
        hits, right, wrong, open_ = (sum(int(row[i]) for row in same) for i in (2, 3, 4, 5))
        out[rule.id] = {
            "hits": hits,
            "confirmed": right,
            "false_alarm": wrong,
            "investigating": open_,
            "precision": round(right / (right + wrong), 4) if right + wrong else None,
            "earlier_form": sum(row[2] for row in mine) - hits,
        }
    return out
