"""What orders are grouped by, and whom they are counted by: the names in a rulebook, Chinese ones too, and our columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderguard.columns import FACTS, ORDERS
from orderguard.errors import Words, closest

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYS = {
    "ip": "ip", "phone": "phone_key", "receiver_phone": "phone_key", "address": "address_key", "device": "device_id",
    "device_id": "device_id", "account": "account_key", "buyer_id": "buyer_id", "email": "email_key",
    "receiver_name": "name_key", "shop": "shop", "platform": "platform", "basket": "basket", "items": "basket",
    "buyer_name": "buyer_name_key", "city": "city", "province": "province", "coupon": "coupon", "ship_from": "ship_from",
    "amount": "amount", "person": "person_key",
}  # fmt: skip
ZH = {
    "ip": "IP", "phone_key": "收货电话", "address_key": "收货地址", "device_id": "设备", "buyer_id": "买家账号", "account_key": "买家账号",
    "email_key": "邮箱", "name_key": "收货人", "shop": "店铺", "platform": "平台", "basket": "商品", "buyer_name_key": "买家",
    "city": "市", "province": "省", "coupon": "优惠券", "ship_from": "发货地", "amount": "金额", "discount": "优惠金额",
    "person_key": "人（电话、账号或姓名地址相同）",
}  # fmt: skip
EN = {
    "ip": "IP", "phone_key": "phone", "address_key": "address", "device_id": "device", "buyer_id": "account", "account_key": "account",
    "basket": "basket", "name_key": "receiver", "person_key": "person", "email_key": "email", "buyer_name_key": "buyer_name",
}  # fmt: skip
_MORE = {
    "电话": "receiver_phone", "手机": "receiver_phone", "手机号": "receiver_phone", "联系电话": "receiver_phone", "收货手机": "receiver_phone",
    "地址": "address", "详细地址": "address", "账号": "account", "买家账号": "account", "会员": "account", "买家ID": "account", "设备": "device_id",
    "设备号": "device_id", "IP": "ip", "下单IP": "ip", "收件人": "receiver_name", "姓名": "receiver_name", "买家": "buyer_name",
    "商品": "basket", "商品清单": "basket", "人": "person", "同一人": "person", "城市": "city", "地级市": "city", "省份": "province", "区": "district",
    "县": "district", "金额": "amount", "留言": "buyer_note", "买家备注": "buyer_note", "备注": "seller_note", "卖家留言": "seller_note",
    "券": "coupon", "仓库": "ship_from", "货号": "sku", "商品编码": "sku", "类目": "category", "品类": "category", "渠道": "platform",
    "实付": "amount", "店名": "shop", "店铺名称": "shop", "邮件": "email",
}  # fmt: skip


def spelt(word: str, known: Iterable[str], what: Words) -> str:
    """The name among `known` that a word of a rulebook means: itself, or its heading in Chinese or English.

    Raises:
        ValueError: none; `what` says what is wrong with `{}` (the word), a hint follows.
    """
    names = list(known)
    if word in names:
        return word
    plain = "".join(word.split()).casefold()
    chinese = {c.zh: c.name for c in (*ORDERS, *FACTS)} | _MORE
    headings = {"".join(k.split()).casefold(): v for k, v in chinese.items()}
    headings |= {"".join(c.en.split()).casefold(): c.name for c in ORDERS}
    meant = headings.get(plain, "")
    # Of the two names of one column the one that this setting knows.
    told = next((n for n in (meant, _TWINS.get(meant, ""), plain) if n in names), None)
    if told is not None:
        return told
    fits = [h for h, name in chinese.items() if name in names or _TWINS.get(name) in names]
    hint = closest(word, fits if not word.isascii() else names)
    raise ValueError(Words(f"{what.zh.format(repr(word))}；{hint.zh}", f"{what.en.format(repr(word))}; {hint.en}"))


_TWINS = {"account": "buyer_id", "buyer_id": "account", "device_id": "device", "receiver_phone": "phone", "phone_key": "phone",
          "address_key": "address", "account_key": "account", "person_key": "person", "receiver_name": "receiver",
          "name_key": "receiver_name", "email_key": "email", "buyer_name_key": "buyer_name"}  # fmt: skip
