"""One raw table into typed rows: our column names, our types, unreadable rows set aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import polars as pl

from orderguard.columns import LINE_ONLY, MONEY, MONEY_COLUMNS, TEXT_ORDER_COLUMNS, TIME_COLUMNS, schema
from orderguard.columns import ORDERS as ORDER_COLUMNS
from orderguard.errors import Problem, Words
from orderguard.normalise import dates, sums, values
from orderguard.normalise.asides import asides
from orderguard.normalise.items import continued, spread
from orderguard.normalise.status import StatusWords, stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MUST_READ = ("amount", "created_at", "paid_at")
_KEEP_EMPTY = ("coupon", "buyer_note", "seller_note")
_NO_COUPON = ("0", "0.0", "0.00", "无", "否", "-", "未使用", "no", "none", "false", "n", "没有", "——", "null", "nan")
_NO_DATE = (
    "0000-00-00 00:00:00",
    "0000-00-00",
    "-",
    "--",
    "——",
    "null",
    "NULL",
    "None",
    "无",
    "/",
    "NaT",
    "nan",
    "N/A",
)
_NO_KEY = ("-", "--", "——", "null", "NULL", "None", "none", "nan", "NaN", "N/A", "n/a", "无", "未知", "unknown", "/")
_KEYS = ("ip", "device_id", "buyer_id", "email", "receiver_phone")

REJECTS = {"source_file": pl.String, "source_row": pl.Int64, "reason": pl.String, "cells": pl.String}
_EXTRA: dict[str, pl.DataType | type[pl.DataType]] = {
    "line_id": pl.String,
    "sku": pl.String,
    "title": pl.String,
    "quantity": pl.Float64,
    "unit_price": MONEY,
}
ADDED = "_added"
"""True in rows made of a row that holds several items: they count as no rows of the file."""
ITEMS = "_items"
"""True in rows of a file that tells items only: beside the order's own row they are its lines and nothing else."""
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **schema(ORDER_COLUMNS),
    **_EXTRA,
    ITEMS: pl.Boolean,
    ADDED: pl.Boolean,
}


