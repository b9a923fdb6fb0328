"""What a scan found, back into the shop's own database (`--export-to`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import DECISIONS, FINDINGS
from orderguard.databases import parse_address
from orderguard.errors import DeliveryError

if TYPE_CHECKING:
    from orderguard.errors import Problem
    from orderguard.stages.desk import Desk
    from orderguard.stages.judging import Judged


def check_target(url: str | None) -> None:
    """Refuse an `--export-to` that is no database's address.

    Raises:
        OrderguardError: it does not parse.
    """
    if url is not None:
        parse_address(url)


def export_back(desk: Desk, judged: Judged, run: dict[str, Any]) -> list[Problem]:
    """Write this run's findings and decisions and every case of the ledger; `run["exported"]` says how many.

    Args:
        desk: `options.export_to` says where; nowhere, and nothing is done.
        judged: what was found.
        run: the run's account, which is recorded.

    Returns:
        What went wrong, for the end of the scan: a database that is away must not cost the other outputs.
    """
    if desk.options.export_to is None:
        return []
    address = parse_address(desk.options.export_to)
    from orderguard.ledger.bridge import cases_frame  # noqa: PLC0415 - only where asked for
    from orderguard.outbox.bridge import export_tables  # noqa: PLC0415

    mine = pl.lit(run["run_id"]).alias("run_id")
    tables = {
        "findings": judged.findings.select(*(c.name for c in FINDINGS), "points", "status", mine),
        "decisions": judged.decisions.filter(judged.touched).select(*(c.name for c in DECISIONS), mine),
        "cases": cases_frame(desk.ledger.db),
    }
    try:
        run["exported"] = {"to": address.shown, **export_tables(address, tables)}
    except DeliveryError as error:
        run["exported"] = {"to": address.shown, "failed": error.problems[0].text("en")}
        return [replace(p, fatal=False) for p in error.problems]
    return []
