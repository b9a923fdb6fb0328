"""How a scan's orders are read and judged: all of them in memory, or piece by piece where they do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from orderguard.ledger.snoozes import SnoozeBook
from orderguard.platforms import platform_ids, platform_words
from orderguard.rules.engine import needed
from orderguard.stages.databases import TooLarge, files_among
from orderguard.stages.judging import judge
from orderguard.stages.memory import cut, most_text, plan
from orderguard.stages.reading import Read, read_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orderguard.ledger import CaseBook, History
    from orderguard.ledger.files import HistoryFile
    from orderguard.platforms import Profile
    from orderguard.stages.judging import Judged
    from orderguard.stages.laying import Large
    from orderguard.stages.options import Clock, Options


class Engine(Protocol):
    """The inputs of a scan, read; judged once the ledger is open."""

    def judge(
        self, cases: CaseBook, history: History, clock: Clock
    ) -> tuple[Read, Judged, Callable[[], list[HistoryFile]]]:
        """What was read, what was found, and the history files once they are written."""

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
            return _InMemory(options, profiles, read_orders(options, profiles, most_text(options.memory)))
        except TooLarge:  # a database is asked once more, for its size is not known before
            pieces = cut(options.memory)
    from orderguard.stages.laying import lay_down_inputs  # noqa: PLC0415 - few scans are that large

    return _InPieces(options, profiles, lay_down_inputs(options, profiles, pieces))


def wants_spark(options: Options) -> bool:
    """Whether a scan is one for a cluster."""
    return options.engine == "spark" or any(p.startswith("spark:") for p in options.paths)


class _InMemory:
    def __init__(self, options: Options, profiles: Sequence[Profile], read: Read) -> None:
        self.options, self.read = options, read
        self.synonyms, self.ids = platform_words(profiles), platform_ids(profiles)

    def judge(
        self, cases: CaseBook, history: History, clock: Clock
    ) -> tuple[Read, Judged, Callable[[], list[HistoryFile]]]:
        orders, book = self.read.orders, self.options.book
        with clock.room("ledger"):
            past = history.around(orders, needed(book.variants)[2], self.ids)
            # Written beside the rules' work; the files count only once the run's transaction names them.
            files = history.start_writing(orders, self.options.run_id)
        with clock.room("rules"):
            quiet = SnoozeBook(cases.ledger).active(self.options.now)
            return self.read, judge(orders, past, book, self.synonyms, cases, snoozes=quiet), files.result

    def close(self) -> None:
        return


class _InPieces:
    def __init__(self, options: Options, profiles: Sequence[Profile], large: Large) -> None:
        self.options, self.profiles, self.large = options, profiles, large

    def judge(
        self, cases: CaseBook, history: History, clock: Clock
    ) -> tuple[Read, Judged, Callable[[], list[HistoryFile]]]:
        from orderguard.stages.large import judge_large  # noqa: PLC0415 - as above

        with clock.room("rules"):
            synonyms = platform_words(self.profiles)
            return judge_large(self.large, self.options, self.profiles, synonyms, cases, history)

    def close(self) -> None:
        self.large.close()
