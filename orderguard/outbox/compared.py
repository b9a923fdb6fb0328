"""The workbook of a backtest: summary, rules, the orders that change, the queue by day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.drafts import drafted
from orderguard.errors import DeliveryError, Problem, Words, unable
from orderguard.outbox.book import Sheet, sheet_name, write_book
from orderguard.outbox.flagged import BAND_WORDS, MOST, local, word

if TYPE_CHECKING:
    from pathlib import Path

_HEADS = {
    "item": ("项目", "Item", 34, "bold"), "text": ("内容", "Content", 90, "wrap"),
    "rule_id": ("规则", "Rule", 24, "bold"), "change": ("变化", "Change", 12, "plain"), "platform": ("平台", "Platform", 11, "plain"),
    "order_id": ("订单编号", "Order ID", 24, "bold"), "verdict": ("处置结果", "Verdict", 14, "plain"),
    "score_before": ("分数（现）", "Score now", 10, "score"), "score_after": ("分数（新）", "Score new", 10, "score"),
    "band_before": ("级别（现）", "Band now", 10, "plain"), "band_after": ("级别（新）", "Band new", 10, "plain"),
    "rules_before": ("规则（现）", "Rules now", 30, "wrap"), "rules_after": ("规则（新）", "Rules new", 30, "wrap"),
    "reasons": ("原因", "Reasons", 58, "wrap"), "reason": ("原因", "Reason", 58, "wrap"), "shop": ("店铺", "Shop", 18, "plain"),
    "amount": ("实付金额", "Paid amount", 12, "money"), "currency": ("币种", "Currency", 8, "plain"),
    "created_at": ("下单时间", "Ordered at", 19, "time"), "day": ("日期", "Day", 12, "bold"), "value": ("测量值", "Value", 10, "number"),
    "orders": ("订单", "Orders", 10, "whole"), "before": ("队列（现）", "Queue now", 12, "whole"), "after": ("队列（新）", "Queue new", 12, "whole"),
    "queue_change": ("变化", "Change", 10, "whole"), "hours_before": ("工时（现）", "Hours now", 12, "number"),
    "hours_after": ("工时（新）", "Hours new", 12, "number"), "hours_change": ("工时变化", "Hours change", 12, "number"),
    "status_before": ("状态（现）", "Status now", 11, "plain"), "status_after": ("状态（新）", "Status new", 11, "plain"),
    "points_before": ("分值（现）", "Points now", 11, "number"), "points_after": ("分值（新）", "Points new", 11, "number"),
    "hits_before": ("命中（现）", "Hits now", 11, "whole"), "hits_after": ("命中（新）", "Hits new", 11, "whole"),
    "new": ("新命中", "Newly", 10, "whole"), "new_confirmed": ("新·属实", "new: confirmed", 13, "whole"),
    "new_false": ("新·误判", "new: false alarm", 13, "whole"), "new_open": ("新·调查中", "new: investigating", 13, "whole"),
    "new_unlabelled": ("新·未判", "new: unlabelled", 13, "whole"), "new_blind": ("新·原无法判断", "new: not evaluable before", 14, "whole"),
    "gone": ("不再命中", "No longer", 10, "whole"), "gone_confirmed": ("不再·属实", "gone: confirmed", 13, "whole"),
    "gone_false": ("不再·误判", "gone: false alarm", 13, "whole"), "gone_open": ("不再·调查中", "gone: investigating", 13, "whole"),
    "gone_unlabelled": ("不再·未判", "gone: unlabelled", 13, "whole"), "gone_blind": ("不再·现无法判断", "gone: not evaluable now", 14, "whole"),
    "precision_before": ("属实率（现）", "Precision now", 12, "share"), "precision_after": ("属实率（新）", "Precision new", 12, "share"),
    "decided_before": ("已判（现）", "Verdicts now", 12, "whole"), "decided_after": ("已判（新）", "Verdicts new", 12, "whole"),
}  # fmt: skip
VERDICT_WORDS = {
    "confirmed": ("属实", "Confirmed"), "false_alarm": ("误判", "False alarm"),
    "investigating": ("需进一步调查", "Needs investigation"),
}  # fmt: skip
CHANGE_WORDS = {"newly_flagged": ("新增", "newly"), "no_longer_flagged": ("不再", "no longer")}


def write_compared(
    path: Path, summary: list[tuple[str, str]], told: dict[str, Any], orders: pl.DataFrame, hits: pl.DataFrame, locale: str, zone: str
) -> None:  # fmt: skip
    """Write the workbook beside its place and rename it.

    Args:
        path: the file; an earlier one is replaced.
        summary: lines of the first sheet.
        told: the comparison, as in JSON.
        orders: that one rulebook flags and the other does not.
        hits: of single rules that one rulebook has and the other does not.
        locale, zone: of the new rulebook.

    Raises:
        DeliveryError: the file cannot be written.
    """
    zh = locale.startswith("zh")
    for frame, what, what_en in ((orders, "变化的订单", "changed orders"), (hits, "变化的命中", "changed hits")):
        if len(frame) > MOST:
            note = (
                f"{what}共 {len(frame):,}，本表只列 {MOST:,}"
                if zh
                else f"{len(frame):,} {what_en}; this book shows {MOST:,}"
            )
            summary = [*summary, ("注意" if zh else "!", note)]
    taken: set[str] = set()
    head = pl.DataFrame(summary, schema={"item": pl.String, "text": pl.String}, orient="row")
    days = pl.DataFrame(told["by_day"], infer_schema_length=None).rename({"change": "queue_change"})
    table = orders.head(MOST)
    parts = [
        ("摘要" if zh else "Summary", head, 1),
        ("规则" if zh else "Rules", pl.DataFrame([_flat_rule(r) for r in told["rules"]], infer_schema_length=None), 1),
        ("新增异常" if zh else "Newly flagged", table.filter(pl.col("change") == "newly_flagged"), 3),
        ("不再异常" if zh else "No longer flagged", table.filter(pl.col("change") == "no_longer_flagged"), 3),
        ("按天" if zh else "By day", days, 1),
        ("逐条规则的变化" if zh else "Changes by rule", hits.head(MOST), 1),
    ]
    sheets = (_sheet(sheet_name(n, taken), local(_in_words(f, locale), zone), locale, frozen) for n, f, frozen in parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with drafted(path) as (draft,):
            write_book(draft, list(sheets))
    except OSError as error:
        what_ = unable(Words("无法写入", "cannot be written"), error)
        raise DeliveryError(
            Problem(what_, str(path), fix=Words("用 --out 换一个位置", "choose another place with --out"))
        ) from error


def _flat_rule(rule: dict[str, Any]) -> dict[str, Any]:
    out = {
        n: rule[n]
        for n in (
            "rule_id",
            "status_before",
            "status_after",
            "points_before",
            "points_after",
            "hits_before",
            "hits_after",
        )
    }
    for name, key in (("new", "newly_flagged"), ("gone", "no_longer_flagged")):
        t = rule[key]
        out |= {
            name: t["total"], f"{name}_confirmed": t["confirmed"], f"{name}_false": t["false_alarm"], f"{name}_open": t["investigating"],
            f"{name}_unlabelled": t["unlabelled"], f"{name}_blind": t["not_evaluable"],
        }  # fmt: skip
    for side in ("before", "after"):
        v = rule[f"verdicts_{side}"]
        out |= {f"precision_{side}": v["precision"], f"decided_{side}": v["confirmed"] + v["false_alarm"]}
    return out


def _in_words(frame: pl.DataFrame, locale: str) -> pl.DataFrame:
    words = {"band_before": BAND_WORDS, "band_after": BAND_WORDS, "verdict": VERDICT_WORDS, "change": CHANGE_WORDS}
    there = [(c, w) for c, w in words.items() if frame.schema.get(c) == pl.String]
    return frame.with_columns([pl.col(c).replace({k: word(v, locale) for k, v in w.items()}) for c, w in there])


def _sheet(name: str, frame: pl.DataFrame, locale: str, frozen: int) -> Sheet:
    i = 0 if locale.startswith("zh") else 1
    heads = [_HEADS[c] for c in frame.columns]
    shown = frame.rename({c: str(h[i]) for c, h in zip(frame.columns, heads, strict=True)})
    return Sheet(name, shown, [float(h[2]) for h in heads], [h[3] for h in heads], frozen=frozen)
