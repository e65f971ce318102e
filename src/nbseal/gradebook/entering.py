"""Puts an assignment and its cells into the gradebook, as ``nbgrader generate_assignment`` does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbformat.notebooknode import from_dict
from nbgrader.api import InvalidEntry, MissingEntry
from nbgrader.preprocessors import SaveCells
from sqlalchemy.exc import SQLAlchemyError

from nbseal.course import Assignment, Course
from nbseal.errors import CourseError
from nbseal.gradebook.database import gradebook_url, open_gradebook
from nbseal.notebook import Notebook


def enter(course: Course, assignment: Assignment, templates: dict[str, Notebook], gone: Iterable[str]) -> None:
    """Have the assignment with these notebooks in the gradebook, and without those that are ``gone``."""
    gradebook: Any = open_gradebook(gradebook_url(course), course.coursedir.course_id)
    try:
        try:
            gradebook.find_assignment(assignment.name)
        except MissingEntry:
            gradebook.update_or_create_assignment(assignment.name)
        for name in gone:
            gradebook.remove_notebook(name, assignment.name)
    finally:
        gradebook.close()
    for name, template in templates.items():  # SaveCells opens the gradebook itself
        _save_cells(course, assignment, name, template)


def _save_cells(course: Course, assignment: Assignment, notebook: str, template: Notebook) -> None:
    names = {"assignment": assignment.name, "notebook": notebook, "db_url": gradebook_url(course)}
    try:
        SaveCells(config=course.config).preprocess(from_dict(template), {"nbgrader": names})
    except (SQLAlchemyError, InvalidEntry):
        raise
    except Exception as error:
        path = assignment.template_path(notebook)
        raise CourseError(f"{path} can't be put into the gradebook: {type(error).__name__}: {error}") from error
