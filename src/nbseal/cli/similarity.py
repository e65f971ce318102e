"""``nbseal similarity``: a page with pairs of alike answers."""

from __future__ import annotations

from pathlib import Path

import click

from nbseal.cli.options import Command, assignment_argument, course_option, json_option, output_option, print_json, say

SHARE = click.FloatRange(0.0, 1.0)


@click.command(cls=Command, epilog="Example: nbseal similarity 01-gates --threshold 0.9")
@assignment_argument
@output_option
@click.option(
    "--threshold",
    type=SHARE,
    default=0.8,
    show_default=True,
    help="Share of an answer that must be in the other, from 0 to 1.",
)
@click.option(
    "--common", type=SHARE, default=0.1, show_default=True, help="What this share of the class wrote says nothing."
)
@json_option
@course_option
def similarity(
    assignment: str, output: Path | None, threshold: float, common: float, as_json: bool, course: Path
) -> None:
    """Make a page with pairs of alike answers.

    They stand side by side: something to look at, never a verdict.
    """
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
    say(f"{assignment}: {len(findings.pairs)} pairs to look at in {path}")
