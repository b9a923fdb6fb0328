"""Sizes: `scan` to findings beside the same five rules by hand in Polars, DuckDB SQL, pandas and row-at-a-time engines.

    python tests/benchmarks/sizes.py [--orders 98000 1000000 10000000] [--world even skewed] [--format parquet csv]
                                     [--repeat 3] [--memory 2GB] [--peers polars duckdb pandas rows zen limit sail jvm]
                                     [--data FOLDER] [--json FILE]

The five default rules of `rules.yaml`; whole processes, each writes its findings as Parquet; medians of alternating
runs, in seconds on the wall and of the processors (what counts on a machine that others use).
Every peer must find the same orders, rule by rule, or the run is an error. A peer whose library is not installed is left out
and said. `sail` and `jvm` are `scan --engine spark` on a Sail server and on PySpark's `local[2]`, both in this machine (extra
`spark-test`; not among the default). `rows` (rule-engine) and `zen` (zen-engine) run at 100,000 orders at most. `limit` reads the used columns, no more.
In the skewed world a tenth of all orders comes from one IP. `--data` keeps the exports there and uses them again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
RULES = HERE.parent.parent / "rules.yaml"
NAMES = ("risky-address", "ip-burst", "round-amount", "far-phone", "new-account-coupon")
WORDS = ["临时仓", "代收点", "测试", "无效", "快递柜", "派出所"]
USED = [
    "order_id", "address", "ip", "created_at", "amount", "buyer_note", "receiver_phone", "ship_from", "registered_at",
    "prior_orders", "coupon",
]  # fmt: skip
NEEDS = {"polars": "polars", "limit": "polars", "duckdb": "duckdb", "pandas": "pandas", "rows": "rule_engine", "zen": "zen", "sail": "pysail", "jvm": "py4j"}
ROW_BY_ROW = {"rows": 100_000, "zen": 100_000}
WEEK, FIVE = timedelta(days=7), timedelta(minutes=5)
_HOME = (1_841_440, 1_371_350, 1_574_000, 1_722_750, 1_491_200, 1_349_000)


def make(path: Path, n: int, world: str) -> None:
    """`n` orders of a month, in pieces of a million; the same for the same arguments."""
    import polars as pl

    start = datetime(2026, 10, 1, tzinfo=UTC)
    parts = []
    for at in range(0, n, 1_000_000):
        size = min(1_000_000, n - at)
        row = pl.int_range(at, at + size, eager=True)
        draw = [row.hash(seed) for seed in range(11)]
        second = draw[0] % (30 * 86_400)
        ip = pl.format("198.{}.{}.{}", draw[1] % max(n // 60_000, 1), draw[2] % 256, draw[3] % 256)
        if world == "skewed":
            ip = pl.when(pl.lit(draw[4] % 10 == 0)).then(pl.lit("203.0.113.9")).otherwise(ip)
        # One order in fifty has a neighbour: a third of those stand in a burst.
        ip = pl.when(pl.lit(draw[8] % 50 == 0)).then(pl.format("192.0.2.{}-{}", second // 600 % 250, second // 1_200)).otherwise(ip)
        created = pl.lit(start) + pl.duration(seconds=pl.lit(second))
        prefix = pl.lit(pl.Series(_HOME)).gather(pl.lit(draw[5] % 6)) + pl.lit(draw[9] % 100).cast(pl.Int64)
        kind = draw[10] % 100
        prefix = pl.when(pl.lit(kind < 5)).then(pl.lit(1_300_000 + draw[9] % 700_000).cast(pl.Int64)).otherwise(prefix)
        prefix = pl.when(pl.lit(kind == 5)).then(pl.lit(1_844_010 + draw[9] % 60).cast(pl.Int64)).otherwise(prefix)
        last = (draw[6] // 64 % 10_000).cast(pl.String).str.zfill(4)
        phone = pl.when(pl.lit(kind == 6)).then(pl.format("138****{}", last)).otherwise(pl.format("{}{}", prefix, last))
        spot = pl.lit(pl.Series(["杭州仓", "杭州", "深圳仓", "上海市", "广州市", "南京仓", "杭州", ""]))
        frame = pl.select(
            order_id=pl.format("30{}", row.cast(pl.String).str.zfill(12)),
            shop=pl.lit("甲店"), receiver_name=pl.lit("测名"), receiver_phone=phone,
            address=pl.format("某市某区某路{}号{}{}室", draw[2] % 997, pl.when(pl.lit(draw[6] % 80 == 0)).then(pl.lit("临时仓")).otherwise(pl.lit("3栋")), draw[4] // 16 % 100_000),
            ip=ip, created_at=created,
            amount=pl.when(pl.lit(draw[7] % 50 == 0)).then(pl.lit(draw[5] % 3 * 1000)).otherwise(pl.lit(draw[5] % 90_000 + 1)).cast(pl.Decimal(18, 2)),
            buyer_note=pl.when(pl.lit(draw[3] % 3 == 0)).then(pl.lit("请快")).otherwise(pl.lit("")),
            registered_at=created - pl.duration(hours=pl.lit(draw[1] % 3_000)),
            prior_orders=pl.lit(draw[6] % 3).cast(pl.Int64),
            coupon=pl.when(pl.lit(draw[7] % 5 == 0)).then(pl.lit("满200减30")).otherwise(pl.lit("")),
            ship_from=spot.gather(pl.lit(draw[8] % 8)),
        )  # fmt: skip
        part = path.with_suffix(f".{at}.part")
        frame.write_parquet(part)
        parts.append(part)
    every = pl.scan_parquet(parts)
    if path.suffix == ".csv":
        every.sink_csv(path, datetime_format="%Y-%m-%d %H:%M:%S+00:00")
    else:
        every.sink_parquet(path)
    for part in parts:
        part.unlink()


def used(path: str) -> Any:
    """The used columns as a Polars frame, in their types."""
    import polars as pl

    if path.endswith(".parquet"):
        return pl.read_parquet(path, columns=USED)
    texts = pl.read_csv(path, columns=USED, infer_schema=False).with_columns(pl.col("buyer_note", "coupon", "ship_from").fill_null(""))
    times = pl.col("created_at", "registered_at").str.to_datetime("%Y-%m-%d %H:%M:%S%z", time_unit="us")
    return texts.with_columns(times, pl.col("amount").cast(pl.Decimal(18, 2)), pl.col("prior_orders").cast(pl.Int64))


def tables() -> Path:
    """The folder of the reference tables of phones and places."""
    from importlib.resources import files

    return Path(str(files("orderguard.enrich.tables")))


def by_polars(path: str) -> Any:
    """What a good engineer would write."""
    import polars as pl
    from peer_polars import far

    f = used(path).with_row_index("row")
    age = pl.col("created_at") - pl.col("registered_at")
    plain = f.lazy().select(
        pl.col("address").str.contains_any(WORDS).alias(NAMES[0]),
        ((pl.col("amount") > 0) & (pl.col("amount") % 1000 == 0) & (pl.col("buyer_note") == "")).alias(NAMES[2]),
        (age.is_between(pl.duration(days=-1), WEEK) & (pl.col("prior_orders") == 0) & (pl.col("coupon") != "")).alias(NAMES[4]),
    ).collect()  # fmt: skip
    keys = f.select("row", "ip", "created_at")
    keys = keys.join(keys.group_by("ip").len().filter(pl.col("len") >= 3), on="ip", how="semi").sort("ip", "created_at")
    third = (pl.col("ip") == pl.col("ip").shift(2)) & (pl.col("created_at") - pl.col("created_at").shift(2) <= FIVE)
    keys = keys.with_columns(third=third.fill_null(value=False))
    burst = keys.filter(pl.col("third") | pl.col("third").shift(-1) | pl.col("third").shift(-2))["row"]
    distant = far(f["receiver_phone"], f["ship_from"], tables()).fill_null(value=False)
    found = {n: f["order_id"].filter(plain[n]) for n in plain.columns}
    return found | {NAMES[1]: f["order_id"].gather(burst), NAMES[3]: f["order_id"].filter(distant)}


_KM = """2 * 6371.0088 * asin(sqrt(sin((slat - lat) / 2) ** 2 + cos(lat) * cos(slat) * sin((slon - lon) / 2) ** 2))"""


def by_duckdb(path: str) -> Any:
    """The same as SQL; pairs near the limit are measured as the others do."""
    import duckdb
    import polars as pl
    from geographiclib.geodesic import Geodesic
    from peer_polars import ship_spots

    db = duckdb.connect()
    folder = tables()
    places = pl.read_parquet(folder / "places.parquet", columns=["adcode", "level", "short", "lat", "lon"]).filter(pl.col("level") != "district")
    texts = "all_varchar = true, nullstr = '\x01'"
    read = f"read_parquet('{path}')" if path.endswith(".parquet") else f"read_csv('{path}', {texts})"
    zoned = "created_at, registered_at, amount" if path.endswith(".parquet") else (
        "created_at::TIMESTAMPTZ AS created_at, registered_at::TIMESTAMPTZ AS registered_at, amount::DECIMAL(18, 2) AS amount")  # fmt: skip
    plain = ", ".join(c for c in USED if c not in {"created_at", "registered_at", "amount"})
    db.execute(f"CREATE VIEW o AS SELECT {plain}, {zoned} FROM {read}")
    db.execute(f"CREATE TEMP TABLE homes AS SELECT first, last, lat, lon FROM read_parquet('{folder}/phones.parquet') JOIN read_parquet('{folder}/places.parquet') USING (adcode)")
    spots = pl.Series([r[0] for r in db.execute("SELECT DISTINCT ship_from FROM o").fetchall()], dtype=pl.String)
    db.execute("CREATE TEMP TABLE ships (ship_from VARCHAR, slat DOUBLE, slon DOUBLE)")
    db.executemany("INSERT INTO ships VALUES (?, ?, ?)", [r for r in ship_spots(spots, places).rows() if r[1] is not None])
    db.execute("CREATE TEMP TABLE prefixes AS SELECT DISTINCT try_cast(receiver_phone[:7] AS INTEGER) AS prefix FROM o")
    pairs = f"""
      CREATE TEMP TABLE pairs AS SELECT prefix, ship_from, a, b, c, d, {_KM} AS km FROM (
        SELECT prefix, ship_from, lat AS a, lon AS b, slat AS c, slon AS d, radians(lat) AS lat, radians(lon) AS lon, radians(slat) AS slat, radians(slon) AS slon
        FROM (SELECT prefix, lat, lon, last FROM prefixes ASOF JOIN homes ON prefix >= first) CROSS JOIN ships WHERE prefix <= last)"""
    db.execute(pairs)
    near = db.execute("SELECT DISTINCT a, b, c, d FROM pairs WHERE abs(km - 2000) < 20").fetchall()
    db.execute("CREATE TEMP TABLE near (a DOUBLE, b DOUBLE, c DOUBLE, d DOUBLE, exact DOUBLE)")
    if near:
        db.executemany("INSERT INTO near VALUES (?, ?, ?, ?, ?)", [(*r, Geodesic.WGS84.Inverse(*r)["s12"] / 1000) for r in near])
    db.execute("CREATE TEMP TABLE wide AS SELECT prefix, ship_from FROM pairs LEFT JOIN near USING (a, b, c, d) WHERE coalesce(exact, km) > 2000")
    words = " OR ".join(f"contains(address, '{w}')" for w in WORDS)
    flags = f"""
      WITH n AS (SELECT *, COALESCE(created_at - LAG(created_at, 2) OVER w <= INTERVAL 5 MINUTE, FALSE) AS third FROM o WINDOW w AS (PARTITION BY ip ORDER BY created_at, order_id))
      SELECT order_id, {words} AS r0, third OR COALESCE(LEAD(third, 1) OVER w, FALSE) OR COALESCE(LEAD(third, 2) OVER w, FALSE) AS r1,
        amount > 0 AND amount % 1000 = 0 AND buyer_note = '' AS r2,
        wide.prefix IS NOT NULL AS r3,
        created_at - registered_at BETWEEN INTERVAL (-1) DAY AND INTERVAL 7 DAY AND prior_orders::INTEGER = 0 AND coupon <> '' AS r4
      FROM n LEFT JOIN wide ON wide.prefix = try_cast(receiver_phone[:7] AS INTEGER) AND wide.ship_from = n.ship_from
      WINDOW w AS (PARTITION BY ip ORDER BY created_at, order_id)"""
    db.execute(f"CREATE TEMP TABLE f AS SELECT * FROM ({flags}) WHERE r0 OR r1 OR r2 OR r3 OR r4")
    return {n: [r[0] for r in db.execute(f"SELECT order_id FROM f WHERE r{i}").fetchall()] for i, n in enumerate(NAMES)}


def by_pandas(path: str) -> Any:
    """The same with pandas (read through Polars where pyarrow is missing)."""
    import pandas as pd
    import polars as pl
    from bench import prepare_tables
    from peer_pandas import far

    read = used(path).with_columns(pl.col("amount").cast(pl.Float64), pl.col("created_at", "registered_at").dt.epoch("us"))
    f = pd.DataFrame({c: read[c].to_list() if read.schema[c] == pl.String else read[c].to_numpy() for c in USED})
    age = f["created_at"] - f["registered_at"]
    g = f.sort_values(["ip", "created_at"])
    third = (g["ip"] == g["ip"].shift(2)) & (g["created_at"] - g["created_at"].shift(2) <= 300e6)
    burst = third | third.shift(-1, fill_value=False) | third.shift(-2, fill_value=False)
    with tempfile.TemporaryDirectory() as folder:
        prepare_tables(Path(folder))
        distant = far(f["receiver_phone"], f["ship_from"], Path(folder))
    hits = {
        NAMES[0]: f["address"].str.contains("|".join(WORDS), regex=True),
        NAMES[2]: (f["amount"] > 0) & (f["amount"] % 1000 == 0) & (f["buyer_note"] == ""),
        NAMES[3]: distant,
        NAMES[4]: age.between(-86_400e6, 7 * 86_400e6) & (f["prior_orders"] == 0) & (f["coupon"] != ""),
    }
    return {NAMES[1]: g.loc[burst, "order_id"].to_list(), **{n: f.loc[h, "order_id"].to_list() for n, h in hits.items()}}


_CONDITIONS = {
    NAMES[2]: "amount > 0 and amount % 1000 == 0 and buyer_note == ''",
    NAMES[3]: "km > 2000",
    NAMES[4]: "age >= -86400 and age <= 604800 and prior_orders == 0 and coupon != ''",
}


def by_rows(path: str) -> Any:
    """Row by row through `rule-engine`."""
    import rule_engine

    conditions = {NAMES[0]: f"address =~ '.*({'|'.join(WORDS)}).*'", **_CONDITIONS}
    return _row_by_row(path, {n: rule_engine.Rule(c).matches for n, c in conditions.items()})


def by_zen(path: str) -> Any:
    """Row by row through `zen-engine`."""
    import zen

    conditions = {NAMES[0]: " or ".join(f"contains(address, '{w}')" for w in WORDS), **_CONDITIONS}
    return _row_by_row(path, {n: zen.compile_expression(c).evaluate for n, c in conditions.items()})


def _row_by_row(path: str, rules: dict[str, Any]) -> Any:
    """Every rule of one row by an engine, the distance from a table, the window by hand."""
    from bisect import bisect_right

    import polars as pl
    from geographiclib.geodesic import Geodesic
    from peer_polars import ship_spots

    frame = used(path).sort("created_at")
    folder = tables()
    places = pl.read_parquet(folder / "places.parquet", columns=["adcode", "level", "short", "lat", "lon"]).filter(pl.col("level") != "district")
    spot_of = {r[0]: r[1:] for r in places.select("adcode", "lat", "lon").rows()}
    runs = pl.read_parquet(folder / "phones.parquet").sort("first").select("first", "last", "adcode").rows()
    firsts = [r[0] for r in runs]
    ship = {r[0]: r[1:] for r in ship_spots(frame["ship_from"], places).rows()}
    known: dict[Any, float] = {}

    def km(phone: str, place: str) -> float:
        key = (phone[:7], place)
        if key not in known:
            run = runs[bisect_right(firsts, int(key[0])) - 1] if key[0].isdigit() else None
            home = spot_of.get(run[2]) if run and run[1] >= int(key[0]) else None
            there = ship.get(place, (None, None))
            known[key] = Geodesic.WGS84.Inverse(*home, *there)["s12"] / 1000 if home and there[0] is not None else -1.0
        return known[key]

    found: dict[str, Any] = defaultdict(set)
    recent: dict[str, deque[tuple[datetime, str]]] = defaultdict(deque)
    for row in frame.iter_rows(named=True):
        fact = {n: row[n] for n in ("address", "buyer_note", "prior_orders", "coupon")}
        fact |= {"amount": float(row["amount"]), "km": km(row["receiver_phone"], row["ship_from"])}
        fact["age"] = (row["created_at"] - row["registered_at"]).total_seconds()
        for name, holds in rules.items():
            if holds(fact):
                found[name].add(row["order_id"])
        window = recent[row["ip"]]
        window.append((row["created_at"], row["order_id"]))
        while row["created_at"] - window[0][0] > FIVE:
            window.popleft()
        if len(window) >= 3:
            found[NAMES[1]].update(order for _, order in window)
    return {n: list(ids) for n, ids in found.items()}


def limit(path: str) -> Any:
    """Reading the used columns alone."""
    import polars as pl

    if path.endswith(".parquet"):
        pl.read_parquet(path, columns=USED)
    else:
        pl.read_csv(path, columns=USED, infer_schema=False)
    return {}


def on_spark(name: str, path: str, out: Path) -> None:
    """Our own scan by an engine that this process starts."""
    import click

    if name == "sail":
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer()
        server.start(background=True)
        os.environ["SPARK_REMOTE"] = f"sc://localhost:{server.listening_address[1]}"
    else:
        from pyspark.sql import SparkSession

        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "4g").getOrCreate()
    from orderguard.cli import cli

    place = out.parent
    words = ["scan", path, "--engine", "spark", "--rules", str(RULES), "--out", str(place / "out"), "--ledger", str(place / "ledger")]
    with contextlib.suppress(click.exceptions.Exit):
        cli.main([*words, "--outputs", "frames", "--quiet"], standalone_mode=False)
    shutil.copy(place / "out" / "findings.parquet", out)
    if name == "sail":  # its server takes minutes to end what nobody waits for any more
        os._exit(0)


ENGINES = ("sail", "jvm")
PEERS = {"polars": by_polars, "duckdb": by_duckdb, "pandas": by_pandas, "rows": by_rows, "zen": by_zen, "limit": limit}


def one(name: str, path: str, out: Path) -> None:
    """A peer's process: its findings as Parquet."""
    import polars as pl

    if name in ENGINES:
        on_spark(name, path, out)
        return
    found = PEERS[name](path)
    rows = [pl.DataFrame({"order_id": pl.Series(ids, dtype=pl.String)}).with_columns(rule_id=pl.lit(n)) for n, ids in found.items()]
    pl.concat([pl.DataFrame(schema={"order_id": pl.String, "rule_id": pl.String}), *rows]).write_parquet(out)


