"""Writes the sample exports: about 2,000 invented orders of five shop systems, the same ones every time.

Nobody in here exists. Names are drawn from a list of syllables, streets are made up, telephone numbers have a real
prefix (so that a home region is known) and end in 00xx, addresses on the internet are the ones reserved for
documentation (RFC 5737) and benchmarks (RFC 2544). The stories at the end of the file say what is odd and where.

    python samples/make.py [FOLDER]
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import xlsxwriter

SEED = 20261111
START = datetime(2026, 11, 10, 19, 0)  # noqa: DTZ001 - exports write wall-clock times
NIGHT = datetime(2026, 11, 11, 0, 0)  # noqa: DTZ001
END = datetime(2026, 11, 11, 11, 50)  # noqa: DTZ001
GULF = timezone(timedelta(hours=4))
CHINA = timezone(timedelta(hours=8))

# city: zone (which warehouse serves it), province, districts, real 7-digit mobile prefixes
CITIES: dict[str, tuple[str, str, tuple[str, str], tuple[str, ...]]] = {
    "杭州市": ("E", "浙江省", ("西湖区", "余杭区"), ("1370581", "1395817", "1508862", "1596881")),
    "宁波市": ("E", "浙江省", ("海曙区", "鄞州区"), ("1370574", "1396825", "1505887", "1595789")),
    "上海市": ("E", "上海市", ("徐汇区", "浦东新区"), ("1370161", "1391722", "1368169", "1860210")),
    "南京市": ("E", "江苏省", ("鼓楼区", "江宁区"), ("1370140", "1391337", "1515061", "1860140")),
    "苏州市": ("E", "江苏省", ("姑苏区", "吴中区"), ("1370154", "1391540", "1515152", "1599583")),
    "合肥市": ("E", "安徽省", ("蜀山区", "包河区"), ("1370560", "1395607", "1505656", "1595565")),
    "武汉市": ("E", "湖北省", ("武昌区", "洪山区"), ("1370714", "1354508", "1517154", "1597210")),
    "南昌市": ("E", "江西省", ("青山湖区", "西湖区"), ("1370791", "1397007", "1507000", "1587917")),
    "福州市": ("E", "福建省", ("鼓楼区", "仓山区"), ("1370504", "1350938", "1506006", "1598050")),
    "广州市": ("S", "广东省", ("天河区", "番禺区"), ("1371001", "1392646", "1363136", "1591855")),
    "深圳市": ("S", "广东省", ("南山区", "龙岗区"), ("1371351", "1351001", "1365236", "1588946")),
    "长沙市": ("S", "湖南省", ("岳麓区", "雨花区"), ("1370749", "1397518", "1511113", "1867000")),
    "南宁市": ("S", "广西壮族自治区", ("青秀区", "兴宁区"), ("1373703", "1387882", "1364788", "1597770")),
    "成都市": ("S", "四川省", ("武侯区", "锦江区"), ("1370805", "1354025", "1368407", "1590812")),
    "重庆市": ("S", "重庆市", ("渝北区", "江北区"), ("1370833", "1359415", "1502548", "1590938")),
    "昆明市": ("S", "云南省", ("五华区", "盘龙区"), ("1370063", "1351876", "1508708", "1591211")),
    "北京市": ("N", "北京市", ("朝阳区", "海淀区"), ("1370105", "1352037", "1369317", "1860126")),
    "天津市": ("N", "天津市", ("南开区", "河西区"), ("1370203", "1390021", "1367210", "1590035")),
    "石家庄市": ("N", "河北省", ("长安区", "裕华区"), ("1370329", "1350329", "1508113", "1583192")),
    "济南市": ("N", "山东省", ("历下区", "市中区"), ("1370644", "1356349", "1509884", "1594970")),
    "郑州市": ("N", "河南省", ("金水区", "中原区"), ("1370084", "1394900", "1367497", "1583822")),
    "西安市": ("N", "陕西省", ("雁塔区", "未央区"), ("1370028", "1357196", "1509401", "1599177")),
    "沈阳市": ("N", "辽宁省", ("和平区", "沈河区"), ("1370000", "1394018", "1367413", "1594018")),
    "哈尔滨市": ("N", "黑龙江省", ("南岗区", "道里区"), ("1370364", "1393633", "1504508", "1580462")),
}
FAR_PREFIXES = ("1380994", "1357980", "1509961", "1599912", "1377973", "1500308", "1351890", "1362898")  # 新疆、西藏
WAREHOUSE = {"N": "天津仓", "E": "杭州仓", "S": "广州仓"}
STREETS = ("云杉路", "白鹭街", "青石巷", "星河大道", "橙子路", "望月街", "松果路", "蓝鲸街")
ESTATES = ("花园", "雅苑", "新村", "公寓")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙"
SYLLABLES = "安宁乐然晨星禾沐言溪可心子小雨云帆朵"
LATIN = ("Lio", "Mara", "Nevo", "Sani", "Tavi", "Oru", "Kesti", "Dorva", "Benu", "Ilma")
GULF_CITIES = (("Dubai", "DU", "97150", "AE"), ("Sharjah", "SH", "97155", "AE"), ("Dhaka", "13", "88017", "BD"))
NOTES = ("请尽快发货", "送人的，请包装好", "周末在家", "放门口即可", "发票抬头个人", "不要打电话，短信联系")
ITEMS = (
    ("NF-900-3", "奶粉 3 段 900g", 299.00), ("DP-L-52", "纸尿裤 L 52 片", 129.90), ("ST-01", "婴儿推车 轻便款", 868.00),
    ("BT-240", "奶瓶 240ml", 59.00), ("WP-80", "湿巾 80 抽 6 包", 39.90), ("CS-02", "儿童安全座椅", 1599.00),
    ("PJ-90", "连体衣 90 码", 79.00), ("TY-11", "积木 120 粒", 149.50),
)  # fmt: skip
CARD = ("CARD-1000", "储值卡 1000 元", 1000.00)
RISKY = (
    "{}临时仓 {} 号", "{}代收点（{} 号窗口）", "{}临 时·仓 {} 区", "{}快递柜 {} 号", "{}测试地址 {}", "{}代 收 点 {} 号", "{}派出所旁 {} 号"
)  # fmt: skip
HOSTILE = ('=HYPERLINK("http://x","y")', "@SUM(1)", "<script>alert(1)</script>", "\x1b[31m加急\x1b[0m", "+1+1", "-2+3")


@dataclass
class Order:
    """One invented order, before a shop system spells it."""

    id: str
    buyer: str
    name: str
    phone: str
    city: str
    district: str
    street: str
    created: datetime
    items: list[tuple[str, str, float, int]]
    registered: datetime
    prior: int
    ip: str
    device: str
    coupon: float = 0.0
    note: str = ""
    seller_note: str = ""
    off: float = 0.0
    tags: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    """The rules that must find it."""
    exported: str = ""
    """Its number as the export writes it, where that is not `id`."""

    @property
    def goods(self) -> float:
        """Sum of the items."""
        return round(sum(price * n for *_, price, n in self.items), 2)

    @property
    def amount(self) -> float:
        """What was paid."""
        return round(self.goods - self.off, 2)

    @property
    def paid(self) -> datetime:
        """Within two minutes of the order."""
        return self.created + timedelta(seconds=20 + int(self.id[-2:]))

    @property
    def promised(self) -> datetime:
        """When it must leave."""
        return self.created + timedelta(hours=48 if "slow" in self.tags else 24)

    @property
    def zone(self) -> str:
        """Which warehouse serves the receiver."""
        return CITIES[self.city][0]

    @property
    def province(self) -> str:
        """The receiver's province."""
        return CITIES[self.city][1]


