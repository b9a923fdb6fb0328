"""Backtest: two rulebooks over the same orders, and what the verdicts say about the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.frames import platform_id
from orderguard.stages.judging import Judged, check_places, judge, over_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.rules import Rulebook

UNDATED = "undated"
_RESULTS = ("confirmed", "false_alarm", "investigating")


@dataclass
class Trial:
    """Both rulebooks' answers.

    Attributes:
        orders: the orders, with `verdict` (confirmed, false_alarm, investigating, or null) and `day` (local).
        old, new: the rulebooks.
        before, after: what each said.
    """

    orders: pl.DataFrame
    old: Rulebook
    new: Rulebook
    before: Judged
    after: Judged

    def flagged(self, judged: Judged) -> pl.Series:
        """True per order that comes under review or is held."""
        return judged.decisions["band"][: len(self.orders)] != "pass"

    def findings(self, judged: Judged) -> pl.DataFrame:
        """Findings of the orders compared (not of earlier ones), under the new rulebook's rule ids."""
        return self._renamed(judged.findings.filter(pl.col("row") < len(self.orders)))

    def blind(self, judged: Judged) -> pl.DataFrame:
        """`row rule_id` of what could not be evaluated."""
        empty = pl.DataFrame(schema={"row": pl.UInt32, "rule_id": pl.String})
        return self._renamed(empty if judged.blind is None else judged.blind.filter(pl.col("row") < len(self.orders)))

    def _renamed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A rule that was renamed (`was:`) is the same rule."""
        given = {r.id for r in self.new.rules}
        names = {old: r.id for r in self.new.rules for old in r.was if old not in given}
        return frame.with_columns(pl.col("rule_id").replace(names)) if names else frame


def run_backtest(
    orders: pl.DataFrame,
    past: pl.DataFrame,
    verdicts: Mapping[tuple[str, str], str],
    old: Rulebook,
    new: Rulebook,
    words: tuple[Mapping[str, frozenset[str]], Mapping[str, str]],
) -> Trial:
    """Judge the orders by both rulebooks.

    The guard rail does not demote here: what a rule would flag is the question. Nor is anything let pass because it
    was released before.

    Args:
        orders: to compare.
        past: earlier orders that windows may reach.
        verdicts: platform id and order number -> result.
        old, new: the rulebooks.
        words: synonyms of platforms, and word -> platform id.

    Raises:
        OrderguardError: a place of a rulebook that is nowhere.
    """
    synonyms, ids = words
    for book in (old, new):
        check_places(book)
    before, after = (
        judge(orders, past, book, synonyms, None, guard=False, blind=True, look_back=True) for book in (old, new)
    )
    keys = orders.select(platform_id(ids), "order_id").iter_rows()
    day = orders["created_at"].dt.convert_time_zone(new.timezone).dt.strftime("%Y-%m-%d").fill_null(UNDATED)
    known = pl.Series(
        "verdict", [verdicts.get((p, o)) for p, o in keys] if verdicts else [None] * len(orders), dtype=pl.String
    )
    return Trial(orders.with_columns(known, day.alias("day")), old, new, before, after)


def compared(trial: Trial, minutes: float) -> dict[str, Any]:
    """The comparison as JSON would have it.

    Args:
        trial: both answers.
        minutes: an agent's time for one order.
    """
    orders = trial.orders
    a, b = trial.flagged(trial.before), trial.flagged(trial.after)
    held = [j.decisions["band"][: len(orders)] == "hold" for j in (trial.before, trial.after)]
    days = _days(trial, a, b, minutes)
    change = int(b.sum()) - int(a.sum())
    return {
        "orders": len(orders),
        "labelled": int(orders["verdict"].is_not_null().sum()),
        "days": sum(d["day"] != UNDATED for d in days),
        "total": {
            "flagged_before": int(a.sum()),
            "flagged_after": int(b.sum()),
            "held_before": int(held[0].sum()),
            "held_after": int(held[1].sum()),
            "newly_flagged": _tally(orders, b & ~a, _blind_to(trial, trial.after, trial.before)),
            "no_longer_flagged": _tally(orders, a & ~b, _blind_to(trial, trial.before, trial.after)),
            "newly_held": _tally(orders, held[1] & ~held[0], _blind_to(trial, trial.after, trial.before)),
            "no_longer_held": _tally(orders, held[0] & ~held[1], _blind_to(trial, trial.before, trial.after)),
            "before": _tally(orders, a, None),
            "after": _tally(orders, b, None),
        },
        "agent_hours": {
            "minutes_per_case": minutes,
            "before": _hours(int(a.sum()), minutes),
            "after": _hours(int(b.sum()), minutes),
            "change": _hours(change, minutes),
        },
        "rules": _rules(trial),
        "by_day": days,
        "over_share": {
            "before": over_share(trial.before.coverage, len(orders) - trial.before.skipped, trial.old),
            "after": over_share(trial.after.coverage, len(orders) - trial.after.skipped, trial.new),
        },
    }


def _hours(cases: int, minutes: float) -> float:
    return round(cases * minutes / 60, 2)


def _tally(orders: pl.DataFrame, chosen: pl.Series, unseen: pl.Series | None) -> dict[str, int]:
    """How many, by verdict; `not_evaluable` are those of them that the other rulebook could not evaluate."""
    verdict = orders["verdict"].filter(chosen)
    counts = {r: int((verdict == r).sum()) for r in _RESULTS}
    told = {"total": len(verdict), **counts, "unlabelled": int(verdict.is_null().sum())}
    return told if unseen is None else told | {"not_evaluable": int((chosen & unseen).sum())}


def _blind_to(trial: Trial, flagging: Judged, other: Judged) -> pl.Series:
    """True per order on which a rule that counts in one rulebook could not be evaluated by the other."""
    counting = trial.findings(flagging).filter(pl.col("status") == "live").select("row", "rule_id")
    rows = counting.join(trial.blind(other), on=["row", "rule_id"], how="semi")["row"].unique()
    return _mask(rows, len(trial.orders))


def _mask(rows: pl.Series, height: int) -> pl.Series:
    return pl.repeat(False, height, eager=True, dtype=pl.Boolean).scatter(rows, True)


def _rules(trial: Trial) -> list[dict[str, Any]]:
    height = len(trial.orders)
    sides = [(trial.old, trial.before), (trial.new, trial.after)]
    found = [trial.findings(j) for _, j in sides]
    blind = [trial.blind(j) for _, j in sides]
    was = {old: r.id for r in trial.new.rules for old in r.was}
    rules = [{was.get(r.id, r.id): r for r in trial.old.rules}, {r.id: r for r in trial.new.rules}]
    out = []
    for rule_id in dict.fromkeys([*rules[1], *rules[0]]):
        own = [r.get(rule_id) for r in rules]
        hits = [_mask(f.filter(pl.col("rule_id") == rule_id)["row"].unique(), height) for f in found]
        unseen = [_mask(f.filter(pl.col("rule_id") == rule_id)["row"].unique(), height) for f in blind]
        told: dict[str, Any] = {"rule_id": rule_id, "settings_changed": len({r.fingerprint for r in own if r}) > 1}
        for i, name in enumerate(("before", "after")):
            rule = own[i]
            told[f"status_{name}"] = rule.status if rule else None
            told[f"points_{name}"] = rule.points if rule else None
            told[f"hits_{name}"] = int(hits[i].sum())
            told[f"not_evaluable_{name}"] = int(unseen[i].sum())
            told[f"verdicts_{name}"] = _with_precision(_tally(trial.orders, hits[i], None))
        told["newly_flagged"] = _tally(trial.orders, hits[1] & ~hits[0], unseen[0])
        told["no_longer_flagged"] = _tally(trial.orders, hits[0] & ~hits[1], unseen[1])
        out.append(told)
    return out


def _with_precision(tally: dict[str, int]) -> dict[str, Any]:
    """A tally with its precision; null when nothing has been confirmed or refuted."""
    decided = tally["confirmed"] + tally["false_alarm"]
    return {**tally, "precision": round(tally["confirmed"] / decided, 4) if decided else None}


def _days(trial: Trial, before: pl.Series, after: pl.Series, minutes: float) -> list[dict[str, Any]]:
    counts = (
        pl.DataFrame({"day": trial.orders["day"], "before": before, "after": after})
        .group_by("day")
        .agg(pl.len().alias("orders"), pl.col("before").sum(), pl.col("after").sum())
        .sort("day")
    )
    return [
        {
            **row,
            "change": row["after"] - row["before"],
            "hours_before": _hours(row["before"], minutes),
            "hours_after": _hours(row["after"], minutes),
            "hours_change": _hours(row["after"] - row["before"], minutes),
        }
        for row in counts.iter_rows(named=True)
    ]


def changed_orders(trial: Trial) -> pl.DataFrame:
    """Orders that one rulebook flags and the other does not, the highest score first.

    Returns:
        `change platform order_id verdict score_before score_after band_before band_after rules_before rules_after
        reasons shop amount currency created_at day`; `change` is `newly_flagged` or `no_longer_flagged`.
    """
    a, b = trial.flagged(trial.before), trial.flagged(trial.after)
    height = len(trial.orders)
    frame = trial.orders.with_row_index("row").with_columns(
        *trial.before.decisions[:height].select(score_before="score", band_before="band").get_columns(),
        *trial.after.decisions[:height].select(score_after="score", band_after="band").get_columns(),
        change=pl.select(
            pl.when(b & ~a).then(pl.lit("newly_flagged")).when(a & ~b).then(pl.lit("no_longer_flagged"))
        ).to_series(),
    )
    frame = frame.filter(pl.col("change").is_not_null())
    for name, judged in (("before", trial.before), ("after", trial.after)):
        live = trial.findings(judged).filter(pl.col("status") == "live")
        told = live.group_by("row", maintain_order=True).agg(
            pl.col("rule_id").str.join(", ").alias(f"rules_{name}"),
            pl.col("reason").str.join("; ").alias(f"reasons_{name}"),
        )
        frame = frame.join(told, on="row", how="left", maintain_order="left")
    frame = frame.with_columns(
        reasons=pl.when(pl.col("change") == "newly_flagged").then("reasons_after").otherwise("reasons_before")
    )
    best = pl.max_horizontal("score_before", "score_after")
    frame = frame.sort(pl.col("change"), best, "platform", "order_id", descending=[False, True, False, False])
    return frame.select(
        "change", "platform", "order_id", "verdict", "score_before", "score_after", "band_before", "band_after",
        "rules_before", "rules_after", "reasons", "shop", "amount", "currency", "created_at", "day",
    )  # fmt: skip


def changed_hits(trial: Trial) -> pl.DataFrame:
    """Hits of single rules that only one rulebook has: `rule_id change platform order_id verdict value reason`."""
    before, after = trial.findings(trial.before), trial.findings(trial.after)
    both = ["row", "rule_id"]
    new = after.join(before, on=both, how="anti", maintain_order="left").with_columns(change=pl.lit("newly_flagged"))
    gone = before.join(after, on=both, how="anti", maintain_order="left").with_columns(
        change=pl.lit("no_longer_flagged")
    )
    names = ("rule_id", "change", "platform", "order_id", "row", "value", "reason")
    rows = pl.concat([new.select(names), gone.select(names)])
    rows = rows.with_columns(verdict=trial.orders["verdict"].gather(rows["row"]))
    ordered = rows.sort(
        "rule_id", "change", "value", "order_id", descending=[False, False, True, False], nulls_last=True
    )
    return ordered.select("rule_id", "change", "platform", "order_id", "verdict", "value", "reason")


def listed(trial: Trial) -> list[dict[str, Any]]:
    """`changed_orders` for JSON: rules as lists, no personal data."""
    frame = changed_orders(trial).drop("reasons", "amount", "shop", "currency", "created_at")
    return [
        row | {side: (row[side] or "").split(", ") if row[side] else [] for side in ("rules_before", "rules_after")}
        for row in frame.iter_rows(named=True)
    ]
