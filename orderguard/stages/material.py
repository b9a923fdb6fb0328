"""What a report reads: the frames of one or several ledgers, together.

Millions of orders are counted, few are looked at: of all of them only small columns are kept (numbers and categories),
of flagged ones and of those in the after-sales file everything that is told. History files are read in batches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from orderguard.columns import INSTANT, MONEY
from orderguard.enrich.places import canonical_region, province_of
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.frames import platform_id
from orderguard.ledger.history import QUARTER
from orderguard.ledger.snapshot import Snapshot, reading, take
from orderguard.report.figures import Material
from orderguard.report.kept import ENDED, LOOK_BACK
from orderguard.report.period import months_back
from orderguard.report.rulebook import spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orderguard.report.period import Period
    from orderguard.report.rulebook import Span

TREND_MONTHS = 6
_BATCH = 400_000
"""Rows that are read at once."""
_COLUMNS: dict[str, Any] = {
    "platform": pl.String, "shop": pl.String, "order_id": pl.String, "buyer_id": pl.String, "province": pl.String,
    "address": pl.String, "amount": MONEY, "currency": pl.String, "status": pl.String, "created_at": INSTANT,
}  # fmt: skip
_COUNTED: dict[str, Any] = {
    "key": pl.UInt64, "ledger": pl.UInt8, "pid": pl.Categorical, "shop": pl.Categorical, "region": pl.Categorical,
    "quarter": pl.Int64, "no_buyer": pl.Boolean,
}  # fmt: skip
_DETAIL: dict[str, Any] = {
    "key": pl.UInt64, "pid": pl.String, "order_id": pl.String, "shop": pl.String, "region": pl.String, "buyer": pl.String,
    "amount": MONEY, "currency": pl.String, "created_at": INSTANT,
}  # fmt: skip
_VISITS: dict[str, Any] = {
    "key": pl.UInt64, "buyer": pl.UInt64, "created_at": INSTANT, "amount": MONEY, "currency": pl.Categorical,
    "ended": pl.Boolean,
}  # fmt: skip


class Taken(NamedTuple):
    """One ledger's snapshot and where it is."""

    name: str
    folder: Path
    shot: Snapshot


@dataclass
class _Pile:
    """What is kept of the orders of the period, of the one compared with, and of the look-back."""

    counted: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=_COUNTED)])
    detail: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=_DETAIL)])
    before: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema={"key": pl.UInt64})])
    before_detail: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=_DETAIL)])
    promoted: dict[Span, list[pl.Series]] = field(default_factory=dict)
    visits: list[pl.DataFrame] = field(default_factory=lambda: [pl.DataFrame(schema=_VISITS)])
    last: list[datetime] = field(default_factory=list)


def gather(
    folders: Sequence[str],
    period: Period,
    before: Period,
    ids: Mapping[str, str],
    outcomes: pl.DataFrame | None,
    sentences_of: Sequence[str] = (),
) -> Material:
    """Read the ledgers.

    Raises:
        OrderguardError: one cannot be read, or none has an order of the period.
    """
    try:
        return _gather(folders, period, before, ids, outcomes, sentences_of)
    except _VanishedError:
        # Read without the lock: a `ledger prune` meanwhile puts other files in the place of those that were named.
        return _gather(folders, period, before, ids, outcomes, sentences_of)


class _VanishedError(OrderguardError):
    """A history file that the database named could not be read."""


