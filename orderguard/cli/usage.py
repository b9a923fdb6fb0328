"""What was wrong with a command line, in the language of the shop: Click knows English only."""

from __future__ import annotations

import re

import click

from orderguard.errors import Problem, Words, closest


def misused(error: click.ClickException) -> Problem:  # noqa: PLR0911 - one for each way to misuse it
    """The problem in words, with a did-you-mean where there is one and where the help is."""
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "orderguard"
    look = Words(f"用法见 {where} --help", f"see '{where} --help'")
    said = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        known = [o for p in context.command.params for o in p.opts if o.startswith("--")] if context else []
        near = _close_word(error.option_name, known)
        what = Words(f"{where} 没有选项 {error.option_name}", f"{where} has no option {error.option_name}")
        return Problem(what, fix=_hint_and_look(near, look))
    if isinstance(error, click.MissingParameter):
        name = error.param.human_readable_name if error.param else str(error.param_hint or "")
        option = isinstance(error.param, click.Option)
        shown = error.param.opts[0] if option and error.param else name
        return Problem(Words(f"{where} 缺少{_argument_name(shown)}".rstrip(), f"{where} needs {shown}"), fix=look)
    if isinstance(error, click.BadParameter):
        param = error.param
        shown = (param.opts[0] if isinstance(param, click.Option) else param.human_readable_name) if param else ""
        told = error.message.rstrip(".")
        choices = getattr(param.type, "choices", None) if param else None
        fix = Words(f"可用：{'、'.join(choices)}", f"known: {', '.join(choices)}") if choices else look
        return Problem(Words(f"{_argument_name(shown)}{_refused(told)}".strip(), f"{shown}: {told}"), fix=fix)
    if isinstance(error, click.BadOptionUsage):
        name = error.option_name
        return Problem(Words(f"{name} 后面要写一个值", f"{name} needs a value"), fix=look)
    if said.startswith("No such command") and context and isinstance(context.command, click.Group):
        name = said.split("'")[1] if "'" in said else ""
        near = _close_word(name, context.command.list_commands(context))
        return Problem(
            Words(f"没有命令 {where} {name}", f"there is no command {where} {name}"), fix=_hint_and_look(near, look)
        )
    if said.startswith("Got unexpected extra argument"):
        extra = said.partition("(")[2].rstrip(")")
        return Problem(Words(f"{where} 多出了 {extra}", f"{where}: {extra} is too much"), fix=look)
    return Problem(Words(f"命令写法不对（{said}）", said), fix=look)


_NAMES = {
    "ORDER_OR_CASE": "订单编号或案件号", "ORDER_ID": "订单编号", "RESULT": "处置结果（属实、误判、需进一步调查）", "PATHS": "要扫描的文件或文件夹", "FILE": "文件",
    "FOLDER": "文件夹", "SHEETS": "任务表", "AGENT": "处理人", "PLATFORM": "平台", "RULE_ID": "规则 id", "NAME": "名称", "KIND": "规则类型",
}  # fmt: skip


def _argument_name(shown: str) -> str:
    """An argument by what it is; an option as it is written."""
    name = shown.strip("[]. ").removesuffix("...")
    return f"{_NAMES[name]}（{name}）" if name in _NAMES else f" {shown} "


_REFUSALS = (
    (r"'(.*)' is not one of .*", "不能是“{}”"),
    (r"'(.*)' is not a valid (?:integer|int).*", "应为整数，而不是“{}”"),
    (r"'(.*)' is not a valid float.*", "应为数字，而不是“{}”"),
    (r"(.*) is not in the range (.*)", "不能是 {}，范围是 {}"),
    (r"\w+ '(.*)' does not exist", "没有“{}”"),
    (r"File '(.*)' is a directory", "“{}”是文件夹，不是文件"),
    (r"Directory '(.*)' is a file", "“{}”是文件，不是文件夹"),
    (r"\w+ '(.*)' is not (?:readable|writable)", "没有“{}”的权限"),
)


def _refused(told: str) -> str:
    """What Click says against a value, in Chinese."""
    for pattern, said in _REFUSALS:
        found = re.fullmatch(pattern, told, re.DOTALL)
        if found:
            return said.format(*found.groups())
    return f"的值不能用（{told}）"


def _close_word(word: str, known: list[str]) -> Words:
    from difflib import get_close_matches

    return closest(word, known) if get_close_matches(word, known, n=1, cutoff=0.5) else Words("", "")


def _hint_and_look(hint: Words, look: Words) -> Words:
    return Words(f"{hint.zh}{look.zh}", f"{hint.en} {look.en}") if hint.en else look
