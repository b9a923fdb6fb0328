"""The board, from an open ledger or from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from orderguard.errors import DeliveryError, Problem, Words, unable
from orderguard.ledger.pulse import pulse
from orderguard.ledger.snapshot import reading
from orderguard.outbox.board_page import write_board
from orderguard.platforms import load_profiles, names_of_words
from orderguard.report.board import board

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import datetime

    from orderguard.rules import Rulebook
    from orderguard.stages.options import Options

BOARD = "board.html"
STALE_SECONDS = 60


def board_of(db: sqlite3.Connection, book: Rulebook, now: datetime, names: Mapping[str, str]) -> dict[str, Any]:
    """The board's figures from an open database."""
    return board(pulse(db, now, names), now, book.timezone, names)


def board_in(folder: Path, book: Rulebook, now: datetime, names: Mapping[str, str]) -> dict[str, Any]:
    """The board's figures from a ledger's folder, read without its lock.

    Raises:
        OrderguardError: there is no ledger, or it cannot be read.
    """
    with reading(folder) as db:
        return board_of(db, book, now, names)


def refresh(options: Options) -> bool:
    """Write the board of the output folder anew when it is a minute old: due times pass without a scan too.

    Raises:
        DeliveryError: it cannot be written.
    """
    path = Path(options.out) / BOARD
    if "board" not in options.outputs or not path.exists():
        return False
    if options.now.timestamp() - path.stat().st_mtime < STALE_SECONDS:
        return False
    locale = options.book.locale
    names = names_of_words(load_profiles(options.platforms_dir), locale)
    told = board_in(options.ledger, options.book, options.now, names)
    try:
        write_board(path, told, locale)
    except OSError as error:
        what = unable(Words("看板无法写入", "the board cannot be written"), error)
        raise DeliveryError(Problem(what, str(path))) from error
    return True
