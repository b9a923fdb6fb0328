"""Adds points and picks the band. Reads findings only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping


def decide(
    keys: pl.DataFrame, findings: pl.DataFrame, points: Mapping[str, float], review: float, hold: float
) -> pl.DataFrame:
    """Score every order.

    Args:
        keys: `platform order_id` of every order, in the row order that `findings.row` refers to.
        findings: what the rules said.
        points: rule id -> points; rules that are not in it add nothing.
        review, hold: scores from which an order is reviewed or held.

    Returns:
        `platform order_id score band`, same height and order as `keys`.
    """
    worth = findings.select(
        "row", pl.col("rule_id").replace_strict(dict(points), default=0.0, return_dtype=pl.Float64).alias("p")
    )
    total = worth.group_by("row").agg(pl.col("p").sum())
    score = pl.zeros(len(keys), dtype=pl.Float64, eager=True).scatter(total["row"], total["p"])
    band = pl.when(pl.col("score") >= hold).then(pl.lit("hold")).when(pl.col("score") >= review).then(pl.lit("review"))
    return (
        keys.select("platform", "order_id").with_columns(score=score).with_columns(band=band.otherwise(pl.lit("pass")))
    )
