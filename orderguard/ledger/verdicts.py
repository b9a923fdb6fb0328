"""Verdicts: what agents found. Three values, never overwritten, each with the evidence it was given on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ledger.answers import (
    CONFIRMED,
    FALSE_ALARM,
    INVESTIGATING,
    RESULTS,
    STATE,
    Answer,
    Pile,
    Recorded,
    differing,
    odd,
    read_result,
    remarked,
    standing,
    unknown,
    worn,
)
from orderguard.ledger.drawn import opinions, record_opinion
from orderguard.ledger.files import write_rows
from orderguard.ledger.stamps import iso
from orderguard.ledger.unseen import end_verdict, issued_at, judged_before, outdated, unseen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from orderguard.ledger.store import Ledger
    from orderguard.ledger.unseen import Unseen


__all__ = [
    "CONFIRMED", "FALSE_ALARM", "INVESTIGATING", "RESULTS", "Answer", "Recorded", "VerdictBook", "read_result",
]  # fmt: skip


class VerdictBook:
    """Records, lists and corrects verdicts."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def record(self, answers: Sequence[Answer], sheets: Sequence[Mapping[str, Any]], now: datetime) -> Recorded:
        """Record every answer that is clear; name every one that is not. One transaction for all of them.

        Args:
            answers: filled rows of all sheets.
            sheets: `name sha256 head rows` of each sheet as it was read, kept in `verdicts/<month>/`.
            now: the clock.
        """
        oddities: list[Problem] = []
        known, asked = self._cases(answers), opinions(self.ledger.db)
        mine, beside, old = Pile(oddities), Pile(oddities), Pile(oddities)
        late: dict[str, Unseen] = {}
        issued = {batch: issued_at(self.ledger.db, batch) for batch in {a.batch for a in answers}}
        for answer in answers:
            found = self._match(answer, known, oddities)
            if found is None:
                continue
            case, result, owner = found
            second = asked.get(case)
            pile = beside if second and answer.agent == second[0] != owner else mine
            past = (
                unseen(self.ledger.db, case, issued[answer.batch]) if pile is mine and result == FALSE_ALARM else None
            )
            if past:
                pile, late[case] = old, past
            pile.add(case, result, answer)
        done = Recorded(0, 0, oddities)
        with self.ledger.commit() as db:
            for case, answer, result in old.clear():  # as if they had come first
                self._outdated(case, answer, result, late[case], now, done)
            for case, answer, result in mine.clear():
                self._verdict(case, answer, result, (asked.get(case) or ("", None))[1], now, done)
            for case, answer, result in beside.clear():
                self._opinion(case, answer, result, asked[case][1], now, done)
            for sheet in sheets:
                if db.execute("SELECT 1 FROM sheets WHERE sha256 = ?", (sheet["sha256"],)).fetchone():
                    continue
                path = self._keep(sheet, now)
                db.execute("INSERT INTO sheets VALUES (?, ?, ?, ?)", (sheet["sha256"], sheet["name"], iso(now), path))
        return done

    def _verdict(
        self, case: str, answer: Answer, result: str, second: str | None, now: datetime, done: Recorded
    ) -> None:
        current = self.current(case)
        if current and current["result"] == result:
            done.same += 1
            if (answer.code, answer.note) != (current["code"], current["note"]) and (answer.code or answer.note):
                done.oddities.append(odd(answer, remarked(answer.order_id)))
        elif current and current["result"] != INVESTIGATING:
            done.oddities.append(odd(answer, standing(answer.order_id, current["result"], current["agent"])))
        else:
            self._write(case, result, answer, "", now, current)
            done.oddities += differing(case, answer, result, second)
            done.written += 1

    def _outdated(self, case: str, answer: Answer, result: str, past: Unseen, now: datetime, done: Recorded) -> None:
        """A false alarm on a sheet from before new evidence lets nothing go."""
        db, current = self.ledger.db, self.current(case)
        if (current and current["result"] == result) or judged_before(db, case, result, past):
            done.same += 1
        elif current and (current["result"] != INVESTIGATING or current["at"] >= past.at):
            done.oddities.append(odd(answer, standing(answer.order_id, current["result"], current["agent"])))
        else:
            self._write(case, result, answer, "", now, current)
            end_verdict(db, case, past)
            done.oddities.append(odd(answer, outdated(answer.order_id, past)))
            done.written += 1

    def _opinion(
        self, case: str, answer: Answer, result: str, before: str | None, now: datetime, done: Recorded
    ) -> None:
        if before == result:
            done.same += 1
        elif before and before != INVESTIGATING:
            done.oddities.append(odd(answer, Words(
                f"订单 {answer.order_id} 复看时 {answer.agent} 已判为“{RESULTS[before].zh}”，未改动",
                f"order {answer.order_id} was found '{RESULTS[before].en}' by {answer.agent} already, as a second opinion; unchanged")))  # fmt: skip
        else:
            record_opinion(self.ledger.db, case, answer, result, iso(now))
            current = self.current(case)
            done.oddities += differing(case, answer, current["result"] if current else None, result)
            done.written += 1

    def revise(self, case: str, result: str, who: str, why: str, now: datetime) -> bool:
        """Correct a verdict, or settle what two agents differ on; the old one stays in the trail.

        Returns:
            Whether it was settled in favour of the verdict that stood.

        Raises:
            OrderguardError: no such case, or it has no verdict yet, or the new one is the same and nobody differs (any more).
        """
        current = self.current(case)
        if current is None:
            what = Words(f"{case} 还没有处置结果", f"{case} has no verdict yet")
            raise OrderguardError(Problem(what, fix=Words("用 verdict record 记录", "record it with 'verdict record'")))
        same = bool(current["result"] == result)
        if same and (current["why"] or (opinions(self.ledger.db).get(case) or ("", None))[1] in {None, result}):
            zh, en = (
                (f"（{current['agent']} 已定）", f" (settled by {current['agent']})") if current["why"] else ("", "")
            )
            raise OrderguardError(
                Words(f"{case} 已经是“{RESULTS[result].zh}”{zh}", f"{case} says '{RESULTS[result].en}' already{en}")
            )
        answer = Answer("revise", 0, "", "", case, result, "", "", who)
        with self.ledger.commit():
            self._write(case, result, answer, why, now, current)
        return same

    def current(self, case: str) -> dict[str, Any] | None:
        """The verdict that counts for a case; None when there is none, or new evidence has reopened the case."""
        row = self.ledger.db.execute(
            "SELECT verdict_id, result, agent, at, code, note, why FROM verdicts WHERE case_id = ? AND replaced_by IS NULL AND ended_run IS NULL",
            (case,),
        ).fetchone()
        return (
            dict(zip(("verdict_id", "result", "agent", "at", "code", "note", "why"), row, strict=True)) if row else None
        )

    def standing(self) -> list[tuple[str, str, str]]:
        """The verdict that counts for each case that has one: platform as the export called it, order number, result."""
        sql = """SELECT c.platform, c.order_id, v.result FROM verdicts v JOIN cases c USING (case_id)
                 WHERE v.replaced_by IS NULL AND v.ended_run IS NULL ORDER BY v.verdict_id"""
        return self.ledger.db.execute(sql).fetchall()

    def listed(self, case: str | None = None) -> list[dict[str, Any]]:
        """All verdicts, replaced ones too, oldest first."""
        names = (
            "verdict_id",
            "case_id",
            "platform",
            "order_id",
            "result",
            "code",
            "note",
            "agent",
            "at",
            "why",
            "evidence",
            "source",
            "replaced_by",
            "ended_run",
        )
        shown = ", ".join(f"v.{n}" if n in {"case_id", "agent", "evidence"} else n for n in names)
        sql = f"SELECT {shown} FROM verdicts v JOIN cases c ON c.case_id = v.case_id"  # noqa: S608 - own names
        rows = self.ledger.db.execute(
            sql + (" WHERE v.case_id = ?" if case else "") + " ORDER BY verdict_id", (case,) if case else ()
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _write(
        self, case: str, result: str, answer: Answer, why: str, now: datetime, current: Mapping[str, Any] | None
    ) -> None:
        db, stamp = self.ledger.db, iso(now)
        evidence = db.execute("SELECT evidence FROM cases WHERE case_id = ?", (case,)).fetchone()[0]
        made = db.execute(
            """INSERT INTO verdicts (case_id, result, code, note, agent, at, why, evidence, source, source_row)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (case, result, answer.code, answer.note, answer.agent, stamp, why, evidence, answer.sheet, answer.row),
        ).lastrowid
        if current:
            db.execute("UPDATE verdicts SET replaced_by = ? WHERE verdict_id = ?", (made, current["verdict_id"]))
        # Of an order that is over nothing is left to look into; a decision still teaches.
        sql = "UPDATE cases SET state = CASE WHEN ended IS NOT NULL AND ? = 'investigating' THEN 'over' ELSE ? END WHERE case_id = ?"
        db.execute(sql, (STATE[result], STATE[result], case))
        if result != FALSE_ALARM:
            # It stood on a release list: it must stand on a hold list again.
            again = "UPDATE cases SET hold_run = NULL, release_run = NULL WHERE case_id = ? AND release_run IS NOT NULL"
            db.execute(again, (case,))
        db.execute(
            "INSERT INTO events (case_id, at, who, what, why, run_id) VALUES (?, ?, ?, ?, ?, NULL)",
            (case, stamp, answer.agent, f"verdict {result}", why or answer.note),
        )

    def _cases(self, answers: Iterable[Answer]) -> dict[str, list[tuple[str, str, str, str]]]:
        """Cases by order number and by case id: `case_id platform order_id agent`."""
        db = self.ledger.db
        db.execute("CREATE TEMP TABLE IF NOT EXISTS asked (name TEXT)")
        db.execute("DELETE FROM asked")
        names = {n for a in answers for n in (a.order_id, a.case_id) if n}
        db.executemany("INSERT INTO asked VALUES (?)", ((n,) for n in sorted(names)))
        found: dict[str, list[tuple[str, str, str, str]]] = {}
        for by in ("order_id", "case_id"):
            sql = f"SELECT name, case_id, platform, order_id, agent FROM asked JOIN cases ON cases.{by} = asked.name"  # noqa: S608 - own names
            for name, *case in db.execute(sql):
                found.setdefault(name, []).append(tuple(case))
        return found

    @staticmethod
    def _match(
        answer: Answer, known: Mapping[str, list[tuple[str, str, str, str]]], oddities: list[Problem]
    ) -> tuple[str, str, str] | None:
        """The case, the result, and the agent who has the case."""
        result = read_result(answer.result)
        if result is None:
            listed = " / ".join(w.zh for w in RESULTS.values())
            oddities.append(
                odd(
                    answer,
                    Words(
                        f"处置结果“{answer.result[:20]}”不认识，应为 {listed}",
                        f"unknown result '{answer.result[:20]}'; use {' / '.join(w.en for w in RESULTS.values())}",
                    ),
                )
            )
            return None
        by_order = known.get(answer.order_id, [])
        if len(by_order) > 1 and answer.platform:
            by_order = [c for c in by_order if c[1] == answer.platform] or by_order
        if not by_order:  # what a spreadsheet made of the number; the case beside it says which it was
            by_order = [c for c in known.get(answer.case_id, []) if worn(answer.order_id, c[2])]
        if not by_order:
            oddities.append(odd(answer, unknown(answer.order_id)))
            return None
        if answer.case_id and answer.case_id not in {c[0] for c in by_order}:
            oddities.append(
                odd(
                    answer,
                    Words(
                        f"案件号 {answer.case_id} 与订单 {answer.order_id} 对不上，行可能被改动",
                        f"case {answer.case_id} is not that of order {answer.order_id}; the row may have been edited",
                    ),
                )
            )
            return None
        chosen = [c for c in by_order if c[0] == answer.case_id] or by_order
        if len(chosen) > 1:
            oddities.append(
                odd(
                    answer,
                    Words(
                        f"订单号 {answer.order_id} 在多个平台都有，请保留案件号列",
                        f"order {answer.order_id} is on several platforms; keep the case column",
                    ),
                )
            )
            return None
        return chosen[0][0], result, chosen[0][3]

    def _keep(self, sheet: Mapping[str, Any], now: datetime) -> str:
        """Write the sheet as it was read to `verdicts/<month>/`, before the transaction names it."""
        stem = re.sub(r"[^\w\u4e00-\u9fff-]+", "_", str(sheet["name"]))[:60]
        relative = f"verdicts/{now:%Y-%m}/{now:%Y%m%dT%H%M%S}-{sheet['sha256'][:8]}-{stem}.csv"
        path = self.ledger.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_rows(path, [sheet["head"], *sheet["rows"]])
        return relative
