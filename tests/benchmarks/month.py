"""How long a report takes: a made-up ledger with `--orders` orders and `--cases` cases in November 2026.

    python tests/benchmarks/month.py [--orders 3000000] [--cases 120000] [--folder DIR]

Prints seconds, peak memory and the size of the page. The ledger is written straight into its tables, as a month of
daily scans would leave them; a scan of 3,000,000 orders is another benchmark's business.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from orderguard.columns import ORDERS, schema
from orderguard.ledger import open_ledger
from orderguard.ledger.cases import case_id
from orderguard.rules.book import default_rulebook, load_rulebook

START = datetime(2026, 10, 31, 16, tzinfo=UTC)  # midnight in Shanghai
DAYS = 30
RULES = ("risky-address", "ip-burst", "round-amount", "far-phone", "new-account-coupon")
PROVINCES = ("浙江省", "广东省", "江苏省", "四川省", "北京市", "湖北省", "福建省")
PLATFORMS = ("taobao", "jd", "douyin", "shopify")


def day_orders(day: int, n: int, rng: random.Random) -> pl.DataFrame:
    """A day's orders, with the columns of the history."""
    first = day * n
    number = pl.int_range(first, first + n, eager=True)
    rows = pl.DataFrame({"n": number}).with_columns(
        platform=pl.col("n").map_elements(lambda i: PLATFORMS[i % 4], return_dtype=pl.String),
        shop=pl.concat_str(pl.lit("店铺"), (pl.col("n") % 400).cast(pl.String)),
        order_id=pl.concat_str(pl.lit("2026"), (pl.col("n") + 10**14).cast(pl.String)),
        status=pl.lit("待发货"),
        buyer_id=pl.concat_str(pl.lit("u"), pl.Series([rng.randrange(1_500_000) for _ in range(n)]).cast(pl.String)),
        receiver_phone=pl.concat_str(pl.lit("138"), (pl.col("n") % 10**8).cast(pl.String)),
        province=pl.Series([PROVINCES[rng.randrange(7)] for _ in range(n)]),
        address=pl.concat_str(pl.lit("某市某区某某路"), (pl.col("n") % 999).cast(pl.String), pl.lit("号")),
        amount=pl.Series([rng.randrange(990, 99_900) for _ in range(n)]).cast(pl.Decimal(28, 8)) / 100,
        created_at=pl.lit(START + timedelta(days=day)) + pl.duration(seconds=pl.col("n") % 86_400),
    )
    types = schema(ORDERS)
    return rows.select([
        (pl.col(c) if c in rows.columns else pl.lit(None)).cast(t).alias(c) for c, t in types.items()
    ])  # fmt: skip


def build(folder: Path, orders: int, cases: int) -> None:
    """Write the ledger."""
    rng = random.Random(1)
    prints = {r.id: r.fingerprint for r in load_rulebook(default_rulebook()).rules}
    open_ledger(folder).close()
    db = sqlite3.connect(folder / "ledger.db", isolation_level=None)
    db.execute("BEGIN")
    per, flagged = orders // DAYS, cases // DAYS
    for day in range(DAYS):
        run, at = f"run-{day:03d}", START + timedelta(days=day + 1)
        stamp = at.strftime("%Y-%m-%dT%H:%M:%S+0000")
        frame = day_orders(day, per, rng)
        span = (frame["created_at"].min(), frame["created_at"].max())
        inputs = [{"file": f"{day}.csv", "platform": "generic", "sha256": run, "read": per, "rejected": day,
                   "first_order_at": span[0].isoformat(), "last_order_at": span[1].isoformat()}]  # fmt: skip
        seen = [{"rule_id": r, "platform": p, "judged": per // 4, "hits": 9, "not_evaluable": 5} for r in RULES for p in PLATFORMS]
        db.execute(
            "INSERT INTO runs (run_id, started_at, version, rulebook, inputs, counts, delivered_at) VALUES (?, ?, '0', '{}', ?, ?, ?)",
            (run, at.isoformat(), json.dumps(inputs), json.dumps({"coverage_by_platform": seen}), stamp),
        )
        path = f"orders/{at:%Y-%m-%d}/{run}.parquet"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(folder / path, compression="lz4", statistics=False)
        micros = [round(s.timestamp() * 1_000_000) for s in span]
        db.execute("INSERT INTO history (path, run_id, rows, first_at, last_at, seq) VALUES (?, ?, ?, ?, ?, ?)", (path, run, per, *micros, day))
        quarters = frame.group_by(pl.col("created_at").dt.epoch("s") // 900, "platform").len().rows()
        db.executemany("INSERT INTO traffic (quarter, platform, run_id, orders) VALUES (?, ?, ?, ?)", [(q, p, run, n) for q, p, n in quarters])
        picked = frame.sample(flagged, seed=day).select("platform", "order_id", pl.col("created_at").dt.epoch("s"))
        for platform, number, made in picked.iter_rows():
            case = case_id(platform, number)
            fired = rng.sample(RULES, 1 + (rng.random() < 0.3))
            for rule in fired:
                db.execute(
                    """INSERT INTO findings (platform, order_id, rule_id, rule_fingerprint, value, reason, points, status,
                       ordered_at, run_id, found_at) VALUES (?, ?, ?, ?, 3, '同一 IP 5 分钟内 6 单', 40, 'live', ?, ?, ?)""",
                    (platform, number, rule, prints[rule], made, run, stamp),
                )
            result = rng.choice(("confirmed", "false_alarm", "false_alarm", ""))
            state = {"confirmed": "confirmed", "false_alarm": "released", "": "open"}[result]
            marks = ",".join(sorted(f"{rule}@{prints[rule]}" for rule in fired))
            agent = f"客服{rng.randrange(30)}"
            db.execute(
                """INSERT INTO cases (case_id, platform, order_id, state, band, score, cluster, linked_by, agent, opened_run,
                   opened_at, due_at, evidence) VALUES (?, ?, ?, ?, ?, 40, ?, '', ?, ?, ?, ?, ?)""",
                (case, platform, number, state, rng.choice(("hold", "review")), case, agent, run, stamp, stamp, marks),
            )
            if result:
                later = (at + timedelta(seconds=rng.randrange(60, 90_000))).strftime("%Y-%m-%dT%H:%M:%S+0000")
                db.execute(
                    """INSERT INTO verdicts (case_id, result, code, note, agent, at, why, evidence, source, source_row)
                       VALUES (?, ?, '', '', ?, ?, '', ?, 's', 1)""",
                    (case, result, agent, later, marks),
                )
    db.execute("COMMIT")
    db.close()


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=3_000_000)
    parser.add_argument("--cases", type=int, default=120_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    if not (folder / "ledger" / "ledger.db").exists():
        build(folder / "ledger", given.orders, given.cases)
    words = [sys.executable, "-m", "orderguard", "report", "--month", "2026-11", "--ledger", str(folder / "ledger"), "--out", str(folder)]
    program = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, 'MB', file=sys.stderr); sys.exit(code)"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *words], check=True)
    print(f"{time.perf_counter() - began:.1f} s, page {(folder / 'report-2026-11.html').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
