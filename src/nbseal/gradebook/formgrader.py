"""Has nbgrader's pages read the times of submissions as they are recorded, and show all that is on them.

The formgrader takes a submission for graded only if the time in the gradebook is what it reads in ``timestamp.txt``. So
one whose stamp it misreads would stay among those to be graded; one that it can't read at all hides the whole list.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbseal.errors import CourseError
from nbseal.gradebook.lateness import stamp_on_record
from nbseal.gradebook.times import naive, stamp_in, zones_of
from nbseal.patches.formgrader_pages import mend_pages


def read_times_as_recorded() -> None:
    """Where nbgrader's pages are loaded, have them read stamps as we do, and mend them; elsewhere this does nothing.

    Call it in nbgrader_config.py, which the formgrader's server reads when it starts.
    """
    mend_pages()
    pages = sys.modules.get("nbgrader.apps.api")
    if pages:
        pages.NbGraderAPI.get_submitted_timestamp = _submitted_timestamp


def _submitted_timestamp(self: Any, assignment_id: str, student_id: str) -> Any:
    """The time of a submission in UTC, without a zone; None if nobody can tell."""
    folder = self.coursedir.format_path(self.coursedir.submitted_directory, student_id, assignment_id)
    stamp = stamp_in(Path(folder), zones_of(self.config))
    with suppress(CourseError):  # a damaged file of decisions is told where something is graded or decided
        stamp = stamp_on_record(Path(self.coursedir.root, ".nbseal"), assignment_id, student_id, stamp)
    return naive(stamp.moment) if stamp else None
