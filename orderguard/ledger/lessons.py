"""The ledger's verdicts as `learn` and the report read them: cases, the findings on them, and second opinions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from orderguard.ledger.store import Ledger

_STAMP = "%Y-%m-%dT%H:%M:%S%z"
_SAID = ("confirmed", "false_alarm", "investigating")
_CASES: dict[str, Any] = {
    "case_id": pl.String, "platform": pl.String, "order_id": pl.String, "band": pl.String, "score": pl.Float64,
    "opened_at": pl.String, "ordered_at": pl.Int64, "verdict_id": pl.Int64, "result": pl.String, "agent": pl.String,
    "at": pl.String, "evidence": pl.String, "share": pl.Float64, "second": pl.String, "second_agent": pl.String,
    "own": pl.String, "settled": pl.Boolean, "ended_at": pl.String,
}  # fmt: skip
_HITS: dict[str, Any] = {
    "case_id": pl.String,
    "rule_id": pl.String,
    "rule_fingerprint": pl.String,
    "value": pl.Float64,
    "points": pl.Float64,
}


class Lessons(NamedTuple):
    """What the ledger knows of its cases.

    Attributes:
        cases: every case: `case_id platform order_id band score opened_at ordered_at verdict_id result agent at
            control share second second_agent own settled`. `result` is the newest verdict (null without one), `second` another
            agent's on the same order, and `own` what the first said before anybody corrected it; `settled`: somebody above the two gave the verdict that
            counts; `control` marks random unflagged orders, `share` what part of them was drawn (not those that were flagged afterwards);
            `ordered_at` is when the order was placed, as far as it is known.
        hits: findings on cases with a verdict, as it was given on them: `case_id rule_id rule_fingerprint value points`.
    """

    cases: pl.DataFrame
    hits: pl.DataFrame


def lessons(ledger: Ledger, since: str | None = None, until: str | None = None) -> Lessons:
    """Read the cases and the findings behind their verdicts.

    Args:
        ledger: an open ledger.
        since, until: instants as stored (see `cases.iso`); verdicts given before or after them are left out.
    """
    sql = """WITH newest AS (SELECT case_id, MAX(verdict_id) AS n FROM verdicts WHERE replaced_by IS NULL GROUP BY case_id)
        SELECT c.case_id, c.platform, c.order_id, c.band, c.score, c.opened_at, COALESCE(c.ordered_at / 1000000,
          (SELECT MAX(f.ordered_at) FROM findings f WHERE f.platform = c.platform AND f.order_id = c.order_id)),
        v.verdict_id, v.result, v.agent, v.at, v.evidence, k.share, d.result, d.agent,
          CASE WHEN d.case_id IS NOT NULL THEN (SELECT o.result FROM verdicts o WHERE o.case_id = c.case_id AND o.why = ''
            AND o.ended_run IS NULL ORDER BY o.verdict_id DESC LIMIT 1) END, COALESCE(v.why, '') <> '', r.started_at
        FROM cases c LEFT JOIN newest USING (case_id) LEFT JOIN verdicts v ON v.verdict_id = newest.n
        LEFT JOIN runs r ON r.run_id = v.ended_run
        LEFT JOIN controls k ON k.case_id = c.case_id AND c.band = 'pass' LEFT JOIN doubles d ON d.case_id = c.case_id"""
    rows = ledger.db.execute(sql).fetchall()
    cases = pl.DataFrame(rows, schema=_CASES, orient="row").with_columns(control=pl.col("share").is_not_null())
    outside = pl.lit(value=False)
    if since:
        outside = outside | (pl.col("at") < since)
    if until:
        outside = outside | (pl.col("at") > until)
    blank = [
        pl.when(~outside.fill_null(value=False)).then(pl.col(c)).alias(c)
        for c in ("verdict_id", "result", "second", "own")
    ]
    cases = cases.with_columns(blank).with_columns(
        [pl.col(c).str.to_datetime(_STAMP, time_unit="us", time_zone="UTC") for c in ("opened_at", "at")]
    )
    placed = pl.from_epoch("ordered_at", time_unit="s").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    cases = cases.with_columns(placed.fill_null(pl.col("opened_at")).alias("ordered_at"))
    return Lessons(cases.drop("evidence", "ended_at"), _hits(ledger, cases.filter(pl.col("result").is_not_null())))


def _hits(ledger: Ledger, judged: pl.DataFrame) -> pl.DataFrame:
    """Findings that a verdict was given on: the case's evidence, and what else had fired by then (trial rules).

    A rule that fired without the one that it needs, or while it was snoozed, counted for nothing and learns nothing.
    """
    marks = (
        judged.select("case_id", pl.col("evidence").str.split(",").alias("mark"))
        .explode("mark", empty_as_null=True, keep_nulls=False)
        .filter(pl.col("mark").str.contains("@", literal=True))
    )
    marked = marks.select(
        "case_id",
        pl.col("mark").str.extract(r"^(.*)@").alias("rule_id"),
        pl.col("mark").str.extract(r"@([^@]*)$").alias("rule_fingerprint"),
    )
    rows = ledger.db.execute(
        """SELECT c.case_id, f.rule_id, f.rule_fingerprint, f.value, f.points, f.found_at
           FROM cases c JOIN findings f ON f.platform = c.platform AND f.order_id = c.order_id
           WHERE f.status NOT IN ('alone', 'snoozed') AND EXISTS (SELECT 1 FROM verdicts v WHERE v.case_id = c.case_id)"""
    ).fetchall()
    found = pl.DataFrame(rows, schema={**_HITS, "found_at": pl.String}, orient="row")
    found = found.with_columns(pl.col("found_at").str.to_datetime(_STAMP, time_unit="us", time_zone="UTC"))
    # A case can be found under another word for its platform: then the mark stands without its value.
    ended = pl.col("ended_at").str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", time_zone="UTC")
    beside = judged.select("case_id", judged_at="at", ended_at=ended)
    at = pl.col("found_at")
    # A sheet from before new evidence may come back after it.
    seen = (at <= pl.col("judged_at")) & (at < pl.col("ended_at")).fill_null(value=True)
    known = found.join(beside, on="case_id").filter(seen).drop("found_at", "judged_at", "ended_at")
    names = ["case_id", "rule_id", "rule_fingerprint"]
    rest = marked.join(known, on=names, how="anti").with_columns(
        value=pl.lit(None, dtype=pl.Float64), points=pl.lit(20.0)
    )
    return pl.concat([known.select(*_HITS), rest.select(*_HITS)])


class Agreement(NamedTuple):
    """How far two agents agree on the same orders.

    Attributes:
        pairs: orders that both have judged.
        same: of these, judged alike.
        kappa: Cohen's kappa over the three results; None with no pairs, or where chance alone explains all.
        waiting: orders that one or both have yet to judge.
        disagreements: `case_id agent own second_agent second` of the orders that they differ on.
    """

    pairs: int
    same: int
    kappa: float | None
    waiting: int
    disagreements: pl.DataFrame


def agreement(cases: pl.DataFrame) -> Agreement:
    """Cohen's kappa from the second opinions in `Lessons.cases`.

    Source: J. Cohen, "A Coefficient of Agreement for Nominal Scales" (1960): (observed - expected) / (1 - expected),
    the expected share from how often either side gives each result.
    """
    doubled = cases.filter(pl.col("second_agent").is_not_null())
    both = doubled.filter(pl.col("own").is_in(_SAID) & pl.col("second").is_in(_SAID))
    n = len(both)
    same = int((both["own"] == both["second"]).sum())
    first, second = (dict(both[c].value_counts().iter_rows()) for c in ("own", "second"))
    expected = sum(first.get(r, 0) * second.get(r, 0) for r in _SAID) / (n * n) if n else 1.0
    kappa = (same / n - expected) / (1 - expected) if n and expected < 1 else None
    names = ("case_id", "agent", "own", "second_agent", "second")
    differ = both.filter(pl.col("own") != pl.col("second")).select(names).sort("case_id")
    return Agreement(n, same, kappa, len(doubled) - n, differ)
