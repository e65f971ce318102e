"""``nbseal compare``: what would change if nbseal graded."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbseal.cli.options import (
    NEW_FILE,
    LinuxCommand,
    Output,
    complete_assignment,
    course_option,
    say,
    text_options,
)
from nbseal.text import one_line

if TYPE_CHECKING:
    from nbseal.compare import Comparison

SHOWN = 40  # lines of each kind
COLUMNS = ("question", "points", "alike", "more here", "less here", "no mark here", "not in gradebook")


@click.command(cls=LinuxCommand, epilog="Example: nbseal compare ps1 --stock --html compared.html")
@click.argument("assignments", nargs=-1, help="Assignments; all by default.", shell_complete=complete_assignment)
@click.option("--stock", is_flag=True, help="Compare with nbgrader itself, which runs student code unsealed on a copy.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Submissions at a time.")
@click.option("--html", "html_file", type=NEW_FILE, help="Write a page with every difference to this file.")
@text_options
@course_option
def compare(
    assignments: tuple[str, ...], stock: bool, jobs: int | None, html_file: Path | None, output: Output, course: Path
) -> None:
    """Show the marks that nbseal would give beside the gradebook's.

    What lies in submitted/ is graded into memory. Nothing is written into the course, .nbseal/ included.
    """
    from nbseal.compare import compare as compare_marks
    from nbseal.compare import compared_page
    from nbseal.course import Course
    from nbseal.errors import CourseError

    opened = Course(course)
    chosen = assignments or [name for name in opened.assignments() if opened.students(name)]
    if not chosen:
        say("Nobody has handed in anything: there is nothing to compare.", err=True)
    found = []
    for name in chosen:
        try:
            found.append(compare_marks(opened, name, jobs, stock))
        except CourseError as error:
            if assignments:
                raise
            say(f"left out: {error}", err=True)  # the rest of the course goes on
    if output.as_json:
        output.write_json([asdict(one) for one in found])
    else:
        for one in found:
            _show(one)
    if html_file:
        from nbseal.pages import write_page

        write_page(html_file, compared_page(found))


def _show(found: Comparison) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 1000
    table = Table(title=found.assignment, box=SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "question" else "right", overflow="fold")
    for row in found.questions:
        figures = (row.same, row.more, row.less, row.no_mark, row.not_in_gradebook)
        table.add_row(row.question, f"{row.points:g}", *map(str, figures))
    if found.questions:
        console.print(table)
    else:
        say(f"{found.assignment}: no cell is graded automatically, so there are no marks to compare")
    for one in found.differences[:SHOWN]:
        was, now = ("no mark" if mark is None else f"{mark:g}" for mark in (one.change.before, one.change.after))
        say(one_line(f"{one.change.student} · {one.change.question}: {was} → {now}  {one.reason}".rstrip()))
    for line in (*found.cells[:SHOWN], *found.problems[:SHOWN]):
        say(one_line(line))
    left = sum(max(0, len(lines) - SHOWN) for lines in (found.differences, found.cells, found.problems))
    if left:
        say(f"… and {left} more lines: --html or --json has all of them")
    stock = "" if found.stock_seconds is None else f", nbgrader {found.stock_seconds:.1f} s"
    compared = f"{found.assignment}: {found.students} submissions compared, nothing recorded"
    say(f"{compared}; nbseal {found.seconds:.1f} s{stock}")
