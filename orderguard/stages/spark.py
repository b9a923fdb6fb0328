"""A scan on a Spark cluster: Spark reads and shuffles, its tasks run the same code as a scan in memory.

What comes back are findings, rejects, counts and the flagged orders; the usual rooms go on from there.
"""

from __future__ import annotations

import pickle
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ledger.snoozes import SnoozeBook
from orderguard.normalise.recipe import REJECTS
from orderguard.platforms import match_header, platform_ids
from orderguard.platforms.profile import heading_key
from orderguard.rules.engine import needed
from orderguard.rules.pieces import AUDITED, PAST, ROW, merged, reaches
from orderguard.stages import tasks
from orderguard.stages.cluster import refuse, session, shuffle_tasks, source_of
from orderguard.stages.engines import Found
from orderguard.stages.judging import conclude
from orderguard.stages.large import placed
from orderguard.stages.laying import once
from orderguard.stages.reading import Read, folded_orders
from orderguard.stages.recipes import recipe_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orderguard.ledger import History
    from orderguard.platforms import Match, Profile
    from orderguard.stages.desk import Desk
    from orderguard.stages.judging import Judged
    from orderguard.stages.options import Clock, Options

_ONE_TASK = 2_000_000
"""Rows of one key that one task may carry; more are cut into slices of time."""


