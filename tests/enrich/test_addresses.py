"""Addresses row by row: what they say, and when they say something that cannot be."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderguard.enrich.addresses import ADDRESS_SCHEMA, STATES, parse_addresses

COLUMNS = dict.fromkeys(("province", "city", "district", "address"), pl.String)


def parse(*rows):
    return parse_addresses(pl.DataFrame(rows, schema=COLUMNS, orient="row"))


def read(address, province=None, city=None, district=None):
    found = parse((province, city, district, address)).row(0)
    return found[0], found[1], found[2], found[4], found[5]


@pytest.mark.parametrize(
    ("address", "city", "district", "detail"),
    [
        ("广东省深圳市南山区科技园1号", "深圳市", "南山区", "科技园1号"),
        ("江西南昌市青山湖区北京东路1号", "南昌市", "青山湖区", "北京东路1号"),
        ("浙江省 杭州市 西湖区 文三路1号(310000)", "杭州市", "西湖区", "文三路1号"),
        ("北京北京市朝阳区望京街1号", "北京市", "朝阳区", "望京街1号"),
        ("上海市 上海市 浦东新区 世纪大道1号", "上海市", "浦东新区", "世纪大道1号"),
        ("中国广东省广州市越秀区东风路1号", "广州市", "越秀区", "东风路1号"),
        ("518000 广东省深圳市福田区深南大道1号", "深圳市", "福田区", "深南大道1号"),
        ("张三 13812345678 广东省深圳市南山区科技园", "深圳市", "南山区", "科技园"),
        ("浦东新区世纪大道1号", "上海市", "浦东新区", "世纪大道1号"),
        ("深圳南山科技园1号", "深圳市", "南山区", "科技园1号"),
        ("吉林吉林市船营区松江路1号", "吉林市", "船营区", "松江路1号"),
        ("辽宁朝阳朝阳县柳城街道", "朝阳市", "朝阳县", "柳城街道"),
        ("浙江省台州市路桥区路桥街道", "台州市", "路桥区", "路桥街道"),
        ("黑龙江省哈尔滨市道里区中央大街1号", "哈尔滨市", "道里区", "中央大街1号"),
        ("湖北省省直辖县级行政区划仙桃市干河街道1号", "仙桃市", None, "干河街道1号"),
        ("重庆市县忠县白公路1号", "重庆市", "忠县", "白公路1号"),
        ("四川省成都市其它区高新大道1号", "成都市", None, "高新大道1号"),
        ("西藏那曲市比如县比如镇1号", "那曲市", "比如县", "比如镇1号"),
        ("贵州黔东南州凯里市韶山路1号", "黔东南苗族侗族自治州", "凯里市", "韶山路1号"),
    ],
)
def test_the_usual_forms_are_read(address, city, district, detail):
    assert read(address)[1:] == (city, district, detail, "ok")


@pytest.mark.parametrize(
    ("address", "city", "district"),
    [
        ("湖北省襄樊市樊城区长虹路1号", "襄阳市", "樊城区"),
        ("四川省资阳市简阳市射洪坝1号", "成都市", "简阳市"),
        ("安徽省巢湖市庐江县庐城镇1号", "合肥市", "庐江县"),
        ("山东省莱芜市莱城区鹏泉街道1号", "济南市", "莱芜区"),
        ("福建省长乐市航城街道1号", "福州市", "长乐区"),
        ("河北省石家庄市桥东区中山路1号", "石家庄市", "长安区"),
    ],
)
def test_outdated_names_are_honest_and_read_as_of_today(address, city, district):
    found = read(address)
    assert (found[1], found[2], found[4]) == (city, district, "ok")


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("山东济南北京路1号", "北京路1号"),
        ("济南市深圳路5号", "深圳路5号"),
        ("北京市朝阳门内大街1号", "朝阳门内大街1号"),
        ("西藏拉萨北京中路1号", "北京中路1号"),
    ],
)
def test_a_street_named_after_a_far_place_is_a_street(address, detail):
    found = read(address)
    assert (found[2], found[3], found[4]) == (None, detail, "ok")


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("广东省杭州市西湖区文三路1号", "contradictory"),
        ("广东杭州西湖区文三路1号", "contradictory"),
        ("广东省深圳市广州市天河区1号", "contradictory"),
        ("南山区科技园1号", "ambiguous"),
        ("鼓楼区中山路1号", "ambiguous"),
        ("阳光花园3栋", "no_region"),
        ("广州市场路5号", "no_region"),
        ("广东省深圳市南山区", "no_detail"),
        ("广东省深圳市南山区，。", "no_detail"),
        ("广东省深圳市南山区****", "masked"),
        ("", "blank"),
        (" \u3000\t", "blank"),
        (None, "blank"),
    ],
)
def test_faults_have_their_state(address, state):
    assert read(address)[4] == state


def test_a_misspelt_city_is_read_as_the_city_meant():
    assert read("广东省广洲市天河区体育西路1号") == ("广东省", "广州市", "天河区", "体育西路1号", "typo")
    assert read("体育西路1号", "广东省", "广洲市", "天河区")[1:] == (
        "广州市",
        "天河区",
        "体育西路1号",
        "typo",
    )
    assert read("河南新城市花园1栋")[4] == "ok"


def test_columns_win_and_the_text_adds_what_they_lack():
    assert read("科技园1号", "广东", "深圳", "南山")[1:] == ("深圳市", "南山区", "科技园1号", "ok")
    assert read("南山区科技园1号", "广东省", "深圳市", "")[1:] == ("深圳市", "南山区", "科技园1号", "ok")
    assert read("广东省深圳市南山区科技园1号", "广东省", "深圳市", "南山区")[3] == "科技园1号"
    assert read("天府大道1号", "四川省", "成都市", "高新区")[2] == "高新区"
    assert read("朝阳区望京1号", "北京", "北京市", "市辖区")[2:] == ("朝阳区", "望京1号", "ok")
    assert read("广东省深圳市南山区科技园", None, None, "南山区")[1:] == ("深圳市", "南山区", "科技园", "ok")


def test_columns_and_text_that_exclude_each_other_are_contradictory():
    assert read("浙江省杭州市西湖区文三路1号", "广东省", "深圳市", "南山区")[4] == "contradictory"
    assert read("文三路1号", "广东省", "杭州市", "西湖区")[4] == "contradictory"
    assert read("广州路12号", "江苏", "南京", "其它区")[4] == "ok"


def test_the_adcode_is_the_deepest_level_read():
    rows = [(None, None, None, text) for text in ("广东省某处1号", "深圳市某处1号", "深圳市南山区某处1号")]
    assert parse(*rows)["addr_adcode"].to_list() == [440000, 440300, 440305]


def test_an_empty_frame_keeps_the_schema():
    assert dict(parse().schema) == ADDRESS_SCHEMA


CELL = st.one_of(
    st.none(),
    st.text(alphabet="广东省深圳市南山区杭州西湖北京朝阳路号12 *,县", max_size=16),
    st.sampled_from(["广东省", "深圳市", "南山区", "其它区", "广东省深圳市南山区科技园1号", "广洲市天河区"]),
)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=12))
def test_any_cells_give_one_row_each_whatever_their_neighbours(rows):
    found = parse(*rows)
    assert found.height == len(rows)
    assert set(found["addr_state"]) <= set(STATES)
    assert found["addr_state"].null_count() == 0
    assert found.equals(pl.concat([parse(row) for row in rows] or [found]))
