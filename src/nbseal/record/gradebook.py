"""Writes the marks of one graded submission into nbgrader's gradebook, in one transaction."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from nbgrader import api
from sqlalchemy import bindparam, insert, select, update
from traitlets import TraitError

from nbseal.course import Course
from nbseal.errors import CourseError, RecordError
from nbseal.record.database import gradebook_name, gradebook_url, open_gradebook, transaction
from nbseal.record.marks import COMMENTED_KINDS, GRADED_KINDS, Cell, Marks
from nbseal.record.tables import (
    ASSIGNMENT,
    CELL,
    COMMENT,
    GRADE,
    NOTEBOOK,
    SOURCE,
    STUDENT,
    SUBMISSION,
    SUBMITTED,
)
from nbseal.record.troubles import explained
from nbseal.results import GradedSubmission

LATE_SECTIONS = {"AssignLatePenalties", "LateSubmissionPlugin"}

# built once, since building a statement takes longer than SQLite needs to carry it out
FIND_ASSIGNMENT = select(ASSIGNMENT.c.id, ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.name == bindparam("assignment"))
FIND_CELLS = (
    select(NOTEBOOK.c.id, NOTEBOOK.c.name, CELL.c.id, CELL.c.name, CELL.c.type, SOURCE.c.checksum)
    .outerjoin(CELL, CELL.c.notebook_id == NOTEBOOK.c.id)
    .outerjoin(SOURCE, (SOURCE.c.notebook_id == NOTEBOOK.c.id) & (SOURCE.c.name == CELL.c.name))
    .where(NOTEBOOK.c.assignment_id == bindparam("assignment"))
)
FIND_STUDENT = select(STUDENT.c.id).where(STUDENT.c.id == bindparam("student"))
FIND_SUBMISSION = select(SUBMISSION.c.id, SUBMISSION.c.timestamp, SUBMISSION.c.extension).where(
    SUBMISSION.c.assignment_id == bindparam("assignment"), SUBMISSION.c.student_id == bindparam("student")
)
FIND_NOTEBOOKS = select(SUBMITTED.c.notebook_id, SUBMITTED.c.id).where(
    SUBMITTED.c.assignment_id == bindparam("submission")
)
FIND_GRADES = select(GRADE).where(GRADE.c.notebook_id.in_(bindparam("notebooks", expanding=True)))
FIND_COMMENTS = select(COMMENT.c.notebook_id, COMMENT.c.cell_id, COMMENT.c.id).where(
    COMMENT.c.notebook_id.in_(bindparam("notebooks", expanding=True))
)
_NEW_ROW: dict[str, Any] = {"id": bindparam("row"), "cell_id": bindparam("cell"), "notebook_id": bindparam("notebook")}
_MARK: dict[str, Any] = {"auto_score": bindparam("auto"), "needs_manual_grade": bindparam("person")}
_TEXT: dict[str, Any] = {"auto_comment": bindparam("text")}
ADD_GRADE = insert(GRADE).values(_NEW_ROW | _MARK)
CHANGE_GRADE = update(GRADE).where(GRADE.c.id == bindparam("row")).values(_MARK)
ADD_COMMENT = insert(COMMENT).values(_NEW_ROW | _TEXT)
CHANGE_COMMENT = update(COMMENT).where(COMMENT.c.id == bindparam("row")).values(_TEXT)
SET_PENALTY = (
    update(SUBMITTED).where(SUBMITTED.c.id == bindparam("row")).values(late_submission_penalty=bindparam("penalty"))
)


@dataclass(frozen=True)
class Submission:
    """A submission's row: its id, and by how many seconds it came late."""

    id: str
    seconds_late: float


