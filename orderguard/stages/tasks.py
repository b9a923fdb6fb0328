"""What Spark's tasks run: the same typing, folding, facts and rules as in memory, on the rows that Spark hands over.

Between tasks frames travel as binary cells of a narrow table (`PARCEL`), so that every type arrives as it left.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import KEY
from orderguard.ingest.records import parquet_table
from orderguard.ledger.history import beside
from orderguard.platforms import platform_ids, platform_words
from orderguard.rules.pieces import AUDITED, CORE, PAST, ROW, answer, columns_of, reaches, run_alone
from orderguard.stages.drawing import drawn_by_lot
from orderguard.stages.judging import audited, facts_for, left_out
from orderguard.stages.reading import Pile, add_table, folded_orders, future_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from orderguard.platforms import Profile
    from orderguard.rules import Rulebook
    from orderguard.stages.options import Options

PARCEL = "kind string, rule int, bucket long, slice int, size long, blob binary"
STRIDE = 1 << 40
"""Rows that a bucket of orders may hold: an order's number is bucket * STRIDE + its place there."""
_PER_PARCEL = 50_000

Parcel = tuple[str, int, int, int, int, bytes]


@dataclass(frozen=True)
class Job:
    """What tasks need to know; sent to every one of them.

    Attributes:
        options: of the scan.
        profiles: of all platforms.
        name: how messages call the input.
        buckets: piles that orders are dealt to.
        span: first and last order time; None before it is known.
        within: the longest window.
        shape: typed rows, none of them.
    """

    options: Options
    profiles: tuple[Profile, ...]
    name: str
    buckets: int
    span: tuple[datetime | None, datetime | None] = (None, None)
    within: timedelta | None = None
    shape: bytes = b""

    @property
    def book(self) -> Rulebook:
        """The rulebook."""
        return self.options.book


def packed(frame: pl.DataFrame) -> bytes:
    """A frame as bytes."""
    out = io.BytesIO()
    frame.rechunk().write_ipc_stream(out, compression="lz4")
    return out.getvalue()


def unpacked(blobs: Iterable[bytes]) -> pl.DataFrame:
    """Frames of one kind, together again."""
    return pl.concat([pl.read_ipc_stream(io.BytesIO(b)) for b in blobs], how="diagonal_relaxed", rechunk=True)


