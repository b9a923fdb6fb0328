"""A few odd inputs of each kind; `benchmarks/fuzz.py` reads hundreds of thousands."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

import fuzzing
import pytest
from house import ROUNDS
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.ingest import reader
from orderguard.normalise import beside, cleaning


@pytest.mark.parametrize(("kind", "examples"), [("csv", 40), ("json", 40), ("xlsx", 8), ("profile", 40)])
def test_no_input_is_lost_or_crashes(kind: str, examples: int) -> None:
    """Read = clean + flagged + rejected, and every error is one that was meant."""

    @settings(max_examples=examples * ROUNDS, deadline=None)
    @given(st.integers(0, 2**48))
    def run(seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fuzzing.check(kind, seed, Path(folder), whole=True)

    run()


def test_a_lone_carriage_return_in_a_last_line_without_an_end(tmp_path: Path) -> None:
    from test_exports import scan

    (tmp_path / "a.csv").write_bytes("订单编号,收货人,实付金额\nA1,a,5\nA2,x\ry".encode())
    read = scan(tmp_path / "a.csv")
    assert (read.orders["order_id"].to_list(), len(read.rejects)) == (["A1"], 1)


@pytest.mark.parametrize("row", ['<row r="1048576">', '<row r="99999999">', "<row>"])
def test_a_sheet_of_few_cells_that_spans_a_huge_area(tmp_path: Path, row: str) -> None:
    """In the middle of the sheet, not at its end, where a stray cell is looked for first."""
    import zipfile

    from house import shell

    files = dict(fuzzing._template())
    cell = '<c t="inlineStr"><is><t>x</t></is></c>'
    far = cell if "r=" in row else '<c r="XFD1048576"><v>1</v></c>'
    files["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f'<row r="1">{cell * 300}</row>{row}{far}</row><row r="2">{cell}</row></sheetData></worksheet>'
    ).encode()
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    done = shell("scan", "a.xlsx", cwd=tmp_path)
    assert (done.returncode, "远处有孤立的单元格" in done.stderr) == (2, True), done.stderr


def test_a_repeated_cell_of_an_open_document_sheet(tmp_path: Path) -> None:
    import zipfile

    from house import shell

    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        row = '<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/></table:table-row>'
        archive.writestr("content.xml", f"<office:document-content><table:table>{row}</table:table></office:document-content>")
    done = shell("scan", "a.ods", cwd=tmp_path)
    assert (done.returncode, "远处有孤立的单元格" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 10_000 + "]" * 10_000, '[{"订单编号":"1","x":' + "[" * 10_000 + "]" * 10_000 + "}]"])
def test_json_nested_too_deep(tmp_path: Path, text: str) -> None:
    from house import shell

    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    done = shell("scan", "a.json", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr, "文件无法读取" in done.stderr) == (2, False, False), done.stderr


@pytest.mark.parametrize(("sample", "few"), [(2, 1), (20, 4)])
def test_what_is_done_for_long_files_only_changes_nothing(monkeypatch: pytest.MonkeyPatch, sample: int, few: int) -> None:
    """The same files read as they are, and as if some rows were many: samples, looks at cells' ends, threads, a hash beside."""

    @settings(max_examples=20 * ROUNDS, deadline=None)
    @given(st.integers(0, 2**48))
    def run(seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = fuzzing.MAKERS["csv"](random.Random(seed))
            path = Path(folder) / made.name
            path.write_bytes(made.data)
            os.utime(path, (1_700_000_000, 1_700_000_000))
            plain = fuzzing.told(path)
            with monkeypatch.context() as long:
                long.setattr(cleaning, "_SAMPLE", sample)
                long.setattr(cleaning, "_FEW", few)
                long.setattr(cleaning, "_MANY", 3)
                long.setattr(cleaning, "_SMALL", 0)
                long.setattr(beside, "_MANY", 1)
                long.setattr(reader, "_LARGE", 1)
                assert fuzzing.told(path) == plain

    run()
