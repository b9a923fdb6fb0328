"""`orderguard platforms`."""

from __future__ import annotations

from typing import Any

import click


@click.group()
def platforms() -> None:
    """看各平台的表头怎么读。 How each platform's header is read."""


@platforms.command("list")
@click.option("--platforms", "folder", metavar="DIR", help="自己的平台配置目录 / folder of own profiles")
@click.option("--json", "as_json", is_flag=True)
def list_(folder: str | None, as_json: bool) -> None:
    """列出已知平台。 List the known platforms."""
    from orderguard.cli.common import print_json, print_table
    from orderguard.platforms import load_profiles

    profiles = load_profiles(folder)
    if as_json:
        print_json(
            [
                {
                    "platform": p.platform,
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
    print_table(["platform", "zh", "en", "columns", "headings"], rows)


@platforms.command()
@click.argument("platform")
@click.option("--platforms", "folder", metavar="DIR")
@click.option("--json", "as_json", is_flag=True)
def show(platform: str, folder: str | None, as_json: bool) -> None:
    """某平台的每一列从哪些表头读取。 Which headings each column of a platform is read from."""
    from orderguard.cli.common import print_json, print_table
    from orderguard.columns import heading
    from orderguard.errors import OrderguardError, Problem, Words, closest
    from orderguard.platforms import load_profiles

    profiles = load_profiles(folder)
    found = [p for p in profiles if platform.casefold() in {p.platform, *(a.casefold() for a in p.aliases)}]
    if not found:
        what = Words(f"未知平台 '{platform}'", f"unknown platform '{platform}'")
        raise OrderguardError(Problem(what, fix=closest(platform, [p.platform for p in profiles])))
    profile = found[0]
    picks = {n: p for n in [*profile.columns, *profile.extract] if (p := profile.pick(n))}
    if as_json:
        print_json(
            {
                "platform": profile.platform,
                "columns": {n: {"how": p.how, "headings": list(p.sources)} for n, p in picks.items()},
            }
        )
        return
    print_table(
        ["column", "意思", "how", "headings"],
        [[n, heading(n, "zh-CN"), p.how, "、".join(p.sources)] for n, p in picks.items()],
    )


@platforms.command()
@click.argument("file")
@click.option("--platform", metavar="NAME", help="指定平台 / instead of recognition")
@click.option("--platforms", "folder", metavar="DIR")
@click.option("--json", "as_json", is_flag=True)
def detect(file: str, platform: str | None, folder: str | None, as_json: bool) -> None:
    """认出文件的平台，并逐列说明怎么读。 Recognise a file's platform and explain every column."""
    from orderguard.cli import language
    from orderguard.cli.common import print_json
    from orderguard.errors import OrderguardError
    from orderguard.ingest import find_sources, read_source
    from orderguard.platforms import header_score, load_profiles, match_header

    profiles = load_profiles(folder)
    results = []
    for source in find_sources([file]):
        read_source(source, header_score(profiles))
        if source.problems and not source.tables:
            raise OrderguardError(*source.problems)
        for table in source.tables:
            headings = [c for c in table.frame.columns if c != "source_row"]
            match = match_header(headings, profiles, platform, table.source)
            results.append(_told(table, match, headings))
    if as_json:
        print_json(results)
        return
    for result in results:
        _print(result, zh=language().startswith("zh"))


def _told(table: Any, match: Any, headings: list[str]) -> dict[str, Any]:
    frame = table.frame.head(200)
    column_of = {s: n for n, p in match.picks.items() for s in p.sources}
    columns = []
    for heading in headings:
        name = column_of.get(heading)
        filled = [v for v in frame[heading].to_list() if v is not None and str(v).strip()]
        origin = None if name is None else "guess" if name in match.guessed else "profile"
        columns.append(
            {"heading": heading, "column": name, "by": origin, "sample": str(filled[0])[:40] if filled else ""}
        )
    return {
        "file": table.source,
        "platform": match.profile.platform,
        "recognised": round(match.share, 3),
        "rows": len(table.frame),
        "mapping": {n: list(p.sources) for n, p in match.picks.items()},
        "columns": columns,
        "missing": [n for n in _WANTED if n not in match.picks],
    }


_WANTED = (
    "order_id",
    "created_at",
    "amount",
    "receiver_phone",
    "address",
    "ip",
    "registered_at",
    "prior_orders",
    "coupon",
    "buyer_note",
    "ship_from",
)
"""What the default rules read; a missing one makes a rule not evaluable."""


def _print(result: dict[str, Any], *, zh: bool) -> None:
    from orderguard.cli.common import print_table
    from orderguard.columns import heading

    locale = "zh-CN" if zh else "en"
    told = (f"{result['file']}：平台 {result['platform']}，认得 {result['recognised']:.0%} 的表头，{result['rows']:,} 行" if zh
            else f"{result['file']}: platform {result['platform']}, {result['recognised']:.0%} of the headings known, {result['rows']:,} rows")  # fmt: skip
    click.echo(told)
    by = {"profile": "平台配置" if zh else "profile", "guess": "通用名称" if zh else "general names", None: ""}
    rows = [
        [
            c["heading"],
            f"{c['column']}（{heading(c['column'], locale)}）" if c["column"] else "—",
            by[c["by"]],
            _masked(c),
        ]
        for c in result["columns"]
    ]
    print_table(["表头", "读作", "依据", "样例"] if zh else ["Heading", "Read as", "By", "Sample"], rows)
    if result["missing"]:
        names = ("、" if zh else ", ").join(heading(n, locale) for n in result["missing"])
        click.echo(
            f"没有这些列，用到它们的规则会记为“无法判断”：{names}"
            if zh
            else f"not in this file, so rules that need them are not evaluable: {names}"
        )


_PERSONAL = {"receiver_name", "buyer_name", "receiver_phone", "address", "email", "buyer_id"}


def _masked(column: dict[str, Any]) -> str:
    """Samples on a terminal show no personal data in full."""
    sample = str(column["sample"])
    return sample[:3] + "***" if column["column"] in _PERSONAL and sample else sample
