"""Every kind's own examples: rules that check, prove themselves, and come with both languages."""

from __future__ import annotations

import pytest
from house import NOW

from orderguard.platforms import load_profiles, platform_words
from orderguard.rules import run_proofs
from orderguard.rules.book import default_rulebook, load_rulebook, parse_rulebook
from orderguard.rules.registry import kind_example, kind_names
from orderguard.stages.judging import facts_for
from orderguard.stages.tables import equip

HEAD = "version: 1\nship_from: 杭州\nbands: {review: 20, hold: 30}\nrules:\n"
DEFAULT = {rule.kind for rule in load_rulebook(default_rulebook()).rules}


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", kind_names())
def test_a_kinds_examples_prove_themselves(kind: str, locale: str) -> None:
    text = kind_example(kind)
    if not text:
        assert kind in DEFAULT  # its proofs are those of the default rulebook
        return
    book = equip(parse_rulebook(HEAD + text + "\n"), NOW)
    words = platform_words(load_profiles())
    assert all(rule.flags and rule.passes and rule.kind == kind for rule in book.rules)
    for rule in book.rules:
        proofs = run_proofs(
            rule, book.timezone, locale, lambda f, one: facts_for(f, book.model_copy(update={"rules": [one]}), words)
        )
        assert [p for p in proofs if not p.ok] == []
        said = [p.said for p in proofs if p.expected == "flags"]
        assert all(s and s != "-" and "{" not in s for s in said), said
        # English reasons name places and goods as they are, but have no Chinese sentence around them.
        assert all(any("a" <= c <= "z" for c in s) for s in said) or locale == "zh-CN", said
