"""Why a row is set aside or a cell left empty, in words an analyst can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import BLANKS, TIME_COLUMNS, heading
from orderguard.errors import Problem, Words
from orderguard.normalise import dates, minguo, sums
from orderguard.normalise.asides import asides
from orderguard.normalise.recipe import MUST_READ, REJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderguard.normalise.recipe import Recipe

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


_REPUBLIC = Words(
    "像民国年份（114 年是 2025 年）但不能肯定；请写成 2025-11-11，或写明“民國114/11/11”",
    "it may be a year of the Republic of China (114 is 2025), which is not certain; write 2025-11-11, or 民國114/11/11",
)
_SHORTENED = Words(
    "像是 Excel/WPS 把金额显示成“万”，尾数看不见；请把单元格格式改回“常规”再导出",
    "Excel or WPS seems to show amounts in 万 (ten thousands), their ends hidden; set the cells' format to General and export again",
)
_ROUNDED = Words(
    "订单编号被 Excel 改成了科学计数法，尾数已丢失；请重新导出，勿用 Excel 另存",
    "Excel turned the order number into 1.2E+18 and lost its end; export it again and do not save it in Excel",
)
_EXPONENT = r"^\d(?:\.\d+)?[eE]\+?\d{2,}$"
_NO_NUMBER = Words("缺少订单编号；请补上后重扫", "no order number; fill it in and scan again")


def reasons(
    raw: pl.DataFrame,
    frame: pl.DataFrame,
    picked: Mapping[str, pl.Series],
    failed: Mapping[str, pl.Series],
    suspect: pl.Series,
    recipe: Recipe,
    source: str,
    notes: list[Problem],
) -> pl.Series | None:
    """Why a row is set aside, null where it is not, None where no row is; lesser columns' slips become notices.

    Args:
        raw: the table as it was read.
        frame: the same rows in our columns.
        picked: the texts that times and numbers were read from.
        failed: column -> where it could not be read.
        suspect: see `lettered`.
        recipe: how the table was read.
        source: the file, for messages.
        notes: notices are added here.
    """
    if not len(frame):
        return None
    said = pl.Series("reason", [None], dtype=pl.String).new_from_index(0, len(frame))
    for name, unreadable in reversed([*failed.items()]):  # the first that is wrong is told
        if name in MUST_READ:
            said = _unreadable(said, name, picked[name], unreadable, recipe.locale)
    number = frame["order_id"]
    if suspect.any():
        rounded = suspect & number.str.contains(_EXPONENT).fill_null(value=False)
        said = said.set(rounded, _ROUNDED.pick(recipe.locale)) if rounded.any() else said
    if number.null_count():
        said = said.set(number.is_null(), _NO_NUMBER.pick(recipe.locale))
    headings = recipe.picks["order_id"].sources if "order_id" in recipe.picks else ()
    aside = asides(raw, frame, headings, suspect)
    if aside:
        said = said.scatter(list(aside), [words.pick(recipe.locale) for words in aside.values()])
    for name, unreadable in failed.items():
        if name not in MUST_READ:
            notes.append(_left_empty(name, picked[name].filter(unreadable), unreadable, raw["source_row"], source))
    return said if said.null_count() < len(said) else None


def lettered(number: pl.Series) -> pl.Series:
    """Where an order's number is no whole number."""
    return number.is_not_null() & number.cast(pl.Int64, strict=False).is_null()


def without_rounded(text: pl.Series, rows: pl.Series, source: str, notes: list[Problem]) -> pl.Series:
    """Accounts or devices without those that Excel rounded (`1.23E+18`): several would become one, and then a burst."""
    if not ((text >= "0") & (text < ":")).any():  # a sixth of the price of the next look
        return text
    rounded = text.str.contains_any(["E+", "e+"])
    if not rounded.any():
        return text
    rounded = (rounded & text.str.contains(_EXPONENT)).fill_null(value=False)
    if not rounded.any():
        return text
    zh, en = heading(text.name, "zh-CN"), heading(text.name, "en")
    what = Words(
        f"{zh} 有 {rounded.sum()} 个被 Excel 改成了科学计数法（如 '{text.filter(rounded)[0]}'），尾数已丢失，已留空",
        f"{en}: Excel turned {rounded.sum()} values into numbers such as '{text.filter(rounded)[0]}' and lost their ends; left empty",
    )
    fix = Words("请重新导出，勿用 Excel 另存", "export it again and do not save it in Excel")
    notes.append(Problem(what, source, int(rows.filter(rounded)[0]), fix, fatal=False))
    return text.set(rounded, None)


def _unreadable(said: pl.Series, name: str, text: pl.Series, where: pl.Series, locale: str) -> pl.Series:
    what = _WHAT[name].pick(locale)
    shown = text.filter(where).cast(pl.String).str.strip_chars(BLANKS).str.slice(0, 60).to_list()
    told = [
        f"{what}无法读取：'{s}'；{fix}" if locale.startswith("zh") else f"unreadable {what}: '{s}'; {fix}"
        for s, fix in ((s, _fix(name, s).pick(locale)) for s in shown)
    ]
    return said.scatter(where.arg_true(), told)


