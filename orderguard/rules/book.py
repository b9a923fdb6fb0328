"""The rulebook's loader: read, checked (every error at once, with file and line), its rules made ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orderguard.errors import OrderguardError, Problem, Words, closest
from orderguard.faults import explain, hinted
from orderguard.rules.bands import Bands
from orderguard.rules.model import Needs, Privacy, Rule, Rulebook, ShipFrom, is_zone, say
from orderguard.rules.needs import check_needs
from orderguard.rules.promotions import OWN, read_promotions, without_own
from orderguard.rules.registry import kind_class, kind_names
from orderguard.yamls import Document, parse_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Bands", "Rule", "Rulebook", "build_rulebook", "default_rulebook", "load_rulebook", "parse_rulebook", "say"]


def default_rulebook() -> Path:
    """The rulebook that comes with orderguard."""
    inside = Path(__file__).parent.parent / "rules.yaml"
    return inside if inside.exists() else inside.parent.parent / "rules.yaml"


def load_rulebook(path: Path) -> Rulebook:
    """Read and check a rulebook.

    Raises:
        OrderguardError: every problem of the file at once.
    """
    document = read_yaml(path)
    return build_rulebook(document).model_copy(update={"source": str(path), "sha256": document.sha256})


def load_candidate(path: Path, against: Rulebook) -> Rulebook:
    """A rulebook, or `against` with the points of a proposal (`points: {rule-id: number}`, as `learn` writes it).

    Raises:
        OrderguardError: every problem of the file at once.
    """
    document = read_yaml(path)
    data = document.data
    if not isinstance(data, dict) or "rules" in data or "points" not in data:
        return load_rulebook(path)
    given = data["points"]
    problems = list(document.problems)
    if not isinstance(given, dict) or not given:
        said = Words("points 应为 规则: 分值", "points should be rule: number")
        raise OrderguardError(*problems, Problem(said, document.name, document.line(("points",))))
    known = {r.id for r in against.rules}
    worth: dict[str, float] = {}
    for name, value in given.items():
        line = document.line(("points", name))
        if name not in known:
            said = Words(f"{against.source} 里没有规则 '{name}'", f"{against.source} has no rule '{name}'")
            problems.append(Problem(said, document.name, line, closest(str(name), sorted(known))))
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10_000:
            said = Words(f"{name}：分值应为 0 到 10000 的数字", f"{name}: points should be a number from 0 to 10000")
            problems.append(Problem(said, document.name, line))
        else:
            worth[name] = float(value)
    if problems:
        raise OrderguardError(*problems)
    rules = [r.model_copy(update={"points": worth.get(r.id, r.points)}) for r in against.rules]
    return against.model_copy(update={"rules": rules, "source": str(path), "sha256": document.sha256})


def parse_rulebook(text: str, name: str = "rules.yaml") -> Rulebook:
    """A rulebook from text (for tests and tools); raises as `load_rulebook`."""
    return build_rulebook(parse_yaml(text, name))


def build_rulebook(document: Document) -> Rulebook:
    """Check a parsed rulebook; raises as `load_rulebook`."""
    problems = list(document.problems)
    data = document.data
    if not isinstance(data, dict):
        what = Words("应以 version: 1、bands:、rules: 开头", "should start with version: 1, bands: and rules:")
        fix = Words("orderguard init 可写出一份样本", "'orderguard init' writes one to start from")
        raise OrderguardError(Problem(what, document.name, 1, fix))
    data, found = without_own(data, (), "", document)
    problems += found
    given = data.get("rules")
    rules: list[Rule] = []
    if isinstance(given, list):
        for i, item in enumerate(given):
            rule, found = _rule(item, i, document)
            problems += found
            rules += [rule] if rule else []
        problems += _repeated_ids(given, document)
    head = {k: v for k, v in data.items() if k != "rules"}
    if "rules" in data:
        head["rules"] = rules or ([_placeholder()] if isinstance(given, list) and given else given)
    promotions = head.pop("promotions", None)
    if isinstance(given, list):
        ids = {str(r["id"]) for r in given if isinstance(r, dict) and "id" in r}
        problems += check_needs(given, document)
        if promotions is not None:
            zone = data.get("timezone", "Asia/Shanghai")
            head["promotions"], found = read_promotions(
                promotions, {r.id: r for r in rules}, ids, document, zone if is_zone(zone) else None
            )
            problems += found
    book = None
    try:
        book = Rulebook.model_validate(head)
    except ValidationError as error:
        known = [n for n in Rulebook.model_fields if n not in OWN]
        nested = [*Bands.model_fields, *Privacy.model_fields, *ShipFrom.model_fields]
        found = explain(error, document)
        problems += hinted([p for p in found if "." not in p.what.en.split(" ")[0]], known)
        problems += hinted([p for p in found if "." in p.what.en.split(" ")[0]], nested)
    if problems or book is None:
        raise OrderguardError(*sorted(problems, key=lambda p: p.line))
    return book


def line_of(book: Rulebook, *path: str) -> int:
    """The line of a part of a rulebook's file, or of the nearest thing around it; a rule is named by its id. 0 if there is no such file.

    Read again: only what is wrong asks for it.
    """
    try:
        document = read_yaml(Path(book.source))
    except OrderguardError:
        return 0
    at: tuple[str | int, ...] = path
    if path[:1] == ("rules",) and isinstance(document.data, dict):
        ids = [r.get("id") if isinstance(r, dict) else None for r in document.data.get("rules") or []]
        at = ("rules", ids.index(path[1]), *[int(p) if p.isdigit() else p for p in path[2:]]) if path[1] in ids else ()
    return document.line(at)


def _placeholder() -> Rule:
    """Stands in for rules that are reported already, so that the rest of the file is still checked."""
    return Rule.model_construct(id="x", kind="x", points=0.0, status="retired")


def _rule(item: Any, index: int, document: Document) -> tuple[Rule | None, list[Problem]]:
    at = ("rules", index)
    label = str(item.get("id", f"#{index + 1}")) if isinstance(item, dict) else f"#{index + 1}"
    problems: list[Problem] = []
    rule = None
    item, found = without_own(item, at, label, document)
    problems += found
    try:
        rule = Rule.model_validate(item)
    except ValidationError as error:
        known = [f.alias or n for n, f in Rule.model_fields.items() if n not in OWN]
        problems += hinted(explain(error, document, at, label), known, {"needs": list(Needs.model_fields)})
    kind = item.get("kind") if isinstance(item, dict) else None
    if not isinstance(kind, str):
        return None, problems
    if kind not in kind_names():
        what = Words(f"{label}: 未知规则类型 '{kind}'", f"{label}: unknown kind '{kind}'")
        return None, [
            *problems,
            Problem(what, document.name, document.line((*at, "kind")), closest(kind, kind_names())),
        ]
    if not isinstance(item.get("with") or {}, dict):
        return None, problems  # told with the rule
    cls = kind_class(kind)
    try:
        settings = cls.model_validate(item.get("with") or {})
    except ValidationError as error:
        return None, problems + hinted(explain(error, document, (*at, "with"), label), list(cls.model_fields))
    return (rule.model_copy(update={"settings": settings}) if rule else None), problems


def _repeated_ids(given: Iterable[Any], document: Document) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for i, item in enumerate(given):
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        line = document.line(("rules", i, "id"))
        if name in seen:
            what = Words(
                f"规则编号 '{name}' 已在第 {seen[name]} 行用过", f"rule id '{name}' was used in line {seen[name]}"
            )
            fix = Words("每条规则要有自己的编号", "give each rule an id of its own")
            problems.append(Problem(what, document.name, line, fix))
        seen.setdefault(name, line)
    return problems
