"""Where files are written, and that they are there whole or not at all: half a report must not stand where a good one stood."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orderguard.errors import OrderguardError, Problem, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def check_name(folder: Path) -> None:
    """Refuse a folder whose path is no UTF-8 text: inputs may lie anywhere, but Polars writes no file there.

    Raises:
        OrderguardError: naming it.
    """
    try:
        os.path.realpath(folder).encode()
    except UnicodeEncodeError as error:
        what = Words(
            "路径里有不是 UTF-8 的字节，无法写入", "has bytes in its path that are no UTF-8, and cannot be written to"
        )
        fix = Words("请换一个目录，或先给它改名", "choose another folder, or rename it")
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error


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
