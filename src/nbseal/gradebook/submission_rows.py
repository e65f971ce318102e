"""Writes the marks of one graded submission into nbgrader's gradebook, in one transaction."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from sqlalchemy import Executable, and_, bindparam, insert, select, update
from traitlets import TraitError

from nbseal.course import Course
from nbseal.errors import CourseError, RecordError
from nbseal.gradebook.connection import Connection, connect, gradebook_label
from nbseal.gradebook.explained import explained
from nbseal.gradebook.lateness import Timing
from nbseal.gradebook.row_rules import COMMENTED_KINDS, GRADED_KINDS, GradebookCell, MachineMarks
from nbseal.gradebook.tables import (
    ASSIGNMENT,
    CELL,
    COMMENT,
    GRADE,
    NOTEBOOK,
    SOURCE_CELL,
    STUDENT,
    SUBMISSION,
    SUBMITTED_NOTEBOOK,
)
from nbseal.results import GradedSubmission
from nbseal.text import command, shell

LATE_SECTIONS = {"AssignLatePenalties", "LateSubmissionPlugin"}
STUDENTS = (
    select(SUBMISSION.c.student_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id)
    .where(ASSIGNMENT.c.name == bindparam("name"))
)
FIND_ASSIGNMENT = select(ASSIGNMENT.c.id, ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.name == bindparam("name"))
CELLS = (
    select(NOTEBOOK.c.id, NOTEBOOK.c.name, CELL.c.id, CELL.c.name, CELL.c.type, SOURCE_CELL.c.checksum)
    .outerjoin_from(NOTEBOOK, CELL, CELL.c.notebook_id == NOTEBOOK.c.id)
    .outerjoin(SOURCE_CELL, and_(SOURCE_CELL.c.notebook_id == NOTEBOOK.c.id, SOURCE_CELL.c.name == CELL.c.name))
    .where(NOTEBOOK.c.assignment_id == bindparam("assignment"))
)
FIND_STUDENT = select(STUDENT.c.id).where(STUDENT.c.id == bindparam("student"))
FIND_SUBMISSION = select(SUBMISSION.c.id, SUBMISSION.c.timestamp, SUBMISSION.c.extension).where(
    SUBMISSION.c.assignment_id == bindparam("assignment"), SUBMISSION.c.student_id == bindparam("student")
)
OF_SUBMISSION = SUBMITTED_NOTEBOOK.c.assignment_id == bindparam("submission")
NOTEBOOKS = select(SUBMITTED_NOTEBOOK.c.notebook_id, SUBMITTED_NOTEBOOK.c.id).where(OF_SUBMISSION)
GRADES = (
    select(GRADE.c.notebook_id, GRADE.c.cell_id, GRADE.c.id, GRADE.c.manual_score, GRADE.c.extra_credit)
    .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == GRADE.c.notebook_id)
    .where(OF_SUBMISSION)
)
COMMENTS = (
    select(COMMENT.c.notebook_id, COMMENT.c.cell_id, COMMENT.c.id)
    .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == COMMENT.c.notebook_id)
    .where(OF_SUBMISSION)
)
SCORES = (
    select(NOTEBOOK.c.name, SUBMITTED_NOTEBOOK.c.id, GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.extra_credit)
    .join_from(SUBMITTED_NOTEBOOK, NOTEBOOK, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id)
    .outerjoin(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
    .where(OF_SUBMISSION)
)
ADD_STUDENT, ADD_SUBMISSION, ADD_NOTEBOOK = insert(STUDENT), insert(SUBMISSION), insert(SUBMITTED_NOTEBOOK)
ADD_GRADE, ADD_COMMENT = insert(GRADE), insert(COMMENT)
# which columns are changed, the rows say
CHANGE_SUBMISSION, CHANGE_NOTEBOOK, CHANGE_GRADE, CHANGE_COMMENT = (
    update(table).where(table.c.id == bindparam("row")) for table in (SUBMISSION, SUBMITTED_NOTEBOOK, GRADE, COMMENT)
)
EVERYBODY = select(STUDENT.c.id)


@dataclass(frozen=True)
class Submission:
    """A submission's row: its id, by how many seconds it came late, and whether nothing hangs on it yet."""

    id: str
    seconds_late: float
    is_new: bool


