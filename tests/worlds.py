"""Invented order exports in which every default rule fires at a realistic rate and every boundary occurs.

The people, phones and addresses are made up: phone numbers are a 7-digit prefix and random digits, IPs come from
the ranges that RFC 2544 and RFC 5737 reserve for tests.
"""

from __future__ import annotations

import csv
import json
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADERS = (
    "订单编号", "平台", "店铺名称", "买家账号", "注册时间", "历史订单数", "收货人", "联系电话", "省", "市", "区",
    "收货地址", "下单时间", "付款时间", "商品编码", "商品名称", "数量", "实付金额", "优惠券", "买家留言", "下单IP",
    "设备号", "发货地", "承诺发货时间",
)  # fmt: skip

Row = dict[str, str]

START = datetime(2026, 11, 10)  # noqa: DTZ001 - exports carry wall-clock times of the shop
SPAN_SECONDS = 3 * 86_400

_PLATFORMS = ("京东", "淘宝", "抖音", "自营商城")
_SHOPS = ("暖阳母婴", "青禾家居店", "北辰数码", "云岭茶铺", "小满旗舰店")
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林"
_GIVEN = ("芳", "伟", "子涵", "静", "磊", "欣怡", "强", "雨桐", "洋", "梓萱", "敏", "浩然", "娜", "建国", "婷")
_REGIONS = (
    ("浙江省", "杭州市", "余杭区"), ("浙江省", "杭州市", "西湖区"), ("浙江省", "宁波市", "鄞州区"),
    ("江苏省", "南京市", "鼓楼区"), ("江苏省", "苏州市", "吴中区"), ("上海市", "上海市", "徐汇区"),
    ("广东省", "深圳市", "南山区"), ("广东省", "广州市", "天河区"), ("湖北省", "武汉市", "洪山区"),
    ("四川省", "成都市", "武侯区"), ("北京市", "北京市", "海淀区"), ("辽宁省", "沈阳市", "和平区"),
)  # fmt: skip
_ROADS = ("文三路", "中山路", "人民路", "解放大道", "科技园路", "学院路", "新华街", "建设路", "滨江大道", "桃源街")
_PLACES = ("", "", "", "阳光花园", "翠苑小区", "万科城", "东方公寓")
_ITEMS = (
    ("NF-900", "奶粉3段"), ("TC-250", "龙井茶250g"), ("SJ-128", "手机壳"), ("KT-10", "空调被"), ("XZ-42", "跑步鞋42"),
)  # fmt: skip
_NOTES = ("尽快发货", "放门口", "周末送", "要发票", "送礼请包装", "轻拿轻放")
_BLANK_NOTES = ("", " ", "\u3000", " \u3000 ", "\u00a0")
_COUPONS = ("满200减30", "新人券", "店铺券10")
_NO_COUPONS = ("", "", "", "无", "0", " ", "否")
_RISKY = ("临时仓3号", "代收点", "菜鸟临 时·仓", "测试", "无效地址", "丰巢快递柜", "城南派出所", "代\u3000收点")
_SHIP_FROM = ("杭州仓", "杭州", "深圳仓", "上海市", "广州市", "南京仓", "杭州", "杭州仓")
_ODD_SHIP_FROM = ("", "华东仓", "沈阳", "乌鲁木齐仓", "深圳南山仓", " ", "上海")
# Runs of prefixes at home in 杭州, 深圳, 上海, 广州, 南京 and 北京.
_HOME_RUNS = (
    (1_841_440, 1_841_599), (1_371_350, 1_371_539), (1_574_000, 1_574_999), (1_722_750, 1_723_349),
    (1_491_200, 1_493_016), (1_349_000, 1_349_999),
)  # fmt: skip
_FAR_RUNS = ((1_844_010, 1_844_069), (1_389_980, 1_390_000))  # 乌鲁木齐
_AMOUNTS_AT_THE_EDGE = (
    "0", "0.00", "1000", "1000.00", "1000.004", "2000", "3000.0", "-1000", "-2000.00", "", "999.99", "1000.01",
    "10000", "1,000.00", "¥2000.00", "500", "1500",
)  # fmt: skip
_IP_BLANKS = ("", " ", "-", "183.12.*.*", "10.0.0.***", "未知")
_BURSTS = (
    # seconds after the first order, in order of time; with W = 300 and N = 3
    (0, 150, 300), (0, 150, 301), (0, 0, 0), (0, 200, 400, 600), (0, 150, 300, 450), (0, 10, 299, 300, 301),
    (0, 300, 300), (0, 0, 300, 301, 301), (0, 299), (0, 60, 120, 180, 240), (0, 0, 0, 301, 301), (0, 1, 2, 601, 602),
)  # fmt: skip


