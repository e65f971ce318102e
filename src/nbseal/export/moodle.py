"""Marks for Moodle: an assignment's offline grading worksheet, filled in, or a file for the gradebook's CSV import."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nbseal.errors import CourseError
from nbseal.export.csv_columns import (
    CsvText,
    ExportResult,
    StudentRows,
    fill_column,
    find_column,
    keyed,
    needed_column,
    other_points,
    plain_number,
    refuse_if_nobody,
)
from nbseal.export.marks import AssignmentMarks, Mark
from nbseal.export.spreadsheet import safe_cell

CHANGEABLE, MAXIMUM, NAME = "Grade can be changed", "Maximum Grade", "Full name"
PARTICIPANT = "Participant "
LOCKED = "Moodle doesn't let its grade be changed"


class Match(StrEnum):
    """What identifies a student in Moodle: ``email`` is compared with the gradebook's email, the rest with its id."""

    ID = "id"
    EMAIL = "email"
    USERNAME = "username"
    PARTICIPANT = "participant"


TITLES = {
    Match.ID: "ID number",
    Match.EMAIL: "Email address",
    Match.USERNAME: "Username",
    Match.PARTICIPANT: "Identifier",
}


@dataclass(frozen=True)
class WorksheetColumns:
    """Which columns of a worksheet count: what identifies a student, and where marks go.

    Titles are those of Moodle in English; ``match_column`` and ``grade_column`` name them in other languages.
    """

    match_by: Match = Match.ID
    match_column: str | None = None
    grade_column: str = "Grade"

    @property
    def match_title(self) -> str:
        """The title of the column that identifies a student."""
        return self.match_column or TITLES[self.match_by]


def fill_worksheet(marks: AssignmentMarks, download: Path, columns: WorksheetColumns) -> tuple[ExportResult, bytes]:
    """Put marks into an offline grading worksheet; the result and the new file's content."""
    file = CsvText(download)
    result, match, title = ExportResult.of(marks, download), columns.match_by, columns.match_title
    mend = (
        f"choose another with {{}} (its columns: {', '.join(file.header)}). "
        "In Moodle: the assignment, Submissions, Actions, Download grading worksheet."
    )
    place = needed_column(file, columns.grade_column, mend.format("--grade-column"))
    key = needed_column(file, title, mend.format("--match-by or --match-column"))
    names, locked = find_column(file, NAME), find_column(file, CHANGEABLE)
    rows = StudentRows(
        file,
        _keys(file, key, match),
        name_of=lambda row: file.value(row, names if names is not None else key),
        refusal=lambda row: LOCKED if file.value(row, locked).casefold() == "no" else "",
    )
    _look_at_maximum(rows, result, marks.max_score)
    what = "email" if _by_email(match) else "id"
    known = keyed(list(marks.by_student.values()), lambda mark: _key(mark, match), what)
    refuse_if_nobody(rows, known, f"Moodle's {title} and the gradebook's {_ours(match)}")
    return result, fill_column(result, rows, place, known)


def make_import(marks: AssignmentMarks, match: Match, path: Path) -> tuple[ExportResult, bytes]:
    """Make a file for Grades → Import → CSV file: a line for each mark, so that no other grade is touched."""
    if match is Match.PARTICIPANT:
        raise CourseError("participant numbers are only in grading worksheets: give one with --worksheet.")
    result = ExportResult.of(marks, path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["First name", "Last name", TITLES[match], safe_cell(marks.assignment)])
    for mark in marks.by_student.values():
        key = mark.email if _by_email(match) else mark.student
        if mark.score is None:
            result.leave_out(mark)
        elif not key:
            result.leave_out(mark, "the gradebook has no email: choose another --match-by")
        elif safe_cell(key) != key:
            result.leave_out(mark, f"a spreadsheet would compute {key!r}: enter the mark in Moodle by hand")
        else:
            writer.writerow([safe_cell(mark.first_name), safe_cell(mark.last_name), key, plain_number(mark.score)])
            result.written[mark.student] = mark.score
            if mark.reason:
                result.notes.append(f"{mark.student}: {mark.reason}")
    return result, text.getvalue().encode("utf-8")


def _by_email(match: Match) -> bool:
    return match is Match.EMAIL


def _ours(match: Match) -> str:
    return "email" if _by_email(match) else "student id"


def _key(mark: Mark, match: Match) -> str:
    if match is Match.PARTICIPANT:
        return mark.student.removeprefix(PARTICIPANT)
    return mark.email.casefold() if _by_email(match) else mark.student


def _keys(file: CsvText, column: int, match: Match) -> dict[int, str]:
    """What identifies the student of each row that isn't blank."""
    values = {
        row: file.value(row, column)
        for row in range(1, len(file.rows))
        if any(cell.value.strip() for cell in file.rows[row])
    }
    if match is Match.PARTICIPANT:
        return {row: value.removeprefix(PARTICIPANT) for row, value in values.items()}
    return {row: value.casefold() if _by_email(match) else value for row, value in values.items()}


def _look_at_maximum(rows: StudentRows, result: ExportResult, ours: float) -> None:
    column = find_column(rows.file, MAXIMUM)
    for row in rows.keys:
        theirs = other_points(rows.file.value(row, column), ours)
        if theirs is not None:
            result.notes.append(
                f"the maximum grade is {plain_number(theirs)} in Moodle and {plain_number(ours)} in the gradebook; "
                "marks are written as they are, and Moodle skips those above its maximum"
            )
            return
