"""What a run leaves on record: the account that becomes `run.json`, and its entry in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from orderguard import __version__
from orderguard.ledger.history import QUARTER
from orderguard.ledger.recording import Entry
from orderguard.stages.tables import expired
from orderguard.stages.telling import overlap, profiles_held

if TYPE_CHECKING:
    from orderguard.stages.desk import Desk
    from orderguard.stages.engines import Found
    from orderguard.stages.handing import Casework
    from orderguard.stages.reading import Read


def record(desk: Desk, found: Found, casework: Casework, run: dict[str, Any]) -> None:
    """The run's one transaction: from here on the ledger has it all, whatever becomes of the outputs.

    Args:
        desk: the scan's.
        found: what was read and judged.
        casework: what the run does with cases.
        run: see `account`.
    """
    judged, turned, now = found.judged, casework.standing.turned, int(desk.now.timestamp())
    # An undated order counts from when it was first seen.
    made = judged.frame["created_at"].gather(judged.findings["row"]).dt.epoch("s").fill_null(now)
    entry = Entry(
        run=run,
        files=found.files(),
        marks=found.read.marks,
        findings=judged.findings.with_columns(ordered_at=made),
        traffic=desk.history.traffic.with_columns(pl.col("quarter").fill_null(-(now // QUARTER))),
        opened=turned.ages.beside(casework.opened.new),
        drawn=casework.drawn,
        raised=casework.opened.raised,
        moved=casework.handed.moved,
        ended=turned.ended,
    )
    desk.cases.record(entry, desk.now)


def account(desk: Desk, found: Found, casework: Casework) -> dict[str, Any]:
    """`run.json`, but for what only delivery knows. read = clean + flagged + rejected, in sum and per file."""
    read, judged, options, book = found.read, found.judged, desk.options, desk.book
    current = judged.decisions[: len(read.orders)]
    bands = dict(current["band"].value_counts().iter_rows())
    _count_files(read, current)
    total = {n: sum(f[n] for f in read.files) for n in ("rows", "folded", "read", "clean", "flagged", "rejected")}
    turned, drawn = casework.standing.turned, casework.drawn
    return {
        "run_id": options.run_id,
        "version": __version__,
        "started_at": desk.now.isoformat(timespec="seconds"),
        "local_time": desk.now.astimezone(ZoneInfo(book.timezone)).strftime("%Y-%m-%d %H:%M:%S"),
        "locale": book.locale,
        "timezone": book.timezone,
        "rulebook": {"path": book.source, "sha256": book.sha256, "rules": len(book.active)},
        "weights": book.weights.told(book.locale) if book.weights else None,
        "bands": {"review": book.bands.review, "hold": book.bands.hold},
        "inputs": read.files,
        **total,
        "held": bands.get("hold", 0),
        "review": bands.get("review", 0),
        "skipped": judged.skipped,
        "skipped_by_stage": dict(judged.skipped_by_stage),
        "past_flagged": int((judged.decisions["band"][len(read.orders) :] != "pass").sum()),
        "snoozed": int((judged.findings["status"] == "snoozed").sum()),
        "new_cases": len(casework.opened.new) - len(drawn.controls),
        "demoted": judged.demoted,
        "trial": overlap(judged, len(read.orders), book),
        "profiles": profiles_held(current, judged.passed, book),
        "coverage": judged.coverage.drop("platform").group_by("rule_id", maintain_order=True).sum().to_dicts(),
        "coverage_by_platform": judged.coverage.to_dicts(),
        "expired_entries": expired(book)[0],
        "problems": [
            {"text": p.text(book.locale), "file": p.where, "row": p.line, "fatal": p.fatal} for p in read.problems
        ],
        "tasks": {},
        "sheets": {},
        "waiting": {},
        "holds": {},
        "released_before": casework.standing.released,
        "sampled": len(drawn.controls),
        "doubled": len(drawn.doubles),
        "ended": turned.counts(),
        "resumed": len(turned.resumed),
    }


def _count_files(read: Read, current: pl.DataFrame) -> None:
    """Add to each file what became of its orders; `current` has their decisions."""
    flagged = read.orders.filter(current["band"] != "pass")["source_file"].value_counts()
    per_file = dict(flagged.iter_rows())
    spans = _spans(read)
    for file in read.files:
        file["first_order_at"], file["last_order_at"] = spans.get(file["file"], (None, None))
        file["flagged"] = per_file.get(file["file"], 0)
        file["clean"] = file["read"] - file["rejected"] - file["flagged"]


def _spans(read: Read) -> dict[str, tuple[str | None, str | None]]:
    """First and last order of each file: what tells a late file, and a report which runs touch its month."""
    ends = [pl.col("created_at").min().alias("first"), pl.col("created_at").max().alias("last")]
    spans = read.orders.group_by("source_file").agg(ends)
    if read.spans is not None:
        rows = [(file, *ends) for file, ends in read.spans.items()]
        spans = pl.DataFrame(rows, schema=spans.schema, orient="row")
    stamps = spans.with_columns(pl.col("first", "last").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    return {file: (first, last) for file, first, last in stamps.iter_rows()}
