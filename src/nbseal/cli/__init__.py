"""The command line: parse, call one function, show.

`app` names the commands; the module of one, and what it needs, is imported when it is given.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys
from typing import NoReturn

from nbseal.patches import lazy_imports


def program() -> NoReturn:
    """Run the command line and end at once: taking all modules down in order takes longer than a submission."""
    try:
        main()
        code: object = 0
    except SystemExit as end:
        code = end.code or 0
    except KeyboardInterrupt:  # before the command could take it
        code = 130
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever reads has gone
            stream.flush()
    os._exit(code)


def main() -> None:
    """Run the command line."""
    lazy_imports.prepare()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that can't be printed stops nothing
    from nbseal.cli.app import app  # what it imports finds the stand-ins

    app(prog_name="nbseal")