class OnSpark:
    """The engine of `--engine spark` and `scan spark:TABLE` (see `stages/engines.py`).

    Raises:
        OrderguardError: Spark is not installed or cannot read the input, or an option does not go with it.
    """

    def __init__(self, options: Options, profiles: Sequence[Profile]) -> None:
        refuse(options)
        self.spark = session()
        source, name = source_of(self.spark, options.paths)
        headings = [c for c in source.columns if c != "source_row"]
        match = match_header(headings, profiles, options.platform, name)
        used = used_columns(match, profiles, headings)
        self.frame = source.select([source[f"`{c}`"] for c in used])
        cores = shuffle_tasks(self.spark, self.frame)
        quiet = replace(options, tell=_silent, progress=_uncounted, paths=(), platform=match.profile.platform)
        self.job = tasks.Job(
            quiet, tuple(profiles), name, buckets=max(cores * 4, 8), within=needed(options.book.variants)[2]
        )
        self.name, self.tasks = name, cores

    def judge(self, desk: Desk, clock: Clock) -> Found:
        """Run the scan on the cluster, which keeps no history."""
        with clock.room("rules"):
            return Found(*self._run(desk), list)

    def close(self) -> None:
        """The session belongs to whoever made it: nothing to let go of."""

    def _run(self, desk: Desk) -> tuple[Read, Judged]:
        options, book = desk.options, desk.book
        typed = self.frame.mapInArrow(tasks.typed(self.job), tasks.PARCEL)
        with suppress(Exception):  # an engine without a cache computes again
            typed = typed.persist()
        head = _collected(typed.filter("kind <> 'rows'"))
        read = _Head(head, self.name)
        if not read.rows:
            raise OrderguardError(*read.problems, Problem(Words("没有一行订单", "no order rows"), self.name))
        job = replace(self.job, span=read.span, shape=read.shape)
        rows = typed.filter("kind = 'rows'")
        past = self._past(desk.history, read.span)
        dealt = (rows.unionByName(past) if past is not None else rows).repartition(self.tasks, "bucket")
        first = dealt.mapInArrow(tasks.judged(job, read.sums, piles=max(self.tasks * 8, 16)), tasks.PARCEL)
        with suppress(Exception):
            first = first.persist()
        told = _collected(first.filter("kind <> 'pile'"))
        found, seen = _frames_of(told, "found"), _frames_of(told, "seen")
        if any(reaches(r) for r in book.variants):
            sizes: dict[tuple[int, int], int] = {}
            for rule, bucket, size in _sizes(told):
                sizes[rule, bucket] = sizes.get((rule, bucket), 0) + size
            piles = self._sliced(job, first.filter("kind = 'pile'"), sizes)
            second = piles.repartition(self.tasks, "rule", "bucket", "slice").mapInArrow(
                tasks.answered(job), tasks.PARCEL
            )
            more = _collected(second)
            found, seen = [*found, *_frames_of(more, "found")], [*seen, *_frames_of(more, "seen")]
        verdicts = merged(found, seen, book.variants)
        hits = frozenset(verdicts.findings["row"].to_list())
        back = (
            _collected(dealt.mapInArrow(tasks.kept(job, read.sums, hits), tasks.PARCEL))
            if hits or options.sample
            else []
        )
        orders = sum(size for kind, _, size, _ in told if kind == "count")
        read.count(told)
        if not orders:
            raise OrderguardError(
                *read.problems, Problem(Words("没有一行能读取", "not one row could be read"), self.name)
            )
        shape = tasks.unpacked([job.shape])
        frame = pl.concat(_frames_of(back, "kept"), how="diagonal_relaxed", rechunk=True) if back else None
        if frame is None:
            frame = _empty_frame(job, read.sums, shape)
        frame, verdicts = placed(frame, verdicts)
        judged = conclude(
            frame,
            verdicts,
            orders,
            book,
            desk.cases,
            skipped=read.skipped,
            snoozes=SnoozeBook(desk.ledger).active(desk.now),
        )
        lines = _frames_of(back, "lines")
        current = frame.filter(~pl.col(PAST)).select([c for c in frame.columns if c in read.names(shape)])
        empty = folded_orders(shape, {}, book, desk.ids).lines
        everything = Read(
            current, pl.concat([empty, *lines]), read.rejects, [read.file], once([*read.problems, *self._notes()]),
            spans={self.name: read.span},
        )  # fmt: skip
        here = tasks.by_profile(current, book)
        return everything, judged._replace(passed={name: n - here.get(name, 0) for name, n in read.held.items()})

    def _past(self, history: History, span: tuple[Any, Any]) -> Any:
        """Earlier orders of the ledger that windows reach, as parcels; None when there are none."""
        first, last = span
        if first is None or self.job.within is None:
            return None
        parcels = []
        for number, past in enumerate(history.between(first - self.job.within, last + self.job.within)):
            for kind, rule, bucket, _, size, blob in tasks.dealt(
                "past", 0, past, pl.col("order_id").hash(3) % self.job.buckets
            ):
                parcels.append((kind, rule, bucket, number, size, bytearray(blob)))
        return self.spark.createDataFrame(parcels, tasks.PARCEL) if parcels else None

    def _sliced(self, job: tasks.Job, piles: Any, sizes: dict[tuple[int, int], int]) -> Any:
        """Piles of hot keys cut into slices of time, so that no task carries one alone."""
        rules = job.book.variants
        hot = frozenset(p for p, size in sizes.items() if size > _ONE_TASK and rules[p[0]].settings.reach().keys)
        if not hot:
            return piles
        counts: dict[tuple[int, int], list[pl.DataFrame]] = {}
        for row in piles.mapInArrow(tasks.counted(job, hot), tasks.PARCEL).collect():
            counts.setdefault((row["rule"], row["bucket"]), []).append(tasks.unpacked([bytes(row["blob"])]))
        cuts = {}
        for (rule, bucket), parts in counts.items():
            within = rules[rule].settings.reach().within
            assert within is not None  # noqa: S101 - only rules with a window are dealt
            width = max(int(within.total_seconds() * 1e6), 1)
            cuts[rule, bucket] = tasks.borders(pl.concat(parts), width, _ONE_TASK)
        return piles.mapInArrow(tasks.sliced(job, cuts), tasks.PARCEL)

    def _notes(self) -> list[Problem]:
        """What runs otherwise than in memory."""
        whole = [r.id for r in self.job.book.variants if reaches(r) and not r.settings.reach().keys]
        note = Words(
            "集群扫描：台账历史与 decisions.parquet 只有被标记的订单；窗口要跨多天，请让表里含前一段",
            "on a cluster the ledger's history and decisions.parquet hold flagged orders only; let the table reach back as far as the windows",
        )
        notes = [Problem(note, self.name, fatal=False)]
        if whole:
            listed = ", ".join(dict.fromkeys(whole))
            what = Words(
                f"规则 {listed} 没有归组的列：由一个任务承担", f"rules {listed} have no key: one task carries them"
            )
            notes.append(Problem(what, self.name, fatal=False))
        return notes


