"""How long `verdict record` and `learn` take: a ledger of 50,000 cases, sheets of 5,000 rows, whole processes.

python tests/benchmarks/learning.py [cases]
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from house import export, order

SHEET = 5_000
BOOK = """version: 1
bands: {review: 20, hold: 30}
max_share: 100%
rules:
  - {id: words, kind: keywords, with: {any: [临时仓]}, points: 40}
  - {id: round, kind: round_amount, with: {multiple_of: 1000}, points: 30}
  - {id: far, kind: distance, with: {more_than_km: 2000}, points: 20}
  - {id: newcomer, kind: new_account, with: {within: 7d}, points: 30}
"""


def run(folder: Path, *words: str) -> float:
    """Seconds of one command."""
    start = perf_counter()
    subprocess.run([sys.executable, "-m", "orderguard", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main(count: int) -> None:
    """Scan, hand in sheets of 5,000 rows, learn; print what each took."""
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "rules.yaml").write_text(BOOK, encoding="utf-8")
        rows = []
        for i in range(count):
            row = order(f"N{i:06d}")
            for mark, change in (
                ("w", {"收货地址": f"某路 {i} 号临时仓"}), ("r", {"实付金额": "2000", "买家留言": ""}),
                ("f", {"联系电话": f"1399911{i % 10_000:04d}"}), ("n", {"注册时间": "2026-11-09 00:00:00", "历史订单数": "0", "优惠券": "券"}),
            ):  # fmt: skip
                if rng.random() < 0.3 or (mark == "n" and len(row["优惠券"]) == 0 and "临时仓" not in row["收货地址"]):
                    row |= change
            rows.append(row)
        export(folder / "a.csv", rows)
        print(f"scan of {count:,} flagged orders: {run(folder, 'scan', 'a.csv', '--outputs', 'frames,tasks', '--quiet'):.1f} s")
        sheet = pl.read_excel(folder / "out" / "tasks" / "unassigned.xlsx", infer_schema_length=0)
        said = pl.Series([rng.choice(("属实", "误判", "误判", "需进一步调查")) for _ in range(len(sheet))])
        for start in range(0, len(sheet), SHEET):
            part = sheet[start : start + SHEET].with_columns(处置结果=said[start : start + SHEET])
            part.write_excel(folder / f"s{start:06d}.xlsx")
        times = [run(folder, "verdict", "record", f"s{start:06d}.xlsx", "--json") for start in range(0, len(sheet), SHEET)]
        print(f"verdict record, {SHEET:,} rows: first {times[0]:.2f} s, last {times[-1]:.2f} s")
        print(f"learn, {len(sheet):,} verdicts: {run(folder, 'learn', '--json'):.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
