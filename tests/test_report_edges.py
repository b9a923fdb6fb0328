"""Months at the edge, after-sales, several ledgers, and what the page and the workbook must not do."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest
from house import NOW, House, book, default_book, export, order, shell

from orderguard.errors import OrderguardError
from orderguard.ledger import open_ledger
from orderguard.ledger.verdicts import Answer, VerdictBook
from orderguard.missed import wilson
from orderguard.report.kept import survival
from orderguard.report.period import between, month, months_back, previous
from orderguard.stages import material
from orderguard.stages.aftersales import kind_of
from orderguard.stages.reporting import Asked, figures, write

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.report.period import Period

NOVEMBER = month("2026-11", "Asia/Shanghai")


def tell(*houses: House, period: Period = NOVEMBER, now: datetime = NOW, **changed: Any) -> dict[str, Any]:
    """The figures of a month."""
    given = {"book": houses[0].options.book, "before": previous(period), "outcomes": [], "out": houses[0].folder, "locale": "en"}
    return figures(Asked(period=period, now=now, ledgers=[str(h.ledger) for h in houses], **{**given, **changed}))[0]


def answer(house: House, results: dict[str, str], at: datetime = NOW) -> None:
    """Record verdicts by order number."""
    ledger = open_ledger(house.ledger)
    answers = [Answer("s", i, number, "", "", result, "", "", "小李") for i, (number, result) in enumerate(results.items())]
    assert VerdictBook(ledger).record(answers, [], at).written == len(results)
    ledger.close()


def odd(folder: Path, n: int, name: str = "house") -> House:
    """A house with `n` flagged orders r0, r1, ... and one clean one."""
    (folder / name).mkdir()
    house = House(folder / name)
    house.scan(export(folder / name / "a.csv", [*[order(f"r{i}", 收货地址="临时仓") for i in range(n)], order("clean")]))
    return house


@pytest.mark.parametrize(
    ("verdicts", "right", "wrong", "precision"),
    [({}, 0, 0, None), ({"r0": "属实"}, 1, 0, 1.0), ({f"r{i}": "属实" for i in range(12)}, 12, 0, 1.0), ({f"r{i}": "误判" for i in range(12)}, 0, 12, 0.0)],
    ids=["no verdicts", "one verdict", "all right", "all wrong"],
)  # fmt: skip
def test_a_share_is_never_certain(tmp_path: Path, verdicts: dict[str, str], right: int, wrong: int, precision: float | None) -> None:
    """From nothing comes nothing; from one verdict an interval as wide as ignorance; never 0 or 100 % without one."""
    house = odd(tmp_path, 12)
    answer(house, verdicts)
    told = tell(house)
    rule = told["rules"][0]
    assert (rule["confirmed"], rule["false_alarms"], rule["precision"]) == (right, wrong, precision)
    if precision is None:
        assert (rule["precision_low"], rule["recall"], rule["f1"]) == (None, None, None)
    else:
        assert rule["precision_high"] - rule["precision_low"] > 0.2
        assert 0 <= rule["precision_low"] <= precision <= rule["precision_high"] <= 1
    page = page_of(house, told)
    rules = page.split("<h2>Rules")[1].split("<h2>")[0]
    assert ("No verdicts yet" in page) == (not verdicts)
    assert ("too few (n = 1)" in rules) == (len(verdicts) == 1)
    assert ("100.0 %" in rules) == (precision == 1 and len(verdicts) > 1)
    assert "NaN" not in page
    assert "None" not in page


def test_wilson_is_the_published_interval() -> None:
    """Values of Newcombe (1998), table I, method 3."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (None, None)


def test_survival_is_the_textbooks() -> None:
    """The leukaemia trial of Freireich (1963) as every textbook prints it: 6-MP group, weeks in remission."""
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    relapsed = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    curve = survival(pl.DataFrame({"days": [float(w) for w in weeks], "came": [bool(r) for r in relapsed]}))
    assert curve["day"].to_list() == [6, 7, 10, 13, 16, 22, 23]
    assert curve["at_risk"].to_list() == [21, 17, 15, 12, 11, 7, 6]
    assert curve["survival"].to_list() == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)


