"""What the gradebook says now about an assignment: marks by machine and by people, lateness, penalties. Read only."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select

from nbseal.course import Course
from nbseal.gradebook.connection import Connection, connect, gradebook_file, gradebook_label
from nbseal.gradebook.explained import explained
from nbseal.gradebook.tables import (
    ASSIGNMENT,
    CELL,
    COMMENT,
    GRADE,
    GRADE_CELL,
    NOTEBOOK,
    STUDENT,
    SUBMISSION,
    SUBMITTED_NOTEBOOK,
    TASK_CELL,
)
from nbseal.results import full_name

OF_ASSIGNMENT = SUBMISSION.c.assignment_id == ASSIGNMENT.c.id, ASSIGNMENT.c.name == bindparam("name")
OF_SUBMISSION = SUBMITTED_NOTEBOOK.c.assignment_id == SUBMISSION.c.id
OF_NOTEBOOK = GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id

STUDENTS = select(
    STUDENT.c.id, STUDENT.c.first_name, STUDENT.c.last_name, STUDENT.c.email, STUDENT.c.lms_user_id
).order_by(STUDENT.c.id)
DUE_DATES = select(ASSIGNMENT.c.name, ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.duedate.is_not(None))
LATENESS = select(
    *(SUBMISSION.c.student_id, SUBMISSION.c.timestamp, SUBMISSION.c.extension, ASSIGNMENT.c.duedate),
    SUBMITTED_NOTEBOOK.c.late_submission_penalty,
).where(*OF_ASSIGNMENT, OF_SUBMISSION)
OF_CELL = CELL.c.id == GRADE.c.cell_id, NOTEBOOK.c.id == CELL.c.notebook_id
GRADES = select(
    *(SUBMISSION.c.student_id, NOTEBOOK.c.name, CELL.c.name.label("question")),
    *(GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.extra_credit),
).where(*OF_ASSIGNMENT, OF_SUBMISSION, OF_NOTEBOOK, *OF_CELL)
PERSON_MARKS = (
    select(SUBMISSION.c.student_id, NOTEBOOK.c.name, CELL.c.name.label("question"), GRADE.c.manual_score)
    .where(*OF_ASSIGNMENT, OF_SUBMISSION, OF_NOTEBOOK, *OF_CELL)
    .where(GRADE.c.manual_score.is_not(None))
)
WAITING = (
    select(SUBMISSION.c.student_id, NOTEBOOK.c.name, CELL.c.name.label("question"))
    .where(*OF_ASSIGNMENT, OF_SUBMISSION, OF_NOTEBOOK, *OF_CELL)
    .where(or_(GRADE.c.needs_manual_grade, and_(GRADE.c.auto_score.is_(None), GRADE.c.manual_score.is_(None))))
    .order_by(CELL.c.name, NOTEBOOK.c.name)
)
IN_TWO_NOTEBOOKS = (
    select(CELL.c.name)
    .where(NOTEBOOK.c.assignment_id == ASSIGNMENT.c.id, ASSIGNMENT.c.name == bindparam("name"))
    .where(CELL.c.notebook_id == NOTEBOOK.c.id, CELL.c.type.in_(("GradeCell", "TaskCell")))
    .group_by(CELL.c.name)
    .having(func.count() > 1)
)
OF_NAMED_NOTEBOOK = *OF_ASSIGNMENT, OF_SUBMISSION, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id
PAGES = select(
    *(SUBMISSION.c.student_id, NOTEBOOK.c.name, SUBMISSION.c.timestamp, SUBMISSION.c.extension, ASSIGNMENT.c.duedate),
    *(SUBMITTED_NOTEBOOK.c.late_submission_penalty, STUDENT.c.first_name, STUDENT.c.last_name),
).where(*OF_NAMED_NOTEBOOK, STUDENT.c.id == SUBMISSION.c.student_id)
PAGE_GRADES = (
    select(
        *(SUBMISSION.c.student_id, NOTEBOOK.c.name, CELL.c.name.label("question")),
        *(GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.extra_credit),
        func.coalesce(GRADE_CELL.c.max_score, TASK_CELL.c.max_score, 0.0),
    )
    .join_from(GRADE, CELL, CELL.c.id == GRADE.c.cell_id)
    .join(SUBMITTED_NOTEBOOK, OF_NOTEBOOK)
    .join(SUBMISSION, OF_SUBMISSION)
    .join(ASSIGNMENT, and_(*OF_ASSIGNMENT))
    .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id)
    .outerjoin(GRADE_CELL, GRADE_CELL.c.id == CELL.c.id)
    .outerjoin(TASK_CELL, TASK_CELL.c.id == CELL.c.id)
)
PAGE_COMMENTS = select(
    *(SUBMISSION.c.student_id, NOTEBOOK.c.name, CELL.c.name.label("cell")),
    func.coalesce(COMMENT.c.manual_comment, COMMENT.c.auto_comment),
).where(*OF_NAMED_NOTEBOOK, COMMENT.c.notebook_id == SUBMITTED_NOTEBOOK.c.id, CELL.c.id == COMMENT.c.cell_id)
# As nbgrader sums up, but in one go: for each submission anew it would look at all submissions.
_BASE = func.coalesce(GRADE.c.manual_score, GRADE.c.auto_score)
_SCORE = case((_BASE.is_not(None), _BASE + func.coalesce(GRADE.c.extra_credit, 0.0)), else_=0.0)
_SUMS = (
    select(
        SUBMISSION.c.id,
        func.sum(_SCORE).label("score"),
        func.max(case((GRADE.c.needs_manual_grade, 1), else_=0)).label("needs_person"),
        func.count(_BASE).label("marked"),
    )
    .where(*OF_ASSIGNMENT, OF_SUBMISSION, OF_NOTEBOOK)
    .group_by(SUBMISSION.c.id)
    .subquery("sums")
)
_PENALTIES = (
    select(SUBMISSION.c.id, func.sum(SUBMITTED_NOTEBOOK.c.late_submission_penalty).label("penalty"))
    .where(*OF_ASSIGNMENT, OF_SUBMISSION)
    .group_by(SUBMISSION.c.id)
    .subquery("penalties")
)
MARKS = (
    select(
        SUBMISSION.c.student_id,
        SUBMISSION.c.timestamp,
        func.coalesce(_SUMS.c.score, 0.0),
        func.coalesce(_PENALTIES.c.penalty, 0.0),
        func.coalesce(_SUMS.c.needs_person, 0),
        func.coalesce(_SUMS.c.marked, 0),
    )
    .join(ASSIGNMENT, and_(*OF_ASSIGNMENT))
    .outerjoin(_SUMS, _SUMS.c.id == SUBMISSION.c.id)
    .outerjoin(_PENALTIES, _PENALTIES.c.id == SUBMISSION.c.id)
)


def _points(kind: Any) -> Any:
    """The points of an assignment's cells of one ``kind``."""
    return (
        select(func.coalesce(func.sum(kind.c.max_score), 0.0))
        .where(NOTEBOOK.c.assignment_id == ASSIGNMENT.c.id, CELL.c.notebook_id == NOTEBOOK.c.id, kind.c.id == CELL.c.id)
        .correlate(ASSIGNMENT)
        .scalar_subquery()
    )


