"""What rules hit of late, and what verdicts say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderguard.ledger.verdicts import CONFIRMED, FALSE_ALARM, INVESTIGATING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from orderguard.ledger.store import Ledger


def rule_hits(ledger: Ledger, since: int, ids: Mapping[str, str]) -> list[tuple[str, str, int, int, int, int]]:
    """Findings on orders placed since an instant (in seconds): rule, fingerprint, hits, and of these by verdict.

    A verdict counts for the findings that it was given on (its evidence), and for those that did not count then.
    An order that was found under several words for its platform is one hit.

    Args:
        ledger: an open ledger.
        since: seconds since 1970.
        ids: words for platforms (casefolded) -> platform id.
    """
    sums = ", ".join(f"SUM(COALESCE(v.result = '{r}', 0))" for r in (CONFIRMED, FALSE_ALARM, INVESTIGATING))
    sql = f"""SELECT f.rule_id, f.rule_fingerprint, COUNT(*), {sums} FROM findings f
              LEFT JOIN cases c ON c.platform = f.platform AND c.order_id = f.order_id
              LEFT JOIN verdicts v ON v.case_id = c.case_id AND v.replaced_by IS NULL AND v.ended_run IS NULL
               AND (f.status <> 'live' OR instr(',' || v.evidence || ',', ',' || f.rule_id || '@' || f.rule_fingerprint || ','))
              WHERE f.ordered_at >= ? GROUP BY f.rule_id, f.rule_fingerprint"""  # noqa: S608 - own names
    again = _again(ledger.db, since, ids)
    return [
        (rule, form, n - again.get((rule, form), 0), *said) for rule, form, n, *said in ledger.db.execute(sql, (since,))
    ]


def _again(db: sqlite3.Connection, since: int, ids: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Of each rule's findings, those on an order that it has found under another word for the platform."""
    words: dict[str, list[str]] = {}
    for (word,) in db.execute("SELECT DISTINCT platform FROM findings WHERE ordered_at >= ?", (since,)):
        words.setdefault(ids.get(word.casefold(), word.casefold()), []).append(word)
    again: dict[tuple[str, str], int] = {}
    for several in (w for w in words.values() if len(w) > 1):
        marks = ", ".join("?" * len(several))
        sql = f"""SELECT rule_id, rule_fingerprint, COUNT(*) - COUNT(DISTINCT order_id) FROM findings
                  WHERE ordered_at >= ? AND platform IN ({marks}) GROUP BY rule_id, rule_fingerprint"""  # noqa: S608 - marks only
        for rule, form, n in db.execute(sql, (since, *several)):
            again[rule, form] = again.get((rule, form), 0) + n
    return again
