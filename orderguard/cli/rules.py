"""`orderguard rules`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orderguard.rules import Rule, Rulebook

_RULES = click.option("--rules", "rules_file", metavar="FILE", help="规则表，默认 ./rules.yaml / rulebook")
_JSON = click.option("--json", "as_json", is_flag=True)


@click.group()
def rules() -> None:
    """检查、试跑、列出规则。 Check, test, list and show rules."""


@rules.command("list")
@_RULES
@_JSON
def list_(rules_file: str | None, as_json: bool) -> None:
    """列出规则。 List the rules."""
    from orderguard.cli.common import find_rulebook, print_json, print_table
    from orderguard.rules.book import say

    book = find_rulebook(rules_file)
    if as_json:
        print_json([_told(rule, book) for rule in book.rules])
        return
    zh = book.locale.startswith("zh")
    head = ["规则", "说明", "类型", "分值", "状态"] if zh else ["Rule", "Says", "Kind", "Points", "Status"]
    print_table(head, [[r.id, say(r.says, book.locale), r.kind, f"{r.points:g}", r.status] for r in book.rules])


@rules.command()
@click.argument("file", required=False)
@_RULES
@_JSON
def check(file: str | None, rules_file: str | None, as_json: bool) -> None:
    """检查规则表，一次列出所有错误。 Check the rulebook, all errors at once."""
    from orderguard.cli.common import find_rulebook, print_json

    book = find_rulebook(file or rules_file)
    if as_json:
        print_json({"ok": True, "rules": len(book.rules), "path": book.source, "sha256": book.sha256})
    else:
        click.echo(
            f"✓ {book.source}：{len(book.rules)} 条规则"
            if book.locale.startswith("zh")
            else f"✓ {book.source}: {len(book.rules)} rules"
        )


@rules.command()
@click.argument("rule_id")
@_RULES
@_JSON
def show(rule_id: str, rules_file: str | None, as_json: bool) -> None:
    """一条规则：设置、类型说明。 One rule: its settings and its kind's page."""
    from orderguard.cli.common import find_rulebook, print_json
    from orderguard.errors import OrderguardError, Problem, Words, closest
    from orderguard.rules.book import say
    from orderguard.rules.registry import kind_page

    book = find_rulebook(rules_file)
    rule = next((r for r in book.rules if rule_id in {r.id, *r.was}), None)
    if rule is None:
        what = Words(f"没有规则 '{rule_id}'", f"no rule '{rule_id}'")
        raise OrderguardError(Problem(what, book.source, fix=closest(rule_id, [r.id for r in book.rules])))
    if as_json:
        print_json(_told(rule, book))
        return
    click.echo(f"{rule.id}  {say(rule.says, book.locale)}")
    for key, value in _told(rule, book).items():
        if key not in {"id", "says"} and value:
            click.echo(f"  {key}: {value}")
    click.echo("\n" + kind_page(rule.kind))


def _told(rule: Rule, book: Rulebook) -> dict[str, Any]:
    from orderguard.rules.book import say

    return {
        "id": rule.id, "says": say(rule.says, book.locale), "kind": rule.kind, "with": rule.settings.model_dump(mode="json"),
        "points": rule.points, "status": rule.status, "only": rule.only, "ask": say(rule.ask, book.locale),
        "fingerprint": rule.fingerprint, "flags": len(rule.flags), "passes": len(rule.passes),
    }  # fmt: skip


@rules.command()
@click.argument("file", required=False)
@_RULES
@_JSON
def test(file: str | None, rules_file: str | None, as_json: bool) -> None:
    """试跑每条规则自带的例子。 Run the examples that each rule carries."""
    from orderguard.cli.common import find_rulebook, print_json
    from orderguard.platforms import load_profiles, platform_words
    from orderguard.rules import run_proofs
    from orderguard.stages.judging import facts_for

    book = find_rulebook(file or rules_file)
    words = platform_words(load_profiles())
    proofs = [
        proof
        for rule in book.rules
        for proof in run_proofs(
            rule,
            book.timezone,
            book.locale,
            lambda frame, one: facts_for(frame, book.model_copy(update={"rules": [one]}), words),
        )
    ]
    without = [r.id for r in book.active if not r.flags or not r.passes]
    failed = [p for p in proofs if not p.ok]
    if as_json:
        print_json({"ok": not failed, "proofs": [p._asdict() for p in proofs], "without_proof": without})
    else:
        _print(proofs, without, zh=book.locale.startswith("zh"))
    if failed:
        sys.exit(1)


def _print(proofs: list[Any], without: list[str], *, zh: bool) -> None:
    words = {"flags": "应命中", "passes": "应放行"} if zh else {"flags": "should flag", "passes": "should pass"}
    for p in proofs:
        click.echo(
            f"{'✓' if p.ok else '✗'} {p.rule_id} {words[p.expected]} #{p.number}  {p.said if p.expected == 'flags' or not p.ok else ''}".rstrip()
        )
    for rule in without:
        click.echo(
            f"! {rule}：缺少 flags: 或 passes: 例子" if zh else f"! {rule}: has no flags: or passes: examples", err=True
        )
    good = sum(p.ok for p in proofs)
    click.echo(f"{good} / {len(proofs)} 通过" if zh else f"{good} of {len(proofs)} pass")
