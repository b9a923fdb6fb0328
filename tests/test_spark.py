"""Spark runs the same rules: findings row by row as in memory, on Sail (no JVM) and on PySpark where they are there."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from everykind import every_kind, kinds_found, orders
from house import House, book

from orderguard.errors import OrderguardError
from orderguard.rules.registry import kind_names
from orderguard.stages.cluster import shuffle_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Spark's own sockets and clients; not ours to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
RULES = (
    "{id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40}",
    "{id: people, kind: velocity, with: {key: [ip, platform], window: 10m, at_least: 2, who: buyer_id}, points: 30}",
    "{id: phone, kind: velocity, with: {key: phone, window: 90s, at_least: 2}, points: 5}",
    "{id: words, kind: keywords, with: {column: address, any: [临时仓]}, points: 40, only: {platform: [京东]}}",
    "{id: round, kind: round_amount, with: {multiple_of: 1000}, points: 30}",
)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A session on Sail, else on a JVM's local[2]; `ORDERGUARD_TEST_SPARK=jvm` asks for the latter (one a process)."""
    wanted = os.environ.get("ORDERGUARD_TEST_SPARK", "")
    if find_spec("pysail") and find_spec("pyspark") and wanted != "jvm":
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        server = SparkConnectServer()
        server.start(background=True)
        _, port = server.listening_address
        session = SparkSession.builder.remote(f"sc://localhost:{port}").getOrCreate()
        yield session
        session.stop()
        return
    if not find_spec("pyspark") or not find_spec("py4j"):
        pytest.skip("neither pysail nor pyspark is installed: pip install 'orderguard[spark-test]'")
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        pytest.skip("no JVM")
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    yield session
    session.stop()


def findings(house: House) -> pl.DataFrame:
    return pl.read_parquet(house.out / "findings.parquet").sort(pl.all())


@pytest.mark.parametrize("hot", [100, 1_000_000])
def test_findings_are_the_same_row_by_row(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hot: int) -> None:
    from orderguard.stages import spark as engine

    monkeypatch.setattr(engine, "session", lambda: spark)
    monkeypatch.setattr(engine, "_ONE_TASK", hot)
    monkeypatch.setenv("ORDERGUARD_SPARK_TASKS", "3")
    frame = orders(hot, 700)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for i, part in enumerate((frame[:400], frame[400:])):
        part.write_parquet(tmp_path / f"part-{i}.parquet")
    paths = [tmp_path / "part-0.parquet", tmp_path / "part-1.parquet"]
    mine, theirs = House(tmp_path / "a", book(*RULES)), House(tmp_path / "b", book(*RULES))
    whole = mine.scan(*paths).run
    cluster = theirs.scan(*paths, engine="spark").run
    assert len(findings(mine)) > 100
    assert findings(theirs).equals(findings(mine))
    counts = ("rows", "read", "folded", "rejected", "flagged", "clean", "held", "review", "new_cases", "coverage_by_platform")
    assert {k: cluster[k] for k in counts} == {k: whole[k] for k in counts}
    flagged = {k: v for k, v in mine.bands().items() if v != "pass"}
    assert {k: v for k, v in theirs.bands().items() if v != "pass"} == flagged
    assert {k: sorted(v) for k, v in theirs.holds().items()} == {k: sorted(v) for k, v in mine.holds().items()}


def test_earlier_orders_count(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from orderguard.stages import spark as engine

    monkeypatch.setattr(engine, "session", lambda: spark)
    monkeypatch.setenv("ORDERGUARD_SPARK_TASKS", "2")
    at = datetime(2026, 11, 11, 1, tzinfo=UTC)
    rows = [{"order_id": str(i), "amount": "5", "ip": "192.0.2.7", "created_at": at + timedelta(minutes=i)} for i in range(3)]
    pl.DataFrame(rows[:2]).write_parquet(tmp_path / "early.parquet")
    pl.DataFrame(rows[2:]).write_parquet(tmp_path / "late.parquet")
    house = House(tmp_path, book(RULES[0]))
    house.scan(tmp_path / "early.parquet")
    run = house.scan(f"spark:{tmp_path / 'late.parquet'}").run  # type: ignore[arg-type]
    assert (run["read"], run["flagged"], run["past_flagged"]) == (1, 1, 2)


@pytest.mark.parametrize(("rows", "told", "tasks"), [(98_000, "", 2), (950_000, "", 10), (10**9, "", 40), (None, "", 40), (98_000, "7", 7)])
def test_no_more_tasks_than_the_rows_are_worth(monkeypatch: pytest.MonkeyPatch, rows: int | None, told: str, tasks: int) -> None:
    def count() -> int:
        if rows is None:
            raise RuntimeError("a view that cannot be counted")
        return rows

    monkeypatch.setenv("ORDERGUARD_SPARK_TASKS", told or "0")
    cluster = SimpleNamespace(conf={"spark.sql.shuffle.partitions": "40"})
    assert shuffle_tasks(cluster, SimpleNamespace(count=count)) == tasks


def test_what_does_not_go_with_spark_is_said_before_it_starts(tmp_path: Path) -> None:
    house = House(tmp_path, book(RULES[0]))
    for paths, given in ((["spark:t"], {"lookups": ["x.csv"]}), (["-"], {"engine": "spark"}), (["spark:t"], {"since": "last"})):
        with pytest.raises(OrderguardError, match="Spark"):
            house.scan(*paths, **given)


@pytest.mark.parametrize("seed", [3, 4])
def test_every_kind_finds_the_same_on_spark(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    from orderguard.stages import spark as engine

    monkeypatch.setattr(engine, "session", lambda: spark)
    monkeypatch.setattr(engine, "_ONE_TASK", 100)
    monkeypatch.setenv("ORDERGUARD_SPARK_TASKS", "2")
    rules = every_kind()
    orders(seed).write_parquet(tmp_path / "orders.parquet")
    done = []
    for name, given in (("memory", {}), ("cluster", {"engine": "spark"})):
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, rules)
        run = house.scan(tmp_path / "orders.parquet", **given).run
        done.append((findings(house), run["coverage_by_platform"], run["profiles"]))
    assert kinds_found(rules, done[0][0]) == set(kind_names())
    assert done[1][0].equals(done[0][0])
    assert done[1][1:] == done[0][1:]
