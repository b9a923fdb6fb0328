"""Every figure of a report, computed again from the ledger in plain Python, on an autumn whose truth is known."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest
from months import RULES, SHANGHAI, golden

from orderguard.outbox.report_words import HEADLINE
from orderguard.report.period import month, previous
from orderguard.rules.book import parse_rulebook
from orderguard.stages.reporting import Asked, figures, write

if TYPE_CHECKING:
    from house import House

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
BOOK = parse_rulebook("version: 1\nbands: {review: 20, hold: 30}\nrules:\n" + "".join(f"  - {r}\n" for r in RULES))
PLATFORMS = {"自营": "自营", "京东": "jd", "抖音": "douyin"}


def asked(house: House, label: str = "2026-11", **changed: Any) -> Asked:
    period = month(label, "Asia/Shanghai")
    given: dict[str, Any] = {"book": BOOK, "period": period, "before": previous(period), "ledgers": [str(house.ledger)], "outcomes": [],
                             "out": house.folder, "locale": "zh-CN", "now": NOW}  # fmt: skip
    return Asked(**{**given, **changed})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return golden(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def told(house: House) -> dict[str, Any]:
    return figures(asked(house))[0]


@dataclass
class Case:
    """A case as plain Python sees it."""

    row: dict[str, Any]
    order: dict[str, Any]
    rules: set[str]
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    released_at: datetime | None = None

    @property
    def outcome(self) -> str:
        now = [v for v in self.verdicts if v["replaced_by"] is None and v["ended_run"] is None]
        if self.row["state"] in ("open", "investigating"):
            return "open"
        if now and now[0]["result"] in ("confirmed", "false_alarm"):
            return str(now[0]["result"])
        return "released"

    @property
    def decided(self) -> datetime | None:
        if self.outcome == "released":
            return self.released_at
        times = [v["at"] for v in self.verdicts if v["result"] in ("confirmed", "false_alarm")]
        return min(times) if times and self.outcome != "open" else None


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("+0000", "+00:00"))


def table(db: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
    cursor = db.execute(sql)
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


class Plain:
    """The ledger in plain Python: orders of a month by their own time, cases, verdicts."""

    def __init__(self, folder: Path, label: str) -> None:
        db = sqlite3.connect(folder / "ledger.db")
        started = {r["run_id"]: at(r["started_at"]) for r in table(db, "SELECT * FROM runs")}
        self.orders: dict[tuple[str, str], dict[str, Any]] = {}
        self.all: list[dict[str, Any]] = []
        for file in table(db, "SELECT path, run_id FROM history ORDER BY seq"):
            for order in pl.read_parquet(folder / file["path"]).to_dicts():
                seen = order["created_at"] or started[file["run_id"]]
                self.all.append({**order, "seen": seen})
                if seen.astimezone(SHANGHAI).strftime("%Y-%m") == label:
                    self.orders[PLATFORMS[order["platform"]], order["order_id"]] = order
        self.hits: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for f in table(db, "SELECT platform, order_id, rule_id FROM findings"):
            key = (PLATFORMS[f["platform"]], f["order_id"])
            if key in self.orders:
                self.hits[f["rule_id"]].add(key)
        self.cases: dict[tuple[str, str], Case] = {}
        by_id = {}
        for row in table(db, "SELECT * FROM cases"):
            key = (PLATFORMS[row["platform"]], row["order_id"])
            if key in self.orders:
                self.cases[key] = by_id[row["case_id"]] = Case(row, self.orders[key], {r for r, keys in self.hits.items() if key in keys})
        self.verdicts = [{**v, "at": at(v["at"])} for v in table(db, "SELECT * FROM verdicts") if v["case_id"] in by_id]
        for v in self.verdicts:
            by_id[v["case_id"]].verdicts.append(v)
        for e in table(db, "SELECT * FROM events WHERE what = 'released'"):
            if e["case_id"] in by_id:
                by_id[e["case_id"]].released_at = at(e["at"])
        db.close()

    def having(self, outcome: str) -> list[Case]:
        return [c for c in self.cases.values() if c.outcome == outcome]


@pytest.fixture(scope="module")
def plain(house: House) -> Plain:
    return Plain(house.ledger, "2026-11")


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    at_rank = q * (len(ordered) - 1)
    low = int(at_rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at_rank - low)


def headline_of(plain: Plain, now: datetime) -> dict[str, Any]:
    """The headline's counts."""
    cases = list(plain.cases.values())
    return {
        "scanned": len(plain.orders),
        "flagged": len(cases),
        "held": sum(c.row["band"] == "hold" for c in cases),
        "review": sum(c.row["band"] == "review" for c in cases),
        "confirmed": len(plain.having("confirmed")),
        "false_alarms": len(plain.having("false_alarm")),
        "released": len(plain.having("released")),
        "open": len(plain.having("open")),
        "investigating": sum(c.row["state"] == "investigating" for c in cases),
        "overdue": sum(at(c.row["due_at"]) < now for c in plain.having("open")),
    }


