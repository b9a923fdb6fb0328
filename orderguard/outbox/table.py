"""One frame as a file of its own: CSV, Excel, Parquet or JSON, by the file's ending."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from orderguard.drafts import drafted
from orderguard.errors import OrderguardError, Problem, Words, unable
from orderguard.outbox.book import Sheet, sheet_name, write_book
from orderguard.outbox.safe import inert_frame

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".csv", ".xlsx", ".parquet", ".json")
_MOST_ROWS = 1_048_575


def write_table(path: Path, frame: pl.DataFrame, title: str) -> None:
    """Write `frame`; what people typed cannot run as a formula in CSV and Excel.

    Raises:
        OrderguardError: another ending, more rows than a sheet holds, or the file cannot be written.
    """
    ending = path.suffix.casefold()
    if ending not in ENDINGS:
        listed = " ".join(ENDINGS)
        what = Words(f"不认识文件类型 '{path.suffix}'", f"unknown kind of file '{path.suffix}'")
        raise OrderguardError(Problem(what, str(path), fix=Words(f"可用：{listed}", f"use one of: {listed}")))
    if ending == ".xlsx" and len(frame) > _MOST_ROWS:
        what = Words(f"{len(frame):,} 行，一张表装不下", f"{len(frame):,} rows are more than a sheet holds")
        raise OrderguardError(Problem(what, str(path), fix=Words("改用 .csv 或 .parquet", "use .csv or .parquet")))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with drafted(path) as (draft,):
            _write(draft, ending, frame, title)
    except (OSError, pl.exceptions.PolarsError) as error:
        what = unable(Words("无法写入", "cannot be written"), error)
        raise OrderguardError(
            Problem(what, str(path), fix=Words("检查目录权限与磁盘空间", "check rights and disk space"))
        ) from error


def _write(draft: Path, ending: str, frame: pl.DataFrame, title: str) -> None:
    if ending == ".csv":
        draft.write_text(inert_frame(frame).write_csv(), encoding="utf-8-sig", newline="")
    elif ending == ".parquet":
        frame.write_parquet(draft)
    elif ending == ".json":
        draft.write_text(json.dumps(frame.to_dicts(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    else:
        widths = [float(min(max(len(c) + 4, 12), 40)) for c in frame.columns]
        styles = ["number" if t.is_numeric() else "plain" for t in frame.dtypes]
        shown = frame.with_columns(pl.col(pl.Boolean).cast(pl.String))
        write_book(draft, [Sheet(sheet_name(title, set()), shown, widths, styles)])
