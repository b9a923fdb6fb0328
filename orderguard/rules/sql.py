"""Conditions in SQL, made into Polars expressions.

sqlglot reads the text; every node of its tree is then looked up in closed lists and typed, so that nothing but the
columns and functions named there can run, and a mistake is told with its position. Three-valued logic throughout: what
depends on an unknown cell is unknown. (Polars' own `sql_expr` says FALSE or a shorter text there: `strpos`, `concat`.)
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl
from sqlglot import parse_one
from sqlglot.errors import SqlglotError

from orderguard.errors import Words
from orderguard.rules.sqlfunctions import Conditions
from orderguard.rules.sqlnodes import COLUMNS, placed

__all__ = ["COLUMNS", "Sql"]

_LONGEST, _DEEPEST = 4000, 60
_SUCH = Words("；例如 amount > 5000 AND hour(paid_at) < 6", "; such as amount > 5000 AND hour(paid_at) < 6")
_SLIPS = (
    ("&&", Words("“&&”写成 AND", "&& should be AND")),
    ("[“”‘’]", Words("中文引号写成英文单引号，如 '杭州'", "use plain single quotes such as '杭州'")),
    ("[＞＜＝！％＋－＊／（），]", Words("全角符号写成半角", "a full-width character should be the plain one")),
    (r"(?:=|<>)\s*NULL\b", Words("与 NULL 比较永远不成立：写 IS NULL 或 IS NOT NULL", "nothing equals NULL: this should be IS NULL or IS NOT NULL")),
    (r"\b(?:now\s*\(|current_(?:date|time(?:stamp)?)\b|getdate\s*\(|today\s*\()", Words("条件里没有“现在”：同一单今天与明天要得出同样的结果；与订单的时间比，如 created_at", "a condition knows no 'now', for an order must be judged alike today and tomorrow: compare with its own times, such as created_at")),
)  # fmt: skip
"""What people write by habit and no SQL of ours reads, and what to write instead."""


class Sql:
    """One condition.

    Args:
        text: the condition.
        zone: in which times are read, and hours and dates counted.

    Raises:
        ValueError: with `Words` that tell position and repair.
    """

    def __init__(self, text: str, zone: str) -> None:
        self.source = text
        if len(text) > _LONGEST:
            raise placed(None, Words(f"超过 {_LONGEST} 字", f"is longer than {_LONGEST} characters"))
        self._no_slips()
        try:
            tree = parse_one(text, read="duckdb")
        except SqlglotError as error:
            raise self._syntax_error(error) from None
        except RecursionError:
            raise placed(None, Words("嵌套过深", "is nested too deep")) from None
        if sum(1 for _ in tree.walk()) > _LONGEST or tree_depth(tree) > _DEEPEST:
            raise placed(None, Words("嵌套过深或过长", "is nested too deep or too long"))
        reader = Conditions(zone)
        part = reader.part(tree)
        if part.type not in {"bool", "null"}:
            raise placed(tree, Words("不是条件（应得出真或假）", "is no condition (it should be true or false)"))
        self.names, self.expr = reader.names, part.expr
        try:  # what only Polars can say: a broken regular expression
            _sample().select(part.expr.cast(pl.Boolean))
        except pl.exceptions.PolarsError as error:
            said = str(error).splitlines()[0][:160]
            raise placed(None, Words(f"无法运行（{said}）", f"cannot run ({said})")) from None

    def _no_slips(self) -> None:
        """Texts in quotes and comments may hold anything."""
        bare = re.sub(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", lambda m: " " * len(m[0]), self.source, flags=re.DOTALL)
        for pattern, told in _SLIPS:
            found = re.search(pattern, bare, re.IGNORECASE)
            if found:
                at = found.start() + 1
                raise ValueError(Words(f"第 {at} 个字：{told.zh}", f"at character {at}: {told.en}"))

    def _syntax_error(self, error: SqlglotError) -> ValueError:
        told = (getattr(error, "errors", None) or [{}])[0]
        column = int(told.get("col") or 0)
        near = str(told.get("highlight") or "")
        open_quote = self.source.count("'") % 2 == 1
        zh = "引号没有配对" if open_quote else f"读不懂“{near}”附近" if near else "读不懂"
        en = "has an open quote" if open_quote else f"cannot be read near '{near}'" if near else "cannot be read"
        at = (f"第 {column} 个字：", f"at character {column}: ") if column else ("", "")
        return ValueError(Words(at[0] + zh + _SUCH.zh, at[1] + en + _SUCH.en))


def tree_depth(node: Any) -> int:
    """How deep a tree is, without recursion."""
    deepest, level = 0, [node]
    while level:
        deepest, level = deepest + 1, [c for n in level for c in n.iter_expressions()]
    return deepest


def _sample() -> pl.DataFrame:
    """One order of which nothing is known."""
    return pl.DataFrame({n: pl.Series([None], dtype=c.dtype) for n, c in COLUMNS.items()})
