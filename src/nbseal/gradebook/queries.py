"""What the gradebook says now about an assignment: marks by machine and by people, lateness, penalties. Read only."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from nbseal.course import Course
from nbseal.gradebook.database import gradebook_name, gradebook_url, is_file, open_gradebook
from nbseal.gradebook.explained import explained
from nbseal.gradebook.tables import ASSIGNMENT, CELL, GRADE, STUDENT, SUBMISSION, SUBMITTED


@dataclass(frozen=True)
class Mark:
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
    marks: dict[str, Mark] = field(default_factory=dict)


def submission_states(course: Course, assignment: str) -> dict[str, SubmissionState]:
    """The gradebook's view of each submission of ``assignment``, by student; RecordError if it can't be read."""
    found: dict[str, SubmissionState] = {}
    submissions, grades = _rows(course, _submissions(assignment), _grades(assignment))
    for row in submissions:
        due = None if row.duedate is None else row.duedate + (row.extension or datetime.timedelta())
        late = (row.timestamp - due).total_seconds() if row.timestamp and due else 0.0
        state = found.setdefault(row.student_id, SubmissionState(max(0.0, late)))
        state.penalty += row.late_submission_penalty or 0.0
    for row in grades:
        mark = Mark(row.auto_score, row.manual_score, row.extra_credit or 0.0)
        found[row.student_id].marks[row.name] = mark
    return found


def names(course: Course) -> set[str]:
    """Everything in the gradebook that says who somebody is: ids, names, addresses."""
    columns = (STUDENT.c.id, STUDENT.c.first_name, STUDENT.c.last_name, STUDENT.c.email, STUDENT.c.lms_user_id)
    (rows,) = _rows(course, select(*columns))
    return {str(value) for row in rows for value in row if value}


def students(course: Course) -> set[str]:
    """The ids of all students in the gradebook."""
    (rows,) = _rows(course, select(STUDENT.c.id))
    return {row.id for row in rows}


def due_dates(course: Course) -> dict[str, datetime.datetime]:
    """When each assignment is due that has a due date."""
    (rows,) = _rows(course, select(ASSIGNMENT.c.name, ASSIGNMENT.c.duedate))
    return {row.name: row.duedate.replace(tzinfo=datetime.UTC) for row in rows if row.duedate}


def _rows(course: Course, *queries: Any) -> list[list[Any]]:
    """The rows of each query; none where there is no gradebook yet."""
    url = gradebook_url(course)
    if is_file(url) and not Path(str(url.database)).exists():
        return [[] for _ in queries]
    with explained(gradebook_name(url)):
        gradebook = open_gradebook(url, course.coursedir.course_id)
        try:
            return [gradebook.db.execute(query).all() for query in queries]
        finally:
            gradebook.close()


def _submissions(assignment: str) -> Any:
    columns = (SUBMISSION.c.student_id, SUBMISSION.c.timestamp, SUBMISSION.c.extension, ASSIGNMENT.c.duedate)
    return (
        select(*columns, SUBMITTED.c.late_submission_penalty)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id)
        .join(SUBMITTED, SUBMITTED.c.assignment_id == SUBMISSION.c.id)
        .where(ASSIGNMENT.c.name == assignment)
    )


def _grades(assignment: str) -> Any:
    marks = (GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.extra_credit)
    return (
        select(SUBMISSION.c.student_id, CELL.c.name, *marks)
        .join(CELL, CELL.c.id == GRADE.c.cell_id)
        .join(SUBMITTED, SUBMITTED.c.id == GRADE.c.notebook_id)
        .join(SUBMISSION, SUBMISSION.c.id == SUBMITTED.c.assignment_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id)
        .where(ASSIGNMENT.c.name == assignment)
    )
