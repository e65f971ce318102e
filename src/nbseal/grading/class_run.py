"""Grades a class: what is already recorded is skipped, the rest runs in parallel and is recorded as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nbseal.course import Course
from nbseal.errors import RecordError, SubmissionError
from nbseal.grading.cluster.address import Address
from nbseal.grading.executors import Executor, Finished, LocalExecutor
from nbseal.grading.grader import Grader
from nbseal.grading.mark_changes import MarkChange, mark_changes
from nbseal.grading.own_solution import faults_of_solution
from nbseal.grading.submission import digest_of_unreadable
from nbseal.results import GradedSubmission, QuestionResult, Scorecard, Status
from nbseal.text import one_line

if TYPE_CHECKING:
    from nbseal.gradebook import Recorder


@dataclass(frozen=True)
class Done:
    """One student's turn: the scorecard, and whether it was taken from an earlier run.

    ``renewed``: it was, but the submission's time or its due date is another one now, and loses ``penalty`` marks for
    being late. ``changes`` are marks of the same submission that an earlier run made otherwise; where ``is_first``, no
    earlier run has marks to set them beside. ``by_person`` are marks that people gave, by question.
    """

    student: str
    scorecard: Scorecard
    unchanged: bool = False
    renewed: bool = False
    penalty: float = 0.0
    trouble: str | None = None
    changes: tuple[MarkChange, ...] = ()
    is_first: bool = False
    by_person: Mapping[str, float] = field(default_factory=dict)

    @property
    def standing(self) -> Scorecard:
        """The scorecard with people's marks where the machine has made none."""
        return replace(self.scorecard, questions=tuple(map(self._with_person, self.scorecard.questions)))

    def _with_person(self, question: QuestionResult) -> QuestionResult:
        if question.score is not None or question.grade_id not in self.by_person:
            return question
        return replace(question, score=self.by_person[question.grade_id], status=Status.GRADED)


@dataclass
class ClassResult:
    """All scorecards of a run, and what could not be recorded.

    ``solution_faults`` say which questions the instructor's own solution doesn't get all points for, and whether the
    last build failed.
    """

    done: list[Done] = field(default_factory=list)
    solution_faults: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    dry_run: bool = False

    @property
    def scorecards(self) -> list[Scorecard]:
        """One scorecard a student, in the order of students."""
        return [one.scorecard for one in sorted(self.done, key=lambda one: one.student)]

    @property
    def standings(self) -> list[Scorecard]:
        """The same with people's marks where the machine has made none."""
        return [one.standing for one in sorted(self.done, key=lambda one: one.student)]

    @property
    def changes(self) -> list[MarkChange]:
        """Marks of submissions that were graded before, and differ now."""
        return [change for one in sorted(self.done, key=lambda one: one.student) for change in one.changes]

    @property
    def troubles(self) -> list[str]:
        """Whose marks could not be recorded, and why."""
        return [f"{one_line(one.student)}: {one.trouble}" for one in self.done if one.trouble]


@dataclass(frozen=True)
class ClassOptions:
    """Which submissions of a class are graded, and how.

    ``students`` None means all; ``jobs`` are submissions at a time; ``force`` grades what hasn't changed, too;
    ``unsealed`` is for code that you trust. A ``dry_run`` records nothing. A ``cluster`` grades in the place of
    this machine.
    """

    students: list[str] | None = None
    jobs: int | None = None
    force: bool = False
    unsealed: bool = False
    dry_run: bool = False
    cluster: Address | None = None


class Watcher(Protocol):
    """Who wants to know how far a run has come."""

    def start(self, total: int) -> None:
        """Be told how many students there are."""

    def note(self, text: str) -> None:
        """Be told what an instructor must know while submissions are graded."""

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
    result = ClassResult(dry_run=options.dry_run)
    with ExitStack() as stack:
        grader = Grader(course, assignment, options.unsealed)
        stack.callback(grader.close)
        # What is imported here is imported by one thread, while the grader's processes load: no other runs yet.
        from nbseal.gradebook import Recorder
        from nbseal.gradebook.queries import person_marks

        recorder = stack.enter_context(Recorder(course))
        if not options.dry_run:
            recorder.prepare(assignment)
        grader.start()
        executor = _executor(grader, options, len(chosen), watcher)
        stack.push(lambda kind, *_: _stop(executor, grader) if kind else executor.close())
        finished = stack.enter_context(Finished())
        result.solution_faults = [*_failed_build(course, assignment), *faults_of_solution(course, grader)]
        if watcher:
            for fault in result.solution_faults:
                watcher.note(fault)
            watcher.start(len(chosen))
        recorded, by_person = recorder.recorded(assignment), person_marks(course, assignment)
        for one in _graded(grader, chosen, {} if options.force else recorded, executor, finished):
            done = _turn_over(recorder, one, options.dry_run)
            done = replace(done, by_person=by_person.get(done.student, {}))
            result.done.append(done)
            if watcher:
                watcher.done(done)
        result.notes = grader.plan.notes + executor.notes + (() if options.dry_run else recorder.notes())
    result.seconds = time.monotonic() - started
    return result