def _fix(name: str, text: str) -> Words:
    """What to write instead."""
    if name == "amount":
        return _SHORTENED if re.search(sums.SHORTENED, text) else _FIX[name]
    return _REPUBLIC if re.match(minguo.BARE, text) else _FIX[name]


_COUNTS = ("quantity", "prior_orders")


def _left_empty(name: str, values: pl.Series, where: pl.Series, rows: pl.Series, source: str) -> Problem:
    value = str(values[0])[:40]
    what = Words(
        f"“{heading(name, 'zh-CN')}”有 {len(values)} 个值无法读取（如 '{value}'），已留空",
        f"{name}: {len(values)} unreadable values (such as '{value}') left empty",
    )
    counted = Words("应为 2 这样的数字", "write it like 2")
    fix = _fix("paid_at", value) if name in TIME_COLUMNS else counted if name in _COUNTS else _FIX["amount"]
    return Problem(what, source, int(rows.filter(where)[0]), fix, fatal=False)


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


def ambiguous_dates(
    picked: Mapping[str, pl.Series], failed: Mapping[str, pl.Series], rows: pl.Series, source: str
) -> list[Problem]:
    """One problem for a file whose dates may mean two days; not a word where a few odd rows are all there is."""
    name = next(n for n in failed if n in TIME_COLUMNS and dates.numbered(picked[n].filter(failed[n])).any())
    where = failed[name] & dates.numbered(picked[name])
    texts = picked[name].filter(where)
    shown = str(texts[0])[:40]
    what = Words(
        f"“{shown}”这样的日期有 {len(texts)} 处，分不清日在前还是月在前，文件里也没有大于 12 的数可以判断",
        f"{len(texts)} dates such as '{shown}' may mean two days, and no number above 12 tells which",
    )
    fix = Words(
        "请加 --date-order dmy（日/月/年）或 --date-order mdy（月/日/年）再扫",
        "scan again with --date-order dmy (day first) or --date-order mdy (month first)",
    )
    fatal = 2 * len(texts) > len(rows)
    return [Problem(what, source, int(rows.filter(where)[0]), fix, fatal=fatal)]


def unknown_words(unknown: Mapping[str, tuple[int, int]], rows: pl.Series, source: str) -> Problem:
    """A notice of status words that are not known: word -> count, index of the first."""
    most = sorted(unknown.items(), key=lambda kv: (-kv[1][0], kv[0]))
    shown = "、".join(f"{w[:20]}（{n}）" for w, (n, _) in most[:5])
    english = ", ".join(f"'{w[:20]}' ({n})" for w, (n, _) in most[:5])
    what = Words(
        f"有 {len(unknown)} 个不认识的订单状态：{shown}；这些订单照常审核（only_status 只写了平台状态词时除外）",
        f"{len(unknown)} status words are not known: {english}; these orders are audited (unless only_status names platforms' words only)",
    )
    fix = Words("可在自己的平台配置 statuses 里补上", "add them to 'statuses' in a profile of your own")
    return Problem(what, source, int(rows[most[0][1][1]]), fix, fatal=False)


def told_below(count: int, source: str) -> Problem:
    """A notice of item rows that belong to the order above."""
    what = Words(
        f"有 {count} 行没有订单编号、只有商品，按合并单元格归入上一单",
        f"{count} rows hold items without an order number; as merged cells mean it they belong to the order above",
    )
    return Problem(what, source, fatal=False)


def told_republican(name: str, texts: pl.Series, where: pl.Series, rows: pl.Series, source: str) -> Problem:
    """A notice of a column whose bare years were taken for those of the Republic of China."""
    zh, en, shown = heading(name, "zh-CN"), heading(name, "en"), str(texts[0])[:40]
    what = Words(
        f"{zh}整列是三位数的年份（如 '{shown}'），按民国年份读（114 年是 2025 年）",
        f"{en}: the whole column has years of three digits (such as '{shown}'), read as years of the Republic of China (114 is 2025)",
    )
    return Problem(what, source, int(rows.filter(where)[0]), fatal=False)


def told_currency(code: str, source: str) -> Problem:
    """A notice of sums whose currency only the headings' language tells."""
    what = Words(
        f"金额没有写币种；按表头的文字当作 {code}，不当人民币",
        f"no word says the sums' currency; by the language of the headings it is {code}, not yuan",
    )
    fix = Words(
        "不对时在规则表顶层写 currency: CNY", "if that is wrong, write 'currency: CNY' at the top of the rulebook"
    )
    return Problem(what, source, fix=fix, fatal=False)


def told_days(count: int, source: str) -> Problem:
    """A notice of order times that are dates only."""
    what = Words(
        f"有 {count} 单的下单时间只到日、没有时分秒；不足一天的时间窗和钟点规则对它们无法判断",
        f"{count} order times are dates without a time of day: windows under a day and rules about the hour cannot judge these orders",
    )
    fix = Words("导出时选带时分秒的下单时间", "export the order time with hours and minutes")
    return Problem(what, source, fix=fix, fatal=False)
