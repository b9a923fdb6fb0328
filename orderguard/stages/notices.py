"""Notices: who is due to be told of what, sent after the outputs are in place and the ledger is free again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.enrich.places import canonical_region
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ledger import CaseBook, History, open_ledger
from orderguard.ledger.notices import ESCALATED, NEW, NoticeBook
from orderguard.outbox.cards import short_cards
from orderguard.outbox.notify import Letter, Outcome, send_all
from orderguard.outbox.targets import Target, resolve, target_key, target_label
from orderguard.route.team import NOTICE_EVERY
from orderguard.stages.casework import task_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orderguard.ledger import Ledger
    from orderguard.ledger.notices import Due
    from orderguard.route import Team
    from orderguard.stages.options import Options

_TITLE = Words("orderguard 异常订单", "orderguard: abnormal orders")
_TEXT = Words(
    "新增异常订单 {new} 单（暂扣 {hold}，复核 {review}），最早须在 {due} 前处理。{platforms}。",
    "{new} new abnormal orders ({hold} held, {review} for review), the first due by {due}. {platforms}.",
)
_OVERDUE = Words("{overdue} 单超时未处理，请尽快安排。", "{overdue} orders are overdue and need a decision now.")


class Person(NamedTuple):
    """Somebody who is told: a manager (of regions) or an agent (of their own cases).

    Attributes:
        key: `manager:NAME` or `agent:NAME`, as the ledger knows them.
        name: as in team.yaml.
        regions: of a manager; empty means all.
        agent: whether the person is an agent.
        targets: as written in team.yaml, key -> text.
        locale: of the messages.
        cards: whether messages name the orders.
    """

    key: str
    name: str
    regions: tuple[str, ...]
    agent: bool
    targets: dict[str, str]
    locale: str
    cards: bool = False

    def mine(self, cases: pl.DataFrame) -> pl.DataFrame:
        """Of cases with `region agent`, those that this person is told of."""
        if self.agent:
            return cases.filter(pl.col("agent") == self.name)
        return cases.filter(pl.col("region").is_in(self.regions)) if self.regions else cases


def people(team: Team, locale: str) -> list[Person]:
    """Everybody; a manager who is named twice is one person with all regions and targets."""
    found: dict[str, Person] = {}
    for manager in team.managers:
        regions = canonical(manager.region)
        before = found.get(f"manager:{manager.name}")
        targets = {target_key(t): t for t in manager.targets}
        if before:
            regions = [*before.regions, *regions] if regions and before.regions else []
            targets = before.targets | targets
        key = f"manager:{manager.name}"
        found[key] = Person(key, manager.name, tuple(dict.fromkeys(regions)), False, targets, manager.locale or locale)
    for agent in team.agents:
        key = f"agent:{agent.name}"
        found[key] = Person(key, agent.name, (), True, {target_key(t): t for t in agent.targets}, locale, agent.cards)
    return list(found.values())


def canonical(regions: list[str]) -> list[str]:
    """Provinces as addresses are parsed to; a name that is none stays as it is."""
    names = canonical_region(pl.Series(regions, dtype=pl.String)).to_list()
    return [n or r for n, r in zip(names, regions, strict=True)]


def check_targets(team: Team, where: str, environment: Mapping[str, str]) -> dict[str, Target]:
    """Every target of the team with its secrets: key -> target.

    Raises:
        OrderguardError: every target whose variable is not set, or that nothing can be sent to, at once.
    """
    written = dict.fromkeys([t for m in team.managers for t in m.targets] + [t for a in team.agents for t in a.targets])
    targets, problems = {}, []
    for text in written:
        try:
            targets[target_key(text)] = resolve(text, environment, where)
        except OrderguardError as error:
            problems += error.problems
    if problems:
        raise OrderguardError(*dict.fromkeys(problems))
    return targets


_NOBODY = Problem(
    Words(
        "--notify：团队表里没有人写了 targets，没有通知可发",
        "--notify: nobody in the team file has targets; nothing is sent",
    ),
    fix=Words("在 team.yaml 的 managers 下写 targets", "give targets under managers in team.yaml"),
    fatal=False,
)


def tell(options: Options, names: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """Make the notices that are due, send them and what earlier runs could not, and note what became of them.

    The ledger is locked to plan and to note, not while sending.

    Args:
        options: of the scan; `targets` are `check_targets`' own.
        names: platform ids -> what people call them.

    Returns:
        For `run.json`: `sent failed waiting` (people who are told later, at most one notice each `every`), and a
        problem for each message that was not delivered.
    """
    everybody = [p for p in people(options.team, options.book.locale) if p.targets]
    if not everybody:
        return {"sent": 0, "failed": 0, "waiting": []}, [_NOBODY]
    ledger = open_ledger(options.ledger, options.tell)
    by_key = {p.key: p for p in everybody}
    try:
        due, waiting = _claim_due(NoticeBook(ledger), everybody, options)
        live = [d for d in due if len(d.cases)]
        letters = [_letter(d, by_key[d.who], options, names, ledger) for d in live]
    finally:
        ledger.close()
    if not due:
        return {"sent": 0, "failed": 0, "waiting": waiting}, []
    outcomes = send_all(letters)
    ledger = open_ledger(options.ledger, options.tell)
    try:
        moot = [(d, "moot", 0, "") for d in due if d.cases.is_empty()]
        done = [(d, "sent" if o.sent else "failed", o.tries, o.said) for d, o in zip(live, outcomes, strict=True)]
        NoticeBook(ledger).settle(moot + done, options.now)
    finally:
        ledger.close()
    failed = [
        _undelivered(by_key[d.who], o, letter.target)
        for d, o, letter in zip(live, outcomes, letters, strict=True)
        if not o.sent
    ]
    return {"sent": len(live) - len(failed), "failed": len(failed), "waiting": waiting}, failed


def _claim_due(book: NoticeBook, everybody: list[Person], options: Options) -> tuple[list[Due], list[str]]:
    every = NOTICE_EVERY if options.team.every is None else options.team.every
    waiting = []
    for person in everybody:
        last = book.last(person.key)
        labels = {k: target_label(t) for k, t in person.targets.items()}
        book.address(person.key, labels, options.now)
        if last is not None and options.now - last < every:
            if len(person.mine(book.untold(person.key, last))):
                waiting.append(person.name)
        else:
            mine = person.mine(book.untold(person.key))
            if len(mine):
                book.add(person.key, mine, labels, options.run_id, options.now)
    return book.claim([p.key for p in everybody], options.now), waiting


def _letter(due: Due, person: Person, options: Options, names: Mapping[str, str], ledger: Ledger) -> Letter:
    facts = figures(due.cases, person, options.book.timezone, names)
    title, body = compose(facts, person, options.team)
    if person.cards:
        body += "\n\n" + _cards(due, person, options, names, ledger, _ROOM - len((title + body).encode()))
    return Letter((due.who, due.target), options.targets[due.target], title, body, facts)


_ROOM = 1_900
"""Bytes of a message with cards: WeCom's robots take 2,048."""


