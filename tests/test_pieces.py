"""Inputs larger than memory: cut into tiny pieces, everything that a scan says is the same."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import current_thread
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from everykind import every_kind, kinds_found, orders
from house import ALL, ROUNDS, House, book, burst, default_book, export, order, shell
from worlds import make_world, write_csv, write_parquet

from orderguard.errors import OrderguardError
from orderguard.ingest import Source
from orderguard.ingest.batches import read_batches
from orderguard.ingest.delimited import read_delimited
from orderguard.ledger.scratch import Scratch
from orderguard.platforms import header_score, load_profiles
from orderguard.rules.engine import run_rules
from orderguard.rules.pieces import AUDITED, PAST, ROW, run_in_pieces
from orderguard.rules.registry import kind_names
from orderguard.stages import aside, engines, shelf
from orderguard.stages.ahead import one_ahead
from orderguard.stages.memory import Plan, plan, resident, size
from orderguard.stages.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOMY = 1 << 40
"""Bytes: all batches wait in memory."""
FRAMES = ("findings", "decisions", "coverage")
_NOT_THE_SAME = ("timings", "run_id")


def left(house: House) -> dict[str, Any]:
    """Everything that a scan left, in one order."""
    out: dict[str, Any] = {n: pl.read_parquet(house.out / f"{n}.parquet").sort(pl.all()) for n in FRAMES}
    out["rejected"] = pl.read_csv(house.out / "rejected.csv", infer_schema=False).sort(pl.all())
    history = pl.concat([pl.read_parquet(f) for f in house.ledger.glob("orders/*/*.parquet")])
    out["history"] = history.sort("platform", "order_id", "source_file", "source_row")
    out["tasks"] = {k: sorted(v) for k, v in house.tasks().items()}
    out["holds"] = {k: sorted(v) for k, v in house.holds().items()}
    told = json.loads((house.out / "run.json").read_text(encoding="utf-8"))
    out["run"] = {k: v for k, v in told.items() if k not in _NOT_THE_SAME}
    return out


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in one.items():
        if isinstance(value, pl.DataFrame):
            assert value.equals(other[name]), name
        elif name == "run":
            assert {k: (v, other[name][k]) for k, v in value.items() if v != other[name][k]} == {}
        else:
            assert value == other[name], name


@pytest.mark.parametrize("cut", [Plan(9_000, 40, 0), Plan(9_000, 40, ROOMY), Plan(60_000, 400, ROOMY)])
def test_a_scan_in_pieces_leaves_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Plan) -> None:
    rows = make_world(450, 11)
    first, second = write_csv(rows[:250], tmp_path / "a.csv", "gb18030"), write_parquet(rows[200:], tmp_path / "b.parquet")
    done = []
    for name, one in (("memory", None), ("pieces", cut)):
        monkeypatch.setattr(engines, "plan", lambda *_, one=one: one)
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, book(
            "{id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40}",
            "{id: people, kind: velocity, with: {key: [ip, platform], window: 10m, at_least: 2, who: buyer_id}, points: 30}",
            "{id: shop, kind: velocity, with: {key: shop, window: 90s, at_least: 2}, points: 5, max_share: 1}",
            "{id: words, kind: keywords, with: {column: address, any: [临时仓]}, points: 40, only: {platform: [京东]}}",
            "{id: far, kind: distance, with: {more_than_km: 2000}, points: 20}",
        ))  # fmt: skip
        house.scan(first)
        earlier = left(house)
        house.scan(second, outputs=ALL)  # with a past: bursts that the two files cut apart
        done.append((earlier, left(house)))
    assert len(done[0][1]["findings"]) > 20
    same(done[0][0], done[1][0])
    same(done[0][1], done[1][1])
    assert not list((tmp_path / "pieces" / "ledger").glob(".pieces*"))


def test_a_person_is_the_same_when_the_orders_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is one person is told by all orders together: a pile of them does not know the links that lie outside."""
    rows = [
        order(f"{i}", 联系电话=f"1380258{i // 2:04d}", 买家账号=f"u{(i + 1) // 2}", 收货人=f"甲{i}", 下单时间=f"2026-11-11 09:{i:02d}:00")
        for i in range(40)
    ]  # fmt: skip
    chain, done = export(tmp_path / "a.csv", rows), []
    for name, one in (("memory", None), ("pieces", Plan(1_000, 10, 0))):
        monkeypatch.setattr(engines, "plan", lambda *_, one=one: one)
        (tmp_path / name).mkdir()
        house = House(
            tmp_path / name,
            book("{id: one, kind: velocity, with: {key: person, window: 1h, at_least: 40}, points: 40, max_share: 1}"),
        )
        house.scan(chain)
        done.append(left(house))
    assert len(done[0]["findings"]) == 40
    same(*done)


