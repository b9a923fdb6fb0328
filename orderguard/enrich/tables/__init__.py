"""The reference tables of this room: small Parquet files, read once, written only by ``build.py``."""

from functools import cache
from importlib.resources import files
from io import BytesIO

import polars as pl

NAMES = ("phones", "dialling", "places", "names", "world")


@cache
def table(name: str) -> pl.DataFrame:
    """Return one reference table, read from the package on first use.

    The columns of each are described in ``PROVENANCE.md`` beside the files.
    Raises ``ValueError`` for a name that is not in ``NAMES``.
    """
    if name not in NAMES:
        message = f"no reference table {name!r}; there are {', '.join(NAMES)}"
        raise ValueError(message)
    return pl.read_parquet(BytesIO((files(__package__) / f"{name}.parquet").read_bytes()))
