"""The board: what it shows, what it must not, when a rule is out of range, and who may see it over HTTP."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from house import NOW, House, book, burst, default_book, export, order, shell
from test_report_edges import HOSTILE, assert_stands_alone

from orderguard.outbox.board_page import board_page
from orderguard.platforms import load_profiles, names_of_words
from orderguard.report.board import SHOWN, firing, habit, usual
from orderguard.route import Team
from orderguard.stages.boarding import board_in, refresh
from orderguard.stages.options import OUTPUTS
from orderguard.stages.serving import board_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import ThreadingHTTPServer
    from pathlib import Path

TEAM = Team.model_validate({"version": 1, "agents": [{"name": "小李", "capacity": 3}, {"name": "小王", "capacity": 3}]})


def board_of(house: House, now: datetime = NOW) -> dict[str, Any]:
    return board_in(house.ledger, house.options.book, now, {})


def test_the_board_is_written_with_the_other_outputs(tmp_path: Path) -> None:
    house = House(tmp_path)
    file = export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    house.scan(file)
    assert "board" in OUTPUTS
    assert (house.out / "board.html").stat().st_mode & 0o077 == 0
    house.scan(file, outputs=frozenset({"frames"}))
    assert not (house.out / "board.html").exists()


def test_the_board_counts_what_is_open(tmp_path: Path) -> None:
    house = House(tmp_path, team=TEAM)
    due = {"承诺发货时间": "2026-11-11 13:30:00"}  # half past five UTC
    rows = [order("h1", 收货地址="临时仓", **due), order("h2", 收货地址="临时仓"), *burst("b", (0, 1, 2, 3)), order("ok")]
    house.scan(export(tmp_path / "a.csv", rows))
    told = board_of(house)
    hold = next(b for b in told["queue"] if b["band"] == "hold")
    assert (hold["open"], hold["overdue"], told["opened_24h"], told["verdicts_24h"]) == (6, 0, 6, 0)
    assert told["soonest"][0]["order_id"] == "h1"
    assert told["soonest"][0]["rules"] == ["risky-address"]
    assert sum(a["open"] for a in told["agents"]) == 6
    assert told["clusters"][0]["orders"] == 4 + 2, "all share the telephone of the fixture"
    assert (told["until"], told["orders_per_quarter"][-1]) == ("2026-11-11 09:15", 7)
    fired = {r["rule_id"]: (r["hits"], r["last"]) for r in told["rules"]}
    assert fired == {"ip-burst": (4, 4), "risky-address": (2, 2)}
    later = board_of(house, NOW + timedelta(days=9))
    assert next(b for b in later["queue"] if b["band"] == "hold")["overdue"] == 6
    assert later["soonest"][0]["overdue"]


def test_a_platform_that_fell_silent_and_a_blind_rule_are_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [order(f"a{i}", 下单IP="", 下单时间="2026-11-11 09:00:00") for i in range(30)]
    rows += [order(f"j{i}", 平台="京东", 下单时间="2026-11-11 06:30:00") for i in range(20)]
    rows += [order("d", 平台="抖音", 下单时间="2026-11-11 05:30:00")]
    house.scan(export(tmp_path / "a.csv", rows))
    told = board_of(house)
    assert {(p["platform"], p["behind_minutes"], p["silent"]) for p in told["platforms"]} == {("自营", 0, False), ("京东", 150, True), ("抖音", 210, False)}
    assert ("ip-burst", "自营", 30, 30) in {(g["rule_id"], g["platform"], g["orders"], g["not_evaluable"]) for g in told["gaps"]}


def test_an_order_under_several_words_for_its_platform_is_one(tmp_path: Path) -> None:
    """One export calls it 京东, another JD: a rule hit it once, and the board has one line for the platform. So has a rule found again by other settings."""
    house = House(tmp_path)
    for word in ("京东", "JD", "jd"):
        rows = [order(f"{i}", 平台=word, 收货地址="临时仓", 下单IP="") for i in range(20 if word == "JD" else 3)]
        house.scan(export(tmp_path / "a.csv", [*rows, order("x", 收货地址="临时仓")]))
    other = book("{id: risky-address, kind: keywords, with: {column: address, any: [临时仓, 别的]}, points: 40}")
    house.scan(tmp_path / "a.csv", book=other)
    told = board_in(house.ledger, house.options.book, NOW, names_of_words(load_profiles(), "zh-CN"))
    assert {r["rule_id"]: r["hits"] for r in told["rules"]} == {"risky-address": 20 + 1}
    assert sorted(p["platform"] for p in told["platforms"]) == ["京东", "自营"]
    assert {g["platform"] for g in told["gaps"] if g["rule_id"] == "ip-burst"} == {"京东"}


def test_no_personal_data_and_no_markup_on_the_board(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [order(f"p{i}-{text}", 店铺名称=text, 平台=text, 收货人="欧阳测试", 联系电话="13912345678", 收货地址=f"临时仓{text}") for i, text in enumerate(HOSTILE)]
    house.scan(export(tmp_path / "a.csv", rows))
    page = (house.out / "board.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    assert "13912345678" not in page
    assert "欧阳测试" not in page
    assert "&lt;script&gt;" in page
    assert "收货电话" in page, "what links them is told, its value is not"
    assert_stands_alone(board_page(board_of(house), "en"))


@pytest.mark.parametrize(
    ("locale", "told"), [("zh-CN", ["下单 IP", "收货电话", "收货地址"]), ("en", ["IP", "Phone", "Address"])]
)
def test_values_that_are_words_stay_off_the_board(tmp_path: Path, locale: str, told: list[str]) -> None:
    """An address, an account and a device without a digit, and an address with a semicolon: labels only, in every language."""
    rules = default_book().model_copy(update={"locale": locale})
    for n, shared in enumerate(({"收货地址": "Willowbrook Farm; Zhangsanfeng Lane 临时仓"}, {"买家账号": "wilhelmina", "设备号": "DEVICEABC"})):
        folder = tmp_path / f"{n}"
        folder.mkdir()
        apart = [order(f"{i}", **{"收货地址": f"某路 {i} 号临时仓", "联系电话": "13912345678", "下单IP": "192.0.2.7", **shared}) for i in range(3)]
        if n:
            apart = [{**row, "联系电话": "", "下单IP": ""} for row in apart]
        house = House(folder, rules)
        house.scan(export(folder / "a.csv", apart))
        page = (house.out / "board.html").read_text(encoding="utf-8")
        assert not re.search("Willowbrook|Zhangsanfeng|wilhelmina|DEVICE", page)
        labels = board_of(house)["clusters"][0]["linked_by"]
        assert labels == (told if n == 0 else ["设备号", "买家账号"] if locale == "zh-CN" else ["Device", "Buyer account"])


def test_usual_follows_the_orders_and_widens_for_bursts() -> None:
    """1 % of 1,000 orders a quarter: ten hits are usual; with twice the orders twenty are, and fifty are not."""
    orders = dict.fromkeys(range(100), 1_000) | {100: 1_000, 101: 2_000}
    steady = dict.fromkeys(range(100), 10)
    habits = habit(steady, orders, range(100))
    assert habits == (0.01, 1.0)
    low, high = usual(habits, orders[100])
    assert low == 0.0
    assert high == pytest.approx(10 + 3 * 10**0.5 + 1, abs=0.01)
    assert usual(habits, orders[101])[1] > 30
    bursts = habit(dict.fromkeys(range(0, 100, 10), 100), orders, range(100))
    assert bursts
    assert usual(bursts, orders[100])[1] > 40
    assert habit(steady, orders, range(5)) is None
    assert habit({}, dict.fromkeys(range(100), 1), range(100)) is None, "a hundred orders tell nothing"


def test_a_rule_that_leaves_its_range_raises_an_alert_and_one_that_follows_the_orders_does_not() -> None:
    end = 10_000
    orders = [(q, 400) for q in range(end - 500, end)] + [(end, 4_000)]
    calm = [("calm", q, 4) for q in range(end - 500, end)] + [("calm", end, 40)]  # ten times the orders, ten times the hits
    wild = [("wild", q, 4) for q in range(end - 500, end)] + [("wild", end, 400)]
    dead = [("dead", q, 40) for q in range(end - 500, end)]
    _, rules = firing([*calm, *wild, *dead], orders, end)
    assert {r["rule_id"]: r["alerts"] for r in rules} == {"wild": [SHOWN - 1], "dead": [SHOWN - 1], "calm": []}
    assert firing([("x", end, 9)], [(end, 9)], end)[1][0]["alerts"] == [], "no history, no alarm"


def test_watch_refreshes_a_board_that_is_a_minute_old(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.scan(export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")]))
    board = house.out / "board.html"
    written = datetime.fromtimestamp(board.stat().st_mtime, UTC)
    house.options.now = written + timedelta(seconds=30)
    assert not refresh(house.options)
    house.options.now = written + timedelta(seconds=90)
    assert refresh(house.options)
    shown = (written + timedelta(seconds=90, hours=8)).strftime("%Y-%m-%d %H:%M:%S")
    assert shown in board.read_text(encoding="utf-8")
    assert not [p for p in house.out.iterdir() if p.name.endswith(".tmp")]


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = board_server(0, "s3cret", lambda links: f"<p>board</p>{links}")
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def ask(server: ThreadingHTTPServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    link = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    link.request(method, path, headers=headers)
    answer = link.getresponse()
    text = answer.read().decode()
    link.close()
    return answer.status, dict(answer.getheaders()), text


def test_the_server_is_for_this_machine_and_the_token_only(server: ThreadingHTTPServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    for path, headers in (("/", {}), ("/?token=wrong", {}), ("/?token=%C3%A9", {}), ("/", {"Cookie": "orderguard_board=wrong"}), ("/", {"Cookie": '"=;;'})):
        code, _, text = ask(server, path, **headers)
        assert (code, "board" in text) == (401, False), (path, headers)
    code, headers, _ = ask(server, "/?token=s3cret")
    assert (code, headers["Location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict"} <= set(headers["Set-Cookie"].split("; "))
    cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    code, headers, text = ask(server, "/", **cookie)
    assert (code, "<p>board</p>" in text) == (200, True)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "Refresh" not in headers
    assert ask(server, "/?refresh=60", **cookie)[1]["Refresh"] == "60"
    assert "Refresh" not in ask(server, "/?refresh=1;url=http://evil", **cookie)[1]
    assert ask(server, "/../ledger/ledger.db", **cookie)[0] == 404
    assert ask(server, "/", **cookie, Host="evil.example")[0] == 403, "DNS rebinding"
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(server, "/", method, **cookie)[0] == 501, "read only"
    code, headers, text = ask(server, "/", "HEAD", **cookie)
    assert (code, text) == (200, "")


def test_board_from_the_shell(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    shell("scan", "a.csv", "--quiet", cwd=tmp_path)
    assert shell("board", "--out", "b", "--locale", "en", cwd=tmp_path).stdout.strip() == "b/board.html"
    assert "Due soonest" in (tmp_path / "b" / "board.html").read_text(encoding="utf-8")
    assert json.loads(shell("board", "--json", cwd=tmp_path).stdout)["queue"][0]["open"] == 1
    missing = shell("board", "--ledger", "nowhere", cwd=tmp_path)
    assert (missing.returncode, "nowhere" in missing.stderr) == (2, True)


def test_the_served_board_is_the_ledgers(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", [order("1", 收货地址="临时仓")])
    shell("scan", "a.csv", "--quiet", cwd=tmp_path)
    words = [sys.executable, "-u", "-m", "orderguard", "board", "--serve", "--port", "0"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        try:
            assert running.stdout is not None
            found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)\n", running.stdout.readline())
            assert found
            link = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
            link.request("GET", "/", headers={"Cookie": f"orderguard_board={found[2]}"})
            text = link.getresponse().read().decode()
            link.close()
            assert "审核看板" in text
        finally:
            running.terminate()
