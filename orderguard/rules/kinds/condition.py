"""A condition of your own, in SQL.

Flags:
    orders for which `when` is true. It may use every order column and fact (`docs/columns.md`), by name or by its
    Chinese heading; comparison, AND, OR, NOT, IN, BETWEEN, LIKE, CASE, IS NULL, arithmetic, INTERVAL '2 hours';
    and hour minute weekday (1 is Monday) day month year date, length lower upper trim left right substring replace
    contains starts_with ends_with regexp_matches concat, abs round floor ceil, coalesce ifnull nullif greatest least
    if cast. Times are read, and hours counted, in the rulebook's time zone.

Why:
    what no ready-made kind says: a large order at four in the morning, a coupon with a gift card, a promise
    shorter than a night.

Misses:
    conditions over several orders (see velocity), and orders of which a cell that decides is unknown: three-valued
    logic makes them not evaluable, neither flagged nor clean. `coalesce(buyer_note, '') = ''` says what unknown means.

Settings:
    when: the condition itself

自己写条件，用 SQL。

标记什么：
    让 `when` 成立的订单。条件里可用订单的每一列和补充出来的事实（见 `docs/columns.md`），写列名或中文表头都行。
    可用：比较、AND、OR、NOT、IN、BETWEEN、LIKE、CASE、IS NULL、加减乘除、INTERVAL '2 hours'；
    hour minute weekday（1 是星期一）day month year date，length lower upper trim left right substring replace
    contains starts_with ends_with regexp_matches concat，abs round floor ceil，coalesce ifnull nullif greatest
    least if cast。时间按规则表的时区读，钟点也按它数。

为什么：
    现成的类型说不出来的：凌晨四点的大额单、又用券又买礼品卡、承诺时间短得过不了一夜。

漏掉什么：
    要看好几张订单才知道的事（用 velocity）。起决定作用的单元格未知时，按三值逻辑无法判断：既不命中，也不算没问题。
    想规定“未知算什么”，写 `coalesce(buyer_note, '') = ''`。

设置：
    when：条件本身
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl
from pydantic import field_validator

from orderguard.columns import INSTANT, heading
from orderguard.rules.base import Kind
from orderguard.rules.reasons import number, sentence

if TYPE_CHECKING:
    from orderguard.rules.sql import Sql

_SHORT = 60

EXAMPLE = """
- id: night-money
  kind: condition
  with: {when: "amount > 5000 AND hour(paid_at) < 6"}
  points: 20
  flags:
    - {amount: 5000.01, paid_at: 2026-11-11 05:59:59}
  passes:
    - {amount: 5000.01, paid_at: 2026-11-11 06:00:00}
    - {amount: 5000, paid_at: 2026-11-11 05:00:00}
    - {paid_at: 2026-11-11 05:00:00}        # 金额未知：无法判断 / amount unknown: not evaluable
"""


@lru_cache(512)
def _parsed(when: str, zone: str) -> Sql:
    """Read once: a scan asks for names, hits, values and reasons, in pieces of each piece, and reading takes 3 ms."""
    from orderguard.rules.sql import Sql  # noqa: PLC0415

    return Sql(when, zone)


class Condition(Kind):
    """Settings: `when`, the condition."""

    when: str

    @field_validator("when")
    @classmethod
    def _readable(cls, text: str) -> str:
        from orderguard.rules.sql import Sql  # noqa: PLC0415 - sqlglot, only where a rulebook has a condition

        Sql(text, "Asia/Shanghai")
        return text

    def _sql(self) -> Sql:
        return _parsed(self.when, self._around.zone)

    def reads(self) -> set[str]:
        return set(self._sql().names)

    def hit(self) -> pl.Expr:
        return self._sql().expr.cast(pl.Boolean)

    def value(self) -> pl.Expr:
        from orderguard.rules.sql import COLUMNS  # noqa: PLC0415

        numbers = [n for n in self._sql().names if COLUMNS[n].dtype not in (pl.String, INSTANT)]
        return pl.coalesce(*(pl.col(n).cast(pl.Float64) for n in numbers[:1]), pl.lit(1.0))

    def reason(self, locale: str) -> pl.Expr:
        names, zh = self._sql().names[:4], locale.startswith("zh")
        cells = [pl.format(f"{heading(n, locale)} {{}}", self._shown(n, "为空" if zh else "is empty")) for n in names]
        met, said = self._told(locale), self._around.says.strip()[:60]
        # Beside the rule's own words a long condition tells an agent nothing; alone it must be told.
        met = "" if said and len(met) > _SHORT else met[:200]
        if not cells:
            return pl.lit(said or (f"符合 {met}" if zh else f"{met} holds"))
        shown = pl.concat_str(cells, separator="，" if zh else ", ")
        if not said:
            return sentence(locale, "符合 {met}：{shown}", "{met} holds: {shown}", met=met, shown=shown)
        told_zh = "{said}：{shown}" + ("（{met}）" if met else "")
        told_en = "{said}: {shown}" + (" ({met})" if met else "")
        return sentence(locale, told_zh, told_en, said=said, met=met, shown=shown)

    def _told(self, locale: str) -> str:
        """The condition on one line, columns by the names that agents know; texts in quotes stay."""
        parts = " ".join(self.when.split()).split("'")
        spoken = {n: heading(n, locale) for n in self._sql().names}
        if spoken and locale.startswith("zh"):
            names = "|".join([*map(re.escape, spoken.values()), *(rf"\b{n}\b" for n in spoken)])
            parts[::2] = [
                re.sub(names, lambda m: spoken.get(m[0].lower(), m[0]), p, flags=re.IGNORECASE) for p in parts[::2]
            ]
        return "'".join(parts)

    def _shown(self, name: str, empty: str) -> pl.Expr:
        from orderguard.rules.sql import COLUMNS  # noqa: PLC0415

        dtype = COLUMNS[name].dtype
        if dtype == INSTANT:
            text = pl.col(name).dt.convert_time_zone(self._around.zone).dt.strftime("%m-%d %H:%M")
        else:
            text = pl.col(name).str.slice(0, 40) if dtype == pl.String else number(pl.col(name), 2)
        return pl.when(text == "").then(pl.lit(empty)).otherwise(text).fill_null(empty)
