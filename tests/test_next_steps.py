"""What somebody who did not write orderguard is told to do next: orders that may leave, columns that are missing, days that have orders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import ALL, House, export, order, shell

if TYPE_CHECKING:
    from pathlib import Path

RISKY = "广东省深圳市南山区某路 1 号临时仓"


@pytest.mark.parametrize(("locale", "told"), [("zh-CN", "现可放行 1 单"), ("en", "on no release list yet: 1;")])
def test_who_lets_a_held_order_go_is_told_of_the_release_list(tmp_path: Path, locale: str, told: str) -> None:
    """By a sheet, by `cases release`, by a corrected verdict; in one language; no more once the list is written."""
    House(tmp_path).scan(export(tmp_path / "a.csv", [order(n, 收货地址=RISKY) for n in "12"]))
    (tmp_path / "back.csv").write_text("订单编号,处置结果\n1,误判\n2,属实\n", encoding="utf-8")
    recorded = shell("verdict", "record", "back.csv", cwd=tmp_path, ORDERGUARD_LOCALE=locale)
    assert told in recorded.stderr
    assert "orderguard cases sweep" in recorded.stderr
    shell("cases", "sweep", cwd=tmp_path)
    assert shell("verdict", "record", "back.csv", cwd=tmp_path, ORDERGUARD_LOCALE=locale).stderr == ""
    revised = shell("verdict", "revise", "2", "误判", "--by", "a", "--why", "b", cwd=tmp_path, ORDERGUARD_LOCALE=locale)
    assert revised.stdout.endswith("→ 误判\n" if locale == "zh-CN" else "→ False alarm\n")
    assert told in revised.stderr


def test_release_tells_of_the_list_and_json_stays_json(tmp_path: Path) -> None:
    House(tmp_path).scan(export(tmp_path / "a.csv", [order(n, 收货地址=RISKY) for n in "12"]))
    who = ("--by", "a", "--why", "b")
    assert shell("cases", "release", "1", *who, "--json", cwd=tmp_path).stderr == ""
    assert "现可放行 2 单" in shell("cases", "release", "2", *who, cwd=tmp_path).stderr


def test_an_order_that_was_only_under_review_waits_for_no_list(tmp_path: Path) -> None:
    House(tmp_path).scan(export(tmp_path / "a.csv", [order("1", 联系电话="13999110000")]))
    done = shell("cases", "release", "1", "--by", "a", "--why", "b", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_explain_says_what_a_rule_lacked(tmp_path: Path) -> None:
    """What is missing, and what is there but masked; not what the rule can do without."""
    rows = [order("1", 发货地="", 注册时间=""), order("2", 联系电话="138****0000", 下单IP="", 买家留言="")]
    House(tmp_path).scan(export(tmp_path / "a.csv", [{k: v for k, v in r.items() if k != "优惠券"} for r in rows]))
    first, second = (shell("explain", n, cwd=tmp_path).stdout.splitlines() for n in "12")
    (far,) = [line for line in first if "far-phone" in line]
    assert far.endswith("（没有、打码或读不出：发货地）")
    (far,) = [line for line in second if "far-phone" in line]
    assert far.endswith("（没有、打码或读不出：收货电话）")
    (burst,) = [line for line in second if "ip-burst" in line]
    assert burst.endswith("（没有、打码或读不出：下单 IP）")
    assert not [line for line in [*first, *second] if line[0] in "✓✗" and "读不出" in line]


def test_a_scan_says_that_the_rulebook_can_name_the_place_of_departure(tmp_path: Path) -> None:
    """Only where no order could be judged, and the rulebook names none."""
    hint = "far-phone 一单也判断不了"
    export(tmp_path / "none.csv", [order("1", 发货地="")])
    export(tmp_path / "some.csv", [order("2", 发货地=""), order("3")])
    assert hint in shell("scan", "none.csv", "--outputs", "frames", cwd=tmp_path).stdout
    assert hint not in shell("scan", "some.csv", "--outputs", "frames", cwd=tmp_path).stdout
    rule = "{id: far-phone, kind: distance, with: {of: receiver_phone, to: ship_from, more_than_km: 2000}, points: 20}"
    book = f"version: 1\nbands: {{review: 20, hold: 30}}\nship_from: {{shop: {{乙店: 深圳}}}}\nrules: [{rule}]\n"
    (tmp_path / "rules.yaml").write_text(book, encoding="utf-8")
    assert hint not in shell("scan", "none.csv", "--outputs", "frames", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("locale", "said"),
    [("zh-CN", ("scan --lookup", "ship_from: 杭州")), ("en", ("scan --lookup", "ship_from: Hangzhou"))],
)
def test_detect_says_where_a_missing_column_can_come_from(tmp_path: Path, locale: str, said: tuple[str, ...]) -> None:
    (tmp_path / "a.csv").write_text("订单编号,收货地址,实付金额,币种\n1,某路 1 号,8.00,CNY\n", encoding="utf-8")
    told = shell("platforms", "detect", "a.csv", cwd=tmp_path, ORDERGUARD_LOCALE=locale).stdout
    assert [word for word in said if word not in told] == []
    assert "currency:" not in told


def test_the_last_day_with_orders_is_the_shops(tmp_path: Path) -> None:
    """Half past midnight in China is the day before in Greenwich: `--from` of the day that is named finds the order."""
    House(tmp_path).scan(export(tmp_path / "a.csv", [order("1", 下单时间="2026-11-11 00:30:00")]))
    told = shell("report", "--from", "2026-01-01", "--to", "2026-01-03", cwd=tmp_path).stderr
    assert told == "✗ ledger: 台账里没有 2026-01-01 – 2026-01-03 的订单；最近的订单在 2026-11-11\n"
    assert shell("report", "--from", "2026-11-11", "--to", "2026-11-11", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("words", [["platforms", "show", "zzz"], ["scan", "a.csv", "--platform", "zzz"]])
def test_platforms_are_offered_once_each(tmp_path: Path, words: list[str]) -> None:
    """Those with several variants too."""
    export(tmp_path / "a.csv", [order("1")])
    told = shell(*words, cwd=tmp_path).stderr
    offered = told.strip().split("可用：")[1].split(", ")
    assert len(offered) == len(set(offered)) > 10


@pytest.mark.parametrize(("locale", "head"), [("zh-CN", "列\t意思"), ("en", "Column\tMeaning")])
def test_platforms_show_speaks_one_language(tmp_path: Path, locale: str, head: str) -> None:
    lines = shell("platforms", "show", "拼多多", cwd=tmp_path, ORDERGUARD_LOCALE=locale).stdout.splitlines()
    assert lines[0].startswith(head)
    (phone,) = [line for line in lines if line.startswith("receiver_phone\t")]
    assert phone.split("\t")[1] == ("收货电话" if locale == "zh-CN" else "Receiver phone")
    listed = shell("platforms", "list", cwd=tmp_path, ORDERGUARD_LOCALE=locale).stdout
    assert listed.startswith("平台\t" if locale == "zh-CN" else "Platform\t")


def test_a_file_that_is_set_aside_is_told_and_keeps_those_of_its_name(tmp_path: Path) -> None:
    """In cron too (`--quiet`, no terminal); yesterday's orders.csv in the quarantine is not overwritten by today's."""
    folder = tmp_path / "in"
    folder.mkdir()
    told = []
    for text in ("a,b\n1,2\n", "a,b\n3,4\n"):
        (folder / "orders.csv").write_text(text, encoding="utf-8")
        told += [shell("watch", "in", "--once", "--every", "0.1", "--quiet", cwd=tmp_path).stderr for _ in range(3)]
    assert "! orders.csv: 三次都读不了，已移到 quarantine/orders.csv；改好后放回" in told[2]
    assert "! orders.csv: 三次都读不了，已移到 quarantine/orders-2.csv；" in told[5]
    assert not [t for t in (*told[:2], *told[3:5]) if "quarantine" in t]
    kept = {p.name: p.read_text(encoding="utf-8") for p in (folder / "quarantine").iterdir()}
    assert kept == {"orders.csv": "a,b\n1,2\n", "orders-2.csv": "a,b\n3,4\n"}


@pytest.mark.parametrize(
    ("team", "told"),
    [
        ("agents:\n  - {name: 小李, capcity: 80}", "team.yaml:2: agents #1.capcity 未知的键；是否想写 'capacity'？"),
        ("managers:\n  - {name: a}\n  - {name: b, capacity: 80}", "team.yaml:3: managers #2.capacity 未知的键；可用：name, region, targets, locale"),
        ("agents:\n  - {name: 小李, handles: {platfrom: [京东]}}", "agents #1.handles.platfrom 未知的键；是否想写 'platform'？"),
        ("on_timeout: {holds: keep}", "on_timeout.holds 未知的键；是否想写 'hold'？"), ("agent: []", "agent 未知的键；是否想写 'agents'？"),
    ],
)  # fmt: skip
def test_an_unknown_key_of_a_team_is_told_with_what_there_is(tmp_path: Path, team: str, told: str) -> None:
    (tmp_path / "team.yaml").write_text(team + "\n", encoding="utf-8")
    export(tmp_path / "a.csv", [order("1")])
    done = shell("scan", "a.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


def test_every_variable_that_is_not_set_is_named_at_once(tmp_path: Path) -> None:
    team = "managers:\n  - {name: a, targets: ['dingtalk://${DING_ONE}@${DING_TWO}', 'wecombot://${DING_ONE}']}\n"
    (tmp_path / "team.yaml").write_text(team, encoding="utf-8")
    export(tmp_path / "a.csv", [order("1")])
    told = shell("scan", "a.csv", "--notify", cwd=tmp_path).stderr
    assert "环境变量 DING_ONE、DING_TWO，但没有设置；先设置：export DING_ONE=…；export DING_TWO=…；" in told


def test_the_workbooks_coverage_has_one_line_a_rule_and_platform(tmp_path: Path) -> None:
    """JD's own export and the rows that an ERP calls 京东 have one name there."""
    own = "订单号,下单时间,订单状态,收货人,联系电话,客户地址,应付金额,京东价\n9001,2026-11-11 09:00:00,等待出库,张三,13800001234,某路 1 号临时仓,88.00,88.00\n"
    (tmp_path / "jd.csv").write_text(own, encoding="utf-8")
    house = House(tmp_path)
    house.scan(tmp_path / "jd.csv", export(tmp_path / "erp.csv", [order("1", 平台="京东")]), outputs=ALL)
    ids = {c["platform"] for c in json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["coverage_by_platform"]}
    assert ids == {"jd", "京东"}
    table = pl.read_excel(tmp_path / "out" / "flagged.xlsx", sheet_name="覆盖", infer_schema_length=0)
    seen = table.filter(pl.col("规则") == "risky-address").select("平台", "已判断", "命中").rows()
    assert seen == [("京东", "2", "1")]


@pytest.mark.parametrize(("locale", "mark"), [("zh-CN", "核实要点："), ("en", "Ask: ")])
def test_cards_are_punctuated_as_their_language_is(tmp_path: Path, locale: str, mark: str) -> None:
    rule = "{id: a, kind: keywords, with: {any: [临时仓]}, points: 40, ask: please}"
    (tmp_path / "rules.yaml").write_text(f"version: 1\nlocale: {locale}\nbands: {{review: 20, hold: 30}}\nrules: [{rule}]\n", encoding="utf-8")
    export(tmp_path / "a.csv", [order("1", 收货地址=RISKY)])
    shell("scan", "a.csv", "--tasks-format", "md", "--outputs", "tasks", cwd=tmp_path)
    card = (tmp_path / "out" / "tasks" / "unassigned.md").read_text(encoding="utf-8")
    assert f"- {mark}please\n" in card
    assert ("：" in card) == (locale == "zh-CN")
