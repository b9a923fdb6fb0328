"""Delimited text that other programs write in their own way: every row of it is read, or told."""

from __future__ import annotations

import csv
import io

import pytest
from house import HEAD, House, order

ROWS = [order(f"{n}", 收货人=f"张{n}", 买家留言="好, 谢谢" if n == 3 else "谢谢") for n in range(1, 9)]
ROWS[4]["收货地址"] = "临时仓"


def _text(rows=ROWS, **dialect):
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, HEAD, restval="", lineterminator="\r\n", **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


def _cr_after(*lines):
    """CRLF text in which these lines end in a lone CR."""
    parts = _text().split("\r\n")[:-1]
    return "".join(part + ("\r" if n in lines else "\r\n") for n, part in enumerate(parts))


WAYS = {
    "all by CR": _text().replace("\r\n", "\r"),
    "the header by CR": _cr_after(0),
    "the third line by CR": _cr_after(3),
    "most by CR": _cr_after(0, 1, 2, 5, 6, 7),
    "LF and CR": _cr_after(2, 3).replace("\r\n", "\n"),
    "two CR": _text().replace("\r\n", "\r\r\n"),
    "a blank before the quote": _text(quoting=csv.QUOTE_ALL).replace('","', '", "'),
    "each line a cell": "".join('"' + line.replace('"', '""') + '"\r\n' for line in _text().split("\r\n") if line),
    "formulas": "".join(",".join(f'="{c}"' for c in (r.get(h, "") for h in HEAD)) + "\r\n" for r in [dict(zip(HEAD, HEAD, strict=True)), *ROWS]).replace("好, ", "好 "),
}


@pytest.mark.parametrize("memory", [None, "1MB"])
@pytest.mark.parametrize("way", WAYS)
def test_every_row_is_read(tmp_path, way, memory):
    (tmp_path / "a.csv").write_bytes(WAYS[way].encode("gb18030" if way == "LF and CR" else "utf-8"))
    house = House(tmp_path)
    run = house.scan(tmp_path / "a.csv", memory=memory).run
    assert (run["read"], run["rejected"]) == (8, 0)
    assert house.findings() == {("5", "risky-address")}


def test_a_lone_cr_inside_a_text_stays_there(tmp_path):
    rows = [order("1", 买家留言="放\r门口"), order("2", 收货人='张"三"', 收货地址="某路\r临时仓"), order("3")]
    (tmp_path / "a.csv").write_bytes(_text(rows).encode())
    house = House(tmp_path)
    assert house.scan(tmp_path / "a.csv").run["read"] == 3
    assert house.findings() == {("2", "risky-address")}
    bare = _text(rows[:1] + rows[2:]).replace('"放\r门口"', "放\r门口")
    (tmp_path / "b.csv").write_bytes(bare.encode())
    assert house.scan(tmp_path / "b.csv").run["read"] == 2


def test_what_was_too_long_is_told_though_the_text_is_rewritten(tmp_path):
    text = _cr_after(3) + "x" * (1 << 21) + "\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode())
    run = House(tmp_path).scan(tmp_path / "a.csv").run
    assert (run["read"], run["rejected"], run["flagged"]) == (9, 1, 1)


def test_in_pieces_no_row_is_read_twice(tmp_path):
    """A later piece is read below the header: the row that shares its line with a header that ends in CR is not part of it."""
    rows = [order(f"{n}", 买家留言="谢" * 99) for n in range(700)]
    text = _text(rows).replace("\r\n", "\r", 1)
    (tmp_path / "a.csv").write_bytes(text.encode())
    run = House(tmp_path).scan(tmp_path / "a.csv", memory="1MB").run
    assert (run["rows"], run["read"], run["rejected"]) == (700, 700, 0)
