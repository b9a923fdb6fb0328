"""Which cases a scan ends because their orders are over, and which orders are live again.

Of two exports the newer one is right. A file is as old as its last change; within a minute of each other (files unpacked or
copied together) the order of the scans tells, and a file that an earlier run has read is no news.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.columns import KEY
from orderguard.errors import OrderguardError
from orderguard.ingest import find_sources
from orderguard.ledger import History
from orderguard.ledger.cases import case_ids
from orderguard.ledger.endings import any_cases, any_unheard, end_cases, hear, read_before, standing, undecided, unheard
from orderguard.ledger.stamps import iso
from orderguard.stages.databases import files_among
from orderguard.stages.judging import audited
from orderguard.stages.numbering import numbered
from orderguard.statuses import OVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.ledger import Ledger
    from orderguard.ledger.files import HistoryFile
    from orderguard.rules import Rulebook
    from orderguard.stages.desk import Desk
    from orderguard.stages.engines import Found
    from orderguard.stages.options import Options

_NEAR = 60_000_000
"""Microseconds."""
_WORD = pl.col("platform").str.to_lowercase()
"""An ERP's 京东 and JD's own export are two sources."""
_ENDED: dict[str, Any] = {
    "case_id": pl.String, "stage": pl.String, "word": pl.String, "heard_at": pl.Int64, "source": pl.String,
    "agent": pl.String, "state": pl.String,
}  # fmt: skip


class Turns(NamedTuple):
    """Cases that a run turns.

    Attributes:
        ended: cases of orders that are over now: `case_id stage word heard_at source agent state`.
        resumed: cases whose orders were over, are live again and still flagged: case -> age of the export that says so.
        ages: of the run's files.
    """

    ended: pl.DataFrame
    resumed: dict[str, int]
    ages: Ages

    def load(self, load: Mapping[str, int], known: pl.DataFrame) -> dict[str, int]:
        """Open cases per agent once these have turned."""
        after = dict(load)
        for agent, state in self.ended.select("agent", "state").iter_rows():
            after[agent] = after.get(agent, 0) - (state in {"open", "investigating"})
        back = known.filter((pl.col("state") == "over") & pl.col("case_id").is_in(list(self.resumed)))
        for agent in back["agent"]:
            after[agent] = after.get(agent, 0) + 1
        return {a: n for a, n in after.items() if n > 0}

    def counts(self) -> dict[str, int]:
        """Undecided cases that this run ends, by stage."""
        mine = self.ended.filter(pl.col("state").is_in(["open", "investigating"]))
        told = dict(mine["stage"].value_counts().iter_rows())
        return {stage: told[stage] for stage in OVER if stage in told}


class Ages:
    """How old each file of a run is.

    Args:
        options: `paths now` of them.
        files: of the run, which get `modified_at`; `file` and `sha256` of them.
        ledger: knows which files were read before.
    """

    def __init__(self, options: Options, files: Sequence[dict[str, Any]], ledger: Ledger) -> None:
        self.now, self._ledger = _micros(options.now), ledger
        self._at: dict[str, int] = {}
        self._told = {f["file"]: f for f in files}
        try:
            sources = find_sources(files_among(options.paths))
        except OrderguardError:  # gone since it was read: it was here a moment ago
            sources = []
        for source in sources:
            try:
                at = source.path.stat().st_mtime_ns // 1_000 if source.path else self.now
            except OSError:
                continue
            for name in self._told:
                if name == source.name or name.startswith(source.name + "["):
                    self._at[name] = at
        for name, file in self._told.items():
            file["modified_at"] = _shown(self._at[name]) if name in self._at else None

    def of(self, name: str | None) -> int:
        """When a file was changed last, in microseconds; what is no file is as old as the scan."""
        return self._at.get(name or "", self.now)

    def beside(self, opened: pl.DataFrame) -> pl.DataFrame:
        """New cases with `heard_at`, how old the file is that tells of them; of earlier orders it is not known."""
        names = opened["source_file"].unique().to_list()
        at = pl.col("source_file").replace_strict({n: self.of(n) for n in names}, return_dtype=pl.Int64)
        return opened.with_columns(heard_at=pl.when("past").then(0).otherwise(at)) if names else opened

    def news(self, name: str | None, heard: int | None) -> bool:
        """Whether a file tells something newer than what was heard last."""
        at, before = self.of(name), heard or 0
        if before > self.now >= at:
            return True  # whoever told of it had a wrong clock
        if abs(at - before) > _NEAR:
            return at > before
        file = self._told.get(name or "", {})
        return not (file.get("modified_at") and read_before(self._ledger, file["sha256"], file["modified_at"]))


def turns(desk: Desk, found: Found, flagged: pl.DataFrame, known: pl.DataFrame) -> Turns:
    """What this run's exports end and bring back.

    Args:
        desk: the scan's.
        found: orders of this input (without their numbers where they did not fit into memory), the stages that were left
            out, and the history files: every order that is new or says something new.
        flagged: with `case_id`.
        known: cases of these.
    """
    ledger = desk.ledger
    ended, ages = pl.DataFrame(schema=_ENDED), Ages(desk.options, found.read.files, ledger)
    if set(found.judged.skipped_by_stage) & set(OVER) and any_cases(ledger):
        rows = pl.concat([_told_again(found.read.orders, ledger), _new_rows(found.files(), ledger)])
        over = _over(rows.unique(KEY, keep="first", maintain_order=True), desk.book)
        over = over.with_columns(case_ids(over, desk.ids))
        over = over.sort("case_id", "stage").unique(["case_id", "order_id"], keep="first", maintain_order=True)
        cases = standing(ledger, over["case_id"])
        strangers = over.join(cases.select("case_id", other="order_id"), on="case_id").filter(
            pl.col("other") != pl.col("order_id")
        )
        if len(strangers):  # their ids are longer ones
            over, _ = numbered(over, desk.cases)
            cases = standing(ledger, over["case_id"])
        cases = cases.join(over, on=["case_id", "order_id"])
        live = pl.col("state").is_in(["open", "investigating", "confirmed"]) & pl.col("ended").is_null()
        # An order drawn for control was never to be stopped: it is judged when it is shipped as well as before.
        ended = _heard(cases.filter(live & (pl.col("band") != "pass")), ages)
    return Turns(ended, _resumed(flagged, known, ages, ledger), ages)


_NAMES = [*KEY, "status", "stage", "source_file"]


def _told_again(orders: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Orders of open cases that are over, new to the history or not: an older export, scanned late, may have told it first."""
    over = orders.filter(pl.col("stage").is_in(OVER)) if "order_id" in orders.columns else orders.clear()
    waiting = pl.Series(undecided(ledger) if len(over) else [], dtype=pl.String)
    if waiting.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(_NAMES, pl.String))
    return over.filter(pl.col("order_id").is_in(waiting.implode())).select(_NAMES)


