"""Every spelling that must read, every number that must not, and the shipped table against the libraries."""

import random
import struct

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phone import Phone
from phonenumbers import geocoder

from orderguard.enrich.phones import FACTS, WHY, load_phone_dat, phone_facts

MOBILE = "13812345678"


def fact(number, **settings):
    return phone_facts(pl.Series([number], dtype=pl.String), **settings).row(0, named=True)


@pytest.mark.parametrize(
    "written",
    [
        "13812345678",
        "+8613812345678",
        "+86 138 1234 5678",
        "0086 13812345678",
        "86-13812345678",
        "(+86)13812345678",
        "8613812345678",
        "138-1234-5678",
        "１３８１２３４５６７８",
        "013812345678",
        "'13812345678",
        "13812345678\t",
        "\u202d13812345678\u202c",
        "\u300013812345678\u00a0",
        '="13812345678"',
        "13812345678.0",
        "1.3812345678E10",
        "1.3812345678e+10",
        "电话：13812345678",
        "13812345678 / 0755-1234567",
        "0755-1234567/13812345678",
        "13812345678,13912345679",
    ],
)
def test_spellings_of_one_mobile_share_one_key(written):
    facts = fact(written)
    assert (facts["phone_key"], facts["phone_city"]) == (MOBILE, "连云港市")
    assert facts["phone_why"] is None


@pytest.mark.parametrize(
    "written",
    ["0755-12345678", "075512345678", "(0755)12345678-802", "+86 755 12345678", "0755-1234 5678转802"],
)
def test_spellings_of_one_landline_share_one_key_without_extension(written):
    facts = fact(written)
    assert (facts["phone_key"], facts["phone_region"]) == ("0755-12345678", "广东深圳")


@pytest.mark.parametrize(
    ("written", "key", "country", "region"),
    [
        ("+85261234567", "+85261234567", "HK", "香港"),
        ("852-61234567", "+85261234567", "HK", "香港"),
        ("0085361234567", "+85361234567", "MO", "澳门"),
        ("+1 415 555 0123", "+14155550123", "US", "US"),
        ("+14155550123", "+14155550123", "US", "US"),
        ("1-415-555-0123", "+14155550123", "US", "US"),
        ("+1 416 555 0123", "+14165550123", "CA", "CA"),
        ("+7 701 123 4567", "+77011234567", "KZ", "KZ"),
        ("+44 (0)20 7946 0958", "+442079460958", "GB", "GB"),
        ("(+60)172****", None, "MY", "MY"),
    ],
)
def test_foreign_numbers_are_never_mainland_mobiles(written, key, country, region):
    facts = fact(written)
    assert (facts["phone_key"], facts["phone_country"], facts["phone_region"]) == (key, country, region)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (None, "blank"),
        ("", "blank"),
        (" \u3000", "blank"),
        ("无", "blank"),
        ("138****1234", "masked"),
        ("138XXXX1234", "masked"),
        ("~AgAAAAABBBBCCCDDD12345==", "masked"),
        ("18412345678转1234", "virtual"),
        ("虚拟号 13812345678-1234", "virtual"),
        ("收货电话：13812345678转1234", "virtual"),
        ("13812345678-1234", "virtual"),
        ("13812345678，1234", "virtual"),
        ("13812345678(分机1234)", "virtual"),
        ("[1234]13812345678", "virtual"),
        ("【1234】138 1234 5678", "virtual"),
        ("(1234)13812345678", "virtual"),
        ("［1234］+86 138-1234-5678", "virtual"),
        ("1234转13812345678", "virtual"),
        ("分机1234 13812345678", "virtual"),
        ("138 1234 5678 转 1234", "virtual"),
        ("138-1234-5678-1234", "virtual"),
        ("+86 138 1234 5678 转接1234", "virtual"),
        ("13812345678【1234】", "virtual"),
        ("13812345678,1234#", "virtual"),
        ("13812345678（请拨分机号：1234）", "virtual"),
        ("400-123-4567", "virtual"),
        ("8001234567", "virtual"),
        ("95588", "virtual"),
        ("1.38123E+10", "unreadable"),
        ("12345678", "unreadable"),
        ("12012345678", "unreadable"),
        ("138123456789", "unreadable"),
        ("收件人", "unreadable"),
    ],
)
def test_what_has_no_home_says_why_and_never_groups(written, why):
    facts = fact(written)
    assert facts["phone_why"] == why
    assert [facts[name] for name in FACTS if name != "phone_why"] == [None] * 7


