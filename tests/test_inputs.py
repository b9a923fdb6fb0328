"""Inputs that once went wrong: typed Parquet, stray cells, odd names, repeated headers, lookups, outputs among inputs."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
import xlsxwriter
from house import House, export, order, shell

from orderguard.errors import OrderguardError
from orderguard.normalise import ips as ip_module
from orderguard.normalise import times as clocks
from orderguard.normalise.ips import ips

if TYPE_CHECKING:
    from pathlib import Path


def test_typed_parquet_columns_mean_what_their_text_means(tmp_path: Path) -> None:
    """Lists join, an empty list is nothing, a total is no paid amount, one phone column fills the other."""
    at = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "订单编号": ["1", "2"],
            "优惠券": [[], ["满减", "立减"]],
            "实付金额": pl.Series([Decimal("2000.00"), None], dtype=pl.Decimal(10, 2)),
            "订单金额": pl.Series([Decimal("88.00"), Decimal("1000.00")], dtype=pl.Decimal(10, 2)),
            "手机": pl.Series([None, 13802580000], dtype=pl.Int64),
            "联系电话": pl.Series([13999110000, None], dtype=pl.Int64),
            "发货地": ["深圳", "深圳"],
            "买家留言": ["", ""],
            "下单时间": [at, at],
            "注册时间": [at, at],
            "历史订单数": [0, 0],
            "收货地址": ["某路 1 号", "某路 2 号"],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    house = House(tmp_path)
    house.scan(tmp_path / "a.parquet")
    assert house.findings() == {("1", "round-amount"), ("1", "far-phone"), ("2", "new-account-coupon")}


def test_a_stray_cell_is_told_and_takes_no_other_file_down(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "stray.xlsx") as made:
        page = made.add_worksheet()
        page.write_row(0, 0, ["订单编号", "收货地址"])
        page.write_row(1, 0, ["1", "临时仓"])
        page.write(1_048_575, 16_383, "x")
    export(tmp_path / "good.csv", [order("2", 收货地址="临时仓")])
    house = House(tmp_path)
    done = house.scan(tmp_path / "stray.xlsx", tmp_path / "good.csv")
    assert house.findings() == {("2", "risky-address")}
    assert [p.where for p in done.problems if p.fatal] == ["stray.xlsx"]
    assert "Ctrl+End" in done.problems[0].text("zh-CN")


@pytest.mark.skipif(os.name != "posix", reason="byte names are POSIX")
def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    good = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    good.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m.csv"))
    done = shell("scan", ".", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in (tmp_path / "out" / "run.json").read_text(encoding="utf-8")


def test_outputs_in_an_input_folder_are_not_read_as_orders(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    for _ in range(2):
        done = shell("scan", ".", "--out", ".", "--ledger", "../ledger", "--quiet", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert pl.read_parquet(tmp_path / "decisions.parquet").height == 1


def test_a_header_in_the_middle_and_a_totals_row_are_no_orders(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("order_id,address\n1,临时仓\norder_id,address\n2,x\n合计,\n", encoding="utf-8")
    house = House(tmp_path)
    done = house.scan(path)
    assert house.bands() == {"1": "hold", "2": "pass"}
    rejected = pl.read_csv(house.out / "rejected.csv", infer_schema=False)
    assert rejected["行"].to_list() == ["3", "5"]
    assert done.run["read"] == done.run["clean"] + done.run["flagged"] + done.run["rejected"] == 4


def test_lookups_join_by_order_number_and_by_account_and_complete_each_other(tmp_path: Path) -> None:
    blank = {"注册时间": "", "历史订单数": "", "优惠券": "满减"}
    rows = [order("1", 买家账号="u1", **blank), order("2", 买家账号="u2", **blank), order("3", 买家账号="u3", **blank)]
    accounts = tmp_path / "accounts.csv"
    text = "订单编号,买家账号,注册时间,历史订单数\n1,,2026-11-10 09:00:00,0\n,u2,2026-11-10 09:00:00,\n,u2,,0\n,u9,2026-11-10 09:00:00,0\n"
    accounts.write_text(text, encoding="utf-8")
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", rows), lookups=[str(accounts)])
    assert house.findings() == {("1", "new-account-coupon"), ("2", "new-account-coupon")}
    (tmp_path / "nothing.csv").write_text("x,y\n1,2\n")
    with pytest.raises(OrderguardError, match="nothing to add"):
        house.scan(tmp_path / "a.csv", lookups=[str(tmp_path / "nothing.csv")])


def test_a_platform_word_as_long_as_a_file_name_can_not_be(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 平台="🛒" * 80, 收货地址="临时仓"), order("2", 平台="../../x", 收货地址="临时仓")]))
    assert sorted(o for orders in house.holds().values() for o in orders) == ["1", "2"]
    assert {p.parent.name for p in house.out.rglob("*.csv")} == {"holds", "out"}


def test_ip_addresses_have_one_spelling_and_masked_ones_none() -> None:
    given = ["2001:DB8::1", "2001:db8:0::1", "[2001:db8::1]:443", "::ffff:192.0.2.1", "192.0.2.1:5678", "192.0.2.1, 10.0.0.1", "10.0.x.x", "10.0.*.*", "0.0.0.0", "127.0.0.1", None]  # noqa: S104
    one, two = "2001:db8::1", "192.0.2.1"
    assert ips(pl.Series(given)).to_list() == [one, one, one, two, two, two, None, None, None, None, None]


def test_day_first_dates_without_a_time_are_read() -> None:
    read = clocks.times(pl.Series(["25-06-2026", "01-07-2026"]), "Asia/Shanghai")
    assert [f"{t:%Y-%m-%d %H}" for t in read.to_list()] == ["2026-06-24 16", "2026-06-30 16"]


def test_a_selection_of_shopify_columns_without_a_telltale_one(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Name,Email,Paid at,Total,Created at\n#1,a@example.com,2026-11-11 09:00:00 +0800,1000.00,2026-11-11 09:00:00 +0800\n")
    house = House(tmp_path)
    done = house.scan(path)
    assert (done.run["inputs"][0]["platform"], house.bands()) == ("shopify", {"#1": "pass"})


def test_the_summary_names_the_workbook_only_when_there_is_one(tmp_path: Path) -> None:
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    assert "flagged.xlsx" not in shell("scan", file, "--outputs", "frames", cwd=tmp_path).stdout
    told = shell("scan", file, cwd=tmp_path).stdout
    assert "打开 out/flagged.xlsx" in told
    assert "读取 1 = 正常 0 + 异常 1 + 未能读取 0" in told


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that everybody may name and nobody can read")  # noqa: PTH110
def test_what_cannot_be_opened_is_told_once(tmp_path: Path) -> None:
    """Files are read ahead while the rest starts; one that failed then is tried, and told, in its turn."""
    good = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    done = shell("scan", str(good), "/proc/self/mem", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("无法打开") == 1
    assert (tmp_path / "out" / "flagged.xlsx").exists()


def test_ipv6_that_is_not_looked_at_twice_is_in_its_one_spelling() -> None:
    rng = random.Random(2)
    texts = set()
    for _ in range(5_000):
        groups = rng.choices(["0", "1", "a", "ff", "2001", "0db8", "A", "10"], k=rng.randrange(1, 9))
        cut = rng.randrange(len(groups) + 1)
        texts.add(":".join(groups) if rng.random() < 0.4 else ":".join(groups[:cut]) + "::" + ":".join(groups[cut:]))
    column = pl.Series("ip", sorted(texts))
    short = column.filter(column.str.contains(ip_module._SHORTEST))
    assert len(short) > 100
    assert [ip_module._one_spelling(t) for t in short] == short.to_list()
    assert "2409:8a20:12:3456::1" in ip_module.ips(pl.Series(["2409:8A20:12:3456:0:0:0:1"])).to_list()
