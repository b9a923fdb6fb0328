"""The share of earlier orders that came back: against brute force, in pieces, and as the ledger learns of it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import NOW, House, book, shell

from orderguard.errors import OrderguardError
from orderguard.rules.engine import run_rules
from orderguard.rules.pieces import AUDITED, PAST, ROW, run_in_pieces
from orderguard.stages.tables import equip

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.rules.book import Rule

EPOCH = datetime(2026, 11, 11, tzinfo=UTC)
STAGES = ["shipped", "done", "refunded", "refunding", "closed", "unpaid", "paid", "unknown", None]


def rule_of(text: str) -> Rule:
    return equip(book(f"{{id: r, kind: return_rate, points: 1, with: {{{text}}}}}"), NOW).rules[0]


def small(rng: random.Random, n: int = 120) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "platform": "jd", "order_id": f"{i:03d}", "addr_province": rng.choice(["新疆维吾尔自治区", "新疆维吾尔自治区", "浙江省", None]),
            "account_key": None if rng.random() < 0.05 else f"jd u{rng.randrange(6)}", "ip": f"192.0.2.{rng.randrange(9)}", "stage": rng.choice(STAGES),
            "paid_at": EPOCH if rng.random() < 0.7 else None, "basket": rng.choice(["A\x1f1", "B\x1f2", "A\x1f1\x1eB\x1f1", None]),
            "created_at": None if rng.random() < 0.03 else EPOCH + timedelta(minutes=rng.choice((1, 7)) * rng.randrange(60)), PAST: rng.random() < 0.4,
        }
        for i in range(n)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"created_at": pl.Datetime("us", "UTC"), "paid_at": pl.Datetime("us", "UTC")})


def came_back(row: dict[str, Any], listed: set[str] | None) -> bool | None:
    if listed and row["order_id"] in listed:
        return True
    if row["stage"] in {"refunded", "refunding"} or (row["stage"] == "closed" and row["paid_at"]):
        return True
    if row["stage"] in {"shipped", "done"}:
        return False
    return None if listed is None or row["stage"] in {"unpaid", "closed"} else False


def keys_of(row: dict[str, Any], by: str) -> list[str | None]:
    if by == "sku":
        return [item.split("\x1f")[0] for item in (row["basket"] or "").split("\x1e") if item]
    return [row["addr_province" if by == "province" else "account_key"]]


def by_hand(frame: pl.DataFrame, rule: Rule, listed: set[str] | None) -> list[tuple[bool | None, float | None]]:
    s: Any = rule.settings
    rows = frame.to_dicts()
    out: list[tuple[bool | None, float | None]] = []
    for me in rows:
        rates: list[float | None] = []
        for key in keys_of(me, s.by):
            before = [
                came_back(r, listed) for r in rows
                if key is not None and me["created_at"] and r["created_at"] and key in keys_of(r, s.by) and me["created_at"] - s.history <= r["created_at"] < me["created_at"]
            ]  # fmt: skip
            known = [b for b in before if b is not None]
            rates.append(100 * sum(known) / len(known) if len(known) >= s.min_orders else None)
        most = max((r for r in rates if r is not None), default=None)
        hit = None if most is None else most > s.more_than
        hit = None if not hit and None in rates else hit
        if s.provinces:
            inside = None if me["addr_province"] is None else me["addr_province"] == "新疆维吾尔自治区"
            hit = hit if inside else False if inside is False else None
        out.append((None if me[PAST] else hit, most))
    return out


BOOKS = [
    ("by: province, more_than: 30, history: 2h, min_orders: 5", None),
    ("by: account, more_than: 40%, history: 1h, min_orders: 2, provinces: [新疆]", None),
    ("by: sku, more_than: 45, history: 90m, min_orders: 3", None),
    ("by: 买家账号, more_than: 0.5, history: 3h, min_orders: 4, returns: [{order_id: '003'}, {order_id: '017'}, {order_id: '050'}]", {"003", "017", "050"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "listed"), BOOKS)
def test_it_equals_brute_force_on_small_batches(text: str, listed: set[str] | None) -> None:
    rule, seen = rule_of(text), Counter[bool | None]()
    for seed in range(10):
        frame = small(random.Random(seed))
        want, found = by_hand(frame, rule, listed), rule.settings.measure(frame)
        current = (~frame[PAST]).to_list()
        told = [h for h, c in zip(found["hit"].to_list(), current, strict=True) if c]
        hoped = [w for w, c in zip(want, current, strict=True) if c]
        assert told == [h for h, _ in hoped]
        assert found.filter(pl.col("hit") & ~frame[PAST])["value"].to_list() == pytest.approx([v for h, v in hoped if h])
        assert not found.filter(frame[PAST])["hit"].any()
        seen += Counter(told)
    assert min(seen[True], seen[False], seen[None]) > 0


@pytest.mark.parametrize("text", [t for t, _ in BOOKS])
def test_in_pieces_and_slices_of_time_it_says_the_same(tmp_path: Path, text: str) -> None:
    """Orders that fell through are seen by this rule in every piece, and by no other."""
    frame = pl.concat([
        small(random.Random(s), 150).with_columns(order_id=f"{s}" + pl.col("order_id"), created_at=pl.col("created_at") + timedelta(hours=2 * s)) for s in range(3)
    ])  # fmt: skip
    other = book("{id: v, kind: velocity, with: {key: ip, window: 20m, at_least: 3}, points: 1}").rules[0]
    rules = [rule_of(text), other]
    stage = frame["stage"]
    heard = stage.is_in(["paid", "unknown", "refunding"]).fill_null(value=True).set(stage.is_in(["shipped", "done"]).fill_null(value=False), None)
    whole = run_rules(frame, rules, "zh-CN", None, heard)
    marked = frame.with_columns(pl.int_range(pl.len()).alias(ROW), heard.alias(AUDITED))
    cut = run_in_pieces(marked.iter_slices(40), rules, "zh-CN", {}, tmp_path, 10)
    assert {"r", "v"} == set(whole.findings["rule_id"])
    assert cut.findings.equals(whole.findings.cast({"row": pl.Int64}))
    assert cut.coverage.sort(pl.all()).equals(whole.coverage.sort(pl.all()))
    judged = set(frame.with_row_index().filter(heard.fill_null(value=False))["index"])
    assert set(whole.findings["row"]) <= judged
    gone = frame.filter(heard.fill_null(value=True))
    alone = run_rules(gone, [other], "zh-CN", None, heard.filter(heard.fill_null(value=True)))
    assert alone.findings.drop("row").equals(whole.findings.filter(pl.col("rule_id") == "v").drop("row"))


# --- as the ledger learns of it -----------------------------------------------------------------------------

_HEAD = "订单编号,平台,买家账号,收货地址,下单时间,付款时间,实付金额,订单状态,商品编码,数量"


def _file(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    """Orders in Xinjiang: number, day, status."""
    lines = [f"{n},自营,u{n},新疆喀什地区喀什市人民路{n}号,2026-11-{day} 10:00:00,2026-11-{day} 10:01:00,88,{status},A-1,1" for n, day, status in rows]
    path.write_text("\n".join([_HEAD, *lines]) + "\n", encoding="utf-8")
    return path


_RATE = "{id: remote, kind: return_rate, points: 40, max_share: 1, with: {by: province, provinces: [新疆], more_than: 15, min_orders: 4, history: 30d}}"


def test_the_ledger_learns_what_became_of_an_order(tmp_path: Path) -> None:
    house = House(tmp_path, book(_RATE))
    paid = _file(tmp_path / "a.csv", [(f"{i}", "01", "待发货") for i in range(5)])
    assert house.scan(paid).run["flagged"] == 0
    new = _file(tmp_path / "b.csv", [("9", "08", "待发货")])
    run = house.scan(new).run
    assert (run["flagged"], run["coverage"][0]["not_evaluable"]) == (0, 1)  # paid, and nobody knows more
    house.scan(_file(tmp_path / "c.csv", [(f"{i}", "01", "已完成") for i in range(4)]))
    run = house.scan(new).run
    assert (run["flagged"], run["coverage"][0]["judged"]) == (0, 1)  # 0 of 4
    back = _file(tmp_path / "d.csv", [("4", "01", "已退款")])
    house.scan(back)
    house.scan(back)  # once more: an order counts once
    assert house.scan(new).run["flagged"] == 1
    said = pl.read_parquet(house.out / "findings.parquet")
    assert said["order_id"].to_list() == ["9"]
    assert "近 30 天 5 单退回 1 单，占 20%（超过 15% 即命中）" in said["reason"][0]
    house.scan(_file(tmp_path / "e.csv", [("4", "01", "已完成")]))  # the refund was taken back
    house.scan(new)
    assert not len(pl.read_parquet(house.out / "findings.parquet"))


def test_refunded_orders_of_the_same_export_count_and_are_not_judged(tmp_path: Path) -> None:
    rows = [(f"{i}", f"0{i + 1}", s) for i, s in enumerate(["已完成", "已完成", "已发货", "已退款", "已退款", "待发货"])]
    house = House(tmp_path, book(_RATE, "{id: far, kind: velocity, points: 1, max_share: 1, with: {key: province, window: 30d, at_least: 5}}"))
    run = house.scan(_file(tmp_path / "a.csv", rows)).run
    assert {c["rule_id"]: c["judged"] + c["not_evaluable"] for c in run["coverage"]} == {"remote": 1, "far": 1}
    assert pl.read_parquet(house.out / "findings.parquet")["order_id"].to_list() == ["5"]


def test_an_after_sales_file_tells_of_returns(tmp_path: Path) -> None:
    (tmp_path / "售后.csv").write_text("订单编号,类型\n0,退款\n'1,退货\n", encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nbands: {review: 1, hold: 2}\nrules:\n"
        "- {id: remote, kind: return_rate, points: 40, max_share: 1, with: {by: 市, more_than: 15%, min_orders: 4, returns: 售后.csv}}\n",
        encoding="utf-8",
    )
    _file(tmp_path / "a.csv", [(f"{i}", "01", "待发货") for i in range(5)] + [("9", "08", "待发货")])
    done = shell("scan", "a.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = pl.read_parquet(tmp_path / "out" / "findings.parquet")
    assert said["reason"].to_list() == ["新疆维吾尔自治区 喀什地区近 90 天 5 单退回 2 单，占 40%（超过 15% 即命中）"]


@pytest.mark.parametrize(("text", "said"), [
    ("provinces: [新彊]", "新疆"), ("more_than: 0", "more_than"), ("more_than: 100", "more_than"), ("by: country", "by"), ("min_orders: 0", "min_orders"),
    ("by: 电活", "电话"), ("returns: 没有这个文件.csv", "没有这个文件.csv"),
])  # fmt: skip
def test_wrong_settings_are_told(text: str, said: str) -> None:
    with pytest.raises(OrderguardError) as told:
        rule_of(text)
    assert said in str(told.value)
