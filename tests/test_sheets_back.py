"""Sheets as people hand them back: sorted, cut, pasted twice, moved, retyped, saved anew. Nothing wrong is recorded."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from house import House, export, order, shell
from openpyxl import load_workbook

from orderguard.ledger import open_ledger
from orderguard.ledger.check import check
from orderguard.ledger.verdicts import VerdictBook

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 12
RESULTS = ["属实", "误判", "误判", "需进一步调查"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Twelve flagged orders whose sheet is filled in."""
    made = House(tmp_path)
    made.scan(export(tmp_path / "a.csv", [order(f"N{i:02d}", 收货地址=f"某路 {i} 号临时仓") for i in range(COUNT)]))
    return made


def truth(i: int) -> str:
    return RESULTS[i % len(RESULTS)]


def filled(house: House) -> tuple[list[str], list[list[Any]]]:
    """The task sheet's heading and rows, with every result filled in."""
    page = load_workbook(house.out / "tasks" / "unassigned.xlsx").active
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    head, body = rows[0], sorted(rows[1:])
    for row in body:
        row[head.index("处置结果")] = truth(int(row[0][1:]))
    return head, body


def save(house: House, head: list[str], body: list[list[Any]], name: str = "小李.csv", encoding: str = "gb18030") -> Path:
    path = house.folder / name
    text = "\r\n".join(",".join('"' + str("" if c is None else c).replace('"', '""') + '"' for c in row) for row in [head, *body])
    path.write_bytes(text.encode(encoding))
    return path


def hand_in(house: House, *paths: Path) -> tuple[int, list[tuple[int, str]]]:
    """Record through the command line: how many were written, and each oddity's row and words."""
    done = shell("verdict", "record", *paths, "--json", cwd=house.folder)
    told = json.loads(done.stdout)
    return told["recorded"], [(o["row"], o["text"]) for o in told["oddities"]]


def recorded(house: House) -> dict[str, str]:
    ledger = open_ledger(house.ledger)
    assert check(ledger) == []
    words = {"confirmed": "属实", "false_alarm": "误判", "investigating": "需进一步调查"}
    found = {v["order_id"]: words[v["result"]] for v in VerdictBook(ledger).listed()}
    ledger.close()
    return found


def right(house: House) -> None:
    """What stands in the ledger is what was meant."""
    for name, result in recorded(house).items():
        assert result == truth(int(name[1:])), name


def test_rows_sorted_columns_moved_dates_retyped_and_saved_as_gbk(house: House) -> None:
    head, body = filled(house)
    mixed = list(range(len(head)))
    random.Random(3).shuffle(mixed)
    random.Random(4).shuffle(body)
    for row in body:
        row[head.index("处理时限")] = "2026/11/11 14:00"
        row[head.index("处置结果")] = " ".join(row[head.index("处置结果")]) + "\u3000"
    assert hand_in(house, save(house, [head[i] for i in mixed], [[row[i] for i in mixed] for row in body])) == (COUNT, [])
    assert len(recorded(house)) == COUNT
    right(house)


def test_rows_deleted_and_a_title_and_blank_rows_added(house: House) -> None:
    head, body = filled(house)
    wide = [""] * (len(head) - 1)
    kept = [["小李 11 月任务", *wide], [""] * len(head), head, *body[:4], [""] * len(head), *body[6:], ["合计", *wide]]
    written, oddities = hand_in(house, save(house, kept[0], kept[1:]))
    assert (written, oddities) == (COUNT - 2, [])
    right(house)


def test_rows_pasted_twice_are_named_and_those_that_contradict_are_not_recorded(house: House) -> None:
    head, body = filled(house)
    other = list(body[3])
    other[head.index("处置结果")] = "属实"
    written, oddities = hand_in(house, save(house, head, [*body, body[1], body[2], other]))
    assert written == COUNT - 1
    assert [row for row, _ in oddities] == [COUNT + 2, COUNT + 3, COUNT + 4]
    assert ["只记一次" in text for _, text in oddities] == [True, True, False]
    assert "两处都未记录" in oddities[2][1]
    assert "N03" not in recorded(house)
    right(house)


def test_numbers_and_cases_that_no_longer_belong_together_are_named(house: House) -> None:
    """An order number dragged down by the fill handle, one eaten by Excel, the number column sorted alone."""
    head, body = filled(house)
    body[0][0], body[1][0] = body[1][0], body[0][0]
    body[2][0] = "2.02611E+15"
    body[3][0] = "N99"
    written, oddities = hand_in(house, save(house, head, body))
    assert written == COUNT - 4
    assert [row for row, _ in oddities] == [2, 3, 4, 5]
    assert all("对不上" in text for _, text in oddities[:2])
    assert all("没有订单" in text for _, text in oddities[2:])
    right(house)


