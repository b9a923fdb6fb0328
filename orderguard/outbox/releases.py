"""Release lists: `releases/<platform>.csv`, orders that were held and may leave. Scans never touch this folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl

from orderguard.outbox.flagged import local
from orderguard.outbox.lists import file_stem, write_csv

if TYPE_CHECKING:
    from pathlib import Path

RELEASED = ("放行", "Released")
_HEAD = {
    "zh": ("订单编号", "状态", "原因", "处理人", "放行时间"),
    "en": ("Order ID", "Status", "Reason", "By", "Released at"),
}


def write_releases(out: Path, released: pl.DataFrame, locale: str, zone: str, sweep_id: str) -> dict[str, int]:
    """Write a list for each platform; lists of earlier sweeps move to `releases/earlier/`.

    Args:
        out: the output folder.
        released: `platform order_id why who at`.
        locale, zone: of the rulebook.
        sweep_id: names the place of the earlier lists.

    Returns:
        Orders per platform.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = out / "releases"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    zh = locale.startswith("zh")
    counts: dict[str, int] = {}
    drafts = []
    taken: set[str] = set()
    for (platform,), part in released.partition_by("platform", as_dict=True, maintain_order=True).items():
        stem = file_stem(str(platform))
        while stem.casefold() in taken:
            stem += "_"
        taken.add(stem.casefold())
        table = local(
            part.select("order_id", pl.lit(RELEASED[0 if zh else 1]).alias("status"), "why", "who", "at"), zone
        )
        table.columns = list(_HEAD["zh" if zh else "en"])
        draft = folder / f".{stem}.csv.tmp"
        write_csv(draft, table)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        drafts.append((draft, folder / f"{stem}.csv"))
        counts[str(platform)] = len(part)
    earlier = sorted(folder.glob("*.csv"))
    if earlier:
        aside = folder / "earlier" / f"before-{sweep_id}"
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in earlier:
            old.replace(aside / old.name)
    for draft, path in drafts:
        draft.replace(path)
    return counts
