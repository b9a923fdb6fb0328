"""The shared vocabulary: every frame's columns, with type, meaning and an example.

`docs/columns.md` is generated from this module. Frames:

* **raw**: every cell text, plus `source_file` and `source_row` (1-based, as a spreadsheet counts).
* **orders**: one row per order, key `(platform, order_id)`.
* **lines**: one row per item of an order.
* **findings**, **coverage**, **decisions**: what the rules said, how far they could see, what follows.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

MONEY: Final = pl.Decimal(28, 8)
"""Exact to eight places, so that 1000.00004 is no round sum."""
YUAN: Final = ("CNY", "RMB", "CNH", "人民币", "¥", "￥", "元")
"""What exports write for yuan, in capitals."""
INSTANT: Final = pl.Datetime("us", "UTC")

DAY_ONLY: Final = 271_828
"""Microseconds past local midnight at which an instant stands that is known to the day only: what lasts less than a day
cannot be judged by it. The number is one that no shop system's times have at a full quarter of an hour."""

BLANKS: Final = " \t\r\n\u00a0\u3000\ufeff\u200b"
"""The characters that count as blank everywhere (space, tab, CR, LF, NBSP, ideographic space, BOM, ZWSP)."""


class Column(NamedTuple):
    """One column of a frame.

    Attributes:
        name: permanent English identifier.
        dtype: Polars type.
        zh: heading in Chinese.
        en: heading in English.
        meaning: what a cell says, with its unit.
        example: one cell.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    zh: str
    en: str
    meaning: str
    example: str


ORDERS: Final = (
    Column("platform", pl.String, "平台", "Platform", "profile name, or the export's own word", "jd"),
    Column("shop", pl.String, "店铺", "Shop", "shop name", "贝贝旗舰店"),
    Column("order_id", pl.String, "订单编号", "Order ID", "the platform's order number, as text", "2026111100012345"),
    Column("status", pl.String, "订单状态", "Status", "the export's own word", "等待出库"),
    Column(
        "stage",
        pl.String,
        "订单阶段",
        "Stage",
        "the status in one set: unpaid, paid, shipped, done, closed, refunding, refunded; unknown = a word not known",
        "paid",
    ),
    Column("buyer_id", pl.String, "买家账号", "Buyer account", "account or member name", "jd_abc123"),
    Column("buyer_name", pl.String, "买家姓名", "Buyer name", "who paid", "王芳"),
    Column("receiver_name", pl.String, "收货人", "Receiver", "who receives", "王芳"),
    Column("receiver_phone", pl.String, "收货电话", "Receiver phone", "as exported, blanks cut", "13800001234"),
    Column("province", pl.String, "省", "Province", "receiver's province", "广东省"),
    Column("city", pl.String, "市", "City", "receiver's city", "深圳市"),
    Column("district", pl.String, "区县", "District", "receiver's district", "南山区"),
    Column("address", pl.String, "收货地址", "Address", "full or detailed address, as exported", "科技园路 1 号"),
    Column("amount", MONEY, "实付金额", "Paid amount", "paid, in `currency`", "299.00"),
    Column("discount", MONEY, "优惠金额", "Discount", "total discount, in `currency`", "30.00"),
    Column("coupon", pl.String, "优惠券", "Coupon", "coupon used; '' = none, null = not exported", "满 200 减 30"),
    Column("buyer_note", pl.String, "买家留言", "Buyer note", "'' = none, null = not exported", "请尽快发货"),
    Column("seller_note", pl.String, "卖家备注", "Seller note", "'' = none, null = not exported", "老客户"),
    Column(
        "created_at",
        INSTANT,
        "下单时间",
        "Ordered at",
        "instant, UTC; known to the day only: local midnight and 0.271828 s",
        "2026-11-10T16:00:03Z",
    ),
    Column("paid_at", INSTANT, "付款时间", "Paid at", "instant, UTC", "2026-11-10T16:00:30Z"),
    Column("registered_at", INSTANT, "注册时间", "Registered at", "instant, UTC", "2026-11-08T03:00:00Z"),
    Column("promised_at", INSTANT, "承诺发货时间", "Promised ship time", "instant, UTC", "2026-11-12T16:00:00Z"),
    Column(
        "shipped_at",
        INSTANT,
        "发货时间",
        "Shipped at",
        "instant, UTC; of several parcels the last",
        "2026-11-12T03:00:00Z",
    ),
    Column(
        "delivered_at",
        INSTANT,
        "签收时间",
        "Delivered at",
        "instant, UTC; of several parcels the last; not when the buyer confirmed",
        "2026-11-14T07:30:00Z",
    ),
    Column("prior_orders", pl.Int64, "历史订单数", "Prior orders", "orders of this account before this one", "0"),
    Column("ip", pl.String, "下单 IP", "IP", "address the order came from", "192.0.2.7"),
    Column("device_id", pl.String, "设备号", "Device", "device identifier", "A1B2C3"),
    Column("email", pl.String, "邮箱", "E-mail", "buyer's e-mail", "wang@example.com"),
    Column("ship_from", pl.String, "发货地", "Ship-from", "warehouse or place it leaves from", "杭州仓"),
    Column("currency", pl.String, "币种", "Currency", "ISO 4217; null = the shop's own (CNY)", "CNY"),
    Column("source_file", pl.String, "来源文件", "File", "file the order was read from", "jd.csv"),
    Column("source_row", pl.Int64, "来源行", "Row", "its row there, 1-based", "17"),
)

LINES: Final = (
    Column("platform", pl.String, "平台", "Platform", "of the order", "jd"),
    Column("order_id", pl.String, "订单编号", "Order ID", "of the order", "2026111100012345"),
    Column("sku", pl.String, "商品编码", "SKU", "stock keeping unit", "NF-900-3"),
    Column("title", pl.String, "商品名称", "Title", "item title", "奶粉 3 段 900g"),
    Column("quantity", pl.Float64, "数量", "Quantity", "units", "2"),
    Column("unit_price", MONEY, "单价", "Unit price", "in the order's currency", "149.50"),
)

FACTS: Final = (
    Column(
        "amount_cny",
        pl.Float64,
        "折合人民币",
        "Amount in yuan",
        "paid amount by the rulebook's `rates:`; null for a currency that is not in it",
        "2130.00",
    ),
    Column(
        "phone_key",
        pl.String,
        "收货电话",
        "Phone",
        "canonical number; null = masked, virtual or blank: never groups",
        "13800001234",
    ),
    Column("phone_region", pl.String, "号码归属地", "Phone region", "home region of the number", "广东深圳"),
    Column(
        "phone_why",
        pl.String,
        "归属地缺失原因",
        "Why no region",
        "blank, masked, virtual, unknown_prefix, unreadable",
        "masked",
    ),
    Column(
        "phone_km",
        pl.Float64,
        "归属地距离",
        "Phone distance",
        "km from the number's home region to the ship-from place",
        "2411.7",
    ),
    Column(
        "address_key",
        pl.String,
        "收货地址",
        "Address",
        "region and address without blanks; null = masked, blank, or an address column of under four characters",
        "广东省深圳市南山区某路1号",
    ),
    Column(
        "person_key",
        pl.String,
        "同一人",
        "Person",
        "equal for orders linked by phone, account, e-mail, or name with address; null = nothing readable links it",
        "P-3fa20c91d7be",
    ),
    Column("ship_place", pl.String, "发货城市", "Ship-from place", "ship-from as understood", "杭州市"),
    Column("ship_province", pl.String, "发货省份", "Ship-from province", "province of the ship-from place", "浙江省"),
    Column("ship_city", pl.String, "发货市", "Ship-from city", "prefecture of the ship-from place", "杭州市"),
    Column("phone_province", pl.String, "归属省份", "Phone province", "province of the number's home region", "广东省"),
    Column("phone_city", pl.String, "归属城市", "Phone city", "prefecture of the number's home region", "深圳市"),
    Column("phone_country", pl.String, "号码国家", "Phone country", "ISO 3166-1 alpha-2", "CN"),
    Column("addr_province", pl.String, "地址省份", "Address province", "read from columns and text", "广东省"),
    Column("addr_city", pl.String, "地址城市", "Address city", "read from columns and text", "深圳市"),
    Column("addr_district", pl.String, "地址区县", "Address district", "read from columns and text", "南山区"),
    Column("addr_detail", pl.String, "详细地址", "Address detail", "what follows the region", "某路1号"),
    Column(
        "addr_state",
        pl.String,
        "地址状态",
        "Address state",
        "ok, contradictory, ambiguous, no_region, no_detail, typo, masked, blank",
        "ok",
    ),
    Column(
        "address_km", pl.Float64, "收货距离", "Address distance", "km from the address to the ship-from place", "120.5"
    ),
    Column(
        "phone_address_km",
        pl.Float64,
        "号码到收货地",
        "Phone to address",
        "km from the number's home region to the address",
        "1200.1",
    ),
    Column(
        "name_key",
        pl.String,
        "收货人",
        "Receiver",
        "receiver's name without blanks; null = masked or blank: never groups",
        "张三",
    ),
    Column(
        "buyer_name_key",
        pl.String,
        "买家",
        "Buyer",
        "buyer's name without blanks; null = masked or blank: never groups",
        "张三",
    ),
    Column(
        "email_key",
        pl.String,
        "邮箱",
        "E-mail",
        "mail address in one width and case; null = masked or blank: never groups",
        "ana@example.com",
    ),
    Column(
        "account_key",
        pl.String,
        "买家账号",
        "Account",
        "platform and account; null = masked or blank",
        "jd jd_abc123",
    ),
    Column(
        "basket",
        pl.String,
        "商品清单",
        "Basket",
        "code (else title) and quantity of each item, sorted; null = no item was exported",
        "NF-900-3 2",
    ),
)

FINDINGS: Final = (
    Column("platform", pl.String, "平台", "Platform", "of the order", "jd"),
    Column("order_id", pl.String, "订单编号", "Order ID", "of the order", "2026111100012345"),
    Column("rule_id", pl.String, "规则", "Rule", "permanent id of the rule", "ip-burst"),
    Column(
        "rule_fingerprint",
        pl.String,
        "规则指纹",
        "Fingerprint",
        "12 hex digits of its kind, settings and scope",
        "9f86d081884c",
    ),
    Column("value", pl.Float64, "测量值", "Value", "the measured number", "6"),
    Column(
        "reason",
        pl.String,
        "原因",
        "Reason",
        "a sentence in the rulebook's language",
        "同一 IP 5 分钟内 6 单（上限 3）",
    ),
)

COVERAGE: Final = (
    Column("rule_id", pl.String, "规则", "Rule", "permanent id of the rule", "ip-burst"),
    Column("platform", pl.String, "平台", "Platform", "of the orders", "jd"),
    Column("judged", pl.Int64, "已判断", "Judged", "orders the rule could decide", "980"),
    Column("hits", pl.Int64, "命中", "Hits", "of these, flagged", "12"),
    Column("not_evaluable", pl.Int64, "无法判断", "Not evaluable", "orders it could not decide", "20"),
)

DECISIONS: Final = (
    Column("platform", pl.String, "平台", "Platform", "of the order", "jd"),
    Column("order_id", pl.String, "订单编号", "Order ID", "of the order", "2026111100012345"),
    Column("score", pl.Float64, "分数", "Score", "sum of points", "70"),
    Column("band", pl.String, "级别", "Band", "pass, review or hold", "hold"),
    Column("profile", pl.String, "时段", "Profile", "the promotion that held for the order, else `base`", "base"),
    Column(
        "probability",
        pl.Float64,
        "异常概率",
        "Probability",
        "of being abnormal; null until `learn` has calibrated scores",
        "0.87",
    ),
)

CASES: Final = (
    Column("case_id", pl.String, "案件号", "Case", "permanent, from the order key", "C-5f1c0a92b3d4"),
    Column("platform", pl.String, "平台", "Platform", "of the order", "jd"),
    Column("order_id", pl.String, "订单编号", "Order ID", "of the order", "2026111100012345"),
    Column("cluster", pl.String, "关联组", "Cluster", "linked orders share one", "K-3e1a55d0c2b7"),
    Column("cluster_size", pl.Int64, "组内订单", "Cluster size", "orders in it", "4"),
    Column("linked_by", pl.String, "关联依据", "Linked by", "what links them", "ip 192.0.2.7"),
    Column("agent", pl.String, "处理人", "Agent", "who handles it", "小李"),
    Column("due_at", INSTANT, "处理时限", "Due at", "when a decision is needed", "2026-11-11T08:00:00Z"),
)

ITEM_END: Final = "\x1e"
ITEM_MARK: Final = "\x1f"
"""`basket` is `code MARK quantity`, joined by END: control characters, which no code holds (they are blanks in text)."""

KEY: Final = ("platform", "order_id")
TEXT_ORDER_COLUMNS: Final = tuple(c.name for c in ORDERS if c.dtype == pl.String and not c.name.startswith("source_"))
TIME_COLUMNS: Final = tuple(c.name for c in ORDERS if c.dtype == INSTANT)
MONEY_COLUMNS: Final = tuple(c.name for c in ORDERS if c.dtype == MONEY)
LINE_ONLY: Final = ("sku", "title", "quantity", "unit_price")
LINKS: Final = ("ip", "phone_key", "address_key", "device_id", "buyer_id")
"""What flagged orders may share, which makes them a cluster."""
BY_NAME: Final = {c.name: c for c in (*ORDERS, *LINES, *FACTS, *FINDINGS, *DECISIONS, *CASES)}


def to_the_day(at: pl.Expr) -> pl.Expr:
    """Whether an instant is known to the day only (see `DAY_ONLY`)."""
    return at.to_physical() % 900_000_000 == DAY_ONLY


def schema(columns: tuple[Column, ...]) -> dict[str, pl.DataType | type[pl.DataType]]:
    """The Polars schema of one of the frames above."""
    return {c.name: c.dtype for c in columns}


def heading(name: str, locale: str) -> str:
    """The heading of a column as users read it (`locale` zh-CN or en)."""
    column = BY_NAME.get(name)
    if column is None:
        return name
    return column.zh if locale.startswith("zh") else column.en
