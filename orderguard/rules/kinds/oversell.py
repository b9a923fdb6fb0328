"""More sold than there is.

Flags:
    orders that reach beyond stock: quantities add up per SKU in order of payment (of ordering where unpaid; ties by
    order id) from the stock's `as_of` on, earlier scans' orders included, each order once. Cancelled and closed
    orders take nothing. The value and the reason say how many are short. A `bundles` table takes a bundle's parts
    (kind `bundle`; a part may be a bundle) or a gift beside the goods (kind `gift`) from stock. Rows of one SKU (warehouses) add up.

Why:
    promotions and gifts sell what is not there; the platform fines what is not shipped in time.

Misses:
    sales that were never scanned, returns, stock moved after `as_of`. Without `--stock FILE` (or `stock:`), items, a
    time, or a SKU in the stock file an order is not evaluable. A stock file without `as_of` counts from the first
    order of the input that takes stock; earlier scans' orders that were paid since count if they were placed less than a day before.

Settings:
    stock: a table of sku, available, as_of; scan --stock goes before it
    bundles: a table of sets and gifts: sku, part, each, kind

卖得比库存多。

标记什么：
    超出库存的订单：每个货号按付款先后（未付款按下单，同时按订单号）累加件数，从库存的 `as_of` 时刻起算，以前扫描过的订单也算，
    每单只算一次；取消和关闭的订单不占库存。值和原因说这一单的各货号共缺几件。`bundles` 表把套装拆成部件（kind `bundle`，部件可以又是套装），
    或随货带赠品（kind `gift`：跟订单上写明的货走，套装里的部件不带）。同一货号的几行（几个仓）相加。

为什么：
    大促和赠品会卖出没有的货；到时发不出，平台要罚。

漏掉什么：
    从没扫描过的销售、退货、`as_of` 之后的调货。没有 `--stock 文件`（或 `stock:`）、没有商品明细、没有时间、货号不在库存表里，
    都无法判断。库存表没有 `as_of` 时，从这次输入里占库存的第一单起算；以前扫描过、此后才付款的，下单早不过一天的也算。

设置：
    stock：库存表（货号 sku、可用 available、时刻 as_of）；扫描时的 --stock 优先
    bundles：套装与赠品表：sku、part、each、kind
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from orderguard.errors import Words
from orderguard.rules.base import Measured, Reach
from orderguard.rules.reasons import number, sentence, shortened
from orderguard.rules.tables import SKU, Cell, Shape, Source, exploded, folded_sku

STOCK = Shape({
    "sku": Cell(SKU, required=True),
    "available": Cell(("available", "可用库存", "库存", "可售库存", "可用数量", "库存数量", "数量", "stock", "qty", "quantity", "on_hand"), "number", required=True),
    "as_of": Cell(("as_of", "as of", "时间", "截至", "截至时间", "库存时间", "更新时间", "盘点时间", "日期", "updated_at", "date"), "instant"),
}, pair=("sku", "available"))  # fmt: skip
BUNDLES = Shape({
    "sku": Cell(("套装编码", "组合编码", "主商品编码", "bundle", "parent", *SKU), required=True),
    "part": Cell(("part", "component", "gift", "子商品编码", "组成编码", "赠品编码", "子件编码"), required=True),
    "each": Cell(("each", "quantity", "数量", "每套数量", "qty"), "number"),
    "kind": Cell(("kind", "类型", "type"), words={"bundle": "bundle", "套装": "bundle", "组合": "bundle", "gift": "gift", "赠品": "gift"}),
})  # fmt: skip
_GONE = r"(?i)取消|关闭|退款成功|已退款|cancel|closed|refunded|void"


def _inside(taken: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """The parts of what is taken."""
    both = taken.join(parts, on="sku", how="inner")
    return both.select("at", sku="part", quantity=pl.col("quantity") * pl.col("each"))


def _circular(bundles: pl.DataFrame) -> list[int]:
    """Rows of bundles that lead back to themselves. A gift may be of the goods that it comes with."""
    left = bundles.filter((pl.col("kind") != "gift").fill_null(value=True))
    left = left.select("source_row", sku=folded_sku("sku"), part=folded_sku("part"))
    while len(left):  # what leads to goods without parts is taken away: what stays goes in circles
        ends = left.filter(~pl.col("part").is_in(left["sku"].implode()))
        if ends.is_empty():
            return left["source_row"].to_list()
        left = left.join(ends, on="source_row", how="anti")
    return []


EXAMPLE = """
- id: oversold
  kind: oversell
  with: {stock: {NF-900: 3}}      # 一般不写，用 scan --stock 库存.csv / usually left out: scan --stock stock.csv
  points: 30
  flags:
    - - {basket: {NF-900: 4}, paid_at: 2026-11-11 00:00:01}
      - {basket: {NF-900: 1}, paid_at: 2026-11-11 00:00:02}
  passes:
    - - {basket: {NF-900: 1}, paid_at: 2026-11-11 00:00:02}
      - {basket: {NF-900: 2}, created_at: 2026-11-11 00:00:01}
    - {basket: {TC-250: 9}, paid_at: 2026-11-11 00:00:01}      # 库存表里没有：无法判断 / not in the stock file
