"""`rejected.csv` is corrected and scanned by itself; read = clean + flagged + rejected, per file, always."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import polars as pl
from house import House, book, export, order

from orderguard.outbox import lists

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

ROUND = "{id: round, kind: round_amount, points: 40, with: {}, says: x}"


def reconciled(run: dict[str, Any]) -> None:
    for file in [*run["inputs"], run]:
        assert file["read"] == file["clean"] + file["flagged"] + file["rejected"], file


def corrected(path: Path, change: Callable[[dict[str, str]], None]) -> Path:
    """A copy of rejected.csv, each row's cells changed."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        cells = json.loads(row[3])
        change(cells)
        row[3] = json.dumps(cells, ensure_ascii=False)
    copy = path.parent.parent / "corrected.csv"
    with copy.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    return copy


def test_corrected_rejects_are_read_as_the_rows_they_were(tmp_path: Path) -> None:
    """Of several files and platforms; a blank note is still a blank note, so the rule that needs it can judge."""
    house = House(tmp_path, book(ROUND))
    one = export(tmp_path / "a.csv", [order("A1"), order("A2", 实付金额="1000元整x", 买家留言=""), order("", 实付金额="2000", 买家留言="")])
    two = tmp_path / "jd.csv"
    two.write_text("订单号,下单帐号,应付金额,下单时间,订单备注\n7,u,3000.00,2026-11-31 25:00:00,\n8,u,5,2026-11-11 09:00:00,\n", encoding="utf-8")
    run = house.scan(one, two).run
    reconciled(run)
    assert run["rejected"] == 3

    def right(cells: dict[str, str]) -> None:
        if "实付金额" in cells:
            cells["实付金额"] = cells["实付金额"].replace("元整x", "")
            cells["订单编号"] = cells["订单编号"] or "A3"
        else:
            cells["下单时间"] = "2026-11-11 10:00:00"

    again = house.scan(corrected(house.out / "rejected.csv", right)).run
    reconciled(again)
    assert (again["read"], again["rejected"]) == (3, 0)
    assert [f["platform"] for f in again["inputs"]] == ["generic", "jd"]
    assert house.findings() == {("A2", "round"), ("A3", "round"), ("7", "round")}


def test_uncorrected_rejects_are_rejected_again(tmp_path: Path) -> None:
    """Too many cells, bytes that did not decode, a file that ends in a row, contradictions, an unreadable amount."""
    house = House(tmp_path, book(ROUND))
    head = "订单编号,收货人,联系电话,实付金额,买家留言\n"
    good = "G1,周安,13705810001,5,\n"
    (tmp_path / "a.csv").write_bytes((head + good + "A1,a,13705810001,5,x,y\n" + "A2,b,13705810001,6x,\n").encode())
    (tmp_path / "b.csv").write_bytes((head + good.replace("G1", "G2") * 5).encode() + b"B1,\xff\xfe\xff,13705810001,5,\n")
    (tmp_path / "c.csv").write_bytes((head + good.replace("G1", "G3") + "C1,a,137").encode())
    first = house.scan(*sorted(tmp_path.glob("*.csv"))).run
    reconciled(first)
    assert first["rejected"] == 4
    copy = corrected(house.out / "rejected.csv", lambda _: None)
    (tmp_path / "d.csv").write_bytes((head + good.replace("G1", "G4")).encode())
    again = house.scan(copy, tmp_path / "d.csv").run
    reconciled(again)
    assert (again["rejected"], again["read"]) == (4, 5)

    def right(cells: dict[str, str]) -> None:
        for key in [k for k in cells if k.startswith("+")]:
            del cells[key]
        cells.update({k: v.replace("�", "某").replace("6x", "6") for k, v in cells.items()})

    mended = house.scan(corrected(house.out / "rejected.csv", right)).run
    reconciled(mended)
    assert (mended["read"], mended["rejected"]) == (4, 0)


def test_rows_that_contradicted_their_order_come_back_in_our_columns(tmp_path: Path) -> None:
    house = House(tmp_path, book(ROUND))
    house.scan(export(tmp_path / "a.csv", [order("A1", 实付金额="88"), order("A1", 实付金额="3000", 买家留言="", 联系电话="13905810001")]))

    def right(cells: dict[str, str]) -> None:
        cells["order_id"] = "A9"

    run = house.scan(corrected(house.out / "rejected.csv", right)).run
    reconciled(run)
    assert house.findings() == {("A9", "round")}
    assert run["read"] == 1


def test_a_long_list_is_written_in_slices_with_one_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pl.DataFrame({"a": [f"={i}" for i in range(7)], "b": list(range(7))})
    lists.write_csv(tmp_path / "whole.csv", rows)
    monkeypatch.setattr(lists, "_SLICE", 3)
    lists.write_csv(tmp_path / "slices.csv", rows)
    lists.write_csv(tmp_path / "empty.csv", rows.clear())
    assert (tmp_path / "slices.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (tmp_path / "whole.csv").read_text("utf-8-sig").splitlines()[:2] == ["a,b", "'=0,0"]
    assert (tmp_path / "empty.csv").read_text("utf-8-sig") == "a,b\n"


def test_a_platform_named_like_a_windows_device_gets_a_file_of_its_own() -> None:
    assert [lists.file_stem(n) for n in ("CON", "nul.x", "com1", "Console", "jd", "=1+1", "-rf", "~$a")] == ["_CON", "_nul.x", "_com1", "Console", "jd", "_=1+1", "_-rf", "_~$a"]
