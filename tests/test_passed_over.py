"""Nothing that a user pointed at is left out in silence, and no scan begins that cannot leave its outputs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from house import House, export, order, shell

from orderguard.errors import OrderguardError
from orderguard.ingest import passed_over


def said(*paths: Path, used: tuple[str, ...] = ()) -> str:
    return "\n".join(p.text("en") for p in passed_over([str(p) for p in paths], used))


def test_a_folder_tells_what_it_holds_beside_the_tables_that_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "京东" / "11").mkdir(parents=True)
    export(folder / "a.csv", [order("A1")])
    export(folder / "京东" / "11" / "b.csv", [order("B1")])
    with zipfile.ZipFile(folder / "night.zip", "w") as archive:
        archive.writestr("c.csv", "订单编号\nC1\n")
    (folder / "lost.csv").symlink_to("nowhere.csv")
    (folder / ".DS_Store").touch()
    (folder / "read-me.md").touch()
    house = House(tmp_path)
    run = house.scan(folder).run
    told = " ".join(p["text"] for p in run["problems"])
    assert run["read"] == 1
    assert not any(p["fatal"] for p in run["problems"])
    assert "京东" in told
    assert "night.zip" in told
    assert "lost.csv" in told
    assert "read-me" not in told
    assert "DS_Store" not in told
    assert shell("scan", "in", cwd=tmp_path).returncode == 0  # a notice, no error


def test_what_is_read_or_our_own_is_not_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub" / "deep").mkdir(parents=True)
    export(folder / "a.csv", [order("A1")])
    export(folder / "sub" / "b.csv", [order("B1")])
    export(folder / "sub" / "deep" / "c.csv", [order("C1")])
    assert "sub" in said(folder)
    assert "deep" in said(folder, folder / "sub")
    assert said(folder, folder / "sub", folder / "sub" / "deep") == ""
    assert said(folder, folder / "sub" / "b.csv", used=(str(folder / "sub" / "deep" / "c.csv"),)) == ""
    assert said(folder / "a.csv") == ""
    House(folder).scan(folder / "a.csv")  # leaves out/ and ledger/ in the folder
    assert "out" not in said(folder, folder / "sub", folder / "sub" / "deep")


def test_inputs_in_pieces_tell_it_too(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    export(tmp_path / "in" / "a.csv", [order("A1")])
    export(tmp_path / "in" / "sub" / "b.csv", [order("B1")])
    done = shell("scan", "in", "--memory", "1GB", cwd=tmp_path)
    assert done.returncode == 0
    assert "in/sub" in done.stderr


def test_a_name_in_a_folder_is_hostile_text(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    export(tmp_path / "in" / "a.csv", [order("A1")])
    (tmp_path / "in" / "x\x1b[31m\ny.zip").touch()
    assert "\x1b" not in said(tmp_path / "in")
    assert "\n" not in said(tmp_path / "in")


@pytest.mark.parametrize("out", ["taken", "taken/below/it"])
def test_a_file_where_the_outputs_should_go_is_refused_before_anything_is_recorded(tmp_path: Path, out: str) -> None:
    export(tmp_path / "a.csv", [order("A1", 收货地址="临时仓")])
    (tmp_path / "taken").write_text("mine")
    done = shell("scan", "a.csv", "--out", out, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "taken" in done.stderr
    assert "--out" in done.stderr
    assert (tmp_path / "taken").read_text() == "mine"
    assert not (tmp_path / "ledger").exists()
    house = House(tmp_path)
    house.options.out = tmp_path / "taken"
    with pytest.raises(OrderguardError, match="taken"):
        house.scan(tmp_path / "a.csv")


def test_links_that_go_round_in_a_circle_are_told(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order("A1", 收货地址="临时仓")])
    (tmp_path / "round").symlink_to("round")
    done = shell("scan", "round", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "round" in done.stderr
    done = shell("scan", "a.csv", "--out", "round/x", "--quiet", cwd=tmp_path)
    assert done.returncode == 3
    assert "round" in done.stderr


def test_the_samples_are_scanned_without_a_notice(tmp_path: Path) -> None:
    """The first thing that a newcomer runs; their folder of account facts holds no orders."""
    samples = Path(__file__).parent.parent / "samples"
    assert (samples / "lookup").is_dir()
    done = shell("scan", samples, "--team", samples / "team.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("!")) == (0, 0), done.stderr
