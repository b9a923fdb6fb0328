"""Where an order stands, in words: the stages of `columns.ORDERS`."""

from __future__ import annotations

from orderguard.errors import Words

OVER = ("shipped", "done", "closed", "refunded")
"""Nothing of these can be held any more."""
STAGE_WORDS = {
    "unpaid": Words("未付款", "unpaid"), "paid": Words("待发货", "paid"), "shipped": Words("已发货", "shipped"),
    "done": Words("已完成", "done"), "closed": Words("已关闭", "closed"), "refunding": Words("退款中", "refunding"),
    "refunded": Words("已退款", "refunded"), "unknown": Words("状态未知", "unknown status"), "other": Words("其他", "other"),
}  # fmt: skip


def by_stage(counts: dict[str, int], locale: str) -> str:
    """`已发货 2、已关闭 1`."""
    comma = "、" if locale.startswith("zh") else ", "
    return comma.join(f"{STAGE_WORDS[stage].pick(locale)} {n:,}" for stage, n in counts.items())
