"""Grades a class: what is already recorded is skipped, the rest runs in parallel and is recorded as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nbseal.course import Course
from nbseal.errors import RecordError, SubmissionError
from nbseal.grading.executors import Finished, LocalExecutor
from nbseal.grading.grader import Grader
from nbseal.grading.submission import digest_of_unreadable
from nbseal.results import GradedSubmission, Scorecard

if TYPE_CHECKING:
    from nbseal.gradebook import Recorder


@dataclass(frozen=True)
class Done:
    """One student's turn: the scorecard, and whether it was taken from an earlier run.

    ``renewed``: it was, but the submission's time or its due date is another one now.
    """

    student: str
    scorecard: Scorecard
    unchanged: bool = False
    renewed: bool = False
    trouble: str | None = None


@dataclass
class ClassResult:
    """All scorecards of a run, and what could not be recorded."""

    done: list[Done] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def scorecards(self) -> list[Scorecard]:
        """One scorecard a student, in the order of students."""
        return [one.scorecard for one in sorted(self.done, key=lambda one: one.student)]

    @property
    def troubles(self) -> list[str]:
        """What could not be recorded."""
        return [one.trouble for one in self.done if one.trouble]


@dataclass(frozen=True)
class ClassOptions:
    """Which submissions of a class are graded, and how.

    ``students`` None means all; ``jobs`` are submissions at a time; ``force`` grades what hasn't changed, too;
    ``unsealed`` is for code that you trust.
    """

    students: list[str] | None = None
    jobs: int | None = None
    force: bool = False
    unsealed: bool = False


class Watcher(Protocol):
    """Who wants to know how far a run has come."""

    def start(self, total: int) -> None:
        """Be told how many students there are."""

    def done(self, one: Done) -> None:
        """Be told that one student's turn is over."""


def grade_class(
    course: Course, assignment: str, options: ClassOptions | None = None, watcher: Watcher | None = None
) -> ClassResult:
    """Grade the submissions of ``assignment`` and record them; errors of the instructor's come before any student.

    A student whose marks can't be written doesn't stop the others: see ``ClassResult.troubles``. An interrupt waits
    until what is being recorded has been.
    """
    started = time.monotonic()
    options = options or ClassOptions()
    chosen = course.choose_students(assignment, options.students)
    result = ClassResult()
    with ExitStack() as stack:
        grader = Grader(course, assignment, options.unsealed)
        stack.callback(grader.close)
        # What is imported here is imported by one thread, while the grader's processes load: no other runs yet.
        from nbseal.gradebook import Recorder

        recorder = stack.enter_context(Recorder(course))
        recorder.prepare(assignment)
        grader.start()
        executor = LocalExecutor(min(options.jobs, len(chosen)) if options.jobs else None)
        stack.callback(executor.shutdown, wait=True, cancel_futures=True)
        finished = stack.enter_context(Finished())
        if watcher:
            watcher.start(len(chosen))
        recorded = {} if options.force else recorder.recorded(assignment)
        for one in _graded(grader, chosen, recorded, executor, finished):
            done = _renew(recorder, one) if isinstance(one, Done) else _save(recorder, one)
            result.done.append(done)
            if watcher:
                watcher.done(done)
        result.notes = grader.plan.notes + recorder.notes()
    result.seconds = time.monotonic() - started
    return result


def _graded(
    grader: Grader,
    chosen: list[str],
    recorded: dict[str, tuple[str, Scorecard]],
    executor: LocalExecutor,
    finished: Finished,
) -> Iterator[Done | GradedSubmission]:
    """Yield each student's result as it comes; only a few are in memory at a time."""
    running = 0
    for student in chosen:
        folder = grader.course.folder("submitted", student, grader.assignment.name)
        before = recorded.get(student)
        if before and before[0] and before[0] == _digest(grader, student, folder):
            yield Done(student, before[1], unchanged=True)
            continue
        finished.add(executor.submit(grader.grade, student, folder))
        running += 1
        if running == 2 * executor.jobs:
            yield finished.next().result()
            running -= 1
    for left in reversed(range(running)):
        result: GradedSubmission = finished.next().result()
        if not left:
            executor.submit(grader.close)  # while the last one is recorded
        yield result


def _digest(grader: Grader, student: str, folder: Path) -> str:
    try:
        handed_in = grader.read(folder).digest
        return grader.digest(handed_in, grader.decided(student, handed_in))
    except SubmissionError as error:
        reason = str(error)
        return grader.digest_of_unreadable(reason, grader.decided(student, digest_of_unreadable(reason)))


def _save(recorder: Recorder, graded: GradedSubmission) -> Done:
    try:
        card = recorder.save(graded).scorecard
    except RecordError as error:
        return Done(graded.scorecard.student, graded.scorecard, trouble=str(error))
    return Done(card.student, card)


def _renew(recorder: Recorder, one: Done) -> Done:
    """Have the late penalty of an unchanged submission follow extensions.csv."""
    try:
        card = recorder.renew_times(one.scorecard.assignment, one.student)
    except RecordError as error:
        return replace(one, trouble=str(error))
    return replace(one, scorecard=card, renewed=True) if card else one
