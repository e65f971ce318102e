"""What every command shares: the options that mean the same everywhere, how to print, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from nbseal.text import UNPRINTABLE

EXIT_ERROR, EXIT_NOT_RECORDED, EXIT_LEFT_OUT, EXIT_STOPPED = 1, 3, 4, 130
STOPPED = "nbseal: stopped; what is recorded stays, and the next run goes on from there."
EXIT_CODES = (
    "Exit codes: 0 done, 1 an error that was explained, 2 wrong usage, "
    "3 graded but some marks could not be recorded, 4 exported but some marks are not in the file, 130 stopped."
)
PATH = click.Path(path_type=Path)


class Formatter(click.HelpFormatter):
    """Help with coloured headings; click takes the colours out where the output is no terminal."""

    def write_heading(self, heading: str) -> None:
        """Write what stands above a list of options or commands."""
        super().write_heading(click.style(heading, fg="yellow"))


class Context(click.Context):
    """One use of a command of ours."""

    formatter_class = Formatter


class Command(click.Command):
    """A command of ours."""

    context_class = Context


class Group(click.Group):
    """A group of commands of ours."""

    context_class = Context
    command_class = Command


def say(text: str, err: bool = False) -> None:
    """Print text that may hold a student's words: nothing in it that a terminal would obey."""
    click.echo(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text), err=err)


def print_json(value: Any) -> None:
    """Print plain data as JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def complete_assignment(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of assignments for the shell, found by looking only: loading the settings would take too long."""
    root = Path(ctx.params.get("course") or ".")
    found = {path.parent.name for kind in ("source", "release") for path in root.glob(f"{kind}/*/*.ipynb")}
    return sorted(name for name in found if name.startswith(incomplete))


def complete_student(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of students for the shell: those who have handed something in."""
    assignment = ctx.params.get("assignment") or "*"
    root = Path(ctx.params.get("course") or ".")
    found = {path.parent.name for path in root.glob(f"submitted/*/{assignment}")}
    return sorted(name for name in found if name.startswith(incomplete))


assignment_argument = click.argument("assignment", help="The assignment.", shell_complete=complete_assignment)
course_option = click.option(
    "--course", "-c", type=PATH, default=Path(), show_default="here", help="The course's folder."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
output_option = click.option("--output", "-o", type=PATH, help="Write the page to this file.")
unsealed_option = click.option(
    "--unsealed", is_flag=True, help="Run code that you trust without walls; every scorecard says so."
)
