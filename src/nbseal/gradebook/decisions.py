"""What a person decided where the engine could not: ``.nbseal/decisions/<assignment>.json``.

A decision holds for the very submission that it was made about. It is never dropped because another one came: should
the earlier one come back, it counts again.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.files import digest_of, write_whole
from nbseal.gradebook.ledger import file_name
from nbseal.text import one_line

SCHEMA = 1
TIME = "handed in at "  # how a decision about a time begins; no other does: in names of questions there are no blanks
DAMAGED = "put it back from your backup; or remove it, and what was decided there is open again"


class Kind(StrEnum):
    """What can be decided."""

    FILE = "file"  # which file is the notebook
    CELL = "cell"  # which cell is the answer
    POINTS = "points"
    NOTHING = "nothing"
    TIME = "time"  # when it was handed in


@dataclass(frozen=True)
class Decision:
    """One decision about ``student``'s submission whose digest is ``handed_in``; ``who`` made it, and ``when`` (UTC).

    A file's path counts from the submission's folder, and is that of ``notebook``; a cell's number counts from 1 in
    that file. ``questions`` are those that a cell, points or nothing are for, and for a file all of its notebook's.
    """

    student: str
    kind: Kind
    handed_in: str
    who: str
    when: datetime
    reason: str = ""
    questions: tuple[str, ...] = ()
    notebook: str = ""
    file: str = ""
    cell: int = 0
    points: float = 0.0
    time: datetime | None = None

    @property
    def what(self) -> str:
        """What was decided."""
        names = ", ".join(self.questions)
        if self.kind is Kind.FILE:
            return f"`{self.file}` counts as {self.notebook}.ipynb"
        if self.kind is Kind.CELL:
            return f"cell {self.cell} of `{self.file}` is the answer to {names}"
        if self.kind is Kind.POINTS:
            return f"{names} gets {self.points:g} {'point' if self.points == 1 else 'points'}"
        if self.kind is Kind.NOTHING:
            return f"{names} {'counts' if len(self.questions) == 1 else 'count'} as nothing"
        return f"{TIME}{self.time:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def sentence(self) -> str:
        """What was decided, by whom and when."""
        reason = f" ({self.reason})" if self.reason else ""
        return one_line(f"{self.what}: decided by {self.who}, {self.when:%Y-%m-%d %H:%M} UTC{reason}")

    def left_by(self, newer: Decision) -> Decision | None:
        """What is left of this decision once the same student has a ``newer`` one; None if nothing is."""
        both = {self.kind, newer.kind}
        if Kind.TIME in both or self.kind is Kind.FILE:
            same = self.kind is newer.kind and self.notebook == newer.notebook
            return None if same else self
        return self.without(newer.questions)

    def without(self, questions: Iterable[str]) -> Decision | None:
        """The decision without some of its questions; None if none is left."""
        left = tuple(name for name in self.questions if name not in questions)
        return replace(self, questions=left) if left else None

    def settles(self, question: str) -> bool:
        """Whether it is about this question, and not about a whole notebook."""
        return self.kind is not Kind.FILE and question in self.questions

    def to_dict(self) -> dict[str, Any]:
        """Plain data; what says nothing is left out."""
        given = {name: value for name, value in vars(self).items() if value != getattr(type(self), name, None)}
        if self.kind is Kind.POINTS:
            given["points"] = self.points
        return {
            name: value.isoformat() if isinstance(value, datetime) else list(value) if name == "questions" else value
            for name, value in given.items()
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Decision:
        """Rebuild from ``to_dict``; ValueError, KeyError or TypeError if it isn't that."""
        values = {**data, "kind": Kind(data["kind"]), "when": _moment(data["when"])}
        values["questions"] = tuple(map(str, data.get("questions", ())))
        if "time" in data:
            values["time"] = _moment(data["time"])
        found = cls(**values)
        texts = (found.student, found.handed_in, found.who, found.reason, found.notebook, found.file)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a text is none")
        needed = {Kind.FILE: found.file and found.notebook, Kind.TIME: found.time, Kind.CELL: found.cell > 0}
        if not needed.get(found.kind, found.questions) or not 0 <= found.points < float("inf"):
            raise ValueError(f"what is decided is missing ({found.kind})")
        return found


