"""How far a command has come: a bar on a terminal, a line for each student or page elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TextIO

from nbseal.text import one_line


class Lines:
    """Prints a plain line for each student or page; a context manager."""

    def __init__(self, stream: TextIO, line: Callable[[Any], str]) -> None:
        self._stream = stream
        self._line = line

    def start(self, total: int) -> None:
        """Be told how many there are."""

    def note(self, text: str) -> None:
        """Say what must be known before the first one is done."""
        print(f"note: {one_line(text)}", file=sys.stderr, flush=True)

    def done(self, one: Any) -> None:
        """Be told of one that is done."""
        print(self._line(one), file=self._stream, flush=True)

    def stop(self) -> None:
        """Print nothing more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Bar(Lines):
    """Shows a command's progress on a terminal: how many are done, rate, time taken and time left."""

    def __init__(self, assignment: str, stream: TextIO, line: Callable[[Any], str]) -> None:
        from rich import progress  # takes a while to load, and a pipe needs none of it
        from rich.console import Console

        super().__init__(stream, line)
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
        """Show how many there are."""
        self._progress.update(self._task, total=total)

    def done(self, one: Any) -> None:
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


def show_progress(assignment: str, err: bool, line: Callable[[Any], str]) -> Lines:
    """What suits standard output, or with ``err`` standard error; ``line`` says what is printed of one."""
    stream = sys.stderr if err else sys.stdout
    return Bar(assignment, stream, line) if stream.isatty() else Lines(stream, line)


@contextmanager
def cells_on_terminal() -> Iterator[Callable[[str, int, int], None] | None]:
    """Shows on a terminal which cell of a notebook runs, and yields what must be told of each that is done."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("running the first cells of solutions that changed") as status:

        def told(notebook: str, cells: int, index: int) -> None:
            status.update(f"{notebook}: past cell {index + 1} of {cells}")

        yield told
