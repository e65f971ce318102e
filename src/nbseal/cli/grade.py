"""``nbseal grade``: grade a class in parallel and record its marks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbseal.cli.options import (
    EXIT_NOT_RECORDED,
    EXIT_STOPPED,
    PATH,
    STOPPED,
    Command,
    assignment_argument,
    complete_student,
    course_option,
    say,
    unsealed_option,
)
from nbseal.cli.progress import show_progress

if TYPE_CHECKING:
    from nbseal.grading import ClassResult

STDOUT = Path("-")


@click.command(cls=Command, epilog="Example: nbseal grade 01-gates --student ada --student grace")
@assignment_argument
@click.option("--student", multiple=True, help="Only this student (repeat for more).", shell_complete=complete_student)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Submissions at a time.")
@click.option("--force", is_flag=True, help="Grade what hasn't changed, too.")
@click.option("--json", "json_file", type=PATH, help="Write all scorecards to this file; - is standard output.")
@click.option("--details", is_flag=True, help="Print a line for each question that lost marks.")
@unsealed_option
@course_option
def grade(
    assignment: str,
    student: tuple[str, ...],
    jobs: int | None,
    force: bool,
    json_file: Path | None,
    details: bool,
    unsealed: bool,
    course: Path,
) -> None:
    """Grade the submissions of an assignment.

    They are graded in parallel, and the marks recorded in the gradebook.
    """
    from nbseal.course import Course
    from nbseal.grading import ClassOptions, grade_class

    if json_file and json_file != STDOUT and not json_file.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder {json_file.absolute().parent} doesn't exist.", param_hint="--json")
    options = ClassOptions(list(student) or None, jobs, force, unsealed)
    with show_progress(assignment, err=json_file == STDOUT) as progress:
        try:
            result = grade_class(Course(course), assignment, options, progress)
        except KeyboardInterrupt:
            progress.stop()
            say(STOPPED, err=True)
            raise click.exceptions.Exit(EXIT_STOPPED) from None
    _show(assignment, result, details, err=json_file == STDOUT)
    if json_file:
        _write_json(json_file, [card.to_dict() for card in result.scorecards])
    if result.troubles:
        raise click.exceptions.Exit(EXIT_NOT_RECORDED)


def _write_json(file: Path, cards: list[dict[str, Any]]) -> None:
    """Write a list with a line for each scorecard."""
    text = "[\n" + ",\n".join(json.dumps(card, ensure_ascii=False) for card in cards) + "\n]\n"
    if file == STDOUT:
        sys.stdout.write(text)
    else:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")


def _show(assignment: str, result: ClassResult, details: bool, err: bool) -> None:
    """Print what a run was like: marks if asked for, one line about all, and what went wrong."""
    from nbseal.terminal import lost_marks, print_table, summary

    if details:
        print_table(assignment, result.scorecards, err)
        for line in lost_marks(result.scorecards):
            say(line, err)
    say(summary(assignment, result), err)
    for note in result.notes:
        say(f"note: {note}", err=True)
    for trouble in result.troubles:
        say(f"not recorded: {trouble}", err=True)
