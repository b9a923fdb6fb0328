"""Conditions in SQL, made into Polars expressions.

sqlglot reads the text; every node of its tree is then looked up in closed lists and typed, so that nothing but the
columns and functions named here can run, and a mistake is told with its position. Three-valued logic throughout: what
depends on an unknown cell is unknown. (Polars' own `sql_expr` says FALSE or a shorter text there: `strpos`, `concat`.)
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mod, mul, ne, or_, sub, truediv
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from orderguard.columns import FACTS, INSTANT, ORDERS, to_the_day
from orderguard.errors import Words, closest

if TYPE_CHECKING:
    from collections.abc import Callable

_HIDDEN = {"source_file", "source_row"}
COLUMNS = {c.name: c for c in (*ORDERS, *FACTS) if c.name not in _HIDDEN}
_BY_HEADING = {c.zh.replace(" ", ""): c.name for c in reversed(list(COLUMNS.values()))}
FUNCTIONS = (
    "hour", "minute", "weekday", "day", "month", "year", "date", "length", "lower", "upper", "trim", "left", "right",
    "substring", "replace", "contains", "starts_with", "ends_with", "regexp_matches", "abs", "round", "floor", "ceil",
    "coalesce", "ifnull", "nullif", "greatest", "least", "concat", "if", "cast",
)  # fmt: skip
_TYPES = {"bool": ("真假值", "true or false"), "number": ("数字", "a number"), "text": ("文字", "text"),
          "time": ("时间", "a time"), "date": ("日期", "a date"), "span": ("时长", "a length of time")}  # fmt: skip
_COMPARE = {exp.EQ: eq, exp.NEQ: ne, exp.GT: gt, exp.GTE: ge, exp.LT: lt, exp.LTE: le}
_MATHS = {exp.Add: add, exp.Sub: sub, exp.Mul: mul, exp.Div: truediv, exp.Mod: mod}
_CLOCK = {exp.Hour: "hour", exp.Minute: "minute", exp.Day: "day", exp.Month: "month", exp.Year: "year",
          exp.DayOfWeek: "weekday", exp.DayOfWeekIso: "weekday"}  # fmt: skip
_UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "WEEK": 604_800}
_LONGEST, _DEEPEST = 4000, 60


class Part(NamedTuple):
    """A piece of a condition: its expression, its type (a key of `_TYPES`, or `null`), its literal if it is one."""

    expr: pl.Expr
    type: str
    literal: Any = None


class Sql:
    """One condition.

    Args:
        text: the condition.
        zone: in which times are read, and hours and dates counted.

    Raises:
        ValueError: with `Words` that tell position and repair.
    """

    def __init__(self, text: str, zone: str) -> None:
        self.source, self.zone = text, zone
        self.names: list[str] = []
        if len(text) > _LONGEST:
            raise self.wrong(None, Words(f"超过 {_LONGEST} 字", f"is longer than {_LONGEST} characters"))
        try:
            tree = parse_one(text, read="duckdb")
        except SqlglotError as error:
            raise self._unread(error) from None
        except RecursionError:
            raise self.wrong(None, Words("嵌套过深", "is nested too deep")) from None
        if sum(1 for _ in tree.walk()) > _LONGEST or tree_depth(tree) > _DEEPEST:
            raise self.wrong(None, Words("嵌套过深或过长", "is nested too deep or too long"))
        part = self.part(tree)
        if part.type not in {"bool", "null"}:
            raise self.wrong(tree, Words("不是条件（应得出真或假）", "is no condition (it should be true or false)"))
        self.expr = part.expr
        try:  # what only Polars can say: a broken regular expression
            _sample().select(part.expr.cast(pl.Boolean))
        except pl.exceptions.PolarsError as error:
            said = str(error).splitlines()[0][:160]
            raise self.wrong(None, Words(f"无法运行（{said}）", f"cannot run ({said})")) from None

    def _unread(self, error: SqlglotError) -> ValueError:
        told = (getattr(error, "errors", None) or [{}])[0]
        column = int(told.get("col") or 0)
        near = str(told.get("highlight") or "")
        open_quote = self.source.count("'") % 2 == 1
        zh = "引号没有配对" if open_quote else f"读不懂“{near}”附近" if near else "读不懂"
        en = "has an open quote" if open_quote else f"cannot be read near '{near}'" if near else "cannot be read"
        at = (f"第 {column} 个字：", f"at character {column}: ") if column else ("", "")
        hint = Words("；例如 amount > 5000 AND hour(paid_at) < 6", "; such as amount > 5000 AND hour(paid_at) < 6")
        return ValueError(Words(at[0] + zh + hint.zh, at[1] + en + hint.en))

    def wrong(self, node: Any | None, what: Words) -> ValueError:
        """An error at the place of `node`, or of the nearest thing in it that has a place."""
        places = [n.meta["start"] for n in node.walk() if "start" in n.meta] if node is not None else []
        if not places:
            return ValueError(what)
        at = min(places) + 1
        return ValueError(Words(f"第 {at} 个字：{what.zh}", f"at character {at}: {what.en}"))

    def part(self, node: Any) -> Part:
        known = _NODES.get(type(node))
        if known is None:
            name = str(node.this) if isinstance(node, exp.Anonymous) else type(node).__name__
            if isinstance(node, exp.Func):
                name = name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
                special = _ANONYMOUS.get(name.lower())
                if special is not None:
                    return special(self, node)
                hint = closest(name.lower(), list(FUNCTIONS))
                raise self.wrong(node, Words(f"没有函数 {name}()；{hint.zh}", f"no function {name}(); {hint.en}"))
            raise self.wrong(node, Words(f"条件里不能用 {name}", f"{name} is not allowed in a condition"))
        return known(self, node)

    def of(self, node: Any, *types: str) -> Part:
        """A part that must have one of the types; a text literal is read as a time where one is wanted."""
        part = self.part(node)
        if part.type in {*types, "null"}:
            return part
        if part.type == "text" and part.literal is not None and types[0] in {"time", "date"}:
            return self._instant(node, part.literal, types[0])
        wanted, got = _TYPES[types[0]], _TYPES[part.type]
        what = Words(f"这里应为{wanted[0]}，{node.sql()} 是{got[0]}", f"{node.sql()} is {got[1]}, not {wanted[1]}")
        raise self.wrong(node, what)

    def _instant(self, node: Any, text: str, kind: str) -> Part:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            what = Words(f"'{text}' 不是时间，如 '2026-11-11 00:00'", f"'{text}' is no time such as '2026-11-11 00:00'")
            raise self.wrong(node, what) from None
        if kind == "date":
            return Part(pl.lit(moment.date()), "date")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.zone))
        micros = round(moment.timestamp() * 1_000_000)
        return Part(pl.lit(micros, dtype=pl.Int64).cast(INSTANT), "time")

    def column(self, node: Any) -> Part:
        name = node.name if node.name in COLUMNS else node.name.lower()
        name = name if name in COLUMNS else _BY_HEADING.get(node.name, name)
        if name not in COLUMNS or node.args.get("table"):
            hint = closest(name, [*COLUMNS, *_BY_HEADING])
            raise self.wrong(node, Words(f"没有列 {node.sql()}；{hint.zh}", f"no column {node.sql()}; {hint.en}"))
        self.names += [name] if name not in self.names else []
        dtype = COLUMNS[name].dtype
        if dtype == pl.String:
            return Part(pl.col(name), "text")
        return Part(pl.col(name), "time") if dtype == INSTANT else Part(pl.col(name).cast(pl.Float64), "number")

    def literal(self, node: Any) -> Part:
        if node.args.get("is_string"):
            return Part(pl.lit(node.this, dtype=pl.String), "text", node.this)
        return Part(pl.lit(float(node.this)), "number", float(node.this))

    def alike(self, *nodes: Any) -> list[Part]:
        """Parts of one type: the first that is no literal says which."""
        parts = [self.part(n) for n in nodes]
        kinds = [p.type for p in parts if p.type != "null" and p.literal is None] or [
            p.type for p in parts if p.type != "null"
        ]
        return [self.of(n, kinds[0]) for n in nodes] if kinds else parts

    def compare(self, node: Any) -> Part:
        left, right = self.alike(node.left, node.right)
        return Part(_COMPARE[type(node)](left.expr, right.expr), "bool")

    def both(self, node: Any) -> Part:
        parts = [self.of(n, "bool").expr.cast(pl.Boolean) for n in (node.left, node.right)]
        return Part((and_ if isinstance(node, exp.And) else or_)(*parts), "bool")

    def maths(self, node: Any) -> Part:
        left, right = self.part(node.left), self.part(node.right)
        kinds, minus = (left.type, right.type), isinstance(node, exp.Sub)
        if minus and kinds in {("time", "time"), ("span", "span")}:
            return Part(left.expr - right.expr, "span")
        if minus and kinds == ("date", "date"):
            return Part((left.expr - right.expr).dt.total_days().cast(pl.Float64), "number")
        if kinds in {("time", "span"), ("span", "span")} and isinstance(node, exp.Add | exp.Sub):
            return Part((sub if minus else add)(left.expr, right.expr), left.type)
        left, right = self.of(node.left, "number"), self.of(node.right, "number")
        below = right.expr
        if isinstance(node, exp.Div | exp.Mod):  # by zero: unknown
            below = pl.when(below != 0).then(below)
        return Part(_MATHS[type(node)](left.expr, below), "number")

    def in_(self, node: Any) -> Part:
        if node.args.get("query") or node.args.get("unnest") or not node.expressions:
            raise self.wrong(node, Words("IN 后应为括号里的值", "IN needs values in brackets"))
        first, *others = self.alike(node.this, *node.expressions)
        return Part(reduce(or_, (first.expr == o.expr for o in others)), "bool")

    def between(self, node: Any) -> Part:
        it, low, high = self.alike(node.this, node.args["low"], node.args["high"])
        return Part((it.expr >= low.expr) & (it.expr <= high.expr), "bool")

    def is_(self, node: Any) -> Part:
        right = node.expression
        if isinstance(right, exp.Null):
            return Part(self.part(node.this).expr.is_null(), "bool")
        if isinstance(right, exp.Boolean):
            return Part(self.of(node.this, "bool").expr.eq_missing(pl.lit(bool(right.this))), "bool")
        raise self.wrong(node, Words("IS 后只能是 NULL、TRUE、FALSE", "IS takes NULL, TRUE or FALSE"))

    def like(self, node: Any) -> Part:
        text, pattern = self.of(node.this, "text"), self.of(node.expression, "text").literal
        if pattern is None:
            raise self.wrong(node.expression, Words("LIKE 后应为引号里的文字", "LIKE needs a text in quotes"))
        body = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
        found = text.expr.str.contains(("(?is)^" if isinstance(node, exp.ILike) else "(?s)^") + body + "$")
        return Part(~found if node.args.get("negate") else found, "bool")

    def case(self, node: Any) -> Part:
        subject = node.args.get("this") if isinstance(node, exp.Case) else None
        branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        other = node.args.get("default") if isinstance(node, exp.Case) else node.args.get("false")
        whens = [
            exp.EQ(this=subject.copy(), expression=b.this.copy()) if subject is not None else b.this for b in branches
        ]
        tests = [self.of(w, "bool").expr for w in whens]
        results = self.alike(*[b.args["true"] for b in branches], *([other] if other is not None else []))
        out = results[len(branches)].expr if other is not None else pl.lit(None)
        for test, result in reversed(list(zip(tests, results, strict=False))):
            out = pl.when(test).then(result.expr).otherwise(out)
        return Part(out, next((r.type for r in results if r.type != "null"), "null"))

    def any_(self, node: Any) -> Part:
        parts = self.alike(node.this, *node.expressions)
        kind = next((p.type for p in parts if p.type != "null"), "null")
        exprs = [p.expr for p in parts]
        if isinstance(node, exp.Coalesce):
            return Part(pl.coalesce(exprs), kind)
        unknown = reduce(or_, (e.is_null() for e in exprs))
        most = (pl.max_horizontal if isinstance(node, exp.Greatest) else pl.min_horizontal)(exprs)
        return Part(pl.when(~unknown).then(most), kind)

    def interval(self, node: Any) -> Part:
        unit = str(node.args.get("unit") or "").upper().removesuffix("S")
        if unit not in _UNITS or not re.fullmatch(r"\d{1,6}(\.\d+)?", str(node.this.this if node.this else "")):
            what = Words("时长应写成 INTERVAL '2 days'", "a length of time is written INTERVAL '2 days'")
            raise self.wrong(node, what)
        return Part(pl.duration(microseconds=round(float(node.this.this) * _UNITS[unit] * 1e6)), "span")

    def local(self, node: Any) -> pl.Expr:
        part = self.of(node, "time", "date")
        return part.expr if part.type == "date" else part.expr.dt.convert_time_zone(self.zone)

    def clock(self, node: Any) -> Part:
        wants_hour = type(node) in {exp.Hour, exp.Minute}
        if wants_hour:
            at = self.of(node.this, "time").expr
            local = pl.when(~to_the_day(at)).then(at).dt.convert_time_zone(self.zone)
        else:
            local = self.local(node.this)
        return Part(getattr(local.dt, _CLOCK[type(node)])().cast(pl.Float64), "number")

    def text(self, node: Any, make: Callable[..., pl.Expr], type_: str, arguments: str) -> Part:
        """A function of a text: `arguments` names what follows it (t literal text, n number literal)."""
        given = [n for n in (*node.iter_expressions(),) if n is not node.this]
        extra = []
        for kind, each in zip(arguments, given, strict=False):
            part = self.of(each, "text" if kind == "t" else "number")
            if part.literal is None:
                raise self.wrong(each, Words("这里应为直接写出的值", "this must be a plain value"))
            extra.append(part.literal if kind == "t" else int(part.literal))
        if len(given) > len(arguments) or len(extra) < len(arguments.rstrip("n")):
            name = node.sql_name().lower()
            raise self.wrong(node, Words(f"{name}() 的参数个数不对", f"{name}() has the wrong number of arguments"))
        return Part(make(self.of(node.this, "text").expr, *extra), type_)

    def cast(self, node: Any) -> Part:
        to = node.args["to"].sql("duckdb").upper()
        part = self.part(node.this)
        if to in {"DATE", "TIMESTAMP", "TIMESTAMPTZ", "DATETIME"} and part.literal is not None:
            return self.of(node.this, "date" if to == "DATE" else "time")
        if to == "DATE":
            return Part(self.local(node.this).dt.date(), "date")
        if to in {"TEXT", "VARCHAR"} and part.type in {"number", "text"}:
            return Part(part.expr.cast(pl.String), "text")
        if to in {"DOUBLE", "INT", "BIGINT", "REAL", "FLOAT"} or to.startswith("DECIMAL"):
            read = part.expr.cast(pl.Float64, strict=False)
            return Part(read.floor() if "INT" in to else read, "number")
        raise self.wrong(node, Words(f"不能转成 {to}", f"cannot be cast to {to}"))


def tree_depth(node: Any) -> int:
    """How deep a tree is, without recursion."""
    deepest, level = 0, [node]
    while level:
        deepest, level = deepest + 1, [c for n in level for c in n.iter_expressions()]
    return deepest


def _sample() -> pl.DataFrame:
    """One order of which nothing is known."""
    return pl.DataFrame({n: pl.Series([None], dtype=c.dtype) for n, c in COLUMNS.items()})


def _number(make: Callable[[pl.Expr], pl.Expr]) -> Callable[[Sql, Any], Part]:
    return lambda sql, node: Part(make(sql.of(node.this, "number").expr), "number")


def _on_text(make: Callable[..., pl.Expr], type_: str = "text", arguments: str = "") -> Callable[[Sql, Any], Part]:
    return lambda sql, node: sql.text(node, make, type_, arguments)


def _round(sql: Sql, node: Any) -> Part:
    digits = sql.part(node.args["decimals"]).literal if node.args.get("decimals") else 0.0
    return Part(sql.of(node.this, "number").expr.round(int(digits or 0)), "number")


def _nullif(sql: Sql, node: Any) -> Part:
    left, right = sql.alike(node.this, node.expression)
    return Part(pl.when((left.expr != right.expr).fill_null(value=True)).then(left.expr), left.type)


def _concat(sql: Sql, node: Any) -> Part:
    parts = [n.this if isinstance(n, exp.Coalesce) else n for n in node.expressions] or [node.left, node.right]
    return Part(pl.concat_str([sql.of(p, "text").expr for p in parts]), "text")


def _weekday(sql: Sql, node: Any) -> Part:
    return Part(sql.local(node.expressions[0]).dt.weekday().cast(pl.Float64), "number")


def _extract(sql: Sql, node: Any) -> Part:
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
        raise sql.wrong(node, Words("EXTRACT 只认 HOUR、DAY 等", "EXTRACT knows HOUR, DAY and the like"))
    return sql.clock(part(this=node.expression))


_ANONYMOUS: dict[str, Callable[[Sql, Any], Part]] = {"weekday": _weekday}
_NODES: dict[Any, Callable[[Sql, Any], Part]] = {
    exp.Column: Sql.column, exp.Literal: Sql.literal,
    exp.Boolean: lambda _, n: Part(pl.lit(bool(n.this)), "bool"), exp.Null: lambda _, __: Part(pl.lit(None), "null"),
    exp.Paren: lambda s, n: s.part(n.this), exp.And: Sql.both, exp.Or: Sql.both,
    exp.Not: lambda s, n: Part(~s.of(n.this, "bool").expr.cast(pl.Boolean), "bool"),
    **dict.fromkeys(_COMPARE, Sql.compare), **dict.fromkeys(_MATHS, Sql.maths), **dict.fromkeys(_CLOCK, Sql.clock),
    exp.Neg: _number(lambda e: -e), exp.Abs: _number(lambda e: e.abs()), exp.Floor: _number(lambda e: e.floor()),
    exp.Ceil: _number(lambda e: e.ceil()), exp.Round: _round, exp.In: Sql.in_, exp.Between: Sql.between, exp.Is: Sql.is_,
    exp.Like: Sql.like, exp.ILike: Sql.like, exp.Case: Sql.case, exp.If: Sql.case, exp.Coalesce: Sql.any_,
    exp.Greatest: Sql.any_, exp.Least: Sql.any_, exp.Nullif: _nullif, exp.Interval: Sql.interval, exp.Cast: Sql.cast,
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