class _Pick(Protocol):
    @property
    def how(self) -> str: ...
    @property
    def sources(self) -> tuple[str, ...]: ...
    @property
    def pattern(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def less(self) -> int: ...
    @property
    def trim(self) -> str: ...
    @property
    def then(self) -> _Pick | None: ...
    def all_sources(self) -> tuple[str, ...]: ...


@dataclass
class Recipe:
    """How to read one table.

    Attributes:
        platform: value of `platform` where no column gives it.
        picks: canonical column -> where it comes from.
        blanks: words that mean nothing in this table.
        zone: time zone of times without one.
        locale: language of the reasons.
        date_order: `day` or `month` first, when the user says so.
        date_hint: what the platform does, where neither the user nor the file's own values settle it.
        status: what the status words mean.
        items: the rows are items of orders that another file may tell of.
        split: what joins several items in one cell.
        packed: headings that begin so hold an item each.
    """

    platform: str
    picks: Mapping[str, _Pick]
    blanks: tuple[str, ...] = ()
    zone: str = "Asia/Shanghai"
    locale: str = "zh-CN"
    date_order: dates.DateOrder | None = None
    date_hint: dates.DateOrder | None = None
    status: StatusWords | None = None
    items: bool = False
    split: str = ""
    packed: str = ""


@dataclass
class Typed:
    """One table in our types.

    Attributes:
        rows: all columns of orders, then `line_id sku title quantity unit_price`; one row per row of the file.
        rejects: `source_file source_row reason cells`.
        notes: values that were left empty because they could not be read, one notice per column.
    """

    rows: pl.DataFrame
    rejects: pl.DataFrame
    notes: list[Problem] = field(default_factory=list)


def type_table(raw: pl.DataFrame, source: str, recipe: Recipe) -> Typed:
    """Read one raw table (text columns and `source_row`) by its recipe."""
    raw, below = continued(raw, recipe.picks)
    raw, recipe, added = spread(raw, recipe, recipe.split, recipe.packed)
    raw = raw.rechunk()
    told = recipe.status.headings() if recipe.status else ()
    used = list(dict.fromkeys([*(s for p in recipe.picks.values() for s in p.all_sources()), *told]))
    cleaned = values.clean(raw.select(_as_text(raw, recipe.picks.values(), told)))
    picked = pl.DataFrame([raw["source_row"], *(_pick(n, p, raw, cleaned, recipe) for n, p in recipe.picks.items())])
    notes: list[Problem] = [_below(below, source)] if below else []
    failed: dict[str, pl.Series] = {}
    columns: dict[str, pl.Series] = {}
    for name in picked.columns:
        text = picked[name]
        read = _typed(name, text, recipe)
        columns[name] = read
        if name in TIME_COLUMNS or name in MONEY_COLUMNS or name in {"prior_orders", "quantity", "unit_price"}:
            unreadable = text.is_not_null() & read.is_null()
            if unreadable.any():
                failed[name] = unreadable
    if failed and _settled_dates(picked, columns, failed, recipe):
        notes += ambiguous_dates(picked, failed, source)
    frame = pl.DataFrame([*columns.values(), *_told_otherwise(raw, cleaned, picked, recipe, source, notes)])
    frame = frame.with_columns(pl.lit(source).alias("source_file"), pl.lit(recipe.items).alias(ITEMS))
    frame = frame.with_columns(pl.lit(value=False).alias(ADDED) if added is None else added.alias(ADDED))
    frame = _platform(frame, recipe)
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in _SCHEMA.items() if n not in frame.columns]
    frame = frame.with_columns(missing).select([pl.col(n).cast(t) for n, t in _SCHEMA.items()])
    reason = _reasons(raw, frame, picked, failed, recipe, source, notes)
    bad = reason.is_not_null()
    if not bad.any():
        return Typed(frame, pl.DataFrame(schema=REJECTS), notes)
    rejects = reject_frame(raw.filter(bad & ~frame[ADDED]), source, reason.filter(bad & ~frame[ADDED]), used)
    if added is not None:  # with its row go the items made of it
        bad = bad | (added & raw["source_row"].is_in(rejects["source_row"].implode()))
    return Typed(frame.filter(~bad), rejects, notes)


def _as_text(raw: pl.DataFrame, picks: Iterable[_Pick | None], told: Sequence[str]) -> list[str]:
    """Headings whose cells are wanted as text: not those that a file with types has read already."""
    names = [s for s in told if s in raw.columns]
    for pick in picks:
        step = pick
        while step is not None:
            types = {raw.schema[s] for s in step.sources}
            names += step.sources if len(types) != 1 or pl.String in types else ()
            step = step.then
    return list(dict.fromkeys(names))


def _below(count: int, source: str) -> Problem:
    what = Words(
        f"有 {count} 行没有订单编号、只有商品，按合并单元格归入上一单",
        f"{count} rows hold items without an order number; as merged cells mean it they belong to the order above",
    )
    return Problem(what, source, fatal=False)


def reject_frame(raw: pl.DataFrame, source: str, reason: pl.Series, used: Sequence[str] = ()) -> pl.DataFrame:
    """Rejected rows with their cells as a JSON object: the filled ones, and blank ones that are read (`used`).

    So a corrected row can be read again: a blank note stays a blank note and does not become one that was not exported.
    """
    kept = set(used)
    cells = [
        {k: "" if v is None else str(v)[:2_000] for k, v in row.items() if v is not None or k in kept}
        for row in raw.drop("source_row").iter_rows(named=True)
    ]
    from json import dumps  # noqa: PLC0415 - only when something was rejected

    return pl.DataFrame(
        {
            "source_file": [source] * len(raw),
            "source_row": raw["source_row"],
            "reason": reason,
            "cells": [dumps(c, ensure_ascii=False)[:32_000] for c in cells],
        },
        schema=REJECTS,
    )


