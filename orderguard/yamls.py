"""YAML read with places: every value knows its line, and a repeated key is an error, not a silent loss."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from orderguard.errors import OrderguardError, Problem, Words, closest, unable

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 50
_MAX_NODES = 200_000

Path_ = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML file as plain Python values, with the line of every path.

    Attributes:
        data: dicts, lists and scalars.
        name: how the file is called in messages.
        lines: path (keys and indexes) -> 1-based line.
        problems: repeated keys and the like, found while reading.
        nodes: values built so far, against alias bombs.
    """

    data: Any
    name: str
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def line(self, path: Path_) -> int:
        """The line of `path`, or of its nearest ancestor that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(path: Path) -> Document:
    """Read one YAML file.

    Raises:
        OrderguardError: the file is missing, not UTF-8, or not YAML; with its line.
    """
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file that people write.

    Raises:
        OrderguardError: the file is missing or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise OrderguardError(_unreadable(path, error)) from error
    except UnicodeDecodeError as error:
        what = Words("不是 UTF-8 文本", "is not UTF-8 text")
        fix = Words("请用 UTF-8 编码另存", "save it again as UTF-8")
        raise OrderguardError(Problem(what, str(path), fix=fix)) from error


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(unable(Words("无法打开", "cannot be opened"), error), str(path))


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML text; `name` is used in messages.

    Raises:
        OrderguardError: not YAML, or nested deeper than 50 levels.
    """
    if _too_deep(text):
        what = Words("嵌套过深", "is nested too deep")
        raise OrderguardError(Problem(what, name, 1, Words("检查多余的 [ { 或 -", "look for needless [ { or -")))
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        if "end of stream" in str(error):  # where the open quote or bracket began helps more than where the file ends
            mark = getattr(error, "context_mark", None) or mark
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        what = Words(f"不是有效的 YAML（{said}）", f"is not valid YAML ({said})")
        fix = Words("检查该行缩进、冒号后的空格、引号", "check this line's indentation, quotes, space after ':'")
        raise OrderguardError(Problem(what, name, mark.line + 1 if mark else 0, fix)) from error
    document = Document(None, name)
    if node is not None:
        document.data = _build(node, (), document, ())
    return document


def _too_deep(text: str) -> bool:
    """Nesting that would overflow the C parser's stack, told before it is parsed."""
    if re.search(r"(?:[-?:] +){60}", text):
        return True
    depth = deepest = 0
    if text.count("[") + text.count("{") > _MAX_DEPTH:
        for mark in re.finditer(r"[\[\]{}]", text):
            depth = depth + 1 if mark[0] in "[{" else max(depth - 1, 0)
            deepest = max(deepest, depth)
    indents = [len(line) - len(line.lstrip(" ")) for line in text.splitlines()]
    return deepest > 2 * _MAX_DEPTH or max(indents, default=0) > 20 * _MAX_DEPTH


def _build(node: yaml.Node, path: Path_, document: Document, inside: tuple[int, ...]) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    document.nodes += 1
    if document.nodes > _MAX_NODES:
        what = Words("内容过多（可能是别名层层引用）", "holds too much (aliases of aliases?)")
        fix = Words("把 & 和 * 引用写开", "write out what & and * refer to")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1, fix))
    if id(node) in inside or len(path) > _MAX_DEPTH:
        what = Words("嵌套过深或引用自身", "is nested too deep or refers to itself")
        fix = Words("把 & 和 * 引用写开", "write out what & and * refer to")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1, fix))
    inside = (*inside, id(node))
    if isinstance(node, yaml.MappingNode):
        out: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node, document)
            line = key_node.start_mark.line + 1
            if key in out:
                what = Words(f"键 '{key}' 写了两次", f"key '{key}' is given twice")
                fix = Words("只保留一个", "keep one of them")
                document.problems.append(Problem(what, document.name, line, fix))
            document.lines[(*path, key)] = line
            out[key] = _build(value_node, (*path, key), document, inside)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, i), document, inside) for i, item in enumerate(node.value)]
    return _scalar(node, document)


def _scalar(node: yaml.Node, document: Document) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        what = Words("键必须是文字", "a key must be a word")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1))
    loader = _LOADER("")
    try:
        value = loader.construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        what = Words(f"无法读取的值 '{node.value[:60]}'", f"unreadable value '{node.value[:60]}'")
        fix = Words("检查日期是否存在；文字请加引号", "is it a day that exists? quote a text")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1, fix)) from error
    finally:
        loader.dispose()
    return value


def explain(error: ValidationError, document: Document, at: Path_ = (), label: str = "") -> list[Problem]:
    """Turn a pydantic error into problems with file, line and repair, all of them.

    Args:
        error: what pydantic found.
        document: the file it came from.
        at: the path of the validated part inside the document.
        label: put before each message (a rule's id).
    """
    problems = []
    for item in error.errors(include_url=False):
        # The members of a union (`str`, `dict[..]`) are parts of pydantic's path, not of the file's.
        loc = tuple(part for part in item["loc"] if not (isinstance(part, str) and ("[" in part or part == "str")))
        problems.append(_one(item, loc, document, at, label))
    return problems


def hinted(problems: list[Problem], known: list[str]) -> list[Problem]:
    """`problems` with a did-you-mean for each unknown key."""
    out = []
    for problem in problems:
        if problem.what.en.endswith("unknown key") and not problem.fix.en:
            name = problem.what.en.removesuffix("unknown key").strip().split(" ")[-1].split(".")[-1]
            out.append(replace(problem, fix=meant(name, known)))
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


def _one(item: Any, loc: Path_, document: Document, at: Path_, label: str) -> Problem:
    context = item.get("ctx") or {}
    name = ".".join(str(part) for part in loc)
    said = _SAID.get(item["type"])
    if said is None:
        inner = context.get("error")
        words = inner.args[0] if inner is not None and inner.args else None
        said = words if isinstance(words, Words) else _by_type(item, context)
    given = item.get("input")
    shown = f"（写的是 {given!r}）" if isinstance(given, str | int | float | bool) else ""
    shown_en = f" (it says {given!r})" if shown else ""
    if item["type"] in {"missing", "extra_forbidden"}:
        shown = shown_en = ""
    fix = context.get("fix", Words("", ""))
    if item["type"] == "extra_forbidden" and context.get("known"):
        fix = meant(str(loc[-1]), context["known"])
    elif item["type"] in _FIXES and not fix.en:
        general = _FIXES[item["type"]]
        fix = Words(general.zh.format(loc[-1] if loc else ""), general.en.format(loc[-1] if loc else ""))
    elif item["type"] == "literal_error" and isinstance(given, bool):
        fix = Words(
            "YAML 把 on/off/yes/no 读成真假，请加引号", "YAML reads on/off/yes/no as true/false; quote the word"
        )
    prefix = f"{label}: " if label else ""
    name += " " if name else ""
    what = Words(f"{prefix}{name}{said.zh}{shown}".strip(), f"{prefix}{name}{said.en}{shown_en}".strip())
    return Problem(what, document.name, document.line((*at, *loc)), fix)


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


def plain_yaml(text: str) -> Any:
    """YAML of our own making as plain values, without line marks.

    Raises:
        ValueError: not YAML.
    """
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - the safe loader, in C where there is one
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