def task(work: Callable[[Iterator[Parcel]], Iterable[Parcel]]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A function of parcels as `mapInArrow` takes it."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        yield from _sent(work(_parcels(batches)))

    return run


def _parcels(batches: Iterator[Any]) -> Iterator[Parcel]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _sent(parcels: Iterable[Parcel]) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - in Spark's tasks only

    types = {
        "kind": pa.string(),
        "rule": pa.int32(),
        "bucket": pa.int64(),
        "slice": pa.int32(),
        "size": pa.int64(),
        "blob": pa.binary(),
    }
    schema = pa.schema(list(types.items()))
    for parcel in parcels:
        yield pa.RecordBatch.from_pylist([dict(zip(types, parcel, strict=True))], schema=schema)


def dealt(kind: str, rule: int, frame: pl.DataFrame, bucket: pl.Expr) -> Iterator[Parcel]:
    """A frame's rows in parcels by bucket."""
    for (number,), part in frame.with_columns(_to=bucket).partition_by("_to", as_dict=True, include_key=False).items():
        yield kind, rule, int(number), 0, len(part), packed(part)


def typed(job: Job) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Raw rows to typed ones, dealt by order number."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        before = 0
        for batch in batches:
            raw = pl.from_arrow(batch)
            assert isinstance(raw, pl.DataFrame)  # noqa: S101 - a record batch is a table
            table = parquet_table(raw, job.name)
            table.frame = table.frame.with_columns(pl.col("source_row") + before)
            before += len(raw)
            yield from _sent(_typed(job, table))

    return run


def _typed(job: Job, table: Any) -> Iterator[Parcel]:
    pile = Pile()
    add_table(table, {}, pile, job.options, job.profiles)
    notes = [*pile.problems, *future_notes(pile.rows, job.options)]
    told = (pile.files, notes, pile.sums)
    yield "file", 0, 0, 0, 0, pickle.dumps(told)
    for rejects in pile.rejects:
        if len(rejects):
            yield "reject", 0, 0, 0, len(rejects), packed(rejects)
    for rows in pile.rows:
        yield "shape", 0, 0, 0, 0, packed(rows.clear())
        span = rows.select(pl.col("created_at").min().alias("first"), pl.col("created_at").max().alias("last"))
        yield "span", 0, 0, 0, len(rows), packed(span)
        yield from dealt("rows", 0, rows, pl.col("order_id").hash(3) % job.buckets)


def judged(job: Job, sums: dict[str, dict[str, str]], piles: int) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Rows of whole orders: folded, enriched, judged by the rules that need their own row, dealt by the others' keys."""
    rules, words = job.book.variants, platform_words(job.profiles)
    alone = [r for r in rules if not reaches(r)]

    def run(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
        for bucket, frame, folded in _orders(job, sums, parcels):
            own = run_alone(frame, alone, job.book.locale, words)
            yield "found", 0, bucket, 0, len(own.findings), packed(own.findings)
            yield "seen", 0, bucket, 0, 0, packed(own.coverage)
            if len(folded.rejects):
                yield "reject", 0, bucket, 0, len(folded.rejects), packed(folded.rejects)
            skipped = left_out(frame, frame[AUDITED])
            told_of = (folded.folded, skipped, by_profile(frame.filter(~pl.col(PAST)), job.book))
            yield "count", 0, bucket, 0, len(folded.orders), pickle.dumps(told_of)
            sizes = []
            for i, rule in enumerate(rules):
                if reaches(rule):
                    keys = rule.settings.reach().keys
                    to = pl.concat_str(keys, separator="\x1f", ignore_nulls=True).hash(7) % piles if keys else pl.lit(0)
                    for parcel in dealt("pile", i, frame.select(columns_of(rule, rules, frame.columns)), to):
                        sizes.append((i, parcel[2], parcel[4]))
                        yield parcel
            told = pl.DataFrame(sizes, schema={"rule": pl.Int64, "bucket": pl.Int64, "size": pl.Int64}, orient="row")
            yield "size", 0, bucket, 0, len(told), packed(told)

    return task(run)


def by_profile(orders: pl.DataFrame, book: Rulebook) -> dict[str, int]:
    """How many orders each promotion holds for."""
    if len(book.profiles) == 1:
        return {book.profiles[0].name: len(orders)}
    counts = orders.select(book.holding().alias("at")).to_series().value_counts()
    return {book.profiles[at].name: n for at, n in counts.iter_rows()}


def kept(job: Job, sums: dict[str, dict[str, str]], hits: frozenset[int]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """The orders that some rule flagged, with their lines."""

    def run(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
        wanted = pl.Series(sorted(hits), dtype=pl.Int64)
        for bucket, frame, folded in _orders(job, sums, parcels):
            drawn = drawn_by_lot(frame, job.options.sample, platform_ids(job.profiles))
            some = frame.filter(pl.col(ROW).is_in(wanted.implode()) | drawn)
            if len(some):
                yield "kept", 0, bucket, 0, len(some), packed(some)
                lines = folded.lines.join(some.select(KEY), on=KEY, how="semi")
                yield "lines", 0, bucket, 0, len(lines), packed(lines)

    return task(run)


def _orders(
    job: Job, sums: dict[str, dict[str, str]], parcels: Iterator[Parcel]
) -> Iterator[tuple[int, pl.DataFrame, Any]]:
    ids, words = platform_ids(job.profiles), platform_words(job.profiles)
    groups: dict[int, dict[str, list[tuple[int, bytes]]]] = {}
    for kind, _, bucket, order, _, blob in parcels:
        if kind in {"rows", "past"}:
            groups.setdefault(bucket, {}).setdefault(kind, []).append((order, blob))
    for bucket in sorted(groups):
        some = groups.pop(bucket)
        rows = unpacked(b for _, b in some["rows"]) if "rows" in some else None
        past = unpacked(b for _, b in sorted(some["past"])) if "past" in some else None
        rows = unpacked([job.shape]) if rows is None else rows  # earlier orders count, whoever shares their bucket
        folded = folded_orders(rows, sums, job.book, ids)
        frame = folded.orders
        first, last = job.span
        if past is not None and first is not None and last is not None and job.within is not None:
            earlier = past.unique(KEY, keep="last", maintain_order=True)
            near = beside(earlier, frame, first - job.within, last + job.within, ids)
            frame = pl.concat([frame, near.select(frame.columns)], rechunk=True)
        frame = frame.with_columns(pl.int_range(pl.len()).ge(len(folded.orders)).alias(PAST))
        frame = facts_for(frame, job.book, words)
        heard = audited(frame, job.book)
        heard = pl.repeat(True, len(frame), eager=True) if heard is None else heard
        numbers = pl.int_range(pl.len(), dtype=pl.Int64) + bucket * STRIDE
        yield bucket, frame.with_columns(numbers.alias(ROW), heard.alias(AUDITED)), folded


def counted(job: Job, hot: frozenset[tuple[int, int]]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """How many rows of hot piles lie in each window's length of time."""
    rules = job.book.variants

    def run(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
        for _, rule, bucket, _, _, blob in parcels:
            if (rule, bucket) in hot:
                width = max(int((rules[rule].settings.reach().within).total_seconds() * 1e6), 1)  # type: ignore[union-attr]
                at = unpacked([blob]).select(slot=pl.col("created_at").dt.epoch("us") // width).drop_nulls()
                yield "slots", rule, bucket, 0, len(at), packed(at.group_by("slot").len())

    return task(run)


def sliced(job: Job, cuts: dict[tuple[int, int], list[datetime]]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Hot piles in slices of time, each with what lies within a window of it beside it (`_core` is false)."""
    rules = job.book.variants

    def run(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
        for parcel in parcels:
            _, rule, bucket, _, _, blob = parcel
            borders = cuts.get((rule, bucket))
            if borders is None:
                yield parcel
                continue
            frame, within = unpacked([blob]), rules[rule].settings.reach().within or timedelta(0)
            at = pl.col("created_at")
            for number, (low, high) in enumerate(zip([None, *borders], [*borders, None], strict=True)):
                core = near = at.is_not_null()
                if low is not None:
                    core, near = core & (at >= low), near & (at >= low - within)
                if high is not None:
                    core, near = core & (at < high), near & (at < high + within)
                core = core | at.is_null() if low is None else core
                part = frame.with_columns(core.alias(CORE)).filter(pl.col(CORE) | near)
                if len(part):
                    yield "pile", rule, bucket, number, len(part), packed(part)

    return task(run)


def answered(job: Job) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Piles of one key (or slices of them), judged by their rule."""
    rules, words = job.book.variants, platform_words(job.profiles)

    def run(parcels: Iterator[Parcel]) -> Iterator[Parcel]:
        groups: dict[tuple[int, int, int], list[bytes]] = {}
        for _, rule, bucket, number, _, blob in parcels:
            groups.setdefault((rule, bucket, number), []).append(blob)
        for rule, bucket, number in sorted(groups):
            piece = unpacked(groups.pop((rule, bucket, number)))
            told = answer(piece, rules[rule], rules, job.book.locale, words)
            yield "found", rule, bucket, number, len(told.findings), packed(told.findings)
            yield "seen", rule, bucket, number, 0, packed(told.coverage)

    return task(run)


def borders(counts: pl.DataFrame, width_us: int, rows: int) -> list[datetime]:
    """Times that cut a pile into slices of about `rows` rows.

    Args:
        counts: `slot len`: rows per window's length of time.
        width_us: that length.
        rows: how many a slice should hold.
    """
    per = counts.group_by("slot").agg(pl.col("len").sum()).sort("slot")
    group = per.with_columns(part=(pl.col("len").cum_sum() - pl.col("len")) // rows)
    firsts = group.group_by("part", maintain_order=True).agg(pl.col("slot").first())["slot"][1:]
    times: Sequence[datetime] = (firsts * width_us).cast(pl.Datetime("us", "UTC")).to_list()
    return list(times)
