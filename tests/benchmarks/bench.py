"""Times whole processes: `orderguard scan` beside hand-written Polars and pandas scripts of the same five rules.

    python tests/benchmarks/bench.py [--orders 98000] [--repeat 3] [--smoke] [--json FILE]

The runs alternate, so that a busy moment of the machine touches all of them; the table shows medians. Every scan
gets a fresh output folder and ledger. Before anything is printed the peers' flagged orders are compared with the
scan's, rule by rule: a difference is an error (exit code 1), for then they do not do the same work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from compileall import compile_dir
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import polars as pl

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from worlds import make_world, write_csv  # noqa: E402 - beside the tests, not installed

RULES = HERE.parent.parent / "rules.yaml"
SMOKE_ORDERS, SMALL_ORDERS, SEED = 3_000, 100, 1

SCAN, FRAMES, SMALL = "scan, all outputs", "scan --outputs frames", f"scan, {SMALL_ORDERS} orders"
POLARS, POLARS_BARE = "polars peer, workbook", "polars peer, parquet"
PANDAS, PANDAS_BARE = "pandas peer, workbook", "pandas peer, csv"
BESIDE = {SCAN: (POLARS, PANDAS), FRAMES: (POLARS_BARE, PANDAS_BARE)}


class Measured(NamedTuple):
    """One process: wall-clock seconds, the most memory it held at once in MB, and the seconds of processor time it took."""

    seconds: float
    peak_mb: float
    cpu: float = 0.0


@cache
def _compiled() -> None:
    """Compile orderguard as `pip install .` does: an editable one under PYTHONDONTWRITEBYTECODE compiles at every start, 0.2 s."""
    (house,) = find_spec("orderguard").submodule_search_locations  # type: ignore[union-attr]
    compile_dir(house, quiet=1)


def measure(command: list[str], log: Path) -> Measured:
    """Run a process to its end.

    Raises:
        SystemExit: it failed; its output is shown.
    """
    _compiled()
    with log.open("wb") as sink:
        began = perf_counter()
        actions = [(os.POSIX_SPAWN_DUP2, sink.fileno(), 1), (os.POSIX_SPAWN_DUP2, sink.fileno(), 2)]
        process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
        seconds = perf_counter() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text(encoding='utf-8', errors='replace')}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(seconds, usage.ru_maxrss * unit / 1e6, usage.ru_utime + usage.ru_stime)


def commands(export: Path, small: Path, work: Path) -> dict[str, list[str]]:
    """What is run, by name; each writes below `work/<number of the run>`."""
    python = sys.executable
    tables, csv_tables = str(files("orderguard.enrich.tables")), str(work.parent)
    peer = {name: [python, str(HERE / f"peer_{name}.py"), str(export)] for name in ("polars", "pandas")}
    scan = [python, "-m", "orderguard", "scan"]
    fixed = ["--rules", str(RULES), "--out", str(work / "out"), "--ledger", str(work / "ledger"), "--quiet"]
    return {
        SCAN: [*scan, str(export), *fixed],
        POLARS: [*peer["polars"], tables, str(work / "out")],
        PANDAS: [*peer["pandas"], csv_tables, str(work / "out")],
        FRAMES: [*scan, str(export), *fixed, "--outputs", "frames"],
        POLARS_BARE: [*peer["polars"], tables, str(work / "out"), "--no-workbook"],
        PANDAS_BARE: [*peer["pandas"], csv_tables, str(work / "out"), "--no-workbook"],
        SMALL: [*scan, str(small), *fixed],
    }


def prepare_tables(folder: Path) -> None:
    """The reference tables as CSV, for pandas without pyarrow."""
    source = Path(str(files("orderguard.enrich.tables")))
    pl.read_parquet(source / "phones.parquet").write_csv(folder / "phones.csv")
    pl.read_parquet(source / "dialling.parquet", columns=["prefix", "lat", "lon"]).write_csv(folder / "dialling.csv")
    places = pl.read_parquet(source / "places.parquet").filter(pl.col("level") != "district")
    places.select("adcode", "level", "short", "lat", "lon").write_csv(folder / "places.csv")


def hits(name: str, out: Path) -> set[tuple[str, str, str]]:
    """Platform, order and rule of everything that a run flagged."""
    if name in {SCAN, FRAMES, SMALL}:
        found = pl.read_parquet(out / "findings.parquet")
        return set(found.select("platform", "order_id", "rule_id").iter_rows())
    if name in {POLARS, PANDAS}:
        flagged = pl.read_excel(out / "flagged.xlsx", infer_schema_length=0)
    elif name == POLARS_BARE:
        flagged = pl.read_parquet(out / "flagged.parquet")
    else:
        flagged = pl.read_csv(out / "flagged.csv", infer_schema=False)
    listed = flagged.select("平台", "订单编号", pl.col("reasons").str.split(" ")).explode("reasons")
    return set(listed.iter_rows())


def compare(found: dict[str, set[tuple[str, str, str]]]) -> list[str]:
    """What any run flagged that the scan did not, or the other way round."""
    wanted, told = found[SCAN], []
    for name, got in found.items():
        if name != SMALL and got != wanted:
            some = ", ".join(map(str, sorted(got ^ wanted)[:5]))
            told.append(f"{name}: {len(wanted - got)} missing, {len(got - wanted)} too many: {some}")
    return told


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    names = ("polars", "pandas", "pyarrow", "xlsxwriter", "orderguard")
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    return {
        "cores": os.cpu_count() or 0,
        "system": platform.platform(),
        "python": platform.python_version(),
        **versions,
    }


def show(results: dict[str, list[Measured]], orders: int, megabytes: float) -> None:
    """The table and the ratios."""
    print("  ".join(f"{k} {v}" for k, v in machine().items()))
    print(f"{orders:,} orders, {megabytes:.1f} MB, median of {len(results[SCAN])} alternating runs\n")
    print(f"{'':26}{'seconds':>9}{'min':>8}{'max':>8}{'peak MB':>9}")
    for name, runs in results.items():
        times = [run.seconds for run in runs]
        peak = median(run.peak_mb for run in runs)
        print(f"{name:26}{median(times):9.2f}{min(times):8.2f}{max(times):8.2f}{peak:9.0f}")
    print()
    for name, peers in BESIDE.items():
        mine = median(run.seconds for run in results[name])
        for peer in peers:
            theirs = median(run.seconds for run in results[peer])
            print(f"{name} / {peer}: {mine / theirs:.2f}x")


def bench(orders: int, repeat: int, root: Path) -> tuple[dict[str, list[Measured]], list[str], float]:
    """Run everything `repeat` times; returns the measurements, the differences, and the export's size in MB."""
    export, small = root / "orders.csv", root / "small.csv"
    rows = make_world(orders, SEED, dirty=False)
    write_csv(rows, export)
    write_csv(rows[:SMALL_ORDERS], small)
    del rows
    prepare_tables(root)
    results: dict[str, list[Measured]] = {}
    found: dict[str, set[tuple[str, str, str]]] = {}
    for _ in range(repeat):
        work = root / "work"
        for name, command in commands(export, small, work).items():
            work.mkdir()
            results.setdefault(name, []).append(measure(command, root / "log.txt"))
            if name not in found:
                found[name] = hits(name, work / "out")
            shutil.rmtree(work)
    return results, compare(found), export.stat().st_size / 1e6


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=98_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help=f"{SMOKE_ORDERS:,} orders once, only the hits must agree")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    given = parser.parse_args()
    orders, repeat = (SMOKE_ORDERS, 1) if given.smoke else (given.orders, given.repeat)
    with tempfile.TemporaryDirectory() as folder:
        results, differences, megabytes = bench(orders, repeat, Path(folder))
    if differences:
        raise SystemExit("the peers do not do the same work:\n" + "\n".join(differences))
    if given.smoke:
        print(f"{orders:,} orders: scan, Polars and pandas flag the same orders by every rule")
    else:
        show(results, orders, megabytes)
    if given.json:
        runs = {name: [run._asdict() for run in runs] for name, runs in results.items()}
        given.json.write_text(
            json.dumps({"machine": machine(), "orders": orders, "mb": megabytes, "runs": runs}, indent=1)
        )


if __name__ == "__main__":
    main()
