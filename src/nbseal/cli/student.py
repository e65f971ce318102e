"""``nbseal student``: what the course keeps about one student, to be handed over or deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbseal.cli.options import Group, complete_student, course_option, output_option, say
from nbseal.text import one_line

if TYPE_CHECKING:
    from nbseal.course import Course
    from nbseal.student_data import StudentData

missing_option = click.option("--missing-ok", is_flag=True, help="Where nothing is kept, do nothing: that is no error.")
student_argument = click.argument("name", metavar="STUDENT", help="The student's id.", shell_complete=complete_student)


@click.group(cls=Group)
def student() -> None:
    """Export or delete what is kept about one student.

    That is work, feedback, marks, comments, scorecards, decisions and extensions, and copies in nbgrader's exchange.
    Backups are named and not changed. Put -- before a name that begins with a hyphen.
    """


@student.command(epilog="Example: nbseal student export ada --output ada.zip")
@student_argument
@output_option("The file to be made.", "student.zip")
@click.option("--force", is_flag=True, help="Replace what is there already.")
@missing_option
@course_option
def export(name: str, output: Path | None, force: bool, missing_ok: bool, course: Path) -> None:
    """Write what is kept about a student into a zip."""
    from nbseal.course import Course
    from nbseal.student_data import write_archive

    opened, path = Course(course), output or Path("student.zip")
    data = _find(opened, name, missing_ok)
    if data is None:
        return
    for left_out in write_archive(opened, data, path, force):
        say(one_line(f"left out, no regular file: {left_out}"), err=True)
    say(one_line(f"{path}: what is kept about {name}. Scorecards name hidden tests: look before you hand it over."))
    _say_what_stays(data)


@student.command(epilog="Example: nbseal student delete ada --dry-run")
@student_argument
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@missing_option
@course_option
def delete(name: str, dry_run: bool, yes: bool, missing_ok: bool, course: Path) -> None:
    """Delete what is kept about a student, for good.

    Do it while nobody grades. If it was stopped, give the command again.
    """
    from nbseal.course import Course
    from nbseal.student_data import delete

    opened = Course(course)
    data = _find(opened, name, missing_ok)
    if data is None:
        return
    for line in data.lines():
        say(one_line(line))
    _say_what_stays(data)
    if dry_run:
        say("nothing was deleted (--dry-run)", err=True)
        return
    if not yes:
        click.confirm(one_line(f"Delete all of this about {name}?"), abort=True)
    delete(opened, data)
    say(one_line(f"deleted: what was kept about {name}"))


def _find(course: Course, name: str, missing_ok: bool) -> StudentData | None:
    from nbseal.errors import UnknownName
    from nbseal.student_data import find

    try:
        return find(course, name)
    except UnknownName:
        if missing_ok:
            return None
        raise


def _say_what_stays(data: StudentData) -> None:
    for path in data.backups:
        say(one_line(f"backup, not changed: {path}"), err=True)
    if data.exchange.reason:
        say(one_line(f"note: {data.exchange.reason}"), err=True)