def test_customers_who_were_let_go_are_followed(tmp_path: Path) -> None:
    """40 released customers of whom 15 return after ten days, 40 others of whom 5 do; followed for forty days."""
    house = House(tmp_path)
    rows, start = [], datetime(2026, 9, 1, 10)  # noqa: DTZ001 - a shop's wall clock
    for i in range(40):
        for group, back, place in (("k", 15, "临时仓"), ("o", 5, "某路")):
            times = [start] + ([start + timedelta(days=10)] if i < back else [])
            for j, at in enumerate(times):
                where = place if j == 0 else "某路"
                rows.append(order(f"{group}{i}-{j}", 买家账号=f"{group}{i}", 收货地址=where, 实付金额="100" if group == "k" else "50", 下单时间=f"{at:%Y-%m-%d %H:%M:%S}", 付款时间=""))
    rows.append(order("last", 买家账号="z", 下单时间="2026-10-11 10:00:00", 付款时间=""))
    house.scan(export(tmp_path / "a.csv", rows))
    answer(house, {f"k{i}-0": "误判" for i in range(40)})
    kept = tell(house, period=month("2026-09", "Asia/Shanghai"))["kept"]
    mine, others = kept["groups"]
    assert kept["enough"]
    assert (mine["customers"], mine["average_order_value"], mine["orders"]) == (40, 100.0, 55)
    assert (others["customers"], others["average_order_value"]) == (41, pytest.approx((45 * 50 + 88) / 46, abs=0.01))
    # Ten days on, 40 are at risk and 15 come; none of the others leaves before day 30 but those who came and went again.
    assert mine["points"][0]["repeat"] == pytest.approx(15 / 40)
    assert others["points"][0]["repeat"] == pytest.approx(5 / 40, abs=0.01)
    assert not mine["points"][1]["enough"], "nobody was followed for 60 days"


def test_a_short_history_says_so(tmp_path: Path) -> None:
    house = odd(tmp_path, 3)
    answer(house, {"r0": "误判"})
    told = tell(house)
    assert not told["kept"]["enough"]
    assert "too short or too thin" in page_of(house, told)


def page_of(house: House, told: dict[str, Any], locale: str = "en") -> str:
    asked = Asked(house.options.book, NOVEMBER, previous(NOVEMBER), [], [], house.folder, locale, NOW)
    with open(write(asked, told)["html"], encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


def test_months_begin_at_local_midnight_also_when_clocks_change() -> None:
    def utc(*parts: int) -> datetime:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]

    assert (NOVEMBER.start, NOVEMBER.end) == (utc(2026, 10, 31, 16), utc(2026, 11, 30, 16))
    york = month("2026-11", "America/New_York")  # clocks go back on 1 November
    assert (york.start, york.end) == (utc(2026, 11, 1, 4), utc(2026, 12, 1, 5))
    havana = between(date(2026, 3, 8), date(2026, 3, 8), "America/Havana")  # midnight itself is left out
    assert (havana.start, havana.end - havana.start) == (utc(2026, 3, 8, 5), timedelta(hours=23))
    assert previous(month("2026-01", "UTC")).label == "2025-12"
    assert previous(between(date(2026, 11, 8), date(2026, 11, 14), "UTC")).first == date(2026, 11, 1)
    assert [m.label for m in months_back(month("2026-02", "UTC"), 3)] == ["2025-12", "2026-01", "2026-02"]
    assert {month(t, "UTC").label for t in ("2026-11", "202611", "2026/11", "2026年11月")} == {"2026-11"}
    with pytest.raises(OrderguardError, match="2026-13"):
        month("2026-13", "UTC")


def test_the_hour_that_clocks_repeat_holds_both(tmp_path: Path) -> None:
    head = "timezone: America/New_York"
    house = House(tmp_path, book("{id: w, kind: keywords, with: {any: [bad]}, points: 30}", head=head))
    times = ("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00", "2026-10-31T23:59:59-04:00", "2026-11-01T00:00:00-04:00")
    house.scan(export(tmp_path / "a.csv", [order(f"t{i}", 下单时间=t, 收货地址="bad street") for i, t in enumerate(times)]))
    told = tell(house, period=month("2026-11", "America/New_York"))
    hours = {(h["weekday"], h["hour"]): (h["scanned"], h["flagged"]) for h in told["hours"] if h["scanned"]}
    assert hours == {(7, 0): (1, 1), (7, 1): (2, 2)}
    assert told["headline"]["scanned"] == 3


