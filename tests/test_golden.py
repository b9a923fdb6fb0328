"""The sample exports through the whole house, compared with what they gave before.

A difference is either a slip or a decision. After a decision: `python tests/test_golden.py --write`, read the diff of
`tests/golden/`, and commit it with the change.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import runpy
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import openpyxl
import polars as pl
import pytest

from orderguard.audit import scan
from orderguard.route import load_team
from orderguard.rules import load_rulebook
from orderguard.stages.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 11, 4, 30, tzinfo=UTC)
PARTS = ("files.json", "findings.csv", "flagged.csv", "coverage.csv", "rejected.csv", "holds.csv", "tasks.csv", "notices.csv")
_TOLD = ("rows", "folded", "read", "clean", "flagged", "rejected", "held", "review", "skipped", "new_cases", "tasks", "holds")
_PER_FILE = ("file", "platform", "recognised", "rows", "folded", "read", "clean", "flagged", "rejected")


class House(NamedTuple):
    """A scan that was made: its `run.json` and its folder."""

    run: dict[str, Any]
    out: Path


def audit(folder: Path, run_id: str = "golden-1", now: datetime = NOW, paths: Sequence[str] = (str(SAMPLES),)) -> House:
    """Scan with a fixed clock into `folder`."""
    options = Options(
        paths=paths,
        book=load_rulebook(ROOT / "rules.yaml"),
        team=load_team(SAMPLES / "team.yaml"),
        out=folder / "out",
        ledger=folder / "ledger",
        now=now,
        run_id=run_id,
        lookups=[str(SAMPLES / "lookup" / "accounts.csv")],
    )
    return House(scan(options).run, folder / "out")


def snapshot(house: House) -> dict[str, str]:
    """What is compared: the text of every part."""
    findings = pl.read_parquet(house.out / "findings.parquet").sort("platform", "order_id", "rule_id")
    decisions = pl.read_parquet(house.out / "decisions.parquet").filter(pl.col("band") != "pass")
    told = {n: house.run[n] for n in _TOLD} | {"inputs": [{n: f[n] for n in _PER_FILE} for f in house.run["inputs"]]}
    told["problems"] = [p["text"] for p in house.run["problems"]]
    return {
        "files.json": json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n",
        "findings.csv": text(findings.select("platform", "order_id", "rule_id", pl.col("value").round(3), "reason")),
        "flagged.csv": text(decisions.sort("platform", "order_id")),
        "coverage.csv": text(pl.read_parquet(house.out / "coverage.parquet")),
        "rejected.csv": plain(house.out / "rejected.csv"),
        "holds.csv": "".join(f"# {p.name}\n{plain(p)}" for p in sorted((house.out / "holds").iterdir())),
        "tasks.csv": "".join(f"# {p.name}\n{sheet(p)}" for p in sorted((house.out / "tasks").iterdir())),
        "notices.csv": plain(house.out / "notices.csv"),
    }


def text(frame: pl.DataFrame) -> str:
    """A frame as CSV."""
    return frame.write_csv()


def plain(path: Path) -> str:
    """A text file as git keeps it: no BOM, LF line ends."""
    return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")


def sheet(path: Path) -> str:
    """A task sheet as CSV, as the agent sees its cells."""
    book = openpyxl.load_workbook(path)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in book.worksheets[0].iter_rows(values_only=True):
        writer.writerow(["" if v is None else f"{v:%m-%d %H:%M}" if isinstance(v, datetime) else v for v in row])
    book.close()
    return out.getvalue()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The samples, scanned once."""
    return audit(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def now_given(house: House) -> dict[str, str]:
    """What the scan gives today."""
    return snapshot(house)


@pytest.mark.parametrize("part", PARTS)
def test_samples_give_what_they_gave(now_given: dict[str, str], part: str) -> None:
    """Findings, decisions, coverage, rejects, counts, hold lists and task sheets, row by row."""
    stored = (GOLDEN / part).read_text(encoding="utf-8").splitlines()
    diff = list(difflib.unified_diff(stored, now_given[part].splitlines(), f"golden/{part}", "now", n=0, lineterm=""))
    shown = "\n".join(line[:240] for line in diff[:60])
    more = f"\n… {len(diff) - 60} more lines" if len(diff) > 60 else ""
    assert not diff, f"\n{shown}{more}\nIf this is meant: python tests/test_golden.py --write"


def test_every_default_rule_finds_something_and_few_orders_are_flagged(house: House) -> None:
    """The samples stay a plausible day: 6 to 9 % flagged, each of the five rules among the reasons."""
    hits = {c["rule_id"] for c in house.run["coverage"] if c["hits"]}
    assert hits == {"risky-address", "ip-burst", "round-amount", "far-phone", "new-account-coupon"}
    assert 0.06 < house.run["flagged"] / house.run["read"] < 0.09


def test_read_is_clean_and_flagged_and_rejected(house: House) -> None:
    """Nothing is dropped silently, in sum and in every file."""
    for part in [house.run, *house.run["inputs"]]:
        assert part["read"] == part["clean"] + part["flagged"] + part["rejected"]
        assert part["rows"] == part["read"] + part["folded"]


def test_what_was_planted_is_found_and_nothing_else(now_given: dict[str, str], tmp_path: Path) -> None:
    """`make.py` knows which orders it made odd; the findings are these, neither more nor less."""
    planted = runpy.run_path(str(SAMPLES / "make.py"))["main"](tmp_path)
    found = {(r["order_id"], r["rule_id"]) for r in csv.DictReader(io.StringIO(now_given["findings.csv"]))}
    assert (sorted(planted - found), sorted(found - planted)) == ([], [])


def test_rings_are_flagged_whole_and_near_misses_are_not(now_given: dict[str, str]) -> None:
    """A ring of n orders gives n findings that say n; two orders, or three in 301 seconds, give none."""
    rings: dict[str, list[float]] = {}
    for row in csv.DictReader(io.StringIO(now_given["findings.csv"])):
        if row["rule_id"] == "ip-burst":
            rings.setdefault(row["reason"].split("：")[0], []).append(float(row["value"]))
    assert sorted(map(len, rings.values())) == [3, 3, 3, 3, 4, 4, 5, 5, 6, 7, 9]
    assert all(set(said) == {float(len(said))} for said in rings.values())


def test_second_scan_opens_no_case_and_issues_no_task(tmp_path: Path) -> None:
    """An hour later, the same files: the same flags, nothing new to do, and the first sheets are still there."""
    first = audit(tmp_path)
    frames = {n: pl.read_parquet(first.out / f"{n}.parquet") for n in ("findings", "decisions", "coverage")}
    again = audit(tmp_path, "golden-2", NOW + timedelta(hours=1))
    assert (again.run["new_cases"], again.run["tasks"], again.run["holds"]) == (0, {}, {})
    for name, frame in frames.items():
        assert pl.read_parquet(again.out / f"{name}.parquet").equals(frame), name
    kept = again.out / "earlier" / "golden-1"
    assert {p.stem for p in (kept / "tasks").iterdir()} == set(first.run["tasks"])
    assert {p.stem for p in (kept / "holds").iterdir()} == set(first.run["holds"])


def test_files_in_another_order_give_the_same_findings(tmp_path: Path, now_given: dict[str, str]) -> None:
    """Which file comes first does not matter."""
    files = sorted((str(p) for p in SAMPLES.iterdir() if p.suffix in {".csv", ".xlsx"}), reverse=True)
    other = snapshot(audit(tmp_path, paths=files))
    for part in ("findings.csv", "flagged.csv", "rejected.csv", "holds.csv", "tasks.csv"):
        assert other[part] == now_given[part], part


def test_scan_from_the_shell(tmp_path: Path) -> None:
    """`orderguard scan samples/` as the README says: exit 0, no traceback, no coloured or raw control bytes."""
    command = [sys.executable, "-m", "orderguard", "scan", str(SAMPLES), "--rules", str(ROOT / "rules.yaml"), "--team"]
    command += [str(SAMPLES / "team.yaml"), "--lookup", str(SAMPLES / "lookup" / "accounts.csv")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert (tmp_path / "out" / "flagged.xlsx").exists()
    assert json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["flagged"] > 100


def test_make_writes_the_samples_again(tmp_path: Path) -> None:
    """The committed files are what `samples/make.py` writes; the workbook is compared by its cells."""
    runpy.run_path(str(SAMPLES / "make.py"))["main"](tmp_path)
    for name in ("taobao.csv", "jd.csv", "douyin.csv", "shopify.csv", "lookup/accounts.csv"):
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes(), name
    ours, theirs = (openpyxl.load_workbook(p / "erp.xlsx").worksheets[0] for p in (tmp_path, SAMPLES))
    assert list(ours.iter_rows(values_only=True)) == list(theirs.iter_rows(values_only=True))


def test_samples_are_small() -> None:
    """Under 2 MB together, so that a clone stays quick."""
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file()) < 2_000_000


def write() -> None:
    """Store what the scan gives today."""
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in snapshot(audit(Path(folder))).items():
            (GOLDEN / name).write_text(content, encoding="utf-8", newline="\n")
            print(f"wrote {GOLDEN.name}/{name}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("python tests/test_golden.py --write")
    write()
