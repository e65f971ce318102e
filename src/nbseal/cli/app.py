"""The application that the commands are added to, and its only option of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from nbseal import __version__
from nbseal.cli.common import EXIT_CODES, console

app = typer.Typer(
    name="nbseal",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Build, verify and grade an nbgrader course; student code stays sealed from its graders.",
    epilog=EXIT_CODES,
)


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Grade nbgrader courses, sealed."""
    if version:
        console.print(f"nbseal {__version__}")
        raise typer.Exit
