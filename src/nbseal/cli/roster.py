"""``nbseal roster``: who is in the course, as another system says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbseal.cli.options import EXIT_LEFT_OUT, Group, course_option, json_option, json_text, say
from nbseal.text import one_line

if TYPE_CHECKING:
    from nbseal.lti.roster import RosterResult


@click.group(cls=Group)
def roster() -> None:
    """Bring the gradebook's students up to date."""


@roster.command(epilog="Example: nbseal roster lti --dry-run")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
@course_option
def lti(dry_run: bool, as_json: bool, course: Path) -> None:
    """Take names, addresses and ids from a platform (LTI).

    Learners of the platform's course are added or brought up to date; nobody is taken away. Settings: c.Lti.
    """
    from nbseal.course import Course
    from nbseal.lti import require_libraries

    require_libraries()
    from nbseal.lti.roster import fill_roster

    result = fill_roster(Course(course), dry_run)
    if as_json:
        click.echo(json_text(result.to_dict()), nl=False)
    _report(result, dry_run, as_json)
    if result.left_out:
        raise click.exceptions.Exit(EXIT_LEFT_OUT)


def _report(result: RosterResult, dry_run: bool, as_json: bool) -> None:
    would = "would be " if dry_run else ""
    if not as_json:
        say(f"{would}added: {len(result.added)}; {would}brought up to date: {len(result.changed)}")
        for what, names in (("added", result.added), ("brought up to date", result.changed)):
            if names:
                say(one_line(f"{would}{what}: {', '.join(names)}"))
    if result.not_there:
        say(one_line(f"in the gradebook only, left as they are: {', '.join(result.not_there)}"), err=True)
    for member, reason in result.left_out:
        say(one_line(f"left out: {member}: {reason}"), err=True)
