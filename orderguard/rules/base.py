"""What a rule kind is: its settings, the expression that flags, its value and its reason."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, PrivateAttr

from orderguard.columns import DAY_ONLY, YUAN, to_the_day
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.spans import Span as Span  # noqa: PLC0414 - kinds take it from here: pydantic needs it at run time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from orderguard.rules.tables import Shape


class Reach(NamedTuple):
    """How far a rule looks: its own row only, or rows with the same key within a time.

    Attributes:
        keys: columns of the key; empty for a rule that needs its own row only or, with `within`, every row of that
            time (persons who share no one column, running totals): such a rule is not cut by key.
        within: how far back and ahead in time; None for a rule that needs its own row only.
    """

    keys: tuple[str, ...] = ()
    within: timedelta | None = None


class Surroundings(NamedTuple):
    """What a rule is given besides orders, before it runs (`stages/tables.py` does it).

    Attributes:
        tables: setting -> the table it names, typed as `Kind.tables` asked.
        now: the clock, for entries that expire.
        zone: the rulebook's time zone.
        says: the rule's own words in the rulebook's language; empty where it has none.
    """

    tables: Mapping[str, pl.DataFrame] = {}
    now: datetime | None = None
    zone: str = "Asia/Shanghai"
    says: str = ""


class Kind(BaseModel):
    """One rule kind; its fields are the settings of `with:`. Expressions read orders and facts by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    later: ClassVar[frozenset[str]] = frozenset()
    """Settings that came after the kind was released: at their default they are not part of a fingerprint."""
    stands: ClassVar[bool] = False
    """Whether `measure` also gives `_standing`: `allow` where the rule takes others' findings away, `hard` where none may."""
    every: ClassVar[bool] = False
    """Whether the rule also sees orders that fell through (closed, refunded). They are never judged; other rules see none of them."""
    _around: Surroundings = PrivateAttr(default=Surroundings())

    def told(self) -> dict[str, Any]:
        """The settings as the fingerprint knows them."""
        fields = type(self).model_fields
        given = self.model_dump(mode="json")
        return {n: v for n, v in given.items() if n not in self.later or getattr(self, n) != fields[n].get_default()}

    def tables(self) -> dict[str, Shape]:
        """Settings that name a file or hold a table -> its columns."""
        return {}

    def unfit(self, setting: str, table: pl.DataFrame) -> list[tuple[int, Words]]:  # noqa: ARG002 - for kinds that look
        """Rows of a typed table that this kind cannot use, and why."""
        return []

    def settled(self, around: Surroundings) -> Self:
        """The same settings with their tables, the clock and the zone."""
        same = self.model_copy()
        same._around = around  # noqa: SLF001 - its own class
        return same

    @property
    def is_settled(self) -> bool:
        """Whether `settled` has been called."""
        return self._around.now is not None

    def table(self, setting: str) -> pl.DataFrame | None:
        """The table of a setting; None where the rule names none.

        Raises:
            OrderguardError: it names one that nobody has read (the rule runs outside of the stages).
        """
        if setting not in self._around.tables and getattr(self, setting, None) is not None:
            raise OrderguardError(Problem(Words(f"{setting} 未读入", f"{setting} was not read")))
        return self._around.tables.get(setting)

    def rows(self, setting: str) -> pl.DataFrame:
        """The table of a setting; without a row where the rule names none."""
        table = self.table(setting)
        return self.tables()[setting].empty() if table is None else table

    def lines(self) -> list[tuple[int, str, str]]:
        """Row, kind and value of each entry of a list; the `value` of a finding is the row that it met."""
        return []

    def expired(self) -> list[int]:
        """Rows of this rule's tables that no longer count."""
        return []

    def reach(self) -> Reach:
        """How far the rule looks (default: its own row)."""
        return Reach()

    def limits(self) -> dict[str, float]:
        """Facts that must be exact near a threshold: fact column -> threshold."""
        return {}

    @abstractmethod
    def hit(self) -> pl.Expr:
        """Boolean per order; null where the rule cannot decide (three-valued logic)."""

    @abstractmethod
    def value(self) -> pl.Expr:
        """Float64 per flagged order: the measured number."""

    @abstractmethod
    def reason(self, locale: str) -> pl.Expr:
        """A sentence per flagged order, with the measured `value` and the limit."""

    def reads(self) -> set[str]:
        """The columns that the rule needs, taken from its expressions."""
        names = {n for e in (self.hit(), self.value(), self.reason("en")) for n in e.meta.root_names()}
        return names - {"value"}

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`hit` (Boolean, null = not evaluable) and, where it is known already, `value`; same height as `frame`."""
        # Lazily, for there a part that the expression names twice is computed once.
        return frame.lazy().select(hit=self.hit()).collect()


class Measured(Kind):
    """A kind that no one expression tells: its `measure` gives `hit`, `value`, and what else its reason shows."""

    def hit(self) -> pl.Expr:
        """As measured."""
        return pl.col("hit")

    def value(self) -> pl.Expr:
        """As measured."""
        return pl.col("value")

    @abstractmethod
    def reads(self) -> set[str]:
        """The columns that `measure` and the reason need."""

    @abstractmethod
    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`hit` (null = not evaluable) and `value`, each order's own; same height as `frame`."""


def per_cent(value: object) -> object:
    """A percentage as a rulebook writes it: `85`, `85%` and 0.85 are one."""
    if isinstance(value, str) and value.strip().rstrip("%％").replace(".", "", 1).isdigit():
        return float(value.strip().rstrip("%％"))
    return value * 100 if isinstance(value, float) and value < 1 else value


def at_earliest(at: pl.Expr) -> pl.Expr:
    """An instant; the beginning of its day where only the day is known."""
    return pl.when(to_the_day(at)).then(at - pl.duration(microseconds=DAY_ONLY)).otherwise(at)


def blank(column: pl.Expr) -> pl.Expr:
    """True for '', false for any text, null where the column was not exported."""
    return column == ""


def whole_or_null(name: str) -> pl.Expr:
    """A key column; null where it is blank or masked, so that it never groups."""
    column = pl.col(name).cast(pl.String)
    return pl.when((column != "") & ~column.str.contains("*", literal=True)).then(column)


def currency_code() -> pl.Expr:
    """The order's currency in capitals; yuan however it is written, and where the order names none (the shop's own)."""
    code = pl.col("currency").str.to_uppercase().fill_null("CNY")
    return pl.when(code.is_in(YUAN)).then(pl.lit("CNY")).otherwise(code)


def currency_is(code: str | None) -> pl.Expr:
    """True where the order is in this currency or names none; all are where `code` is None."""
    if code is None:
        return pl.lit(value=True)
    wanted = "CNY" if code.upper() in YUAN else code.upper()
    return (currency_code() == wanted) | pl.col("currency").is_null()