def digest(path: Path) -> dict[str, list[int]]:
    """Per rule how many orders, and a number that depends on which."""
    import polars as pl

    rows = pl.scan_parquet(path).group_by("rule_id").agg(pl.len(), pl.col("order_id").n_unique().alias("orders"), pl.col("order_id").hash(11).sum().alias("sum"))
    return {r[0]: list(r[1:]) for r in sorted(rows.collect().rows())}


def run(given: argparse.Namespace, n: int, world: str, form: str, root: Path) -> dict[str, Any]:
    """One size of one world."""
    from bench import measure

    path, work = (given.data or root) / f"{world}-{n}.{form}", root / "work"
    if not path.exists():
        make(path, n, world)
    peers = [p for p in given.peers if find_spec(NEEDS[p]) and n <= ROW_BY_ROW.get(p, n)]
    runs: dict[str, list[Any]] = {}
    answers: dict[str, Any] = {}
    for _ in range(given.repeat):
        for name in ["scan", *peers]:
            work.mkdir()
            if name == "scan":
                words = ["-m", "orderguard", "scan", str(path), "--rules", str(given.rules), "--out", str(work / "out"), "--ledger", str(work / "ledger")]
                words += ["--outputs", "frames", "--quiet", *(["--memory", given.memory] if given.memory else [])]
            else:
                words = [__file__, "--one", name, str(path), str(work / "found.parquet")]
            runs.setdefault(name, []).append(measure([sys.executable, *words], root / "log.txt"))
            if name not in answers and name != "limit":
                answers[name] = digest(work / ("out/findings.parquet" if name == "scan" else "found.parquet"))
            shutil.rmtree(work)
    megabytes = path.stat().st_size / 1e6
    if not given.data:
        path.unlink()
    wrong = [p for p in answers if answers[p] != answers["scan"]]
    if wrong:
        raise SystemExit(f"{world} {n}: not the same work: {({p: answers[p] for p in ['scan', *wrong]})}")
    return {"orders": n, "world": world, "format": form, "mb": megabytes, "hits": {k: v[0] for k, v in answers["scan"].items()},
            "load": os.getloadavg()[0], "runs": {k: [r._asdict() for r in v] for k, v in runs.items()}}  # fmt: skip


