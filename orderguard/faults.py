"""What pydantic finds wrong in a YAML file, as problems with file, line and repair in words that people know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orderguard.errors import Problem, Words, closest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError

    from orderguard.yamls import Document, Path_


def explain(error: ValidationError, document: Document, at: Path_ = (), label: str = "") -> list[Problem]:
    """Turn a pydantic error into problems with file, line and repair, all of them.

    Args:
        error: what pydantic found.
        document: the file it came from.
        at: the path of the validated part inside the document.
        label: put before each message (a rule's id).
    """
    problems: list[Problem] = []
    unions: dict[Path_, list[tuple[Path_, Any]]] = {}
    for item in error.errors(include_url=False):
        # The members of a union (`str`, `dict[..]`) are parts of pydantic's path, not of the file's.
        loc = tuple(part for part in item["loc"] if not _is_union_member(part))
        first = next((i for i, part in enumerate(item["loc"]) if _is_union_member(part)), None)
        if first is None:
            problems.append(_problem_at([item], loc, document, at, label))
        else:
            unions.setdefault(tuple(item["loc"][:first]), []).append((loc, item))
    for whole, items in unions.items():
        # Where one form fits but for a part of it, that part is told; else all the forms that there are.
        deeper = [(loc, item) for loc, item in items if len(loc) > len(whole)]
        problems += [_problem_at([item], loc, document, at, label) for loc, item in deeper]
        if not deeper:
            problems.append(_problem_at([item for _, item in items], whole, document, at, label))
    return problems


def _is_union_member(part: str | int) -> bool:
    return isinstance(part, str) and ("[" in part or part == "str")


def hinted(problems: list[Problem], known: list[str], inside: Mapping[str, list[str]] | None = None) -> list[Problem]:
    """`problems` with a did-you-mean for each unknown key.

    Args:
        problems: of one part of a file.
        known: its keys.
        inside: key -> the keys of the mapping that it takes.
    """
    out = []
    for problem in problems:
        if problem.what.en.endswith("unknown key") and not problem.fix.en:
            path = (
                problem.what.en.removesuffix("unknown key").strip().rpartition(": ")[2].replace(" #", ".#").split(".")
            )
            *above, name = [part for part in path if not part.startswith("#")]  # the places in lists
            out.append(replace(problem, fix=meant(name, (inside or {}).get(above[-1], known) if above else known)))
        else:
            out.append(problem)
    return out


def meant(name: str, known: list[str]) -> Words:
    """A did-you-mean for a key: a slip of the finger, else what other tools call it, else what it looks like."""
    from difflib import get_close_matches  # noqa: PLC0415 - only when something is already wrong

    asked = name.lower().replace("-", "_")
    slip = get_close_matches(asked, known, n=1, cutoff=0.8)
    ours = next(iter(slip), None) or next(
        (key for key, others in _ELSEWHERE.items() if asked in others.split() and key in known), None
    )
    return Words(f"是否想写 '{ours}'？", f"did you mean '{ours}'?") if ours else closest(name, known)


_ELSEWHERE = {
    "points": "weight weights score scores point severity risk 分值",
    "status": "enabled enable active disabled state mode shadow trial on",
    "from": "start starts begin begins since start_at starts_at valid_from 开始",
    "to": "end ends until till end_at ends_at valid_to expires 结束",
    "when": "if where expr expression sql condition query",
    "window": "within period interval duration minutes time in 窗口",
    "at_least": "count threshold min minimum limit more_than times n orders",
    "who": "distinct unique distinct_by count_distinct",
    "any": "words word keywords contains any_of values list 关键词",
    "all": "all_of must",
    "none": "not except exclude none_of without",
    "column": "field columns in on",
    "key": "by group_by keys field entity per",
    "id": "name rule rule_id code",
    "kind": "type rule_type",
    "with": "params parameters settings options config args",
    "says": "description title label message reason text",
    "ask": "action advice todo question",
    "only": "scope scopes where applies_to platform platforms for",
    "flags": "tests test examples hits positive",
    "passes": "negative misses",
    "needs": "requires depends_on depends with_rule and",
    "only_status": "statuses status order_status",
    "timezone": "tz time_zone zone",
    "locale": "language lang",
    "bands": "thresholds levels limits",
    "promotions": "promotion campaigns profiles",
    "mask_sheets": "mask masked sheets",
    "retain_days": "retain retention keep_days days",
    "more_than_km": "km more_than distance max_km over_km",
}
"""Our keys, and the words that other rule engines (and people) have for them."""


_SAID: dict[str, Words] = {
    "invalid_key": Words("键必须是文字（数字请加引号）", "keys must be text (quote a number)"),
    "missing": Words("缺少必填项", "is required"),
    "extra_forbidden": Words("未知的键", "unknown key"),
    "int_parsing": Words("应为整数", "should be a whole number"),
    "int_type": Words("应为整数", "should be a whole number"),
    "int_from_float": Words("应为整数", "should be a whole number"),
    "float_parsing": Words("应为数字", "should be a number"),
    "float_type": Words("应为数字", "should be a number"),
    "finite_number": Words("应为有限的数字", "should be a finite number"),
    "string_type": Words("应为文字（数字请加引号）", "should be text (quote a number)"),
    "list_type": Words("应为列表 [..]", "should be a list [..]"),
    "tuple_type": Words("应为列表 [..]", "should be a list [..]"),
    "dict_type": Words("应为键值对", "should be a mapping"),
    "model_type": Words("应为键值对", "should be a mapping"),
    "bool_type": Words("应为 true 或 false", "should be true or false"),
    "bool_parsing": Words("应为 true 或 false", "should be true or false"),
    "too_short": Words("至少要有一项", "needs at least one entry"),
    "string_too_short": Words("不能为空", "must not be empty"),
    "string_pattern_mismatch": Words("含有不能用的字符", "holds what it must not"),
}
_FIXES: dict[str, Words] = {
    "missing": Words("补上 {0}:", "add {0}:"),
    "model_type": Words("写成 键: 值", "write key: value"),
    "dict_type": Words("写成 键: 值", "write key: value"),
    "list_type": Words("写成 [一, 二]", "write [one, two]"),
    "string_pattern_mismatch": Words(
        "只用小写字母、数字、- 和 _，以字母或数字开头，最多 64 个",
        "small letters, digits, - and _, 64 at most, a letter or digit first",
    ),
}


def _problem_at(items: Sequence[Any], loc: Path_, document: Document, at: Path_, label: str) -> Problem:
    """One problem at one place; of several `items` (forms that a value may have) each says what it would be."""
    item = items[0]
    context = item.get("ctx") or {}
    name = ".".join(f"#{part + 1}" if isinstance(part, int) else part for part in loc).replace(".#", " #")
    said = [_complaint(i) for i in items]
    joined = Words("，或".join(w.zh for w in said), ", or ".join(w.en for w in said))
    given = item.get("input")
    shown = _shown(given) if item["type"] not in {"missing", "extra_forbidden"} else None
    fix = context.get("fix", Words("", ""))
    if item["type"] == "extra_forbidden" and context.get("known"):
        fix = meant(str(loc[-1]), context["known"])
    elif loc == ("rules",) and item["type"] == "list_type":
        fix = Words("每条规则以 - 开头", "begin each rule with -")
    elif item["type"] in _FIXES and not fix.en:
        general = _FIXES[item["type"]]
        fix = Words(general.zh.format(loc[-1] if loc else ""), general.en.format(loc[-1] if loc else ""))
    elif item["type"] == "literal_error" and isinstance(given, bool):
        fix = Words(
            "YAML 把 on/off/yes/no 读成真假，请加引号", "YAML reads on/off/yes/no as true/false; quote the word"
        )
    prefix = f"{label}: " if label else ""
    name += " " if name else ""
    zh = f"{prefix}{name}{joined.zh}" + (f"（写的是 {shown}）" if shown else "")
    en = f"{prefix}{name}{joined.en}" + (f" (it says {shown})" if shown else "")
    return Problem(Words(zh.strip(), en.strip()), document.name, document.line((*at, *loc)), fix)


def _complaint(item: Any) -> Words:
    context = item.get("ctx") or {}
    said = _SAID.get(item["type"])
    if said is not None:
        return said
    inner = context.get("error")
    words = inner.args[0] if inner is not None and inner.args else None
    return words if isinstance(words, Words) else _by_type(item, context)


def _shown(given: Any) -> str | None:
    """What the file says, as it may be written there; None for what is more than a word."""
    if isinstance(given, bool):
        return str(given).lower()
    return repr(given) if isinstance(given, str | int | float) else None


def _by_type(item: Any, context: dict[str, Any]) -> Words:
    kind = item["type"]
    limit = next(
        (f"{context[k]:g}" for k in ("ge", "gt", "le", "lt", "min_length", "max_length") if k in context), None
    )
    table = {
        "greater_than_equal": Words(f"不能小于 {limit}", f"must be at least {limit}"),
        "greater_than": Words(f"必须大于 {limit}", f"must be more than {limit}"),
        "less_than_equal": Words(f"不能大于 {limit}", f"must be at most {limit}"),
        "less_than": Words(f"必须小于 {limit}", f"must be less than {limit}"),
    }
    if kind in table:
        return table[kind]
    if kind in {"literal_error", "enum"}:
        allowed = str(context.get("expected", ""))
        return Words(f"只能是 {allowed.replace(' or ', ' 或 ')}", f"must be one of {allowed}")
    message = item["msg"].removeprefix("Value error, ")
    return Words(message, message)
