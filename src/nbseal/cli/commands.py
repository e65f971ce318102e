"""All commands together.

Exit codes: 0 done, 1 an error that was explained, 2 wrong usage, 3 graded but some marks could not be recorded,
4 exported but some marks are not in the file, 130 stopped.
"""

from __future__ import annotations

import os
import sys

from traitlets import TraitError

from nbseal.cli import building, grading, looking
from nbseal.cli.app import app
from nbseal.cli.common import EXIT_ERROR, EXIT_STOPPED, STOPPED, complaints, say
from nbseal.errors import NbsealError

__all__ = ["app", "building", "grading", "looking", "run"]


def run() -> None:
    """Do what the command line says; errors that are explained become one message and exit code 1."""
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
