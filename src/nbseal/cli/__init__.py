"""The command line: parse, call one function, show.

`app` names the commands; the module of one, and what it needs, is imported when it is given.
"""

from __future__ import annotations

import io
import os
import sys

from nbseal.patches import lazy_imports


def program() -> None:
    """The installed command ``nbseal``."""
    try:
        main()
    except KeyboardInterrupt:  # before the command could take it
        sys.exit(130)


def main() -> None:
    """Run the command line."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started us; its number must not become another file's
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    lazy_imports.prepare()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that can't be printed stops nothing
    from nbseal.cli.app import app  # what it imports finds the stand-ins

    app(prog_name="nbseal")
