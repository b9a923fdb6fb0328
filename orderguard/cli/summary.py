"""What a scan shows on the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from orderguard.errors import Words, printable
from orderguard.rules.book import say
from orderguard.staff import shown
from orderguard.stages.telling import rule_lines
from orderguard.statuses import by_stage

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.rules import Rulebook


def show(run: dict[str, Any], book: Rulebook, out: Path) -> None:
    """Files, rules, bands, sheets and time: drawn by Rich on a terminal, plain text otherwise."""
    zh = book.locale.startswith("zh")
    tables = [_files(run, zh), _rules(run, book, zh)]
    lines = _lines(run, book, out, zh)
    if sys.stdout.isatty():
        _draw(tables, lines)
    else:
        for title, head, rows in tables:
            sys.stdout.write(f"# {title}\n")
            for row in [head, *rows]:
                sys.stdout.write("\t".join(row) + "\n")
        sys.stdout.write("\n".join(lines) + "\n")


_Table = tuple[str, list[str], list[list[str]]]


def _files(run: dict[str, Any], zh: bool) -> _Table:
    head = (
        ["文件", "平台", "行", "订单", "正常", "异常", "未能读取"]
        if zh
        else ["File", "Platform", "Rows", "Orders", "Clean", "Flagged", "Rejected"]
    )
    names = ("rows", "read", "clean", "flagged", "rejected")
    rows = [[printable(f["file"]), f["platform"], *[f"{f[n]:,}" for n in names]] for f in run["inputs"]]
    if len(rows) > 1:
        rows.append(["合计" if zh else "Total", "", *[f"{run[n]:,}" for n in names]])
    return ("输入" if zh else "Input", head, rows)


def _rules(run: dict[str, Any], book: Rulebook, zh: bool) -> _Table:
    head = (
        ["规则", "说明", "分值", "命中", "占已判断", "无法判断"]
        if zh
        else ["Rule", "Says", "Points", "Hits", "Of judged", "Not evaluable"]
    )
    seen = {c["rule_id"]: c for c in run["coverage"]}
    rows = []
    for rule in book.active:
        c = seen.get(rule.id, {"judged": 0, "hits": 0, "not_evaluable": 0})
        share = f"{c['hits'] / c['judged']:.2%}" if c["judged"] else "—"
        on_trial = rule.status == "trial" or rule.id in {d["rule_id"] for d in run["demoted"]}
        points = ("试运行" if zh else "trial") if on_trial else f"{rule.points:g}"
        if rule.status == "retired":  # a promotion wakes it
            points = f"仅促销 {points}" if zh else f"promotion: {points}"
        rows.append(
            [
                rule.id,
                printable(say(rule.says, book.locale)),
                points,
                f"{c['hits']:,}",
                share,
                f"{c['not_evaluable']:,}",
            ]
        )
    return ("规则" if zh else "Rules", head, rows)


def _lines(run: dict[str, Any], book: Rulebook, out: Path, zh: bool) -> list[str]:
    seconds = sum(run["timings"].values())
    rooms = "  ".join(f"{k} {v:.2f}s" for k, v in run["timings"].items())
    tasks = "  ".join(f"{printable(_sheet(a, zh))} {n}" for a, n in run["tasks"].items()) or "—"
    waiting = "  ".join(f"{printable(_sheet(a, zh))} {n}" for a, n in run["waiting"].items())
    holds = "  ".join(f"{printable(p)} {n}" for p, n in run["holds"].items()) or "—"
    read, clean, flagged, rejected = (f"{run[n]:,}" for n in ("read", "clean", "flagged", "rejected"))
    held, review, new = (f"{run[n]:,}" for n in ("held", "review", "new_cases"))
    skipped, before, past = (f"{run[n]:,}" for n in ("skipped", "released_before", "past_flagged"))
    blind = any(c["not_evaluable"] for c in run["coverage"])
    homeless = _homeless(run, book)
    said: list[tuple[bool, Words]] = [
        (
            True,
            Words(
                f"读取 {read} = 正常 {clean} + 异常 {flagged} + 未能读取 {rejected}",
                f"read {read} = clean {clean} + flagged {flagged} + rejected {rejected}",
            ),
        ),
        (skipped != "0", _skipped(run, skipped)),
        (True, Words(f"暂扣 {held}  复核 {review}  新任务 {new}", f"held {held}  review {review}  new tasks {new}")),
        (bool(run["ended"]), _ended(run["ended"])),
        (
            bool(run["resumed"]),
            Words(f"订单已恢复，重新待办 {run['resumed']:,}", f"orders live again, open once more: {run['resumed']:,}"),
        ),
        (before != "0", Words(f"曾放行、不再标记 {before}", f"released before, not flagged again {before}")),
        (
            bool(run["snoozed"]),
            Words(f"静音中、不加分的命中 {run['snoozed']:,}", f"snoozed hits, no points {run['snoozed']:,}"),
        ),
        (past != "0", Words(f"另有先前订单因新证据异常 {past}", f"earlier orders flagged on new evidence {past}")),
        (
            blind,
            Words(
                "无法判断：缺列、空白或打码。platforms detect 看缺哪列，--lookup 可补账号信息",
                "not evaluable: a column is missing, blank or masked; see 'platforms detect', add account facts with --lookup",
            ),
        ),
        (bool(homeless), _no_origin(homeless)),
        *[(True, Words(printable(w.zh), printable(w.en))) for w in rule_lines(run)],
        (True, Words(f"任务表：{tasks}", f"task sheets: {tasks}")),
        (bool(run["waiting"]), Words(f"等下一张任务表：{waiting}", f"waiting for the next sheet: {waiting}")),
        (True, Words(f"暂扣清单：{holds}", f"hold lists: {holds}")),
        (
            (out / "earlier").is_dir(),
            Words(
                f"先前发出的任务表与清单仍在 {out / 'earlier'}",
                f"sheets and lists issued earlier are still in {out / 'earlier'}",
            ),
        ),
        (True, Words(f"用时 {seconds:.2f}s（{rooms}）", f"took {seconds:.2f}s ({rooms})")),
        ((out / "flagged.xlsx").exists(), Words(f"打开 {out / 'flagged.xlsx'}", f"open {out / 'flagged.xlsx'}")),
    ]
    return [words.pick("zh-CN" if zh else "en") for wanted, words in said if wanted]


def _homeless(run: dict[str, Any], book: Rulebook) -> list[str]:
    """Rules that need a place of departure and could judge no order, where the rulebook names none."""
    if any(book.ship_from.model_dump().values()):
        return []
    idle = {c["rule_id"] for c in run["coverage"] if c["not_evaluable"] and not c["judged"]}
    return [r.id for r in book.active if r.id in idle and any(n.startswith("ship_") for n in r.settings.reads())]


def _no_origin(rules: list[str]) -> Words:
    zh, en = "、".join(rules), ", ".join(rules)
    return Words(
        f"{zh} 一单也判断不了：表里没有发货地的，在规则表写 ship_from: 杭州（换成你的发货地）",
        f"{en} could judge no order: if the export does not say where orders leave from, put ship_from: Hangzhou (your place) in the rulebook",
    )


def _sheet(agent: str, zh: bool) -> str:
    """Whose sheet; of the shared queue also what its file is called, where that is another word."""
    name = shown(agent, "zh-CN" if zh else "en")
    return name if name == agent else f"{name}（{agent}.xlsx）"


def _ended(ended: dict[str, int]) -> Words:
    total = f"{sum(ended.values()):,}"
    zh, en = (by_stage(ended, lang) for lang in ("zh-CN", "en"))
    return Words(
        f"未判定而订单已结束，任务自动关闭 {total}（{zh}）",
        f"over before anybody decided, closed by themselves: {total} ({en})",
    )


def _skipped(run: dict[str, Any], skipped: str) -> Words:
    zh, en = (by_stage(run.get("skipped_by_stage", {}), lang) for lang in ("zh-CN", "en"))
    return Words(
        f"其中按状态未审 {skipped}（{zh}）；要全部审核请在规则表写 only_status: [all]",
        f"of these {skipped} not audited because of their status ({en}); to audit all, put only_status: [all] in the rulebook",
    )


def _draw(tables: list[_Table], lines: list[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for title, head, rows in tables:
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
        for i, name in enumerate(head):
            table.add_column(name, justify="left" if i < 2 else "right", overflow="fold")
        for row in rows:
            table.add_row(*[Text(cell) for cell in row])
        console.print(table)
    for line in lines:
        console.print(Text(line))
