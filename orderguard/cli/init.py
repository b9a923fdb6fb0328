"""`orderguard init`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from orderguard.cli.options import json_option
from orderguard.errors import OrderguardError, Problem, Words, unable

TEMPLATES = ("general", "cross-border", "fresh")
_TEAM = """\
# 团队表 / team.  谁处理哪些订单，最多同时处理多少单；没有 agents 时所有任务待分配（tasks/unassigned.xlsx）。
# Who handles which orders, and how many open ones at most; without agents all tasks go to 'unassigned'.
version: 1

agents:
  # - {name: 小李, handles: {platform: [京东, 淘宝]}, capacity: 80}
  # - {name: 小王, handles: {platform: [抖音], region: [广东, 广西]}, capacity: 60}
  #   请假、班次 / leave and shift:  away: [2026-11-25, 2026-12-01..2026-12-07]   shift: 08:00-20:00

managers:
  # - {name: 华南经理, region: [广东, 广西, 海南]}
  # scan --notify 才真的发；密钥只写环境变量名 / sent with scan --notify only; secrets are named, not written:
  # - {name: 总部, targets: ['wecombot://${WECOM_KEY}', 'dingtalk://${DING_TOKEN}', 'mailtos://${MAIL}']}

# every: 15m          # 每人最多隔多久一条通知、一张任务表 / at most one notice and one sheet a person in this time
# due: {hold: 2h, review: 8h, before_promise: 2h}     # 处理时限 / by when a case needs a decision
"""


@click.command()
@click.argument("folder", default=".")
@click.option(
    "--template",
    type=click.Choice(TEMPLATES),
    help="general 通用；cross-border 跨境多平台；fresh 本地生鲜 / more rules, ready to switch on",
)
@json_option()
def init(folder: str, template: str | None, as_json: bool) -> None:
    """写出规则表 rules.yaml 与团队表 team.yaml。 Write a commented rulebook and team (and lists, with --template)."""
    target = Path(folder)
    from orderguard.cli import language
    from orderguard.drafts import drafted

    files = _files(template)
    if not language().startswith("zh"):
        files["rules.yaml"] = re.sub(r"(?m)^locale: zh-CN\b", "locale: en   ", files["rules.yaml"], count=1)
    there = [name for name in files if (target / name).exists()]
    if there:
        what = Words(f"已有 {there[0]}，不会覆盖", f"{there[0]} is there already and is not overwritten")
        fix = Words("先移走它，或换一个目录", "move it away, or choose another folder")
        raise OrderguardError(Problem(what, str(target), fix=fix))
    try:
        target.mkdir(parents=True, exist_ok=True)
        with drafted(*[target / name for name in files]) as drafts:
            for draft, (name, text) in zip(drafts, files.items(), strict=True):
                # Excel shows Chinese in a CSV only behind a byte order mark.
                draft.write_text(text, encoding="utf-8-sig" if name.endswith(".csv") else "utf-8")
    except OSError as error:
        raise OrderguardError(Problem(unable(Words("无法写入", "cannot be written"), error), str(target))) from error
    if as_json:
        from orderguard.cli.common import print_json

        print_json([str(target / name) for name in files])
    else:
        click.echo("\n".join(str(target / name) for name in files))


def _files(template: str | None) -> dict[str, str]:
    """File name -> text. `general` is the default rulebook with more rules behind it."""
    from orderguard.rules.book import default_rulebook

    rules = default_rulebook().read_text(encoding="utf-8")
    if template is None:
        return {"rules.yaml": rules, "team.yaml": _TEAM}
    folder = Path(__file__).parent.parent / "templates" / template
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
    more = files.pop("more.yaml", "")
    return {"rules.yaml": rules + more, **files}
