"""Opens a file, a folder, a glob or standard input and hands over its cells as text.

Knows nothing of platforms, meanings or types. What cannot be read is named, and the rest goes on.
"""

from orderguard.ingest.passed import passed_over
from orderguard.ingest.passwords import load_passwords
from orderguard.ingest.reader import Source, find_sources, read_source
from orderguard.ingest.table import BadRow, Table

__all__ = ["BadRow", "Source", "Table", "find_sources", "load_passwords", "passed_over", "read_source"]
