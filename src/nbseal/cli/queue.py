"""``nbseal queue``: what nbseal watch and the formgrader have to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbseal.cli.options import Command, TextOutput, course_option, say, text_options
from nbseal.text import one_line

if TYPE_CHECKING:
    from nbseal.watch.tasks import Overview, Task


@click.command(cls=Command, epilog="Example: nbseal queue --cancel 12")
@click.option("--cancel", type=int, multiple=True, metavar="NUMBER", help="Take back this task (repeat for more).")
@click.option("--again", is_flag=True, help="Have everything tried again that failed.")
@text_options
@course_option
def queue(cancel: tuple[int, ...], again: bool, output: TextOutput, course: Path) -> None:
    """Show what waits, what runs and what failed.

    That is what nbseal watch has taken, and what the formgrader's buttons have asked for. A submission that is
    cancelled while it runs is not recorded.
    """
    from nbseal.course import Course
    from nbseal.errors import UnknownName
    from nbseal.watch.queue import Queue

    opened = Queue(Course(course).private)
    for number in cancel:
        if opened.cancel(number) is None:
            raise UnknownName(f"there is no task {number}: nbseal queue shows their numbers.")
    if again:
        say(f"{opened.again()} tasks are tried again", err=output.as_json)
    found = opened.overview()
    if output.as_json:
        output.write_json(_as_data(found))
    else:
        _show(found)


def _show(found: Overview) -> None:
    waits = f", the oldest for {found.oldest:.0f} s" if found.waiting else ""
    say(f"{found.waiting} waiting{waits}; {len(found.running)} running; {found.rate:.0f} done in the last minute")
    for task in (*found.running, *found.next, *found.failures):
        say(_line(task))
    if found.waiting > len(found.next):
        say(f"and {found.waiting - len(found.next)} more waiting")


def _line(task: Task) -> str:
    progress = f" {task.done} of {task.total}" if task.total else ""
    note = f": {one_line(task.note)}" if task.note else ""
    whose = f"{one_line(task.assignment)}  {one_line(task.student) or 'everybody'}"
    return f"{task.id:5d}  {task.state}{progress}  {task.kind}  {whose}{note}"


def _as_data(found: Overview) -> dict[str, Any]:
    return {
        "waiting": found.waiting,
        "oldest_seconds": round(found.oldest, 1),
        "done_in_a_minute": found.rate,
        "running": [_task(task) for task in found.running],
        "next": [_task(task) for task in found.next],
        "failures": [_task(task) for task in found.failures],
    }


def _task(task: Task) -> dict[str, Any]:
    found = {"id": task.id, "kind": task.kind, "assignment": task.assignment, "student": task.student}
    return found | {"state": task.state, "done": task.done, "total": task.total, "note": task.note}
