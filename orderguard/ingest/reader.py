"""Which files there are, what each one is, and its tables."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from typing import IO, TYPE_CHECKING

from orderguard.errors import OrderguardError, Problem, Words, printable, unable
from orderguard.ingest.delimited import read_delimited
from orderguard.ingest.rejects import reopened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import FileIO

    from orderguard.ingest.table import HeaderScore, Table

_SUFFIXES = {
    ".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".json", ".jsonl", ".ndjson", ".parquet", ".pq",
}  # fmt: skip
_BOOK = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
_STDIN = "-"
_LARGE = 1 << 22
_SETTLED = 1_000_000_000
"""Nanoseconds since its last change after which a file's time of change tells of the next one."""
_State = tuple[int, int, int]
"""Size, time of the last change, number: a file that changed or was replaced has others."""


@dataclass
class Source:
    """One input.

    Attributes:
        path: where it is; None for standard input.
        name: how messages and outputs call it.
        sha256: hex digest of its bytes, known once it was read.
        tables: what was read from it.
        problems: why it could not be read.
        state: of the file when it was first looked at; None as long as nobody did, and for what is no file.
    """

    path: Path | None
    name: str
    sha256: str = ""
    size: int = 0
    tables: list[Table] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    state: _State | None = None


def find_sources(paths: Sequence[str]) -> list[Source]:
    """Files, folders (their table files, sorted), globs and `-`, without repeats.

    A path that means nothing is a source with its problem, for the others are read all the same.

    Raises:
        OrderguardError: not one path means anything; every reason at once.
    """
    found: list[Path | None] = []
    problems: list[Problem] = []
    for text in paths:
        try:
            named = _named(text)
        except OSError as error:  # a folder without rights, a name longer than names can be
            problems.append(Problem(unable(Words("无法打开", "cannot be opened"), error), text))
            continue
        if isinstance(named, Problem):
            problems.append(named)
        else:
            found += named
    if problems and not found:
        raise OrderguardError(*problems)
    unique = {p.resolve() if p else None: p for p in reversed(found)}
    kept = [p for p in dict.fromkeys(found) if p is None or unique.get(p.resolve()) is p]
    names = [p.name if p else "stdin" for p in kept]
    shown = [n if names.count(n) == 1 else str(p).replace("\\", "/") for p, n in zip(kept, names, strict=True)]
    # A file's name is hostile text too, and need not be UTF-8.
    there = [Source(p, _legible(n)) for p, n in zip(kept, shown, strict=True)]
    return there + [Source(Path(p.where), _legible(p.where), problems=[_at(p)]) for p in problems]


def _legible(name: str) -> str:
    return printable(name.encode("utf-8", "replace").decode())


def _at(problem: Problem) -> Problem:
    return replace(problem, where=_legible(problem.where))


def _named(text: str) -> list[Path | None] | Problem:
    """The files that one path, folder or glob means, or what is wrong with it."""
    path = Path(text)
    if text == _STDIN:
        return [None]
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.is_file() and is_table(p))
        what = Words("文件夹里没有可读的表格", "no table files in this folder")
        fix = Words(
            "支持 CSV、Excel、JSON、Parquet；子文件夹要另外写明",
            "CSV, Excel, JSON and Parquet are read; sub-folders are to be named",
        )
        return [*inside] or Problem(what, text, fix=fix)
    if path.exists():
        return [path]
    matches = sorted(Path(p) for p in glob.glob(text, recursive=True) if Path(p).is_file())  # noqa: PTH207
    what = Words("找不到这个文件", "no such file")
    fix = Words("检查路径与文件名", "check path and name")
    return [*matches] or Problem(what, text, fix=fix)


_LEFT_BY_SCANS = {
    "flagged.xlsx", "findings.parquet", "decisions.parquet", "coverage.parquet", "notices.csv", "rejected.csv", "run.json",
}  # fmt: skip


def is_table(path: Path) -> bool:
    """Whether a file in a folder is read: by its name, and none that a scan left there."""
    hidden = path.name.startswith((".", "~$", "_"))
    ours = path.name in _LEFT_BY_SCANS and (path.parent / "run.json").exists()
    return path.suffix.lower() in _SUFFIXES and not hidden and not ours


def read_source(source: Source, score: HeaderScore, passwords: Sequence[str] = ()) -> Source:
    """Read one input into `source.tables`; what is wrong with the whole file goes to `source.problems`."""
    if source.problems:  # it is not there
        return source
    with telling(source):
        data, digest = _bytes_of(source) if source.path else _hashed(_standard_input())
        source.size = len(data)
        try:
            source.tables = reopened(_parse(data, source, score, passwords))
        finally:
            source.sha256 = digest()
    return source


@contextmanager
def telling(source: Source) -> Iterator[None]:
    """What goes wrong with the whole file stands in `source.problems` afterwards."""
    try:
        yield
    except OrderguardError as error:
        source.problems += error.problems
    except OSError as error:
        source.problems.append(Problem(unable(Words("无法打开", "cannot be opened"), error), source.name))
    except MemoryError:
        what = Words("文件太大，内存不足", "the file is too large for this machine's memory")
        source.problems.append(Problem(what, source.name, fix=Words("请拆分后再扫", "split it and scan the parts")))
    except Exception as error:  # noqa: BLE001 - one odd file must not take the others down
        said = f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"
        fix = Words(f"请重新导出（{said}）", f"export it again ({said})")
        source.problems.append(Problem(Words("文件无法读取", "the file cannot be read"), source.name, fix=fix))


