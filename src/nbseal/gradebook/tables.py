"""The tables and columns of nbgrader's gradebook that we read and write, for statements of SQLAlchemy Core.

nbgrader makes them. Its own classes take a quarter of a second to load and are needed for that alone; a test compares
names and types with theirs.
"""

from __future__ import annotations

from sqlalchemy import Boolean, DateTime, Float, Interval, String, Text, column, table

ASSIGNMENT = table(
    "assignment",
    column("id", String(32)),
    column("name", String(128)),
    column("duedate", DateTime()),
)
NOTEBOOK = table(
    "notebook",
    column("id", String(32)),
    column("name", String(128)),
    column("assignment_id", String(32)),
)
CELL = table(
    "base_cell",
    column("id", String(32)),
    column("name", String(128)),
    column("notebook_id", String(32)),
    column("type", String(50)),
)
GRADE_CELL = table("grade_cells", column("id", String(32)), column("max_score", Float()))
TASK_CELL = table("task_cells", column("id", String(32)), column("max_score", Float()))
SOLUTION_CELL = table("solution_cells", column("id", String(32)))
SOURCE_CELL = table(
    "source_cell",
    column("name", String(128)),
    column("checksum", String(128)),
    column("notebook_id", String(32)),
)
STUDENT = table(
    "student",
    column("id", String(128)),
    column("first_name", String(128)),
    column("last_name", String(128)),
    column("email", String(128)),
    column("lms_user_id", String(128)),
)
SUBMISSION = table(
    "submitted_assignment",
    column("id", String(32)),
    column("assignment_id", String(32)),
    column("student_id", String(128)),
    column("timestamp", DateTime()),
    column("extension", Interval()),
)
SUBMITTED_NOTEBOOK = table(
    "submitted_notebook",
    column("id", String(32)),
    column("assignment_id", String(32)),  # the submission's, not the assignment's
    column("notebook_id", String(32)),
    column("flagged", Boolean()),
    column("late_submission_penalty", Float(0)),
)
GRADE = table(
    "grade",
    column("id", String(32)),
    column("cell_id", String(32)),
    column("notebook_id", String(32)),  # the submitted one's
    column("auto_score", Float()),
    column("manual_score", Float()),
    column("extra_credit", Float()),
    column("needs_manual_grade", Boolean()),
)
COMMENT = table(
    "comment",
    column("id", String(32)),
    column("cell_id", String(32)),
    column("notebook_id", String(32)),  # the submitted one's
    column("auto_comment", Text()),
    column("manual_comment", Text()),
)
TABLES = (
    *(ASSIGNMENT, NOTEBOOK, CELL, GRADE_CELL, TASK_CELL, SOLUTION_CELL, SOURCE_CELL, STUDENT),
    *(SUBMISSION, SUBMITTED_NOTEBOOK, GRADE, COMMENT),
)
