"""A table that a rule names, from its file or from the rulebook itself: its cells as text, then typed and checked row by row."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import BLANKS
from orderguard.errors import OrderguardError, Problem, Words, closest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orderguard.rules.tables import Cell, Shape

_SPAN_DAYS = {
    "": 1.0,
    "d": 1.0,
    "天": 1.0,
    "日": 1.0,
    "h": 1 / 24,
    "小时": 1 / 24,
    "时": 1 / 24,
    "m": 1 / 1440,
    "分钟": 1 / 1440,
}
_YAML = (".yaml", ".yml")


class Rows:
    """A table as text: where it is from, its headings as written, its cells, each row's number."""

    def __init__(self, where: str, frame: pl.DataFrame, problems: Sequence[Problem] = ()) -> None:
        self.where, self.frame, self.problems = where, frame, list(problems)


def read_file(path: Path, shape: Shape) -> Rows:
    """The rows of a file, as text.

    Raises:
        OrderguardError: it is missing, cannot be read, or holds no such table.
    """
    if path.is_fifo():  # nobody may ever write to it, and a rulebook that waits for ever stops every scan
        fix = Words("请写一个普通文件", "name an ordinary file")
        raise OrderguardError(Problem(Words("是管道，不是文件", "is a pipe, not a file"), str(path), fix=fix))
    if path.suffix.lower() in _YAML:
        from orderguard.yamls import read_yaml  # noqa: PLC0415 - only for a rule that names one

        document = read_yaml(path)
        if document.problems:
            raise OrderguardError(*document.problems)
        data: Any = document.data
        at: tuple[Any, ...] = ()
        if isinstance(data, dict) and len(data) == 1 and isinstance(next(iter(data.values())), list | dict):
            at = (next(iter(data)),)
            data = data[at[0]]
        keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
        return inline(data, str(path), shape, [document.line((*at, k)) for k in keys])
    if path.suffix.lower() == ".txt" and len(shape.cells) == 1:
        return _lines(path, shape)
    from orderguard.ingest import find_sources, read_source  # noqa: PLC0415

    known = {_folded(n) for cell in shape.cells.values() for n in cell.names}
    # Read as any export: every encoding, separator and spreadsheet; the header is the row that knows most headings.
    source = read_source(
        find_sources([str(path)])[0], lambda cells: sum(_folded(c) in known for c in cells) / max(len(cells), 1)
    )
    if source.problems:
        raise OrderguardError(*[Problem(p.what, str(path), p.line, p.fix) for p in source.problems])
    table = source.tables[0]
    bad = [Problem(b.why, str(path), b.row) for b in table.bad]
    return Rows(str(path), table.frame, bad)


def _lines(path: Path, shape: Shape) -> Rows:
    """A plain list: one entry a line, `#` begins a comment."""
    from orderguard.yamls import read_text  # noqa: PLC0415

    lines = [(i, line.split("#")[0].strip(BLANKS)) for i, line in enumerate(read_text(path).splitlines(), 1)]
    kept = [(i, line) for i, line in lines if line]
    frame = pl.DataFrame({next(iter(shape.cells)): [v for _, v in kept], "source_row": [i for i, _ in kept]})
    return Rows(str(path), frame)


def inline(data: Any, where: str, shape: Shape, lines: Sequence[int] | None = None) -> Rows:
    """A list of mappings, a list of words (the first column), or a mapping of two columns."""
    first = next(iter(shape.cells))
    rows: list[dict[str, str | None]] = []
    wrong = OrderguardError(
        Problem(
            Words("应为列表，每项一行", "should be a list, one entry a row"),
            where,
            fix=Words(f"每项写 {first}: …", f"give each entry as {{{first}: ..}}"),
        )
    )
    if isinstance(data, dict) and shape.pair:
        rows = [{shape.pair[0]: _text(k), shape.pair[1]: _text(v)} for k, v in data.items()]
    elif isinstance(data, list):
        for item in data:
            if isinstance(item, dict):
                rows.append({str(k): _text(v) for k, v in item.items()})
            elif isinstance(item, list):
                raise wrong
            else:
                rows.append({first: _text(item)})
    else:
        raise wrong
    names = list(dict.fromkeys(n for row in rows for n in row))
    frame = pl.DataFrame(
        [[r.get(n) for n in names] for r in rows], schema=dict.fromkeys(names, pl.String), orient="row"
    )
    numbers = lines or range(1, len(rows) + 1)
    return Rows(where, frame.with_columns(source_row=pl.Series(list(numbers), dtype=pl.Int64)))


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return "|".join(str(v) for v in value)
    return None if value is None else str(value)