def _failed_build(course: Course, assignment: str) -> list[str]:
    """A sentence where students may have other questions than the sources, since the last build failed."""
    try:
        why = course.build_failure(assignment).read_text(encoding="utf-8")
    except OSError:
        return []
    return [f"{assignment}: the last nbseal build failed, so students may have another release than its sources: {why}"]


def _executor(grader: Grader, options: ClassOptions, count: int, watcher: Watcher | None) -> Executor:
    if options.cluster is None:
        return LocalExecutor(grader, min(options.jobs, count) if options.jobs else None)
    from nbseal.grading.cluster.executor import DaskExecutor  # an extra, which takes a while to load

    return DaskExecutor(grader, options.cluster, watcher.note if watcher else lambda text: None)


def _stop(executor: Executor, grader: Grader) -> None:
    """What runs is for nobody any more: end the processes that threads wait for, and then the threads."""
    grader.close()
    executor.stop()


def _graded(
    grader: Grader,
    chosen: list[str],
    recorded: dict[str, tuple[str, Scorecard]],
    executor: Executor,
    finished: Finished,
) -> Iterator[Done | GradedSubmission]:
    """Yield each student's result as it comes; only a few are in memory at a time."""
    running = 0
    for student in chosen:
        folder = grader.course.folder("submitted", student, grader.assignment.name)
        before = recorded.get(student)
        if before and before[0] and before[0] == _digest(grader, student, folder, before[1].seal):
            yield Done(student, before[1], unchanged=True)
            continue
        finished.add(executor.submit(student, folder))
        running += 1
        if running >= 2 * executor.jobs:
            yield finished.next().result()
            running -= 1
    for left in reversed(range(running)):
        result: GradedSubmission = finished.next().result()
        if not left:
            executor.finish()
        yield result


def _digest(grader: Grader, student: str, folder: Path, seal: str) -> str:
    """What a mark would depend on today, if it were made at the level that it was made at: any accepted one will do."""
    try:
        handed_in = grader.read(folder).digest
        level = seal if seal in grader.levels else ""
        return grader.digest(handed_in, grader.decided(student, handed_in), level)
    except SubmissionError as error:
        reason = str(error)
        return grader.digest_of_unreadable(reason, grader.decided(student, digest_of_unreadable(reason)))


def _turn_over(recorder: Recorder, one: Done | GradedSubmission, dry_run: bool) -> Done:
    """Record what became of a submission, unless nothing is to be recorded, and tell which marks are others now."""
    if isinstance(one, Done):
        return one if dry_run else _renew(recorder, one)
    before = recorder.before(one.scorecard.student, one.handed_in)
    done = Done(one.scorecard.student, one.scorecard) if dry_run else _save(recorder, one)
    if before is None or before.decisions != done.scorecard.decisions:  # what a person decided is no news
        return replace(done, is_first=True)
    return replace(done, changes=mark_changes(before, done.scorecard))


def _save(recorder: Recorder, graded: GradedSubmission) -> Done:
    try:
        card = recorder.save(graded).scorecard
    except RecordError as error:
        return Done(graded.scorecard.student, graded.scorecard, trouble=str(error))
    return Done(card.student, card)


def _renew(recorder: Recorder, one: Done) -> Done:
    """Have the late penalty of an unchanged submission follow extensions.csv."""
    try:
        found = recorder.renew_times(one.scorecard.assignment, one.student)
    except RecordError as error:
        return replace(one, trouble=str(error))
    return replace(one, scorecard=found[0], renewed=True, penalty=found[1]) if found else one
