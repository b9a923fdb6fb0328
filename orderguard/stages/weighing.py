"""The learned points in use: the rulebook with them, and what a score means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.errors import Problem, Words
from orderguard.learn.calibrate import Knot, probability, score_at
from orderguard.rules.bands import Bands
from orderguard.rules.promotions import BASE
from orderguard.rules.weights import weighted, weights_folder

if TYPE_CHECKING:
    from orderguard.rules import Rulebook
    from orderguard.rules.weights import Weighted


def in_effect(book: Rulebook, *, packaged: bool = False) -> Rulebook:
    """The rulebook with its learned points, and bands that are probabilities as scores.

    Raises:
        OrderguardError: the weights cannot be read.
    """
    book = weighted(book, weights_folder(book, packaged=packaged))
    knots = _knots(book)
    if not knots:
        return book
    promotions = [
        p.model_copy(update={"bands": _as_scores(p.bands, knots)}) if p.bands and p.bands.chances else p
        for p in book.promotions
    ]
    return book.model_copy(update={"bands": _as_scores(book.bands, knots), "promotions": promotions})


def _as_scores(bands: Bands, knots: list[Knot]) -> Bands:
    """Bands whose probabilities are scores of the calibrated curve."""
    scores = {"review": bands.review, "hold": bands.hold}
    for name, chance in bands.chances.items():
        reached = score_at(knots, chance.probability)
        # No score that was judged is as sure as that: only higher ones than any so far reach the band.
        scores[name] = max(knots[-1].score + 1, scores[name]) if reached is None else max(reached, 0.01)
    if "hold" not in bands.chances:
        scores["review"] = min(scores["review"], scores["hold"])
    hold = max(scores["hold"], scores["review"])
    return Bands.model_construct(review=round(scores["review"], 2), hold=round(hold, 2), chances=bands.chances)


def keep_learned(new: Rulebook, old: Rulebook) -> Rulebook:
    """The new rulebook with the learned points in use, for rules that it does not change: they would stay in use."""
    used = old.weights
    if used is None or new.weights is not None:
        return new
    same = {r.id: r.fingerprint for r in old.rules}
    rules = [
        r.model_copy(update={"points": used.points[r.id]})
        if r.id in used.points and r.points == used.written.get(r.id) and r.fingerprint == same.get(r.id)
        else r
        for r in new.rules
    ]
    return new.model_copy(update={"rules": rules})


def unlearned(new: Rulebook, old: Rulebook) -> list[Problem]:
    """A notice for each rule that loses its learned points because its settings change: it may hold what it did not hold."""
    used = old.weights
    if used is None or new.weights is not None:
        return []
    same = {r.id: r.fingerprint for r in old.rules}
    return [
        Problem(
            Words(
                f"{r.id}：设置改了，学到的 {used.points[r.id]:g} 分不再适用，按规则表的 {r.points:g} 分算",
                f"{r.id}: with other settings its learned {used.points[r.id]:g} points do not hold; the rulebook's {r.points:g} count",
            ),
            new.source,
            fix=Words(
                f"要留着它们，写 points: {used.points[r.id]:g}", f"to keep them write points: {used.points[r.id]:g}"
            ),
            fatal=False,
        )
        for r in new.rules
        if r.points == used.written.get(r.id) != used.points.get(r.id, r.points) and r.fingerprint != same.get(r.id)
    ]


def notes(book: Rulebook) -> list[Problem]:
    """What a scan is to say about its weights: rules that they do not decide, bands without a calibration."""
    used: Weighted | None = book.weights
    told = used.problems() if used else []
    return told + [Problem(words, book.source, fatal=False) for words in _uncalibrated(book)]


def with_probability(decisions: pl.DataFrame, book: Rulebook) -> pl.DataFrame:
    """`decisions` with `probability`, the calibrated one of each score; null without a calibration, and in promotions."""
    knots = _knots(book)
    if not knots:
        return decisions.with_columns(probability=pl.lit(None, dtype=pl.Float64))
    chances = {score: round(probability(knots, score), 4) for score in decisions["score"].unique().to_list()}
    told = pl.col("score").replace_strict(chances, return_dtype=pl.Float64)
    # A promotion has points of its own: nobody has judged what a score means under them.
    return decisions.with_columns(pl.when(pl.col("profile") == BASE).then(told).alias("probability"))


def _knots(book: Rulebook) -> list[Knot]:
    used: Weighted | None = book.weights
    return [Knot(k.score, k.probability) for k in used.overlay.calibration] if used else []


def _uncalibrated(book: Rulebook) -> list[Words]:
    """Bands that are probabilities, while nothing says yet what a score means."""
    if not book.bands.chances or _knots(book):
        return []
    now = {"review": book.bands.review, "hold": book.bands.hold}
    return [
        Words(
            f"bands.{name}：还没有校准，暂按 {now[name]:g} 分；有了足够的处置结果后运行 orderguard learn --apply",
            f"bands.{name}: not calibrated yet, {now[name]:g} points stand in; run 'orderguard learn --apply' when there are enough verdicts",
        )
        for name in book.bands.chances
    ]
