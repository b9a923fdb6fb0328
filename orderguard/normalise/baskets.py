"""What an order holds, as one text per order: so that rules, history and engines carry it like any other column."""

from __future__ import annotations

import polars as pl

from orderguard.columns import ITEM_END, ITEM_MARK, KEY


def with_baskets(orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """`orders` with `basket` (see `columns.FACTS`): the same goods give the same text, whatever the rows' order.

    Lines of one code add up; a line without code counts under its title; null where an order has no line.
    """
    if lines.is_empty():
        return orders.with_columns(basket=pl.lit(None, dtype=pl.String))
    control = f"[{ITEM_END}{ITEM_MARK}]"
    lines = lines.select(*KEY, code=pl.coalesce("sku", "title").fill_null("?"), quantity="quantity")
    # Both at once, on two cores: the texts of most, and whether some code would spoil them.
    looked = lines.select(pl.col("code").str.contains(control).any().alias("odd"), basket=_as_text(lines["quantity"]))
    if looked["odd"][0]:
        lines = lines.with_columns(code=pl.col("code").str.replace_all(control, " "))
        looked = lines.select(basket=_as_text(lines["quantity"]))
    same = len(lines) == len(orders) and all((lines[c] == orders[c]).all() for c in KEY)
    if same:  # one line an order, in the orders' own order: nothing to add up or look up
        return orders.with_columns(looked["basket"])
    several = lines.select(KEY).is_duplicated()
    summed = lines.filter(several).group_by(*KEY, "code").agg(pl.col("quantity").sum()).sort("code")
    many = summed.group_by(KEY, maintain_order=True).agg(basket=_as_text(summed["quantity"]).str.join(ITEM_END))
    alone = lines.filter(~several)
    told = pl.concat([alone.select(*KEY, basket=_as_text(alone["quantity"])), many])
    return orders.join(told, on=KEY, how="left", maintain_order="left")


def _as_text(quantities: pl.Series) -> pl.Expr:
    """`code` and `quantity` as one text; `quantities` are those of the whole frame."""
    number = pl.col("quantity")
    whole = number.cast(pl.Int64, strict=False)
    text = whole.cast(pl.String)
    if not (quantities == quantities.round()).all():  # parts of a piece: rare thing, and dear to write
        text = pl.when(number == number.round()).then(text).otherwise(number.cast(pl.String))
    return pl.concat_str("code", text, separator=ITEM_MARK)
