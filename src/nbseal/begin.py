"""``python -m nbseal.begin MODULE DESCRIPTOR`` calls ``main`` of a module; so the processes behind grading begin.

Not ``python -c``: from Python 3.13 on, tracebacks would show its line for code that students execute from a string.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys


def begin(module: str, descriptor: int) -> None:
    """Import ``module`` and hand over the socket."""
    with contextlib.suppress(OSError):  # some containers forbid it
        # work that nobody waits for at a keyboard: it doesn't push others aside, and is itself switched less often
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    gc.disable()  # what is imported stays: looking for garbage meanwhile takes a tenth of the start
    main = importlib.import_module(module).main
    sys.dont_write_bytecode = True  # our own modules have theirs; nothing shall appear beside a course's
    main(descriptor)


if __name__ == "__main__":
    begin(sys.argv[1], int(sys.argv[2]))
