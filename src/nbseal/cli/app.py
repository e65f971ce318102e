"""The command line itself: which commands there are, and what becomes of their errors."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click
from traitlets import TraitError

from nbseal import __version__
from nbseal.cli.options import EXIT_CODES, EXIT_ERROR, EXIT_STOPPED, STOPPED, Group, say
from nbseal.errors import NbsealError

COMMANDS = (
    "build", "check", "compare", "doctor", "export", "extend", "feedback", "grade", "init", "lint", "queue", "report",
    "resolve", "roster", "similarity", "student", "verify", "watch",
)  # fmt: skip


class Commands(Group):
    """The commands by their names; whose modules bear the same names and are imported when it is given."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, for the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command by its name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"nbseal.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command line says; errors that are explained become one message and exit code 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say(STOPPED, err=True)
            ctx.exit(EXIT_STOPPED)
        except BrokenPipeError:
            raise  # whoever reads has seen enough: click leaves quietly
        except (NbsealError, TraitError, OSError) as error:
            say(f"nbseal: {_explain(error)}", err=True)
            if os.environ.get("NBSEAL_DEBUG"):
                raise
            ctx.exit(EXIT_ERROR)


def _explain(error: Exception) -> str:
    if isinstance(error, TraitError):
        return f"a setting in nbgrader_config.py doesn't fit: {error}"
    if isinstance(error, OSError) and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}; fix that and run again."
    return str(error)


@click.group(
    cls=Commands,
    epilog=EXIT_CODES,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "color": False if os.environ.get("NO_COLOR") else None,
        "max_content_width": 100,
    },
)
@click.version_option(__version__, message="nbseal %(version)s", help="Print the version and exit.")
def app() -> None:
    """Build, verify and grade an nbgrader course; student code stays sealed from its graders."""
