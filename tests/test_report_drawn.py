"""Control group, second opinions and oversold goods in the figures; each against numbers worked out by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import NOW, House, export, order, shell

from orderguard.errors import OrderguardError
from orderguard.ledger import open_ledger
from orderguard.ledger.lessons import lessons
from orderguard.ledger.verdicts import Answer, VerdictBook
from orderguard.missed import wilson
from orderguard.report.agreement import agreement
from orderguard.report.oversold import skus
from orderguard.report.period import month, previous
from orderguard.report.recall import control, misses, overall
from orderguard.route import Team
from orderguard.stages.reporting import Asked, figures
from orderguard.stages.teaching import proposal

if TYPE_CHECKING:
    from pathlib import Path

NOVEMBER = month("2026-11", "Asia/Shanghai")
_INSIDE = (NOVEMBER.seconds[0] + 86_400) * 1_000_000


def frames(results: list[str | None], share: float, made: int = _INSIDE) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Cases, controls and verdicts of control orders c0, c1, ..."""
    ids = [f"c{i}" for i in range(len(results))]
    n = len(ids)
    cases = pl.DataFrame({"ledger": ["a"] * n, "case_id": ids, "key": list(range(n)), "ordered_at": [made] * n, "opened_at": [NOVEMBER.end] * n})
    cases = cases.with_columns(pl.col("key").cast(pl.UInt64))
    controls = pl.DataFrame({"ledger": ["a"] * n, "case_id": ids, "share": [share] * n})
    given = [(i, r) for i, r in zip(ids, results, strict=True) if r]
    verdicts = pl.DataFrame(
        [("a", i, r, None, None) for i, r in given],
        schema={"ledger": pl.String, "case_id": pl.String, "result": pl.String, "replaced_by": pl.Int64, "ended_run": pl.String}, orient="row",
    )  # fmt: skip
    return cases, controls, verdicts


def decided(confirmed: int, **others: int) -> pl.DataFrame:
    """Flagged cases with these outcomes."""
    outcomes = [o for o, n in {"confirmed": confirmed, **others}.items() for _ in range(n)]
    return pl.DataFrame({"opened_at": [NOVEMBER.end] * len(outcomes), "outcome": outcomes}, schema={"opened_at": pl.Datetime("us", "UTC"), "outcome": pl.String})


def test_what_was_caught_is_estimated_as_what_was_missed_is() -> None:
    """Half of 400 flagged orders are judged, 100 of them abnormal: some 200 were caught. Those flagged before the draw are not asked."""
    drawn = control(*frames(["confirmed"] * 2 + ["false_alarm"] * 98, 0.005), NOVEMBER)
    flagged = decided(100, false_alarm=100, open=150, over=50)
    early = flagged.with_columns(opened_at=pl.col("opened_at").dt.offset_by("-1d"), outcome=pl.lit("confirmed"))
    group = overall(500, misses(drawn, None), drawn, pl.concat([flagged, early]), None)["control"]
    assert (group["caught"], group["missed"], group["recall"]) == (200, 400, round(200 / 600, 6))
    erring = overall(500, misses(drawn, None), drawn, flagged, 0.02)["control"]
    assert (erring["missed"], erring["agents_error"]) == (0, 0.02)


def test_a_missed_order_of_the_sample_stands_for_those_that_were_not_drawn() -> None:
    """200 drawn at 0.5 %, 100 judged, 2 abnormal: 40,000 unflagged orders hide about 800."""
    results: list[str | None] = ["confirmed"] * 2 + ["false_alarm"] * 98 + [None] * 95 + ["investigating"] * 5
    drawn = control(*frames(results, 0.005), NOVEMBER)
    told = overall(200, misses(drawn, None), drawn, decided(200), None)
    group = told["control"]
    assert (group["drawn"], group["judged"], group["found"], group["unflagged"]) == (200, 100, 2, 40_000)
    assert (group["missed"], group["recall"]) == (800, 0.2)
    low, high = wilson(2, 100)
    assert low is not None
    assert high is not None
    assert group["missed_low"] == pytest.approx(40_000 * low, abs=0.01)
    assert group["recall_low"] == pytest.approx(200 / (200 + 40_000 * high), abs=1e-6)
    assert told["missed"] == 400, "the two that were found stand for 200 each"
    assert told["recall"] == pytest.approx(200 / 600, abs=1e-6)


def test_control_orders_of_another_month_and_none_at_all() -> None:
    other = control(*frames(["confirmed"], 0.01, _INSIDE - 40 * 86_400_000_000), NOVEMBER)
    assert other.is_empty()
    assert overall(5, misses(other, None), other, decided(5), None) == {"confirmed": 5, "missed": 0.0, "recall": 1.0, "control": None}
    nothing = overall(0, misses(other, None), other, decided(0), None)
    assert nothing["recall"] is None
    unjudged = control(*frames([None, None], 0.01), NOVEMBER)
    assert overall(5, misses(unjudged, None), unjudged, decided(5), None)["control"]["recall"] is None, "nothing judged tells nothing"


