"""What a backtest shows on the terminal and on its workbook's first sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orderguard.errors import Words, printable

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.rules import Rulebook

_DAYS = 14


_RULE_HEADS = (
    Words("规则", "Rule"),
    Words("改动", "Change"),
    Words("命中 现→新", "Hits now→new"),
    Words("新命中", "Newly"),
    Words("属实", "confirmed"),
    Words("误判", "false"),
    Words("调查中", "open"),
    Words("未判", "unlabelled"),
    Words("不再命中", "No longer"),
    Words("属实", "confirmed"),
    Words("误判", "false"),
    Words("调查中", "open"),
    Words("未判", "unlabelled"),
    Words("原/现无法判断", "Not evaluable"),
)
_DAY_HEADS = (
    Words("日期", "Day"),
    Words("订单", "Orders"),
    Words("队列 现→新", "Queue now→new"),
    Words("变化", "Change"),
    Words("工时变化", "Hours"),
)


def show(told: dict[str, Any], book: Rulebook, file: Path | None) -> None:
    """Rules, days and the sum."""
    from orderguard.cli.common import print_table

    zh = book.locale.startswith("zh")
    print_table([w.pick(book.locale) for w in _RULE_HEADS], [_rule_row(r, book.locale) for r in told["rules"]])
    busiest = sorted(told["by_day"], key=lambda d: -max(d["before"], d["after"]))[:_DAYS]
    days = [_day_row(d) for d in sorted(busiest, key=lambda d: d["day"])]
    print_table([w.pick(book.locale) for w in _DAY_HEADS], days)
    if len(told["by_day"]) > _DAYS:
        click.echo(
            f"（只列队列最长的 {_DAYS} 天，全部见工作簿）"
            if zh
            else f"(the {_DAYS} days with the longest queue; all are in the workbook)"
        )
    for item, text in lines(told, book.locale):
        click.echo(f"{item}{'：' if zh else ': '}{text}")
    if file:
        click.echo(f"打开 {file}" if zh else f"open {file}")


def _rule_row(rule: dict[str, Any], locale: str) -> list[str]:
    new, gone = rule["newly_flagged"], rule["no_longer_flagged"]
    verdicts = ("total", "confirmed", "false_alarm", "investigating", "unlabelled")
    return [
        rule["rule_id"],
        change(rule).pick(locale),
        f"{rule['hits_before']:,} → {rule['hits_after']:,}",
        *[f"{tally[verdict]:,}" for tally in (new, gone) for verdict in verdicts],
        f"{new['not_evaluable']:,} / {gone['not_evaluable']:,}",
    ]


def _day_row(day: dict[str, Any]) -> list[str]:
    queue = f"{day['before']:,} → {day['after']:,}"
    return [day["day"], f"{day['orders']:,}", queue, f"{day['change']:+,}", f"{day['hours_change']:+.1f}"]


_STATUS = {
    "live": Words("启用", "live"),
    "trial": Words("试运行", "trial"),
    "retired": Words("停用", "retired"),
}


def change(rule: dict[str, Any]) -> Words:
    """What the new rulebook changes about a rule: status, points, settings; '' if nothing."""
    before, after = rule["status_before"], rule["status_after"]
    if before is None or after is None:
        return Words("新规则", "new") if before is None else Words("删去", "removed")
    said = []
    if before != after:
        a, b = _STATUS[before], _STATUS[after]
        said.append(Words(f"{a.zh}→{b.zh}", f"{a.en}→{b.en}"))
    if rule["points_before"] != rule["points_after"]:
        points = f"{rule['points_before']:g}→{rule['points_after']:g}"
        said.append(Words(f"{points} 分", f"{points} points"))
    if rule["settings_changed"]:
        said.append(Words("设置", "settings"))
    return Words("、".join(w.zh for w in said), ", ".join(w.en for w in said))


def lines(told: dict[str, Any], locale: str) -> list[tuple[str, str]]:
    """The sum as items and sentences."""
    total, hours = told["total"], told["agent_hours"]
    said = [
        (
            Words("比较", "compared"),
            Words(
                f"{told['against']['path']} → {told['new']['path']}，{told['orders']:,} 单（{told['days']} 天），其中 {told['labelled']:,} 单有处置结果",
                f"{told['against']['path']} → {told['new']['path']}, {told['orders']:,} orders ({told['days']} days), {told['labelled']:,} with a verdict",
            ),
        ),
        (Words("异常", "flagged"), _untranslated(f"{total['flagged_before']:,} → {total['flagged_after']:,}")),
        (Words("暂扣", "held"), _untranslated(f"{total['held_before']:,} → {total['held_after']:,}")),
        (
            Words("新增异常", "newly flagged"),
            _tally(total["newly_flagged"], Words("原先无法判断", "not evaluable before")),
        ),
        (
            Words("不再异常", "no longer flagged"),
            _tally(total["no_longer_flagged"], Words("现在无法判断", "not evaluable now")),
        ),
        (
            Words("工时", "agent hours"),
            Words(
                f"{hours['before']:,.1f} → {hours['after']:,.1f}（{hours['change']:+,.1f}，每单 {hours['minutes_per_case']:g} 分钟）",
                f"{hours['before']:,.1f} → {hours['after']:,.1f} ({hours['change']:+,.1f}, {hours['minutes_per_case']:g} minutes a case)",
            ),
        ),
    ]
    said += [
        (
            Words("！超过护栏", "! above the guard rail"),
            Words(
                f"{over['rule_id']} 会命中 {over['share']:.1%}，上限 {over['max_share']:.0%}：一次扫描这些订单时它会降为试运行",
                f"{over['rule_id']} would flag {over['share']:.1%}, limit {over['max_share']:.0%}: in one scan of these it would be on trial",
            ),
        )
        for over in told["over_share"]["after"]
    ]
    if "fit_queue" in told:
        said += _fit_lines(told["fit_queue"])
    return [(printable(item.pick(locale)), printable(text.pick(locale))) for item, text in said]


def _untranslated(text: str) -> Words:
    return Words(text, text)


def _tally(tally: dict[str, int], blind: Words) -> Words:
    n = {k: f"{v:,}" for k, v in tally.items()}
    return Words(
        f"{n['total']}（属实 {n['confirmed']}，误判 {n['false_alarm']}，调查中 {n['investigating']}，未判 {n['unlabelled']}；{blind.zh} {n['not_evaluable']}）",
        f"{n['total']} ({n['confirmed']} confirmed, {n['false_alarm']} false alarms, {n['investigating']} investigating, {n['unlabelled']} unlabelled; {n['not_evaluable']} {blind.en})",
    )


def _fit_lines(fit: dict[str, Any]) -> list[tuple[Words, Words]]:
    limit, gone = fit["limit"], fit["let_go"]
    item = Words(f"每日不超过 {limit:,} 单", f"at most {limit:,} a day")
    worst = f"{fit['queue_before']:,} ({fit['busiest_day']})"
    if fit["fits_now"]:
        return [(item, Words(f"现在最多 {worst}，分数线不必动", f"now at most {worst}: the bands can stay"))]
    if not fit["fits"]:
        return [
            (
                item,
                Words(
                    f"光调分数线做不到：只留最高分，仍有一天 {fit['queue_after']:,} 单；请拉开规则分值，或加人",
                    f"bands alone cannot do it: with the highest scores only, a day still has {fit['queue_after']:,}; spread the rules' points, or add staff",
                ),
            )
        ]
    return [
        (
            item,
            Words(
                f"现在最多 {worst}；照下面的分数线，最忙日降为 {fit['queue_after']:,}，放过 {gone['total']:,} 单"
                f"（属实 {gone['confirmed']:,}，误判 {gone['false_alarm']:,}，调查中 {gone['investigating']:,}，未判 {gone['unlabelled']:,}）",
                f"now at most {worst}; with the bands below the busiest day falls to {fit['queue_after']:,}, and {gone['total']:,} orders leave "
                f"the queue ({gone['confirmed']:,} confirmed, {gone['false_alarm']:,} false alarms, {gone['investigating']:,} investigating, {gone['unlabelled']:,} unlabelled)",
            ),
        ),
        *[(Words("建议", "proposal"), Words(line, line)) for line in fit["yaml"].splitlines()],
    ]
