"""Cases at their time-out, and orders that were on a hold list and may leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.ledger.stamps import iso

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderguard.ledger.store import Ledger

_RELEASE = """
SELECT c.case_id, c.platform, c.order_id, e.who, e.why, e.what, e.at FROM cases c
LEFT JOIN events e ON e.event_id = (SELECT MAX(event_id) FROM events x WHERE x.case_id = c.case_id
  AND (x.what = 'released' OR x.what = 'verdict false_alarm'))
WHERE c.state = 'released' AND c.hold_run IS NOT NULL AND c.release_run IS NULL
ORDER BY c.platform, e.at, c.order_id
"""


class SweepBook:
    """What `cases sweep` reads and writes."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def overdue(self, now: datetime) -> list[dict[str, Any]]:
        """Undecided cases past their due time (control orders have none that matters), the latest first: `case_id platform order_id state band agent due_at escalated_at`."""
        names = ("case_id", "platform", "order_id", "state", "band", "agent", "due_at", "escalated_at")
        sql = f"""SELECT {", ".join(names)} FROM cases WHERE state IN ('open', 'investigating') AND band <> 'pass' AND due_at < ?
            ORDER BY due_at, case_id"""  # noqa: S608 - own names
        return [dict(zip(names, row, strict=True)) for row in self.ledger.db.execute(sql, (iso(now),))]

    def apply(self, release: Sequence[str], escalate: Sequence[str], why: str, now: datetime) -> None:
        """Release and escalate cases, with a line in each one's trail. One transaction."""
        event = "INSERT INTO events (case_id, at, who, what, why, run_id) VALUES (?, ?, 'sweep', ?, ?, NULL)"
        with self.ledger.commit() as db:
            db.executemany("UPDATE cases SET state = 'released' WHERE case_id = ?", [(c,) for c in release])
            db.executemany("UPDATE cases SET escalated_at = ? WHERE case_id = ?", [(iso(now), c) for c in escalate])
            db.executemany(event, [(c, iso(now), "released", why) for c in release])
            db.executemany(event, [(c, iso(now), "escalated", why) for c in escalate])

    def releasable(self) -> list[dict[str, Any]]:
        """Released orders that stand on a hold list and on no release list yet: `case_id platform order_id who why what at`."""
        names = ("case_id", "platform", "order_id", "who", "why", "what", "at")
        return [dict(zip(names, row, strict=True)) for row in self.ledger.db.execute(_RELEASE)]

    def listed(self, cases: Sequence[str], sweep_id: str) -> None:
        """Note that the release lists are in place."""
        with self.ledger.commit() as db:
            db.executemany("UPDATE cases SET release_run = ? WHERE case_id = ?", [(sweep_id, c) for c in cases])
