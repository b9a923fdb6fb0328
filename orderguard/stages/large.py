"""Inputs larger than memory: the same scan, a part of the orders at a time.

Typed rows lie ready batch by batch (`stages/laying.py`). A row whose order number occurs once is an order; rows whose
number occurs again, here or in the ledger's history, are dealt to piles by it and fold there. Rules run over the parts and
over pieces of them (`rules/pieces.py`); what is left in memory are the orders that some rule flagged.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.columns import KEY
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.frames import bare, thin, whole
from orderguard.ledger.snoozes import SnoozeBook
from orderguard.platforms import header_score
from orderguard.rules.engine import needed
from orderguard.rules.pieces import AUDITED, PAST, ROW, run_in_pieces
from orderguard.stages.ahead import one_ahead
from orderguard.stages.drawing import drawn_by_lot
from orderguard.stages.judging import Judged, audited, conclude, facts_for, left_out
from orderguard.stages.laying import longer, numbers
from orderguard.stages.lookups import with_lookups
from orderguard.stages.reading import TOLD, Read, folded_orders
from orderguard.stages.shelf import taken, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderguard.normalise import Folded
    from orderguard.rules.engine import Verdicts
    from orderguard.stages.desk import Desk
    from orderguard.stages.laying import Large


_TOGETHER = 2
"""Pieces of history that are written at once: many small files take twice the time, more pieces the memory."""


def judge_large(large: Large, desk: Desk) -> tuple[Read, Judged]:
    """Fold, enrich and judge, part by part; the orders are on their way to the history (`History.pieces`).

    Returns:
        What was read and judged, of the orders that some rule flagged only (`judged.rest` has the others' decisions).

    Raises:
        OrderguardError: not one row is an order; the first one's reason.
    """
    options, book = desk.options, desk.book
    parts = _Parts(large, desk)
    found = run_in_pieces(
        one_ahead(parts.judged()),
        book.variants,
        book.locale,
        desk.synonyms,
        large.folder,
        large.plan.rows,
        parts.height,
    )
    desk.history.last_piece(options.run_id)
    aside = large.aside
    if not parts.orders:
        row = aside.first()
        what = Words(
            f"没有一行能读取；第一处：{row['reason']}", f"not one row could be read; the first: {row['reason']}"
        )
        raise OrderguardError(*large.pile.problems, Problem(what, row["source_file"], row["source_row"]))
    for file in large.pile.files:
        file["folded"] = parts.folded.get(file["file"], 0)
        file["read"] = file["rows"] - file["folded"]
        file["rejected"] = aside.counts.get(file["file"], 0)
    hits = found.findings["row"].unique().sort()
    kept, lines, rest = list[Path](), list[Path](), list[Path]()
    passed: dict[str, int] = {}
    for number, (orders, items) in enumerate(one_ahead(parts.again())):
        # Orders drawn for control stay, as those that a rule flagged do.
        flagged = _among(orders[ROW], hits) | drawn_by_lot(orders, options.sample, desk.ids)
        # Through the disk: a filtered frame's texts keep the whole part's texts in memory.
        some = orders.filter(flagged)
        if len(some):
            lines.append(
                write(items.join(some.select(KEY), on=KEY, how="semi"), large.folder / f"items-{number:04d}.ipc")
            )
            kept.append(write(bare(parts.with_facts(some)), large.folder / f"kept-{number:04d}.ipc"))
        clean = orders.lazy().select(*KEY, "created_at", PAST).filter(~flagged & ~pl.col(PAST)).collect()
        if len(clean):
            none = found._replace(findings=found.findings.clear())
            decided = conclude(clean, none, 0, book, None, guard=False).decisions
            rest.append(large.folder / f"rest-{number:04d}.parquet")
            decided.write_parquet(rest[-1], compression="lz4", statistics=False)
            for profile, n in decided.group_by("profile").len().iter_rows():
                passed[profile] = passed.get(profile, 0) + n
    frame = parts.nothing()
    if kept:
        frame = whole(pl.concat(list(map(taken, kept)), how="diagonal_relaxed"), frame.schema)
    frame, verdicts = placed(frame, found)
    judged = conclude(
        frame,
        verdicts,
        parts.orders,
        book,
        desk.cases,
        skipped=parts.skipped,
        snoozes=SnoozeBook(desk.ledger).active(desk.now),
    )
    told = Read(
        frame.filter(~pl.col(PAST)).select(TOLD), pl.concat([parts.no_lines, *map(taken, lines)]), aside, large.pile.files,
        [*large.pile.problems, *parts.problems], large.marks, spans=parts.spans,
    )  # fmt: skip
    return told, judged._replace(rest=tuple(rest), passed=passed)


def placed(frame: pl.DataFrame, found: Verdicts) -> tuple[pl.DataFrame, Verdicts]:
    """Flagged orders in one order, current ones first, and the findings with their places there."""
    frame = thin(frame.sort(PAST, "source_file", "source_row", ROW).rechunk())
    place = frame.select(row=pl.col(ROW).cast(pl.Int64), _at=pl.int_range(pl.len(), dtype=pl.UInt32))
    moved = found.findings.join(place, on="row", how="left", maintain_order="left")
    findings = moved.with_columns(row=pl.col("_at")).drop("_at").sort("row", maintain_order=True)
    return frame.drop(ROW, AUDITED), found._replace(findings=findings)


def _among(rows: pl.Series, hits: pl.Series) -> pl.Series:
    """Which rows of a part, numbered in order, were hit; `hits` is sorted."""
    mask = pl.repeat(False, len(rows), eager=True)
    if rows.is_empty():
        return mask
    first = int(rows[0])
    low, high = hits.search_sorted(first), hits.search_sorted(first + len(rows))
    return mask.scatter(hits[low:high] - first, True)


class _Made(NamedTuple):
    """A part that was judged: the number of its first order, and where its orders lie if rows were folded, else its batch."""

    first: int
    folded: Path | None
    batch: int


class _Parts:
    """Rows turned into orders with facts, part by part; what was found out on the way."""

    def __init__(self, large: Large, desk: Desk) -> None:
        self.large, self.desk = large, desk
        self.options, self.book, self.history = desk.options, desk.book, desk.history
        self.within = needed(desk.book.variants)[2]
        self.folded: dict[str, int] = {}
        self.spans: dict[str, tuple[Any, Any]] = {}
        self.problems: list[Problem] = []
        self.orders = self.number = 0
        self.skipped: dict[str, int] = {}
        self.made: list[_Made] = []
        self.misses: dict[str, list[Problem]] = {}
        self._score = header_score(desk.profiles)
        assert large.shape is not None  # noqa: S101 - at least one row was read
        self._shape = large.shape
        empty = folded_orders(large.shape, large.pile.sums, desk.book, desk.ids)
        self.names, self.no_lines = empty.orders.columns, empty.lines
        self._empty = empty.orders
        self.repeated = large.repeated()
        past = self._past()
        self.piles = 0
        together = sum(int(n.is_in(self.repeated.implode()).sum()) for n in large.numbers) if len(self.repeated) else 0
        if together or len(past):
            self.piles = (together + len(past)) // large.plan.rows + 1
            _deal(past, large.folder / "past", 0, self.piles)
        self.height = sum(map(len, large.numbers)) + len(past)

    def _past(self) -> pl.DataFrame:
        """Earlier orders that windows reach or that this input tells of again; their numbers join the repeated ones."""
        first, last = self.large.span
        if first is None:
            return self._empty.clear()
        low, high = first - self.within, last + self.within
        near = [pl.Series([], dtype=pl.UInt64)]
        for past in self.history.between(low, high):
            near.append(numbers(past.filter(pl.col("created_at").is_between(low, high))).unique())
            for own in self.large.numbers:
                near[-1] = pl.concat([near[-1], own.filter(own.is_in(numbers(past).implode()))]).unique()
        wanted = pl.concat(near).unique()
        if wanted.is_empty():
            return self._empty.clear()
        self.repeated = pl.concat([self.repeated, wanted]).unique()
        found = [p.filter(numbers(p).is_in(wanted.implode())) for p in self.history.between(low, high)]
        return pl.concat(found, how="diagonal_relaxed")

    def judged(self) -> Iterator[pl.DataFrame]:
        """Orders with facts, part by part, earlier ones behind them."""
        for i in range(len(self.large.numbers)):
            rows = self.large.rows(i)
            if self.piles:
                again = self.large.numbers[i].is_in(self.repeated.implode())
                _deal(rows.filter(again), self.large.folder / "rows", i, self.piles)
                rows = rows.filter(~again)
            if len(rows):
                yield self._part(rows, None, batch=i)
        for bucket in range(self.piles):
            found, past = (_pile(self.large.folder / name, bucket) for name in ("rows", "past"))
            if found is None and past is None:
                continue
            # Without rows: earlier orders count in windows, whoever shares their pile.
            rows = self._shape if found is None else found
            part = self._part(rows, past, self.large.folder / f"folded-{bucket:04d}")
            if len(part):
                yield part
        for said in self.misses.values():
            self.problems += said[:1] if len(said) == len(self.made) else []

    def _part(
        self, rows: pl.DataFrame, past: pl.DataFrame | None, folded: Path | None = None, batch: int = 0
    ) -> pl.DataFrame:
        made = self._fold(rows, tell=True)
        self.large.aside.add(made.rejects)
        for file, n in made.folded.items():
            self.folded[file] = self.folded.get(file, 0) + n
        at = pl.col("created_at")
        for file, low, high in made.orders.group_by("source_file").agg(at.min(), at.max().alias("_")).iter_rows():
            self.spans[file] = longer(self.spans.get(file, (None, None)), (low, high))
        known, beside = self.history.of_pile(past, made.orders, self.large.span, self.within, self.desk.ids)
        if len(made.orders):
            self.history.add_piece(made.orders, self.options.run_id, known, _TOGETHER * self.large.plan.rows)
        frame = self._numbered(made, beside.select(self.names), self.number)
        for stage, n in left_out(frame, frame[AUDITED]).items():
            self.skipped[stage] = self.skipped.get(stage, 0) + n
        if folded:
            write(frame, folded.with_suffix(".orders"))
            write(made.lines, folded.with_suffix(".lines"))
        self.made.append(_Made(self.number, folded, batch))
        self.number += len(frame)
        self.orders += len(made.orders)
        self.options.progress("rules", self.orders)
        return self.with_facts(frame)

    def _fold(self, rows: pl.DataFrame, *, tell: bool = False) -> Folded:
        notes: list[Problem] = []
        if self.options.lookups and len(rows):
            rows = with_lookups(rows, self.options, self.desk.profiles, self._score, notes)
        for note in notes if tell else ():
            self.misses.setdefault(note.text("en"), []).append(note)
        return folded_orders(rows, self.large.pile.sums, self.book, self.desk.ids)

    def _numbered(self, made: Folded, beside: pl.DataFrame, first: int) -> pl.DataFrame:
        both = pl.concat([made.orders, beside], rechunk=True) if len(beside) else made.orders
        frame = both.with_columns(pl.int_range(pl.len()).ge(len(made.orders)).alias(PAST))
        heard = audited(frame, self.book)
        heard = pl.repeat(True, len(frame), eager=True) if heard is None else heard
        return frame.with_columns(pl.int_range(first, first + pl.len()).alias(ROW), heard.alias(AUDITED))

    def with_facts(self, orders: pl.DataFrame) -> pl.DataFrame:
        """Orders of a part with the facts that the rules need."""
        return facts_for(orders, self.book, self.desk.synonyms)

    def nothing(self) -> pl.DataFrame:
        """What `with_facts` gives for no orders."""
        marks = [pl.lit(value=False).alias(PAST), pl.lit(0, pl.Int64).alias(ROW), pl.lit(value=True).alias(AUDITED)]
        return self.with_facts(self._empty.with_columns(marks))

    def again(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """The orders (numbered, without facts) and lines of each part, once more."""
        for first, folded, batch in self.made:
            if folded:
                yield taken(folded.with_suffix(".orders")), taken(folded.with_suffix(".lines"))
                continue
            rows = self.large.rows(batch, last=True)
            if self.piles:
                rows = rows.filter(~numbers(rows).is_in(self.repeated.implode()))
            made = self._fold(rows)
            yield self._numbered(made, self._empty, first), made.lines


def _deal(rows: pl.DataFrame, folder: Path, number: int, piles: int) -> None:
    """Lay rows down by order number."""
    folder.mkdir(exist_ok=True, mode=0o700)
    marked = rows.with_columns(_bucket=numbers(rows) % piles)
    for (bucket,), part in marked.partition_by("_bucket", as_dict=True, include_key=False).items():
        write(part, folder / f"{bucket:04d}-{number:06d}.ipc")


def _pile(folder: Path, bucket: int) -> pl.DataFrame | None:
    files = sorted(folder.glob(f"{bucket:04d}-*.ipc"))
    return pl.concat(list(map(taken, files)), how="diagonal_relaxed", rechunk=True) if files else None
