"""Thirty rules of all kinds: `scan --outputs frames` of Parquet beside a hand-written Polars script of the same rules.

    python tests/benchmarks/rules30.py [--orders 1000000] [--world even skewed] [--repeat 3] [--smoke] [--json FILE]

Whole processes, alternating; medians. In the skewed world half of all orders comes from one IP. Rule by rule both must find the
same orders, or the run is an error (exit 1). Bounds: the scan takes at most twice the script's time, and the skewed world at
most 1.5 times the even one's. `--smoke`: 6,000 orders, once, in some seconds; it checks the findings and no time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

SMOKE, BOUND, SKEWED = 6_000, 2.0, 1.5
START = datetime(2026, 10, 1, tzinfo=UTC)
SKUS, EACH = 200, 200

RULES = """
version: 1
bands: {review: 20, hold: 30}
max_share: 1
ship_from: 杭州
rules:
  - {id: risky-address, kind: keywords, with: {column: address, any: [临时仓, 代收点, 测试, 无效, 快递柜, 派出所]}, points: 1}
  - {id: brushing-note, kind: keywords, with: {column: buyer_note, any: [刷单, 返现, 好评], none: [发票]}, points: 1}
  - {id: odd-name, kind: keywords, with: {column: receiver_name, any: [测试, 代收]}, points: 1}
  - {id: ip-burst, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 1}
  - {id: ip-people, kind: velocity, with: {key: ip, window: 1h, who: buyer_id, at_least: 4}, points: 1}
  - {id: phone-people, kind: velocity, with: {key: phone, window: 7d, who: account, at_least: 3}, points: 1}
  - {id: address-people, kind: velocity, with: {key: address, window: 7d, who: account, at_least: 3}, points: 1}
  - {id: device-burst, kind: velocity, with: {key: device, window: 30m, at_least: 3}, points: 1}
  - {id: same-basket, kind: velocity, with: {key: [account, basket], window: 1d, at_least: 2}, points: 1}
  - {id: phone-money, kind: velocity, with: {key: phone, window: 24h, sum: amount, at_least: 6000}, points: 1}
  - {id: night-money, kind: condition, with: {when: "amount > 2500 AND hour(paid_at) < 6"}, points: 1}
  - {id: short-address, kind: condition, with: {when: "length(address) < 6"}, points: 1}
  - {id: half-price, kind: condition, with: {when: "coalesce(discount, 0) > amount * 0.5"}, points: 1}
  - {id: far-phone, kind: distance, with: {of: receiver_phone, to: ship_from, more_than_km: 2000}, points: 1}
  - {id: phone-elsewhere, kind: distance, with: {of: receiver_phone, to: address, same_province: true}, points: 1}
  - {id: out-of-reach, kind: distance, with: {of: address, to: ship_from, more_than_km: 1500}, points: 1}
  - {id: bad-address, kind: address_quality, with: {any: [vague, contradictory]}, points: 1}
  - {id: two-regions, kind: contradiction, with: {of: address}, points: 1}
  - {id: many-names, kind: contradiction, with: {of: phone_names, at_least: 3, within: 30d}, points: 1}
  - {id: many-phones, kind: contradiction, with: {of: person_phones, at_least: 2, within: 30d}, points: 1}
  - {id: phone-region, kind: contradiction, with: {of: phone_region}, points: 1}
  - {id: known, kind: listed, with: {file: lists.csv}, points: 1}
  - {id: oversold, kind: oversell, with: {stock: stock.csv}, points: 1}
  - {id: two-each, kind: purchase_limit, with: {limit: 6, window: 7d, sku: [SKU-1, SKU-2, SKU-3, SKU-4, SKU-5, SKU-6]}, points: 1}
  - {id: much-money, kind: outlier, with: {of: amount, by: account, times: 3, history: 30d, min_history: 3}, points: 1}
  - {id: much-goods, kind: outlier, with: {of: quantity, by: sku, times: 3, baseline: median, history: 30d, min_history: 5}, points: 1}
  - {id: promise, kind: delivery_promise, with: {lead_times: lead.csv, min_history: 1}, points: 1}
  - {id: wrong-region, kind: conflict, with: {tags: tags.csv, pairs: [[冷链, 常温]]}, points: 1}
  - {id: coupon, kind: new_account, with: {within: 7d}, points: 1}
  - {id: round, kind: round_amount, with: {multiple_of: 1000}, points: 1}
