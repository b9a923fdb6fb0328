"""How a table is read, what comes of it, and which words stand for nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import polars as pl

from orderguard.columns import MONEY, schema
from orderguard.columns import ORDERS as ORDER_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.errors import Problem
    from orderguard.normalise import dates
    from orderguard.normalise.status import StatusWords

MUST_READ = ("amount", "created_at", "paid_at")
"""A row in which one of these cannot be read is set aside; other columns are left empty."""
KEEP_EMPTY = ("coupon", "buyer_note", "seller_note")
KEYS = ("ip", "device_id", "buyer_id", "email", "receiver_phone")
ROUNDED = ("buyer_id", "device_id")
"""Long numbers that a spreadsheet may have rounded; order numbers are, too, but their rows are set aside."""
_NOTHING = (
    "—", "–", "\\N", "(null)", "(Null)", "(NULL)", "[NULL]", "[null]", "<null>", "<NULL>", "<NA>", "Null", "nil", "NIL", "NaN", "NA", "空",
    "(空)", "（空）", "空白", "(空白)", "(blank)", "#N/A", "#NAME?", "#REF!", "#VALUE!", "#NULL!", "undefined",
)  # fmt: skip
"""How database clients and spreadsheets write that there is nothing; a failed look-up among them."""
NO_COUPON = (
    "0",
    "0.0",
    "0.00",
    "无",
    "否",
    "-",
    "未使用",
    "no",
    "none",
    "false",
    "n",
    "没有",
    "——",
    "null",
    "nan",
    "--",
    "/",
    "n/a",
    "na",
    "未用",
    *dict.fromkeys(w.lower() for w in _NOTHING),
)
NO_DATE = (
    "0000-00-00 00:00:00", "0000-00-00", "0001-01-01 00:00:00", "0001-01-01", "1900-01-01 00:00:00", "1900-01-01", "-", "--", "——",
    "null", "NULL", "None", "none", "无", "/", "NaT", "nan", "N/A", *_NOTHING,
    *(f"{day}{clock}" for day in ("1970-01-01", "1970/01/01", "1970/1/1") for clock in ("", *(f" {h}:00{s}" for h in ("00", "0", "08", "8") for s in ("", ":00")))),
    "1970-01-01T00:00:00Z", "1970-01-01T08:00:00+08:00", "1970-01-01T00:00:00.000Z", "0", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z",
    "0001-01-01 00:00:00 +0000 UTC", "0001/1/1 0:00:00", "0001/1/1", "1/1/0001 12:00:00 AM", "1900/1/1", "1900/1/1 0:00:00", "1900/01/01 00:00:00",
    "1899-12-30 00:00:00", "1899-12-30", "1899/12/30", "1753-01-01 00:00:00", "0000/00/00 00:00:00", "0000/00/00", "0000-00-00 00:00", "9999-12-31 23:59:59",
    "9999-12-31 00:00:00", "9999-12-31", "9999/12/31",
)  # fmt: skip
"""Shop systems write a blank time so: the years 0, 1, 1753, 1899, 1900 and 9999 of databases, and Unix time 0 on clocks here and in Greenwich."""
NO_NOTE = (
    "-", "--", "——", "null", "NULL", "None", "none", "nan", "NaN", "N/A", "n/a", "/", "无", "无留言", "无备注", "暂无", "暂无留言", "暂无备注",
    "没有留言", "没有备注", "No note", "no note", *_NOTHING,
)  # fmt: skip
"""What systems write for no note: an order of a round sum with such a note has none."""
NO_KEY = (
    "-",
    "--",
    "——",
    "null",
    "NULL",
    "None",
    "none",
    "nan",
    "NaN",
    "N/A",
    "n/a",
    "无",
    "未知",
    "unknown",
    "/",
    *_NOTHING,
)

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
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **schema(ORDER_COLUMNS),
    **_EXTRA,
    ITEMS: pl.Boolean,
    ADDED: pl.Boolean,
}


class Source(Protocol):
    """Where a canonical column comes from; `platforms.Pick` is one."""

    @property
    def how(self) -> str:
        """`first`, `join`, `any_amount`, `extract` or `sum`."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Headings, in order of preference."""

    @property
    def pattern(self) -> str:
        """For `extract`."""

    @property
    def form(self) -> str:
        """What `extract` makes of the groups."""

    @property
    def less(self) -> int:
        """For `sum`: so many of the last sources are subtracted."""

    @property
    def trim(self) -> str:
        """A pattern that is cut from the text."""

    @property
    def then(self) -> Source | None:
        """What fills the rows that stay blank."""

    def all_sources(self) -> tuple[str, ...]:
        """The headings it reads, with those of `then`."""


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
        currency: of all sums that name none themselves, where other headings of the file say it.
        guessed_currency: what the headings' language suggests, where no word says it.
        cents: headings whose sums are in hundredths.
    """

    platform: str
    picks: Mapping[str, Source]
    blanks: tuple[str, ...] = ()
    zone: str = "Asia/Shanghai"
    locale: str = "zh-CN"
    date_order: dates.DateOrder | None = None
    date_hint: dates.DateOrder | None = None
    status: StatusWords | None = None
    items: bool = False
    split: str = ""
    packed: str = ""
    currency: str = ""
    guessed_currency: str = ""
    cents: frozenset[str] = frozenset()


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
