"""The bar of a large scan: on a terminal only, and gone at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from house import export, order, process

from orderguard.cli.progress import Bar

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty", reason="terminals are Unix's")


def on_a_terminal(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and what a command wrote to a terminal as its standard error."""
    ours, theirs = pty.openpty()
    told: list[bytes] = []

    def listen() -> None:
        try:
            while part := os.read(ours, 65536):
                told.append(part)
        except OSError:  # the other end is closed
            return

    listener = threading.Thread(target=listen)
    listener.start()
    done = subprocess.run(
        [sys.executable, "-m", "orderguard", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=theirs,
        check=False, timeout=120, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(theirs)
    listener.join()
    os.close(ours)
    return done.returncode, b"".join(told).decode()


def test_a_scan_in_pieces_shows_how_far_it_is(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order(str(i)) for i in range(300)])
    words = ("scan", "a.csv", "--memory", "1MB", "--outputs", "frames")
    code, seen = on_a_terminal(tmp_path, *words)
    assert code == 0, seen
    assert "读取" in seen
    assert "审核" in seen
    assert "300" in seen
    assert "审核" not in process(*words, cwd=tmp_path).stderr  # a log gets no bar
    assert "审核" not in on_a_terminal(tmp_path, *words, "--quiet")[1]


def test_a_bar_that_was_never_told_anything_draws_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    bar = Bar("en")
    bar.close()
    assert capfd.readouterr() == ("", "")
