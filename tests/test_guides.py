"""The guides and the README exist in Chinese and English, tell the same commands, and link only to what is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from orderguard.cli import cli
from orderguard.route.team import Agent, Manager, Team
from orderguard.rules.model import Rule, Rulebook

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
NOT_FOR_USERS = {"columns.md", "decisions.md", "scale.md"}
"""Generated, or about how orderguard is made. A new page is a guide unless it is named here."""
GUIDES = sorted(p.name for p in DOCS.glob("*.md") if p.name not in NOT_FOR_USERS)
PAIRS = [
    (ROOT / "README.md", ROOT / "README.zh-CN.md"),
    *((DOCS / name, DOCS / "zh" / name) for name in GUIDES),
]
PAGES = sorted([*ROOT.glob("README*.md"), *DOCS.rglob("*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_COMMENT = re.compile(r"""((?:"[^"\n]*"|'[^'\n]*'|(?<=\S)#|[^#"'\n])*?)(?:^|(?<=\s))#.*""")


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """Each fenced block: its language, and its lines without comments and what blanks stand before those."""
    return [(lang, [bare(line) for line in body.splitlines()]) for lang, body in _FENCE.findall(text)]


def bare(line: str) -> str:
    """A line of a shell, YAML, cron or INI block without its comment; a `#` in quotes or in a word is none."""
    found = _COMMENT.fullmatch(line)
    return (found[1] if found else line).rstrip()


def links(text: str) -> list[str]:
    """Relative links and images of a page; code shows links, it does not have any."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    return [t for t in _LINK.findall(prose) if not re.match(r"[a-z]+:", t)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("orderguard learn   # a proposal", "orderguard learn"),
        ("# team.yaml", ""),
        ("any: ['#', \"a # b\"]  # don't", "any: ['#', \"a # b\"]"),
        ("sheet#2 x", "sheet#2 x"),
        ("plain", "plain"),
    ],
)
def test_comment(line: str, code: str) -> None:
    assert bare(line) == code


def test_links_of_prose() -> None:
    text = "[a](b.md) [![x](i.png)](https://example.org) `[c](d.md)`\n```sh\n[e](f.md)\n```\n"
    assert links(text) == ["b.md", "i.png"]


def test_every_guide_is_chinese_too() -> None:
    assert {p.name for p in (DOCS / "zh").glob("*.md")} == set(GUIDES)
    assert len(GUIDES) >= 7


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_both_forms_tell_the_same_commands(english: Path, chinese: Path) -> None:
    ours, theirs = (blocks(p.read_text(encoding="utf-8")) for p in (english, chinese))
    assert ours
    assert theirs == ours


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_both_forms_link_to_each_other_at_once(english: Path, chinese: Path) -> None:
    for page, other in ((english, chinese), (chinese, english)):
        head = "\n".join(page.read_text(encoding="utf-8").splitlines()[:5])
        assert other in {(page.parent / t).resolve() for t in links(head)}, f"{page} does not begin with a link to {other}"


@pytest.mark.parametrize("at", [0, 1], ids=["README.md", "README.zh-CN.md"])
def test_readme_leads_to_every_guide_in_its_language(at: int) -> None:
    readme, *guides = (pair[at] for pair in PAIRS)
    found = {(ROOT / t).resolve() for t in links(readme.read_text(encoding="utf-8"))}
    assert set(guides) <= found


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in links(page.read_text(encoding="utf-8")):
        path = (page.parent / target.partition("#")[0]).resolve()
        if not path.is_relative_to(ROOT) or not path.exists():
            lost.append(target)
    assert not lost


def commands(text: str) -> list[str]:
    """Every command that a page shows: lines of its blocks, and code in its prose."""
    lines = [line for lang, body in blocks(text) for line in body if lang == "sh"]
    inline = re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    found = [re.search(r"(?:^|&& |\s)(?:\.venv/bin/)?(orderguard .*)", t.replace("\\|", "|")) for t in (*lines, *inline)]
    return [m[1] for m in found if m]


@pytest.mark.parametrize("page", [p for p in PAGES if "rules" not in p.parts], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_commands_and_options_that_a_page_shows_exist(page: Path) -> None:
    told = commands(page.read_text(encoding="utf-8"))
    assert told or page.name in {"columns.md", "platforms.md", "decisions.md"}
    for line in told:
        words = shlex.split(line.replace("`", ""))[1:]
        command: click.Command = cli
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            below = command.get_command(click.Context(command), words.pop(0))
            assert below, line
            command = below
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "--version", "-h"}
        assert command is not cli or {*words} <= known, line
        lost = [w for w in words if w.startswith("--") and w.split("=")[0] not in known]
        assert lost == [], line


def test_commands_of_a_page() -> None:
    text = "`orderguard learn`, `x`\n```sh\n.venv/bin/orderguard scan a --out b   # c\n```\n"
    assert commands(text) == ["orderguard scan a --out b", "orderguard learn"]


EVERYWHERE = {"--help", "--version", "--json", "--quiet"}
"""Options that `--help` alone explains well enough."""


def options_of(command: click.Command, name: str = "") -> set[tuple[str, str]]:
    """Every command with each of its options, by its first long name."""
    at = click.Context(command)
    names = command.list_commands(at) if isinstance(command, click.Group) else []
    below = [(n, command.get_command(at, n)) for n in names]  # type: ignore[attr-defined]
    own = [next((o for o in p.opts if o.startswith("--")), "") for p in command.params]
    return {(name, o) for o in own if o and o not in EVERYWHERE}.union(*(options_of(c, f"{name} {n}") for n, c in below if c))


def keys_of(model: type[BaseModel]) -> set[str]:
    """The keys that people write; what is filled in by the program is left out of dumps."""
    return {f.alias or n for n, f in model.model_fields.items() if not f.exclude}


@pytest.mark.parametrize("at", [0, 1], ids=["en", "zh"])
def test_every_option_and_key_is_told_on_some_page(at: int) -> None:
    """In both languages: an option that only `--help` knows is found by nobody who reads."""
    text = "\n".join(pair[at].read_text(encoding="utf-8") for pair in PAIRS)
    options = options_of(cli)
    assert len(options) > 100
    assert sorted((c, o) for c, o in options if not re.search(re.escape(o) + r"(?![\w-])", text)) == []
    for model in (Rulebook, Rule, Team, Agent, Manager):
        keys = keys_of(model)
        assert len(keys) > 3
        assert sorted(k for k in keys if not re.search(rf"[`{{, \n]{k}:", text)) == [], model
