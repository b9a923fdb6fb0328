"""Tells the month: ledger frames in, figures out. Knows no file formats and no rule's meaning."""

from orderguard.report.figures import Material, Settings, tell_period
from orderguard.report.period import Period, between, month, previous

__all__ = ["Material", "Period", "Settings", "between", "month", "previous", "tell_period"]
