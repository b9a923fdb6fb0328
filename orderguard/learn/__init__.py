"""Compares verdicts with findings and proposes points and thresholds, each with its evidence. Knows no order's content.

Nothing is imported here: a scan needs the calibrated curve only.
"""
