"""One raw table into typed rows: our column names, our types, unreadable rows set aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import polars as pl

from orderguard.columns import LINE_ONLY, MONEY, MONEY_COLUMNS, TEXT_ORDER_COLUMNS, TIME_COLUMNS, schema
from orderguard.columns import ORDERS as ORDER_COLUMNS
from orderguard.errors import Problem, Words
from orderguard.normalise import values

if TYPE_CHECKING:
    from collections.abc import Mapping

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
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {**schema(ORDER_COLUMNS), **_EXTRA}


class _Pick(Protocol):
    @property
    def how(self) -> str: ...
    @property
    def sources(self) -> tuple[str, ...]: ...
    @property
    def pattern(self) -> str: ...


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
    """

    platform: str
    picks: Mapping[str, _Pick]
    blanks: tuple[str, ...] = ()
    zone: str = "Asia/Shanghai"
    locale: str = "zh-CN"
    date_order: values.DateOrder | None = None


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
    raw = raw.rechunk()
    used = list(dict.fromkeys(s for p in recipe.picks.values() for s in p.sources))
    cleaned = values.clean(raw.select(used))
    picked = pl.DataFrame([raw["source_row"], *(_pick(n, p, raw, cleaned, recipe) for n, p in recipe.picks.items())])
    notes: list[Problem] = []
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
    frame = pl.DataFrame(columns)
    frame = frame.with_columns(pl.lit(source).alias("source_file"))
    frame = _platform(frame, recipe)
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in _SCHEMA.items() if n not in frame.columns]
    frame = frame.with_columns(missing).select([pl.col(n).cast(t) for n, t in _SCHEMA.items()])
    reason = _reasons(frame, picked, failed, recipe, source, notes)
    bad = reason.is_not_null()
    if not bad.any():
        return Typed(frame, pl.DataFrame(schema=REJECTS), notes)
    return Typed(frame.filter(~bad), reject_frame(raw.filter(bad), source, reason.filter(bad)), notes)


def reject_frame(raw: pl.DataFrame, source: str, reason: pl.Series) -> pl.DataFrame:
    """Rejected rows with their cells as a JSON object of the filled ones."""
    cells = [
        {k: str(v) for k, v in row.items() if v is not None} for row in raw.drop("source_row").iter_rows(named=True)
    ]
    from json import dumps  # noqa: PLC0415 - only when something was rejected

    return pl.DataFrame(
        {
            "source_file": [source] * len(raw),
            "source_row": raw["source_row"],
            "reason": reason,
            "cells": [dumps(c, ensure_ascii=False)[:8_000] for c in cells],
        },
        schema=REJECTS,
    )


def _pick(name: str, pick: _Pick, raw: pl.DataFrame, cleaned: pl.DataFrame, recipe: Recipe) -> pl.Series:
    types = {raw.schema[s] for s in pick.sources}
    if len(types) == 1 and pl.String not in types:
        return pl.select(pl.coalesce([pl.lit(raw[s]) for s in pick.sources])).to_series().alias(name)
    texts = [_without(cleaned[s], recipe.blanks) for s in pick.sources]
    if pick.how == "extract":
        return texts[0].str.extract(pick.pattern).alias(name)
    if pick.how == "any_amount":
        some = [pl.when(values.money(t) > 0).then(t) for t in texts]
        return pl.select(pl.coalesce(some)).to_series().alias(name)
    if len(texts) == 1:
        return texts[0].alias(name)
    if pick.how == "join":
        joined = pl.select(pl.concat_str([pl.lit(t) for t in texts], separator=" ", ignore_nulls=True)).to_series()
        return joined.set(joined == "", None).alias(name)
    return pl.select(pl.coalesce([pl.lit(t) for t in texts])).to_series().alias(name)


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
    no_id = frame["order_id"].is_null()
    parts.append(
        pl.when(pl.lit(no_id)).then(
            pl.lit("缺少订单编号；请补上后重扫" if zh else "no order number; fill it in and scan again")
        )
    )
    told = {
        r"^(?:合计|总计|小计|汇总|total|totals|sum)[:：]?$": Words("合计行，不是订单", "a totals row, not an order"),
        r"^\d(?:\.\d+)?[eE]\+?\d{2,}$": Words(
            "订单编号被 Excel 改成了科学计数法，尾数已丢失；请重新导出，勿用 Excel 另存",
            "Excel turned the order number into 1.2E+18 and lost its end; export it again and do not save it in Excel",
        ),
    }
    for pattern, words in told.items():
        parts.append(
            pl.when(pl.lit(frame["order_id"].str.to_lowercase().str.contains(pattern))).then(
                pl.lit(words.pick(recipe.locale))
            )
        )
    again = frame["order_id"].is_in(list(recipe.picks["order_id"].sources)) if "order_id" in recipe.picks else None
    if again is not None:
        words = Words("重复的表头，不是订单", "the header again, not an order")
        parts.insert(1, pl.when(pl.lit(again)).then(pl.lit(words.pick(recipe.locale))))
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
    return pl.select(pl.coalesce(parts)).to_series() if len(frame) else pl.Series([], dtype=pl.String)


__all__ = ["LINE_ONLY", "REJECTS", "Recipe", "Typed", "reject_frame", "type_table"]
assert set(TEXT_ORDER_COLUMNS) <= set(_SCHEMA)  # noqa: S101 - a spelling slip here would lose a column
