"""The progress bar: students done, rate, time taken and time left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from nbseal.cli.progress import Lines

if TYPE_CHECKING:
    from nbseal.grade import Done


class Bar(Lines):
    """Shows the class's progress on a terminal."""

    def __init__(self, assignment: str, stream: TextIO) -> None:
        super().__init__(stream)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._task = self._progress.add_task(assignment, total=None)

    def start(self, total: int) -> None:
        """Show how many students there are."""
        self._progress.update(self._task, total=total)

    def done(self, one: Done) -> None:
        """Count one more."""
        self._progress.advance(self._task)

    def stop(self) -> None:
        """Leave the bar as it is."""
        self._progress.stop()

    def __enter__(self) -> Self:
        self._progress.start()
        return self


class _Rate(ProgressColumn):
    """Submissions a second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "")