class GradebookWriter:
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
            return {student for (student,) in self.connection.rows(STUDENTS, name=assignment)}

    def everybody(self) -> set[str]:
        """All students that the gradebook knows."""
        with explained(self.name):
            return {student for (student,) in self.connection.rows(EVERYBODY)}

    def due(self, assignment: str) -> datetime.datetime | None:
        """When ``assignment`` is due."""
        with explained(self.name):
            return next((due for _, due in self.connection.rows(FIND_ASSIGNMENT, name=assignment)), None)

    def extension(self, assignment: str, student: str) -> datetime.timedelta | None:
        """The extension on record."""
        with explained(self.name):
            for key, _ in self.connection.rows(FIND_ASSIGNMENT, name=assignment):
                for *_, extension in self.connection.rows(FIND_SUBMISSION, assignment=key, student=student):
                    return cast("datetime.timedelta | None", extension)
        return None

    def write(self, graded: GradedSubmission, timing: Timing) -> None:
        """Write one submission's marks: all of them or none."""
        with explained(self.name), self.connection.transaction():
            self._write(graded, timing)

    def write_times(self, assignment: str, student: str, notebooks: Collection[str], timing: Timing) -> float:
        """Write when a recorded submission came, and the late penalty of the ``notebooks`` that were handed in.

        Returns the whole penalty.
        """
        connection = self.connection
        with explained(self.name), connection.transaction():
            key, due = self._assignment(assignment)
            submission = _find_or_add_submission(connection, key, due, student, timing)
            rows, scores = dict[str, str](), dict[str, float]()
            for name, row, auto, manual, extra in _found(connection, SCORES, submission):
                rows[name] = row
                scores[name] = scores.get(name, 0.0) + _score(auto, manual, extra)
            return self._write_penalties(student, submission, rows, scores, notebooks)

    def _assignment(self, name: str) -> tuple[str, datetime.datetime | None]:
        """The assignment's id, and when it is due."""
        for key, due in self.connection.rows(FIND_ASSIGNMENT, name=name):
            return key, due
        raise RecordError(f"{self.name} has no assignment {name}: run {shell(command('build', name))}.")

    def _write(self, graded: GradedSubmission, timing: Timing) -> None:
        card, connection = graded.scorecard, self.connection
        assignment, due = self._assignment(card.assignment)
        notebooks, cells = _cells_of(connection, assignment)
        marks = MachineMarks(graded, cells)
        if strangers := marks.strangers(cells):
            raise RecordError(
                f"{self.name} has no question {', '.join(sorted(strangers))} in {card.assignment}: "
                f"run {shell(command('build', card.assignment))}."
            )
        submission = _find_or_add_submission(connection, assignment, due, card.student, timing)
        rows = _find_or_add_notebooks(connection, submission, notebooks)
        scores = _write_grades(connection, submission, marks, cells, rows)
        _write_comments(connection, submission, marks, cells, rows)
        handed_in = [name for name in notebooks if not marks.is_missing(name)]
        self._write_penalties(card.student, submission, rows, scores, handed_in)

    def _write_penalties(
        self,
        student: str,
        submission: Submission,
        rows: dict[str, str],
        scores: dict[str, float],
        handed_in: Collection[str],
    ) -> float:
        penalties = {name: self._penalty(student, scores[name], submission) for name in rows if name in handed_in}
        if rows:
            changes = [{"row": row, "late_submission_penalty": penalties.get(name)} for name, row in rows.items()]
            self.connection.write(CHANGE_NOTEBOOK, changes)
        return sum(penalty or 0.0 for penalty in penalties.values())

    def _penalty(self, student: str, score: float, submission: Submission) -> float | None:
        """What the course's late-submission plugin takes off, kept between 0 and the score as nbgrader does."""
        if submission.seconds_late <= 0 or not self.late.enabled:
            return None
        try:
            penalty = self.late.plugin_inst.late_submission_penalty(student, score, submission.seconds_late)
        except Exception as error:
            plugin = type(self.late.plugin_inst).__name__
            raise RecordError(
                f"the late-submission plugin {plugin} raised {type(error).__name__}: {error}; fix it and run again."
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


def _cells_of(connection: Connection, assignment: str) -> tuple[dict[str, str], list[GradebookCell]]:
    """The assignment's notebooks (id by name), and their cells."""
    notebooks, cells = {}, []
    for notebook_id, notebook, cell_id, name, kind, checksum in connection.rows(CELLS, assignment=assignment):
        notebooks[notebook] = notebook_id
        if cell_id is not None:
            cells.append(GradebookCell(cell_id, name, kind, notebook, checksum))
    return notebooks, cells


def _find_or_add_submission(
    connection: Connection, assignment: str, due: datetime.datetime | None, student: str, timing: Timing
) -> Submission:
    if not connection.rows(FIND_STUDENT, student=student):
        connection.write(ADD_STUDENT, [{"id": student}])
    found = connection.rows(FIND_SUBMISSION, assignment=assignment, student=student)
    row, moment, extension = found[0] if found else (_new_id(), None, None)
    moment, extension = timing.recorded(moment, extension)
    values = {"timestamp": moment, "extension": extension}
    if found:
        connection.write(CHANGE_SUBMISSION, [values | {"row": row}])
    else:
        connection.write(ADD_SUBMISSION, [values | {"id": row, "assignment_id": assignment, "student_id": student}])
    return Submission(row, timing.seconds_late(moment, extension, due), is_new=not found)


def _find_or_add_notebooks(connection: Connection, submission: Submission, notebooks: dict[str, str]) -> dict[str, str]:
    """Ids of the submitted notebooks by name."""
    found = dict(_found(connection, NOTEBOOKS, submission))
    new = {row: _new_id() for row in notebooks.values() if row not in found}
    if new:
        values = {"assignment_id": submission.id, "flagged": False}
        connection.write(ADD_NOTEBOOK, [values | {"id": row, "notebook_id": key} for key, row in new.items()])
    return {name: (found | new)[row] for name, row in notebooks.items()}


def _write_grades(
    connection: Connection,
    submission: Submission,
    marks: MachineMarks,
    cells: list[GradebookCell],
    rows: dict[str, str],
) -> dict[str, float]:
    """Write the machine's marks and leave every person's as they are; returns each notebook's score."""
    found = {(notebook, cell): grade for notebook, cell, *grade in _found(connection, GRADES, submission)}
    scores = dict.fromkeys(rows, 0.0)
    new, changed = [], []
    for cell in cells:
        if cell.kind not in GRADED_KINDS:
            continue
        mark = marks.auto_mark(cell)
        row, manual, extra = found.get((rows[cell.notebook], cell.id), (None, None, None))
        values = {"auto_score": mark.score, "needs_manual_grade": mark.needs_person(manual)}
        if row is None:
            new.append(values | {"id": _new_id(), "cell_id": cell.id, "notebook_id": rows[cell.notebook]})
        else:
            changed.append(values | {"row": row})
        scores[cell.notebook] += _score(mark.score, manual, extra)
    if new:
        connection.write(ADD_GRADE, new)
    if changed:
        connection.write(CHANGE_GRADE, changed)
    return scores


def _score(auto: float | None, manual: float | None, extra: float | None) -> float:
    """What one grade counts; a person's mark goes before the machine's."""
    base = auto if manual is None else manual
    return 0.0 if base is None else base + (extra or 0.0)


def _write_comments(
    connection: Connection,
    submission: Submission,
    marks: MachineMarks,
    cells: list[GradebookCell],
    rows: dict[str, str],
) -> None:
    found = {(notebook, cell): row for notebook, cell, row in _found(connection, COMMENTS, submission)}
    new, changed = [], []
    for cell in cells:
        if cell.kind not in COMMENTED_KINDS:
            continue
        row = found.get((rows[cell.notebook], cell.id))
        values = {"auto_comment": None if marks.is_missing(cell.notebook) else marks.auto_comment(cell)}
        if row is None:
            new.append(values | {"id": _new_id(), "cell_id": cell.id, "notebook_id": rows[cell.notebook]})
        elif not marks.is_missing(cell.notebook):
            changed.append(values | {"row": row})
    if new:
        connection.write(ADD_COMMENT, new)
    if changed:
        connection.write(CHANGE_COMMENT, changed)


def _found(connection: Connection, query: Executable, submission: Submission) -> Sequence[tuple[Any, ...]]:
    """What hangs on a submission."""
    return [] if submission.is_new else connection.rows(query, submission=submission.id)


def _new_id() -> str:
    """A row's id, as nbgrader makes them."""
    return uuid.uuid4().hex
