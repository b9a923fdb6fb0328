"""The output folder: written beside its place and renamed whole. What earlier runs issued is kept in `earlier/`."""

from __future__ import annotations

import errno
import json
import os
import shutil
from fnmatch import fnmatch
from glob import escape
from pathlib import Path
from typing import Self

from orderguard.drafts import check_name
from orderguard.errors import DeliveryError, OrderguardError, Problem, Words, unable

_OURS = {
    "flagged.xlsx", "tasks", "holds", "notices.csv", "rejected.csv", "findings.parquet", "decisions.parquet",
    "coverage.parquet", "run.json", "earlier", "board.html",
}  # fmt: skip
_RELEASES = "releases"
"""`cases sweep` writes it; a scan carries it over as it is."""

_ISSUED = ("tasks", "holds", "notices.csv")


def check_place(out: Path) -> None:
    """Refuse a place that cannot be a folder, and one in which others' files have the names of our outputs.

    Raises:
        OrderguardError: naming the file that is in the way.
    """
    check_name(out)
    # The nearest thing that is there: a link that leads nowhere yet is none, and may become a folder.
    file = next((p for p in (out, *out.parents) if p.exists()), out)
    if file.exists() and not file.is_dir():
        what = Words("是文件，输出要放进文件夹", "is a file; outputs go into a folder")
        raise OrderguardError(
            Problem(what, str(file), fix=Words("请用 --out 换一个目录", "choose another folder with --out"))
        )
    if (
        not out.is_dir() or _run_of(out) or _drafts(Path(os.path.realpath(out)))
    ):  # ours, or cut off while it became ours
        return
    clash = sorted({p.name for p in out.iterdir()} & _OURS)
    if clash:
        what = Words(
            f"里面已有别人的 {clash[0]}，不会覆盖", f"holds somebody else's {clash[0]}, which is not overwritten"
        )
        raise OrderguardError(
            Problem(what, str(out), fix=Words("请用 --out 换一个目录", "choose another folder with --out"))
        )


def _run_of(folder: Path) -> str | None:
    """The run that an output folder was left by; None when it is not one of ours."""
    try:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return str(told["run_id"]) if {"inputs", "rulebook", "version"} <= set(told) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_running(pid: str) -> bool:
    """Whether another process is still writing its draft."""
    if os.name != "posix" or not pid.isdigit() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except OSError:
        return False
    return True


def _drafts(out: Path) -> list[Path]:
    """What scans into `out` are writing, or were when they were killed: beside it or, where nobody may write there, in it."""
    name = f".{escape(out.name)}~*.tmp"
    return [*out.parent.glob(name), *out.glob(name)]


_ELSEWHERE = {errno.EBUSY, errno.EXDEV}
"""What the system says to renaming a folder that another disk is mounted on, or onto it."""


