"""What every rule of today's rulebook says of one order that the ledger has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.ledger import History
from orderguard.rules.book import say
from orderguard.rules.engine import needed
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
        Per rule: `rule_id says status answer value reason`; `answer` is `flagged`, `passed` or `not_evaluable`.
    """
    past = History(ledger).around(order, needed(book.variants)[2], ids)
    both = pl.concat([order, past], rechunk=True).with_columns(past=pl.int_range(pl.len()) >= 1)
    frame = facts_for(both, book, synonyms)
    told = []
    profile = book.profiles[frame[:1].select(book.holding()).item()]
    for rule in book.variants:
        if rule.held and not frame[:1].select(rule.held.mask()).item():
            continue
        measured = rule.settings.measure(frame)
        hit = measured["hit"][0]
        answer = "not_evaluable" if hit is None else "flagged" if hit else "passed"
        value, reason = None, ""
        if hit:
            # As the engine does: a reason may use whatever its kind measured.
            one = frame[:1].with_columns(measured[:1].drop("hit").get_columns())
            if "value" not in measured.columns:
                one = one.with_columns(value=rule.settings.value().cast(pl.Float64))
            value = one["value"][0]
            reason = one.select(rule.settings.reason(book.locale)).item()
        told.append(
            {
                "rule_id": rule.id,
                "says": say(rule.says, book.locale),
                "status": profile.status[rule.id],
                "answer": answer,
                "value": value,
                "reason": reason,
            }
        )
    return told
