"""All verdicts as one table: what `verdict export` hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.ledger.verdicts import VerdictBook

if TYPE_CHECKING:
    from orderguard.ledger.store import Ledger

EXPORTED: dict[str, Any] = {
    "verdict_id": pl.Int64, "case_id": pl.String, "platform": pl.String, "order_id": pl.String, "result": pl.String,
    "code": pl.String, "note": pl.String, "agent": pl.String, "at": pl.String, "why": pl.String, "counts": pl.Boolean,
    "replaced_by": pl.Int64, "ended_run": pl.String, "rules": pl.String, "evidence": pl.String, "control": pl.Boolean,
    "second_agent": pl.String, "second": pl.String, "source": pl.String,
}  # fmt: skip
"""The columns. `counts`: it was neither corrected nor ended by new evidence; `rules`: what had fired; `control`: the
order was drawn at random; `second`: another agent's opinion."""


def exported(ledger: Ledger) -> pl.DataFrame:
    """All verdicts, corrected ones too, oldest first."""
    beside = {
        case: (share is not None, agent, result)
        for case, share, agent, result in ledger.db.execute(
            """SELECT c.case_id, k.share, d.agent, d.result FROM cases c
               LEFT JOIN controls k ON k.case_id = c.case_id AND c.band = 'pass' LEFT JOIN doubles d ON d.case_id = c.case_id"""
        )
    }
    rows = []
    for row in VerdictBook(ledger).listed():
        control, agent, second = beside[row["case_id"]]
        rules = " ".join(dict.fromkeys(mark.split("@")[0] for mark in row["evidence"].split(",")))
        counts = row["replaced_by"] is None and row["ended_run"] is None
        told = {**row, "counts": counts, "rules": rules, "control": control, "second_agent": agent, "second": second}
        rows.append([told[name] for name in EXPORTED])
    return pl.DataFrame(rows, schema=EXPORTED, orient="row")
