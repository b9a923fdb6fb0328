"""`orderguard rules`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from orderguard.cli.options import json_option, rules_option
from orderguard.errors import printable

if TYPE_CHECKING:
    from orderguard.rules import Rule, Rulebook


@click.group()
def rules() -> None:
    """检查、试跑、列出规则。 Check, test, list and show rules."""


@rules.command("list")
@rules_option
@click.option("--ledger", metavar="DIR", help="台账，默认 ledger（若有）/ ledger, if there is one")
@json_option()
def list_(rules_file: str | None, ledger: str | None, as_json: bool) -> None:
    """列出规则；有台账时附近 30 天的命中与属实率。 List the rules, with their last 30 days where there is a ledger."""
    from datetime import UTC, datetime

    from orderguard.cli.common import find_rulebook, print_json, print_table
    from orderguard.rules.book import say
    from orderguard.stages.figures import last_month

    book = find_rulebook(rules_file)
    folder = Path(ledger or "ledger")
    figures = last_month(folder, book, datetime.now(UTC)) if ledger or (folder / "ledger.db").exists() else {}
    if as_json:
        print_json([_as_json(rule, book) | {"last_month": figures.get(rule.id)} for rule in book.rules])
        return
    zh = book.locale.startswith("zh")
    head = ["规则", "说明", "类型", "分值", "状态"] if zh else ["Rule", "Says", "Kind", "Points", "Status"]
    rows = [[r.id, say(r.says, book.locale), r.kind, f"{r.points:g}", r.status] for r in book.rules]
    if figures:
        head += ["30 天命中", "属实/误判", "属实率"] if zh else ["Hits, 30 days", "Right/false", "Precision"]
        for row in rows:
            f = figures[row[0]]
            share = "—" if f["precision"] is None else f"{f['precision']:.0%}"
            row += [f"{f['hits']:,}", f"{f['confirmed']:,}/{f['false_alarm']:,}", share]
    print_table(head, rows)
    for promotion in book.promotions:
        first, after = (
            t.astimezone(ZoneInfo(book.timezone)).strftime("%Y-%m-%d %H:%M") for t in promotion.span(book.timezone)
        )
        what = "、".join(promotion.rules) if zh else ", ".join(promotion.rules)
        click.echo(
            printable(
                f"促销 {promotion.label}：{first} → {after}  {what}"
                if zh
                else f"promotion {promotion.label}: {first} → {after}  {what}"
            )
        )


@rules.command()
@click.argument("name", required=False)
@rules_option
@click.option(
    "--locale",
    "--lang",
    type=click.Choice(["zh-CN", "zh", "en"]),
    help="语言，默认同规则表 / language, default the rulebook's",
)
@json_option()
def docs(name: str | None, rules_file: str | None, locale: str | None, as_json: bool) -> None:
    """规则类型的说明页：类型名或规则编号。 The page of a kind: name a kind, or a rule."""
    from orderguard.cli import language
    from orderguard.cli.common import find_rulebook, print_json, print_table
    from orderguard.errors import OrderguardError, Problem, Words, closest
    from orderguard.rules.pages import kind_about, kind_page, kind_settings, kind_text
    from orderguard.rules.registry import kind_class, kind_example, kind_names

    kinds, said = kind_names(), locale or language()
    if name is None:
        told = [{"kind": k, "about": kind_about(k, said)} for k in kinds]
        head = ["类型", "作用"] if said.startswith("zh") else ["Kind", "About"]
        print_json(told) if as_json else print_table(head, [list(t.values()) for t in told])
        return
    kind = name
    if name not in kinds:
        book = find_rulebook(rules_file)
        rule = next((r for r in book.rules if name in {r.id, *r.was}), None)
        if rule is None:
            what = Words(f"没有规则类型或规则 '{name}'", f"no kind and no rule '{name}'")
            raise OrderguardError(Problem(what, fix=closest(name, [*kinds, *[r.id for r in book.rules]])))
        kind, said = rule.kind, locale or book.locale
    if as_json:
        about, settings = kind_class(kind).__doc__, [s._asdict() for s in kind_settings(kind, said)]
        settings = [{"setting": s.pop("name"), **s} for s in settings]
        page, example = kind_page(kind, said), kind_example(kind)
        print_json({"kind": kind, "page": page, "about": about, "settings": settings, "example": example})
        return
    from orderguard.rules.book import default_rulebook, load_rulebook

    click.echo(f"# {kind}\n\n" + kind_text(kind, load_rulebook(default_rulebook()).rules, said), nl=False)


@rules.command()
@click.argument("file", required=False)
@rules_option
@json_option()
def check(file: str | None, rules_file: str | None, as_json: bool) -> None:
    """检查规则表，一次列出所有错误。 Check the rulebook, all errors at once."""
    from datetime import UTC, datetime

    from orderguard.cli import language
    from orderguard.cli.common import print_json, rulebook_path
    from orderguard.errors import OrderguardError
    from orderguard.rules.book import load_rulebook
    from orderguard.stages.checking import thoroughly
    from orderguard.stages.weighing import in_effect

    path, packaged = rulebook_path(file or rules_file)
    try:
        book = in_effect(thoroughly(load_rulebook(path), datetime.now(UTC)), packaged=packaged)
    except OrderguardError as error:
        if as_json:
            said = language()
            told = [
                {"file": p.where, "line": p.line or None, "what": p.what.pick(said), "fix": p.fix.pick(said)}
                for p in error.problems
            ]
            print_json({"ok": False, "path": str(path), "problems": told})
        raise
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
@rules_option
@json_option()
def show(rule_id: str, rules_file: str | None, as_json: bool) -> None:
    """一条规则：设置、类型说明。 One rule: its settings and its kind's page."""
    from orderguard.cli.common import find_rulebook, plain_rulebook, print_json
    from orderguard.errors import OrderguardError, Problem, Words, closest
    from orderguard.rules.book import say
    from orderguard.rules.pages import kind_page
    from orderguard.rules.weights import rule_history, weights_folder

    book = find_rulebook(rules_file)
    rule = next((r for r in book.rules if rule_id in {r.id, *r.was}), None)
    if rule is None:
        what = Words(f"没有规则 '{rule_id}'", f"no rule '{rule_id}'")
        raise OrderguardError(Problem(what, book.source, fix=closest(rule_id, [r.id for r in book.rules])))
    written = book.weights.written[rule.id] if book.weights else rule.points
    folder = weights_folder(book, packaged=plain_rulebook(rules_file)[1])
    past = rule_history(folder, Path(book.source).name, rule)
    if as_json:
        print_json({**_as_json(rule, book), "points_in_rulebook": written, "history": past})
        return
    click.echo(printable(f"{rule.id}  {say(rule.says, book.locale)}"))
    told = _as_json(rule, book) | {"with": rule.with_, "points_in_rulebook": written if past else None}
    for line in _as_written({k: v for k, v in told.items() if k not in {"id", "says"} and v}).splitlines():
        click.echo(printable(f"  {line}"))
    for line in _weight_history(past, zh=book.locale.startswith("zh")):
        click.echo("  " + line)
    click.echo("\n" + kind_page(rule.kind, book.locale))


