"""The five default rules as a hand-written Polars script: what a good engineer would write for one export.

It reads one CSV with known headings and knows nothing of rulebooks, other platforms, bad rows, ledgers or tasks.

    python peer_polars.py orders.csv TABLES OUT [--no-workbook]

TABLES is the folder of orderguard's reference tables (Parquet). Flagged rows, 24 columns and the reasons, go to
OUT/flagged.xlsx, or with --no-workbook to OUT/flagged.parquet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

BLANKS = " \t\r\n\u00a0\u3000\ufeff\u200b"
WORDS = ["临时仓", "代收点", "测试", "无效", "快递柜", "派出所"]
WINDOW = pl.duration(minutes=5)
LIMIT_KM, EARTH_KM = 2000.0, 6371.0088
_TIME, _FINE = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f"


def main(source: str, tables: Path, out: Path, *, workbook: bool) -> None:
    """Read, judge, write."""
    orders = pl.read_csv(source, infer_schema=False)
    orders = orders.with_columns(pl.all().str.strip_chars(BLANKS))
    at, registered = _time(orders["下单时间"]), _time(orders["注册时间"])
    age = at - registered
    amount = pl.col("实付金额").str.replace_all("[¥,]", "").cast(pl.Float64, strict=False)
    note, coupon = pl.col("买家留言").fill_null(""), pl.col("优惠券").fill_null("")
    hits = orders.select(
        pl.col("收货地址").str.replace_all(r"[\s·.\-_/]", "").str.contains_any(WORDS).alias("risky-address"),
        pl.lit(_bursts(orders["下单IP"], at)).alias("ip-burst"),
        ((amount > 0) & (amount % 1000 == 0) & (note == "")).alias("round-amount"),
        pl.lit(far(orders["联系电话"], orders["发货地"], tables)).alias("far-phone"),
        (
            age.is_between(pl.duration(days=-1), pl.duration(days=7))
            & (pl.col("历史订单数") == "0")
            & ~coupon.is_in(["", "0", "无", "否"])
        ).alias("new-account-coupon"),
    ).fill_null(value=False)
    rules = hits.columns
    flagged = hits.select(pl.any_horizontal(rules)).to_series()
    reasons = hits.filter(flagged).select(
        pl.concat_str([pl.when(rule).then(pl.lit(rule)) for rule in rules], separator=" ", ignore_nulls=True)
    )
    found = orders.filter(flagged).with_columns(reasons.to_series().alias("reasons"))
    out.mkdir(parents=True, exist_ok=True)
    if workbook:
        _write(found, out / "flagged.xlsx")
    else:
        found.write_parquet(out / "flagged.parquet")


def _time(text: pl.Series) -> pl.Series:
    read = text.str.to_datetime(_TIME, strict=False, time_unit="us")
    if read.null_count() == text.null_count():
        return read
    rest = read.is_null() & text.is_not_null()
    return read.set(rest, None).scatter(
        rest.arg_true(), text.filter(rest).str.to_datetime(_FINE, strict=False, time_unit="us")
    )


def _bursts(ip: pl.Series, at: pl.Series) -> pl.Series:
    """Three orders of one IP in a closed window: sorted neighbours two apart, spread to the two before."""
    frame = pl.DataFrame({"ip": ip, "at": at}).with_row_index("row").drop_nulls()
    frame = frame.filter(~pl.col("ip").is_in(["", "-", "未知"]) & ~pl.col("ip").str.contains("*", literal=True))
    often = frame.group_by("ip").len().filter(pl.col("len") >= 3)
    frame = frame.join(often, on="ip", how="semi").sort("ip", "at")
    third = (pl.col("ip") == pl.col("ip").shift(2)) & (pl.col("at") - pl.col("at").shift(2) <= WINDOW)
    frame = frame.with_columns(third=third.fill_null(value=False))
    hit = pl.col("third") | pl.col("third").shift(-1) | pl.col("third").shift(-2)
    return pl.repeat(False, len(ip), eager=True).scatter(frame.filter(hit)["row"], True)


def far(phones: pl.Series, ships: pl.Series, tables: Path) -> pl.Series:
    places = pl.read_parquet(tables / "places.parquet", columns=["adcode", "level", "short", "lat", "lon"])
    places = places.filter(pl.col("level") != "district")
    home = _homes(phones, tables, places)
    frame = home.with_columns(ships.alias("ship")).join(
        ship_spots(ships, places), on="ship", how="left", maintain_order="left"
    )
    north, east, south, west = (pl.col(c).radians() for c in ("lat", "lon", "ship_lat", "ship_lon"))
    half = ((south - north) / 2).sin() ** 2 + north.cos() * south.cos() * ((west - east) / 2).sin() ** 2
    frame = frame.with_columns(km=2 * EARTH_KM * half.sqrt().arcsin())
    spots = ["lat", "lon", "ship_lat", "ship_lon"]
    near = frame.filter((pl.col("km") - LIMIT_KM).abs() < 0.01 * LIMIT_KM).select(spots).unique()
    if len(near):
        from geographiclib.geodesic import Geodesic

        exact = [Geodesic.WGS84.Inverse(*row)["s12"] / 1000 for row in near.iter_rows()]
        near = near.with_columns(exact=pl.Series(exact))
        frame = frame.join(near, on=spots, how="left", maintain_order="left")
        frame = frame.with_columns(km=pl.coalesce("exact", "km"))
    return frame["km"] > LIMIT_KM


def _homes(phones: pl.Series, tables: Path, places: pl.DataFrame) -> pl.DataFrame:
    """`lat lon` per phone: by 7-digit prefix, by area code, by country code."""
    text = pl.col("phone").str.strip_chars("'").str.replace(r"\.0$", "")
    virtual = pl.col("phone").str.contains(r"转|^1\d{10}-\d{3,4}$")
    bare = text.str.replace_all(r"[\s()\-]", "").str.replace(r"^(?:\+86|0086|86)(1\d{6})", "$1")
    frame = pl.DataFrame({"phone": phones}).with_row_index("row").with_columns(bare=pl.when(~virtual).then(bare))
    frame = frame.with_columns(
        first=pl.col("bare").str.extract(r"^(1[3-9]\d{5})(?:\d{4}|\*{4})$").cast(pl.UInt32),
        dialled=pl.coalesce(
            "86" + pl.col("bare").str.extract(r"^0(10|2\d|[3-9]\d\d)\d{7,8}$"),
            pl.col("bare").str.extract(r"^\+(\d{7,15})$"),
        ),
    )
    runs = pl.read_parquet(tables / "phones.parquet").sort("first")
    mobile = frame.select("row", "first").drop_nulls().sort("first").join_asof(runs, on="first")
    mobile = mobile.filter(pl.col("last") >= pl.col("first")).join(places, on="adcode").select("row", "lat", "lon")
    codes = pl.read_parquet(tables / "dialling.parquet", columns=["prefix", "lat", "lon"])
    by_code = {prefix: (lat, lon) for prefix, lat, lon in codes.iter_rows()}
    odd = frame.select("row", "dialled").drop_nulls()
    found = [
        next((by_code[number[:n]] for n in (5, 4, 3, 2, 1) if number[:n] in by_code), (None, None))
        for number in odd["dialled"]
    ]
    spots = pl.DataFrame(found, schema={"lat": pl.Float64, "lon": pl.Float64}, orient="row")
    other = pl.concat([odd.select("row"), spots], how="horizontal")
    return frame.select("row").join(pl.concat([mobile, other]), on="row", how="left", maintain_order="left")


def ship_spots(ships: pl.Series, places: pl.DataFrame) -> pl.DataFrame:
    """`ship ship_lat ship_lon` of the distinct ship-from texts: a city's name at the beginning."""
    cities = {r[0]: r[1:] for r in places.filter(level="city").select("short", "lat", "lon").iter_rows()}
    rows = []
    for ship in ships.unique().drop_nulls():
        city = next((name for n in range(6, 1, -1) if (name := ship[:n]) in cities), None)
        rows.append((ship, *(cities[city] if city else (None, None))))
    return pl.DataFrame(rows, schema={"ship": pl.String, "ship_lat": pl.Float64, "ship_lon": pl.Float64}, orient="row")


def _write(found: pl.DataFrame, path: Path) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("flagged")
        sheet.write_row(0, 0, found.columns, book.add_format({"bold": True}))
        for i, row in enumerate(found.iter_rows(), 1):
            for j, cell in enumerate(row):
                if cell is not None:
                    sheet.write_string(i, j, cell)
        sheet.autofilter(0, 0, len(found), found.width - 1)
        sheet.freeze_panes(1, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), workbook="--no-workbook" not in sys.argv)
