"""``nbseal verify``: prove that hidden graders accept what is right and refuse what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from nbseal.cli.options import (
    EXIT_WRONG,
    NEW_FILE,
    PATH,
    LinuxCommand,
    complete_assignment,
    course_option,
    json_text,
    say,
)

if TYPE_CHECKING:
    from nbseal.verify import Verification

COLUMNS = ("question", "cases", "mutants", "ideas", "equivalent", "caught", "survived", "adversaries", "own ways",
           "false accepts", "false rejects", "unstable", "faults", "seconds")  # fmt: skip
STANDARD = Path("-")


@click.command(cls=LinuxCommand, epilog="Example: nbseal verify 01-gates --question nand --html verify.html")
@click.argument("assignments", nargs=-1, help="Assignments; all by default.", shell_complete=complete_assignment)
@click.option("--question", multiple=True, help="Only this question (repeat for more).")
@click.option("--sample", type=click.IntRange(min=1), help="This many answers of each kind, the same ones each time.")
@click.option("--draws", type=click.IntRange(min=1), default=20, show_default=True, help="Draws for each known answer.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), default=2, show_default=True, help="Answers at a time.")
@click.option(
    "--json", "json_file", type=PATH, is_flag=False, flag_value=STANDARD,
    help="Write the result as JSON to this file; without a name to standard output.",
)  # fmt: skip
@click.option("--html", "html_file", type=NEW_FILE, help="Write a page with every failure to this file.")
@course_option
def verify(
    assignments: tuple[str, ...],
    question: tuple[str, ...],
    sample: int | None,
    draws: int,
    jobs: int,
    json_file: Path | None,
    html_file: Path | None,
    course: Path,
) -> None:
    """Try right and wrong answers on the hidden tests, before a class is graded.

    Known cases beside the grader, small changes of right answers, wrong ideas, answers that know nothing, and right
    answers written in another way. Exit code 5 if a grader accepts what is wrong, refuses what is right, or fails.
    """
    from nbseal.course import Course
    from nbseal.errors import OtherLanguage
    from nbseal.verify import VerifyOptions, verification_page
    from nbseal.verify import verify as verify_assignment

    opened = Course(course)
    known = opened.assignments()
    if json_file and json_file.name in known:
        raise click.UsageError(f"--json takes the name of a file: write --json=FILE {json_file}, or put --json last.")
    options = VerifyOptions(question, sample, draws, jobs)
    found: list[Verification] = []
    for name in assignments or known:
        try:
            with _Progress(name) as progress:
                found.append(verify_assignment(opened, name, options, progress))
        except OtherLanguage as error:
            if assignments:
                raise
            say(f"{name}: left out. {error}", err=True)
            continue
        if json_file != STANDARD:
            _show(found[-1])
    if json_file:
        text = json_text([one.to_dict() for one in found])
        if json_file == STANDARD:
            sys.stdout.write(text)
        else:
            json_file.write_text(text, encoding="utf-8", errors="backslashreplace")
    if html_file:
        from nbseal.pages import write_page

        write_page(html_file, verification_page(found))
    if any(one.fails for one in found):
        raise click.exceptions.Exit(EXIT_WRONG)


class _Progress:
    """Answers tried so far, on a terminal; nothing elsewhere. A context manager."""

    def __init__(self, assignment: str) -> None:
        self._bar: Any = None
        self._total = 0
        if sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeElapsedColumn(),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(assignment, total=None)

    def more(self, count: int) -> None:
        """Be told that so many more answers will be tried."""
        self._total += count
        if self._bar:
            self._bar.update(self._task, total=self._total)

    def done(self, name: str) -> None:
        """Be told that one was tried."""
        if self._bar:
            self._bar.update(self._task, advance=1, description=name)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()


def _show(found: Verification) -> None:
    """Print a line of figures for each question, and what to look at."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 1000
    table = Table(title=f"{found.assignment}, {found.seconds:.0f} s", box=SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column.replace(" ", "\n"), justify="left" if column == "question" else "right")
    for one in found.questions:
        data = one.to_dict()
        tried = data["tried"]
        figures = [tried["case"], tried["mutant"], tried["idea"], data["equivalent"], data["caught"], data["survived"],
                   tried["adversary"], tried["own way"], data["false_accepts"], data["false_rejects"],
                   data["unstable"], data["faults"]]  # fmt: skip
        table.add_row(one.question, *map(str, figures), f"{one.seconds:.1f}")
    console.print(table)
    for name, value in found.settings.items():
        say(f"{found.assignment}: graders were told {name} = {value!r}, as the settings.toml of its known cases says")
    for one in found.questions:
        for note in one.notes:
            say(f"{one.question}: {note}")
        for finding in one.findings:
            accepted = f" (accepted: {finding.accepted})" if finding.accepted else ""
            mark = "✗" if finding.counts else "·"
            say(f"{mark} {one.question}: {finding.problem}{accepted}: {finding.kind}, {finding.name}  [{finding.key}]")
            if finding.counts:
                say(f"    {finding.said}")
    wrong = sum(finding.counts for one in found.questions for finding in one.findings)
    say(f"{found.assignment}: {f'{wrong} to fix' if wrong else 'the graders are right in all that was tried'}")
