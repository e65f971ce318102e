"""What every command shares: the options that mean the same everywhere, how to print, exit codes."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from nbseal.text import without_controls

EXIT_ERROR, EXIT_INCOMPLETE, EXIT_LEFT_OUT, EXIT_WRONG, EXIT_STOPPED = 1, 3, 4, 5, 130
STOPPED = "nbseal: stopped. What is recorded is kept, and the next run continues from there."
EXIT_CODES = (
    "Exit codes: 0 done, 1 an error that was explained, 2 wrong usage, "
    "3 done but some marks could not be recorded or some pages made, 4 exported but some marks are not there, "
    "5 verified but a grader is wrong, 130 stopped."
)
PATH = click.Path(path_type=Path)


class FileName(click.Path):
    """A file to be written: neither a folder nor nothing, which is said before any work is done."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what can't be a file's name."""
        if value == "":
            self.fail("a file's name is wanted.", param, ctx)
        return super().convert(value, param, ctx)


NEW_FILE = FileName(dir_okay=False, path_type=Path)


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


class LinuxCommand(Command):
    """A command that starts sealed processes: on another system it says where to run it, and does nothing else."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command line says."""
        from nbseal.sandbox import require_linux

        require_linux(ctx.command_path)
        return super().invoke(ctx)


class Group(click.Group):
    """A group of commands of ours."""

    context_class = Context
    command_class = Command


def say(text: str, err: bool = False) -> None:
    """Print text that may hold a student's words: nothing in it that a terminal would obey."""
    click.echo(without_controls(text), err=err)


@dataclass(frozen=True)
class Output:
    """In which form a result is wanted, and the file for it; without a ``file`` JSON goes to standard output."""

    as_json: bool
    file: Path | None

    def __post_init__(self) -> None:
        """Refuse before the work what could not be written after it."""
        if self.as_json and self.file and not self.file.absolute().parent.is_dir():
            raise click.BadParameter(f"the folder {self.file.absolute().parent} doesn't exist.", param_hint="--output")

    def write_json(self, value: Any) -> None:
        """Give plain data as JSON."""
        self.write(json_text(value))

    def write(self, text: str) -> None:
        """Give the text, which is JSON, in lines of the command's own."""
        if self.file is None:
            sys.stdout.write(text)
        else:
            self.file.write_text(text, encoding="utf-8", errors="backslashreplace")


@dataclass(frozen=True)
class TextOutput(Output):
    """The same for a command whose result is text on standard output: only its JSON is written to a file."""

    def __post_init__(self) -> None:
        """Refuse a file for text."""
        if self.file and not self.as_json:
            raise click.UsageError("--output is the file for JSON here: give --json, too.")
        super().__post_init__()


def json_text(value: Any) -> str:
    """Plain data as JSON, in lines."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def gathered(name: str, kind: type[Any]) -> Callable[[Any], Any]:
    """Have a command take the options that bear the names of a dataclass's fields as one argument."""
    names = [field.name for field in fields(kind)]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**given: Any) -> Any:
            there = {one: given.pop(one) for one in names if one in given}
            return function(**{name: kind(**there)}, **given)

        return command

    return decorate


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
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def output_option(text: str, shown: str = "", name: str = "output") -> Callable[[Any], Any]:
    """The option for the file or folder to be made; ``shown`` is its default in words."""
    return click.option("--output", "-o", name, type=PATH, show_default=shown or False, help=text)


def text_options(function: Callable[..., Any]) -> Any:
    """``--json`` and the file for it, as one argument ``output``, for a command whose result is text."""
    file = output_option("With --json: the file to be made.", "standard output", "file")
    return json_option(file(gathered("output", TextOutput)(function)))


def page_options(shown: str) -> Callable[[Any], Any]:
    """The file for a page, or with ``--json`` for the JSON, as one argument ``output``."""
    file = output_option("The file to write.", f"{shown}; with --json standard output", "file")
    return lambda function: json_option(file(gathered("output", Output)(function)))


unsealed_option = click.option(
    "--unsealed", is_flag=True, help="Run code that you trust without walls; every scorecard says so."
)


def cluster_options(function: Callable[..., Any]) -> Any:
    """Where a Dask scheduler is and how to talk with it, as one argument ``cluster``; None if nothing was given."""

    @functools.wraps(function)
    def command(**given: Any) -> Any:
        from nbseal.grading.cluster.address import Address

        there = {field.name: given.pop(field.name) for field in fields(Address)}
        if there["scheduler"] is not None and not there["scheduler"].strip():
            raise click.UsageError("--scheduler is empty: is the variable set that should hold its address?")
        there["scheduler"] = there["scheduler"] or ""
        if there["scheduler"] and there["scheduler_file"]:
            raise click.UsageError("give --scheduler or --scheduler-file, not both.")
        if not there["scheduler"] and not there["scheduler_file"]:
            if any(there.values()):
                raise click.UsageError("--tls-… goes with --scheduler or --scheduler-file.")
            return function(**given, cluster=None)
        return function(**given, cluster=Address(**there))

    existing = click.Path(path_type=Path, exists=True, dir_okay=False)
    options = (
        click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler: tcp://… or tls://…"),
        click.option("--scheduler-file", type=PATH, help="The file in which a Dask scheduler says where it is."),
        click.option("--tls-ca-file", type=existing, help="The authority's certificate of a cluster with TLS."),
        click.option("--tls-cert", type=existing, help="Our certificate there."),
        click.option("--tls-key", type=existing, help="Its key."),
    )
    for option in reversed(options):
        command = option(command)
    return command
