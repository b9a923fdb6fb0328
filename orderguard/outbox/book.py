"""Sheets to a workbook: jetxl (Rust, 13 times faster) where it has a wheel, XlsxWriter elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.outbox.safe import inert_frame

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = {"hold": ("FFF8CBAD", "FF9C0006"), "review": ("FFFFEB9C", "FF7F6000"), "pass": ("FFE2EFDA", "FF375623")}
_TIME = "yyyy-mm-dd hh:mm:ss"


@dataclass
class Sheet:
    """One sheet.

    Attributes:
        name: at most 31 characters, made safe and unique by the caller.
        frame: headings are its column names; times are naive local times.
        widths: column -> width in characters.
        colours: cell text -> band, for the column named by `coloured`.
        formats: column -> Excel number format.
        frozen: columns that stay in sight.
    """

    name: str
    frame: pl.DataFrame
    widths: dict[str, float] = field(default_factory=dict)
    coloured: str | None = None
    colours: dict[str, str] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    frozen: int = 1


def sheet_name(name: str, taken: set[str]) -> str:
    r"""A legal sheet name: no []:*?/\ or quotes at its ends, at most 31 characters, unique without case."""
    clean = "".join("_" if c in "[]:*?/\\" or not c.isprintable() else c for c in name).strip("' ")[:31] or "sheet"
    unique, n = clean, 2
    while unique.casefold() in taken:
        unique = f"{clean[:27]}~{n}"
        n += 1
    taken.add(unique.casefold())
    return unique


def write_book(path: Path, sheets: list[Sheet]) -> None:
    """Write the sheets; headers frozen, filters on, buyer text inert."""
    for sheet in sheets:
        sheet.frame = inert_frame(sheet.frame)
    try:
        import jetxl  # noqa: PLC0415 - has no wheel for every platform
    except ImportError:
        _write_slowly(path, sheets)
        return
    jetxl.write_sheets_arrow([_jet(s) for s in sheets], str(path), num_threads=2)


def _formats(sheet: Sheet) -> dict[str, str]:
    times = {c: _TIME for c, t in sheet.frame.schema.items() if isinstance(t, pl.Datetime)}
    return times | sheet.formats


def _jet(sheet: Sheet) -> dict[str, Any]:
    frame = sheet.frame
    spec: dict[str, Any] = {
        "data": frame,
        "name": sheet.name,
        "auto_filter": len(frame) > 0,
        "freeze_rows": 1,
        # jetxl always names the pane bottomRight, which Excel accepts only when columns are frozen too.
        "freeze_cols": sheet.frozen,
        "styled_headers": True,
        "column_widths": {c: float(w) for c, w in sheet.widths.items() if c in frame.columns},
        "column_formats": _formats(sheet),
    }
    if sheet.coloured and len(frame):
        at = frame.columns.index(sheet.coloured)
        spec["conditional_formats"] = [
            {
                "start_row": 2, "start_col": at, "end_row": len(frame) + 1, "end_col": at, "rule_type": "cell_value",
                "operator": "equal", "value": f'"{text}"', "priority": i,
                "style": {"fill": {"pattern": "solid", "fg_color": COLOURS[band][0], "bg_color": COLOURS[band][0]},
                          "font": {"bold": True, "color": COLOURS[band][1]}},
            }
            for i, (text, band) in enumerate(sheet.colours.items(), 1)
        ]  # fmt: skip
    return spec


def _write_slowly(path: Path, sheets: list[Sheet]) -> None:
    import xlsxwriter  # noqa: PLC0415

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        head = book.add_format(
            {
                "bold": True,
                "bg_color": "#D9D9D9",
                "align": "center",
                "text_wrap": True,
            }
        )
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            frame, formats = sheet.frame, _formats(sheet)
            for i, name in enumerate(frame.columns):
                form = book.add_format({"num_format": formats[name]}) if name in formats else None
                page.set_column(i, i, sheet.widths.get(name, 14), form)
                page.write_string(0, i, name, head)
            page.freeze_panes(1, sheet.frozen)
            if len(frame):
                page.autofilter(0, 0, len(frame), frame.width - 1)
            for r, row in enumerate(frame.iter_rows(), 1):
                page.write_row(r, 0, row)
            if sheet.coloured and len(frame):
                at = frame.columns.index(sheet.coloured)
                for text, band in sheet.colours.items():
                    fill = book.add_format(
                        {"bg_color": "#" + COLOURS[band][0][2:], "font_color": "#" + COLOURS[band][1][2:], "bold": True}
                    )
                    page.conditional_format(
                        1, at, len(frame), at, {"type": "cell", "criteria": "==", "value": f'"{text}"', "format": fill}
                    )
