"""Ways of writing delimited text that no reader takes as they are, rewritten as others write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orderguard.columns import BLANKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.ingest.table import HeaderScore

_QUOTED = re.compile(rb'"[^"]*"')
_LONE = re.compile(rb"\r(?!\n)")
_WRAPPED = re.compile(rb'^"(.*)"$')


def lines_ended(data: bytes, delimiter: str, width: int) -> bytes:
    """Old Macintosh line ends among others as line ends: a lone CR with a whole row on either side.

    One between two halves of a row is part of a cell's text, and stays.

    Args:
        data: text in any encoding that keeps ASCII.
        delimiter: of cells.
        width: cells of the header.
    """
    if data.count(b"\r") == data.count(b"\r\n"):
        return data
    mark = delimiter.encode()

    def ended(line: bytes) -> bytes:
        end = b"\r" if line.endswith(b"\r") else b""
        parts = [p for p in line.removesuffix(b"\r").split(b"\r") if p]
        whole = len(parts) > 1 and all(_QUOTED.sub(b"", p).count(mark) == width - 1 for p in parts)
        return b"\n".join(parts) + end if whole else line

    parts, done = [], 0
    for lone in _LONE.finditer(data):  # they are few, and splitting all lines for them takes a tenth of a scan
        if lone.start() < done:
            continue
        start, end = data.rfind(b"\n", 0, lone.start()) + 1, data.find(b"\n", lone.end())
        end = len(data) if end < 0 else end
        parts += [data[done:start], ended(data[start:end])]
        done = end
    return b"".join([*parts, data[done:]])


def quotes_at_cells(data: bytes, delimiter: str, header: Sequence[str]) -> bytes:
    """A blank between delimiter and quote (`"a", "b"`) hides the quote from every reader: where the whole header is so written it goes."""
    rest = [cell for cell in header[1:] if cell.strip()]
    if not rest or not all(cell.startswith(' "') and cell.endswith('"') for cell in rest):
        return data
    mark = delimiter.encode()
    return re.sub(re.escape(mark) + rb' +"', mark + b'"', data)


def unwrapped_lines(data: bytes) -> bytes:
    """Lines that are one quoted cell each, the quotes inside doubled (an export that was saved as a table of one column): as they were."""
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")]
    return b"\n".join([_WRAPPED.sub(rb"\1", line).replace(b'""', b'"') for line in lines])


def quote_of(header: Sequence[str]) -> str:
    """The sign that cells are wrapped in: `'` where every heading is, as scripts write it, else `"`."""
    cells = [cell for text in header if (cell := text.strip(BLANKS))]
    single = len(cells) > 1 and all(len(cell) > 2 and cell[0] == cell[-1] == "'" for cell in cells)
    return "'" if single else '"'


def other_delimiter(header: Sequence[str], score: HeaderScore) -> str:
    """The sign that parts the headings of a header that arrived as one cell, if parting there gives headings; else nothing."""
    filled = [cell for cell in header if cell.strip(BLANKS)]
    if len(filled) != 1:
        return ""
    signs = dict.fromkeys(re.findall(r"[^\w\s()（）]+|\s+", filled[0].strip(BLANKS)))
    found = {sign: score(parts) for sign in signs if len(parts := filled[0].split(sign)) >= _LEAST_PARTS}
    best = max(found, key=lambda sign: found[sign], default="")
    return best if found.get(best, 0.0) >= _MOSTLY else ""


_LEAST_PARTS, _MOSTLY = 4, 0.5
