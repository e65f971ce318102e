"""Canvas's gradebook file, as an instructor downloads it, with our marks in one column and nothing else changed.

The format is that of Canvas's own export and import: a line of titles (``Student`` or ``LastName``, ``FirstName``, then
``ID`` … ``Section``, then ``Title (id)`` for each assignment), perhaps a line about manual posting, a line of points
whose first cell says ``Points Possible``, and a line for each student.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from nbseal.errors import CourseError
from nbseal.export.csv_columns import (
    CsvText,
    ExportResult,
    StudentRows,
    fill_column,
    keyed,
    needed_column,
    other_points,
    plain_number,
    refuse_if_nobody,
)
from nbseal.export.marks import AssignmentMarks

POINTS = "Points Possible"
WITH_ID = re.compile(r"(?P<title>.*) \((?P<id>\d+)\)", re.DOTALL)
POSTING = re.compile(r"(Muted|Manual Posting.*)?", re.IGNORECASE)
KEPT = {"EX": "excused in Canvas: its cell is left as it is", "N/A": "not assigned to this student in Canvas"}


class Match(StrEnum):
    """What identifies a student in Canvas: it is compared with nbgrader's student id.

    ``canvas`` is compared with the gradebook's ``lms_user_id`` where that is set.
    """

    LOGIN = "login"
    SIS = "sis"
    INTEGRATION = "integration"
    CANVAS = "canvas"


TITLES = {
    Match.LOGIN: "SIS Login ID",
    Match.SIS: "SIS User ID",
    Match.INTEGRATION: "Integration ID",
    Match.CANVAS: "ID",
}


def fill_canvas(marks: AssignmentMarks, download: Path, match: Match, column: str | None) -> tuple[ExportResult, bytes]:
    """Put marks into the assignment's column of a downloaded gradebook; the result and the new file's content.

    ``column`` is the title, the id or ``Title (id)`` in Canvas where it isn't the assignment's name.
    """
    file = CsvText(download)
    result = ExportResult.of(marks, download)
    header = file.header
    if not (header[0] in ("Student", "LastName") and "ID" in header and "Section" in header):
        raise CourseError(
            f"{download} is not a gradebook from Canvas: its first line should begin with Student, ID, … and have a "
            "column Section. In Canvas: Grades, Export, Export Entire Gradebook."
        )
    place = _assignment_column(file, column or marks.assignment)
    points = _points_row(file)
    _look_at_points(file, result, points, place, marks.max_score)
    there = [f"{name} ({title})" for name, title in TITLES.items() if title in header]
    key = needed_column(file, TITLES[match], f"choose --match-by {' or '.join(there)}.")
    rows = StudentRows(
        file,
        {row: file.value(row, key) for row in range(points + 1, len(file.rows)) if _is_student(file, row)},
        name_of=lambda row: _name(file, row),
        refusal=lambda row: KEPT.get(file.value(row, place), ""),
    )
    known = keyed(
        list(marks.by_student.values()),
        (lambda mark: mark.lms_user_id or mark.student) if match is Match.CANVAS else (lambda mark: mark.student),
        "id in the learning platform" if match is Match.CANVAS else "id",
    )
    refuse_if_nobody(rows, known, f"Canvas's {TITLES[match]} and nbgrader's {_ours(match)}")
    return result, fill_column(result, rows, place, known)


def _ours(match: Match) -> str:
    return "lms_user_id or student id" if match is Match.CANVAS else "student id"


def _assignment_column(file: CsvText, wanted: str) -> int:
    titles = {place: found for place, title in enumerate(file.header) if (found := WITH_ID.fullmatch(title))}
    places = [
        place
        for place, found in titles.items()
        if wanted.casefold() in (found[0].casefold(), found["title"].strip().casefold(), found["id"])
    ]
    if len(places) == 1:
        return places[0]
    if places:
        names = ", ".join(titles[place][0] for place in places)
        raise CourseError(f"{file.path} has several columns {wanted}: choose by the number in brackets ({names}).")
    names = ", ".join(found[0] for found in titles.values()) or "none"
    raise CourseError(
        f"{file.path} has no column for {wanted}: name one with --column (its assignments: {names}), or make the "
        "assignment in Canvas first and export again."
    )


def _points_row(file: CsvText) -> int:
    for row in range(1, min(4, len(file.rows))):
        if POINTS in file.value(row, 0):
            return row
    raise CourseError(f"{file.path} has no line {POINTS} below its titles: download it again.")


def _look_at_points(file: CsvText, result: ExportResult, points: int, place: int, ours: float) -> None:
    text = file.value(points, place)
    title = file.header[place]
    if "read only" in text:
        raise CourseError(f"{file.path}: Canvas makes the column {title} itself (read only): choose another --column.")
    theirs = other_points(text, ours)
    if theirs is not None:
        result.notes.append(
            f"{title} has {plain_number(theirs)} points in Canvas and {plain_number(ours)} in the gradebook; marks are "
            "written as they are"
        )


def _is_student(file: CsvText, row: int) -> bool:
    """Whether the row is a student's: a blank line or one about posting isn't."""
    return not all(POSTING.fullmatch(cell.value.strip()) for cell in file.rows[row])


def _name(file: CsvText, row: int) -> str:
    if file.header[0] == "LastName":
        return f"{file.value(row, 0)}, {file.value(row, 1)}"
    return file.value(row, 0)
