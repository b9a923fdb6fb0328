"""`learn --out`: the proposal as a workbook, for those who approve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.outbox.book import Sheet, sheet_name, write_book

if TYPE_CHECKING:
    from pathlib import Path

_RULES = (
    ("id", "规则", "Rule", 24, "bold"), ("before", "现分值", "Points", 10, "number"), ("after", "建议分值", "Proposed", 10, "number"),
    ("right", "属实", "Right", 9, "whole"), ("wrong", "误判", "Wrong", 9, "whole"), ("unknown", "未定", "Unknown", 9, "whole"),
    ("precision", "属实率", "Precision", 10, "share"), ("low", "95% 下限", "95% low", 10, "share"), ("high", "95% 上限", "95% high", 10, "share"),
    ("alone", "单独命中时属实率", "Precision alone", 16, "share"), ("stale", "旧版规则（未计）", "Old form (not used)", 16, "whole"),
    ("why", "说明", "Why", 44, "wrap"),
)  # fmt: skip
_CUTS = (
    ("rule_id", "规则", "Rule", 24, "bold"), ("setting", "设置", "Setting", 18, "plain"), ("now", "现值", "Now", 10, "number"),
    ("then", "建议值", "Proposed", 10, "number"), ("unit", "单位", "Unit", 8, "plain"), ("before", "属实率", "Precision", 12, "share"),
    ("after", "改后属实率", "Precision then", 14, "share"), ("lost", "漏掉属实", "Confirmed lost", 14, "whole"),
    ("confirmed", "属实总数", "Confirmed", 12, "whole"),
)  # fmt: skip
_SCOPES = (
    ("rule_id", "规则", "Rule", 24, "bold"), ("kind", "按", "By", 12, "plain"), ("names", "除外", "Except", 30, "wrap"),
    ("there", "那里的属实率", "Precision there", 14, "share"), ("there_n", "那里的处置结果", "Verdicts there", 14, "whole"),
    ("elsewhere", "别处的属实率", "Precision elsewhere", 16, "share"), ("elsewhere_n", "别处的处置结果", "Verdicts elsewhere", 16, "whole"),
)  # fmt: skip
_EFFECT = (
    ("queue", "队列", "Queue"), ("held", "暂扣", "Held"), ("held_honest", "误扣的正常单", "Honest orders held"),
    ("queue_precision", "队列属实率", "Queue precision"), ("held_precision", "暂扣属实率", "Hold precision"),
    ("recall", "召回（以已判属实单计）", "Recall (of judged confirmed)"),
)  # fmt: skip
_WHY = {
    "moved": ("", ""), "capped": ("已到一次的上限", "the most for one run"), "kept": ("留在复核线", "kept at the review band"),
    "left": ("单凭它不再进队列", "alone it brings no order under review any more"),
    "same": ("与处置结果相符，不变", "fits the verdicts, stays"), "few": ("处置结果不足", "not enough verdicts"), "locked": ("已锁定", "locked"), "trial": ("试运行", "trial"),
}  # fmt: skip


def write_proposal(path: Path, told: dict[str, Any], locale: str) -> None:
    """Write what `Proposal.told()` says: a sheet of rules, of thresholds, of the holdout, and of the calibration."""
    at = 0 if locale.startswith("zh") else 1
    taken: set[str] = set()

    def name(zh: str, en: str) -> str:
        return sheet_name((zh, en)[at], taken)

    rules = [
        {**r, "precision": r["precision"]["share"], "low": r["precision"]["low"], "high": r["precision"]["high"],
         "alone": r["alone"]["share"], "why": _WHY[r["why"]][at]}
        for r in told["rules"]
    ]  # fmt: skip
    cuts = [{**c, "before": c["before"]["share"], "after": c["after"]["share"]} for c in told["thresholds"]]
    scopes = [
        {**s, "names": ", ".join(s["names"]), "there": s["there"]["share"], "there_n": s["there"]["whole"],
         "elsewhere": s["elsewhere"]["share"], "elsewhere_n": s["elsewhere"]["whole"]}
        for s in told["scopes"]
    ]  # fmt: skip
    sheets = [
        _sheet(name("分值", "Points"), _RULES, rules, at),
        _sheet(name("阈值", "Thresholds"), _CUTS, cuts, at),
        _sheet(name("范围", "Scopes"), _SCOPES, scopes, at),
        _sheet(name("留出检验", "Holdout"), _effect_heads(), _effect_rows(told, at), at),
        _sheet(
            name("概率", "Probability"),
            (("score", "分数", "Score", 12, "number"), ("probability", "异常概率", "Probability", 14, "share")),
            told["calibration"],
            at,
        ),
    ]
    write_book(path, sheets)


def _effect_heads() -> tuple[tuple[str, str, str, int, str], ...]:
    return (
        ("what", "指标", "Measure", 30, "bold"),
        ("before", "现分值", "Today's points", 22, "plain"),
        ("after", "学到的分值", "Learned points", 22, "plain"),
    )


def _effect_rows(told: dict[str, Any], at: int) -> list[dict[str, str]]:
    effect = told["holdout"]
    if effect is None:
        return [{"what": ("处置结果不足", "not enough verdicts")[at], "before": "", "after": ""}]
    rows = [
        {
            "what": ("学习 / 检验条数", "Verdicts learned from / tried on")[at],
            "before": str(effect["learned"]),
            "after": str(effect["tried"]),
        }
    ]
    for key, *words in _EFFECT:
        rows.append({"what": words[at], "before": _shown(effect["before"][key]), "after": _shown(effect["after"][key])})
    return rows


def _shown(value: Any) -> str:
    if not isinstance(value, dict):
        return f"{value:,}"
    return "—" if value["share"] is None else f"{value['share']:.1%} ({value['low']:.1%}–{value['high']:.1%})"


def _sheet(name: str, heads: tuple[tuple[str, str, str, int, str], ...], rows: list[dict[str, Any]], at: int) -> Sheet:
    numeric = {"number", "whole", "share"}
    columns: dict[str, pl.Series] = {}
    for key, *_, style in heads:
        dtype: Any = pl.Float64 if style in numeric else pl.String
        columns[key] = pl.Series(key, [row.get(key) for row in rows], dtype=dtype, strict=False)
    frame = pl.DataFrame(columns).rename({key: (zh, en)[at] for key, zh, en, *_ in heads})
    return Sheet(name, frame, [float(h[3]) for h in heads], [h[4] for h in heads])
