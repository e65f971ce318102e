"""The marks of an assignment as the gradebook has them, and which of them are final."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbgrader import api
from sqlalchemy import and_, or_, select

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.gradebook.database import gradebook_name, gradebook_url, is_file, open_gradebook
from nbseal.gradebook.explained import explained
from nbseal.gradebook.ledger import Ledger
from nbseal.grading.submission import resubmitted
from nbseal.results import Scorecard, Status

NOT_HANDED_IN = "nothing was handed in"
NOT_GRADED = "handed in, but not graded yet: run nbseal grade"
INTERRUPTED = "the last run was stopped before the mark was recorded: run nbseal grade"


@dataclass(frozen=True)
class Mark:
    """One student's mark: ``score`` is None where there is none to give away, and ``reason`` says why.

    ``partial`` is the sum so far of a mark that isn't final, ``waiting`` are the questions that have none yet.
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
class Marks:
    """The marks of an assignment, by student, and the points that it gives.

    ``resubmitted`` are students whose mark is that of an earlier submission than they have handed in now.
    """

    assignment: str
    max_score: float
    by_student: dict[str, Mark]
    resubmitted: tuple[str, ...] = ()


def read_marks(course: Course, assignment: str) -> Marks:
    """Read the marks of one assignment; UnknownName or CourseError if there are none."""
    course.assignment(assignment)
    url = gradebook_url(course)
    name = gradebook_name(url)
    if is_file(url) and not Path(str(url.database)).exists():
        raise CourseError(f"{name} doesn't exist: grade first (nbseal grade {assignment}).")
    with explained(name):
        gradebook = open_gradebook(url, course.coursedir.course_id)
        try:
            found = _read(gradebook.db, assignment)
        finally:
            gradebook.close()
    if found is None:
        raise CourseError(f"{name} has no assignment {assignment}: grade first (nbseal grade {assignment}).")
    max_score, marks = found
    by_student = _with_what_lies_about(course, assignment, marks)
    return Marks(assignment, max_score, by_student, tuple(resubmitted(course, assignment)))


def decide(mark: Mark, partial: bool, zero_missing: bool) -> Mark:
    """The mark as it is to be given away: with ``partial`` sums so far, with ``zero_missing`` nothing is 0."""
    if mark.score is None and partial and mark.partial is not None:
        return replace(mark, score=mark.partial, reason=f"only the sum so far: {mark.reason}")
    if mark.is_missing and zero_missing:
        return replace(mark, score=0.0, reason="")
    return mark


def _read(session: Any, assignment: str) -> tuple[float, dict[str, Mark]] | None:
    submitted, student = api.SubmittedAssignment, api.Student
    row = session.execute(
        select(api.Assignment.id, api.Assignment.max_score).where(api.Assignment.name == assignment)
    ).first()
    if row is None:
        return None
    waiting = _waiting(session, row.id)
    query = select(
        *(student.id, student.first_name, student.last_name, student.email, student.lms_user_id),
        *(submitted.id, submitted.score, submitted.late_submission_penalty),
    ).outerjoin(submitted, and_(submitted.student_id == student.id, submitted.assignment_id == row.id))
    marks = {}
    for name, first, last, email, lms, key, score, penalty in session.execute(query.order_by(student.id)):
        nobody = Mark(name, None, NOT_HANDED_IN, None, first or "", last or "", email or "", lms or "")
        if key is None:
            marks[name] = nobody
            continue
        total = max(0.0, score - penalty)
        if key in waiting:
            reason = f"waits for a person: {', '.join(waiting[key])}"
            marks[name] = replace(nobody, reason=reason, partial=total, waiting=tuple(waiting[key]))
        else:
            marks[name] = replace(nobody, score=total, reason="")
    return float(row.max_score), marks


def _waiting(session: Any, assignment_id: str) -> dict[str, list[str]]:
    """Questions without a mark, or that a person is asked to look at, by submission."""
    grade, notebook = api.Grade, api.SubmittedNotebook
    unmade = or_(grade.needs_manual_grade, and_(grade.auto_score.is_(None), grade.manual_score.is_(None)))
    query = (
        select(notebook.assignment_id, api.BaseCell.name)
        .join(grade, grade.notebook_id == notebook.id)
        .join(api.BaseCell, api.BaseCell.id == grade.cell_id)
        .join(api.SubmittedAssignment, api.SubmittedAssignment.id == notebook.assignment_id)
        .where(api.SubmittedAssignment.assignment_id == assignment_id, unmade)
        .order_by(api.BaseCell.name)
    )
    found: dict[str, list[str]] = {}
    for key, name in session.execute(query):
        found.setdefault(key, []).append(name)
    return found


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