def _standard_input() -> bytes:
    if sys.stdin is None:  # closed by whoever started us, as some schedulers do
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return sys.stdin.buffer.read()


def _hashed(data: bytes) -> tuple[bytes, Callable[[], str]]:
    return data, lambda: hashlib.sha256(data).hexdigest()


def _bytes_of(source: Source) -> tuple[bytes, Callable[[], str]]:
    """A file's bytes, and what tells their SHA-256: a large file is hashed on another core while it is read and parsed."""
    assert source.path is not None  # noqa: S101 - standard input has none
    with source.path.open("rb", buffering=0) as file:
        before = _state(file)
        if before[0] < _LARGE or time.time_ns() - before[1] < _SETTLED:
            data = file.read()
            changed_since(source, file, before)
            return _hashed(data)
        beside = ThreadPoolExecutor(max_workers=1)
        told = beside.submit(_digest, source.path)
        beside.shutdown(wait=False)
        data = file.read()
        after = _state(file)
        changed_since(source, file, before)

    def digest() -> str:
        same = told.result()[1] == before == after and len(data) == before[0]
        return told.result()[0] if same else _hashed(data)[1]()  # somebody wrote to it meanwhile

    return data, digest


def _digest(path: Path) -> tuple[str, _State | None]:
    """The hash of what is under that path, and its state before and after it was hashed (None: it changed)."""
    try:
        with path.open("rb", buffering=0) as file:
            state = _state(file)
            told = hashlib.file_digest(file, "sha256").hexdigest()
            return told, state if _state(file) == state else None
    except OSError:  # gone meanwhile: who has it open reads it all the same
        return "", None


def _state(file: IO[bytes] | FileIO) -> _State:
    told = os.fstat(file.fileno())
    return told.st_size, told.st_mtime_ns, told.st_ino


def look_at(source: Source) -> None:
    """Note the state of a file that is read in several steps, once."""
    if source.path and not source.state:
        told = source.path.stat()
        source.state = told.st_size, told.st_mtime_ns, told.st_ino


def changed_since(source: Source, file: IO[bytes] | FileIO, before: _State | None) -> None:
    """Tell of a file that was written to, cut or replaced while it was read: its rows may be of two exports, or not be all."""
    now = _state(file)
    if before is None or before == now or not S_ISREG(os.fstat(file.fileno()).st_mode):
        return
    if now[2] == before[2] and now[0] > before[0]:
        what = Words("读取时还在变长", "was growing while it was read")
        fix = Words("后来写入的行下次再扫", "rows that came later are for the next scan")
        source.problems.append(Problem(what, source.name, fix=fix, fatal=False))
        return
    what = Words(
        "读取时被改写或替换，读到的行可能不全或新旧混杂",
        "was rewritten or replaced while it was read: rows may be missing or be of both",
    )
    fix = Words("等导出写完再扫一次", "scan it again when the export is finished")
    source.problems.append(Problem(what, source.name, fix=fix))


def _parse(data: bytes, source: Source, score: HeaderScore, passwords: Sequence[str]) -> list[Table]:
    name = source.name
    suffix = source.path.suffix.lower() if source.path else ""
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf") if len(data) < 1 << 16 else False:
        raise OrderguardError(_empty(source))
    if data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        from orderguard.ingest.markup import as_text, is_markup  # noqa: PLC0415

        if is_markup(data):
            return [read_delimited(as_text(data, name), name, score)]
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")) or suffix in _BOOK:
        from orderguard.ingest.books import read_book  # noqa: PLC0415

        if suffix in _BOOK and _is_text_book(data):
            return [read_delimited(data, name, score)]
        return read_book(data, name, score, passwords)
    if data.startswith(b"PAR1") or suffix in {".parquet", ".pq"}:
        from orderguard.ingest.records import read_parquet  # noqa: PLC0415

        return [read_parquet(data, name)]
    if data.startswith(b"SQLite format 3\x00"):
        raise OrderguardError(_database(source))
    start = data[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1]
    if suffix in {".json", ".jsonl", ".ndjson"} or start in (b"{", b"["):
        from orderguard.ingest.records import read_json  # noqa: PLC0415

        return [read_json(data, name, score)]
    return [read_delimited(data, name, score)]


def _empty(source: Source) -> Problem:
    if source.path:
        again = Words("请重新导出", "export it again")
        return Problem(Words("文件是空的", "the file is empty"), source.name, fix=again)
    fix = Words(
        "检查前一个命令；标准输入只能给一处用（--rules - 与 - 不能同时写）",
        "check the command before it; standard input serves one thing only (not --rules - and -)",
    )
    return Problem(Words("标准输入是空的", "standard input is empty"), source.name, fix=fix)


def _database(source: Source) -> Problem:
    where = f"sqlite:///{source.path}" if source.path else "sqlite:///x.db"
    fix = Words(
        f"写成 orderguard scan {where} --table 表名（不写 --table 会列出有哪些表）",
        f"write orderguard scan {where} --table NAME (without --table its tables are listed)",
    )
    return Problem(Words("是 SQLite 数据库", "is an SQLite database"), source.name, fix=fix)


def _is_text_book(data: bytes) -> bool:
    """Some back offices hand out tab-separated text named .xls."""
    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"\x09\x08", b"\x09\x04", b"\x09\x02")):
        return False
    head = data[:4096]
    return b"\x00" not in head and (b"\t" in head or b"," in head) and b"\n" in head
