"""The command line: parse, call one function, show.

Each module adds its commands to the application; what a command needs is imported when it is given.
"""

from __future__ import annotations

import atexit
import gc
import io
import sys

from nbseal import quick
from nbseal.cli import ahead


def main() -> None:
    """Run the command line."""
    quick.prepare()
    sys.setswitchinterval(0.0005)  # threads that wait for answers must not wait for the one that records, too
    gc.disable()  # what is imported stays: looking through it again and again takes a fifth of the start
    atexit.register(gc.freeze)  # and nobody waits for a last look through everything
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that can't be printed stops nothing
    with ahead.begun(sys.argv[1:]):
        from nbseal.cli.app import app  # takes a while, in which the processes behind grading load

        app(prog_name="nbseal")
