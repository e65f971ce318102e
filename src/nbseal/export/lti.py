"""Final marks of an assignment in a column of a platform's gradebook, by LTI's Assignment and Grade Services."""

from __future__ import annotations

from contextlib import closing

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.export.csv_columns import ExportResult, keyed, plain_number
from nbseal.export.marks import AssignmentMarks, Mark
from nbseal.lti.gradebook_columns import GradebookColumns, LineItem, Refused
from nbseal.lti.platform import AGS, Platform

SCOPES = tuple(f"{AGS}{name}" for name in ("lineitem", "result.readonly", "score"))
UNKNOWN = "the gradebook doesn't know the id on the platform: run nbseal roster lti"
SAME = 1e-4  # of the points, within which two scores are one: platforms round


def export_lti(course: Course, marks: AssignmentMarks, column: str | None, dry_run: bool) -> ExportResult:
    """Send the marks that the platform hasn't yet; what is there already, and is the same, is left alone.

    A column that is missing is made. With ``dry_run`` nothing is sent or made. Every mark is sent by itself: after a
    stop, the next run sends the rest. CourseError where the platform refuses, or the settings don't fit.
    """
    if marks.max_score <= 0:
        raise CourseError(f"{marks.assignment} gives no points: a column on a platform must have some.")
    with closing(Platform(course, SCOPES)) as platform:
        columns = GradebookColumns(platform)
        item = columns.find(marks.assignment, column)
        result = ExportResult.of(marks, _where(columns, item, marks.assignment, dry_run))
        keyed(list(marks.by_student.values()), lambda mark: mark.lms_user_id, "id in the learning platform")
        there = columns.scores(item) if item else {}
        new = _to_send(result, marks, there, item.points if item else marks.max_score)
        if item and abs(item.points - marks.max_score) > 1e-6:
            result.notes.append(
                f"{item.label} has {plain_number(item.points)} points on the platform and "
                f"{plain_number(marks.max_score)} in the gradebook: the platform scales"
            )
        if not dry_run:
            item = item or columns.make(marks.assignment, marks.max_score)
            _send(result, columns, item, new, marks.max_score)
    return result


def _where(columns: GradebookColumns, item: LineItem | None, assignment: str, dry_run: bool) -> str:
    place = f"{item.label} ({item.address})" if item else f"{assignment} (a new column at {columns.address})"
    return f"nothing is sent, but would be, to {place}" if dry_run else place


def _to_send(result: ExportResult, marks: AssignmentMarks, there: dict[str, float], points: float) -> list[Mark]:
    """The final marks that aren't there; all others are named in the result."""
    new, same = [], 0
    for mark in marks.by_student.values():
        if mark.score is None:
            result.leave_out(mark)
        elif not mark.lms_user_id:
            result.leave_out(mark, UNKNOWN)
        elif abs(there.get(mark.lms_user_id, -1.0) - mark.score / marks.max_score * points) <= SAME * points:
            same += 1
        else:
            new.append(mark)
            result.written[mark.student] = mark.score
    if same:
        result.notes.append(f"{same} {'mark is' if same == 1 else 'marks are'} there already")
    return new


def _send(result: ExportResult, columns: GradebookColumns, item: LineItem, new: list[Mark], points: float) -> None:
    result.written.clear()
    for mark in new:
        assert mark.score is not None
        try:
            columns.send(item, mark.lms_user_id, mark.score, points)
        except Refused as refused:
            result.leave_out(mark, f"the platform refuses: {refused}")
        else:
            result.written[mark.student] = mark.score
