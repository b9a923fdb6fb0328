"""A shop's half year with hidden truth: orders, agents who err, and the loop scan → sheets → record → learn → apply."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from house import export, order

from orderguard.audit import scan
from orderguard.ledger import open_ledger
from orderguard.ledger.verdicts import VerdictBook
from orderguard.route import Team
from orderguard.rules.book import load_rulebook
from orderguard.rules.overlays import write_overlay
from orderguard.rules.weights import weights_folder
from orderguard.stages.options import Options
from orderguard.stages.sheets import read_sheets
from orderguard.stages.teaching import overlay, proposal
from orderguard.stages.weighing import in_effect

if TYPE_CHECKING:
    from pathlib import Path

    from orderguard.learn.proposal import Proposal
    from orderguard.rules import Rulebook

MONTHS = 6
NEW_PATTERN = 3
"""From the fourth month on, a gang orders to phones from the other end of the country."""
_DAYS = 30
_FAR = "13999110000"[:7]
# What an order shows, how many of 10,000 orders show it, and how many of these are abnormal. Five default rules; the
# coupon rule is wrong 87 % of the time, because honest newcomers use coupons too.
_MIX = (
    ("risky-address", 130, 0.85),
    ("ip-burst", 170, 0.90),
    ("round-amount", 110, 0.72),
    ("far-phone", 130, 0.25),
    ("new-account-coupon", 850, 0.13),
    ("risky-address new-account-coupon", 20, 0.90),
    ("round-amount far-phone", 20, 0.85),
    ("far-phone new-account-coupon", 25, 0.45),
    ("ip-burst new-account-coupon", 40, 0.95),
    ("", 8_505, 0.001),
)
_GANG = ("far-phone", 90, 0.97)


def month(number: int, size: int, seed: int) -> tuple[list[dict[str, str]], dict[str, bool]]:
    """The orders of one month (from 0) and which of them are abnormal."""
    rng = random.Random(f"{seed}-{number}")
    start = datetime(2026, 1, 1) + timedelta(days=_DAYS * number)  # noqa: DTZ001 - the shop's clock
    mix = (*_MIX, _GANG) if number >= NEW_PATTERN else _MIX
    rows: list[dict[str, str]] = []
    truth: dict[str, bool] = {}
    for shows, share, wrong in mix:
        marks = shows.split()
        left = max(round(size * share / 10_000), 1)
        while left > 0:
            # A burst is three orders or more, all of one kind.
            together = rng.randint(3, 6) if "ip-burst" in marks else 1
            abnormal = rng.random() < wrong
            ip = f"203.0.113.{rng.randrange(250)}-{number}-{len(rows)}"
            at = start + timedelta(seconds=rng.randrange(_DAYS * 86_400 - 600))
            for i in range(together):
                name = f"M{number + 1}{len(rows):06d}"
                row = order(name, 下单时间=f"{at + timedelta(seconds=20 * i)}", 买家账号=f"u{name}", 收货人=f"人{name}")
                row |= {"设备号": f"d{name}", "收货地址": f"广东省深圳市南山区某路 {number}{len(rows)} 号", "付款时间": "", "承诺发货时间": ""}
                row["下单IP"] = ip if together > 1 else f"198.51.100.1-{name}"
                row["联系电话"] = f"{_FAR if 'far-phone' in marks else '1380258'}{rng.randrange(10_000):04d}"
                row["实付金额"] = f"{rng.randint(1, 4)}000" if "round-amount" in marks else f"{rng.randrange(2_000, 90_000) / 100 + 0.01:.2f}"
                row["买家留言"] = "" if "round-amount" in marks else "谢谢"
                if "risky-address" in marks:
                    row["收货地址"] += " 临时仓"
                if "new-account-coupon" in marks:
                    row |= {"注册时间": f"{at - timedelta(days=2)}", "历史订单数": "0", "优惠券": "新人券"}
                rows.append(row)
                truth[name] = abnormal
                left -= 1
    rng.shuffle(rows)
    return rows, truth


@dataclass
class Measures:
    """One month, judged by the hidden truth."""

    month: int
    held: int
    held_honest: int
    queue: int
    queue_abnormal: int
    first_300: int
    precision: float
    calibration_error: float | None
    points: dict[str, float]


@dataclass
class Shop:
    """A shop with a ledger; with `learns` it learns after every month and applies what it learned."""

    folder: Path
    book_file: Path
    learns: bool
    seed: int
    errors: float = 0.05
    options: dict[str, Any] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)

    def book(self) -> Rulebook:
        """The rulebook with the weights in use."""
        return in_effect(load_rulebook(self.book_file))

    def live(self, number: int, rows: list[dict[str, str]], truth: dict[str, bool]) -> Measures:
        """Scan a month's orders, fill in the sheets, record, learn, apply; tell how the scan did."""
        self.folder.mkdir(parents=True, exist_ok=True)
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=_DAYS * (number + 1))
        book = self.book()
        file = export(self.folder / "export.csv", rows)
        options = Options([str(file)], book, Team(), self.folder / "out", self.folder / "ledger", now, f"run-{number:02d}",
                          outputs=frozenset({"frames", "tasks"}))  # fmt: skip
        scan(replace(options, **self.options))
        told = measure(number, pl.read_parquet(self.folder / "out" / "decisions.parquet"), truth, book)
        if self.learns:
            self._judge(number, truth, now)
            self._learn(book, now + timedelta(hours=1))
        return told

    def _judge(self, number: int, truth: dict[str, bool], now: datetime) -> None:
        """Agents fill in their sheets: right but for one in twenty, and now and then undecided."""
        rng = random.Random(f"{self.seed}-agents-{number}")
        sheets = []
        for path in sorted((self.folder / "out" / "tasks").glob("*.xlsx")):
            sheet = pl.read_excel(path, infer_schema_length=0)
            said = []
            for name in sheet["订单编号"]:
                abnormal = truth[name] != (rng.random() < self.errors)
                said.append("需进一步调查" if rng.random() < 0.02 else "属实" if abnormal else "误判")
            filled = self.folder / f"{path.stem}.csv"
            sheet.with_columns(处置结果=pl.Series(said)).write_csv(filled)
            sheets.append(str(filled))
        if not sheets:
            return
        ledger = open_ledger(self.folder / "ledger")
        answers, read, _, problems = read_sheets(sheets, None)
        done = VerdictBook(ledger).record(answers, read, now)
        ledger.close()
        assert not problems
        assert not done.oddities
        assert done.written + done.same == len(answers)

    def _learn(self, book: Rulebook, now: datetime) -> None:
        ledger = open_ledger(self.folder / "ledger")
        found = proposal(ledger, book)
        ledger.close()
        self.proposals.append(found)
        if found.moves or found.knots:
            folder = weights_folder(book, packaged=False)
            write_overlay(folder, overlay(found, book, self.folder / "ledger", "主管", now), now)