def _cards(due: Due, person: Person, options: Options, names: Mapping[str, str], ledger: Ledger, room: int) -> str:
    book = options.book
    chosen = CaseBook(ledger).open_of(person.name).join(due.cases.select("case_id").unique(), on="case_id", how="semi")
    rows = task_rows(chosen, CaseBook(ledger), History(ledger), book).sort("due_at", "cluster", "order_id")
    rows = rows.with_columns(pl.col("due_at").dt.convert_time_zone(book.timezone))
    return short_cards(rows, person.locale, room, names)


def figures(cases: pl.DataFrame, person: Person, zone: str, names: Mapping[str, str]) -> dict[str, Any]:
    """What a message about cases may say (`PLACES`); no name, phone, address or order number of a buyer in it."""
    zh = person.locale.startswith("zh")
    fresh = cases.filter(pl.col("kind") != ESCALATED)
    comma = "、" if zh else ", "
    first: datetime = cases["due_at"].dt.convert_time_zone(zone).min()  # type: ignore[assignment]
    held = int((fresh["band"] == "hold").sum())
    platforms = Counter(names.get(p, p) for p in fresh["platform"])
    return {
        "name": person.name,
        "region": comma.join(person.regions) or ("全部" if zh else "all"),
        "new": len(fresh),
        "hold": held,
        "review": len(fresh) - held,
        "due": first.strftime("%m-%d %H:%M"),
        "platforms": comma.join(f"{p} {n}" for p, n in platforms.most_common(8)),
        "overdue": cases.filter(pl.col("kind") == ESCALATED)["case_id"].n_unique(),
    }


def compose(facts: Mapping[str, Any], person: Person, team: Team) -> tuple[str, str]:
    """Title and text of a message with these figures, in the person's language or the team's own words."""
    own = team.message.zh if person.locale.startswith("zh") else team.message.en
    lines = [own or _TEXT.pick(person.locale)] if facts["new"] else []
    if facts["overdue"] and "{overdue}" not in (own or ""):
        lines.append(_OVERDUE.pick(person.locale))
    return _TITLE.pick(person.locale), "\n".join(lines).format(**facts)


def _undelivered(person: Person, outcome: Outcome, target: Target) -> Problem:
    what = Words(
        f"给 {person.name} 的通知没有送达 {target.label}（试了 {outcome.tries} 次：{outcome.said}）",
        f"the notice to {person.name} did not reach {target.label} (tried {outcome.tries} times: {outcome.said})",
    )
    fix = Words(
        "案件已记下；下次带 --notify 扫描或 orderguard notices send 会只重发这一条",
        "the cases are recorded; the next scan with --notify, or 'orderguard notices send', sends just this again",
    )
    return Problem(what, fix=fix, fatal=False)


def notice_rows(
    told: pl.DataFrame, team: Team, locale: str, zone: str, names: dict[str, str]
) -> list[tuple[str, str, int, int, str, str, str]]:
    """One message per person about the new cases of theirs; no names, phones or addresses in it."""
    out: list[tuple[str, str, int, int, str, str, str]] = []
    news = told.filter(pl.col("band") != "pass")
    if news.is_empty():
        return out
    zh = locale.startswith("zh")
    for person in people(team, locale):
        mine = person.mine(news)
        if mine.is_empty() or (person.agent and not person.targets):
            continue
        held = int((mine["band"] == "hold").sum())
        first: datetime = mine["due_at"].dt.convert_time_zone(zone).min()  # type: ignore[assignment]
        where = ("、" if zh else ", ").join(person.regions) or ("全部" if zh else "all")
        targets = ", ".join(target_label(t) for t in person.targets.values())
        _, text = compose(figures(mine.with_columns(kind=pl.lit(NEW)), person, zone, names), person, team)
        out.append((person.name, where, held, len(mine) - held, first.strftime("%m-%d %H:%M"), targets, text))
    return out
