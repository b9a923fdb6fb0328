"""A kind's manual page, in Chinese and English: what `rules docs` prints and `docs/rules/` holds."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from decimal import Decimal
from inspect import cleandoc
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt

from orderguard.errors import NOTHING, Words
from orderguard.rules.registry import kind_class, kind_example
from orderguard.rules.tables import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

    from orderguard.rules.base import Kind
    from orderguard.rules.model import Rule
    from orderguard.rules.tables import Shape

HEADS = Words("标记什么：", "Flags:"), Words("为什么：", "Why:"), Words("漏掉什么：", "Misses:")
_CHINESE = re.compile(r"\n\n(?=[^\n]+\n\n标记什么：)")
_SETTINGS = Words("\n\n设置：\n", "\n\nSettings:\n")


class Setting(NamedTuple):
    """One setting of a kind.

    Attributes:
        name: its key in `with:`.
        required: whether a rule must give it.
        default: as a rulebook would write it; None where there is none.
        takes: what may be written, in words.
        about: what it is for, one line; empty where the kind does not say.
    """

    name: str
    required: bool
    default: Any
    takes: str
    about: str


def kind_page(name: str, locale: str = "en") -> str:
    """The manual page of a kind: its module's docstring in a language; the other one where it has only that."""
    text = (sys.modules[kind_class(name).__module__].__doc__ or "").strip()
    both = _CHINESE.split(text, 1)
    page = both[-1] if locale.startswith("zh") else both[0]
    return page.partition(_SETTINGS.zh)[0].partition(_SETTINGS.en)[0].strip()


def kind_about(name: str, locale: str = "en") -> str:
    """A kind in one line."""
    return kind_page(name, locale).splitlines()[0]


def kind_settings(name: str, locale: str = "en") -> list[Setting]:
    """The settings of a kind, in their order."""
    cls, both = kind_class(name), _CHINESE.split(sys.modules[kind_class(name).__module__].__doc__ or "", 1)
    text = both[-1].partition(_SETTINGS.zh) if locale.startswith("zh") else both[0].partition(_SETTINGS.en)
    about = dict(re.findall(r"^ *(\w+)(?:：|: )(.+)$", text[2], re.MULTILINE))
    return [
        Setting(
            name=n,
            required=f.is_required(),
            default=None if f.is_required() else _plain(f.get_default(call_default_factory=True)),
            takes=_takes(f.annotation, f.metadata, f.json_schema_extra).pick(locale),
            about=about.get(n, ""),
        )
        for n, f in cls.model_fields.items()
    ]


def kind_text(name: str, rules: Iterable[Rule], locale: str = "en") -> str:
    """A kind's page as Markdown: what it flags, why and what it misses, settings, tables, and rules that use it."""
    zh = locale.startswith("zh")
    heads = {w.pick(locale): w.pick(locale).strip(":：") for w in HEADS}
    page = kind_page(name, locale).splitlines()
    lines = [f"## {heads[line]}" if line in heads else line.removeprefix("    ") for line in page]
    lines += ["", "## 设置" if zh else "## Settings", ""]
    lines += _settings(name, zh=zh)
    lines += _tables(kind_class(name), zh=zh)
    examples = [_as_yaml(rule) for rule in rules if rule.kind == name] + [kind_example(name)]
    for i, example in enumerate(e for e in examples if e):
        lines += ["", ("## 例子" if zh else "## Example") if not i else ("## 更多" if zh else "## More"), ""]
        lines += ["```yaml", example, "```"]
    return "\n".join(lines) + "\n"


def _settings(name: str, *, zh: bool) -> list[str]:
    told = kind_settings(name, "zh" if zh else "en")
    must = "必填" if zh else "required"
    if zh:
        head = ["| 设置 | 默认 | 可写 | 说明 |", "|---|---|---|---|"]
    else:
        head = [
            cleandoc(kind_class(name).__doc__ or ""),
            "",
            "| setting | default | takes | what it is |",
            "|---|---|---|---|",
        ]
    rows = [[f"`{s.name}`", must if s.required else f"`{shown(s.default)}`", s.takes, s.about] for s in told]
    return head + ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]


