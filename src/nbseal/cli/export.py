"""The commands below ``nbseal export``: parse, call one function, show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from nbseal.cli.options import (
    EXIT_LEFT_OUT,
    PATH,
    Group,
    LinuxCommand,
    assignment_argument,
    course_option,
    gathered,
    json_option,
    json_text,
    output_option,
    say,
)
from nbseal.course import Course
from nbseal.export.canvas import Match as CanvasMatch
from nbseal.export.canvas import fill_canvas
from nbseal.export.csv_columns import ExportResult, write_new
from nbseal.export.gradescope import Visibility, make_gradescope_zip
from nbseal.export.marks import AssignmentMarks, decide, read_marks
from nbseal.export.moodle import Match as MoodleMatch
from nbseal.export.moodle import WorksheetColumns, fill_worksheet, make_import
from nbseal.export.spreadsheet import export_csv
from nbseal.text import command, one_line, shell


class OneOf(click.Choice[StrEnum]):
    """A choice by value, where click would offer the names of an enumeration."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """What is typed for a choice."""
        return str(choice)


def choice_option(name: str, kinds: type[StrEnum], text: str) -> Callable[[Any], Any]:
    """An option for one of ``kinds``; the first of them unless another is named."""
    return click.option(name, type=OneOf(kinds), default=str(next(iter(kinds))), show_default=True, help=text)


@dataclass(frozen=True)
class ExportOptions:
    """What every export of marks is told: where the course and the new file are, which marks, and how to report.

    Without ``output`` the new file has a name of its own.
    """

    course: Path
    output: Path | None
    force: bool
    as_json: bool
    partial: bool
    zero_missing: bool = False

    def marks(self, assignment: str) -> AssignmentMarks:
        """The assignment's marks as they are to be given away."""
        marks = read_marks(Course(self.course), assignment)
        decided = {student: decide(mark, self.partial, self.zero_missing) for student, mark in marks.by_student.items()}
        return replace(marks, by_student=decided)


force_option = click.option("--force", is_flag=True, help="Replace what already exists.")
partial_option = click.option("--partial", is_flag=True, help="Give the sum so far where a mark waits for a person.")
zero_option = click.option(
    "--zero-missing", is_flag=True, help="Give 0 to students of the gradebook who handed nothing in."
)


def export_options(shown: str) -> Callable[[Any], Any]:
    """What every export of marks takes, as one argument ``options``; ``shown`` is the new file's name in words."""
    output = output_option("The file to write.", shown)
    shared = (output, partial_option, force_option, json_option, course_option)

    def decorate(function: Callable[..., Any]) -> Any:
        command = gathered("options", ExportOptions)(function)
        for option in reversed(shared):
            command = option(command)
        return command

    return decorate


@click.group(cls=Group)
def export() -> None:
    """Give marks and assignments to other systems.

    Marks to Canvas, Moodle, a spreadsheet or a platform's gradebook (LTI); assignments to otter-grader or Gradescope.
    """


@export.command(epilog="Example: nbseal export canvas 01-gates Grades-NN101.csv --output upload.csv")
@assignment_argument
@click.argument("download", type=PATH, help="The gradebook as Canvas exports it.")
@click.option("--column", show_default="the assignment's name", help="Title or id of the assignment in Canvas.")
@choice_option("--match-by", CanvasMatch, "Which fields tell who a student is.")
@zero_option
@export_options("<download>-<assignment>.csv")
def canvas(assignment: str, download: Path, column: str | None, match_by: CanvasMatch, options: ExportOptions) -> None:
    """Fill in a column of a gradebook from Canvas.

    The gradebook is downloaded there, and the filled in file imported again.
    """
    result, content = fill_canvas(options.marks(assignment), download, match_by, column)
    result.path = options.output or _beside(download, assignment)
    write_new(result.path, content, options.force, download)
    _report(result, options.as_json)


@export.command(epilog="Example: nbseal export moodle 01-gates --worksheet Grades-NN101-gates-42.csv --match-by email")
@assignment_argument
@click.option("--worksheet", type=PATH, help="Fill in this grading worksheet (default: make a file to import).")
@choice_option("--match-by", MoodleMatch, "Which fields tell who a student is.")
@click.option("--match-column", help="The title of that column, if Moodle isn't in English.")
@click.option("--grade-column", default="Grade", show_default=True, help="The title of the column for marks.")
@zero_option
@export_options("<worksheet>-<assignment>.csv, or <assignment>-moodle.csv")
@gathered("columns", WorksheetColumns)
def moodle(assignment: str, worksheet: Path | None, columns: WorksheetColumns, options: ExportOptions) -> None:
    """Fill in a worksheet of Moodle, or make a file to import."""
    marks = options.marks(assignment)
    if worksheet is None:
        path = options.output or Path(f"{assignment}-moodle.csv")
        result, content = make_import(marks, columns.match_by, path)
    else:
        path = options.output or _beside(worksheet, assignment)
        result, content = fill_worksheet(marks, worksheet, columns)
    result.path = path
    write_new(path, content, options.force, worksheet)
    _report(result, options.as_json)


