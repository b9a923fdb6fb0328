"""Proves that a ledger is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ledger.journal import after_base, read_lines

if TYPE_CHECKING:
    from orderguard.ledger.store import Ledger

_RULES = (
    ("SELECT case_id FROM cases WHERE case_id NOT LIKE 'C-%'", Words("案件号不合规", "malformed case id")),
    (
        """SELECT case_id FROM cases c
           WHERE NOT EXISTS (SELECT 1 FROM findings f WHERE f.platform = c.platform AND f.order_id = c.order_id)
           AND NOT EXISTS (SELECT 1 FROM controls k WHERE k.case_id = c.case_id)""",
        Words("案件没有任何命中记录", "a case without a finding"),
    ),
    (
        "SELECT case_id FROM verdicts GROUP BY case_id HAVING SUM(replaced_by IS NULL AND ended_run IS NULL) > 1",
        Words("案件有多条有效的处置结果", "a case has more than one verdict that counts"),
    ),
    (
        """SELECT v.case_id FROM verdicts v JOIN cases c USING (case_id)
           WHERE v.replaced_by IS NULL AND v.ended_run IS NULL
           AND c.state <> CASE v.result WHEN 'false_alarm' THEN 'released' ELSE v.result END
           AND NOT (c.state = 'over' AND v.result = 'investigating')""",
        Words("案件状态与其处置结果不符", "the state of a case is not that of its verdict"),
    ),
    (
        """SELECT case_id FROM cases WHERE (state = 'over' AND ended IS NULL)
           OR (ended IS NOT NULL AND state IN ('open', 'investigating'))""",
        Words("案件状态与订单是否已结束不符", "the state of a case is not that of an order that is over"),
    ),
)


_REBUILD = Words(
    "先备份整个台账文件夹，再用 orderguard ledger rebuild 从流水重建",
    "back up the whole ledger folder, then build it again from its journal with 'orderguard ledger rebuild'",
)
_BACKUP = Words("请从备份恢复这个文件", "bring the file back from a backup")


def check(ledger: Ledger) -> list[Problem]:
    """Every fault: the database's own, foreign keys, cases and verdicts, history files missing, damaged or unnamed."""
    db, where = ledger.db, str(ledger.folder)
    problems = []
    said = db.execute("PRAGMA integrity_check").fetchone()[0]
    if said != "ok":
        problems.append(Problem(Words(f"数据库损坏：{said}", f"the database is damaged: {said}"), where, fix=_REBUILD))
    problems += [
        Problem(Words(f"{row[0]} 表有悬空引用", f"dangling reference in {row[0]}"), where, fix=_REBUILD)
        for row in db.execute("PRAGMA foreign_key_check")
    ]
    for sql, words in _RULES:
        for (case,) in db.execute(sql):
            problems.append(Problem(Words(f"{case}：{words.zh}", f"{case}: {words.en}"), where, fix=_REBUILD))
    named = dict(db.execute("SELECT path, rows FROM history").fetchall())
    for path, rows in named.items():
        problems += _file(ledger, path, rows)
    for file in sorted((ledger.folder / "orders").glob("*/*")):
        relative = file.relative_to(ledger.folder).as_posix()
        if relative not in named:
            problems.append(
                Problem(Words("多出的文件，数据库没有登记", "a file that the database does not name"), relative)
            )
    problems += _journal(ledger)
    for (path,) in db.execute("SELECT path FROM sheets"):
        if not (ledger.folder / path).exists():
            problems.append(
                Problem(Words("处置记录文件不见了", "the file of a recorded sheet is missing"), path, fix=_BACKUP)
            )
    return problems


def _journal(ledger: Ledger) -> list[Problem]:
    """The journal must reach from its base to the database's last commit without a gap."""
    try:
        seq = int(ledger.db.execute("SELECT seq FROM journal").fetchone()[0])
        folder = ledger.folder / "journal"
        bases = sorted(folder.glob("base-*"))
        last = after = int(bases[-1].name.removeprefix("base-")) if bases else 0
        for last, _, _ in read_lines(folder, after):  # noqa: B007 - the last one counts
            pass
    except OrderguardError as error:
        return error.problems
    if seq not in {last, after_base(last)}:
        what = Words(f"流水只到 {last}，数据库已到 {seq}", f"the journal ends at {last}, the database is at {seq}")
        return [Problem(what, "journal", fix=_BACKUP)]
    return []


def _file(ledger: Ledger, path: str, rows: int) -> list[Problem]:
    try:
        found = pl.scan_parquet(ledger.folder / path).select(pl.len()).collect().item()
    except (OSError, pl.exceptions.PolarsError):
        return [Problem(Words("历史订单文件缺失或损坏", "a history file is missing or damaged"), path, fix=_BACKUP)]
    if found != rows:
        return [
            Problem(
                Words(f"应有 {rows} 行，实有 {found} 行", f"should hold {rows} rows, holds {found}"), path, fix=_BACKUP
            )
        ]
    return []


def table_counts(ledger: Ledger) -> dict[str, int]:
    """How many rows the ledger's tables hold."""
    names = ("runs", "cases", "findings", "verdicts", "history")
    return {t: int(ledger.db.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0]) for t in names}  # noqa: S608 - own names
