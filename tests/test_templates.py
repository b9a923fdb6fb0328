"""`orderguard init --template`: what it writes checks, proves itself and scans at once."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from house import export, order, shell

from orderguard.cli.init import TEMPLATES

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_checks_proves_itself_and_scans_at_once(tmp_path: Path, template: str) -> None:
    made = shell("init", "shop", "--template", template, cwd=tmp_path)
    assert made.returncode == 0
    names = {Path(line).name for line in made.stdout.splitlines()}
    assert names >= {"rules.yaml", "team.yaml", "lists.csv", "stock.csv"}
    shop = tmp_path / "shop"
    proofs = shell("rules", "test", "--json", cwd=shop)
    told = json.loads(proofs.stdout)
    assert [p for p in told["proofs"] if not p["ok"]] == []
    assert told["without_proof"] == [], "every rule of a template has its flags and passes"
    done = shell("scan", SAMPLES, "--json", cwd=shop)
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert run["read"] == run["clean"] + run["flagged"] + run["rejected"]
    assert [p["text"] for p in run["problems"] if p["fatal"]] == []
    again = shell("init", "shop", "--template", template, cwd=tmp_path)
    assert again.returncode == 2
    assert "不会覆盖" in again.stderr


def test_general_begins_with_the_five_rules_and_plain_init_has_them_alone(tmp_path: Path) -> None:
    five = ["risky-address", "ip-burst", "round-amount", "far-phone", "new-account-coupon"]
    for words, whole in ((("init", "a"), True), (("init", "b", "--template", "general"), False)):
        shell(*words, cwd=tmp_path)
        listed = json.loads(shell("rules", "list", "--json", cwd=tmp_path / words[1]).stdout)
        assert [r["id"] for r in listed][: None if whole else 5] == five
        assert all(r["status"] == "trial" for r in listed[5:] if r["id"] != "lists")


def test_fresh_gives_each_store_its_own_orders(tmp_path: Path) -> None:
    shell("init", ".", "--template", "fresh", cwd=tmp_path)
    shops = ("城东店", "城西店", "别的店")  # nothing in common, or they would be one group and one agent's
    rows = [
        order(f"{shop}{i}", 店铺名称=shop, 收货地址=f"上海市徐汇区漕溪北路 {n}{i} 号", 联系电话=f"138025800{n}{i}")
        for n, shop in enumerate(shops)
        for i in range(2)
    ]
    export(tmp_path / "a.csv", rows)
    assert shell("scan", "a.csv", "--quiet", cwd=tmp_path).returncode == 0
    sheets = {p.stem: set(pl.read_excel(p, infer_schema_length=0)["订单编号"]) for p in (tmp_path / "out" / "tasks").glob("*.xlsx")}
    assert sheets == {"城东店店长": {"城东店0", "城东店1"}, "城西店店长": {"城西店0", "城西店1"}, "unassigned": {"别的店0", "别的店1"}}


def test_cross_border_compares_each_currency_and_all_by_the_rates(tmp_path: Path) -> None:
    shell("init", ".", "--template", "cross-border", cwd=tmp_path)
    head = "order_id,created_at,amount,currency,address,receiver_phone\n"
    cells = {"usd": "900,USD", "usd-big": "2200,USD", "jpy": "90000,JPY", "jpy-big": "400000,JPY", "chf": "99999,CHF", "cny": "16000,CNY"}
    text = head + "".join(f"{n},2026-11-11 10:0{i}:00,{c},1 High Street {n},+14155550{i}23\n" for i, (n, c) in enumerate(cells.items()))
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    done = shell("scan", "a.csv", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = pl.read_parquet(tmp_path / "out" / "findings.parquet").group_by("rule_id").agg(pl.col("order_id").sort())
    big = {r: o for r, o in found.iter_rows() if "big" in r}
    assert big == {"big-usd": ["usd", "usd-big"], "very-big": ["cny", "jpy-big", "usd-big"]}
    seen = {c["rule_id"]: c["not_evaluable"] for c in json.loads(done.stdout)["coverage"]}
    assert seen["very-big"] == 1, "no rate for francs: nobody can tell"