class _Head:
    """What typing said: counts, span, problems, rejects."""

    def __init__(self, parcels: list[tuple[str, int, int, bytes]], name: str) -> None:
        told = [pickle.loads(blob) for kind, _, _, blob in parcels if kind == "file"]  # noqa: S301 - our own tasks' words
        files = [f for files, _, _ in told for f in files]
        self.problems: list[Problem] = [p for _, problems, _ in told for p in problems]
        self.sums = {k: v for _, _, sums in told for k, v in sums.items()}
        self.rows = sum(f["rows"] for f in files)
        self.file: dict[str, Any] = {
            **(files[0] if files else {}),
            "file": name,
            "rows": self.rows,
            "bytes": 0,
            "sha256": "",
        }
        spans = _frames_of(parcels, "span")
        both = pl.concat(spans) if spans else pl.DataFrame({"first": [None], "last": [None]})
        self.span: tuple[Any, Any] = (both["first"].min(), both["last"].max())
        self.shape = next((blob for kind, _, _, blob in parcels if kind == "shape"), b"")
        self.rejects = pl.concat([pl.DataFrame(schema=REJECTS), *_frames_of(parcels, "reject")])
        self.skipped: dict[str, int] = {}
        self.held: dict[str, int] = {}

    def count(self, told: list[tuple[str, int, int, bytes]]) -> None:
        """Add what folding said."""
        counts = [pickle.loads(blob) for kind, _, _, blob in told if kind == "count"]  # noqa: S301 - as above
        self.rejects = pl.concat([self.rejects, *_frames_of(told, "reject")]).sort("source_file", "source_row")
        folded = sum(n for per_file, _, _ in counts for n in per_file.values())
        for _, skipped, held in counts:
            for total, some in ((self.skipped, skipped), (self.held, held)):
                for name, n in some.items():
                    total[name] = total.get(name, 0) + n
        self.file.update(folded=folded, read=self.rows - folded, rejected=len(self.rejects))

    def names(self, shape: pl.DataFrame) -> set[str]:
        """The columns of orders."""
        from orderguard.ledger.history import NAMES  # noqa: PLC0415 - one place knows them

        return {*NAMES, *shape.columns} - {"line_id", "sku", "title", "quantity", "unit_price"}


def used_columns(match: Match, profiles: Sequence[Profile], headings: Sequence[str]) -> list[str]:
    """The columns that a scan can use: those that are picked, and others that the platform's profile speaks of."""
    recipe = recipe_of(match, profiles, headings, "UTC", "en", None)
    if recipe.currency or recipe.guessed_currency:  # which any heading may tell
        return list(headings)
    picked = {s for p in match.picks.values() for s in (*p.sources, *p.all_sources())}
    known = {*match.profile.headings(), *(heading_key(h) for h in (recipe.status.headings() if recipe.status else ()))}
    packed = recipe.packed
    return [h for h in headings if h in picked or heading_key(h) in known or (packed and h.startswith(packed))]


def _empty_frame(job: tasks.Job, sums: dict[str, dict[str, str]], shape: pl.DataFrame) -> pl.DataFrame:
    """The frame of a scan that flags nothing."""
    from orderguard.platforms import platform_words  # noqa: PLC0415 - seldom
    from orderguard.stages.judging import facts_for  # noqa: PLC0415 - seldom

    orders = folded_orders(shape, sums, job.book, platform_ids(job.profiles)).orders
    orders = orders.with_columns(pl.lit(value=False).alias(PAST))
    frame = facts_for(orders, job.book, platform_words(job.profiles))
    return frame.with_columns(pl.lit(0, dtype=pl.Int64).alias(ROW), pl.lit(value=True).alias(AUDITED)).clear()


def _collected(frame: Any) -> list[tuple[str, int, int, bytes]]:
    return [(r["kind"], r["bucket"], r["size"], bytes(r["blob"])) for r in frame.collect()]


def _sizes(parcels: list[tuple[str, int, int, bytes]]) -> Iterator[tuple[int, int, int]]:
    """Rule, bucket and rows of the piles that tasks dealt."""
    for part in _frames_of(parcels, "size"):
        yield from part.iter_rows()


def _frames_of(parcels: list[tuple[str, int, int, bytes]], kind: str) -> list[pl.DataFrame]:
    return [tasks.unpacked([blob]) for k, _, _, blob in parcels if k == kind]


def _silent(_: Words) -> None:
    return


def _uncounted(_: str, __: int) -> None:
    return
