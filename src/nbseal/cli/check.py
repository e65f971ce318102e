"""``nbseal check``: grade one notebook file; the gradebook isn't touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbseal.cli.options import (
    PATH,
    LinuxCommand,
    Output,
    complete_assignment,
    course_option,
    say,
    text_options,
    unsealed_option,
)

if TYPE_CHECKING:
    from nbseal.results import Scorecard

ASSIGNMENT = "The assignment; by default the file's name or its questions tell."


@click.command(cls=LinuxCommand, epilog="Example: nbseal check my/01-gates.ipynb")
@click.argument("notebook", type=PATH, help="The notebook to grade.")
@click.option("--assignment", "-a", help=ASSIGNMENT, shell_complete=complete_assignment)
@text_options
@unsealed_option
@course_option
def check(notebook: Path, assignment: str | None, output: Output, unsealed: bool, course: Path) -> None:
    """Grade one notebook file.

    The gradebook isn't touched.
    """
    from nbseal.grading import grade_notebook
    from nbseal.terminal import scorecard_text

    card: Scorecard = grade_notebook(notebook, assignment, course, unsealed)
    if output.as_json:
        output.write(f"{card.to_json()}\n")
    else:
        say(scorecard_text(card))
