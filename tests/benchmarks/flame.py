"""A flame graph of a scan: where the time on the clock goes, function by function, as a picture and as a tree.

    python tests/benchmarks/flame.py EXPORT... [--rules FILE] [--svg FILE] [--outputs frames] [--rate 200] [--least 0.01]
                                     [--tree FOLDER]

py-spy (`pip install py-spy`) looks at every Python thread `--rate` times a second, at those that wait for Polars too: Polars'
own threads it does not see, so a step of Polars stands under the line of ours that asked for it, as long as it took.
The main thread's boxes add up to the wall; below it, what worker threads did beside it. `--tree` draws another checkout.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Stacks = dict[tuple[str, ...], float]
_FRAME = re.compile(r"(.*) \((.*?)(?::\d+)?\)$")
_COLOURS = {"Polars": "#7fb2e5", "imports": "#c9c9c9", "waiting": "#eeeeee"}
WIDE, HIGH = 1200, 17


def sampled(exports: list[str], rules: str, outputs: str, rate: int, tree: Path) -> Stacks:
    """Seconds of each stack of a scan with a new ledger."""
    with tempfile.TemporaryDirectory(dir=Path(exports[0]).resolve().parent) as place:
        raw = Path(place) / "raw.txt"
        scan = [sys.executable, "-m", "orderguard", "scan", *(str(Path(e).resolve()) for e in exports)]
        scan += ["--rules", str(Path(rules).resolve()), "--outputs", outputs]
        scan += ["--out", f"{place}/out", "--ledger", f"{place}/ledger"]
        spy = ["py-spy", "record", "--idle", "--threads", "--format", "raw", "--rate", str(rate), "--output", str(raw), "--"]
        # Elsewhere: the folder that Python is started in comes before PYTHONPATH.
        there = {**os.environ, "PYTHONPATH": str(tree.resolve())}
        done = subprocess.run([*spy, *scan], cwd=place, env=there, capture_output=True, text=True, check=False)
        if not raw.is_file():
            sys.exit(done.stderr[-2000:])
        found: Stacks = defaultdict(float)
        for line in raw.read_text(encoding="utf-8").splitlines():
            stack, _, count = line.rpartition(" ")
            found[folded(stack.split(";"))] += int(count) / rate
        return found


def folded(frames: list[str]) -> tuple[str, ...]:
    """Our own functions of a stack, and in one word what the last of them is doing."""
    lane = "main thread" if "MainThread" in frames[0] or "<module> (orderguard/__main__" in " ".join(frames[:6]) else "beside it"
    told, doing = [lane], ""
    for frame in frames[1:]:
        found = _FRAME.match(frame)
        name, file = (found[1], found[2]) if found else (frame, "")
        if "importlib" in file:
            doing = "imports"
            break
        if "orderguard/" in file:
            module = file.split("orderguard/")[-1].removesuffix(".py").replace("/", ".")
            told.append(f"{module.removesuffix('.__init__')}.{name}")
            doing = ""
        elif file.startswith("polars/"):
            doing = "Polars"
        elif doing != "Polars" and ("threading" in file or "concurrent/futures" in file or "queue" in file):
            doing = "waiting"
    return (*told, doing) if doing else tuple(told)


def pruned(stacks: Stacks, least: float) -> Stacks:
    """Without workers that wait, and without what takes less than `least` of the wall."""
    busy = {s: t for s, t in stacks.items() if s[0] == "main thread" or s[-1] != "waiting"}
    wall = sum(t for s, t in busy.items() if s[0] == "main thread")
    total: Stacks = defaultdict(float)
    for stack, seconds in busy.items():
        for depth in range(1, len(stack) + 1):
            total[stack[:depth]] += seconds
    return {s: t for s, t in total.items() if t >= least * wall}


def tree(total: Stacks) -> str:
    """As indented text."""
    return "\n".join(f"{t:8.2f} s  {'  ' * (len(s) - 1)}{s[-1]}" for s, t in _ordered(total))


def picture(total: Stacks, title: str) -> str:
    """As an SVG picture: time from left to right, callers above what they call."""
    lanes = {s: t for s, t in total.items() if len(s) == 1}
    scale = WIDE / max(lanes.values())
    boxes, top, deepest = [], 24, 0
    at: dict[tuple[str, ...], float] = {}
    for stack, seconds in _ordered(total):
        if len(stack) == 1:
            top, deepest = top + deepest * HIGH + (8 if boxes else 0), 0
        left = at[stack] = at.get(stack[:-1], 0.0) if stack[:-1] else 0.0
        at[stack[:-1]] = left + seconds * scale
        deepest = max(deepest, len(stack))
        boxes.append(_box(stack, seconds, left, top + (len(stack) - 1) * HIGH, seconds * scale))
    high = top + deepest * HIGH + 6
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" font-family="sans-serif" font-size="11">'
    return "\n".join([head, f'<text x="4" y="15">{html.escape(title)}</text>', *boxes, "</svg>"]) + "\n"


def _ordered(total: Stacks) -> list[tuple[tuple[str, ...], float]]:
    """Callers before what they call; what takes longest first."""
    def place(stack: tuple[str, ...]) -> tuple[object, ...]:
        return tuple(x for d in range(1, len(stack) + 1) for x in (-total[stack[:d]], stack[d - 1]))

    return sorted(total.items(), key=lambda item: (item[0][0] != "main thread", place(item[0])))


def _box(stack: tuple[str, ...], seconds: float, left: float, top: float, width: float) -> str:
    words = f"{stack[-1]} {seconds:.2f} s"
    room = int(width / 6.2)
    shown = words if len(words) <= room else stack[-1][: max(room - 1, 0)] + "…" if room > 5 else ""
    colour = _COLOURS.get(stack[-1], ("#f3a683", "#f7c38f", "#f5b58a")[len(stack) % 3])
    return (
        f'<g><title>{html.escape(" > ".join(stack))}: {seconds:.2f} s</title>'
        f'<rect x="{left:.1f}" y="{top}" width="{max(width - 0.4, 0.3):.1f}" height="{HIGH - 1}" fill="{colour}"/>'
        f'<text x="{left + 3:.1f}" y="{top + 12}">{html.escape(shown)}</text></g>'
    )


def main() -> None:
    """Sample, draw, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exports", nargs="+")
    parser.add_argument("--rules", default=str(ROOT / "rules.yaml"))
    parser.add_argument("--svg")
    parser.add_argument("--outputs", default="frames")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--least", type=float, default=0.01)
    parser.add_argument("--tree", type=Path, default=ROOT)
    wanted = parser.parse_args()
    total = pruned(sampled(wanted.exports, wanted.rules, wanted.outputs, wanted.rate, wanted.tree), wanted.least)
    print(tree(total))
    if wanted.svg:
        names = ", ".join(Path(e).name for e in wanted.exports)
        wall = total["main thread",]
        Path(wanted.svg).write_text(picture(total, f"orderguard scan {names} --outputs {wanted.outputs}: {wall:.1f} s"), encoding="utf-8")


if __name__ == "__main__":
    main()
