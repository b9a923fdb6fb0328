"""`report-<period>.xlsx`: the month with native charts, which stay editable. Numbers are numbers, text is never a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderguard.outbox.report_overview import write_overview
from orderguard.outbox.report_sections import learn_rows, rulebook_lists
from orderguard.outbox.report_sheet import COLOURS, MOST, Sheets, wide
from orderguard.outbox.report_text import TOTALS, begun
from orderguard.outbox.report_words import (
    AGENTS,
    COVERAGE,
    DEFINITIONS,
    GROUPS,
    LEARN,
    OUTCOMES,
    OVERLAP,
    PAIRS,
    PLATFORMS,
    REGIONS,
    RULES,
    SHOPS,
    SKUS,
    STATUS,
    WEEKDAYS,
)
from orderguard.staff import shown

if TYPE_CHECKING:
    from pathlib import Path

Told = dict[str, Any]


def write_report_book(path: Path, told: Told, locale: str) -> None:
    """Write the workbook."""
    import xlsxwriter  # noqa: PLC0415 - 0.05 s that other commands do not pay

    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        _Book(book, told, locale).write()


class _Book(Sheets):
    """The sheets, one method each."""

    def __init__(self, book: Any, told: Told, locale: str) -> None:
        super().__init__(book, locale)
        self.told = told

    def write(self) -> None:
        """Every sheet, in reading order."""
        say, told = self.say, self.told
        write_overview(self, told)
        self._trend()
        rules = [{**r, "state": STATUS[r["status"]].pick(self.locale)} for r in told["rules"]]
        self.listed(say("规则", "Rules"), RULES, rules, ("rule_id", ("hits", "confirmed", "false_alarms")))
        self.listed(say("规则重叠", "Overlap"), OVERLAP, told["overlap"])
        for head, columns, lines in rulebook_lists(told, self.locale):
            self.listed(head.pick(self.locale), columns, lines)
        self.listed(
            say("处理人", "Agents"),
            AGENTS,
            [{**a, "agent": shown(a["agent"], self.locale)} for a in told["agents"]],
            ("agent", ("confirmed", "false_alarms", "investigating", "open")),
            stacked=True,
        )
        for name, fields, key, words in (
            ("platforms", PLATFORMS, "platform_name", say("平台", "Platforms")),
            ("shops", SHOPS, "shop", say("店铺", "Shops")),
            ("regions", REGIONS, "region", say("地区", "Regions")),
        ):
            self.listed(words, fields, told[name], (key, ("flagged", "confirmed")))
        if told["learn"]:
            self.listed(say("learn 建议", "Learn"), LEARN, learn_rows(told, self.locale), ("id", ("before", "after")))
        if told["skus"]:
            self.listed(say("超卖", "Oversold"), SKUS, told["skus"], ("sku", ("units",)))
        if told["agreement"]["by_pair"]:
            self.listed(say("一致性", "Agreement"), PAIRS, told["agreement"]["by_pair"])
        self._hours()
        self._kept()
        if told["outcomes"]:
            rows = [{**g, "group": GROUPS[g["group"]].pick(self.locale)} for g in told["outcomes"]["groups"]]
            self.listed(
                say("售后", "After-sales"),
                OUTCOMES,
                rows,
                ("group", ("refund", "claim", "wrong_delivery", "abnormal")),
                stacked=True,
            )
        self.listed(say("规则覆盖", "Coverage"), COVERAGE, told["quality"]["coverage"])
        self._files()
        self._meanings()

    def _trend(self) -> None:
        say, rows = self.say, self.told["trend"]
        page, title = self.page(say("走势", "Trend"))
        months = begun(rows)
        totals = [r for r in rows if r["rule_id"] is None and r["month"] in months]
        rules = sorted({r["rule_id"] for r in rows if r["rule_id"] is not None})
        hits = {(r["month"], r["rule_id"]): r["hits"] for r in rows if r["rule_id"] is not None}
        self.heads(
            page,
            0,
            [
                say("月份", "Month"),
                say("新订单", "New orders"),
                say("异常", "Flagged"),
                say("属实", "Confirmed"),
                say("误判", "False alarms"),
                say("暂扣", "Held"),
                say("误扣", "Held by mistake"),
                *rules,
            ],
        )
        for i, t in enumerate(totals, 1):
            self.put(page, i, 0, t["month"], "bold")
            for j, name in enumerate(TOTALS, 1):
                self.put(page, i, j, t[name], "whole")
            for j, rule in enumerate(rules, 1 + len(TOTALS)):
                self.put(page, i, j, hits.get((t["month"], rule), 0), "whole")
        page.set_column(0, len(TOTALS), 13)
        for j, rule in enumerate(rules, 1 + len(TOTALS)):
            page.set_column(j, j, min(max(13, wide(rule) + 3), 30))
        page.freeze_panes(1, 1)
        if rules:
            self.chart(
                page,
                title,
                "line",
                (1, len(totals)),
                0,
                list(range(1 + len(TOTALS), 1 + len(TOTALS) + len(rules[:8]))),
                len(totals) + 3,
                say("各规则每月命中", "Hits per rule and month"),
            )

    def _hours(self) -> None:
        say, rows = self.say, self.told["hours"]
        page, title = self.page(say("时段", "Hours"))
        self.heads(
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
            self.put(page, hour + 1, 0, f"{hour:02d}:00", "bold")
            for r in mine:
                self.put(page, hour + 1, r["weekday"], r["flagged"], "whole")
            self.put(page, hour + 1, 8, sum(r["flagged"] for r in mine), "whole")
            self.put(page, hour + 1, 9, sum(r["scanned"] for r in mine), "whole")
        page.conditional_format(1, 1, 24, 7, {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#0072B2"})
        self.chart(page, title, "column", (1, 24), 0, [8], 27, say("每小时异常订单", "Flagged orders by hour"))

    def _kept(self) -> None:
        say, kept = self.say, self.told["kept"]
        page, title = self.page(say("留住的客户", "Kept customers"))
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
        self.heads(page, 0, heads)
        chart = self.book.add_chart({"type": "scatter", "subtype": "straight"})
        at = len(heads) + 1
        for i, group in enumerate(kept["groups"], 1):
            name = GROUPS[group["group"]].pick(self.locale)
            values = [name, group["customers"], group["average_order_value"], group["currency"], group["orders"]]
            for column, (value, kind) in enumerate(
                zip(values, ("bold", "whole", "money", "text", "whole"), strict=True)
            ):
                self.put(page, i, column, value, kind)
            for j, p in enumerate(group["points"]):
                cells = (p["repeat"], p["low"], p["high"]) if p["enough"] else (None, None, None)
                for k, value in enumerate(cells):
                    self.put(page, i, 5 + 4 * j + k, value, "share")
                self.put(page, i, 8 + 4 * j, p["at_risk"], "whole")
            self.put(page, 0, at, say(f"{name}：天", f"{name}: days"), "head")
            self.put(page, 0, at + 1, name, "head")
            for j, (day, share) in enumerate(group["curve"], 1):
                self.put(page, j, at, day, "number")
                self.put(page, j, at + 1, share, "share")
            chart.add_series({
                "name": name, "categories": [title, 1, at, len(group["curve"]), at], "values": [title, 1, at + 1, len(group["curve"]), at + 1],
                "line": {"color": COLOURS[i - 1], "width": 2},
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
        page, _ = self.page(say("数据质量", "Data quality"))
        facts = (
            (say("扫描次数", "Scans"), "runs"), (say("文件", "Files"), "files"), (say("读取", "Read"), "read"), (say("未能读取", "Rejected"), "rejected"),
            (say("没有下单时间", "Without a time"), "undated"), (say("没有买家账号", "Without an account"), "no_buyer"),
            (say("没有地区", "Without a region"), "no_region"), (say("没有店铺", "Without a shop"), "no_shop"),
            (say("多个台账都有", "In several ledgers"), "in_several_ledgers"),
        )  # fmt: skip
        self.heads(page, 0, [say("项目", "Item"), say("单数", "Count")])
        for i, (name, key) in enumerate(facts, 1):
            self.put(page, i, 0, name, "bold")
            self.put(page, i, 1, q[key], "whole")
        row = len(facts) + 3
        for name, files in (
            (say("迟到的文件", "Late files"), q["late_files"]),
            (say("有行未能读取的文件", "Files with rejected rows"), q["rejected_files"]),
        ):
            self.heads(
                page,
                row,
                [name, say("读取", "Read"), say("未能读取", "Rejected"), say("最新订单到扫描", "Newest order to scan")],
            )
            for file in files[:MOST]:
                row += 1
                self.put(page, row, 0, file["file"], "text")
                self.put(page, row, 1, file["read"], "whole")
                self.put(page, row, 2, file["rejected"], "whole")
                self.put(page, row, 3, None if file["lag_seconds"] is None else file["lag_seconds"] / 86_400, "span")
            row += 3
        page.set_column(0, 0, 36)
        page.set_column(1, 3, 16)

    def _meanings(self) -> None:
        page, _ = self.page(self.say("数字的含义", "Meanings"))
        for i, (name, text) in enumerate(DEFINITIONS):
            self.put(page, i, 0, name.pick(self.locale), "bold")
            self.put(page, i, 1, text.pick(self.locale), "wrap")
        page.set_column(0, 0, 24)
        page.set_column(1, 1, 110)