"""
REGIONS = (
    ("浙江省", "杭州市", "西湖区"), ("浙江省", "宁波市", "鄞州区"), ("江苏省", "南京市", "鼓楼区"), ("江苏省", "苏州市", "吴中区"),
    ("广东省", "深圳市", "南山区"), ("广东省", "广州市", "天河区"), ("湖北省", "武汉市", "洪山区"), ("四川省", "成都市", "武侯区"),
    ("辽宁省", "沈阳市", "和平区"), ("陕西省", "西安市", "雁塔区"), ("新疆维吾尔自治区", "乌鲁木齐市", "天山区"), ("云南省", "昆明市", "五华区"),
)  # fmt: skip
ROADS = ("文三路", "中山路", "人民路", "解放大道", "学院路", "建设路", "滨江大道", "桃源街")


def make(folder: Path, n: int, world: str) -> Path:
    """`n` orders of a month as Parquet, and the files that the rules name. Everything follows from the row's number."""
    row = pl.int_range(n, eager=True)
    draw = [row.hash(seed) for seed in range(20)]

    def one(words: tuple[str, ...], by: pl.Series) -> pl.Expr:
        return pl.lit(pl.Series(words)).gather(pl.lit(by % len(words)))

    def now_and_then(seed: int, every: int) -> pl.Expr:
        return pl.lit(draw[seed] % every == 0)

    person = draw[0] % max(n * 2 // 5, 1)
    home = [person.hash(seed) for seed in range(100, 108)]
    # Most buyers live near; one in ten anywhere.
    home[0] = pl.select(pl.when(pl.lit(home[4] % 10 == 0)).then(pl.lit(home[0])).otherwise(pl.lit(home[0] % 6))).to_series()
    # Rings: four orders in some minutes from one IP and device; five in a day with one phone, each from another account.
    ring, line = row // 120, row // 200
    in_ring, on_line = draw[5] % 30 == 7, draw[6] % 40 == 7
    second = pl.when(pl.lit(in_ring)).then(pl.lit(ring.hash(90) % (30 * 86_400) + draw[2] % 400)).when(pl.lit(on_line)).then(
        pl.lit(line.hash(91) % (30 * 86_400) + draw[2] % 90_000)).otherwise(pl.lit(draw[1] % (30 * 86_400)))  # fmt: skip
    created = pl.lit(START) + pl.duration(seconds=second)
    ip = pl.format("198.{}.{}.{}", draw[2] % max(n // 60_000, 1), draw[3] % 256, draw[4] % 256)
    ip = pl.when(pl.lit(in_ring)).then(pl.format("203.1.{}.{}", ring // 256 % 256, ring % 256)).otherwise(ip)
    if world == "skewed":
        ip = pl.when(pl.lit(draw[5] % 2 == 0)).then(pl.lit("203.0.113.9")).otherwise(ip)
    street = pl.format("{}{}号{}幢{}室", one(ROADS, home[1]), home[2] % 997, home[3] % 30 + 1, home[4] % 900 + 100)
    street = pl.when(now_and_then(6, 90)).then(street + pl.lit("临 时·仓")).otherwise(street)
    street = pl.when(now_and_then(7, 150)).then(pl.lit("火车站对面")).otherwise(street)
    street = pl.when(now_and_then(8, 400)).then(pl.lit("北京市朝阳区建国路8号")).otherwise(street)
    street = pl.when(now_and_then(9, 200)).then(pl.lit("")).otherwise(street)
    elsewhere = pl.when(pl.lit(home[5] % 40 == 0)).then(pl.lit(home[6] % len(REGIONS))).otherwise(pl.lit(home[0] % len(REGIONS)))
    phone = pl.format("{}{}", pl.lit(prefixes()).gather(elsewhere * EACH + pl.lit(home[3] % EACH)), (home[6] % 10_000).cast(pl.String).str.zfill(4))
    second_phone = pl.format("1522{}", (home[6] % 10_000_000).cast(pl.String).str.zfill(7))
    phone = pl.when(now_and_then(3, 400)).then(second_phone).otherwise(phone)
    phone = pl.when(pl.lit(on_line)).then(pl.format("1523{}", (line.hash(92) % 10_000_000).cast(pl.String).str.zfill(7))).otherwise(phone)
    phone = pl.when(now_and_then(10, 60)).then(pl.lit("138****1234")).otherwise(phone)
    paid = (draw[12] % 290_000 + 1000).cast(pl.Int64)
    amount = pl.when(now_and_then(11, 60)).then(pl.lit(draw[12] % 3 * 100_000)).otherwise(pl.lit(paid))
    surnames, given = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林", "芳伟静磊强洋敏娜婷峰颖杰丽涛明超霞平"
    name = one(tuple(surnames), home[7]) + one(tuple(given), home[2]) + one(tuple(given), home[3])
    frame = pl.select(
        order_id=pl.format("30{}", row.cast(pl.String).str.zfill(12)),
        shop=pl.lit("甲店"), buyer_id=pl.format("u{}", person),
        receiver_name=pl.when(now_and_then(13, 40)).then(one(("测试", "代收员", "李娜", "张 伟"), draw[14])).otherwise(name),
        receiver_phone=phone,
        **{c: one(tuple(r[i] for r in REGIONS), home[0]) for i, c in enumerate(("province", "city", "district"))},
        address=street, ip=ip, created_at=created, paid_at=created + pl.duration(seconds=pl.lit(draw[15] % 3000)),
        amount=(amount.cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(18, 2)),
        discount=pl.when(now_and_then(16, 30)).then(pl.lit(300)).otherwise(pl.lit(5)).cast(pl.Decimal(18, 2)),
        coupon=pl.when(now_and_then(17, 5)).then(pl.lit("满200减30")).otherwise(pl.lit("")),
        buyer_note=pl.when(now_and_then(18, 70)).then(one(("好评返现", "刷-单", "好评，要发票"), draw[19])).when(now_and_then(19, 2)).then(pl.lit("请快")).otherwise(pl.lit("")),
        registered_at=created - pl.duration(hours=pl.lit(draw[17] % 3_000)), prior_orders=pl.lit(draw[18] % 3).cast(pl.Int64),
        promised_at=created + pl.duration(hours=pl.lit(draw[16] % 2000 + 100)),
        device_id=pl.when(pl.lit(in_ring)).then(pl.format("R{}", ring)).otherwise(pl.format("D{}", draw[13] % max(n // 4, 1))),
        sku=pl.format("SKU-{}", draw[14] % SKUS), quantity=pl.when(now_and_then(15, 50)).then(pl.lit(8)).otherwise(pl.lit(draw[8] % 3 + 1)).cast(pl.Int64),
    )  # fmt: skip
    path = folder / "orders.parquet"
    frame.write_parquet(path)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    stock = [f"SKU-{i},{n // SKUS * 21 // 10 + i % 7}" for i in range(SKUS)]
    tags = [f"SKU-{i},{'冷链' if i % 40 == 0 else '常温'},{'浙江|江苏' if i % 40 == 0 else ''}" for i in range(SKUS)]
    lead = [f"杭州,{p.removesuffix('省')},{d}" for p, d in (("浙江省", 1), ("江苏省", 2), ("广东省", 3), ("四川省", 4), ("新疆", 7))]
    entries = [f"u{i * 37},watch" for i in range(200)] + ["198.0.7.0/24,block", "198.0.9.0/25,watch"] + [f"u{i * 91},allow" for i in range(5)]
    for file, head, lines in (
        ("stock.csv", "sku,available", stock), ("tags.csv", "sku,tags,only_to", tags), ("lead.csv", "from,to,days", lead), ("lists.csv", "value,kind", entries),
    ):  # fmt: skip
        (folder / file).write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def prefixes() -> pl.Series:
    """`EACH` phone prefixes at home in each region, region by region."""
    tables = Path(str(files("orderguard.enrich.tables")))
    runs = pl.read_parquet(tables / "phones.parquet").with_columns(pl.int_ranges("first", pl.col("last") + 1).alias("prefix"))
    names = dict(pl.read_parquet(tables / "places.parquet").filter(level="city").select("name", "adcode").iter_rows())
    homes = [runs.filter(adcode=names[city]).explode("prefix")["prefix"].head(EACH) for _, city, _ in REGIONS]
    return pl.concat(homes)


def told(found: pl.DataFrame) -> dict[str, list[Any]]:
    """Per rule how many orders, and a digest of which."""
    out = {}
    for (rule,), rows in found.select("rule_id", "order_id").partition_by("rule_id", as_dict=True).items():
        ids = sorted(rows["order_id"].to_list())
        out[str(rule)] = [len(ids), hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]]
    return dict(sorted(out.items()))


def run(n: int, world: str, repeat: int, root: Path) -> dict[str, Any]:
    """One world."""
    from bench import measure

    folder = root / world
    folder.mkdir()
    path = make(folder, n, world)
    commands = {
        "scan": ["-m", "orderguard", "scan", str(path), "--rules", str(folder / "rules.yaml"), "--outputs", "frames", "--quiet"],
        "script": [str(HERE / "peer_rules30.py"), str(path)],
    }  # fmt: skip
    runs: dict[str, list[Any]] = {name: [] for name in commands}
    answers = {}
    for _ in range(repeat):
        for name, words in commands.items():
            work = folder / "work"
            work.mkdir()
            extra = ["--out", str(work / "out"), "--ledger", str(work / "ledger")] if name == "scan" else [str(work / "out")]
            runs[name].append(measure([sys.executable, *words, *extra], root / "log.txt"))
            answers[name] = told(pl.read_parquet(work / "out" / "findings.parquet"))
            shutil.rmtree(work)
    wrong = {r: [a.get(r) for a in answers.values()] for r in sorted(set().union(*answers.values())) if len({str(a.get(r)) for a in answers.values()}) > 1}
    if wrong:
        raise SystemExit(f"{world} {n}: scan and script differ: {wrong}")
    return {"orders": n, "world": world, "hits": {k: v[0] for k, v in answers["scan"].items()},
            "runs": {k: [r._asdict() for r in v] for k, v in runs.items()}}  # fmt: skip


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--world", nargs="+", choices=["even", "skewed"], default=["even", "skewed"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    n, repeat = (SMOKE, 1) if given.smoke else (given.orders, given.repeat)
    with tempfile.TemporaryDirectory() as folder:
        results = [run(n, world, repeat, Path(folder)) for world in given.world]
    print(f"{n:,} orders, 30 rules, median of {repeat}, load {os.getloadavg()[0]:.1f}")
    print(f"{'':8}{'who':8}{'seconds':>9}{'CPU s':>9}{'peak MB':>9}{'findings':>10}")
    times, work = {}, {}
    for result in results:
        for who, runs in result["runs"].items():
            times[result["world"], who] = median(r["seconds"] for r in runs)
            work[result["world"], who] = median(r["cpu"] for r in runs)
            peak = median(r["peak_mb"] for r in runs)
            print(f"{result['world']:8}{who:8}{times[result['world'], who]:9.2f}{work[result['world'], who]:9.2f}{peak:9.0f}{sum(result['hits'].values()):10,}")
    for world in given.world:
        ratio, cpu = (t[world, "scan"] / t[world, "script"] for t in (times, work))
        print(f"{world}: scan / script {ratio:.2f}x (bound {BOUND:g}); processor time {cpu:.2f}x")
    if len(given.world) > 1:
        ratio, cpu = (t["skewed", "scan"] / t["even", "scan"] for t in (times, work))
        print(f"scan, skewed / even {ratio:.2f}x (bound {SKEWED:g}); processor time {cpu:.2f}x")
    silent = sorted({line.split("id: ")[1].split(",")[0] for line in RULES.splitlines() if "{id: " in line} - set(results[0]["hits"]))
    if silent:
        raise SystemExit(f"rules without a hit prove nothing: {silent}")
    if given.json:
        from bench import machine

        given.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
