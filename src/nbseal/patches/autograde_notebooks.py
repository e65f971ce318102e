"""Lets an exporter say which notebooks nbgrader's autograde works on, whatever the files of a submission are called.

nbgrader looks for ``*.ipynb`` at the top of each submission's folder. Without one it gives up; one with a name that the
assignment doesn't have is skipped; and a notebook that isn't there gets zeros in the gradebook before anything is
graded. Work that was handed in under another name, in a folder or in a zip would have none but these.
"""

from __future__ import annotations

import functools
import glob
import logging
import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.converters import autograde

RELIES_ON = (
    "nbgrader.converters.autograde.Autograde.init_notebooks",
    "nbgrader.converters.autograde.Autograde.init_assignment:Gradebook",
    "nbgrader.converters.autograde.Autograde.init_assignment:gb.find_submission_notebook",
    "nbgrader.converters.base.BaseConverter._format_source",
)


class _NoZeros(Gradebook):  # type: ignore[misc]
    """nbgrader's gradebook, in which no grades are found that could be made zeros."""

    def find_submission_notebook(self, *names: str) -> Any:
        """A notebook without grades."""
        return SimpleNamespace(grades=())


def _is_no_missing_file(record: logging.LogRecord) -> bool:
    """Not what nbgrader says of a notebook under another name: the engine says what was handed in, and what wasn't."""
    return not str(record.msg).startswith("No submitted file: ")


def install(notebooks_of: Callable[[Any], Sequence[str]], students_of: Callable[[Any], Sequence[str]]) -> None:
    """Have each run of autograde work on ``notebooks_of(converter)``; as nbgrader does where there are none.

    ``students_of`` are further students of the run, who have no folder for the assignment.
    """
    converter = autograde.Autograde
    look, begin = converter.init_notebooks, converter.init_assignment

    @functools.wraps(look)
    def init_notebooks(self: Any) -> None:
        assignment, student = self.coursedir.assignment_id, self.coursedir.student_id
        named = self._format_source(assignment, student)
        found = [named] if os.path.isdir(named) else [path for path in glob.glob(named) if os.path.isdir(path)]
        found += [self._format_source(assignment, one) for one in students_of(self)]
        notebooks = {folder: [os.path.join(folder, f"{name}.ipynb") for name in notebooks_of(self)] for folder in found}
        if not any(notebooks.values()):
            look(self)  # which says what is wrong
            return
        self.assignments, self.notebooks = notebooks, []

    @functools.wraps(begin)
    def init_assignment(self: Any, assignment_id: str, student_id: str) -> None:
        if not notebooks_of(self):
            begin(self, assignment_id, student_id)
            return
        theirs, autograde.Gradebook = autograde.Gradebook, _NoZeros
        self.log.addFilter(_is_no_missing_file)
        try:
            begin(self, assignment_id, student_id)
        finally:
            autograde.Gradebook = theirs
            self.log.removeFilter(_is_no_missing_file)

    converter.init_notebooks, converter.init_assignment = init_notebooks, init_assignment
