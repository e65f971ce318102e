"""Which submissions were handed in again after they were graded."""

from __future__ import annotations

from nbseal.course import Course
from nbseal.grade.submission import handed_in
from nbseal.record.ledger import Ledger


def resubmitted(course: Course, assignment: str) -> list[str]:
    """Students whose recorded mark is that of another submission than the one that lies in submitted/ now."""
    notebooks = course.assignment(assignment).notebooks
    present = set(course.students(assignment))
    return [
        entry.student
        for entry in Ledger.of(course, assignment).entries()
        if entry.student in present
        and entry.handed_in
        and entry.handed_in
        != handed_in(course.folder("submitted", entry.student, assignment), notebooks, course.seal.submission_mb)
    ]