POINTS = select(_points(GRADE_CELL) + _points(TASK_CELL)).where(ASSIGNMENT.c.name == bindparam("name"))


@dataclass(frozen=True)
class QuestionMark:
    """One question's mark in the gradebook; a person's goes before the machine's."""

    auto: float | None
    manual: float | None
    extra: float

    @property
    def score(self) -> float | None:
        """The mark that counts; None while there is none."""
        base = self.auto if self.manual is None else self.manual
        return None if base is None else base + self.extra


@dataclass
class SubmissionState:
    """One student's submission as the gradebook has it."""

    seconds_late: float = 0.0
    penalty: float = 0.0
    marks: dict[str, QuestionMark] = field(default_factory=dict)


@dataclass(frozen=True)
class NotebookMarks:
    """What the gradebook says about one notebook; a score is None while there is none.

    ``student`` is the name, or the id of one whose name it doesn't know; ``handed_in`` is the time in words.
    """

    scores: Mapping[str, float | None]
    points: Mapping[str, float]
    by_person: frozenset[str] = frozenset()
    comments: Mapping[str, str] = field(default_factory=dict)
    penalty: float = 0.0
    seconds_late: float = 0.0
    student: str = ""
    handed_in: str = ""

    @property
    def score(self) -> float:
        """The marks made so far, less the penalty."""
        return sum(score or 0.0 for score in self.scores.values()) - self.penalty

    @property
    def waiting(self) -> int:
        """Questions that have no mark yet."""
        return sum(score is None for score in self.scores.values())

    @property
    def marked(self) -> float:
        """The points of the questions that have a mark."""
        return sum(self.points[question] for question, score in self.scores.items() if score is not None)


