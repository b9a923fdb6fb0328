"""A ring that grows from scan to scan is one cluster with one agent, as it would be in one scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import export, order, shell

if TYPE_CHECKING:
    from pathlib import Path

RULES = """version: 1
bands: {review: 20, hold: 60}
rules:
- {id: burst, kind: velocity, with: {key: ip, window: 10m, at_least: 3}, points: 40}
- {id: word, kind: keywords, with: {column: address, any: [临时仓]}, points: 40}
"""


def at(number: str, minute: int, ip: str, phone: str = "", address: str = "江苏省南京市某路1号") -> dict[str, str]:
    place = {"收货地址": address + number, "联系电话": phone or f"1380258{int(number[1:]):04d}", "买家账号": f"u{number}"}
    return order(number, 下单时间=f"2026-11-11 10:{minute:02d}:00", 下单IP=ip, **place)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    team(tmp_path, "甲", "乙", "丙")
    return tmp_path


def team(shop: Path, *names: str, capacity: int = 50) -> None:
    agents = ", ".join(f"{{name: {n}, capacity: {capacity}}}" for n in names)
    (shop / "team.yaml").write_text(f"agents: [{agents}]\n", encoding="utf-8")


def scan(shop: Path, rows: list[dict[str, str]], *more: str) -> dict[str, tuple[str, str]]:
    """Order -> cluster and agent, after a scan of `rows`."""
    import json

    done = shell("scan", export(shop / "a.csv", rows), "--team", "team.yaml", "--quiet", *more, cwd=shop)
    assert done.returncode == 0, done.stderr
    listed = json.loads(shell("cases", "list", "--json", cwd=shop).stdout)
    return {c["order_id"]: (c["cluster"], c["agent"]) for c in listed}


TWO = [*[at(f"A{n}", n, "192.0.2.1") for n in (1, 2, 3)], *[at(f"A{n}", n, "192.0.2.2") for n in (4, 5, 6)]]
LATE = [at("A7", 7, "192.0.2.1"), at("A8", 8, "192.0.2.2")]


@pytest.mark.parametrize("whole", [False, True], ids=["only what is new", "the whole day again"])
@pytest.mark.parametrize("memory", [(), ("--memory", "1MB")], ids=["in memory", "in pieces"])
def test_a_late_order_of_a_burst_goes_to_who_has_the_others(shop: Path, memory: tuple[str, ...], *, whole: bool) -> None:
    before = scan(shop, TWO)
    assert before["A1"] != before["A4"]
    after = scan(shop, [*TWO, *LATE] if whole else LATE, *memory)
    assert (after["A7"], after["A8"]) == (before["A1"], before["A4"])


def test_of_two_rings_that_meet_the_larger_takes_the_new_order_in(shop: Path) -> None:
    before = scan(shop, [*TWO, at("A9", 4, "192.0.2.2")])
    shared = [at("A20", 7, "192.0.2.1", phone="13802587777"), at("A21", 8, "192.0.2.2", phone="13802587777")]
    after = scan(shop, shared)
    assert after["A20"] == after["A21"] == before["A4"]


def test_what_shares_nothing_is_a_task_of_its_own(shop: Path) -> None:
    before = scan(shop, TWO)
    after = scan(shop, [at("A30", 7, "192.0.2.9", address="江苏省南京市某路9号临时仓")])
    assert after["A30"][0] not in {cluster for cluster, _ in before.values()}


def test_who_is_full_or_gone_gets_no_more(shop: Path) -> None:
    before = scan(shop, TWO)
    team(shop, "甲", "乙", "丙", capacity=3)
    after = scan(shop, LATE[:1])
    assert (after["A7"][0], after["A7"][1] != before["A1"][1]) == (before["A1"][0], True)
    team(shop, "丁")
    assert scan(shop, LATE)["A8"] == (before["A4"][0], "丁")


def test_orders_that_were_let_go_keep_nobody(shop: Path) -> None:
    before = scan(shop, TWO[:3])
    for n in (1, 2, 3):
        assert shell("cases", "release", f"A{n}", "--why", "熟客", "--by", "主管", cwd=shop).returncode == 0
    after = scan(shop, LATE[:1])
    assert after["A7"][0] != before["A1"][0]
