"""``nbseal grade``: grade a class in parallel and record its marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbseal.cli.options import (
    EXIT_INCOMPLETE,
    EXIT_STOPPED,
    NEW_FILE,
    STOPPED,
    LinuxCommand,
    Output,
    assignment_argument,
    cluster_options,
    complete_student,
    course_option,
    say,
    text_options,
    unsealed_option,
)
from nbseal.cli.progress import show_progress

if TYPE_CHECKING:
    from nbseal.course import Course
    from nbseal.grading import ClassOptions, ClassResult
    from nbseal.grading.cluster.address import Address


@click.command(cls=LinuxCommand, epilog="Example: nbseal grade 01-gates --student ada --student grace")
@assignment_argument
@click.option("--student", multiple=True, help="Only this student (repeat for more).", shell_complete=complete_student)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Submissions at a time.")
@click.option("--force", is_flag=True, help="Grade what hasn't changed, too.")
@click.option("--dry-run", is_flag=True, help="Record nothing; show whose marks would change.")
@click.option("--verbose", "-v", is_flag=True, help="Print all marks, and a line for each question that lost some.")
@click.option("--html", "html_file", type=NEW_FILE, help="Write a page with every mark that changes to this file.")
@text_options
@cluster_options
@unsealed_option
@course_option
def grade(
    assignment: str,
    student: tuple[str, ...],
    jobs: int | None,
    force: bool,
    dry_run: bool,
    verbose: bool,
    html_file: Path | None,
    output: Output,
    cluster: Address | None,
    unsealed: bool,
    course: Path,
) -> None:
    """Grade the submissions of an assignment.

    They are graded in parallel, and the marks recorded in the gradebook. After a change of a grader, a template or the
    engine, --dry-run shows who would gain and who would lose; --html makes a page of that. With --scheduler or
    --scheduler-file the workers of a Dask cluster grade, and this machine records.
    """
    if cluster and (jobs or unsealed):
        raise click.UsageError(
            "a cluster has its own number of jobs and is always sealed: leave out --jobs, --unsealed."
        )
    from nbseal.course import Course
    from nbseal.grading import ClassOptions

    options = ClassOptions(list(student) or None, jobs, force, unsealed, dry_run, cluster)
    grade_and_show(Course(course), assignment, options, verbose, output, html_file)


def grade_and_show(
    course: Course,
    assignment: str,
    options: ClassOptions,
    verbose: bool,
    output: Output,
    html_file: Path | None = None,
) -> None:
    """Grade a class, or some of it, and print how that went; leaves with an exit code if something wasn't recorded."""
    from nbseal.grading import grade_class
    from nbseal.terminal import done_line

    with show_progress(assignment, output.as_json, done_line) as progress:
        try:
            result = grade_class(course, assignment, options, progress)
        except KeyboardInterrupt:
            progress.stop()
            say(STOPPED, err=True)
            raise click.exceptions.Exit(EXIT_STOPPED) from None
    _show(assignment, result, verbose, err=output.as_json)
    if output.as_json:
        output.write(_json_lines(result))
    if html_file:
        from nbseal.compare import regraded_page
        from nbseal.pages import write_page

        write_page(html_file, regraded_page(assignment, result))
    if result.troubles:
        raise click.exceptions.Exit(EXIT_INCOMPLETE)


def _json_lines(result: ClassResult) -> str:
    """A list with a line for each scorecard."""
    return "[\n" + ",\n".join(json.dumps(card.to_dict(), ensure_ascii=False) for card in result.scorecards) + "\n]\n"


def _show(assignment: str, result: ClassResult, verbose: bool, err: bool) -> None:
    """Print what a run was like: marks if asked for, one line about all, and what went wrong."""
    from nbseal.terminal import changed_marks, lost_marks, print_table, summary

    if verbose:
        print_table(assignment, result.standings, err)
        for line in lost_marks(result.scorecards):
            say(line, err)
    say(summary(assignment, result), err)
    for line in changed_marks(result, verbose):
        say(line, err)
    for note in result.notes:
        say(f"note: {note}", err=True)
    for trouble in result.troubles:
        say(f"not recorded: {trouble}", err=True)
