"""Wrong rulebooks and team files: every error with file, line and repair, none a traceback, none a hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from house import House, book, export, order, shell

from orderguard.errors import OrderguardError, json_text
from orderguard.route import load_team
from orderguard.rules.book import default_rulebook, load_rulebook, parse_rulebook

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nbands: {review: 20, hold: 30}\nrules:\n"
GOOD = "- {id: a, kind: keywords, with: {any: [临时仓]}, points: 1}\n"


def aliases(levels: int) -> str:
    """Aliases of aliases: a few hundred bytes that would unfold to billions of values."""
    return "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, levels))


WRONG = {
    "empty": ("", 1, "version: 1"),
    "a list": ("- 1\n", 1, "version: 1"),
    "tab": (HEAD + "\t- {id: a}\n", 4, "indentation"),
    "open quote": (HEAD + '- {id: "a}\n', 4, "quotes"),
    "no version": ("bands: {review: 20, hold: 30}\nrules:\n" + GOOD, 1, "required"),
    "version 2": (HEAD.replace("1", "2", 1) + GOOD, 1, "must be one of 1"),
    "version true": (HEAD.replace("1", "true", 1) + GOOD, 1, "must be one of 1"),
    "no rules": ("version: 1\nbands: {review: 20, hold: 30}\n", 1, "required"),
    "empty rules": ("version: 1\nbands: {review: 20, hold: 30}\nrules: []\n", 3, "at least one"),
    "rules as mapping": ("version: 1\nbands: {review: 20, hold: 30}\nrules: {a: 1}\n", 3, "list"),
    "unknown top key": (HEAD + GOOD + "treshold: 3\n", 5, "unknown key"),
    "repeated key": (HEAD + GOOD + "version: 1\n", 5, "given twice"),
    "bands reversed": (HEAD.replace("review: 20", "review: 40") + GOOD, 2, "not be above hold"),
    "band not a number": (HEAD.replace("20", "much") + GOOD, 2, "should be a number"),
    "band NaN": (HEAD.replace("20", ".nan") + GOOD, 2, ""),
    "unknown zone": ("timezone: Asia/Shanghia\n" + HEAD + GOOD, 1, "such as Asia/Shanghai"),
    "machine zone": ("timezone: localtime\n" + HEAD + GOOD, 1, "such as Asia/Shanghai"),
    "unknown locale": ("locale: fr\n" + HEAD + GOOD, 1, "'zh-CN' or 'en'"),
    "ship_from key": ("ship_from: {defualt: 杭州}\n" + HEAD + GOOD, 1, "did you mean 'default'"),
    "unknown kind": (HEAD + "- {id: a, kind: keyward, points: 1}\n", 4, "did you mean 'keywords'"),
    "no kind": (HEAD + "- {id: a, points: 1}\n", 4, "kind is required"),
    "no points": (HEAD + "- {id: a, kind: keywords, with: {any: [x]}}\n", 4, "points is required"),
    "negative points": (HEAD + GOOD.replace("points: 1", "points: -1"), 4, "at least 0"),
    "huge points": (HEAD + GOOD.replace("points: 1", "points: 1e300"), 4, "at most"),
    "unknown status": (HEAD + GOOD.replace("points: 1", "points: 1, status: on"), 4, "status"),
    "id with blanks": (HEAD + GOOD.replace("id: a", "id: 'a b'"), 4, "id"),
    "same id twice": (HEAD + GOOD + GOOD, 5, "was used in line 4"),
    "unknown setting": (HEAD + GOOD.replace("any:", "anny:"), 4, "did you mean 'any'"),
    "no words": (HEAD + GOOD.replace("[临时仓]", "[]"), 4, "at least one"),
    "words joined": (HEAD + GOOD.replace("[临时仓]", "[临时仓，代收点]"), 4, "several words"),
    "word of blanks": (HEAD + GOOD.replace("[临时仓]", "[' - ']"), 4, "is empty without blanks"),
    "not a text column": (HEAD + GOOD.replace("any:", "column: amount, any:"), 4, "not a text column"),
    "unknown scope": (HEAD + GOOD.replace("points: 1", "points: 1, only: {platfrom: [京东]}"), 4, "did you mean 'platform'"),
    "scope not a list": (HEAD + GOOD.replace("points: 1", "points: 1, only: {platform: 京东}"), 4, "list"),
    "bad window": (HEAD + "- {id: a, kind: velocity, with: {window: soon, at_least: 3}, points: 1}\n", 4, "such as 30s, 5m"),
    "endless window": (HEAD + f"- {{id: a, kind: velocity, with: {{window: {'9' * 30}d, at_least: 3}}, points: 1}}\n", 4, "366 days"),
    "window of one": (HEAD + "- {id: a, kind: velocity, with: {window: 5m, at_least: 1}, points: 1}\n", 4, "at least 2"),
    "unknown window key": (HEAD + "- {id: a, kind: velocity, with: {key: ipp, window: 5m, at_least: 3}, points: 1}\n", 4, "did you mean 'ip'"),
    "far beyond the earth": (HEAD + "- {id: a, kind: distance, with: {more_than_km: 99999}, points: 1}\n", 4, "at most 20040"),
    "aliases of aliases": (aliases(10), 0, "too much"),
    "deep brackets": ("[" * 200_000, 1, "nested too deep"),
    "deep dashes": ("- " * 100_000, 1, "nested too deep"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rulebook_is_told_with_its_line(name: str) -> None:
    text, line, said = WRONG[name]
    with pytest.raises(OrderguardError) as caught:
        parse_rulebook(text, "rules.yaml")
    told = [p.text("en") for p in caught.value.problems]
    assert any(said in t for t in told), told
    assert any(t.startswith(f"rules.yaml:{line}" if line else "rules.yaml:") for t in told), told
    assert all(p.what.zh and p.what.en for p in caught.value.problems)


def test_every_error_is_told_at_once() -> None:
    text = HEAD + "- {id: a, kind: keyward, points: x}\n- {id: b, kind: velocity, with: {window: 5m}, points: 1}\ntyop: 1\n"
    with pytest.raises(OrderguardError) as caught:
        parse_rulebook(text)
    assert [p.line for p in caught.value.problems] == [4, 4, 5, 6]


def test_a_rulebook_that_is_not_utf8_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes("version: 1 # 规则".encode("gb18030"))
    with pytest.raises(OrderguardError, match="UTF-8"):
        load_rulebook(tmp_path / "rules.yaml")
    with pytest.raises(OrderguardError, match="cannot be opened"):
        load_rulebook(tmp_path / "none.yaml")


def test_an_unknown_ship_from_place_is_told_before_the_scan(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: a, kind: keywords, with: {any: [x]}, points: 1}", head="ship_from: 乌有乡"))
    with pytest.raises(OrderguardError, match="unknown place '乌有乡'"):
        house.scan(export(tmp_path / "a.csv", [order("1")]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 9\n", "version"),
        ("agents: [{name: ../x}]\n", "file name"),
        ("agents: [{name: 小李}, {name: 小李}]\n", "given twice"),
        ("agents: [{name: 小李, capacity: 0}]\n", "at least 1"),
        ("agents: {name: 小李}\n", "list"),
        ("managers: [{nmae: 王}]\n", "required"),
        ("- 1\n", "mapping"),
    ],
)
def test_a_wrong_team_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "team.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(OrderguardError) as caught:
        load_team(tmp_path / "team.yaml")
    assert any(said in p.text("en") for p in caught.value.problems), [p.text("en") for p in caught.value.problems]


def test_the_fingerprint_changes_with_what_decides_and_with_nothing_else() -> None:
    def print_of(rule: str) -> str:
        return book(rule).rules[0].fingerprint

    base = "{id: a, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 1}"
    assert print_of(base) == print_of(base.replace("points: 1", "points: 40, says: 多单")) == print_of(base.replace("5m", "300s"))
    changed = [base.replace("at_least: 3", "at_least: 4"), base.replace("points: 1", "points: 1, only: {platform: [京东]}")]
    assert len({print_of(base), *map(print_of, changed)}) == 3


def test_the_default_rules_prove_themselves(tmp_path: Path) -> None:
    done = shell("rules", "test", default_rulebook(), cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "17 / 17 通过")
    broken = default_rulebook().read_text(encoding="utf-8").replace("at_least: 3", "at_least: 4")
    (tmp_path / "rules.yaml").write_text(broken, encoding="utf-8")
    failing = shell("rules", "test", cwd=tmp_path)
    assert failing.returncode == 1
    assert "✗ ip-burst 应命中 #1" in failing.stdout


def test_trial_rules_are_recorded_and_add_no_points_and_retired_ones_do_not_run(tmp_path: Path) -> None:
    words = "{{id: {0}, kind: keywords, with: {{any: [临时仓]}}, points: 40, status: {0}}}"
    house = House(tmp_path, book(*[words.format(s) for s in ("trial", "retired")]))
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]))
    assert house.findings() == {("1", "trial")}
    assert house.bands() == {"1": "pass"}
    assert house.tasks() == {}


def test_a_scope_knows_every_word_for_a_platform(tmp_path: Path) -> None:
    house = House(tmp_path, book("{id: a, kind: keywords, with: {any: [临时仓]}, points: 40, only: {platform: [JD]}}"))
    rows = [order("1", 平台="京东", 收货地址="临时仓"), order("2", 平台="抖音", 收货地址="临时仓"), order("3", 平台="jd", 收货地址="临时仓")]
    house.scan(export(tmp_path / "a.csv", rows))
    assert house.findings() == {("1", "a"), ("3", "a")}


def test_json_for_machines_carries_no_terminal_escapes() -> None:
    assert json_text({"a": "名\u202e\x9b\x1b[31m"}) == '{\n  "a": "名\\u202e\\u009b\\u001b[31m"\n}'
