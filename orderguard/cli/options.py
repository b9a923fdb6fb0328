"""The options that several commands take: declared here once, with their help in both languages.

What means something else in one command (`--out` of `verdict export`) is declared in that command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.dates import DATE_ORDERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.decorators import FC

ledger_option = click.option(
    "--ledger", default="ledger", metavar="DIR", show_default=True, help="台账目录 / ledger folder"
)
rules_option = click.option("--rules", "rules_file", metavar="FILE", help="规则表，默认 ./rules.yaml / rulebook")
team_option = click.option("--team", "team_file", metavar="FILE", help="团队表，默认 ./team.yaml / team")
platform_option = click.option(
    "--platform", metavar="NAME", help="指定平台而不自动识别 / platform instead of recognition"
)
platforms_option = click.option(
    "--platforms", "platforms_dir", metavar="DIR", help="自己的平台配置目录 / folder of own profiles"
)
lookup_option = click.option(
    "--lookup", "lookups", multiple=True, metavar="FILE", help="补充账号信息 / account facts to join"
)
stock_option = click.option("--stock", metavar="FILE", help="库存表，查超卖 / stock file: flags what is oversold")
date_order_option = click.option(
    "--date-order", type=DATE_ORDERS, help="03/04 是日在前还是月在前 / what comes first in 03/04"
)
password_option = click.option(
    "--password-file", metavar="FILE", help="Excel 打开密码，每行一个 / passwords of locked books, one a line"
)
tasks_format_option = click.option(
    "--tasks-format", default="xlsx", metavar="LIST", show_default=True, help="任务表 / task sheets: xlsx,csv,json,md"
)
holds_format_option = click.option(
    "--holds-format", default="csv", metavar="LIST", show_default=True, help="暂扣清单 / hold lists: csv,txt,json"
)
double_option = click.option(
    "--double", metavar="SHARE", help="这么多任务交两人各看一遍，如 2% / tasks that two agents get"
)
outputs_option = click.option(
    "--outputs", metavar="LIST", help="只写这些：frames,workbook,tasks,holds,notices,board / write only these"
)
notify_option = click.option(
    "--notify", is_flag=True, help="真的发通知，默认只写 notices.csv / send the notices, not only write them"
)
sample_option = click.option(
    "--sample", metavar="SHARE", help="抽这么多未命中的订单作对照，如 0.5% / draw unflagged orders for control"
)
why_option = click.option("--why", required=True, metavar="TEXT", help="为什么 / why")
quiet_option = click.option("--quiet", is_flag=True, help="只报错 / only errors")


def json_option(says: str = "给程序读的 JSON / JSON for programs") -> Callable[[FC], FC]:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help=says)


def out_option(default: str, says: str) -> Callable[[FC], FC]:
    """`--out` of a command that fills a folder; those that write one file declare their own."""
    return click.option("--out", default=default, metavar="DIR", show_default=True, help=says)


def by_option(says: str = "谁 / who") -> Callable[[FC], FC]:
    """`--by` of a command that never runs without a name."""
    return click.option("--by", required=True, metavar="NAME", help=says)


def locale_option(says: str = "语言，默认同规则表 / language, default the rulebook's") -> Callable[[FC], FC]:
    """`--locale` of a page that may be in another language than the rulebook."""
    return click.option("--locale", type=click.Choice(["zh-CN", "en"]), help=says)


def _together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


audit_options = _together(
    outputs_option, ledger_option, team_option, platform_option, platforms_option, lookup_option, stock_option, date_order_option,
    password_option,
)  # fmt: skip
"""What an audit is given besides its inputs, its rulebook and its place."""
delivery_options = _together(tasks_format_option, holds_format_option, notify_option)
"""How what it leaves is handed out."""