def measure(number: int, decisions: pl.DataFrame, truth: dict[str, bool], book: Rulebook) -> Measures:
    """How a month's decisions compare with the truth."""
    known = decisions.filter(pl.col("order_id").is_in(list(truth))).with_columns(
        abnormal=pl.col("order_id").replace_strict(truth, return_dtype=pl.Boolean)
    )
    held, queue = known.filter(pl.col("band") == "hold"), known.filter(pl.col("band") != "pass")
    first = queue.sort("score", "platform", "order_id", descending=[True, False, False]).head(300)
    error = None
    if queue["probability"].is_not_null().any():
        bins = queue.group_by((pl.col("probability") * 10).floor().clip(0, 9)).agg(
            pl.len().alias("n"), pl.col("probability").mean().alias("p"), pl.col("abnormal").mean().alias("y")
        )
        error = float(((bins["p"] - bins["y"]).abs() * bins["n"]).sum()) / len(queue)
    right = int(held["abnormal"].sum())
    return Measures(
        number + 1, len(held), len(held) - right, len(queue), int(queue["abnormal"].sum()), int(first["abnormal"].sum()),
        right / max(len(held), 1), error, dict(book.points),
    )  # fmt: skip


def half_year(folder: Path, book_text: str, size: int, seed: int, months: int = MONTHS) -> list[tuple[Measures, Measures]]:
    """Month by month: a shop with fixed weights and one that learns, on the same orders."""
    shops = []
    for name in ("fixed", "learning"):
        (folder / name).mkdir(parents=True)
        file = folder / name / "rules.yaml"
        file.write_text(book_text, encoding="utf-8")
        shops.append(Shop(folder / name / "shop", file, name == "learning", seed))
    out = []
    for number in range(months):
        rows, truth = month(number, size, seed)
        fixed, learning = (shop.live(number, rows, truth) for shop in shops)
        out.append((fixed, learning))
    return out
