"""What `orderguard learn` says in sentences, below its table of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orderguard.learn.proposal import Proposal, Scope


def lines(found: Proposal, *, zh: bool) -> list[str]:
    """Thresholds, scopes, holdout, control group and calibration in sentences."""
    out = []
    points = {r.id: r.after for r in found.rules}
    for c in found.cuts:
        unit = f" {c.unit}" if c.unit else ""
        before, after = f"{c.before.share:.0%}", f"{c.after.share:.0%}"
        out.append(
            f"阈值 {c.rule_id}：{c.setting} {c.now:g} → {c.then:g}{unit}，属实率 {before} → {after}，{c.confirmed} 条属实中漏掉 {c.lost} 条（请自行改规则表，并写上 points: {points[c.rule_id]:g}，学到的分值不随新设置走）"
            if zh
            else f"threshold {c.rule_id}: {c.setting} {c.now:g} → {c.then:g}{unit}: precision {before} → {after}, {c.lost} of {c.confirmed} confirmed lost (edit the rulebook yourself, with points: {points[c.rule_id]:g}: learned points do not follow new settings)"
        )
    out += [_excepted(s, points[s.rule_id], zh=zh) for s in found.scopes]
    e = found.effect
    if e is None:
        out.append("留出检验：处置结果不足" if zh else "holdout: not enough verdicts")
    else:
        out.append(
            f"留出检验：用较早的 {e.learned} 条学，在其后的 {e.tried} 条上试（现分值 → 学到的分值）"
            if zh
            else f"holdout: learned from the earlier {e.learned} verdicts, tried on the {e.tried} after them (today's → learned points)"
        )
        b, a = e.before, e.after
        rows = (
            ("队列", "queue", str(b.queue), str(a.queue)),
            ("暂扣", "held", str(b.held), str(a.held)),
            ("误扣的正常单", "honest orders held", str(b.held_honest), str(a.held_honest)),
            ("队列属实率", "queue precision", _rate(b.queue_precision), _rate(a.queue_precision)),
            ("暂扣属实率", "hold precision", _rate(b.held_precision), _rate(a.held_precision)),
            ("召回（以已判属实单计）", "recall (of judged confirmed orders)", _rate(b.recall), _rate(a.recall)),
        )
        out += [f"  {row[0] if zh else row[1]}: {row[2]} → {row[3]}" for row in rows]
        if e.calibration_error is not None:
            out.append(f"  {'概率校准误差' if zh else 'calibration error'}: {e.calibration_error:.3f}")
    return out + _recall(found, zh=zh)


def _excepted(s: Scope, points: float, *, zh: bool) -> str:
    """What to write where a rule is wrong in one shop and right in others."""
    import json

    from orderguard.errors import printable

    here, rest = s.there, s.elsewhere
    added = printable(f"except: {json.dumps({s.kind: s.names}, ensure_ascii=False)}")
    what = {"shop": ("店铺", "shop"), "platform": ("平台", "platform")}[s.kind]
    named = printable("、".join(s.names) if zh else ", ".join(s.names))
    return (
        f"范围 {s.rule_id}：{what[0]} {named} 的 {here.whole} 条里误判 {here.whole - here.part} 条，别处 {rest.whole} 条里属实 {rest.part} 条；可在规则里加 {added}（请自行改规则表，并写上 points: {points:g}，学到的分值不随新范围走）"
        if zh
        else f"scope {s.rule_id}: in {what[1]} {named} wrong {here.whole - here.part} of {here.whole}, elsewhere right {rest.part} of {rest.whole}: add {added} (edit the rulebook yourself, with points: {points:g}: learned points do not follow a new scope)"
    )


def _rate(share: Any) -> str:
    return "—" if share.share is None else f"{share.share:.0%} ({share.low:.0%}–{share.high:.0%})"


def _recall(found: Proposal, *, zh: bool) -> list[str]:
    r = found.recall
    if r is None:
        return [
            "召回率：没有对照组，无从估计（scan --sample 0.5% 可抽取）"
            if zh
            else "recall: unknown without a control group ('scan --sample 0.5%' draws one)"
        ]
    if not r.judged:
        return [f"对照组 {r.drawn} 单，尚无处置结果" if zh else f"control group: {r.drawn} orders, none judged yet"]
    if r.recall is None or r.recall_low is None or r.recall_high is None:
        n = r.missed_high or 0.0
        return [
            f"对照组 {r.judged} 单，没有异常：估计最多漏掉 {n:.0f} 单（95% 区间）"
            if zh
            else f"control group: none of {r.judged} abnormal; at most {n:.0f} missed (95% interval)"
        ]
    return [
        f"对照组 {r.judged} 单，异常 {r.found}：估计漏掉 {r.missed:.0f} 单（{r.missed_low:.0f}–{r.missed_high:.0f}），召回率 {r.recall:.0%}（95% 区间 {r.recall_low:.0%}–{r.recall_high:.0%}）"
        if zh
        else f"control group: {r.found} of {r.judged} abnormal; about {r.missed:.0f} missed ({r.missed_low:.0f}–{r.missed_high:.0f}), recall {r.recall:.0%} (95% interval {r.recall_low:.0%}–{r.recall_high:.0%})"
    ]
