"""Reads the tree of a condition: columns, literals, operators and CASE, each typed and made into a Polars expression."""

from __future__ import annotations

import re
from datetime import datetime
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mod, mul, ne, or_, sub
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
from sqlglot import exp

from orderguard.columns import FACTS, INSTANT, ORDERS, to_the_day
from orderguard.errors import Words, closest
from orderguard.frames import divided

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HIDDEN = {"source_file", "source_row"}
COLUMNS = {c.name: c for c in (*ORDERS, *FACTS) if c.name not in _HIDDEN}
_BY_HEADING = {c.zh.replace(" ", ""): c.name for c in reversed(list(COLUMNS.values()))}
_TYPES = {"bool": ("真假值", "true or false"), "number": ("数字", "a number"), "text": ("文字", "text"),
          "time": ("时间", "a time"), "date": ("日期", "a date"), "span": ("时长", "a length of time")}  # fmt: skip
COMPARE = {exp.EQ: eq, exp.NEQ: ne, exp.GT: gt, exp.GTE: ge, exp.LT: lt, exp.LTE: le}
MATHS = {exp.Add: add, exp.Sub: sub, exp.Mul: mul, exp.Div: divided, exp.Mod: mod}
CLOCK = {exp.Hour: "hour", exp.Minute: "minute", exp.Day: "day", exp.Month: "month", exp.Year: "year",
          exp.DayOfWeek: "weekday", exp.DayOfWeekIso: "weekday"}  # fmt: skip
_UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "WEEK": 604_800}


class Part(NamedTuple):
    """A piece of a condition: its expression, its type (a key of `_TYPES`, or `null`), its literal if it is one."""

    expr: pl.Expr
    type: str
    literal: Any = None


def placed(node: Any | None, what: Words) -> ValueError:
    """An error at the place of `node`, or of the nearest thing in it that has a place."""
    places = [n.meta["start"] for n in node.walk() if "start" in n.meta] if node is not None else []
    if not places:
        return ValueError(what)
    at = min(places) + 1
    return ValueError(Words(f"第 {at} 个字：{what.zh}", f"at character {at}: {what.en}"))


class Reader:
    """Reads one tree.

    Args:
        zone: in which times are read, and hours and dates counted.
    """

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.names: list[str] = []

    nodes: ClassVar[Mapping[Any, Callable[[Any, Any], Part]]] = {}
    """Type of node -> what reads it; given by `sqlfunctions`, which knows them all."""
    named: ClassVar[Mapping[str, Callable[[Any, Any], Part]]] = {}
    """Functions that sqlglot has no node for."""
    functions: ClassVar[tuple[str, ...]] = ()
    """All that may be called, for hints."""

    def part(self, node: Any) -> Part:
        known = self.nodes.get(type(node))
        if known is None:
            name = str(node.this) if isinstance(node, exp.Anonymous) else type(node).__name__
            if isinstance(node, exp.Func):
                name = name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
                special = self.named.get(name.lower())
                if special is not None:
                    return special(self, node)
                hint = closest(name.lower(), list(self.functions))
                raise placed(node, Words(f"没有函数 {name}()；{hint.zh}", f"no function {name}(); {hint.en}"))
            zh = "子查询（SELECT …）" if isinstance(node, exp.Subquery | exp.Select) else name
            raise placed(
                node,
                Words(
                    f"条件里不能用{zh}；可用的见 orderguard rules docs condition",
                    f"{name} is not allowed in a condition; see 'orderguard rules docs condition'",
                ),
            )
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
        raise placed(node, what)

    def _instant(self, node: Any, text: str, kind: str) -> Part:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            what = Words(f"'{text}' 不是时间，如 '2026-11-11 00:00'", f"'{text}' is no time such as '2026-11-11 00:00'")
            raise placed(node, what) from None
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
            if node.this.args.get("quoted"):
                hint = Words(f"文字用单引号：'{node.name}'", f"a text takes single quotes: '{node.name}'")
            raise placed(node, Words(f"没有列 {node.sql()}；{hint.zh}", f"no column {node.sql()}; {hint.en}"))
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
        return Part(COMPARE[type(node)](left.expr, right.expr), "bool")

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
        return Part(MATHS[type(node)](left.expr, below), "number")

    def in_(self, node: Any) -> Part:
        if node.args.get("query") or node.args.get("unnest") or not node.expressions:
            raise placed(node, Words("IN 后应为括号里的值", "IN needs values in brackets"))
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
        raise placed(node, Words("IS 后只能是 NULL、TRUE、FALSE", "IS takes NULL, TRUE or FALSE"))

    def like(self, node: Any) -> Part:
        text, pattern = self.of(node.this, "text"), self.of(node.expression, "text").literal
        if pattern is None:
            raise placed(node.expression, Words("LIKE 后应为引号里的文字", "LIKE needs a text in quotes"))
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
            raise placed(node, what)
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
        return Part(getattr(local.dt, CLOCK[type(node)])().cast(pl.Float64), "number")

    def text(self, node: Any, make: Callable[..., pl.Expr], type_: str, arguments: str) -> Part:
        """A function of a text: `arguments` names what follows it (t literal text, n number literal)."""
        given = [n for n in (*node.iter_expressions(),) if n is not node.this]
        extra = []
        for kind, each in zip(arguments, given, strict=False):
            part = self.of(each, "text" if kind == "t" else "number")
            if part.literal is None:
                raise placed(each, Words("这里应为直接写出的值", "this must be a plain value"))
            extra.append(part.literal if kind == "t" else int(part.literal))
        if len(given) > len(arguments) or len(extra) < len(arguments.rstrip("n")):
            name = node.sql_name().lower()
            raise placed(node, Words(f"{name}() 的参数个数不对", f"{name}() has the wrong number of arguments"))
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
        raise placed(node, Words(f"不能转成 {to}", f"cannot be cast to {to}"))
