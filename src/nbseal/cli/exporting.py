"""The commands below ``nbseal export``: parse, call one function, show.

Exit codes: those of ``nbseal``, and 4 when the file was written but some marks are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from nbseal.cli.common import EXIT_LEFT_OUT, AssignmentArgument, CourseOption
from nbseal.course import Course
from nbseal.export.canvas import Match as CanvasMatch
from nbseal.export.canvas import fill_canvas
from nbseal.export.delivery import Delivery, write_new
from nbseal.export.gradescope import Visibility, make_gradescope_zip
from nbseal.export.marks import Marks, decide, read_marks
from nbseal.export.moodle import Match as MoodleMatch
from nbseal.export.moodle import fill_worksheet, make_import
from nbseal.export.spreadsheet import export_csv
from nbseal.record.feedback import printable

app = typer.Typer(
    name="export",
    add_completion=False,
    no_args_is_help=True,
    help="Give marks to Canvas, Moodle or a spreadsheet, and assignments to otter-grader or Gradescope.",
)
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print what became of each mark as JSON.")]
PartialOption = Annotated[bool, typer.Option("--partial", help="Give the sum so far where a mark waits for a person.")]
ZeroOption = Annotated[
    bool, typer.Option("--zero-missing", help="Give 0 to students of the gradebook who handed nothing in.")
]


@app.command(epilog="Example: nbseal export canvas 01-gates Grades-NN101.csv --to upload.csv")
def canvas(
    assignment: AssignmentArgument,
    download: Annotated[Path, typer.Argument(help="The gradebook as Canvas exports it.")],
    to: Annotated[Path | None, typer.Option(help="The new file.", show_default="<download>-<assignment>.csv")] = None,
    column: Annotated[
        str | None, typer.Option(help="Title or id of the assignment in Canvas.", show_default="the assignment's name")
    ] = None,
    match: Annotated[CanvasMatch, typer.Option(help="What is compared to find a student.")] = CanvasMatch.LOGIN,
    partial: PartialOption = False,
    zero_missing: ZeroOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    course: CourseOption = Path(),
) -> None:
    """Fill in an assignment's column in a gradebook that was downloaded from Canvas, for importing it there."""
    marks = _marks(course, assignment, partial, zero_missing)
    target = to or _beside(download, assignment)
    _deliver(lambda: fill_canvas(marks, download, match, column), target, download, force, as_json)


@app.command(epilog="Example: nbseal export moodle 01-gates --worksheet Grades-NN101-gates-42.csv --match email")
def moodle(
    assignment: AssignmentArgument,
    worksheet: Annotated[
        Path | None, typer.Option(help="Fill in this grading worksheet; else a file for Grades, Import is made.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The new file.", show_default="<assignment>-moodle.csv")] = None,
    match: Annotated[MoodleMatch, typer.Option(help="What is compared to find a student.")] = MoodleMatch.ID,
    match_column: Annotated[
        str | None, typer.Option(help="The title of that column, if Moodle isn't in English.")
    ] = None,
    grade_column: Annotated[str, typer.Option(help="The title of the column for marks.")] = "Grade",
    partial: PartialOption = False,
    zero_missing: ZeroOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    course: CourseOption = Path(),
) -> None:
    """Fill in a grading worksheet of Moodle, or make a file for its gradebook's import."""
    marks = _marks(course, assignment, partial, zero_missing)
    if worksheet is None:
        target = to or Path(f"{assignment}-moodle.csv")
        _deliver(lambda: make_import(marks, match, target), target, None, force, as_json)
        return
    target = to or _beside(worksheet, assignment)
    fill: Callable[[], tuple[Delivery, bytes]] = lambda: fill_worksheet(  # noqa: E731
        marks, worksheet, match, match_column, grade_column
    )
    _deliver(fill, target, worksheet, force, as_json)