def test_earlier_orders_count_whatever_pile_they_lie_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", burst("a", (0, 1))))
    monkeypatch.setattr(engines, "plan", lambda *_: Plan(1_000, 50, 0))
    run = house.scan(export(tmp_path / "b.csv", burst("b", (2,)))).run
    assert (run["read"], run["flagged"], run["past_flagged"]) == (1, 1, 2)


@pytest.mark.parametrize("seed", range(2 * ROUNDS))
def test_rules_in_pieces_find_what_they_find_at_once(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    start = datetime(2026, 11, 11, tzinfo=UTC)
    n = 700
    frame = pl.DataFrame(
        {
            "platform": rng.choices(["jd", "taobao"], k=n),
            "order_id": [f"{i:05d}" for i in rng.sample(range(90_000), n)],
            "created_at": [
                None if rng.random() < 0.03 else start + timedelta(seconds=rng.choice((1, 60)) * rng.randrange(7_200))
                for _ in range(n)
            ],
            "ip": [None if rng.random() < 0.1 else "hot" if rng.random() < 0.4 else f"i{rng.randrange(80)}" for _ in range(n)],
            "buyer_id": [rng.choice([None, "a*b", *(f"u{k}" for k in range(30))]) for _ in range(n)],
            PAST: [rng.random() < 0.2 for _ in range(n)],
        },
        schema_overrides={"created_at": pl.Datetime("us", "UTC")},
    )
    heard = pl.Series([rng.random() < 0.9 for _ in range(n)])
    rules = book(
        "{id: a, kind: velocity, with: {key: ip, window: 2m, at_least: 3}, points: 1}",
        "{id: b, kind: velocity, with: {key: ip, window: 7m, at_least: 4, who: buyer_id}, points: 1}",
        "{id: c, kind: velocity, with: {key: [platform, buyer_id], window: 1h, at_least: 3}, points: 1}",
    ).variants
    whole = run_rules(frame, rules, "en", {}, heard)
    marked = frame.with_columns(pl.int_range(pl.len()).alias(ROW), heard.alias(AUDITED))
    shuffled = marked.sample(fraction=1.0, shuffle=True, seed=seed)
    for rows in (15, 100):
        cut = run_in_pieces(shuffled.iter_slices(130), rules, "en", {}, tmp_path / str(rows), rows)
        assert len(whole.findings) > 100
        assert cut.findings.equals(whole.findings.cast({"row": pl.Int64}))
        assert cut.coverage.sort(pl.all()).equals(whole.coverage.sort(pl.all()))


def test_batches_number_rows_as_the_file_does(tmp_path: Path) -> None:
    rng = random.Random(3)
    lines = ["导出说明", "订单编号,下单时间,实付金额,买家留言,收货地址"]
    for i in range(400):
        note = rng.choice(["好", '"两\n行"', '"引""号,"', "", '" 三\n\n行 "'])
        lines.append(f"{i},2026-11-11 09:00:00,{i}.5,{note},路{i}号" if rng.random() > 0.03 else rng.choice([",,,,", ""]))
    data = ("\r\n".join(lines) + "\r\n").encode("gb18030")
    (tmp_path / "a.csv").write_bytes(data)
    score = header_score(load_profiles(None))
    whole = read_delimited(data, "a.csv", score).frame
    for block in (300, 1_000, 5_000):
        source = Source(tmp_path / "a.csv", "a.csv")
        parts = pl.concat([t.frame for t in read_batches(source, score, block, 10)])
        assert parts.equals(whole)
        assert source.size == len(data)


def test_a_quote_that_never_closes_holds_nothing_up(tmp_path: Path) -> None:
    rows = [f'{i},2026-11-11 09:00:00,{i}.5,{"5" + chr(34) if i == 9 else "好"}' for i in range(3_000)]
    text = "订单编号,下单时间,实付金额,买家留言\n" + "\n".join(rows) + "\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    score = header_score(load_profiles(None))
    tables = list(read_batches(Source(tmp_path / "a.csv", "a.csv"), score, 2_000, 10))
    assert len(tables) > 10
    assert sum(len(t.frame) + len(t.bad) for t in tables) == 3_000
    assert tables[-1].frame["source_row"][-1] == 3_001


def test_day_and_month_are_settled_by_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{i},0{i % 9 + 1}/05/2026 09:00:00,{i}.5,1.2.3.{i % 250}" for i in range(300)] + ["999,25/05/2026 09:00:00,1,1.1.1.1"]
    (tmp_path / "a.csv").write_text("订单编号,下单时间,实付金额,下单IP\n" + "\n".join(rows) + "\n", encoding="utf-8")
    monkeypatch.setattr(engines, "plan", lambda *_: Plan(1_000, 50, 0))
    run = House(tmp_path, default_book()).scan(tmp_path / "a.csv").run
    assert (run["read"], run["rejected"]) == (301, 0)


def test_sizes(tmp_path: Path) -> None:
    assert (size("4GB"), size("1.5 GiB"), size("800m"), size("300")) == (4 << 30, 3 << 29, 800 << 20, 300 << 20)
    (tmp_path / "a.csv").write_bytes(b"x" * 50_000_000)
    assert plan([str(tmp_path)], "8GB") is None
    cut = plan([str(tmp_path / "a.csv")], "500MB")
    assert cut is not None
    assert cut.block < 50_000_000
    for wrong in ("many", "0", "-1GB", ""):
        with pytest.raises(OrderguardError):
            size(wrong)


def test_batches_wait_in_memory_until_half_of_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [pl.DataFrame({"n": range(i, i + 1_000)}) for i in range(6)]
    size, taken = int(batches[0].estimated_size()), 0
    monkeypatch.setattr(shelf, "resident", lambda: taken)
    kept = Shelf(tmp_path, size * 8)
    for i, rows in enumerate(batches):
        kept.put(i, rows)
        taken += size
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rows-000004.ipc", "rows-000005.ipc"]
    assert [kept.get(i).equals(rows) for i, rows in enumerate(batches)] == [True] * 6
    assert len(list(tmp_path.iterdir())) == 2
    taken = size * 8  # what else the scan holds has grown: what waits gives way
    assert kept.get(1).equals(batches[1])
    assert len(list(tmp_path.iterdir())) == 6
    assert [kept.take(i).equals(rows) for i, rows in enumerate(batches)] == [True] * 6
    assert list(tmp_path.iterdir()) == []


def test_where_the_system_does_not_tell_its_memory_batches_wait_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "resident", lambda: None)
    kept = Shelf(tmp_path, 1 << 40)
    kept.put(0, pl.DataFrame({"n": [1]}))
    assert [p.name for p in tmp_path.iterdir()] == ["rows-000000.ipc"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asked on Linux only")
def test_the_memory_that_a_process_takes() -> None:
    held = pl.repeat(1, 20_000_000, dtype=pl.Int64, eager=True)
    now = resident()
    assert now is not None
    assert 160_000_000 < now < 16 << 30
    assert len(held) == 20_000_000


def test_memory_from_the_shell(tmp_path: Path) -> None:
    write_csv(make_world(300, 2), tmp_path / "a.csv")
    done = shell("scan", "a.csv", "--memory", "1MB", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["read"] == told["clean"] + told["flagged"] + told["rejected"] > 300
    assert pl.read_parquet(tmp_path / "out" / "decisions.parquet").height == told["read"] - told["rejected"]


@pytest.mark.parametrize(("seed", "rows"), [(1, 130), (2, 300)])
def test_every_kind_finds_the_same_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, rows: int) -> None:
    frame, rules, done = orders(seed), every_kind(), {}
    cut = len(frame) * 2 // 3
    frame[:cut].write_parquet(tmp_path / "a.parquet")
    frame[cut:].write_parquet(tmp_path / "b.parquet")
    for name, one in (("memory", None), ("pieces", Plan(9_000, rows, ROOMY * (seed - 1)))):
        monkeypatch.setattr(engines, "plan", lambda *_, one=one: one)
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, rules)
        house.scan(tmp_path / "a.parquet")
        earlier = left(house)
        house.scan(tmp_path / "b.parquet")
        done[name] = (earlier, left(house))
    found = pl.concat([part["findings"] for part in done["memory"]])
    assert kinds_found(rules, found) == set(kind_names())
    same(done["memory"][0], done["pieces"][0])
    same(done["memory"][1], done["pieces"][1])


