"""``nbseal watch``: grade submissions as they arrive."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from nbseal.cli.options import EXIT_STOPPED, LinuxCommand, complete_assignment, course_option, say

if TYPE_CHECKING:
    from types import FrameType

    from nbseal.course import Course
    from nbseal.watch.exchange import Source


@click.command(cls=LinuxCommand, epilog="Example: nbseal watch 01-gates")
@click.argument(
    "assignment", nargs=-1, help="Only these; their graders start at once.", shell_complete=complete_assignment
)
@click.option("--from-folder", is_flag=True, help="Watch submitted/ instead of nbgrader's exchange.")
@click.option("--once", is_flag=True, help="Do what there is to do, and leave.")
@click.option("--asked", is_flag=True, hidden=True, help="Do what the formgrader asks for, and leave when idle.")
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    help="Submissions at a time; one fewer than processors by default.",
)
@course_option
def watch(
    assignment: tuple[str, ...], from_folder: bool, once: bool, asked: bool, jobs: int | None, course: Path
) -> None:
    """Grade submissions as they arrive.

    Each is taken from nbgrader's exchange, graded and recorded, and its feedback released as c.Watch.release says. Goes
    on until it is stopped; what it left is done after the next start. It also does what the formgrader asks for.
    """
    from nbseal.course import Course
    from nbseal.watch.exchange import Exchange, Folder
    from nbseal.watch.worker import IDLE_SECONDS, Worker

    names = [Course(course).assignment(name).name for name in assignment]

    def source(opened: Course) -> Source:
        return (Folder if from_folder else Exchange)(opened, names)

    worker = Worker(course.resolve(), None if asked else source, jobs, say)
    signal.signal(signal.SIGTERM, _interrupt)
    if asked:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        worker.run(warm=names, once=once, idle_seconds=IDLE_SECONDS if asked else None)
    except KeyboardInterrupt:
        say("nbseal: stopped; what was not done is done after the next start.", err=True)
        raise click.exceptions.Exit(EXIT_STOPPED) from None


def _end_with_parent() -> None:
    """The formgrader holds the other end of standard input: when it has gone, nobody asks any more."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