@app.command("csv", epilog="Example: nbseal export csv 01-gates 02-xor --to marks.csv")
def csv_(
    assignments: Annotated[list[str] | None, typer.Argument(help="Assignments; all if none is named.")] = None,
    to: Annotated[Path, typer.Option(help="The new file.")] = Path("grades.csv"),
    partial: PartialOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    course: CourseOption = Path(),
) -> None:
    """Write nbgrader's CSV: a line for each student and assignment, in which no name is a formula."""
    _report(export_csv(Course(course), assignments or None, to, partial, force), as_json)


@app.command(epilog="Example: nbseal export gradescope 01-gates --to 01-gates.zip --visibility after_due_date")
def gradescope(
    assignment: AssignmentArgument,
    to: Annotated[Path | None, typer.Option(help="The zip.", show_default="<assignment>-gradescope.zip")] = None,
    visibility: Annotated[Visibility, typer.Option(help="When students see the tests.")] = Visibility.VISIBLE,
    force: ForceOption = False,
    course: CourseOption = Path(),
) -> None:
    """Make an autograder for Gradescope that grades with the sealed engine."""
    target = to or Path(f"{assignment}-gradescope.zip")
    write_new(target, make_gradescope_zip(Course(course), assignment, visibility), force)
    _say(f"{target}: upload it in Gradescope (Configure Autograder, zip file upload; base image Ubuntu 24.04).")
    _say("It holds the hidden tests: give it to nobody else.")


@app.command(epilog="Example: nbseal export otter 01-gates --to dist")
def otter(
    assignment: AssignmentArgument,
    to: Annotated[Path | None, typer.Option(help="The new folder.", show_default="otter/<assignment>")] = None,
    file: Annotated[
        list[str] | None, typer.Option(help="A file that students hand in with the notebook (repeat for more).")
    ] = None,
    force: ForceOption = False,
    course: CourseOption = Path(),
) -> None:
    """Make otter-grader's student notebook, and an autograder that grades with the sealed engine."""
    from nbseal.export.otter import export_otter

    for line in export_otter(Course(course), assignment, to or Path("otter") / assignment, file or [], force):
        _say(line)


def _marks(course: Path, assignment: str, partial: bool, zero_missing: bool) -> Marks:
    marks = read_marks(Course(course), assignment)
    decided = {student: decide(mark, partial, zero_missing) for student, mark in marks.by_student.items()}
    return replace(marks, by_student=decided)


def _beside(download: Path, assignment: str) -> Path:
    return download.with_name(f"{download.stem}-{assignment}.csv")


def _deliver(
    make: Callable[[], tuple[Delivery, bytes]], target: Path, source: Path | None, force: bool, as_json: bool
) -> None:
    delivery, content = make()
    write_new(target, content, force, source)
    delivery.path = target
    _report(delivery, as_json)


def _report(delivery: Delivery, as_json: bool) -> None:
    """Say what became of each mark; exit code 4 if some are not in the file."""
    if as_json:
        print(json.dumps(delivery.to_dict(), ensure_ascii=False, indent=1))
    else:
        count = len(delivery.written)
        _say(f"{delivery.path}: {count} {'mark' if count == 1 else 'marks'} of {delivery.assignment}")
    for note in delivery.notes:
        _complain(f"note: {note}")
    if delivery.strangers:
        _complain(f"not in the gradebook, left as they are: {'; '.join(delivery.strangers)}")
    if delivery.missing:
        _complain(f"handed nothing in, no mark given: {', '.join(delivery.missing)}")
    for assignment, students in delivery.resubmitted.items():
        _complain(
            f"handed in again after grading, the mark is that of the older submission: {', '.join(students)}; "
            f"run nbseal grade {assignment} and export again"
        )
    for student, reason in delivery.left_out:
        _complain(f"left out: {student}: {reason}")
    if delivery.left_out:
        raise typer.Exit(EXIT_LEFT_OUT)


def _say(text: str, **how: Any) -> None:
    """Print a line that may hold a student's name: nothing in it that a terminal would obey."""
    typer.echo(" ".join(printable(text).split()), **how)


def _complain(text: str) -> None:
    _say(text, err=True)
