"""`orderguard platforms`."""

from __future__ import annotations

from typing import Any

import click

from orderguard.cli.drafting import draft, tables_of
from orderguard.cli.options import date_order_option, json_option, password_option, platform_option, platforms_option
from orderguard.errors import Words, printable


@click.group()
def platforms() -> None:
    """看各平台的表头怎么读。 How each platform's header is read."""


@platforms.command("list")
@platforms_option
@json_option()
def list_(platforms_dir: str | None, as_json: bool) -> None:
    """列出已知平台。 List the known platforms."""
    from orderguard.cli import language
    from orderguard.cli.common import print_json, print_table
    from orderguard.platforms import load_profiles

    profiles = load_profiles(platforms_dir)
    if as_json:
        print_json(
            [
                {
                    "platform": p.platform,
                    "variant": p.variant,
                    "name": p.name,
                    "aliases": p.aliases,
                    "columns": sorted([*p.columns, *p.extract]),
                }
                for p in profiles
            ]
        )
        return
    rows = [
        [
            p.platform,
            p.name.get("zh", ""),
            p.name.get("en", ""),
            str(len(p.columns) + len(p.extract)),
            str(len(p.headings())),
        ]
        for p in profiles
    ]
    zh = language().startswith("zh")
    print_table(
        ["平台", "中文名", "英文名", "列", "认得的表头"]
        if zh
        else ["Platform", "Chinese", "English", "Columns", "Headings"],
        rows,
    )


@platforms.command()
@click.argument("platform")
@platforms_option
@json_option()
def show(platform: str, platforms_dir: str | None, as_json: bool) -> None:
    """某平台的每一列从哪些表头读取。 Which headings each column of a platform is read from."""
    from orderguard.cli import language
    from orderguard.cli.common import print_json, print_table
    from orderguard.columns import heading
    from orderguard.platforms import load_profiles, named

    found = named(platform, load_profiles(platforms_dir))
    profile = found[0]
    picks = {n: p for n in [*profile.columns, *profile.extract] if (p := profile.pick(n))}
    if as_json:
        print_json(
            {
                "platform": profile.platform,
                "columns": {n: {"how": p.how, "headings": list(p.all_sources())} for n, p in picks.items()},
                "statuses": profile.statuses,
                "variants": [p.variant for p in found if p.variant],
            }
        )
        return
    locale = language()
    zh = locale.startswith("zh")
    print_table(
        ["列", "意思", "怎么取", "从哪些表头"] if zh else ["Column", "Meaning", "How", "Headings"],
        [[n, heading(n, locale), p.how, ("、" if zh else ", ").join(p.all_sources())] for n, p in picks.items()],
    )


@platforms.command()
@click.argument("file")
@platform_option
@platforms_option
@password_option
@date_order_option
@json_option()
def detect(
    file: str,
    platform: str | None,
    platforms_dir: str | None,
    password_file: str | None,
    date_order: str | None,
    as_json: bool,
) -> None:
    """认出文件的平台，并逐列说明怎么读。 Recognise a file's platform and explain every column."""
    from orderguard.cli import language
    from orderguard.cli.common import print_json
    from orderguard.cli.dates import date_order as as_order
    from orderguard.errors import OrderguardError
    from orderguard.platforms import load_profiles
    from orderguard.stages.drafting import explained
    from orderguard.stages.recipes import recognised

    profiles = load_profiles(platforms_dir)
    results, problems = [], []
    for table in tables_of(file, profiles, password_file):
        try:
            match, _ = recognised(table.frame, profiles, platform, table.source)
        except OrderguardError as error:
            problems += error.problems
            continue
        results.append(explained(table, match, profiles, "Asia/Shanghai", as_order(date_order)))
    if not results:
        raise OrderguardError(*problems)
    if as_json:
        print_json(results)
    else:
        for result in results:
            _print(result, zh=language().startswith("zh"))
    for problem in problems:
        click.echo("! " + problem.text(language()), err=True)


