"""Commands that look at what was handed in and graded: the report on an assignment, and alike answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nbseal.cli.app import app
from nbseal.cli.common import (
    AssignmentArgument,
    CourseOption,
    JsonOption,
    OutputOption,
    complaints,
    console,
    print_json,
    say,
)


@app.command(epilog="Example: nbseal report 01-gates --anonymous -o report.html")
def report(
    assignment: AssignmentArgument,
    output: OutputOption = None,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Show pseudonyms in place of names.")] = False,
    as_json: JsonOption = False,
    course: CourseOption = Path(),
) -> None:
    """Make a page about an assignment: marks, questions, common mistakes, time, and what waits for a person."""
    from nbseal.course import Course
    from nbseal.pages import one_line
    from nbseal.report import collect

    opened = Course(course)
    summary = collect(opened, assignment, anonymous)
    if summary.resubmitted:
        say(
            complaints,
            "handed in again after grading, the marks are those of the older submission: "
            f"{', '.join(map(one_line, summary.resubmitted))}; run nbseal grade {assignment} and report again",
        )
    if as_json:
        print_json(summary.to_dict())
        return
    from nbseal.pages import write_page
    from nbseal.report import report_page

    path = output or opened.root / "reports" / f"{assignment}.html"
    write_page(path, report_page(summary, anonymous))
    say(console, f"{assignment}: {len(summary.students)} submissions in {path}")


@app.command(epilog="Example: nbseal similarity 01-gates --threshold 0.9")
def similarity(
    assignment: AssignmentArgument,
    output: OutputOption = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of an answer that must be in the other, from 0 to 1.")
    ] = 0.8,
    common: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="What this share of the class wrote says nothing.")
    ] = 0.1,
    as_json: JsonOption = False,
    course: CourseOption = Path(),
) -> None:
    """Make a page with pairs of alike answers side by side: something to look at, never a verdict."""
    from nbseal.course import Course
    from nbseal.similarity import find_similar, similarity_page

    opened = Course(course)
    findings = find_similar(opened, assignment, threshold, common)
    if as_json:
        print_json(findings.to_dict())
        return
    from nbseal.pages import write_page

    path = output or opened.root / "reports" / f"{assignment}-similarity.html"
    write_page(path, similarity_page(findings))
    say(console, f"{assignment}: {len(findings.pairs)} pairs to look at in {path}")
