"""Charts as SVG, drawn by hand: text stays text (Chinese renders with the reader's fonts), colours are the page's own.

Altair with vl-convert was measured against it (docs/decisions.md): 0.8 s, 128 MB and 84 MB on disk for the first chart,
and its colours are fixed when it is drawn, so one picture cannot serve a light and a dark page.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Points = Sequence[tuple[float, float]]

COLOURS = 8
"""Series colours that the page's style defines: `.c0` to `.c7`, after Okabe and Ito, each with a dash of its own."""
_WIDE, _LEFT, _TOP, _BOTTOM = 640, 56, 14, 30


def _open(width: int, height: int, title: str, desc: str, name: str) -> str:
    return (
        f'<svg class="chart" role="img" viewBox="0 0 {width} {height}" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(desc)}</desc>'
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", css: str = "tick") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def nice(top: float) -> list[float]:
    """Ticks from 0 to at least `top`: at most five steps of 1, 2 or 5 times a power of ten."""
    if top <= 0:
        return [0.0, 1.0]
    power = 10.0 ** len(str(int(top))) if top >= 1 else 1.0
    while power > top:
        power /= 10
    step = next(s * power for s in (0.2, 0.25, 0.5, 1, 2, 2.5, 5) if top / (s * power) <= 5)
    n = int(top / step - 1e-9) + 1
    return [step * i for i in range(n + 1)]


def _axis(
    ticks: Sequence[float], height: int, shown: Callable[[float], str]
) -> tuple[list[str], Callable[[float], float]]:
    top, floor = ticks[-1], height - _BOTTOM

    def y(value: float) -> float:
        return floor - (floor - _TOP) * value / top

    lines = []
    for tick in ticks:
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDE - 8}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        lines.append(_text(_LEFT - 6, y(tick) + 4, shown(tick), "end"))
    return lines, y


def lines(
    name: str,
    title: str,
    desc: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    shown: Callable[[float], str],
    height: int = 240,
) -> str:
    """A line per series over equally spaced labels; a gap where a value is None, a dot at each value."""
    known = [v for _, values in series for v in values if v is not None]
    out, y = _axis(nice(max(known, default=0)), height, shown)
    step = (_WIDE - _LEFT - 40) / max(len(labels) - 1, 1)
    for i, label in enumerate(labels):
        out.append(_text(_LEFT + 16 + step * i, height - 10, label))
    for i, (word, values) in enumerate(series):
        parts: list[list[str]] = [[]]
        for j, value in enumerate(values):
            if value is None:
                parts.append([])
                continue
            x = _LEFT + 16 + step * j
            parts[-1].append(f"{x:.1f},{y(value):.1f}")
            said = escape(f"{word}, {labels[j]}: {shown(value)}")
            out.append(
                f'<circle class="dot c{i % COLOURS}" cx="{x:.1f}" cy="{y(value):.1f}" r="3.5"><title>{said}</title></circle>'
            )
        out += [f'<polyline class="line c{i % COLOURS}" points="{" ".join(p)}"/>' for p in parts if len(p) > 1]
    return _open(_WIDE, height, title, desc, name) + "".join(out) + "</svg>"


def steps(
    name: str,
    title: str,
    desc: str,
    series: Sequence[tuple[str, Points]],
    ticks: Sequence[tuple[float, str]],
    shown: Callable[[float], str],
    height: int = 240,
) -> str:
    """Step curves (each value holds until the next point) up to the last tick."""
    far = ticks[-1][0]
    out, y = _axis(nice(max((v for _, points in series for _, v in points), default=0)), height, shown)

    def x(value: float) -> float:
        return _LEFT + (_WIDE - _LEFT - 24) * value / far

    out += [_text(x(at), height - 10, label) for at, label in ticks]
    for i, (_, points) in enumerate(series):
        path, last = [], 0.0
        for at, value in points:
            path.append(f"{x(at):.1f},{y(last):.1f} {x(at):.1f},{y(value):.1f}")
            last = value
        path.append(f"{x(far):.1f},{y(last):.1f}")
        out.append(f'<polyline class="line c{i % COLOURS}" points="{" ".join(path)}"/>')
    return _open(_WIDE, height, title, desc, name) + "".join(out) + "</svg>"


