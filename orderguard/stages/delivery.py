"""Outbox: everything a scan leaves behind, written whole, then noted in the ledger."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import KEY
from orderguard.errors import DeliveryError, Problem, Words, unable
from orderguard.outbox import (
    Staging,
    write_flagged,
    write_frames,
    write_holds,
    write_notices,
    write_rejected,
    write_run,
    write_tasks,
)
from orderguard.outbox.safe import mask_name, mask_phone
from orderguard.rules.book import say
from orderguard.staff import shown
from orderguard.stages.listing import listed
from orderguard.stages.telling import rule_lines

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.rules import Rulebook
    from orderguard.stages.desk import Desk
    from orderguard.stages.engines import Found
    from orderguard.stages.handing import Casework
    from orderguard.stages.judging import Judged
    from orderguard.stages.listing import Listed
    from orderguard.stages.options import Clock


def deliver(desk: Desk, found: Found, casework: Casework, run: dict[str, Any], clock: Clock) -> None:
    """Write the outputs to a temporary folder, rename it whole, note it in the ledger.

    Args:
        desk: the scan's.
        found: what was read and judged.
        casework: what the run does with cases; it is recorded.
        run: the run's account; gets its `tasks sheets waiting holds timings`.
        clock: tells the timings.

    Raises:
        DeliveryError: the output cannot be written; the ledger has everything and the next scan issues it.
    """
    options, wanted, cases = desk.options, desk.options.outputs, desk.cases
    work = listed(desk, casework)
    try:
        with Staging(options.out, options.run_id) as staging, ThreadPoolExecutor(max_workers=1) as beside:
            folder = staging.folder
            counts = dict(work.sheets.group_by("agent").len().sort("agent").iter_rows()) if "tasks" in wanted else {}
            numbers = cases.numbers(counts)
            if "tasks" in wanted:
                run["tasks"], run["sheets"] = counts, numbers
                run["waiting"] = cases.waiting(casework.handed.resting)
            # The workbook takes about as long as all the rest: they share the cores.
            rest = beside.submit(_write_rest, folder, desk, found, work, numbers)
            _announce(folder, desk, run, work)
            if "workbook" in wanted:
                _write_workbook(folder / "flagged.xlsx", desk, found.judged, casework, run)
            run["holds"] = rest.result()
            run["timings"] = {k: round(v, 3) for k, v in clock.told().items()}
            write_run(folder / "run.json", run)
            late = desk.ledger.db.execute("SELECT run_id FROM runs WHERE delivered_at IS NULL").fetchall()
            staging.commit(frozenset(r[0] for r in late))
    except (OSError, pl.exceptions.PolarsError) as error:
        what = unable(Words("输出无法写入", "the output cannot be written"), error)
        fix = Words(
            "检查磁盘空间与权限后再扫一次；台账已记下，不会漏单",
            "check disk space and rights, scan again; the ledger has it all",
        )
        raise DeliveryError(Problem(what, str(options.out), fix=fix)) from error
    issued = work.tasks["case_id"].to_list() if "tasks" in wanted else []
    held = work.holds["case_id"].to_list() if "holds" in wanted else []
    twice = work.doubled["case_id"].to_list() if "tasks" in wanted else []
    try:
        cases.delivered(options.run_id, issued, held, run["tasks"], options.now, twice)
    except (OSError, sqlite3.Error) as error:
        what = unable(
            Words(
                "输出已就位，但台账没能记下它们已发出",
                "the outputs are in place, but the ledger could not note that they were issued",
            ),
            error,
        )
        fix = Words(
            "检查磁盘空间与权限后再扫一次；同样的任务表会再发一遍，不会漏单",
            "check disk space and rights, scan again; the same sheets are issued again, nothing is lost",
        )
        raise DeliveryError(Problem(what, str(options.ledger), fix=fix)) from error


def _write_workbook(path: Path, desk: Desk, judged: Judged, casework: Casework, run: dict[str, Any]) -> None:
    book, names = desk.book, desk.names
    rules = [(r.id, say(r.says, book.locale), r.points, STATUS[r.status].pick(book.locale)) for r in book.rules]
    write_flagged(
        path, summary_lines(run, book.locale),
        _named(masked(_with_case(casework), book), names), _named(masked(judged.findings, book), names),
        _named(judged.coverage, names), rules, book.locale, book.timezone,
    )  # fmt: skip


def _with_case(casework: Casework) -> pl.DataFrame:
    """Flagged orders with the case they belong to, whether it was opened now or earlier."""
    names = ["case_id", "cluster", "linked_by", "agent", "due_at"]
    case = pl.concat([casework.opened.new.select(names), casework.handed.known.select(names)])
    told = casework.standing.orders.join(case, on="case_id", how="left", maintain_order="left")
    return told.with_columns(cluster_size=pl.len().over("cluster").cast(pl.Int64))


def _announce(folder: Path, desk: Desk, run: dict[str, Any], work: Listed) -> None:
    """What tells people rather than lists orders: notices and the board."""
    book, team, wanted = desk.book, desk.team, desk.options.outputs
    if "notices" in wanted:
        from orderguard.stages.alarms import alarm_rows  # noqa: PLC0415 - start-up is paid every minute
        from orderguard.stages.notices import notice_rows  # noqa: PLC0415

        told = alarm_rows(run["demoted"], team, book.locale)
        told += notice_rows(work.told, team, book.locale, book.timezone, desk.names)
        write_notices(folder / "notices.csv", told, book.locale)
    if "board" in wanted:
        from orderguard.outbox.board_page import write_board  # noqa: PLC0415 - as above
        from orderguard.stages.boarding import BOARD, board_of  # noqa: PLC0415

        write_board(folder / BOARD, board_of(desk.ledger.db, book, desk.now, desk.called), book.locale)


def _with_action(held: pl.DataFrame, desk: Desk) -> pl.DataFrame:
    """Held orders with `action`: what happens to them when nobody decides in time."""
    by_platform = {p: desk.team.on_timeout.of("hold", p, desk.synonyms) for p in held["platform"].unique()}
    return held.with_columns(action=pl.col("platform").replace_strict(by_platform, return_dtype=pl.String))


def _write_rest(folder: Path, desk: Desk, found: Found, work: Listed, numbers: dict[str, int]) -> dict[str, int]:
    """Task sheets, hold lists, rows set aside, frames; returns held orders per platform."""
    (read, judged, _), options = found, desk.options
    book, wanted, held = options.book, options.outputs, dict[str, int]()
    if "tasks" in wanted:
        (folder / "tasks").mkdir()
        rows = _named(_with_items(work.sheets, read.lines), desk.names)
        write_tasks(folder / "tasks", rows, book.locale, book.timezone, options.run_id, options.tasks_formats, numbers)
    if "holds" in wanted:
        (folder / "holds").mkdir()
        rows = _with_action(work.holds, desk)
        held = write_holds(folder / "holds", rows, book.locale, book.timezone, options.holds_formats)
    aside = [read.rejects] if isinstance(read.rejects, pl.DataFrame) else read.rejects
    write_rejected(folder / "rejected.csv", aside, book.locale)
    if "frames" in wanted:
        decisions = judged.decisions.filter(judged.touched)
        write_frames(folder, judged.findings, decisions, judged.coverage, judged.rest)
    return held


STATUS = {"live": Words("启用", "live"), "trial": Words("试运行", "trial"), "retired": Words("停用", "retired")}


def masked(frame: pl.DataFrame, book: Rulebook) -> pl.DataFrame:
    """Names and phones masked where `privacy: {mask_sheets: true}` asks for it, in sentences too."""
    if not book.privacy.mask_sheets:
        return frame
    phones = [c for c in ("receiver_phone", "reason", "reasons", "linked_by", "buyer_note") if c in frame.columns]
    names = [c for c in ("receiver_name",) if c in frame.columns]
    return frame.with_columns([mask_phone(pl.col(c)) for c in phones] + [mask_name(pl.col(c)) for c in names])


def _named(frame: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    """Platforms as people call them, for sheets; frames, hold lists and the ledger keep the permanent id."""
    return frame.with_columns(pl.col("platform").replace(names))


def _with_items(tasks: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """What was ordered, as an agent reads it out on the phone: `奶粉 3 段 ×2；纸尿裤 ×1`, at most four items."""
    name = pl.coalesce("title", "sku").fill_null("?")
    mine = lines.join(tasks.select(KEY), on=KEY, how="semi", maintain_order="left")
    count = pl.col("quantity").cast(pl.Int64, strict=False).cast(pl.String)
    items = mine.group_by(KEY, maintain_order=True).agg(
        pl.format("{} ×{}", name, count).head(4).str.join("；").alias("items")
    )
    return tasks.join(items, on=KEY, how="left", maintain_order="left")


def summary_lines(run: dict[str, Any], locale: str) -> list[tuple[str, str]]:
    """The first sheet of the workbook."""
    zh = locale.startswith("zh")
    lines = [
        ("运行号" if zh else "Run", run["run_id"]),
        ("时间" if zh else "Started", run["local_time"]),
        ("规则表" if zh else "Rulebook", f"{run['rulebook']['path']}  (sha256 {run['rulebook']['sha256'][:12]})"),
        ("读取" if zh else "Read", f"{run['read']:,}"),
        ("正常" if zh else "Clean", f"{run['clean']:,}"),
        *(
            [("  其中按状态未审" if zh else "  of these not audited: status", f"{run['skipped']:,}")]
            if run["skipped"]
            else []
        ),
        ("异常" if zh else "Flagged", f"{run['flagged']:,}"),
        ("  其中暂扣" if zh else "  held", f"{run['held']:,}"),
        ("  其中复核" if zh else "  for review", f"{run['review']:,}"),
        ("未能读取（见 rejected.csv）" if zh else "Rejected (see rejected.csv)", f"{run['rejected']:,}"),
        ("新任务" if zh else "New tasks", f"{run['new_cases']:,}"),
    ]
    lines += [("规则" if zh else "Rules", words.pick(locale)) for words in rule_lines(run)]
    lines += [
        (("任务表 " if zh else "Task sheet ") + shown(agent, locale), f"{n:,}") for agent, n in run["tasks"].items()
    ]
    lines += [
        (("文件 " if zh else "File ") + f["file"], f"{f['platform']}：{f['rows']:,} 行，{f['read']:,} 单，异常 {f['flagged']:,}" if zh
         else f"{f['platform']}: {f['rows']:,} rows, {f['read']:,} orders, {f['flagged']:,} flagged")
        for f in run["inputs"]
    ]  # fmt: skip
    return lines
