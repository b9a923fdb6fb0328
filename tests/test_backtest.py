"""Backtest: what another rulebook would change, checked by hand and by brute force; the ledger is only read."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest
from house import HEAD, House, book, burst, export, order, shell
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import order as worlds_order
from worlds import write_csv

from orderguard.ledger import History, open_ledger, reading
from orderguard.ledger.verdicts import Answer, VerdictBook
from orderguard.rules.book import load_candidate, parse_rulebook
from orderguard.stages.backtest import Trial
from orderguard.stages.fitting import fit_queue, proposal_yaml
from orderguard.stages.judging import Judged

if TYPE_CHECKING:
    from pathlib import Path

OLD = """version: 1
bands: {review: 20, hold: 30}
rules:
- {id: w, kind: keywords, with: {any: [临时仓, 代收点]}, points: 40}
- {id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 20}
"""
NEW = OLD.replace("[临时仓, 代收点]", "[临时仓, 驿站]").replace("at_least: 3", "at_least: 4")
ROWS = [
    order("keep", 收货地址="临时仓"),
    order("gone-right", 收货地址="代收点"),
    order("gone-wrong", 收货地址="代收点"),
    order("gone-open", 收货地址="代收点"),
    order("new", 收货地址="驿站", 下单时间="2026-11-12 09:00:00"),
    order("clean"),
    *burst("b", (0, 1, 2)),
]


def places(tmp_path: Path) -> Path:
    """Rulebooks, an export, and a ledger with verdicts."""
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(NEW, encoding="utf-8")
    house = House(tmp_path, parse_rulebook(OLD))
    house.scan(export(tmp_path / "a.csv", ROWS))
    ledger = open_ledger(house.ledger)
    said = {"keep": "属实", "gone-right": "属实", "gone-wrong": "误判", "gone-open": "需进一步调查", "b0": "误判"}
    answers = [Answer("s", i, o, "", "", r, "", "", "小李") for i, (o, r) in enumerate(said.items(), 2)]
    VerdictBook(ledger).record(answers, [], house.options.now)
    ledger.close()
    return tmp_path


def state(folder: Path) -> dict[str, str]:
    """Every file of a folder with its hash."""
    # `.holder` is the note of who holds the lock: whoever opens the ledger writes it.
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != ".holder"]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def run(tmp_path: Path, *words: str | Path) -> dict[str, Any]:
    """The JSON of a backtest."""
    done = shell("backtest", *words, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def counts(total: int, confirmed: int = 0, false_alarm: int = 0, investigating: int = 0, unlabelled: int = 0, blind: int = 0) -> dict[str, int]:
    return {
        "total": total, "confirmed": confirmed, "false_alarm": false_alarm, "investigating": investigating,
        "unlabelled": unlabelled, "not_evaluable": blind,
    }  # fmt: skip


def test_the_ledgers_history_with_its_verdicts_and_nothing_in_it_changes(tmp_path: Path) -> None:
    places(tmp_path)
    before = state(tmp_path / "ledger")
    told = run(tmp_path, "--rules", "new.yaml", "--against", "old.yaml")
    assert state(tmp_path / "ledger") == before
    assert (told["orders"], told["labelled"], told["days"]) == (9, 5, 2)
    total = told["total"]
    assert (total["flagged_before"], total["flagged_after"], total["held_before"], total["held_after"]) == (7, 2, 4, 2)
    assert total["newly_flagged"] == counts(1, unlabelled=1)
    assert total["no_longer_flagged"] == counts(6, confirmed=1, false_alarm=2, investigating=1, unlabelled=2)
    rules = {r["rule_id"]: r for r in told["rules"]}
    assert rules["w"]["newly_flagged"] == counts(1, unlabelled=1)
    assert rules["w"]["no_longer_flagged"] == counts(3, confirmed=1, false_alarm=1, investigating=1)
    assert rules["w"]["verdicts_before"]["precision"] == pytest.approx(0.6667)
    assert rules["ip"]["no_longer_flagged"] == counts(3, false_alarm=1, unlabelled=2)
    assert rules["ip"]["verdicts_after"]["precision"] is None, "nobody knows"
    assert [(d["day"], d["before"], d["after"], d["change"]) for d in told["by_day"]] == [("2026-11-11", 7, 1, -6), ("2026-11-12", 0, 1, 1)]
    assert told["agent_hours"] == {"minutes_per_case": 6.0, "before": 0.7, "after": 0.2, "change": -0.5}
    listed = {(o["order_id"], o["change"], o["verdict"]) for o in told["changed_orders"]}
    assert {("new", "newly_flagged", None), ("gone-right", "no_longer_flagged", "confirmed")} <= listed
    assert len(listed) == 7
    assert told["workbook"] is None
    # The table says where each of them is: its counts add up.
    table = [line.split("\t") for line in shell("backtest", "--rules", "new.yaml", "--against", "old.yaml", cwd=tmp_path).stdout.splitlines()]
    rows = [r for r in table if r[0] in rules]
    assert len(rows) == len(rules)
    for row in rows:
        new, gone = [int(c) for c in row[3:8]], [int(c) for c in row[8:13]]
        assert (new[0], gone[0]) == (sum(new[1:]), sum(gone[1:])), row


def test_files_without_a_ledger_and_with_one(tmp_path: Path) -> None:
    """Without `--ledger` no verdicts and no history; with it, windows reach back and verdicts are joined."""
    places(tmp_path)
    export(tmp_path / "late.csv", [*burst("c", (3,)), order("keep", 收货地址="代收点")])
    alone = run(tmp_path, "late.csv", "--rules", "new.yaml", "--against", "old.yaml")
    assert (alone["orders"], alone["labelled"], alone["total"]["no_longer_flagged"]["total"]) == (2, 0, 1)
    beside = run(tmp_path, "late.csv", "--rules", "new.yaml", "--against", "old.yaml", "--ledger", "ledger")
    assert (beside["orders"], beside["labelled"]) == (2, 1)
    assert {r["rule_id"]: (r["hits_before"], r["hits_after"]) for r in beside["rules"]} == {"w": (1, 0), "ip": (1, 1)}
    assert beside["total"]["no_longer_flagged"] == counts(1, confirmed=1)


def test_a_stock_file_is_taken_as_scan_takes_it(tmp_path: Path) -> None:
    """Both rulebooks see the same stock; a rule of its own stands in where they have none."""
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    own = "- {id: short, kind: oversell, with: {stock: missing-from-the-start.csv}, points: 10}\n"
    (tmp_path / "missing-from-the-start.csv").write_text("货号,可用库存\nNF-900,99\n", encoding="utf-8")
    (tmp_path / "new.yaml").write_text(OLD + own, encoding="utf-8")
    (tmp_path / "stock.csv").write_text("货号,可用库存\nNF-900,3\n", encoding="utf-8")
    write_csv([worlds_order(i) for i in range(5)], tmp_path / "a.csv")
    words = ["backtest", "a.csv", "--rules", "new.yaml", "--against", "old.yaml", "--json"]
    told = json.loads(shell(*words, "--stock", "stock.csv", cwd=tmp_path).stdout)
    rules = {r["rule_id"]: (r["hits_before"], r["hits_after"]) for r in told["rules"]}
    assert rules["oversell"] == (2, 0)
    assert rules["short"] == (0, 2)
    assert "short" in {r["rule_id"] for r in json.loads(shell(*words, cwd=tmp_path).stdout)["rules"] if not r["hits_after"]}
    missing = shell(*words, "--stock", "none.csv", cwd=tmp_path)
    assert missing.returncode == 2
    assert "none.csv" in missing.stderr


def test_the_workbook_lists_the_orders(tmp_path: Path) -> None:
    places(tmp_path)
    done = shell("backtest", "--rules", "new.yaml", "--against", "old.yaml", "--out", "x/b.xlsx", "--fit-queue", "2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "不再异常：6（属实 1，误判 2，调查中 1，未判 2；现在无法判断 0）" in done.stdout
    sheets = openpyxl.load_workbook(tmp_path / "x" / "b.xlsx")
    assert sheets.sheetnames == ["摘要", "规则", "新增异常", "不再异常", "按天", "逐条规则的变化"]
    rows = list(sheets["不再异常"].iter_rows(min_row=2, values_only=True))
    assert {r[2] for r in rows} == {"gone-right", "gone-wrong", "gone-open", "b0", "b1", "b2"}
    assert next(r for r in rows if r[2] == "gone-right")[3] == "属实"
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["b.xlsx"]


def test_not_evaluable_is_told_apart(tmp_path: Path) -> None:
    """A rule on a column that the export lacks flags nothing: those orders are not clean, nobody could tell."""
    old = "version: 1\nbands: {review: 20, hold: 30}\nrules:\n- {id: a, kind: velocity, with: {key: KEY, window: 5m, at_least: 2}, points: 40}\n"
    (tmp_path / "old.yaml").write_text(old.replace("KEY", "ip"), encoding="utf-8")
    (tmp_path / "new.yaml").write_text(old.replace("KEY", "device"), encoding="utf-8")
    rows = burst("b", (0, 1))
    rows[0]["设备号"] = ""
    assert "设备号" in HEAD
    export(tmp_path / "a.csv", rows)
    told = run(tmp_path, "a.csv", "--rules", "new.yaml", "--against", "old.yaml")
    assert told["total"]["no_longer_flagged"] == counts(2, unlabelled=2, blind=1)
    assert told["rules"][0]["not_evaluable_after"] == 1


def test_a_renamed_rule_is_the_same_rule_and_a_proposal_of_points_is_taken(tmp_path: Path) -> None:
    places(tmp_path)
    (tmp_path / "new.yaml").write_text(OLD.replace("id: w,", "id: words, was: [w],"), encoding="utf-8")
    told = run(tmp_path, "--rules", "new.yaml", "--against", "old.yaml")
    assert [(r["rule_id"], r["newly_flagged"]["total"], r["no_longer_flagged"]["total"]) for r in told["rules"]] == [("words", 0, 0), ("ip", 0, 0)]
    (tmp_path / "w.yaml").write_text("made: 2026-11-12\npoints: {w: 10, ip: 35}\n", encoding="utf-8")
    told = run(tmp_path, "--rules", "w.yaml", "--against", "old.yaml")
    assert (told["total"]["no_longer_flagged"]["total"], told["total"]["newly_held"]["total"]) == (4, 3)
    # As `learn --apply` writes it: the bands that it was learned under stand in it too.
    (tmp_path / "w.yaml").write_text("version: 1\npoints: {w: 10, ip: 35}\nbands: {review: 20.0, hold: 30.0}\nfingerprints: {}\n", encoding="utf-8")
    assert run(tmp_path, "--rules", "w.yaml", "--against", "old.yaml")["total"] == told["total"]
    (tmp_path / "w.yaml").write_text("points: {w: 10, iq: 35, ip: x}\n", encoding="utf-8")
    done = shell("backtest", "--rules", "w.yaml", "--against", "old.yaml", cwd=tmp_path, ORDERGUARD_LOCALE="en")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "✗ w.yaml:1: old.yaml 里没有规则 'iq'；是否想写 'ip'？",
        "✗ w.yaml:1: ip：分值应为 0 到 10000 的数字",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--against", "old.yaml"], "缺少 --rules"),
        (["--rules", "none.yaml", "--against", "old.yaml"], "无法打开"),
        (["--rules", "new.yaml", "--against", "old.yaml", "--ledger", "nowhere"], "这里没有台账"),
        (["none.csv", "--rules", "new.yaml", "--against", "old.yaml"], "none.csv"),
        (["--rules", "new.yaml", "--against", "old.yaml", "--fit-queue", "-1"], "--fit-queue"),
    ],
)
def test_wrong_words_are_exit_2(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(NEW, encoding="utf-8")
    done = shell("backtest", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_the_guard_rail_is_told_and_does_not_hide_what_a_rule_would_flag(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(OLD.replace("[临时仓, 代收点]", "[路]"), encoding="utf-8")
    export(tmp_path / "a.csv", [order(str(i)) for i in range(220)])
    told = run(tmp_path, "a.csv", "--rules", "new.yaml", "--against", "old.yaml")
    assert told["total"]["newly_flagged"]["total"] == 220
    assert told["over_share"] == {"before": [], "after": [{"rule_id": "w", "hits": 220, "orders": 220, "share": 1.0, "max_share": 0.2}]}


def trial_of(rows: list[tuple[str, str, int]], head: str = "") -> Trial:
    """A trial of given scores: (day, profile, score)."""
    one = book("{id: a, kind: keywords, with: {any: [x]}, points: 1}", head=head)
    orders = pl.DataFrame({"day": [r[0] for r in rows], "verdict": [None] * len(rows)}, schema={"day": pl.String, "verdict": pl.String})
    shown = {"score": [float(r[2]) for r in rows], "profile": [r[1] for r in rows]}
    decisions = pl.DataFrame(shown, schema={"score": pl.Float64, "profile": pl.String})
    empty = pl.DataFrame()
    judged = Judged(empty, empty, decisions, empty, pl.Series(dtype=pl.Boolean), 0, [])
    return Trial(orders, one, one, judged, judged)


_DAY = st.sampled_from(["2026-11-10", "2026-11-11", "2026-11-13"])
_SCORE = st.sampled_from([0, 10, 20, 30, 40, 70, 100])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_DAY, st.just("base"), _SCORE), max_size=40), st.integers(0, 12))
def test_the_proposed_bands_are_the_lowest_that_fit(rows: list[tuple[str, str, int]], limit: int) -> None:
    def worst(review: float) -> int:
        return max((sum(d == day and s >= review for d, _, s in rows) for day in {r[0] for r in rows}), default=0)

    fit = fit_queue(trial_of(rows), limit)
    steps = [20, *sorted({s for _, _, s in rows if s > 20})]
    fitting = [s for s in steps if worst(s) <= limit]
    assert fit["fits_now"] == (worst(20) <= limit)
    assert fit["fits"] == bool(fitting)
    assert fit["queue_after"] == worst(fit["bands"]["review"])
    if fitting:
        assert worst(fit["bands"]["review"]) == worst(fitting[0])
        assert fit["let_go"]["total"] == sum(20 <= s < fit["bands"]["review"] for _, _, s in rows)
        parse_rulebook("version: 1\n" + proposal_yaml(fit) + "rules: [{id: a, kind: keywords, with: {any: [x]}, points: 1}]")
        # For the peak days alone the proposal keeps its word too: where bands for all days do it, no day goes without.
        for peak in fit["peak_days"]:
            assert sum(d == peak["day"] and s >= peak["review"] for d, _, s in rows) <= limit


def test_only_the_profile_of_the_peak_gives_way() -> None:
    head = "promotions: [{id: d11, from: 2026-11-11, to: 2026-11-11}]"
    rows = [("2026-11-10", "base", 20)] * 3 + [("2026-11-11", "d11", 20)] * 5 + [("2026-11-11", "d11", 30)] * 2
    fit = fit_queue(trial_of(rows, head), 3)
    assert fit["bands"] == {"review": 20.0, "hold": 30.0}
    assert fit["promotions"] == {"d11": {"review": 30.0, "hold": 30.0}}
    assert (fit["queue_before"], fit["queue_after"], fit["let_go"]["total"]) == (7, 3, 5)


def test_undated_orders_are_in_no_days_queue(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓", 下单时间=""), order("2")])
    told = run(tmp_path, "a.csv", "--against", "old.yaml", "--fit-queue", "0")
    assert [d["day"] for d in told["by_day"]] == ["2026-11-11", "undated"]
    assert told["fit_queue"]["fits_now"]
    assert told["days"] == 1


def test_reading_a_ledger_without_its_lock_file_makes_none(tmp_path: Path) -> None:
    places(tmp_path)
    (tmp_path / "ledger" / ".lock").unlink()
    with reading(tmp_path / "ledger") as ledger:
        assert len(History(ledger).everything({})) == 9
    assert not (tmp_path / "ledger" / ".lock").exists()
    old = parse_rulebook(OLD)
    (tmp_path / "p.yaml").write_text("points: {w: 1}", encoding="utf-8")
    assert load_candidate(tmp_path / "p.yaml", old).points == {"w": 1.0, "ip": 20.0}


def test_learned_points_stay_for_rules_that_the_new_rulebook_does_not_change(tmp_path: Path) -> None:
    """Otherwise every backtest after `learn --apply` would show the learned points' going as the new rulebook's doing."""
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(OLD.replace("at_least: 3", "at_least: 4"), encoding="utf-8")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "2026-01-01.yaml").write_text("points: {w: 25, ip: 35}\n", encoding="utf-8")
    export(tmp_path / "a.csv", ROWS)
    told = run(tmp_path, "a.csv", "--rules", "new.yaml", "--against", "old.yaml")
    assert {r["rule_id"]: (r["points_before"], r["points_after"]) for r in told["rules"]} == {"w": (25, 25), "ip": (35, 20)}
    assert (told["total"]["newly_held"]["total"], told["total"]["no_longer_held"]["total"]) == (0, 3)
    said = shell("backtest", "a.csv", "--rules", "new.yaml", "--against", "old.yaml", cwd=tmp_path, ORDERGUARD_LOCALE="zh-CN").stderr
    assert "ip：设置改了，学到的 35 分不再适用，按规则表的 20 分算；要留着它们，写 points: 35" in said
    assert "w：设置改了" not in said
    (tmp_path / "new.yaml").write_text(OLD.replace("at_least: 3", "at_least: 4").replace("points: 20", "points: 35"), encoding="utf-8")
    assert "设置改了" not in shell("backtest", "a.csv", "--rules", "new.yaml", "--against", "old.yaml", cwd=tmp_path).stderr, "what is written is meant"