def _settled_dates(
    picked: pl.DataFrame, columns: dict[str, pl.Series], failed: dict[str, pl.Series], recipe: Recipe
) -> bool:
    """Read the times again by what the whole file tells of day and month; True when dates are left that nothing settles."""
    late = [n for n in failed if n in TIME_COLUMNS and picked.schema[n] == pl.String]
    late = [n for n in late if dates.numbered(picked[n].filter(failed[n])).any()]
    if not late or recipe.date_order:
        return False
    order = dates.settle(picked[n] for n in picked.columns if n in TIME_COLUMNS) or recipe.date_hint
    if order is None:
        return True
    for name in late:
        columns[name] = values.times(_without(picked[name], _NO_DATE), recipe.zone, order)
        failed[name] = picked[name].is_not_null() & columns[name].is_null()
        if not failed[name].any():
            del failed[name]
    return False


def ambiguous_dates(picked: pl.DataFrame, failed: Mapping[str, pl.Series], source: str) -> list[Problem]:
    """One problem for a file whose dates may mean two days; not a word where a few odd rows are all there is."""
    name = next(n for n in failed if n in TIME_COLUMNS and dates.numbered(picked[n].filter(failed[n])).any())
    rows = picked.filter(failed[name] & dates.numbered(picked[name]))
    shown = str(rows[name][0])[:40]
    what = Words(
        f"“{shown}”这样的日期有 {len(rows)} 处，分不清日在前还是月在前，文件里也没有大于 12 的数可以判断",
        f"{len(rows)} dates such as '{shown}' may mean two days, and no number above 12 tells which",
    )
    fix = Words(
        "请加 --date-order dmy（日/月/年）或 --date-order mdy（月/日/年）再扫",
        "scan again with --date-order dmy (day first) or --date-order mdy (month first)",
    )
    fatal = 2 * len(rows) > len(picked)
    return [Problem(what, source, int(rows["source_row"][0]), fix, fatal=fatal)]


def _told_otherwise(
    raw: pl.DataFrame, cleaned: pl.DataFrame, picked: pl.DataFrame, recipe: Recipe, source: str, notes: list[Problem]
) -> list[pl.Series]:
    """Columns that other columns tell: the stage of an order, and the currency that stands beside an amount."""
    more = []
    if recipe.status is not None:
        status = picked["status"] if "status" in picked.columns else None
        stage, unknown = stages(status, cleaned, recipe.status)
        more.append(stage)
        if unknown:
            notes.append(_unknown_words(unknown, raw["source_row"], source))
    if "currency" not in picked.columns and "amount" in picked.columns and picked.schema["amount"] == pl.String:
        currency = sums.currency(picked["amount"])
        more += [] if currency is None else [currency.alias("currency")]
    return more


def _unknown_words(unknown: Mapping[str, tuple[int, int]], rows: pl.Series, source: str) -> Problem:
    most = sorted(unknown.items(), key=lambda kv: (-kv[1][0], kv[0]))
    shown = "、".join(f"{w[:20]}（{n}）" for w, (n, _) in most[:5])
    english = ", ".join(f"'{w[:20]}' ({n})" for w, (n, _) in most[:5])
    what = Words(
        f"有 {len(unknown)} 个不认识的订单状态：{shown}；这些订单照常审核",
        f"{len(unknown)} status words are not known: {english}; these orders are audited",
    )
    fix = Words("可在自己的平台配置 statuses 里补上", "add them to 'statuses' in a profile of your own")
    return Problem(what, source, int(rows[most[0][1][1]]), fix, fatal=False)