def _as_written(block: dict[str, Any]) -> str:
    """As it would stand in a rulebook: whole numbers without a point, short lists in a line."""
    import yaml

    plain = {k: int(v) if isinstance(v, float) and v == int(v) else v for k, v in block.items()}
    return yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None)


def _weight_history(past: list[dict[str, Any]], *, zh: bool) -> list[str]:
    """A weight's history, the newest first."""
    from orderguard.errors import printable

    lines = []
    for one in past:
        before = "" if one["before"] is None else f"{one['before']:g} → "
        found = one["evidence"] or {}
        right, wrong = found.get("right"), found.get("wrong")
        seen = (
            ""
            if right is None
            else (f"，属实 {right}、误判 {wrong}" if zh else f", {right} confirmed, {wrong} false alarms")
        )
        gone = one["rolled_back"]
        tail = "" if not gone else (f"，已由 {gone['by']} 撤回" if zh else f", rolled back by {gone['by']}")
        tail += (
            ""
            if one["same_rule"]
            else ("，规则在此之后改过，不采用" if zh else ", not used: the rule has changed since")
        )
        by = one["approved_by"] or "?"
        lines.append(
            printable(
                f"{one['file']}：{before}{one['points']:g}，{by} 批准{seen}{tail}"
                if zh
                else f"{one['file']}: {before}{one['points']:g}, approved by {by}{seen}{tail}"
            )
        )
    return lines


def _as_json(rule: Rule, book: Rulebook) -> dict[str, Any]:
    from orderguard.rules.book import say

    return {
        "id": rule.id, "says": say(rule.says, book.locale), "kind": rule.kind, "with": rule.settings.model_dump(mode="json"),
        "points": rule.points, "status": rule.status, "only": rule.only, "except": rule.except_, "ask": say(rule.ask, book.locale),
        "needs": rule.needs.model_dump(exclude_defaults=True) if rule.needs else None, "max_share": rule.max_share,
        "locked": rule.locked, "fingerprint": rule.fingerprint, "flags": len(rule.flags), "passes": len(rule.passes),
    }  # fmt: skip


@rules.command()
@click.argument("file", required=False)
@rules_option
@json_option()
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
    without = [r for r in book.active if not r.flags or not r.passes]
    failed = [p for p in proofs if not p.ok]
    if as_json:
        print_json(
            {"ok": not failed, "proofs": [p._asdict() for p in proofs], "without_proof": [r.id for r in without]}
        )
    else:
        _print(proofs, without, zh=book.locale.startswith("zh"))
    if failed:
        sys.exit(1)


def _print(proofs: list[Any], without: list[Rule], *, zh: bool) -> None:
    words = {"flags": "应命中", "passes": "应放行"} if zh else {"flags": "should flag", "passes": "should pass"}
    for p in proofs:
        click.echo(
            f"{'✓' if p.ok else '✗'} {p.rule_id} {words[p.expected]} #{p.number}  {p.said if p.expected == 'flags' or not p.ok else ''}".rstrip()
        )
    for rule in without:
        lacking = [n for n in ("flags", "passes") if not getattr(rule, n)]
        both = (" 和 " if zh else " and ").join(f"{n}:" for n in lacking)
        click.echo(
            f"! {rule.id}：没有 {both} 例子，没人证明过它会命中、会放行"
            if zh
            else f"! {rule.id}: has no {both} examples: nobody has proved what it flags and passes",
            err=True,
        )
    good = sum(p.ok for p in proofs)
    click.echo(f"{good} / {len(proofs)} 通过" if zh else f"{good} of {len(proofs)} pass")