@dataclass(frozen=True)
class SubmissionMark:
    """One student's mark as nbgrader computes it.

    ``score`` sums its questions, ``penalty`` what its notebooks lose for being late; ``needs_person`` is whether a
    question has nbgrader's flag. ``marked`` counts the questions that have a mark.
    """

    timestamp: datetime.datetime | None
    score: float
    penalty: float
    needs_person: bool
    marked: int

    @property
    def total(self) -> float:
        """What is left of the score."""
        return max(0.0, self.score - self.penalty)


def points(gradebook: Connection, assignment: str) -> float | None:
    """The points that an assignment gives; None if the gradebook doesn't know it."""
    return next((float(found) for (found,) in gradebook.rows(POINTS, name=assignment)), None)


def students(gradebook: Connection) -> Sequence[Any]:
    """All students in the order of their ids: id, first name, last name, email, lms_user_id."""
    return gradebook.rows(STUDENTS)


def submission_marks(gradebook: Connection, assignment: str) -> dict[str, SubmissionMark]:
    """The mark of each submission of an assignment, by student."""
    return {
        student: SubmissionMark(timestamp, score, penalty, bool(needs_person), marked)
        for student, timestamp, score, penalty, needs_person, marked in gradebook.rows(MARKS, name=assignment)
    }


def waiting_questions(gradebook: Connection, assignment: str) -> dict[str, list[str]]:
    """Questions without a mark, or that a person is asked to look at, by student."""
    found: dict[str, list[str]] = {}
    for student, question in _named(gradebook, WAITING, assignment):
        found.setdefault(student, []).append(question)
    return found


def submission_states(course: Course, assignment: str) -> dict[str, SubmissionState]:
    """The gradebook's view of each submission of ``assignment``, by student; RecordError if it can't be read."""
    found: dict[str, SubmissionState] = {}
    with _reading(course) as gradebook:
        lateness = gradebook.rows(LATENESS, name=assignment) if gradebook else []
        grades = list(_named(gradebook, GRADES, assignment)) if gradebook else []
    for student, timestamp, extension, duedate, penalty in lateness:
        state = found.setdefault(student, SubmissionState(_seconds_late(timestamp, extension, duedate)))
        state.penalty += penalty or 0.0
    for student, question, auto, manual, extra in grades:
        found[student].marks[question] = QuestionMark(auto, manual, extra or 0.0)
    return found


def person_marks(course: Course, assignment: str) -> dict[str, dict[str, float]]:
    """The marks that people gave in the formgrader, by student and question; RecordError as above."""
    found: dict[str, dict[str, float]] = {}
    with _reading(course) as gradebook:
        for student, question, mark in _named(gradebook, PERSON_MARKS, assignment) if gradebook else []:
            found.setdefault(student, {})[question] = mark
    return found


