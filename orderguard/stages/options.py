"""What a scan is told, and what it keeps count of."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from orderguard.errors import Problem, Words
    from orderguard.outbox.targets import Target
    from orderguard.route import Team
    from orderguard.rules import Rulebook
    from orderguard.stages.ahead import Ahead

OUTPUTS = ("frames", "workbook", "tasks", "holds", "notices", "board")


def _uncounted(_: str, __: int) -> None:
    return


def _silent(_: Words) -> None:
    return


@dataclass
class Options:
    """What a scan is told. The clock comes from outside.

    Attributes:
        paths: files, folders, globs, `-`.
        out, ledger: folders.
        outputs: which of `OUTPUTS` to write.
        platform: profile to use instead of recognition.
        lookups: files with account facts.
        passwords: to try on locked books.
        stock: file of what is available per SKU, for oversell rules.
        now: the clock.
        run_id: unique, sortable.
        table, query: what is read of the databases among `paths`.
        since: read them from this watermark on; `last` is where the scan before stopped.
        watermark: the column that is compared; default the order time's.
        export_to: a database that findings, decisions and cases are written to.
        ahead: files that are being read already.
        engine: `auto` (in memory, or in pieces), or `spark`.
        memory: what a scan may take; default half of what is free. Larger inputs are cut.
        sample: share of the unflagged orders to draw for control.
        double: share of the tasks that a second agent gets too.
        tell: progress in words.
        heed: told why it has to wait, also where nobody watches.
        progress: told a room and the rows that went through it so far.
        notify: send the notices; else they are only written.
        tasks_formats, holds_formats: kinds of file for task sheets and hold lists.
        targets: with `notify`, where they go, by key.
    """

    paths: Sequence[str]
    book: Rulebook
    team: Team
    out: Path
    ledger: Path
    now: datetime
    run_id: str
    outputs: frozenset[str] = frozenset(OUTPUTS)
    platform: str | None = None
    platforms_dir: str | None = None
    lookups: Sequence[str] = ()
    passwords: Sequence[str] = field(default=(), repr=False)
    stock: str | None = None
    date_order: Any = None
    table: str | None = None
    query: str | None = None
    since: str | None = None
    watermark: str | None = None
    export_to: str | None = None
    memory: str | None = None
    sample: float = 0.0
    double: float = 0.0
    engine: str = "auto"
    ahead: Future[Ahead] | None = field(default=None, repr=False)
    tell: Callable[[Words], None] = _silent
    heed: Callable[[Words], None] = _silent
    progress: Callable[[str, int], None] = _uncounted
    notify: bool = False
    tasks_formats: tuple[str, ...] = ("xlsx",)
    holds_formats: tuple[str, ...] = ("csv",)
    targets: Mapping[str, Target] = field(default_factory=dict)


@dataclass
class Scan:
    """What a scan found: `run` is the content of `run.json`; `undelivered` counts notices that nobody took."""

    run: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)
    undelivered: int = 0


class Clock:
    """Seconds per room."""

    def __init__(self) -> None:
        self.rooms: dict[str, float] = {}
        self._open, self._began = "", 0.0

    @contextmanager
    def room(self, name: str) -> Iterator[None]:
        """Count the block's time to a room."""
        self._open, self._began = name, perf_counter()
        yield
        self.rooms = self.told()
        self._open = ""

    def told(self) -> dict[str, float]:
        """Seconds per room so far, the open room's too."""
        if not self._open:
            return self.rooms
        spent = self.rooms.get(self._open, 0.0) + perf_counter() - self._began
        return {**self.rooms, self._open: round(spent, 4)}