def test_an_order_missed_twice_counts_once() -> None:
    drawn = control(*frames(["confirmed"], 0.01), NOVEMBER)
    sales = pl.DataFrame({"key": [0, 7], "weight": [1.0, 1.0]}, schema={"key": pl.UInt64, "weight": pl.Float64})
    assert sorted(misses(drawn, sales).iter_rows()) == [(0, 100.0), (7, 1.0)]


def test_agreement_is_cohens() -> None:
    """Cohen's own kind of table: 20 both yes, 15 both no, 5 and 10 apart; kappa 0.4."""
    rows = [("confirmed", "confirmed")] * 20 + [("confirmed", "false_alarm")] * 5 + [("false_alarm", "confirmed")] * 10 + [("false_alarm", "false_alarm")] * 15
    rows += [("confirmed", None)] * 3
    n = len(rows)
    ids = [f"c{i}" for i in range(n)]
    flagged = pl.DataFrame({"ledger": ["a"] * n, "case_id": ids, "agent": ["小李"] * n, "result": [r for r, _ in rows]})
    doubles = pl.DataFrame({"ledger": ["a"] * n, "case_id": ids, "agent": ["小王"] * n, "result": [r for _, r in rows]})
    told = agreement(flagged, doubles)
    assert (told["pairs"], told["same"], told["waiting"], told["agreed"]) == (50, 35, 3, 0.7)
    assert told["kappa"] == pytest.approx(0.4)
    assert [(p["agent"], p["second_agent"], p["pairs"]) for p in told["by_pair"]] == [("小李", "小王", 50)]
    alike = flagged.head(20)
    assert agreement(alike, doubles)["kappa"] is None, "who always says the same agrees by chance"
    assert agreement(flagged, doubles.clear())["pairs"] == 0


@pytest.mark.parametrize("reason", ["{} 超卖：库存 3，按付款先后到本单累计 5，本单缺 {} 件", "{} oversold: 3 in stock, 5 sold up to this order, {} short"])
def test_goods_that_were_oversold(reason: str) -> None:
    short = [(1, "NF-900", 2.0), (2, "NF-900", 4.0), (3, "超卖 A", 1.0)]
    frame = pl.DataFrame(
        {"key": [k for k, _, _ in short], "rule_id": ["o"] * 3, "value": [v for _, _, v in short], "reason": [reason.format(s, v) for _, s, v in short]}
    )
    assert skus(frame) == [{"sku": "NF-900", "orders": 2, "units": 6.0}, {"sku": "超卖 A", "orders": 1, "units": 1.0}]
    assert skus(frame.clear()) == []


def test_a_scan_with_a_control_group_and_second_opinions_is_told(tmp_path: Path) -> None:
    """Every unflagged order is drawn, one of them is abnormal; controls are neither flagged nor tasks of the figures."""
    team = Team.model_validate({"version": 1, "agents": [{"name": n, "capacity": 500} for n in ("小李", "小王")]})
    house = House(tmp_path, team=team)
    rows = [order("bad", 收货地址="临时仓"), *[order(f"ok{i}") for i in range(12)]]
    house.scan(export(tmp_path / "a.csv", rows), sample=1.0, double=1.0)
    ledger = open_ledger(house.ledger)
    said = {"bad": "属实", "ok0": "属实", **{f"ok{i}": "误判" for i in range(1, 12)}}
    agents = dict(ledger.db.execute("SELECT order_id, agent FROM cases").fetchall())
    second = dict(ledger.db.execute("SELECT order_id, d.agent FROM doubles d JOIN cases USING (case_id)").fetchall())
    for who in (agents, second):
        answers = [Answer("s", i, n, "", "", said[n], "", "", a) for i, (n, a) in enumerate(who.items())]
        VerdictBook(ledger).record(answers, [], NOW)
    ledger.close()
    asked = Asked(house.options.book, NOVEMBER, previous(NOVEMBER), [str(house.ledger)], [], tmp_path, "zh-CN", NOW)
    told = figures(asked)[0]
    assert (told["headline"]["scanned"], told["headline"]["flagged"], told["headline"]["confirmed"]) == (13, 1, 1)
    group = told["recall"]["control"]
    assert (group["drawn"], group["judged"], group["found"], group["missed"], group["recall"]) == (12, 12, 1, 1.0, 0.5)
    assert told["rules"][0]["recall"] == 0.5
    assert sum(a["tasks"] for a in told["agents"]) == 1
    for agent in told["agents"]:
        own, asked_too = (sum(a == agent["agent"] for a in who.values()) for who in (agents, second))
        assert (agent["controls"] + agent["tasks"], agent["second_opinions"]) == (own, asked_too), "what each has handled is all there"
    # Control orders are judged by two as others are.
    assert (told["agreement"]["pairs"], told["agreement"]["same"]) == (len(second), len(second))
    assert len(second) > 1, "somebody was asked twice"