class Marksbook:
    """nbgrader's gradebook of a course, open for writing marks; close it when done."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.url = gradebook_url(course)
        self.name = gradebook_name(self.url)
        with explained(self.name):
            self.gradebook = open_gradebook(self.url, course.coursedir.course_id)
        if not LATE_SECTIONS.isdisjoint(course.config):
            assert self.late  # a plugin that can't be used is said before any student is graded

    @cached_property
    def late(self) -> Any:
        """nbgrader's way to the course's late-submission plugin; CourseError if that can't be used."""
        return _late_penalties(self.course)

    def close(self) -> None:
        """Close the connection."""
        self.gradebook.close()

    def students(self, assignment: str) -> set[str]:
        """Students whose submission of ``assignment`` is in the gradebook."""
        query = (
            select(SUBMISSION.c.student_id)
            .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id)
            .where(ASSIGNMENT.c.name == assignment)
        )
        with explained(self.name):
            try:
                return set(self.gradebook.db.execute(query).scalars())
            finally:
                self.gradebook.db.remove()

    def write(self, graded: GradedSubmission, timestamp: datetime.datetime | None) -> None:
        """Write one submission's marks: all of them or none. ``timestamp`` None leaves the one on record."""
        with explained(self.name), transaction(self.gradebook) as session:
            self._write(session, graded, timestamp)

    def _write(self, session: Any, graded: GradedSubmission, timestamp: datetime.datetime | None) -> None:
        card = graded.scorecard
        assignment = session.execute(FIND_ASSIGNMENT, {"assignment": card.assignment}).first()
        if assignment is None:
            raise RecordError(
                f"{self.name} has no assignment {card.assignment}: run nbgrader generate_assignment {card.assignment}."
            )
        notebooks, cells = _outline(session, assignment.id)
        marks = Marks(graded, cells)
        if strangers := marks.strangers(cells):
            raise RecordError(
                f"{self.name} has no question {', '.join(sorted(strangers))} in {card.assignment}: "
                f"run nbgrader generate_assignment {card.assignment}."
            )
        submission = _find_or_add_submission(session, assignment, card.student, timestamp)
        rows = _find_or_add_notebooks(session, submission.id, notebooks)
        scores = _write_grades(session, marks, cells, rows)
        _write_comments(session, marks, cells, rows)
        penalties = [
            {"row": rows[name], "penalty": self._penalty(card.student, scores[name], submission, marks, name)}
            for name in notebooks
        ]
        if penalties:
            session.execute(SET_PENALTY, penalties)

    def _penalty(self, student: str, score: float, submission: Submission, marks: Marks, notebook: str) -> float | None:
        """What the course's late-submission plugin takes off, kept between 0 and the score as nbgrader does."""
        if submission.seconds_late <= 0 or marks.is_missing(notebook) or not self.late.enabled:
            return None
        try:
            penalty = self.late.plugin_inst.late_submission_penalty(student, score, submission.seconds_late)
        except Exception as error:
            plugin = type(self.late.plugin_inst).__name__
            raise RecordError(
                f"the late-submission plugin {plugin} raised {type(error).__name__}: {error}; mend it and run again."
            ) from error
        if penalty is None:
            return None
        return float(self.late._check_late_penalty(SimpleNamespace(score=score), penalty))


def _late_penalties(course: Course) -> Any:
    from nbgrader.preprocessors import AssignLatePenalties  # a course without late penalties never needs it

    try:
        late = AssignLatePenalties(config=course.config)
        late.init_plugin()
    except (TraitError, ImportError) as error:
        raise CourseError(f"the late-submission plugin in nbgrader_config.py can't be loaded: {error}") from error
    return late


def _outline(session: Any, assignment_id: str) -> tuple[dict[str, str], list[Cell]]:
    """The assignment's notebooks (id by name), and their cells."""
    notebooks, cells = {}, []
    for notebook_id, notebook, cell_id, name, kind, checksum in session.execute(
        FIND_CELLS, {"assignment": assignment_id}
    ):
        notebooks[notebook] = notebook_id
        if cell_id is not None:
            cells.append(Cell(cell_id, name, kind, notebook, checksum))
    return notebooks, cells


