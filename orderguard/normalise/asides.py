"""Rows that stand in an export and are no orders: totals, footers, the header again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS
from orderguard.errors import Words

if TYPE_CHECKING:
    from collections.abc import Sequence

_FACTS = (
    "amount",
    "created_at",
    "paid_at",
    "receiver_phone",
    "receiver_name",
    "address",
    "buyer_id",
    "title",
    "sku",
    "unit_price",
)
_TOTAL = re.compile(r"(?:本页|页|总)?(?:合计|总计|小计|汇总|总额)|(?:grand |sub)?totals?|sum", re.IGNORECASE)
_FOOTER = re.compile(
    r"record\(s\)|^(?:seller|store|shop) ?(?:id|name)\b|^(?:report|downloaded|exported|generated|printed|page|end of)\b"
    r"|^共\s*\d|^第\s*\d+\s*[页/]|^(?:以上|备注|说明|注|提示|制表|打印|导出|下载|生成|统计)[人时日期间：:为 ]|^\*{2,}|^[-=—_]{3,}$",
    re.IGNORECASE,
)
TOTALS = Words("合计行，不是订单", "a totals row, not an order")
FOOTER = Words("页脚说明，不是订单", "a footer line, not an order")
HEADER = Words("重复的表头，不是订单", "the header again, not an order")


def asides(raw: pl.DataFrame, frame: pl.DataFrame, headings: Sequence[str], lettered: pl.Series) -> dict[int, Words]:
    """Row index -> what the row is instead of an order.

    Args:
        raw: the table as it was read.
        frame: the same rows in our columns; only those without any fact about an order are looked at.
        headings: those the order number is read from.
        lettered: where the order number is no whole number: no heading or total is one.
    """
    bare = pl.all_horizontal([pl.col(c).is_null() for c in _FACTS])
    odd = frame.select((pl.col("order_id").is_null() | bare).alias("odd")).to_series()
    rows = lettered.arg_true()
    number = frame["order_id"].gather(rows)
    again = rows.filter(number.is_in(list(headings)))
    total = rows.filter(
        number.str.contains(r"(?i)^\s*(?:[本页总小]*[合总小]计|汇总|(?:grand |sub)?totals?|sum)\s*[:：]?\s*$")
    )
    odd = odd.scatter(total, True).scatter(again, False)
    found = dict.fromkeys(again.to_list(), HEADER)
    columns = [c for c in raw.columns if c != "source_row"]
    numbers = odd.arg_true().to_list()
    for number, row in zip(numbers, raw.select(columns)[numbers].iter_rows() if numbers else (), strict=True):
        cells = [text for c in row if c is not None and (text := str(c).strip(BLANKS + "'\""))]
        if any(_TOTAL.fullmatch(c.rstrip(":： ")) for c in cells[:4]):
            found[number] = TOTALS
        elif len(cells) <= 2 < len(columns) and any(_FOOTER.search(c) for c in cells):
            found[number] = FOOTER
    return found
