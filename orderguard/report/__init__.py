"""Tells the month and the night: ledger frames in, figures out. Knows no file formats and no rule's meaning.

Nothing is imported here: a scan needs the board's module only.
"""