def _gather(
    folders: Sequence[str],
    period: Period,
    before: Period,
    ids: Mapping[str, str],
    outcomes: pl.DataFrame | None,
    sentences_of: Sequence[str],
) -> Material:
    back = int((period.end - LOOK_BACK).timestamp())
    first = min(months_back(period, TREND_MONTHS)[0].seconds[0], before.seconds[0], back)
    taken = []
    for name in dict.fromkeys(folders):
        with reading(Path(name)) as db:
            taken.append(Taken(name, Path(name), take(db, first, min(back, before.seconds[0]), sentences_of)))
    findings = _merged(taken, "findings", ids).rename({"ordered_at": "made"})
    counts = (json.loads(text) for one in taken for text in one.shot.runs["counts"])
    pile = _Pile(promoted={span: [] for span in spans(counts)})
    wanted = findings.select("key").unique()
    numbers = None if outcomes is None else outcomes.select("order_id").unique()
    for i, one in enumerate(taken):
        for rows in _batches(one, period, before):
            _sort_out(
                _keyed(rows, ids).with_columns(ledger=pl.lit(i, dtype=pl.UInt8)),
                pile,
                period,
                before,
                back,
                wanted,
                numbers,
            )
    counted = pl.concat(pile.counted).unique(["key", "ledger"], keep="last")
    once = counted.unique("key", keep="last") if len(taken) > 1 else counted
    if once.is_empty():
        raise _empty(taken, period, pile)
    return Material(
        scanned=len(once),
        counts=_counts(once),
        orders=_regions(pl.concat(pile.detail).unique("key", keep="last")),
        before_scanned=pl.concat(pile.before)["key"].n_unique(),
        before=_regions(pl.concat(pile.before_detail).unique("key", keep="last")),
        visits=pl.concat(pile.visits).unique("key", keep="last"),
        cases=_merged(taken, "cases", ids),
        verdicts=_merged(taken, "verdicts"),
        events=_merged(taken, "events"),
        runs=_merged(taken, "runs"),
        findings=findings,
        traffic=_merged(taken, "traffic"),
        controls=_merged(taken, "controls"),
        doubles=_merged(taken, "doubles"),
        short=_merged(taken, "reasons", ids),
        outcomes=None if outcomes is None else outcomes.with_columns(_key()),
        repeated=len(counted) - len(once),
        last=max(pile.last, default=None),
        promoted={span: pl.concat(keys).n_unique() for span, keys in pile.promoted.items() if keys},
    )


def _key() -> pl.Expr:
    """An order as a number: joins over millions of texts cost seconds. Two orders in 10 million clash once in 300,000 reports."""
    return pl.struct("pid", "order_id").hash(seed=1).alias("key")


def _keyed(frame: pl.DataFrame, ids: Mapping[str, str]) -> pl.DataFrame:
    return frame.with_columns(platform_id(ids).alias("pid")).with_columns(_key())


def _merged(taken: Sequence[Taken], name: str, ids: Mapping[str, str] | None = None) -> pl.DataFrame:
    parts = [getattr(t.shot, name).with_columns(ledger=pl.lit(t.name)) for t in taken]
    frame = pl.concat(parts, rechunk=True)
    return frame if ids is None else _keyed(frame, ids)


def _batches(one: Taken, period: Period, before: Period) -> Iterator[pl.DataFrame]:
    """The ledger's orders, oldest version first. One without a time gets that of the run which first saw it."""
    started = dict(one.shot.runs.select("run_id", "started_at").iter_rows())
    paths: list[Path] = []
    rows = 0
    for path, run, n, undated in one.shot.files:
        if undated:
            at = started[run]
            if period.start <= at < period.end or before.start <= at < before.end:
                yield _read([one.folder / path]).with_columns(seen_at=pl.lit(at, dtype=INSTANT))
            continue
        paths.append(one.folder / path)
        rows += n
        if rows >= _BATCH:
            yield _read(paths).with_columns(seen_at=pl.col("created_at"))
            paths, rows = [], 0
    if paths:
        yield _read(paths).with_columns(seen_at=pl.col("created_at"))


def _read(paths: list[Path]) -> pl.DataFrame:
    try:
        return pl.scan_parquet(paths, schema=_COLUMNS, missing_columns="insert", extra_columns="ignore").collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        said = str(error).splitlines()[0][:160]
        what = Words(
            f"台账里的历史订单文件缺失或损坏（{said}）", f"a history file of the ledger is missing or damaged ({said})"
        )
        fix = Words("运行 orderguard ledger check 查看", "see 'orderguard ledger check'")
        raise _VanishedError(Problem(what, fix=fix)) from error


