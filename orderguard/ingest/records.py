"""JSON (array, lines, an object with a list of orders) and Parquet."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.ingest.encodings import by_mark
from orderguard.ingest.json_texts import Decoder, whole
from orderguard.ingest.shapes import ITEM_KEYS, opened, records_of
from orderguard.ingest.table import MAX_COLUMNS, BadRow, HeaderScore, Table

_SUB_KEYS = (
    "orders", "order", "sub_orders", "suborders", "sub_order_list", "suborderlist", "sku_order_list", "order_lines",
    "orderlines", "order_list", "child_orders", "trade_orders", "子订单", "子订单列表",
)  # fmt: skip
"""Inside an order these hold its items, though elsewhere they hold orders (Taobao: a trade's `orders.order`)."""
_MAX_DEPTH = 20


_SHAPE = Words(
    '应是订单对象的列表，如 [{"订单编号": "1", …}]，或每行一个对象',
    'it should be a list of orders such as [{"order_id": "1", ...}], or an object a line',
)


def read_json(data: bytes, name: str, score: HeaderScore) -> Table:
    """Objects as rows: nested objects become `a.b` columns, the list of items becomes a row per item.

    Args:
        data: the whole file.
        name: how the file is called in messages.
        score: tells how much some names look like headings.

    Raises:
        OrderguardError: not JSON, or no list of objects in it.
    """
    marked, data = by_mark(data) or ("", data)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        what = Words("无法识别文字编码", "the text encoding is not recognised")
        raise OrderguardError(Problem(what, name, fix=Words("请用 UTF-8 编码", "use UTF-8")))
    decoder = Decoder()
    numbered, bad = _numbered(text, name, score, decoder)
    rows: list[dict[str, str | None]] = []
    for number, wrapped in numbered:
        record = _unwrapped(wrapped)
        if not isinstance(record, dict):
            why = Words("不是 JSON 对象；一笔订单应写成 {...}", "is not a JSON object; an order is written {...}")
            bad.append(BadRow(number, why, _shown(record)))
            continue
        try:
            rows.extend({**flat, "source_row": str(number)} for flat in _flatten(record))
        except RecursionError:
            bad.append(BadRow(number, Words("嵌套过深", "is nested too deep"), ""))
    names = list(dict.fromkeys(["source_row", *(key for row in rows for key in row)]))[: MAX_COLUMNS + 1]
    if not rows and not bad:
        raise OrderguardError(Problem(Words("没有订单记录", "holds no orders"), name, fix=_SHAPE))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))
    return Table(name, frame.with_columns(pl.col("source_row").cast(pl.Int64)), bad, decoder.notices(numbered, name))


def _numbered(text: str, name: str, score: HeaderScore, decoder: Decoder) -> tuple[list[tuple[int, Any]], list[BadRow]]:
    """Records and the number of each: of its line, or in the file."""
    try:
        value = decoder.value(text)
    except (ValueError, RecursionError) as error:
        parts, bad = decoder.parts(text)
        if not parts:
            raise OrderguardError(_invalid(error, name)) from error
        return [(number, order) for number, one in parts for order in opened(one, score)], bad
    records = records_of(value, score)
    if records is None:
        raise OrderguardError(Problem(Words("没有订单列表", "holds no list of orders"), name, fix=_SHAPE))
    return list(enumerate(records, 1)), []


def _invalid(error: Exception, name: str) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(Words("嵌套过深", "is nested too deep"), name, fix=_SHAPE)
    line = getattr(error, "lineno", 0)
    fix = Words(f"检查第 {line} 行附近（{str(error)[:80]}）", f"look near line {line} ({str(error)[:80]})")
    return Problem(Words("不是有效的 JSON", "is not valid JSON"), name, line, fix)


def _unwrapped(record: Any) -> Any:
    """An order out of what it is packed in: Youzan's `{"full_order_info": {...}}`, GraphQL's `{"node": {...}}`."""
    for _ in range(_MAX_DEPTH):
        inner = record.get("node") if isinstance(record, dict) else None
        if isinstance(record, dict) and len(record) == 1:
            (inner,) = record.values()
        if not isinstance(inner, dict):
            break
        record = inner
    return record


def _shown(record: Any) -> str:
    try:
        return whole(json.dumps(record, ensure_ascii=False)[:2_000])
    except RecursionError:
        return ""


