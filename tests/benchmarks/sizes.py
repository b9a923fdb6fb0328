"""Sizes: `scan` of Parquet beside a hand-written Polars script, DuckDB SQL, pandas and a row-at-a-time rule engine.

    python tests/benchmarks/sizes.py [--orders 98000 1000000] [--world even skewed] [--repeat 3] [--json FILE]
                                     [--memory 2GB] [--peers polars duckdb pandas rows limit]

Four rules (risky words, a burst behind one IP, round sums without a note, new accounts with a coupon); whole processes;
medians of alternating runs. Every peer must find the same orders, rule by rule, or the run is an error. A peer whose library
is not installed is left out and said. `rows` runs at 200,000 orders at most. `limit` reads the used columns, no more.
In the skewed world a tenth of all orders comes from one IP.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

RULES = """
version: 1
bands: {review: 20, hold: 30}
max_share: 1
rules:
  - {id: words, kind: keywords, with: {column: address, any: [临时仓, 代收点]}, points: 40}
  - {id: burst, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40}
  - {id: round, kind: round_amount, with: {multiple_of: 1000}, points: 30}
  - {id: coupon, kind: new_account, with: {within: 7d}, points: 30}
"""
NAMES = ("words", "burst", "round", "coupon")
USED = ["order_id", "address", "ip", "created_at", "amount", "buyer_note", "registered_at", "prior_orders", "coupon"]
NEEDS = {"polars": "polars", "limit": "polars", "duckdb": "duckdb", "pandas": "pandas", "rows": "rule_engine"}
WEEK, FIVE = timedelta(days=7), timedelta(minutes=5)


def make(path: Path, n: int, world: str) -> None:
    """`n` orders of a month as Parquet, in pieces of a million."""
    import polars as pl

    start = datetime(2026, 10, 1, tzinfo=UTC)
    parts = []
    for at in range(0, n, 1_000_000):
        size = min(1_000_000, n - at)
        row = pl.int_range(at, at + size, eager=True)
        draw = [row.hash(seed) for seed in range(8)]
        second = draw[0] % (30 * 86_400)
        ip = pl.format("198.{}.{}.{}", draw[1] % max(n // 60_000, 1), draw[2] % 256, draw[3] % 256)
        if world == "skewed":
            ip = pl.when(pl.lit(draw[4] % 10 == 0)).then(pl.lit("203.0.113.9")).otherwise(ip)
        created = pl.lit(start) + pl.duration(seconds=pl.lit(second))
        frame = pl.select(
            order_id=pl.format("30{}", row.cast(pl.String).str.zfill(12)),
            shop=pl.lit("甲店"), receiver_name=pl.lit("测名"), receiver_phone=pl.format("138{}", (draw[5] % 100_000_000).cast(pl.String).str.zfill(8)),
            address=pl.format("某市某区某路{}号{}", draw[2] % 997, pl.when(pl.lit(draw[6] % 80 == 0)).then(pl.lit("临时仓")).otherwise(pl.lit("3栋"))),
            ip=ip, created_at=created,
            amount=pl.when(pl.lit(draw[7] % 50 == 0)).then(pl.lit(draw[5] % 3 * 1000)).otherwise(pl.lit(draw[5] % 90_000 + 1)).cast(pl.Decimal(18, 2)),
            buyer_note=pl.when(pl.lit(draw[3] % 3 == 0)).then(pl.lit("请快")).otherwise(pl.lit("")),
            registered_at=created - pl.duration(hours=pl.lit(draw[1] % 3_000)),
            prior_orders=pl.lit(draw[6] % 3).cast(pl.Int64),
            coupon=pl.when(pl.lit(draw[7] % 5 == 0)).then(pl.lit("满200减30")).otherwise(pl.lit("")),
        )  # fmt: skip
        part = path.with_suffix(f".{at}.part")
        frame.write_parquet(part)
        parts.append(part)
    pl.scan_parquet(parts).sink_parquet(path)
    for part in parts:
        part.unlink()


def by_polars(path: str) -> dict[str, Any]:
    """What a good engineer would write."""
    import polars as pl

    f = pl.read_parquet(path, columns=USED).with_row_index("row")
    age = pl.col("created_at") - pl.col("registered_at")
    plain = f.lazy().select(
        words=pl.col("address").str.contains_any(["临时仓", "代收点"]),
        round=(pl.col("amount") > 0) & (pl.col("amount") % 1000 == 0) & (pl.col("buyer_note") == ""),
        coupon=age.is_between(pl.duration(days=-1), WEEK) & (pl.col("prior_orders") == 0) & (pl.col("coupon") != ""),
    ).collect()  # fmt: skip
    keys = f.select("row", "ip", "created_at")
    keys = keys.join(keys.group_by("ip").len().filter(pl.col("len") >= 3), on="ip", how="semi").sort("ip", "created_at")
    third = (pl.col("ip") == pl.col("ip").shift(2)) & (pl.col("created_at") - pl.col("created_at").shift(2) <= FIVE)
    keys = keys.with_columns(third=third.fill_null(value=False))
    burst = keys.filter(pl.col("third") | pl.col("third").shift(-1) | pl.col("third").shift(-2))["row"]
    return {"burst": f["order_id"].gather(burst), **{n: f["order_id"].filter(plain[n]) for n in plain.columns}}


def by_duckdb(path: str) -> dict[str, Any]:
    """The same as SQL."""
    import duckdb

    flags = f"""
      WITH o AS (SELECT {", ".join(USED)} FROM read_parquet('{path}')),
      n AS (SELECT *, COALESCE(created_at - LAG(created_at, 2) OVER w <= INTERVAL 5 MINUTE, FALSE) AS third FROM o WINDOW w AS (PARTITION BY ip ORDER BY created_at, order_id))
      SELECT order_id, address LIKE '%临时仓%' OR address LIKE '%代收点%' AS words,
        third OR COALESCE(LEAD(third, 1) OVER w, FALSE) OR COALESCE(LEAD(third, 2) OVER w, FALSE) AS burst,
        amount > 0 AND amount % 1000 = 0 AND buyer_note = '' AS round,
        created_at - registered_at BETWEEN INTERVAL (-1) DAY AND INTERVAL 7 DAY AND prior_orders = 0 AND coupon <> '' AS coupon
      FROM n WINDOW w AS (PARTITION BY ip ORDER BY created_at, order_id)"""
    db = duckdb.connect()
    db.execute(f"CREATE TEMP TABLE f AS SELECT * FROM ({flags}) WHERE words OR burst OR round OR coupon")
    return {n: [r[0] for r in db.execute(f"SELECT order_id FROM f WHERE {n}").fetchall()] for n in NAMES}


def by_pandas(path: str) -> dict[str, Any]:
    """The same with pandas (read through Polars where pyarrow is missing)."""
    import pandas as pd
    import polars as pl

    read = pl.read_parquet(path, columns=USED).with_columns(pl.col("amount").cast(pl.Float64), pl.col("created_at", "registered_at").dt.epoch("us"))
    f = pd.DataFrame({c: read[c].to_list() if read.schema[c] == pl.String else read[c].to_numpy() for c in USED})
    age = f["created_at"] - f["registered_at"]
    g = f.sort_values(["ip", "created_at"])
    third = (g["ip"] == g["ip"].shift(2)) & (g["created_at"] - g["created_at"].shift(2) <= 300e6)
    burst = third | third.shift(-1, fill_value=False) | third.shift(-2, fill_value=False)
    hits = {
        "words": f["address"].str.contains("临时仓|代收点", regex=True),
        "round": (f["amount"] > 0) & (f["amount"] % 1000 == 0) & (f["buyer_note"] == ""),
        "coupon": age.between(-86_400e6, 7 * 86_400e6) & (f["prior_orders"] == 0) & (f["coupon"] != ""),
    }
    return {"burst": g.loc[burst, "order_id"], **{n: f.loc[h, "order_id"] for n, h in hits.items()}}


def by_rows(path: str) -> dict[str, Any]:
    """Row by row through `rule-engine`, the window by hand."""
    import polars as pl
    import rule_engine

    rules = {
        "words": rule_engine.Rule("address =~ '.*(临时仓|代收点).*'"),
        "round": rule_engine.Rule("amount > 0 and amount % 1000 == 0 and buyer_note == ''"),
        "coupon": rule_engine.Rule("age >= -86400 and age <= 604800 and prior_orders == 0 and coupon != ''"),
    }
    found: dict[str, Any] = defaultdict(set)
    recent: dict[str, deque[tuple[datetime, str]]] = defaultdict(deque)
    frame = pl.read_parquet(path, columns=USED).sort("created_at")
    for row in frame.iter_rows(named=True):
        fact = row | {"amount": float(row["amount"]), "age": (row["created_at"] - row["registered_at"]).total_seconds()}
        for name, rule in rules.items():
            if rule.matches(fact):
                found[name].add(row["order_id"])
        window = recent[row["ip"]]
        window.append((row["created_at"], row["order_id"]))
        while row["created_at"] - window[0][0] > FIVE:
            window.popleft()
        if len(window) >= 3:
            found["burst"].update(order for _, order in window)
    return found


def limit(path: str) -> dict[str, Any]:
    """Reading the used columns alone."""
    import polars as pl

    pl.read_parquet(path, columns=USED)
    return {}


PEERS = {"polars": by_polars, "duckdb": by_duckdb, "pandas": by_pandas, "rows": by_rows, "limit": limit}


def told(found: dict[str, Any]) -> dict[str, list[Any]]:
    """Per rule how many orders, and a digest of which."""
    out = {}
    for name in NAMES:
        ids = sorted(map(str, found.get(name, ())))
        out[name] = [len(ids), hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]]
    return out


def scanned(out: Path) -> dict[str, list[Any]]:
    """What the scan found."""
    import polars as pl

    rows = pl.read_parquet(out / "findings.parquet").select("rule_id", "order_id")
    return told({n: rows.filter(pl.col("rule_id") == n)["order_id"].to_list() for n in NAMES})


def run(given: argparse.Namespace, n: int, world: str, root: Path) -> dict[str, Any]:
    """One size of one world."""
    import shutil

    from bench import measure

    path, rules = root / f"{world}-{n}.parquet", root / "rules.yaml"
    make(path, n, world)
    rules.write_text(RULES, encoding="utf-8")
    peers = [p for p in given.peers if find_spec(NEEDS[p]) and (p != "rows" or n <= 200_000)]
    runs: dict[str, list[Any]] = {}
    answers: dict[str, Any] = {}
    for _ in range(given.repeat):
        for name in ["scan", *peers]:
            work = root / "work"
            work.mkdir()
            if name == "scan":
                words = ["-m", "orderguard", "scan", str(path), "--rules", str(rules), "--out", str(work / "out"), "--ledger", str(work / "ledger")]
                words += ["--outputs", "frames", "--quiet", *(["--memory", given.memory] if given.memory else [])]
            else:
                words = [__file__, "--one", name, str(path), str(work / "told.json")]
            runs.setdefault(name, []).append(measure([sys.executable, *words], root / "log.txt"))
            if name not in answers and name != "limit":
                answers[name] = scanned(work / "out") if name == "scan" else json.loads((work / "told.json").read_text())
            shutil.rmtree(work)
    megabytes = path.stat().st_size / 1e6
    path.unlink()
    wrong = [p for p in answers if answers[p] != answers["scan"]]
    if wrong:
        raise SystemExit(f"{world} {n}: not the same work: {({p: answers[p] for p in ['scan', *wrong]})}")
    return {"orders": n, "world": world, "mb": megabytes, "hits": {k: v[0] for k, v in answers["scan"].items()},
            "runs": {k: [r._asdict() for r in v] for k, v in runs.items()}}  # fmt: skip


def main() -> None:
    """Read the arguments, run, print."""
    if sys.argv[1:2] == ["--one"]:
        name, path, out = sys.argv[2:5]
        Path(out).write_text(json.dumps(told(PEERS[name](path))), encoding="utf-8")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, nargs="+", default=[98_000, 1_000_000])
    parser.add_argument("--world", nargs="+", choices=["even", "skewed"], default=["even", "skewed"])
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", metavar="SIZE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    missing = [f"{p} ({NEEDS[p]})" for p in given.peers if not find_spec(NEEDS[p])]
    if missing:
        print("not installed, left out:", ", ".join(missing))
    results = []
    print(f"{'orders':>12} {'world':8}{'who':8}{'seconds':>9}{'peak MB':>9}{'scan is':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for n in given.orders:
            for world in given.world:
                result = run(given, n, world, Path(folder))
                results.append(result)
                mine = median(r["seconds"] for r in result["runs"]["scan"])
                for who, runs in result["runs"].items():
                    seconds, peak = median(r["seconds"] for r in runs), median(r["peak_mb"] for r in runs)
                    print(f"{n:12,} {world:8}{who:8}{seconds:9.2f}{peak:9.0f}{mine / seconds:8.2f}x")
    if given.json:
        from bench import machine

        given.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