def _print(result: dict[str, Any], *, zh: bool) -> None:
    from orderguard.cli.common import print_table
    from orderguard.columns import heading

    locale = "zh-CN" if zh else "en"
    told = (f"{result['file']}：平台 {result['platform']}，认得 {result['recognised']:.0%} 的表头，{result['rows']:,} 行" if zh
            else f"{result['file']}: platform {result['platform']}, {result['recognised']:.0%} of the headings known, {result['rows']:,} rows")  # fmt: skip
    click.echo(told)
    others = [c for c in result["candidates"] if c["platform"] != result["platform"]]
    own: list[str] = next((c["telling"] for c in result["candidates"] if c["platform"] == result["platform"]), [])
    if own:
        listed = ("、" if zh else ", ").join(printable(h) for h in own)
        click.echo(f"凭这些表头认出：{listed}" if zh else f"told by: {listed}")
    if others:
        listed = ("、" if zh else ", ").join(f"{c['platform']} {c['recognised']:.0%}" for c in others)
        click.echo(f"其次可能：{listed}" if zh else f"next likely: {listed}")
    by = {"profile": "平台配置" if zh else "profile", "guess": "通用名称" if zh else "general names", None: ""}
    rows = [
        [
            c["heading"],
            (f"{c['column']}（{heading(c['column'], locale)}）" if zh else c["column"]) if c["column"] else "—",
            by[c["by"]],
            f"{c['filled']:.0%}",
            _look(c["looks_like"], zh=zh),
            _masked(c),
            _said(c, zh=zh),
        ]
        for c in result["columns"]
    ]
    head = ["表头", "读作", "依据", "有值", "内容像", "样例", "提醒"]
    print_table(head if zh else ["Heading", "Read as", "By", "Filled", "Looks like", "Sample", "Note"], rows)
    if result["statuses"]:
        listed = ("、" if zh else ", ").join(f"{printable(w)[:20]}→{s}" for w, s in result["statuses"].items())
        click.echo(("状态：" if zh else "statuses: ") + listed)
    if result["unreadable"]:
        click.echo(
            f"前 {result['sampled']} 行里有 {result['unreadable']} 行读不了" if zh
            else f"{result['unreadable']} of the first {result['sampled']} rows are unreadable"
        )  # fmt: skip
    if result["missing"]:
        names = ("、" if zh else ", ").join(heading(n, locale) for n in result["missing"])
        click.echo(
            f"没有这些列，用到它们的规则会记为“无法判断”：{names}"
            if zh
            else f"not in this file, so rules that need them are not evaluable: {names}"
        )
        ways = [w for columns, w in _ELSEWHERE if columns & {*result["missing"]}]
        if ways:
            click.echo("；".join(w.zh for w in ways) if zh else "; ".join(w.en for w in ways))


_ELSEWHERE = (
    (
        {"registered_at", "prior_orders", "ip", "device_id"},
        Words("账号信息可用 scan --lookup 补", "account facts can be added with 'scan --lookup'"),
    ),
    (
        {"ship_from"},
        Words(
            "发货地可写在规则表：ship_from: 杭州", "the rulebook can tell where orders leave from: ship_from: Hangzhou"
        ),
    ),
    (
        {"currency"},
        Words("没写币种的按人民币，或规则表的 currency:", "money is yuan, or what the rulebook's currency: says"),
    ),
)
"""Columns that another place can give, and how."""

_LOOKS = {
    "ip": "IP", "email": "邮箱", "time": "时间", "phone": "电话", "currency": "币种", "money": "金额", "count": "数量", "province": "省",
    "city": "市", "district": "区县", "address": "地址", "person": "人名", "id": "编号", "text": "文字", "empty": "空",
}  # fmt: skip


def _look(kind: str, *, zh: bool) -> str:
    return _LOOKS[kind] if zh else kind


def _said(column: dict[str, Any], *, zh: bool) -> str:
    if column["doubt"] == "values":
        return f"{1 - column['fits']:.0%} 的内容不像" if zh else f"{1 - column['fits']:.0%} of the cells do not look so"
    if column["doubt"] == "name":
        return "请核对" if zh else "please check"
    return ""


_PERSONAL = {"receiver_name", "buyer_name", "receiver_phone", "address", "email", "buyer_id"}


def _masked(column: dict[str, Any]) -> str:
    """Samples on a terminal show no personal data in full."""
    from orderguard.platforms.draft import masked

    sample = str(column["sample"])
    personal = column["column"] in _PERSONAL or column["looks_like"] in {"phone", "email", "address"}
    personal = personal or (column["column"] is None and column["looks_like"] == "person")
    return masked(sample) if personal and sample else sample


platforms.add_command(draft)
