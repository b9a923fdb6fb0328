"""Where the orders stand in a JSON value: in a list, in pages of an interface, in a table of rows or of columns."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from orderguard.ingest.table import header_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderguard.ingest.table import HeaderScore

ITEM_KEYS = frozenset({
    "line_items", "items", "lines", "order_items", "orderitems", "skus", "products", "lineitems", "item_list", "itemlist", "goods",
    "goods_list", "goodslist", "sku_list", "product_list", "order_goods", "order_details", "product_infos", "orderdetails", "details",
    "商品", "商品明细", "商品列表", "明细",
})  # fmt: skip
_NAMED = {"orders", "data", "list", "rows", "订单"}
_PACKED = {
    *_NAMED, "page", "pages", "records", "result", "results", "response", "content", "body", "payload", "order_list", "orderlist", "items",
    "trades", "trade", "entries", "value",
}  # fmt: skip
"""The way from a page to its orders, as interfaces call it."""
_PAGING = {
    "code", "msg", "message", "success", "ok", "status", "status_code", "errcode", "errmsg", "error", "errors", "error_code", "error_msg",
    "sub_code", "sub_msg", "total", "total_count", "totalcount", "total_num", "totalnum", "total_results", "total_page", "total_pages",
    "totalpages", "count", "num", "page", "page_no", "pageno", "page_num", "pagenum", "page_index", "pageindex", "page_size", "pagesize",
    "per_page", "size", "limit", "offset", "current", "has_more", "hasmore", "has_next", "hasnext", "next", "next_page", "previous", "first",
    "last", "more", "cursor", "next_cursor", "nextcursor", "request_id", "requestid", "trace_id", "traceid", "log_id", "timestamp", "time",
    "server_time", "version", "pagination", "paging", "meta", "links", "page_info", "pageinfo", "extra",
}  # fmt: skip
"""What a page says of itself. Some of these words are facts of an order to some shop, but no order has these alone."""
_HEADS, _BODIES = {"columns", "headers", "header", "fields", "表头"}, {"data", "rows", "values", "records"}
_MOSTLY, _DEEP = 0.5, 4


def records_of(value: Any, score: HeaderScore) -> list[Any] | None:
    """The orders in a value: those of its list, of the first list of objects within two levels of it, of its table, or itself.

    Args:
        value: what a file holds.
        score: tells which share of some names are known headings.

    Returns:
        None where the value can hold none.
    """
    if isinstance(value, list):
        table = _of_rows(value[0], value[1:], score) if value else []
        return [order for one in value for order in opened(one, score)] if table is None else table
    return _within(value, score) if isinstance(value, dict) else None


def opened(record: Any, score: HeaderScore, depth: int = 0) -> Iterator[Any]:
    """The orders of a page; whatever is no page is handed on as it is."""
    inside = _of_page(record, score) if depth < _DEEP else None
    if inside is None:
        yield record
    else:
        for one in inside:
            yield from opened(one, score, depth + 1)


def _within(value: dict[str, Any], score: HeaderScore) -> list[Any]:
    inside = _of_page(value, score)
    level = [value] if inside is None else []
    for _ in range(3):
        for mapping in level:
            table = _of_table(mapping, score)
            if table is not None:
                return table
            named = [v for k, v in mapping.items() if k.lower() in _NAMED]
            for child in [*named, *mapping.values()]:
                if isinstance(child, list) and child and isinstance(child[0], dict) and _are_orders(mapping, child):
                    inside = child
                    break
            if inside is not None:
                break
        level = [v for mapping in level for v in mapping.values() if isinstance(v, dict)] if inside is None else []
    return [value] if inside is None else [order for one in inside for order in opened(one, score)]


def _are_orders(mapping: dict[str, Any], child: list[Any]) -> bool:
    """A list of items inside one single order is not a list of orders."""
    key = next(k for k, v in mapping.items() if v is child)
    return key.lower() not in ITEM_KEYS


def _of_page(record: Any, score: HeaderScore) -> list[Any] | None:
    """What a page holds, if the record is one: orders under one name, and nothing else but what pages say of themselves."""
    if not isinstance(record, dict):
        return None
    table = _of_table(record, score)
    if table is not None:
        return table
    inner = [v for k, v in record.items() if k.lower() in _PACKED and isinstance(v, list | dict)]
    rest = [k for k, v in record.items() if not (k.lower() in _PACKED and isinstance(v, list | dict))]
    if len(inner) != 1 or not all(
        k.lower() in _PAGING or (not isinstance(record[k], list | dict) and not score([k])) for k in rest
    ):
        return None
    if isinstance(inner[0], dict):
        return _of_page(inner[0], score)
    return inner[0] if all(isinstance(one, dict) for one in inner[0]) else _of_rows(inner[0][0], inner[0][1:], score)


def _of_table(mapping: dict[str, Any], score: HeaderScore) -> list[Any] | None:
    """The rows of `{"columns": [...], "data": [[...]]}`, of an object of columns, or of one that numbers its orders."""
    heads = [v for k, v in mapping.items() if k.lower() in _HEADS and isinstance(v, list)]
    bodies = [v for k, v in mapping.items() if k.lower() in _BODIES and isinstance(v, list)]
    if len(heads) == len(bodies) == 1:
        return _of_rows(heads[0], bodies[0], score)
    values = list(mapping.values())
    if len(values) > 1 and all(isinstance(v, list) for v in values) and score(list(mapping)) >= _MOSTLY:
        same = len({len(v) for v in values}) == 1 and not any(isinstance(c, list | dict) for v in values for c in v)
        return [dict(zip(mapping, cells, strict=True)) for cells in zip(*values, strict=True)] if same else None
    if not values or not all(isinstance(v, dict) and v for v in values):
        return None
    if all(k.isdecimal() for v in values for k in v) and len(values) > 1 and score(list(mapping)) >= _MOSTLY:
        return [{k: v.get(n) for k, v in mapping.items()} for n in dict.fromkeys(n for v in values for n in v)]
    return values if all(k.isdecimal() for k in mapping) else None


def _of_rows(head: Any, rows: list[Any], score: HeaderScore) -> list[Any] | None:
    """Lists of cells as objects under their headings; one with more cells than headings stays a list, and is no order."""
    if (
        not isinstance(head, list)
        or len(head) < 2
        or not all(isinstance(c, str) for c in head)
        or score(head) < _MOSTLY
    ):
        return None
    names = header_names(head)
    return [dict(zip_longest(names, row)) if isinstance(row, list) and len(row) <= len(names) else row for row in rows]
