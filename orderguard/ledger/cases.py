"""Cases: a flagged order opens one, once."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import KEY
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.frames import platform_id
from orderguard.ledger.drawn import doubles_delivered, record_drawn
from orderguard.ledger.endings import end_cases
from orderguard.ledger.files import name_files, sweep
from orderguard.ledger.marks import write_marks
from orderguard.ledger.recording import add_findings, add_run, add_traffic, hand_on, open_cases, raise_cases
from orderguard.ledger.stamps import instant, iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from orderguard.ledger.recording import Entry
    from orderguard.ledger.store import Ledger

OPEN = ("open", "investigating")


def case_id(platform: str, order_id: str) -> str:
    """The permanent id of an order's case: 12 hex digits of its key."""
    return "C-" + blake2b(f"{platform}\x1f{order_id}".encode(), digest_size=6).hexdigest()


def longer_id(case: str, order_id: str) -> str:
    """The id of an order whose own (`case`) another order has: four digits more."""
    return case + blake2b(order_id.encode(), digest_size=2).hexdigest()


def case_ids(orders: pl.DataFrame, ids: Mapping[str, str]) -> pl.Series:
    """The case id of each order: `case_id`. A case belongs to the order whatever word for its platform an export uses.

    Args:
        orders: with `platform order_id`.
        ids: words for platforms -> platform ids.
    """
    named = orders.select(platform_id(ids), "order_id").iter_rows()
    return pl.Series("case_id", [case_id(p, o) for p, o in named], dtype=pl.String)