class Staging:
    """A temporary folder beside `out`; `commit()` puts it in place, leaving the block otherwise removes it.

    Where nobody may write beside `out` (a volume of a container, a folder of another owner) it is in `out`.
    """

    def __init__(self, out: Path, run_id: str) -> None:
        self.shown = str(out)
        self.out = Path(os.path.realpath(out))  # a link stays a link: what it leads to is replaced
        self.run_id = run_id
        self.folder = self.out.parent / self._draft

    @property
    def _draft(self) -> str:
        return f".{self.out.name}~{self.run_id}.{os.getpid()}.tmp"

    def __enter__(self) -> Self:
        try:
            self._begin()
            self._sweep()
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise self._failed(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def commit(self, undelivered: frozenset[str] = frozenset()) -> None:
        """Put the new outputs in place.

        Args:
            undelivered: runs whose sheets are being issued again now; theirs are not kept.

        Raises:
            DeliveryError: the place cannot be written.
        """
        try:
            for path in sorted(self.folder.rglob("*")):
                path.chmod(0o700 if path.is_dir() else 0o600)
            old = self.out if self.out.exists() else None
            if old is not None:
                _may_change(old)
            aside = self.out.parent / f".{self.out.name}~{self.run_id}.old"
            if old is not None and not (self._holds_only_outputs(old) and self._moved(old, aside)):
                self._entry_by_entry(undelivered)
                return
            self.folder.rename(self.out)
            if old is not None:
                _keep_issued(aside, self.out, undelivered)
                shutil.rmtree(aside, ignore_errors=True)
        except OSError as error:
            raise self._failed(error) from error

    def _begin(self) -> None:
        try:
            self.folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS} or not self.out.is_dir():
                raise
            self.folder = self.out / self._draft
            self.folder.mkdir(mode=0o700)

    def _moved(self, old: Path, aside: Path) -> bool:
        """Whether `old` could be moved aside; a mounted one stays, and what is new goes into it."""
        if self.folder.parent == old:
            return False
        try:
            old.rename(aside)
        except OSError as error:
            if error.errno not in _ELSEWHERE:
                raise
            beside, self.folder = self.folder, old / self._draft
            shutil.copytree(beside, self.folder)
            shutil.rmtree(beside, ignore_errors=True)
            return False
        return True

    def _failed(self, error: OSError) -> DeliveryError:
        what = unable(Words("输出目录无法写入", "the output folder cannot be written"), error)
        fix = Words(
            "检查权限与磁盘空间后再扫一次；台账已记下，不会漏单",
            "check rights and disk space and scan again; the ledger has it all",
        )
        inside = str(error.filename or "").removeprefix(f"{self.out}{os.sep}")
        hidden = inside.startswith(".") or os.path.isabs(inside) or not inside  # noqa: PTH117 - a text, no path yet
        return DeliveryError(Problem(what, self.shown if hidden else str(Path(self.shown) / inside), fix=fix))

    def _sweep(self) -> None:
        """Bring back an output that a killed run had moved aside, and drop drafts of killed runs."""
        parent = self.out.parent
        for old in sorted(parent.glob(f".{escape(self.out.name)}~*.old")):
            for place in _changing(old):  # it is ours, and older versions moved it aside as read-only as it was
                place.chmod(0o700)
            if not self.out.exists():
                old.rename(self.out)
            else:
                _keep_issued(old, self.out, frozenset())
                shutil.rmtree(old, ignore_errors=True)
        for draft in _drafts(self.out):
            if draft != self.folder and not _is_running(draft.name.split(".")[-2]):
                shutil.rmtree(draft, ignore_errors=True)

    @staticmethod
    def _holds_only_outputs(folder: Path) -> bool:
        if not folder.is_dir():
            raise NotADirectoryError(20, "not a folder", str(folder))
        inside = {p.name for p in folder.iterdir() if not fnmatch(p.name, ".*~*.tmp")}
        return inside <= _OURS | {_RELEASES} and (not inside or "run.json" in inside)

    def _entry_by_entry(self, undelivered: frozenset[str]) -> None:
        """The folder holds other people's files: replace our own entries one by one and touch nothing else."""
        _keep_issued(self.out, self.out, undelivered)
        new = {p.name: p for p in self.folder.iterdir()}
        # What tells that the folder is ours is never away: a kill in between must not make it somebody else's.
        for name in sorted(_OURS - {"earlier"}, key=lambda name: name == "run.json"):
            target = self.out / name
            if target.is_dir():
                shutil.rmtree(target, ignore_errors=True)
            if name in new:
                new[name].replace(target)
            else:
                target.unlink(missing_ok=True)


def _changing(folder: Path) -> list[Path]:
    """The folders of an output that must be writable to replace it: what was issued moves to the new one."""
    return [p for p in (folder, *(folder / name for name in (*_ISSUED, "earlier", _RELEASES))) if p.is_dir()]


def _may_change(folder: Path) -> None:
    for place in _changing(folder):
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))


def _keep_issued(old: Path, new: Path, undelivered: frozenset[str]) -> None:
    """Move what earlier runs issued to `earlier/<run>/` of the new outputs, so that a later scan loses no sheet.

    Renames only, however many runs there were. A kill in between is made good by the next scan: `old` is still there.
    """
    kept = new / "earlier"
    if old != new:
        for name in ("earlier", _RELEASES):
            if (old / name).is_dir() and not (new / name).exists():
                (old / name).rename(new / name)
    for run in undelivered:
        shutil.rmtree(kept / run, ignore_errors=True)
    run_id = _run_of(old)
    if run_id is None or run_id in undelivered or "/" in run_id or "\\" in run_id:
        return
    for name in _ISSUED:
        issued = old / name
        # Notices alone are not worth a folder.
        wanted = any(issued.iterdir()) if issued.is_dir() else issued.exists() and (kept / run_id).is_dir()
        if wanted and not (kept / run_id / name).exists():
            (kept / run_id).mkdir(parents=True, exist_ok=True, mode=0o700)
            issued.rename(kept / run_id / name)


def keep_sheet(out: Path, agent: str, issue_id: str) -> None:
    """Move an agent's sheets to `earlier/<issue>/tasks/`, to make room for the next."""
    aside = out / "earlier" / f"before-{issue_id}" / "tasks"
    for sheet in [p for p in (out / "tasks").glob("*") if p.stem in {agent, f"{agent}~2"}]:
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        sheet.replace(aside / sheet.name)
