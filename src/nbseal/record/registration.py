"""Makes sure that an assignment and its cells are in the gradebook, as nbgrader would put them there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from nbformat.notebooknode import from_dict
from nbgrader.api import InvalidEntry, MissingEntry
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from sqlalchemy.exc import SQLAlchemyError

from nbseal.course import Assignment, Course
from nbseal.errors import CourseError
from nbseal.notebook import Notebook, make_template
from nbseal.record.database import gradebook_name, gradebook_url


@dataclass(frozen=True)
class Outline:
    """What must be the same in a notebook and in the gradebook: points, answer cells, cells with a known source."""

    points: dict[str, float]
    answers: frozenset[str]
    sources: frozenset[str]

    def differences(self, recorded: Outline) -> list[str]:
        """Say how the gradebook's outline differs from this one, the notebook's."""
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


EMPTY = Outline({}, frozenset(), frozenset())


def ensure_registered(course: Course, assignment: Assignment, gradebook: Any) -> None:
    """Put the assignment into the gradebook, or check that it's there with the same cells.

    CourseError when a notebook can't be read, when two questions have one name, or when the gradebook differs and
    already holds submissions (without any, it is brought up to date).
    """
    templates = {
        name: make_template(assignment.template_path(name), course.config, shelf=course.shelf)
        for name in assignment.notebooks
    }
    wanted = {name: _outline(template) for name, template in templates.items()}
    _refuse_doubles(assignment, wanted)
    try:
        row = gradebook.find_assignment(assignment.name)
    except MissingEntry:
        row = gradebook.update_or_create_assignment(assignment.name)
    recorded = {notebook.name: _recorded_outline(notebook) for notebook in row.notebooks}
    if recorded == wanted:
        return
    if row.num_submissions:
        raise CourseError(_disagreement(course, assignment, wanted, recorded))
    for name in recorded.keys() - wanted.keys():
        gradebook.remove_notebook(name, assignment.name)
    gradebook.db.remove()  # SaveCells opens the gradebook itself
    for name, template in templates.items():
        _save_cells(course, assignment, name, template)


def _save_cells(course: Course, assignment: Assignment, notebook: str, template: Notebook) -> None:
    """Store the cells as ``nbgrader generate_assignment`` does."""
    from nbgrader.preprocessors import SaveCells  # takes longer to load than all the rest, and is needed once

    names = {"assignment": assignment.name, "notebook": notebook, "db_url": gradebook_url(course)}
    try:
        SaveCells(config=course.config).preprocess(from_dict(template), {"nbgrader": names})
    except (SQLAlchemyError, InvalidEntry):
        raise
    except Exception as error:
        path = assignment.template_path(notebook)
        raise CourseError(f"{path} can't be put into the gradebook: {type(error).__name__}: {error}") from error


def _outline(template: Notebook) -> Outline:
    cells = [cell for cell in from_dict(template).cells if "grade_id" in cell.metadata.get("nbgrader", {})]
    graded = [cell for cell in cells if is_grade(cell) or is_task(cell)]
    answers = [cell for cell in cells if is_solution(cell)]
    locked = [cell for cell in cells if is_locked(cell)]
    return Outline(
        {_name(cell): float(cell.metadata.nbgrader["points"]) for cell in graded},
        frozenset(_name(cell) for cell in answers),
        frozenset(_name(cell) for cell in [*graded, *answers, *locked]),
    )


def _name(cell: Any) -> str:
    return str(cell.metadata.nbgrader["grade_id"])


def _recorded_outline(notebook: Any) -> Outline:
    graded = [*notebook.grade_cells, *notebook.task_cells]
    return Outline(
        {cell.name: float(cell.max_score) for cell in graded},
        frozenset(cell.name for cell in notebook.solution_cells),
        frozenset(cell.name for cell in notebook.source_cells),
    )


def _refuse_doubles(assignment: Assignment, outlines: dict[str, Outline]) -> None:
    counts = Counter(name for outline in outlines.values() for name in outline.points)
    if doubles := sorted(name for name, count in counts.items() if count > 1):
        raise CourseError(
            f"{assignment.name} has the question {doubles[0]} in two notebooks: give each its own name, "
            "since a scorecard tells an assignment's questions apart by their names."
        )


def _disagreement(
    course: Course, assignment: Assignment, wanted: dict[str, Outline], recorded: dict[str, Outline]
) -> str:
    found = []
    for name in sorted(wanted.keys() | recorded.keys()):
        found += wanted.get(name, EMPTY).differences(recorded.get(name, EMPTY))
    return (
        f"{gradebook_name(gradebook_url(course))} holds submissions of another version of {assignment.name}: "
        f"{'; '.join(found) or 'its notebooks are others'}. If only points changed, run nbgrader "
        f"generate_assignment {assignment.name}; otherwise bring the old cells back, or remove the recorded "
        f"submissions with nbgrader db assignment remove {assignment.name} --force."
    )
