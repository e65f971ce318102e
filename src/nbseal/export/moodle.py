"""Marks for Moodle: an assignment's offline grading worksheet, filled in, or a file for the gradebook's CSV import."""

from __future__ import annotations

import csv
import io
from enum import StrEnum
from pathlib import Path

from nbseal.errors import CourseError
from nbseal.export.csv_columns import (
    CsvText,
    Delivery,
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


def fill_worksheet(
    marks: AssignmentMarks, download: Path, match: Match, match_column: str | None, grade_column: str
) -> tuple[Delivery, bytes]:
    """Put marks into an offline grading worksheet; the delivery and the new file's content.

    Titles are those of Moodle in English; ``match_column`` and ``grade_column`` name them in other languages.
    """
    file = CsvText(download)
    delivery = Delivery.of(marks, download)
    title = match_column or TITLES[match]
    mend = (
        f"choose another with {{}} (its columns: {', '.join(file.header)}). "
        "In Moodle: the assignment, Submissions, Actions, Download grading worksheet."
    )
    place = needed_column(file, grade_column, mend.format("--grade-column"))
    key = needed_column(file, title, mend.format("--match or --match-column"))
    rows = {
        row: file.value(row, key).removeprefix(PARTICIPANT if match is Match.PARTICIPANT else "")
        for row in range(1, len(file.rows))
        if any(cell.value.strip() for cell in file.rows[row])
    }
    _look_at_maximum(file, delivery, rows, marks.max_score)
    what = "email" if _by_email(match) else "id"
    known = keyed(list(marks.by_student.values()), lambda mark: _key(mark, match), what)
    if _by_email(match):
        rows = {row: value.casefold() for row, value in rows.items()}
    refuse_if_nobody(file, delivery, rows, known, f"Moodle's {title} and the gradebook's {_ours(match)}")
    names = find_column(file, NAME)
    locked = find_column(file, CHANGEABLE)
    content = fill_column(
        delivery,
        file,
        rows,
        place,
        known,
        lambda row: file.value(row, names if names is not None else key),
        lambda row: "Moodle doesn't let its grade be changed" if file.value(row, locked).casefold() == "no" else "",
    )
    return delivery, content


def make_import(marks: AssignmentMarks, match: Match, path: Path) -> tuple[Delivery, bytes]:
    """Make a file for Grades → Import → CSV file: a line for each mark, so that no other grade is touched."""
    if match is Match.PARTICIPANT:
        raise CourseError("participant numbers are only in grading worksheets: give one with --worksheet.")
    delivery = Delivery.of(marks, path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["First name", "Last name", TITLES[match], safe_cell(marks.assignment)])
    for mark in marks.by_student.values():
        key = mark.email if _by_email(match) else mark.student
        if mark.score is None:
            delivery.leave_out(mark)
        elif not key:
            delivery.leave_out(mark, "the gradebook has no email: choose another --match")
        elif safe_cell(key) != key:
            delivery.leave_out(mark, f"a spreadsheet would compute {key!r}: enter the mark in Moodle by hand")
        else:
            writer.writerow([safe_cell(mark.first_name), safe_cell(mark.last_name), key, plain_number(mark.score)])
            delivery.written[mark.student] = mark.score
            if mark.reason:
                delivery.notes.append(f"{mark.student}: {mark.reason}")
    return delivery, text.getvalue().encode("utf-8")


def _by_email(match: Match) -> bool:
    return match is Match.EMAIL


def _ours(match: Match) -> str:
    return "email" if _by_email(match) else "student id"


def _key(mark: Mark, match: Match) -> str:
    if match is Match.PARTICIPANT:
        return mark.student.removeprefix(PARTICIPANT)
    return mark.email.casefold() if _by_email(match) else mark.student


def _look_at_maximum(file: CsvText, delivery: Delivery, rows: dict[int, str], ours: float) -> None:
    column = find_column(file, MAXIMUM)
    for row in rows:
        theirs = other_points(file.value(row, column), ours)
        if theirs is not None:
            delivery.notes.append(
                f"the maximum grade is {plain_number(theirs)} in Moodle and {plain_number(ours)} in the gradebook; "
                "marks are written as they are, and Moodle skips those above its maximum"
            )
            return