@export.command(epilog="Example: nbseal export csv 01-gates 02-xor --output marks.csv")
@click.argument("assignments", nargs=-1, help="Assignments; all by default.")
@export_options("grades.csv")
def csv(assignments: tuple[str, ...], options: ExportOptions) -> None:
    """Write nbgrader's CSV, in which no name is a formula.

    It has a line for each student and assignment.
    """
    path = options.output or Path("grades.csv")
    course = Course(options.course)
    _report(export_csv(course, list(assignments) or None, path, options.partial, options.force), options.as_json)


@export.command(epilog="Example: nbseal export lti 01-gates --dry-run")
@assignment_argument
@click.option("--column", show_default="the assignment's name", help="Label or address of the column there.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@json_option
@course_option
def lti(assignment: str, column: str | None, dry_run: bool, as_json: bool, course: Path) -> None:
    """Send final marks to a platform's gradebook (LTI).

    What is there already isn't sent again; a column that is missing is made. Settings: c.Lti.
    """
    from nbseal.lti import require_libraries

    require_libraries()
    from nbseal.export.lti import export_lti

    opened = Course(course)
    _report(export_lti(opened, read_marks(opened, assignment), column, dry_run), as_json)


@export.command(
    cls=LinuxCommand,
    epilog="Example: nbseal export gradescope 01-gates --output 01-gates.zip --visibility after_due_date",
)
@assignment_argument
@output_option("The file to write.", "<assignment>-gradescope.zip")
@choice_option("--visibility", Visibility, "When students see the tests.")
@force_option
@course_option
def gradescope(assignment: str, output: Path | None, visibility: Visibility, force: bool, course: Path) -> None:
    """Make a sealed autograder for Gradescope."""
    target = output or Path(f"{assignment}-gradescope.zip")
    write_new(target, make_gradescope_zip(Course(course), assignment, visibility), force)
    say(f"{target}: upload it in Gradescope (Configure Autograder, zip file upload; base image Ubuntu 24.04).")
    say("It holds the hidden tests: don't share it.")


@export.command(cls=LinuxCommand, epilog="Example: nbseal export otter 01-gates --output dist")
@assignment_argument
@output_option("The folder to write.", "otter/<assignment>")
@click.option("--file", multiple=True, help="A file that students hand in with the notebook (repeat for more).")
@force_option
@course_option
def otter(assignment: str, output: Path | None, file: tuple[str, ...], force: bool, course: Path) -> None:
    """Make otter-grader's notebook and a sealed autograder."""
    from nbseal.export.otter import export_otter

    for line in export_otter(Course(course), assignment, output or Path("otter") / assignment, list(file), force):
        say(line)


def _beside(download: Path, assignment: str) -> Path:
    return download.with_name(f"{download.stem}-{assignment}.csv")


def _report(result: ExportResult, as_json: bool) -> None:
    """Say what became of each mark; exit code 4 if some are not in the file."""
    if as_json:
        click.echo(json_text(result.to_dict()), nl=False)
    else:
        count = len(result.written)
        say(one_line(f"{result.path}: {count} {'mark' if count == 1 else 'marks'} of {result.assignment}"))
    for note in result.notes:
        _complain(f"note: {note}")
    if result.strangers:
        _complain(f"not in the gradebook, left as they are: {'; '.join(result.strangers)}")
    if result.missing:
        _complain(f"handed nothing in, no mark given: {', '.join(result.missing)}")
    for assignment, students in result.resubmitted.items():
        _complain(
            f"handed in again after grading, the mark is that of the older submission: {', '.join(students)}; "
            f"run {shell(command('grade', assignment))} and export again"
        )
    for student, reason in result.left_out:
        _complain(f"left out: {student}: {reason}")
    if result.left_out:
        raise click.exceptions.Exit(EXIT_LEFT_OUT)


def _complain(text: str) -> None:
    say(one_line(text), err=True)
