"""Adds points and picks the band. Reads findings only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Weights(NamedTuple):
    """What counts at a time.

    Attributes:
        name: what this time is called.
        points: rule id -> points; rules that are not in it do not count.
        review, hold: scores from which an order is reviewed or held.
    """

    name: str
    points: Mapping[str, float]
    review: float
    hold: float


def weigh(
    findings: pl.DataFrame,
    weights: Sequence[Weights],
    which: pl.Series,
    needs: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (),
) -> pl.DataFrame:
    """`findings` with `points` (Float64) and `counts` (Boolean).

    Args:
        findings: what the rules said, with `row`.
        weights: of each time.
        which: per row of the orders, the index of the weights that hold for it.
        needs: rules that count only beside others: id, any of which, all of which; each after those that it needs.
    """
    at = findings.select(pl.lit(which).gather(pl.col("row")).alias("at"))["at"] if len(weights) > 1 else None
    worth = pl.lit(None, dtype=pl.Float64)
    for i, one in enumerate(weights):
        points = pl.col("rule_id").replace_strict(dict(one.points), default=None, return_dtype=pl.Float64)
        worth = points if at is None else pl.when(pl.lit(at) == i).then(points).otherwise(worth)
    out = findings.with_columns(points=worth).with_columns(counts=pl.col("points").is_not_null())
    for rule_id, some, every in needs:
        beside = out.filter("counts")
        rows = beside.filter(pl.col("rule_id").is_in([rule_id]))["row"].unique()
        if some:
            rows = rows.filter(rows.is_in(beside.filter(pl.col("rule_id").is_in(list(some)))["row"].implode()))
        for partner in every:
            rows = rows.filter(rows.is_in(beside.filter(pl.col("rule_id") == partner)["row"].implode()))
        alone = (pl.col("rule_id") == rule_id) & ~pl.col("row").is_in(rows.implode())
        out = out.with_columns(counts=pl.col("counts") & ~alone)
    return out.with_columns(points=pl.when("counts").then("points").otherwise(0.0))


def decide(keys: pl.DataFrame, findings: pl.DataFrame, weights: Sequence[Weights], which: pl.Series) -> pl.DataFrame:
    """Score every order.

    Args:
        keys: `platform order_id` of every order, in the row order that `findings.row` refers to.
        findings: what the rules said, with `points`.
        weights, which: as for `weigh`.

    Returns:
        `platform order_id score band profile`, same height and order as `keys`.
    """
    # Points are decimals of a few digits: 5.5 + 2.9 + 5.8 + 2.9 + 0.4 + 2.5 reaches a band from 20, whatever binary says.
    total = findings.group_by("row").agg(pl.col("points").sum().round(9))
    score = pl.zeros(len(keys), dtype=pl.Float64, eager=True).scatter(total["row"], total["points"])
    names, review, hold = (
        pl.Series([w[i] for w in weights]).gather(which) if len(weights) > 1 else pl.lit(weights[0][i])
        for i in (0, 2, 3)
    )
    band = pl.when(pl.col("score") >= hold).then(pl.lit("hold")).when(pl.col("score") >= review).then(pl.lit("review"))
    told = keys.select("platform", "order_id").with_columns(score=score)
    return told.with_columns(band=band.otherwise(pl.lit("pass")), profile=names)
