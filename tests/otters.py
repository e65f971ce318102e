"""An assignment exported for otter, and the graders on both sides of it."""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbseal.course import Course
from nbseal.export.containers import grader_of
from nbseal.export.otter import export_otter
from nbseal.grading import Grader
from nbseal.results import Scorecard
from tests.courses import copy_course

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # ipylab's, which otter imports
    from nbseal.otter_plugin import NotJudged, SealedGrader, as_test_files

__all__ = ["ASSIGNMENT", "NotJudged", "SealedGrader", "as_test_files", "both_sides", "export_gates", "marks_of"]
ASSIGNMENT = "01-gates"
QUICK = "c.Seal.cell_seconds = 2.0\nc.Seal.hidden_tests_seconds = 10.0\n"


def export_gates(root: Path) -> Path:
    """A course with one assignment, exported into its folder ``dist``."""
    copy_course(root, [ASSIGNMENT], QUICK)
    export_otter(Course(root), ASSIGNMENT, root / "dist", ["picture.png"])
    return root


@contextmanager
def both_sides(exported: Path) -> Iterator[tuple[Grader, Grader]]:
    """The grader that the plugin starts in its container, and the one that `nbseal check` starts in the course."""
    with zipfile.ZipFile(exported / "dist" / "autograder" / "autograder.zip") as file:
        file.extractall(exported / "container")
    with grader_of(exported / "container") as inside, Grader(Course(exported), ASSIGNMENT) as outside:
        yield inside, outside


def marks_of(card: Scorecard) -> dict[str, float]:
    """The marks that a machine has made."""
    return {one.grade_id: one.score for one in card.questions if one.score is not None}
