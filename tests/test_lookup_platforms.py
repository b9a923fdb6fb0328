"""Account facts that name their platform: the same account on two platforms is two people's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import House, book, export, order

if TYPE_CHECKING:
    from pathlib import Path

RULE = "{id: fresh, kind: new_account, points: 1, with: {within: 7d, coupon: false}}"


@pytest.mark.parametrize(
    ("facts", "flagged"),
    [
        ("平台,买家账号,注册时间,历史订单数\n京东,u1,2026-11-10,0\n淘宝,u1,2020-01-01,5\n", {"J1"}),
        ("平台,买家账号,注册时间,历史订单数\njd,u1,2026-11-10,0\n", {"J1"}),  # another word for it
        ("平台,买家账号,注册时间,历史订单数\n,u1,2026-11-10,0\n淘宝,u1,2020-01-01,5\n", {"J1"}),  # blank: wherever nothing is told
        ("平台,买家账号,注册时间,历史订单数\n官网会员,u1,2026-11-10,0\n", {"J1", "T1"}),  # a word of no order says nothing
        ("渠道,买家账号,注册时间,历史订单数\n京东,u1,2026-11-10,0\n", {"J1", "T1"}),  # where the customer came from
        ("买家账号,注册时间,历史订单数\nu1,2026-11-10,0\n", {"J1", "T1"}),
        ("平台,订单编号,注册时间,历史订单数\n淘宝,J1,2026-11-10,0\n京东,T1,2026-11-10,0\n", set()),
    ],
)
def test_facts_go_to_the_platform_that_they_name(tmp_path: Path, facts: str, flagged: set[str]) -> None:
    rows = [order(n, 平台=p, 买家账号="u1", 注册时间="", 历史订单数="") for n, p in (("J1", "京东"), ("T1", "淘宝"))]
    (tmp_path / "facts.csv").write_text(facts, encoding="utf-8")
    house = House(tmp_path, book(RULE))
    house.scan(export(tmp_path / "a.csv", rows), lookups=[str(tmp_path / "facts.csv")])
    assert {number for number, _ in house.findings()} == flagged
