"""Times written plainly are read by their form in one step: they come to what the long way makes of them."""

from __future__ import annotations

import random
import re

import polars as pl
import pytest
from house import ROUNDS

from orderguard.columns import INSTANT
from orderguard.normalise import times as module
from orderguard.normalise.plain import form_of
from orderguard.normalise.times import times

_DAYS = ("{Y}-{m}-{d}", "{Y}/{m}/{d}", "{Y}.{m}.{d}", "{Y}年{m}月{d}日", "{Y}/{m}-{d}", "{Y}{mm}{dd}", "{y}/{m}/{d}", "{m}/{d}/{Y}", "{d}-{m}-{Y}", "{m}/{d}/{y}", "{d}-{b}-{Y}", "{d} {b} {Y}", "{b} {d}, {Y}")
_GAPS = (" ", "T", "", ", ")
_CLOCKS = ("", "{H}:{MM}", "{HH}:{MM}:{SS}", "{H}:{MM}:{SS}", "{HH}:{MM}:{SS}.{f}", "{HH}:{MM}:{SS},{f}", "24:00", "{HH}{MM}{SS}", "{H}:{M}", "{HH}:{MM}:60", "{H}:{MM} AM", "{HH}:{MM}:{SS}pm")
_ENDS = ("", "Z", " Z", "+08:00", "+0800", " +0800", " -0530", "+08", " AM", "pm", " UTC", " CST", "[Asia/Tokyo]")
_OTHER = ("昨天", "", "{n}", "1762{n:06}", "1762{n:09}", "1762{n:012}", "1762{n:015}", "4633{n}.25", "46337.{n}", "2026111{n}", "0000-00-00 00:00:00", "11 Nov 2026", "11.11.2026 00:03")  # fmt: skip


def _cell(rng: random.Random, forms: list[tuple[str, ...]]) -> str:
    day, gap, clock, end = rng.choice(forms)
    year, month, date = rng.choice((115, 1970, 2025, 2026, 2026, 2027, 2200, 2569)), rng.randrange(14), rng.randrange(33)
    hour, minute, second, n = rng.randrange(25), rng.randrange(60), rng.randrange(60), rng.randrange(10)
    named = {
        "Y": year, "y": f"{year % 100:02}", "m": month, "d": date, "mm": f"{month:02}", "dd": f"{date:02}", "H": hour, "HH": f"{hour:02}", "M": minute,
        "MM": f"{minute:02}", "SS": f"{second:02}", "b": rng.choice(("Nov", "MAR", "jan", "Foo")), "f": rng.choice(("1", "123", "123456789")), "n": n,
    }  # fmt: skip
    return (day + (gap + clock if clock else "") + (end if clock else "")).format(**named)


def _column(rng: random.Random) -> pl.Series:
    """Cells in one to three forms, most of them dates that exist."""
    forms = [(rng.choice(_DAYS), rng.choice(_GAPS), rng.choice(_CLOCKS), rng.choice(_ENDS)) for _ in range(rng.randrange(1, 4))]
    forms += [(rng.choice(_OTHER), "", "", "")] if rng.random() < 0.3 else []
    return pl.Series("t", [_cell(rng, forms) for _ in range(rng.randrange(1, 12))]).unique(maintain_order=True)


def test_the_short_ways_read_what_the_long_way_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, known = random.Random(11), 0
    for _ in range(120 * ROUNDS):
        column, order = _column(rng), rng.choice((None, None, "day", "month"))
        zone = rng.choice(("Asia/Shanghai", "America/New_York", "UTC"))
        short = times(column, zone, order)
        with monkeypatch.context() as patch:
            patch.setattr(module, "plain_times", lambda text, _: pl.Series("t", [None] * len(text), dtype=INSTANT))
            patch.setattr(module, "_less_plain", module._read_rest)
            long = times(column, zone, order)
        for cell, one, other in zip(column, short, long, strict=True):
            assert one == other or (other is None and (form_of(cell) or re.match(r"\d{4}", cell))), (cell, one, other, column.to_list(), zone, order)
        known += len(short) - short.null_count()
    assert known > 200


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("2026/1/2 3:04", "%Y/%m/%d %H:%M"), ("2026-11-11T00:03:05Z", "%Y-%m-%dT%H:%M:%SZ"), ("2026年1月2日3:04", "%Y年%m月%d日%H:%M"),
        ("2026.11.11", "%Y.%m.%d"), ("2026-11-11 00:03:05.25 +0800", "%Y-%m-%d %H:%M:%S%.f %z"), ("20261111000305", "%Y%m%d%H%M%S"),
        ("11-Nov-2026 12:03 AM", "%d-%b-%Y %I:%M %p"), ("Nov 1, 2026, 00:03:05", "%b %d, %Y, %H:%M:%S"), ("1 Nov 2026", "%d %b %Y"),
        ("2026-11/11", None), ("1-Nov 2026", None), ("11-Nov-26", None), ("2026-11-11 0:3", None), ("11/11/2026", None), ("2026-11-1100:03", None), ("昨天", None),
    ],
)  # fmt: skip
def test_the_form_of_a_cell(cell: str, form: str | None) -> None:
    assert form_of(cell) == form


def test_forms_that_take_turns_are_all_read() -> None:
    cells = [f"2026/11/{1 + i % 9} 0:{i % 60:02}" if i % 2 else f"2026-11-1{i % 9}T00:{i % 60:02}:05Z" for i in range(5_000)]
    assert times(pl.Series("t", [*cells, "昨天"]), "Asia/Shanghai").null_count() == 1
