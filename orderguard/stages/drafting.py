"""What a file's columns mean, told column by column; and a first profile for a file that nobody knows."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from orderguard.normalise import Recipe, type_table
from orderguard.normalise.status import UNKNOWN, StatusWords, word_key
from orderguard.platforms.draft import Draft, draft
from orderguard.platforms.looks import SAMPLE, Look, look
from orderguard.platforms.recognise import DECIDING, candidates
from orderguard.stages.recipes import recipe_of, status_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderguard.ingest import Table
    from orderguard.normalise.dates import DateOrder
    from orderguard.platforms import Match, Profile


def headings_of(table: Table) -> list[str]:
    """The table's own columns."""
    return [c for c in table.frame.columns if c != "source_row"]


def looks_of(table: Table, profiles: Sequence[Profile]) -> dict[str, Look]:
    """What each column's first cells look like."""
    known = {word_key(w) for p in profiles for words in p.statuses.values() for w in words}
    frame = table.frame.head(SAMPLE)
    return {h: look(frame[h].to_list(), lambda t: word_key(t) in known) for h in headings_of(table)}


def explained(
    table: Table, match: Match, profiles: Sequence[Profile], zone: str, order: DateOrder | None = None
) -> dict[str, Any]:
    """How a file was understood: its candidates, each column with what its cells look like and how many are read."""
    headings, looks = headings_of(table), looks_of(table, profiles)
    sample = table.frame.head(SAMPLE)
    recipe = recipe_of(match, profiles, headings, zone, "zh-CN", order)
    typed = type_table(sample, table.source, recipe)
    column_of: dict[str, str] = {}
    for ours, pick in match.picks.items():
        for source in pick.all_sources():
            column_of.setdefault(source, ours)
    columns = []
    for heading in headings:
        name: str | None = column_of.get(heading)
        seen = looks[heading]
        fits = seen.fits(name) if name else None
        columns.append(
            {
                "heading": heading,
                "column": name,
                "by": None if name is None else "guess" if name in match.guessed else "profile",
                "sample": seen.sample[:40],
                "filled": round(seen.filled, 3),
                "looks_like": seen.kind(name),
                "fits": fits,
                "decides": name in DECIDING,
                "doubt": _doubt(name, fits, seen, guessed=name in match.guessed),
            }
        )
    return {
        "file": table.source,
        "platform": match.profile.platform,
        "variant": match.profile.variant,
        "recognised": round(match.share, 3),
        "rows": len(table.frame),
        "candidates": [
            {
                "platform": m.profile.platform,
                "variant": m.profile.variant,
                "recognised": round(m.share, 3),
                "telling": list(told),
            }
            for m, told in candidates(headings, profiles)[:4]
        ],
        "mapping": {n: list(p.all_sources()) for n, p in match.picks.items()},
        "columns": columns,
        "missing": [n for n in DECIDING if n not in match.picks],
        "unused": list(match.unused),
        "statuses": _statuses(typed.rows),
        "sampled": len(sample),
        "unreadable": len(typed.rejects),
        "notes": [p.text("zh-CN") for p in typed.notes],
    }


def _doubt(name: str | None, fits: float | None, seen: Look, *, guessed: bool) -> str | None:
    if name is None:
        return None
    if fits is not None and seen.filled and fits < 0.8:
        return "values"
    return "name" if guessed else None


def _statuses(rows: Any) -> dict[str, str]:
    """Each status word of the sample -> its stage."""
    pairs = rows.select("status", "stage").drop_nulls("status").unique(maintain_order=True).head(50).iter_rows()
    return {word: stage or UNKNOWN for word, stage in pairs}


def drafted(table: Table, profiles: Sequence[Profile], platform: str) -> tuple[Draft, dict[str, Look]]:
    """A profile for the file, to be checked by hand."""
    looks = looks_of(table, profiles)
    headings = headings_of(table)
    made = draft(headings, looks, profiles, platform)
    status = next((g.heading for g in made.guesses if g.column == "status"), None)
    if status:
        words: StatusWords = status_words(profiles[0], profiles, headings)
        every = {word_key(w) for p in profiles for said in p.statuses.values() for w in said}
        distinct = table.frame[status].drop_nulls().unique(maintain_order=True).head(200).to_list()
        made.words = [w for w in map(str, distinct) if word_key(w) not in every and words.stage(w) == UNKNOWN]
    return made, looks


def id_of(name: str) -> str:
    """A platform id from a file name: `ERP 导出 2026.csv` -> `erp_2026`."""
    plain = unicodedata.normalize("NFKC", name).casefold().rsplit("/", 1)[-1].rsplit(".", 1)[0]
    made = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return made if re.search(r"[a-z]", made) else "myshop" + (f"_{made}" if made else "")


__all__ = ["Recipe", "drafted", "explained", "headings_of", "id_of", "looks_of"]
