"""A hundred wrong rulebooks: each gives a message with file, line and repair, in both languages; none a traceback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from house import shell

from orderguard.errors import OrderguardError
from orderguard.rules.book import parse_rulebook

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nbands: {review: 20, hold: 30}\nrules:\n"
GOOD = "- {id: a, kind: keywords, with: {any: [临时仓]}, points: 1}\n"
OTHER = "- {id: b, kind: keywords, with: {any: [x]}, points: 1}\n"
IP = "- {id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 1}\n"
FAR = "- {id: far, kind: distance, with: {more_than_km: 2000}, points: 1}\n"
NEW = "- {id: new, kind: new_account, with: {within: 7d}, points: 1}\n"
PROMO = "promotions:\n- {id: p, from: 2026-11-10, to: 2026-11-12}\n"


def aliases(levels: int) -> str:
    """Aliases of aliases: a few hundred bytes that would unfold to billions of values."""
    return "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, levels))


def good(old: str, new: str) -> str:
    """The good rule with a change."""
    assert old in GOOD
    return HEAD + GOOD.replace(old, new)


def ip(old: str, new: str) -> str:
    """The window rule with a change."""
    assert old in IP
    return HEAD + IP.replace(old, new)


def sql(when: str) -> str:
    """A rulebook with one condition; it stands in line 4."""
    return HEAD + f'- {{id: a, kind: condition, points: 1, with: {{when: "{when}"}}}}\n'


def promo(old: str, new: str) -> str:
    """A promotion with a change; it stands in line 6."""
    assert old in PROMO
    return HEAD + IP + PROMO.replace(old, new)


WRONG = {
    # the file
    "empty": ("", 1, "version: 1"),
    "a word": ("rules\n", 1, "version: 1"),
    "a list": ("- 1\n", 1, "version: 1"),
    "tab": (HEAD + "\t- {id: a}\n", 4, "use blanks"),
    "open quote": (HEAD + '- {id: "a}\n', 4, "never closed"),
    "open bracket": (HEAD + "- {id: a, kind: keywords, with: {any: [a, b}, points: 1}\n", 4, "add ] or a comma"),
    "open brace": (HEAD + "- {id: a, kind: keywords\n- {id: b}\n", 5, "add } or a comma"),
    "a star before a word": (HEAD + "- {id: a, kind: keywords, with: {any: [*临时仓*]}, points: 1}\n", 4, "quote it"),
    "a dash behind a key": (HEAD + "- id: a\n  flags: - x\n", 5, "a line of its own"),
    "key without a colon": (HEAD + "- id: a\n  kind\n  points: 1\n", 6, "followed by a blank|write key: value"),
    "an at sign": (HEAD + "- {id: a, says: @all}\n", 4, "quote it"),
    "colon without a blank": (HEAD + "- id:a\n  kind: keywords\n", 5, "followed by a blank"),
    "indentation": (HEAD + "- id: a\n   kind: keywords\n  points: 1\n", 5, "indentation"),
    "aliases of aliases": (aliases(10), 0, "too much"),
    "unknown alias": (HEAD + "- *nobody\n", 4, "valid YAML"),
    "itself inside": ("a: &a [*a]\n", 1, "refers to itself"),
    "deep brackets": ("[" * 200_000, 1, "nested too deep"),
    "deep dashes": ("- " * 100_000, 1, "nested too deep"),
    "a list as key": (HEAD + GOOD + "? [1, 2]\n: 3\n", 5, "must be a word"),
    "an impossible date": (HEAD + GOOD + "promotions:\n- {id: p, from: 2026-02-31, to: 2026-03-01}\n", 6, "2026-02-31"),
    "a Python object": (HEAD + GOOD + "locale: !!python/object:os.system {}\n", 5, "locale"),
    "control characters": (HEAD + GOOD + "locale: \x00\n", 0, "valid YAML"),
    "two documents": (HEAD + GOOD + "---\n" + HEAD, 5, "valid YAML"),
    # the top level
    "no version": ("bands: {review: 20, hold: 30}\nrules:\n" + GOOD, 1, "required"),
    "version 2": (HEAD.replace("1", "2", 1) + GOOD, 1, "must be one of 1"),
    "version true": (HEAD.replace("1", "true", 1) + GOOD, 1, "must be one of 1"),
    "no bands": ("version: 1\nrules:\n" + GOOD, 1, "bands is required"),
    "no rules": ("version: 1\nbands: {review: 20, hold: 30}\n", 1, "rules is required"),
    "empty rules": ("version: 1\nbands: {review: 20, hold: 30}\nrules: []\n", 3, "at least one"),
    "rules of nothing": ("version: 1\nbands: {review: 20, hold: 30}\nrules:\n", 3, "list"),
    "rules as mapping": ("version: 1\nbands: {review: 20, hold: 30}\nrules: {a: 1}\n", 3, "list"),
    "a rule as a word": (HEAD + "- velocity\n", 4, "mapping"),
    "a rule of nothing": (HEAD + GOOD + "-\n", 5, "mapping"),
    "unknown top key": (HEAD + GOOD + "treshold: 3\n", 5, "unknown key"),
    "top key near": (HEAD + GOOD + "promotion: []\n", 5, "did you mean 'promotions'"),
    "repeated key": (HEAD + GOOD + "version: 1\n", 5, "given twice"),
    "a number as key": (HEAD + GOOD + "7: 1\n", 5, "key"),
    "bands reversed": (HEAD.replace("review: 20", "review: 40") + GOOD, 2, "not be above hold"),
    "band not a number": (HEAD.replace("20", "much") + GOOD, 2, "should be a number"),
    "band NaN": (HEAD.replace("20", ".nan") + GOOD, 2, "review"),
    "band endless": (HEAD.replace("30", ".inf") + GOOD, 2, "hold"),
    "band zero": (HEAD.replace("20", "0") + GOOD, 2, "must be more than 0"),
    "bands as a list": (HEAD.replace("{review: 20, hold: 30}", "[20, 30]") + GOOD, 2, "mapping"),
    "unknown band": (HEAD.replace("hold: 30", "hald: 30") + GOOD, 2, "did you mean 'hold'"),
    "unknown zone": ("timezone: Asia/Shanghia\n" + HEAD + GOOD, 1, "such as Asia/Shanghai"),
    "machine zone": ("timezone: localtime\n" + HEAD + GOOD, 1, "such as Asia/Shanghai"),
    "zone as a number": ("timezone: 8\n" + HEAD + GOOD, 1, "should be text"),
    "zone as an offset": ("timezone: '+08:00'\n" + HEAD + GOOD, 1, "such as Asia/Shanghai"),
    "unknown locale": ("locale: fr\n" + HEAD + GOOD, 1, "'zh-CN' or 'en'"),
    "ship_from key": ("ship_from: {defualt: 杭州}\n" + HEAD + GOOD, 1, "did you mean 'default'"),
    "ship_from list": ("ship_from: [杭州]\n" + HEAD + GOOD, 1, "mapping"),
    "only_status word": ("only_status: 待发货\n" + HEAD + GOOD, 1, "list"),
    "privacy word": ("privacy: {mask_sheets: perhaps}\n" + HEAD + GOOD, 1, "true or false"),
    "share above all": ("max_share: 120%\n" + HEAD + GOOD, 1, "20% or 0.2"),
    "share of nothing": ("max_share: 0\n" + HEAD + GOOD, 1, "20% or 0.2"),
    "share as a word": ("max_share: half\n" + HEAD + GOOD, 1, "20% or 0.2"),
    # a rule
    "unknown kind": (HEAD + "- {id: a, kind: keyward, points: 1}\n", 4, "did you mean 'keywords'"),
    "kind as a list": (HEAD + "- {id: a, kind: [keywords], points: 1}\n", 4, "should be text"),
    "no kind": (HEAD + "- {id: a, points: 1}\n", 4, "kind is required"),
    "no id": (good("id: a, ", ""), 4, "id is required"),
    "no points": (good(", points: 1", ""), 4, "points is required"),
    "negative points": (good("points: 1", "points: -1"), 4, "at least 0"),
    "huge points": (good("points: 1", "points: 1e300"), 4, "at most"),
    "points as a word": (good("points: 1", "points: many"), 4, "should be a number"),
    "unknown status": (good("points: 1", "points: 1, status: on"), 4, "'live', 'trial' or 'retired'"),
    "id with blanks": (good("id: a", "id: 'a b'"), 4, "small letters"),
    "id in Chinese": (good("id: a", "id: 临时仓"), 4, "small letters"),
    "id as a number": (good("id: a", "id: 7"), 4, "should be text"),
    "endless id": (good("id: a", "id: " + "a" * 65), 4, "small letters"),
    "same id twice": (HEAD + GOOD + GOOD, 5, "was used in line 4"),
    "unknown key": (good("points: 1", "points: 1, point: 1"), 4, "did you mean 'points'"),
    "weight for points": (good("points: 1", "points: 1, weight: 1"), 4, "did you mean 'points'"),
    "enabled for status": (good("points: 1", "points: 1, enabled: false"), 4, "did you mean 'status'"),
    "start for from": ("promotions: [{id: a, start: 2026-11-11, to: 2026-11-12}]\n" + HEAD + GOOD, 1, "did you mean 'from'"),
    "our own key": (good("points: 1", "points: 1, settings: {}"), 4, "unknown key"),
    "our other key": (good("points: 1", "points: 1, held: {}"), 4, "unknown key"),
    "with as a list": (good("{any: [临时仓]}", "[临时仓]"), 4, "mapping"),
    "two unknown scopes": (good("points: 1", "points: 1, only: {platfrom: [京东], shpo: [x]}"), 4, "'platfrom'; did you mean 'platform'?; cannot be limited by 'shpo'; did you mean 'shop'"),
    "unknown scope": (good("points: 1", "points: 1, only: {platfrom: [京东]}"), 4, "did you mean 'platform'"),
    "unknown exception": (good("points: 1", "points: 1, except: {platfrom: [京东]}"), 4, "did you mean 'platform'"),
    "scope not a list": (good("points: 1", "points: 1, only: {platform: 京东}"), 4, "list"),
    "says in another tongue": (good("points: 1", "points: 1, says: {fr: x}"), 4, "says"),
    "flags not a list": (good("points: 1", "points: 1, flags: {address: x}"), 4, "list"),
    "example as a word": (good("points: 1", "points: 1, flags: [x]"), 4, "flags #1 should be a mapping, or should be a list"),
    "was not a list": (good("points: 1", "points: 1, was: b"), 4, "list"),
    "share of a rule": (good("points: 1", "points: 1, max_share: 20"), 4, "20% or 0.2"),
    # kinds
    "unknown setting": (good("any:", "anny:"), 4, "did you mean 'any'"),
    "no words": (good("[临时仓]", "[]"), 4, "at least one"),
    "words joined": (good("[临时仓]", "[临时仓，代收点]"), 4, "several words"),
    "word of blanks": (good("[临时仓]", "[' - ']"), 4, "is empty without blanks"),
    "word as a number": (good("[临时仓]", "[7]"), 4, "quote a number"),
    "not a text column": (good("any:", "column: amount, any:"), 4, "not a text column"),
    "unknown column": (good("any:", "column: adress, any:"), 4, "did you mean 'address'"),
    "bad window": (ip("5m", "soon"), 4, "such as 30s, 5m"),
    "window without unit": (ip("5m", "5"), 4, "such as 30s, 5m"),
    "window of nothing": (ip("5m", "0s"), 4, "above 0"),
    "window back in time": (ip("5m", "-5m"), 4, "such as 30s, 5m"),
    "endless window": (ip("5m", "9" * 30 + "d"), 4, "366 days"),
    "no window": (ip("window: 5m, ", ""), 4, "window is required"),
    "window of one": (ip("at_least: 3", "at_least: 1"), 4, "at least 2"),
    "window of a part": (ip("at_least: 3", "at_least: two"), 4, "number"),
    "unknown window key": (ip("key: ip", "key: ipp"), 4, "did you mean 'ip'"),
    "no key at all": (ip("key: ip", "key: []"), 4, "at least one column"),
    "unknown people": (ip("at_least: 3", "at_least: 3, who: buyer"), 4, "did you mean 'buyer_id'"),
    "far beyond the earth": (HEAD + FAR.replace("2000", "99999"), 4, "at most 20040"),
    "no distance": (HEAD + FAR.replace("2000", "-1"), 4, "more than 0"),
    "account without a time": (HEAD + NEW.replace("within: 7d", ""), 4, "within is required"),
    # needs
    "needs an unknown rule": (good("points: 1", "points: 1, needs: [c]") + OTHER, 4, "did you mean 'b'|known: b"),
    "needs itself": (good("points: 1", "points: 1, needs: a"), 4, "circle"),
    "needs in a circle": (good("points: 1", "points: 1, needs: b") + OTHER.replace("points: 1", "points: 1, needs: {all: [a]}"), 4, "a → b → a"),
    "needs nothing": (good("points: 1", "points: 1, needs: []"), 4, "at least one rule"),
    "needs a number": (good("points: 1", "points: 1, needs: 7"), 4, "should name rules"),
    "needs none of": (good("points: 1", "points: 1, needs: {none: [b]}") + OTHER, 4, "unknown key"),
    "needs a retired rule": (good("points: 1", "points: 1, needs: b") + OTHER.replace("points: 1", "points: 1, status: retired"), 4, "never count"),
    # slips of a Chinese keyboard, and habits from other SQL
    "full-width colon": (HEAD.replace("version: 1", "version： 1", 1) + GOOD, 1, "full-width"),
    "full-width comma": (good(", points: 1", "，points: 1"), 4, "full-width"),
    "Chinese quotes": (sql("city = ‘杭州’"), 4, "plain single quotes"),
    "full-width operator": (sql("amount ＞ 5"), 4, "character 8: a full-width character"),
    "double quotes": (sql('city = \\"杭州\\"'), 4, "single quotes: '杭州'"),
    "and as in C": (sql("amount > 5 && city = 'x'"), 4, "should be AND"),
    "or as in C": (sql("amount > 5 || amount < 3"), 4, "for either write OR"),
    "equals NULL": (sql("buyer_note = NULL"), 4, "IS NULL"),
    "the clock": (sql("created_at > now() - INTERVAL '1 day'"), 4, "no 'now'"),
    "a subquery": (sql("amount > (SELECT 1)"), 4, "rules docs condition"),
    # promotions
    "promotions as a mapping": (HEAD + GOOD + "promotions: {p: 1}\n", 5, "list"),
    "promotion as a word": (HEAD + GOOD + "promotions: [p]\n", 5, "mapping"),
    "promotion without a name": (promo("id: p, ", ""), 6, "needs an id or a name"),
    "promotion called base": (promo("id: p", "id: base"), 6, "other than 'base'"),
    "promotion without an end": (promo(", to: 2026-11-12", ""), 6, "to is required"),
    "promotion from noon": (promo("from: 2026-11-10", "from: noon"), 6, "such as 2026-11-10 20:00"),
    "promotion from a number": (promo("from: 2026-11-10", "from: 20261110"), 6, "such as 2026-11-10 20:00"),
    "promotion in another age": (promo("from: 2026-11-10", "from: 1026-11-10"), 6, "such as 2026-11-10 20:00"),
    "promotion back in time": (promo("to: 2026-11-12", "to: 2026-11-09"), 6, "is not after 'from'"),
    "promotions that overlap": (promo("to: 2026-11-12}\n", "to: 2026-11-12}\n- {id: q, from: 2026-11-12 08:00, to: 2026-11-13}\n"), 7, "overlaps with p (line 6)"),
    "promotion twice": (promo("to: 2026-11-12}\n", "to: 2026-11-12}\n- {id: p, from: 2026-11-13, to: 2026-11-13}\n"), 7, "was used in line 6"),
    "promotion of an unknown rule": (promo("12}", "12, rules: {ipp: {points: 1}}}"), 6, "did you mean 'ip'"),
    "promotion with an unknown key": (promo("12}", "12, rule: {}}"), 6, "did you mean 'rules'"),
    "promotion with a wrong change": (promo("12}", "12, rules: {ip: {point: 1}}}"), 6, "did you mean 'points'"),
    "promotion with a wrong setting": (promo("12}", "12, rules: {ip: {with: {atleast: 5}}}}"), 6, "did you mean 'at_least'"),
    "promotion with an impossible window": (promo("12}", "12, rules: {ip: {with: {window: 0d}}}}"), 6, "above 0"),
    "promotion with a bare number": (promo("12}", "12, rules: {ip: 10}}"), 6, "mapping"),
    "promotion with our own key": (promo("12}", "12, rules: {ip: {settings: {}}}}"), 6, "unknown key"),
    "promotion with bands reversed": (promo("12}", "12, bands: {review: 50, hold: 40}}"), 6, "not be above hold"),
    "promotion with negative points": (promo("12}", "12, rules: {ip: {points: -1}}}"), 6, "at least 0"),
    "promotion with an unknown status": (promo("12}", "12, rules: {ip: {status: off}}}"), 6, "status"),
}  # fmt: skip
_REPAIRS = ("should be", "should name", "must be", "must name", "must not", "at least", "such as", "separate", "; ", "needs an id")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rulebook_is_told_with_file_line_and_repair(name: str) -> None:
    text, line, said = WRONG[name]
    with pytest.raises(OrderguardError) as caught:
        parse_rulebook(text, "rules.yaml")
    told = [p.text("en") for p in caught.value.problems]
    assert any(part in t for t in told for part in said.split("|")), told
    assert any(t.startswith(f"rules.yaml:{line}:" if line else "rules.yaml:") for t in told), told
    assert all(any(r in t for r in _REPAIRS) for t in told), told
    assert all(p.what.zh and p.what.en and bool(p.fix.zh) == bool(p.fix.en) for p in caught.value.problems)


def test_there_are_a_hundred_of_them() -> None:
    assert len(WRONG) >= 100


def test_every_error_is_told_at_once() -> None:
    text = HEAD + "- {id: a, kind: keyward, points: x}\n- {id: b, kind: velocity, with: {window: 5m}, points: 1, needs: q}\ntyop: 1\n"
    with pytest.raises(OrderguardError) as caught:
        parse_rulebook(text + "promotions: [{id: p}]\n")
    assert [p.line for p in caught.value.problems] == [4, 4, 5, 5, 6, 7, 7]


def test_the_command_says_so_and_leaves_with_2(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(WRONG["needs in a circle"][0], encoding="utf-8")
    done = shell("rules", "check", cwd=tmp_path, ORDERGUARD_LOCALE="en")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "✗ rules.yaml:4: a: needs go in a circle (a → b → a); remove one of these needs\n"
    done = shell("rules", "check", "--json", cwd=tmp_path, ORDERGUARD_LOCALE="en")
    problem = {"file": "rules.yaml", "line": 4, "what": "a: needs go in a circle (a → b → a)", "fix": "remove one of these needs"}
    assert (done.returncode, json.loads(done.stdout)) == (2, {"ok": False, "path": "rules.yaml", "problems": [problem]})


def test_check_tells_at_once_what_tables_places_and_examples_hold(tmp_path: Path) -> None:
    """What is named stands in other files or is run later: `check` looks at all of it, and names the rulebook's line."""
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nship_from: {default: 杭州, platform: {京东: 火星}}\nbands: {review: 20}\nrules:\n"
        "- {id: a, kind: listed, points: 1, with: {file: gone.csv}}\n"
        "- id: b\n  kind: listed\n  points: 1\n  with: {entries: [{value: x}, {value: y, kind: blok}]}\n"
        "  flags:\n    - {adress: x}\n  passes:\n    - {amount: abc}\n    - [{created_at: noon}, {amount: -1.5, created_at: 2026-11-11}]\n",
        encoding="utf-8",
    )
    done = shell("rules", "check", cwd=tmp_path, ORDERGUARD_LOCALE="en")
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            "✗ rules.yaml:2: ship_from: unknown place '火星'; give a city (such as Hangzhou), a country code, or latitude,longitude",
            "✗ rules.yaml:5: a: file gone.csv: no such file; check path and name",
            "✗ rules.yaml:9: b: entries entry 2 'kind' is unknown (it says 'blok'); did you mean 'block'?",
            "✗ rules.yaml:11: b: flags #1: no column 'adress'; did you mean 'address'?",
            "✗ rules.yaml:13: b: passes #1: amount should be a number, not 'abc'",
            "✗ rules.yaml:14: b: passes #2: created_at should be a time such as 2026-11-11 00:00:00, not 'noon'",
        ],
    )
