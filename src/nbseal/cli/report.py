"""``nbseal report``: a page about an assignment."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import Command, assignment_argument, course_option, json_option, output_option, print_json, say
from nbseal.text import one_line


@click.command(cls=Command, epilog="Example: nbseal report 01-gates --anonymous -o report.html")
@assignment_argument
@output_option
@click.option("--anonymous", is_flag=True, help="Show pseudonyms in place of names.")
@json_option
@course_option
def report(assignment: str, output: Path | None, anonymous: bool, as_json: bool, course: Path) -> None:
    """Make a page about an assignment.

    It shows marks, questions, common mistakes, time, and what waits for a person.
    """
    from nbseal.course import Course
    from nbseal.report import collect

    opened = Course(course)
    summary = collect(opened, assignment, anonymous)
    if summary.resubmitted:
        say(
            "handed in again after grading, the marks are those of the older submission: "
            f"{', '.join(map(one_line, summary.resubmitted))}; run nbseal grade {assignment} and report again",
            err=True,
        )
    if as_json:
        print_json(summary.to_dict())
        return
    from nbseal.pages import write_page
    from nbseal.report import report_page

    path = output or opened.root / "reports" / f"{assignment}.html"
    write_page(path, report_page(summary, anonymous))
    say(f"{assignment}: {len(summary.students)} submissions in {path}")
