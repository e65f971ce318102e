"""How far grading has come: a bar on a terminal, a line for each student elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from nbseal.grading import Done


class Lines:
    """Prints a plain line for each student; a context manager."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, total: int) -> None:
        """Be told how many students there are."""

    def done(self, one: Done) -> None:
        """Be told that one student's turn is over."""
        from nbseal.terminal import done_line

        print(done_line(one), file=self._stream, flush=True)

    def stop(self) -> None:
        """Print nothing more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Bar(Lines):
    """Shows the class's progress on a terminal: students done, rate, time taken and time left."""

    def __init__(self, assignment: str, stream: TextIO) -> None:
        from rich import progress  # takes a while to load, and a pipe needs none of it
        from rich.console import Console

        super().__init__(stream)
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._task = self._progress.add_task(assignment, total=None, rate="")

    def start(self, total: int) -> None:
        """Show how many students there are."""
        self._progress.update(self._task, total=total)

    def done(self, one: Done) -> None:
        """Count one more."""
        self._progress.advance(self._task)
        task = self._progress.tasks[self._task]
        speed = task.finished_speed or task.speed
        self._progress.update(self._task, rate=f"{speed:.1f}/s" if speed else "")

    def stop(self) -> None:
        """Leave the bar as it is."""
        self._progress.stop()

    def __enter__(self) -> Self:
        self._progress.start()
        return self


def show_progress(assignment: str, err: bool) -> Lines:
    """What suits standard output, or with ``err`` standard error."""
    stream = sys.stderr if err else sys.stdout
    return Bar(assignment, stream) if stream.isatty() else Lines(stream)