def test_a_month_in_progress_says_so_and_an_empty_one_is_an_error(tmp_path: Path) -> None:
    house = odd(tmp_path, 1)
    assert tell(house)["period"]["in_progress"]
    assert not tell(house, now=NOW + timedelta(days=40))["period"]["in_progress"]
    with pytest.raises(OrderguardError, match="no order of 2026-01"):
        tell(house, period=month("2026-01", "Asia/Shanghai"))


def test_scanning_again_changes_no_figure(tmp_path: Path) -> None:
    house = odd(tmp_path, 5)
    before = tell(house)
    house.scan(house.folder / "a.csv", now=NOW + timedelta(hours=3))
    after = tell(house)
    assert {k: after[k] for k in after if k != "quality"} == {k: before[k] for k in before if k != "quality"}
    assert after["quality"]["read"] == before["quality"]["read"]
    assert after["quality"]["coverage"] == before["quality"]["coverage"]


def test_several_ledgers_are_one_report(tmp_path: Path) -> None:
    """Two stores; an order that both have counts once."""
    one, two = odd(tmp_path, 3, "one"), odd(tmp_path, 0, "two")
    two.scan(export(tmp_path / "b.csv", [order("s0", 收货地址="临时仓"), order("r0", 收货地址="临时仓")]))
    answer(one, {"r0": "属实"})
    answer(two, {"s0": "误判"})
    told = tell(one, two)
    head = told["headline"]
    assert {n: head[n] for n in ("scanned", "flagged", "confirmed", "false_alarms", "open")} == {"scanned": 5, "flagged": 4, "confirmed": 1, "false_alarms": 1, "open": 2}
    assert told["quality"]["in_several_ledgers"] == 2
    assert told["ledgers"] == [str(one.ledger), str(two.ledger)]


