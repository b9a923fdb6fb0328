"""Answers of agents, as their sheets give them: what a result word means, and what of them can be recorded."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from orderguard.columns import BLANKS
from orderguard.errors import Problem, Words
from orderguard.traditional import SIMPLIFIED

CONFIRMED, FALSE_ALARM, INVESTIGATING = "confirmed", "false_alarm", "investigating"
RESULTS = {
    CONFIRMED: Words("属实", "Confirmed"),
    FALSE_ALARM: Words("误判", "False alarm"),
    INVESTIGATING: Words("需进一步调查", "Needs investigation"),
}
STATE = {CONFIRMED: "confirmed", FALSE_ALARM: "released", INVESTIGATING: "investigating"}
_SAID = {
    "属实": CONFIRMED, "异常属实": CONFIRMED, "确认属实": CONFIRMED, "confirmed": CONFIRMED, "confirm": CONFIRMED,
    "误判": FALSE_ALARM, "误报": FALSE_ALARM, "falsealarm": FALSE_ALARM, "false": FALSE_ALARM, "falsepositive": FALSE_ALARM,
    "需进一步调查": INVESTIGATING, "进一步调查": INVESTIGATING, "需要进一步调查": INVESTIGATING, "需调查": INVESTIGATING,
    "需要调查": INVESTIGATING, "待调查": INVESTIGATING, "调查中": INVESTIGATING, "needsinvestigation": INVESTIGATING,
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
        batch: the run or issue that wrote the sheet; '' when it does not say.
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
    batch: str = ""


@dataclass
class Recorded:
    """What `record` did: verdicts written, rows that said nothing new, and every oddity by sheet and row."""

    written: int
    same: int
    oddities: list[Problem]


def read_result(text: str) -> str | None:
    """A result word in either language, blanks, width and traditional characters folded; None when it is not one of the three."""
    folded = unicodedata.normalize("NFKC", text).translate(_NO_BLANKS).casefold().strip("。.!！")
    return _SAID.get(folded)


_NO_BLANKS = str.maketrans("", "", BLANKS + "_-") | str.maketrans(SIMPLIFIED)


def worn(shown: str, number: str) -> bool:
    """Whether a cell is what Excel or WPS make of an order number in a CSV: 7.12346E+16, no leading zeros, zeros at the end."""
    if not number.isascii() or not number.isdigit():
        return False
    plain = shown.strip(BLANKS + "'=\"").replace(",", "").casefold().removesuffix(".0")
    kept, _, power = plain.partition("e")
    digits = kept.replace(".", "").strip("0")
    if not plain or not digits.isdigit() or not set(power) <= set("+0123456789"):
        return False
    whole = number.lstrip("0")
    if not power and len(plain.lstrip("0")) != len(whole):
        return False
    places = len(digits)
    short = str(round(int(whole), places - len(whole))).rstrip("0") if places < len(whole) else whole.rstrip("0")
    return digits == short and (not power or int(power.strip("+") or 0) == len(whole) - 1)


def remarked(order: str) -> Words:
    """What is said of a row whose result was recorded before with other remarks."""
    return Words(
        f"订单 {order} 的结果先前已记，原因代码或备注的改动没有记下；要改用 verdict revise",
        f"the result of order {order} was recorded before; the changed reason code or note was not: use 'verdict revise'",
    )


def standing(order: str, result: str, agent: str) -> Words:
    """What is said of a row that differs from the verdict that stands."""
    said = RESULTS[result]
    return Words(
        f"订单 {order} 已由 {agent} 判为“{said.zh}”，未改动；确要更正请用 verdict revise",
        f"order {order} was found '{said.en}' by {agent} already; to correct it use 'verdict revise'",
    )


def unknown(order: str) -> Words:
    """What is said of an order that the ledger has no case of."""
    return Words(
        f"台账里没有订单 {order}（若表格软件改写了编号，如科学计数法、丢了开头的 0，请保留案件号列）",
        f"the ledger has no case of order {order} (if a spreadsheet changed the number, keep the case column)",
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


def differing(case: str, answer: Answer, first: str | None, second: str | None) -> list[Problem]:
    """A notice when two agents have judged one order differently."""
    if not first or not second or first == second:
        return []
    return [odd(answer, Words(
        f"订单 {answer.order_id} 两人判断不一致：“{RESULTS[first].zh}”与“{RESULTS[second].zh}”，以负责人的为准；要改用 verdict revise {case}",
        f"two agents differ on order {answer.order_id}: '{RESULTS[first].en}' and '{RESULTS[second].en}'; the first counts, to correct it use 'verdict revise {case}'"))]  # fmt: skip
