"""Remembers runs, cases, findings and verdicts, and the orders that windows look back on. Never rewrites them."""

from orderguard.ledger.cases import CaseBook
from orderguard.ledger.history import History
from orderguard.ledger.store import Ledger, open_ledger, reading

__all__ = ["CaseBook", "History", "Ledger", "open_ledger", "reading"]
