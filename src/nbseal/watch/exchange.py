"""Where submissions come from, and where feedback goes: nbgrader's exchange, or the folder submitted/."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory

from nbseal.course import Course
from nbseal.errors import CourseError, SubmissionError
from nbseal.gradebook.autograded import Staging
from nbseal.grading.submission import digest_of_unreadable, read_submission

SECRET = "submission_secret.txt"  # what nbgrader writes last, and what it releases feedback by
COMPLETE_SECONDS = 5  # after which a submission without a secret is taken for complete
SETTLE_SECONDS = 1  # for which a folder must not have changed
MANY = 3  # students whose submissions are collected in one go
Arrival = tuple[str, str]  # an assignment and a student


class Source(Protocol):
    """Where submissions arrive."""

    releases: bool
    settled: bool  # nothing is being written that is waited for

    def arrivals(self) -> list[Arrival]:
        """Whose submission has come, or changed, since the last look."""

    def take(self, arrivals: list[Arrival]) -> dict[Arrival, str]:
        """Take them; why some could not be taken."""

    def folder(self, assignment: str, student: str) -> Path:
        """Where a student's newest submission lies."""

    def publish(self, assignment: str, student: str) -> None:
        """Let a student's newest submission be the one that counts."""

    def release(self, assignment: str, student: str, submission: Path, pages: dict[str, str]) -> str:
        """Give a student pages about a submission, by the names of notebooks; why that is impossible, or "".

        CourseError if it can't be done now.
        """


class Exchange:
    """nbgrader's exchange in folders, as the course's settings have it. ``only`` names the assignments to look at.

    What was collected lies in ``.nbseal/watch/taken/``, and goes into submitted/ when it counts.
    """

    releases = True

    def __init__(self, course: Course, only: list[str]) -> None:
        self.course, self.only = course, only
        self._factory = ExchangeFactory(config=course.config)
        self._taken = _with_folder(course, "submitted", course.private / "watch" / "taken")
        self._pages = _with_folder(course, "feedback", course.private / "watch" / "pages")
        self._seen: set[str] = set()
        self._changed = -1
        self._collecting, self._releasing = Lock(), Lock()
        self.settled = False
        if not course.coursedir.course_id:
            raise CourseError("there is no course id: set c.CourseDirectory.course_id in nbgrader_config.py.")
        collect = self._factory.Collect(coursedir=course.coursedir)
        root = getattr(collect, "root", None)
        # nbgrader itself only warns of a submission that is somebody else's; whoever watches no screen must leave it
        self._must_own = type(collect).__module__.startswith("nbgrader.") and collect.check_owner
        if root is None:
            raise CourseError(
                "nbseal watch reads exchanges that are folders, and c.ExchangeFactory names another one: let nbgrader "
                "collect, and watch the folder: nbseal watch --from-folder."
            )
        self.inbound = Path(root, course.coursedir.course_id, "inbound")

    def arrivals(self) -> list[Arrival]:
        """Whose submission has come since the last look; CourseError if the exchange can't be read."""
        try:
            changed = self.inbound.stat().st_mtime_ns
            if changed == self._changed:
                self.settled = True
                return []
            names = set(os.listdir(self.inbound))
        except OSError as error:
            raise CourseError(
                f"{self.inbound} can't be read ({error.strerror}): make the exchange readable for this account. "
                "Nothing is lost: what students submit stays there, or with them."
            ) from error
        new = {name for name in names - self._seen if not name.startswith(".")}
        incomplete = {name for name in new if not self._is_complete(self.inbound / name)}
        self._seen = names - incomplete
        self._changed, self.settled = (-1 if incomplete else changed), False
        found = {_whose(name) for name in new - incomplete} - {None}
        known = set(self.only or self.course.assignments())
        return sorted(one for one in found if one and one[0] in known)

    def _is_complete(self, folder: Path) -> bool:
        """Whether nbgrader has written all of a submission."""
        try:
            return (folder / SECRET).exists() or time.time() - folder.stat().st_mtime > COMPLETE_SECONDS
        except OSError:
            return True  # collecting says what is wrong with it

    def take(self, arrivals: list[Arrival]) -> dict[Arrival, str]:
        """Collect submissions as ``nbgrader collect --update`` does; why some could not be collected."""
        foreign = self._foreign(set(arrivals)) if self._must_own else {}
        own = [one for one in arrivals if one not in foreign]
        if len(own) > MANY and not foreign and not any(self._collect(name, "*") for name in {name for name, _ in own}):
            return {}  # otherwise one by one: one that nbgrader stops at is nobody else's trouble
        return foreign | {one: problem for one in own if (problem := self._collect(*one))}

    def _foreign(self, arrivals: set[Arrival]) -> dict[Arrival, str]:
        """Those under whose names something lies that belongs to another account."""
        found = {}
        for name in sorted(self._seen):
            one = _whose(name)
            if one and one in arrivals and (owner := _owner(self.inbound / name)) != one[1]:
                found[one] = (
                    f"{self.inbound / name} bears the name of {one[1]} and belongs to {owner}: look at it and remove "
                    "it, or set c.ExchangeCollect.check_owner = False if accounts have other names."
                )
        return found

    def _collect(self, assignment: str, student: str) -> str:
        collect = self._factory.Collect(coursedir=_about(self._taken, assignment, student))
        collect.update = True
        try:
            with self._collecting:
                collect.start()
        except Exception as error:  # whatever one submission is like, the others are taken
            return str(error) or type(error).__name__
        return ""

    def folder(self, assignment: str, student: str) -> Path:
        """Where a student's newest submission lies, which nobody but us writes to."""
        return self._taken.folder("submitted", student, assignment)

    def publish(self, assignment: str, student: str) -> None:
        """Put a student's newest submission into submitted/, whole or not at all; OSError if that fails."""
        source, target = self.folder(assignment, student), self.course.folder("submitted", student, assignment)
        shared = self.course.coursedir.groupshared
        staging = Staging(target, 0o664 if shared else 0o644, shared)
        try:
            files = read_submission(self.course, assignment, source).files
        except SubmissionError:  # then it lies there as it is, for a person to look at
            files = {}
        if files:
            staging.write(files, {})
            staging.publish()
        elif not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(shutil.Error):
                shutil.copytree(source, target, symlinks=True)

    def release(self, assignment: str, student: str, submission: Path, pages: dict[str, str]) -> str:
        """Give a student pages as ``nbgrader release_feedback`` does, which finds them by the submission's secret."""
        if not (submission / SECRET).exists():
            return f"nothing is released: it was handed in without {SECRET}, by which nbgrader finds feedback"
        folder = self._pages.folder("feedback", student, assignment)
        with self._releasing:
            try:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                for name, page in pages.items():
                    (folder / f"{name}.html").write_text(page, encoding="utf-8", errors="replace")
                    (folder / f"{name}.html").chmod(0o644)
                shutil.copy(submission / SECRET, folder)
                (folder / "timestamp.txt").touch()
                self._factory.ReleaseFeedback(coursedir=_about(self._pages, assignment, student)).start()
            except Exception as error:  # nbgrader's own, and those of the disk
                problem = str(error) or type(error).__name__
                raise CourseError(f"feedback of {student} can't be released: {problem}") from error
        return ""


