"""``nbseal similarity``: a page with pairs of similar answers."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import Command, Output, assignment_argument, course_option, page_options, say

SHARE = click.FloatRange(0.0, 1.0)


@click.command(cls=Command, epilog="Example: nbseal similarity 01-gates --threshold 0.9")
@assignment_argument
@click.option(
    "--threshold",
    type=SHARE,
    default=0.8,
    show_default=True,
    help="Share of an answer that must be in the other, from 0 to 1.",
)
@click.option("--common", type=SHARE, default=0.1, show_default=True, help="Ignore what this share of the class wrote.")
@page_options("reports/<assignment>-similarity.html")
@course_option
def similarity(assignment: str, threshold: float, common: float, output: Output, course: Path) -> None:
    """Make a page with pairs of similar answers.

    They are shown side by side: a reason to look, never a verdict.
    """
    from nbseal.course import Course
    from nbseal.similarity import find_similar, similarity_page

    opened = Course(course)
    findings = find_similar(opened, assignment, threshold, common)
    if output.as_json:
        output.write_json(findings.to_dict())
        return
    from nbseal.pages import write_page

    path = output.file or opened.root / "reports" / f"{assignment}-similarity.html"
    write_page(path, similarity_page(findings))
    say(f"{assignment}: {len(findings.pairs)} pairs to look at in {path}")
