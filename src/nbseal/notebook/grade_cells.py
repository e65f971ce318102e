"""What nbgrader's metadata says of a notebook: grade cells, solution cells, and the questions that they make."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from nbformat.notebooknode import from_dict
from nbgrader.utils import compute_checksum

from nbseal.errors import CourseError
from nbseal.notebook.reading import Notebook
from nbseal.results import full_name


@dataclass(frozen=True)
class Question:
    """One cell that gives points; ``manual`` ones wait for a person. ``index`` counts the cells from 0.

    ``notebook`` is named where another one of the assignment has a question of the same grade_id.
    """

    grade_id: str
    points: float
    manual: bool
    index: int
    notebook: str = ""

    @property
    def name(self) -> str:
        """What it is called among the assignment's questions."""
        return full_name(self.notebook, self.grade_id) if self.notebook else self.grade_id


def nbgrader_mark(cell: Any) -> dict[str, Any] | None:
    """nbgrader's metadata of a cell that it manages (grade, solution, locked, task), None for others."""
    mark = cell.get("metadata", {}).get("nbgrader")
    if not isinstance(mark, dict) or "grade_id" not in mark:
        return None
    return mark if any(mark.get(flag) for flag in ("grade", "solution", "locked", "task")) else None


def questions(nb: Notebook, where: str | os.PathLike[str] = "the notebook") -> list[Question]:
    """List the cells that give points, in order; CourseError naming ``where`` for a repeated grade_id."""
    check_grade_ids(nb, where)
    found = []
    for index, cell in enumerate(nb["cells"]):
        mark = nbgrader_mark(cell)
        if mark and (mark.get("grade") or mark.get("task")):
            manual = bool(mark.get("task") or mark.get("solution"))
            found.append(Question(mark["grade_id"], float(mark.get("points", 0)), manual, index))
    return found


def is_as_released(cell: Any, checksum: str | None) -> bool:
    """nbgrader's rule for "no response": the answer has the ``checksum`` that nbgrader gave to what it released."""
    if checksum is None:
        return False
    bare = from_dict({key: cell[key] for key in ("cell_type", "source", "metadata")})
    try:
        return bool(compute_checksum(bare) == checksum)
    except UnicodeEncodeError:  # half a character, which no release has
        return False


def check_grade_ids(nb: Any, where: str | os.PathLike[str]) -> None:
    """CourseError if two cells have the same grade_id: marks of one would be given to the other."""
    cells: dict[str, list[str]] = {}
    for number, cell in enumerate(nb["cells"], 1):
        if mark := nbgrader_mark(cell):
            cells.setdefault(mark["grade_id"], []).append(f"{number} ({cell['id']})")
    for grade_id, places in cells.items():
        if len(places) > 1:
            numbers = " and ".join(places)
            raise CourseError(f"{where}: grade_id {grade_id!r} is used by cells {numbers}: give each its own.")


def plain(nb: Any) -> Notebook:
    """A copy of the notebook in dicts, lists and texts only."""
    result: Notebook = json.loads(json.dumps(nb))
    return result