def stamp(at: datetime) -> str:
    """A time as exports write it; microseconds only where there are any."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f" if at.microsecond else "%Y-%m-%d %H:%M:%S")


def order(number: int | str = 1, **changes: str) -> Row:
    """One honest order that no rule flags, with the named cells changed."""
    row = dict.fromkeys(HEADERS, "")
    row |= {
        "订单编号": f"T{number}", "平台": "自营商城", "店铺名称": "小满旗舰店", "买家账号": f"u{number}",
        "注册时间": "2024-01-01 00:00:00", "历史订单数": "3", "收货人": "王芳", "联系电话": "18414401234",
        "省": "浙江省", "市": "杭州市", "区": "西湖区", "收货地址": "文三路1号",
        "下单时间": "2026-11-11 12:00:00", "付款时间": "2026-11-11 12:01:00", "商品编码": "NF-900", "商品名称": "奶粉3段",
        "数量": "1", "实付金额": "199.00", "买家留言": "尽快发货", "设备号": f"D{number}", "发货地": "杭州仓",
    }  # fmt: skip
    return row | changes


def _phone(rng: random.Random) -> str:
    kind = rng.random()
    last = f"{rng.randrange(10_000):04d}"
    if kind < 0.85:
        return f"{rng.randint(*rng.choice(_HOME_RUNS))}{last}"
    if kind < 0.90:
        return f"{rng.randrange(1_300_000, 2_000_000)}{last}"
    if kind < 0.912:
        return f"{rng.randint(*rng.choice(_FAR_RUNS))}{last}"
    prefix = f"{rng.randint(*rng.choice((*_HOME_RUNS, *_FAR_RUNS)))}"
    return rng.choice(
        (
            f"138****{last}", f"{prefix}****", f"{prefix}{last}转{last}", f"{prefix}{last}-{last}",
            f"+86 {prefix}{last}", f"+86{prefix}{last}", f"0086{prefix}{last}", f"86-{prefix}{last}",
            f"{prefix[:3]} {prefix[3:]} {last}", f"{prefix[:3]}-{prefix[3:]}-{last}", f"0571-8765{last}",
            f"(0755)2345{last}", f"0991-234{last[:3]}0", f"010-6543{last}", f"021-6123{last}", f"400-820-{last}",
            f"+852 5123 {last}", "", " ", "95588", f"'{prefix}{last}", f"{prefix}{last}.0",
        )
    )  # fmt: skip


def _burst_times(rng: random.Random, n: int) -> dict[int, tuple[str, datetime]]:
    """Order number -> (IP, time) of the orders that share an IP, about a thirtieth of all."""
    placed: dict[int, tuple[str, datetime]] = {}
    free = rng.sample(range(n), max(n // 28, min(n, 12)))
    serial = 0
    while free:
        shape = _BURSTS[serial % len(_BURSTS)]
        ip = f"203.0.{113 + serial // 250}.{serial % 250 + 1}"
        base = START + timedelta(seconds=rng.randrange(SPAN_SECONDS))
        micro = serial % 20 == 0
        for i, offset in enumerate(shape):
            if not free:
                break
            # Now and then the last order comes a microsecond later: just outside.
            extra = timedelta(microseconds=1) if micro and i == len(shape) - 1 else timedelta()
            placed[free.pop()] = (ip, base + timedelta(seconds=offset) + extra)
        serial += 1
    return placed


def _edge_registration(rng: random.Random, at: datetime) -> str:
    """Registered within, exactly at, or just beyond seven days before the order; sometimes after it."""
    week = timedelta(days=7)
    exact = (
        week,
        week + timedelta(seconds=1),
        week - timedelta(seconds=1),
        timedelta(),
        -timedelta(hours=23),
        -timedelta(days=1),
    )
    kind = rng.random()
    if kind < 0.35:
        return stamp(at - rng.choice(exact))
    if kind < 0.40:
        return stamp(at + timedelta(days=1, seconds=1))
    if kind < 0.44:
        return ""
    return stamp(at - timedelta(seconds=rng.randrange(9 * 86_400)))


def make_world(n: int, seed: int, *, dirty: bool = True) -> list[Row]:
    """`n` orders, about 270 bytes each as CSV and about a tenth of them odd; the same for the same arguments.

    Args:
        n: number of distinct orders.
        seed: of all randomness.
        dirty: add a few rows that cannot be read (no number, amount or time unreadable) and a few exact repeats
            after the `n` orders.
    """
    rng = random.Random(seed)
    placed = _burst_times(rng, n)
    hot = "198.51.100.7"  # a campus gateway: its orders come every few minutes all day long
    rows: list[Row] = []
    rand, choice = rng.random, rng.choice
    for i in range(n):
        if i in placed:
            ip, at = placed[i]
        else:
            at = START + timedelta(seconds=rng.randrange(SPAN_SECONDS))
            draw = rand()
            ip = f"198.{18 + (i & 1)}.{rng.randrange(256)}.{rng.randrange(256)}"
            if draw < 0.02:
                ip = hot if draw < 0.006 else choice(_IP_BLANKS)
        created = stamp(at) if rand() > 0.0005 else ""
        province, city, district = choice(_REGIONS)
        address = f"{choice(_ROADS)}{rng.randrange(1, 999)}号{choice(_PLACES)}"
        draw = rand()
        if draw < 0.012:
            address += choice(_RISKY)
        elif draw < 0.016:
            address = choice(("", " ", "文三路***", "***临时仓", "临 时 仓旁", "临时 仓库房", "代收货点", "临时停车仓"))
        amount = f"{rng.randrange(990, 99_900) / 100:.2f}"
        note = "" if rand() < 0.8 else choice(_NOTES)
        if rand() < 0.024:
            amount = choice(_AMOUNTS_AT_THE_EDGE)
            note = choice(_BLANK_NOTES) if rand() < 0.8 else note
        registered = f"2024-0{rng.randrange(1, 10)}-1{rng.randrange(10)} 09:30:00"
        prior, coupon = str(rng.randrange(1, 9)), ""
        draw = rand()
        if draw < 0.068:
            registered, prior = _edge_registration(rng, at), choice(("0", "0", "0", "0", "1", ""))
            coupon = choice(_COUPONS) if rand() < 0.6 else choice(_NO_COUPONS)
        elif draw < 0.2:
            coupon = choice(_NO_COUPONS) if rand() < 0.5 else choice(_COUPONS)
        sku, title = choice(_ITEMS)
        rows.append({
            "订单编号": f"{2026_1100_0000 + i}", "平台": _PLATFORMS[i % 4], "店铺名称": choice(_SHOPS),
            "买家账号": f"u{rng.randrange(10 ** 6)}", "注册时间": registered, "历史订单数": prior,
            "收货人": choice(_SURNAMES) + choice(_GIVEN), "联系电话": _phone(rng),
            "省": province, "市": city, "区": district, "收货地址": address, "下单时间": created,
            "付款时间": stamp(at + timedelta(seconds=rng.randrange(5, 900))) if created else "",
            "商品编码": sku, "商品名称": title, "数量": "1" if rand() < 0.9 else "2", "实付金额": amount, "优惠券": coupon,
            "买家留言": note, "下单IP": ip, "设备号": f"D{rng.randrange(10 ** 7)}",
            "发货地": choice(_SHIP_FROM) if rand() < 0.97 else choice(_ODD_SHIP_FROM),
            "承诺发货时间": stamp(at + timedelta(days=2)) if i % 8 else "",
        })  # fmt: skip
    if dirty:
        rows += _dirt(rng, rows)
    return rows


def _dirt(rng: random.Random, rows: Sequence[Row]) -> list[Row]:
    spoiled = [
        ("订单编号", ""),
        ("订单编号", " "),
        ("实付金额", "面议"),
        ("实付金额", "1000O"),
        ("下单时间", "昨天"),
        ("付款时间", "2026-13-45"),
    ]
    bad = [order(f"BAD{i}") | {name: value} for i, (name, value) in enumerate(spoiled)]
    repeats = [dict(row) for row in rng.sample(rows, min(len(rows), 12))]
    twin = dict(rows[0])  # the same number on another platform is another order
    twin["平台"] = "小程序"
    return [*bad, *repeats, twin]


def write_csv(rows: Sequence[Row], path: Path, encoding: str = "utf-8") -> Path:
    """Write rows as a CSV with a header; returns `path`."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, HEADERS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_xlsx(rows: Sequence[Row], path: Path) -> Path:
    """Write rows as a workbook of text cells; returns `path`."""
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("订单")
        sheet.write_row(0, 0, HEADERS)
        for i, row in enumerate(rows, 1):
            for j, name in enumerate(HEADERS):
                sheet.write_string(i, j, row[name])
    return path


def write_json(rows: Sequence[Row], path: Path) -> Path:
    """Write rows as a JSON array of objects; returns `path`."""
    path.write_text(json.dumps(list(rows), ensure_ascii=False), encoding="utf-8")
    return path


def write_parquet(rows: Sequence[Row], path: Path) -> Path:
    """Write rows as Parquet with text columns; returns `path`."""
    import polars as pl

    pl.DataFrame(list(rows), schema=dict.fromkeys(HEADERS, pl.String)).write_parquet(path)
    return path
