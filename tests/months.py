"""A golden autumn for reports: three months of weekly exports, sheets filled, corrected and released, claims afterwards."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from house import House, book, export, order

from orderguard.ledger import CaseBook, open_ledger
from orderguard.ledger.verdicts import Answer, VerdictBook
from orderguard.route import Team

if TYPE_CHECKING:
    from pathlib import Path

SHANGHAI = ZoneInfo("Asia/Shanghai")
RULES = (
    "{id: words, kind: keywords, with: {any: [临时仓, 代收点]}, points: 40, says: 地址词}",
    "{id: depot, kind: keywords, with: {any: [临时仓]}, points: 10, says: 只重复地址词}",
    "{id: burst, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 30}",
    "{id: round, kind: round_amount, with: {multiple_of: 1000, note: buyer_note}, points: 20}",
    "{id: shadow, kind: keywords, with: {any: [某路 7 号]}, points: 20, status: trial}",
    "{id: never, kind: keywords, with: {any: [不会出现的词]}, points: 20}",
)
TEAM = {"version": 1, "agents": [{"name": "小李", "capacity": 5000}, {"name": "小王", "capacity": 5000}]}
FIRST, WEEKS = datetime(2026, 8, 24, tzinfo=SHANGHAI), 13
_SHOPS = {"自营": ("甲店", "乙店"), "京东": ("京东甲店",), "抖音": ("<b>抖音店</b>", "=1+1")}
_PLACES = ("广东省深圳市南山区", "浙江省杭州市西湖区", "四川成都武侯区", "")


def golden(folder: Path) -> House:
    """Scan, record, correct and release through thirteen weeks; the same each time."""
    rng = random.Random(7)
    house = House(folder, book(*RULES), Team.model_validate(TEAM))
    for week in range(WEEKS):
        start = FIRST + timedelta(weeks=week)
        rows = [_row(rng, week, i, start) for i in range(150)]
        if week == 9:  # both sides of midnight between October and November
            rows += [order("edge-oct", 下单时间="2026-10-31 23:59:59", 收货地址="临时仓"), order("edge-nov", 下单时间="2026-11-01 00:00:00", 收货地址="临时仓")]
        now = (start + timedelta(days=7, hours=2)).astimezone(UTC)
        file = export(folder / f"week{week:02d}.csv", rows)
        if week == 11:
            file.write_text(file.read_text(encoding="utf-8") + "bad-1,自营,甲店,u,,,,,,,,不是钱\n", encoding="utf-8")
        house.scan(file, now=now)
        _verdicts(house, rng, now)
    return house


def _row(rng: random.Random, week: int, i: int, start: datetime) -> dict[str, str]:
    number = f"w{week:02d}-{i:03d}"
    at = start + timedelta(seconds=rng.randrange(7 * 86_400))
    platform = rng.choice(tuple(_SHOPS))
    changed = {
        "平台": platform, "店铺名称": rng.choice(_SHOPS[platform]), "买家账号": f"u{rng.randrange(420)}",
        "下单时间": f"{at:%Y-%m-%d %H:%M:%S}", "付款时间": f"{at:%Y-%m-%d %H:%M:%S}", "实付金额": f"{rng.randrange(1000, 90000) / 100:.2f}",
        "收货地址": f"{rng.choice(_PLACES)}某路 {rng.randrange(40)} 号", "承诺发货时间": f"{at + timedelta(days=9):%Y-%m-%d %H:%M:%S}",
    }  # fmt: skip
    draw = rng.random()
    if draw < 0.10:
        changed["收货地址"] += rng.choice(("临时仓", "代收点"))
    elif draw < 0.15:
        changed |= {"实付金额": "2000", "买家留言": ""}
    elif draw < 0.16:
        changed |= {"买家账号": "", "收货地址": "临时仓"}
    elif draw < 0.17:
        changed |= {"下单时间": "", "付款时间": "", "收货地址": "临时仓"}
    elif i % 50 < 3:
        changed |= {"下单IP": f"192.0.2.{week}", "下单时间": f"{start + timedelta(hours=9, minutes=i % 50):%Y-%m-%d %H:%M:%S}"}
    return order(number, **changed)


def _verdicts(house: House, rng: random.Random, now: datetime) -> None:
    ledger = open_ledger(house.ledger)
    verdicts, cases = VerdictBook(ledger), CaseBook(ledger)
    waiting = [c for c in cases.listed() if c["state"] in ("open", "investigating")]
    sheets: dict[int, list[Answer]] = {}
    for i, case in enumerate(waiting):
        draw = rng.random()
        result = "属实" if draw < 0.3 else "误判" if draw < 0.75 else "需进一步调查" if draw < 0.86 else ""
        if result:
            agent = rng.choice((case["agent"], "小张"))
            sheets.setdefault(rng.randrange(8), []).append(Answer("s", i, case["order_id"], "", case["case_id"], result, "", "", agent))
        elif draw > 0.96:
            cases.release(case["case_id"], "主管", "老客户", now + timedelta(hours=1))
    for hour, answers in sorted(sheets.items()):
        at = now + timedelta(hours=hour * 7, minutes=rng.randrange(60))
        verdicts.record(answers, [], at)
        wrong = [a.case_id for a in answers if a.result == "误判" and rng.random() < 0.1]
        for case_id in wrong:
            verdicts.revise(case_id, "confirmed", "主管", "复查", at + timedelta(hours=3))
    ledger.close()