def test_numbers_that_a_spreadsheet_changed_are_found_by_their_case(tmp_path: Path) -> None:
    """A CSV of the sheet, opened and saved by Excel or WPS: 7.12E+17, no leading zeros. Without the case nothing is guessed."""
    numbers = ["00712345678901307", "712345678901307945"]
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order(n, 收货地址=f"某路 {n} 号临时仓") for n in numbers]))
    page = load_workbook(house.out / "tasks" / "unassigned.xlsx").active
    head, *body = [[cell.value for cell in row] for row in page.iter_rows()]
    for row in body:
        row[0] = {numbers[0]: "712345678901307", numbers[1]: "7.12346E+17"}[row[0]]
        row[head.index("处置结果")] = "误判"
    case = head.index("案件号")
    written, oddities = hand_in(house, save(house, head[:case] + head[case + 1 :], [r[:case] + r[case + 1 :] for r in body]))
    assert (written, len(oddities)) == (0, 2)
    assert all("保留案件号列" in text for _, text in oddities)
    assert hand_in(house, save(house, head, body, "again.csv")) == (2, [])
    assert recorded(house) == dict.fromkeys(numbers, "误判")


@pytest.mark.parametrize("said", ["不属实", "属实?", "属实/误判", "是", "√", "1", "属实误判", "#N/A", "=1+1", "误判，但建议退款"])
def test_an_answer_that_is_none_of_the_three_is_named_and_not_guessed(house: House, said: str) -> None:
    head, body = filled(house)
    body[5][head.index("处置结果")] = said
    written, oddities = hand_in(house, save(house, head, body))
    assert written == COUNT - 1
    assert [row for row, _ in oddities] == [7]
    assert "属实 / 误判 / 需进一步调查" in oddities[0][1]
    right(house)


def test_a_second_result_column_that_says_something_else_is_not_passed_over(house: House) -> None:
    head, body = filled(house)
    head = [*head, "处置结果"]
    body = [[*row, "属实" if i == 2 else row[1]] for i, row in enumerate(body)]
    written, oddities = hand_in(house, save(house, head, body))
    assert written == COUNT - 1
    assert [row for row, _ in oddities] == [4]
    assert "N02" not in recorded(house)
    right(house)


def test_two_agents_sheets_that_contradict_each_other(house: House) -> None:
    head, body = filled(house)
    mine = save(house, head, body[:6])
    other = [list(row) for row in body[4:]]
    other[0][head.index("处置结果")] = "需进一步调查"
    written, oddities = hand_in(house, mine, save(house, head, other, "小王.csv"))
    assert written == COUNT - 1
    assert sorted("两处都未记录" in text for _, text in oddities) == [False, True]
    assert hand_in(house, save(house, head, body[:4], "again.csv"))[0] == 0
    right(house)


def test_a_verdict_is_not_overturned_by_a_later_sheet_and_a_changed_remark_is_named(house: House) -> None:
    head, body = filled(house)
    first = save(house, head, body)
    assert hand_in(house, first)[0] == COUNT
    files = sorted((house.ledger / "verdicts").rglob("*"))
    assert hand_in(house, first) == (0, [])
    assert sorted((house.ledger / "verdicts").rglob("*")) == files, "the same sheet again leaves nothing"
    body[0][head.index("处置结果")] = "误判"
    body[1][head.index("备注")] = "后来补的说明"
    written, oddities = hand_in(house, save(house, head, body, "later.csv"))
    assert written == 0
    assert ["verdict revise" in text for _, text in oddities] == [True, True]
    right(house)


def test_a_sheet_saved_again_by_a_spreadsheet_program(house: House) -> None:
    """Written anew by openpyxl with real dates, numbers and a second sheet of notes."""
    head, _ = filled(house)
    book = load_workbook(house.out / "tasks" / "unassigned.xlsx")
    page = book.active
    for i, row in enumerate(page.iter_rows(min_row=2)):
        row[head.index("处置结果")].value = truth(int(row[0].value[1:]))
        row[head.index("备注")].value = 12345 + i
    book.create_sheet("我的笔记")["A1"] = "不是任务"
    path = house.folder / "小李.xlsx"
    book.save(path)
    assert hand_in(house, path)[0] == COUNT
    right(house)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "json"])
def test_verdicts_are_exported_and_typed_formulas_stay_text(house: House, ending: str) -> None:
    head, body = filled(house)
    body[0][head.index("备注")] = "=HYPERLINK(1)"
    hand_in(house, save(house, head, body))
    revised = shell("verdict", "revise", "N01", "属实", "--by", "主管", "--why", "复核", cwd=house.folder)
    assert revised.returncode == 0
    done = shell("verdict", "export", f"v.{ending}", cwd=house.folder)
    assert done.returncode == 0, done.stderr
    path = house.folder / f"v.{ending}"
    readers: dict[str, Any] = {"csv": pl.read_csv, "xlsx": pl.read_excel, "parquet": pl.read_parquet, "json": pl.read_json}
    found = readers[ending](path)
    assert len(found) == COUNT + 1
    trail = found.filter(pl.col("order_id") == "N01")
    assert trail["result"].to_list() == ["false_alarm", "confirmed"]
    assert [str(v).lower() for v in trail["counts"]] == ["false", "true"]
    note = found.filter(pl.col("order_id") == "N00")["note"][0]
    assert note == ("=HYPERLINK(1)" if ending in {"parquet", "json"} else "'=HYPERLINK(1)")
    assert set(found["rules"]) == {"risky-address"}


def test_an_export_to_nowhere_says_what_is_missing(house: House) -> None:
    for words, said in ((["v.doc"], ".csv"), ([], "verdicts.csv")):
        done = shell("verdict", "export", *words, cwd=house.folder)
        assert done.returncode == 2
        assert said in done.stderr
