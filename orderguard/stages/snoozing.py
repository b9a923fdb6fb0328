"""Which findings a snooze silences, and which value of an order a rule is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.ledger.snoozes import Snooze
    from orderguard.rules.model import Rule

_PHONES = ("receiver_phone", "phone_key")
_VALUES = (
    "order_id",
    "buyer_id",
    "ip",
    "device_id",
    "email",
    "address",
    "address_key",
    "receiver_name",
    "buyer_name",
    *_PHONES,
)
_WRITTEN = {
    "phone_key": "receiver_phone",
    "address_key": "address",
    "account_key": "buyer_id",
    "name_key": "receiver_name",
    "buyer_name_key": "buyer_name",
    "email_key": "email",
}
"""Facts that stand for a column of the export: what a person would write."""


def asleep(findings: pl.DataFrame, frame: pl.DataFrame, snoozes: Sequence[Snooze]) -> pl.Series:
    """True for each finding whose rule is silent about a value of its order.

    Args:
        findings: with `row`, the index in `frame`.
        frame: orders with facts.
        snoozes: that are on.
    """
    quiet = pl.repeat(False, len(findings), eager=True)
    for rule_id in sorted({s.rule_id for s in snoozes}):
        values = {fold(s.value) for s in snoozes if s.rule_id == rule_id}
        mine = findings.select(i=pl.int_range(pl.len()), row="row").filter(findings["rule_id"] == rule_id)
        rows = frame.select([c for c in _VALUES if c in frame.columns])[mine["row"]]
        hit = rows.select(
            pl.any_horizontal([_folded(c).is_in(sorted(values)).fill_null(value=False) for c in rows.columns])
        )
        quiet = quiet.scatter(mine["i"].filter(hit.to_series()), True)
    return quiet


def value_of(rule: Rule, order: Mapping[str, Any]) -> str | None:
    """What a rule is about in this order: its key (such as the IP), else the buyer's account, else the order itself."""
    for name in (*rule.settings.reach().keys, "buyer_id", "order_id"):
        value = order.get(_WRITTEN.get(name, name))
        if value and "*" not in str(value):
            return str(value)
    return None


def fold(value: str) -> str:
    """A value as it is compared: no blanks, lower case; of a phone the last eleven digits."""
    text = re.sub(r"\s+", "", value).casefold()
    digits = re.sub(r"[+()\-]", "", text)
    return digits[-11:] if digits.isdigit() and len(digits) >= 11 else text


def _folded(column: str) -> pl.Expr:
    text = pl.col(column).str.replace_all(r"\s+", "").str.to_lowercase()
    digits = text.str.replace_all(r"[+()\-]", "")
    return pl.when(digits.str.contains(r"^\d{11,}$")).then(digits.str.tail(11)).otherwise(text)
