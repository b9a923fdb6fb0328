"""`ledger export` and `ledger prune`: what they need from several rooms."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from orderguard.drafts import drafted
from orderguard.errors import OrderguardError, Problem, Words, unable
from orderguard.ledger.journal import tables, write_private
from orderguard.ledger.prune import prune
from orderguard.outbox.lists import write_csv
from orderguard.rules.engine import needed

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from orderguard.ledger import Ledger
    from orderguard.rules import Rulebook


def export_tables(ledger: Ledger, target: Path, kind: str) -> dict[str, int]:
    """Write every table; text in CSV is inert, as in every CSV of ours. Returns rows per table.

    Raises:
        OrderguardError: the folder cannot be written.
    """
    counts = {}
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, frame in tables(ledger.db):
            with drafted(target / f"{name}.{kind}") as (path,):
                if kind == "csv":
                    write_csv(path, frame)
                    os.chmod(path, 0o600)  # noqa: PTH101 - as the ledger's own files
                else:
                    write_private(frame, path)
            counts[name] = len(frame)
    except OSError as error:
        raise OrderguardError(Problem(unable(Words("无法写入", "cannot be written"), error), str(target))) from error
    return counts


def tidy(ledger: Ledger, book: Rulebook, before: datetime | None, now: datetime) -> dict[str, int]:
    """Prune: what is before a day by more than the longest window, and personal data older than `retain_days`.

    Raises:
        OrderguardError: nothing to do, or `retain_days` is shorter than a window that needs the data.
    """
    within = needed(book.variants)[2]
    days = book.privacy.retain_days
    if before is None and days is None:
        what = Words(
            "没有要清理的：没有 --before，规则表也没有 privacy.retain_days",
            "nothing to do: no --before, and no privacy.retain_days in the rulebook",
        )
        fix = Words(
            "加 --before 2026-10-01，或在规则表写 privacy: {retain_days: 90}",
            "give --before 2026-10-01, or write privacy: {retain_days: 90} into the rulebook",
        )
        raise OrderguardError(Problem(what, fix=fix))
    if days is not None and timedelta(days=days) < within:
        what = Words(
            f"privacy.retain_days（{days} 天）短于规则要回看的时间（{within}）",
            f"privacy.retain_days ({days}) is shorter than what the rules look back on ({within})",
        )
        raise OrderguardError(Problem(what, book.source, fix=Words("加大 retain_days", "raise retain_days")))
    forget = None if days is None else now - timedelta(days=days)
    return prune(ledger, None if before is None else before - within, forget, now)._asdict()