def _new_rows(written: Sequence[HistoryFile], ledger: Ledger) -> pl.DataFrame:
    paths = [ledger.folder / path for path, *_ in written]
    if not paths:
        return pl.DataFrame(schema=dict.fromkeys(_NAMES, pl.String))
    return pl.scan_parquet(paths).select(_NAMES).filter(pl.col("stage").is_in(OVER)).collect()


def _over(rows: pl.DataFrame, book: Rulebook) -> pl.DataFrame:
    """Orders that are over and that the rulebook does not look at any more: `platform order_id stage word source`."""
    heard = audited(rows, book)
    over = rows.clear() if heard is None else rows.filter(~heard.fill_null(value=False))
    over = over.filter(pl.col("stage").is_in(OVER))
    return over.select(*KEY, "stage", word=_WORD, source=pl.col("source_file").fill_null(""))


def _heard(cases: pl.DataFrame, ages: Ages) -> pl.DataFrame:
    """Those of which this run's file is news, with its age."""
    news: dict[tuple[str, int | None], bool] = {}
    keep = []
    for name, heard in cases.select("source", "heard_at").iter_rows():
        if (name, heard) not in news:
            news[name, heard] = ages.news(name, heard)
        keep.append(news[name, heard])
    told = cases.filter(pl.Series(keep, dtype=pl.Boolean))
    own = told["source"].replace_strict({n: ages.of(n) for n in told["source"].unique()}, return_dtype=pl.Int64)
    newest = pl.max_horizontal(own.alias("heard_at"), pl.col("heard_at").fill_null(0)) if len(told) else "heard_at"
    return told.with_columns(newest).select(list(_ENDED))


def _resumed(flagged: pl.DataFrame, known: pl.DataFrame, ages: Ages, ledger: Ledger) -> dict[str, int]:
    """Orders that a newer export of the source which told that they are over tells as live: not every ERP hears of a parcel."""
    over = known.filter(pl.col("ended").is_not_null())
    if over.is_empty():
        return {}
    cases = standing(ledger, over["case_id"])
    told = pl.col("stage").is_not_null() & (pl.col("stage") != "unknown") & ~pl.col("past")
    rows = flagged.filter(told).select("case_id", "source_file", word=_WORD).join(cases, on="case_id")
    rows = rows.filter(pl.col("ended_word").is_null() | (pl.col("word") == pl.col("ended_word")))
    return {
        case: max(ages.of(name), heard or 0)
        for case, name, heard in rows.select("case_id", "source_file", "heard_at").iter_rows()
        if ages.news(name, heard)
    }


def catch_up(ledger: Ledger, book: Rulebook, now: datetime, *, dry: bool = False) -> set[str]:
    """End cases of a ledger from before it kept this, whose orders are over by its history; their ids."""
    if not any_unheard(ledger):
        return set()
    cases = unheard(ledger)
    names = {"case_id": pl.String, **dict.fromkeys(KEY, pl.String), "ordered_at": pl.Int64}
    keys = pl.DataFrame(cases, schema=names, orient="row")
    over = _over(History(ledger).find(keys), book).join(keys, on=KEY)
    ended = standing(ledger, over["case_id"]).join(over, on="case_id").with_columns(heard_at=pl.lit(0, dtype=pl.Int64))
    ended = ended.select(list(_ENDED))
    if not dry:
        with ledger.commit() as db:
            end_cases(db, ended, None, iso(now))
            hear(db)
    return set(ended["case_id"])


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _shown(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="microseconds")
