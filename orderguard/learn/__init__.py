"""Compares verdicts with findings and proposes points and thresholds, each with its evidence. Knows no order's content."""

from orderguard.learn.calibrate import Knot, probability, score_at
from orderguard.learn.proposal import Cut, Effect, Proposal, Recall, RuleLesson, Taught, Threshold, propose

__all__ = [
    "Cut",
    "Effect",
    "Knot",
    "Proposal",
    "Recall",
    "RuleLesson",
    "Taught",
    "Threshold",
    "probability",
    "propose",
    "score_at",
]
