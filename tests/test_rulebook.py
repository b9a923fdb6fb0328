"""Wrong rulebooks and team files: every error with file, line and repair, none a traceback, none a hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import House, book, export, order, shell

from orderguard.errors import OrderguardError, json_text
from orderguard.route import load_team
from orderguard.rules.book import default_rulebook, load_rulebook

if TYPE_CHECKING:
    from pathlib import Path

def test_a_rulebook_that_is_not_utf8_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes("version: 1 # 规则".encode("gb18030"))
    with pytest.raises(OrderguardError, match="UTF-8"):
        load_rulebook(tmp_path / "rules.yaml")
    with pytest.raises(OrderguardError, match="cannot be opened"):
        load_rulebook(tmp_path / "none.yaml")


def test_an_unknown_ship_from_place_is_told_before_the_scan(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: a, kind: keywords, with: {any: [x]}, points: 1}", head="ship_from: 乌有乡"))
    with pytest.raises(OrderguardError, match="unknown place '乌有乡'"):
        house.scan(export(tmp_path / "a.csv", [order("1")]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 9\n", "version"),
        ("agents: [{name: ../x}]\n", "file name"),
        ("agents: [{name: 小李}, {name: 小李}]\n", "given twice"),
        ("agents: [{name: 小李, capacity: 0}]\n", "at least 1"),
        ("agents: {name: 小李}\n", "list"),
        ("managers: [{nmae: 王}]\n", "required"),
        ("- 1\n", "mapping"),
    ],
)
def test_a_wrong_team_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "team.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(OrderguardError) as caught:
        load_team(tmp_path / "team.yaml")
    assert any(said in p.text("en") for p in caught.value.problems), [p.text("en") for p in caught.value.problems]


def test_the_fingerprint_changes_with_what_decides_and_with_nothing_else() -> None:
    def print_of(rule: str) -> str:
        return book(rule).rules[0].fingerprint

    base = "{id: a, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 1}"
    assert print_of(base) == print_of(base.replace("points: 1", "points: 40, says: 多单")) == print_of(base.replace("5m", "300s"))
    changed = [base.replace("at_least: 3", "at_least: 4"), base.replace("points: 1", "points: 1, only: {platform: [京东]}")]
    assert len({print_of(base), *map(print_of, changed)}) == 3


def test_the_default_rules_prove_themselves(tmp_path: Path) -> None:
    done = shell("rules", "test", default_rulebook(), cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "17 / 17 通过")
    broken = default_rulebook().read_text(encoding="utf-8").replace("at_least: 3", "at_least: 4")
    (tmp_path / "rules.yaml").write_text(broken, encoding="utf-8")
    failing = shell("rules", "test", cwd=tmp_path)
    assert failing.returncode == 1
    assert "✗ ip-burst 应命中 #1" in failing.stdout


def test_trial_rules_are_recorded_and_add_no_points_and_retired_ones_do_not_run(tmp_path: Path) -> None:
    words = "{{id: {0}, kind: keywords, with: {{any: [临时仓]}}, points: 40, status: {0}}}"
    house = House(tmp_path, book(*[words.format(s) for s in ("trial", "retired")]))
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]))
    assert house.findings() == {("1", "trial")}
    assert house.bands() == {"1": "pass"}
    assert house.tasks() == {}


def test_a_scope_knows_every_word_for_a_platform(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: a, kind: keywords, with: {any: [临时仓]}, points: 40, only: {platform: [JD]}}"))
    rows = [order("1", 平台="京东", 收货地址="临时仓"), order("2", 平台="抖音", 收货地址="临时仓"), order("3", 平台="jd", 收货地址="临时仓")]
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("1", "a"), ("3", "a")}


def test_what_a_rule_excepts_is_neither_judged_nor_counted(tmp_path: Path) -> None:
    rule = "{id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40, except: {platform: [JD], shop: [校园店]}}"
    house = House(tmp_path, book(rule))
    burst_of = [order(str(i), 下单IP="192.0.2.7", 下单时间=f"2026-11-11 09:0{i}:00") for i in range(4)]
    rows = [{**row, "平台": "京东", "店铺名称": shop} for row, shop in zip(burst_of, ("校园店", "甲店", "", "甲店"), strict=True)]
    for memory in ("", "1"):
        house.scan(export(tmp_path / "a.csv", rows), memory=memory)
        assert house.findings() == {("1", "ip"), ("2", "ip"), ("3", "ip")}, "an unknown shop is no exception"
        coverage = pl.read_parquet(house.out / "coverage.parquet")
        assert coverage["judged"].sum() == 3
    house.scan(export(tmp_path / "b.csv", [{**row, "店铺名称": "校园店"} for row in rows[:2]] + rows[2:]))
    assert house.findings() == set(), "two of the four are not counted"
    house.scan(export(tmp_path / "c.csv", [{**row, "平台": "抖音", "店铺名称": "校园店"} for row in rows]))
    assert len(house.findings()) == 4, "all that is named must hold"
    plain = book(rule.replace(", except: {platform: [JD], shop: [校园店]}", "")).rules[0]
    assert plain.fingerprint != book(rule).rules[0].fingerprint
    assert plain.fingerprint == book(rule.replace("except: {platform: [JD], shop: [校园店]}", "except: {}")).rules[0].fingerprint


def test_json_for_machines_carries_no_terminal_escapes() -> None:
    assert json_text({"a": "名\u202e\x9b\x1b[31m"}) == '{\n  "a": "名\\u202e\\u009b\\u001b[31m"\n}'


def test_a_scope_by_province_knows_its_short_name_and_reads_addresses(tmp_path: Path) -> None:
    """`only: {province: [新疆]}` meant the column's very letters: exports that write 新疆维吾尔自治区, or an address alone, were passed by."""
    rules = "{id: far, kind: condition, points: 50, only: {province: [新疆, 西藏自治区]}, says: x, with: {when: amount > 1000}}"
    (tmp_path / "rules.yaml").write_text(f"version: 1\nbands: {{review: 40, hold: 60}}\nrules:\n- {rules}\n", encoding="utf-8")
    rows = ["1,新疆维吾尔自治区,乌鲁木齐市,某路1号", "2,,,新疆喀什市人民路1号", "3,西藏,拉萨市,某路1号", "4,江苏省,南京市,新疆路1号", "5, 新疆 ,,某路"]
    text = "订单编号,省,市,收货地址,实付金额,下单时间\n" + "".join(f"{r},2000,2026-11-11 10:00:00\n" for r in rows)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert shell("scan", "a.csv", "--quiet", cwd=tmp_path).returncode == 0
    found = pl.read_parquet(tmp_path / "out" / "findings.parquet")
    assert sorted(found["order_id"]) == ["1", "2", "3", "5"]
