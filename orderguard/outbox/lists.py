"""Plain files: hold lists, notices, rejected rows, frames and `run.json`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from orderguard.columns import COVERAGE, DECISIONS, FINDINGS
from orderguard.errors import json_text
from orderguard.outbox.flagged import local
from orderguard.outbox.safe import inert_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PENDING = ("待核实", "To be verified")
_HOLD_HEAD = {
    "zh": ("订单编号", "状态", "原因", "承诺发货时间", "处理时限", "超时处理"),
    "en": ("Order ID", "Status", "Reason", "Promised ship time", "Due at", "At time-out"),
}
ACTIONS = {
    "release": ("放行", "Release"), "keep": ("继续暂扣", "Keep"), "escalate": ("上报", "Escalate"),
    "over": ("不处理：订单已发货、完成、关闭或退款", "Nothing: shipped, done, closed or refunded by now"),
}  # fmt: skip
HOLD_FORMATS = ("csv", "txt", "json")
_SLICE = 50_000
_BATCH = 20
"""Order numbers in one line of the text form: what an ERP such as 快麦 takes at once."""

_REJECT_HEAD = {"zh": ("文件", "行", "原因", "单元格"), "en": ("file", "row", "reason", "cells")}
_NOTICE_HEAD = {
    "zh": ("负责人", "区域", "暂扣", "复核", "最早时限", "通知目标", "内容"),
    "en": ("Manager", "Region", "Held", "Review", "First due", "Targets", "Message"),
}
_BOM = b"\xef\xbb\xbf"


def _language(locale: str) -> str:
    return "zh" if locale.startswith("zh") else "en"


def write_csv(path: Path, frame: pl.DataFrame) -> None:
    """UTF-8 with a byte order mark, without which Excel shows Chinese as noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_BOM)
        _write_rows(file, frame, header=True)


def _write_rows(file: BinaryIO, frame: pl.DataFrame, *, header: bool) -> None:
    # Slice by slice: where millions of rows were set aside, a second copy of them all would not fit.
    for start in range(0, max(len(frame), 1), _SLICE):
        safe = inert_frame(frame[start : start + _SLICE])
        safe.write_csv(
            file, include_header=header and not start, datetime_format="%Y-%m-%d %H:%M:%S", line_terminator="\r\n"
        )


def file_stem(name: str) -> str:
    """A name that is a harmless file name on every system: no path, no reserved characters, at most 120 bytes."""
    clean = re.sub(r'[\\/:*?"<>|]', "_", "".join(c if c.isprintable() else "_" for c in name)).strip(". ")
    if re.fullmatch(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", clean, re.IGNORECASE):
        clean = "_" + clean  # a device on Windows, whatever follows the dot
    if re.match(r"[=+@~-]", clean):
        clean = "_" + clean  # a formula where file names are listed, an option on a command line, an editor's lock
    return clean.encode()[:120].decode("utf-8", "ignore") or "_"


def write_holds(
    folder: Path, held: pl.DataFrame, locale: str, zone: str, formats: Sequence[str] = ("csv",)
) -> dict[str, int]:
    """Write `<platform>.csv`, soonest due first; returns orders per platform.

    Args:
        folder: `holds/`.
        held: `platform order_id reasons promised_at due_at action`.
        locale, zone: of the rulebook.
        formats: of `HOLD_FORMATS`; `txt` has 20 order numbers a line, `json` an array with times as ISO 8601.
    """
    counts: dict[str, int] = {}
    zh = locale.startswith("zh")
    ordered = held.sort("due_at", "order_id") if len(held) else held
    words = {k: w[0 if zh else 1] for k, w in ACTIONS.items()}
    taken: set[str] = set()
    for (platform,), part in ordered.partition_by("platform", as_dict=True, maintain_order=True).items():
        stem = file_stem(str(platform))
        while stem.casefold() in taken:
            stem += "_"
        taken.add(stem.casefold())
        facts = part.select("order_id", "reasons", "promised_at", "due_at", "action")
        if "csv" in formats:
            status = pl.lit(PENDING[0 if zh else 1]).alias("status")
            named = pl.col("action").replace(words)
            table = local(facts.select("order_id", status, "reasons", "promised_at", "due_at", named), zone)
            table.columns = list(_HOLD_HEAD[_language(locale)])
            write_csv(folder / f"{stem}.csv", table)
        if "txt" in formats:
            ids = inert_frame(facts.select(pl.col("order_id").str.replace_all(r"[,\s]", "")))["order_id"].to_list()
            lines = [",".join(ids[i : i + _BATCH]) for i in range(0, len(ids), _BATCH)]
            (folder / f"{stem}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if "json" in formats:
            times = [
                pl.col(c).dt.convert_time_zone(zone).dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
                for c in ("promised_at", "due_at")
            ]
            told = facts.with_columns(times).select(
                "order_id", pl.lit("pending").alias("status"), "reasons", "promised_at", "due_at", "action"
            )
            (folder / f"{stem}.json").write_text(json_text(told.to_dicts()) + "\n", encoding="utf-8")
        counts[str(platform)] = len(part)
    return counts


def write_rejected(path: Path, rejects: Iterable[pl.DataFrame], locale: str) -> None:
    """Write the rows that were set aside, some at a time; the header alone when there were none."""
    head = list(_REJECT_HEAD[_language(locale)])
    write_csv(path, pl.DataFrame(schema=dict.fromkeys(head, pl.String)))
    with path.open("ab") as file:
        for some in rejects:
            table = some.select("source_file", "source_row", "reason", "cells")
            table.columns = head
            _write_rows(file, table, header=False)


def write_notices(path: Path, notices: list[tuple[str, str, int, int, str, str, str]], locale: str) -> None:
    """Write the messages that managers would be sent (a dry run; nothing leaves the machine)."""
    types = [pl.String, pl.String, pl.Int64, pl.Int64, pl.String, pl.String, pl.String]
    head = dict(zip(_NOTICE_HEAD[_language(locale)], types, strict=True))
    write_csv(path, pl.DataFrame(notices, schema=head, orient="row"))


def write_frames(
    folder: Path, findings: pl.DataFrame, decisions: pl.DataFrame, coverage: pl.DataFrame, rest: Sequence[Path] = ()
) -> None:
    """Write the three contract frames as Parquet; `rest` are files with further decisions."""
    for name, frame, columns in (
        ("findings", findings, FINDINGS), ("decisions", decisions, DECISIONS), ("coverage", coverage, COVERAGE),
    ):  # fmt: skip
        frame.select([c.name for c in columns]).write_parquet(
            folder / f"{name}.parquet", compression="lz4", statistics=False
        )
    if rest:
        names = [c.name for c in DECISIONS]
        parts = [pl.scan_parquet(p).select(names) for p in (folder / "decisions.parquet", *rest)]
        pl.concat(parts).sink_parquet(folder / "decisions.all", compression="lz4", statistics=False)
        (folder / "decisions.all").replace(folder / "decisions.parquet")


def write_run(path: Path, run: dict[str, Any]) -> None:
    """Write `run.json`."""
    path.write_text(json_text(run) + "\n", encoding="utf-8")


def retell(out: Path, run: dict[str, Any]) -> None:
    """Say in `run.json` what became of the notices, unless another run's outputs are in place by now."""
    path, draft = out / "run.json", out.parent / f".{out.name}~run.json.tmp"
    try:
        if f'"run_id": "{run["run_id"]}"' in path.read_text(encoding="utf-8")[:2_000]:
            write_run(draft, run)
            draft.replace(path)
    except OSError:
        return  # the ledger has it; the outputs themselves are in place
