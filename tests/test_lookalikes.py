"""Words that somebody tried to hide, and words that are none."""

from __future__ import annotations

import polars as pl
import pytest
from house import book


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("临 时·仓", "临时仓"), ("臨時倉", "临时仓"), ("临时仓", "臨時倉"), ("刷*单", "刷单"), ("刷＊单", "刷单"), ("刷🔥单", "刷单"), ("刷\u200b单", "刷单"),
        ("刷_-.单", "刷单"), ("ＶＸ", "vx"), ("vх", "vx"), ("㊙密", "秘密"), ("二〇店", "二零店"), ("we1xin", "weixin"), ("welxin", "weixin"),
        ("c0upon", "coupon"), ("t\u0336est", "test"), ("⼈工", "人工"), ("【好·评】", "好评"),
    ],
)  # fmt: skip
def test_look_alikes_are_one_word(text: str, word: str) -> None:
    """Each trick that hides a word from a plain search."""
    rule = book(f'{{id: w, kind: keywords, with: {{column: buyer_note, any: ["{word}"]}}, points: 1}}').rules[0].settings
    assert rule.measure(pl.DataFrame({"buyer_note": [text, f"前{text}后"]}))["hit"].to_list() == [True, True]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("13800138000", "lol"), ("A101室", "lol"), ("A1-O1-101", "lol"), ("SKU-10L01", "lol"), ("100p", "loop"), ("wall", "wail"),
        ("V我50", "v5o"), ("a+b", "ab"), ("刷5单", "刷单"), ("1O1", "lol"), ("mail", "mall"),
    ],
)  # fmt: skip
def test_numbers_and_other_words_are_no_look_alikes(text: str, word: str) -> None:
    """What folding must not join: a false alarm costs a call."""
    rule = book(f'{{id: w, kind: keywords, with: {{column: buyer_note, any: ["{word}"]}}, points: 1}}').rules[0].settings
    assert rule.measure(pl.DataFrame({"buyer_note": [text]}))["hit"].to_list() == [False]


def test_a_mask_hides_and_a_star_in_a_name_is_one() -> None:
    """刷**单 may say anything; 王*芳 is not 王芳, nor does it say that it is not."""
    note = book("{id: w, kind: keywords, with: {column: buyer_note, any: [刷单]}, points: 1}").rules[0].settings
    assert note.measure(pl.DataFrame({"buyer_note": ["刷**单", "刷＊＊单", "刷单**", "刷", "", None]}))["hit"].to_list() == [None, None, True, False, False, None]
    name = book("{id: w, kind: keywords, with: {column: receiver_name, any: [王芳]}, points: 1}").rules[0].settings
    assert name.measure(pl.DataFrame({"receiver_name": ["王*芳", "王 芳"]}))["hit"].to_list() == [False, True]


@pytest.mark.parametrize("more", [0, 40])
def test_few_words_and_many_are_found_alike(more: int) -> None:
    """Few are looked for by a pattern, many by an automaton: signs of a pattern are the words' own characters."""
    words = ["c+", "$5", "1%", "a=b", "临时", "临时仓", "仓", "x|y"] + [f"无{i}关" for i in range(more)]
    rule = book(f"{{id: w, kind: keywords, with: {{column: buyer_note, any: {words!r}}}, points: 1}}").rules[0].settings
    notes = ["c++", "ccc", "$50", "5", "满 1%", "1", "a=b", "ab", "临 时 仓", "x y", "z"]
    got = rule.measure(pl.DataFrame({"buyer_note": notes}))
    assert got["hit"].to_list() == [True, False, True, False, True, False, True, False, True, True, False]
    assert got["value"].to_list() == [1, 0, 1, 0, 1, 0, 1, 0, 3, 1, 0]
