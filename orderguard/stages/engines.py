"""How a scan's orders are read and judged: all of them in memory, or piece by piece where they do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from orderguard.ledger.snoozes import SnoozeBook
from orderguard.rules.engine import needed
from orderguard.stages.databases import TooLarge, files_among
from orderguard.stages.judging import judge
from orderguard.stages.memory import cut, most_text, plan
from orderguard.stages.reading import Read, read_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orderguard.ledger.files import HistoryFile
    from orderguard.platforms import Profile
    from orderguard.stages.desk import Desk
    from orderguard.stages.judging import Judged
    from orderguard.stages.laying import Large
    from orderguard.stages.options import Clock, Options


class Found(NamedTuple):
    """What an engine hands on.

    Attributes:
        read: what the inputs hold.
        judged: what the rules say of it.
        files: waits until the run's history files are written, and names them.
    """

    read: Read
    judged: Judged
    files: Callable[[], list[HistoryFile]]


class Engine(Protocol):
    """The inputs of a scan, read; judged once the ledger is open."""

    def judge(self, desk: Desk, clock: Clock) -> Found:
        """Judge them, and begin to write the orders to the history."""

    def close(self) -> None:
        """Let go of what the engine keeps on disk."""


def read_inputs(options: Options, profiles: Sequence[Profile]) -> Engine:
    """Read a scan's inputs with the engine that fits them.

    Raises:
        OrderguardError: not one row could be read; every reason at once.
    """
    if wants_spark(options):
        from orderguard.stages.spark import OnSpark  # noqa: PLC0415 - a cluster's

        return OnSpark(options, profiles)
    pieces = plan(files_among(options.paths), options.memory)
    if pieces is None:
        try:
            return _InMemory(read_orders(options, profiles, most_text(options.memory)))
        except TooLarge:  # a database is asked once more, for its size is not known before
            pieces = cut(options.memory)
    from orderguard.stages.laying import lay_down_inputs  # noqa: PLC0415 - few scans are that large

    return _InPieces(lay_down_inputs(options, profiles, pieces))


def wants_spark(options: Options) -> bool:
    """Whether a scan is one for a cluster."""
    return options.engine == "spark" or any(p.startswith("spark:") for p in options.paths)


class _InMemory:
    def __init__(self, read: Read) -> None:
        self.read = read

    def judge(self, desk: Desk, clock: Clock) -> Found:
        orders, book = self.read.orders, desk.book
        with clock.room("ledger"):
            past = desk.history.around(orders, needed(book.variants)[2], desk.ids)
            # Written beside the rules' work; the files count only once the run's transaction names them.
            files = desk.history.start_writing(orders, desk.options.run_id)
        with clock.room("rules"):
            quiet = SnoozeBook(desk.ledger).active(desk.now)
            judged = judge(orders, past, book, desk.synonyms, desk.cases, snoozes=quiet)
            return Found(self.read, judged, files.result)

    def close(self) -> None:
        return


class _InPieces:
    def __init__(self, large: Large) -> None:
        self.large = large

    def judge(self, desk: Desk, clock: Clock) -> Found:
        from orderguard.stages.large import judge_large  # noqa: PLC0415 - as above

        with clock.room("rules"):
            return Found(*judge_large(self.large, desk), desk.history.pieces)

    def close(self) -> None:
        self.large.close()