class Folder:
    """The folder submitted/, into which others put submissions; what lies there counts, and pages stay in feedback/."""

    releases = False

    def __init__(self, course: Course, only: list[str]) -> None:
        self.course, self.only = course, only
        self._seen: dict[Arrival, Any] = {}
        self._known: dict[Arrival, Any] = {}
        self._looked, self.settled = 0.0, False
        if course.watch.counts == "best":
            raise CourseError(
                'c.Watch.counts = "best" needs the exchange, where earlier submissions stay: nbseal watch without '
                "--from-folder."
            )

    def arrivals(self) -> list[Arrival]:
        """Whose folder has changed, and looks as it did at the last look: nobody is writing into it."""
        if time.monotonic() - self._looked < SETTLE_SECONDS:
            return []
        self._looked = time.monotonic()
        found = {
            (assignment, student): _signature(self.folder(assignment, student))
            for assignment in self.only or self.course.assignments()
            for student in self.course.students(assignment)
        }
        settled = [one for one, now in found.items() if now == self._seen.get(one) and now != self._known.get(one)]
        self._seen = found
        self._known |= {one: found[one] for one in settled}
        self.settled = not settled and found == self._known
        return sorted(settled)

    def take(self, arrivals: list[Arrival]) -> dict[Arrival, str]:
        """They are there already."""
        return {}

    def folder(self, assignment: str, student: str) -> Path:
        """A student's folder."""
        return self.course.folder("submitted", student, assignment)

    def publish(self, assignment: str, student: str) -> None:
        """It counts already."""

    def release(self, assignment: str, student: str, submission: Path, pages: dict[str, str]) -> str:
        """Whoever put submissions there takes pages from feedback/."""
        return ""


def identity_of(course: Course, assignment: str, folder: Path) -> str:
    """Identifies what lies in a submission's folder, whether it can be read or not."""
    try:
        return read_submission(course, assignment, folder).digest
    except SubmissionError as error:
        return digest_of_unreadable(str(error))


def _whose(name: str) -> Arrival | None:
    """What nbgrader's name of a submission says."""
    parts = name.rsplit("+", 3)
    return (parts[1], parts[0]) if len(parts) >= 3 and not {"", ".", ".."}.intersection(parts[:2]) else None


def _owner(path: Path) -> str:
    """The account that owns a file; "nobody any more" if it is gone."""
    try:
        return path.owner()
    except KeyError:
        return "an account without a name"
    except OSError:
        return "nobody any more"


def _with_folder(course: Course, kind: str, folder: Path) -> Course:
    """The course with another folder for one of nbgrader's trees."""
    config = deepcopy(course.config)
    config.CourseDirectory[f"{kind}_directory"] = str(folder)
    return Course(course.root, config, course.private)


def _about(course: Course, assignment: str, student: str) -> CourseDirectory:
    """nbgrader's course directory for one run."""
    return CourseDirectory(config=course.config, assignment_id=assignment, student_id=student)


def _signature(folder: Path) -> tuple[int, int]:
    """Changes when anything in a folder does: the newest time and the number of files."""
    newest, count = 0, 0
    for top, _, names in os.walk(folder):
        for path in (top, *(os.path.join(top, name) for name in names)):
            with suppress(OSError):
                about = os.lstat(path)
                newest, count = max(newest, about.st_mtime_ns, about.st_ctime_ns), count + 1
    return newest, count
