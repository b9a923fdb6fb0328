"""Distances on the earth."""

from __future__ import annotations

import polars as pl

EARTH_KM = 6371.0088
"""Mean radius R1 = (2a + b) / 3 of the earth, in km (IUGG, Geodetic Reference System 1980)."""


def distance_km(lat1: str | pl.Expr, lon1: str | pl.Expr, lat2: str | pl.Expr, lon2: str | pl.Expr) -> pl.Expr:
    """Return the great-circle distance in km of two points in degrees; null if one is.

    Each argument is a column name or an expression. Haversine formula
    (R. W. Sinnott, Virtues of the Haversine, Sky and Telescope 68, 1984) on a sphere of radius ``EARTH_KM``.
    """
    a, east, b, west = (
        (pl.col(each) if isinstance(each, str) else each).radians() for each in (lat1, lon1, lat2, lon2)
    )
    turn = west - east
    half = ((b - a) / 2).sin().pow(2) + a.cos() * b.cos() * (turn / 2).sin().pow(2)
    return 2 * EARTH_KM * half.clip(0, 1).sqrt().arcsin()
