"""``nbseal feedback``: make the feedback pages that are out of date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbseal.cli.options import (
    EXIT_INCOMPLETE,
    Command,
    Output,
    assignment_argument,
    complete_student,
    course_option,
    say,
    text_options,
)
from nbseal.cli.progress import show_progress
from nbseal.text import one_line

if TYPE_CHECKING:
    from nbseal.feedback.class_pages import ClassPages, Page


@click.command(cls=Command, epilog="Example: nbseal feedback 01-gates --student ada --student grace")
@assignment_argument
@click.option("--student", multiple=True, help="Only this student (repeat for more).", shell_complete=complete_student)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Pages at a time.")
@text_options
@course_option
def feedback(assignment: str, student: tuple[str, ...], jobs: int | None, output: Output, course: Path) -> None:
    """Make the feedback pages that are out of date.

    They are those that nbgrader generate_feedback makes, in the same places. A page is out of date when the graded
    notebook, its marks or comments, or pictures beside it have changed since it was made.
    """
    from nbseal.course import Course
    from nbseal.feedback.class_pages import make_class_pages

    opened = Course(course)
    with show_progress(assignment, output.as_json, _line) as progress:
        result = make_class_pages(opened, assignment, list(student) or None, jobs, progress)
    say(_summary(assignment, result), err=output.as_json)
    for note in result.notes:
        say(f"note: {one_line(note)}", err=True)
    failed = [page for page in result.pages if page.problem]
    for page in failed:
        say(f"not made: {one_line(f'{page.student}, {page.notebook}.html: {page.problem}')}", err=True)
    if output.as_json:
        lines = (json.dumps(_as_data(page, opened.root), ensure_ascii=False) for page in result.pages)
        output.write("[\n" + ",\n".join(lines) + "\n]\n")
    if failed:
        raise click.exceptions.Exit(EXIT_INCOMPLETE)


def _line(page: Page) -> str:
    return f"{one_line(page.student)}: {one_line(page.notebook)}.html {page.outcome}"


def _summary(assignment: str, result: ClassPages) -> str:
    from nbseal.feedback.class_pages import Outcome

    made, unchanged = result.count(Outcome.MADE), result.count(Outcome.UNCHANGED)
    text = f"{assignment}: {made} {'page' if made == 1 else 'pages'} made in {result.seconds:.1f} s"
    return f"{text}; {unchanged} up to date" if unchanged else text


def _as_data(page: Page, root: Path) -> dict[str, Any]:
    path = page.path.relative_to(root) if page.path.is_relative_to(root) else page.path
    found = {"student": page.student, "notebook": page.notebook, "page": path.as_posix(), "outcome": str(page.outcome)}
    return found | ({"problem": page.problem} if page.problem else {})
