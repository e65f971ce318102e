"""How far grading has come: a bar on a terminal, a line for each student elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from nbseal.grade import Done


class Lines:
    """Prints a plain line for each student; a context manager."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, total: int) -> None:
        """Be told how many students there are."""

    def done(self, one: Done) -> None:
        """Be told that one student's turn is over."""
        from nbseal.show import done_line

        print(done_line(one), file=self._stream, flush=True)

    def stop(self) -> None:
        """Print nothing more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def show_progress(assignment: str, err: bool) -> Lines:
    """What suits standard output, or with ``err`` standard error."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        return Lines(stream)
    from nbseal.cli.bar import Bar  # a pipe needs none of what draws it

    return Bar(assignment, stream)