def _flatten(record: dict[str, Any]) -> list[dict[str, str | None]]:
    flat: dict[str, str | None] = {}
    items: list[dict[str, str | None]] = []
    _walk(record, "", flat, items, 0)
    return [{**flat, **item} for item in items] if items else [flat]


def _walk(value: Any, prefix: str, flat: dict[str, str | None], items: list[dict[str, str | None]], depth: int) -> None:
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        for key, child in value.items():
            name, entries = _items(key, child, top=not prefix)
            if entries and not items:
                for entry in entries:
                    one: dict[str, str | None] = {}
                    _walk(entry, f"{prefix}{name}.", one, [{}], depth + 1)
                    items.append(one)
            else:
                _walk(child, f"{prefix}{key}.", flat, items, depth + 1)
        return
    key = whole(prefix[:-1])
    if value is None or isinstance(value, str):
        flat[key] = whole(value) if value else None
    elif isinstance(value, bool):
        flat[key] = "true" if value else "false"
    else:
        flat[key] = whole(
            ";".join(map(str, value)) if _plain(value) else json.dumps(value, ensure_ascii=False)[:32_000]
        )


def _items(key: str, child: Any, *, top: bool) -> tuple[str, list[dict[str, Any]]]:
    """The items of an order and their name, also where they stand alone in an object; none if this is something else."""
    known = key.lower() in ITEM_KEYS or (top and key.lower() in _SUB_KEYS)  # a customer's orders are none of these
    if known and isinstance(child, dict) and len(child) == 1:
        ((inner, child),) = child.items()
        key = f"{key}.{inner}"
    return key, child if known and isinstance(child, list) and all(isinstance(c, dict) for c in child) else []


def _plain(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str | int) for v in value)


def read_parquet(data: bytes, name: str) -> Table:
    """A Parquet file; its columns keep their own types (instants, decimals, integers), all others become text.

    Raises:
        OrderguardError: damaged or truncated.
    """
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except Exception as error:
        what = Words("Parquet 文件损坏或不完整", "the Parquet file is damaged or incomplete")
        raise OrderguardError(Problem(what, name, fix=Words("请重新导出", "export it again"))) from error
    return parquet_table(frame, name)


def parquet_table(frame: pl.DataFrame, name: str) -> Table:
    """The frame of a Parquet file as a table (see `read_parquet`)."""
    nested = [c for c, t in frame.schema.items() if t.is_nested()]
    casts = [
        pl.col(c).dt.to_string() if t == pl.Duration else pl.col(c).cast(pl.String, strict=False)
        for c, t in frame.schema.items()
        if _as_text(t)
    ]
    if nested:
        frame = frame.with_columns([_flat(c, frame.schema[c]) for c in nested])
    if "source_row" in frame.columns:
        frame = frame.drop("source_row")
    try:
        frame = frame.with_columns(casts)
    except pl.exceptions.ComputeError:  # bytes that are no text: a picture, a key in its sixteen bytes
        binary = [c for c, t in frame.schema.items() if t == pl.Binary]
        frame = frame.with_columns([_spelt(frame[c]) for c in binary]).with_columns(casts)
    return Table(name, frame.with_row_index("source_row", 1).with_columns(pl.col("source_row").cast(pl.Int64)))


def _flat(name: str, dtype: pl.DataType) -> pl.Expr:
    """A list as its entries joined by `;`, a struct as JSON."""
    if isinstance(dtype, pl.List) and not dtype.inner.is_nested():
        return pl.col(name).cast(pl.List(pl.String), strict=False).list.join(";", ignore_nulls=True).alias(name)
    return pl.struct(name).struct.json_encode().alias(name)


def _spelt(column: pl.Series) -> pl.Series:
    """Bytes as text: UTF-8, else in hexadecimal digits; long ones that are no text are nothing that an order has."""

    def spelt(value: bytes) -> str | None:
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex() if len(value) <= _KEY_BYTES else None

    return pl.Series(column.name, [None if v is None else spelt(v) for v in column], dtype=pl.String)


_KEY_BYTES = 64


def _as_text(dtype: pl.DataType) -> bool:
    kept = (pl.Datetime, pl.Date, pl.Decimal, pl.String)
    return not dtype.is_nested() and not isinstance(dtype, kept)
