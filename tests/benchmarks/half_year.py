"""Half a year with and without learning: prints the measures of every month, and draws them (`docs/half_year.svg`).

python tests/benchmarks/half_year.py [orders a month] [seed]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from seasons import NEW_PATTERN, Measures, half_year  # noqa: E402

RULE = "new-account-coupon"
_FIXED, _LEARNING, _INK = "#9C9C9C", "#C55A11", "#333333"


def table(months: list[tuple[Measures, Measures]]) -> list[str]:
    """One line a month, fixed weights against learning ones."""
    lines = [
        "| month | honest on hold | precision on hold | abnormal in the queue | abnormal in the first 300 | calibration error | its points |",
        "|---|---|---|---|---|---|---|",
    ]
    for fixed, learning in months:
        error = "" if learning.calibration_error is None else f"{learning.calibration_error:.3f}"
        lines.append(
            f"| {fixed.month} | {fixed.held_honest} → {learning.held_honest} | {fixed.precision:.0%} → {learning.precision:.0%} "
            f"| {fixed.queue_abnormal} → {learning.queue_abnormal} | {fixed.first_300} → {learning.first_300} | {error} "
            f"| {fixed.points[RULE]:g} → {learning.points[RULE]:g} |"
        )
    return lines


def picture(months: list[tuple[Measures, Measures]]) -> str:
    """Three small charts side by side as SVG."""
    charts = (
        ("Honest orders on hold", [(f.held_honest, n.held_honest) for f, n in months], "{:.0f}"),
        ("Precision on hold", [(100 * f.precision, 100 * n.precision) for f, n in months], "{:.0f} %"),
        ("Abnormal orders in the queue", [(f.queue_abnormal, n.queue_abnormal) for f, n in months], "{:.0f}"),
    )
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="960" height="300" viewBox="0 0 960 300" font-family="sans-serif">',
        '<rect width="960" height="300" fill="#FFFFFF"/>',
    ]
    for i, (title, values, form) in enumerate(charts):
        parts += _chart(30 + i * 312, title, values, form)
    for x, colour, said in ((330, _FIXED, "fixed weights"), (470, _LEARNING, "learning every month")):
        parts.append(f'<line x1="{x}" y1="284" x2="{x + 24}" y2="284" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 30}" y="288" font-size="12" fill="{_INK}">{said}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(left: float, title: str, values: list[tuple[float, float]], form: str) -> list[str]:
    top, bottom, width = 50, 230, 260
    most = max(max(pair) for pair in values) * 1.15
    step = width / (len(values) - 1)

    def place(i: int, value: float) -> tuple[float, float]:
        return left + i * step, bottom - (bottom - top) * value / most

    out = [
        f'<text x="{left}" y="24" font-size="14" font-weight="bold" fill="{_INK}">{title}</text>',
        f'<line x1="{left}" y1="{bottom}" x2="{left + width}" y2="{bottom}" stroke="#BBBBBB"/>',
    ]
    if len(values) > NEW_PATTERN:
        x = left + (NEW_PATTERN - 0.5) * step
        out.append(f'<line x1="{x:.1f}" y1="{top - 10}" x2="{x:.1f}" y2="{bottom}" stroke="#CCCCCC" stroke-dasharray="4 4"/>')
        out.append(f'<text x="{x + 4:.1f}" y="{top - 2}" font-size="10" fill="#888888">a new pattern begins</text>')
    for which, colour in ((0, _FIXED), (1, _LEARNING)):
        points = [place(i, pair[which]) for i, pair in enumerate(values)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="3"/>')
        for i in (0, 2, len(values) - 1):
            x, y = points[i]
            lower = values[i][which] < values[i][1 - which] and y < bottom - 24
            same = abs(values[i][0] - values[i][1]) < most * 0.06
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            if same and which == 0:
                continue
            anchor = "start" if i == 0 else "end" if i == len(values) - 1 else "middle"
            out.append(
                f'<text x="{x:.1f}" y="{y + (18 if lower and not same else -9):.1f}" font-size="11" text-anchor="{anchor}" '
                f'fill="{colour}">{form.format(values[i][which])}</text>'
            )
    out += [
        f'<text x="{left + i * step:.1f}" y="{bottom + 18}" font-size="11" text-anchor="middle" fill="{_INK}">{i + 1}</text>'
        for i in range(len(values))
    ]
    out.append(f'<text x="{left + width / 2}" y="{bottom + 34}" font-size="11" text-anchor="middle" fill="#888888">month</text>')
    return out


def main(size: int, seed: int) -> None:
    """Run, print, draw."""
    book = (ROOT / "rules.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        months = half_year(Path(folder), book, size, seed)
    print("\n".join(table(months)))
    (ROOT / "docs" / "half_year.svg").write_text(picture(months), encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
