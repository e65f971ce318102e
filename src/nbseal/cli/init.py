"""``nbseal init``: start a course, or have nbseal grade one that is there."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import PATH, Command, say


@click.command(cls=Command, epilog="Example: nbseal init my-course, or nbseal init --adopt in an nbgrader course")
@click.argument("folder", type=PATH, default=".", help="An empty folder, which is made; with --adopt, the course.")
@click.option("--adopt", is_flag=True, help="Have nbseal grade an nbgrader course: show the lines to add, and ask.")
@click.option("--yes", is_flag=True, help="Add the lines without asking.")
def init(folder: Path, adopt: bool, yes: bool) -> None:
    """Start a course with one question, its hidden tests and known answers.

    With --adopt an nbgrader course stays as it is but for a few lines at the end of its settings.
    """
    from nbseal.build.starting import BLOCK, adopt_course, adopted_settings, start_course

    if not adopt:
        for name in start_course(folder):
            say(str(folder / name))
        say("Next, in that folder: nbseal build, then nbseal verify first; and open source/first/first.ipynb.")
        return
    from nbseal.course import Course
    from nbseal.doctor import without_effect

    adopted_settings(folder)  # whatever is in the way is said before anybody is asked
    say(f"These lines would be added to {folder / 'nbgrader_config.py'}:\n\n{BLOCK}")
    if idle := without_effect(Course(folder)):
        say(f"These settings have no effect then: {', '.join(idle)}\n")
    if not yes and not click.confirm("Add them?", default=False):
        say("Nothing was changed.")
        return
    adopt_course(folder)
    say("Added. nbseal compare shows what would change before any mark does.")
