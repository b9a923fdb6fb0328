"""Files that are there whole or not at all: a full disk must not leave half a report where a good one stood."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def drafted(*paths: Path) -> Iterator[Sequence[Path]]:
    """Drafts to write instead of `paths`: they take their places together when the block ends well, and go otherwise.

    Raises:
        OSError: they cannot be put in place.
    """
    drafts = [path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp") for path in paths]
    try:
        yield drafts
        for draft, path in zip(drafts, paths, strict=True):
            draft.replace(path)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
