"""A rule's own proof: the orders it says it flags and passes, run as tests."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.columns import FACTS, INSTANT, ITEM_END, ITEM_MARK, MONEY, ORDERS, schema
from orderguard.errors import Words, closest
from orderguard.rules.engine import run_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from orderguard.rules.book import Rule


class Proof(NamedTuple):
    """One example of a rule and how it came out.

    Attributes:
        rule_id: the rule.
        expected: `flags` or `passes`.
        number: which example, from 1.
        ok: it came out as expected.
        said: the reason that was given, or why it failed.
    """

    rule_id: str
    expected: str
    number: int
    ok: bool
    said: str


_TYPES = {**schema(ORDERS), **schema(FACTS)}


def run_proofs(rule: Rule, zone: str, locale: str, enrich: Callable[[pl.DataFrame, Rule], pl.DataFrame]) -> list[Proof]:
    """Run one rule's `flags:` and `passes:`.

    An example is one order, or a list of orders that must all come out alike; it names only the columns that the
    rule reads. An order with `past: true` is an earlier one: it counts, and is not asked about. Times without a zone are read in `zone`. `passes` means judged and not flagged, or not evaluable.
    """
    out = []
    for expected, examples in (("flags", rule.flags), ("passes", rule.passes)):
        for number, example in enumerate(examples, 1):
            orders = example if isinstance(example, list) else [example]
            wrong = _faults(orders)
            if wrong:
                out.append(Proof(rule.id, expected, number, ok=False, said=wrong[0].pick(locale)))
                continue
            try:
                frame = enrich(_frame(orders, zone), rule)
                found = run_rules(frame, [rule], locale).findings
                found = found.filter(~frame["past"].gather(found["row"]))
            except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
                out.append(Proof(rule.id, expected, number, ok=False, said=str(error).splitlines()[0]))
                continue
            want = int((~frame["past"]).sum()) if expected == "flags" else 0
            said = str(found["reason"][0]) if len(found) else "-"
            out.append(Proof(rule.id, expected, number, len(found) == want, said))
    return out


def example_faults(rule: Rule) -> list[tuple[str, int, Words]]:
    """What no example can hold, without running any: `flags` or `passes`, which example from 0, what is wrong."""
    return [
        (expected, number, fault)
        for expected, examples in (("flags", rule.flags), ("passes", rule.passes))
        for number, example in enumerate(examples)
        for fault in _faults(example if isinstance(example, list) else [example])
    ]


def _faults(orders: list[dict[str, Any]]) -> list[Words]:
    told = []
    for name, value in ((n, v) for order in orders for n, v in order.items()):
        dtype = _TYPES.get(name)
        if dtype is None and name != "past":
            hint = closest(name, [*_TYPES])
            told.append(Words(f"没有列 '{name}'；{hint.zh}", f"no column '{name}'; {hint.en}"))
        elif dtype is None or dtype == pl.String or value is None:
            continue
        elif dtype == INSTANT:
            try:
                datetime.fromisoformat(str(value))
            except ValueError:
                told.append(
                    Words(f"{name} 应为时间，如 2026-11-11 00:00:00（写的是 '{value}'）", f"{name} should be a time such as 2026-11-11 00:00:00, not '{value}'")
                )  # fmt: skip
        elif isinstance(value, bool) or not re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", str(value)):
            told.append(Words(f"{name} 应为数字（写的是 '{value}'）", f"{name} should be a number, not '{value}'"))
    return list(dict.fromkeys(told))


def _items(value: Any) -> Any:
    """`basket: {NF-900: 2}` of an example as the fact's text."""
    if not isinstance(value, dict):
        return value
    return ITEM_END.join(sorted(f"{sku}{ITEM_MARK}{float(n):g}" for sku, n in value.items()))


def _frame(orders: list[dict[str, Any]], zone: str) -> pl.DataFrame:
    columns: dict[str, pl.Series] = {}
    for name, dtype in _TYPES.items():
        given = [o.get(name) for o in orders]
        if name == "order_id":
            given = [v or f"example-{i}" for i, v in enumerate(given)]
        if name == "platform":
            given = [v or "example" for v in given]
        if name == "basket":
            given = [_items(v) for v in given]
        text = pl.Series(name, [None if v is None else str(v) for v in given], dtype=pl.String)
        if dtype == INSTANT:
            columns[name] = (
                text.str.replace("T", " ")
                .str.to_datetime(time_unit="us")
                .dt.replace_time_zone(zone)
                .dt.convert_time_zone("UTC")
            )
        elif dtype == MONEY or dtype.is_numeric():
            columns[name] = text.cast(dtype)
        else:
            columns[name] = text
    return pl.DataFrame(columns).with_columns(past=pl.Series([bool(o.get("past")) for o in orders]))