def _tables(cls: type[Kind], *, zh: bool) -> list[str]:
    """The columns of the tables that a kind reads."""
    named = [n for n, f in cls.model_fields.items() if _is_table(f)]
    found: dict[int, tuple[Shape, list[str]]] = {}
    for setting in named:
        for n, shape in cls.model_construct(None, **{setting: "x"}).tables().items():
            names = found.setdefault(id(shape), (shape, []))[1]
            names += [] if n in names else [n]
    lines = []
    for shape, names in found.values():
        lines += ["", "### " + ", ".join(names), ""]
        head = "| 列 | 必填 | 表头也可写 |" if zh else "| column | required | headings that mean it |"
        lines += [head, "|---|---|---|"]
        yes = "是" if zh else "yes"
        for name, cell in shape.cells.items():
            others = ", ".join(x for x in cell.names if x != name)
            lines.append(f"| `{name}` | {yes if cell.required else ''} | {others} |")
    return lines


def _is_table(field: FieldInfo) -> bool:
    return set(get_args(get_args(Source)[0])) <= set(_parts(field.annotation)) or field.annotation == (str | None)


def _parts(kind: Any) -> list[Any]:
    """The alternatives of a type, without `None`."""
    if get_origin(kind) in {Literal, list, dict} or not get_args(kind):
        return [kind]
    inner = get_args(kind)[:1] if hasattr(kind, "__metadata__") else get_args(kind)
    return [p for k in inner if k is not NoneType for p in _parts(k)]


def _takes(kind: Any, limits: list[Any], extra: Any = None) -> Words:
    """What may be written for a type; `words` of a field's extras are all that it takes."""
    parts = _parts(kind)
    if isinstance(extra, dict):
        named = [f"`{w}`" for w in extra["words"]]
        many = any(get_origin(p) is list or p is list for p in parts)
        lead = Words("一个或几个：", "one or several of ") if many else NOTHING
        return Words(lead.zh + "、".join(named), lead.en + ", ".join(named))
    if any(get_origin(p) is dict or p is dict for p in parts):
        return Words("文件名，或直接写出的表", "a file name, or the table itself")
    told = [_takes_one(p, limits) for p in parts]
    return Words(" 或 ".join(w.zh for w in told), " or ".join(w.en for w in told))


def _takes_one(kind: Any, limits: list[Any]) -> Words:
    if get_origin(kind) is Literal:
        listed = [f"`{x}`" for x in get_args(kind)]
        return Words("、".join(listed), ", ".join(listed))
    if get_origin(kind) is list:
        inner = _takes(get_args(kind)[0], []) if get_args(kind) else Words("", "")
        return Words(f"列表：{inner.zh}", f"a list of: {inner.en}")
    if kind is bool:
        return Words("`true`、`false`", "`true`, `false`")
    if kind is timedelta:
        return Words("时长，如 `5m`、`24h`、`7d`", "a length of time such as `5m`, `24h`, `7d`")
    if kind in {int, float, Decimal}:
        limit = [
            f"{sign} {getattr(x, a):,}"
            for x in limits
            for t, a, sign in ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<"))
            if isinstance(x, t)
        ]
        zh, en = ("整数", "a whole number") if kind is int else ("数", "a number")
        return Words("，".join([zh, *limit]), ", ".join([en, *limit]))
    return Words("文字", "text")


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        size, unit = next((s, u) for s, u in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")) if seconds % s == 0)
        return f"{seconds / size:g}{unit}"
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def shown(default: Any) -> str:
    """A default as a rulebook would write it."""
    if default in (None, "") or isinstance(default, bool):
        return {None: "null", "": '""', True: "true", False: "false"}[default]
    return f"[{', '.join(map(str, default))}]" if isinstance(default, list) else str(default)


def _as_yaml(rule: Rule) -> str:
    block = {
        "id": rule.id, "kind": rule.kind, "with": rule.with_, "points": int(rule.points) if rule.points == int(rule.points) else rule.points,
        "flags": rule.flags, "passes": rule.passes,
    }  # fmt: skip
    return yaml.safe_dump([block], allow_unicode=True, sort_keys=False, width=110).rstrip()
