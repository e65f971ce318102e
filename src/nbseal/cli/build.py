"""``nbseal build``: make release/ and solutions/ from source/."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nbseal.cli.options import Command, Output, complete_assignment, course_option, say, text_options


@click.command(cls=Command, epilog="Example: nbseal build 01-gates")
@click.argument("assignments", nargs=-1, help="Assignments; all if none is named.", shell_complete=complete_assignment)
@click.option("--force", is_flag=True, help="Build even what is up to date.")
@text_options
@course_option
def build(assignments: tuple[str, ...], force: bool, output: Output, course: Path) -> None:
    """Make release/ and solutions/ from source/."""
    from nbseal.build import build as build_course
    from nbseal.course import Course

    everything = build_course(Course(course), list(assignments) or None, force=force)
    if output.as_json:
        output.write_json([asdict(built) for built in everything])
        return
    for built in everything:
        kinds = {"release": built.release, "solutions": built.solutions}
        written = [f"{kind}/ ({', '.join(files)})" for kind, files in kinds.items() if files]
        say(f"{built.assignment}: {'; '.join(written) or 'up to date'}")
        for note in built.notes:
            say(f"note: {built.assignment}: {note}", err=True)
