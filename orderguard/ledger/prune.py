"""Old history: dropped where no window can need it, put together by day, and without personal data after a time."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from orderguard.columns import KEY
from orderguard.ledger.cases import OPEN
from orderguard.ledger.files import PRUNED, micros, open_file, sweep, write_file, write_rows
from orderguard.ledger.history import EMPTY, NAMES
from orderguard.ledger.stamps import iso

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from orderguard.ledger.store import Ledger

PERSONAL = (
    "buyer_id", "buyer_name", "receiver_name", "receiver_phone", "district", "address", "buyer_note", "seller_note", "email",
    "ip", "device_id",
)  # fmt: skip
_KEPT_HEADS = (
    "订单编号",
    "Order ID",
    "处置结果",
    "Result",
    "原因代码",
    "Reason code",
    "平台",
    "Platform",
    "案件号",
    "Case",
    "处理人",
    "Agent",
)
ERASED = "（已清除 / erased）"


class Pruned(NamedTuple):
    """What `prune` did: orders dropped, older versions dropped, orders without personal data now, files before and after."""

    dropped: int
    merged: int
    erased: int
    files_before: int
    files_after: int


def prune(ledger: Ledger, before: datetime | None, forget: datetime | None, now: datetime) -> Pruned:
    """Rewrite old history in one transaction.

    Orders with an open case are kept as they are, however old. Undated ones too.

    Args:
        ledger: to prune.
        before: orders made earlier are dropped (the caller has taken the longest window off already).
        forget: orders made earlier lose their personal data, here, in findings, cases, verdict notes and sheets.
        now: the clock.
    """
    edge = max(m for m in (before, forget) if m is not None)
    files = ledger.db.execute(
        "SELECT path, seq, run_id FROM history WHERE first_at < ? ORDER BY seq", (micros(edge),)
    ).fetchall()
    done = _history(ledger, files, before, forget, now) if files else Pruned(0, 0, 0, 0, 0)
    if forget is not None:
        _forget(ledger, forget, now)
    if ledger.journal:
        ledger.journal.base()
    return done


def _history(
    ledger: Ledger, files: list[tuple[str, int, str]], before: datetime | None, forget: datetime | None, now: datetime
) -> Pruned:
    parts = [open_file(ledger.folder / path).with_columns(_seq=pl.lit(seq, dtype=pl.Int64)) for path, seq, _ in files]
    rows = pl.concat([pl.DataFrame(schema=EMPTY), *parts], how="diagonal_relaxed")
    newest = _newest(ledger)
    latest = rows.join(newest, on=KEY, maintain_order="left").filter(pl.col("_seq") == pl.col("_latest"))
    marks = ", ".join("?" * len(OPEN))
    sql = f"SELECT platform, order_id FROM cases WHERE state IN ({marks})"  # noqa: S608 - question marks
    # Cases go by the platform's id, history by the word of its export: the number alone is the safe side.
    busy = pl.Series([r[1] for r in ledger.db.execute(sql, OPEN)], dtype=pl.String)
    idle = ~pl.col("order_id").is_in(busy.implode()) & pl.col("created_at").is_not_null()
    gone = idle & (pl.col("created_at") < before) if before is not None else pl.lit(value=False)
    old = idle & (pl.col("created_at") < forget) if forget is not None else pl.lit(value=False)
    kept = latest.filter(~gone)
    erased = kept.filter(old).filter(pl.any_horizontal([pl.col(c).is_not_null() for c in PERSONAL]))
    kept = kept.with_columns([pl.when(~old).then(pl.col(c)).alias(c) for c in PERSONAL])
    stamp = now.strftime("%Y%m%dT%H%M%S")
    named = []
    day = pl.col("created_at").dt.strftime("%Y-%m-%d").fill_null("undated").alias("_day")
    seq, run_id = max(f[1] for f in files), files[-1][2]
    for (label,), part in kept.with_columns(day).partition_by("_day", as_dict=True, maintain_order=True).items():
        span = part["created_at"]
        path = f"orders/{label}/prune-{stamp}.parquet"
        named.append((path, run_id, len(part), micros(span.min()), micros(span.max()), seq))
    paths = [f[0] for f in files]
    # Whatever of these nothing names, before or after the transaction, is removed by whoever opens the ledger next.
    (ledger.folder / PRUNED).write_text("\n".join([*paths, *(n[0] for n in named)]), encoding="utf-8")
    for (label,), part in kept.with_columns(day).partition_by("_day", as_dict=True, maintain_order=True).items():
        write_file(part.select(NAMES), ledger.folder / f"orders/{label}/prune-{stamp}.parquet")
    with ledger.commit() as db:
        db.executemany("DELETE FROM history WHERE path = ?", [(p,) for p in paths])
        db.executemany(
            "INSERT INTO history (path, run_id, rows, first_at, last_at, seq) VALUES (?, ?, ?, ?, ?, ?)", named
        )
    sweep(ledger)
    return Pruned(len(latest) - len(kept), len(rows) - len(latest), len(erased), len(files), len(named))


def _newest(ledger: Ledger) -> pl.DataFrame:
    """The number of the file with each order's newest version: `platform order_id _latest`."""
    parts = [
        open_file(ledger.folder / path).select(*KEY, pl.lit(seq, dtype=pl.Int64).alias("_latest"))
        for path, seq in ledger.db.execute("SELECT path, seq FROM history WHERE rows > 0").fetchall()
    ]
    return pl.concat(parts).group_by(KEY).agg(pl.col("_latest").max())


def _forget(ledger: Ledger, forget: datetime, now: datetime) -> None:
    """Erase personal data from what is older and not open: reasons, links, notes, ended snoozes, recorded sheets."""
    stamp = iso(forget)
    still = "SELECT 1 FROM cases c WHERE c.platform = findings.platform AND c.order_id = findings.order_id AND c.state IN ('open', 'investigating')"
    with ledger.commit() as db:
        db.execute(f"UPDATE findings SET reason = ? WHERE found_at < ? AND NOT EXISTS ({still})", (ERASED, stamp))  # noqa: S608 - own words
        done = "opened_at < ? AND state NOT IN ('open', 'investigating')"
        db.execute(f"UPDATE cases SET linked_by = '' WHERE {done}", (stamp,))  # noqa: S608 - own words
        db.execute("UPDATE verdicts SET note = '' WHERE at < ?", (stamp,))
        db.execute("UPDATE doubles SET note = '' WHERE at < ?", (stamp,))
        db.execute("UPDATE events SET why = ? WHERE at < ? AND who <> 'scan'", (ERASED, stamp))
        db.execute("UPDATE snoozes SET value = ?, why = '' WHERE until < ?", (ERASED, stamp))
    for path, at in ledger.db.execute(
        "SELECT path, recorded_at FROM sheets WHERE recorded_at < ?", (stamp,)
    ).fetchall():
        file = ledger.folder / path
        if file.exists() and at < iso(now):
            _bare(file)


def _bare(path: Path) -> None:
    """Leave of a recorded sheet only the order, its case and the answer."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    keep = [i for i, name in enumerate(rows[0]) if name in _KEPT_HEADS] if rows else []
    write_rows(path, ([row[i] for i in keep if i < len(row)] for row in rows))
