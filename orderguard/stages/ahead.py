"""Reads the inputs while the rest of the house is still being imported and the rulebook checked.

Parsing is Polars' work and needs no Python; start-up is Python's and needs one core. Together they take as long as
the longer of the two. Of inputs that are cut, the next part is made ready while one is judged.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orderguard.errors import OrderguardError
from orderguard.ingest import find_sources, read_source
from orderguard.platforms import header_score, load_profiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from orderguard.ingest import Source

T = TypeVar("T")

_MOST = 64 << 20
"""Bytes. Beside more than that start-up is nothing, and it may be more than memory holds (see `stages.memory`)."""

Ahead = dict[Path, "Source"]
"""Inputs that were read, by path."""


def read_ahead(paths: Sequence[str]) -> Future[Ahead] | None:
    """Begin to read plain files; None where it would not pay, or where more must be known before a file is read."""
    files = [Path(p) for p in paths]
    # A folder, a pattern, a database or standard input is looked at in its turn.
    if "-" in paths or not all(f.is_file() for f in files) or sum(f.stat().st_size for f in files) > _MOST:
        return None
    worker = ThreadPoolExecutor(max_workers=1)
    begun = worker.submit(_read, paths)
    worker.shutdown(wait=False)
    return begun


def _read(paths: Sequence[str]) -> Ahead:
    try:
        score = header_score(load_profiles())
        read = [read_source(s, score) for s in find_sources(paths)]
        return {s.path: s for s in read if s.path and s.sha256}  # what could not be opened is tried again, and told
    except OrderguardError:
        return {}  # what is wrong is said when the scan comes to it


def taken(source: Source, ahead: Mapping[Path, Source]) -> Source:
    """The source as it was read ahead, under its own name; itself where it was not."""
    return ahead.get(source.path, source) if source.path else source


def one_ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items; each is made while the one before it is used."""
    rest, end = iter(items), object()
    with ThreadPoolExecutor(max_workers=1) as worker:
        try:
            coming = worker.submit(next, rest, end)
            while (item := coming.result()) is not end:
                coming = worker.submit(next, rest, end)
                yield item  # type: ignore[misc]
                del item
        finally:
            # A database's rows must be let go of by the thread that fetched them.
            worker.submit(getattr(rest, "close", bool))
