"""Starts the processes behind grading before the command line is read: loading them is most of a small run's time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from nbseal.sandbox.launching import Ahead, start_ahead

HELP = {"-h", "--help"}
_waiting: list[Ahead] = []


@contextmanager
def begun(words: Sequence[str]) -> Iterator[None]:
    """Start the processes if ``words`` look like a command that needs them; end those that nobody took."""
    if words[:1] == ["grade"] and HELP.isdisjoint(words):
        with suppress(OSError):  # which is explained when the command tries again
            _waiting.append(start_ahead())
    try:
        yield
    finally:
        while _waiting:
            _waiting.pop().close()


def take() -> Ahead:
    """The processes that were started, or new ones; whoever takes them ends them."""
    return _waiting.pop() if _waiting else start_ahead()