def test_the_headline_is_the_ledgers(told: dict[str, Any], plain: Plain) -> None:
    head, expected = told["headline"], headline_of(plain, NOW)
    assert {n: head[n] for n in expected} == expected
    assert min(expected.values()) > 0, "the golden month shows every figure"
    assert expected["flagged"] == sum(expected[n] for n in ("confirmed", "false_alarms", "released", "open"))


def test_times_and_money_are_the_ledgers(told: dict[str, Any], plain: Plain) -> None:
    head = told["headline"]
    found = [(at(c.row["opened_at"]) - c.order["created_at"]).total_seconds() for c in plain.cases.values() if c.order["created_at"]]
    handled = [(c.decided - at(c.row["opened_at"])).total_seconds() for c in plain.cases.values() if c.decided]
    for name, values in (("detection_seconds", found), ("handling_seconds", handled)):
        assert head[name]["n"] == len(values)
        for q in (50, 90, 99):
            assert head[name][f"p{q}"] == pytest.approx(quantile(values, q / 100), abs=0.01)
    risk = [c.order["amount"] for c in plain.having("confirmed")]
    wrong = [c.order["amount"] for c in plain.having("false_alarm") + plain.having("released") if c.row["band"] == "hold"]
    assert head["money_at_risk"] == {"orders": len(risk), "without_amount": 0, "amounts": {"CNY": float(sum(risk))}}
    right = [c for c in plain.having("confirmed") if c.row["band"] == "hold"]
    judged = len(right) + sum(c.row["band"] == "hold" for c in plain.having("false_alarm"))
    assert (head["held_by_mistake"], head["hold_precision"], head["hold_precision_n"]) == (len(wrong), pytest.approx(len(right) / judged), judged)
    assert head["money_held_by_mistake"] == {"orders": len(wrong), "without_amount": 0, "amounts": {"CNY": float(sum(wrong))}}


def test_the_month_before_is_told_by_its_own_figures(told: dict[str, Any], house: House) -> None:
    october = headline_of(Plain(house.ledger, "2026-10"), NOW)
    compared = told["compare"]
    assert compared["period"] == "2026-10"
    assert {n: compared["headline"][n] for n in october} == october
    assert compared["change"]["flagged"] == pytest.approx(told["headline"]["flagged"] / october["flagged"] - 1, abs=1e-6)
    own = figures(asked(house, "2026-10"))[0]["headline"]
    assert {n: own[n] for n in october} == october


def test_each_rule_is_the_ledgers(told: dict[str, Any], plain: Plain) -> None:
    bad = {k for k, c in plain.cases.items() if c.outcome == "confirmed"}
    for rule in told["rules"]:
        hits = plain.hits.get(rule["rule_id"], set())
        right = len(hits & bad)
        wrong = sum(plain.cases[k].outcome == "false_alarm" for k in hits if k in plain.cases)
        alone = sum(1 for k in hits if sum(k in other for other in plain.hits.values()) == 1)
        people = {(k[0], plain.orders[k]["buyer_id"]) for k in hits if plain.orders[k]["buyer_id"]}
        expected = (len(hits), right, wrong, alone, len(people))
        assert (rule["hits"], rule["confirmed"], rule["false_alarms"], rule["unique"], rule["people"]) == expected, rule["rule_id"]
        assert rule["recall"] == pytest.approx(right / len(bad), abs=1e-6)
        if right + wrong:
            precision, recall = right / (right + wrong), right / len(bad)
            assert rule["precision"] == pytest.approx(precision, abs=1e-6)
            assert rule["precision_low"] < precision < rule["precision_high"] or right in (0, right + wrong)
            assert rule["f1"] == pytest.approx(2 * precision * recall / (precision + recall) if right else 0, abs=1e-6)
    assert [r["rule_id"] for r in told["silent_rules"]] == ["never"]
    assert [(r["rule_id"], r["repeats"]) for r in told["repeating_rules"]] == [("depot", "words")]
    for pair in told["overlap"]:
        assert pair["both"] == len(plain.hits[pair["a"]] & plain.hits[pair["b"]])


def test_agents_are_the_ledgers(told: dict[str, Any], plain: Plain) -> None:
    then = {v["verdict_id"]: v["result"] for v in plain.verdicts}
    for agent in told["agents"]:
        name = agent["agent"]
        tasks = [c for c in plain.cases.values() if c.row["agent"] == name]
        mine = [v for v in plain.verdicts if v["agent"] == name]
        counting = Counter(v["result"] for v in mine if v["replaced_by"] is None)
        decisive = [v for v in mine if v["result"] != "investigating"]
        upheld = [v for v in decisive if v["replaced_by"] is None or then[v["replaced_by"]] == v["result"]]
        assert agent["tasks"] == len(tasks)
        assert agent["late"] == sum(c.decided > at(c.row["due_at"]) for c in tasks if c.decided)
        assert agent["overdue"] == sum(at(c.row["due_at"]) < NOW for c in tasks if c.outcome == "open")
        assert (agent["confirmed"], agent["false_alarms"], agent["investigating"]) == tuple(counting[r] for r in ("confirmed", "false_alarm", "investigating"))
        assert (agent["upheld_n"], round(agent["upheld"] * agent["upheld_n"])) == (len(decisive), len(upheld))
        ids = {v["case_id"] for v in decisive}
        spans = [(c.decided - at(c.row["opened_at"])).total_seconds() for c in plain.cases.values() if c.row["case_id"] in ids and c.decided]
        assert agent["seconds"]["n"] == len(spans)
        assert agent["seconds"]["p50"] == pytest.approx(quantile(spans, 0.5), abs=0.01)
    assert {"小李", "小王", "小张", "主管"} <= {a["agent"] for a in told["agents"]}


