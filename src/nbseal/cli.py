"""The command line: parse, call one function, show. Exit codes: 0 done, 1 an error that was explained, 2 wrong usage,
3 graded but some marks could not be recorded, 4 exported but some marks are not in the file."""

from __future__ import annotations

import gc
import io
import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from traitlets import TraitError
from typer.core import TyperGroup

from nbseal import __version__
from nbseal.errors import NbsealError
from nbseal.results import Scorecard

if TYPE_CHECKING:
    from nbseal.grade import ClassResult
    from nbseal.sandbox import Ahead

# jsonschema tries to import this for a kind of address that notebooks don't have; it takes a second
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

EXIT_ERROR, EXIT_NOT_RECORDED, EXIT_STOPPED = 1, 3, 130
STOPPED = "nbseal: stopped; what is recorded stays, and the next run goes on from there."


class Commands(TyperGroup):
    """The commands below, and `export`, whose module is imported only when it is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """All names, for the help."""
        return [*super().list_commands(ctx), "export"]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """One command by its name."""
        if cmd_name != "export":
            return super().get_command(ctx, cmd_name)
        from nbseal.export.command import app as exports

        return typer.main.get_command(exports)


app = typer.Typer(
    name="nbseal",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Build, verify and grade an nbgrader course; student code stays sealed from its graders.",
)
CourseOption = Annotated[Path, typer.Option("--course", "-c", help="The course's folder.", show_default="here")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Grade nbgrader courses, sealed."""
    if version:
        console.print(f"nbseal {__version__}")
        raise typer.Exit


@app.command(epilog="Example: nbseal build 01-gates")
def build(
    assignments: Annotated[list[str] | None, typer.Argument(help="Assignments; all if none is named.")] = None,
    course: CourseOption = Path(),
    force: Annotated[bool, typer.Option(help="Build even what is up to date.")] = False,
) -> None:
    """Make release/ and solutions/ from source/."""
    from nbseal.build import build as build_course
    from nbseal.course import Course

    for built in build_course(Course(course), assignments or None, force=force):
        kinds = {"release": built.release, "solutions": built.solutions}
        written = [f"{kind}/ ({', '.join(files)})" for kind, files in kinds.items() if files]
        _say(console, f"{built.assignment}: {'; '.join(written) or 'up to date'}")
        for note in built.notes:
            _say(complaints, f"note: {built.assignment}: {note}")