@pytest.mark.parametrize("written", ["[86]13802580000", "[+86]13802580000", "(0086)13802580000", "【微信同号】13802580000", "13802580000 张三"])
def test_a_country_or_a_word_before_or_behind_is_no_extension(written):
    assert fact(written)["phone_key"] == "13802580000"


@pytest.mark.parametrize("written", ["1381234****", "+861381234****", "0755-1234****"])
def test_a_mask_behind_the_prefix_has_a_region_but_no_key(written):
    facts = fact(written)
    assert facts["phone_key"] is None
    assert facts["phone_city"] in {"连云港市", "深圳市"}
    assert facts["phone_why"] is None


def test_an_unissued_prefix_still_groups():
    facts = fact("16099999999")
    assert (facts["phone_key"], facts["phone_why"]) == ("16099999999", "unknown_prefix")


def test_abroad_only_a_chinese_mobile_is_read_without_prefix():
    assert fact("0755-12345678", default_country="US")["phone_why"] == "unreadable"
    assert fact("(415) 555-0123", default_country="US")["phone_why"] == "unreadable"
    assert fact(MOBILE, default_country="US")["phone_country"] == "CN"
    assert fact("+86 755 12345678", default_country="US")["phone_city"] == "深圳市"


def test_order_height_and_duplicates_are_kept():
    numbers = ["+86 13812345678", None, "13812345678", "0755-12345678", "13812345678", "x"]
    facts = phone_facts(pl.Series(numbers, dtype=pl.String))
    assert facts["phone_key"].to_list() == [MOBILE, None, MOBILE, "0755-12345678", MOBILE, None]
    assert tuple(facts.columns) == FACTS
    assert phone_facts(pl.Series([], dtype=pl.String)).schema == facts.schema


def test_a_newer_phone_dat_takes_over(tmp_path):
    record = "广东|深圳|518000|0755".encode() + b"\0"
    index = struct.pack("<iiB", 1381234, 8, 1) + struct.pack("<iiB", 1381235, 8, 1)
    path = tmp_path / "phone.dat"
    path.write_bytes(struct.pack("<4si", b"2601", 8 + len(record)) + record + index)
    runs = load_phone_dat(path)
    assert runs.rows() == [(1381234, 1381235, 440300)]
    assert fact(MOBILE, prefixes=runs)["phone_city"] == "深圳市"
    assert fact("13900000000", prefixes=runs)["phone_why"] == "unknown_prefix"


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 no phone.dat at all", b"2601\x0a\x00\x00\x00ab12345678"]
)
def test_another_file_is_no_phone_dat(tmp_path, content):
    path = tmp_path / "phone.dat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"phone\.dat: not a phone\.dat"):
        load_phone_dat(path)


def test_mobile_regions_agree_with_the_phone_package():
    source, chance = Phone(), random.Random(7)
    numbers = [f"{chance.randint(1300000, 1999999)}1234" for _ in range(3000)]
    told = [source.find(number[:7]) for number in numbers]
    facts = phone_facts(pl.Series(numbers))
    pairs = [(a, b) for a, b in zip(facts["phone_province"], told, strict=True) if b]
    assert len(pairs) > 1500
    assert [pair for pair in pairs if not pair[0].startswith(pair[1]["province"])] == []


def test_landline_regions_agree_with_phonenumbers():
    for area, local in {"10": "87654321", "21": "87654321", "931": "8765432", "470": "8765432"}.items():
        number = phonenumbers.PhoneNumber(country_code=86, national_number=int(area + local))
        region = geocoder.description_for_number(number, "zh")
        assert region
        assert fact(f"0{area}-{local}")["phone_city"][:2] in region


def test_countries_agree_with_phonenumbers_but_for_small_islands():
    sharing = {"AX", "BL", "BQ", "CC", "CX", "EH", "GG", "IM", "JE", "MF", "SJ", "TA", "VA", "YT"}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS - sharing - {"CN"}):
        example = phonenumbers.example_number(region)
        if example:
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert fact(number)["phone_country"] == region, number


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.one_of(st.none(), st.text(alphabet="0123456789+-() *.,转eE　１ab/", max_size=24)), max_size=30
    )
)
def test_any_text_gives_a_row_that_is_known_or_says_why(numbers):
    facts = phone_facts(pl.Series(numbers, dtype=pl.String))
    assert facts.height == len(numbers)
    assert set(facts["phone_why"].drop_nulls()) <= set(WHY)
    assert (facts["phone_why"].is_null() == facts["phone_region"].is_not_null()).all()
    assert facts.equals(pl.concat([phone_facts(pl.Series([n], dtype=pl.String)) for n in numbers] or [facts]))
