"""What a promotion night does to the ledger, with real processes. None of it runs in the test suite.

    python tests/benchmarks/divert.py kills [--times 200]          SIGKILL a scan at random moments, then look
    python tests/benchmarks/divert.py beside [--scans 8]           scans side by side against the same in a row
    python tests/benchmarks/divert.py night [--minutes 1440]       a day in minute exports against one scan of the day;
                                                                   with digests to a webhook on loopback
                                                                   --inside: all in one process, without start-up times
    python tests/benchmarks/divert.py watch [--files 15]           from a file's arrival to its task sheets; 200 at once

Each prints what it measured and exits with 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import ClassVar

import polars as pl

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from worlds import make_world, write_csv  # noqa: E402 - beside the tests, not installed

ODD = "订单编号"
RULES = HERE.parent.parent / "rules.yaml"
Row = dict[str, str]


def words(*more: str | Path) -> list[str]:
    return [sys.executable, "-m", "orderguard", *map(str, more)]


def run(folder: Path, *more: str | Path) -> None:
    done = subprocess.run(words(*more), cwd=folder, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{more}: exit {done.returncode}\n{done.stderr.decode()}")


def scan(file: Path, out: str = "out") -> list[str | Path]:
    return ["scan", file, "--out", out, "--ledger", "ledger", "--rules", RULES, "--quiet"]


def issued(folder: Path, *outs: str) -> list[str]:
    """Order numbers on every task sheet that was ever issued, each as often as it stands there."""
    found: list[str] = []
    for out in outs:
        for sheet in sorted((folder / out).rglob("*.xlsx")):
            if "tasks" in sheet.parts:
                found += pl.read_excel(sheet, infer_schema_length=0)[ODD].to_list()
    return found


def cases(folder: Path) -> list[str]:
    db = sqlite3.connect(folder / "ledger" / "ledger.db")
    found = [row[0] for row in db.execute("SELECT order_id FROM cases ORDER BY order_id")]
    db.close()
    return found


def whole(folder: Path) -> bool:
    done = subprocess.run(words("ledger", "check"), cwd=folder, capture_output=True, check=False)
    if done.returncode:
        print(done.stderr.decode())
    return done.returncode == 0


def same(what: str, one: object, other: object) -> bool:
    print(f"{'ok ' if one == other else 'BAD'} {what}")
    return one == other


def kills(folder: Path, times: int, seed: int) -> bool:
    """New orders each time; a kill anywhere; then the next scan, of all files so far, must make it whole."""
    random_ = random.Random(seed)
    rows = make_world(times * 24, seed, dirty=False)
    good, killed, tried, checked = True, 0, 0, 0
    (folder / "calm").mkdir()
    first = write_csv(rows[:12], folder / "0.csv")
    began = time.monotonic()
    run(folder, *scan(first, "calm-out"))
    shutil.rmtree(folder / "ledger")
    usual = time.monotonic() - began
    # A scan that ended before its moment came was not killed: the next one is tried instead.
    while killed < times and tried < times * 2:
        file = write_csv(rows[tried * 12 : tried * 12 + 18], folder / f"{tried}.csv")
        process = subprocess.Popen(words(*scan(file)), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random_.uniform(0.0, usual))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        tried += 1
        if tried % 10 == 9:
            good = whole(folder) and good
            checked += 1
    rows = rows[: tried * 12 + 6]
    for i in range(tried):
        run(folder, *scan(folder / f"{i}.csv"))
    good = whole(folder) and good
    sheets = issued(folder, "out")
    calm = folder / "calm"
    write_csv(rows, calm / "all.csv")
    run(calm, *scan(calm / "all.csv"))
    print(f"{killed} of {tried} scans were killed; ledger checked {checked + 1} times; {len(sheets)} tasks")
    good = same("as many were killed as asked for", killed, times) and good
    good = same("every case is one that a calm scan opens", cases(folder), cases(calm)) and good
    good = same("no order on two sheets, none on none", sorted(sheets), cases(folder)) and good
    left = [p.name for p in folder.iterdir() if p.name.startswith(".out")]
    return same("no half file is left", left, []) and good


def beside(folder: Path, scans: int, seed: int) -> bool:
    """Overlapping exports at once, into outputs of their own and one ledger."""
    rows = make_world(8_000, seed, dirty=False)
    rows.sort(key=lambda r: str(r["下单时间"]))
    step = len(rows) // scans
    for name in ("at-once", "in-a-row"):
        (folder / name).mkdir()
        for i in range(scans):
            write_csv(rows[max(0, i * step - step // 2) : (i + 1) * step], folder / name / f"{i}.csv")
    began = time.monotonic()
    running = [
        subprocess.Popen(words(*scan(folder / "at-once" / f"{i}.csv", f"out{i}")), cwd=folder / "at-once")
        for i in range(scans)
    ]
    codes = [p.wait() for p in running]
    spent = time.monotonic() - began
    for i in range(scans):
        run(folder / "in-a-row", *scan(folder / "in-a-row" / f"{i}.csv", f"out{i}"))
    one, other = folder / "at-once", folder / "in-a-row"
    outs = [f"out{i}" for i in range(scans)]
    print(f"{scans} scans at once: {spent:.1f} s, {len(cases(one))} cases")
    good = same("all ended well", codes, [0] * scans)
    good = same("the same cases as in a row", cases(one), cases(other)) and good
    good = same("each on one sheet", sorted(issued(one, *outs)), cases(one)) and good
    return whole(one) and good


def scan_inside(folder: Path, file: Path) -> None:
    """One scan in this process: what `watch` does."""
    from orderguard.audit import scan as audit
    from orderguard.cli.scan import options_of, plain
    from orderguard.rules.book import load_rulebook

    given = {**plain(), "paths": [str(file)], "out": str(folder / "out"), "ledger": str(folder / "ledger")}
    audit(options_of(load_rulebook(RULES), given))


class Receiver(BaseHTTPRequestHandler):
    """A webhook that remembers when each of its addresses was written to."""

    got: ClassVar[list[tuple[str, float]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.got.append((self.path, time.monotonic()))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def digests_only() -> bool:
    """At most one message a manager in each quarter of an hour, and none of them without any."""
    managers = sorted({path for path, _ in Receiver.got})
    gaps = [
        later - earlier
        for manager in managers
        for earlier, later in pairwise(sorted(at for path, at in Receiver.got if path == manager))
    ]
    print(f"{len(Receiver.got)} messages to {len(managers)} managers; shortest gap {min(gaps, default=0):.0f} s")
    # The scan counts from when it began to send, so two arrivals can stand a moment closer than 15 minutes.
    good = same("no manager was told twice in 15 minutes", [g for g in gaps if g < 15 * 60 - 5], [])
    return same("every manager was told", managers, ["/all", "/north", "/south"]) and good


def night(folder: Path, minutes: int, orders: int, seed: int, *, inside: bool) -> bool:
    """A day as minute exports that overlap by a minute, against one scan of the day."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = f"json://127.0.0.1:{server.server_port}"
    (folder / "team.yaml").write_text(
        "managers:\n"
        f"  - {{name: 总部, targets: ['{hook}/all']}}\n"
        f"  - {{name: 北区, region: [北京, 山东, 辽宁, 河北], targets: ['{hook}/north']}}\n"
        f"  - {{name: 南区, region: [广东, 浙江, 四川, 云南, 福建], targets: ['{hook}/south']}}\n",
        encoding="utf-8",
    )
    rows = [r for r in make_world(orders, seed, dirty=False) if r["下单时间"]]
    rows.sort(key=lambda r: str(r["下单时间"]))
    rows = rows[: orders * minutes // 1440]
    at = [str(r["下单时间"]) for r in rows]
    first, last = (datetime.fromisoformat(t.replace("/", "-")).replace(tzinfo=UTC) for t in (at[0], at[-1]))
    step = (last - first) / minutes
    (folder / "day").mkdir()
    write_csv(rows, folder / "day" / "all.csv")
    run(folder / "day", *scan(folder / "day" / "all.csv"))
    seconds, spent, found = [], [], set()
    cuts = [(first + step * i).strftime("%Y-%m-%d %H:%M:%S") for i in range(minutes + 1)]
    start = 0
    for i in range(minutes):
        end = len(rows) if i == minutes - 1 else next((j for j in range(start, len(rows)) if at[j] >= cuts[i + 1]), len(rows))
        begin = max(0, next((j for j in range(start, -1, -1) if at[j] < cuts[max(0, i - 1)]), -1) + 1)
        part = rows[begin:end]
        start = end
        if not part:
            continue
        file = write_csv(part, folder / "minute.csv")
        began, before = time.monotonic(), _cpu()
        if inside:
            scan_inside(folder, file)
        else:
            run(folder, *scan(file), "--team", "team.yaml", "--notify")
        seconds.append(time.monotonic() - began)
        spent.append(_cpu() - before)
        found |= set(pl.read_parquet(folder / "out" / "findings.parquet").select("order_id", "rule_id").iter_rows())
        if i % 60 == 59:
            print(f"  {i + 1} of {minutes}: last hour median {median(seconds[-60:]):.2f} s", flush=True)
    day = set(pl.read_parquet(folder / "day" / "out" / "findings.parquet").select("order_id", "rule_id").iter_rows())
    tenth = max(1, len(seconds) // 10)
    # Processor time: on a machine that others use, the clock on the wall tells of them.
    early, late = median(spent[:tenth]), median(spent[-tenth:])
    cut = quantiles(seconds, n=100)
    print(f"{len(seconds)} scans, {len(rows)} orders: p50 {cut[49]:.2f} s, p99 {cut[98]:.2f} s")
    print(f"processor time a scan: first tenth {early:.2f} s, last tenth {late:.2f} s: {late / early:.2f}x")
    good = same("findings equal those of one scan of the day", found, day)
    good = same("the same cases", cases(folder), cases(folder / "day")) and good
    good = same("each on one sheet", sorted(issued(folder, "out")), cases(folder)) and good
    good = (inside or digests_only()) and good
    good = same("at most 1.5 times as slow at the end", late / early <= 1.5, True) and good
    return whole(folder) and good


def _cpu() -> float:
    return sum(os.times()[:4])


def watch(folder: Path, files: int, seed: int) -> bool:
    """One file of 1,000 orders after another; then 200 files at once, with a kill in between."""
    inbox = folder / "in"
    inbox.mkdir()
    rows = make_world(files * 1_000 + 4_000, seed, dirty=False)
    command = words("watch", "in", "--every", "0.5", "--rules", RULES, "--quiet")
    watcher = subprocess.Popen(command, cwd=folder)
    latency = []
    for i in range(files):
        before = _stamp(folder)
        draft = write_csv(rows[i * 1_000 : (i + 1) * 1_000], folder / "draft.csv")
        began = time.monotonic()
        draft.rename(inbox / f"{i}.csv")
        while _stamp(folder) == before:
            time.sleep(0.02)
        latency.append(time.monotonic() - began)
        time.sleep(0.3)
    print(f"{files} files of 1,000 orders: median {median(latency):.2f} s, longest {max(latency):.2f} s from arrival to sheets")
    for i in range(200):
        draft = write_csv(rows[files * 1_000 + i * 20 : files * 1_000 + i * 20 + 20], folder / "draft.csv")
        draft.rename(inbox / f"many-{i}.csv")
        if i == 120:
            watcher.send_signal(signal.SIGKILL)
            watcher.wait()
    run(folder, "watch", "in", "--once", "--every", "0.1", "--rules", RULES, "--quiet")
    db = sqlite3.connect(folder / "ledger" / "ledger.db")
    seen = dict(db.execute("SELECT path, tries FROM watched WHERE state = 'scanned'").fetchall())
    db.close()
    good = same("every file was scanned, none twice", sorted(seen.values()), [1] * (files + 200))
    good = same("each case is on one sheet", sorted(issued(folder, "out")), cases(folder)) and good
    good = same("median under 3 s", median(latency) < 3, True) and good
    return whole(folder) and good


def _stamp(folder: Path) -> str:
    try:
        return str(json.loads((folder / "out" / "run.json").read_text(encoding="utf-8"))["run_id"])
    except (OSError, ValueError):
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kills", "beside", "night", "watch"])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--scans", type=int, default=8)
    parser.add_argument("--minutes", type=int, default=1440)
    parser.add_argument("--orders", type=int, default=98_000)
    parser.add_argument("--inside", action="store_true")
    parser.add_argument("--files", type=int, default=15)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    os.umask(0o077)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = {
            "kills": lambda: kills(folder, given.times, given.seed),
            "beside": lambda: beside(folder, given.scans, given.seed),
            "night": lambda: night(folder, given.minutes, given.orders, given.seed, inside=given.inside),
            "watch": lambda: watch(folder, given.files, given.seed),
        }[given.what]()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