def main() -> None:
    """Read the arguments, run, print."""
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, nargs="+", default=[98_000, 1_000_000])
    parser.add_argument("--world", nargs="+", choices=["even", "skewed"], default=["even", "skewed"])
    parser.add_argument("--format", nargs="+", choices=["parquet", "csv"], default=["parquet", "csv"])
    parser.add_argument("--peers", nargs="*", choices=[*PEERS, *ENGINES], default=list(PEERS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rules", type=Path, default=RULES)
    parser.add_argument("--memory", metavar="SIZE")
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    missing = [f"{p} ({NEEDS[p]})" for p in given.peers if not find_spec(NEEDS[p])]
    if missing:
        print("not installed, left out:", ", ".join(missing))
    results = []
    print(f"{'orders':>12} {'world':7} {'format':8}{'who':8}{'seconds':>9}{'scan is':>9}{'cpu s':>8}{'scan is':>9}{'peak MB':>9}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for n in given.orders:
            for world in given.world:
                for form in given.format:
                    result = run(given, n, world, form, Path(folder))
                    results.append(result)
                    mine, my_cpu = (median(r[k] for r in result["runs"]["scan"]) for k in ("seconds", "cpu"))
                    for who, runs in result["runs"].items():
                        seconds, cpu = (median(r[k] for r in runs) for k in ("seconds", "cpu"))
                        print(
                            f"{n:12,} {world:7} {form:8}{who:8}{seconds:9.2f}{mine / seconds:8.2f}x{cpu:8.1f}{my_cpu / cpu:8.2f}x"
                            f"{max(r['peak_mb'] for r in runs):9.0f}",
                            flush=True,
                        )
    if given.json:
        from bench import machine

        given.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