@dataclass(frozen=True)
class Decided:
    """What was decided about the work in one submission."""

    decisions: tuple[Decision, ...] = ()

    @property
    def digest(self) -> str:
        """Identifies what was decided; "" if that is nothing."""
        text = json.dumps([one.to_dict() for one in self.decisions])
        return digest_of({"decisions": text.encode("ascii")}) if self.decisions else ""

    @property
    def files(self) -> dict[str, str]:
        """The file that counts, by notebook. Whoever chose a cell chose it in a file."""
        return {one.notebook: one.file for one in self.decisions if one.file}

    @property
    def cells(self) -> dict[str, int]:
        """The number of the cell that is the answer, by question."""
        return {name: one.cell for one in self.decisions if one.kind is Kind.CELL for name in one.questions}

    @property
    def points(self) -> dict[str, float]:
        """The points that a person gave, by question; 0 for what counts as nothing."""
        kinds = (Kind.POINTS, Kind.NOTHING)
        return {name: one.points for one in self.decisions if one.kind in kinds for name in one.questions}

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was decided, by whom and when."""
        return tuple(one.sentence for one in self.decisions)


UNDECIDED = Decided()


@dataclass(frozen=True)
class Decisions:
    """All decisions about an assignment, in the order in which they were made."""

    made: tuple[Decision, ...] = ()

    @cached_property
    def by_student(self) -> dict[str, list[Decision]]:
        """The decisions about each student that there are any about."""
        found: dict[str, list[Decision]] = {}
        for one in self.made:
            found.setdefault(one.student, []).append(one)
        return found

    def of(self, student: str) -> Decisions:
        """Those about one student."""
        return Decisions(tuple(self.by_student.get(student, ())))

    def about(self, student: str, handed_in: str) -> Decided:
        """What counts for the work in a submission."""
        own = self.by_student.get(student, ())
        return Decided(tuple(one for one in own if one.handed_in == handed_in and one.kind is not Kind.TIME))

    def time(self, student: str, handed_in: str) -> Decision | None:
        """What was decided about the time of a submission."""
        own = self.by_student.get(student, ())
        return next((one for one in own if one.handed_in == handed_in and one.kind is Kind.TIME), None)


def read_decisions(private: Path, assignment: str) -> Decisions:
    """The decisions about an assignment of the course whose ``private`` folder it is.

    CourseError, which names the file, if it is damaged.
    """
    path = decisions_file(private, assignment)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Decisions()
    except OSError as error:
        raise CourseError(f"{path} can't be read ({error.strerror}): make it readable and run again.") from error
    try:
        data = json.loads(content)
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']!r}, not {SCHEMA}")
        return Decisions(tuple(Decision.from_dict(one) for one in data["decisions"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CourseError(f"{path} is damaged ({type(error).__name__}: {error}): {DAMAGED}.") from error


def decisions_about(private: Path, student: str) -> dict[str, list[Decision]]:
    """What was decided about a student, by assignment, also of those that the course has no more."""
    names = sorted(path.stem for path in (private / "decisions").glob("*.json"))
    found = {name: read_decisions(private, name).by_student.get(student, []) for name in names}
    return {name: made for name, made in found.items() if made}


def record(course: Course, assignment: str, decision: Decision) -> None:
    """Keep a decision; what was decided before about the same is gone. RecordError if that can't be written."""
    _change(course, assignment, lambda made: [*_left(made, decision), decision])


def withdraw(course: Course, assignment: str, student: str, question: str | None = None) -> list[Decision]:
    """Take back what was decided about a student, or about one question only; returns what that was."""
    taken: list[Decision] = []

    def without(made: list[Decision]) -> list[Decision]:
        left = []
        for one in made:
            if one.student != student or (question and not one.settles(question)):
                left.append(one)
                continue
            taken.append(replace(one, questions=(question,)) if question else one)
            left += filter(None, [one.without([question])] if question else [])
        return left

    _change(course, assignment, without)
    return taken


def decider() -> str:
    """Who is deciding: the account on the hub or on the machine."""
    try:
        return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return f"account {os.getuid()}"


def _left(made: list[Decision], newer: Decision) -> list[Decision]:
    left = (one.left_by(newer) if one.student == newer.student else one for one in made)
    return [one for one in left if one]


def decisions_file(private: Path, assignment: str) -> Path:
    return private / "decisions" / f"{file_name(assignment)}.json"


def _change(course: Course, assignment: str, change: Callable[[list[Decision]], list[Decision]]) -> None:
    from filelock import FileLock  # grading only reads, and these take long to load

    from nbseal.gradebook.explained import BUSY_SECONDS, explained

    path = decisions_file(course.private, assignment)
    course.private.mkdir(mode=0o700, exist_ok=True)
    with explained(path), FileLock(course.private / "decisions.lock", timeout=BUSY_SECONDS):
        before = list(read_decisions(course.private, assignment).made)
        after = change(before)
        if after != before:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            data = {"schema": SCHEMA, "decisions": [one.to_dict() for one in after]}
            write_whole(path, f"{json.dumps(data, indent=1)}\n".encode("ascii"), 0o600, durable=True)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment.astimezone(UTC)
