"""Notices against real HTTP servers on loopback: told once, retried, digested, and no secret anywhere."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
import pytest
from house import NOW, House, export, order, shell

from orderguard.errors import OrderguardError
from orderguard.ledger import CaseBook, open_ledger
from orderguard.ledger.check import check
from orderguard.ledger.notices import NoticeBook
from orderguard.outbox import notify
from orderguard.outbox.notify import Letter, send_all
from orderguard.outbox.targets import Target, resolve, target_label
from orderguard.route import load_team
from orderguard.stages.notices import check_targets, tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # apprise's own imports
CANARY = "c4n4ry5ecret0123456789"


class Receiver:
    """A webhook: how it behaves can be changed; it keeps what it was sent."""

    def __init__(self) -> None:
        self.mode, self.got, self.asked = "healthy", [], 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                path, _, query = self.path.partition("?")
                told = outer.answer(path, query, body)
                if told is not None:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(told)
                    return
                outer.asked += 1
                if outer.mode == "hanging":
                    time.sleep(60)
                if outer.mode == "slow":
                    time.sleep(0.5)
                self.send_response(500 if outer.mode == "failing" else 200)
                self.end_headers()
                if outer.mode in {"healthy", "slow"}:
                    outer.got.append((self.path, json.loads(body)))

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.at = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, query: str, body: bytes) -> bytes | None:
        """What another kind of receiver answers."""
        _ = path, query, body
        return None

    def texts(self) -> list[str]:
        return [body["message"] for _, body in self.got]


@contextmanager
def receiver() -> Iterator[Receiver]:
    it = Receiver()
    try:
        yield it
    finally:
        it.server.shutdown()
        it.server.server_close()


def team(folder: Path, *managers: str, head: str = "") -> None:
    text = f"version: 1\n{head}\nmanagers:\n" + "".join(f"  - {m}\n" for m in managers)
    (folder / "team.yaml").write_text(text, encoding="utf-8")


def odd(number: str, place: str = "广东省深圳市南山区临时仓 1 号") -> dict[str, str]:
    return order(number, 收货地址=place)


class Notifying(House):
    """A house whose scans notify the managers of its team.yaml."""

    at = NOW

    def run(self, *orders: str, later: float = 0) -> dict[str, Any]:
        """Scan odd orders of these numbers and send; `later` seconds after the last run."""
        self.at += timedelta(seconds=later)
        self.configure()
        return self.scan(export(self.folder / "x.csv", [odd(o) for o in orders]), now=self.at).run

    def configure(self) -> None:
        crew = load_team(self.folder / "team.yaml")
        targets = check_targets(crew, "team.yaml", {"KEY": CANARY})
        self.options = replace(self.options, team=crew, notify=True, targets=targets)

    def send(self, later: float = 0) -> dict[str, Any]:
        self.at += timedelta(seconds=later)
        self.configure()
        return tell(replace(self.options, now=self.at, run_id="send"), {})[0]

    def states(self) -> dict[str, int]:
        ledger = open_ledger(self.ledger)
        found = [r["state"] for r in NoticeBook(ledger).listed()]
        assert check(ledger) == []
        ledger.close()
        return {str(s): found.count(s) for s in set(found)}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "_PAUSES", (0.02, 0.02))


def test_each_manager_hears_of_their_region_once(tmp_path: Path) -> None:
    with receiver() as south, receiver() as all_:
        team(tmp_path, f"{{name: 华南, region: 广东, targets: ['json://{south.at}/hook/${{KEY}}']}}",
             f"{{name: 总部, targets: ['http://{all_.at}/plain?x=1'], locale: en}}")  # fmt: skip
        export(tmp_path / "a.csv", [odd("1"), odd("2", "浙江省杭州市西湖区临时仓 2 号"), order("3")])
        done = shell("scan", "a.csv", "--notify", "--json", cwd=tmp_path, KEY=CANARY)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["notices"] == {"sent": 2, "failed": 0, "waiting": []}
        assert json.loads((tmp_path / "out" / "run.json").read_text())["notices"]["sent"] == 2
        assert [path for path, _ in south.got] == [f"/hook/{CANARY}"]
        assert "新增异常订单 1 单（暂扣 1，复核 0）" in south.texts()[0]
        assert [path for path, _ in all_.got] == ["/plain?x=1"]
        assert "2 new abnormal orders (2 held, 0 for review)" in all_.texts()[0]
        again = shell("notices", "send", cwd=tmp_path, KEY=CANARY)
        assert (again.returncode, len(south.got), len(all_.got)) == (0, 1, 1)
        notices = pl.read_csv(tmp_path / "out" / "notices.csv")
        assert notices["通知目标"].to_list() == [f"json://{south.at}/${{KEY}}***", f"http://{all_.at}/***"]


def test_an_agent_with_cards_reads_the_orders_in_the_chat(tmp_path: Path) -> None:
    """As many cards as one message holds; never the receiver, and no phone in full."""
    with receiver() as chat, receiver() as plain:
        (tmp_path / "team.yaml").write_text(
            f"agents:\n  - {{name: 小李, handles: {{shop: [一店]}}, targets: 'json://{chat.at}', cards: true}}\n"
            f"  - {{name: 小王, handles: {{shop: [二店]}}, targets: 'json://{plain.at}'}}\n",
            encoding="utf-8",
        )
        house = Notifying(tmp_path)
        house.configure()
        mine = [{**odd(f"one-{i}"), "店铺名称": "一店", "买家留言": "=1+1"} for i in range(40)]
        house.scan(export(tmp_path / "a.csv", [*mine, {**odd("two-1"), "店铺名称": "二店"}]))
        (text,), (other,) = chat.texts(), plain.texts()
        assert len(text.encode()) <= 2048
        shown = [line for line in text.splitlines() if "one-" in line]
        assert 3 <= len(shown) < 40
        assert f"其余 {40 - len(shown)} 单见任务表" in text
        assert text.count("临时仓") == len(shown)
        assert mine[0]["收货人"] not in text
        assert "深圳" not in text
        assert mine[0]["联系电话"] not in text
        assert "one-" not in other
        assert "two-" not in other
        house.scan(export(tmp_path / "b.csv", [{**odd("one-99"), "店铺名称": "一店"}]), now=NOW + timedelta(hours=1))
        assert [line.split()[1] for line in chat.texts()[1].splitlines() if "【" in line] == ["one-99"]


def test_cards_need_somewhere_to_go(tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text("agents: [{name: 小李, cards: true}]", encoding="utf-8")
    with pytest.raises(OrderguardError) as caught:
        load_team(tmp_path / "team.yaml")
    assert "cards 需要 targets" in caught.value.problems[0].text("zh-CN")


def test_without_notify_nothing_leaves_the_machine_and_a_later_scan_may_tell(tmp_path: Path) -> None:
    with receiver() as hook:
        team(tmp_path, f"{{name: 总部, targets: ['json://{hook.at}']}}")
        house = Notifying(tmp_path)
        file = export(tmp_path / "a.csv", [odd("1")])
        house.configure()
        house.scan(file, notify=False)
        assert hook.asked == 0
        assert "总部" in (tmp_path / "out" / "notices.csv").read_text("utf-8-sig")
        house.scan(file)
        assert len(hook.got) == 1


def test_a_digest_instead_of_a_flood(tmp_path: Path) -> None:
    """A scan a minute, a message every three: every case is in just one of them."""
    with receiver() as hook:
        team(tmp_path, f"{{name: 总部, targets: ['json://{hook.at}']}}", head="every: 3m")
        house = Notifying(tmp_path)
        waited = [house.run(f"a{i}", f"b{i}", later=60)["notices"]["waiting"] for i in range(7)]
        assert [i for i, names in enumerate(waited) if not names] == [0, 3, 6]
        told = [int(text.split("新增异常订单 ")[1].split(" 单")[0]) for text in hook.texts()]
        assert told == [2, 6, 6]


def test_every_in_the_team_file_sets_the_pace(tmp_path: Path) -> None:
    with receiver() as hook:
        team(tmp_path, f"{{name: 总部, targets: ['json://{hook.at}']}}", head="every: 0")
        house = Notifying(tmp_path)
        for i in range(3):
            house.run(str(i), later=1)
        assert len(hook.got) == 3


def test_only_what_failed_is_sent_again(tmp_path: Path) -> None:
    with receiver() as good, receiver() as bad:
        bad.mode = "failing"
        team(tmp_path, f"{{name: 总部, targets: ['json://{good.at}', 'json://{bad.at}/${{KEY}}']}}")
        house = Notifying(tmp_path)
        assert house.run("1")["notices"] == {"sent": 1, "failed": 1, "waiting": []}
        assert house.tasks() == {"unassigned": ["1"]}
        assert (bad.asked, house.states()) == (3, {"sent": 1, "failed": 1})
        assert house.run("2", later=1000)["notices"] == {"sent": 1, "failed": 1, "waiting": []}
        bad.mode = "healthy"
        assert house.send(later=1)["sent"] == 1
        assert (len(good.got), [t[:13] for t in bad.texts()]) == (2, ["新增异常订单 2 单（暂扣"]), "two failed ones are one message"
        assert house.states() == {"sent": 4}
        assert house.send(later=1) == {"sent": 0, "failed": 0, "waiting": []}


def test_a_refusing_target_that_is_replaced_loses_no_notice(tmp_path: Path) -> None:
    with receiver() as new:
        team(tmp_path, "{name: 总部, targets: ['json://127.0.0.1:9/gone']}")
        house = Notifying(tmp_path)
        assert house.run("1")["notices"]["failed"] == 1
        team(tmp_path, f"{{name: 总部, targets: ['json://{new.at}']}}")
        assert house.send()["sent"] == 1
        assert (len(new.got), house.states()) == (1, {"dropped": 1, "sent": 1})


def test_a_slow_target_is_waited_for_and_a_hanging_one_ends_at_the_cap() -> None:
    with receiver() as slow, receiver() as hangs, receiver() as good:
        slow.mode, hangs.mode = "slow", "hanging"
        letters = [
            Letter(n, Target(n, n, f"json://{r.at}/", ()), "title", n)
            for n, r in (("slow", slow), ("hangs", hangs), ("good", good))
        ]
        began = time.monotonic()
        done = send_all(letters, cap=8.0)
        assert time.monotonic() - began < 40, "the hanging one takes 60 s"
        assert [(o.key, o.sent) for o in done] == [("slow", True), ("hangs", False), ("good", True)]
        assert (len(slow.got), len(good.got), slow.asked) == (1, 1, 1)
        hangs.mode = "healthy"
        assert send_all(letters[1:2], cap=20.0)[0].sent


def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    with receiver() as bad:
        bad.mode = "failing"
        written = f"json://user:${{KEY}}@{bad.at}/{CANARY}-inline/${{KEY}}?a=${{KEY}}"
        team(tmp_path, f"{{name: 总部, targets: ['{written}', 'json://127.0.0.1:9/${{KEY}}', 'wecombot://{CANARY}']}}")
        (tmp_path / "in").mkdir()
        export(tmp_path / "in" / "a.csv", [odd("1")])
        env = {"KEY": CANARY, "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
        runs = [
            shell("scan", "in", "--notify", cwd=tmp_path, **env),
            shell("notices", "list", cwd=tmp_path, **env),
            shell("notices", "send", "--json", cwd=tmp_path, **env),
        ]
        assert [r.returncode for r in runs] == [3, 0, 3]
        assert "notices send" in runs[0].stderr
        assert (tmp_path / "out" / "tasks" / "unassigned.xlsx").exists()
        for run in runs:
            assert CANARY not in run.stdout + run.stderr
        for path in tmp_path.rglob("*"):
            if path.is_file() and path.name != "team.yaml":
                assert CANARY.encode() not in path.read_bytes(), path


def test_a_missing_variable_is_named_before_anything_happens(tmp_path: Path) -> None:
    team(tmp_path, "{name: 总部, targets: ['wecombot://${WECOM_KEY}', 'nonsense']}")
    export(tmp_path / "a.csv", [odd("1")])
    done = shell("scan", "a.csv", "--notify", cwd=tmp_path)
    assert done.returncode == 2
    assert "WECOM_KEY" in done.stderr
    assert "nonsense" in done.stderr
    assert "team.yaml" in done.stderr
    assert not (tmp_path / "ledger").exists()


def test_killed_while_sending_the_notice_is_sent_by_the_next_run(tmp_path: Path) -> None:
    with receiver() as hook:
        team(tmp_path, f"{{name: 总部, targets: ['json://{hook.at}']}}")
        house = Notifying(tmp_path)
        house.run("1")
        db = sqlite3.connect(house.ledger / "ledger.db")
        db.execute("UPDATE deliveries SET state = 'sending', claim = 'elsewhere:1', at = '2020-01-01T00:00:00+0000'")
        db.commit()
        db.close()
        house.send()
        assert len(hook.got) == 2, "sent at least once: whether the killed run's message arrived, nobody knows"


def test_watch_from_cron_sends_what_is_due_though_no_file_came(tmp_path: Path) -> None:
    with receiver() as hook:
        hook.mode = "failing"
        team(tmp_path, f"{{name: 总部, targets: ['json://{hook.at}']}}")
        (tmp_path / "in").mkdir()
        export(tmp_path / "in" / "a.csv", [odd("1")])
        words = ("watch", "in", "--once", "--every", "0.1", "--notify", "--quiet")
        assert shell(*words, cwd=tmp_path).returncode == 3
        hook.mode = "healthy"
        assert shell(*words, cwd=tmp_path).returncode == 0
        assert len(hook.got) == 1


def test_a_case_that_was_decided_meanwhile_is_not_told(tmp_path: Path) -> None:
    with receiver() as hook:
        hook.mode = "failing"
        team(tmp_path, f"{{name: 总部, targets: ['json://{hook.at}']}}")
        house = Notifying(tmp_path)
        house.run("1")
        ledger = open_ledger(house.ledger)
        CaseBook(ledger).release(CaseBook(ledger).listed("1")[0]["case_id"], "主管", "x", NOW)
        ledger.close()
        assert house.send()["failed"] == 0
        assert house.states() == {"moot": 1}


def test_own_words_and_agents_with_targets(tmp_path: Path) -> None:
    with receiver() as boss, receiver() as agent:
        head = f"message: {{zh: '{{name}}：{{region}} {{new}} 单'}}\nagents: [{{name: 小李, targets: ['json://{agent.at}']}}]"
        team(tmp_path, f"{{name: 老板, region: [广东], targets: 'json://{boss.at}'}}", head=head)
        Notifying(tmp_path).run("1")
        assert boss.texts() == ["老板：广东省 1 单"]
        assert agent.texts() == ["小李：全部 1 单"]
    team(tmp_path, "{name: 老板}", head="message: {zh: '{phone}'}")
    with pytest.raises(OrderguardError, match=r"\{new\}"):
        load_team(tmp_path / "team.yaml")


@pytest.mark.parametrize(("written", "url"), [
    ("https://open.feishu.cn/open-apis/bot/v2/hook/ab-12", "feishu://ab-12"),
    ("https://oapi.dingtalk.com/robot/send?access_token=abcdef012345", "dingtalk://abcdef012345"),
    ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=${K}", "wecombot://key-of-robot-0123456789"),
    ("https://hooks.example/x/y?a=b c", "jsons://hooks.example/x/y?-a=b%20c"),
])  # fmt: skip
def test_addresses_as_chat_programs_show_them(written: str, url: str) -> None:
    target = resolve(written, {"K": "key-of-robot-0123456789"}, "team.yaml")
    assert target.url == url
    assert "robot-" not in target.label


def test_labels_show_no_secret() -> None:
    assert target_label("wecombot://${WECOM_KEY}") == "wecombot://${WECOM_KEY}"
    assert target_label("mailtos://u:pass@gmail.com?to=x") == "mailtos://gmail.com/***"
    assert target_label("sinch://1234:5678@+8613800000000") == "sinch://***"
    assert target_label("${WHOLE}") == "${WHOLE}"
    with pytest.raises(OrderguardError, match="WHOLE"):
        resolve("${WHOLE}", {}, "team.yaml")


def test_a_demoted_rule_is_told_though_no_order_is(tmp_path: Path) -> None:
    with receiver() as it:
        team(tmp_path, f"{{name: 总部, targets: ['json://{it.at}/all']}}")
        (tmp_path / "rules.yaml").write_text(
            "version: 1\nbands: {review: 20, hold: 30}\nrules: [{id: w, kind: keywords, with: {any: [路]}, points: 40}]\n",
            encoding="utf-8",
        )
        export(tmp_path / "a.csv", [order(str(i)) for i in range(200)])
        done = shell("scan", "a.csv", "--notify", "--json", cwd=tmp_path)
        assert (done.returncode, json.loads(done.stdout)["notices"]["sent"]) == (0, 1)
        assert it.texts() == ["规则 w 命中 100.0%（200 / 200 单，上限 20%），本次降为试运行：不计分、不暂扣。请检查规则或改 max_share。"]
        it.mode = "failing"
        shell("scan", "a.csv", "--notify", "--json", cwd=tmp_path, ORDERGUARD_LOCALE="en")
        assert len(it.got) == 1, "not with every scan"


@contextmanager
def gateway() -> Iterator[Gateway]:
    it = Gateway()
    try:
        yield it
    finally:
        it.server.shutdown()
        it.server.server_close()


class Gateway(Receiver):
    """Answers as the two gateways do; `mode` says with which code."""

    def answer(self, path: str, query: str, body: bytes) -> bytes:
        told = f"{path}?{query}\n{body.decode()}"
        self.got.append((path, {"message": unquote(told)}))
        ok = self.mode == "healthy"
        if "TemplateCode" in told:
            return json.dumps({"Code": "OK" if ok else "isv.BUSINESS_LIMIT_CONTROL", "Message": "m", "RequestId": "r"}).encode()
        status = {"Code": "Ok" if ok else "LimitExceeded", "Message": "m", "PhoneNumber": "+86138"}
        return json.dumps({"Response": {"SendStatusSet": [status], "RequestId": "r"}}).encode()


def test_text_messages_go_through_the_gateways_own_kits() -> None:
    pytest.importorskip("tencentcloud")
    pytest.importorskip("alibabacloud_dysmsapi20170525")
    with gateway() as gate:
        end = f"protocol=http&endpoint={gate.at}"
        urls = (
            f"aliyunsms://AKID:${{KEY}}@店铺/SMS_1/13800001111?vars=new,due&{end}",
            f"tencentsms://SID:${{KEY}}@店铺/449739/+8613800001111?app=1400006666&vars=new,due&{end}",
        )
        targets = [resolve(u, {"KEY": CANARY}, "team.yaml") for u in urls]
        assert [t.label for t in targets] == ["aliyunsms://${KEY}***", "tencentsms://${KEY}***"]
        letters = [Letter(i, t, "title", "body", {"new": 12, "due": "11-11 12:00"}) for i, t in enumerate(targets)]
        assert [o.sent for o in send_all(letters, cap=15)] == [True, True]
        said = sorted(gate.texts(), key=lambda text: "TemplateCode" in text)
        assert '"TemplateParamSet": ["12", "11-11 12:00"]' in said[0]
        assert '"PhoneNumberSet": ["+8613800001111"]' in said[0]
        assert '{"new":+"12",+"due":+"11-11+12:00"}' in said[1].replace(" ", "+")
        assert "13800001111" in said[1]
        assert CANARY not in "".join(said), "secrets sign, they are not sent"
        gate.mode = "full"
        refused = send_all(letters, cap=15)
        assert [o.sent for o in refused] == [False, False]
        assert "LIMIT" in refused[0].said.upper()
    for wrong in ("aliyunsms://AKID:x@店铺/SMS_1", "tencentsms://S:x@店铺/1/13800001111", "aliyunsms://A:x@店/T/13800001111?vars=phone"):
        with pytest.raises(OrderguardError, match="aliyunsms://KEY_ID"):
            resolve(wrong, {}, "team.yaml")
