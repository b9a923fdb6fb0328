"""`cases sweep`: what happens to cases that nobody decided in time, and the lists of orders that may leave."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.errors import DeliveryError, Problem, Words, unable
from orderguard.ledger import open_ledger
from orderguard.ledger.store import reading, writable
from orderguard.ledger.sweeps import SweepBook
from orderguard.outbox.releases import write_releases
from orderguard.stages.ending import catch_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.stages.options import Options

_TIMEOUT = Words("超过处理时限", "past its due time")
_FALSE = Words("误判", "false alarm")


def sweep(options: Options, synonyms: Mapping[str, frozenset[str]], *, dry: bool = False) -> dict[str, Any]:
    """Apply the default action of team.yaml to every overdue case, once, and write the release lists.

    A case that somebody is looking into is never released by the clock: it is escalated. Cases of orders that are over were
    ended by the scan that learned it; those of a ledger from before that are ended here, neither released nor escalated.
    The ledger commits first; what could not be written is on the next sweep's list.

    Args:
        options: `book team out ledger now run_id` of them.
        synonyms: words for platforms.
        dry: only tell.

    Returns:
        `released escalated escalated_before kept over listed` (counts), `orders` (each overdue case with its action), `lists` (per platform).

    Raises:
        DeliveryError: the lists cannot be written.
    """
    locale, now = options.book.locale, options.now
    looking = dry and not writable(options.ledger)
    held = reading(options.ledger, options.tell) if looking else closing(open_ledger(options.ledger, options.tell))
    with held as ledger:
        book = SweepBook(ledger)
        overdue = book.overdue(now)
        gone = catch_up(ledger, options.book, now, dry=dry)
        for case in overdue:
            if case["case_id"] in gone:
                case["action"] = "over"
                continue
            action = options.team.on_timeout.of(case["band"], case["platform"], synonyms)
            watched = action == "release" and case["state"] == "investigating"
            case["action"] = "escalate" if watched else action
        release = [c["case_id"] for c in overdue if c["action"] == "release"]
        escalate = [c["case_id"] for c in overdue if c["action"] == "escalate" and c["escalated_at"] is None]
        before = sum(c["action"] == "escalate" and c["escalated_at"] is not None for c in overdue)
        told: dict[str, Any] = {
            "released": len(release),
            "escalated": len(escalate),
            "escalated_before": before,
            "kept": sum(c["action"] == "keep" for c in overdue),
            "over": len(gone),
            "orders": overdue,
        }
        if dry:
            return {**told, "listed": 0, "lists": {}}
        book.apply(release, escalate, _TIMEOUT.pick(locale), now)
        free = book.releasable()
        lists = {}
        if free:
            lists = _write(options, free)
            book.listed([f["case_id"] for f in free], options.run_id)
        return {**told, "listed": len(free), "lists": lists}


def _write(options: Options, free: list[dict[str, Any]]) -> dict[str, int]:
    locale = options.book.locale
    rows = [(f["platform"], f["order_id"], _why(f, locale), f["who"] or "", f["at"] or "") for f in free]
    names = ("platform", "order_id", "why", "who", "at")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").with_columns(
        pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us", time_zone="UTC", strict=False)
    )
    try:
        return write_releases(options.out, frame, locale, options.book.timezone, options.run_id)
    except OSError as error:
        what = unable(Words("放行清单无法写入", "the release lists cannot be written"), error)
        fix = Words(
            "检查权限与磁盘空间后再运行一次；台账已记下，下次会补上",
            "check rights and disk space and run it again; the ledger has it, the next sweep lists it",
        )
        raise DeliveryError(Problem(what, str(options.out), fix=fix)) from error


def _why(free: dict[str, Any], locale: str) -> str:
    said = str(free["why"] or "")
    if free["what"] == "verdict false_alarm":
        comma = "：" if locale.startswith("zh") else ": "
        return _FALSE.pick(locale) + (comma + said if said else "")
    return said