def test_platforms_shops_regions_and_hours_are_the_ledgers(told: dict[str, Any], plain: Plain) -> None:
    def region(order: dict[str, Any]) -> str | None:
        starts = {"广东": "广东省", "浙江": "浙江省", "四川": "四川省"}
        return starts.get((order["address"] or "")[:2])

    for name, shown, own in (
        ("platforms", lambda r: r["platform"], lambda k, _: k[0]),
        ("shops", lambda r: (r["platform"], r["shop"]), lambda k, o: (k[0], o["shop"])),
        ("regions", lambda r: r["region"], lambda _, o: region(o)),
    ):
        scanned = Counter(own(k, o) for k, o in plain.orders.items())
        flagged = Counter(own(k, plain.orders[k]) for k in plain.cases)
        confirmed = Counter(own(k, plain.orders[k]) for k, c in plain.cases.items() if c.outcome == "confirmed")
        assert {shown(r): (r["scanned"], r["flagged"], r["confirmed"]) for r in told[name]} == {g: (n, flagged[g], confirmed[g]) for g, n in scanned.items()}
    clock: Counter[tuple[int, int]] = Counter()
    for k in plain.cases:
        if plain.orders[k]["created_at"]:
            local = plain.orders[k]["created_at"].astimezone(SHANGHAI)
            clock[local.isoweekday(), local.hour] += 1
    assert {(h["weekday"], h["hour"]): h["flagged"] for h in told["hours"] if h["flagged"]} == dict(clock)
    assert sum(h["scanned"] for h in told["hours"]) == sum(o["created_at"] is not None for o in plain.orders.values())
    assert told["quality"]["undated"] == sum(o["created_at"] is None for o in plain.orders.values())


def test_the_trend_is_each_months_own(told: dict[str, Any], house: House) -> None:
    for label in ("2026-09", "2026-10", "2026-11"):
        month_plain = Plain(house.ledger, label)
        mine = {r["rule_id"]: r for r in told["trend"] if r["month"] == label}
        assert (mine[None]["scanned"], mine[None]["flagged"]) == (len(month_plain.orders), len(month_plain.cases))
        held = [c.outcome for c in month_plain.cases.values() if c.row["band"] == "hold"]
        assert (mine[None]["held"], mine[None]["held_by_mistake"]) == (len(held), held.count("false_alarm") + held.count("released"))
        assert {r: row["hits"] for r, row in mine.items() if r} == {r: len(keys) for r, keys in month_plain.hits.items() if keys}


def test_midnight_between_two_months_is_the_zones(house: House) -> None:
    october, november = Plain(house.ledger, "2026-10"), Plain(house.ledger, "2026-11")
    assert ("自营", "edge-oct") in october.cases
    assert ("自营", "edge-nov") in november.cases
    day = figures(asked(house, "2026-11", period=month("2026-10", "America/New_York"), before=month("2026-09", "America/New_York")))[0]
    # Both orders are of October in New York, where midnight comes twelve hours later.
    assert day["headline"]["scanned"] > len(october.orders)


def test_page_and_workbook_show_the_figures(told: dict[str, Any], house: House) -> None:
    """The same numbers in all three, in both languages; numbers are numbers in the workbook."""
    for locale in ("zh-CN", "en"):
        files = write(asked(house, locale=locale), told)
        book = openpyxl.load_workbook(files["xlsx"])
        first = {str(r[0]): r[1] for r in book.worksheets[0].iter_rows(min_row=5, max_col=2, values_only=True) if r[0]}
        page = Path(files["html"]).read_text(encoding="utf-8")
        for key, words in HEADLINE:
            assert first[words.pick(locale)] == told["headline"][key]
            assert f"<dt>{words.pick(locale)}</dt>" in page or not told["headline"][key]
            assert f'<div class="big">{told["headline"][key]:,}</div>' in page or not told["headline"][key]
        rules = list(book.worksheets[2].iter_rows(min_row=2, max_row=1 + len(told["rules"]), values_only=True))
        assert [(r[0], r[3]) for r in rules] == [(r["rule_id"], r["hits"]) for r in told["rules"]]
        charts = [len(s._charts) for s in book.worksheets]
        assert sum(charts) >= 8
        assert charts[:3] == [1, 1, 1]
