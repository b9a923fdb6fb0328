"""Inputs larger than memory: the same scan, a batch of rows and then a piece of the orders at a time.

Rows are typed in batches and laid down on disk by the hash of their order number; each pile folds into orders by itself;
rules run over pieces (`rules/pieces.py`); what is left in memory are the orders that some rule flagged.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import KEY
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest import Source, find_sources
from orderguard.ingest.batches import read_batches
from orderguard.ledger.snoozes import SnoozeBook
from orderguard.normalise.typed import REJECTS
from orderguard.platforms import header_score, match_header, platform_ids
from orderguard.rules.engine import needed
from orderguard.rules.pieces import AUDITED, PAST, ROW, run_in_pieces
from orderguard.stages.databases import database_sources, files_among
from orderguard.stages.drawing import drawn_by_lot
from orderguard.stages.judging import Judged, audited, conclude, facts_for, left_out
from orderguard.stages.reading import Pile, Read, add_table, folded_orders, future_notes, with_lookups
from orderguard.stages.tables import expired

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orderguard.ingest import Table
    from orderguard.ledger import CaseBook, History
    from orderguard.ledger.history import HistoryFile
    from orderguard.platforms import Profile
    from orderguard.rules.engine import Verdicts
    from orderguard.stages.memory import Plan
    from orderguard.stages.options import Options

_SLASHED = r"^[\s'\"]*(\d{1,2})[-/.](\d{1,2})[-/.](?:\d{4}|\d{2})(?:\D|$)"


@dataclass
class Large:
    """The inputs, typed and laid down on disk.

    Attributes:
        folder: the piles; removed by `close`.
        plan: sizes of batches and pieces.
        pile: files, problems, rejects so far.
        spans: per file its first and last order time.
        span: of all files.
    """

    folder: Path
    plan: Plan
    pile: Pile = field(default_factory=Pile)
    spans: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    marks: list[Any] = field(default_factory=list)
    batches: int = 0

    @property
    def span(self) -> tuple[Any, Any]:
        """First and last order time of all inputs."""
        first = [a for a, _ in self.spans.values() if a is not None]
        last = [b for _, b in self.spans.values() if b is not None]
        return (min(first), max(last)) if first else (None, None)

    def close(self) -> None:
        """Remove the piles."""
        shutil.rmtree(self.folder, ignore_errors=True)


def lay_down_inputs(options: Options, profiles: Sequence[Profile], plan: Plan) -> Large:
    """Read every input in batches and lay its rows down by order number.

    Raises:
        OrderguardError: not one row could be read; every reason at once.
    """
    options.ledger.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Beside the ledger: a disk that holds the history has room, and /tmp may be memory.
    _sweep(options.ledger)
    large = Large(Path(tempfile.mkdtemp(prefix=f".pieces-{os.getpid()}-", dir=options.ledger)), plan)
    try:
        score, rows = header_score(profiles), 0
        for source in [*database_sources(options, profiles, large.marks), *find_sources(files_among(options.paths))]:
            one = _settled(source, score, options, profiles, plan)
            tables = (
                source.tables
                if source.sha256
                else read_batches(source, score, plan.block, plan.rows, options.passwords)
            )
            first = len(large.pile.files)
            for table in _whole_orders(tables, profiles, one):
                rows += len(table.frame)
                options.progress("read", rows)
                _add(large, table, one, profiles)
            for file in large.pile.files[first:]:
                file.update(bytes=source.size, sha256=source.sha256)
            large.pile.problems += source.problems
        _some_rows(large.pile)
    except BaseException:
        large.close()
        raise
    large.pile.problems = once([*expired(options.book)[1], *large.pile.problems])
    return large


def _some_rows(pile: Pile) -> None:
    if any(f["rows"] for f in pile.files):
        return
    if not any(p.fatal for p in pile.problems):
        what = Words("没有一行订单：只有表头", "no order rows: only a header")
        pile.problems.append(Problem(what, ", ".join(f["file"] for f in pile.files)[:200]))
    raise OrderguardError(*pile.problems)


def _sweep(ledger: Path) -> None:
    """Remove what killed scans left."""
    for folder in ledger.glob(".pieces-*"):
        pid = folder.name.split("-")[1]
        try:
            os.kill(int(pid), 0)
        except (OSError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)


def _add(large: Large, table: Table, options: Options, profiles: Sequence[Profile]) -> None:
    """Type one batch, lay it down, keep count."""
    batch = Pile()
    add_table(table, {"bytes": 0, "sha256": ""}, batch, options, profiles)
    pile = large.pile
    batch.problems += future_notes(batch.rows, options)
    pile.problems += batch.problems
    pile.rejects += [r for r in batch.rejects if len(r)]
    for platform, sums in batch.sums.items():
        pile.sums.setdefault(platform, {}).update(sums)
    for file in batch.files:
        same = next((f for f in pile.files if f["file"] == file["file"] and f["platform"] == file["platform"]), None)
        if same is None:
            pile.files.append(file)
        else:
            same["rows"] += file["rows"]
    for rows in batch.rows:
        span = rows.select(pl.col("created_at").min().alias("a"), pl.col("created_at").max().alias("b")).row(0)
        before = large.spans.get(table.source, (None, None))
        a, b = [x for x in (before[0], span[0]) if x is not None], [x for x in (before[1], span[1]) if x is not None]
        large.spans[table.source] = (min(a, default=None), max(b, default=None))
        large.batches += 1
        _scatter(rows, large.folder / "rows", large.batches, large.plan.piles)


def _scatter(rows: pl.DataFrame, folder: Path, number: int, piles: int) -> None:
    folder.mkdir(exist_ok=True, mode=0o700)
    marked = rows.with_columns(_bucket=pl.col("order_id").hash(3) % piles)
    for (bucket,), part in marked.partition_by("_bucket", as_dict=True, include_key=False).items():
        part.write_parquet(folder / f"{bucket:04d}-{number:06d}.parquet", compression="lz4")


def _pile(folder: Path, bucket: int) -> pl.DataFrame | None:
    files = sorted(folder.glob(f"{bucket:04d}-*.parquet"))
    return pl.concat([pl.read_parquet(f) for f in files], how="diagonal_relaxed", rechunk=True) if files else None


def judge_large(
    large: Large,
    options: Options,
    profiles: Sequence[Profile],
    synonyms: Mapping[str, frozenset[str]],
    cases: CaseBook,
    history: History,
) -> tuple[Read, Judged, list[HistoryFile]]:
    """Fold, enrich and judge, pile by pile.

    Returns:
        What was read and judged, of the orders that some rule flagged only (`judged.rest` has the others' decisions),
        and the history files that were written.
    """
    book = options.book
    within = needed(book.variants)[2]
    first, last = large.span
    if first is not None:
        for number, past in enumerate(history.between(first - within, last + within)):
            _scatter(past, large.folder / "past", number, large.plan.piles)
    folds = _Folds(large, options, profiles, history, within)
    found = run_in_pieces(folds.parts(synonyms), book.variants, book.locale, synonyms, large.folder, large.plan.rows)
    rejects = pl.concat([pl.DataFrame(schema=REJECTS), *large.pile.rejects, *folds.rejects]).sort(
        "source_file", "source_row"
    )
    if not folds.orders:
        row = rejects.row(0, named=True)
        what = Words(
            f"没有一行能读取；第一处：{row['reason']}", f"not one row could be read; the first: {row['reason']}"
        )
        raise OrderguardError(*large.pile.problems, Problem(what, row["source_file"], row["source_row"]))
    per_file = dict(rejects.group_by("source_file").len().iter_rows())
    for file in large.pile.files:
        file["folded"] = folds.folded.get(file["file"], 0)
        file["read"] = file["rows"] - file["folded"]
        file["rejected"] = per_file.get(file["file"], 0)
    hits = found.findings["row"].unique().sort()
    kept, lines, rest = list[Path](), list[Path](), list[Path]()
    passed: dict[str, int] = {}
    for number, (orders, items) in enumerate(folds.again()):
        # Orders drawn for control stay, as those that a rule flagged do.
        flagged = pl.col(ROW).is_in(hits.implode()) | drawn_by_lot(orders, options.sample, platform_ids(profiles))
        # Through the disk: a filtered frame's texts keep the whole pile's texts in memory.
        some = orders.filter(flagged)
        kept.append(_set_aside(some, large.folder / f"kept-{number:04d}.parquet"))
        lines.append(
            _set_aside(items.join(some.select(KEY), on=KEY, how="semi"), large.folder / f"items-{number:04d}.parquet")
        )
        clean = orders.filter(~flagged & ~pl.col(PAST)).drop(ROW, AUDITED)
        if len(clean):
            path = large.folder / f"rest-{number:04d}.parquet"
            decided = conclude(
                clean, found._replace(findings=found.findings.clear()), 0, book, None, guard=False
            ).decisions
            decided.write_parquet(path)
            for profile, n in decided.group_by("profile").len().iter_rows():
                passed[profile] = passed.get(profile, 0) + n
            rest.append(path)
    frame, verdicts = placed(pl.concat([pl.read_parquet(f) for f in kept], how="diagonal_relaxed", rechunk=True), found)
    judged = conclude(
        frame,
        verdicts,
        folds.orders,
        book,
        cases,
        skipped=folds.skipped,
        snoozes=SnoozeBook(cases.ledger).active(options.now),
    )
    names = [c for c in folds.names if c in frame.columns]
    read = Read(
        frame.filter(~pl.col(PAST)).select(names), pl.concat([pl.read_parquet(f) for f in lines]), rejects, large.pile.files,
        [*large.pile.problems, *folds.problems], large.marks, spans=large.spans,
    )  # fmt: skip
    return read, judged._replace(rest=tuple(rest), passed=passed), folds.written


def placed(frame: pl.DataFrame, found: Verdicts) -> tuple[pl.DataFrame, Verdicts]:
    """Flagged orders in one order, current ones first, and the findings with their places there."""
    frame = frame.sort(PAST, "source_file", "source_row", ROW).rechunk()
    place = frame.select(row=pl.col(ROW).cast(pl.Int64), _at=pl.int_range(pl.len(), dtype=pl.UInt32))
    moved = found.findings.join(place, on="row", how="left", maintain_order="left")
    findings = moved.with_columns(row=pl.col("_at")).drop("_at").sort("row", maintain_order=True)
    return frame.drop(ROW, AUDITED), found._replace(findings=findings)


def _set_aside(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_parquet(path, compression="lz4")
    return path


class _Folds:
    """Piles of rows turned into orders with facts; what was found out on the way."""

    def __init__(
        self, large: Large, options: Options, profiles: Sequence[Profile], history: History, within: Any
    ) -> None:
        self.large, self.options, self.profiles, self.history, self.within = large, options, profiles, history, within
        self.rejects: list[pl.DataFrame] = []
        self.folded: dict[str, int] = {}
        self.written: list[HistoryFile] = []
        self.problems: list[Problem] = []
        self.names: list[str] = []
        self.orders = 0
        self.skipped: dict[str, int] = {}
        first = next(f for f in sorted((large.folder / "rows").glob("*.parquet")))
        self._some_rows = pl.read_parquet(first, n_rows=0)
        self._score = header_score(profiles)

    def parts(self, synonyms: Mapping[str, frozenset[str]]) -> Iterator[pl.DataFrame]:
        """Orders with facts of each pile, earlier ones behind them; they stay on disk for `again`."""
        book, ids, number = self.options.book, platform_ids(self.profiles), 0
        misses: dict[str, int] = {}
        notes: list[Problem] = []
        for bucket in range(self.large.plan.piles):
            rows, past = (_pile(self.large.folder / name, bucket) for name in ("rows", "past"))
            if rows is None:
                if past is None:
                    continue
                rows = self._some_rows.clear()  # earlier orders count in windows, whoever shares their pile
            notes = []
            if len(rows):
                rows = with_lookups(rows, self.options, self.profiles, self._score, notes)
            for note in notes:
                misses[note.text("en")] = misses.get(note.text("en"), 0) + 1
            folded = folded_orders(rows, self.large.pile.sums, book.locale, ids)
            self.names = folded.orders.columns
            self.rejects.append(folded.rejects)
            for file, n in folded.folded.items():
                self.folded[file] = self.folded.get(file, 0) + n
            known, beside = self.history.of_pile(past, folded.orders, self.large.span, self.within, ids)
            self.written += (
                []
                if folded.orders.is_empty()
                else self.history.write(folded.orders, self.options.run_id, known, piece=f".{bucket:04d}")
            )
            both = pl.concat([folded.orders, beside.select(self.names)], rechunk=True) if len(beside) else folded.orders
            frame = both.with_columns(pl.int_range(pl.len()).ge(len(folded.orders)).alias(PAST))
            frame = facts_for(frame, book, synonyms)
            heard = audited(frame, book)
            heard = pl.repeat(True, len(frame), eager=True) if heard is None else heard
            for stage, n in left_out(frame, heard).items():
                self.skipped[stage] = self.skipped.get(stage, 0) + n
            frame = frame.with_columns(pl.int_range(number, number + pl.len()).alias(ROW), heard.alias(AUDITED))
            number += len(frame)
            self.orders += len(folded.orders)
            frame.write_parquet(self.large.folder / f"orders-{bucket:04d}.parquet", compression="lz4")
            folded.lines.write_parquet(self.large.folder / f"lines-{bucket:04d}.parquet", compression="lz4")
            self.options.progress("rules", self.orders)
            if len(frame):
                yield frame
        piles = sum(1 for _ in self.large.folder.glob("orders-*.parquet"))
        self.problems += [n for n in notes if misses[n.text("en")] == piles] if piles else []

    def again(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """The orders and lines of each pile, once more."""
        for file in sorted(self.large.folder.glob("orders-*.parquet")):
            yield pl.read_parquet(file), pl.read_parquet(file.with_name(file.name.replace("orders-", "lines-")))


def _whole_orders(tables: Any, profiles: Sequence[Profile], options: Options) -> Iterator[Table]:
    """Batches that end before an order: rows without a number that follow it go with it into the next one."""
    held: Table | None = None
    for table in tables:
        if held is not None and held.source == table.source and held.frame.columns == table.frame.columns:
            table.frame = pl.concat([held.frame, table.frame])
        elif held is not None:
            yield held
        held = None
        names = [c for c in table.frame.columns if c != "source_row"]
        try:
            own = match_header(names, profiles, options.platform, table.source).picks["order_id"].sources
        except (OrderguardError, KeyError):
            yield table
            continue
        begins = table.frame.select(pl.any_horizontal(pl.col(own).is_not_null()).arg_true()).to_series()
        last = int(begins[-1]) if len(begins) else 0
        held = replace(table, frame=table.frame[last:], bad=[], notes=[])
        table.frame = table.frame[:last]
        yield table
    if held is not None and len(held.frame):
        yield held


def _settled(source: Source, score: Any, options: Options, profiles: Sequence[Profile], plan: Plan) -> Options:
    """Options with the order of day and month, where the whole file must be asked for it."""
    if options.date_order is not None or source.sha256:
        return options
    day = month = False
    for number, table in enumerate(
        read_batches(Source(source.path, source.name), score, plan.block, plan.rows, options.passwords)
    ):
        names = [c for c in table.frame.columns if c != "source_row"]
        try:
            picks = match_header(names, profiles, options.platform, table.source).picks
        except OrderguardError:
            return options
        dates = [
            s for n in ("created_at", "paid_at", "registered_at", "promised_at") if n in picks for s in picks[n].sources
        ]
        texts = [table.frame[s] for s in dates if table.frame.schema[s] == pl.String]
        parts = [t.drop_nulls().unique().str.extract_groups(_SLASHED).struct for t in texts]
        firsts = [(p.field("1").cast(pl.Int32, strict=False), p.field("2").cast(pl.Int32, strict=False)) for p in parts]
        if not number and not any(a.is_not_null().any() for a, _ in firsts):
            return options
        day = day or any(bool((a > 12).any()) for a, _ in firsts)
        month = month or any(bool((b > 12).any()) for _, b in firsts)
    return options if day == month else replace(options, date_order="day" if day else "month")


def once(problems: Sequence[Problem]) -> list[Problem]:
    """What every batch of a file says again is said once, its counts added up."""
    kept: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        kept.setdefault((problem.where, re.sub(r"\d+", "", problem.what.en)), []).append(problem)
    return [replace(same[0], what=_summed([p.what for p in same])) for same in kept.values()]


def _summed(said: Sequence[Words]) -> Words:
    """One sentence for several that differ in their numbers only: the first number is the count."""
    counts = [re.search(r"\d+", w.en) for w in said]
    if len(said) == 1 or None in counts:
        return said[0]
    total = str(sum(int(c[0]) for c in counts if c))
    return Words(*(re.sub(r"\d+", total, text, count=1) for text in said[0]))
