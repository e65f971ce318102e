"""All that the gradebook says about one student: read as plain data, or deleted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Delete, Select, bindparam, delete, select

from nbseal.gradebook.connection import Connection
from nbseal.gradebook.tables import (
    ASSIGNMENT,
    CELL,
    COMMENT,
    GRADE,
    NOTEBOOK,
    STUDENT,
    SUBMISSION,
    SUBMITTED_NOTEBOOK,
)

OWN = SUBMISSION.c.student_id == bindparam("student")
OWN_SUBMISSIONS = select(SUBMISSION.c.id).where(OWN).scalar_subquery()
OWN_NOTEBOOKS = (
    select(SUBMITTED_NOTEBOOK.c.id).where(SUBMITTED_NOTEBOOK.c.assignment_id.in_(OWN_SUBMISSIONS)).scalar_subquery()
)
OF_NOTEBOOK = (
    OWN,
    ASSIGNMENT.c.id == SUBMISSION.c.assignment_id,
    SUBMITTED_NOTEBOOK.c.assignment_id == SUBMISSION.c.id,
    NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id,
)
WHERE = ASSIGNMENT.c.name.label("assignment"), NOTEBOOK.c.name.label("notebook")
QUERIES: dict[str, Select[Any]] = {
    "student": select(*STUDENT.c).where(STUDENT.c.id == bindparam("student")),
    "submissions": select(ASSIGNMENT.c.name.label("assignment"), SUBMISSION.c.timestamp, SUBMISSION.c.extension).where(
        OWN, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id
    ),
    "notebooks": select(*WHERE, SUBMITTED_NOTEBOOK.c.flagged, SUBMITTED_NOTEBOOK.c.late_submission_penalty).where(
        *OF_NOTEBOOK
    ),
    "grades": select(
        *WHERE,
        CELL.c.name.label("question"),
        *(GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.extra_credit, GRADE.c.needs_manual_grade),
    ).where(*OF_NOTEBOOK, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id, CELL.c.id == GRADE.c.cell_id),
    "comments": select(
        *WHERE, CELL.c.name.label("cell"), COMMENT.c.auto_comment, COMMENT.c.manual_comment
    ).where(*OF_NOTEBOOK, COMMENT.c.notebook_id == SUBMITTED_NOTEBOOK.c.id, CELL.c.id == COMMENT.c.cell_id),
}  # fmt: skip
# What refers to something goes before it; the student's own row is the last, so that half a deletion can be repeated.
DELETIONS: tuple[Delete, ...] = (
    delete(COMMENT).where(COMMENT.c.notebook_id.in_(OWN_NOTEBOOKS)),
    delete(GRADE).where(GRADE.c.notebook_id.in_(OWN_NOTEBOOKS)),
    delete(SUBMITTED_NOTEBOOK).where(SUBMITTED_NOTEBOOK.c.assignment_id.in_(OWN_SUBMISSIONS)),
    delete(SUBMISSION).where(OWN),
    delete(STUDENT).where(STUDENT.c.id == bindparam("student")),
)


def student_rows(gradebook: Connection, student: str) -> dict[str, list[dict[str, Any]]]:
    """What the gradebook says about a student, by kind; times and spans are in words."""
    return {
        kind: [
            {name: _plain(value) for name, value in zip(query.selected_columns.keys(), row, strict=True)}
            for row in gradebook.rows(query, student=student)
        ]
        for kind, query in QUERIES.items()
    }


def delete_student(gradebook: Connection, student: str) -> None:
    """Delete all of a student's rows or none; in a file, nothing of them is left between the other rows."""
    gradebook.overwrite_what_is_deleted()
    with gradebook.transaction():
        for statement in DELETIONS:
            gradebook.write(statement, [{"student": student}])


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, type(None))) else str(value)
