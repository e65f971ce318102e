"""Commands that grade: a class, or one notebook."""

from __future__ import annotations

import gc
import json
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

from nbseal.cli import ahead
from nbseal.cli.app import app
from nbseal.cli.common import (
    EXIT_NOT_RECORDED,
    EXIT_STOPPED,
    STOPPED,
    AssignmentArgument,
    CourseOption,
    JsonOption,
    complaints,
    complete_assignment,
    complete_student,
    console,
    print_json,
    say,
)
from nbseal.results import Scorecard

if TYPE_CHECKING:
    from nbseal.grade import ClassResult


STDOUT = Path("-")
StudentOption = Annotated[
    list[str] | None,
    typer.Option(help="Only this student (repeat for more).", autocompletion=complete_student, show_default=False),
]


@app.command(epilog="Example: nbseal grade 01-gates --student ada --student grace")
def grade(
    assignment: AssignmentArgument,
    student: StudentOption = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Submissions at a time.")] = None,
    force: Annotated[bool, typer.Option(help="Grade what hasn't changed, too.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all scorecards to this file; - is standard output.")
    ] = None,
    details: Annotated[bool, typer.Option(help="Print a line for each question that lost marks.")] = False,
    unsealed: Annotated[
        bool, typer.Option(help="Run code that you trust without walls; every scorecard says so.")
    ] = False,
    course: CourseOption = Path(),
) -> None:
    """Grade the submissions of an assignment, in parallel, and record the marks in the gradebook."""
    with closing(ahead.take()) as processes:
        options = {"students": student, "jobs": jobs, "force": force, "unsealed": unsealed, "ahead": processes}
        _grade(assignment, course, json_file, details, options)


def _grade(assignment: str, course: Path, json_file: Path | None, details: bool, options: dict[str, Any]) -> None:
    from nbseal.course import Course
    from nbseal.grade import Done, grade_class
    from nbseal.show import done_line

    if json_file and json_file != STDOUT and not json_file.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {json_file.absolute().parent} doesn't exist.", param_hint="--json")
    lines = complaints if json_file == STDOUT else console
    with _progress(lines) as progress:
        task = progress.add_task(assignment, total=None)

        def on_start(total: int) -> None:
            gc.freeze()
            gc.enable()  # now that everything is loaded
            progress.update(task, total=total)

        def on_done(done: Done) -> None:
            progress.advance(task)
            if progress.disable:
                print(done_line(done), file=lines.file, flush=True)

        try:
            result = grade_class(
                Course(course),
                assignment,
                on_start=on_start,
                on_done=on_done,
                **options,
            )
        except KeyboardInterrupt:
            progress.stop()
            say(complaints, STOPPED)
            raise typer.Exit(EXIT_STOPPED) from None
    _show(assignment, result, details, lines)
    if json_file:
        _write_json(json_file, [card.to_dict() for card in result.scorecards])
    if result.troubles:
        raise typer.Exit(EXIT_NOT_RECORDED)


def _write_json(file: Path, cards: list[dict[str, Any]]) -> None:
    if file == STDOUT:
        print_json(cards)
        return
    text = json.dumps(cards, ensure_ascii=False, indent=1)
    file.write_text(text, encoding="utf-8", errors="backslashreplace")


def _show(assignment: str, result: ClassResult, details: bool, lines: Console) -> None:
    """Print what a run was like: marks if asked for, one line about all, and what went wrong."""
    from nbseal.show import gradebook_table, lost_marks, summary

    if details:
        if not lines.is_terminal:
            lines.width = 1000  # a file or a pipe has no edge at which columns must be cut
        lines.print(gradebook_table(assignment, result.scorecards))
        for line in lost_marks(result.scorecards):
            say(lines, line)
    say(lines, summary(assignment, result))
    for note in result.notes:
        say(complaints, f"note: {note}")
    for trouble in result.troubles:
        say(complaints, f"not recorded: {trouble}")


@app.command(epilog="Example: nbseal check my/01-gates.ipynb --assignment 01-gates")
def check(
    notebook: Annotated[Path, typer.Argument(help="The notebook to grade.")],
    assignment: Annotated[
        str, typer.Option("--assignment", "-a", help="Its assignment.", autocompletion=complete_assignment)
    ],
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
        say(console, scorecard_text(card))


class _Rate(ProgressColumn):
    """Submissions a second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "")


def _progress(where: Console) -> Progress:
    """A progress bar on a terminal; elsewhere each student gets a plain line."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=where,
        disable=not where.is_terminal,
    )
