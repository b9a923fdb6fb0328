"""Rows to orders: item rows fold, repeats vanish, and rows that contradict their order are set aside.

The answer depends on the rows only, never on their order or on how they were split into files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import KEY, LINE_ONLY, LINES, MONEY_COLUMNS, ORDERS, TIME_COLUMNS, heading, schema, to_the_day
from orderguard.frames import platform_id
from orderguard.normalise.recipe import ADDED, ITEMS, REJECTS
from orderguard.normalise.status import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

_FACTS = (
    "shop", "buyer_id", "receiver_name", "receiver_phone", "province", "city", "district", "address",
    "amount", "created_at", "paid_at", "registered_at", "ip", "device_id", "ship_from", "currency",
)  # fmt: skip
_ORDER_NAMES = [c.name for c in ORDERS]
_LINE_NAMES = [c.name for c in LINES]
_TEXTS = (
    "status",
    "discount",
    "coupon",
    "buyer_note",
    "seller_note",
    "promised_at",
    "shipped_at",
    "delivered_at",
    "prior_orders",
    "email",
)
_SOURCE = ("source_file", "source_row")
_CENT = 0.01


@dataclass
class Folded:
    """Orders and lines, what was set aside, and how many rows repeated an order already counted."""

    orders: pl.DataFrame
    lines: pl.DataFrame
    rejects: pl.DataFrame
    folded: dict[str, int]


def fold_orders(
    rows: pl.DataFrame,
    sums: Mapping[str, Mapping[str, str]],
    locale: str,
    ids: Mapping[str, str] | None = None,
    zone: str = "UTC",
) -> Folded:
    """Fold typed rows to one row per `(platform, order_id)`.

    Args:
        rows: what `type_table` gives, of all files together.
        sums: platform -> amount column -> `sum` or `sum_unless_repeated` (default: the order's own amount).
        locale: language of the reasons.
        ids: words for platforms (casefolded) -> platform id, so that an ERP's 京东 row meets its `jd` row.
        zone: of the times in reasons and in the cells of rows that are set aside.
    """
    repeated = repeats(rows["order_id"])
    if not repeated.any():
        return Folded(rows.select(_ORDER_NAMES), _lines(rows), pl.DataFrame(schema=REJECTS), {})
    single = rows.filter(~repeated)
    many = rows.filter(repeated)
    before = _per_file(many.filter(~pl.col(ADDED)))
    many = _one_platform(many, ids or {})
    many = _summed(_orders_speak(_without_repeats(many)), sums)
    kept, rejects = _without_conflicts(many, locale, zone)
    first = kept.group_by(KEY, maintain_order=True).agg(_merge(n) for n in _ORDER_NAMES if n not in KEY)
    orders = pl.concat([single.select(_ORDER_NAMES), first.select(_ORDER_NAMES)], rechunk=True)
    lines = pl.concat([_lines(single), _lines(kept)])
    after = _per_file(first)
    for file in rejects["source_file"]:
        after[file] = after.get(file, 0) + 1
    folded = {file: n - after.get(file, 0) for file, n in before.items()}
    return Folded(orders, lines, rejects, folded)


def repeats(ids: pl.Series) -> pl.Series:
    """Which texts occur more than once.

    Rising numbers are told by a look; else their hashes are asked: ten times cheaper, and most often no two are equal.
    """
    rising = ids.to_frame("id").select((pl.col("id") > pl.col("id").shift(1)).all()).item()
    hashes = None if rising and not ids.null_count() else ids.hash()
    if hashes is None or hashes.n_unique() == len(ids):
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(ids))
    maybe = hashes.is_duplicated()
    return maybe.scatter(maybe.arg_true(), ids.filter(maybe).is_duplicated())


def _one_platform(rows: pl.DataFrame, ids: Mapping[str, str]) -> pl.DataFrame:
    """One order under several words for its platform is one: one word speaks, the others fill its gaps.

    The platform's own export speaks, else the first word. Whichever knows the order further tells its stage.
    """
    whose = ["_id", "order_id"]
    rows = rows.with_columns(_id=platform_id(ids))
    mixed = rows.filter(pl.col("platform").n_unique().over(whose) > 1)
    if mixed.is_empty():
        return rows.drop("_id")
    other = rows.join(mixed.select(whose).unique(), on=whose, how="anti", maintain_order="left")
    named = pl.when((pl.col("_id") == pl.col("platform")).any()).then(pl.col("_id").first())
    mixed = mixed.with_columns(named.otherwise(pl.col("platform").min()).over(whose).alias("_word"))
    mixed = mixed.join(_furthest(mixed, whose), on=whose, maintain_order="left")
    foreign = pl.col("platform") != pl.col("_word")
    gaps = [
        pl.when(foreign & pl.col(f).filter(~foreign).is_not_null().any().over(whose))
        .then(None)
        .otherwise(pl.col(f))
        .alias(f)
        for f in (*_FACTS, "line_id", "sku", "title", "quantity", "unit_price")
    ]
    filled = mixed.with_columns(gaps).with_columns(platform="_word", status="_status", stage="_stage")
    return pl.concat([other, filled.select(other.columns)]).drop("_id")


def _furthest(rows: pl.DataFrame, whose: list[str]) -> pl.DataFrame:
    """`_status _stage` of each order: of the words for its platform the one that knows it further, the speaking one's of equals."""
    by_word = pl.col("platform")
    words = _without_repeats(rows).group_by(*whose, by_word, "_word", maintain_order=True)
    told = words.agg(_merge("status").alias("_status"), _merge("stage").alias("_stage"))
    told = told.with_columns(rank("_stage").alias("_rank"), (by_word == pl.col("_word")).alias("_own"))
    told = told.sort("_rank", "_own", "platform", descending=[True, True, False], nulls_last=True)
    return told.group_by(whose, maintain_order=True).agg(pl.col("_status", "_stage").first())


def _orders_speak(rows: pl.DataFrame) -> pl.DataFrame:
    """Of an order that an order list and an item list tell of, the first gives the facts and the second the lines."""
    if not rows[ITEMS].any():
        return rows
    item, both = pl.col(ITEMS), (pl.col(ITEMS).any() & ~pl.col(ITEMS).all()).over(KEY)
    facts = [*_FACTS, "discount", "coupon", "buyer_note", "status", "stage"]
    lines = ["line_id", "sku", "title", "quantity", "unit_price"]
    return rows.with_columns(
        *[pl.when(~(both & item)).then(pl.col(f)).alias(f) for f in facts],
        *[pl.when(~(both & ~item)).then(pl.col(f)).alias(f) for f in lines],
    )


def _per_file(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by("source_file").len().iter_rows())


def _lines(rows: pl.DataFrame) -> pl.DataFrame:
    filled = pl.any_horizontal(pl.col("sku", "title", "quantity").is_not_null())
    lines = rows.filter(filled).select(_LINE_NAMES)
    return lines.with_columns(pl.col("quantity").fill_null(1.0)).cast(dict(schema(LINES).items()))


def _without_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """The same row in two overlapping exports counts once; two equal item rows of one file are two items."""
    # A later export may know the order as shipped: the row that has come furthest stays.
    rows = rows.sort(rank(), "status", descending=[True, False], nulls_last=True, maintain_order=True)
    content = [c for c in rows.columns if c not in {*_SOURCE, "status", "stage"}]
    by_id = rows.filter(pl.col("line_id").is_not_null()).unique(
        [*KEY, "line_id", *_changing(rows)], keep="first", maintain_order=True
    )
    rest = rows.filter(pl.col("line_id").is_null())
    nth = pl.int_range(pl.len()).over([*content, "source_file"]).alias("_nth")
    rest = rest.with_columns(nth).unique([*content, "_nth"], keep="first", maintain_order=True).drop("_nth")
    # Sorted by content, so that neither file order nor row order decides which row speaks for the order.
    keys = [pl.col(c) for c in (*KEY, "paid_at", *[f for f in _FACTS if f != "paid_at"], "line_id", "sku", "title")]
    down = [
        c == "paid_at" for c in (*KEY, "paid_at", *[f for f in _FACTS if f != "paid_at"], "line_id", "sku", "title")
    ]
    ordered = pl.concat([by_id, rest]).sort([*keys, *_SOURCE], descending=[*down, False, False], nulls_last=True)
    filled = pl.sum_horizontal(pl.col(_FACTS).is_not_null().cast(pl.Int32))
    return (
        ordered.with_columns(filled.alias("_filled"))
        .sort([*KEY, "_filled"], descending=[False, False, True], maintain_order=True)
        .drop("_filled")
    )


def _changing(rows: pl.DataFrame) -> list[str]:
    return [c for c in _FACTS if c in rows.columns]


def _summed(rows: pl.DataFrame, sums: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    rows = _lines_added_up(rows, [p for p, columns in sums.items() if "amount" in columns])
    for platform, columns in sums.items():
        if platform not in rows["platform"]:
            continue
        here = pl.col("platform") == platform
        for name, how in columns.items():
            total = pl.col(name).sum().over(KEY)
            if how == "sum_unless_repeated":
                # A row without an item that stands among items holds the order's total.
                whole = pl.col("sku").is_null() & pl.col("title").is_null()
                one = pl.col(name).filter(whole & pl.col(name).is_not_null())
                own = (
                    pl.col("unit_price").cast(pl.Float64) * pl.col("quantity") - pl.col(name).cast(pl.Float64)
                ).abs() < 0.01
                same = (pl.col(name).n_unique().over(KEY) == 1) & ~own.fill_null(value=False).any().over(KEY)
                total = pl.when(same).then(pl.col(name)).otherwise(total)
                mixed = (whole.any() & ~whole.all() & (one.len() == 1)).over(KEY)
                total = pl.when(mixed).then(one.first().over(KEY)).otherwise(total)
            rows = rows.with_columns(
                pl.when(here & pl.col(name).is_not_null()).then(total).otherwise(pl.col(name)).alias(name)
            )
    return rows


def _lines_added_up(rows: pl.DataFrame, told: list[str]) -> pl.DataFrame:
    """Amounts of lines added up where no profile says what they are and each row shows it.

    The rows are different items, and none's amount is more than its price times its quantity. A total that stands on each row
    is more than that on some, unless it is the line's on all of them: then they differ, or are the products themselves.
    """
    untold = ~rows["platform"].is_in(told)
    if not (untold & rows["unit_price"].is_not_null()).any():
        return rows
    gross = pl.col("unit_price").cast(pl.Float64) * pl.col("quantity").fill_null(1.0)
    amount = pl.col("amount").cast(pl.Float64)
    item = pl.concat_str(pl.col("sku").fill_null(""), pl.col("title").fill_null(""), separator="\x1f")
    # What another word for the platform said of the order, and the speaking rows say too, is blank by now.
    blank = pl.all_horizontal(pl.col("amount", "unit_price", "sku", "title").is_null())
    line = ((amount > 0) & (amount <= gross + _CENT)).fill_null(value=False) | blank
    goods = item.filter(~blank)
    apart = (goods.n_unique() == goods.len()) & (goods.len() > 1) & (goods != "\x1f").all()
    product = ((amount - gross).abs() < _CENT).fill_null(value=False) | blank
    differ = (pl.col("amount").drop_nulls().n_unique() > 1) | product.all()
    lines = pl.lit(untold) & (line.all() & apart & differ).over(KEY)
    return rows.with_columns(pl.when(lines).then(pl.col("amount").sum().over(KEY)).otherwise("amount").alias("amount"))


def _without_conflicts(rows: pl.DataFrame, locale: str, zone: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set rows aside whose facts differ from those of the row that speaks for the order."""
    zh = locale.startswith("zh")
    speaking = rows.group_by(KEY, maintain_order=True).agg(
        *[pl.col(f).drop_nulls().first().alias(f"_{f}") for f in _FACTS],
        *[pl.col(c).first().alias(f"_{c}") for c in _SOURCE],
    )
    joined = rows.join(speaking, on=KEY, how="left", maintain_order="left").rechunk()
    template = (
        "同一订单编号的 {} 不一致：'{}'，而 {} 第 {} 行是 '{}'；请核对后只保留一行"
        if zh
        else "order number repeated with a different {}: '{}', but {} row {} says '{}'; keep one"
    )
    differs = [
        pl.when((pl.col(f) != pl.col(f"_{f}")).fill_null(value=False)).then(
            pl.format(
                template,
                pl.lit(heading(f, locale)),
                _shown(f, zone).fill_null("").str.slice(0, 60),
                pl.col("_source_file"),
                pl.col("_source_row"),
                _shown(f"_{f}", zone).fill_null("").str.slice(0, 60),
            )
        )
        for f in _FACTS
    ]
    joined = joined.with_columns(pl.coalesce(differs).alias("reason"))
    bad = joined.filter(pl.col("reason").is_not_null() & ~pl.col(ADDED))
    names = ("platform", "order_id", *_FACTS, *_TEXTS, "line_id", *LINE_ONLY)
    cells = pl.struct(_shown(c, zone) for c in names).struct.json_encode().str.replace_all(r',"\w+":null', "")
    rejects = bad.select("source_file", "source_row", "reason", cells.alias("cells")).cast(REJECTS)  # type: ignore[arg-type]
    return joined.filter(pl.col("reason").is_null()).select(rows.columns), rejects


def _shown(name: str, zone: str) -> pl.Expr:
    """A fact as an export would write it: no places of ours, times on the shop's clock."""
    column, own = pl.col(name), name.lstrip("_")
    if own in TIME_COLUMNS:
        local = column.dt.convert_time_zone(zone)
        offset = pl.when(local.dt.dst_offset() != 0).then(local.dt.strftime("%:z")).otherwise(pl.lit(""))
        text = pl.concat_str(local.dt.strftime("%Y-%m-%d %H:%M:%S%.f"), offset)
        return pl.when(to_the_day(column)).then(local.dt.strftime("%Y-%m-%d")).otherwise(text).alias(name)
    text = column.cast(pl.String)
    if own in MONEY_COLUMNS or own == "unit_price":
        text = text.str.replace("0{1,6}$", "")
    return (text.str.replace(r"\.0$", "") if own == "quantity" else text).alias(name)


def _merge(name: str) -> pl.Expr:
    column = pl.col(name)
    if name == "promised_at":
        return column.min()
    if name in {"prior_orders", "shipped_at", "delivered_at"}:
        return column.max()
    if name in {"stage", "status"}:
        # Of several items the one that has come least far speaks: the order is not over before it is.
        return column.sort_by(rank(), "status", nulls_last=True).drop_nulls().first()
    if name in {"coupon", "buyer_note", "seller_note"}:
        # '' (none) gives way to a text, null (not exported) to either.
        return pl.coalesce(column.filter(column != "").sort().first(), column.drop_nulls().first()).alias(name)
    if name in _SOURCE:
        return column.first()
    return column.drop_nulls().first()