def test_after_sales_join_by_order_and_platform(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [order("h1", 收货地址="临时仓", 实付金额="500"), order("h2", 收货地址="临时仓"), order("p1"), order("p2"), order("p3"), order("p3", 平台="京东")]
    house.scan(export(tmp_path / "a.csv", rows))
    answer(house, {"h1": "属实", "h2": "误判"})
    file = tmp_path / "after.csv"
    file.write_text(
        "订单编号,平台,售后类型,退款金额,日期\nh2,自营,仅退款,88.00,2026-11-12\np1,,理赔,¥120.50,2026-11-13\np2,京东,理赔,1,\n"
        "'p2,,错发,,\np3,,理赔,9,\nnobody,,退款,7,\n,,退款,7,\np1,,天知道,7,\n",
        encoding="utf-8",
    )  # fmt: skip
    told = tell(house, outcomes=[str(file)])
    after = told["outcomes"]
    groups = {g["group"]: g for g in after["groups"]}
    assert (after["rows"], after["matched"]) == (6, 3), "another platform's p2, an ambiguous p3 and an unknown order match nothing"
    assert {n: (g["orders"], g["refund"], g["claim"], g["wrong_delivery"]) for n, g in groups.items()} == {
        "held": (2, 1, 0, 0), "reviewed": (0, 0, 0, 0), "passed": (4, 0, 1, 1),
    }  # fmt: skip
    assert after["saved"] == {"orders": 1, "without_amount": 0, "amounts": {"CNY": 500.0}}
    assert after["missed"] == {"cases": 2, "orders": 2, "without_amount": 1, "amounts": {"CNY": 120.5}}
    assert told["rules"][0]["recall"] == pytest.approx(1 / 3, abs=1e-6), "two abnormal orders passed unseen"
    words = {"退货退款": "refund", "异常退货": "abnormal", "Wrong delivery": "wrong_delivery", "chargeback": "abnormal", "投诉": "claim", "好评": None}
    assert {w: kind_of(w) for w in words} == words


def test_saved_and_missed_are_what_agents_decided_whatever_the_band(tmp_path: Path) -> None:
    """Confirmed under review is saved, unless it had left by then or had trouble all the same; let go with trouble is missed."""
    house = House(tmp_path, book("{id: words, kind: keywords, with: {any: [临时仓]}, points: 20}"))
    rows = [order(n, 收货地址="临时仓", 实付金额=f"{i}00", 订单状态="待发货") for i, n in enumerate(("stopped", "hurt", "gone", "let", "clean"), 1)]

    def told_as(name: str, *sold: str) -> Path:
        pl.DataFrame([{**r, "订单状态": "已发货" if r["订单编号"] in sold else "待发货"} for r in rows]).write_csv(tmp_path / name)
        return tmp_path / name

    house.scan(told_as("a.csv"))
    house.scan(told_as("b.csv", "gone"))
    answer(house, {"stopped": "属实", "hurt": "属实", "gone": "属实", "let": "误判", "clean": "误判"})
    (tmp_path / "after.csv").write_text("订单编号,类型,金额\nhurt,理赔,200\nlet,理赔,400\n", encoding="utf-8")
    after = tell(house, outcomes=[str(tmp_path / "after.csv")])["outcomes"]
    assert after["saved"] == {"orders": 1, "without_amount": 0, "amounts": {"CNY": 100.0}}
    assert after["missed"] == {"cases": 1, "orders": 1, "without_amount": 0, "amounts": {"CNY": 400.0}}


def test_what_is_still_being_looked_at_is_not_missed(tmp_path: Path) -> None:
    """Of four orders that turn out abnormal one is confirmed, one open, one was let go, and one never flagged."""
    house = House(tmp_path)
    rows = [order(n, 收货地址="临时仓") for n in ("yes", "open", "gone")] + [order("unseen"), order("fine")]
    house.scan(export(tmp_path / "a.csv", rows))
    answer(house, {"yes": "属实", "gone": "误判"})
    file = tmp_path / "after.csv"
    file.write_text("订单编号,类型\n" + "".join(f"{n},欺诈\n" for n in ("yes", "open", "gone", "unseen")), encoding="utf-8")
    recall = tell(house, outcomes=[str(file)])["recall"]
    assert (recall["confirmed"], recall["missed"], recall["recall"]) == (1, 2, pytest.approx(1 / 3, abs=1e-6))


def test_after_sales_from_excel(tmp_path: Path) -> None:
    house = odd(tmp_path, 1)
    sheet = openpyxl.Workbook()
    for row in (("订单号", "类型", "金额"), ("clean", "理赔", 12.5)):
        sheet.active.append(row)
    sheet.save(tmp_path / "after.xlsx")
    assert tell(house, outcomes=[str(tmp_path / "after.xlsx")])["outcomes"]["missed"]["amounts"] == {"CNY": 12.5}


def test_rejects_and_late_files_are_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "late.csv", [order("1", 下单时间="2026-11-09 09:00:00"), order("2", 实付金额="面议")]))
    quality = tell(house)["quality"]
    assert [(f["file"], f["rejected"]) for f in quality["rejected_files"]] == [("late.csv", 1)]
    assert [f["lag_seconds"] for f in quality["late_files"]] == [51 * 3600]  # from 01:00 on the 9th to 04:00 on the 11th, UTC
    assert (quality["read"], quality["rejected"]) == (2, 1)


