"""Where a scan runs: full disks, closed ends, folders of other owners and mounted ones, homes, memory that ends."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from time import sleep

import polars as pl
import pytest
from house import House, burst, export, order, process

from orderguard.cli import at_home, cli, lacking
from orderguard.errors import DeliveryError, OrderguardError
from orderguard.outbox import Staging
from orderguard.rules.book import default_rulebook
from orderguard.stages.memory import limits, plan

_ROWS = [*burst("A", (1, 2, 3)), order("B1", 收货地址="广东省深圳市某路临时仓")]


def _sh(line: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    words = f'"{sys.executable}" -m orderguard'
    return subprocess.run(["bash", "-c", line.replace("orderguard", words)], cwd=cwd, capture_output=True, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Unix device")
@pytest.mark.parametrize("told", ["2>/dev/full", "2> >(true)", "2>&-"])
def test_messages_that_nobody_hears_change_no_exit_code(tmp_path, told):
    """A log on a full disk made every wrong input exit code 1, which means a held order."""
    assert _sh(f"orderguard scan nowhere.csv {told}", tmp_path).returncode == 2
    export(tmp_path / "a.csv", _ROWS)
    (tmp_path / "b.csv").write_bytes(b"\x00\x01\x02")  # told while the scan goes on
    assert _sh(f"orderguard scan a.csv b.csv {told}", tmp_path).returncode == 2
    assert (tmp_path / "out" / "run.json").exists()
    assert _sh(f"orderguard scan a.csv >/dev/full {told}", tmp_path).returncode == 3
    assert _sh(f"orderguard scan a.csv --fail-on hold >/dev/full {told}", tmp_path).returncode == 3


def test_a_folder_that_was_removed_under_our_feet_is_told(tmp_path):
    done = _sh("mkdir x; cd x; rmdir ../x; orderguard scan a.csv", tmp_path)
    assert done.returncode == 2
    assert "当前所在的文件夹已被删除" in done.stderr.decode()


def test_memory_that_ends_is_no_fault_of_ours():
    told = [lacking(error) for error in (MemoryError(), ImportError("x.so: failed to map segment from shared object"))]
    assert all(problem and "--memory" in problem.text("zh-CN") for problem in told)
    assert lacking(ImportError("No module named 'x'")) is None
    assert lacking(FileNotFoundError(2, "no such file", "a.csv")) is None


def test_a_home_that_the_shell_left_is_no_folder_called_tilde(tmp_path, monkeypatch):
    """`--out=~/out` reaches a command as it stands in bash, and `rm -r ~` is how people get rid of a folder of that name."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert at_home("--out=~/out") == f"--out={tmp_path}/home/out"
    assert at_home("~/a.csv") == f"{tmp_path}/home/a.csv"
    same = ["--why=a ~/b", "~", "a~/b", "--x", "-", "--rule=~7", "~x/a.csv"]
    assert [at_home(word) for word in same] == same
    export(tmp_path / "a.csv", _ROWS)
    assert process("scan", "a.csv", "--out=~/o", "--ledger=~/l", cwd=tmp_path).returncode == 0
    assert sorted(p.name for p in (tmp_path / "home").iterdir()) == ["l", "o"]
    (tmp_path / "~").mkdir()  # who has one means it
    assert at_home("~/a.csv") == "~/a.csv"


def _twice(tmp_path: Path) -> House:
    """A house with one scan behind it and another export ready."""
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", _ROWS))
    export(tmp_path / "b.csv", burst("C", (31, 32, 33), ip="192.0.2.99"))
    return house


def _left(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob(".*") if "~" in p.name]


