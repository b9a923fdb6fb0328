"""What every rule of today's rulebook says of one order that the ledger has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import FACTS, ORDERS, heading
from orderguard.errors import Words
from orderguard.ledger import History
from orderguard.rules.book import say
from orderguard.rules.engine import needed, run_rules
from orderguard.rules.needs import in_order
from orderguard.stages.judging import facts_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.ledger import Ledger
    from orderguard.rules import Rulebook


def answers(
    ledger: Ledger, order: pl.DataFrame, book: Rulebook, synonyms: Mapping[str, frozenset[str]], ids: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Judge one order again, with the earlier orders that its windows reach.

    Args:
        ledger: where the other orders are.
        order: one row of the orders frame.
        book: the rulebook as it is now, which may not be the one the order was flagged by.
        synonyms, ids: words for platforms.

    Returns:
        Per rule: `rule_id says status answer value reason counts note`; `answer` is `flagged`, `passed` or `not_evaluable`,
        `counts` whether it adds its points, `note` why what was found does not, or what a rule that cannot say lacks.
    """
    past = History(ledger).around(order, needed(book.variants)[2], ids)
    both = pl.concat([order, past], rechunk=True).with_columns(past=pl.int_range(pl.len()) >= 1)
    frame = facts_for(both, book, synonyms)
    profile = book.profiles[frame[:1].select(book.holding()).item()]
    rules = [r for r in book.variants if not r.held or frame[:1].select(r.held.mask()).item()]
    said = run_rules(frame, rules, book.locale, synonyms, blind=True)
    found = {f["rule_id"]: f for f in said.findings.filter(pl.col("row") == 0).iter_rows(named=True)}
    blind = set() if said.blind is None else set(said.blind.filter(pl.col("row") == 0)["rule_id"])
    spared = [] if said.spared is None else said.spared.filter(pl.col("row") == 0)["rule_id"].to_list()
    why = _without_partners({n for n in found if profile.status[n] == "live"}, book)
    why |= {n: _TRIAL for n in found if profile.status[n] != "live"} | dict.fromkeys(spared, _ALLOWED)
    row = frame.row(0, named=True)
    why |= {r.id: w for r in rules if r.id in blind and (w := _unseen(r.settings.reads(), row)) is not None}
    return [
        {
            "rule_id": rule.id,
            "says": say(rule.says, book.locale),
            "status": profile.status[rule.id],
            "answer": "flagged" if rule.id in found else "not_evaluable" if rule.id in blind else "passed",
            "value": found[rule.id]["value"] if rule.id in found else None,
            "reason": found[rule.id]["reason"] if rule.id in found else "",
            "counts": rule.id in found and rule.id not in why,
            "note": why[rule.id].pick(book.locale) if rule.id in why else "",
        }
        for rule in rules
    ]


_TRIAL = Words("试运行，不计分", "on trial: no points")
_ALLOWED = Words("在白名单里，不标记", "on an allow list: not flagged")


_SOURCES = {"phone_": "receiver_phone", "ship_": "ship_from", "addr": "address", "account_": "buyer_id", "email_": "email", "name_": "receiver_name"}  # fmt: skip
"""How the names of facts begin, and the column that each comes from."""
_TELLING = frozenset({"buyer_note", "seller_note", "coupon"})
"""Columns whose blank says something."""
_SPARE = frozenset({"currency", "province", "city", "district", "shop"})
"""Columns that a rule does without."""


def _unseen(reads: set[str], row: Mapping[str, Any]) -> Words | None:
    """Which of the columns that a rule reads the order lacks, or does not show."""
    lacking = set()
    for name in reads - _SPARE:
        cell = row.get(name)
        hidden = isinstance(cell, str) and ("*" in cell or (cell == "" and name not in _TELLING))
        if (cell is None or hidden) and not name.endswith("_km"):
            lacking.add(next((c for start, c in _SOURCES.items() if name.startswith(start)), name))
    names = [c.name for c in (*ORDERS, *FACTS) if c.name in lacking]
    if not names:
        return None
    zh, en = "、".join(heading(n, "zh-CN") for n in names), ", ".join(heading(n, "en") for n in names)
    return Words(f"没有、打码或读不出：{zh}", f"missing, masked or unreadable: {en}")


def _without_partners(counts: set[str], book: Rulebook) -> dict[str, Words]:
    """Rules that need another one, which did not flag the order; `counts` keeps those that add their points."""
    why = {}
    for name, some, every in in_order(book.rules):
        if name not in counts:
            continue
        lacking = [n for n in every if n not in counts]
        if lacking or (some and counts.isdisjoint(some)):
            counts.discard(name)
            zh, en = ("、".join(lacking), ", ".join(lacking)) if lacking else (" 或 ".join(some), " or ".join(some))
            why[name] = Words(f"不计分：要与 {zh} 一起", f"no points: needs {en}")
    return why
