"""A rulebook with every kind there is, and orders with ties, blanks, masks, repeats and hot keys that each of them flags."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import yaml
from house import book

from orderguard.rules.registry import kind_class, kind_example, kind_names

if TYPE_CHECKING:
    from orderguard.rules.book import Rulebook

_MORE = """
- {id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}}
- {id: people, kind: velocity, with: {key: [ip, platform], window: 10m, at_least: 2, who: buyer_id}}
- {id: person, kind: velocity, with: {key: person, window: 20m, at_least: 4}}
- {id: person-money, kind: velocity, with: {key: person, window: 1h, sum: amount, at_least: 9000}}
- {id: words, kind: keywords, with: {column: address, any: [临时仓]}, only: {platform: [京东]}}
- {id: round, kind: round_amount, with: {multiple_of: 1000}}
- {id: young, kind: new_account, with: {within: 7d}}
- {id: far, kind: distance, with: {more_than_km: 1500}}
- {id: usual, kind: outlier, with: {of: amount, by: account, times: 2, baseline: median, history: 30d, min_history: 2}}
- {id: dear, kind: condition, with: {when: "amount > 1500 AND ip IS NULL"}}
"""
"""Rules besides those that the kinds' own examples bring: a kind that is added tomorrow is in by its example."""
_HEAD = """ship_from: 杭州
promotions: [{id: d11, from: 2026-11-11 08:30, to: 2026-11-11 09:30, bands: {review: 30, hold: 60}}]"""
_POINTS = {"points": 10, "max_share": 1}


def every_kind() -> Rulebook:
    """A rulebook of every kind's examples, and some more."""
    rules = []
    for name in kind_names():
        kind_class(name)
        rules += yaml.safe_load(kind_example(name)) or []
    rules += yaml.safe_load(_MORE)
    missing = set(kind_names()) - {r["kind"] for r in rules}
    assert not missing, f"no example and no rule here for {missing}"
    told = [{k: v for k, v in r.items() if k not in {"flags", "passes"}} | _POINTS for r in rules]
    return book(*(json.dumps(r, ensure_ascii=False, default=str) for r in told), head=_HEAD)


def kinds_found(rules: Rulebook, findings: pl.DataFrame) -> set[str]:
    """The kinds that some finding is of."""
    kinds = {r.id: r.kind for r in rules.rules}
    return {kinds[name] for name in findings["rule_id"].unique()}


_ADDRESSES = (
    ("浙江省", "杭州市", "西湖区", "文三路1号"), ("浙江省", "杭州市", "西湖区", "文三路 1 号"), ("新疆维吾尔自治区", "乌鲁木齐市", "天山区", "人民路临时仓"),
    ("广东省", "深圳市", "南山区", "学校"), ("浙江省", "杭州市", "西湖区", "广东省深圳市南山区科技园路 5 号"), (None, None, None, None),
    ("上海市", "上海市", "徐汇区", "临时仓 9 号"),
)  # fmt: skip


def orders(seed: int, n: int = 500) -> pl.DataFrame:
    """Rows of `n` orders, one or two items each, some twice, some unreadable."""
    rng = random.Random(seed)
    start = datetime(2026, 11, 11, tzinfo=UTC)
    rows = []
    for i in range(n):
        at = start + timedelta(seconds=rng.choice((1, 60)) * rng.randrange(7_200))
        province, city, district, address = rng.choice(_ADDRESSES)
        row = {
            "order_id": f"{i:05d}" if rng.random() > 0.01 else None,
            "platform": rng.choice(["京东", "jd", "自营"]),
            "created_at": at if rng.random() > 0.02 else None,
            "paid_at": at + timedelta(minutes=rng.randrange(300)),
            "registered_at": rng.choice([None, at - timedelta(days=rng.randrange(30))]),
            "prior_orders": rng.choice([None, "0", "3"]),
            "promised_at": rng.choice([None, at + timedelta(days=rng.randrange(1, 5))]),
            "delivered_at": rng.choice([None, at + timedelta(hours=rng.randrange(60))]),
            "amount": rng.choice(["88.10", "2000", "9000", "1", "面议" if rng.random() < 0.05 else "300"]),
            "coupon": rng.choice([None, "", "满200减30"]),
            "buyer_id": rng.choice([None, "a*b", "vip-7", *(f"u{k}" for k in range(40))]),
            "receiver_name": rng.choice(["王芳", "李伟", "张静", "赵磊", "前台", None]),
            "ip": rng.choice([None, "10.0.x.x", "192.0.2.7", *(f"198.51.100.{k}" for k in range(60))]) if rng.random() < 0.8 else "203.0.113.9",
            "receiver_phone": rng.choice(["138****0000", "13802580000", *(f"1399911{k:04d}" for k in range(90)), *(f"1841440{k:04d}" for k in range(90))]),
            "province": province, "city": city, "district": district, "address": address,
            "buyer_note": rng.choice([None, "", "请快", "卡密 加急"]),
            "status": rng.choice([None, "待发货", "待发货", "待发货", "已发货", "已退款"]),
        }  # fmt: skip
        for sku in rng.sample(["NF-900", "ICE-1", "TC-250"], rng.choice((1, 1, 2))):
            rows.append(row | {"sku": sku, "title": sku, "quantity": str(rng.randrange(1, 4))})  # noqa: PERF401 - two levels
    rows += rows[:20]
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema_overrides={"created_at": pl.Datetime("us", "UTC")}, infer_schema_length=None)