def _named(gradebook: Connection, query: Any, assignment: str) -> Iterator[tuple[Any, ...]]:
    """Rows that begin with student, notebook and question, with the question as the scorecards call it for the two."""
    doubles = {name for (name,) in gradebook.rows(IN_TWO_NOTEBOOKS, name=assignment)}
    for student, notebook, question, *values in gradebook.rows(query, name=assignment):
        yield student, full_name(notebook, question) if question in doubles else question, *values


def class_notebook_marks(
    course: Course, assignment: str, student: str | None = None
) -> dict[tuple[str, str], NotebookMarks]:
    """What the gradebook says about each submitted notebook, by student and notebook; RecordError as above.

    Of everybody, or of one ``student``.
    """
    with _reading(course) as gradebook:
        return notebook_marks(gradebook, assignment, student) if gradebook else {}


def notebook_marks(
    gradebook: Connection, assignment: str, student: str | None = None
) -> dict[tuple[str, str], NotebookMarks]:
    """The same from an open gradebook, of everybody or of one student."""
    of_whom = () if student is None else (SUBMISSION.c.student_id == student,)
    pages, grades, comments = (
        gradebook.rows(query.where(*of_whom), name=assignment) for query in (PAGES, PAGE_GRADES, PAGE_COMMENTS)
    )
    questions: dict[tuple[str, str], dict[str, tuple[QuestionMark, float]]] = {}
    for who, notebook, question, auto, manual, extra, most in grades:
        mark = QuestionMark(auto, manual, extra or 0.0)
        questions.setdefault((who, notebook), {})[question] = mark, float(most)
    said: dict[tuple[str, str], dict[str, str]] = {}
    for who, notebook, cell, comment in comments:
        if comment:
            said.setdefault((who, notebook), {})[cell] = comment
    found = {}
    for who, notebook, timestamp, extension, duedate, penalty, first, last in pages:
        marks = questions.get((who, notebook), {})
        found[who, notebook] = NotebookMarks(
            scores={question: mark.score for question, (mark, _) in marks.items()},
            points={question: most for question, (_, most) in marks.items()},
            by_person=frozenset(question for question, (mark, _) in marks.items() if mark.manual is not None),
            comments=said.get((who, notebook), {}),
            penalty=float(penalty or 0.0),
            seconds_late=_seconds_late(timestamp, extension, duedate),
            student=" ".join(filter(None, (first, last))) or who,
            handed_in=f"{timestamp.day} {timestamp:%B %Y, %H:%M} UTC" if timestamp else "",
        )
    return found


def _seconds_late(
    timestamp: datetime.datetime | None, extension: datetime.timedelta | None, due: datetime.datetime | None
) -> float:
    if timestamp is None or due is None:
        return 0.0
    return max(0.0, (timestamp - due - (extension or datetime.timedelta())).total_seconds())


def names(course: Course) -> set[str]:
    """Everything in the gradebook that says who somebody is: ids, names, addresses."""
    with _reading(course) as gradebook:
        return {str(value) for row in (students(gradebook) if gradebook else []) for value in row if value}


def student_ids(course: Course) -> set[str]:
    """The ids of all students in the gradebook."""
    with _reading(course) as gradebook:
        return {student for student, *_ in (students(gradebook) if gradebook else [])}


def due_dates(course: Course) -> dict[str, datetime.datetime]:
    """When each assignment is due that has a due date."""
    with _reading(course) as gradebook:
        found = gradebook.rows(DUE_DATES) if gradebook else []
    return {name: due.replace(tzinfo=datetime.UTC) for name, due in found}


@contextmanager
def _reading(course: Course) -> Iterator[Connection | None]:
    """The gradebook for a while; None if its file isn't there yet."""
    file = gradebook_file(course)
    if file and not file.exists():
        yield None
        return
    with explained(gradebook_label(course)):
        gradebook = connect(course)
        try:
            yield gradebook
        finally:
            gradebook.close()
