"""What comes through a pipe, and what changes while it is read."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from threading import Timer

import pytest
import xlsxwriter
from house import House, export, order, process

from orderguard import sqlites
from orderguard.errors import OrderguardError
from orderguard.ingest import batches, reader

BOOK = """version: 1
bands: {review: 20, hold: 30}
rules:
  - id: words
    kind: keywords
    with: {column: address, file: words.txt}
    points: 40
"""


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="a Unix device")
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_rulebook_from_a_pipe_is_known_by_its_bytes(tmp_path, name):
    """It was read twice, and the second time it was empty: every such run had the hash of nothing."""
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓"), order("2")])
    (tmp_path / "words.txt").write_text("临时仓\n", encoding="utf-8")  # beside a pipe means here
    done = process("scan", "a.csv", "--rules", name, "--json", cwd=tmp_path, stdin=BOOK.encode())
    run = json.loads(done.stdout)
    assert (done.returncode, run["flagged"]) == (0, 1)
    assert run["rulebook"]["sha256"] == hashlib.sha256(BOOK.encode()).hexdigest()
    shown = process("rules", "show", "words", "--rules", name, cwd=tmp_path, stdin=BOOK.encode())
    assert (shown.returncode, "keywords" in shown.stdout) == (0, True), "this command looks at its rulebook twice"
    wrong = process("rules", "check", "--rules", name, cwd=tmp_path, stdin=BOOK.replace("keywords", "keyword").encode())
    assert (wrong.returncode, wrong.stderr.startswith(f"✗ {name}:5: words: ")) == (2, True)


def test_standard_input_serves_one_thing(tmp_path):
    done = process("scan", "-", "--rules", "-", cwd=tmp_path, stdin=BOOK.replace("file: words.txt", "any: [临时仓]").encode())
    assert done.returncode == 2
    assert "标准输入只能给一处用" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a Unix thing")
@pytest.mark.parametrize("way", ["-", "/dev/stdin"])
def test_a_pipe_among_large_inputs_is_read_once(tmp_path, way):
    """It was read for the order of day and month, and then there was nothing left: `the file is empty`."""
    export(tmp_path / "large.csv", [order(f"L{i}", 买家留言="谢" * 2_000) for i in range(2_000)])
    piped = export(tmp_path / "piped.csv", [order("P1", 收货地址="临时仓"), order("P2")]).read_bytes()
    done = process("scan", way, "large.csv", "--memory", "100MB", "--json", cwd=tmp_path, stdin=piped)
    run = json.loads(done.stdout)
    assert (done.returncode, run["read"], run["flagged"]) == (0, 2_002, 1)
    assert {f["file"]: f["sha256"] for f in run["inputs"]}["stdin"] == hashlib.sha256(piped).hexdigest()


@pytest.mark.parametrize("memory", [(), ("--memory", "1MB")])
def test_what_is_there_is_scanned_though_another_path_is_not(tmp_path, memory):
    """A cron job with five paths of which one is missing tonight: the other four are judged, and the exit code says so."""
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓"), order("2")])
    (tmp_path / "none").mkdir()
    done = process("scan", "no.csv", "a.csv", "*.tsv", "none", "--json", *memory, cwd=tmp_path)
    run = json.loads(done.stdout)
    assert (done.returncode, run["read"], run["flagged"]) == (2, 2, 1)
    assert [p["file"] for p in run["problems"] if p["fatal"]] == ["no.csv", "*.tsv", "none"]
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["✗ no.csv", "✗ *.tsv", "✗ none"]
    again = process("scan", "no.csv", "*.tsv", "--out", "other", cwd=tmp_path)
    assert (again.returncode, (tmp_path / "other").exists()) == (2, False)


def test_a_database_named_as_a_file_says_how_it_is_named(tmp_path):
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db:
        db.execute("CREATE TABLE orders (订单编号 TEXT, 收货地址 TEXT)")
        db.execute("INSERT INTO orders VALUES ('1', '临时仓')")
        db.commit()
    (tmp_path / "in").mkdir()
    export(tmp_path / "in" / "a.csv", [order("2")])
    done = process("scan", "shop.db", cwd=tmp_path)
    assert (done.returncode, "orderguard scan sqlite:///shop.db --table" in done.stderr) == (2, True)
    assert process("scan", "sqlite:///shop.db", "--table", "orders", cwd=tmp_path).returncode == 0
    (tmp_path / "shop.db").rename(tmp_path / "in" / "shop.sqlite3")
    assert "shop.sqlite3" in process("scan", "in", cwd=tmp_path).stderr


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-be", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "-"])
def test_wide_encodings_with_their_mark(tmp_path, encoding, name):
    rows = [order("1", 收货地址="临时仓"), order("2", 收货人="𠮷野")]
    text = export(tmp_path / "plain.csv", rows).read_text(encoding="utf-8")
    text = json.dumps(rows, ensure_ascii=False) if name != "a.csv" else text
    data = (text if encoding in {"utf-32", "utf-16"} else "\ufeff" + text).encode(encoding)
    (tmp_path / name).write_bytes(data)  # a file called "-" is not meant by it
    run = json.loads(process("scan", name, "--json", cwd=tmp_path, stdin=data if name == "-" else None).stdout)
    assert (run["read"], run["flagged"], run["rejected"]) == (2, 1, 0)


def test_a_locked_sqlite_file_is_waited_for_aloud_and_not_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlites, "_AT_ONCE", 0.05)
    monkeypatch.setattr(sqlites, "_MOST", 1)
    told: list[str] = []
    house = House(tmp_path)
    asked = {"table": "orders", "heed": lambda words: told.append(words.en)}
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("CREATE TABLE orders (订单编号 TEXT, 收货地址 TEXT)")
        writer.execute("INSERT INTO orders VALUES ('1', '临时仓')")
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OrderguardError) as caught:
            house.scan(f"sqlite:///{tmp_path}/shop.db", **asked)
        assert "waiting 1 seconds at most" in told.pop()
        assert ".backup" in caught.value.problems[0].text("en")
        Timer(0.4, writer.execute, ["COMMIT"]).start()
        assert house.scan(f"sqlite:///{tmp_path}/shop.db", **asked).run["read"] == 1
        assert len(told) == 1
        writer.execute("BEGIN")
        house.scan(f"sqlite:///{tmp_path}/shop.db", **asked)
        assert len(told) == 1, "nobody has to wait for a reader"


@pytest.mark.parametrize(
    ("change", "said"),
    [("cut", "was rewritten"), ("replaced", "was rewritten"), ("grown", "was growing"), ("nothing", "")],
)
@pytest.mark.parametrize("memory", [None, "1MB"])
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path, monkeypatch, change, said, memory):
    """In pieces a file is looked at twice, and the second time it may be another; whatever was read goes through."""
    path = export(tmp_path / "a.csv", [order(f"A{i}") for i in range(3_000)])
    text = path.read_bytes()
    os.utime(path, (1_700_000_000, 1_700_000_000))  # file systems tell times in ticks
    module, name = (reader, "_state") if memory is None else (batches, "read_delimited")
    real, calls = getattr(module, name), count()

    def meddled(*args):
        done = real(*args) if memory is None else None
        if next(calls):  # it was looked at once
            return done or real(*args)
        if change == "cut":
            os.truncate(path, len(text) // 2)
        elif change == "grown":
            path.write_bytes(text + text[-200:])
        elif change == "replaced" and memory:
            (tmp_path / "new").write_bytes(text)
            (tmp_path / "new").replace(path)
        elif change == "replaced":
            path.write_bytes(text[:-200] + text[-400:-200])
        return done or real(*args)

    monkeypatch.setattr(module, name, meddled)
    done = House(tmp_path).scan(path, memory=memory)
    assert done.run["read"] > 1_000
    told = [p for p in done.problems if "while it was read" in p.what.en]
    assert [p.what.en[: len(said)] for p in told] == ([said] if said else [])
    assert all(p.fatal == (change != "grown") for p in told)


def test_packed_exports_and_sheets_of_charts_are_told_in_our_words(tmp_path):
    """What the reader of books logs went to standard error as it stood; a packed export was called binary, to be exported again."""
    data = export(tmp_path / "a.csv", [order("1")]).read_bytes()
    for name, pack in (("a.csv.gz", gzip.compress), ("a.bz2", bz2.compress), ("a.xz", lzma.compress)):
        (tmp_path / name).write_bytes(pack(data))
    with xlsxwriter.Workbook(tmp_path / "chart.xlsx") as made:
        made.add_chartsheet()
    done = process("scan", "a.csv.gz", "a.bz2", "a.xz", "chart.xlsx", "a.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert [line.partition("；")[0] for line in done.stderr.splitlines()] == [
        "✗ a.csv.gz: 是压缩包，不是表格", "✗ a.bz2: 是压缩包，不是表格", "✗ a.xz: 是压缩包，不是表格", "✗ chart.xlsx: 文件里没有数据",
    ]  # fmt: skip