class _Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def assert_stands_alone(page: str) -> None:
    """No script, nothing loaded, no style that its own policy would refuse."""
    parser = _Tags()
    parser.feed(page)
    policy = next(a["content"] or "" for t, a in parser.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not {t for t, _ in parser.tags} & {"script", "iframe", "object", "embed", "link", "img", "base", "form", "foreignobject"}
    for tag, attributes in parser.tags:
        assert not [a for a in attributes if a.startswith("on") or a in {"src", "style", "srcset"}], (tag, attributes)
        assert not re.match(r"\s*(https?:|//|javascript:|data:)", attributes.get("href") or "", re.IGNORECASE)
    assert not re.search(r"url\(|@import|https?:", page.split("<style>")[1].split("</style>", maxsplit=1)[0])


HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', '=HYPERLINK("http://evil")', "a\u202eb\x1b[31m", "</title></style><b>", "长" * 5_000)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_hostile_words_stay_words(tmp_path: Path, locale: str) -> None:
    house = House(tmp_path)
    rows = [order(f"x{i}", 店铺名称=text, 平台=text, 收货地址="临时仓", 买家账号=text) for i, text in enumerate(HOSTILE)]
    house.scan(export(tmp_path / "a.csv", rows))
    told = tell(house)
    page = page_of(house, told, locale)
    assert_stands_alone(page)
    assert "长" * 79 + "…" in page
    assert "长" * 80 not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search("[\u202e\x1b]", page)
    with zipfile.ZipFile(tmp_path / "report-2026-11.xlsx") as book:
        assert not [n for n in book.namelist() if b"<f>" in book.read(n) and "worksheets" in n]
        assert not [n for n in book.namelist() if "hyperlink" in book.read(n).decode("utf-8", "replace").lower() and n.endswith(".rels")]
        assert len([n for n in book.namelist() if n.startswith("xl/charts/chart")]) >= 6, "native charts"
    cells = [c for s in openpyxl.load_workbook(tmp_path / "report-2026-11.xlsx") for r in s.iter_rows(values_only=True) for c in r]
    assert "'" + HOSTILE[2] in cells


def test_the_command_line_of_a_supervisor(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓"), order("2")])
    assert shell("scan", "a.csv", "--quiet", cwd=tmp_path).returncode == 0
    done = shell("report", "--month", "2026-11", "--out", "r", "--locale", "en", cwd=tmp_path)
    assert (done.returncode, done.stdout.split()) == (0, ["r/report-2026-11.html", "r/report-2026-11.xlsx"])
    told = json.loads(shell("report", "--from", "2026-11-11", "--to", "2026-11-11", "--out", "r", "--json", cwd=tmp_path).stdout)
    assert (told["headline"]["scanned"], told["headline"]["flagged"]) == (2, 1)
    assert (tmp_path / "r" / "report-2026-11-11_2026-11-11.xlsx").exists()
    lone = shell("report", "--month", "2026-11", "--compare", "2025-01", "--out", "r", cwd=tmp_path)
    assert (lone.returncode, "2025-01" in lone.stderr) == (0, True)
    for words, said in (
        (("--month", "2026-02"), "2026-02"), (("--month", "11月"), "--month"), (("--from", "x"), "--from"), (("--to", "2026-11-01"), "--from"),
        (("--month", "2026-11", "--from", "2026-11-01"), "--month"), (("--ledger", "nowhere"), "nowhere"), (("--outcomes", "a.csv", "--month", "2026-11"), "a.csv"),
    ):  # fmt: skip
        bad = shell("report", *words, cwd=tmp_path)
        assert (bad.returncode, said in bad.stderr, bad.stdout) == (2, True, ""), (words, bad.stderr)


def test_a_report_does_not_wait_for_a_scan(tmp_path: Path) -> None:
    house = odd(tmp_path, 2)
    held = open_ledger(house.ledger)
    assert tell(house)["headline"]["flagged"] == 2
    held.close()


def test_the_default_rulebook_has_a_report(tmp_path: Path) -> None:
    house = odd(tmp_path, 1)
    told = tell(house, book=default_book())
    assert [r["rule_id"] for r in told["silent_rules"]] == ["ip-burst", "round-amount", "far-phone", "new-account-coupon"]


def test_history_replaced_while_a_report_reads_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ledger prune` may rename files between the snapshot and their reading; a file that stays away is told."""
    house = odd(tmp_path, 2)
    file = next((house.ledger / "orders").rglob("*.parquet"))
    real, tries = material._read, []

    def read(paths: list[Path]) -> pl.DataFrame:
        tries.append(paths)
        if len(tries) == 1:
            file.rename(file.with_suffix(".away"))
            try:
                return real(paths)
            finally:
                file.with_suffix(".away").rename(file)
        return real(paths)

    monkeypatch.setattr(material, "_read", read)
    assert tell(house)["headline"]["scanned"] == 3
    file.unlink()
    with pytest.raises(OrderguardError, match="ledger check"):
        tell(house)


def test_what_learn_would_change_is_told(tmp_path: Path) -> None:
    """Forty false alarms: the rule is worth less; with two ledgers nothing is said."""
    house = odd(tmp_path, 40)
    answer(house, {f"r{i}": "误判" for i in range(40)})
    later = NOW + timedelta(days=40)
    told = tell(house, now=later)
    rule = next(r for r in told["learn"]["rules"] if r["id"] == "risky-address")
    assert rule["after"] < rule["before"] == 40
    assert (rule["right"], rule["wrong"]) == (0, 40)
    page = page_of(house, told)
    assert "What learn would change" in page
    assert f'{rule["after"]:.2f}' in page
    sheets = openpyxl.load_workbook(house.folder / "report-2026-11.xlsx").sheetnames
    assert "Learn" in sheets
    other = odd(tmp_path, 1, "other")
    assert tell(house, other)["learn"] is None
