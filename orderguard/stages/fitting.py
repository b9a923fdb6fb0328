"""Which bands keep the daily queue within the staff on duty."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.stages.backtest import UNDATED

if TYPE_CHECKING:
    from orderguard.stages.backtest import Trial


def fit_queue(trial: Trial, limit: int) -> dict[str, Any]:
    """The lowest bands, from today's upwards, with which no day has more than `limit` orders under review or held.

    On the worst day the profile (outside promotions, or a promotion) with the most orders in the queue gives way
    first: its `review` rises to the next score that occurs. `hold` rises only where `review` passes it.

    Returns:
        `limit fits_now fits busiest_day queue_before queue_after bands promotions let_go peak_days`. `fits` is False
        when even the highest score leaves more on one day. `let_go` are the orders that leave the queue, by
        verdict. `peak_days` tells for each day over the limit the `review` that this day alone would need.
    """
    height = len(trial.orders)
    decided = (
        trial.after.decisions[:height]
        .select("score", "profile")
        .with_columns(trial.orders["day"], trial.orders["verdict"])
    )
    review = {p.name: p.bands.review for p in trial.new.profiles}
    hold = {p.name: p.bands.hold for p in trial.new.profiles}
    queue = decided.filter((pl.col("score") >= _limits(review)) & (pl.col("day") != UNDATED))
    per = queue.group_by("day", "profile", "score").len()
    before = _by_day(per, review)
    fitted = _fitted(per, review, limit)
    now = _by_day(per, fitted)
    gone = queue.filter(pl.col("score") < _limits(fitted))
    verdict = gone["verdict"]
    bands = {n: {"review": fitted[n], "hold": max(hold[n], fitted[n])} for n in fitted}
    worst = max(before, key=lambda d: (before[d], d)) if before else None
    return {
        "limit": limit,
        "fits_now": max(before.values(), default=0) <= limit,
        "fits": max(now.values(), default=0) <= limit,
        "busiest_day": worst,
        "queue_before": max(before.values(), default=0),
        "queue_after": max(now.values(), default=0),
        "bands": bands[trial.new.profiles[0].name],
        "promotions": {n: bands[n] for n in list(bands)[1:]},
        "let_go": {
            "total": len(gone),
            **{r: int((verdict == r).sum()) for r in ("confirmed", "false_alarm", "investigating")},
            "unlabelled": int(verdict.is_null().sum()),
        },
        "peak_days": _peaks(per, before, limit),
    }


def _fitted(per: pl.DataFrame, review: dict[str, float], limit: int) -> dict[str, float]:
    """Each profile's `review` with which no day exceeds the limit, or the highest that there are."""
    fitted = dict(review)
    scores = {n: sorted(per.filter(pl.col("profile") == n)["score"].unique().to_list()) for n in review}
    while (now := _by_day(per, fitted)) and max(now.values()) > limit:
        worst = max(now, key=lambda d: (now[d], d))
        there = (
            per.filter((pl.col("day") == worst) & (pl.col("score") >= _limits(fitted)))
            .group_by("profile")
            .agg(pl.col("len").sum())
            .sort(["len", "profile"], descending=[True, False])
        )
        for name in there["profile"]:
            # Above the lowest score that still counts: only then an order leaves the queue.
            higher = [s for s in scores[name] if s >= fitted[name]][1:]
            if higher:
                fitted[name] = higher[0]
                break
        else:
            break
    return fitted


def _limits(review: dict[str, float]) -> pl.Expr:
    return pl.col("profile").replace_strict(review, return_dtype=pl.Float64)


def _by_day(per: pl.DataFrame, review: dict[str, float]) -> dict[str, int]:
    days = per.filter(pl.col("score") >= _limits(review)).group_by("day").agg(pl.col("len").sum()).sort("day")
    return dict(days.iter_rows())


def _peaks(per: pl.DataFrame, before: dict[str, int], limit: int) -> list[dict[str, Any]]:
    """Days over the limit; `review` is the lowest score that fits that day, null when no order's score does."""
    out = []
    steps = per["score"].unique().sort().to_list()
    for day, count in before.items():
        if count <= limit:
            continue
        there = list(per.filter(pl.col("day") == day).select("score", "len").iter_rows())
        # Another day's score may do where all of this day's orders stand on one.
        fits = (s for s in steps if sum(n for score, n in there if score >= s) <= limit)
        out.append({"day": day, "queue": count, "review": next(fits, None)})
    return out


def proposal_yaml(fit: dict[str, Any], locale: str = "zh-CN") -> str:
    """The proposal as it would stand in a rulebook: bands for every day, and, beside it, for the peak days only."""
    bands, zh = fit["bands"], locale.startswith("zh")
    lines = [f"bands: {{review: {bands['review']:g}, hold: {bands['hold']:g}}}"]
    days = [d for d in fit["peak_days"] if d["review"] is not None]
    if days and not fit["promotions"]:
        lines.append("# 或只在这几天：" if zh else "# or for these days only:")
        peaks = []
        for first, last, review in _runs(days):
            hold = max(bands["hold"], review)
            peaks.append(
                f"{{id: peak-{first}, from: {first}, to: {last}, bands: {{review: {review:g}, hold: {hold:g}}}}}"
            )
        lines.append(f"promotions: [{', '.join(peaks)}]")
    lines += [
        f"# {'促销' if zh else 'promotion'} {n}: bands: {{review: {b['review']:g}, hold: {b['hold']:g}}}"
        for n, b in fit["promotions"].items()
    ]
    return "\n".join(lines) + "\n"


def _runs(days: list[dict[str, Any]]) -> list[tuple[str, str, float]]:
    """Days in a row as one span, with the highest score that one of them needs."""
    from datetime import date  # noqa: PLC0415 - only here

    runs = [[days[0]]]
    for earlier, later in pairwise(days):
        if (date.fromisoformat(later["day"]) - date.fromisoformat(earlier["day"])).days == 1:
            runs[-1].append(later)
        else:
            runs.append([later])
    return [(r[0]["day"], r[-1]["day"], max(d["review"] for d in r)) for r in runs]
