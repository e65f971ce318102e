"""Keeps pickles from running anything in this process.

Dask unpickles what its scheduler and workers send: results, exceptions, the types of results, warnings. No setting of
its stops all of that. But a pickle can do nothing by itself: to run something it must first look up a class or a
function by its name, and Python tells audit hooks of each such lookup, whoever asks. Ours says no.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbseal.errors import WireError

LOOKUP = "pickle.find_class"
HARMLESS = {("builtins", "bytes")}  # Dask says so what an exception's pickle is
_lock = threading.Lock()
_hooked = False
_refusing = 0


class PickleRefused(WireError, AttributeError):
    """A pickle would look up a class or a function. Dask can bear an AttributeError wherever it unpickles."""


@contextmanager
def no_pickle_runs() -> Iterator[None]:
    """While inside, a pickle that names a class or a function raises PickleRefused in all threads of this process."""
    global _hooked, _refusing
    with _lock:
        if not _hooked:
            sys.addaudithook(_refuse)  # there is no way to take it out again
            _hooked = True
        _refusing += 1
    try:
        yield
    finally:
        with _lock:
            _refusing -= 1


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == LOOKUP and _refusing and arguments not in HARMLESS:
        raise PickleRefused(f"a pickle that names {'.'.join(map(str, arguments))} is not opened")
