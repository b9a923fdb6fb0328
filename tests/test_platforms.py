"""Profiles prove themselves, and headers are recognised however an export arranges them."""

from __future__ import annotations

import runpy
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.errors import OrderguardError
from orderguard.normalise import type_table
from orderguard.platforms import Profile, load_profiles, match_header, platform_words
from orderguard.stages.recipes import recipe_of

PROFILES = load_profiles()
BY_NAME = {p.platform: p for p in PROFILES}
HEADERS: dict[str, list[str]] = {
    name: text.replace("\n", "").split(",")
    for name, text in runpy.run_path(str(Path(__file__).parent.parent / "samples" / "make.py"))["HEADERS"].items()
}
HEADERS["generic"] = HEADERS.pop("erp")
ORDER_ID = {"taobao": "订单编号", "jd": "订单号", "douyin": "主订单编号", "shopify": "Name", "generic": "订单编号"}
STRANGE = ("自定义列", "审核人", "X1", "内部批次", "column_9", "打印次数", "Reviewed by")


def shown(value: Any) -> str:
    """A typed value as the profile's `expect` writes it."""
    if hasattr(value, "astimezone"):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Decimal):
        return f"{value:.2f}" if value == round(value, 2) else str(value)
    return str(value)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: f"{p.platform}-{p.variant}")
def test_given_gives_what_it_expects(profile: Profile) -> None:
    """The `given` cells, recognised by their header alone, are read as `expect` says."""
    assert profile.given
    assert profile.expect
    match = match_header(list(profile.given), PROFILES)
    assert (match.profile.platform, match.profile.variant) == (profile.platform, profile.variant)
    raw = pl.DataFrame({k: [v] for k, v in profile.given.items()}).with_columns(source_row=pl.lit(2, pl.Int64))
    recipe = recipe_of(match, PROFILES, list(profile.given), "Asia/Shanghai", "zh-CN", None)
    read = type_table(raw, "given", recipe)
    assert not len(read.rejects)
    row = read.rows.row(0, named=True)
    assert {k: shown(row[k]) for k in profile.expect} == profile.expect


@pytest.mark.parametrize("name", HEADERS)
def test_full_header_is_known_whole(name: str) -> None:
    """Every heading of a real export is one the profile knows, and the profile's own columns are found."""
    match = match_header(HEADERS[name], PROFILES)
    assert (match.profile.platform, match.share) == (name, 1.0)
    for column in ("order_id", "receiver_phone", "amount", "created_at", "buyer_note"):
        assert column in match.picks, column


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(HEADERS)), st.data())
def test_header_shuffled_dropped_and_added_to(name: str, data: st.DataObject) -> None:
    """Half of the headings in any order, with strange ones among them, as long as one is the platform's own."""
    full = [h.strip() for h in HEADERS[name]]
    marks = [s for s in BY_NAME[name].signature if s in full]
    kept = data.draw(st.lists(st.sampled_from(full), min_size=len(full) // 2, max_size=len(full), unique=True))
    kept += [h for h in [ORDER_ID[name], *(data.draw(st.sampled_from([marks])) if marks else [])] if h not in kept]
    kept += data.draw(st.lists(st.sampled_from(STRANGE), max_size=4, unique=True))
    header = data.draw(st.permutations(kept))
    match = match_header(header, PROFILES)
    assert match.profile.platform == name
    assert match.picks["order_id"].sources[0] == ORDER_ID[name]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(HEADERS)), st.sampled_from([" {} ", "\ufeff{}", "{}\t", '"{}"', "　{}", "*{}"]))
def test_marks_around_headings_do_not_matter(name: str, form: str) -> None:
    """Blanks, a byte order mark, quotes, a star for "required"."""
    assert match_header([form.format(h) for h in HEADERS[name]], PROFILES).profile.platform == name


def test_case_and_underscores_do_not_matter() -> None:
    match = match_header(["ORDER_ID", "Paid-Amount", "created at", "Shipping_Address"], PROFILES)
    assert {k: p.sources for k, p in match.picks.items()} == {
        "order_id": ("ORDER_ID",), "amount": ("Paid-Amount",), "created_at": ("created at",), "address": ("Shipping_Address",),
    }  # fmt: skip


def test_preferred_heading_wins_over_the_lesser() -> None:
    """Where two headings could give a column, the order of the profile's list decides, not the file's."""
    match = match_header(["订单编号", "订单金额", "实付金额", "联系电话", "联系手机"], PROFILES)
    assert match.picks["amount"].sources[0] == "实付金额"
    assert match.picks["receiver_phone"].sources[0] == "联系手机"


def test_column_that_only_the_generic_names_know_is_used_and_said() -> None:
    """A shop that adds 下单IP to its Taobao export gets the IP rule; `guessed` says where it came from."""
    match = match_header([*HEADERS["taobao"], "下单IP"], PROFILES)
    assert (match.profile.platform, match.guessed, match.picks["ip"].sources) == ("taobao", ("ip",), ("下单IP",))


def test_unused_headings_are_told() -> None:
    assert "自定义列" in match_header([*HEADERS["jd"], "自定义列"], PROFILES).unused


@pytest.mark.parametrize("header", [["a", "b", "c"], ["姓名", "电话"], [""], ["订单编号"]])
def test_header_without_an_order_number_is_refused(header: list[str]) -> None:
    """So is an order number alone: an order file tells at least one thing about its orders."""
    with pytest.raises(OrderguardError) as caught:
        match_header(header, PROFILES, where="x.csv")
    said = caught.value.problems[0].text("zh-CN")
    assert said.startswith("x.csv: ")
    assert "--platform" in said


@pytest.mark.parametrize("word", ["jd", "京东", "JingDong"])
def test_platform_may_be_named_by_any_of_its_words(word: str) -> None:
    assert match_header(HEADERS["generic"], PROFILES, wanted=word).profile.platform == "jd"


def test_unknown_platform_gets_a_hint() -> None:
    with pytest.raises(OrderguardError) as caught:
        match_header(HEADERS["jd"], PROFILES, wanted="taobo")
    assert "taobao" in caught.value.problems[0].text("zh-CN")


def test_words_for_one_platform() -> None:
    words = platform_words(PROFILES)
    assert words["京东"] == words["jd"] == words["jingdong"]
    assert "taobao" not in words["jd"]


def test_own_profile_wins(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "platform: mine\nname: {zh: 我的, en: Mine}\nsignature: [流水]\ncolumns: {order_id: 流水, amount: 钱}\n", encoding="utf-8"
    )
    match = match_header(["流水", "钱", "手机"], load_profiles(str(tmp_path)))
    assert (match.profile.platform, sorted(match.picks), match.guessed) == ("mine", ["amount", "order_id", "receiver_phone"], ("receiver_phone",))


def test_wrong_profile_is_told_with_file_line_and_hint(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("platform: mine\nname: {zh: 我的, en: Mine}\ncolumns:\n  order_idd: 流水\n", encoding="utf-8")
    with pytest.raises(OrderguardError) as caught:
        load_profiles(str(tmp_path))
    said = caught.value.problems[0].text("zh-CN")
    assert "mine.yaml" in said
    assert "order_id" in said