def heat(
    name: str,
    title: str,
    desc: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[tuple[float | None, str, str]]],
    top: float = 0,
) -> str:
    """A grid of cells, each a value (None: empty), its words, and the text that stands in it; the darkest is `top`, or the greatest."""
    top = top or max((v for line in cells for v, _, _ in line if v is not None), default=0) or 1
    wide, tall = (_WIDE - _LEFT) / len(columns), 24
    height = tall * len(rows) + 24
    out = []
    for i, label in enumerate(columns):
        if len(columns) <= 14 or i % 3 == 0:
            out.append(_text(_LEFT + wide * (i + 0.5), 14, label))
    for j, label in enumerate(rows):
        out.append(_text(_LEFT - 6, 24 + tall * j + 16, label, "end"))
        for i, (value, said, inside) in enumerate(cells[j]):
            shade = None if value is None else round(9 * value / top)
            out.append(
                f'<rect class="h{"none" if shade is None else shade}" x="{_LEFT + wide * i:.1f}" y="{24 + tall * j}" '
                f'width="{wide - 1.5:.1f}" height="{tall - 2}" rx="2"><title>{escape(said)}</title></rect>'
            )
            if inside:
                css = "on-dark" if shade is not None and shade >= 6 else "on-light"
                out.append(_text(_LEFT + wide * (i + 0.5) - 1, 24 + tall * j + 15, inside, css=css))
    return _open(_WIDE, height, title, desc, name) + "".join(out) + "</svg>"


def bars(
    name: str,
    title: str,
    desc: str,
    labels: Sequence[tuple[int, str]],
    values: Sequence[tuple[float, str, bool]],
    shown: Callable[[float], str],
    height: int = 130,
) -> str:
    """Upright bars, each a value, its words, and whether it is out of range; `labels` stand under bar numbers."""
    out, y = _axis(nice(max((v for v, _, _ in values), default=0)), height, shown)
    wide = (_WIDE - _LEFT - 10) / max(len(values), 1)
    for i, (value, said, odd) in enumerate(values):
        out.append(
            f'<rect class="{"alert" if odd else "c0"} bar-up" x="{_LEFT + wide * i:.1f}" y="{y(value):.1f}" '
            f'width="{max(wide - 1.5, 0.8):.1f}" height="{max(y(0) - y(value), 0):.1f}"><title>{escape(said)}</title></rect>'
        )
    out += [_text(_LEFT + wide * (i + 0.5), height - 10, label) for i, label in labels]
    return _open(_WIDE, height, title, desc, name) + "".join(out) + "</svg>"


def stack(parts: Sequence[tuple[float, str]], css: str = "stack") -> str:
    """A bar of parts side by side, each a number and a colour class; says nothing by itself."""
    total = sum(n for n, _ in parts) or 1
    out, x = [], 0.0
    for n, colour in parts:
        wide = 100 * n / total
        out.append(f'<rect class="{colour}" x="{x:.2f}" y="0" width="{wide:.2f}" height="10"/>' if n else "")
        x += wide
    return f'<svg class="{css}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{"".join(out)}</svg>'


def bar(part: float, colour: str = "c0") -> str:
    """A bar in a table cell, `part` of the cell's width."""
    wide = 100 * min(max(part, 0.0), 1.0)
    return (
        '<svg class="cell" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{colour}" x="0" y="1" width="{wide:.2f}" height="8"/></svg>'
    )


def interval(low: float, value: float, high: float) -> str:
    """A share with its 95 % interval in a table cell."""
    return (
        '<svg class="cell" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" x="0" y="4.5" width="100" height="1"/>'
        f'<rect class="range" x="{100 * low:.2f}" y="3" width="{max(100 * (high - low), 0.6):.2f}" height="4"/>'
        f'<rect class="point" x="{min(100 * value, 98.6):.2f}" y="0.5" width="1.4" height="9"/></svg>'
    )
