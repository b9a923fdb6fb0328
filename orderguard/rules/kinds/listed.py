"""Block, watch and allow lists.

Flags:
    orders that meet a `block` or `watch` entry of a list: a phone, account, IP, device, e-mail, name, address, or
    whatever column the entry names; a whole value (spelling folded; a Chinese address by any part of it), a CIDR
    range (203.0.113.0/24), a pattern (`138*`, `*临时仓*`) or a regular expression between slashes. Precedence: a hard
    `block` > `allow` > all else: an allowed order is not flagged by `watch` entries nor by any other rule, unless a
    `block` entry meets it too. A trial rule allows nothing. An entry past its `expires` (a date counts to its end)
    does nothing; the scan and `run.json` tell.

Why:
    known swindlers and addresses come back; own staff, test accounts and corporate buyers would be flagged daily.

Misses:
    whoever changes phone, account and address together. Orders without any of the compared facts are not evaluable.
    A changed list does not reopen orders that were released: the rule's fingerprint is of its settings only.

Settings:
    file: the list: value, kind, reason, added_by, expires, column
    entries: entries written in the rule itself
    kinds: only entries of these kinds
    columns: what an entry without a column is compared with
    default_kind: the kind of entries that name none

黑名单、关注名单、白名单。

标记什么：
    碰上名单里 `block`（黑）或 `watch`（关注）条目的订单：电话、账号、IP、设备、邮箱、姓名、地址，或条目自己写的列；
    值可以是完整的值（写法折叠后比较；中文地址写一部分即可）、网段（203.0.113.0/24）、通配（`138*`、`*临时仓*`）或斜杠之间的正则。
    先后：黑名单 > 白名单（`allow`）> 其他一切：白名单里的订单不会被关注名单和任何其他规则命中，除非同时碰上黑名单。
    试运行的规则不放行任何人。过了 `expires` 的条目不起作用（写日期的算到当天结束），扫描和 `run.json` 会说。

为什么：
    认识的骗子和地址会再来；员工、测试账号、企业客户天天被误判。

漏掉什么：
    电话、账号、地址一起换的人。要比的信息一样都没有的订单无法判断。
    名单改了，已放行的订单不会重新打开：规则的指纹只看设置。

设置：
    file：名单文件（值 value、类别 kind、原因 reason、添加人 added_by、到期 expires、列 column）
    entries：直接写在规则里的名单
    kinds：只用名单里的这几类
    columns：条目没写列时，比哪些列
    default_kind：条目没写类别时算哪一类
"""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field, model_validator

from orderguard.errors import Words, closest
from orderguard.rules.base import Measured
from orderguard.rules.matching import Entry, first_met, wrong_value
from orderguard.rules.tables import Cell, Shape, Source

_ENTRY = {
    "phone": "phone_key", "receiver_phone": "phone_key", "电话": "phone_key", "手机": "phone_key", "手机号": "phone_key",
    "收货电话": "phone_key", "account": "buyer_id", "buyer_id": "buyer_id", "买家": "buyer_id", "账号": "buyer_id",
    "买家账号": "buyer_id", "ip": "ip", "下单ip": "ip", "device": "device_id", "device_id": "device_id", "设备": "device_id",
    "设备号": "device_id", "email": "email", "邮箱": "email", "name": "receiver_name", "receiver_name": "receiver_name",
    "姓名": "receiver_name", "收货人": "receiver_name", "address": "address_key", "地址": "address_key",
    "收货地址": "address_key", "shop": "shop", "店铺": "shop", "order_id": "order_id", "订单编号": "order_id",
}  # fmt: skip
_KINDS = {
    **dict.fromkeys(("block", "hard", "hard block", "hard_block", "black", "blacklist", "deny", "黑名单", "拦截", "硬拦截", "禁止"), "block"),
    **dict.fromkeys(("watch", "soft", "soft block", "soft_block", "grey", "gray", "关注", "观察", "灰名单", "软拦截"), "watch"),
    **dict.fromkeys(("allow", "white", "whitelist", "白名单", "放行", "允许", "信任"), "allow"),
}  # fmt: skip
SHAPE = Shape({
    "value": Cell(("value", "值", "名单值", "内容", "号码", "条目", "entry"), required=True),
    "kind": Cell(("kind", "类型", "名单类型", "名单", "list", "type"), words=_KINDS),
    "column": Cell(("column", "列", "字段", "对象", "field"), words=_ENTRY),
    "note": Cell(("reason", "原因", "备注", "note", "说明")),
    "added_by": Cell(("added_by", "added by", "添加人", "录入人", "by")),
    "expires": Cell(("expires", "到期", "失效时间", "有效期至", "到期日", "expires_at", "until"), "instant", until=True),
})  # fmt: skip
_DEFAULT = ("phone", "account", "ip", "device", "email", "name", "address")

