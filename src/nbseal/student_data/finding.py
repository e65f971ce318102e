"""Where a course keeps something about one student."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbseal.course import Course, unknown
from nbseal.errors import UnknownName
from nbseal.gradebook.connection import connect, gradebook_file, gradebook_label
from nbseal.gradebook.decisions import Decision, decisions_about
from nbseal.gradebook.explained import explained
from nbseal.gradebook.extensions import Extension, read_extensions
from nbseal.gradebook.ledger import Ledger
from nbseal.gradebook.queries import student_ids
from nbseal.gradebook.student_rows import student_rows
from nbseal.student_data.exchange_copies import ExchangeCopies, exchange_copies
from nbseal.watch.queue import Queue
from nbseal.watch.tasks import Task

KINDS = ("submitted", "autograded", "feedback")
WATCHED = {"submitted": "taken", "feedback": "pages"}  # where `nbseal watch` keeps its own, below .nbseal/watch/
SIDE_FILES = ("-journal", "-wal", "-shm")


@dataclass(frozen=True)
class StudentData:
    """All that is kept about a student, and ``backups``, which are only named.

    ``folders`` are the student's in nbgrader's trees and in those of `nbseal watch`, ``tasks`` lines of its queue,
    ``scorecards`` files of the ledger, ``rows`` the gradebook's by their kind, ``decisions`` a list by assignment.
    """

    student: str
    folders: tuple[Path, ...]
    scorecards: tuple[Path, ...]
    decisions: dict[str, list[Decision]]
    extensions: tuple[Extension, ...]
    rows: dict[str, list[dict[str, Any]]]
    exchange: ExchangeCopies
    tasks: tuple[Task, ...]
    backups: tuple[Path, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether the course knows nothing of the student."""
        kept = (self.folders, self.scorecards, self.decisions, self.extensions, self.exchange.submissions, self.tasks)
        return not any(kept) and not any(self.rows.values())

    def lines(self) -> list[str]:
        """What is kept where, a line each."""
        counts = {kind: len(rows) for kind, rows in self.rows.items() if rows}
        lines = [*map(str, (*self.folders, *self.scorecards, *self.exchange.submissions, *self.exchange.feedback))]
        lines += [f"{assignment}: {one.sentence}" for assignment, made in self.decisions.items() for one in made]
        lines += [f"{one.where}: {one.assignment} until {one.text}" for one in self.extensions]
        if self.tasks:
            lines.append(f"the queue: {len(self.tasks)} of tasks")
        if counts:
            lines.append("gradebook: " + ", ".join(f"{count} of {kind}" for kind, count in counts.items()))
        return lines


def find(course: Course, student: str) -> StudentData:
    """What is kept about a student; UnknownName if that is nothing."""
    # no name leads out of the folders
    has_files = student not in ("", ".", "..") and "/" not in student and "\0" not in student
    folders = (
        tuple(path for one in _with_watched(course) for path in student_folders(*one, student)) if has_files else ()
    )
    ledgers = Ledger.all_of(course) if has_files else []
    found = StudentData(
        student,
        folders,
        tuple(path for ledger in ledgers for path in ledger.files(student)),
        decisions_about(course.private, student),
        tuple(one for one in read_extensions(course).lines if student and one.student == student),
        _rows(course, student),
        exchange_copies(course, student, folders) if has_files else ExchangeCopies(),
        tuple(Queue(course.private).of_student(student)) if student else (),
        tuple(sorted(_backups(course))),
    )
    if found.is_nothing:
        raise UnknownName(unknown("student", student, known_students(course)))
    return found


def _with_watched(course: Course) -> Iterator[tuple[Course, Iterable[str]]]:
    """The course and its trees, and again with the folders of `nbseal watch` in their place."""
    yield course, KINDS
    config = deepcopy(course.config)
    for kind, name in WATCHED.items():
        config.CourseDirectory[f"{kind}_directory"] = str(course.private / "watch" / name)
    yield Course(course.root, config, course.private), WATCHED


def student_folders(course: Course, kinds: Iterable[str], student: str) -> Iterator[Path]:
    """The student's folder in some of the trees; in a course with folders of its own kind one for each assignment."""
    for kind in kinds:
        own = course.folder(kind, student)
        is_usual = course.folder(kind, student, "a").parent == own and own.parent == course.folder(kind)
        paths = [own] if is_usual else [course.folder(kind, student, name) for name in course.assignments()]
        yield from filter(os.path.lexists, paths)


def known_students(course: Course) -> list[str]:
    """Everybody who is in the gradebook or has handed something in."""
    handed_in = (course.students(name) for name in course.assignments())
    return sorted(student_ids(course).union(*handed_in))


def _rows(course: Course, student: str) -> dict[str, list[dict[str, Any]]]:
    file = gradebook_file(course)
    if file and not file.exists():
        return {}
    with explained(gradebook_label(course)), closing(connect(course)) as gradebook:
        return student_rows(gradebook, student)


def _backups(course: Course) -> Iterator[Path]:
    """Copies of everybody's data beside the originals: nbgrader's before an upgrade, the hub's after a restore."""
    file = gradebook_file(course)
    if file:
        beside = file.parent.glob(f"{glob.escape(file.name)}?*")
        yield from (path for path in beside if path.name.removeprefix(file.name) not in SIDE_FILES)
    yield from course.root.parent.glob(f"{glob.escape(course.root.name)}.replaced-*")
