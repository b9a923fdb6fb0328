"""Who worked, and where the orders came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.report.stats import quantiles, share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_DECISIVE = ("confirmed", "false_alarm")


class Beside(NamedTuple):
    """What agents handled besides flagged orders.

    Attributes:
        controls: orders drawn for control that an agent has judged, a row each: `agent`.
        second: second opinions that an agent has given, a row each: `agent`.
    """

    controls: pl.DataFrame
    second: pl.DataFrame


def beside(own: pl.DataFrame, controls: pl.DataFrame, verdicts: pl.DataFrame, doubles: pl.DataFrame) -> Beside:
    """What agents handled besides flagged orders.

    Args:
        own: the period's cases, control orders too: `ledger case_id`.
        controls: control orders: `ledger case_id`.
        verdicts: of all cases: `ledger case_id agent replaced_by ended_run`.
        doubles: second opinions asked for: `ledger case_id agent result`.
    """
    keys = ["ledger", "case_id"]
    counting = verdicts.filter(pl.col("replaced_by").is_null() & pl.col("ended_run").is_null())
    drawn = counting.join(controls, on=keys, how="semi").join(own, on=keys, how="semi")
    given = doubles.filter(pl.col("result").is_not_null()).join(own, on=keys, how="semi")
    return Beside(drawn.select("agent"), given.select("agent"))


def agents(flagged: pl.DataFrame, verdicts: pl.DataFrame, more: Beside, now: datetime) -> list[dict[str, Any]]:
    """Figures per agent, the busiest first.

    Args:
        flagged: cases of the period.
        verdicts: of these cases, replaced ones too: `ledger case_id verdict_id result agent at replaced_by`.
        more: what they handled besides.
        now: the clock.

    Returns:
        `agent tasks groups open over overdue late verdicts confirmed false_alarms investigating controls second_opinions
        seconds upheld...`.
        Tasks are whose sheet they stand on; verdicts are whose they are. `late` was decided after its due time.
        `upheld` is the share of an agent's verdicts (confirmed, false alarm) that nobody corrected afterwards.
    """
    out = []
    keys = ["ledger", "case_id"]
    timed = flagged.with_columns(seconds=(pl.col("decided_at") - pl.col("begun_at")).dt.total_seconds())
    next_result = verdicts.select("ledger", replaced_by="verdict_id", then="result")
    given = verdicts.join(next_result, on=["ledger", "replaced_by"], how="left")
    random, second = (dict(f["agent"].value_counts().iter_rows()) for f in more)
    names = sorted({*flagged["agent"].to_list(), *verdicts["agent"].to_list(), *random, *second})
    for name in names:
        tasks = timed.filter(pl.col("agent") == name)
        waiting = tasks.filter(pl.col("outcome") == "open")
        mine = given.filter(pl.col("agent") == name)
        decisive = mine.filter(pl.col("result").is_in(_DECISIVE))
        upheld = decisive.filter(pl.col("then").is_null() | (pl.col("then") == pl.col("result")))
        mix = dict(mine.filter(pl.col("replaced_by").is_null())["result"].value_counts().iter_rows())
        decided = timed.join(decisive.select(keys).unique(), on=keys, how="semi")
        out.append({
            "agent": name,
            "tasks": len(tasks),
            "groups": tasks["cluster"].n_unique(),
            "open": len(waiting),
            "over": int((tasks["outcome"] == "over").sum()),
            "overdue": int((waiting["due_at"] < now).sum()),
            "late": int((tasks["decided_at"] > tasks["due_at"]).sum()),
            "verdicts": sum(mix.values()),
            "confirmed": mix.get("confirmed", 0),
            "false_alarms": mix.get("false_alarm", 0),
            "investigating": mix.get("investigating", 0),
            "controls": random.get(name, 0),
            "second_opinions": second.get(name, 0),
            **share("confirmed_share", mix.get("confirmed", 0), mix.get("confirmed", 0) + mix.get("false_alarm", 0)),
            "seconds": quantiles(decided["seconds"]),
            **share("upheld", len(upheld), len(decisive)),
        })  # fmt: skip
    return sorted(out, key=lambda a: (-a["tasks"], -a["verdicts"], a["agent"]))


def breakdown(orders: pl.DataFrame, flagged: pl.DataFrame, by: Sequence[str]) -> list[dict[str, Any]]:
    """What became of orders by platform, shop or region, most flagged first.

    Args:
        orders: `by... orders`, counted.
        flagged: cases with the same columns.
        by: columns; null is a group of its own.
    """
    columns = list(by)
    total = orders.group_by(columns).agg(scanned=pl.col("orders").sum())
    found = flagged.group_by(columns).agg(
        flagged=pl.len(),
        held=(pl.col("band") == "hold").sum(),
        confirmed=(pl.col("outcome") == "confirmed").sum(),
        false_alarms=(pl.col("outcome") == "false_alarm").sum(),
        open=(pl.col("outcome") == "open").sum(),
        over=(pl.col("outcome") == "over").sum(),
    )
    both = total.join(found, on=columns, how="full", coalesce=True, nulls_equal=True).with_columns(
        pl.col("scanned", "flagged", "held", "confirmed", "false_alarms", "open", "over").fill_null(0).cast(pl.Int64)
    )
    both = both.sort("flagged", "scanned", *columns, descending=[True, True, *[False] * len(columns)])
    return [
        {
            **row,
            **share("flagged_share", row["flagged"], row["scanned"]),
            **share("precision", row["confirmed"], row["confirmed"] + row["false_alarms"]),
        }
        for row in both.iter_rows(named=True)
    ]


def hours(orders: pl.DataFrame, flagged: pl.DataFrame) -> list[dict[str, Any]]:
    """The 168 hours of a week in local time: `weekday (1 = Monday) hour scanned flagged flagged_share`."""
    seen = {(d, h): n for d, h, n in orders.group_by("weekday", "hour").agg(pl.col("orders").sum()).iter_rows()}
    found = {(d, h): n for d, h, n in flagged.group_by("weekday", "hour").agg(pl.len()).iter_rows()}
    out = []
    for day in range(1, 8):
        for hour in range(24):
            n, hits = seen.get((day, hour), 0), found.get((day, hour), 0)
            rate = round(hits / n, 6) if n else None
            out.append({"weekday": day, "hour": hour, "scanned": n, "flagged": hits, "flagged_share": rate})
    return out
