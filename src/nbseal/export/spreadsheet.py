"""Marks as CSV for spreadsheets, in which no name is a formula: ``nbgrader export`` with nbgrader's own columns.

Named in nbgrader_config.py as ``c.ExportApp.plugin_class = "nbseal.export.SafeCsvExport"``.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import CsvExportPlugin
from traitlets import Bool

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.export.csv_columns import FORMULA_STARTS, Delivery, write_new
from nbseal.export.marks import decide, read_marks
from nbseal.gradebook.database import gradebook_name, gradebook_url
from nbseal.gradebook.explained import explained
from nbseal.text import printable

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


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
        with open(destination, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            for assignment in gradebook.assignments:
                for student in gradebook.students:
                    if _wanted(assignment.name, self.assignment) and _wanted(student.id, self.student):
                        row = self._row(gradebook, assignment, student)
                        writer.writerow({name: safe_cell(value) for name, value in row.items()})

    def _row(self, gradebook: Any, assignment: Any, student: Any) -> dict[str, Any]:
        row, waits = _row(gradebook, assignment, student)
        withheld = (assignment.name, student.id) in self.withheld
        if withheld or (waits and not self.partial):
            if not withheld:
                self.log.warning("%s of %s waits for a person: no mark is exported", assignment.name, student.id)
            return {**row, "raw_score": "", "score": ""}
        return row


def safe_cell(value: Any) -> str:
    """A cell's text: a number as it is, and a text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = " ".join(printable(value).split())
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _wanted(name: str, names: list[Any]) -> bool:
    return not names or name in map(str, names)


def _row(gradebook: Any, assignment: Any, student: Any) -> tuple[dict[str, Any], bool]:
    """A line's values, and whether its mark waits for a person."""
    row = {
        "assignment": assignment.name,
        "duedate": assignment.duedate,
        "student_id": student.id,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "email": student.email,
        "max_score": assignment.max_score,
    }
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return {**row, "timestamp": "", "raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0}, False
    penalty = submission.late_submission_penalty
    made = {
        **row,
        "timestamp": submission.timestamp,
        "raw_score": submission.score,
        "late_submission_penalty": penalty,
        "score": max(0.0, submission.score - penalty),
    }
    return made, bool(submission.needs_manual_grade)


def export_csv(course: Course, assignments: list[str] | None, path: Path, partial: bool, force: bool) -> Delivery:
    """Write the marks of assignments (default: all that the gradebook has) by the plugin; say what is not there."""
    delivery = Delivery(", ".join(assignments) if assignments else "all assignments", path)
    draft = path.with_name(f".{path.name}.csv")
    withheld: set[tuple[str, str]] = set()
    for name in assignments or _recorded(course):
        marks = read_marks(course, name)
        delivery.note_doubts(marks)
        for student, mark in marks.by_student.items():
            made = decide(mark, partial, zero_missing=False)
            if made.score is not None:
                delivery.written[f"{name} {student}"] = made.score
            elif not made.is_missing:
                withheld.add((name, student))
                delivery.left_out.append((student, f"{name}: {made.reason}"))
    plugin = SafeCsvExport(config=course.config)
    plugin.to, plugin.assignment, plugin.partial = str(draft), list(assignments or []), partial
    plugin.withheld = frozenset(withheld)
    try:
        with explained(path), Gradebook(gradebook_url(course), course.coursedir.course_id) as gradebook:
            plugin.export(gradebook)
        write_new(path, draft.read_bytes(), force)
    finally:
        draft.unlink(missing_ok=True)
    return delivery


def _recorded(course: Course) -> list[str]:
    """Assignments that are both in the course and in the gradebook."""
    found = []
    for name in course.assignments():
        try:
            read_marks(course, name)
        except CourseError:
            continue
        found.append(name)
    if not found:
        raise CourseError(f"{gradebook_name(gradebook_url(course))} has no marks: grade first (nbseal grade).")
    return found
