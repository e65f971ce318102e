"""Marks as CSV for spreadsheets, in which no name is a formula: ``nbgrader export`` with nbgrader's own columns.

Named in nbgrader_config.py as ``c.ExportApp.plugin_class = "nbseal.export.SafeCsvExport"``.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from nbgrader.api import Student
from nbgrader.plugins import CsvExportPlugin
from traitlets import Bool

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.export.csv_columns import FORMULA_STARTS, ExportResult, write_new
from nbseal.export.marks import AssignmentMarks, decide, read_marks
from nbseal.gradebook.connection import Connection, gradebook_label, open_gradebook
from nbseal.gradebook.explained import explained
from nbseal.gradebook.queries import SubmissionMark, submission_marks
from nbseal.text import one_line

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)
NOTHING = SubmissionMark(None, 0.0, 0.0, False, 0)  # nbgrader's line for who handed nothing in


class SafeCsvExport(CsvExportPlugin):  # type: ignore[misc]
    """nbgrader's CSV, with quotes where they are needed and an apostrophe before what a spreadsheet would compute.

    A mark that waits for a person has empty cells and a warning, unless ``partial`` asks for the sum so far.
    ``withheld`` holds more of them, as (assignment, student) pairs.
    """

    partial = Bool(False, help="export the sum so far where a mark waits for a person").tag(config=True)
    withheld: frozenset[tuple[str, str]] = frozenset()

    def export(self, gradebook: Any) -> None:
        """Write a line for each student and assignment that was asked for."""
        destination = self.to or "grades.csv"
        self.log.info("Exporting grades to %s", destination)
        Path(destination).write_text(self.table(gradebook), encoding="utf-8", newline="")

    def table(self, gradebook: Any) -> str:
        """The file's text."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        # In the order of nbgrader's own list, which would sum up all grades anew for each student in it.
        about = gradebook.db.query(Student.id, Student.last_name, Student.first_name, Student.email)
        everybody = about.order_by(Student.last_name, Student.first_name).all()
        students = [student for student in everybody if _wanted(student.id, self.student)]
        for assignment in gradebook.assignments:
            if not _wanted(assignment.name, self.assignment):
                continue
            marks = submission_marks(Connection(gradebook.db.connection()), assignment.name)
            for student in students:
                row = self._row(assignment, student, marks.get(student.id, NOTHING))
                writer.writerow({name: safe_cell(value) for name, value in row.items()})
        return text.getvalue()

    def _row(self, assignment: Any, student: Any, mark: SubmissionMark) -> dict[str, Any]:
        row = {
            "assignment": assignment.name,
            "duedate": assignment.duedate,
            "timestamp": mark.timestamp,
            "student_id": student.id,
            "last_name": student.last_name,
            "first_name": student.first_name,
            "email": student.email,
            "raw_score": mark.score,
            "late_submission_penalty": mark.penalty,
            "score": mark.total,
            "max_score": assignment.max_score,
        }
        withheld = (assignment.name, student.id) in self.withheld
        waits = mark.needs_person and not self.partial
        if waits and not withheld:
            self.log.warning("%s of %s waits for a person: no mark is exported", assignment.name, student.id)
        return {**row, "raw_score": "", "score": ""} if waits or withheld else row


def safe_cell(value: Any) -> str:
    """A cell's text: a number as it is, and a text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = one_line(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _wanted(name: str, names: list[Any]) -> bool:
    return not names or name in map(str, names)


def export_csv(course: Course, assignments: list[str] | None, path: Path, partial: bool, force: bool) -> ExportResult:
    """Write the marks of assignments (default: all that the gradebook has) by the plugin; say what is not there."""
    result = ExportResult(", ".join(assignments) if assignments else "all assignments", path)
    withheld: set[tuple[str, str]] = set()
    for marks in [read_marks(course, name) for name in assignments] if assignments else _recorded(course):
        result.note_doubts(marks)
        for student, mark in marks.by_student.items():
            made = decide(mark, partial, zero_missing=False)
            if made.score is not None:
                result.written[f"{marks.assignment} {student}"] = made.score
            elif not made.is_missing:
                withheld.add((marks.assignment, student))
                result.left_out.append((student, f"{marks.assignment}: {made.reason}"))
    plugin = SafeCsvExport(config=course.config)
    plugin.assignment, plugin.partial, plugin.withheld = list(assignments or []), partial, frozenset(withheld)
    with explained(path), open_gradebook(course) as gradebook:
        content = plugin.table(gradebook).encode("utf-8")
    write_new(path, content, force)
    return result


def _recorded(course: Course) -> list[AssignmentMarks]:
    """The marks of assignments that are both in the course and in the gradebook."""
    found = []
    for name in course.assignments():
        try:
            found.append(read_marks(course, name))
        except CourseError:
            continue
    if not found:
        raise CourseError(f"{gradebook_label(course)} has no marks: grade first (nbseal grade).")
    return found
