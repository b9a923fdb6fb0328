"""Answers of agents, as their sheets give them: what a result word means, and what of them can be recorded."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from orderguard.columns import BLANKS
from orderguard.errors import Problem, Words

CONFIRMED, FALSE_ALARM, INVESTIGATING = "confirmed", "false_alarm", "investigating"
RESULTS = {
    CONFIRMED: Words("属实", "Confirmed"),
    FALSE_ALARM: Words("误判", "False alarm"),
    INVESTIGATING: Words("需进一步调查", "Needs investigation"),
}
STATE = {CONFIRMED: "confirmed", FALSE_ALARM: "released", INVESTIGATING: "investigating"}
_SAID = {
    "属实": CONFIRMED, "异常属实": CONFIRMED, "confirmed": CONFIRMED, "confirm": CONFIRMED,
    "误判": FALSE_ALARM, "误报": FALSE_ALARM, "falsealarm": FALSE_ALARM, "false": FALSE_ALARM,
    "需进一步调查": INVESTIGATING, "进一步调查": INVESTIGATING, "needsinvestigation": INVESTIGATING,
    "investigating": INVESTIGATING, "unclear": INVESTIGATING,
}  # fmt: skip


@dataclass
class Answer:
    """One filled row of a sheet.

    Attributes:
        sheet, row: where it stands.
        order_id, platform, case_id: as written; platform and case may be ''.
        result: as written.
        code, note: as written.
        agent: who filled the sheet.
    """

    sheet: str
    row: int
    order_id: str
    platform: str
    case_id: str
    result: str
    code: str
    note: str
    agent: str


@dataclass
class Recorded:
    """What `record` did: verdicts written, rows that said nothing new, and every oddity by sheet and row."""

    written: int
    same: int
    oddities: list[Problem]


def read_result(text: str) -> str | None:
    """A result word in either language, blanks and width folded; None when it is not one of the three."""
    folded = unicodedata.normalize("NFKC", text).translate(_NO_BLANKS).casefold().strip("。.!！")
    return _SAID.get(folded)


_NO_BLANKS = str.maketrans("", "", BLANKS + "_-")


def remarked(order: str) -> Words:
    """What is said of a row whose result was recorded before with other remarks."""
    return Words(
        f"订单 {order} 的结果先前已记，原因代码或备注的改动没有记下；要改用 verdict revise",
        f"the result of order {order} was recorded before; the changed reason code or note was not: use 'verdict revise'",
    )


class Pile:
    """Answers by case: one of each, none where they contradict one another, each oddity named."""

    def __init__(self, oddities: list[Problem]) -> None:
        self._first: dict[str, tuple[Answer, str]] = {}
        self._clashing: set[str] = set()
        self._oddities = oddities

    def add(self, case: str, result: str, answer: Answer) -> None:
        """Take an answer, and say so if it is not the first on this case."""
        before = self._first.setdefault(case, (answer, result))
        if before[0] is answer:
            return
        there = f"{before[0].sheet} 第 {before[0].row} 行"
        there_en = f"{before[0].sheet} row {before[0].row}"
        if before[1] != result:
            self._clashing.add(case)
            self._oddities.append(odd(answer, Words(
                f"订单 {answer.order_id} 在 {there}是“{RESULTS[before[1]].zh}”，这里是“{RESULTS[result].zh}”，两处都未记录",
                f"order {answer.order_id} is '{RESULTS[before[1]].en}' in {there_en}, '{RESULTS[result].en}' here; neither is recorded")))  # fmt: skip
        else:
            self._oddities.append(odd(answer, Words(
                f"订单 {answer.order_id} 与 {there}重复，只记一次",
                f"order {answer.order_id} repeats {there_en}; it is recorded once")))  # fmt: skip

    def clear(self) -> list[tuple[str, Answer, str]]:
        """Case, answer and result of every case on which the answers agree."""
        return [(case, answer, result) for case, (answer, result) in self._first.items() if case not in self._clashing]


def odd(answer: Answer, what: Words) -> Problem:
    """A notice about one row of a sheet."""
    return Problem(what, answer.sheet, answer.row, fatal=False)
