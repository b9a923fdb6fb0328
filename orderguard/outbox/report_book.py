"""`report-<period>.xlsx`: the month with native charts, which stay editable. Numbers are numbers, text is never a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.outbox.book import sheet_name
from orderguard.outbox.report_text import money, speaker
from orderguard.outbox.report_words import (
    AGENTS,
    COVERAGE,
    DEFINITIONS,
    GROUPS,
    HEADLINE,
    OUTCOME_PARTS,
    OUTCOMES,
    OVERLAP,
    PLATFORMS,
    REGIONS,
    RULES,
    SHOPS,
    STATUS,
    UNKNOWN,
    WEEKDAYS,
)
from orderguard.outbox.safe import inert_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orderguard.outbox.report_words import Field

Told = dict[str, Any]
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C7A00", "#5B5B5B")
_MOST = 20_000
_CHARTED = 15
_BASE = {"font_size": 10, "valign": "top"}
_FORMATS: dict[str, dict[str, Any]] = {
    "head": {**_BASE, "bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3864", "text_wrap": True, "border": 1},
    "text": _BASE, "bold": {**_BASE, "bold": True}, "title": {"bold": True, "font_size": 15},
    "soft": {"font_size": 9, "font_color": "#666666"}, "wrap": {**_BASE, "text_wrap": True},
    "whole": {**_BASE, "num_format": "#,##0"}, "number": {**_BASE, "num_format": "0.00"},
    "share": {**_BASE, "num_format": "0.0%"}, "change": {**_BASE, "num_format": "+0.0%;-0.0%;0.0%"},
    "money": {**_BASE, "num_format": "#,##0.00"}, "span": {**_BASE, "num_format": "[h]:mm:ss"},
}  # fmt: skip


def write_report_book(path: Path, told: Told, locale: str) -> None:
    """Write the workbook."""
    import xlsxwriter  # noqa: PLC0415 - 0.05 s that other commands do not pay

    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        _Book(book, told, locale).write()


class _Book:
    """The sheets, one method each."""

    def __init__(self, book: Any, told: Told, locale: str) -> None:
        self.book, self.told, self.locale, self.say = book, told, locale, speaker(locale)
        self.forms = {name: book.add_format(made) for name, made in _FORMATS.items()}
        self.taken: set[str] = set()

    def write(self) -> None:
        """Every sheet, in reading order."""
        say, told = self.say, self.told
        self._overview()
        self._trend()
        rules = [{**r, "state": STATUS[r["status"]].pick(self.locale)} for r in told["rules"]]
        self._listed(say("规则", "Rules"), RULES, rules, ("rule_id", ("hits", "confirmed", "false_alarms")))
        self._listed(say("规则重叠", "Overlap"), OVERLAP, told["overlap"])
        self._listed(
            say("处理人", "Agents"),
            AGENTS,
            told["agents"],
            ("agent", ("confirmed", "false_alarms", "investigating", "open")),
            stacked=True,
        )
        for name, fields, key, words in (
            ("platforms", PLATFORMS, "platform_name", say("平台", "Platforms")),
            ("shops", SHOPS, "shop", say("店铺", "Shops")),
            ("regions", REGIONS, "region", say("地区", "Regions")),
        ):
            self._listed(words, fields, told[name], (key, ("flagged", "confirmed")))
        self._hours()
        self._kept()
        if told["outcomes"]:
            rows = [{**g, "group": GROUPS[g["group"]].pick(self.locale)} for g in told["outcomes"]["groups"]]
            self._listed(
                say("售后", "After-sales"),
                OUTCOMES,
                rows,
                ("group", ("refund", "claim", "wrong_delivery", "abnormal")),
                stacked=True,
            )
        self._listed(say("规则覆盖", "Coverage"), COVERAGE, told["quality"]["coverage"])
        self._files()
        self._meanings()

    def _page(self, name: str) -> tuple[Any, str]:
        title = sheet_name(name, self.taken)
        page = self.book.add_worksheet(title)
        page.set_paper(9)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.hide_gridlines(2)
        return page, title

    def _put(self, page: Any, row: int, column: int, value: Any, kind: str) -> None:
        if value is None:
            page.write_blank(row, column, None, self.forms[kind])
        elif isinstance(value, str):
            page.write_string(row, column, inert_text(value), self.forms[kind])
        else:
            page.write_number(row, column, value, self.forms[kind])

    def _heads(self, page: Any, row: int, names: Sequence[str]) -> None:
        for i, name in enumerate(names):
            page.write_string(row, i, inert_text(name), self.forms["head"])

    def _overview(self) -> None:
        say, told = self.say, self.told
        page, title = self._page(say("概览", "Overview"))
        head, other = told["headline"], told["compare"]
        before, change = (other["headline"], other["change"]) if other else ({}, {})
        span = told["period"]
        page.write_string(
            0, 0, say(f"订单审核月报 {span['label']}", f"Order audit {span['label']}"), self.forms["title"]
        )
        line = f"{span['first_day']} – {span['last_day']}  {span['timezone']}  {', '.join(told['ledgers'])}"
        if span["in_progress"]:
            line += say("  （尚未结束）", "  (not over yet)")
        page.write_string(1, 0, inert_text(line), self.forms["soft"])
        label = other["period"] if other else say("上一期", "Before")
        self._heads(
            page, 3, [say("项目", "Item"), span["label"], label, say("变化", "Change"), say("依据", "Rests on")]
        )
        row = 4
        for key, words in HEADLINE:
            self._line(page, row, words.pick(self.locale), (head[key], before.get(key), change.get(key)), "whole", None)
            row += 1
        for key, zh, en in (("flagged_share", "异常率", "Share flagged"), ("precision", "准确率", "Precision")):
            n = head[f"{key}_n"]
            enough = key != "precision" or n >= 10
            self._line(
                page, row, say(zh, en), (head[key] if enough else None, before.get(key), change.get(key)), "share", n
            )
            row += 1
        for key, zh, en in (
            ("detection_seconds", "发现时长", "Detection"),
            ("handling_seconds", "处理时长", "Handling"),
        ):
            for q in ("p50", "p90", "p99"):
                values = [d[key][q] if d and d[key][q] is not None else None for d in (head, before)]
                days = [None if v is None else v / 86_400 for v in values]
                self._line(
                    page,
                    row,
                    f"{say(zh, en)} {q}",
                    (days[0], days[1], (change.get(key) or {}).get(q)),
                    "span",
                    head[key]["n"],
                )
                row += 1
        for key, zh, en in (
            ("money_at_risk", "属实订单金额", "Money at risk"),
            ("money_held_by_mistake", "误扣金额", "Money held by mistake"),
        ):
            for code in sorted({*head[key]["amounts"], *(before.get(key, {}).get("amounts", {}))}) or ["CNY"]:
                new, old = head[key]["amounts"].get(code, 0.0), before.get(key, {}).get("amounts", {}).get(code)
                self._line(
                    page,
                    row,
                    f"{say(zh, en)} {code}",
                    (new, old, (change.get(key) or {}).get(code)),
                    "money",
                    head[key]["orders"],
                )
                row += 1
        page.set_column(0, 0, 30)
        page.set_column(1, 4, 16)
        first = row + 2
        page.write_string(first - 1, 0, say("异常订单的去向", "What became of the flagged orders"), self.forms["bold"])
        for i, (key, words, _) in enumerate(OUTCOME_PARTS):
            self._put(page, first + i, 0, words.pick(self.locale), "text")
            self._put(page, first + i, 1, head[key], "whole")
        last = first + len(OUTCOME_PARTS) - 1
        chart = self.book.add_chart({"type": "doughnut"})
        points = [{"fill": {"color": _COLOURS[int(css[1])]}} for _, _, css in OUTCOME_PARTS]
        chart.add_series({
            "name": say("异常订单的去向", "What became of the flagged orders"), "categories": [title, first, 0, last, 0],
            "values": [title, first, 1, last, 1], "points": points, "data_labels": {"value": True},
        })  # fmt: skip
        page.insert_chart(
            3,
            6,
            chart,
            {"x_scale": 1.0, "y_scale": 1.1, "description": say("异常订单的去向", "Outcome of flagged orders")},
        )

    def _line(self, page: Any, row: int, name: str, values: tuple[Any, Any, Any], kind: str, n: int | None) -> None:
        self._put(page, row, 0, name, "bold")
        self._put(page, row, 1, values[0], kind)
        self._put(page, row, 2, values[1], kind)
        self._put(page, row, 3, values[2], "change")
        self._put(page, row, 4, n, "whole")

    def _trend(self) -> None:
        say, rows = self.say, self.told["trend"]
        page, title = self._page(say("走势", "Trend"))
        totals = [r for r in rows if r["rule_id"] is None]
        rules = sorted({r["rule_id"] for r in rows if r["rule_id"] is not None})
        hits = {(r["month"], r["rule_id"]): r["hits"] for r in rows if r["rule_id"] is not None}
        self._heads(
            page,
            0,
            [
                say("月份", "Month"),
                say("新订单", "New orders"),
                say("异常", "Flagged"),
                say("属实", "Confirmed"),
                say("误判", "False alarms"),
                *rules,
            ],
        )
        for i, t in enumerate(totals, 1):
            self._put(page, i, 0, t["month"], "bold")
            for j, name in enumerate(("scanned", "flagged", "confirmed", "false_alarms"), 1):
                self._put(page, i, j, t[name], "whole")
            for j, rule in enumerate(rules, 5):
                self._put(page, i, j, hits.get((t["month"], rule), 0), "whole")
        page.set_column(0, 4 + len(rules), 13)
        page.freeze_panes(1, 1)
        if rules:
            self._chart(
                page,
                title,
                "line",
                (1, len(totals)),
                0,
                list(range(5, 5 + len(rules[:8]))),
                len(totals) + 3,
                say("各规则每月命中", "Hits per rule and month"),
            )

    def _chart(
        self,
        page: Any,
        title: str,
        kind: str,
        rows: tuple[int, int],
        names: int,
        columns: Sequence[int],
        at: int,
        words: str,
        *,
        stacked: bool = False,
    ) -> None:
        chart = self.book.add_chart({"type": kind, **({"subtype": "stacked"} if stacked else {})})
        for i, column in enumerate(columns):
            colour = _COLOURS[i % len(_COLOURS)]
            chart.add_series({
                "name": [title, 0, column], "categories": [title, rows[0], names, rows[1], names],
                "values": [title, rows[0], column, rows[1], column],
                **({"line": {"color": colour, "width": 2}, "marker": {"type": "automatic"}} if kind == "line" else {"fill": {"color": colour}}),
            })  # fmt: skip
        chart.set_title({"name": words, "name_font": {"size": 12}})
        chart.set_legend({"position": "bottom"})
        if kind == "bar":
            chart.set_y_axis({"reverse": True})
        page.insert_chart(at, 0, chart, {"x_scale": 1.7, "y_scale": 1.25, "description": words})

    def _listed(
        self,
        name: str,
        fields: Sequence[Field],
        rows: Sequence[Mapping[str, Any]],
        charted: tuple[str, tuple[str, ...]] | None = None,
        *,
        stacked: bool = False,
    ) -> None:
        """A sheet of rows, with filters; and below the first of them a bar chart of some columns."""
        say = self.say
        page, title = self._page(name)
        heads: list[str] = []
        at: dict[str, int] = {}
        for field in fields:
            at[field.key] = len(heads)
            word = field.words.pick(self.locale)
            heads += [word]
            if field.kind == "share":
                heads += [f"{word} {say('下限', 'low')}", f"{word} {say('上限', 'high')}", f"{word} n"]
            elif field.kind == "median":
                heads += [f"{word} p90", f"{word} n"]
        self._heads(page, 0, heads)
        shown = rows[:_MOST]
        for i, row in enumerate(shown, 1):
            for field in fields:
                self._cells(page, i, at[field.key], field, row)
        page.set_column(0, 0, 24)
        page.set_column(1, len(heads) - 1, 12)
        page.freeze_panes(1, 1)
        page.autofilter(0, 0, max(len(shown), 1), len(heads) - 1)
        if charted and shown:
            key, columns = charted
            # Far to the right of long tables nobody would find it: below short ones, beside long ones.
            below = len(shown) + 3 if len(shown) <= _CHARTED else 2
            self._chart(
                page,
                title,
                "bar",
                (1, min(len(shown), _CHARTED)),
                at[key],
                [at[c] for c in columns],
                below,
                name,
                stacked=stacked,
            )

    def _cells(self, page: Any, row: int, column: int, field: Field, values: Mapping[str, Any]) -> None:
        value: Any = values.get(field.key)
        if field.kind == "text":
            self._put(
                page,
                row,
                column,
                UNKNOWN.pick(self.locale) if value in (None, "") and field.key != "says" else value,
                "text",
            )
        elif field.kind == "share":
            for i, suffix in enumerate(("", "_low", "_high")):
                self._put(page, row, column + i, values[f"{field.key}{suffix}"], "share")
            self._put(page, row, column + 3, values[f"{field.key}_n"], "whole")
        elif field.kind == "median":
            for i, q in enumerate(("p50", "p90")):
                self._put(page, row, column + i, None if value[q] is None else value[q] / 86_400, "span")
            self._put(page, row, column + 2, value["n"], "whole")
        elif field.kind == "money":
            amounts = value or {}
            self._put(page, row, column, next(iter(amounts.values())) if len(amounts) == 1 else money(amounts), "money")
        else:
            self._put(page, row, column, value, {"part": "share", "number": "number"}.get(field.kind, "whole"))

    def _hours(self) -> None:
        say, rows = self.say, self.told["hours"]
        page, title = self._page(say("时段", "Hours"))
        self._heads(
            page,
            0,
            [
                say("时", "Hour"),
                *[d.pick(self.locale) for d in WEEKDAYS],
                say("异常合计", "Flagged"),
                say("订单合计", "Orders"),
            ],
        )
        for hour in range(24):
            mine = [r for r in rows if r["hour"] == hour]
            self._put(page, hour + 1, 0, f"{hour:02d}:00", "bold")
            for r in mine:
                self._put(page, hour + 1, r["weekday"], r["flagged"], "whole")
            self._put(page, hour + 1, 8, sum(r["flagged"] for r in mine), "whole")
            self._put(page, hour + 1, 9, sum(r["scanned"] for r in mine), "whole")
        page.conditional_format(1, 1, 24, 7, {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#0072B2"})
        self._chart(page, title, "column", (1, 24), 0, [8], 27, say("每小时异常订单", "Flagged orders by hour"))

    def _kept(self) -> None:
        say, kept = self.say, self.told["kept"]
        page, title = self._page(say("留住的客户", "Kept customers"))
        heads = [
            say("客户", "Customers"),
            say("人数", "Count"),
            say("客单价", "Average order"),
            say("币种", "Currency"),
            say("订单", "Orders"),
        ]
        for h in kept["horizons"]:
            heads += [
                say(f"{h} 天内再购", f"Again in {h} days"),
                say("下限", "low"),
                say("上限", "high"),
                say(f"{h} 天时在观", f"At risk at {h}"),
            ]
        self._heads(page, 0, heads)
        chart = self.book.add_chart({"type": "scatter", "subtype": "straight"})
        at = len(heads) + 1
        for i, group in enumerate(kept["groups"], 1):
            name = GROUPS[group["group"]].pick(self.locale)
            values = [name, group["customers"], group["average_order_value"], group["currency"], group["orders"]]
            for column, (value, kind) in enumerate(
                zip(values, ("bold", "whole", "money", "text", "whole"), strict=True)
            ):
                self._put(page, i, column, value, kind)
            for j, p in enumerate(group["points"]):
                cells = (p["repeat"], p["low"], p["high"]) if p["enough"] else (None, None, None)
                for k, value in enumerate(cells):
                    self._put(page, i, 5 + 4 * j + k, value, "share")
                self._put(page, i, 8 + 4 * j, p["at_risk"], "whole")
            self._put(page, 0, at, say(f"{name}：天", f"{name}: days"), "head")
            self._put(page, 0, at + 1, name, "head")
            for j, (day, share) in enumerate(group["curve"], 1):
                self._put(page, j, at, day, "number")
                self._put(page, j, at + 1, share, "share")
            chart.add_series({
                "name": name, "categories": [title, 1, at, len(group["curve"]), at], "values": [title, 1, at + 1, len(group["curve"]), at + 1],
                "line": {"color": _COLOURS[i - 1], "width": 2},
            })  # fmt: skip
            at += 2
        if kept["groups"]:
            words = say("再次下单的客户比例", "Share of customers who ordered again")
            chart.set_title({"name": words, "name_font": {"size": 12}})
            chart.set_legend({"position": "bottom"})
            page.insert_chart(5, 0, chart, {"x_scale": 1.5, "y_scale": 1.2, "description": words})
        page.write_string(
            4,
            0,
            say("少于 20 人在观的时点不下结论", "Nothing is concluded with fewer than 20 customers at risk"),
            self.forms["soft"],
        )
        page.set_column(0, at, 13)

    def _files(self) -> None:
        say, q = self.say, self.told["quality"]
        page, _ = self._page(say("数据质量", "Data quality"))
        facts = (
            (say("扫描次数", "Scans"), "runs"), (say("文件", "Files"), "files"), (say("读取", "Read"), "read"), (say("未能读取", "Rejected"), "rejected"),
            (say("没有下单时间", "Without a time"), "undated"), (say("没有买家账号", "Without an account"), "no_buyer"),
            (say("没有地区", "Without a region"), "no_region"), (say("没有店铺", "Without a shop"), "no_shop"),
            (say("多个台账都有", "In several ledgers"), "in_several_ledgers"),
        )  # fmt: skip
        self._heads(page, 0, [say("项目", "Item"), say("单数", "Count")])
        for i, (name, key) in enumerate(facts, 1):
            self._put(page, i, 0, name, "bold")
            self._put(page, i, 1, q[key], "whole")
        row = len(facts) + 3
        for name, files in (
            (say("迟到的文件", "Late files"), q["late_files"]),
            (say("有行未能读取的文件", "Files with rejected rows"), q["rejected_files"]),
        ):
            self._heads(
                page,
                row,
                [name, say("读取", "Read"), say("未能读取", "Rejected"), say("最新订单到扫描", "Newest order to scan")],
            )
            for file in files[:_MOST]:
                row += 1
                self._put(page, row, 0, file["file"], "text")
                self._put(page, row, 1, file["read"], "whole")
                self._put(page, row, 2, file["rejected"], "whole")
                self._put(page, row, 3, None if file["lag_seconds"] is None else file["lag_seconds"] / 86_400, "span")
            row += 3
        page.set_column(0, 0, 36)
        page.set_column(1, 3, 16)

    def _meanings(self) -> None:
        page, _ = self._page(self.say("数字的含义", "Meanings"))
        for i, (name, text) in enumerate(DEFINITIONS):
            self._put(page, i, 0, name.pick(self.locale), "bold")
            self._put(page, i, 1, text.pick(self.locale), "wrap")
        page.set_column(0, 0, 24)
        page.set_column(1, 1, 110)