class Maker:
    """Draws ordinary orders, then makes some of them odd."""

    def __init__(self, seed: int = SEED) -> None:
        self.rng = random.Random(seed)
        self.rings = 0
        self.phones: set[str] = set()

    def phone(self, prefixes: tuple[str, ...]) -> str:
        """A number nobody was given here before: real prefix, then 00xx."""
        while True:
            number = f"{self.rng.choice(prefixes)}00{self.rng.randrange(100):02d}"
            if number not in self.phones or self.rng.random() < 0.02:
                self.phones.add(number)
                return number

    def ordinary(self, count: int, first_id: int, account: str) -> list[Order]:
        """Orders that no rule flags, in the order in which they came."""
        rng, orders = self.rng, list[Order]()
        for i in range(count):
            city = rng.choice(list(CITIES))
            zone, _, districts, prefixes = CITIES[city]
            if rng.random() < 0.05:
                prefixes = rng.choice([c[3] for c in CITIES.values() if c[0] == zone])
            created = self._moment()
            items = [(*rng.choice(ITEMS), rng.choice((1, 1, 1, 2))) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
            new = rng.random() < 0.05
            regular = orders[rng.randrange(len(orders))] if orders and rng.random() < 0.04 else None
            order = Order(
                id=str(first_id + i * 137 + rng.randrange(100)),
                buyer=regular.buyer if regular else f"{account}{rng.randrange(16**6):06x}",
                name=rng.choice(SURNAMES) + "".join(rng.sample(SYLLABLES, rng.choice((1, 2)))),
                phone=self.phone(prefixes),
                city=city,
                district=rng.choice(districts),
                street=f"{rng.choice(STREETS)}{rng.randrange(1, 400)}号{rng.choice(STREETS)[:2]}{rng.choice(ESTATES)}"
                f"{rng.randrange(1, 30)}幢{rng.randrange(1, 20)}0{rng.randrange(1, 5)}室",
                created=created,
                items=items,
                registered=created - timedelta(days=rng.randrange(1, 6) if new else rng.randrange(30, 2500), seconds=rng.randrange(86_400)),
                prior=0 if new else rng.randrange(1, 40),
                ip=f"198.{rng.choice((18, 19))}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
                device=f"D{rng.randrange(16**8):08X}",
                note=rng.choice(NOTES) if rng.random() < 0.18 else "",
                seller_note="老客户" if not new and rng.random() < 0.05 else "",
            )
            if regular:
                order.registered, order.prior, order.ip, order.device = regular.registered, regular.prior + 1, regular.ip, regular.device
            if not new and rng.random() < 0.3:
                order.coupon = rng.choice((5.0, 10.0, 20.0, 30.0))
                order.off = min(order.coupon, order.goods - 0.1)
            if round(order.amount % 1000, 2) == 0:
                order.items.append((*ITEMS[4], 1))
            if rng.random() < 0.02:
                order.street = f"{rng.choice(STREETS)}{rng.randrange(1, 400)}号菜鸟驿站"
            if rng.random() < 0.3:
                order.tags.add("slow")
            orders.append(order)
        orders.sort(key=lambda o: o.created)
        return orders

    def _moment(self) -> datetime:
        """Two peaks: the evening before and the first minutes of the day."""
        kind, rng = self.rng.random(), self.rng
        if kind < 0.35:
            at = NIGHT + timedelta(seconds=int(abs(rng.gauss(0, 2400))))
        elif kind < 0.55:
            at = START + timedelta(hours=1, seconds=int(abs(rng.gauss(0, 1800))))
        else:
            at = START + (END - START) * rng.random()
        return min(at, END).replace(microsecond=0)

    def spare(self, orders: list[Order], count: int) -> list[Order]:
        """Orders that no story has touched yet."""
        free = [o for o in orders if not o.tags - {"slow"}]
        return self.rng.sample(free, count)

    def risky(self, orders: list[Order], count: int) -> list[Order]:
        """An address nobody lives at."""
        for i, order in enumerate(chosen := self.spare(orders, count)):
            order.street = RISKY[i % len(RISKY)].format(self.rng.choice(STREETS), self.rng.randrange(1, 90))
            order.tags.add("risky")
            order.wrong.add("risky-address")
        return chosen

    def ring(self, orders: list[Order], count: int, *, one_phone: bool = False, seconds: int = 290) -> list[Order]:
        """`count` orders of as many accounts from one IP within `seconds`, some with one device or one phone."""
        self.rings += 1
        net = ("192.0.2", "198.51.100", "203.0.113")[self.rings % 3]
        ip, device = f"{net}.{self.rings * 7}", f"D{self.rng.randrange(16**8):08X}"
        begin = NIGHT + timedelta(minutes=self.rng.randrange(-200, 500))
        chosen = self.spare(orders, count)
        for i, order in enumerate(chosen):
            order.created = begin + timedelta(seconds=round(seconds * i / max(count - 1, 1)))
            order.ip, order.tags = ip, order.tags | {"ring"}
            if count >= 3 and seconds <= 300:
                order.wrong.add("ip-burst")
            order.items = [(*self.rng.choice(ITEMS[:5]), 1)]
            order.off = min(order.off, order.goods - 0.1)
            if i % 2:
                order.device = device
            if one_phone and i:
                order.phone, order.city, order.district = chosen[0].phone, chosen[0].city, chosen[0].district
        return chosen

    def round(self, orders: list[Order], count: int, noted: int = 0) -> list[Order]:
        """A round thousand without a word; `noted` more have one and are honest."""
        for i, order in enumerate(chosen := self.spare(orders, count + noted)):
            order.items = [(*CARD, self.rng.choice((1, 1, 2, 3, 5)))]
            order.off, order.coupon, order.note = 0.0, 0.0, "" if i < count else self.rng.choice(NOTES)
            order.tags.add("round")
            if i < count:
                order.wrong.add("round-amount")
        return chosen[:count]

    def fresh(self, orders: list[Order], count: int) -> list[Order]:
        """Accounts of a few days ago that redeem a coupon with their first order."""
        for order in (chosen := self.spare(orders, count)):
            order.registered = order.created - timedelta(hours=self.rng.randrange(1, 160))
            order.prior, order.coupon = 0, 30.0
            order.off = min(30.0, order.goods - 0.1)
            order.tags.add("fresh")
            order.wrong.add("new-account-coupon")
        return chosen

    def far(self, orders: list[Order], count: int) -> list[Order]:
        """A number from the far west, for a parcel that stays in the east."""
        for order in (chosen := self.spare([o for o in orders if o.zone in "ES"], count)):
            order.phone = self.phone(FAR_PREFIXES)
            order.tags.add("far")
            order.wrong.add("far-phone")
        return chosen


def stamp(moment: datetime) -> str:
    """`2026-11-11 00:03:05`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def gulf(moment: datetime) -> str:
    """`2026-11-10 20:03:05 +0400`: the same instant on the clock of the Shopify shop."""
    return moment.replace(tzinfo=CHINA).astimezone(GULF).strftime("%Y-%m-%d %H:%M:%S %z")


def headers(name: str) -> list[str]:
    """The full header of an export, in the platform's own order and spelling."""
    return HEADERS[name].replace("\n", "").split(",")


def delimited(head: list[str], rows: list[dict[str, str]], end: str = "\r\n") -> list[str]:
    """Records of a CSV, quoted where they must be (and around a TAB, as Douyin does)."""
    return [",".join(map(quoted, c)) + end for c in [head, *([row.get(h.strip(), "") for h in head] for row in rows)]]


def quoted(cell: str) -> str:
    """The cell as it stands in a CSV."""
    return '"' + cell.replace('"', '""') + '"' if any(c in ',"\t\r\n' for c in cell) else cell


def taobao(maker: Maker, rng: random.Random) -> tuple[bytes, list[Order]]:
    """Taobao: GBK, one row per order, ="id", phones behind ', postcodes in brackets."""
    orders = maker.ordinary(540, 3515313147000000000, "tb_")
    odd = maker.risky(orders, 7)
    for size in (4, 3, 6):
        odd += maker.ring(orders, size, one_phone=size == 4)
    maker.ring(orders, 3, seconds=301)  # one second too slow
    maker.ring(orders, 2)  # a couple
    odd += maker.round(orders, 6, noted=4)
    maker.fresh(orders, 6)
    odd[0].note, odd[8].note = HOSTILE[0], HOSTILE[3]
    orders.sort(key=lambda o: o.created, reverse=True)
    head = headers("taobao")
    lines = [",".join(f'"{h}"' for h in head) + "\r\n"]
    for i, o in enumerate(orders):
        postcode = "000000" if i % 9 == 0 else f"{rng.randrange(10, 85)}0000"
        district = "其它区" if i % 23 == 0 else o.district
        card = f"{o.coupon:.2f}" if o.coupon else ("0.00" if i % 2 else "")
        row = {
            "买家会员名": o.buyer, "买家支付宝账号": f"{o.buyer}@example.com", "买家应付货款": f"{o.goods:.2f}", "买家应付邮费": "0.00",
            "买家支付积分": "0", "总金额": f"{o.goods:.2f}", "返点积分": "0", "买家实际支付金额": f"{o.amount:.2f}", "买家实际支付积分": "0",
            "订单状态": "买家已付款，等待卖家发货", "买家留言": "'null" if not o.note and i % 31 == 0 else o.note, "收货人姓名": o.name,
            "收货地址": f"{o.province} {o.city} {district} {o.street}({postcode})", "运送方式": "快递",
            "联系电话": "'null" if i % 17 == 0 else "", "联系手机": "'" + o.phone, "订单创建时间": stamp(o.created), "订单付款时间": stamp(o.paid),
            "宝贝标题": "，".join(t for _, t, _, _ in o.items), "宝贝种类": str(len(o.items)), "订单备注": o.seller_note,
            "宝贝总数量": str(sum(n for *_, n in o.items)), "店铺Id": "0", "店铺名称": "贝贝样品旗舰店", "订单关闭原因": "订单未关闭",
            "卖家服务费": "0", "买家服务费": "0元", "是否手机订单": "手机订单" if i % 4 else "", "天猫卡券抵扣": card, "集分宝抵扣": "0",
            "物流单号": "No:000000000000" if i % 40 == 0 else "", "是否代付": "否", "退款金额": "0.00",
        }  # fmt: skip
        cells = ['=""' if h == "分阶段订单信息" else '"' + row.get(h.strip(), "").replace('"', '""') + '"' for h in head[1:]]
        lines.append(",".join([f'="{o.id}"', *cells]) + "\r\n")
    lines.insert(40, ",".join(['=""', *['"x"' if h == "买家会员名" else '""' for h in head[1:]]]) + "\r\n")
    return "".join(lines).encode("gbk"), orders


def jd(maker: Maker) -> tuple[bytes, list[Order]]:
    """JD: GBK, one row per item with the order's facts on each, the address in one run with its area twice."""
    orders = maker.ordinary(460, 98712340000, "jd_")
    odd = maker.risky(orders, 6) + maker.ring(orders, 5) + maker.ring(orders, 3) + maker.round(orders, 8, noted=2)
    odd[0].note, odd[6].note, odd[7].note = HOSTILE[1], HOSTILE[4], HOSTILE[5]
    orders.sort(key=lambda o: o.created)
    rows: list[dict[str, str]] = []
    for i, o in enumerate(orders):
        area = o.province.removesuffix("省").removesuffix("壮族自治区") + (o.city if o.city != o.province else "") + o.district
        status = ("(删除)" if i % 53 == 0 else "(锁定)" if i % 67 == 0 else "") + "等待出库"
        rows += [
            {
                "订单号": o.id, "商品ID": f"1000{hash_of(sku):06d}", "商品名称": title, "订购数量": str(n), "支付方式": "在线支付",
                "下单时间": stamp(o.created), "京东价": f"{price:.2f}", "订单金额": f"{o.goods:.2f}", "结算金额": f"{o.amount:.2f}",
                "余额支付": "0.00", "应付金额": f"{o.amount:.2f}", "订单状态": status, "订单类型": "SOP", "下单帐号": o.buyer,
                "客户姓名": o.name + ("\t" if i % 29 == 0 else ""), "客户地址": area + area + o.street, "联系电话": o.phone,
                "订单备注": o.note, "发票类型": "电子发票", "发票抬头": "个人", "发票内容": "商品明细",
                "商家备注": "订单拆分为  A    B" if i % 61 == 0 else o.seller_note, "商家备注等级（等级1-5为由高到低）": "0",
                "运费金额": "0.00", "付款确认时间": stamp(o.paid), "增值税发票": "", "货号": sku, "订单完成时间": "",
                "订单来源": "京东", "订单渠道": "APP" if i % 3 else "微信",
            }
            for sku, title, price, n in o.items
        ]  # fmt: skip
    head = headers("jd")
    rows[100] = rows[100] | {"订单号": "98799999901", "下单时间": "2026-11-31 25:61:00"}
    lines = delimited(head, rows)
    torn = rows[200] | {"订单号": "98799999902", "客户地址": "浙江杭州市西湖区云杉路1号"}
    lines.insert(150, delimited(head, [torn])[1].replace("云杉路1号", "云杉路1号,2幢,301室"))  # a comma without quotes
    return "".join(lines).encode("gbk"), orders


def douyin(maker: Maker) -> tuple[bytes, list[Order]]:
    """Douyin: UTF-8 with BOM, a TAB before every id, one row per sub-order with its own amount, some masked phones."""
    orders = maker.ordinary(420, 6920000000000000000, "dy_")
    odd = maker.risky(orders, 8) + maker.far(orders, 7) + maker.round(orders, 5, noted=3)
    odd[1].note = HOSTILE[2]
    orders.sort(key=lambda o: o.created)
    rows: list[dict[str, str]] = []
    for i, o in enumerate(orders):
        masked = i % 5 < 2 and "far" not in o.tags
        for k, (sku, title, price, n) in enumerate(o.items):
            cut = o.coupon if k == 0 else 0.0
            rows.append({
                "主订单编号": "\t" + o.id, "子订单编号": "\t" + str(int(o.id) + k), "选购商品": title, "商品规格": "默认", "商品数量": str(n),
                "商品ID": f"\t{3700000000000000000 + hash_of(sku)}", "商家编码": sku, "商品单价": f"{price:,.2f}",
                "订单应付金额": f"{price * n:,.2f}", "运费": "0.00", "优惠总金额": f"{cut:.2f}", "平台优惠": "0.00", "商家优惠": f"{cut:.2f}",
                "达人优惠": "0.00", "商家改价": "0.00", "支付优惠": "0.00", "红包抵扣": "0.00", "支付方式": "支付宝" if i % 2 else "微信",
                "收件人": o.name[0] + "**" if masked else o.name, "收件人手机号": o.phone[:3] + "****" + o.phone[7:] if masked else o.phone,
                "省": o.province, "市": o.city, "区": o.district, "街道": "-" if i % 3 else "样例街道", "详细地址": o.street,
                "是否修改过地址": "否", "地址修改时段": "-", "买家留言": o.note or "-", "订单提交时间": stamp(o.created), "旗帜颜色": "-",
                "商家备注": o.seller_note or "-", "订单完成时间": "-", "支付完成时间": stamp(o.paid), "APP渠道": "抖音", "流量来源": "直播",
                "订单状态": "待发货", "承诺发货时间": stamp(o.promised), "订单类型": "普通订单", "达人ID": "\t1000000000000000001" if i % 2 else "-",
                "达人昵称": "示例达人" if i % 2 else "-", "售后状态": "-", "取消原因": "-", "仓库ID": "\t1", "仓库名称": WAREHOUSE[o.zone],
                "是否安心购": "是", "流量体裁": "直播", "发货主体": "店铺", "是否平台仓自流转": "否",
            })  # fmt: skip
    last = rows[-1]
    merged = last | {
        "主订单编号": "\t6929999999999999001", "子订单编号": "\t6929999999999999001;\t6929999999999999002", "选购商品": "奶瓶 240ml;湿巾 80 抽 6 包",
        "商家编码": "BT-240;WP-80", "商品数量": "2", "商品单价": "-", "订单应付金额": "98.90", "收件人手机号": "13705810098", "收件人": "周安",
    }  # fmt: skip
    unread = last | {"主订单编号": "\t6929999999999999900", "子订单编号": "\t6929999999999999900", "订单应付金额": "12,5"}
    return ("\ufeff" + "".join(delimited(headers("douyin"), [*rows, merged, unread]))).encode(), orders


def shopify(maker: Maker, rng: random.Random) -> tuple[bytes, list[Order]]:
    """Shopify: UTF-8, one row per item, facts on the first row only, the IP inside the note attributes."""
    orders = maker.ordinary(230, 5500000000000, "sf_")
    odd = maker.ring(orders, 4) + maker.ring(orders, 7, one_phone=True)
    depots = maker.risky(orders, 2)
    maker.ring(orders, 2)
    odd[0].note = HOSTILE[0]
    orders.sort(key=lambda o: o.created)
    rows: list[dict[str, str]] = []
    for i, o in enumerate(orders):
        city, state, prefix, country = GULF_CITIES[i % 3]
        name = f"{rng.choice(LATIN)} {rng.choice(LATIN)}{rng.choice(('n', 'r', 'l'))}"
        number = f"{prefix}{int(o.phone[-2:]):02d}{i:05d}"
        street = f"{o.street} (forwarder)" if o in depots else f"{rng.randrange(1, 400)} {rng.choice(LATIN)} Road"
        mail, phone = f"{o.buyer}@example.com", ("+88001" + number[4:] if prefix == "88017" and i % 6 == 2 else "+" + number)
        total = o.amount / 2
        o.exported = f"#{1001 + i}"
        common = {"Name": o.exported, "Email": mail, "Created at": gulf(o.created), "Vendor": "Sample Baby"}
        facts = {
            "Financial Status": "paid" if i % 3 else "pending", "Paid at": gulf(o.paid) if i % 3 else "", "Fulfillment Status": "unfulfilled",
            "Accepts Marketing": "no", "Currency": "AED", "Subtotal": f"{total:.2f}", "Shipping": "0.00", "Taxes": "0.00", "Total": f"{total:.2f}",
            "Discount Code": "WELCOME" if o.coupon else "", "Discount Amount": f"{o.off / 2:.2f}", "Shipping Method": "Standard",
            "Billing Name": name, "Billing Address1": street, "Billing City": city, "Billing Country": country, "Shipping Name": name,
            "Shipping Address1": street, "Shipping City": city, "Shipping Zip": "'00000" if i % 2 else "", "Shipping Province": state,
            "Shipping Country": country, "Shipping Phone": phone, "Notes": o.note if "ring" in o.tags or not o.note else "Please call first",
            "Note Attributes": f"IP address: {o.ip}\nCity: {city}\nUTM source: sample", "Payment Method": "Cash on Delivery (COD)" if i % 3 == 0 else "Card",
            "Payment Reference": f"r{i:05d}", "Payment ID": f"r{i:05d}", "Payment References": f"r{i:05d}", "Id": o.id, "Risk Level": "Low",
            "Source": "web" if i % 5 else "1234567", "Tags": "Confirmed" if i % 7 == 0 else "", "Location": "", "Device ID": "",
        }  # fmt: skip
        for k, (sku, _, price, n) in enumerate(o.items):
            item = {
                "Lineitem quantity": str(n), "Lineitem name": f"Sample {sku}", "Lineitem price": f"{price / 2:.2f}", "Lineitem sku": sku,
                "Lineitem requires shipping": "true", "Lineitem taxable": "false", "Lineitem fulfillment status": "pending", "Lineitem discount": "0.00",
            }  # fmt: skip
            rows.append(common | item | (facts if k == 0 else {}))
    return "".join(delimited(headers("shopify"), rows, end="\n")).encode(), orders


def erp(maker: Maker, path: Path) -> list[Order]:
    """The book of an ERP: several channels in one sheet, real dates and numbers among the texts."""
    orders = maker.ordinary(340, 71234567890123456, "u_")
    odd = maker.ring(orders, 9) + maker.ring(orders, 3) + maker.ring(orders, 5, one_phone=True) + maker.ring(orders, 3)
    risky = maker.risky(orders, 6)
    maker.round(orders, 6, noted=3)
    maker.far(orders, 8)
    fresh = maker.fresh(orders, 12)
    for o in odd[:5]:  # the ring of nine farms coupons with new accounts
        o.registered, o.prior, o.coupon, o.off = o.created - timedelta(hours=30), 0, 30.0, min(30.0, o.goods - 0.1)
        o.wrong.add("new-account-coupon")
    risky[0].wrong.add("round-amount")
    risky[0].items, risky[0].off, risky[0].note = [(*CARD, 2)], 0.0, ""
    fresh[0].note, fresh[1].note, risky[1].note = HOSTILE[0], HOSTILE[2], HOSTILE[1]
    orders.sort(key=lambda o: o.created)
    channels = (("拼多多", "样品母婴专营店"), ("小红书", "样品亲子店"), ("视频号小店", "样品小店"), ("自营商城", "样品商城"), ("京东", "样品京东店"))
    rows: list[list[Any]] = []
    for i, o in enumerate(orders):
        platform, shop = channels[i % 5]
        sku, title, _, n = o.items[0]
        text_phone, o.exported = i % 2 == 0, "00" + o.id
        rows.append([
            o.exported, platform, shop, o.buyer, o.registered.strftime("%Y-%m-%d %H:%M"), o.prior, o.name,
            o.phone if text_phone else int(o.phone), f"{o.province}{o.city}{o.district}{o.street}", o.created, o.paid.strftime("%Y/%m/%d %H:%M:%S"),
            sku, title, n, o.amount, f"满减券{o.coupon:g}" if o.coupon else ("无" if i % 2 else ""), o.note, o.ip, o.device, WAREHOUSE[o.zone], stamp(o.promised),
        ])  # fmt: skip
    rows.insert(25, ["", *rows[24][1:]])  # without an order number
    rows.insert(60, rows[59])  # the same row twice: an overlapping export
    conflict = list(rows[80])
    conflict[7] = "13800000000"
    rows.insert(81, conflict)  # one number, two facts
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": datetime(2026, 11, 11, tzinfo=UTC)})
        sheet, date = book.add_worksheet("订单"), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for c, name in enumerate(headers("erp")):
            sheet.write_string(0, c, name)
        for r, row in enumerate(rows, 1):
            for c, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(r, c, value, date)
                elif isinstance(value, str):
                    sheet.write_string(r, c, value)
                else:
                    sheet.write_number(r, c, value)
        sheet.set_column(0, len(rows[0]) - 1, 18)
    return orders


def hash_of(text: str) -> int:
    """A small number that is the same in every run."""
    return sum(ord(c) * pow(31, i, 900_000) for i, c in enumerate(text)) % 900_000


def accounts(orders: list[Order]) -> bytes:
    """What the shop's own system knows of its accounts, for `--lookup`; some accounts are missing."""
    seen: dict[str, Order] = {}
    for o in orders:
        if o.buyer not in seen or "ring" in o.tags:
            seen[o.buyer] = o
    known = [o for b, o in sorted(seen.items()) if hash_of(b) % 10 or o.tags - {"slow"}]
    rows = [
        {"买家账号": o.buyer, "注册时间": stamp(o.registered), "历史订单数": str(o.prior), "下单IP": o.ip, "设备号": o.device} for o in known
    ]  # fmt: skip
    return ("\ufeff" + "".join(delimited(["买家账号", "注册时间", "历史订单数", "下单IP", "设备号"], rows))).encode()


def main(folder: Path) -> set[tuple[str, str]]:
    """Write all samples to `folder`; returns what is odd in them, as pairs of order number and rule."""
    (folder / "lookup").mkdir(parents=True, exist_ok=True)
    maker, rng = Maker(), random.Random(SEED + 1)
    (tb, tb_orders), (jd_file, jd_orders) = taobao(maker, rng), jd(maker)
    (dy, dy_orders), (sf, sf_orders) = douyin(maker), shopify(maker, rng)
    erp_orders = erp(maker, folder / "erp.xlsx")
    known = accounts([*tb_orders, *jd_orders])
    files = {"taobao.csv": tb, "jd.csv": jd_file, "douyin.csv": dy, "shopify.csv": sf, "lookup/accounts.csv": known}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    everything = [*tb_orders, *jd_orders, *dy_orders, *sf_orders, *erp_orders]
    return {(o.exported or o.id, rule) for o in everything for rule in o.wrong}


HEADERS = {
    "taobao": """订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,订单状态,
买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,物流公司,
订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,
是否上传合同照片,是否上传小票,是否代付,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易,
退款金额,预约门店""",
    "jd": """订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,订单类型,下单帐号,
客户姓名,客户地址,联系电话,订单备注,发票类型,发票抬头,发票内容,商家备注,商家备注等级（等级1-5为由高到低）,运费金额,付款确认时间,
增值税发票,货号,订单完成时间,订单来源,订单渠道""",
    "douyin": """主订单编号,子订单编号,选购商品,商品规格,商品数量,商品ID,商家编码,商品单价,订单应付金额,运费,优惠总金额,平台优惠,商家优惠,
达人优惠,商家改价,支付优惠,红包抵扣,支付方式,手续费,收件人,收件人手机号,省,市,区,街道,详细地址,是否修改过地址,地址修改时段,
买家留言,订单提交时间,旗帜颜色,商家备注,订单完成时间,支付完成时间,APP渠道,流量来源,订单状态,承诺发货时间,订单类型,鲁班落地页ID,
达人ID,达人昵称,所属门店ID,售后状态,取消原因,预约发货时间,仓库ID,仓库名称,是否安心购,广告渠道,流量类型,流量体裁,流量渠道,
发货主体,发货主体明细,发货时间,降价类优惠,平台实际承担优惠金额,商家实际承担优惠金额,达人实际承担优惠金额,预计送达时间,是否平台仓自流转,
车型,商品69码,发货SN码,发货IMEI码1,发货IMEI码2,预约送达时间,建议发货时间（起）,建议发货时间（止）,物流SN码,
物流IMEI码1,物流IMEI码2""",
    "shopify": """Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,
Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,
Discount Amount,Shipping Method,Created at,Lineitem quantity,
Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,
Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,
Billing Name,Billing Street,Billing Address1,Billing Address2,
Billing Company,Billing City,Billing Zip,Billing Province,
Billing Country,Billing Phone,Shipping Name,Shipping Street,
Shipping Address1,Shipping Address2,Shipping Company,Shipping City,
Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,
Note Attributes,Cancelled at,Payment Method,Payment Reference,
Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,
Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,
Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,
Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,
Billing Province Name,Shipping Province Name,Payment ID,
Payment Terms Name,Next Payment Due At,Payment References""",
    "erp": """订单编号,平台,店铺名称,买家账号,注册时间,历史订单数,收货人,联系电话,收货地址,下单时间,付款时间,商品编码,商品名称,数量,实付金额,
优惠券,买家留言,下单IP,设备号,发货地,承诺发货时间""",
}

if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