"""


class Oversell(Measured):
    """Settings: `stock` and `bundles`, each a file or the table itself; `scan --stock` wins over `stock`."""

    stock: Source | None = None
    bundles: Source | None = None

    def tables(self) -> dict[str, Shape]:
        return {"stock": STOCK, "bundles": BUNDLES}

    def unfit(self, setting: str, table: pl.DataFrame) -> list[tuple[int, Words]]:
        if setting == "stock":
            return [(1, Words("库存表里没有一行商品", "holds not one row of stock"))] if table.is_empty() else []
        said = Words("套装绕成了圈", "a bundle is a part of itself")
        return [(row, said) for row in _circular(table)]

    def reach(self) -> Reach:
        stock, now = self._around.tables.get("stock"), self._around.now
        first = None if stock is None else stock["as_of"].min()
        if first is None or now is None:
            return Reach((), timedelta(days=1))  # who ordered before the first of these may have paid after it
        return Reach((), min(max(now - first, timedelta(0)) + timedelta(days=1), timedelta(days=366)))  # type: ignore[operator]

    def reads(self) -> set[str]:
        return {"basket", "paid_at", "created_at", "status"}

    def _taken(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What each order takes from stock: `at` (its row), `sku`, `quantity`."""
        taken, parts = exploded(frame).with_columns(sku=folded_sku("sku")), self.table("bundles")
        if parts is None:
            return taken
        parts = parts.select(
            sku=folded_sku("sku"),
            part=folded_sku("part"),
            each=pl.col("each").fill_null(1.0),
            gift=pl.col("kind") == "gift",
        )
        gift = pl.col("gift").fill_null(value=False)
        gifts, parts = parts.filter(gift), parts.filter(~gift)
        taken, told = pl.concat([taken, _inside(taken, gifts)]), []
        while len(taken):  # a bundle's part may be a bundle; none holds itself
            told.append(taken.filter(~pl.col("sku").is_in(parts["sku"].unique().implode())))
            taken = _inside(taken, parts)
        return pl.concat([taken, *told]).group_by("at", "sku").agg(pl.col("quantity").sum())

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        orders = frame.select(
            at=pl.int_range(pl.len(), dtype=pl.UInt32), when=pl.coalesce("paid_at", "created_at"), order_id="order_id",
            platform="platform", past="past", gone=pl.col("status").str.contains(_GONE).fill_null(value=False), basket="basket",
        )  # fmt: skip
        stock = self.table("stock")
        if stock is None:
            return pl.DataFrame({"hit": pl.Series([None], dtype=pl.Boolean).new_from_index(0, len(frame))})
        first = orders.filter(~pl.col("past"))["when"].min()
        stock = stock.group_by(sku=folded_sku("sku")).agg(pl.col("available").sum(), pl.col("as_of").min())
        stock = stock.with_columns(pl.col("as_of").fill_null(pl.lit(first, dtype=pl.Datetime("us", "UTC"))))
        taken = self._taken(frame).join(orders, on="at").join(stock, on="sku", how="left")
        unknown = taken.filter(pl.col("available").is_null())["at"].unique()
        counted = taken.filter(~pl.col("gone"), pl.col("when") >= pl.col("as_of"), pl.col("available").is_not_null())
        counted = counted.sort("when", "order_id", "platform").with_columns(
            total=pl.col("quantity").cum_sum().over("sku")
        )
        beyond = pl.min_horizontal("quantity", pl.col("total") - pl.col("available").clip(0))
        short = counted.with_columns(short=beyond).filter(pl.col("short") > 1e-9).sort("at", "sku")
        worst = short.group_by("at", maintain_order=True).agg(
            pl.col("short").sum(),
            _others=pl.len() - 1,
            **{f"_{c}": pl.col(c).first() for c in ("sku", "available", "total")},
        )
        out = orders.select("at", "when", "basket").join(worst, on="at", how="left", maintain_order="left")
        known = pl.col("basket").is_not_null() & pl.col("when").is_not_null() & ~pl.col("at").is_in(unknown.implode())
        hit = pl.when(pl.col("short") > 0).then(True).when(known).then(False)
        return out.select("_sku", "_available", "_total", "_others", hit=hit, value="short")

    def reason(self, locale: str) -> pl.Expr:
        return sentence(
            locale,
            zh="{sku} 超卖：库存 {stock}，按付款先后到本单累计 {total}，本单{others}缺 {short} 件",
            en="{sku} oversold: {stock} in stock, {total} sold up to this order, {short} short{others}",
            sku=shortened("_sku"),
            stock=number(pl.col("_available"), 2),
            total=number(pl.col("_total"), 2),
            short=number(pl.col("value"), 2),
            others=pl.when(pl.col("_others") > 0)
            .then(pl.format(("连同另外 {} 个货号共" if locale.startswith("zh") else " with {} more SKUs"), "_others"))
            .otherwise(pl.lit("")),
        )
