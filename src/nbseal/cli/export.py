"""The commands below ``nbseal export``: parse, call one function, show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial as with_arguments
from pathlib import Path
from typing import Any

import click

from nbseal.cli.options import EXIT_LEFT_OUT, PATH, Group, assignment_argument, course_option, print_json
from nbseal.course import Course
from nbseal.export.canvas import Match as CanvasMatch
from nbseal.export.canvas import fill_canvas
from nbseal.export.csv_columns import Delivery, write_new
from nbseal.export.gradescope import Visibility, make_gradescope_zip
from nbseal.export.marks import AssignmentMarks, decide, read_marks
from nbseal.export.moodle import Match as MoodleMatch
from nbseal.export.moodle import fill_worksheet, make_import
from nbseal.export.spreadsheet import export_csv
from nbseal.text import printable


class OneOf(click.Choice[StrEnum]):
    """A choice by value, where click would offer the names of an enumeration."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """What is typed for a choice."""
        return str(choice)


def choice_option(name: str, kinds: type[StrEnum], text: str) -> Callable[[Any], Any]:
    """An option for one of ``kinds``; the first of them unless another is named."""
    return click.option(name, type=OneOf(kinds), default=str(next(iter(kinds))), show_default=True, help=text)


def to_option(shown: str) -> Callable[[Any], Any]:
    """The option for the file or folder to be made, whose default is told in words."""
    return click.option("--to", type=PATH, show_default=shown, help="The new file or folder.")


force_option = click.option("--force", is_flag=True, help="Replace what is there already.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print what became of each mark as JSON.")
partial_option = click.option("--partial", is_flag=True, help="Give the sum so far where a mark waits for a person.")
zero_option = click.option(
    "--zero-missing", is_flag=True, help="Give 0 to students of the gradebook who handed nothing in."
)


@click.group(cls=Group)
def export() -> None:
    """Give marks and assignments to other systems.

    Marks to Canvas, Moodle or a spreadsheet; assignments to otter-grader or Gradescope.
    """


@export.command(epilog="Example: nbseal export canvas 01-gates Grades-NN101.csv --to upload.csv")
@assignment_argument
@click.argument("download", type=PATH, help="The gradebook as Canvas exports it.")
@to_option("<download>-<assignment>.csv")
@click.option("--column", show_default="the assignment's name", help="Title or id of the assignment in Canvas.")
@choice_option("--match", CanvasMatch, "What is compared to find a student.")
@partial_option
@zero_option
@force_option
@json_option
@course_option
def canvas(
    assignment: str,
    download: Path,
    to: Path | None,
    column: str | None,
    match: CanvasMatch,
    partial: bool,
    zero_missing: bool,
    force: bool,
    as_json: bool,
    course: Path,
) -> None:
    """Fill in a column of a gradebook from Canvas.

    The gradebook is downloaded there, and the filled in file imported again.
    """
    marks = _marks(course, assignment, partial, zero_missing)
    target = to or _beside(download, assignment)
    _deliver(lambda: fill_canvas(marks, download, match, column), target, download, force, as_json)


@export.command(epilog="Example: nbseal export moodle 01-gates --worksheet Grades-NN101-gates-42.csv --match email")
@assignment_argument
@click.option("--worksheet", type=PATH, help="Fill in this grading worksheet; else a file for Grades, Import is made.")
@to_option("<assignment>-moodle.csv")
@choice_option("--match", MoodleMatch, "What is compared to find a student.")
@click.option("--match-column", help="The title of that column, if Moodle isn't in English.")
@click.option("--grade-column", default="Grade", show_default=True, help="The title of the column for marks.")
@partial_option
@zero_option
@force_option
@json_option
@course_option
def moodle(
    assignment: str,
    worksheet: Path | None,
    to: Path | None,
    match: MoodleMatch,
    match_column: str | None,
    grade_column: str,
    partial: bool,
    zero_missing: bool,
    force: bool,
    as_json: bool,
    course: Path,
) -> None:
    """Fill in a worksheet of Moodle, or make a file to import."""
    marks = _marks(course, assignment, partial, zero_missing)
    if worksheet is None:
        target = to or Path(f"{assignment}-moodle.csv")
        _deliver(lambda: make_import(marks, match, target), target, None, force, as_json)
        return
    target = to or _beside(worksheet, assignment)
    fill = with_arguments(fill_worksheet, marks, worksheet, match, match_column, grade_column)
    _deliver(fill, target, worksheet, force, as_json)


@export.command(epilog="Example: nbseal export csv 01-gates 02-xor --to marks.csv")
@click.argument("assignments", nargs=-1, help="Assignments; all if none is named.")
@click.option("--to", type=PATH, default=Path("grades.csv"), show_default=True, help="The new file.")
@partial_option
@force_option
@json_option
@course_option
def csv(assignments: tuple[str, ...], to: Path, partial: bool, force: bool, as_json: bool, course: Path) -> None:
    """Write nbgrader's CSV, in which no name is a formula.

    It has a line for each student and assignment.
    """
    _report(export_csv(Course(course), list(assignments) or None, to, partial, force), as_json)


@export.command(epilog="Example: nbseal export gradescope 01-gates --to 01-gates.zip --visibility after_due_date")
@assignment_argument
@to_option("<assignment>-gradescope.zip")
@choice_option("--visibility", Visibility, "When students see the tests.")
@force_option
@course_option
def gradescope(assignment: str, to: Path | None, visibility: Visibility, force: bool, course: Path) -> None:
    """Make a sealed autograder for Gradescope."""
    target = to or Path(f"{assignment}-gradescope.zip")
    write_new(target, make_gradescope_zip(Course(course), assignment, visibility), force)
    _say(f"{target}: upload it in Gradescope (Configure Autograder, zip file upload; base image Ubuntu 24.04).")
    _say("It holds the hidden tests: give it to nobody else.")


@export.command(epilog="Example: nbseal export otter 01-gates --to dist")
@assignment_argument
@to_option("otter/<assignment>")
@click.option("--file", multiple=True, help="A file that students hand in with the notebook (repeat for more).")
@force_option
@course_option
def otter(assignment: str, to: Path | None, file: tuple[str, ...], force: bool, course: Path) -> None:
    """Make otter-grader's notebook and a sealed autograder."""
    from nbseal.export.otter import export_otter

    for line in export_otter(Course(course), assignment, to or Path("otter") / assignment, list(file), force):
        _say(line)


def _marks(course: Path, assignment: str, partial: bool, zero_missing: bool) -> AssignmentMarks:
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
        print_json(delivery.to_dict())
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
        raise click.exceptions.Exit(EXIT_LEFT_OUT)


def _say(text: str, **how: Any) -> None:
    """Print a line that may hold a student's name: nothing in it that a terminal would obey."""
    click.echo(" ".join(printable(text).split()), **how)


def _complain(text: str) -> None:
    _say(text, err=True)
