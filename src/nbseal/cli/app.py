"""The application that the commands are added to, and its only option of its own."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nbseal import __version__
from nbseal.cli.common import EXIT_CODES, console


class Commands(TyperGroup):
    """The commands that modules add, and ``export``, whose many libraries are loaded only when it is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """All names, for the help."""
        return [*super().list_commands(ctx), "export"]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """One command by its name."""
        if cmd_name != "export":
            return super().get_command(ctx, cmd_name)
        from nbseal.cli.exporting import app as exports

        return typer.main.get_command(exports)


app = typer.Typer(
    name="nbseal",
    cls=Commands,
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
