"""Times reading: a file to normalised orders beside Polars' own reader of the same file as text.

    python tests/benchmarks/reading.py [--rows 1000000] [--book-rows 200000] [--repeat 3] [--json FILE]

Every run is a process of its own that reads one file; both kinds alternate, the table shows medians and the ratio of
wall times of the reading alone (imports are not counted). Bounds: CSV 2.5x `polars.read_csv`, xlsx 1.5x `polars.read_excel`.
Three exports: a JD-like one (a row an order, text times), an ERP's with Chinese headings, and a messy one in which a few
cells of each column are odd (thousands commas, other dates, marks, blanks).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

ERP = ["订单编号", "平台", "店铺名称", "买家账号", "收货人", "联系电话", "省", "市", "区", "收货地址", "下单时间", "付款时间",
       "实付金额", "优惠金额", "优惠券", "买家留言", "下单IP", "注册时间", "历史订单数", "发货仓库", "订单状态", "商品编码", "商品名称", "数量"]  # fmt: skip
JD = ["订单号", "商品ID", "商品名称", "订购数量", "支付方式", "下单时间", "京东价", "订单金额", "结算金额", "余额支付", "应付金额", "订单状态",
      "订单类型", "下单帐号", "客户姓名", "客户地址", "联系电话", "订单备注", "商家备注", "运费金额", "付款确认时间"]  # fmt: skip


def make(path: Path, rows: int, kind: str) -> None:
    """`rows` orders of one of the exports, as CSV."""
    import polars as pl

    row = pl.int_range(0, rows, eager=True)
    draw = [row.hash(seed) for seed in range(8)]
    at = pl.lit(datetime(2026, 10, 1, tzinfo=UTC)) + pl.duration(seconds=pl.lit(draw[0] % (30 * 86_400)))
    def stamp(e: pl.Expr) -> pl.Expr:
        return e.dt.strftime("%Y-%m-%d %H:%M:%S")
    money = pl.format("{}.{}", pl.lit(draw[1] % 900 + 1), pl.lit(draw[2] % 100).cast(pl.String).str.zfill(2))
    phone = pl.format("138{}", pl.lit(draw[5] % 100_000_000).cast(pl.String).str.zfill(8))
    order = pl.format("30{}", pl.lit(row).cast(pl.String).str.zfill(16))
    note = pl.when(pl.lit(draw[3] % 3 == 0)).then(pl.lit("请尽快发货")).otherwise(pl.lit(""))
    address = pl.format("某路{}号{}栋", pl.lit(draw[2] % 997), pl.lit(draw[4] % 50))
    status = pl.when(pl.lit(draw[6] % 4 == 0)).then(pl.lit("已发货")).otherwise(pl.lit("等待出库"))
    if kind == "jd":
        cells = [order, pl.format("1000{}", pl.lit(draw[1] % 99_999)), pl.lit("奶粉 3 段 900g"), pl.lit("1"), pl.lit("在线支付"), stamp(at), money, money,
                 money, pl.lit("0.00"), money, status, pl.lit("SOP"), pl.format("jd_{}", pl.lit(draw[3] % 400_000)), pl.lit("王芳"),
                 pl.concat_str(pl.lit("江西南昌市青山湖区"), address), phone, note, pl.lit(""), pl.lit("0.00"), stamp(at + pl.duration(seconds=30))]  # fmt: skip
        head = JD
    else:
        cells = [order, pl.lit("京东"), pl.lit("贝贝旗舰店"), pl.format("u{}", pl.lit(draw[3] % 400_000)), pl.lit("王芳"), phone, pl.lit("广东省"),
                 pl.lit("深圳市"), pl.lit("南山区"), address, stamp(at), stamp(at + pl.duration(seconds=30)), money, pl.lit("5.00"),
                 pl.when(pl.lit(draw[7] % 5 == 0)).then(pl.lit("满200减30")).otherwise(pl.lit("")), note,
                 pl.format("10.{}.{}.{}", pl.lit(draw[1] % 256), pl.lit(draw[2] % 256), pl.lit(draw[3] % 256)),
                 stamp(at - pl.duration(hours=pl.lit(draw[1] % 3000))), pl.lit(draw[6] % 3).cast(pl.String), pl.lit("杭州仓"), status,
                 pl.format("NF-{}", pl.lit(draw[1] % 900)), pl.lit("奶粉 3 段 900g"), pl.lit("1")]  # fmt: skip
        head = ERP
    frame = pl.select([c.alias(n) for c, n in zip(cells, head, strict=True)])
    if kind == "messy":
        frame = _messy(frame, random.Random(1))
    frame.write_csv(path)


def _messy(frame: Any, rng: random.Random) -> Any:
    """Half a per cent of each column's cells as people leave them."""
    import polars as pl

    odd = {"下单时间": ["2026/10/3 9:05", "2026-10-03"], "付款时间": ["", "0000-00-00 00:00:00"], "实付金额": ["1,299.00", "¥88"], "联系电话": ["'13800000000", "+86 138 0000 0000"],
           "订单编号": [], "下单IP": ["-", "unknown"], "收货地址": [" 某路 1 号 ", "某路，1 号\t"], "买家账号": ["", "-"]}  # fmt: skip
    for name, cells in odd.items():
        if cells:
            at = sorted(rng.sample(range(len(frame)), max(len(frame) // 200, 1)))
            frame = frame.with_columns(frame[name].scatter(at, [rng.choice(cells) for _ in at]))
    return frame.with_columns(pl.when(pl.col("订单编号").hash() % 200 == 0).then(pl.format('="{}"', "订单编号")).otherwise("订单编号").alias("订单编号"))


def as_book(source: Path, path: Path) -> None:
    """The CSV as a book of text cells."""
    import polars as pl
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        frame = pl.read_csv(source, infer_schema=False)
        for n, row in enumerate([frame.columns, *frame.iter_rows()]):
            sheet.write_row(n, 0, row)


def once(path: str, who: str) -> float:
    """Seconds of reading in this process."""
    import polars as pl

    if who == "polars":
        began = time.perf_counter()
        frame = pl.read_excel(path, infer_schema_length=0) if path.endswith(".xlsx") else pl.read_csv(path, infer_schema=False)
        seconds = time.perf_counter() - began
        assert len(frame)
        return seconds
    from house import book

    from orderguard.platforms import load_profiles
    from orderguard.route import Team
    from orderguard.stages.options import Options
    from orderguard.stages.reading import read_orders

    rules = book("{id: a, kind: round_amount, points: 1, with: {}, says: x}")
    place = Path(path).parent
    now = datetime(2026, 11, 12, tzinfo=UTC)
    began = time.perf_counter()
    read = read_orders(Options([path], rules, Team(), place / "out", place / "ledger", now, "r"), load_profiles())
    seconds = time.perf_counter() - began
    assert len(read.orders)
    return seconds


def main() -> None:
    """Make the files, time both, print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--book-rows", type=int, default=200_000)
    words.add_argument("--repeat", type=int, default=3)
    words.add_argument("--json", type=Path)
    words.add_argument("--once", nargs=2, metavar=("FILE", "WHO"), help="one timing in this process")
    told = words.parse_args()
    if told.once:
        print(once(*told.once))
        return
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = []
        for kind in ("jd", "erp", "messy"):
            path = folder / f"{kind}.csv"
            make(path, told.rows, kind)
            files.append(path)
        if told.book_rows:
            make(folder / "book.csv", told.book_rows, "erp")
            as_book(folder / "book.csv", folder / "book.xlsx")
            files.append(folder / "book.xlsx")
        for path in files:
            times: dict[str, list[float]] = {"polars": [], "orderguard": []}
            for _ in range(told.repeat):
                for who, seconds in times.items():
                    run = subprocess.run([sys.executable, __file__, "--once", str(path), who], capture_output=True, text=True, check=False)
                    if run.returncode:
                        raise SystemExit(run.stderr)
                    seconds.append(float(run.stdout))
            figures[path.name] = {who: median(s) for who, s in times.items()}
            ours, theirs = figures[path.name]["orderguard"], figures[path.name]["polars"]
            bound = 1.5 if path.suffix == ".xlsx" else 2.5
            print(f"{path.name:12} polars {theirs:6.2f} s   orderguard {ours:6.2f} s   {ours / theirs:5.2f}x (bound {bound}x)", flush=True)
    print("load", *(f"{n:.1f}" for n in os.getloadavg()))
    if told.json:
        told.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
