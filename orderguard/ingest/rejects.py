"""`rejected.csv`, corrected by hand, read again: each row under the headings of the file it came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import BLANKS
from orderguard.errors import Words
from orderguard.ingest.table import MARK, BadRow, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADS = (("文件", "行", "原因", "单元格"), ("file", "row", "reason", "cells"))


def reopened(tables: Iterable[Table]) -> list[Table]:
    """The tables, a list of rejected rows among them as a table per file that the rows came from."""
    out: list[Table] = []
    for table in tables:
        head = next((h for h in _HEADS if all(any(_same(c, name) for c in table.frame.columns) for name in h)), None)
        out += _reopened(table, head) if head else [table]
    return out


def _same(column: str, name: str) -> bool:
    return column.strip(BLANKS).casefold() == name


def _reopened(table: Table, head: tuple[str, ...]) -> list[Table]:
    named = {name: next(c for c in table.frame.columns if _same(c, name)) for name in head}
    rows = table.frame.select([named[head[0]], named[head[3]], "source_row"])
    groups: dict[tuple[str, bool], list[dict[str, str | None]]] = {}
    bad = list(table.bad)
    for file, text, number in rows.iter_rows():
        cells = _cells(text)
        why = _still_wrong(cells)
        if cells is None or why is not None:
            bad.append(BadRow(number, why or _no_object(), str(text or "")[:2_000]))
            continue
        own = {str(k): _text(v) for k, v in cells.items() if not str(k).startswith(MARK)}
        # Rows that contradicted their order stand there in our own columns, the others in their file's.
        key = (str(file or "").strip(BLANKS), {"platform", "order_id"} <= own.keys())
        groups.setdefault(key, []).append({**own, "source_row": str(number)})
    out = []
    for (file, _), group in groups.items():
        names = list(dict.fromkeys(["source_row", *(k for row in group for k in row)]))
        frame = pl.DataFrame(group, schema=dict.fromkeys(names, pl.String)).with_columns(
            pl.col("source_row").cast(pl.Int64)
        )
        out.append(Table(f"{table.source}[{file}]" if file else table.source, frame))
    names_seen: dict[str, int] = {}
    for one in out:  # rows of one file in both forms are two tables, counted by their own names
        names_seen[one.source] = names_seen.get(one.source, 0) + 1
        one.source += f"#{names_seen[one.source]}" if names_seen[one.source] > 1 else ""
    if bad or not out:
        columns = dict.fromkeys(["order_id", "platform"], pl.String)
        left = out[0] if out else Table(table.source, pl.DataFrame(schema={**columns, "source_row": pl.Int64}))
        left.bad += bad
        out = out or [left]
    out[0].notes += table.notes
    return out


def _cells(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(str(text), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value else None


def _still_wrong(cells: dict[str, Any] | None) -> Words | None:
    for key, value in (cells or {}).items():
        if str(key).startswith(MARK) and _text(value):
            return Words(
                f"“{key}”一格还在：把内容归到正确的列并删去这一格",
                f"the cell '{key}' is still there: put its text where it belongs and delete the cell",
            )
        if "�" in (_text(value) or ""):
            return Words(
                "还有无法解码的文字（�）；请改成原文", "text that did not decode (�) is still there; put the right one"
            )
    return None


def _no_object() -> Words:
    return Words('单元格列应为 {"列名": "内容", …}', 'the cells column should be {"heading": "text", …}')


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value, ensure_ascii=False)
