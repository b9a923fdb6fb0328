"""Words in, words out, an exit code. One module per command, imported only when it is called."""

from __future__ import annotations

import atexit
import gc
import os
import re
import signal
import sys
from importlib import import_module
from time import time
from typing import Any, NoReturn

import click

from orderguard import __version__
from orderguard.cli.streams import speakable, unheard
from orderguard.errors import (
    EXIT_ASKED,
    EXIT_BUG,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    DeliveryError,
    OrderguardError,
    Problem,
    Words,
    printable,
    unable,
)

_COMMANDS = {
    "backtest": "orderguard.cli.backtest:backtest",
    "board": "orderguard.cli.board:board",
    "cases": "orderguard.cli.cases:cases",
    "explain": "orderguard.cli.explain:explain",
    "init": "orderguard.cli.init:init",
    "learn": "orderguard.cli.learn:learn",
    "ledger": "orderguard.cli.ledger:ledger",
    "notices": "orderguard.cli.notices:notices",
    "platforms": "orderguard.cli.platforms:platforms",
    "report": "orderguard.cli.report:report",
    "rules": "orderguard.cli.rules:rules",
    "scan": "orderguard.cli.scan:scan",
    "tasks": "orderguard.cli.tasks:tasks",
    "verdict": "orderguard.cli.verdict:verdict",
    "watch": "orderguard.cli.watch:watch",
}


class _Lazy(click.Group):
    """Commands are imported when they are called, so that --help and --version stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, _HELP[name]) for name in _COMMANDS])


_HELP = {
    "backtest": "换规则前先试，对历史或文件 / compare two rulebooks over history or files",
    "cases": "看案件、放行、静音、转派、超时处理 / list, show, release, snooze, reassign, sweep",
    "board": "此刻的看板 / what is going on now, as a page",
    "explain": "一单的来龙去脉 / the whole story of an order",
    "learn": "从处置结果学分值 / learn points from verdicts",
    "ledger": "检查、重建、导出、清理台账 / check, rebuild, export, prune the ledger",
    "init": "写出规则表与团队表的样本 / write a commented rulebook and team",
    "notices": "看通知送达没有、补发 / list notices, send what is due",
    "platforms": "看各平台的表头怎么读 / how each platform's header is read",
    "report": "月报：网页与工作簿 / the month as page and workbook",
    "rules": "检查、试跑、列出规则 / check, test, list and show rules",
    "scan": "扫描导出的订单 / audit exported orders",
    "tasks": "重发某人的任务表 / issue an agent's sheet again",
    "watch": "盯住文件夹，来一个扫一个 / scan files as they arrive in a folder",
    "verdict": "记录、查看、更正处置结果 / record, list and correct verdicts",
}


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orderguard")
def cli() -> None:
    """发货前找出异常订单。 Finds abnormal orders before they ship."""
    if time() < _NO_CLOCK:  # a machine without a battery starts in 1970: every due time and history would be wrong
        what = Words("系统时钟显然不对（早于 2000 年）", "the system clock is plainly wrong (before 2000)")
        raise OrderguardError(Problem(what, fix=Words("校准时钟后再运行", "set it and run this again")))


_NO_CLOCK = 946_684_800
"""Seconds from 1970 to 2000."""


def _in_utf8() -> None:
    """Starts again in UTF-8 mode where Python would name files in ASCII (`PYTHONUTF8=0` in the C locale): `holds/京东.csv`."""
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode and sys.executable:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves


def main() -> None:
    """Entry point: messages to stderr, exit codes as designed."""
    _in_utf8()
    os.umask(0o077)  # whatever a command writes may hold personal data: for its owner only
    # Polars' allocator gives memory back after half a second, in pieces only to ask for it again at once.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:3000")
    # Next to nothing here is circular; looking for it every 700 objects took a tenth of a small scan.
    gc.set_threshold(50_000, 20, 100)
    atexit.register(gc.freeze)  # and the look at every module's objects before the process ends took another
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # nobody's but ours are wanted, and looking takes time
    speakable()
    try:
        # Not cli.main(): it turns a closed pipe (`| head`) into exit code 1, which here means --fail-on.
        with cli.make_context("orderguard", [at_home(word) for word in sys.argv[1:]]) as context:
            cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        _interrupted()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(EXIT_INPUT)
    except click.ClickException as error:
        from orderguard.cli.usage import misused

        fail(OrderguardError(misused(error)))
    except OrderguardError as error:
        fail(error)
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as stop:
        _last_words(stop.code)
        raise
    except BaseException as error:
        if os.environ.get("ORDERGUARD_DEBUG"):
            raise
        _died(error)


def _died(error: BaseException) -> NoReturn:
    """What the system refused or lacks is told as such; the rest is our own fault."""
    if isinstance(error, OSError) and error.filename is None and unheard():
        fail(DeliveryError(_full(error)))
    if isinstance(error, OSError) and isinstance(error.filename, str):  # the system's refusal is no bug of ours
        what = Words("无法读写", "cannot be read or written")
        fail(OrderguardError(Problem(unable(what, error), printable(error.filename[:200]))))
    told = lacking(error)
    if told:
        fail(OrderguardError(told))
    click.echo("✗ " + unexpected(error).text(language()), err=True)
    sys.exit(EXIT_BUG)


def _last_words(code: object) -> None:
    """What waits for standard output goes out now: Python's own try at exit would end with 120, whatever the command found."""
    try:
        sys.stdout.flush()
    except OSError as error:
        unheard()
        if code in (None, 0, EXIT_ASKED):
            fail(DeliveryError(_full(error)))


