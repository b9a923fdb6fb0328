"""Inputs larger than memory, read: typed a batch of rows at a time and laid down, with what is known of them.

An order number that occurs once in all inputs is an order by itself; only rows whose number occurs again must meet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.frames import bare, whole
from orderguard.ingest import Source, find_sources, passed_over
from orderguard.ingest.batches import can_batch, read_batches
from orderguard.ingest.reader import look_at, telling
from orderguard.ledger.scratch import Scratch
from orderguard.platforms import header_score, match_header
from orderguard.stages.ahead import one_ahead
from orderguard.stages.aside import Aside
from orderguard.stages.databases import database_batches, files_among
from orderguard.stages.reading import Pile, add_table, future_notes
from orderguard.stages.shelf import Shelf
from orderguard.stages.tables import expired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orderguard.ingest import Table
    from orderguard.platforms import Profile
    from orderguard.stages.memory import Plan
    from orderguard.stages.options import Options

_AT_ONCE = 8_000_000
"""Order numbers that are compared at once."""
_SLASHED = r"^[\s'\"]*(\d{1,2})[-/.](\d{1,2})[-/.](?:\d{4}|\d{2})(?:\D|$)"


@dataclass
class Large:
    """The inputs, typed and laid down.

    Attributes:
        scratch: the piles' folder; removed by `close`.
        plan: sizes of batches and pieces.
        pile: files and problems so far.
        aside: rows set aside.
        shelf: the typed rows, batch by batch.
        numbers: hashes of the order numbers, batch by batch.
        shape: typed rows, none of them.
        spans: per file the first and last time that a row of it has.
        span: of all files.
    """

    scratch: Scratch
    plan: Plan
    pile: Pile = field(default_factory=Pile)
    spans: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    marks: list[Any] = field(default_factory=list)
    numbers: list[pl.Series] = field(default_factory=list)
    shape: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Rows set aside lie with the rest."""
        self.aside = Aside(self.folder / "aside")
        self.shelf = Shelf(self.folder, self.plan.memory)

    @property
    def folder(self) -> Path:
        """Where the piles lie."""
        return self.scratch.folder

    @property
    def span(self) -> tuple[Any, Any]:
        """First and last order time of all inputs."""
        first = [a for a, _ in self.spans.values() if a is not None]
        last = [b for _, b in self.spans.values() if b is not None]
        return (min(first), max(last)) if first else (None, None)

    def rows(self, number: int, *, last: bool = False) -> pl.DataFrame:
        """A batch of typed rows; it is gone after the `last` time."""
        assert self.shape is not None  # noqa: S101 - there is a batch
        return whole((self.shelf.take if last else self.shelf.get)(number), self.shape.schema)

    def repeated(self) -> pl.Series:
        """Hashes of the order numbers that occur more than once, in slices so that a long year fits."""
        slices = sum(map(len, self.numbers)) // _AT_ONCE + 1
        found = [pl.Series([], dtype=pl.UInt64)]
        for k in range(slices):
            some = self.numbers if slices == 1 else [n.filter(n % slices == k) for n in self.numbers]
            every = (pl.concat(some) if some else found[0]).sort()  # a fifth of the time of a hash table
            found.append(every.filter(every == every.shift()).unique())
        return pl.concat(found)

    def close(self) -> None:
        """Remove what was laid down."""
        self.scratch.close()


def longer(one: tuple[Any, Any], other: tuple[Any, ...]) -> tuple[Any, Any]:
    """The span of time that holds both; a border that is not known is None."""
    first, last = ([x for x in ends if x is not None] for ends in zip(one, other, strict=True))
    return min(first, default=None), max(last, default=None)


def numbers(rows: pl.DataFrame) -> pl.Series:
    """A hash of each row's order number."""
    return rows["order_id"].hash(3)


def lay_down_inputs(options: Options, profiles: Sequence[Profile], plan: Plan) -> Large:
    """Read every input in batches and lay its rows down.

    Raises:
        OrderguardError: not one row could be read; every reason at once.
    """
    large = Large(Scratch(options.ledger, options.now), plan)
    try:
        score, rows = header_score(profiles), 0
        files = (
            (s, read_batches(s, score, plan.block, plan.rows, options.passwords))
            for s in find_sources(files_among(options.paths))
        )
        for source, tables in chain(database_batches(options, profiles, large.marks), files):
            one = _settled(source, score, options, profiles, plan)
            first = len(large.pile.files)
            for table in one_ahead(_whole_orders(tables, profiles, one)):
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
    large.pile.problems = once(
        [*expired(options.book)[1], *passed_over(options.paths, options.lookups), *large.pile.problems]
    )
    return large


def _some_rows(pile: Pile) -> None:
    if any(f["rows"] for f in pile.files):
        return
    if not any(p.fatal for p in pile.problems):
        what = Words("没有一行订单：只有表头", "no order rows: only a header")
        pile.problems.append(Problem(what, ", ".join(f["file"] for f in pile.files)[:200]))
    raise OrderguardError(*pile.problems)


def _add(large: Large, table: Table, options: Options, profiles: Sequence[Profile]) -> None:
    """Type one batch, lay it down, keep count."""
    batch = Pile()
    add_table(table, {"bytes": 0, "sha256": ""}, batch, options, profiles)
    pile = large.pile
    batch.problems += future_notes(batch.rows, options)
    pile.problems += batch.problems
    for rejects in batch.rejects:
        large.aside.add(rejects)
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
        large.spans[table.source] = longer(large.spans.get(table.source, (None, None)), span)
        large.shape = rows.clear()
        if len(rows):
            large.shelf.put(len(large.numbers), bare(rows))
            large.numbers.append(numbers(rows))


def _whole_orders(tables: Any, profiles: Sequence[Profile], options: Options) -> Iterator[Table]:
    """Batches that end before an order: rows without a number go with the order above, whichever batch it lies in."""
    held: Table | None = None
    own: list[str] = []
    names: list[str] = []
    for table in tables:
        if table.frame.columns != names:
            names = table.frame.columns
            own = _number_columns(table, profiles, options)
        if held is not None and own and held.source == table.source and held.frame.schema == table.frame.schema:
            numbered = table.frame.select(pl.any_horizontal(pl.col(own).is_not_null())).to_series()
            first = numbered.arg_max()
            lead = first if first is not None and numbered[first] else len(numbered)
            if lead:
                held.frame = pl.concat([held.frame, table.frame[:lead]])
                table.frame = table.frame[lead:]
        if held is not None:
            yield held
        held = table
    if held is not None:
        yield held


def _number_columns(table: Table, profiles: Sequence[Profile], options: Options) -> list[str]:
    headings = [c for c in table.frame.columns if c != "source_row"]
    try:
        return list(match_header(headings, profiles, options.platform, table.source).picks["order_id"].sources)
    except (OrderguardError, KeyError):
        return []


def _settled(source: Source, score: Any, options: Options, profiles: Sequence[Profile], plan: Plan) -> Options:
    """Options with the order of day and month, where the whole file must be asked for it."""
    if options.date_order is not None or source.sha256 or not can_batch(source):  # what comes whole settles itself
        return options
    day = month = False
    with telling(source):
        look_at(source)
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
