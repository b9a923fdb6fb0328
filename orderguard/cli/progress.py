"""What a large scan is doing, as a bar on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderguard.errors import Words

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_ROOMS = {"read": Words("读取", "reading"), "rules": Words("审核", "auditing")}


class Bar:
    """Told a room and the rows that went through it so far; drawn from the first word on, gone when closed.

    How many rows there are is known once they are read: reading itself moves without an end in sight.
    """

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self._drawn: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._read = 0

    def __call__(self, room: str, rows: int) -> None:
        """Rows that went through a room."""
        if self._drawn is None:
            self._drawn = _draw()
        if room == "read":
            self._read = rows
        if room not in self._tasks:
            total = self._read if room != "read" and self._read else None
            for task in self._tasks.values():  # the room before is done
                self._drawn.update(task, total=self._read, completed=self._read)
            self._tasks[room] = self._drawn.add_task(_ROOMS.get(room, Words(room, room)).pick(self.locale), total=total)
        # Orders are fewer than rows: the bar never runs over its end.
        self._drawn.update(self._tasks[room], completed=rows)

    def close(self) -> None:
        """Take the bar away."""
        if self._drawn is not None:
            self._drawn.stop()
            self._drawn = None


def _draw() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    drawn = Progress(*columns, console=Console(stderr=True), transient=True)
    drawn.start()
    return drawn
