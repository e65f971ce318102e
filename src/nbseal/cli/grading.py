"""Commands that grade: a class, or one notebook."""

from __future__ import annotations

import gc
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbseal.cli import ahead
from nbseal.cli.common import (
    EXIT_NOT_RECORDED,
    EXIT_STOPPED,
    PATH,
    STOPPED,
    Command,
    assignment_argument,
    complete_assignment,
    complete_student,
    course_option,
    json_option,
    say,
    unsealed_option,
)
from nbseal.cli.progress import show_progress

if TYPE_CHECKING:
    from nbseal.grade import ClassResult
    from nbseal.results import Scorecard

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
    with closing(ahead.take()) as processes:
        options = {
            "students": list(student) or None,
            "jobs": jobs,
            "force": force,
            "unsealed": unsealed,
            "ahead": processes,
        }
        _grade(assignment, course, json_file, details, options)


def _grade(assignment: str, course: Path, json_file: Path | None, details: bool, options: dict[str, Any]) -> None:
    from nbseal.course import Course
    from nbseal.grade import grade_class

    if json_file and json_file != STDOUT and not json_file.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder {json_file.absolute().parent} doesn't exist.", param_hint="--json")
    with show_progress(assignment, err=json_file == STDOUT) as progress:

        def on_start(total: int) -> None:
            gc.freeze()
            gc.enable()  # now that everything is loaded
            progress.start(total)

        try:
            result = grade_class(
                Course(course),
                assignment,
                on_start=on_start,
                on_done=progress.done,
                **options,
            )
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
    from nbseal.show import lost_marks, print_table, summary

    if details:
        print_table(assignment, result.scorecards, err)
        for line in lost_marks(result.scorecards):
            say(line, err)
    say(summary(assignment, result), err)
    for note in result.notes:
        say(f"note: {note}", err=True)
    for trouble in result.troubles:
        say(f"not recorded: {trouble}", err=True)


@click.command(cls=Command, epilog="Example: nbseal check my/01-gates.ipynb --assignment 01-gates")
@click.argument("notebook", type=PATH, help="The notebook to grade.")
@click.option("--assignment", "-a", required=True, help="Its assignment.", shell_complete=complete_assignment)
@json_option
@unsealed_option
@course_option
def check(notebook: Path, assignment: str, as_json: bool, unsealed: bool, course: Path) -> None:
    """Grade one notebook file.

    The gradebook isn't touched.
    """
    from nbseal.grade import grade_notebook
    from nbseal.show import scorecard_text

    card: Scorecard = grade_notebook(notebook, assignment, course, unsealed)
    if as_json:
        print(card.to_json())
    else:
        say(scorecard_text(card))
