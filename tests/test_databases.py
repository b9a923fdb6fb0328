"""Databases in and out: SQLite always, PostgreSQL and MariaDB where they can be started."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import servers
from house import House, book, process, shell

from orderguard.databases import connect, failed, is_address, parse_address, scrub
from orderguard.errors import OrderguardError, Words
from orderguard.ingest import databases as from_database
from orderguard.stages.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = ("order_id", "amount", "created_at", "paid_at", "ip", "receiver_phone", "address", "coupon", "note")
LONG = 1234567890123456700
WHERE = "广东省深圳市南山区某路 1 号"


@pytest.fixture(scope="module")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("psycopg")
    with _started(servers.postgres, tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture(scope="module")
def my(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("pymysql")
    with _started(servers.mysql, tmp_path_factory.mktemp("my")) as url:
        yield url


@contextmanager
def _started(server: Any, folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORDERGUARD_DB_PASSWORD", servers.PASSWORD)
        try:
            running = server(folder)
            url = running.__enter__()
        except RuntimeError as why:
            pytest.skip(str(why))
        try:
            yield url
        finally:
            running.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgres", "mysql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database's address."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    return _emptied(request)


@pytest.fixture(params=["postgres", "mysql"])
def server(request: pytest.FixtureRequest) -> str:
    """An empty database that asks for a password."""
    return _emptied(request)


def _emptied(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("pg" if request.param == "postgres" else "my")
    names = ("orders", "orderguard_findings", "orderguard_decisions", "orderguard_cases")
    run(url, *(f"DROP TABLE IF EXISTS {name}" for name in names))
    return url


def run(url: str, *statements: str, rows: list[tuple[Any, ...]] | None = None) -> list[tuple[Any, ...]]:
    """Execute statements (the last one with rows) and give back what the last one found."""
    db = connect(parse_address(url), write=True)
    try:
        cursor = db.cursor()
        for statement in statements:
            if rows is not None and statement is statements[-1]:
                cursor.executemany(statement, rows)
            else:
                cursor.execute(statement)
        found = cursor.fetchall() if cursor.description else []
        if not url.startswith("sqlite"):
            db.commit()
        return [tuple(r) for r in found]
    finally:
        db.close()


def fill(url: str, first: int, count: int, minute: int, ip: str = "198.51.100.{i}") -> None:
    """Orders numbered from `first`, all in one minute."""
    kinds = {
        "sqlite": "order_id INTEGER, amount REAL, created_at TEXT, paid_at TEXT",
        "postgresql": "order_id BIGINT, amount NUMERIC(20,8), created_at TIMESTAMP, paid_at TIMESTAMPTZ",
        "mysql": "order_id BIGINT, amount DECIMAL(20,8), created_at DATETIME, paid_at TIMESTAMP NULL",
    }[url.partition(":")[0]]
    zone = "" if url.startswith("mysql") else "+00:00"
    rows = [
        (LONG + i, "88.00000001", f"2026-11-11 09:{minute:02d}:00", f"2026-11-11 01:{minute:02d}:30{zone}",
         ip.format(i=i), "00138" + f"{i:06d}", WHERE, "", "=cmd|'x'!A1,\"\n𠮷")
        for i in range(first, first + count)
    ]  # fmt: skip
    mark = "?" if url.startswith("sqlite") else "%s"
    text = "VARCHAR(200)" if url.startswith("mysql") else "TEXT"
    rest = ", ".join(f"{c} {text}" for c in COLUMNS[4:])
    run(
        url,
        f"CREATE TABLE IF NOT EXISTS orders ({kinds}, {rest})",
        f"INSERT INTO orders VALUES ({', '.join([mark] * len(COLUMNS))})",
        rows=rows,
    )


def history(house: House) -> pl.DataFrame:
    return pl.read_parquet(sorted(house.ledger.glob("orders/*/*.parquet"))).sort("order_id")


def scan(house: House, url: str, **changed: Any) -> Any:
    house.runs += 1
    from dataclasses import replace

    from orderguard.audit import scan as audit

    changed = {"table": "orders"} | changed if "query" not in changed else changed
    return audit(replace(house.options, paths=[url], run_id=f"run-{house.runs:03d}", **changed))


def test_every_cell_arrives_as_it_is(place: str, tmp_path: Path) -> None:
    fill(place, 1, 3, 0)
    house = House(tmp_path)
    run_ = scan(house, place).run
    assert (run_["read"], run_["rejected"], run_["inputs"][0]["platform"]) == (3, 0, "generic")
    row = history(house).row(0, named=True)
    assert row["order_id"] == str(LONG + 1)
    assert row["receiver_phone"] == "00138000001"
    assert str(row["amount"]) == "88.00000001"
    assert row["created_at"].isoformat() == "2026-11-11T01:00:00+00:00"  # no zone: the rulebook's
    assert row["paid_at"].isoformat() == "2026-11-11T01:00:30+00:00"  # with a zone: an instant
    assert row["buyer_note"] == "=cmd|'x'!A1,\"\n𠮷"
    assert row["coupon"] == ""


def test_reads_on_from_where_it_stopped(place: str, tmp_path: Path) -> None:
    fill(place, 1, 4, 0)
    house = House(tmp_path)
    assert scan(house, place, since="last").run["read"] == 4
    assert scan(house, place, since="last").run["read"] == 0
    fill(place, 10, 2, 0)  # the same minute as the last ones: neither lost nor read with those again
    fill(place, 20, 3, 1)
    assert scan(house, place, since="last").run["read"] == 5
    assert scan(house, place, since="last").run["read"] == 0
    assert len(history(house)) == 9
    assert scan(house, place, since="2026-11-11 09:01:00").run["read"] == 3
    assert scan(house, place).run["read"] == 9


def test_a_table_larger_than_memory_is_audited_in_pieces(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it holds, a table is read a batch at a time; its rows, findings and watermark are the same."""
    fill(place, 1, 60, 0, ip="198.51.100.7")
    fill(place, 61, 60, 9, ip="198.51.100.{i}")
    fill(place, 61, 5, 9, ip="198.51.100.{i}")  # five rows twice, batches apart
    monkeypatch.setattr(from_database, "BATCH_ROWS", 11)
    monkeypatch.setattr(from_database, "BATCH_BYTES", 1_000)
    laid = []
    monkeypatch.setattr(Shelf, "put", lambda shelf, number, rows, put=Shelf.put: laid.append(number) or put(shelf, number, rows))
    done = []
    for memory in ("4GB", "1MB"):
        (tmp_path / memory).mkdir()
        house = House(tmp_path / memory, book("{id: ip, kind: velocity, with: {key: ip, window: 5m, at_least: 3}, points: 40}"))
        first = scan(house, place, since="last", memory=memory)
        findings = pl.read_parquet(house.out / "findings.parquet").sort("order_id")
        again = scan(house, place, since="last", memory=memory)
        done.append((first.run["read"], first.run["inputs"], findings, again.run["read"], history(house)))
        assert bool(laid) == (memory == "1MB")
    assert (done[0][0], len(done[0][2]), done[0][3]) == (120, 60, 0)
    assert done[0][:2] == done[1][:2]
    assert done[0][3] == done[1][3]
    assert done[0][2].equals(done[1][2])
    assert done[0][4].equals(done[1][4])


