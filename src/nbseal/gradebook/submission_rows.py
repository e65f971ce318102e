"""Writes the marks of one graded submission into nbgrader's gradebook, in one transaction."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from traitlets import TraitError

from nbseal.course import Course
from nbseal.errors import CourseError, RecordError
from nbseal.gradebook.connection import Connection, as_duration, as_moment, connect, gradebook_label
from nbseal.gradebook.explained import explained
from nbseal.gradebook.row_rules import COMMENTED_KINDS, GRADED_KINDS, Cell, Marks
from nbseal.results import GradedSubmission

LATE_SECTIONS = {"AssignLatePenalties", "LateSubmissionPlugin"}
FIND_STUDENTS = """
    SELECT submitted.student_id FROM submitted_assignment AS submitted
    JOIN assignment ON assignment.id = submitted.assignment_id WHERE assignment.name = :assignment
"""
FIND_EVERYBODY = "SELECT id FROM student"
FIND_ASSIGNMENT = "SELECT id, duedate FROM assignment WHERE name = :assignment"
FIND_CELLS = """
    SELECT notebook.id, notebook.name, cell.id, cell.name, cell.type, source.checksum FROM notebook
    LEFT JOIN base_cell AS cell ON cell.notebook_id = notebook.id
    LEFT JOIN source_cell AS source ON source.notebook_id = notebook.id AND source.name = cell.name
    WHERE notebook.assignment_id = :assignment
"""
FIND_STUDENT = "SELECT id FROM student WHERE id = :student"
ADD_STUDENT = "INSERT INTO student (id) VALUES (:student)"
FIND_SUBMISSION = """
    SELECT id, timestamp, extension FROM submitted_assignment
    WHERE assignment_id = :assignment AND student_id = :student
"""
ADD_SUBMISSION = """
    INSERT INTO submitted_assignment (id, assignment_id, student_id, timestamp)
    VALUES (:row, :assignment, :student, :timestamp)
"""
SET_TIMESTAMP = "UPDATE submitted_assignment SET timestamp = :timestamp WHERE id = :row"
FIND_NOTEBOOKS = "SELECT notebook_id, id FROM submitted_notebook WHERE assignment_id = :submission"
ADD_NOTEBOOK = """
    INSERT INTO submitted_notebook (id, notebook_id, assignment_id, flagged)
    VALUES (:row, :notebook, :submission, :flagged)
"""
FIND_GRADES = """
    SELECT grade.notebook_id, grade.cell_id, grade.id, grade.manual_score, grade.extra_credit FROM grade
    JOIN submitted_notebook AS notebook ON notebook.id = grade.notebook_id WHERE notebook.assignment_id = :submission
"""
ADD_GRADE = """
    INSERT INTO grade (id, cell_id, notebook_id, auto_score, needs_manual_grade)
    VALUES (:row, :cell, :notebook, :auto, :person)
"""
CHANGE_GRADE = "UPDATE grade SET auto_score = :auto, needs_manual_grade = :person WHERE id = :row"
FIND_COMMENTS = """
    SELECT comment.notebook_id, comment.cell_id, comment.id FROM comment
    JOIN submitted_notebook AS notebook ON notebook.id = comment.notebook_id WHERE notebook.assignment_id = :submission
"""
ADD_COMMENT = """
    INSERT INTO comment (id, cell_id, notebook_id, auto_comment) VALUES (:row, :cell, :notebook, :text)
"""
CHANGE_COMMENT = "UPDATE comment SET auto_comment = :text WHERE id = :row"
SET_PENALTY = "UPDATE submitted_notebook SET late_submission_penalty = :penalty WHERE id = :row"


@dataclass(frozen=True)
class Submission:
    """A submission's row: its id, by how many seconds it came late, and whether nothing hangs on it yet."""

    id: str
    seconds_late: float
    is_new: bool


class Marksbook:
    """nbgrader's gradebook of a course, open for writing marks; close it when done."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.name = gradebook_label(course)
        with explained(self.name):
            self.connection = connect(course)
        if not LATE_SECTIONS.isdisjoint(course.config):
            assert self.late  # a plugin that can't be used is said before any student is graded

    @cached_property
    def late(self) -> Any:
        """nbgrader's way to the course's late-submission plugin; CourseError if that can't be used."""
        return _late_penalties(self.course)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def students(self, assignment: str) -> set[str]:
        """Students whose submission of ``assignment`` is in the gradebook."""
        with explained(self.name):
            return {student for (student,) in self.connection.rows(FIND_STUDENTS, assignment=assignment)}

    def everybody(self) -> set[str]:
        """All students that the gradebook knows."""
        with explained(self.name):
            return {student for (student,) in self.connection.rows(FIND_EVERYBODY)}

    def write(self, graded: GradedSubmission, timestamp: datetime.datetime | None) -> None:
        """Write one submission's marks: all of them or none. ``timestamp`` None leaves the one on record."""
        with explained(self.name), self.connection.transaction():
            self._write(graded, timestamp)

    def _write(self, graded: GradedSubmission, timestamp: datetime.datetime | None) -> None:
        card, connection = graded.scorecard, self.connection
        found = connection.rows(FIND_ASSIGNMENT, assignment=card.assignment)
        if not found:
            raise RecordError(
                f"{self.name} has no assignment {card.assignment}: run nbgrader generate_assignment {card.assignment}."
            )
        ((assignment, due),) = found
        notebooks, cells = _cells_of(connection, assignment)
        marks = Marks(graded, cells)
        if strangers := marks.strangers(cells):
            raise RecordError(
                f"{self.name} has no question {', '.join(sorted(strangers))} in {card.assignment}: "
                f"run nbgrader generate_assignment {card.assignment}."
            )
        submission = _find_or_add_submission(connection, assignment, as_moment(due), card.student, timestamp)
        rows = _find_or_add_notebooks(connection, submission, notebooks)
        scores = _write_grades(connection, submission, marks, cells, rows)
        _write_comments(connection, submission, marks, cells, rows)
        penalties = [
            {"row": rows[name], "penalty": self._penalty(card.student, scores[name], submission, marks, name)}
            for name in notebooks
        ]
        if penalties:
            connection.write(SET_PENALTY, penalties)

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
        return 0.0 if penalty < 0 else min(float(penalty), score)


