"""Makes sure that an assignment and its cells are in the gradebook, as nbgrader would put them there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nbformat.notebooknode import from_dict
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from nbseal.course import Assignment, Course
from nbseal.errors import CourseError
from nbseal.gradebook.connection import Connection, check_course_id, gradebook_label, gradebook_url, open_gradebook
from nbseal.gradebook.tables import (
    ASSIGNMENT,
    CELL,
    GRADE_CELL,
    NOTEBOOK,
    SOLUTION_CELL,
    SOURCE_CELL,
    SUBMISSION,
    TASK_CELL,
)
from nbseal.notebook import Notebook, make_template
from nbseal.text import command, shell

ASSIGNMENT_ID = select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == bindparam("name"))
OF_ASSIGNMENT = NOTEBOOK.c.assignment_id == bindparam("assignment")
NOTEBOOKS = select(NOTEBOOK.c.name).where(OF_ASSIGNMENT)
_CELLS = CELL.join(NOTEBOOK, NOTEBOOK.c.id == CELL.c.notebook_id)
QUESTIONS = tuple(
    select(NOTEBOOK.c.name, CELL.c.name, kind.c.max_score)
    .select_from(_CELLS.join(kind, kind.c.id == CELL.c.id))
    .where(OF_ASSIGNMENT)
    for kind in (GRADE_CELL, TASK_CELL)
)
ANSWERS = (
    select(NOTEBOOK.c.name, CELL.c.name)
    .select_from(_CELLS.join(SOLUTION_CELL, SOLUTION_CELL.c.id == CELL.c.id))
    .where(OF_ASSIGNMENT)
)
SOURCES = (
    select(NOTEBOOK.c.name, SOURCE_CELL.c.name)
    .join_from(SOURCE_CELL, NOTEBOOK, NOTEBOOK.c.id == SOURCE_CELL.c.notebook_id)
    .where(OF_ASSIGNMENT)
)
SUBMISSIONS = select(func.count()).where(SUBMISSION.c.assignment_id == bindparam("assignment"))


@dataclass(frozen=True)
class RecordedCells:
    """What must be the same in a notebook and in the gradebook: points, answer cells, cells with a known source."""

    points: dict[str, float]
    answers: frozenset[str]
    sources: frozenset[str]

    def differences(self, recorded: RecordedCells) -> list[str]:
        """Say how the gradebook's cells differs from this one, the notebook's."""
        found = []
        for name in sorted(self.points.keys() | recorded.points.keys()):
            here, there = self.points.get(name), recorded.points.get(name)
            if here is None:
                found.append(f"question {name} is only in the gradebook")
            elif there is None:
                found.append(f"question {name} is only in the notebook")
            elif here != there:
                found.append(f"question {name} has {here:g} points in the notebook and {there:g} in the gradebook")
        named = {name for name, _ in self.points.items() ^ recorded.points.items()}
        others = (self.answers ^ recorded.answers) | (self.sources ^ recorded.sources)
        return found + [f"cell {name} is not in both" for name in sorted(others - named)]


EMPTY = RecordedCells({}, frozenset(), frozenset())


def ensure_registered(course: Course, assignment: Assignment, connection: Connection) -> None:
    """Put the assignment into the gradebook, or check that it's there with the same cells.

    CourseError when a notebook can't be read, when two questions have one name, or when the gradebook differs and
    already holds submissions (without any, it is brought up to date).
    """
    templates = {
        name: make_template(assignment.template_path(name), course.config, template_cache=course.template_cache)
        for name in assignment.notebooks
    }
    wanted = {name: _cells_of(template) for name, template in templates.items()}
    recorded: dict[str, RecordedCells] = {}
    for (row,) in connection.rows(ASSIGNMENT_ID, name=assignment.name):
        recorded = _recorded_cells(connection, row)
        if recorded == wanted:
            return
        if connection.rows(SUBMISSIONS, assignment=row)[0][0]:
            raise CourseError(_disagreement(gradebook_label(course), assignment, wanted, recorded))
    _enter(course, assignment, templates, recorded.keys() - wanted.keys())


def _cells_of(template: Notebook) -> RecordedCells:
    cells = [cell for cell in from_dict(template).cells if "grade_id" in cell.metadata.get("nbgrader", {})]
    graded = [cell for cell in cells if is_grade(cell) or is_task(cell)]
    answers = [cell for cell in cells if is_solution(cell)]
    locked = [cell for cell in cells if is_locked(cell)]
    return RecordedCells(
        {_name(cell): float(cell.metadata.nbgrader["points"]) for cell in graded},
        frozenset(_name(cell) for cell in answers),
        frozenset(_name(cell) for cell in [*graded, *answers, *locked]),
    )


def _name(cell: Any) -> str:
    return str(cell.metadata.nbgrader["grade_id"])


def _recorded_cells(connection: Connection, assignment: str) -> dict[str, RecordedCells]:
    """What the gradebook says of an assignment's notebooks, by their names."""
    found: dict[str, tuple[dict[str, float], set[str], set[str]]] = {}
    for (notebook,) in connection.rows(NOTEBOOKS, assignment=assignment):
        found[notebook] = {}, set(), set()
    for questions in QUESTIONS:
        for notebook, name, points in connection.rows(questions, assignment=assignment):
            found[notebook][0][name] = float(points)
    for notebook, name in connection.rows(ANSWERS, assignment=assignment):
        found[notebook][1].add(name)
    for notebook, name in connection.rows(SOURCES, assignment=assignment):
        found[notebook][2].add(name)
    return {
        notebook: RecordedCells(points, frozenset(answers), frozenset(sources))
        for notebook, (points, answers, sources) in found.items()
    }


