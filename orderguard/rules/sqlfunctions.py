"""The functions and operators that a condition may use: what is not in these closed lists cannot run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from sqlglot import exp

from orderguard.errors import Words
from orderguard.rules.sqlnodes import CLOCK, COMPARE, MATHS, Part, Reader, placed

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS = (
    "hour", "minute", "weekday", "day", "month", "year", "date", "length", "lower", "upper", "trim", "left", "right",
    "substring", "replace", "contains", "starts_with", "ends_with", "regexp_matches", "abs", "round", "floor", "ceil",
    "coalesce", "ifnull", "nullif", "greatest", "least", "concat", "if", "cast",
)  # fmt: skip


def _number(make: Callable[[pl.Expr], pl.Expr]) -> Callable[[Reader, Any], Part]:
    return lambda sql, node: Part(make(sql.of(node.this, "number").expr), "number")


def _on_text(make: Callable[..., pl.Expr], type_: str = "text", arguments: str = "") -> Callable[[Reader, Any], Part]:
    return lambda sql, node: sql.text(node, make, type_, arguments)


def _round(sql: Reader, node: Any) -> Part:
    digits = sql.part(node.args["decimals"]).literal if node.args.get("decimals") else 0.0
    return Part(sql.of(node.this, "number").expr.round(int(digits or 0)), "number")


def _nullif(sql: Reader, node: Any) -> Part:
    left, right = sql.alike(node.this, node.expression)
    return Part(pl.when((left.expr != right.expr).fill_null(value=True)).then(left.expr), left.type)


def _concat(sql: Reader, node: Any) -> Part:
    parts = [n.this if isinstance(n, exp.Coalesce) else n for n in node.expressions] or [node.left, node.right]
    if isinstance(node, exp.DPipe) and not all(sql.part(p).type in {"text", "null"} for p in parts):
        raise placed(node.right, Words("“||”用来连接文字；“或者”写成 OR", "|| joins texts; for either write OR"))
    return Part(pl.concat_str([sql.of(p, "text").expr for p in parts]), "text")


def _weekday(sql: Reader, node: Any) -> Part:
    return Part(sql.local(node.expressions[0]).dt.weekday().cast(pl.Float64), "number")


def _extract(sql: Reader, node: Any) -> Part:
    made = {
        "HOUR": exp.Hour,
        "MINUTE": exp.Minute,
        "DAY": exp.Day,
        "MONTH": exp.Month,
        "YEAR": exp.Year,
        "DOW": exp.DayOfWeek,
    }
    part = made.get(str(node.this).upper())
    if part is None:
        raise placed(node, Words("EXTRACT 只认 HOUR、DAY 等", "EXTRACT knows HOUR, DAY and the like"))
    return sql.clock(part(this=node.expression))


NAMED: dict[str, Callable[[Reader, Any], Part]] = {"weekday": _weekday}
NODES: dict[Any, Callable[[Reader, Any], Part]] = {
    exp.Column: Reader.column, exp.Literal: Reader.literal,
    exp.Boolean: lambda _, n: Part(pl.lit(bool(n.this)), "bool"), exp.Null: lambda _, __: Part(pl.lit(None), "null"),
    exp.Paren: lambda s, n: s.part(n.this), exp.And: Reader.both, exp.Or: Reader.both,
    exp.Not: lambda s, n: Part(~s.of(n.this, "bool").expr.cast(pl.Boolean), "bool"),
    **dict.fromkeys(COMPARE, Reader.compare), **dict.fromkeys(MATHS, Reader.maths), **dict.fromkeys(CLOCK, Reader.clock),
    exp.Neg: _number(lambda e: -e), exp.Abs: _number(lambda e: e.abs()), exp.Floor: _number(lambda e: e.floor()),
    exp.Ceil: _number(lambda e: e.ceil()), exp.Round: _round, exp.In: Reader.in_, exp.Between: Reader.between, exp.Is: Reader.is_,
    exp.Like: Reader.like, exp.ILike: Reader.like, exp.Case: Reader.case, exp.If: Reader.case, exp.Coalesce: Reader.any_,
    exp.Greatest: Reader.any_, exp.Least: Reader.any_, exp.Nullif: _nullif, exp.Interval: Reader.interval, exp.Cast: Reader.cast,
    exp.Concat: _concat, exp.DPipe: _concat, exp.Extract: _extract,
    exp.Date: lambda s, n: Part(s.local(n.this).dt.date(), "date"),
    exp.TsOrDsToDate: lambda s, n: Part(s.local(n.this).dt.date(), "date"),
    exp.Length: _on_text(lambda e: e.str.len_chars().cast(pl.Float64), "number"),
    exp.Lower: _on_text(lambda e: e.str.to_lowercase()), exp.Upper: _on_text(lambda e: e.str.to_uppercase()),
    exp.Trim: _on_text(lambda e: e.str.strip_chars()), exp.Left: _on_text(lambda e, n: e.str.head(n), arguments="n"),
    exp.Right: _on_text(lambda e, n: e.str.tail(n), arguments="n"),
    exp.Substring: _on_text(lambda e, a, n=None: e.str.slice(a - 1, n), arguments="nn"),
    exp.Replace: _on_text(lambda e, a, b: e.str.replace_all(a, b, literal=True), arguments="tt"),
    exp.Contains: _on_text(lambda e, t: e.str.contains(t, literal=True), "bool", "t"),
    exp.StartsWith: _on_text(lambda e, t: e.str.starts_with(t), "bool", "t"),
    exp.EndsWith: _on_text(lambda e, t: e.str.ends_with(t), "bool", "t"),
    exp.RegexpLike: _on_text(lambda e, t: e.str.contains(t), "bool", "t"),
}  # fmt: skip


class Conditions(Reader):
    """A reader that knows every function."""

    nodes, named, functions = NODES, NAMED, FUNCTIONS
