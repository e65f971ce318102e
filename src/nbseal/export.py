"""Marks as CSV for spreadsheets, in which no name is a formula: ``nbgrader export`` with nbgrader's own columns.

Named in nbgrader_config.py as ``c.ExportApp.plugin_class = "nbseal.export.SafeCsvExport"``.
"""

from __future__ import annotations

import csv
from typing import Any

from nbgrader.api import MissingEntry
from nbgrader.plugins import CsvExportPlugin

from nbseal.record.feedback import printable

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)
# How a formula starts in one of the known spreadsheets; the last four are the wide forms of the first four.
FORMULA_STARTS = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
                  "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip


class SafeCsvExport(CsvExportPlugin):  # type: ignore[misc]
    """nbgrader's CSV, with quotes where they are needed and an apostrophe before what a spreadsheet would compute."""

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
                        row = _row(gradebook, assignment, student)
                        writer.writerow({name: safe_cell(value) for name, value in row.items()})


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


def _row(gradebook: Any, assignment: Any, student: Any) -> dict[str, Any]:
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
        return {**row, "timestamp": "", "raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0}
    penalty = submission.late_submission_penalty
    return {
        **row,
        "timestamp": submission.timestamp,
        "raw_score": submission.score,
        "late_submission_penalty": penalty,
        "score": max(0.0, submission.score - penalty),
    }
