"""Rows that were set aside while a large input was read, on disk: millions of them do not fit beside the orders."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.normalise.recipe import REJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STRETCH = 100_000
"""Rows of a file whose set-aside ones are read back together: some 100 MB where every one of them was."""


class Aside:
    """Rows set aside, laid down by the stretch of their file that they stand in, and told in the order of the files.

    Attributes:
        counts: rows per source file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts: dict[str, int] = defaultdict(int)
        self._parts: dict[tuple[str, int], list[Path]] = defaultdict(list)
        self._number = 0

    def add(self, rejects: pl.DataFrame) -> None:
        """Lay some down: `source_file source_row reason cells`."""
        if rejects.is_empty():
            return
        self.folder.mkdir(exist_ok=True, mode=0o700)
        marked = rejects.with_columns(_stretch=pl.col("source_row").fill_null(-1) // _STRETCH)
        parts = marked.partition_by("source_file", "_stretch", as_dict=True, include_key=True)
        for (file, stretch), part in parts.items():
            path = self.folder / f"{self._number:06d}.parquet"
            self._number += 1
            part.select(list(REJECTS)).write_parquet(path, compression="lz4", statistics=False)
            self._parts[file, stretch].append(path)
            self.counts[file] += len(part)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """All of them in the order in which a scan in memory tells them, some at a time."""
        for key in sorted(self._parts):
            yield pl.concat([pl.read_parquet(p) for p in self._parts[key]]).sort("source_file", "source_row")

    def first(self) -> dict[str, Any]:
        """The first row."""
        return next(iter(self)).row(0, named=True)
