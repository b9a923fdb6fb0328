"""Unknown exports: what a column means is told, doubted, drafted; nothing that decides a rule is guessed silently."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from house import shell

from orderguard.platforms import load_profiles
from orderguard.platforms.looks import look

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = """票号,成交价,收货方,手机,发往,生成于,状态,留的话,来源IP
SO2026001,"1,000.00",王芳,13800001234,浙江省杭州市西湖区某路 1 号临时仓,11/13/2026 09:00,已付,,192.0.2.7
SO2026002,299.00,李四,139****0000,上海市徐汇区某路 2 号,11/12/2026 09:01,天晓得,快点,192.0.2.8
SO2026003,99.00,赵五,13700001234,北京市海淀区某街 3 号,11/11/2026 09:02,已付,,192.0.2.9
"""


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    (tmp_path / "x.csv").write_text(UNKNOWN, encoding="utf-8")
    return tmp_path


def test_unknown_export_is_refused_with_the_way_to_a_draft(unknown: Path) -> None:
    done = shell("scan", "x.csv", cwd=unknown)
    assert (done.returncode, "platforms draft" in done.stderr) == (2, True)


def test_draft_is_a_profile_that_reads_the_file_and_reminds_of_its_doubts(unknown: Path) -> None:
    (unknown / "my").mkdir()
    told = shell("platforms", "draft", "x.csv", "--out", "my/x.yaml", "--platform", "erp", cwd=unknown)
    assert told.returncode == 0, told.stderr
    text = (unknown / "my" / "x.yaml").read_text(encoding="utf-8")
    assert all(word in text for word in ("order_id: 票号", "address: 发往", "created_at: 生成于", "ip: 来源IP", "只凭内容猜的", "天晓得", "doubts:"))
    assert not [secret for secret in ("13800001234", "王芳", "西湖区") if secret in text]
    done = shell("scan", "x.csv", "--platforms", "my", "--json", cwd=unknown)
    run = json.loads(done.stdout)
    assert (done.returncode, run["read"], run["rejected"], run["inputs"][0]["platform"]) == (0, 3, 0, "erp")
    assert run["flagged"] == 1
    assert sum("还没核对" in p["text"] for p in run["problems"]) == text.split("doubts:")[1].split("# ")[0].count("\n  ")
    settled = text.split("doubts:")[0]
    (unknown / "my" / "x.yaml").write_text(settled, encoding="utf-8")
    assert "还没核对" not in shell("scan", "x.csv", "--platforms", "my", cwd=unknown).stderr


def test_draft_goes_to_standard_output_and_overwrites_nothing(unknown: Path) -> None:
    first = shell("platforms", "draft", "x.csv", cwd=unknown)
    assert first.stdout.splitlines()[1] == "platform: x"
    (unknown / "x.yaml").write_text("mine", encoding="utf-8")
    again = shell("platforms", "draft", "x.csv", "--out", "x.yaml", cwd=unknown)
    assert (again.returncode, (unknown / "x.yaml").read_text(encoding="utf-8")) == (2, "mine")
    assert "不会覆盖" in again.stderr
    listed = json.loads(shell("platforms", "draft", "x.csv", "--json", cwd=unknown).stdout)
    assert {c["column"]: c["heading"] for c in listed["columns"]}["amount"] == "成交价"
    assert shell("platforms", "draft", "x.csv", "--platform", "../x", cwd=unknown).returncode == 2


def test_draft_of_hostile_headings_is_yaml(unknown: Path) -> None:
    """Quotes, colons, comment signs and line breaks in headings and samples change nothing about the file's shape."""
    head = '"编号: #1, [a]","实付""金额\'","收货\n地址 # x",\t& *y'
    (unknown / "h.csv").write_text(f"{head}\nA00001,5.00,某省某市某区某路 1 号 # {{}},x\nA00002,6.00,某省某市某区某路 2 号,x\n", encoding="utf-8")
    (unknown / "my").mkdir()
    done = shell("platforms", "draft", "h.csv", "--out", "my/h.yaml", cwd=unknown)
    assert done.returncode == 0, done.stderr
    run = shell("scan", "h.csv", "--platforms", "my", "--json", cwd=unknown)
    assert (run.returncode, json.loads(run.stdout)["read"]) == (0, 2)


