"""The after-sales file: refunds, claims, wrong deliveries, as customer service exports them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS, MONEY
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.frames import platform_id
from orderguard.ingest import find_sources, read_source
from orderguard.platforms.profile import heading_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.ingest.table import Table

_HEADINGS = {
    "order_id": ("订单编号", "订单号", "订单ID", "主订单编号", "平台订单号", "order id", "order_id", "order", "order number", "order no"),
    "platform": ("平台", "渠道", "platform", "channel"),
    "kind": (
        "类型", "售后类型", "售后原因", "问题类型", "结果", "售后结果", "退款类型", "kind", "type", "outcome", "reason",
    ),
    "amount": ("金额", "退款金额", "赔付金额", "实退金额", "amount", "refund amount", "refund", "claim amount"),
    "currency": ("币种", "currency"),
}  # fmt: skip
_KNOWN = {heading_key(h): name for name, headings in _HEADINGS.items() for h in headings}
_WORDS = (
    # First match wins: 异常退货 is an abnormal one, not a refund.
    ("abnormal", ("异常", "欺诈", "诈骗", "盗刷", "拒付", "刷单", "套现", "恶意", "虚假", "abnormal", "fraud", "chargeback")),
    ("wrong_delivery", ("错发", "发错", "错送", "送错", "错投", "误投", "漏发", "地址错误", "wrongdelivery", "wrong", "misdeliver")),
    ("claim", ("理赔", "赔付", "索赔", "赔偿", "投诉", "纠纷", "claim", "complaint", "dispute", "compensation")),
    ("refund", ("退款", "退货", "退换", "取消", "仅退", "refund", "return", "cancel")),
)  # fmt: skip
_SCHEMA = {"pid": pl.String, "order_id": pl.String, "kind": pl.String, "amount": MONEY, "currency": pl.String}
_SHOWN = 5


def kind_of(text: str) -> str | None:
    """What a word for an outcome means: `refund claim wrong_delivery abnormal`; None when nothing known is in it."""
    folded = re.sub(r"[\s_\-]+", "", text).casefold()
    return next((kind for kind, words in _WORDS if any(w in folded for w in words)), None)


def read_outcomes(paths: Sequence[str], ids: Mapping[str, str]) -> tuple[pl.DataFrame, list[Problem]]:
    """Read after-sales files (CSV, Excel, JSON, Parquet).

    Args:
        paths: files, folders, globs.
        ids: words for platforms -> permanent ids.

    Returns:
        `pid order_id kind amount currency`, one row per row that could be read, and notices about the others.

    Raises:
        OrderguardError: no file has an order number and a kind.
    """
    frames, problems = [], list[Problem]()
    for source in find_sources(paths):
        read_source(source, _score)
        problems += source.problems
        for table in source.tables:
            frames += _outcome_rows(table, ids, problems)
    if not frames:
        raise OrderguardError(*problems)
    return pl.concat(frames), problems


def _score(cells: Sequence[str]) -> float:
    found = {_KNOWN.get(heading_key(c)) for c in cells} - {None}
    return len(found) / len(_HEADINGS) if "order_id" in found else 0.0


def _outcome_rows(table: Table, ids: Mapping[str, str], problems: list[Problem]) -> list[pl.DataFrame]:
    heads = [c for c in table.frame.columns if c != "source_row"]
    at = {name: h for h in reversed(heads) if (name := _KNOWN.get(heading_key(h)))}
    if not {"order_id", "kind"} <= set(at):
        what = Words("没有“订单编号”和“类型”两列", "has no columns 'order id' and 'kind'")
        fix = Words(
            "表头写 订单编号、类型、金额（平台可选）", "head the columns: order id, kind, amount (platform optional)"
        )
        problems.append(Problem(what, table.source, fix=fix))
        return []
    clean = [
        (pl.col(at[n]) if n in at else pl.lit(None, dtype=pl.String)).str.strip_chars(BLANKS).replace("", None).alias(n)
        for n in _HEADINGS
    ]
    rows = table.frame.select("source_row", *clean).with_columns(pl.col("order_id").str.strip_prefix("'"))
    rows = rows.filter(pl.any_horizontal(pl.col(*_HEADINGS).is_not_null()))
    kinds = {w: kind_of(w) for w in rows["kind"].drop_nulls().unique()}
    amounts = {w: _money(w) for w in rows["amount"].drop_nulls().unique()}
    typed = rows.select(
        "source_row",
        "order_id",
        platform_id(ids).alias("pid"),
        pl.col("kind").replace_strict(kinds, default=None, return_dtype=pl.String).alias("known"),
        "kind",
        pl.col("amount").replace_strict(amounts, default=None, return_dtype=MONEY).alias("money"),
        "amount",
        "currency",
    )
    _warn_of_rows(
        typed.filter(pl.col("order_id").is_null()),
        table.source,
        "source_row",
        problems,
        Words("没有订单编号", "no order number"),
    )
    _warn_of_rows(
        typed.filter(pl.col("known").is_null()), table.source, "kind", problems, Words("看不懂的类型", "unknown kind")
    )
    odd = typed.filter(pl.col("amount").is_not_null() & pl.col("money").is_null())
    _warn_of_rows(
        odd,
        table.source,
        "amount",
        problems,
        Words("看不懂的金额（按未知计）", "unreadable amount (counted as unknown)"),
    )
    good = typed.filter(pl.col("order_id").is_not_null() & pl.col("known").is_not_null())
    return [good.select("pid", "order_id", kind="known", amount="money", currency="currency").cast(_SCHEMA)]  # type: ignore[arg-type]


def _money(text: str) -> Decimal | None:
    try:
        value = abs(Decimal(re.sub(r"[,，\s¥￥$€£元]|CNY|RMB", "", text)))
    except InvalidOperation:
        return None
    return value if value.is_finite() and value < 10**15 else None


def _warn_of_rows(rows: pl.DataFrame, where: str, shown: str, problems: list[Problem], what: Words) -> None:
    if rows.is_empty():
        return
    cells = ", ".join(str(c)[:20] for c in rows[shown].drop_nulls().unique(maintain_order=True).head(_SHOWN))
    said = Words(f"{what.zh}：{len(rows)} 行（{cells}）", f"{what.en}: {len(rows)} rows ({cells})")
    fix = Words("类型可写：退款、理赔、错发、异常", "kinds: refund, claim, wrong delivery, abnormal")
    problems.append(
        Problem(said, where, int(rows["source_row"][0]), fix if shown == "kind" else Words("", ""), fatal=False)
    )
