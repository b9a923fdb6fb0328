"""Snoozes: a rule is silent about a value until a date. Its findings are recorded and add no points."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orderguard.ledger.stamps import iso

if TYPE_CHECKING:
    from datetime import datetime

    from orderguard.ledger.store import Ledger


class Snooze(NamedTuple):
    """One rule that is silent about one value.

    Attributes:
        snooze_id: number in the ledger.
        rule_id: of the rule.
        value: an IP, phone, account, device, address, e-mail or order number, as text.
        until: instant from which the rule counts again, as the ledger writes it.
        who, why, at: who decided it, and when.
        ended_at, ended_by: when it was ended before its time, by whom and why; None when it was not.
    """

    snooze_id: int
    rule_id: str
    value: str
    until: str
    who: str
    why: str
    at: str
    ended_at: str | None
    ended_by: str | None


class SnoozeBook:
    """Reads and adds to `snoozes`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def add(self, rule_id: str, value: str, until: datetime, who: str, why: str, now: datetime) -> None:
        """Silence a rule about a value; a later date for the same two takes the place of an earlier one."""
        with self.ledger.commit() as db:
            again = "UPDATE snoozes SET ended_at = ?, ended_by = ? WHERE rule_id = ? AND value = ? AND ended_at IS NULL"
            db.execute(again, (iso(now), f"{who}: {why}", rule_id, value))
            db.execute(
                "INSERT INTO snoozes (rule_id, value, until, who, why, at) VALUES (?, ?, ?, ?, ?, ?)",
                (rule_id, value, iso(until), who, why, iso(now)),
            )

    def end(self, snooze_id: int, by: str, now: datetime) -> bool:
        """End a snooze before its time; False when there is none of this number that is still on."""
        with self.ledger.commit() as db:
            sql = "UPDATE snoozes SET ended_at = ?, ended_by = ? WHERE snooze_id = ? AND ended_at IS NULL AND until > ?"
            return db.execute(sql, (iso(now), by, snooze_id, iso(now))).rowcount == 1

    def active(self, now: datetime) -> list[Snooze]:
        """Those that are on."""
        sql = "SELECT * FROM snoozes WHERE ended_at IS NULL AND until > ? ORDER BY snooze_id"
        return [Snooze(*row) for row in self.ledger.db.execute(sql, (iso(now),))]

    def listed(self) -> list[Snooze]:
        """All that ever were, newest first."""
        return [Snooze(*row) for row in self.ledger.db.execute("SELECT * FROM snoozes ORDER BY snooze_id DESC")]
