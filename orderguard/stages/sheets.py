"""Task sheets coming back: read as text, turned into answers."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orderguard.columns import BLANKS
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest import find_sources, read_source
from orderguard.ledger.verdicts import Answer, read_result
from orderguard.platforms.profile import heading_key
from orderguard.staff import UNASSIGNED, meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orderguard.ingest import Table

_HEADINGS = {
    "order_id": ("订单编号", "Order ID", "order_id", "订单号"),
    "result": ("处置结果", "Result", "verdict", "判定"),
    "code": ("原因代码", "Reason code", "code"),
    "note": ("备注", "Note", "note"),
    "platform": ("平台", "Platform", "platform"),
    "case_id": ("案件号", "Case", "case_id"),
    "agent": ("处理人", "Agent", "agent"),
    "batch": ("批次", "Batch", "batch"),
}
_KNOWN = {heading_key(h): name for name, headings in _HEADINGS.items() for h in headings}


_MAIN = ("order_id", "result")
_COPY = re.compile(r"#\d+$")
"""How the reader marks a heading that stood there before."""
_TORN = {
    "order_id": Words(
        "两个订单编号列写得不同，这一行未记录", "two order number columns differ; this row is not recorded"
    ),
    "result": Words("两个处置结果列写得不同，这一行未记录", "two result columns differ; this row is not recorded"),
}
_NO_SHEET = Words("没有“订单编号”和“处置结果”两列", "has no columns 'Order ID' and 'Result'")
_HAND_IN = Words("请交回 tasks 文件夹里的任务表", "hand in the sheets of the tasks folder")
_WHOSE = Words("有处置结果但没有订单编号", "a result without an order number")
_FILL_IN = Words("补上后再交一次", "fill it in and hand the sheet in again")


def _one_of(cell: dict[str, str], name: str, others: Sequence[object]) -> bool:
    """Whether a column that was pasted again says the same; one that is blank here is filled from it."""
    said = [text for text in (str(o if o is not None else "").strip(BLANKS).removeprefix("'") for o in others) if text]
    cell[name] = cell[name] or (said[0] if said else "")
    mine = read_result(cell[name]) if name == "result" else cell[name]
    return all((read_result(text) if name == "result" else text) == mine for text in said)


def _score(cells: Sequence[str]) -> float:
    found = {_KNOWN.get(heading_key(c)) for c in cells} - {None}
    return len(found) / len(_HEADINGS) if set(_MAIN) <= found else 0.0


def _digest(whole: str, number: int) -> str:
    """Of a workbook's first sheet its own; the others have theirs from it."""
    return sha256(f"{whole}/{number}".encode()).hexdigest() if number else whole


def read_sheets(paths: Sequence[str], by: str | None) -> tuple[list[Answer], list[dict[str, Any]], int, list[Problem]]:
    """Read task sheets (xlsx, csv, ..., or folders of them).

    Args:
        paths: files, folders or globs.
        by: who filled them; default the sheet's 处理人 column, else the file's name.

    Returns:
        Answers, sheets as they were read, rows without an answer, and what could not be read.

    Raises:
        OrderguardError: not one task sheet among them.
    """
    answers: list[Answer] = []
    sheets: list[dict[str, Any]] = []
    problems: list[Problem] = []
    unanswered = 0
    for source in find_sources(paths):
        read_source(source, _score)
        problems += source.problems
        owner = by or (Path(source.path.name).stem if source.path else "stdin")
        for number, table in enumerate(source.tables):
            heads = [c for c in table.frame.columns if c != "source_row"]
            at = {name: h for h in reversed(heads) if (name := _KNOWN.get(heading_key(h)))}
            if not set(_MAIN) <= set(at):
                problems.append(Problem(_NO_SHEET, table.source, fix=_HAND_IN))
                continue
            for cell in _cells(table, heads, at, problems):
                if cell["result"] and cell["order_id"]:
                    answers.append(_answer(cell, table.source, by, owner))
                else:
                    unanswered += 1
            digest = _digest(source.sha256, number)
            rows = table.frame.select(heads).rows()
            sheets.append({"name": table.source, "sha256": digest, "head": heads, "rows": rows})
    if not sheets:
        raise OrderguardError(*problems)
    return answers, sheets, unanswered, problems


def _cells(
    table: Table, heads: Sequence[str], at: Mapping[str, str], problems: list[Problem]
) -> Iterator[dict[str, Any]]:
    """Each row of a sheet by our names, its texts stripped; rows that contradict themselves are told and left out.

    Args:
        table: the sheet.
        heads: its headings.
        at: our name -> the heading that has it.
        problems: gets what is wrong with rows.
    """
    twins = {n: [h for h in heads if h != at[n] and _KNOWN.get(heading_key(_COPY.sub("", h))) == n] for n in _MAIN}
    for row in table.frame.iter_rows(named=True):
        cell = {
            name: (str(row[h]) if row[h] is not None else "").strip(BLANKS).removeprefix("'") for name, h in at.items()
        }
        torn = [n for n in _MAIN if not _one_of(cell, n, [row[h] for h in twins[n]])]
        if torn:
            problems.append(Problem(_TORN[torn[0]], table.source, row["source_row"], fatal=False))
            continue
        if cell["result"] and not cell["order_id"]:
            problems.append(Problem(_WHOSE, table.source, row["source_row"], _FILL_IN, fatal=False))
        yield {**cell, "row": row["source_row"]}


def _answer(cell: Mapping[str, Any], where: str, by: str | None, owner: str) -> Answer:
    """A row that was filled in; who did so is `by`, else the agent whose row it is, else the sheet's owner."""
    assigned = cell.get("agent", "")
    agent = by or (assigned if meant(assigned) != UNASSIGNED else "") or owner
    names = ("order_id", "platform", "case_id", "result", "code", "note", "batch")
    return Answer(sheet=where, row=cell["row"], agent=agent, **{n: cell.get(n, "") for n in names})
