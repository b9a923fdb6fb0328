"""Whether a scan fits into memory, and how it is cut when it does not."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orderguard.errors import OrderguardError, Problem, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = {"": 1 << 20, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_PER_BYTE = {
    ".parquet": 40.0,
    ".pq": 40.0,
    ".csv": 12.0,
    ".tsv": 12.0,
    ".tab": 12.0,
    ".txt": 12.0,
    ".jsonl": 20.0,
    ".ndjson": 20.0,
}
"""Bytes of memory that a scan takes at its peak per byte of input: measured (see docs/scale.md), rounded up."""
_ROW = 3_500
_BASE = 300 << 20
_MOST = 4 << 30
"""What a scan takes without being asked: pieces cost a fifth more time, and a shared machine is not ours to fill."""


class Plan(NamedTuple):
    """How inputs are cut.

    Attributes:
        block: bytes of text in a batch.
        rows: rows in a batch of Parquet, and in a piece that rules run over.
        memory: bytes that the scan may take in all.
    """

    block: int
    rows: int
    memory: int


def plan(paths: Sequence[str], memory: str | None) -> Plan | None:
    """How to cut these inputs; None when they fit.

    Args:
        paths: the files of the command line.
        memory: what `--memory` allows; default half of what the machine has free, 4 GB at most.

    Raises:
        OrderguardError: `--memory` is no size.
    """
    wanted = _BASE + sum(_wanted(Path(p)) for p in paths)
    return None if not paths or wanted <= _budget(memory) else cut(memory)


def most_text(memory: str | None) -> int:
    """Bytes of text that fit, of inputs whose size is known once they are read: databases."""
    return int((_budget(memory) - _BASE) / _PER_BYTE[".csv"])


def cut(memory: str | None) -> Plan:
    """How to cut inputs that do not fit."""
    budget = _budget(memory)
    room = max(budget - _BASE, budget // 2)
    return Plan(min(max(room // 60, 1 << 16), 256 << 20), max(room // _ROW // 2, 1_000), budget)


def resident() -> int | None:
    """Bytes of memory that this process takes now; None where the system does not tell (it is asked on Linux only)."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _budget(memory: str | None) -> int:
    return size(memory) if memory else min(_free() // 2, _MOST)


def size(text: str) -> int:
    """Bytes of `4GB`, `800M`, `2.5 GiB`; a bare number counts megabytes.

    Raises:
        OrderguardError: no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text, re.IGNORECASE)
    if not found or not float(found[1]):
        what = Words(
            f"--memory 应为大小，如 4GB，而不是 '{text}'", f"--memory should be a size such as 4GB, not '{text}'"
        )
        raise OrderguardError(Problem(what))
    return int(float(found[1]) * _UNITS[found[2].lower()])


def _wanted(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(_wanted(p) for p in path.iterdir() if p.is_file())
        return int(path.stat().st_size * _PER_BYTE.get(path.suffix.lower(), 0.0))
    except OSError:
        return 0


def _free() -> int:
    """Bytes of memory that this process may take: the machine's or the container's, whichever is less."""
    free = [16 << 30]
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        free = [int(re.search(r"MemAvailable:\s+(\d+)", text)[1]) * 1024]  # type: ignore[index]
    except (OSError, TypeError):
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            free = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    with suppress(OSError):
        free += limits(Path("/proc/self/cgroup").read_text(encoding="utf-8"), Path("/sys/fs/cgroup"))
    with suppress(ImportError):  # not on Windows
        import resource  # noqa: PLC0415

        most = resource.getrlimit(resource.RLIMIT_AS)[0]  # `ulimit -v`
        free += [most] if most > 0 else []
    return min(free)


def limits(groups: str, root: Path) -> list[int]:
    """Bytes that each control group around this process allows: a container's own, a systemd unit's, of both versions.

    Args:
        groups: what `/proc/self/cgroup` says, lines of `number:controllers:path`.
        root: where the groups are mounted.
    """
    files = [root / "memory.max", root / "memory" / "memory.limit_in_bytes"]
    for line in groups.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        base, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        group = base / path.lstrip("/")
        files += [place / name for place in (group, *group.parents) if place.is_relative_to(base)]
    found = []
    for file in dict.fromkeys(files):
        with suppress(OSError, ValueError):  # no such group from here, or one without a limit
            found.append(int(file.read_text(encoding="ascii")))
    return found