def test_a_row_without_a_watermark_is_not_lost(place: str, tmp_path: Path) -> None:
    fill(place, 1, 2, 0)
    house = House(tmp_path)
    scan(house, place, since="last")
    run(place, f"UPDATE orders SET created_at = NULL WHERE order_id = {LONG + 1}")
    assert scan(house, place, since="last").run["read"] == 1
    assert scan(house, place, since="last").run["read"] == 0


def test_watermark_of_a_number_and_a_query_with_a_percent_sign(place: str, tmp_path: Path) -> None:
    fill(place, 1, 5, 0)
    house = House(tmp_path)
    query = "SELECT * FROM orders WHERE ip LIKE '198.%' -- all"
    assert scan(house, place, query=query, since="last", watermark="ORDER_ID").run["read"] == 5
    fill(place, 9, 1, 0)
    assert scan(house, place, query=query, since="last", watermark="order_id").run["read"] == 1
    assert scan(house, place, query=query, since=str(LONG + 5), watermark="order_id").run["read"] == 2


def test_since_a_time_is_read_in_the_shops_zone(place: str, tmp_path: Path) -> None:
    """Like a time in an export, also against instants and Unix time; what is no time is told by the database."""
    kind = {"s": "TEXT", "p": "TIMESTAMPTZ", "m": "TIMESTAMP NULL"}[place[0]]
    run(place, f"CREATE TABLE orders (order_id BIGINT, amount INT, created_at {kind}, placed BIGINT)")
    for n in range(4):  # 09:00 to 09:03 in Shanghai
        run(place, f"INSERT INTO orders VALUES ({n + 1}, 5, '2026-11-11 0{9 if place[0] == 's' else 1}:0{n}:00', {1794358800000 + n * 60_000})")
    house = House(tmp_path)
    assert scan(house, place, since="2026-11-11 09:01").run["read"] == 3
    assert scan(house, place, since="2026/11/11 09:02:00", watermark="placed").run["read"] == 2
    if place[0] != "s":
        assert scan(house, place, since="2026-11-11T01:03:00Z").run["read"] == 1
    late = scan(house, place, since="2026-11-12").run
    assert late["read"] == 0
    assert any("2026-11-12 之后没有订单" in str(p) for p in late["problems"])


