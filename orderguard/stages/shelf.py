"""Where frames wait that are needed again: in memory while there is room, on the disk beside the ledger else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.stages.memory import resident

if TYPE_CHECKING:
    from pathlib import Path


class Shelf:
    """Batches of rows by number.

    Args:
        folder: where those lie that find no room.
        memory: bytes that the process may take. What waits may fill it by half; when the rest runs short too, everything is
            laid down. Where the system does not tell what a process takes, nothing waits in memory.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        self._folder, self._memory = folder, memory
        self._kept: dict[int, pl.DataFrame] = {}

    def put(self, number: int, rows: pl.DataFrame) -> None:
        """Keep a batch until `take`."""
        now = resident()
        if now is not None and now + rows.estimated_size() <= self._memory // 2:
            self._kept[number] = rows
        else:
            write(rows, self._path(number))

    def get(self, number: int) -> pl.DataFrame:
        """A batch that is needed once more; not to be changed in place."""
        if self._kept and (resident() or 0) > self._memory // 8 * 7:
            for other in list(self._kept):
                write(self._kept.pop(other), self._path(other))
        kept = self._kept.get(number)
        return read(self._path(number)) if kept is None else kept

    def take(self, number: int) -> pl.DataFrame:
        """A batch for the last time."""
        kept = self._kept.pop(number, None)
        return taken(self._path(number)) if kept is None else kept

    def _path(self, number: int) -> Path:
        return self._folder / f"rows-{number:06d}.ipc"


def write(frame: pl.DataFrame, path: Path) -> Path:
    """Lay a frame down: as it is, for packing it costs three times as much as the rules that read it."""
    frame.write_ipc(path, compression="uncompressed")
    return path


def read(path: Path) -> pl.DataFrame:
    """A frame that was laid down. Not mapped into memory: mapped pages stay as long as one text of them does."""
    with path.open("rb") as file:
        return pl.read_ipc(file)


def taken(path: Path) -> pl.DataFrame:
    """A frame that was laid down, read for the last time: what has not reached the disk by then never need do so."""
    frame = read(path)
    path.unlink()
    return frame
