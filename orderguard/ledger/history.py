"""The orders that windows look back on: Parquet files by day, which count only once the database names them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import KEY, ORDERS, schema
from orderguard.frames import bare, platform_id, whole
from orderguard.ledger.files import HistoryFile, marker, micros, open_file, write_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from datetime import datetime, timedelta

    from orderguard.ledger.store import Ledger

EMPTY: dict[str, Any] = {**schema(ORDERS), "basket": pl.String}
NAMES = list(EMPTY)
"""Columns of a history file."""

QUARTER = 900
"""Seconds."""


class History:
    """Reads and adds to `orders/<day>/`.

    Attributes:
        traffic: after `write`, its orders that were not known before: `quarter platform orders`, the quarter in
            quarters of an hour since 1970 (every zone's midnight is a multiple of one), null for undated orders
            (the ledger keeps those under the quarter of the scan, negative: they count in a month, but in no hour).
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.traffic = pl.DataFrame(schema={"quarter": pl.Int64, "platform": pl.String, "orders": pl.Int64})
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._piece: Future[list[HistoryFile]] | None = None
        self._files: list[HistoryFile] = []
        self._waiting: list[tuple[pl.DataFrame, pl.DataFrame]] = []
        self._number = 0

    def start_writing(self, orders: pl.DataFrame, run_id: str) -> Future[list[HistoryFile]]:
        """Begin to `write` in the background (Polars lets go of the GIL): the result is what `name_files` takes."""
        earlier = self.earlier(orders)
        return self._worker.submit(self.write, orders, run_id, earlier)

    def add_piece(self, orders: pl.DataFrame, run_id: str, known: pl.DataFrame, together: int) -> None:
        """`write` piece after piece in the background; pieces wait until they are `together` orders: fewer files."""
        self._waiting.append((bare(orders), known))
        if sum(len(o) for o, _ in self._waiting) >= together:
            self._write_waiting(run_id)

    def last_piece(self, run_id: str) -> None:
        """No more comes: begin to write what waits."""
        self._write_waiting(run_id)

    def pieces(self) -> list[HistoryFile]:
        """What `add_piece` was given, once all of it is written."""
        self._wait()
        return self._files

    def _write_waiting(self, run_id: str) -> None:
        self._wait()  # for the one before: no two are in memory
        if self._waiting:
            orders, known = (pl.concat(frames, how="diagonal_relaxed") for frames in zip(*self._waiting, strict=True))
            self._waiting = []
            self._piece = self._worker.submit(self.write, whole(orders, EMPTY), run_id, known, f".{self._number:04d}")
            self._number += 1

    def _wait(self) -> None:
        if self._piece is not None:
            self._files += self._piece.result()
            self._piece = None

    def finish(self) -> None:
        """Wait for a write that is under way."""
        self._worker.shutdown(wait=True)

    def around(self, orders: pl.DataFrame, within: timedelta, ids: Mapping[str, str]) -> pl.DataFrame:
        """Earlier orders that a window of length `within` can share with `orders`, newest version of each.

        Orders that are in `orders` themselves are left out: the input's own version counts, under whatever word for
        its platform (`ids`: words -> platform ids).
        """
        first, last = orders["created_at"].min(), orders["created_at"].max()
        if first is None or last is None:
            return pl.DataFrame(schema=EMPTY)
        low, high = first - within, last + within  # type: ignore[operator]
        return beside(self._read(micros(low), micros(high)), orders, low, high, ids)

    def everything(self, ids: Mapping[str, str]) -> pl.DataFrame:
        """The newest version of every order; one order under two words for its platform is one."""
        one = platform_id(ids).alias("_id")
        return (
            self._read(None, None)
            .with_columns(one)
            .unique(["_id", "order_id"], keep="last", maintain_order=True)
            .drop("_id")
        )

    def between(self, low: datetime, high: datetime) -> Iterator[pl.DataFrame]:
        """The history of a span of time, file by file, oldest first: for scans that do not hold it at once."""
        for path in self._paths(micros(low), micros(high)):
            part = open_file(self.ledger.folder / path)
            yield pl.concat([pl.DataFrame(schema=EMPTY), part], how="diagonal_relaxed").select(NAMES)

    def of_pile(
        self,
        past: pl.DataFrame | None,
        orders: pl.DataFrame,
        span: tuple[Any, Any],
        within: timedelta,
        ids: Mapping[str, str],
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What `earlier` and `around` give, for a pile of orders.

        Args:
            past: the pile's part of `between`, oldest first.
            orders: this input's orders of the pile.
            span: first and last time of the whole input.
            within, ids: as in `around`.
        """
        if past is None or span[0] is None:
            return pl.DataFrame(schema=EMPTY), pl.DataFrame(schema=EMPTY)
        found = past.unique(KEY, keep="last", maintain_order=True).select(NAMES)
        return found.join(orders.select(KEY), on=KEY, how="semi"), beside(
            found, orders, span[0] - within, span[1] + within, ids
        )

    def find(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The newest version of the orders named by `platform order_id`.

        Args:
            keys: where the column `ordered_at` (microseconds) is there and filled, only files of those times are read.
        """
        if keys.is_empty():
            return pl.DataFrame(schema=EMPTY)
        at = keys["ordered_at"] if "ordered_at" in keys.columns else pl.Series([None], dtype=pl.Int64)
        low, high = (None, None) if at.null_count() else (at.min(), at.max())
        return self._read(low, high, keys)  # type: ignore[arg-type]

    def shops(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The shops of the orders named by `platform order_id`, as they were told last: `platform order_id shop`."""
        paths = [self.ledger.folder / path for path in self._paths(None, None)]
        names = [*KEY, "shop"]
        if not paths:
            return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        every = pl.scan_parquet(paths, schema=EMPTY, missing_columns="insert", extra_columns="ignore").select(names)
        mine = every.join(keys.select(KEY).lazy(), on=KEY, how="semi", maintain_order="left").collect()
        return mine.unique(KEY, keep="last", maintain_order=True)

    def named(self, order_id: str) -> list[dict[str, str | None]]:
        """The newest version of every order with this number: what `explain` shows, as text."""
        paths = [self.ledger.folder / row[0] for row in self.ledger.db.execute("SELECT path FROM history ORDER BY seq")]
        if not paths:
            return []
        # A file of an older version has fewer columns.
        every = pl.scan_parquet(paths, schema=EMPTY, missing_columns="insert", extra_columns="ignore")
        found = every.filter(pl.col("order_id") == order_id).collect()
        newest = found.unique(KEY, keep="last", maintain_order=True).sort(KEY)
        return newest.select(pl.all().cast(pl.String)).to_dicts()

    def _paths(self, low: int | None, high: int | None) -> list[str]:
        sql = "SELECT path FROM history WHERE rows > 0"
        if low is not None:
            sql += f" AND (last_at IS NULL OR (last_at >= {low} AND first_at <= {high}))"
        return [row[0] for row in self.ledger.db.execute(sql + " ORDER BY seq")]

    def _read(self, low: int | None, high: int | None, keys: pl.DataFrame | None = None) -> pl.DataFrame:
        parts = []
        for path in self._paths(low, high):
            part = open_file(self.ledger.folder / path)
            parts.append(part.join(keys.select(KEY), on=KEY, how="semi") if keys is not None else part)
        if not parts:
            return pl.DataFrame(schema=EMPTY)
        # Files of earlier versions lack columns that came later.
        return (
            pl.concat([pl.DataFrame(schema=EMPTY), *parts], how="diagonal_relaxed")
            .unique(KEY, keep="last", maintain_order=True)
            .select(NAMES)
        )

    def write(self, orders: pl.DataFrame, run_id: str, known: pl.DataFrame, piece: str = "") -> list[HistoryFile]:
        """Write what is new or changed to files (one a day) that nothing names yet; returns rows for `name`.

        Args:
            orders: this input's orders.
            run_id: goes into the file names.
            known: earlier versions of these orders (see `earlier`).
            piece: goes behind the run's id in file names, where a run writes more than once.
        """
        facts = [c for c in NAMES if not c.startswith("source_")]
        new = orders.join(known.select(facts), on=facts, how="anti", nulls_equal=True) if len(known) else orders
        if new.is_empty():
            return []
        unseen = new.join(known.select(KEY), on=KEY, how="anti") if len(known) else new
        quarter = pl.col("created_at").dt.epoch("s") // QUARTER
        count = pl.len().cast(pl.Int64)
        fresh = unseen.lazy().group_by(quarter.alias("quarter"), "platform").agg(orders=count).collect()
        self.traffic = pl.concat([self.traffic, fresh]).group_by("quarter", "platform").sum()
        marker(self.ledger.folder).write_text(run_id, encoding="utf-8")
        named = []
        # Dealt out by day without the empty columns: half of them are.
        days = bare(new.select(NAMES)).with_columns(_day=new["created_at"].dt.date())
        for (day,), part in days.partition_by("_day", as_dict=True, maintain_order=True).items():
            relative = f"orders/{day or 'undated'}/{run_id}{piece}.parquet"
            write_file(whole(part, EMPTY), self.ledger.folder / relative)
            span = part["created_at"] if day else pl.Series([None], dtype=pl.Int64)
            named.append((relative, len(part), micros(span.min()), micros(span.max())))
        return named

    def earlier(self, orders: pl.DataFrame) -> pl.DataFrame:
        """The newest earlier version of the orders of this input, as far as their days' files hold them."""
        first, last = orders["created_at"].min(), orders["created_at"].max()
        if first is None:
            return pl.DataFrame(schema=EMPTY)
        found = self._read(micros(first), micros(last))
        return found.join(orders.select(KEY), on=KEY, how="semi") if len(found) else found


def beside(found: pl.DataFrame, orders: pl.DataFrame, low: Any, high: Any, ids: Mapping[str, str]) -> pl.DataFrame:
    """Of earlier orders, those of a span of time that are not among `orders` under any word for their platform."""
    inside = found.filter(pl.col("created_at").is_between(low, high))
    if inside.is_empty():
        return inside
    one = platform_id(ids).alias("_id")
    inside = inside.with_columns(one).unique(["_id", "order_id"], keep="last", maintain_order=True)
    now = orders.select(one, "order_id")
    return inside.join(now, on=["_id", "order_id"], how="anti", maintain_order="left").drop("_id")
