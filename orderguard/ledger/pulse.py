"""What a board shows of the ledger right now: a handful of counts, read in milliseconds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from orderguard.ledger.cases import OPEN
from orderguard.ledger.history import QUARTER
from orderguard.ledger.stamps import iso

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import datetime

SOONEST, CLUSTERS, RUNS = 25, 12, 60
DAYS = 7
"""What a rule usually does is taken from this many days before the hours that are shown."""

Row = tuple[Any, ...]


class Pulse(NamedTuple):
    """Rows of the ledger.

    Attributes:
        queue: per agent and band of open cases: `agent band n overdue within_1h within_4h first_due`.
        soonest: open cases due first: `platform order_id band agent due_at evidence`.
        clusters: groups of open cases, largest first: `cluster n held first_due agent linked_by`.
        end: quarter of an hour (since 1970) of the newest order, not later than now; None without any.
        fired: `rule quarter hits` of the days before `end`.
        traffic: `quarter orders` of the same days.
        platforms: `platform newest_quarter orders` of the same days.
        coverage: rule -> platform -> judged, not evaluable, over the last runs.
        last_run: when, and how many orders it read; None without any.
        today: cases opened, verdicts given, and cases whose orders were over before a decision, in the last 24 hours.
    """

    queue: list[Row]
    soonest: list[Row]
    clusters: list[Row]
    end: int | None
    fired: list[Row]
    traffic: list[Row]
    platforms: list[Row]
    coverage: dict[str, dict[str, list[int]]]
    last_run: tuple[str, int] | None
    today: tuple[int, int, int]


_WAITING = f"state IN ({', '.join(repr(s) for s in OPEN)})"


def pulse(db: sqlite3.Connection, now: datetime, names: Mapping[str, str]) -> Pulse:
    """Read it.

    Args:
        db: the ledger's.
        now: the clock.
        names: every word for a platform, in lower case -> its name: an order under two words is one.
    """
    from datetime import timedelta  # noqa: PLC0415

    stamps = [iso(now + timedelta(hours=h)) for h in (0, 1, 4)]
    queue = db.execute(
        f"""SELECT agent, band, COUNT(*), SUM(due_at < ?), SUM(due_at < ?), SUM(due_at < ?), MIN(due_at)
            FROM cases WHERE {_WAITING} GROUP BY agent, band""",  # noqa: S608 - own names
        stamps,
    ).fetchall()
    soonest = db.execute(
        f"SELECT platform, order_id, band, agent, due_at, evidence FROM cases WHERE {_WAITING} ORDER BY due_at, score DESC, case_id LIMIT ?",  # noqa: S608
        (SOONEST,),
    ).fetchall()
    clusters = db.execute(
        f"""SELECT cluster, COUNT(*) AS n, SUM(band = 'hold'), MIN(due_at), MIN(agent), MAX(linked_by)
            FROM cases WHERE {_WAITING} GROUP BY cluster HAVING n > 1 ORDER BY n DESC, cluster LIMIT ?""",  # noqa: S608
        (CLUSTERS,),
    ).fetchall()
    newest = db.execute(
        "SELECT MAX(quarter) FROM traffic WHERE quarter BETWEEN 1 AND ?", (int(now.timestamp()) // QUARTER,)
    ).fetchone()[0]
    low = (newest or 0) - 96 * (DAYS + 1)
    span = (low * QUARTER, (newest or 0) * QUARTER + QUARTER)
    quarters = (low, newest or 0)
    traffic = db.execute(
        "SELECT quarter, SUM(orders) FROM traffic WHERE quarter BETWEEN ? AND ? GROUP BY quarter", quarters
    ).fetchall()
    platforms = db.execute(
        "SELECT platform, MAX(quarter), SUM(orders) FROM traffic WHERE quarter BETWEEN ? AND ? GROUP BY platform ORDER BY 3 DESC",
        quarters,
    ).fetchall()
    fired = _fired(db, span, names)
    runs = db.execute("SELECT started_at, counts FROM runs ORDER BY started_at DESC LIMIT ?", (RUNS,)).fetchall()
    day = iso(now - timedelta(days=1))
    opened = db.execute("SELECT COUNT(*) FROM cases WHERE opened_at >= ?", (day,)).fetchone()[0]
    over = db.execute("SELECT COUNT(*) FROM cases WHERE state = 'over' AND ended_at >= ?", (day,)).fetchone()[0]
    given = db.execute("SELECT COUNT(*) FROM verdicts WHERE at >= ?", (day,)).fetchone()[0]
    return Pulse(
        queue, soonest, clusters, newest, fired, traffic, platforms, _coverage([c for _, c in runs]),
        (runs[0][0], int(json.loads(runs[0][1]).get("read", 0))) if runs else None, (opened, given, over),
    )  # fmt: skip


def _fired(db: sqlite3.Connection, span: tuple[int, int], names: Mapping[str, str]) -> list[Row]:
    """Orders that each rule found per quarter, one under two words for its platform once."""
    words: dict[str, list[str]] = {}
    for (word,) in db.execute("SELECT DISTINCT platform FROM findings WHERE ordered_at >= ? AND ordered_at < ?", span):
        words.setdefault(names.get(word.lower(), word.lower()), []).append(word)
    others = [(word, same[0]) for same in words.values() for word in same[1:]]
    which = "platform" if not others else f"CASE platform {'WHEN ? THEN ? ' * len(others)}ELSE platform END"
    sql = f"""SELECT rule_id, q, COUNT(*) FROM (
                SELECT DISTINCT rule_id, ordered_at / {QUARTER} AS q, {which}, order_id FROM findings
                WHERE ordered_at >= ? AND ordered_at < ?) GROUP BY rule_id, q"""  # noqa: S608 - marks only
    return db.execute(sql, (*(w for pair in others for w in pair), *span)).fetchall()


def _coverage(counts: list[str]) -> dict[str, dict[str, list[int]]]:
    out: dict[str, dict[str, list[int]]] = {}
    for text in counts:
        for row in json.loads(text).get("coverage_by_platform", ()):
            sums = out.setdefault(row["rule_id"], {}).setdefault(row["platform"], [0, 0])
            sums[0] += row["judged"]
            sums[1] += row["not_evaluable"]
    return out