def test_rows_set_aside_are_told_from_the_disk_as_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unreadable amounts where they stand, and contradicting rows that meet in piles, told in the order of the files."""
    monkeypatch.setattr(aside, "_STRETCH", 7)
    rng = random.Random(8)
    files = []
    for name in ("z", "a", "中"):
        rows = [
            order(f"{rng.randrange(20)}", 实付金额=rng.choice(["10", "20", "面议"]), 买家留言='=1+1,"\n二', 下单时间=f"2026-11-11 09:{i % 60:02d}:00")
            for i in range(30)
        ]  # fmt: skip
        files.append(export(tmp_path / f"{name}.csv", rows))
    told, runs = [], []
    for name, one in (("memory", None), ("pieces", Plan(3_000, 20, 0))):
        monkeypatch.setattr(engines, "plan", lambda *_, one=one: one)
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, book("{id: words, kind: keywords, with: {any: [临时仓]}, points: 40}"))
        runs.append({k: house.scan(*files).run[k] for k in ("read", "rejected", "folded", "inputs")})
        told.append((house.out / "rejected.csv").read_bytes())
    assert runs[0] == runs[1]
    assert runs[0]["rejected"] > 30
    assert told[0] == told[1]


def test_what_is_made_one_ahead_comes_in_order_and_is_let_go_of_where_it_was_made() -> None:
    threads, closed = set(), list[str]()

    def made(n: int) -> Iterator[int]:
        try:
            for i in range(n):
                threads.add(current_thread().name)
                if i == 3:
                    raise ValueError(i)
                yield i
        finally:
            closed.append(current_thread().name)

    assert list(one_ahead(made(3))) == [0, 1, 2]
    failing = one_ahead(made(9))
    assert [next(failing) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(failing)
    for item in one_ahead(made(3)):
        if item == 1:
            break
    assert len(closed) == 3
    assert current_thread().name not in {*threads, *closed}


def test_what_a_killed_scan_laid_down_goes_and_what_a_living_one_uses_stays(tmp_path: Path) -> None:
    killed, old, new = (tmp_path / f".pieces-{name}" for name in ("killed", "old", "new"))
    for folder in (killed, old, new):
        folder.mkdir()
        (folder / "rows-000000.ipc").write_bytes(b"x")
    script = f"import os, sqlite3; c = sqlite3.connect({str(killed / '.lock')!r}, isolation_level=None); c.execute('BEGIN EXCLUSIVE'); os._exit(9)"
    subprocess.run([sys.executable, "-c", script], check=False)
    now = datetime.now(UTC)
    os.utime(old, (now.timestamp() - 3_600,) * 2)  # without a lock: left by an older version
    living = Scratch(tmp_path, now)
    (living.folder / "rows-000000.ipc").write_bytes(b"x")
    os.utime(living.folder, (now.timestamp() - 3_600,) * 2)
    other = Scratch(tmp_path, now + timedelta(seconds=5))
    assert {f.name for f in tmp_path.iterdir()} == {new.name, living.folder.name, other.folder.name}
    assert (living.folder / "rows-000000.ipc").exists()
    for mine in (living, other):
        mine.close()
    assert [f.name for f in tmp_path.iterdir()] == [new.name]
