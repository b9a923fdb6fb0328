"""The SHA-256 of a large file is that of the bytes that were read, whatever others do to the file meanwhile."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from orderguard.ingest import reader
from orderguard.ingest.reader import Source, read_source

if TYPE_CHECKING:
    from pathlib import Path

ROWS = b"\xe8\xae\xa2\xe5\x8d\x95\xe7\xbc\x96\xe5\x8f\xb7,IP\n" + b"A1,192.0.2.1\n" * 400_000
PROPER = hashlib.file_digest


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(ROWS)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_it_is_the_hash_of_the_file(large: Path) -> None:
    source = read_source(Source(large, "a.csv"), lambda cells: float("IP" in cells))
    assert (source.problems, source.sha256) == ([], hashlib.sha256(ROWS).hexdigest())


@pytest.mark.parametrize("harm", ["written to", "written in place", "removed before", "removed"])
def test_somebody_else_touches_it_meanwhile(large: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    def meanwhile(file: Any, name: str) -> Any:
        if harm == "written to":
            large.write_bytes(ROWS + b"A2,192.0.2.2\n")
        elif harm == "written in place":
            with large.open("r+b") as other:
                other.write(b"X")
        elif harm == "removed":
            large.unlink()
        else:
            raise FileNotFoundError
        return PROPER(file, name)

    monkeypatch.setattr(hashlib, "file_digest", meanwhile)
    data, told = reader._bytes_of(reader.Source(large, "large.csv"))
    assert told() == hashlib.sha256(data).hexdigest()


def test_another_file_takes_its_place_before_it_is_hashed(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proper = reader._digest

    def late(path: Path) -> Any:
        (path.parent / "b").write_bytes(b"Y" * len(ROWS))
        os.utime(path.parent / "b", (1_700_000_000, 1_700_000_000))
        (path.parent / "b").replace(path)
        return proper(path)

    monkeypatch.setattr(reader, "_digest", late)
    data, told = reader._bytes_of(reader.Source(large, "large.csv"))
    assert (data == ROWS, told()) == (True, hashlib.sha256(ROWS).hexdigest())
