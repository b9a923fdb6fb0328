"""Which orders are judged: by their stage, or by the rulebook's own words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from house import House, book, shell

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "订单编号,下单时间,实付金额,买家留言,下单IP,订单状态"
WORDS = {"P": "待发货", "S": "已发货", "D": "交易成功", "C": "已取消", "R": "已退款", "G": "退款中", "U": "待付款", "X": "天晓得", "B": ""}
ROUND = "{id: round, kind: round_amount, points: 40, with: {}, says: x}"
BURST = "{id: burst, kind: velocity, points: 40, with: {key: ip, window: 5m, at_least: 3}, says: x}"


def export(folder: Path, stages: str, name: str = "a.csv") -> Path:
    """An order per letter, each of a round sum, all from one IP within five minutes."""
    rows = [f"{letter}{i},2026-11-11 09:0{i % 5}:00,1000.00,,192.0.2.7,{WORDS[letter]}" for i, letter in enumerate(stages)]
    path = folder / name
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return path


def flagged(folder: Path, stages: str, rule: str, head: str = "") -> str:
    house = House(folder, book(rule, head=head))
    house.scan(export(folder, stages))
    return "".join(sorted(order[0] for order, _ in house.findings()))


def test_what_cannot_be_held_any_more_is_left_out_and_counted_as_clean(tmp_path: Path) -> None:
    """Shipped, done, closed and refunded; blank and unknown words are judged."""
    house = House(tmp_path, book(ROUND))
    run = house.scan(export(tmp_path, "PSDCRGUXB")).run
    assert sorted(order[0] for order, _ in house.findings()) == sorted("PGUXB")
    assert (run["read"], run["clean"], run["flagged"], run["rejected"], run["skipped"]) == (9, 4, 5, 0, 4)
    assert run["skipped_by_stage"] == {"shipped": 1, "done": 1, "closed": 1, "refunded": 1}
    assert [(c["judged"], c["hits"]) for c in run["coverage"]] == [(5, 5)]


@pytest.mark.parametrize(("only", "left"), [("[all]", "BCDGPRSUX"), ("[paid]", "BPX"), ("[paid, shipped]", "BPSX"), ("[待发货]", "BP"), ("[unknown]", "BX")])
def test_only_status_names_stages_or_the_platforms_own_words(tmp_path: Path, only: str, left: str) -> None:
    assert flagged(tmp_path, "PSDCRGUXB", ROUND, f"only_status: {only}") == left


def test_export_without_statuses_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("订单编号,实付金额,买家留言\n1,1000,\n", encoding="utf-8")
    house = House(tmp_path, book(ROUND))
    assert house.scan(path).run["skipped"] == 0
    assert house.findings() == {("1", "round")}


def test_shipped_orders_are_evidence_of_a_burst_and_cancelled_ones_are_none(tmp_path: Path) -> None:
    """Neither is flagged itself."""
    for stage, found in (("S", "P"), ("D", "P"), ("C", ""), ("R", ""), ("G", "GGP")):
        (tmp_path / stage).mkdir()
        assert flagged(tmp_path / stage, f"{stage}{stage}P", BURST) == found


def test_evidence_is_the_same_when_two_scans_cut_the_burst(tmp_path: Path) -> None:
    """The shipped orders stand in the ledger, the cancelled ones do too but do not count."""
    house = House(tmp_path, book(BURST))
    for first in ("SS", "CC"):
        house.scan(export(tmp_path, first, "x.csv"))
        house.scan(export(tmp_path, "PP"[:1], "y.csv"))
    assert {order for order, _ in house.findings()} == {"P0"}


def test_summary_says_how_many_were_left_out_and_what_to_do(tmp_path: Path) -> None:
    export(tmp_path, "PSC")
    done = shell("scan", "a.csv", cwd=tmp_path)
    assert "按状态未审 2（已发货 1、已关闭 1）" in done.stdout
    assert "only_status: [all]" in done.stdout
    told = shell("scan", "a.csv", "--json", "--ledger", "l2", cwd=tmp_path)
    assert json.loads(told.stdout)["skipped_by_stage"] == {"shipped": 1, "closed": 1}


def test_a_status_that_nobody_has_is_told(tmp_path: Path) -> None:
    """`payed` would leave every order out; a word that a platform knows but this export lacks is nothing odd."""
    house = House(tmp_path, book(ROUND, head="only_status: [payed, 等待出库]"))
    (said,) = [p["text"] for p in house.scan(export(tmp_path, "PSD")).run["problems"]]
    assert "“payed”" in said
    assert "是否想写 'paid'？" in said
