"""Where a rule is wrong that is right elsewhere: what `learn` says to except, and what is chance."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import export, order, shell

from orderguard.learn.lessons import Read, Taught
from orderguard.learn.scopes import Scope, fisher, scopes

if TYPE_CHECKING:
    from pathlib import Path

Verdicts = dict[tuple[str | None, str], tuple[int, int]]
"""(shop, platform) -> right, wrong."""


def advised(*rules: Verdicts) -> list[Scope]:
    """Advice on rules `r0`, `r1`, ... with these verdicts."""
    start, rows = datetime(2026, 1, 1, tzinfo=UTC), []
    for number, verdicts in enumerate(rules):
        for (shop, platform), counts in verdicts.items():
            for right, count in zip((True, False), counts, strict=True):
                rows += [(f"r{number}", right, shop, platform)] * count
    names = ["rule", "right", "shop", "platform"]
    said = pl.DataFrame(rows, schema=dict(zip(names, (pl.String, pl.Boolean, pl.String, pl.String), strict=True)), orient="row").with_row_index("n")
    said = said.with_columns(pl.format("C-{}", "n").alias("case_id"), at=pl.lit(start) + pl.duration(minutes="n"))
    read = Read(said.select("case_id", "at", "right", control=pl.lit(value=False), hits="rule"), said.select("case_id", "rule", value=pl.lit(1.0)), {})
    taught = [Taught(f"r{n}", (), "f", 40, locked=False, live=True) for n in range(len(rules))]
    return scopes(read, taught, said.select("case_id", "shop", "platform"))


@pytest.mark.parametrize("seed", range(30))
def test_chance_is_what_scipy_says(seed: int) -> None:
    from scipy.stats import fisher_exact

    rng = random.Random(seed)
    a, b, c, d = (rng.randint(0, rng.choice([3, 40, 3000])) for _ in range(4))
    assert fisher(a, b, c, d) == pytest.approx(fisher_exact([[a, b], [c, d]], alternative="less").pvalue, rel=1e-6, abs=1e-12)


def test_a_shop_that_is_honest_at_what_is_fraud_elsewhere_is_excepted() -> None:
    (one,) = advised({("校园店", "自营"): (1, 19), ("甲店", "自营"): (8, 1), ("乙店", "自营"): (7, 0)})
    assert (one.rule_id, one.kind, one.names) == ("r0", "shop", ["校园店"])
    assert (one.there.part, one.there.whole, one.elsewhere.part, one.elsewhere.whole) == (1, 20, 15, 16)
    assert one.chance < 0.001


def test_two_such_shops_are_one_advice_and_a_platform_speaks_where_no_shop_does() -> None:
    good = {("甲店", "jd"): (40, 5), ("乙店", "jd"): (30, 5)}
    (one,) = advised({**good, ("校园店", "jd"): (1, 30), ("批发店", "jd"): (2, 40)})
    assert (sorted(one.names), one.there.whole, one.elsewhere.whole) == (["批发店", "校园店"], 73, 80)
    (other,) = advised({("甲店", "jd"): (40, 5), (None, "jd"): (40, 5), (None, "taobao"): (2, 40)})
    assert (other.kind, other.names) == ("platform", ["taobao"])


@pytest.mark.parametrize(
    "verdicts",
    [
        {("甲店", "jd"): (20, 20), ("乙店", "jd"): (20, 20)},
        {("甲店", "jd"): (0, 9), ("乙店", "jd"): (90, 1)},
        {("甲店", "jd"): (0, 90), ("乙店", "jd"): (9, 1)},
        {("甲店", "jd"): (0, 200)},
        {("甲店", "jd"): (40, 20), ("乙店", "jd"): (300, 3)},
        {("甲店", "jd"): (5, 95), ("乙店", "jd"): (12, 88)},
        {},
    ],
    ids=["alike", "few there", "few elsewhere", "one shop", "mostly right there too", "wrong everywhere", "nothing"],
)
def test_nothing_is_said(verdicts: Verdicts) -> None:
    assert advised(verdicts) == []


def test_among_many_shops_that_are_alike_none_is_singled_out_but_by_chance() -> None:
    """Sixty rulebooks of two rules and thirty shops each, right every third time everywhere."""
    rng = random.Random(7)

    def rule() -> Verdicts:
        right = [(f"s{n}", sum(rng.random() < 0.33 for _ in range(30))) for n in range(30)]
        return {(name, "jd"): (yes, 30 - yes) for name, yes in right}

    assert sum(bool(advised(rule(), rule())) for _ in range(60)) <= 1


def test_from_the_shell_and_the_advice_may_be_followed_to_the_letter(tmp_path: Path) -> None:
    """Round sums: a wholesaler's customers pay them, in the other shops they are brushing."""
    shops = ['批发"店', "甲店"]
    rows = [order(f"{s}-{n}", 店铺名称=shop, 实付金额="2000", 买家留言="", 联系电话=f"138025{s}{n:04d}") for s, shop in enumerate(shops) for n in range(40)]
    export(tmp_path / "a.csv", rows)
    rule = "- {id: round, kind: round_amount, with: {multiple_of: 1000}, points: 40MORE}\n"
    book = "version: 1\nbands: {review: 20, hold: 30}\nrules:\n"
    (tmp_path / "rules.yaml").write_text(book + rule.replace("MORE", ", max_share: 100%"), encoding="utf-8")
    assert shell("scan", "a.csv", "--quiet", cwd=tmp_path).returncode == 0
    sheet = "".join(f"{row['订单编号']},{'误判' if row['订单编号'][0] == '0' else '属实'}\n" for row in rows)
    (tmp_path / "小李.csv").write_text("订单编号,处置结果\n" + sheet, encoding="utf-8")
    assert shell("verdict", "record", "小李.csv", cwd=tmp_path).returncode == 0
    told = shell("learn", cwd=tmp_path).stdout
    (line,) = [text for text in told.splitlines() if text.startswith("范围")]
    assert '店铺 批发"店 的 40 条里误判 40 条，别处 40 条里属实 40 条' in line
    added = line.split("可在规则里加 ")[1].split("（")[0]
    (found,) = json.loads(shell("learn", "--json", cwd=tmp_path).stdout)["scopes"]
    assert (found["kind"], found["names"], found["there"]["share"], found["elsewhere"]["share"]) == ("shop", ['批发"店'], 0.0, 1.0)
    assert shell("learn", "--out", "proposal.xlsx", cwd=tmp_path).returncode == 0
    assert pl.read_excel(tmp_path / "proposal.xlsx", sheet_name="范围", infer_schema_length=0)["除外"].to_list() == ['批发"店']
    (tmp_path / "rules.yaml").write_text(book + rule.replace("MORE", f", max_share: 100%, {added}"), encoding="utf-8")
    again = [{**row, "订单编号": "x" + row["订单编号"]} for row in rows]
    export(tmp_path / "b.csv", again)
    assert shell("scan", "b.csv", "--quiet", cwd=tmp_path).returncode == 0
    flagged = pl.read_parquet(tmp_path / "out" / "findings.parquet")["order_id"].str.slice(0, 3).unique().to_list()
    assert flagged == ["x1-"]