def test_detect_explains_column_by_column(unknown: Path) -> None:
    (unknown / "jd.csv").write_text(
        "订单号,下单帐号,应付金额,下单时间,订单状态,下单IP,审核人,联系电话\n"
        "1,u,5.00,2026-11-11 09:00:00,(锁定)等待出库,192.0.2.7,甲,2026-01-01\n2,u,x,2026-11-11 09:00:00,天晓得,192.0.2.7,甲,2026-01-02\n",
        encoding="utf-8",
    )
    (told,) = json.loads(shell("platforms", "detect", "jd.csv", "--json", cwd=unknown).stdout)
    by = {c["heading"]: c for c in told["columns"]}
    assert (told["platform"], told["candidates"][0]["platform"], told["candidates"][0]["telling"]) == ("jd", "jd", ["下单帐号"])
    assert (by["下单IP"]["column"], by["下单IP"]["by"], by["下单IP"]["doubt"], by["下单IP"]["decides"]) == ("ip", "guess", "name", True)
    assert (by["联系电话"]["looks_like"], by["联系电话"]["doubt"], by["应付金额"]["fits"]) == ("time", "values", 0.5)
    assert (told["unused"], told["unreadable"], told["statuses"]) == (["审核人"], 1, {"(锁定)等待出库": "refunding"})
    shown = shell("platforms", "detect", "jd.csv", cwd=unknown)
    assert all(word in shown.stdout for word in ("凭这些表头认出：下单帐号", "通用名称", "请核对", "100% 的内容不像"))


def test_scan_tells_columns_that_it_read_by_their_general_names(unknown: Path) -> None:
    (unknown / "jd.csv").write_text("订单号,下单帐号,应付金额,下单IP\n1,u,5.00,192.0.2.7\n", encoding="utf-8")
    done = shell("scan", "jd.csv", "--json", cwd=unknown)
    assert "按通用名称读的列：下单IP→下单 IP" in done.stderr
    assert json.loads(done.stdout)["inputs"][0]["guessed"] == {"ip": ["下单IP"]}


@pytest.mark.parametrize(
    ("cells", "kind"),
    [(["192.0.2.7", "2001:db8::1"], "ip"), (["2026-11-11 09:00", "11/11/2026", "Jul-21-25", "1794326585"], "time"), (["138****1234", "+86 13800001234"], "phone"),
     (["¥1,000.00", "12.00元"], "money"), (["广东省", "北京"], "province"), (["浙江省杭州市西湖区某路 1 号", "12 Some Road"], "address"), (["王芳", "Ana Doe"], "person"),
     (["a@x.org"], "email"), (["SO-2026-001"], "id"), (["", None], "empty"), (["随便写的话", "x y z"], "text"), (["USD", "cny"], "currency")],
)  # fmt: skip
def test_what_values_look_like(cells: list[str | None], kind: str) -> None:
    assert look(cells).kind() == kind


@pytest.mark.parametrize(
    ("cells", "kind", "amount"),
    [
        (["6901234567890", "6923450657713"], "id", 0.0),  # bar codes
        (["1794326585000", "1794326586000"], "time", 0.0),
        (["1234567890"], "id", 0.0),
        (["99.00", "1,234,567,890", "¥12345678901", "1.2万", "125000000"], "money", 1.0),
        (["[1234]13802580000", "138 0258 0000 转 1234", "13802580000-1234"], "phone", 0.0),
    ],
)
def test_a_long_bare_number_is_no_money(cells: list[str], kind: str, amount: float) -> None:
    seen = look(cells)
    assert (seen.kind(), seen.fits("amount")) == (kind, amount)


def test_small_numbers_look_like_what_their_column_holds() -> None:
    seen = look(["1", "2", "12"])
    assert (seen.kind(), seen.kind("amount"), seen.kind("quantity"), seen.kind("receiver_phone")) == ("money", "money", "count", "money")


def test_every_profile_of_ours_has_words_and_no_doubts() -> None:
    for profile in load_profiles():
        assert not profile.doubts
        assert profile.statuses or profile.variant == "fba"


def test_every_key_of_a_profile_is_on_its_page() -> None:
    from pathlib import Path

    from orderguard.platforms import Profile

    page = (Path(__file__).parent.parent / "docs" / "platforms.md").read_text(encoding="utf-8")
    fields = set(Profile.model_fields) - {"doubts", "variant", "part"}
    assert not [name for name in fields if f"`{name}`" not in page]


def test_a_row_count_and_a_long_number_are_no_sums(tmp_path: Path) -> None:
    """From values alone: of three columns that could be money the one with sums, of two numbers the longer as the order's."""
    rows = [[str(n), f"7000000{n:03}", f"1200045678{n:04}", f"2026-11-{n + 10} 10:00:00", f"{n + 4},500"] for n in range(9)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(",".join(f'"{c}"' for c in row) for row in [["qqa", "qqb", "qqc", "qqd", "qqe"], *rows]), encoding="utf-8")
    made = yaml.safe_load(shell("platforms", "draft", path, cwd=tmp_path).stdout)
    assert {c: made["columns"][c] for c in ("order_id", "amount", "created_at")} == {"order_id": "qqc", "amount": "qqe", "created_at": "qqd"}
