"""The command line: parse, call one function, show. Exit codes: 0 done, 1 an error that was explained, 2 wrong usage,
3 graded but some marks could not be recorded, 4 exported but some marks are not in the file, 130 stopped.

Each module adds its commands to the application; what a command needs is imported when it is given.
"""

from __future__ import annotations

import gc
import io
import os
import sys

from traitlets import TraitError

from nbseal import quick
from nbseal.cli import building, grading, looking
from nbseal.cli.app import app
from nbseal.cli.common import EXIT_ERROR, EXIT_STOPPED, STOPPED, complaints, say
from nbseal.errors import NbsealError

__all__ = ["app", "building", "grading", "looking", "main"]


def main() -> None:
    """Run the command line; errors that are explained become one message and exit code 1."""
    quick.prepare()
    sys.setswitchinterval(0.0005)  # threads that wait for answers must not wait for the one that records, too
    gc.disable()  # what is imported stays: looking through it again and again takes a fifth of the start
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that can't be printed stops nothing
    try:
        app()
    except (NbsealError, TraitError, OSError) as error:
        say(complaints, f"nbseal: {_explain(error)}")
        if os.environ.get("NBSEAL_DEBUG"):
            raise
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        say(complaints, STOPPED)
        sys.exit(EXIT_STOPPED)


def _explain(error: Exception) -> str:
    if isinstance(error, TraitError):
        return f"a setting in nbgrader_config.py doesn't fit: {error}"
    if isinstance(error, OSError) and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}; mend that and run again."
    return str(error)