def _folded(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", name).lower() if c.isalnum())


def typed_rows(rows: Rows, shape: Shape, zone: str) -> pl.DataFrame:
    """The rows in our columns; raises every cell that cannot be read."""
    problems = list(rows.problems)
    headings = {_folded(h): h for h in rows.frame.columns if h != "source_row"}
    columns: dict[str, pl.Series] = {}
    for name, cell in shape.cells.items():
        spelt = list(dict.fromkeys(headings[_folded(n)] for n in cell.names if _folded(n) in headings))
        heading = spelt[0] if spelt else None
        if heading is None:
            if cell.required:
                what = Words(f"缺少“{cell.names[0]}”列", f"has no column '{cell.names[0]}'")
                listed = "、".join(cell.names[:6])
                fix = Words(f"表头可写：{listed}", f"its heading may be: {listed}")
                problems.append(Problem(what, rows.where, 1, fix))
            columns[name] = shape.empty()[name].extend_constant(None, len(rows.frame))
            continue
        # A cell that is blank under one spelling of its heading may stand under another: some rows name a network, others a start.
        texts = rows.frame.select(pl.col(spelt).cast(pl.String).str.strip_chars(BLANKS))
        text = texts.select(
            pl.coalesce(pl.when(pl.col(s) != "").then(pl.col(s)) for s in spelt).alias(name)
        ).to_series()
        read = _read(text, cell, zone)
        problems += _wrong(text, read, cell, rows, heading)
        columns[name] = read
    frame = pl.DataFrame([*columns.values(), rows.frame["source_row"].cast(pl.Int64)])
    filled = pl.any_horizontal(pl.col(list(shape.cells)).is_not_null())
    frame = frame.filter(filled)
    if not problems and shape.unique:
        problems += _repeated(frame, shape, rows.where)
    if problems:
        raise OrderguardError(*problems[:50])
    return frame


def _read(text: pl.Series, cell: Cell, zone: str) -> pl.Series:
    if cell.kind in ("text", "province"):
        return _worded(text, cell)
    from orderguard.normalise import values  # noqa: PLC0415 - only for a table with numbers or times
    from orderguard.normalise.times import times  # noqa: PLC0415 - as above

    if cell.kind == "number":
        return values.money(text).cast(pl.Float64)
    if cell.kind == "span":
        parts = text.str.to_lowercase().str.extract_groups(r"^(\d+(?:\.\d+)?)\s*(d|天|日|h|小时|时|m|分钟)?$")
        unit = parts.struct.field("2").fill_null("").replace_strict(_SPAN_DAYS, default=None, return_dtype=pl.Float64)
        return (parts.struct.field("1").cast(pl.Float64) * unit).alias(text.name)
    read = times(text, zone)
    if cell.until:
        day = text.str.len_chars() <= len("2026-11-11")
        return pl.select(pl.when(day).then(read + timedelta(days=1)).otherwise(read).alias(text.name)).to_series()
    return read


def _worded(text: pl.Series, cell: Cell) -> pl.Series:
    if cell.kind == "province":
        from orderguard.enrich.places import canonical_region  # noqa: PLC0415 - only for a table of places

        return pl.select(pl.coalesce(canonical_region(text), text).alias(text.name)).to_series()
    if cell.words is None:
        return text
    folded = text.str.normalize("NFKC").str.to_lowercase()
    return folded.replace_strict(dict(cell.words), default=None, return_dtype=pl.String)


def _wrong(text: pl.Series, read: pl.Series, cell: Cell, rows: Rows, heading: str) -> list[Problem]:
    out = []
    numbers = rows.frame["source_row"]
    what = {
        "number": Words("应为数字", "should be a number"),
        "span": Words("应为天数，或 48h、2d", "should be days, or such as 48h, 2d"),
        "instant": Words("应为日期时间，如 2026-11-11 00:00", "should be a time such as 2026-11-11 00:00"),
    }.get(cell.kind, Words("写法未知", "is unknown"))
    for i in (text.is_not_null() & read.is_null()).arg_true():
        hint = closest(text[i], list(cell.words)) if cell.words else Words("", "")
        shown = str(text[i])[:60]
        said = Words(f"“{heading}”{what.zh}（写的是 '{shown}'）", f"'{heading}' {what.en} (it says '{shown}')")
        out.append(Problem(said, rows.where, int(numbers[i]), hint))
    if cell.required:
        others = rows.frame.drop("source_row")
        empty = others.select(pl.all_horizontal(pl.all().fill_null("").str.strip_chars(BLANKS) == "")).to_series()
        for i in (text.is_null() & ~empty).arg_true():
            said = Words(f"“{heading}”为空", f"'{heading}' is empty")
            out.append(Problem(said, rows.where, int(numbers[i])))
    return out


def _repeated(frame: pl.DataFrame, shape: Shape, where: str) -> list[Problem]:
    again = frame.filter(~pl.struct(shape.unique).is_first_distinct())
    names = "、".join(shape.cells[n].names[0] for n in shape.unique)
    return [
        Problem(
            Words(f"{names} 重复：'{row[0]}'", f"{names} is repeated: '{row[0]}'"),
            where,
            int(row[-1]),
            Words("每个只保留一行", "keep one row of each"),
        )
        for row in again.select(*shape.unique, "source_row").head(20).iter_rows()
    ]
