"""Writes what a scan leaves: workbook, task sheets, hold lists, notices, frames. Decides nothing."""

from orderguard.outbox.flagged import write_flagged
from orderguard.outbox.lists import retell, write_frames, write_holds, write_notices, write_rejected, write_run
from orderguard.outbox.place import Staging, check_place, keep_sheet
from orderguard.outbox.tasks import write_tasks

__all__ = [
    "Staging",
    "check_place",
    "keep_sheet",
    "retell",
    "write_flagged",
    "write_frames",
    "write_holds",
    "write_notices",
    "write_rejected",
    "write_run",
    "write_tasks",
]
