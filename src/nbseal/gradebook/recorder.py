"""Records graded submissions so that a kill at any moment loses nothing that was recorded."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from types import TracebackType

from nbseal.course import Course
from nbseal.errors import RecordError
from nbseal.gradebook.autograded import Staging, file_permissions, notebook_bytes
from nbseal.gradebook.connection import gradebook_file
from nbseal.gradebook.decisions import Decisions, read_decisions
from nbseal.gradebook.explained import explained, recording_alone
from nbseal.gradebook.extensions import read_extensions
from nbseal.gradebook.lateness import Timing, as_decided, timing_of
from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.gradebook.registration import ensure_registered
from nbseal.gradebook.submission_rows import GradebookWriter
from nbseal.gradebook.times import (
    TIMESTAMP_FILE,
    Stamp,
    for_nbgrader,
    read_stamp,
    stamp_in,
    write_stamp,
    zones_of,
)
from nbseal.results import GradedSubmission, Scorecard
from nbseal.text import notes_on_like_ids


class Recorder:
    """Writes to nbgrader's gradebook, to autograded/ and to our own ledger, in this order of counting:

    1. the new autograded folder is written out of sight, 2. the ledger announces it (from here on the submission
    counts as not recorded), 3. the gradebook takes all marks in one transaction, 4. the folder takes its place,
    5. the ledger's entry counts. Whoever is killed before 2 leaves everything as it was, later on a submission
    that the next run grades again. One writer at a time in a course.
    """

    def __init__(self, course: Course) -> None:
        self.course = course
        self._zones = zones_of(course.config)
        self._extensions = read_extensions(course)
        self._known: dict[str, Entry] = {}
        self._decisions: dict[str, Decisions] = {}
        self._dues: dict[str, datetime.datetime | None] = {}

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the gradebook."""
        if "_gradebook" in self.__dict__:
            self._gradebook.close()
            del self._gradebook

    def prepare(self, assignment: str) -> None:
        """Have ``assignment`` in the gradebook, with the cells of its notebooks.

        UnknownName if there is none, CourseError if its notebooks or the gradebook's version of them are unfit,
        RecordError if the gradebook can't be read or written.
        """
        found = self.course.assignment(assignment)
        with recording_alone(self.course.private):
            gradebook = self._gradebook
            with explained(gradebook.name):
                ensure_registered(self.course, found, gradebook.connection)

    def recorded(self, assignment: str) -> dict[str, tuple[str, Scorecard]]:
        """Digest and scorecard of each student whose submission is wholly recorded."""
        entries = Ledger.of(self.course, assignment).entries()
        file = gradebook_file(self.course)
        if not entries or (file and not file.exists()):
            return {}
        known = self._gradebook.students(assignment)
        self._known = {entry.student: entry for entry in entries if entry.student in known and self._is_in_place(entry)}
        return {student: (entry.digest, entry.scorecard) for student, entry in self._known.items()}

    def before(self, student: str, handed_in: str) -> Scorecard | None:
        """What is ``recorded`` of the very submission that ``handed_in`` identifies; None if that was another one."""
        entry = self._known.get(student)
        return entry.scorecard if entry and handed_in and entry.handed_in == handed_in else None

    def notes(self) -> tuple[str, ...]:
        """What should be known before marks go out: like ids of students, and what is wrong in extensions.csv."""
        assignments = self.course.assignments()
        submitted = {student for name in assignments for student in self.course.students(name)}
        known = submitted | self._gradebook.everybody()
        return (*notes_on_like_ids(known), *self._extensions.notes(assignments, known))

    def save(self, graded: GradedSubmission) -> GradedSubmission:
        """Record one submission everywhere; RecordError if that can't be done.

        Returns it as it is recorded: what nobody can tell about its time is in the scorecard, and its timestamp is as
        nbgrader reads it.
        """
        return self._save(graded, write_autograded=True)

    def save_marks(self, graded: GradedSubmission) -> GradedSubmission:
        """Record one submission whose autograded folder nbgrader itself is about to write."""
        return self._save(graded, write_autograded=False)

    def _save(self, graded: GradedSubmission, write_autograded: bool) -> GradedSubmission:
        card = graded.scorecard
        _check_name(card.student)
        notebooks = {name: notebook_bytes(notebook) for name, notebook in graded.notebooks.items()}
        sizes = {name: len(content) for name, content in notebooks.items()}
        destination = self.course.folder("autograded", card.student, card.assignment)
        staging = Staging(destination, self._permissions, self.course.coursedir.groupshared)
        stamp = self._stamp(graded)
        with recording_alone(self.course.private):
            gradebook = self._gradebook
            before = Ledger.of(self.course, card.assignment).latest(card.student)
            timing = self._timing(card.assignment, card.student, stamp, before)
            graded = replace(graded, scorecard=timing.on(card), files=_other_files(graded, stamp))
            due = self._due(card.assignment)
            entry = Entry(graded.digest, graded.scorecard, sizes, graded.handed_in, timing.text, _text(due))
            with explained(destination):
                if write_autograded:
                    staging.write(graded.files, notebooks)
            try:
                with self._announced(entry):
                    gradebook.write(graded, timing)
            except BaseException:
                staging.discard()
                raise
            with explained(destination):
                if write_autograded:
                    staging.publish()
            self._publish(entry)
        return graded

    def renew_times(self, assignment: str, student: str) -> tuple[Scorecard, float] | None:
        """Record anew when one of the ``recorded`` submissions came, if what is known of that is something else now.

        That is what its stamp says, what a person decided about it, its line in extensions.csv, and the due date.

        Marks stay, the late penalty is computed anew. Returns the new scorecard and the penalty; None if everything is
        as it was.
        """
        entry = self._known[student]
        stamp = stamp_in(self.course.folder("submitted", student, assignment), self._zones)
        stamp = as_decided(self._decisions_about(assignment), student, entry.handed_in, stamp)
        timing = self._timing(assignment, student, stamp, entry)
        due = _text(self._due(assignment))
        renewed = replace(entry, scorecard=timing.on(entry.scorecard), extension=timing.text, due=due)
        if renewed == entry and self._is_on_record(assignment, student, timing):
            return None
        with recording_alone(self.course.private):
            with self._announced(renewed):
                penalty = self._gradebook.write_times(assignment, student, entry.sizes, timing)
            folder = self.course.folder("autograded", student, assignment)
            with explained(folder):
                write_stamp(folder, stamp, self._permissions)
            self._publish(renewed)
        return renewed.scorecard, penalty

    def _is_on_record(self, assignment: str, student: str, timing: Timing) -> bool:
        """Whether the gradebook has the extension that it should have."""
        if not timing.text or not timing.granted:
            return True
        return self._gradebook.extension(assignment, student) == timing.extension

    @contextmanager
    def _announced(self, entry: Entry) -> Iterator[None]:
        """What is done inside changes the gradebook; until ``_publish`` the submission doesn't count as recorded."""
        ledger = Ledger.of(self.course, entry.scorecard.assignment)
        with explained(ledger.folder):
            was_pending = ledger.is_pending(entry.student)
            ledger.announce(entry)
        try:
            yield
        except BaseException:
            # The gradebook is as it was: so is everything else, unless an earlier run was killed half-way.
            if not was_pending:
                ledger.withdraw(entry.student)
            raise

    def _publish(self, entry: Entry) -> None:
        ledger = Ledger.of(self.course, entry.scorecard.assignment)
        with explained(ledger.folder):
            ledger.publish(entry.student)

    def _is_in_place(self, entry: Entry) -> bool:
        """Whether autograded/ holds the notebooks of ``entry``."""
        folder = self.course.folder("autograded", entry.student, entry.scorecard.assignment)
        try:
            return folder.is_dir() and all(
                (folder / f"{name}.ipynb").stat().st_size == size for name, size in entry.sizes.items()
            )
        except OSError:
            return False

    def _stamp(self, graded: GradedSubmission) -> Stamp | None:
        """When the submission was handed in; None if it has no stamp."""
        card = graded.scorecard
        folder = self.course.folder("submitted", card.student, card.assignment)
        if os.path.isdir(folder):  # nbgrader's own file; one of that name in a student's archive says nothing
            stamp = stamp_in(folder, self._zones)
        else:
            stamp = None if graded.timestamp is None else read_stamp(graded.timestamp, self._zones)
        return as_decided(self._decisions_about(card.assignment), card.student, graded.handed_in, stamp)

    def _decisions_about(self, assignment: str) -> Decisions:
        """What people have decided, as it was when it was first asked for."""
        if assignment not in self._decisions:
            self._decisions[assignment] = read_decisions(self.course.private, assignment)
        return self._decisions[assignment]

    def _timing(self, assignment: str, student: str, stamp: Stamp | None, before: Entry | None) -> Timing:
        line = self._extensions.of(student, assignment)
        due = self._due(assignment) if line else None
        return timing_of(stamp, line, due, before.extension if before else "")

    def _due(self, assignment: str) -> datetime.datetime | None:
        """When an assignment is due, as it was when it was first asked for."""
        if assignment not in self._dues:
            self._dues[assignment] = self._gradebook.due(assignment)
        return self._dues[assignment]

    @cached_property
    def _permissions(self) -> int:
        return file_permissions(self.course)

    @cached_property
    def _gradebook(self) -> GradebookWriter:
        return GradebookWriter(self.course)


def _other_files(graded: GradedSubmission, stamp: Stamp | None) -> dict[str, bytes]:
    """The submission's other files, with a timestamp as nbgrader reads it; where there is none, it would stop."""
    files = {name: content for name, content in graded.files.items() if name != TIMESTAMP_FILE}
    if stamp and stamp.moment:
        text = (graded.timestamp or "").encode("utf-8", "replace")
        files[TIMESTAMP_FILE] = for_nbgrader(graded.files.get(TIMESTAMP_FILE, text), stamp.moment)
    return files


def _text(moment: datetime.datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _check_name(student: str) -> None:
    try:
        student.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError(
            f"the student folder {student!r} has a name that is not UTF-8: rename it and run again."
        ) from error
