"""What becomes of one task of the queue."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import CourseError, RecordError
from nbseal.feedback.class_pages import Outcome, Page, make_class_pages
from nbseal.gradebook import Recorder
from nbseal.gradebook.ledger import Entry, Ledger
from nbseal.gradebook.times import stamp_in, zones_of
from nbseal.grading import Grader
from nbseal.results import GradedSubmission, Scorecard
from nbseal.watch.exchange import Source, identity_of
from nbseal.watch.pages import Arrived, Withheld, arrived, attempt_pages, make_feedback, receipt_pages, recorded_pages
from nbseal.watch.queue import Queue
from nbseal.watch.rules import EVERYTHING, NOTHING, DueDates, in_words, shown_now, takes_its_place
from nbseal.watch.tasks import Kind, State, Task
from nbseal.watch.warm_graders import WarmGraders

TOLD_SECONDS = 0.5  # between two notes of how far a task has come
UNCOUNTED = "an earlier submission counts: this one got fewer marks, or came late"


class Stopped(Exception):
    """Somebody has cancelled the task."""


@dataclass(frozen=True)
class Result:
    """How a task ended, what is said of it, and what the student has been shown."""

    state: State = State.DONE
    note: str = ""
    shown: str = ""


@dataclass(frozen=True)
class Handling:
    """Does the tasks of a course; any number of threads may use it. Errors are NbsealError and OSError."""

    course: Course
    source: Source | None
    queue: Queue
    graders: WarmGraders
    dates: DueDates

    def do(self, task: Task) -> Result:
        """Do a task; Stopped if it was cancelled meanwhile."""
        match task.kind:
            case Kind.SUBMISSION:
                return self._submission(task)
            case Kind.AUTOGRADE:
                return self._autograde(task)
            case Kind.FEEDBACK:
                return self._feedback(task)
            case Kind.RELEASE:
                return self._release_all(task)
            case Kind.TAKE:
                raise AssertionError("the worker itself takes")

    def _submission(self, task: Task) -> Result:
        """Grade what a student handed in, record it if it counts, and release its page."""
        course, source, about = self.course, self._source, (task.assignment, task.student)
        folder = source.folder(*about)
        if identity_of(course, task.assignment, folder) != task.identity:
            return Result(State.REPLACED)
        due = self.dates.of(*about)
        if is_last := course.watch.counts == "last":  # whatever comes now, `nbseal grade` has it
            source.publish(*about)
        with self.graders.use(course, task.assignment) as grader:
            sealed = grader.plan.sealed
            graded = None if self._is_recorded(grader, task) else grader.grade(task.student, folder)
        if graded and graded.handed_in != task.identity:
            return Result(State.REPLACED)
        if graded and not graded.digest:
            self.graders.retire(task.assignment)
            raise RecordError("; ".join(graded.scorecard.problems) or "it could not be judged")
        self._go_on(task)
        counts = graded is None or self._counts(task, graded, folder, due)
        if graded and counts:
            if not is_last:
                source.publish(*about)
            with Recorder(course) as recorder:
                graded = recorder.save(graded)
        told = arrived(course, task, folder, self._number(task), due, "" if counts else UNCOUNTED)
        note = self._make_feedback(task) if counts else UNCOUNTED
        shown = shown_now(course.watch, due)
        if shown == NOTHING:
            standing = f"It is graded. Marks are shown after {in_words(due)}." if due else "It is graded."
            pages = receipt_pages(course, task, folder, told, standing)
        else:
            withheld = Withheld() if shown == EVERYTHING else Withheld(sealed, in_words(due))
            pages = self._pages(task, None if counts else graded, folder, told, withheld)
        problem = source.release(*about, folder, pages)
        words = [_marks(graded.scorecard if graded else self._entry(task).scorecard), note, problem]
        return Result(note="; ".join(filter(None, words)), shown="" if problem or not source.releases else shown)

    def _autograde(self, task: Task) -> Result:
        """Grade and record what lies in submitted/, whatever was graded before."""
        self.course.choose_students(task.assignment, [task.student])
        folder = self.course.folder("submitted", task.student, task.assignment)
        with self.graders.use(self.course, task.assignment) as grader:
            graded = grader.grade(task.student, folder)
        self._go_on(task)
        with Recorder(self.course) as recorder:
            card = recorder.save(graded).scorecard
        return Result(note="\n".join([_marks(card), *card.problems]))

    def _feedback(self, task: Task) -> Result:
        """Make the pages in feedback/ that are out of date, of a student or of the class."""
        watcher = _Progress(self, task)
        result = make_class_pages(self.course, task.assignment, [task.student] if task.student else None, None, watcher)
        failed = [f"{page.student}, {page.notebook}.html: {page.problem}" for page in result.pages if page.problem]
        counted = f"{result.count(Outcome.MADE)} pages made, {result.count(Outcome.UNCHANGED)} up to date"
        return Result(State.FAILED if failed else State.DONE, "\n".join([counted, *failed, *result.notes]))

    def _release_all(self, task: Task) -> Result:
        """The student's due date has passed: release the whole page of the newest graded submission."""
        course, source, about = self.course, self._source, (task.assignment, task.student)
        submission = next((one for one in self.queue.submissions(*about) if one.state is State.DONE), None)
        folder = self._folder_of(submission) if submission else None
        if submission is None or folder is None:
            if submission:
                self.queue.set_shown(submission, "")
            return Result(State.REPLACED)
        told = arrived(course, submission, folder, self._number(submission), self.dates.of(*about))
        graded = None
        if self._entry(submission).handed_in != submission.identity:
            with self.graders.use(course, task.assignment) as grader:
                graded = grader.grade(task.student, folder)
        problem = source.release(*about, folder, self._pages(submission, graded, folder, told, Withheld()))
        self.queue.set_shown(submission, EVERYTHING)
        return Result(note=problem)

    def _folder_of(self, submission: Task) -> Path | None:
        """Where a submission lies, if it isn't gone by now."""
        about = submission.assignment, submission.student
        counting = self.course.folder("submitted", submission.student, submission.assignment)
        for folder in (counting, self._source.folder(*about)):
            if identity_of(self.course, submission.assignment, folder) == submission.identity:
                return folder
        return None

    @property
    def _source(self) -> Source:
        assert self.source is not None, "a worker that watches nothing begins only what people ask for"
        return self.source

    def _go_on(self, task: Task) -> None:
        if not self.queue.progress(task, task.done, task.total):
            raise Stopped

    def _is_recorded(self, grader: Grader, task: Task) -> bool:
        """Whether an earlier worker came as far as recording this very submission."""
        ledger = Ledger.of(self.course, task.assignment)
        entry = ledger.latest(task.student)
        folder = self.course.folder("autograded", task.student, task.assignment)
        if entry is None or ledger.is_pending(task.student) or not folder.is_dir():
            return False
        digest = grader.digest(task.identity, grader.decided(task.student, task.identity))
        return entry.handed_in == task.identity and entry.digest == digest

    def _entry(self, task: Task) -> Entry:
        """What is recorded of the student; RecordError if nothing is."""
        entry = Ledger.of(self.course, task.assignment).latest(task.student)
        if entry is None:
            raise RecordError(f"nothing of {task.student} is recorded for {task.assignment}: run nbseal grade.")
        return entry

    def _counts(self, task: Task, graded: GradedSubmission, folder: Path, due: datetime | None) -> bool:
        """Whether a graded submission takes the place of the one that counts so far."""
        entry = Ledger.of(self.course, task.assignment).latest(task.student)
        before = self.course.folder("submitted", task.student, task.assignment)
        earlier = (entry.scorecard.score, self._is_late(before, due)) if entry else None
        return takes_its_place(self.course.watch, graded.scorecard.score, self._is_late(folder, due), earlier)

    def _is_late(self, folder: Path, due: datetime | None) -> bool:
        stamp = stamp_in(folder, zones_of(self.course.config))
        return bool(due and stamp and stamp.moment and stamp.moment > due)

    def _number(self, task: Task) -> int:
        """Which of the student's attempts it is."""
        earlier = self.queue.submissions(task.assignment, task.student)
        return 1 + sum(one.state is State.DONE and one.id < task.id for one in earlier)

    def _make_feedback(self, task: Task) -> str:
        """Have the student's pages in feedback/; why not, if the course's settings ask for pages of another kind."""
        try:
            make_feedback(self.course, task.assignment, task.student)
        except CourseError as error:
            return f"no page in feedback/: {error}"
        return ""

    def _pages(
        self, task: Task, uncounted: GradedSubmission | None, folder: Path, told: Arrived, withheld: Withheld
    ) -> dict[str, str]:
        if uncounted:
            return attempt_pages(self.course, uncounted, folder, told, withheld)
        return recorded_pages(self.course, task.assignment, task.student, told, withheld)


class _Progress:
    """Notes in the queue how many pages are made, and stops where somebody has cancelled."""

    def __init__(self, handling: Handling, task: Task) -> None:
        self._queue, self._task = handling.queue, task
        self._done, self._total, self._told = 0, 0, 0.0

    def start(self, total: int) -> None:
        """Be told how many there are."""
        self._total = total

    def done(self, one: Page) -> None:
        """Be told of one more."""
        self._done += 1
        now = time.monotonic()
        if now - self._told > TOLD_SECONDS or self._done == self._total:
            self._told = now
            if not self._queue.progress(self._task, self._done, self._total) and self._done < self._total:
                raise Stopped


def _marks(card: Scorecard) -> str:
    return "not judged" if card.is_unjudged else f"{card.score:g} of {card.max_score:g} points"
