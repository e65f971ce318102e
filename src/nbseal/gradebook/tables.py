"""Tables of nbgrader's gradebook, by short names."""

from __future__ import annotations

from nbgrader import api

ASSIGNMENT = api.Assignment.__table__
CELL = api.BaseCell.__table__
STUDENT = api.Student.__table__
SUBMISSION = api.SubmittedAssignment.__table__
SUBMITTED = api.SubmittedNotebook.__table__
GRADE = api.Grade.__table__
