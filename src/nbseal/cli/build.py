"""``nbseal build``: make release/ and solutions/ from source/."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nbseal.cli.options import Command, Output, complete_assignment, course_option, say, text_options


@click.command(cls=Command, epilog="Example: nbseal build 01-gates")
@click.argument("assignments", nargs=-1, help="Assignments; all by default.", shell_complete=complete_assignment)
@click.option("--force", is_flag=True, help="Build even what is up to date.")
@click.option("--strict", is_flag=True, help="Refuse an assignment whose solution fails.")
@text_options
@course_option
def build(assignments: tuple[str, ...], force: bool, strict: bool, output: Output, course: Path) -> None:
    """Make release/ and solutions/ from source/.

    An assignment whose solution fails is released with a warning that names the cell.
    """
    from nbseal.build import build as build_course
    from nbseal.cli.progress import cells_on_terminal
    from nbseal.course import Course

    chosen, opened = list(assignments) or None, Course(course)
    with cells_on_terminal() as on_cell:
        everything = build_course(opened, chosen, force=force, strict=strict, on_cell=on_cell)
    if output.as_json:
        output.write_json([asdict(built) for built in everything])
        return
    for built in everything:
        kinds = {opened.shown("release"): built.release, opened.shown("solution"): built.solutions}
        written = [f"{folder} ({', '.join(files)})" for folder, files in kinds.items() if files]
        say(f"{built.assignment}: {'; '.join(written) or 'up to date'}")
        for note in built.notes:
            say(f"note: {built.assignment}: {note}", err=True)
