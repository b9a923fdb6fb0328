"""The sentence that a rule says of an order."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from orderguard.rules.kinds.velocity import Velocity
from orderguard.rules.reasons import sentence


def test_each_language_fills_its_holes_in_its_own_order() -> None:
    frame = pl.DataFrame({"who": ["甲", "b"], "n": [3, 4]})
    for locale, told in (("zh-CN", ["满 2.5：甲 有 3", "满 2.5：b 有 4"]), ("en", ["3 of 甲", "4 of b"])):
        told_of = sentence(locale, "满 {least}：{who} 有 {n}", "{n} of {who}", who=pl.col("who"), n=pl.col("n"), least=2.5)
        assert frame.select(told_of).to_series().to_list() == told


def test_braces_are_text_wherever_they_come_from() -> None:
    """A word of a rulebook, or of a buyer, that looks like a hole is none."""
    frame = pl.DataFrame({"word": ["{n}", "{}"]})
    told = sentence("en", "", "{rule} met {word} {{n}}", rule="{word}", word=pl.col("word"))
    assert frame.select(told).to_series().to_list() == ["{word} met {n} {n}", "{word} met {} {n}"]
    same = frame.with_columns(reason=sentence("en", "", "no {{n}} of {rule}", rule="{"))["reason"]
    assert same.to_list() == ["no {n} of {"] * 2


@pytest.mark.parametrize(("least", "told"), [(1_000_000, "1000000"), (12_345.67, "12345.67"), (5000, "5000")])
def test_a_limit_is_told_as_the_rulebook_has_it(least: float, told: str) -> None:
    """Not as 1e+06, and not rounded to six digits."""
    rule = Velocity(key="phone", window="24h", sum="amount", at_least=least)  # type: ignore[arg-type]
    frame = pl.DataFrame({"phone_key": ["138"], "amount": [2e6], "created_at": [datetime(2026, 11, 11, tzinfo=UTC)]})
    frame = frame.with_columns(currency=pl.lit("CNY"))
    measured = frame.with_columns(rule.measure(frame).get_columns())
    assert f"（满 {told} 即命中）" in measured.select(rule.reason("zh-CN")).item()
    assert f"(limit {told})" in measured.select(rule.reason("en")).item()