def _pick(name: str, pick: _Pick, raw: pl.DataFrame, cleaned: pl.DataFrame, recipe: Recipe) -> pl.Series:
    own = _own_pick(name, pick, raw, cleaned, recipe)
    if pick.trim and own.dtype == pl.String:
        own = own.str.replace(pick.trim, "")
    if pick.then is None or not own.null_count():
        return own
    rest = _pick(name, pick.then, raw, cleaned, recipe)
    if rest.dtype != own.dtype:
        own, rest = own.cast(pl.String), rest.cast(pl.String)
    return pl.select(pl.coalesce(pl.lit(own), pl.lit(rest))).to_series().alias(name)


def _own_pick(  # noqa: PLR0911 - one line per way
    name: str, pick: _Pick, raw: pl.DataFrame, cleaned: pl.DataFrame, recipe: Recipe
) -> pl.Series:
    types = {raw.schema[s] for s in pick.sources}
    if len(types) == 1 and pl.String not in types:
        return pl.select(pl.coalesce([pl.lit(raw[s]) for s in pick.sources])).to_series().alias(name)
    texts = [_without(cleaned[s], recipe.blanks) for s in pick.sources]
    if pick.how == "extract":
        return _extracted(texts[0], pick).alias(name)
    if pick.how == "sum":
        return _added(texts, pick.less).alias(name)
    if pick.how == "any_amount":
        some = [pl.when(values.money(t) > 0).then(t) for t in texts]
        return pl.select(pl.coalesce(some)).to_series().alias(name)
    if len(texts) == 1:
        return texts[0].alias(name)
    if pick.how == "join":
        joined = pl.select(pl.concat_str([pl.lit(t) for t in texts], separator=" ", ignore_nulls=True)).to_series()
        return joined.set(joined == "", None).alias(name)
    return pl.select(pl.coalesce([pl.lit(t) for t in texts])).to_series().alias(name)


def _extracted(text: pl.Series, pick: _Pick) -> pl.Series:
    if not pick.form:
        return text.str.extract(pick.pattern)
    found = text.str.contains(pick.pattern)
    whole = text.str.extract(f"({pick.pattern})").str.replace(pick.pattern, pick.form)
    return pl.select(pl.when(found).then(whole)).to_series()


def _added(texts: list[pl.Series], less: int) -> pl.Series:
    """Amounts added up, those of the last columns subtracted whatever their sign; null where no cell is filled."""
    amounts = [values.money(_without(t, _NO_KEY)).fill_null(0) for t in texts]
    plus, minus = amounts[: len(amounts) - less], amounts[len(amounts) - less :]
    total = pl.select(
        pl.sum_horizontal(plus) - (pl.sum_horizontal([pl.lit(m).abs() for m in minus]) if minus else 0)
    ).to_series()
    filled = pl.select(pl.any_horizontal([pl.lit(t).is_not_null() for t in texts[: len(texts) - less]])).to_series()
    return pl.select(pl.when(filled).then(pl.lit(total.cast(MONEY)))).to_series()


def _typed(  # noqa: PLR0911 - one line per type
    name: str, text: pl.Series, recipe: Recipe
) -> pl.Series:
    if name in TIME_COLUMNS:
        return values.times(_without(text, _NO_DATE), recipe.zone, recipe.date_order)
    if name in MONEY_COLUMNS or name == "unit_price":
        return values.money(_without(text, _NO_KEY))
    if name == "prior_orders":
        return values.whole(_without(text, _NO_KEY))
    if name == "quantity":
        return _without(text, _NO_KEY).cast(pl.Float64, strict=False)
    if name == "source_row":
        return text
    text = text.cast(pl.String)
    if name == "coupon":
        return _without(text, _NO_COUPON, fold=True).fill_null("")
    if name in _KEEP_EMPTY:
        return text.fill_null("")
    if name in _KEYS:
        known = _without(text, _NO_KEY)
        return values.ips(known) if name == "ip" else known
    return text


