"""What somebody who did not write orderguard is told to do next: orders that may leave, columns that are missing, days that have orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import House, export, order, shell

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
