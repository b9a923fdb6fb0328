"""What a table that a rule names must hold: columns, their spellings, their types. Read by `stages/tables.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import polars as pl
from pydantic import BeforeValidator

from orderguard.columns import BLANKS, ITEM_END, ITEM_MARK
from orderguard.errors import Words

if TYPE_CHECKING:
    from collections.abc import Mapping


class Cell(NamedTuple):
    """One column of such a table.

    Attributes:
        names: headings that mean it, in any case and with any blanks; the first is its name in messages.
        kind: `number` becomes Float64, `province` its full Chinese name where it is one of China's, `span` days (Float64; `48h`, `2d`, plain numbers are days), `instant` UTC.
        required: every row must fill it.
        words: what cells may say -> what it means; null: any text.
        until: a date without a time means the end of that day (an expiry), not its beginning.
    """

    names: tuple[str, ...]
    kind: Literal["text", "number", "span", "instant", "province"] = "text"
    required: bool = False
    words: Mapping[str, str] | None = None
    until: bool = False


class Shape(NamedTuple):
    """The columns of a table.

    Attributes:
        cells: our name -> column.
        pair: the two columns that a YAML mapping `{a: b}` fills; None if it must be a list.
        unique: columns that no two rows may share; empty if rows may repeat.
    """

    cells: Mapping[str, Cell]
    pair: tuple[str, str] | None = None
    unique: tuple[str, ...] = ()

    def empty(self) -> pl.DataFrame:
        """The table without a row."""
        types = {"number": pl.Float64, "span": pl.Float64, "instant": pl.Datetime("us", "UTC")}
        schema: dict[str, Any] = {n: types.get(c.kind, pl.String) for n, c in self.cells.items()}
        return pl.DataFrame(schema=schema | {"source_row": pl.Int64})


def _source(value: object) -> object:
    if value is None or (isinstance(value, str) and value.strip()) or (isinstance(value, list | dict) and value):
        return value
    raise ValueError(
        Words("应为文件名，或直接写出的表", "should be a file name, or the table itself as a list or mapping")
    )


Source = Annotated[str | list[Any] | dict[Any, Any], BeforeValidator(_source)]
"""A file beside the rulebook (CSV, Excel, Parquet, JSON, YAML), or the table itself written in the rulebook."""

SKU = (
    "sku",
    "sku_id",
    "商品编码",
    "货号",
    "商家编码",
    "规格编码",
    "商品货号",
    "编码",
    "商品代码",
    "物料编码",
    "item",
    "product",
    "code",
)


def exploded(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per item of `frame` (which has `basket`): `at` (index of the order), `sku`, `quantity`."""
    lists = frame.select(at=pl.int_range(pl.len(), dtype=pl.UInt32), item=pl.col("basket").str.split(ITEM_END))
    one = lists.filter(pl.col("item").is_not_null()).explode("item", empty_as_null=True)
    parts = pl.col("item").str.split_exact(ITEM_MARK, 1)
    out = one.select("at", sku=parts.struct.field("field_0"), quantity=parts.struct.field("field_1").cast(pl.Float64))
    return out.filter(pl.col("quantity") > 0)


def per_order(height: int, told: pl.DataFrame) -> pl.DataFrame:
    """What is told of some orders (`at`: the index of the order), one row for each of all `height` of them."""
    rows = pl.DataFrame({"at": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(told, on="at", how="left", maintain_order="left")


def decided(flagged: pl.Expr, unknown: pl.Series) -> pl.Expr:
    """An order is flagged if one of its items is, clean if all are known and none is, else not evaluable.

    Args:
        flagged: what is known of the order's items; null where nothing is.
        unknown: `at` of the items of which too little is known.
    """
    return pl.when(flagged | ~pl.col("at").is_in(unknown.unique().implode())).then(flagged)


def goods() -> pl.Expr:
    """`basket` as people read it: `NF-900×2、TC-250×1`."""
    return pl.col("basket").str.replace_all(ITEM_MARK, "×").str.replace_all(ITEM_END, "、").str.slice(0, 60)


def folded_sku(column: str) -> pl.Expr:
    """A SKU as it is compared: width, case and blanks aside."""
    return pl.col(column).str.normalize("NFKC").str.strip_chars(BLANKS).str.to_uppercase()


_RANK = r"(?:省|市|地区|盟|(?:壮族|回族|维吾尔)?自治区|[\p{Han}]{0,8}自治州|特别行政区)$"


def short_region(text: Any) -> Any:
    """A province or city without its rank, as people and tables write it: 浙江省 and 浙江, 新疆维吾尔自治区 and 新疆."""
    return text.str.strip_chars(BLANKS).str.replace(_RANK, "")
