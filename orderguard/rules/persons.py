"""Who is one person: orders that share a phone, an account, or a name with an address, and whom these share with."""

from __future__ import annotations

import polars as pl


def name_at_address() -> pl.Expr:
    """Receiver and address as one key; null when either is blank or masked."""
    name = pl.col("receiver_name").str.normalize("NFKC").str.replace_all(r"\s+", "")
    whole = (name != "") & ~name.str.contains("*", literal=True)
    return pl.when(whole & pl.col("address_key").is_not_null()).then(name + "\x1d" + pl.col("address_key"))


PERSON = {
    "phone": pl.col("phone_key"),
    "account": pl.col("account_key"),
    "address": name_at_address(),
}
READS = {"phone": {"phone_key"}, "account": {"account_key"}, "address": {"receiver_name", "address_key"}}


def persons(frame: pl.DataFrame, by: tuple[str, ...]) -> pl.Series:
    """The number of each order's person; null where no key is known.

    Orders that share any key are one person, and so are those that such orders share a key with. The number is the
    first row of the person's, so it depends on the rows only.
    """
    keys = frame.select(PERSON[b].cast(pl.Categorical).to_physical().cast(pl.Int64).alias(b) for b in by)
    known = keys.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    label = pl.int_range(len(frame), dtype=pl.Int64, eager=True)
    while True:
        lowest = label
        for name in by:
            grouped = pl.DataFrame({"key": keys[name], "label": lowest})
            least = pl.when(pl.col("key").is_not_null()).then(pl.col("label").min().over("key")).otherwise("label")
            lowest = grouped.select(least.alias("label")).to_series()
        lowest = lowest.gather(lowest)  # a label is a row: take its row's label
        if (lowest == label).all():
            return pl.select(pl.when(known).then(lowest)).to_series()
        label = lowest