def _issued(house: House) -> list[str]:
    sheets = [*house.tasks().values(), *house.tasks("earlier").values()]
    return sorted(number for sheet in sheets for number in sheet)


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EXDEV])
def test_an_output_folder_that_is_mounted_gets_its_outputs(tmp_path, monkeypatch, code):
    """A container's volume cannot be renamed: each scan into one ended in exit code 3."""
    house = _twice(tmp_path)
    rename = Path.rename

    def mounted(self, target):
        if house.out in (self, Path(target)):
            raise OSError(code, os.strerror(code), str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", mounted)
    house.scan(tmp_path / "b.csv")
    assert _issued(house) == ["A0", "A1", "A2", "B1", "C0", "C1", "C2"]
    assert _left(tmp_path) == []


def test_an_output_folder_in_a_place_of_another_owner(tmp_path, monkeypatch):
    """Who may write to `out` but not beside it got exit code 3."""
    house = _twice(tmp_path)
    mkdir = Path.mkdir

    def refused(self, *args, **kwargs):
        if self.parent == tmp_path and self.name.startswith(".out~"):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return mkdir(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refused)
    house.scan(tmp_path / "b.csv")
    assert _issued(house) == ["A0", "A1", "A2", "B1", "C0", "C1", "C2"]
    assert _left(tmp_path) == []


def test_a_folder_that_may_not_be_changed_stays_as_it_was_and_is_named(tmp_path, monkeypatch):
    """It was moved aside first, and every later scan stumbled over what lay hidden beside it."""
    house = _twice(tmp_path)
    before = (house.out / "run.json").read_bytes()
    access = os.access
    with monkeypatch.context() as locked:
        locked.setattr(os, "access", lambda path, mode: access(path, mode) and Path(path).name != "tasks")
        with pytest.raises(DeliveryError, match="out/tasks: "):
            house.scan(tmp_path / "b.csv")
    assert (house.out / "run.json").read_bytes() == before
    assert _issued(house) == ["A0", "A1", "A2", "B1"]
    assert _left(tmp_path) == []
    house.scan(tmp_path / "b.csv")
    assert _issued(house) == ["A0", "A1", "A2", "B1", "C0", "C1", "C2"]


@pytest.mark.parametrize("at", range(1, 9))
def test_a_kill_between_entries_leaves_a_folder_that_is_still_ours(tmp_path, monkeypatch, at):
    """Entries are replaced one by one beside other people's files; a kill before `run.json` closed the folder for ever."""
    house = House(tmp_path)
    house.out.mkdir()
    (house.out / "theirs.txt").write_text("x")
    export(tmp_path / "a.csv", _ROWS)

    class KilledError(BaseException):
        pass

    for _ in range(2):  # into a folder with other people's files only, and into one with our own besides
        with monkeypatch.context() as dying:
            replace, calls = Path.replace, []

            def dies(self, target, replace=replace, calls=calls):
                calls.extend([self] * self.parent.name.startswith(".out~"))
                if len(calls) == at:
                    raise KilledError
                return replace(self, target)

            dying.setattr(Path, "replace", dies)
            dying.setattr(Staging, "__exit__", lambda *_: None)  # a killed process tidies nothing up
            with pytest.raises(KilledError):
                house.scan(tmp_path / "a.csv")
        assert _left(tmp_path)
        house.scan(tmp_path / "a.csv")
        assert _left(tmp_path) == []
        assert _issued(house) == ["A0", "A1", "A2", "B1"]
        assert (house.out / "theirs.txt").read_text() == "x"


@pytest.mark.skipif(sys.platform == "win32", reason="ulimit")
def test_a_disk_that_fills_leaves_files_as_they_were(tmp_path):
    """`init` left half a rulebook that each scan then read, a report half a page in the place of the last good one."""
    export(tmp_path / "a.csv", _ROWS)
    done = _sh("(ulimit -f 1; orderguard init)", tmp_path)
    assert (done.returncode, [p.name for p in tmp_path.iterdir()]) == (2, ["a.csv"]), done.stderr.decode()
    assert _sh("orderguard scan a.csv && orderguard report --month 2026-11 && orderguard board", tmp_path).returncode == 0
    files = {p: p.read_bytes() for p in tmp_path.glob("*") if p.is_file()}
    assert len(files) == 4
    for line, code in (("report --month 2026-11", 3), ("ledger rebuild", 2)):
        # SQLite's own shared memory is a file of 32 KB.
        done = _sh(f"(ulimit -f {0 if 'rebuild' in line else 33}; orderguard {line})", tmp_path)
        assert done.returncode == code, (line, done.stderr.decode())
        assert {p: p.read_bytes() for p in tmp_path.glob("*") if p.is_file()} == files, line
    assert _sh("orderguard ledger check", tmp_path).returncode == 0


def test_bytes_and_spans_of_time_in_parquet_do_not_refuse_the_file(tmp_path):
    """A picture, a key in its sixteen bytes, how long something took: no order needs them, and each refused the whole file."""
    rows = pl.read_csv(export(tmp_path / "a.csv", _ROWS), infer_schema=False)
    odd = [pl.lit(b"\xff\xd8").alias("图片"), pl.lit(b"ok").alias("b"), pl.lit(5, pl.Duration).alias("用时"), pl.lit(b"").alias("e")]
    rows.with_columns(pl.col("订单编号").cast(pl.Binary), *odd).write_parquet(tmp_path / "a.parquet")
    house = House(tmp_path)
    assert house.scan(tmp_path / "a.parquet").run["read"] == 4
    assert {number for number, _ in house.findings()} == {"A0", "A1", "A2", "B1"}
    keys = pl.Series("订单编号", [bytes([255, i]) for i in range(4)])
    rows.with_columns(keys).write_parquet(tmp_path / "k.parquet")
    assert house.scan(tmp_path / "k.parquet").run["flagged"] == 4
    assert {number for number, _ in house.findings()} == {"ff00", "ff01", "ff02", "ff03"}


def test_json_without_a_bottom_is_told_as_such(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000 + "]" * 100_000)
    done = process("scan", "a.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, '✗ a.json: 嵌套过深；应是订单对象的列表，如 [{"订单编号": "1", …}]，或每行一个对象\n')


def test_a_clock_that_was_never_set_records_nothing(tmp_path, monkeypatch):
    """A machine without a battery starts in 1970: due times were wrong for good, and workbooks ended in an error of ours."""
    monkeypatch.setattr("orderguard.cli.time", lambda: 86_400.0)
    monkeypatch.chdir(tmp_path)
    export(tmp_path / "a.csv", _ROWS)
    with cli.make_context("orderguard", ["scan", "a.csv"]) as context, pytest.raises(OrderguardError, match="clock"):
        cli.invoke(context)
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such names")
def test_folders_whose_names_are_no_text_are_told(tmp_path):
    """Polars writes no file there: the scan ended in an error of ours."""
    export(tmp_path / "a.csv", _ROWS)
    for option in ("out", "ledger"):
        done = _sh(f"orderguard scan a.csv --{option} $'x\\xff'", tmp_path)
        assert (done.returncode, done.stdout) == (2, b"")
        assert "不是 UTF-8 的字节" in done.stderr.decode()
    assert _sh("mkdir $'y\\xff'; cp a.csv $'y\\xff'; orderguard scan $'y\\xff' $'y\\xff/a.csv'", tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("groups", "files", "told"),
    [
        ("0::/\n", {"memory.max": "2000"}, [2000]),  # a container of today
        ("0::/system.slice/orderguard.service\n", {"system.slice/memory.max": "max", "system.slice/orderguard.service/memory.max": "1000"}, [1000]),
        ("9:name=systemd:/x\n4:cpu,memory:/a/b\n0::/\n", {"memory/a/b/memory.limit_in_bytes": "700", "memory/a/memory.limit_in_bytes": "900"}, [700, 900]),
        ("4:memory:/docker/1f\n", {"memory/memory.limit_in_bytes": "800"}, [800]),  # an old container, which sees its own as the root
        ("4:memory:/../..\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, [9223372036854771712]),
        ("", {}, []),
    ],
)  # fmt: skip
def test_the_limit_of_a_unit_or_of_an_old_container_is_seen(tmp_path, groups, files, told):
    """Only that of a container of today was: under systemd's `MemoryMax=` a scan took what the machine has, and was killed."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert sorted(limits(groups, tmp_path)) == told


def test_the_limit_of_a_shell_is_seen(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x" * (30 << 20))
    assert plan([str(tmp_path / "a.csv")], None) is None
    words = "import sys; from orderguard.stages.memory import plan; sys.exit(plan(['a.csv'], None) is None)"
    done = subprocess.run(["bash", "-c", f'ulimit -v 1200000; "{sys.executable}" -c "{words}"'], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a Unix device")
@pytest.mark.parametrize("name", ["list.csv", "list.txt", "list.yaml"])
def test_a_pipe_that_a_rule_names_stops_no_scan(tmp_path, name):
    """`rules check` and each scan waited for ever for somebody to write into it."""
    os.mkfifo(tmp_path / name)
    rule = f"{{id: a, kind: keywords, with: {{column: address, file: {name}}}, points: 40, says: x}}"
    (tmp_path / "rules.yaml").write_text(f"version: 1\nbands: {{review: 20, hold: 30}}\nrules:\n  - {rule}\n")
    done = process("rules", "check", cwd=tmp_path)
    assert done.returncode == 2
    assert "是管道，不是文件" in done.stderr


def test_watch_outlives_a_wrong_rulebook_and_a_folder_that_is_gone(tmp_path):
    """A typo ended the night's watch; of a share that was gone nothing was said, and the heartbeat stayed well."""
    (tmp_path / "in").mkdir()
    rules = default_rulebook().read_text(encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    words = [sys.executable, "-m", "orderguard", "watch", "in", "--quiet", "--every", "0.2"]
    log = tmp_path / "log"
    with log.open("wb") as told, subprocess.Popen(words, cwd=tmp_path, stderr=told) as process:

        def until(seen):
            for _ in range(300):
                if seen():
                    return
                assert process.poll() is None, log.read_text()
                sleep(0.1)
            raise AssertionError(log.read_text())

        try:
            until((tmp_path / "ledger" / "heartbeat.json").exists)
            (tmp_path / "rules.yaml").write_text("version: 1\n", encoding="utf-8")
            until(lambda: "bands" in log.read_text())
            (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
            (tmp_path / "in").rename(tmp_path / "gone")
            until(lambda: "盯住的文件夹打不开" in log.read_text())
            sleep(1)
            assert log.read_text().count("盯住的文件夹打不开") == 1
            (tmp_path / "gone").rename(tmp_path / "in")
            export(tmp_path / "in" / "a.csv", _ROWS)
            until((tmp_path / "out" / "run.json").exists)
        finally:
            process.terminate()


def test_a_sub_folder_that_is_closed_to_us_is_told(tmp_path, monkeypatch):
    """Orders in it were left out in silence."""
    (tmp_path / "in" / "closed").mkdir(parents=True)
    (tmp_path / "in" / "empty").mkdir()
    export(tmp_path / "in" / "a.csv", _ROWS)
    scandir = os.scandir

    def refused(path):
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    told = [p.text("zh-CN") for p in House(tmp_path).scan(tmp_path / "in").problems]
    assert [("closed" in text, "empty" in text) for text in told] == [(True, False)]
