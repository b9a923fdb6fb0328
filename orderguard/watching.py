"""A folder that exports arrive in: each finished file is scanned once, also across restarts and kills."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from orderguard.audit import scan
from orderguard.errors import DeliveryError, OrderguardError, Problem, Words, unable
from orderguard.ingest import find_sources
from orderguard.ledger import open_ledger
from orderguard.ledger.stamps import iso
from orderguard.stages.issuing import issue_waiting

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from orderguard.ledger import Ledger
    from orderguard.stages.options import Options, Scan

TRIES = 3
QUARANTINE = "quarantine"
HEARTBEAT = "heartbeat.json"

State = tuple[str, int, int]
"""Name, size and modification time of a file: another content is another file."""


class Round(NamedTuple):
    """What one look at the folder did.

    Attributes:
        scanned: files that went through.
        waiting: files that may still be growing.
        failed: files that could not be read this time.
        quarantined: files moved aside after the third failure.
        result: of the scan, when there was one.
        problems: what was wrong with the files.
    """

    scanned: int
    waiting: int
    failed: int
    quarantined: int
    result: Scan | None
    problems: tuple[Problem, ...] = ()


def look(folder: Path, options: Options, seen: dict[str, State]) -> tuple[Round, dict[str, State]]:
    """Scan the files that are finished and were not scanned before.

    A file is finished when its size and time are as at the look before. What was scanned is noted in the ledger after
    the scan; a kill in between scans it again, which opens nothing twice.

    Args:
        folder: where files arrive; hidden ones and `*.tmp`, `*.part` are left alone.
        options: of the scan; `paths` is replaced.
        seen: states at the look before.

    Raises:
        OrderguardError: the folder is gone, or the ledger cannot be used; the files are not to blame.
    """
    states = _states(folder)
    ledger = open_ledger(options.ledger, options.tell)
    try:
        done = {
            (p, s, m)
            for p, s, m, state in ledger.db.execute("SELECT path, size, mtime_ns, state FROM watched")
            if state != "failed"
        }
        fresh = {name: state for name, state in states.items() if state not in done}
        ready = sorted(name for name, state in fresh.items() if seen.get(name) == state)
        if not ready and options.team.every and "tasks" in options.outputs:
            issue_waiting(ledger, options)
    finally:
        ledger.close()
    if not ready:
        return Round(0, len(fresh), 0, 0, None), states
    problems: list[Problem] = []
    result = None
    try:
        result = scan(replace(options, paths=[str(folder / name) for name in ready]))
        problems = result.problems
    except OrderguardError as error:
        problems = error.problems
        if isinstance(error, DeliveryError) or not _blamed(ready, folder, problems):
            raise  # not the files' fault: the next look tries them again
    told: dict[str, str] = {p.where: p.text(options.book.locale) for p in problems if p.fatal}
    failed = _blamed(ready, folder, problems)
    tried = ready if result else sorted(failed)
    noted = _noted(folder, options, tried, failed, states, told, len(fresh) - len(tried), result)
    return noted._replace(problems=(*problems, *noted.problems)), states


def _blamed(names: list[str], folder: Path, problems: list[Problem]) -> set[str]:
    """The files (or sheets of them) that fatal problems name."""
    where = {p.where for p in problems if p.fatal}
    return {n for n in names if any(w in {n, str(folder / n)} or w.startswith(f"{n}[") for w in where)}


def _states(folder: Path) -> dict[str, State]:
    try:
        with os.scandir(folder):  # a share that is gone looks like an empty folder
            pass
    except OSError as error:
        what = unable(Words("盯住的文件夹打不开", "the watched folder cannot be opened"), error)
        fix = Words("恢复后会自动继续", "watching goes on once it is back")
        raise OrderguardError(Problem(what, str(folder), fix=fix)) from error
    try:
        sources = find_sources([str(folder)])
    except OrderguardError:
        return {}
    states = {}
    for source in sources:
        if source.path is not None:
            try:
                stat = source.path.stat()
            except OSError:  # moved away between the listing and here
                continue
            states[source.path.name] = (source.path.name, stat.st_size, stat.st_mtime_ns)
    return states


def _noted(
    folder: Path,
    options: Options,
    ready: list[str],
    failed: set[str],
    states: dict[str, State],
    told: dict[str, str],
    waiting: int,
    result: Scan | None,
) -> Round:
    ledger = open_ledger(options.ledger, options.tell)
    try:
        aside = _record(ledger, ready, failed, states, " | ".join(told.values())[:500], options.now)
    finally:
        ledger.close()
    moved = tuple(_set_aside(folder, name) for name in aside)
    return Round(len(ready) - len(failed), waiting, len(failed), len(aside), result, moved)


def _set_aside(folder: Path, name: str) -> Problem:
    """Move a file to the quarantine, beside those of its name that are there already; returns what to say of it."""
    target = folder / QUARANTINE
    target.mkdir(exist_ok=True, mode=0o700)
    place = target / name
    names = (target / f"{place.stem}-{n}{place.suffix}" for n in count(2))
    while place.exists():
        place = next(names)
    (folder / name).replace(place)
    what = Words(
        f"三次都读不了，已移到 {QUARANTINE}/{place.name}",
        f"failed three times and was moved to {QUARANTINE}/{place.name}",
    )
    fix = Words("改好后放回原文件夹，就会再扫", "mend it and put it back into the folder: it will be scanned again")
    return Problem(what, name, fix=fix, fatal=False)


def _record(
    ledger: Ledger, ready: list[str], failed: set[str], states: dict[str, State], said: str, now: datetime
) -> list[str]:
    aside = []
    with ledger.commit() as db:
        for name in ready:
            state = states[name]
            row = db.execute("SELECT tries FROM watched WHERE path = ? AND size = ? AND mtime_ns = ?", state).fetchone()
            tries = (row[0] if row else 0) + 1
            outcome = "scanned" if name not in failed else "quarantined" if tries >= TRIES else "failed"
            if outcome == "quarantined":
                aside.append(name)
            db.execute(
                "INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*state, outcome, tries, said if name in failed else "", iso(now)),
            )
    return aside


def beat(ledger: Path, done: Round, now: datetime) -> None:
    """Write the heartbeat that a monitor checks: older than a few intervals means that the watcher is gone."""
    told = {
        "at": iso(now),
        "scanned": done.scanned,
        "waiting": done.waiting,
        "failed": done.failed,
        "quarantined": done.quarantined,
    }
    draft = ledger / (HEARTBEAT + ".tmp")
    draft.write_text(json.dumps(told) + "\n", encoding="utf-8")
    draft.replace(ledger / HEARTBEAT)
