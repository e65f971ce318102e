"""``nbseal extend``: give one student more time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbseal.cli.options import (
    Command,
    Output,
    complete_assignment,
    complete_student,
    course_option,
    say,
    text_options,
)
from nbseal.text import command, shell

if TYPE_CHECKING:
    from nbseal.gradebook.extensions import Extension


@click.command(cls=Command, epilog='Example: nbseal extend 01-gates ada "2026-05-11 23:00"')
@click.argument("assignment", required=False, help="The assignment.", shell_complete=complete_assignment)
@click.argument("student", required=False, help="The student's id.", shell_complete=complete_student)
@click.argument("date", required=False, help="Until when; a day lasts to its end. In the course's time zone.")
@click.option("--remove", is_flag=True, help="Take the student's line away.")
@text_options
@course_option
def extend(
    assignment: str | None, student: str | None, date: str | None, remove: bool, output: Output, course: Path
) -> None:
    """Give one student more time.

    The date stands in extensions.csv, and counts from the next nbseal grade on. Without a date: show who has more time,
    for all assignments or one.
    """
    from nbseal.course import Course
    from nbseal.gradebook.extensions import grant, read_extensions, revoke

    opened = Course(course)
    if remove:
        if date or not (assignment and student):
            raise click.UsageError("--remove takes away a student's line: nbseal extend ASSIGNMENT STUDENT --remove")
        revoke(opened, assignment, student)
    elif student and not date:
        raise click.UsageError(f"until when? {shell(command('extend', assignment or '', student, '2026-05-11'))}")
    if assignment and student and date:
        for note in grant(opened, assignment, student, date):
            say(f"note: {note}", err=True)
    lines = [
        one
        for one in read_extensions(opened).lines
        if assignment in (None, one.assignment) and student in (None, one.student)
    ]
    if output.as_json:
        output.write_json([_as_data(one) for one in lines])
    elif not lines:
        say("nobody has more time" + (f" for {assignment}" if assignment else ""))
    else:
        for one in lines:
            say(_as_text(one))


def _as_data(one: Extension) -> dict[str, Any]:
    until = one.until.isoformat() if one.until else None
    found: dict[str, Any] = {"assignment": one.assignment, "student": one.student, "until": until, "line": one.line}
    return found | ({"problem": one.problem} if one.problem else {})


def _as_text(one: Extension) -> str:
    if one.until is None:
        return f"{one.where}: {one.problem}"
    return f"{one.assignment}: {one.student} until {one.until:%Y-%m-%d %H:%M:%S %Z}"
