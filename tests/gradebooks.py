"""A gradebook that nbgrader's own classes have filled, with all that a mark can be made of."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SAWarning

from nbseal.course import Course
from nbseal.gradebook.connection import open_gradebook

ASSIGNMENTS = {"a1": "2026-01-01 12:00:00 UTC", "a2": None}
POINTS = {"sum": 0.3, "text": 2.0, "draw": 1.5}  # a code cell, a text, a task; each notebook has all three
NOTEBOOKS = ("part1", "part2")
IN_TIME, LATE = "2026-01-01 11:00:00 UTC", "2026-01-03 12:00:00.25 UTC"
# For each student: when something was handed in (None: nothing), the values of the questions' grades, and a penalty.
GIVEN: dict[str, tuple[str | None, dict[str, dict[str, Any]], float | None]] = {
    "all": (IN_TIME, {"sum": {"auto_score": 0.1}, "text": {"manual_score": 0.2}, "draw": {"manual_score": 1.5}}, None),
    "corrected": (IN_TIME, {"sum": {"auto_score": 0.3, "manual_score": 0.0}, "text": {"auto_score": 0.7}}, None),
    "extra": (IN_TIME, {"sum": {"auto_score": 0.3, "extra_credit": 0.5}, "text": {"extra_credit": 0.25}}, None),
    "late": (LATE, {"sum": {"auto_score": 0.3}, "text": {"manual_score": 1 / 3, "extra_credit": 0.1}}, 0.4),
    "too-late": (LATE, {"sum": {"auto_score": 0.3}}, 5.0),
    "unseen": (IN_TIME, {}, None),
    "nobody": (None, {}, None),
}
FINAL = {"all", "late"}  # of whom no question waits for a person


def filled_course(root: Path) -> Course:
    """A course whose gradebook has two assignments, and submissions of the first and some of the second."""
    root.mkdir()
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'filled'\n")
    course = Course(root)
    with open_gradebook(course) as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's add_submission
        for assignment, due in ASSIGNMENTS.items():
            gradebook.add_assignment(assignment, duedate=due)
            for notebook in NOTEBOOKS:
                _add_notebook(gradebook, notebook, assignment)
        for number, student in enumerate(GIVEN):
            gradebook.add_student(student, last_name="Lee" if number % 2 else None, first_name=student, email="x@y.org")
            _hand_in(gradebook, "a1", student)
        _hand_in(gradebook, "a2", "late")
    return course


def _add_notebook(gradebook: Any, name: str, assignment: str) -> None:
    gradebook.add_notebook(name, assignment)
    gradebook.add_grade_cell("sum", name, assignment, max_score=POINTS["sum"], cell_type="code")
    gradebook.add_grade_cell("text", name, assignment, max_score=POINTS["text"], cell_type="markdown")
    gradebook.add_solution_cell("text", name, assignment)
    gradebook.add_task_cell("draw", name, assignment, max_score=POINTS["draw"], cell_type="markdown")


def _hand_in(gradebook: Any, assignment: str, student: str) -> None:
    timestamp, given, penalty = GIVEN[student]
    if timestamp is None:
        return
    submission = gradebook.add_submission(assignment, student, timestamp=timestamp)
    for notebook in submission.notebooks:
        notebook.late_submission_penalty = penalty
        for grade in notebook.grades:
            for name, value in given.get(grade.name, {}).items():
                setattr(grade, name, value)
            grade.needs_manual_grade = student not in FINAL
    gradebook.db.commit()
