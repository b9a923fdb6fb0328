"""A rule that the guard rail demoted is told to managers at once, not only on the terminal of whoever scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.errors import Problem, Words
from orderguard.outbox.notify import Letter, send_all
from orderguard.outbox.targets import target_label
from orderguard.stages.notices import people

if TYPE_CHECKING:
    from orderguard.route import Team
    from orderguard.stages.notices import Person
    from orderguard.stages.options import Options

_TITLE = Words("orderguard 规则告警", "orderguard: a rule was demoted")
_TEXT = Words(
    "规则 {rule} 命中 {share}（{hits} / {orders} 单，上限 {limit}），本次降为试运行：不计分、不暂扣。请检查规则或改 max_share。",
    "rule {rule} flagged {share} ({hits} of {orders} orders, limit {limit}) and is on trial for this run: no points, no holds. "
    "Check the rule, or change its max_share.",
)


def _listeners(team: Team, locale: str) -> list[Person]:
    """Managers of everywhere; where there are none, all managers."""
    managers = [p for p in people(team, locale) if not p.agent]
    return [p for p in managers if not p.regions] or managers


def _text(demoted: list[dict[str, Any]], locale: str) -> str:
    return "\n".join(
        _TEXT.pick(locale).format(
            rule=d["rule_id"],
            share=f"{d['share']:.1%}",
            hits=d["hits"],
            orders=d["orders"],
            limit=f"{d['max_share']:.0%}",
        )
        for d in demoted
    )


def alarm_rows(
    demoted: list[dict[str, Any]], team: Team, locale: str
) -> list[tuple[str, str, int, int, str, str, str]]:
    """What is new as rows of `notices.csv`, one for each who hears of them."""
    alarms = [d for d in demoted if d["new"]]
    if not alarms:
        return []
    where = "全部" if locale.startswith("zh") else "all"
    comma = "、" if locale.startswith("zh") else ", "
    return [
        (
            p.name,
            comma.join(p.regions) or where,
            0,
            0,
            "",
            ", ".join(map(target_label, p.targets.values())),
            _text(alarms, p.locale),
        )
        for p in _listeners(team, locale)
    ]


def ring(options: Options, demoted: list[dict[str, Any]]) -> tuple[int, list[Problem]]:
    """Send what is new; returns how many messages arrived, and a problem for each that did not."""
    alarms = [d for d in demoted if d["new"]]
    if not alarms:
        return 0, []
    heard = [(p, key) for p in _listeners(options.team, options.book.locale) for key in p.targets]
    letters = [
        Letter((p.key, key), options.targets[key], _TITLE.pick(p.locale), _text(alarms, p.locale)) for p, key in heard
    ]
    lost = [
        Problem(
            Words(
                f"给 {p.name} 的规则告警没有送达 {options.targets[key].label}（{o.said}）",
                f"the alarm to {p.name} did not reach {options.targets[key].label} ({o.said})",
            ),
            fix=Words("run.json 的 demoted 里也有", "run.json has it too, under demoted"),
            fatal=False,
        )
        for (p, key), o in zip(heard, send_all(letters), strict=True)
        if not o.sent
    ]
    return len(letters) - len(lost), lost
