"""The month's report says what became of the rulebook: page, workbook and JSON, from the shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import openpyxl
from house import burst, export, order, shell

if TYPE_CHECKING:
    from pathlib import Path

RULES = """version: 1
bands: {review: 20, hold: 30}
promotions:
  - {name: 双11, from: 2026-11-11 00:00, to: 2026-11-12 00:00, bands: {review: 40, hold: 60}}
rules:
- {id: words, kind: keywords, with: {any: [临时仓]}, points: 40}
- {id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40, status: trial}
- {id: quiet, kind: keywords, with: {any: [从未出现]}, points: 40, status: trial}
- {id: every, kind: keywords, with: {any: [路]}, points: 40}
- {id: lists, kind: listed, with: {file: lists.csv}, points: 40}
"""


def test_trials_promotions_useless_entries_and_demoted_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "lists.csv").write_text(
        "value,kind,column,expires\n13802580000,block,phone,2026-01-01\nmet,watch,account,\nnobody,watch,account,\nvip,allow,account,\n",
        encoding="utf-8",
    )
    rows = [order(f"n{i}", 收货地址="某路1号") for i in range(200)]
    rows += [*burst("b", (0, 1, 2)), order("w", 收货地址="临时仓", 下单IP="192.0.2.7"), order("m", 买家账号="met")]
    export(tmp_path / "a.csv", rows)
    assert shell("scan", "a.csv", "--quiet", cwd=tmp_path).returncode == 0
    export(tmp_path / "b.csv", [order("late", 下单时间="2026-11-12 00:00:00"), rows[0], order("w", 收货地址="临时仓", 下单IP="192.0.2.7")])
    assert shell("scan", "a.csv", "b.csv", "--quiet", cwd=tmp_path).returncode == 0  # nothing counts twice
    text = (tmp_path / "lists.csv").read_text(encoding="utf-8")  # a line comes in between: an entry is its value, not its row
    (tmp_path / "lists.csv").write_text(text.replace("met,watch", "zzz,allow,account,\nmet,watch"), encoding="utf-8")
    done = shell("report", "--month", "2026-11", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["rulebook"]
    trial = {t["rule_id"]: t for t in told["trial"]}
    assert trial["ip"]["hits"] == trial["ip"]["already_flagged"] + trial["ip"]["would_flag"] >= 3
    assert trial["quiet"]["hits"] == 0
    promotion = {k: v for k, v in told["promotions"][0].items() if k not in {"from", "to"}}
    assert len(told["promotions"]) == 1
    assert promotion == {"profile": "双11", "orders": len(rows), "flagged": 2, "held": 0}
    assert [(e["row"], e["state"]) for e in told["lists"]] == [(2, "expired"), (5, "unused")]
    assert "13802580000" not in done.stdout
    assert [(d["rule_id"], d["runs"]) for d in told["demoted"]] == [("every", 2)]
    page = (tmp_path / "report-2026-11.html").read_text(encoding="utf-8")
    sheets = openpyxl.load_workbook(tmp_path / "report-2026-11.xlsx").sheetnames
    for heading in ("试运行的规则", "活动时段", "过期或无用的名单", "被降级的规则"):
        assert heading in page
        assert heading in sheets
