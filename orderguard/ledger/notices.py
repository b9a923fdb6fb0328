"""Who was told of which case, and what reached which target. Addresses are not kept: a key and a harmless label are."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.ledger.stamps import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orderguard.ledger.store import Ledger

NEW, ESCALATED = "new", "escalated"
_CLAIM_SECONDS = 120
_UNSENT = "('pending', 'failed', 'sending')"
_UNTOLD = """
SELECT c.case_id, c.region, c.agent, ? AS kind FROM cases c
WHERE c.state IN ('open', 'investigating') AND c.band <> 'pass' {more}
AND NOT EXISTS (SELECT 1 FROM told t WHERE t.case_id = c.case_id AND t.who = ? AND t.kind = ?)
"""


_PENDING = """INSERT INTO deliveries (notice_id, target, label, state, tries, said, at, claim)
VALUES (?, ?, ?, 'pending', 0, '', ?, '')"""


class Due(NamedTuple):
    """One message to send: to one target, about the cases of every notice that has not reached it.

    Attributes:
        who: the person.
        target: the target's key.
        notices: the notices it covers.
        cases: `case_id platform order_id band due_at kind` of the cases that are still open.
    """

    who: str
    target: str
    notices: tuple[int, ...]
    cases: pl.DataFrame


class NoticeBook:
    """Reads and adds to `notices told deliveries`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def untold(self, who: str, since: datetime | None = None) -> pl.DataFrame:
        """Open cases that a person was not told of: `case_id region agent kind`, in the order they were opened.

        Args:
            who: the person.
            since: only cases opened then or later (a long night's list is not looked through each minute).
        """
        rows = []
        late = "AND c.opened_at >= ?" if since else "AND ? = ''"
        for kind, more in ((NEW, ""), (ESCALATED, "AND c.escalated_at IS NOT NULL")):
            sql = _UNTOLD.format(more=f"{more} {late}") + "ORDER BY c.opened_at"
            rows += self.ledger.db.execute(sql, (kind, iso(since) if since else "", who, kind)).fetchall()
        return pl.DataFrame(rows, schema=dict.fromkeys(("case_id", "region", "agent", "kind"), pl.String), orient="row")

    def last(self, who: str) -> datetime | None:
        """When a person's newest notice was made."""
        row = self.ledger.db.execute("SELECT MAX(created_at) FROM notices WHERE who = ?", (who,)).fetchone()
        return datetime.fromisoformat(row[0]) if row[0] else None

    def add(self, who: str, cases: pl.DataFrame, targets: Mapping[str, str], run_id: str, now: datetime) -> None:
        """Make a notice about cases (`case_id kind`) for targets (key -> label): from now on they count as told."""
        with self.ledger.commit() as db:
            sql = "INSERT INTO notices (who, created_at, run_id) VALUES (?, ?, ?)"
            made = db.execute(sql, (who, iso(now), run_id)).lastrowid
            rows = [(case, who, kind, made) for case, kind in cases.select("case_id", "kind").iter_rows()]
            db.executemany("INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?)", rows)
            db.executemany(_PENDING, [(made, key, label, iso(now)) for key, label in targets.items()])

    def address(self, who: str, targets: Mapping[str, str], now: datetime) -> None:
        """Every notice that has not reached all of a person's targets goes to their targets of today.

        Args:
            who: the person.
            targets: key -> label.
            now: the clock.
        """
        sql = f"""SELECT d.notice_id, d.target, d.state FROM deliveries d JOIN notices n USING (notice_id) WHERE n.who = ?
            AND d.notice_id IN (SELECT notice_id FROM deliveries WHERE state IN {_UNSENT})"""  # noqa: S608 - own words
        has: dict[int, dict[str, str]] = {}
        for notice, target, state in self.ledger.db.execute(sql, (who,)):
            has.setdefault(notice, {})[target] = state
        gone = [(n, t) for n, given in has.items() for t, s in given.items() if t not in targets and s != "sent"]
        # A target that was put in place of one that failed gets what the other never got.
        lost = sorted({n for n, t in gone if has[n][t] != "dropped"})
        new = [(n, t) for n in lost for t in targets if t not in has[n]]
        if gone or new:
            with self.ledger.commit() as db:
                drop = "UPDATE deliveries SET state = 'dropped', at = ? WHERE notice_id = ? AND target = ?"
                db.executemany(drop, [(iso(now), *g) for g in gone])
                db.executemany(_PENDING, [(n, t, targets[t], iso(now)) for n, t in new])

    def claim(self, people: Sequence[str], now: datetime) -> list[Due]:
        """What is to be sent to these people now, marked so that no other process sends it too."""
        db, mine = self.ledger.db, f"{socket.gethostname()}:{os.getpid()}"
        sql = f"""SELECT n.who, d.target, d.notice_id, d.state, d.claim, d.at FROM deliveries d JOIN notices n
            USING (notice_id) WHERE d.state IN {_UNSENT} ORDER BY d.notice_id"""  # noqa: S608 - own words
        waiting: dict[tuple[str, str], list[int]] = {}
        for who, target, notice, state, claim, at in db.execute(sql).fetchall():
            if who in people and not (state == "sending" and claim != mine and _held(claim, at, now)):
                waiting.setdefault((who, target), []).append(notice)
        with self.ledger.commit() as db:
            take = "UPDATE deliveries SET state = 'sending', claim = ?, at = ? WHERE notice_id = ? AND target = ?"
            for (_, target), notices in waiting.items():
                db.executemany(take, [(mine, iso(now), n, target) for n in notices])
        return [Due(who, target, tuple(n), self._cases(n)) for (who, target), n in waiting.items()]

    def _cases(self, notices: Iterable[int]) -> pl.DataFrame:
        marks = ",".join(str(int(n)) for n in notices)
        sql = f"""SELECT DISTINCT c.case_id, c.platform, c.order_id, c.band, c.due_at, t.kind FROM told t
            JOIN cases c USING (case_id) WHERE t.notice_id IN ({marks})
            AND c.state IN ('open', 'investigating') ORDER BY c.due_at, c.case_id"""  # noqa: S608 - whole numbers
        names = ("case_id", "platform", "order_id", "band", "due_at", "kind")
        frame = pl.DataFrame(
            self.ledger.db.execute(sql).fetchall(), schema=dict.fromkeys(names, pl.String), orient="row"
        )
        return frame.with_columns(
            pl.col("due_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us", time_zone="UTC")
        )

    def settle(self, done: Iterable[tuple[Due, str, int, str]], now: datetime) -> None:
        """Note what became of claimed messages: `(due, state, tries, said)`; state is `sent`, `failed` or `moot`."""
        sql = "UPDATE deliveries SET state = ?, tries = tries + ?, said = ?, at = ?, claim = '' WHERE notice_id = ? AND target = ?"
        with self.ledger.commit() as db:
            for due, state, tries, said in done:
                db.executemany(sql, [(state, tries, said, iso(now), n, due.target) for n in due.notices])

    def listed(self) -> list[dict[str, object]]:
        """Every delivery, newest first: `notice_id who created_at run_id cases target state tries said at`."""
        names = ("notice_id", "who", "created_at", "run_id", "cases", "target", "state", "tries", "said", "at")
        sql = """SELECT n.notice_id, n.who, n.created_at, n.run_id,
            (SELECT COUNT(*) FROM told t WHERE t.notice_id = n.notice_id), d.label, d.state, d.tries, d.said, d.at
            FROM notices n LEFT JOIN deliveries d USING (notice_id) ORDER BY n.notice_id DESC, d.label"""
        return [dict(zip(names, row, strict=True)) for row in self.ledger.db.execute(sql)]


def _held(claim: str, at: str, now: datetime) -> bool:
    """Whether another process is still sending what it claimed."""
    host, _, pid = claim.rpartition(":")
    if now - datetime.fromisoformat(at) > timedelta(seconds=_CLAIM_SECONDS):
        return False
    if host != socket.gethostname() or os.name != "posix" or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
