"""Records graded submissions so that a kill at any moment loses nothing that was recorded."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType

from filelock import FileLock
from nbgrader.utils import parse_utc

from nbseal.course import Course
from nbseal.errors import RecordError
from nbseal.files import read_regular
from nbseal.gradebook.autograded import Staging, file_permissions, notebook_bytes
from nbseal.gradebook.connection import gradebook_file
from nbseal.gradebook.explained import BUSY_SECONDS, explained
from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.gradebook.registration import ensure_registered
from nbseal.gradebook.submission_rows import GradebookWriter
from nbseal.results import GradedSubmission, Scorecard
from nbseal.text import notes_on_like_ids

TIMESTAMP_FILE = "timestamp.txt"
TIMESTAMP_LIMIT = 200  # bytes


class Recorder:
    """Writes to nbgrader's gradebook, to autograded/ and to our own ledger, in this order of counting:

    1. the new autograded folder is written out of sight, 2. the ledger announces it (from here on the submission
    counts as not recorded), 3. the gradebook takes all marks in one transaction, 4. the folder takes its place,
    5. the ledger's entry counts. Whoever is killed before 2 leaves everything as it was, later on a submission
    that the next run grades again. One writer at a time in a course.
    """

    def __init__(self, course: Course) -> None:
        self.course = course

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
        with self._writing():
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
        return {
            entry.student: (entry.digest, entry.scorecard)
            for entry in entries
            if entry.student in known and self._is_in_place(entry)
        }

    def notes(self) -> tuple[str, ...]:
        """What should be known before marks go out: ids of students that people take for one."""
        submitted = {student for name in self.course.assignments() for student in self.course.students(name)}
        return tuple(notes_on_like_ids(submitted | self._gradebook.everybody()))

    def save(self, graded: GradedSubmission) -> None:
        """Record one submission everywhere; RecordError if that can't be done."""
        self._save(graded, write_autograded=True)

    def save_marks(self, graded: GradedSubmission) -> None:
        """Record one submission whose autograded folder nbgrader itself is about to write."""
        self._save(graded, write_autograded=False)

    def _save(self, graded: GradedSubmission, write_autograded: bool) -> None:
        card = graded.scorecard
        _check_name(card.student)
        notebooks = {name: notebook_bytes(notebook) for name, notebook in graded.notebooks.items()}
        sizes = {name: len(content) for name, content in notebooks.items()}
        entry = Entry(graded.digest, card, sizes, graded.handed_in)
        ledger = Ledger.of(self.course, card.assignment)
        destination = self.course.folder("autograded", card.student, card.assignment)
        staging = Staging(destination, self._permissions, self.course.coursedir.groupshared)
        timestamp = self._timestamp(graded)
        with self._writing():
            gradebook = self._gradebook
            with explained(destination):
                if write_autograded:
                    staging.write(_other_files(graded, timestamp), notebooks)
            with explained(ledger.folder):
                was_pending = ledger.is_pending(card.student)
                ledger.announce(entry)
            try:
                gradebook.write(graded, timestamp)
            except BaseException:
                # The gradebook is as it was: so is everything else, unless an earlier run was killed half-way.
                if not was_pending:
                    ledger.withdraw(card.student)
                staging.discard()
                raise
            with explained(destination):
                if write_autograded:
                    staging.publish()
            with explained(ledger.folder):
                ledger.publish(card.student)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with explained(self.course.private):
            self.course.private.mkdir(mode=0o700, exist_ok=True)
            lock = FileLock(self.course.private / "record.lock", timeout=BUSY_SECONDS)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _is_in_place(self, entry: Entry) -> bool:
        """Whether autograded/ holds the notebooks of ``entry``."""
        folder = self.course.folder("autograded", entry.student, entry.scorecard.assignment)
        try:
            return folder.is_dir() and all(
                (folder / f"{name}.ipynb").stat().st_size == size for name, size in entry.sizes.items()
            )
        except OSError:
            return False

    def _timestamp(self, graded: GradedSubmission) -> datetime.datetime | None:
        """When the submission was handed in, in UTC; None if nobody knows or the file makes no sense."""
        text = graded.timestamp
        if text is None:
            card = graded.scorecard
            text = _small_text(self.course.folder("submitted", card.student, card.assignment) / TIMESTAMP_FILE)
        try:
            moment: datetime.datetime | None = parse_utc(text.strip()) if text and text.strip() else None
        except (ValueError, OverflowError, TypeError):
            return None
        return moment

    @cached_property
    def _permissions(self) -> int:
        return file_permissions(self.course)

    @cached_property
    def _gradebook(self) -> GradebookWriter:
        return GradebookWriter(self.course)


def _other_files(graded: GradedSubmission, timestamp: datetime.datetime | None) -> dict[str, bytes]:
    """The submission's other files; a timestamp that nbgrader could not read is left out, it would stop there."""
    files = {name: content for name, content in graded.files.items() if name != TIMESTAMP_FILE}
    if timestamp is not None:
        text = (graded.timestamp or f"{timestamp} UTC").encode("utf-8", "replace")
        files[TIMESTAMP_FILE] = graded.files.get(TIMESTAMP_FILE, text)
    return files


def _check_name(student: str) -> None:
    try:
        student.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError(
            f"the student folder {student!r} has a name that is not UTF-8: rename it and run again."
        ) from error


def _small_text(path: Path) -> str | None:
    """A small regular file's text; a link, a pipe or a large file has none."""
    try:
        content = read_regular(path, TIMESTAMP_LIMIT)
    except OSError:
        return None
    return None if content is None else content.decode("utf-8", "replace")
