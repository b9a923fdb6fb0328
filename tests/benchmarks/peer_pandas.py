"""The five default rules as a hand-written pandas script; see `peer_polars.py` for what it does and does not.

    python peer_pandas.py orders.csv TABLES OUT [--no-workbook]

TABLES holds `phones.csv`, `places.csv` and `dialling.csv`, the same reference tables in a form that pandas reads
without pyarrow. With --no-workbook the flagged rows go to OUT/flagged.csv.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

BLANKS = " \t\r\n\u00a0\u3000\ufeff\u200b"
WORDS = "临时仓|代收点|测试|无效|快递柜|派出所"
LIMIT_KM, EARTH_KM = 2000.0, 6371.0088
_STRIPPED = [
    "收货地址",
    "下单时间",
    "注册时间",
    "历史订单数",
    "优惠券",
    "买家留言",
    "下单IP",
    "发货地",
    "联系电话",
    "实付金额",
]
_RULES = ["risky-address", "ip-burst", "round-amount", "far-phone", "new-account-coupon"]


def main(source: str, tables: Path, out: Path, *, workbook: bool) -> None:
    """Read, judge, write."""
    orders = pd.read_csv(source, dtype=str, keep_default_na=False)
    for name in _STRIPPED:
        orders[name] = orders[name].str.strip(BLANKS)
    at = pd.to_datetime(orders["下单时间"], format="ISO8601", errors="coerce")
    age = at - pd.to_datetime(orders["注册时间"], format="ISO8601", errors="coerce")
    amount = pd.to_numeric(orders["实付金额"].str.replace("[¥,]", "", regex=True), errors="coerce")
    hits = pd.DataFrame(
        {
            "risky-address": orders["收货地址"].str.replace(r"[\s·.\-_/]", "", regex=True).str.contains(WORDS),
            "ip-burst": _bursts(orders["下单IP"], at),
            "round-amount": (amount > 0) & (amount % 1000 == 0) & (orders["买家留言"] == ""),
            "far-phone": far(orders["联系电话"], orders["发货地"], tables),
            "new-account-coupon": (age >= pd.Timedelta(days=-1))
            & (age <= pd.Timedelta(days=7))
            & (orders["历史订单数"] == "0")
            & ~orders["优惠券"].isin(["", "0", "无", "否"]),
        }
    )[_RULES]
    flagged = hits.any(axis=1)
    names = np.array(_RULES)
    found = orders[flagged].assign(reasons=[" ".join(names[row]) for row in hits[flagged].to_numpy()])
    out.mkdir(parents=True, exist_ok=True)
    if workbook:
        options = {"options": {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": False}}
        with pd.ExcelWriter(out / "flagged.xlsx", engine="xlsxwriter", engine_kwargs=options) as writer:
            found.to_excel(writer, sheet_name="flagged", index=False, freeze_panes=(1, 0), autofilter=True)
    else:
        found.to_csv(out / "flagged.csv", index=False)


def _bursts(ip: pd.Series, at: pd.Series) -> pd.Series:
    """Three orders of one IP in a closed window: sorted neighbours two apart, spread to the two before."""
    usable = at.notna() & ~ip.isin(["", "-", "未知"]) & ~ip.str.contains("*", regex=False)
    frame = pd.DataFrame({"ip": ip, "at": at})[usable]
    frame = frame[frame["ip"].map(frame["ip"].value_counts()) >= 3].sort_values(["ip", "at"])
    third = (frame["ip"] == frame["ip"].shift(2)) & (frame["at"] - frame["at"].shift(2) <= pd.Timedelta(minutes=5))
    hit = third | third.shift(-1, fill_value=False) | third.shift(-2, fill_value=False)
    return hit.reindex(ip.index, fill_value=False)


def far(phones: pd.Series, ships: pd.Series, tables: Path) -> pd.Series:
    places = pd.read_csv(tables / "places.csv")
    lat, lon = _homes(phones, tables, places)
    cities = places[places["level"] == "city"].drop_duplicates("short", keep="last").set_index("short")
    known = {}
    for ship in ships.unique():
        city = next((name for n in range(6, 1, -1) if (name := ship[:n]) in cities.index), None)
        known[ship] = tuple(cities.loc[city, ["lat", "lon"]]) if city else (np.nan, np.nan)
    ship_lat, ship_lon = ships.map({k: v[0] for k, v in known.items()}), ships.map({k: v[1] for k, v in known.items()})
    north, east, south, west = (np.radians(s.astype(float)) for s in (lat, lon, ship_lat, ship_lon))
    half = np.sin((south - north) / 2) ** 2 + np.cos(north) * np.cos(south) * np.sin((west - east) / 2) ** 2
    km = 2 * EARTH_KM * np.arcsin(np.sqrt(half))
    near = (km - LIMIT_KM).abs() < 0.01 * LIMIT_KM
    if near.any():
        from geographiclib.geodesic import Geodesic

        spots = pd.DataFrame({"a": lat, "b": lon, "c": ship_lat, "d": ship_lon})[near]
        exact = {
            row: Geodesic.WGS84.Inverse(*row)["s12"] / 1000
            for row in spots.drop_duplicates().itertuples(index=False, name=None)
        }
        km[near] = [exact[row] for row in spots.itertuples(index=False, name=None)]
    return km > LIMIT_KM


def _homes(phones: pd.Series, tables: Path, places: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Latitude and longitude per phone: by 7-digit prefix, by area code, by country code."""
    text = phones.str.strip("'").str.replace(r"\.0$", "", regex=True)
    virtual = phones.str.contains(r"转|^1\d{10}-\d{3,4}$")
    bare = text.str.replace(r"[\s()\-]", "", regex=True).str.replace(r"^(?:\+86|0086|86)(?=1\d{6})", "", regex=True)
    bare = bare.where(~virtual)
    first = pd.to_numeric(bare.str.extract(r"^(1[3-9]\d{5})(?:\d{4}|\*{4})$", expand=False))
    runs = pd.read_csv(tables / "phones.csv")
    at = np.searchsorted(runs["first"].to_numpy(), first.fillna(0).to_numpy(), side="right") - 1
    inside = (at >= 0) & (first <= runs["last"].to_numpy()[at])
    adcode = pd.Series(runs["adcode"].to_numpy()[at], index=phones.index).where(inside)
    by_code = places.set_index("adcode")
    lat, lon = adcode.map(by_code["lat"]), adcode.map(by_code["lon"])
    codes = pd.read_csv(tables / "dialling.csv", dtype={"prefix": str}).set_index("prefix")
    dialling = dict(zip(codes.index, zip(codes["lat"], codes["lon"], strict=True), strict=True))
    area = "86" + bare.str.extract(r"^0(10|2\d|[3-9]\d\d)\d{7,8}$", expand=False)
    dialled = area.fillna(bare.str.extract(r"^\+(\d{7,15})$", expand=False)).dropna()
    for row, number in dialled.items():
        spot = next((dialling[number[:n]] for n in (5, 4, 3, 2, 1) if number[:n] in dialling), None)
        if spot:
            lat[row], lon[row] = spot
    return lat, lon


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), workbook="--no-workbook" not in sys.argv)
