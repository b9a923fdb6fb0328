"""The Spark that a scan runs on: its session, its input, how many tasks it takes; what does not go with it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orderguard.errors import OrderguardError, Problem, Words, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.stages.options import Options

SCHEME = "spark:"
_LEAST = 100_000
"""Rows for which a task of its own pays: it takes a second until a task has the house imported and its tables read."""
_PREVIEW = 40


def refuse(options: Options) -> None:
    """Say before anything starts what does not run on a cluster."""
    given = {"--lookup": options.lookups, "--query": options.query, "--since": options.since, "--table": options.table}
    wrong = [name for name, value in given.items() if value]
    if wrong:
        what = Words(f"{wrong[0]} 不能与 Spark 一起用", f"{wrong[0]} does not go with Spark")
        fix = Words("先在表或视图里准备好这些列", "prepare it in the table or a view of it")
        raise OrderguardError(Problem(what, fix=fix))
    if any(p == "-" or "://" in p for p in options.paths):
        raise OrderguardError(Problem(Words("Spark 读 Parquet 文件夹或表", "Spark reads Parquet folders and tables")))


def session() -> Any:
    """The session of SPARK_REMOTE (Spark Connect), of spark-submit, or a local one.

    Raises:
        OrderguardError: pyspark is not installed, or no session can be had.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - a cluster's own library
    except ImportError:
        fix = Words("运行 pip install 'orderguard[spark]'", "run pip install 'orderguard[spark]'")
        raise OrderguardError(
            Problem(Words("缺少 Spark 客户端", "the Spark client is not installed"), fix=fix)
        ) from None
    if not {"SPARK_HOME", "SPARK_REMOTE"} & set(os.environ):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # local workers need what this process has
    try:
        spark = SparkSession.builder.appName("orderguard").getOrCreate()
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        for name, value in (("arrow.maxRecordsPerBatch", "200000"), ("adaptive.coalescePartitions.enabled", "false")):
            with suppress(Exception):
                spark.conf.set(f"spark.sql.{'execution.' if name.startswith('arrow') else ''}{name}", value)
    except Exception as error:
        said = printable(str(error).splitlines()[0][:200]) if str(error) else type(error).__name__
        fix = Words(
            "设 SPARK_REMOTE=sc://主机:15002，或用 spark-submit 运行",
            "set SPARK_REMOTE=sc://host:15002, or run it by spark-submit",
        )
        raise OrderguardError(
            Problem(Words(f"连不上 Spark（{said}）", f"no Spark session ({said})"), fix=fix)
        ) from error
    return spark


def shuffle_tasks(spark: Any, frame: Any) -> int:
    """Tasks of a shuffle: ORDERGUARD_SPARK_TASKS, else as many as the cluster runs, but none for less than `_LEAST` rows."""
    if told := int(os.environ.get("ORDERGUARD_SPARK_TASKS", "0")):
        return told
    most = _parallel(spark)
    with suppress(Exception):  # a table that does not tell its rows is dealt to all
        most = min(most, -(-frame.count() // _LEAST))
    return max(most, 2)


def _parallel(spark: Any) -> int:
    for ask in (
        lambda: spark.sparkContext.defaultParallelism,
        lambda: int(spark.conf.get("spark.sql.shuffle.partitions")),
    ):
        with suppress(Exception):
            return max(int(ask()), 2)
    return 8


def source_of(spark: Any, paths: Sequence[str]) -> tuple[Any, str]:
    """The input as a Spark frame, and how messages call it."""
    tables = [p.removeprefix(SCHEME) for p in paths if p.startswith(SCHEME)]
    files = [p for p in paths if not p.startswith(SCHEME)]
    named = [t for t in tables if not ("/" in t or t.endswith(".parquet") or Path(t).exists())]
    files += [t for t in tables if t not in named]
    try:
        parts = [spark.table(t) for t in named]
        if files:
            parts.append(spark.read.parquet(*[str(Path(f).absolute()) if Path(f).exists() else f for f in files]))
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.unionByName(part, allowMissingColumns=True)
        _ = whole.columns
    except Exception as error:
        said = printable(str(error).splitlines()[0][:300]) if str(error) else type(error).__name__
        what = Words(f"Spark 读不了（{said}）", f"Spark cannot read it ({said})")
        raise OrderguardError(Problem(what, ", ".join(paths)[:200])) from error
    return whole, f"{SCHEME}{printable(', '.join([*named, *(Path(f).name for f in files)]))[:_PREVIEW]}"
