"""The thirty rules of `rules30.py` as a hand-written Polars script, for that one export; knows nothing of rulebooks or ledgers.

    python peer_rules30.py orders.parquet OUT

Writes OUT/findings.parquet (`order_id rule_id value`). The stock, tag, lead-time and list files lie beside the orders; the tables
of phone prefixes and places are orderguard's own.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import polars as pl

DAY = pl.duration(days=1)
BAD = ["临时仓", "代收点", "测试", "无效", "快递柜", "派出所"]


def main(source: Path, out: Path) -> None:
    """Read, judge, write."""
    f = pl.read_parquet(source).with_row_index("row")
    tables = Path(str(files("orderguard.enrich.tables")))
    places = pl.read_parquet(tables / "places.parquet", columns=["adcode", "level", "name", "short", "lat", "lon"])
    f = facts(f, places, tables)
    hits = {n: f["row"].filter(m.fill_null(value=False)) for n, m in plain(f).items()}
    hits |= {
        "ip-burst": burst(f, "ip", "5m", 3), "device-burst": burst(f, "device_id", "30m", 3),
        "same-basket": burst(f.with_columns(basket=pl.concat_str("buyer_id", "sku", "quantity", separator="|")), "basket", "1d", 2),
        "ip-people": distinct(f, "ip", "buyer_id", "1h", 4), "phone-people": distinct(f, "phone", "buyer_id", "7d", 3),
        "address-people": distinct(f, "place", "buyer_id", "7d", 3),
        "many-names": distinct(f, "phone", "name", "30d", 3), "many-phones": distinct(f, "home", "phone", "30d", 2),
        "phone-money": summed(f, "phone", "amount", "24h", 6000.0),
        "oversold": oversold(f, source.parent), "two-each": limited(f),
        "much-money": above(f.select("row", "created_at", key="buyer_id", size=pl.col("amount").cast(pl.Float64)), 3, median=False),
        "much-goods": above(f.select("row", "created_at", key="sku", size=pl.col("quantity").cast(pl.Float64)), 5, median=True),
    }  # fmt: skip
    hits["known"], allowed = listed(f, source.parent)
    rows = pl.concat([pl.DataFrame({"row": r}).with_columns(rule_id=pl.lit(n)) for n, r in hits.items()])
    rows = rows.filter(~pl.col("row").is_in(allowed.implode())).sort("row")
    out.mkdir(parents=True, exist_ok=True)
    rows.select(f["order_id"].gather(rows["row"]), "rule_id").write_parquet(out / "findings.parquet")


def facts(f: pl.DataFrame, places: pl.DataFrame, tables: Path) -> pl.DataFrame:
    """Phone home, places with coordinates, keys."""
    runs = pl.read_parquet(tables / "phones.parquet").sort("first")
    first = f.select("row", first=pl.col("receiver_phone").str.extract(r"^(1\d{6})\d{4}$").cast(pl.UInt32)).drop_nulls().sort("first")
    spot = places.select("adcode", "lat", "lon")
    provinces = places.filter(pl.col("adcode") % 10_000 == 0).select(code=pl.col("adcode") // 10_000, home_province="name")
    home = first.join_asof(runs, on="first").filter(pl.col("last") >= pl.col("first")).with_columns(code=pl.col("adcode") // 10_000)
    home = home.join(spot, on="adcode").join(provinces, on="code").select("row", "home_province", home_lat="lat", home_lon="lon")
    cities = places.filter(level="city").select(city="name", city_lat="lat", city_lon="lon").unique("city")
    f = f.join(home, on="row", how="left", maintain_order="left").join(cities, on="city", how="left", maintain_order="left")
    name = pl.col("receiver_name").str.replace_all(r"\s+", "")
    place = pl.when(pl.col("address").str.len_chars() >= 4).then(pl.concat_str("province", "city", "district", pl.col("address").str.replace_all(r"\s+", "")))
    whole = pl.when(~pl.col("receiver_phone").str.contains("*", literal=True)).then("receiver_phone")
    wrong = pl.col("address").str.extract(r"^(\p{Han}{2,7}?[省市])")
    return f.with_columns(phone=whole, place=place, name=name, two=(wrong.is_not_null() & (wrong != pl.col("province"))).fill_null(value=False)).with_columns(
        home=pl.concat_str("name", "place", separator="|")
    )


def plain(f: pl.DataFrame) -> dict[str, pl.Series]:
    """The rules that look at one order."""
    def fold(c: str) -> pl.Expr:
        return pl.col(c).str.replace_all(r"[\s·.\-_,，]+", "")
    money, age = pl.col("amount"), pl.col("created_at") - pl.col("registered_at")
    hour = pl.col("paid_at").dt.convert_time_zone("Asia/Shanghai").dt.hour()
    ship = (30.29, 120.16)
    lead = {"浙江省": 1, "江苏省": 2, "广东省": 3, "四川省": 4, "新疆维吾尔自治区": 7}
    need = pl.when(~pl.col("two")).then(pl.col("province").replace_strict(lead, default=None, return_dtype=pl.Int64))
    cold = pl.col("sku").is_in([f"SKU-{i}" for i in range(0, 200, 40)])
    landmark = pl.col("address").str.contains(r"(?:附近|对面|旁边?|边上|隔壁|路口|门口)$") & ~pl.col("address").str.contains(r"\d号")
    elsewhere = pl.when(~pl.col("two")).then(pl.col("home_province") != pl.col("province"))
    told = f.lazy().select(**{
        "risky-address": fold("address").str.contains_any(BAD),
        "brushing-note": fold("buyer_note").str.contains_any(["刷单", "返现", "好评"]) & ~fold("buyer_note").str.contains("发票", literal=True),
        "odd-name": fold("receiver_name").str.contains_any(["测试", "代收"]),
        "night-money": (money > 2500) & (hour < 6), "short-address": pl.col("address").str.len_chars().is_between(1, 5),
        "half-price": pl.col("discount").fill_null(0) * 2 > money,
        "far-phone": km("home_lat", "home_lon", *ship) > 2000, "phone-elsewhere": elsewhere, "phone-region": elsewhere,
        "out-of-reach": ~pl.col("two") & (km("city_lat", "city_lon", *ship) > 1500),
        "bad-address": pl.col("two") | (pl.col("address") == "") | landmark, "two-regions": pl.col("two") & (pl.col("address") != ""),
        "promise": pl.col("promised_at") < pl.col("paid_at") + need * DAY,
        "wrong-region": cold & ~pl.col("two") & ~pl.col("province").is_in(["浙江省", "江苏省"]),
        "coupon": age.is_between(-DAY, 7 * DAY) & (pl.col("prior_orders") == 0) & (pl.col("coupon") != ""),
        "round": (money > 0) & (money % 1000 == 0) & (pl.col("buyer_note") == ""),
    }).collect()  # fmt: skip
    return {s.name: s for s in told}


def km(lat: str, lon: str, south: float, west: float) -> pl.Expr:
    """Haversine."""
    a, b = pl.col(lat).radians(), pl.lit(south).radians()
    half = ((b - a) / 2).sin() ** 2 + a.cos() * b.cos() * ((pl.lit(west).radians() - pl.col(lon).radians()) / 2).sin() ** 2
    return 2 * 6371.0088 * half.sqrt().arcsin()


def often(f: pl.DataFrame, key: str, n: int, *more: str) -> pl.DataFrame:
    """`row key at` of keys that occur often enough, sorted."""
    g = f.select("row", *more, key=key, at="created_at").drop_nulls()
    g = g.join(g.group_by("key").len().filter(pl.col("len") >= n), on="key", how="semi").sort("key", "at")
    return g.with_columns(key=pl.col("key").rle_id())  # numbers from here on: texts are slow to group


def burst(f: pl.DataFrame, key: str, window: str, n: int) -> pl.Series:
    """At least `n` orders in a closed window: neighbours n-1 apart, spread to those before."""
    g = often(f, key, n)
    span = pl.duration(**_span(window))
    full = (pl.col("key") == pl.col("key").shift(n - 1)) & (pl.col("at") - pl.col("at").shift(n - 1) <= span)
    g = g.with_columns(full=full.fill_null(value=False))
    return g.filter(pl.any_horizontal(pl.col("full").shift(-i) for i in range(n)))["row"]


def _span(window: str) -> dict[str, int]:
    return {{"m": "minutes", "h": "hours", "d": "days"}[window[-1]]: int(window[:-1])}


def spread(g: pl.DataFrame, ends: pl.Series, window: str) -> pl.Series:
    """Orders at most a window before the end of a full one."""
    g = g.with_columns(end=pl.when(pl.lit(ends)).then("at"))
    back = g.with_columns(end=pl.col("end").backward_fill().over("key"))
    return back.filter(pl.col("end") - pl.col("at") <= pl.duration(**_span(window)))["row"]


def distinct(f: pl.DataFrame, key: str, who: str, window: str, n: int) -> pl.Series:
    """At least `n` different `who` in a closed window: +1 on arrival, -1 on return or when the window has passed."""
    g = often(f, key, n, who).with_columns(pl.col(who).hash())
    g = g.with_columns(again=pl.col("at").shift(-1).over("key", who))
    gone = pl.min_horizontal("again", pl.col("at") + pl.duration(**_span(window)) + pl.duration(microseconds=1))
    steps = pl.concat([g.select("key", "at", step=pl.lit(1)), g.select("key", gone.alias("at"), step=pl.lit(-1))])
    steps = steps.group_by("key", "at").agg(pl.col("step").sum()).sort("key", "at")
    steps = steps.with_columns(inside=pl.col("step").cum_sum())
    g = g.join(steps.select("key", "at", "inside"), on=["key", "at"], how="left", maintain_order="left")
    return spread(g, g["inside"] >= n, window)


def summed(f: pl.DataFrame, key: str, what: str, window: str, least: float) -> pl.Series:
    """An amount that adds up within a closed window."""
    g = often(f, key, 1, what).with_columns(pl.col(what).cast(pl.Float64))
    g = g.rechunk().sort("key", "at")
    total = g.rolling("at", period=window, closed="both", group_by="key").agg(pl.col(what).sum().alias("total"))
    g = g.join(total.unique(["key", "at"]), on=["key", "at"], how="left", maintain_order="left")
    return spread(g, g["total"] >= least - 1e-6, window)


def oversold(f: pl.DataFrame, folder: Path) -> pl.Series:
    """Beyond stock in order of payment."""
    stock = pl.read_csv(folder / "stock.csv")
    first = f["paid_at"].min()
    g = f.filter(pl.col("paid_at") >= first).select("row", "sku", "quantity", "paid_at", "order_id").sort("paid_at", "order_id")
    g = g.with_columns(total=pl.col("quantity").cum_sum().over("sku")).join(stock, on="sku", how="left", maintain_order="left")
    return g.filter(pl.col("total") > pl.col("available"))["row"]


def limited(f: pl.DataFrame) -> pl.Series:
    """More than six of a kind in seven days by one person: linked by phone, account, name with address."""
    keys = f.select(pl.col(c).cast(pl.Categorical).to_physical().alias(c) for c in ("phone", "buyer_id", "home"))
    label = pl.int_range(len(f), eager=True)
    while True:
        low = label
        for c in keys.columns:
            least = pl.when(pl.col("k").is_not_null()).then(pl.col("l").min().over("k")).otherwise("l")
            low = pl.DataFrame({"k": keys[c], "l": low}).select(least).to_series()
        low = low.gather(low)
        if (low == label).all():
            break
        label = low
    g = f.with_columns(who=label).filter(pl.col("sku").is_in([f"SKU-{i}" for i in range(1, 7)]))
    return summed(g.with_columns(key=pl.concat_str("who", "sku", separator="|")), "key", "quantity", "7d", 7.0)


def above(g: pl.DataFrame, least: int, *, median: bool) -> pl.Series:
    """More than three times the mean or median of the thirty days before."""
    g = g.sort("key", "created_at")
    usual = pl.col("size").median() if median else pl.col("size").mean()
    old = g.rolling("created_at", period="30d", closed="left", group_by="key").agg(usual=usual, n=pl.len())
    g = g.join(old.unique(["key", "created_at"]), on=["key", "created_at"], how="left")
    return g.filter((pl.col("n") >= least) & (pl.col("usual") > 0) & (pl.col("size") > 3 * pl.col("usual")))["row"]


def listed(f: pl.DataFrame, folder: Path) -> tuple[pl.Series, pl.Series]:
    """Rows that meet block or watch entries, and rows that are allowed (and not blocked)."""
    entries = pl.read_csv(folder / "lists.csv")
    watch, allow = (entries.filter(kind=k)["value"] for k in ("watch", "allow"))
    block = f["ip"].str.starts_with("198.0.7.")
    half = f["ip"].str.starts_with("198.0.9.") & (f["ip"].str.extract(r"(\d+)$").cast(pl.Int64) < 128)
    good = f["buyer_id"].is_in(allow.implode()) & ~block
    return f["row"].filter(block | ((half | f["buyer_id"].is_in(watch.implode())) & ~good)), f["row"].filter(good)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
