"""What was wrong with a command line, in the language of the shop: Click knows English only."""

from __future__ import annotations

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
        near = _near(error.option_name, known)
        what = Words(f"{where} 没有选项 {error.option_name}", f"{where} has no option {error.option_name}")
        return Problem(what, fix=_both(near, look))
    if isinstance(error, click.MissingParameter):
        name = error.param.human_readable_name if error.param else str(error.param_hint or "")
        option = isinstance(error.param, click.Option)
        shown = error.param.opts[0] if option and error.param else name
        return Problem(Words(f"{where} 缺少 {shown}", f"{where} needs {shown}"), fix=look)
    if isinstance(error, click.BadParameter):
        param = error.param
        shown = (param.opts[0] if isinstance(param, click.Option) else param.human_readable_name) if param else ""
        told = error.message.rstrip(".")
        choices = getattr(param.type, "choices", None) if param else None
        fix = Words(f"可用：{'、'.join(choices)}", f"known: {', '.join(choices)}") if choices else look
        return Problem(Words(f"{shown} 的值不能用（{told}）", f"{shown}: {told}"), fix=fix)
    if isinstance(error, click.BadOptionUsage):
        name = error.option_name
        return Problem(Words(f"{name} 后面要写一个值", f"{name} needs a value"), fix=look)
    if said.startswith("No such command") and context and isinstance(context.command, click.Group):
        name = said.split("'")[1] if "'" in said else ""
        near = _near(name, context.command.list_commands(context))
        return Problem(Words(f"没有命令 {where} {name}", f"there is no command {where} {name}"), fix=_both(near, look))
    if said.startswith("Got unexpected extra argument"):
        extra = said.partition("(")[2].rstrip(")")
        return Problem(Words(f"{where} 多出了 {extra}", f"{where}: {extra} is too much"), fix=look)
    return Problem(Words(f"命令写法不对（{said}）", said), fix=look)


def _near(word: str, known: list[str]) -> Words:
    from difflib import get_close_matches

    return closest(word, known) if get_close_matches(word, known, n=1, cutoff=0.5) else Words("", "")


def _both(hint: Words, look: Words) -> Words:
    return Words(f"{hint.zh}{look.zh}", f"{hint.en} {look.en}") if hint.en else look
