"""The marks of an assignment as the gradebook has them, and which of them are final."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook.connection import Connection, connect, gradebook_file, gradebook_label
from nbseal.gradebook.explained import explained
from nbseal.gradebook.ledger import Ledger
from nbseal.gradebook.queries import points, students, submission_marks, waiting_questions
from nbseal.grading.submission import resubmitted
from nbseal.results import Scorecard, Status
from nbseal.text import command, shell

NOT_HANDED_IN = "nothing was handed in"
NOT_GRADED = "handed in, but not graded yet: run nbseal grade"
INTERRUPTED = "the last run was stopped before the mark was recorded: run nbseal grade"


@dataclass(frozen=True)
class Mark:
    """One student's mark: ``score`` is None where there is none to give away, and ``reason`` says why.

    ``partial`` is the sum so far of a mark that isn't final, None while no question has one; ``waiting`` are the
    questions that have none yet.
    """

    student: str
    score: float | None
    reason: str = ""
    partial: float | None = None
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    waiting: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        """Whether the student handed nothing in."""
        return self.reason == NOT_HANDED_IN


@dataclass(frozen=True)
class AssignmentMarks:
    """The marks of an assignment, by student, and the points that it gives.

    ``resubmitted`` are students whose mark is that of an earlier submission than they have handed in now;
    ``unclear_times`` those of whom nobody can tell if they were late, so that they have no penalty.
    """

    assignment: str
    max_score: float
    by_student: dict[str, Mark]
    resubmitted: tuple[str, ...] = ()
    unclear_times: tuple[str, ...] = ()


def read_marks(course: Course, assignment: str) -> AssignmentMarks:
    """Read the marks of one assignment; UnknownName or CourseError if there are none."""
    course.assignment(assignment)
    file, name = gradebook_file(course), gradebook_label(course)
    if file and not file.exists():
        raise CourseError(f"{name} doesn't exist: grade first ({shell(command('grade', assignment))}).")
    with explained(name), closing(connect(course)) as gradebook:
        max_score = points(gradebook, assignment)
        if max_score is None:
            raise CourseError(
                f"{name} has no assignment {assignment}: grade first ({shell(command('grade', assignment))})."
            )
        marks = _read(gradebook, assignment)
    by_student = _with_what_lies_about(course, assignment, marks)
    entries = Ledger.of(course, assignment).entries()
    unclear = tuple(entry.student for entry in entries if entry.scorecard.has_unclear_time)
    return AssignmentMarks(assignment, max_score, by_student, tuple(resubmitted(course, assignment)), unclear)


def decide(mark: Mark, partial: bool, zero_missing: bool) -> Mark:
    """The mark as it is to be given away: with ``partial`` sums so far, with ``zero_missing`` nothing is 0."""
    if mark.score is None and partial and mark.partial is not None:
        return replace(mark, score=mark.partial, reason=f"only the sum so far: {mark.reason}")
    if mark.is_missing and zero_missing:
        return replace(mark, score=0.0, reason="")
    return mark


def _read(gradebook: Connection, assignment: str) -> dict[str, Mark]:
    found = submission_marks(gradebook, assignment)
    waiting = waiting_questions(gradebook, assignment)
    marks = {}
    for student, *about in students(gradebook):
        first, last, email, lms = (text or "" for text in about)
        mark = Mark(student, None, NOT_HANDED_IN, None, first, last, email, lms)
        if student in waiting:
            reason = f"waits for a person: {', '.join(waiting[student])}"
            so_far = found[student].total if found[student].marked else None
            mark = replace(mark, reason=reason, partial=so_far, waiting=tuple(waiting[student]))
        elif student in found:
            mark = replace(mark, score=found[student].total, reason="")
        marks[student] = mark
    return marks


def _with_what_lies_about(course: Course, assignment: str, marks: dict[str, Mark]) -> dict[str, Mark]:
    """What only the folders know: submissions that weren't graded or judged, and recordings that were interrupted."""
    ledger = Ledger.of(course, assignment)
    result = dict(marks)
    for entry in ledger.entries():
        if entry.student in result:
            result[entry.student] = _with_what_was_not_judged(result[entry.student], entry.scorecard)
    for student in course.students(assignment):
        known = marks.get(student, Mark(student, None, NOT_HANDED_IN))
        if known.is_missing:
            result[student] = replace(known, reason=NOT_GRADED)
        elif ledger.is_pending(student):
            result[student] = replace(known, score=None, partial=None, reason=INTERRUPTED)
    return result


def _with_what_was_not_judged(mark: Mark, card: Scorecard) -> Mark:
    """The mark with a reason that tells what could not be judged from what a person always reads."""
    not_judged = {question.grade_id for question in card.questions if question.status is Status.NOT_JUDGED}
    lost = ", ".join(name for name in mark.waiting if name in not_judged)
    others = ", ".join(name for name in mark.waiting if name not in not_judged)
    if not lost:
        return mark
    return replace(mark, reason=f"not judged: {lost}" + (f"; waits for a person: {others}" if others else ""))