def test_a_dispute_that_was_settled_was_one(tmp_path: Path) -> None:
    """Two agents differ on one order of four; their supervisor corrects the first. They agreed on three all the same."""
    team = Team.model_validate({"version": 1, "agents": [{"name": n, "capacity": 500} for n in ("小李", "小王")]})
    house = House(tmp_path, team=team)
    house.scan(export(tmp_path / "a.csv", [order(f"{i}", 收货地址=f"临时仓 {i} 号") for i in range(4)]), double=1.0)
    ledger = open_ledger(house.ledger)
    cases = ledger.db.execute("SELECT order_id, case_id, c.agent, d.agent FROM cases c JOIN doubles d USING (case_id) ORDER BY 1").fetchall()
    for first in (True, False):
        said = [(n, a if first else b, "误判" if first and n == "0" else "属实") for n, _, a, b in cases]
        VerdictBook(ledger).record([Answer("s", i, n, "", "", r, "", "", who) for i, (n, who, r) in enumerate(said)], [], NOW)
    asked = Asked(house.options.book, NOVEMBER, previous(NOVEMBER), [str(house.ledger)], [], tmp_path, "zh-CN", NOW)
    before = figures(asked)[0]["agreement"]
    VerdictBook(ledger).revise(cases[0][1], "confirmed", "主管", "看错", NOW)
    mine = lessons(ledger).cases
    ledger.close()
    told = figures(asked)[0]
    assert (len(cases), told["headline"]["confirmed"]) == (4, 4)
    assert before == told["agreement"]
    assert (before["pairs"], before["same"]) == (4, 3)
    assert dict(mine.select("order_id", "own").iter_rows())["0"] == "false_alarm"
    assert dict(mine.select("order_id", "result").iter_rows())["0"] == "confirmed"


def test_a_dispute_is_settled_in_favour_of_the_first_once(tmp_path: Path) -> None:
    """`revise` refused the result that stood, and learning went on to count the order as unknown."""
    team = Team.model_validate({"version": 1, "agents": [{"name": n, "capacity": 500} for n in ("小李", "小王")]})
    house = House(tmp_path, team=team)
    house.scan(export(tmp_path / "a.csv", [order(f"{i}", 收货地址=f"临时仓 {i} 号") for i in range(3)]), double=1.0)
    ledger = open_ledger(house.ledger)
    cases = ledger.db.execute("SELECT order_id, case_id, c.agent, d.agent FROM cases c JOIN doubles d USING (case_id) ORDER BY 1").fetchall()
    for first in (True, False):
        said = [(n, a if first else b, "误判" if not first and n == "0" else "属实") for n, _, a, b in cases]
        answers = [Answer("s", i, n, "", "", r, "", "", who) for i, (n, who, r) in enumerate(said)]
        VerdictBook(ledger).record(answers, [], NOW)
    rule = next(r for r in house.options.book.rules if r.id == "risky-address")
    before = proposal(ledger, house.options.book).rules[0]
    assert (before.id, before.right, before.unknown) == (rule.id, 2, 1)
    assert VerdictBook(ledger).revise(cases[0][1], "confirmed", "主管", "电话录音", NOW) is True
    after = proposal(ledger, house.options.book).rules[0]
    assert (after.right, after.wrong, after.unknown) == (3, 0, 0)
    VerdictBook(ledger).record(answers, [], NOW)
    trail = VerdictBook(ledger).listed(cases[0][1])
    assert [(v["agent"], v["result"], v["replaced_by"] is None) for v in trail] == [(cases[0][2], "confirmed", False), ("主管", "confirmed", True)]
    for case, said_so in ((cases[0][1], "settled by 主管"), (cases[1][1], "already")):
        with pytest.raises(OrderguardError, match=said_so):
            VerdictBook(ledger).revise(case, "confirmed", "主管", "再一次", NOW)
    ledger.close()
    asked = Asked(house.options.book, NOVEMBER, previous(NOVEMBER), [str(house.ledger)], [], tmp_path, "zh-CN", NOW)
    told = figures(asked)[0]
    assert (told["headline"]["confirmed"], told["agreement"]["pairs"], told["agreement"]["same"]) == (3, 3, 2)
    assert {a["upheld"] for a in told["agents"] if a["upheld_n"]} == {1.0}, "nobody was wrong"
    shown = shell("verdict", "list", cwd=tmp_path).stdout
    assert shown.count("（经裁定维持）") == 1


def test_oversold_goods_of_a_scan_are_told(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nbands: {review: 20, hold: 30}\nrules:\n  - {id: sold-out, kind: oversell, points: 30, with: {stock: {NF-900: 1}}}\n", encoding="utf-8"
    )  # fmt: skip
    head = "订单编号,平台,店铺名称,买家账号,下单时间,付款时间,实付金额,商品编码,商品名称,数量\n"
    rows = [f"o{i},自营,甲店,u{i},2026-11-11 09:0{i}:00,2026-11-11 09:0{i}:30,88,NF-900,奶粉,1\n" for i in range(3)]
    (tmp_path / "a.csv").write_text(head + "".join(rows), encoding="utf-8")
    assert shell("scan", "a.csv", "--quiet", cwd=tmp_path).returncode == 0
    done = shell("report", "--month", "2026-11", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["skus"] == [{"sku": "NF-900", "orders": 2, "units": 2.0}], done.stderr
