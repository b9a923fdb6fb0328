"""A rulebook checked as far as it can be without an order: `rules check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.rules.book import line_of
from orderguard.rules.proofs import example_faults
from orderguard.stages.judging import check_places
from orderguard.stages.tables import equip

if TYPE_CHECKING:
    from datetime import datetime

    from orderguard.rules import Rulebook


def thoroughly(book: Rulebook, now: datetime) -> Rulebook:
    """The rulebook with its tables, when these, its places and the examples that its rules carry can be read.

    Raises:
        OrderguardError: whatever is wrong with any of them, all at once.
    """
    problems: list[Problem] = []
    whole = book
    try:
        whole = equip(book, now)
    except OrderguardError as error:
        problems += error.problems
    try:
        check_places(book)
    except OrderguardError as error:
        problems += error.problems
    for rule in book.rules:
        for expected, number, fault in example_faults(rule):
            said = Words(
                f"{rule.id}: {expected} 第 {number + 1} 个例子：{fault.zh}",
                f"{rule.id}: {expected} #{number + 1}: {fault.en}",
            )
            line = line_of(book, "rules", rule.id, expected, str(number))
            problems.append(Problem(said, book.source, line))
    if problems:
        raise OrderguardError(*sorted(problems, key=lambda p: (p.where != book.source, p.where, p.line)))
    return whole