def test_a_burst_that_two_reads_cut_is_a_burst(place: str, tmp_path: Path) -> None:
    house = House(tmp_path)
    fill(place, 1, 2, 0, ip="192.0.2.7")
    assert scan(house, place, since="last").run["flagged"] == 0
    fill(place, 5, 1, 2, ip="192.0.2.7")
    told = scan(house, place, since="last").run
    assert (told["read"], told["flagged"], told["past_flagged"], told["new_cases"]) == (1, 1, 2, 3)


def test_results_go_back_and_stay_the_same(place: str, tmp_path: Path) -> None:
    fill(place, 1, 3, 0, ip="192.0.2.7")
    house = House(tmp_path)
    counts = []
    for _ in range(2):
        told = scan(house, place, export_to=place).run
        assert told["exported"]["orderguard_findings"] == 3
        counts.append([run(place, f"SELECT COUNT(*) FROM orderguard_{t}")[0][0] for t in ("findings", "decisions", "cases")])
    assert [list(map(int, c)) for c in counts] == [[3, 3, 3]] * 2
    found = run(place, "SELECT order_id, rule_id, reason FROM orderguard_findings ORDER BY order_id")
    frame = pl.read_parquet(house.out / "findings.parquet").sort("order_id")
    assert found == frame.select("order_id", "rule_id", "reason").rows()
    assert {r[0] for r in run(place, "SELECT run_id FROM orderguard_decisions")} == {"run-002"}
    assert {r[0] for r in run(place, "SELECT state FROM orderguard_cases")} == {"open"}