def _sort_out(
    rows: pl.DataFrame,
    pile: _Pile,
    period: Period,
    before: Period,
    back: int,
    wanted: pl.DataFrame,
    numbers: pl.DataFrame | None,
) -> None:
    last = rows["created_at"].max()
    pile.last += [last] if last is not None else []  # type: ignore[list-item]
    rows = rows.with_columns(region=_region(), buyer=pl.when(_is_named("buyer_id")).then("buyer_id"))
    at = pl.col("seen_at")
    inside = rows.filter(at.is_between(period.start, period.end, closed="left"))
    quarter = pl.col("created_at").dt.epoch("s") // QUARTER
    pile.counted.append(inside.select(
        "key", "ledger", pl.col("pid", "shop", "region").cast(pl.Categorical), quarter.alias("quarter"),
        pl.col("buyer").is_null().alias("no_buyer"),
    ))  # fmt: skip
    for (_, first, after), keys in pile.promoted.items():
        held = pl.col("created_at").is_between(
            datetime.fromisoformat(first), datetime.fromisoformat(after), closed="left"
        )
        keys.append(inside.filter(held)["key"])
    told = inside.join(wanted, on="key", how="semi")
    if numbers is not None:
        told = pl.concat([told, inside.join(numbers, on="order_id", how="semi")])
    pile.detail.append(told.select(list(_DETAIL)))
    earlier = rows.filter(at.is_between(before.start, before.end, closed="left"))
    pile.before.append(earlier.select("key"))
    pile.before_detail.append(earlier.join(wanted, on="key", how="semi").select(list(_DETAIL)))
    since = pl.from_epoch(pl.lit(back), "s").dt.replace_time_zone("UTC")
    ended = pl.col("status").str.to_lowercase().str.contains(ENDED).fill_null(value=False)
    visits = rows.filter(pl.col("buyer").is_not_null() & (pl.col("created_at") >= since))
    person = pl.struct("pid", "buyer").hash(seed=1).alias("buyer")
    pile.visits.append(visits.select(
        "key", person, "created_at", "amount", pl.col("currency").cast(pl.Categorical), ended.alias("ended")
    ))  # fmt: skip


def _is_named(column: str) -> pl.Expr:
    """Whether an account is given, and not masked."""
    text = pl.col(column)
    return text.is_not_null() & (text != "") & ~text.str.contains("*", literal=True)


def _region() -> pl.Expr:
    """The province as written, else the first two characters of a Chinese address (enough for every province)."""
    province = pl.col("province").str.strip_chars()
    start = pl.col("address").str.strip_chars().str.slice(0, 2)
    chinese = pl.when(start.str.contains(r"^\p{Han}{2}$")).then(start)
    return pl.coalesce(pl.when(province != "").then(province), chinese)


def _counts(orders: pl.DataFrame) -> pl.DataFrame:
    """Orders per `pid shop region quarter no_buyer`."""
    per = orders.group_by("pid", "shop", "region", "quarter", "no_buyer").agg(orders=pl.len().cast(pl.Int64))
    named = per.with_columns(pl.col("pid", "shop", "region").cast(pl.String))
    return _regions(named).with_columns(pl.when(pl.col("shop") != "").then("shop").alias("shop"))


def _regions(orders: pl.DataFrame) -> pl.DataFrame:
    """Provinces by their full name; other countries' as written; what a short address does not tell is null."""
    words = orders["region"].drop_nulls().unique().sort()
    names = {
        word: full or province_of(word[:2]) or (None if "\u4e00" <= word[0] <= "\u9fff" and len(word) == 2 else word)
        for word, full in zip(words, canonical_region(words), strict=True)
    }
    region = pl.col("region").replace_strict(names, default=None, return_dtype=pl.String)
    return orders.with_columns(region, pl.when(pl.col("shop") != "").then("shop").alias("shop"))


def _empty(taken: Sequence[Taken], period: Period, pile: _Pile) -> OrderguardError:
    days = period.label.replace("_", " – ")
    what = Words(f"台账里没有 {days} 的订单", f"the ledger has no order of {days}")
    fix = Words("先用 orderguard scan 扫描订单", "scan orders first with 'orderguard scan'")
    if pile.last:
        last = f"{max(pile.last).astimezone(ZoneInfo(period.zone)):%Y-%m-%d}"  # the shop's day, as --month and --from mean it
        fix = Words(f"最近的订单在 {last}", f"its last order is of {last}")
    return OrderguardError(Problem(what, ", ".join(t.name for t in taken), fix=fix))