def _find_or_add_submission(
    session: Any, assignment: Any, student: str, timestamp: datetime.datetime | None
) -> Submission:
    if session.execute(FIND_STUDENT, {"student": student}).first() is None:
        session.execute(insert(STUDENT).values(id=student))
    row = session.execute(FIND_SUBMISSION, {"assignment": assignment.id, "student": student}).first()
    if row is None:
        row = SimpleNamespace(id=api.new_uuid(), timestamp=timestamp, extension=None)
        values = {"assignment_id": assignment.id, "student_id": student, "timestamp": timestamp}
        session.execute(insert(SUBMISSION).values(id=row.id, **values))
    elif timestamp is not None:
        session.execute(update(SUBMISSION).where(SUBMISSION.c.id == row.id).values(timestamp=timestamp))
    handed_in = timestamp or row.timestamp
    if handed_in is None or assignment.duedate is None:
        return Submission(row.id, 0.0)
    due = assignment.duedate + (row.extension or datetime.timedelta())
    return Submission(row.id, max(0.0, (handed_in - due).total_seconds()))


def _find_or_add_notebooks(session: Any, submission_id: str, notebooks: dict[str, str]) -> dict[str, str]:
    """Ids of the submitted notebooks by name."""
    found = dict(session.execute(FIND_NOTEBOOKS, {"submission": submission_id}).all())
    new = {row: api.new_uuid() for row in notebooks.values() if row not in found}
    if new:
        values = [{"id": row, "notebook_id": key, "assignment_id": submission_id} for key, row in new.items()]
        session.execute(insert(SUBMITTED), values)
    return {name: (found | new)[row] for name, row in notebooks.items()}


def _write_grades(session: Any, marks: Marks, cells: list[Cell], rows: dict[str, str]) -> dict[str, float]:
    """Write the machine's marks and leave every person's as they are; returns each notebook's score."""
    grades = session.execute(FIND_GRADES, {"notebooks": list(rows.values())})
    found = {(grade.notebook_id, grade.cell_id): grade for grade in grades}
    scores = dict.fromkeys(rows, 0.0)
    new, changed = [], []
    for cell in cells:
        if cell.kind not in GRADED_KINDS:
            continue
        mark = marks.auto_mark(cell)
        grade = found.get((rows[cell.notebook], cell.id))
        manual = None if grade is None else grade.manual_score
        extra = None if grade is None else grade.extra_credit
        values = {"auto": mark.score, "person": mark.needs_person(manual)}
        if grade is None:
            new.append(values | {"cell": cell.id, "notebook": rows[cell.notebook], "row": api.new_uuid()})
        else:
            changed.append(values | {"row": grade.id})
        base = mark.score if manual is None else manual
        scores[cell.notebook] += 0.0 if base is None else base + (extra or 0.0)
    if new:
        session.execute(ADD_GRADE, new)
    if changed:
        session.execute(CHANGE_GRADE, changed)
    return scores


def _write_comments(session: Any, marks: Marks, cells: list[Cell], rows: dict[str, str]) -> None:
    comments = session.execute(FIND_COMMENTS, {"notebooks": list(rows.values())})
    found = {(notebook, cell): comment for notebook, cell, comment in comments}
    new, changed = [], []
    for cell in cells:
        if cell.kind not in COMMENTED_KINDS:
            continue
        row = found.get((rows[cell.notebook], cell.id))
        values = {"text": None if marks.is_missing(cell.notebook) else marks.auto_comment(cell)}
        if row is None:
            new.append(values | {"cell": cell.id, "notebook": rows[cell.notebook], "row": api.new_uuid()})
        elif not marks.is_missing(cell.notebook):
            changed.append(values | {"row": row})
    if new:
        session.execute(ADD_COMMENT, new)
    if changed:
        session.execute(CHANGE_COMMENT, changed)