EXAMPLE = """
- id: known
  kind: listed
  with:
    entries:              # 或 / or  file: lists.csv
      - {value: "13802580000", kind: block, column: phone, reason: 恶意退货}
      - {value: 203.0.113.0/24, kind: watch}
      - {value: vip-7, kind: allow, column: account, added_by: 王}
  points: 40
  flags:
    - {receiver_phone: +86 138-0258-0000, buyer_id: vip-7}
    - {ip: 203.0.113.9, buyer_id: u1}
  passes:
    - {ip: 203.0.113.9, buyer_id: vip-7}
    - {ip: 198.51.100.1, receiver_phone: "13802580001"}
"""


class Listed(Measured):
    """Settings: `file` (or `entries` in place), the `kinds` taken from it, the `columns` of entries that name none."""

    stands: ClassVar = True
    file: str | None = Field(default=None, min_length=1)
    entries: Source | None = None
    kinds: list[Literal["block", "watch", "allow"]] = Field(default=["block", "watch", "allow"], min_length=1)
    columns: list[str] = Field(default=list(_DEFAULT), min_length=1, json_schema_extra={"words": [*_ENTRY]})
    default_kind: Literal["block", "watch", "allow"] = "block"

    @model_validator(mode="after")
    def _one_source(self) -> Listed:
        if (self.file is None) == (self.entries is None):
            raise ValueError(Words("file 与 entries 写其中一个", "needs file or entries, one of them"))
        unknown = next((c for c in self.columns if c.lower() not in _ENTRY), None)
        if unknown is not None:
            hint = closest(unknown, list(_ENTRY))
            raise ValueError(Words(f"columns 没有 '{unknown}'；{hint.zh}", f"columns: no '{unknown}'; {hint.en}"))
        return self

    def tables(self) -> dict[str, Shape]:
        return {"file" if self.file else "entries": SHAPE}

    def unfit(self, setting: str, table: pl.DataFrame) -> list[tuple[int, Words]]:  # noqa: ARG002 - it has one table
        bad = [(row, v) for row, v in table.select("source_row", "value").iter_rows() if wrong_value(v)]
        return [(row, Words(f"“{v}”不是有效的网段或正则", f"'{v}' is no valid CIDR or pattern")) for row, v in bad]

    def _rows(self) -> pl.DataFrame:
        table = self.rows("file" if self.file else "entries")
        return table.with_columns(pl.col("kind").fill_null(self.default_kind)).filter(pl.col("kind").is_in(self.kinds))

    def lines(self) -> list[tuple[int, str, str]]:
        return list(self._rows().select("source_row", "kind", "value").iter_rows())

    def expired(self) -> list[int]:
        return self._rows().filter(pl.col("expires") <= self._around.now)["source_row"].to_list()

    def _entries(self, kind: str) -> list[Entry]:
        rows = self._rows().filter(pl.col("kind") == kind, (pl.col("expires") > self._around.now).fill_null(value=True))
        own = tuple(dict.fromkeys(_ENTRY[c.lower()] for c in self.columns))
        return [Entry(r, v, (c,) if c else own) for r, v, c in rows.select("source_row", "value", "column").iter_rows()]

    def reads(self) -> set[str]:
        named = self._rows()["column"].drop_nulls().unique().to_list() if self._around.tables else []
        return {*named, *(_ENTRY[c.lower()] for c in self.columns)}

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        met = first_met(frame, {k: self._entries(k) for k in ("block", "watch", "allow")})
        known = frame.select(known=pl.any_horizontal(pl.col(sorted(self.reads())).is_not_null()))
        block, allow = pl.col("block").is_not_null(), pl.col("allow").is_not_null()
        row = pl.coalesce("block", pl.when(~allow).then("watch"))
        return met.with_columns(known).select(
            hit=pl.when(row.is_not_null()).then(True).when("known").then(False),
            value=row.cast(pl.Float64),
            _standing=pl.when(block).then(pl.lit("hard")).when(allow).then(pl.lit("allow")),
        )

    def reason(self, locale: str) -> pl.Expr:
        zh = locale.startswith("zh")
        words = {"block": "黑名单", "watch": "关注名单"} if zh else {"block": "block list", "watch": "watch list"}
        told = {}
        for row, value, kind, note, by in (
            self._rows().select("source_row", "value", "kind", "note", "added_by").iter_rows()
        ):
            extra = "；".join(x for x in (note, (f"{by} 添加" if zh else f"added by {by}") if by else None) if x)
            told[float(row)] = f"{words.get(kind, kind)}“{value[:60]}”" + (f"（{extra[:100]}）" if extra else "")
        lead = "命中" if zh else "on the "
        return lead + pl.col("value").replace_strict(told, default="?", return_dtype=pl.String)