@app.command(epilog="Example: nbseal grade 01-gates --student ada --student grace")
def grade(
    assignment: Annotated[str, typer.Argument(help="The assignment to grade.")],
    student: Annotated[list[str] | None, typer.Option(help="Only this student (repeat for more).")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Submissions at a time.")] = None,
    force: Annotated[bool, typer.Option(help="Grade what hasn't changed, too.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all scorecards to this file.")] = None,
    details: Annotated[bool, typer.Option(help="Print a line for each question that lost marks.")] = False,
    unsealed: Annotated[
        bool, typer.Option(help="Run code that you trust without walls; every scorecard says so.")
    ] = False,
    course: CourseOption = Path(),
) -> None:
    """Grade the submissions of an assignment, in parallel, and record the marks in the gradebook."""
    from nbseal.sandbox import start_ahead

    with closing(start_ahead()) as ahead:
        _grade(assignment, student, jobs, force, json_file, details, unsealed, course, ahead)


def _grade(
    assignment: str,
    student: list[str] | None,
    jobs: int | None,
    force: bool,
    json_file: Path | None,
    details: bool,
    unsealed: bool,
    course: Path,
    ahead: Ahead,
) -> None:
    from nbseal.course import Course
    from nbseal.grade import Done, grade_class
    from nbseal.show import done_line

    if json_file and not json_file.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {json_file.absolute().parent} doesn't exist.", param_hint="--json")
    gc.freeze()
    gc.enable()
    with _progress() as progress:
        task = progress.add_task(assignment, total=None)

        def on_done(done: Done) -> None:
            progress.advance(task)
            if progress.disable:
                print(done_line(done), flush=True)

        try:
            result = grade_class(
                Course(course),
                assignment,
                students=student,
                jobs=jobs,
                force=force,
                unsealed=unsealed,
                on_start=lambda total: progress.update(task, total=total),
                on_done=on_done,
                ahead=ahead,
            )
        except KeyboardInterrupt:
            progress.stop()
            _say(complaints, STOPPED)
            raise typer.Exit(EXIT_STOPPED) from None
    _show(assignment, result, details)
    if json_file:
        text = json.dumps([card.to_dict() for card in result.scorecards], ensure_ascii=False, indent=1)
        json_file.write_text(text, encoding="utf-8", errors="backslashreplace")
    if result.troubles:
        raise typer.Exit(EXIT_NOT_RECORDED)


def _show(assignment: str, result: ClassResult, details: bool) -> None:
    """Print what a run was like: marks if asked for, one line about all, and what went wrong."""
    from nbseal.show import gradebook_table, lost_marks, summary

    if details:
        if not console.is_terminal:
            console.width = 1000  # a file or a pipe has no edge at which columns must be cut
        console.print(gradebook_table(assignment, result.scorecards))
        for line in lost_marks(result.scorecards):
            _say(console, line)
    _say(console, summary(assignment, result))
    for note in result.notes:
        _say(complaints, f"note: {note}")
    for trouble in result.troubles:
        _say(complaints, f"not recorded: {trouble}")


@app.command(epilog="Example: nbseal check my/01-gates.ipynb --assignment 01-gates")
def check(
    notebook: Annotated[Path, typer.Argument(help="The notebook to grade.")],
    assignment: Annotated[str, typer.Option("--assignment", "-a", help="Its assignment.")],
    as_json: JsonOption = False,
    unsealed: Annotated[bool, typer.Option(help="Run code that you trust without walls.")] = False,
    course: CourseOption = Path(),
) -> None:
    """Grade one notebook file; the gradebook isn't touched."""
    from nbseal.grade import grade_notebook
    from nbseal.show import scorecard_text

    card: Scorecard = grade_notebook(notebook, assignment, course, unsealed)
    if as_json:
        print(card.to_json())
    else:
        _say(console, scorecard_text(card))


@app.command(epilog="Example: nbseal doctor --json")
def doctor(course: CourseOption = Path(), as_json: JsonOption = False) -> None:
    """Say what this machine offers: versions, seal level and why, data that the assignments find."""
    from nbseal.doctor import examine

    findings = examine(course)
    if as_json:
        print(json.dumps(findings, ensure_ascii=False, indent=1))
        return
    for title, lines in findings.items():
        console.print(f"[bold]{title}[/bold]")
        for name, value in lines.items():
            _say(console, f"  {name}: {value}")


def _say(where: Console, text: str) -> None:
    """Print text as it is: no markup in it, and no line breaks that aren't there."""
    where.print(text, markup=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """Submissions a second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "")


def _progress() -> Progress:
    """A progress bar on a terminal; elsewhere each student gets a plain line."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def main() -> None:
    """Run the command line; errors that are explained become one message and exit code 1."""
    sys.setswitchinterval(0.0005)  # threads that wait for answers must not wait for the one that records, too
    gc.disable()  # what is imported stays: looking through it again and again takes a fifth of the start
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that can't be printed stops nothing
    try:
        app()
    except (NbsealError, TraitError, OSError) as error:
        _say(complaints, f"nbseal: {_explain(error)}")
        if os.environ.get("NBSEAL_DEBUG"):
            raise
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        _say(complaints, STOPPED)
        sys.exit(EXIT_STOPPED)


def _explain(error: Exception) -> str:
    if isinstance(error, TraitError):
        return f"a setting in nbgrader_config.py doesn't fit: {error}"
    if isinstance(error, OSError) and error.filename:
        return f"{os.fsdecode(error.filename)}: {error.strerror}; mend that and run again."
    return str(error)


if __name__ == "__main__":
    main()