def _disagreement(
    gradebook: str, assignment: Assignment, wanted: dict[str, RecordedCells], recorded: dict[str, RecordedCells]
) -> str:
    found = []
    for name in sorted(wanted.keys() | recorded.keys()):
        found += wanted.get(name, EMPTY).differences(recorded.get(name, EMPTY))
    return (
        f"{gradebook} holds submissions of another version of {assignment.name}: "
        f"{'; '.join(found) or 'it has other notebooks'}. If only points changed, run "
        f"{shell(command('build', assignment.name))}; otherwise bring the old cells back, or remove the recorded "
        f"submissions with nbgrader db assignment remove {shell([assignment.name])} --force."
    )


def _enter(course: Course, assignment: Assignment, templates: dict[str, Notebook], gone: Iterable[str]) -> None:
    """Have the assignment with these notebooks in the gradebook, as ``nbgrader generate_assignment`` does.

    Notebooks that are ``gone`` are removed.
    """
    from nbgrader.api import MissingEntry  # takes longer to load than all the rest, and is needed once

    gradebook = open_gradebook(course)
    try:
        try:
            gradebook.find_assignment(assignment.name)
        except MissingEntry:
            check_course_id(course)
            gradebook.update_or_create_assignment(assignment.name)
        for name in gone:
            gradebook.remove_notebook(name, assignment.name)
    finally:
        gradebook.close()
    for name, template in templates.items():  # SaveCells opens the gradebook itself
        _save_cells(course, assignment, name, template)


def _save_cells(course: Course, assignment: Assignment, notebook: str, template: Notebook) -> None:
    from nbgrader.api import InvalidEntry
    from nbgrader.preprocessors import SaveCells

    names = {"assignment": assignment.name, "notebook": notebook, "db_url": gradebook_url(course)}
    try:
        SaveCells(config=course.config).preprocess(from_dict(template), {"nbgrader": names})
    except (SQLAlchemyError, InvalidEntry):
        raise
    except Exception as error:
        path = assignment.template_path(notebook)
        raise CourseError(f"{path} can't be put into the gradebook: {type(error).__name__}: {error}") from error
