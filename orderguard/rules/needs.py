"""`needs:`, a rule that counts only beside another one: checked when the rulebook is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.errors import Problem, Words, closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.rules.model import Rule
    from orderguard.yamls import Document


def check_needs(given: Sequence[Any], document: Document) -> list[Problem]:
    """Unknown and retired partners, and circles, in the rules as they are written."""
    rules = [(i, r) for i, r in enumerate(given) if isinstance(r, dict) and isinstance(r.get("id"), str)]
    status = {r["id"]: r.get("status") for _, r in rules}
    wants = {r["id"]: _rule_ids(r.get("needs")) for _, r in rules}
    problems = []
    for i, rule in rules:
        line, label = document.line(("rules", i, "needs")), rule["id"]
        for name in wants[label]:
            if name not in status:
                said = Words(f"{label}: needs 里没有规则 '{name}'", f"{label}: needs an unknown rule '{name}'")
                fix = closest(name, [n for n in status if n != label])
                problems.append(Problem(said, document.name, line, fix))
            elif status[name] == "retired" and rule.get("status") != "retired":
                said = Words(
                    f"{label}: needs 的 '{name}' 已停用，永远不会计分",
                    f"{label}: needs '{name}', which is retired: it would never count",
                )
                fix = Words("启用它，或换一条规则", "switch that rule on, or name another")
                problems.append(Problem(said, document.name, line, fix))
        circle = _circle(label, wants)
        if circle and label == min(circle):
            path = " → ".join([*circle, label])
            said = Words(f"{label}: needs 绕成了圈（{path}）", f"{label}: needs go in a circle ({path})")
            fix = Words("删去其中一处 needs", "remove one of these needs")
            problems.append(Problem(said, document.name, line, fix))
    return problems


def _rule_ids(needs: Any) -> list[str]:
    parts = needs if isinstance(needs, dict) else {"any": needs}
    lists = [[v] if isinstance(v, str) else v for v in parts.values()]
    return [n for part in lists if isinstance(part, list) for n in part if isinstance(n, str)]


def _circle(start: str, wants: dict[str, list[str]]) -> list[str]:
    """The way from a rule back to itself; empty when there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop()
        for name in wants.get(way[-1], []):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def in_order(rules: Sequence[Rule]) -> list[tuple[str, list[str], list[str]]]:
    """Rules with needs as `(id, any, all)`, each after those that it needs."""
    wants = {r.id: r.needs for r in rules if r.needs}
    done: dict[str, tuple[str, list[str], list[str]]] = {}

    def visit(name: str) -> None:
        needs = wants.get(name)
        if needs is None or name in done:
            return
        for partner in needs.ids:
            visit(partner)
        done[name] = (name, needs.any, needs.all)

    for name in wants:
        visit(name)
    return list(done.values())
