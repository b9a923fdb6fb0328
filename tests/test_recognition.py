"""How well headers are recognised that nobody showed us: other selections of columns, other years' names, ERPs."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from house import NOW, book

from orderguard.errors import OrderguardError
from orderguard.platforms import load_profiles, match_header
from orderguard.platforms.profile import heading_key
from orderguard.platforms.telling import telling_headings
from orderguard.route import Team
from orderguard.stages.options import Options
from orderguard.stages.reading import Read, read_orders

if TYPE_CHECKING:
    from orderguard.platforms import Match

PROFILES = load_profiles()
HEADERS = json.loads((Path(__file__).parent / "headers.json").read_text(encoding="utf-8"))
STRANGE = ("自定义列", "审核人", "X1", "内部批次", "打印次数", "Reviewed by", "Internal ref")
FORMS = ("{}", " {}", "{} ", "　{}", "{}\t", "*{}", "{}：")
RULES = book("{id: a, kind: round_amount, points: 1, with: {}, says: x}")
# Names that these systems gave or give their columns in other years, menus and plug-ins; None: none of ours.
VARIANTS: dict[str, dict[str | None, list[str]]] = {
    "taobao": {
        "order_id": ["主订单编号"], None: ["支付单号", "买家应付货款"], "buyer_id": ["买家昵称"], "amount": ["买家实付金额"], "title": ["商品标题"], "seller_note": ["商家备忘", "卖家备注"],
        "promised_at": ["应发货时间"], "receiver_phone": ["收货手机", "收货人手机号"], "receiver_name": ["收件人", "收货人"], "paid_at": ["订单付款时间", "付款时间", "支付时间"],
        "created_at": ["拍下时间", "创建时间", "下单时间"], "buyer_note": ["买家备注"], "province": ["省份"], "city": ["城市"], "district": ["区县"], "address": ["详细地址"],
        "quantity": ["宝贝数量"], "discount": ["优惠金额"], "ship_from": ["发货仓库"],
    },
    "jd": {
        "order_id": ["订单编号"], "buyer_id": ["下单账号", "下单帐号", "用户账号"], "receiver_name": ["收货人姓名", "收货人", "客户姓名"], "address": ["收货地址"],
        "receiver_phone": ["手机号", "联系方式", "收货人电话"], "paid_at": ["付款时间", "支付时间"], "buyer_note": ["买家备注", "买家留言"], "quantity": ["商品数量"],
        "sku": ["商品编号", "SKUID", "商家SKU"], "amount": ["订单总额", "实付金额", "用户应付金额"], "discount": ["优惠金额"], "coupon": ["优惠券"], "email": ["邮箱地址"], "ship_from": ["仓库名称"],
        "created_at": ["下单日期"], "shop": ["店铺名称"], "province": ["省"], "city": ["市"], "district": ["县"], "promised_at": ["承诺发货时间"],
    },
    "douyin": {
        "order_id": ["订单编号", "订单号"], "line_id": ["子订单号"], "title": ["商品名称"], "unit_price": ["商品单价"], "amount": ["应付金额", "实付金额", "订单实付金额"], "receiver_name": ["收货人"],
        "receiver_phone": ["收货人手机号", "收件人手机号码", "手机号"], "district": ["区/县"], "city": ["城市"], "province": ["省份"], "address": ["收货地址"],
        "created_at": ["下单时间", "订单创建时间"], "paid_at": ["支付时间", "付款时间"], "buyer_note": ["用户留言", "买家备注"], "seller_note": ["卖家备注"], "shop": ["店铺名称"],
        "ship_from": ["发货仓库"], "promised_at": ["最晚发货时间"], "discount": ["优惠金额"], "sku": ["货号", "SKU编码"],
    },
    "pdd": {
        "order_id": ["订单编号"], "title": ["商品名称", "商品标题"], "quantity": ["商品数量"], "amount": ["实付金额(元)", "用户实付金额", "订单金额(元)"], "receiver_name": ["收货人姓名", "收件人"],
        "receiver_phone": ["收货人手机", "收件人手机", "手机号", "联系电话"], "address": ["收货地址", "详细地址"], "created_at": ["下单时间", "订单创建时间"], "paid_at": ["支付时间", "付款时间"],
        "promised_at": ["最晚发货时间", "承诺发货时间"], "buyer_note": ["用户留言", "买家备注", "备注"], "province": ["省份"], "city": ["城市"], "district": ["区县"], "sku": ["商家编码"],
        "shop": ["店铺名称"],
    },
    "kuaishou": {
        "order_id": ["订单编号"], "created_at": ["下单时间", "创建时间"], "paid_at": ["支付时间", "付款时间"], "amount": ["实付金额"], "title": ["商品标题"], "quantity": ["商品数量", "购买数量"],
        "receiver_name": ["收货人", "收件人"], "receiver_phone": ["收货人手机号", "收件人手机"], "province": ["省"], "city": ["市"], "district": ["区"], "address": ["详细地址", "收件人地址"],
        "buyer_note": ["买家备注"], "seller_note": ["商家备注"], "promised_at": ["承诺发货时间"], "sku": ["商家编码"], "buyer_id": ["买家昵称"], "shop": ["店铺名称"],
    },
    "xiaohongshu": {
        "order_id": ["订单编号"], None: ["包裹号"], "receiver_name": ["收件人", "收货人", "收货人姓名"], "receiver_phone": ["收件人手机号", "收货人电话"], "address": ["收货地址", "详细地址"],
        "created_at": ["下单时间", "创建时间"], "paid_at": ["付款时间", "订单支付时间"], "amount": ["用户实付金额(元)", "实付金额(元)"], "buyer_note": ["买家备注", "用户留言"], "seller_note": ["商家备注"],
        "quantity": ["商品数量"], "sku": ["规格编码"], "buyer_id": ["用户ID"], "province": ["省份"], "city": ["城市"], "district": ["区县"], "ship_from": ["仓库名称"],
    },
    "wechat": {
        "order_id": ["订单编号"], "created_at": ["下单时间", "订单创建时间"], "paid_at": ["付款时间", "订单支付时间"], "receiver_name": ["收货人", "收货人姓名"],
        "receiver_phone": ["收货人手机号", "收件人手机号"], "address": ["收货地址"], "amount": ["实付金额", "实际支付金额"], "buyer_note": ["用户备注", "买家留言"], "seller_note": ["卖家备注"],
        "province": ["省份"], "city": ["城市"], "district": ["区县"], "promised_at": ["承诺发货时间"], "shop": ["店铺名称"], "buyer_id": ["买家openid"], "sku": ["商品编码"],
    },
    "youzan": {
        "order_id": ["订单编号"], "created_at": ["下单时间"], "paid_at": ["付款时间", "支付时间"], "amount": ["实付金额"], "receiver_name": ["收货人", "收货人姓名"],
        "receiver_phone": ["收货人手机号", "收货人手机", "买家手机号"], "address": ["收货地址", "详细收货地址"], "province": ["收货人省"], "city": ["收货人市"], "buyer_note": ["买家留言"],
        "seller_note": ["商家备注", "卖家备注"], "sku": ["商品编码", "规格编码"], "quantity": ["商品数量"], "unit_price": ["商品单价"], "buyer_id": ["客户昵称"], "discount": ["优惠金额"],
        "shop": ["店铺名称"],
    },
    "1688": {
        "order_id": ["订单号"], "receiver_name": ["收货人", "收件人"], "receiver_phone": ["手机", "收货人手机"], "created_at": ["下单时间", "创建时间"], "paid_at": ["付款时间", "支付时间"],
        "amount": ["实付金额", "订单金额"], "quantity": ["数量"], "sku": ["货号", "SKU"], "buyer_id": ["买家昵称"], "title": ["货品名称"], "unit_price": ["单价"], "buyer_note": ["买家备注"],
        "seller_note": ["卖家备忘"],
    },
    "shopify": {
        "order_id": ["Order ID", "Order", "Order Name"], "email": ["Customer Email"], "buyer_name": ["Customer Name"], "amount": ["Total Price", "Order Total"],
        "ip": ["Browser IP", "IP Address", "Client IP"], "buyer_note": ["Note"], "sku": ["Lineitem SKU"], None: ["Shipping Zone"],
        "address": ["Shipping Address 1", "Shipping Address"], "created_at": ["Processed at", "Date"], "coupon": ["Discount Codes"],
        "discount": ["Total Discounts"], "receiver_phone": ["Customer Phone"], "buyer_id": ["Customer ID"], "prior_orders": ["Customer Orders Count"],
        "currency": ["Order Currency"],
    },
    "woocommerce": {
        "order_id": ["Order Number", "Order ID"], "created_at": ["Order Date", "order_date_created", "Date Created", "date"], "paid_at": ["Date Paid", "Paid Date"],
        "status": ["Order Status"], "amount": ["Order Total", "Order Total Amount", "total"], "buyer_note": ["Customer Note", "customer_notes"],
        "ip": ["Customer IP Address", "customer_ip"], "buyer_name": ["First Name (Billing)"],
        "receiver_phone": ["Billing Phone", "Phone (Billing)", "billing_phone"], "email": ["Email (Billing)"], "receiver_name": ["First Name (Shipping)"],
        "address": ["Address 1&2 (Shipping)", "shipping_address"], "city": ["City (Shipping)"], "province": ["State Code (Shipping)"],
        "coupon": ["Coupon Code", "Coupons"], "currency": ["Order Currency", "currency"], "sku": ["SKU"], "title": ["Item Name"],
        "quantity": ["Quantity", "Quantity (- Refund)"], "unit_price": ["Item Cost"], "discount": ["Discount Amount", "Cart Discount Amount"],
        None: ["shipping_company", "payment_method"], "buyer_id": ["Customer User ID"],
    },
    "amazon": {
        "order_id": ["amazon-order-id"], "status": ["order-status"], "promised_at": ["promise-date", "latest-ship-date"], "receiver_phone": ["ship-phone-number"],
        "sku": ["asin"], "quantity": ["quantity", "quantity-purchased", "quantity-to-ship"], "amount": ["item-price"], "coupon": ["promotion-ids"],
        "province": ["ship-state"], "city": ["ship-city"], "created_at": ["purchase-date"], "buyer_name": ["buyer-name"],
        None: ["reporting-date", "fulfillment-channel", "order-channel", "last-updated-date", "days-past-promise"], "title": ["product-name"],
        "currency": ["currency"], "email": ["buyer-email"], "receiver_name": ["recipient-name"], "address": ["ship-address-1"],
    },
    "tiktok": {
        "status": ["Order Status"], None: ["Seller sku input by the seller in the product system.", "Villages", "Zipcode", "RTS Time", "Cancelation/Return Type"],
        "buyer_name": ["Buyer Nickname"], "receiver_name": ["Recipient Name"], "receiver_phone": ["Phone"], "province": ["Province"], "city": ["City", "Districts"],
        "district": ["District"], "address": ["Address", "Street Name", "House Name or Number", "Address Line 1", "Full Address"],
        "created_at": ["Created Time", "Order Created Time"], "paid_at": ["Paid Time"], "amount": ["Total Order Amount", "Order Total"],
        "buyer_note": ["Buyer Note"], "seller_note": ["Seller Note"], "ship_from": ["Warehouse Name"], "promised_at": ["Ship By"],
        "email": ["Email", "Buyer Email"], "currency": ["Currency"], "quantity": ["SKU Quantity"],
    },
    "lazada": {
        "order_id": ["Order Number", "Order Id"], "line_id": ["Order Item Id", "Lazada Id"], "sku": ["Seller SKU", "Lazada SKU"], "created_at": ["Created at"],
        None: ["Updated at", "Wallet Credits"], "buyer_name": ["Customer Name"], "email": ["Customer Email"], "receiver_name": ["Shipping Name"],
        "address": ["Shipping Address"], "receiver_phone": ["Shipping Phone Number"], "city": ["Shipping City"], "province": ["Shipping Region"],
        "amount": ["Paid Price"], "unit_price": ["Unit Price"], "title": ["Item Name"], "status": ["Status"],
        "promised_at": ["promised_shipping_time", "Promised shipping time"], "buyer_note": ["buyerNote"], "ship_from": ["ware_house"],
    },
    "ebay": {
        "order_id": ["Order number", "Sales record number"], "buyer_id": ["Buyer username", "User Id"], "buyer_name": ["Buyer name", "Buyer Fullname"],
        "receiver_phone": ["Buyer Phone Number", "Post to phone", "Ship to phone"], "email": ["Buyer email"], "buyer_note": ["Buyer note"],
        "seller_note": ["Notes to Yourself"], "title": ["Item title"], "sku": ["Custom label", "Custom Label (SKU)", "Custom label (SKU)"],
        "unit_price": ["Sold for", "Sale Price"], "amount": ["Total price", "Order total"], "created_at": ["Sale date", "Order date"], "paid_at": ["Paid on date"],
        "promised_at": ["Post by date", "Dispatch by date"], "receiver_name": ["Post to name"], "address": ["Post to address 1"], "city": ["Post to city"],
        "province": ["Post to county", "Ship to state"],
    },
    "etsy": {
        "order_id": ["Order ID"], "created_at": ["Sale Date"], "paid_at": ["Date Paid"], "buyer_id": ["Buyer"], "receiver_name": ["Ship Name"],
        "address": ["Ship Address1", "Delivery Address1"], "amount": ["Order Total"], "coupon": ["Coupon Code"], "title": ["Item Name"], "unit_price": ["Price"],
        None: ["Item Total", "Listing ID", "Variations"], "line_id": ["Transaction ID"], "quantity": ["Quantity"], "sku": ["SKU"],
        "buyer_note": ["Note from buyer", "Message from buyer"], "seller_note": ["Private Notes"], "email": ["Buyer email"], "city": ["Ship City", "Delivery City"],
        "province": ["Ship State"], "currency": ["Currency"],
    },
}  # fmt: skip
ERPS: dict[str, dict[str, str]] = {
    "聚水潭": {"线上订单号": "order_id", "店铺": "shop", "状态": "status", "买家帐号": "buyer_id", "收货人": "receiver_name", "手机": "receiver_phone", "省": "province", "市": "city", "区": "district",
             "地址": "address", "已付金额": "amount", "优惠金额": "discount", "买家留言": "buyer_note", "卖家备注": "seller_note", "订单时间": "created_at", "付款日期": "paid_at",
             "最晚发货时间": "promised_at", "发货仓": "ship_from", "商品编码": "sku", "商品名称": "title", "数量": "quantity", "单价": "unit_price", "线上子订单号": "line_id", "币种": "currency"},
    "旺店通": {"原始单号": "order_id", "平台类型": "platform", "店铺名称": "shop", "客户网名": "buyer_id", "收件人": "receiver_name", "联系电话": "receiver_phone", "收货地址": "address", "交易时间": "created_at",
             "付款时间": "paid_at", "应收金额": "amount", "客服备注": "seller_note", "仓库": "ship_from", "商家编码": "sku", "货品名称": "title", "货品数量": "quantity"},
    "管易": {"平台单号": "order_id", "会员名称": "buyer_id", "收货人手机": "receiver_phone", "拍单时间": "created_at", "支付金额": "amount", "让利金额": "discount", "买家备注": "buyer_note", "仓库名称": "ship_from", "商品代码": "sku"},
    "金蝶": {"网店订单号": "order_id", "收货联系人": "receiver_name", "联系手机": "receiver_phone", "价税合计": "amount", "币别": "currency", "物料编码": "sku", "物料名称": "title", "销售数量": "quantity", "单据日期": "created_at"},
    "magento": {"increment_id": "order_id", "created_at": "created_at", "customer_email": "email", "grand_total": "amount", "remote_ip": "ip", "coupon_code": "coupon", "discount_amount": "discount",
                "order_currency_code": "currency", "store_name": "shop", "shipping_telephone": "receiver_phone", "status": "status"},
    "bigcommerce": {"Order ID": "order_id", "Customer ID": "buyer_id", "Customer Name": "buyer_name", "Customer Email": "email", "Customer Phone": "receiver_phone", "Order Date": "created_at", "Order Status": "status",
                    "Order Total (inc tax)": "amount", "Order Currency Code": "currency", "Coupon Details": "coupon", "Customer Message": "buyer_note", "Staff Notes": "seller_note"},
    "odoo": {"Order Reference": "order_id", "Creation Date": "created_at", "Customer": "buyer_id", "Total": "amount", "Status": "status", "Warehouse": "ship_from", "Currency": "currency"},
    "square": {"Order": "order_id", "Order Date": "created_at", "Order Total": "amount", "Recipient Name": "receiver_name", "Recipient Phone": "receiver_phone", "Recipient Address": "address", "Recipient City": "city",
               "Recipient Region": "province", "Item Name": "title", "Item SKU": "sku", "Item Quantity": "quantity", "Item Price": "unit_price", "Order Notes": "buyer_note", "Fulfillment Location": "ship_from"},
    "wix": {"Order number": "order_id", "Date created": "created_at", "Contact email": "email", "Note from customer": "buyer_note", "Item": "title", "Recipient name": "receiver_name", "Recipient phone": "receiver_phone",
            "Delivery address": "address", "Delivery city": "city", "Delivery state": "province", "Payment status": "status", "Total": "amount", "Currency": "currency"},
    "prestashop": {"id_order": "order_id", "date_add": "created_at", "total_paid_tax_incl": "amount", "id_customer": "buyer_id", "phone_mobile": "receiver_phone", "address1": "address", "current_state": "status"},
}  # fmt: skip


def columns_of(match: Match, heading: str) -> list[str]:
    return [n for n, p in match.picks.items() if heading in p.all_sources()]


@pytest.mark.parametrize(("keep", "least"), [(0.9, 1.0), (0.7, 0.998), (0.5, 0.99), (0.3, 0.95), (0.15, 0.9)])
def test_selections_of_columns_are_recognised(keep: float, least: float) -> None:
    """Columns dropped, added, shuffled, with full-width brackets, blanks and stars: the platform, and every column that the file holds."""
    rng = random.Random(7)
    right = count = 0
    for key, header in HEADERS.items():
        whole = match_header(header["header"], PROFILES)
        full = list(dict.fromkeys(h.strip() for h in header["header"]))
        numbers = [s.strip() for s in whole.picks["order_id"].all_sources()]
        for _ in range(12):
            kept = rng.sample(full, max(4, round(len(full) * keep)))
            kept += [] if any(n in kept for n in numbers) else numbers[:1]
            kept += rng.sample(STRANGE, rng.randint(0, 3))
            rng.shuffle(kept)
            form, wide = rng.choice(FORMS), rng.random() < 0.5
            shown = [form.format(h.translate(str.maketrans("()", "（）")) if wide else h) for h in kept]
            match = match_header(shown, PROFILES)
            count += 1
            right += match.profile.platform == header["platform"]
            if match.profile.platform != header["platform"]:
                assert match.profile.platform == "generic", (key, kept)  # never another platform's
                continue
            have = {heading_key(h) for h in shown}
            for name in whole.picks:
                profile = whole.profile if match.profile is whole.profile else match.profile
                pick = profile.pick(name)
                plus = pick.sources[: len(pick.sources) - pick.less] if pick else ()
                assert name in match.picks or not {heading_key(s) for s in plus} & have, (key, name, kept)
    assert right / count >= least, right / count


@pytest.mark.parametrize("platform", VARIANTS)
def test_names_of_other_years(platform: str) -> None:
    """Each beside an order number and three headings that only this platform has."""
    profile = next(p for p in PROFILES if p.platform == platform and not p.variant)
    telling = telling_headings(PROFILES)[platform, ""]
    read = {heading_key(s) for c in profile.columns for s in profile.pick(c).all_sources()}  # type: ignore[union-attr]
    marks = sorted((h for h in profile.signature if heading_key(h) in telling), key=lambda h: heading_key(h) in read)[:3]
    number = profile.pick("order_id").sources[0]  # type: ignore[union-attr]
    for column, names in VARIANTS[platform].items():
        for name in names:
            match = match_header([*([number] if column != "order_id" else []), name, *marks], PROFILES)
            assert match.profile.platform == platform, name
            assert column in columns_of(match, name) if column else not columns_of(match, name), name


@pytest.mark.parametrize("erp", ERPS)
def test_shop_systems_without_a_profile_are_read_by_the_usual_names(erp: str) -> None:
    match = match_header(list(ERPS[erp]), PROFILES)
    assert match.profile.platform == "generic"
    assert not {h: c for h, c in ERPS[erp].items() if c not in columns_of(match, h)}


@pytest.mark.parametrize(("heading", "column"), [("实付金额（单位：元）", "amount"), ("实付金额[元]", "amount"), ("【实付金额】", None), ("下单时间：", "created_at"), ("* 收货人（必填）", "receiver_name"), ("收 货 人", "receiver_name")])
def test_marks_and_units_of_headings(heading: str, column: str | None) -> None:
    assert columns_of(match_header(["订单编号", "商品名称", heading], PROFILES), heading) == ([column] if column else [])


def scan(path: Path, head: list[str], *rows: list[str]) -> Read:
    pl.DataFrame(list(rows), schema=head, orient="row").write_csv(path)
    return read_orders(Options([str(path)], RULES, Team(), path.parent / "out", path.parent / "ledger", NOW, "r"), PROFILES)


@pytest.mark.parametrize(("form", "platform"), [("260517-60719897434{:04}", "pdd"), ("250-0000000-000{:04}", "amazon"), ("P80233518995101{:04}", "xiaohongshu"), ("01-12345-1{:04}", "ebay"), ("30{:014}", "generic")])
def test_order_numbers_tell_what_headings_do_not(tmp_path: Path, form: str, platform: str) -> None:
    """Three columns that every system has: the form of the numbers decides, and it is said; a 平台 column outweighs it."""
    numbers = [form.format(n) for n in range(20)]
    read = scan(tmp_path / "a.csv", ["订单号", "商家备注", "下单时间"], *[[n, "x", "2026-08-01 10:00:00"] for n in numbers])
    assert read.files[0]["platform"] == platform
    assert any("订单编号的格式" in p.text("zh-CN") for p in read.problems) == (platform != "generic")
    named = scan(tmp_path / "b.csv", ["订单号", "平台", "下单时间"], *[[n, "自营", "2026-08-01 10:00:00"] for n in numbers])
    assert named.files[0]["platform"] == "generic"
    mixed = scan(tmp_path / "c.csv", ["订单号", "商家备注", "下单时间"], *[[n if i % 3 else f"X{i}", "x", "2026-08-01 10:00:00"] for i, n in enumerate(numbers)])
    assert mixed.files[0]["platform"] == "generic"


def test_a_number_and_a_heading_that_only_one_system_has_are_enough() -> None:
    match = match_header(["Order ID", "Card Processing Fees"], PROFILES)
    assert (match.profile.platform, set(match.picks)) == ("etsy", {"order_id"})
    with pytest.raises(OrderguardError):
        match_header(["订单编号", "商品规格"], PROFILES)


@pytest.mark.parametrize("header", [["order_id", "created_at", "amount", "country", "zipcode", "ip"], ["Order ID", "Created Time", "Paid Time", "Amount", "Subtotal", "Tags"], ["order_number", "order_date", "total", "tracking_code", "shipping fee"],
                                    ["订单号", "下单时间", "实付金额", "邮编", "运费", "快递单号", "发票抬头", "退款金额"], ["订单编号", "下单时间", "实付款", "成交数量", "结算金额", "发货方式"]])  # fmt: skip
def test_words_that_every_shop_uses_tell_no_platform(header: list[str]) -> None:
    assert match_header(header, PROFILES).profile.platform == "generic"


def test_a_count_of_all_orders_is_not_one_of_earlier_orders() -> None:
    """Shopify's `orders_count` is a customer's total, the current order in it: read as `prior_orders`, no first order would be one."""
    picks = match_header(["order_id", "created_at", "amount", "address", "orders_count", "prior_orders"], PROFILES).picks
    assert picks["prior_orders"].sources == ("prior_orders",)
    assert "prior_orders" not in match_header(["order_id", "created_at", "amount", "address", "orders_count"], PROFILES).picks