class CaseBook:
    """Cases, findings and runs of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def known(self, case_ids: pl.Series) -> pl.DataFrame:
        """Of these case ids, the cases that exist: `case_id platform order_id state band evidence agent ...`."""
        names = (
            "case_id", "platform", "order_id", "state", "band", "evidence", "agent", "cluster", "linked_by", "due_at",
            "task_run", "hold_run", "ended",
        )  # fmt: skip
        db = self.ledger.db
        db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted_cases (case_id TEXT)")
        db.execute("DELETE FROM wanted_cases")
        if db.execute("SELECT 1 FROM cases LIMIT 1").fetchone():  # a first scan has nothing to look for
            db.executemany("INSERT INTO wanted_cases VALUES (?)", ((c,) for c in case_ids))
        rows = db.execute(f"SELECT {', '.join(names)} FROM wanted_cases JOIN cases USING (case_id)").fetchall()  # noqa: S608 - own names
        frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
        return frame.with_columns(instant("due_at"))

    def findings_of(self, keys: pl.DataFrame) -> pl.DataFrame:
        """What the ledger holds against orders: `platform order_id rule_id rule_fingerprint value reason status`."""
        names = {
            "platform": pl.String,
            "order_id": pl.String,
            "rule_id": pl.String,
            "rule_fingerprint": pl.String,
            "value": pl.Float64,
            "reason": pl.String,
            "status": pl.String,
        }
        if keys.is_empty():
            return pl.DataFrame(schema=names)
        db = self.ledger.db
        self._want(keys)
        rows = db.execute(f"SELECT {', '.join(names)} FROM wanted JOIN findings USING (platform, order_id)").fetchall()  # noqa: S608 - own names
        return pl.DataFrame(rows, schema=names, orient="row")

    def listed(self, order_or_case: str | None = None) -> list[dict[str, Any]]:
        """Cases, soonest due first; all, or those with this order number or case id."""
        names = (
            "case_id",
            "platform",
            "order_id",
            "state",
            "band",
            "score",
            "cluster",
            "agent",
            "opened_at",
            "due_at",
            "evidence",
            "ended",
            "ended_at",
        )
        where = " WHERE order_id = ? OR case_id = ?" if order_or_case else ""
        args = (order_or_case, order_or_case) if order_or_case else ()
        rows = self.ledger.db.execute(f"SELECT {', '.join(names)} FROM cases{where} ORDER BY due_at, case_id", args)  # noqa: S608 - own names
        return [dict(zip(names, row, strict=True)) for row in rows]

    def release(self, case: str, who: str, why: str, now: datetime) -> None:
        """Let an order go: it is not flagged again on the same evidence.

        Raises:
            OrderguardError: the case has a verdict already, which only `verdict revise` may change.
        """
        with self.ledger.commit() as db:
            sql = "SELECT result FROM verdicts WHERE case_id = ? AND replaced_by IS NULL AND ended_run IS NULL"
            if db.execute(sql, (case,)).fetchone():
                what = Words(f"{case} 已有处置结果", f"{case} has a verdict already")
                fix = Words("请用 orderguard verdict revise 更正", "correct it with 'orderguard verdict revise'")
                raise OrderguardError(Problem(what, fix=fix))
            db.execute("UPDATE cases SET state = 'released' WHERE case_id = ?", (case,))
            db.execute(
                "INSERT INTO events (case_id, at, who, what, why, run_id) VALUES (?, ?, ?, 'released', ?, NULL)",
                (case, iso(now), who, why),
            )

    def reassign(self, case: str, agent: str, who: str, why: str, now: datetime) -> int | None:
        """Give a case to another agent; it stands on that agent's next sheet.

        Returns:
            The number of the former agent's sheet that it stands on, if it is another agent and was issued.
        """
        with self.ledger.commit() as db:
            sheet = db.execute(
                "SELECT number FROM cases JOIN issued ON run_id = task_run AND issued.agent = cases.agent"
                " WHERE case_id = ? AND cases.agent <> ?",
                (case, agent),
            ).fetchone()
            hand_on(db, pl.DataFrame({"case_id": [case], "agent": [agent]}), iso(now), who, why, None)
        return int(sheet[0]) if sheet else None

    def owned(self, agent: str) -> list[str]:
        """Open cases that lie with an agent (those of others that they are asked about beside are not theirs)."""
        sql = "SELECT case_id FROM cases WHERE agent = ? AND state IN ('open', 'investigating')"
        return [row[0] for row in self.ledger.db.execute(sql, (agent,))]

    def given(self) -> list[str]:
        """Cases on no sheet yet that a person gave to the agent who has them."""
        sql = """SELECT DISTINCT case_id FROM cases JOIN events USING (case_id) WHERE task_run IS NULL
            AND state IN ('open', 'investigating') AND who <> 'scan' AND what = 'reassigned to ' || agent"""
        return [row[0] for row in self.ledger.db.execute(sql)]

    def hand_on(self, moved: pl.DataFrame, who: str, why: str, now: datetime) -> None:
        """Give cases (`case_id agent`) to other agents; each stands on its new agent's next sheet."""
        with self.ledger.commit() as db:
            hand_on(db, moved, iso(now), who, why, None)

    def events(self, case: str) -> list[dict[str, Any]]:
        """A case's trail, oldest first."""
        names = ("at", "who", "what", "why", "run_id")
        rows = self.ledger.db.execute(
            "SELECT at, who, what, why, run_id FROM events WHERE case_id = ? ORDER BY event_id", (case,)
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _want(self, keys: pl.DataFrame) -> None:
        db = self.ledger.db
        db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (platform TEXT, order_id TEXT)")
        db.execute("DELETE FROM wanted")
        db.executemany("INSERT INTO wanted VALUES (?, ?)", keys.select(KEY).iter_rows())

    def demoted_before(self) -> list[str]:
        """Rules that a guard rail demoted in the last recorded run."""
        last = self.ledger.db.execute(
            "SELECT counts FROM runs ORDER BY started_at DESC, run_id DESC LIMIT 1"
        ).fetchone()
        return [d["rule_id"] for d in json.loads(last[0]).get("demoted", [])] if last else []

    def load(self) -> dict[str, int]:
        """Open cases per agent."""
        sql = "SELECT agent, COUNT(*) FROM cases WHERE state IN ('open', 'investigating') GROUP BY agent"
        return dict(self.ledger.db.execute(sql).fetchall())

    def pending(self, resting: frozenset[str] = frozenset()) -> pl.DataFrame:
        """Cases whose task sheet or hold was never delivered: an earlier run was stopped, or the agent was resting."""
        tasks = self._rows("task_run IS NULL AND state IN ('open', 'investigating')")
        holds = self._rows(
            "hold_run IS NULL AND band = 'hold' AND ended IS NULL AND state IN ('open', 'investigating', 'confirmed')"
        )
        tasks = tasks.filter(~pl.col("agent").is_in(sorted(resting)))
        return pl.concat([tasks, holds]).unique("case_id", keep="first", maintain_order=True)

    def resting(self, every: timedelta | None, now: datetime) -> frozenset[str]:
        """Agents who got a sheet less than `every` ago: what is new for them waits."""
        if not every:
            return frozenset()
        rows = self.ledger.db.execute("SELECT agent FROM issued GROUP BY agent HAVING MAX(at) > ?", (iso(now - every),))
        return frozenset(row[0] for row in rows)

    def waiting(self, resting: frozenset[str]) -> dict[str, int]:
        """New cases that wait for the next sheet of a resting agent."""
        sql = """SELECT agent, COUNT(*) FROM cases WHERE state IN ('open', 'investigating') AND task_run IS NULL
            GROUP BY agent ORDER BY agent"""
        return {a: n for a, n in self.ledger.db.execute(sql) if a in resting} if resting else {}

    def open_of(self, agent: str) -> pl.DataFrame:
        """All open cases of one agent, and those that they are still asked about beside another one."""
        asked = "SELECT case_id FROM doubles WHERE agent = ? AND result IS NULL"
        mine = f"(agent = ? OR case_id IN ({asked})) AND state IN ('open', 'investigating')"
        return self._rows(mine, (agent, agent)).with_columns(agent=pl.lit(agent))

    def _rows(self, where: str, values: tuple[str, ...] = ()) -> pl.DataFrame:
        names = (
            "platform", "order_id", "case_id", "band", "score", "cluster", "linked_by", "agent", "due_at", "task_run", "hold_run",
            "state", "region", "ordered_at",
        )  # fmt: skip
        sql = f"SELECT {', '.join(names)} FROM cases WHERE {where}"  # noqa: S608 - own names
        rows = self.ledger.db.execute(sql, values).fetchall()
        types: dict[str, Any] = dict.fromkeys(names, pl.String) | {"score": pl.Float64, "ordered_at": pl.Int64}
        return pl.DataFrame(rows, schema=types, orient="row").with_columns(instant("due_at"))

    def record(self, entry: Entry, now: datetime) -> None:
        """A run's one transaction: the run, its history files, findings, and what becomes of cases."""
        stamp, run_id = iso(now), entry.run["run_id"]
        with self.ledger.commit() as db:
            add_run(db, entry.run)
            name_files(db, run_id, entry.files)
            write_marks(db, entry.marks, run_id, stamp)
            add_findings(db, entry.findings, run_id, stamp)
            add_traffic(db, entry.traffic, run_id)
            open_cases(db, entry.opened, run_id, stamp)
            record_drawn(db, run_id, entry.drawn)
            raise_cases(db, entry.raised, run_id, stamp)
            hand_on(db, entry.moved, stamp, "scan", pl.col("was"), run_id)
            end_cases(db, entry.ended, run_id, stamp)
        sweep(self.ledger)

    def delivered(
        self,
        run_id: str,
        tasks: Sequence[str],
        holds: Sequence[str],
        sheets: Mapping[str, int],
        now: datetime,
        twice: Sequence[str] = (),
    ) -> None:
        """Note that the outputs of a run are in place: these cases stand on a task sheet or a hold list now.

        Args:
            run_id: the run.
            tasks, holds: case ids.
            sheets: orders on each agent's sheet.
            now: the clock.
            twice: case ids that stand on a second agent's sheet too.
        """
        with self.ledger.commit() as db:
            doubles_delivered(db, run_id, list(twice))
            db.bulk("UPDATE cases SET task_run = ? WHERE case_id = ?", _beside(run_id, tasks))
            db.bulk("UPDATE cases SET hold_run = ? WHERE case_id = ?", _beside(run_id, holds))
            self._number(run_id, sheets, now)
            db.execute("UPDATE runs SET delivered_at = ? WHERE run_id = ?", (iso(now), run_id))

    def issue(self, issue_id: str, agent: str, tasks: Sequence[str], now: datetime) -> None:
        """Note that these cases stand on a sheet that was issued without a scan."""
        with self.ledger.commit() as db:
            db.bulk("UPDATE cases SET task_run = ? WHERE case_id = ?", _beside(issue_id, tasks))
            self._number(issue_id, {agent: len(tasks)}, now)

    def numbers(self, agents: Iterable[str]) -> dict[str, int]:
        """The number that each agent's next sheet has."""
        last = dict(self.ledger.db.execute("SELECT agent, MAX(number) FROM issued GROUP BY agent"))
        return {a: int(last.get(a, 0)) + 1 for a in agents}

    def _number(self, run_id: str, sheets: Mapping[str, int], now: datetime) -> None:
        rows = [(a, n, run_id, iso(now), sheets[a]) for a, n in self.numbers(sheets).items()]
        self.ledger.db.executemany("INSERT INTO issued VALUES (?, ?, ?, ?, ?)", rows)


def _beside(run_id: str, cases: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame({"case_id": pl.Series(cases, dtype=pl.String)}).select(pl.lit(run_id).alias("run"), "case_id")