def _interrupted() -> NoReturn:
    """Ctrl-C: whoever pressed it wants to know what they left behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not end this in a traceback
    told = Words(
        "已中断；没有写到一半的文件，台账停在完整的一步，再运行一次即可",
        "stopped; no file is half written and the ledger is whole: just run it again",
    )
    click.echo("\n! " + told.pick(language()), err=True)
    sys.exit(EXIT_INTERRUPTED)


def at_home(word: str) -> str:
    """`--out=~/out`: a home that the shell left as it stands, or there would soon be a folder called `~` to be removed by hand."""
    option, joined, path = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + joined + os.path.expanduser(path) if path.startswith("~/") and not os.path.exists("~") else word  # noqa: PTH110, PTH111


def lacking(error: BaseException) -> Problem | None:
    """What the machine or the place lacks, where that is why a command ended; None for anything else."""
    said = str(error)
    if isinstance(error, FileNotFoundError) and error.filename is None:
        try:
            os.getcwd()  # noqa: PTH109 - pathlib would cost start-up time
        except OSError:
            what = Words("当前所在的文件夹已被删除", "the folder that you are in was removed")
            return Problem(what, fix=Words("cd 到一个还在的文件夹再运行", "cd to one that is there and run it again"))
    if isinstance(error, MemoryError) or (isinstance(error, (ImportError, OSError)) and re.search(_NO_MEMORY, said)):
        what = Words("内存不足", "out of memory")
        fix = Words(
            "关掉别的程序或放宽内存限制；扫描可加 --memory 300MB 分段进行",
            "close other programs or raise the limit; a scan goes piece by piece with --memory 300MB",
        )
        return Problem(what, fix=fix)
    return None


_NO_MEMORY = "failed to map segment|[Cc]annot allocate memory|can't start new thread|out of memory"


def _full(error: OSError) -> Problem:
    fix = Words("命令已做完；检查磁盘空间", "the command itself is done; check disk space")
    return Problem(unable(Words("标准输出无法写入", "standard output cannot be written"), error), fix=fix)


def unexpected(error: BaseException) -> Problem:
    """What to say when orderguard itself is wrong."""
    said = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
    fix = Words(
        "设 ORDERGUARD_DEBUG=1 再跑一次可得到详情，请报告给维护者",
        "run again with ORDERGUARD_DEBUG=1 and report the details",
    )
    return Problem(Words(f"程序内部错误（{said}）", f"internal error ({said})"), fix=fix)


def fail(error: OrderguardError, locale: str | None = None) -> Any:
    """Show every problem, one line each, and leave with the error's exit code."""
    for problem in error.problems:
        click.echo(("✗ " if problem.fatal else "! ") + problem.text(locale or language()), err=True)
    sys.exit(error.exit_code)


def language() -> str:
    """The language of messages that no rulebook goes with: ORDERGUARD_LOCALE, else ./rules.yaml's, else Chinese."""
    given = os.environ.get("ORDERGUARD_LOCALE")
    if given:
        return given
    return _of_rulebook(r"^locale:\s*(zh-CN|en)\b") or "zh-CN"


def shop_zone() -> str:
    """The zone that commands without a rulebook show times in: ./rules.yaml's, else the default rulebook's."""
    return _of_rulebook(r"^timezone:\s*[\"']?([\w+/-]+)") or "Asia/Shanghai"


def _of_rulebook(pattern: str) -> str | None:
    """What a line of ./rules.yaml says, without the cost of reading the rulebook."""
    try:
        with open("rules.yaml", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost start-up time
            found = re.search(pattern, file.read(4096), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return found[1] if found else None
