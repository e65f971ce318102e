"""``nbseal report``: a page about an assignment."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import Command, Output, assignment_argument, course_option, page_options, say
from nbseal.text import command, one_line, shell


@click.command(cls=Command, epilog="Example: nbseal report 01-gates --anonymous -o report.html")
@assignment_argument
@click.option("--anonymous", is_flag=True, help="Show pseudonyms instead of names.")
@page_options("reports/<assignment>.html")
@course_option
def report(assignment: str, anonymous: bool, output: Output, course: Path) -> None:
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
            f"{', '.join(map(one_line, summary.resubmitted))}; "
            f"run {shell(command('grade', assignment))} and report again",
            err=True,
        )
    if output.as_json:
        output.write_json(summary.to_dict())
        return
    from nbseal.pages import write_page
    from nbseal.report import find_pages, report_page

    path = output.file or opened.root / "reports" / f"{assignment}.html"
    links = None if anonymous else find_pages(opened, assignment, path.parent)
    write_page(path, report_page(summary, anonymous, links))
    say(f"{assignment}: {len(summary.students)} submissions in {path}")