def test_an_export_that_fails_costs_nothing_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    fill(url, 1, 3, 0, ip="192.0.2.7")
    done = shell("scan", url, "--table", "orders", "--export-to", f"sqlite:///{tmp_path / 'no' / 'such' / 'x.db'}", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["flagged"] == 3
    run(url, "CREATE TABLE orderguard_cases (other TEXT)")  # somebody else's: nothing at all is written
    done = shell("scan", url, "--table", "orders", "--export-to", url, cwd=tmp_path)
    assert done.returncode == 3
    assert run(url, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'orderguard_decisions'") == [(0,)]


def test_nothing_new_is_no_error(tmp_path: Path) -> None:
    url = "sqlite:///shop.db"
    fill(f"sqlite:///{tmp_path / 'shop.db'}", 1, 1, 0)
    first = shell("scan", url, "--table", "orders", "--since", "last", cwd=tmp_path, ORDERGUARD_LOCALE="en")
    same = f"sqlite:////{tmp_path}/shop.db"
    again = shell("scan", same, "--table", "orders", "--since", "last", "--json", cwd=tmp_path)
    assert (first.returncode, again.returncode) == (0, 0), again.stderr
    assert json.loads(again.stdout)["read"] == 0
    assert "上次之后没有新订单" in again.stderr


@pytest.mark.parametrize(
    ("url", "given", "said"),
    [
        ("sqlite:///shop.db", {"table": None}, "orders"),
        ("sqlite:///shop.db", {"table": "order"}, "'orders'"),
        ("sqlite:///shop.db", {"table": "orders", "query": "SELECT 1"}, "--query"),
        ("sqlite:///shop.db", {"query": "SELEC 1"}, "syntax"),
        ("sqlite:///shop.db", {"query": "DELETE FROM orders"}, "DELETE"),
        ("sqlite:///shop.db", {"watermark": "createdat"}, "'created_at'"),
        ("sqlite:///shop.db", {"query": "SELECT order_id, ip FROM orders", "since": "last"}, "--watermark"),
        ("sqlite:///none.db", {}, "none.db"),
        ("sqlite://", {}, "sqlite:///"),
        ("oracle://u:canary@h/db", {}, "oracle"),
        ("orders.csv", {}, "--table"),
        ("postgresql://u:canary@[x/y", {}, "postgresql://"),
        ("mysql://u:canary@h/", {}, "mysql://"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, given: dict[str, str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fill("sqlite:///shop.db", 1, 1, 0)
    with pytest.raises(OrderguardError) as error:
        scan(House(tmp_path), url, **given)
    assert said in str(error.value)
    assert "canary" not in str(error.value)
    assert run("sqlite:///shop.db", "SELECT COUNT(*) FROM orders") == [(1,)]


REFUSALS = (
    ('connection to server at "127.0.0.1", port 5999 failed: Connection refused', "对方拒绝连接"),
    ("Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)", "对方拒绝连接"),
    ("failed to resolve host 'db': [Errno -2] Name or service not known", "找不到这台主机"),
    ('FATAL:  password authentication failed for user "og"', "用户名或密码不对"),
    ("Access denied for user 'og'@'localhost' (using password: YES)", "用户名或密码不对"),
    ("Access denied for user 'og'@'127.0.0.1' to database 'shop'", "没有这个库的权限，或没有这个库"),
    ('FATAL:  database "shop" does not exist', "没有这个库"),
    ("Unknown database 'shop'", "没有这个库"),
    ('relation "orders" does not exist', "没有这个表"),
    ("Table 'shop.orders' doesn't exist", "没有这个表"),
    ('column "paid" does not exist', "没有这一列"),
    ("Unknown column 'paid' in 'SELECT'", "没有这一列"),
    ("permission denied for table orders", "没有权限"),
    ("SELECT command denied to user 'og'@'localhost' for table `shop`.`orders`", "没有权限"),
    ("connection timeout expired", "连接超时"),
    ("canceling statement due to statement timeout", "查询超时，被数据库中止"),
    ("server closed the connection unexpectedly", "连接中断"),
    ("division by zero", None),
)


@pytest.mark.parametrize(("text", "zh"), REFUSALS)
def test_a_database_refuses_in_the_users_language(text: str, zh: str | None) -> None:
    """Its own words stay beside it, and in brackets; what is not usual is shown as it is."""
    problem = failed(parse_address("postgresql://og@db/shop"), RuntimeError(f"{text}\n\tHINT: more"), Words("查询失败", "query failed"))
    said, english = problem.text("zh-CN"), problem.text("en")
    assert said.startswith(f"postgresql://og@db/shop: 查询失败：{zh}（{text}）；" if zh else f"postgresql://og@db/shop: 查询失败（{text}）")
    assert english.startswith(f"postgresql://og@db/shop: query failed ({text})")
    assert bool(problem.fix.zh) == bool(problem.fix.en) == bool(zh)


def test_the_refusals_of_real_databases_are_understood(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(url: str, **given: str) -> str:
        with pytest.raises(OrderguardError) as error:
            scan(House(tmp_path), url, **given)
        return error.value.problems[0].text("zh-CN")

    base = server.rsplit("/", 1)[0]
    assert "没有这个库" in said(f"{base}/nowhere", table="orders")
    assert "没有这个表" in said(server, query="SELECT * FROM nowhere")
    assert "没有这一列" in said(server, query="SELECT nothing FROM (SELECT 1 AS a) x")
    assert "查询写法有误" in said(server, query="SELECT 1 FROM FROM")
    assert "对方拒绝连接" in said(f"{base.rsplit(':', 1)[0]}:{servers.free_port()}/shop", table="orders")
    monkeypatch.setenv("ORDERGUARD_DB_PASSWORD", "wrong")
    assert "用户名或密码不对" in said(server, table="orders")


def test_a_password_is_written_nowhere(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(server, 1, 3, 0, ip="192.0.2.7")
    secret = "canary%2F7%3A7%40x"  # noqa: S105
    url = server.replace("og@", f"og:{secret}@")
    monkeypatch.delenv("ORDERGUARD_DB_PASSWORD")
    done = shell("scan", url, "--table", "orders", "--export-to", url, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    for bad in (url.replace("canary", "canary-wrong"), url.replace(str(parse_address(url).port), "1")):
        with pytest.raises(OrderguardError) as error:
            scan(House(tmp_path), bad)
        said += str(error.value)
    files = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert "canary" not in said
    assert b"canary" not in files


@pytest.mark.parametrize("how", ["driver", "ours", "file"])
def test_passwords_come_from_the_environment(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.delenv("ORDERGUARD_DB_PASSWORD")
    address = parse_address(server)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    with pytest.raises(OrderguardError):
        connect(address)
    if how == "file":
        secret = servers.PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
        (tmp_path / "pass").write_text(f"# ours\n{address.host}:1:*:og:wrong\n{address.host}:*:{address.name}:og:{secret}\n")
        (tmp_path / "pass").chmod(0o600)
        monkeypatch.setenv("ORDERGUARD_DB_PASSFILE", str(tmp_path / "pass"))
    elif how == "ours":
        monkeypatch.setenv("ORDERGUARD_DB_PASSWORD", servers.PASSWORD)
    else:
        monkeypatch.setenv("PGPASSWORD" if address.kind == "postgres" else "MYSQL_PWD", servers.PASSWORD)
    connect(address).close()


def test_sqlite_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sqlite3.connect(tmp_path / "a.db").close()
    for text in ("sqlite:///a.db", "sqlite://a.db", f"sqlite:///{tmp_path}/a.db", f"sqlite://{tmp_path}/a.db", "sqlite:///a.db?x=1"):
        assert parse_address(text).path.resolve() == (tmp_path / "a.db").resolve(), text
    assert parse_address(f"sqlite://{tmp_path}/new.db").path == tmp_path / "new.db"
    assert str(parse_address("sqlite:///new.db").path) == "new.db"


def test_addresses() -> None:
    one = parse_address("postgresql+psycopg://o%40g:s%3Acret@[::1]:99/db?sslmode=require&password=s2")
    assert (one.user, one.host, one.port, one.name, one.password) == ("o@g", "::1", 99, "db", "s:cret")
    assert one.shown == "postgresql://o%40g@[::1]:99/db"
    assert "s:cret" not in repr(one)
    assert scrub(one, "failed for s:cret and s%3Acret") == "failed for *** and ***"
    assert is_address("mysql://h/d")
    assert not is_address("C:\\orders.csv")
    assert not is_address("orders.csv")


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = process("scan", "postgresql://u@h/db", "--table", "x", cwd=tmp_path, PYTHONPATH=path)
    assert done.returncode == 2
    assert "pip install 'orderguard[postgres]'" in done.stderr