def _without(text: pl.Series, words: tuple[str, ...], *, fold: bool = False) -> pl.Series:
    if text.dtype != pl.String or not words:
        return text
    compared = text.str.to_lowercase() if fold else text
    none = compared.is_in(list(words)).fill_null(value=False)
    return text.set(none, None) if none.any() else text


def _platform(frame: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    own = pl.lit(recipe.platform)
    if "platform" in frame.columns:
        return frame.with_columns(pl.coalesce(pl.col("platform").cast(pl.String), own).alias("platform"))
    return frame.with_columns(own.alias("platform"))


_WHAT = {
    "amount": Words("金额", "amount"),
    "created_at": Words("下单时间", "order time"),
    "paid_at": Words("付款时间", "payment time"),
}
_FIX = {
    "amount": Words("应为 299.00 这样的数字", "write it like 299.00"),
    "created_at": Words(
        "应为 2026-11-11 00:03:05；日月次序不明时用 --date-order",
        "write it like 2026-11-11 00:03:05; or settle the order of day and month with --date-order",
    ),
}
_FIX["paid_at"] = _FIX["created_at"]


def _reasons(
    raw: pl.DataFrame,
    frame: pl.DataFrame,
    picked: pl.DataFrame,
    failed: dict[str, pl.Series],
    recipe: Recipe,
    source: str,
    notes: list[Problem],
) -> pl.Series:
    """Why a row is set aside, null where it is not; unreadable values of lesser columns become notices."""
    zh = recipe.locale.startswith("zh")
    parts: list[pl.Expr] = []
    if frame["order_id"].null_count():
        parts.append(
            pl.when(pl.lit(frame["order_id"].is_null())).then(
                pl.lit("缺少订单编号；请补上后重扫" if zh else "no order number; fill it in and scan again")
            )
        )
    told = {
        r"^\d(?:\.\d+)?[eE]\+?\d{2,}$": Words(
            "订单编号被 Excel 改成了科学计数法，尾数已丢失；请重新导出，勿用 Excel 另存",
            "Excel turned the order number into 1.2E+18 and lost its end; export it again and do not save it in Excel",
        ),
    }
    for pattern, words in told.items():
        hit = frame["order_id"].str.contains(pattern)
        parts += [pl.when(pl.lit(hit)).then(pl.lit(words.pick(recipe.locale)))] if hit.any() else []
    headings = recipe.picks["order_id"].sources if "order_id" in recipe.picks else ()
    aside = asides(raw, frame, headings)
    if aside:
        said = pl.Series([None] * len(frame), dtype=pl.String)
        said = said.scatter(list(aside), [words.pick(recipe.locale) for words in aside.values()])
        parts.insert(0, pl.lit(said))
    for name, unreadable in failed.items():
        if name in _MUST_READ:
            what, fix = _WHAT[name].pick(recipe.locale), _FIX[name].pick(recipe.locale)
            shown = picked[name].cast(pl.String).str.slice(0, 60)
            text = pl.format(
                "{}无法读取：'{}'；{}" if zh else "unreadable {}: '{}'; {}", pl.lit(what), pl.lit(shown), pl.lit(fix)
            )
            parts.append(pl.when(pl.lit(unreadable)).then(text))
        else:
            at = int(picked.filter(unreadable)["source_row"][0])
            value = str(picked.filter(unreadable)[name][0])[:40]
            count = int(unreadable.sum())
            notes.append(
                Problem(
                    Words(
                        f"{name} 有 {count} 个值无法读取（如 '{value}'），已留空",
                        f"{name}: {count} unreadable values (such as '{value}') left empty",
                    ),
                    source,
                    at,
                    fatal=False,
                )
            )
    if not parts or frame.is_empty():
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(frame))
    return pl.select(pl.coalesce(parts)).to_series()


__all__ = ["LINE_ONLY", "REJECTS", "Recipe", "Typed", "reject_frame", "type_table"]
assert set(TEXT_ORDER_COLUMNS) <= set(_SCHEMA)  # noqa: S101 - a spelling slip here would lose a column