def _late_penalties(course: Course) -> Any:
    from nbgrader.preprocessors import AssignLatePenalties  # a course without late penalties never needs it

    try:
        late = AssignLatePenalties(config=course.config)
        late.init_plugin()
    except (TraitError, ImportError) as error:
        raise CourseError(f"the late-submission plugin in nbgrader_config.py can't be loaded: {error}") from error
    return late


def _cells_of(connection: Connection, assignment: str) -> tuple[dict[str, str], list[Cell]]:
    """The assignment's notebooks (id by name), and their cells."""
    notebooks, cells = {}, []
    for notebook_id, notebook, cell_id, name, kind, checksum in connection.rows(FIND_CELLS, assignment=assignment):
        notebooks[notebook] = notebook_id
        if cell_id is not None:
            cells.append(Cell(cell_id, name, kind, notebook, checksum))
    return notebooks, cells


def _find_or_add_submission(
    connection: Connection,
    assignment: str,
    due: datetime.datetime | None,
    student: str,
    timestamp: datetime.datetime | None,
) -> Submission:
    if not connection.rows(FIND_STUDENT, student=student):
        connection.write(ADD_STUDENT, [{"student": student}])
    found = connection.rows(FIND_SUBMISSION, assignment=assignment, student=student)
    row, recorded, extension = found[0] if found else (_new_id(), None, None)
    moment = connection.moment(timestamp)
    if not found:
        values = {"row": row, "assignment": assignment, "student": student, "timestamp": moment}
        connection.write(ADD_SUBMISSION, [values])
    elif timestamp is not None:
        connection.write(SET_TIMESTAMP, [{"row": row, "timestamp": moment}])
    handed_in = timestamp or as_moment(recorded)
    late = 0.0
    if handed_in is not None and due is not None:
        late = max(0.0, (handed_in - due - as_duration(extension)).total_seconds())
    return Submission(row, late, is_new=not found)


def _find_or_add_notebooks(connection: Connection, submission: Submission, notebooks: dict[str, str]) -> dict[str, str]:
    """Ids of the submitted notebooks by name."""
    found = dict(_found(connection, FIND_NOTEBOOKS, submission))
    new = {row: _new_id() for row in notebooks.values() if row not in found}
    if new:
        values = {"submission": submission.id, "flagged": False}
        connection.write(ADD_NOTEBOOK, [values | {"row": row, "notebook": key} for key, row in new.items()])
    return {name: (found | new)[row] for name, row in notebooks.items()}


def _write_grades(
    connection: Connection, submission: Submission, marks: Marks, cells: list[Cell], rows: dict[str, str]
) -> dict[str, float]:
    """Write the machine's marks and leave every person's as they are; returns each notebook's score."""
    found = {(notebook, cell): grade for notebook, cell, *grade in _found(connection, FIND_GRADES, submission)}
    scores = dict.fromkeys(rows, 0.0)
    new, changed = [], []
    for cell in cells:
        if cell.kind not in GRADED_KINDS:
            continue
        mark = marks.auto_mark(cell)
        row, manual, extra = found.get((rows[cell.notebook], cell.id), (None, None, None))
        values = {"auto": mark.score, "person": mark.needs_person(manual)}
        if row is None:
            new.append(values | {"cell": cell.id, "notebook": rows[cell.notebook], "row": _new_id()})
        else:
            changed.append(values | {"row": row})
        base = mark.score if manual is None else manual
        scores[cell.notebook] += 0.0 if base is None else base + (extra or 0.0)
    if new:
        connection.write(ADD_GRADE, new)
    if changed:
        connection.write(CHANGE_GRADE, changed)
    return scores


def _write_comments(
    connection: Connection, submission: Submission, marks: Marks, cells: list[Cell], rows: dict[str, str]
) -> None:
    found = {(notebook, cell): row for notebook, cell, row in _found(connection, FIND_COMMENTS, submission)}
    new, changed = [], []
    for cell in cells:
        if cell.kind not in COMMENTED_KINDS:
            continue
        row = found.get((rows[cell.notebook], cell.id))
        values = {"text": None if marks.is_missing(cell.notebook) else marks.auto_comment(cell)}
        if row is None:
            new.append(values | {"cell": cell.id, "notebook": rows[cell.notebook], "row": _new_id()})
        elif not marks.is_missing(cell.notebook):
            changed.append(values | {"row": row})
    if new:
        connection.write(ADD_COMMENT, new)
    if changed:
        connection.write(CHANGE_COMMENT, changed)


def _found(connection: Connection, query: str, submission: Submission) -> Sequence[tuple[Any, ...]]:
    """What hangs on a submission."""
    return [] if submission.is_new else connection.rows(query, submission=submission.id)


def _new_id() -> str:
    """A row's id, as nbgrader makes them."""
    return uuid.uuid4().hex
