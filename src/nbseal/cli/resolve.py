"""``nbseal resolve``: a person decides what the engine could not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbseal.cli.grade import grade_and_show
from nbseal.cli.options import (
    Command,
    Output,
    assignment_argument,
    complete_student,
    course_option,
    say,
    text_options,
)
from nbseal.text import command, first_of, one_line, shell

if TYPE_CHECKING:
    from nbseal.course import Course
    from nbseal.gradebook.decisions import Decision
    from nbseal.resolve import Choice, OpenCase, Standing

WAYS = ("path", "cell", "points", "nothing", "time", "withdraw")
CALLED = {"path": "file"}
NAMED = 5  # students in a sentence
LEGEND = """\
P are the points that you give. Whatever is open can also be settled by --question ID --points P, or by --nothing
(without --question for all that is open of a student). --reason TEXT says why; --withdraw takes back what was decided.
What a file would get: nbseal check FILE."""


@click.command(cls=Command, epilog='Example: nbseal resolve 01-gates ada --file "Copy of 01-gates.ipynb"')
@assignment_argument
@click.argument("student", required=False, help="The student's id.", shell_complete=complete_student)
@click.option("--file", "path", help="This file of the submission is the notebook.")
@click.option("--notebook", help="With --file: which of several notebooks it is.")
@click.option("--question", help="The question, by its grade_id.")
@click.option("--cell", type=int, help="With --question: this cell is the answer; 1 is the first, text cells count.")
@click.option("--points", type=float, help="With --question: the points that it gets.")
@click.option("--nothing", is_flag=True, help="What is open (or --question) counts as nothing: 0 points.")
@click.option("--time", help="When it was handed in; in the course's time zone unless it names one.")
@click.option("--withdraw", is_flag=True, help="Take back what was decided (about --question).")
@click.option("--reason", default="", help="Why; it is kept with the decision.")
@text_options
@course_option
def resolve(assignment: str, student: str | None, output: Output, course: Path, **given: Any) -> None:
    """Decide what the engine could not.

    Without an option: list what is open, with the commands that settle it. With one: the decision is recorded, and the
    student is graded at once. Decisions hold for the submission that they were made about, through every regrade.
    """
    from nbseal.course import Course
    from nbseal.resolve import standing

    way = _way(student, given)
    opened = Course(course)
    if student and way:
        _settle(opened, assignment, student, way, given, output)
        if output.as_json:
            return
        left = standing(opened, assignment, student)
        for line in ["", "still open:", *_cases(opened, left, course)] if left.cases else []:
            say(line)
        return
    found = standing(opened, assignment, student)
    if output.as_json:
        output.write_json(found.to_dict())
        return
    for line in _listing(opened, found, student, course):
        say(line)


def _way(student: str | None, given: dict[str, Any]) -> str | None:
    """Which of the options says what is decided; wrong usage unless it is one at most, with what belongs to it."""
    ways = [name for name in WAYS if given[name] is not None and given[name] is not False]
    names = [f"--{CALLED.get(name, name)}" for name in ways]
    if len(ways) > 1:
        raise click.UsageError(f"one at a time: {' or '.join(names)}.")
    if not ways and (given["question"] or given["notebook"] or given["reason"]):
        raise click.UsageError("what is decided? Give --file, --cell, --points, --nothing, --time or --withdraw.")
    if not ways:
        return None
    if not student:
        raise click.UsageError(f"whose? nbseal resolve ASSIGNMENT STUDENT {names[0]} …")
    if ways[0] in ("cell", "points") and not given["question"]:
        raise click.UsageError(f"{names[0]} needs --question ID.")
    if ways[0] in ("path", "time") and given["question"]:
        raise click.UsageError(f"{names[0]} is not about one question: leave --question out.")
    if given["notebook"] and ways[0] != "path":
        raise click.UsageError("--notebook belongs to --file.")
    return ways[0]


def _settle(course: Course, assignment: str, student: str, way: str, given: dict[str, Any], output: Output) -> None:
    """Record a decision or take some back, and grade the student."""
    from nbseal.grading import ClassOptions
    from nbseal.resolve import Answer, decide, take_back
    from nbseal.sandbox import require_linux

    require_linux("nbseal resolve")
    if way == "withdraw":
        for one in take_back(course, assignment, student, given["question"]):
            say(f"taken back: {one.sentence}", err=output.as_json)
    else:
        answer = Answer(file=given["path"], **{name: given[name] for name in given if name not in ("path", "withdraw")})
        say(decide(course, assignment, student, answer).sentence, err=output.as_json)
    grade_and_show(course, assignment, ClassOptions([student]), False, output)


def _listing(course: Course, found: Standing, student: str | None, given: Path) -> list[str]:
    """All that is open and decided, for people."""
    lines = []
    if found.cases:
        count = len({case.student for case in found.cases})
        whose = f" for {student}" if student else f" for {count} {'student' if count == 1 else 'students'}"
        lines += [f"{found.assignment}: {len(found.cases)} open{whose}", *_cases(course, found, given), "", LEGEND]
    else:
        lines.append(f"{found.assignment}: nothing is open" + (f" for {student}" if student else ""))
    grade = _shell(command("grade", found.assignment), given)
    if found.again:
        lines.append(f"handed in again since grading: {_some(found.again)}. First: {grade}")
    if found.not_graded:
        lines.append(f"not graded yet: {_some(found.not_graded)}. First: {grade}")
    if found.to_read:
        texts = f"{found.to_read} {'submission has' if found.to_read == 1 else 'submissions have'}"
        lines.append(f"{texts} texts for a person to read, which is done in the formgrader.")
    if found.decided:
        lines += ["", "Decided by a person:", *map(_decided, found.decided)]
    if found.outdated:
        lines += [
            "",
            "Decided about an earlier submission, and not applied to this one:",
            *map(_decided, found.outdated),
        ]
    return lines


def _decided(one: Decision) -> str:
    return f"  {one_line(one.student)}: {one.sentence}"


def _cases(course: Course, found: Standing, given: Path) -> list[str]:
    """A paragraph for each open case, with a command for each way to settle it; like cases of many students are one."""
    alike: dict[tuple[str, str, tuple[Choice, ...]], list[OpenCase]] = {}
    for case in found.cases:
        alike.setdefault((case.about, case.reason, case.choices), []).append(case)
    lines = []
    for (about, reason, choices), cases in alike.items():
        lines += [
            "",
            f"{_whose(course, found, cases)}: {_with_points(about, cases[0].points)}",
            f"  {one_line(reason)}",
        ]
        for choice in choices:
            lines += [f"  {choice.words}"] if choice.words else []
            lines.append(("    " if choice.words else "  ") + _shell(choice.command, given))
    return lines


def _whose(course: Course, found: Standing, cases: list[OpenCase]) -> str:
    """A student and the folder of the submission, or several students."""
    if len(cases) > 1:
        return _some([case.student for case in cases])
    folder = course.folder("submitted", cases[0].student, found.assignment)
    return one_line(f"{cases[0].student}, in {os.path.relpath(folder, course.root)}")


def _with_points(about: str, points: dict[str, float]) -> str:
    """A notebook with its questions, or questions, with the points that they give; or the time, which gives none."""
    names = [f"{name} ({most:g} {'point' if most == 1 else 'points'})" for name, most in points.items()]
    return ", ".join(names if about == ", ".join(points) else [about, *names])


def _some(names: Sequence[str]) -> str:
    return first_of([one_line(name) for name in names], NAMED)


def _shell(words: tuple[str, ...], course: Path) -> str:
    """A command as a shell takes it here; the course's folder is named if that isn't where the shell is."""
    more = () if course == Path() else ("--course", str(course))
    return shell((*words[:2], *more, *words[2:]) if "--" in words else (*words, *more))
