"""The template: the instructor's notebook as every submission of it is graded."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError, ValidationError
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    InstantiateTests,
    LockCells,
)
from traitlets.config import Config

from nbseal.errors import CourseError
from nbseal.notebook.reading import Notebook, assign_ids


@dataclass(frozen=True)
class Question:
    """One cell that gives points; ``manual`` ones wait for a person. ``index`` counts the cells from 0."""

    grade_id: str
    points: float
    manual: bool
    index: int


def make_template(path: str | os.PathLike[str], config: Config | None = None, sealed: Collection[str] = ()) -> Notebook:
    """Make the notebook that submissions are rebuilt from, as plain data; CourseError if that fails.

    From an instructor's notebook, the steps are those of ``nbgrader generate_assignment`` up to where it
    saves cells to the gradebook: marking schemes and hidden test regions stay, because nbgrader's own way
    of grading needs them. ``sealed`` names the questions that have a hidden grader; their hidden test
    regions are removed, since the notebook runs where student code can read it. A released notebook is used
    as it is.
    """
    path = Path(path)
    config = config or Config()
    nb = load_source(path)
    check_grade_ids(nb, path)
    if is_release(nb, config):
        ClearOutput(config=config)(nb, {})
    else:
        _prepare(nb, path, config, frozenset(sealed))
    check_grade_ids(nb, path)
    return plain(nb)


def load_source(path: Path) -> Any:
    """Read an instructor's notebook as nbformat 4.5, missing cell ids made; CourseError if unreadable."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = json.loads(text)
        if raw.get("nbformat") != 4:
            raw = json.loads(nbformat.writes(nbformat.reads(text, as_version=4)))
            for cell in raw["cells"]:
                del cell["id"]  # converting gives random ids
        assign_ids(raw["cells"], "given")
        nb = nbformat.v4.reads(json.dumps(raw))
        nb.nbformat_minor = max(nb.nbformat_minor, 5)
        nbformat.validate(nb)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CourseError(f"{path} can't be read as a notebook: {_first_line(error)}") from error
    except (RecursionError, nbformat.ValidationError) as error:
        raise CourseError(f"{path} is not a valid notebook: {_first_line(error)}") from error
    return nb


def is_release(nb: Any, config: Config) -> bool:
    """Tell whether nbgrader released this notebook: all its cells have checksums, and no solution is left."""
    marks = [mark for cell in nb["cells"] if (mark := nbgrader_mark(cell))]
    region = ClearSolutions(config=config).begin_solution_delimeter
    return (
        bool(marks)
        and all("checksum" in mark for mark in marks if not mark.get("task"))
        and not any(region in cell["source"] for cell in nb["cells"])
    )


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


def _prepare(nb: Any, path: Path, config: Config, sealed: frozenset[str]) -> None:
    steps = [IncludeHeaderFooter, LockCells, ClearSolutions, ClearOutput]
    resources: dict[str, Any] = {}
    try:
        _refuse_autotests(nb, path, config)
        for step in steps:
            apply(step, nb, resources, config)
        assign_ids(nb["cells"], "given")
        clear = ClearHiddenTests(config=config)
        for index, cell in enumerate(nb["cells"]):
            if (mark := nbgrader_mark(cell)) and mark["grade_id"] in sealed:
                clear.preprocess_cell(cell, resources, index)
        for step in (CheckCellMetadata, ComputeChecksums):
            apply(step, nb, resources, config)
    except (SchemaTooOldError, SchemaTooNewError) as error:
        raise CourseError(f"{path}: {error}. Run `nbgrader update` on it.") from error
    except (ValidationError, RuntimeError, ValueError, LookupError, OSError) as error:
        raise CourseError(f"{path} can't be prepared for grading: {_first_line(error)}") from error


def apply(step: Any, nb: Any, resources: dict[str, Any], config: Config) -> None:
    """Run one of nbgrader's preprocessors on the notebook in place, with the course's settings."""
    if step is IncludeHeaderFooter:
        config = _absolute_header(config)
    preprocessor = step(config=config)
    if preprocessor.enabled:
        preprocessor.preprocess(nb, resources)


def _absolute_header(config: Config) -> Config:
    """Header and footer are given from the course's root, which need not be where we run."""
    config = copy.deepcopy(config)
    root = Path(str(config.CourseDirectory.get("root", ".")))
    for end in ("header", "footer"):
        if name := config.IncludeHeaderFooter.get(end):
            config.IncludeHeaderFooter[end] = str(root / name)
    return config


def _refuse_autotests(nb: Any, path: Path, config: Config) -> None:
    # Left as it is, an AUTOTEST line is a comment: the cell would test nothing and give full marks.
    delimiter = InstantiateTests(config=config).autotest_delimiter
    for cell in nb["cells"]:
        if cell["cell_type"] == "code" and delimiter in cell["source"]:
            raise CourseError(
                f"{path}: cell {cell['id']!r} uses {delimiter}: make the tests with "
                "`nbgrader generate_assignment --source_with_tests` first and grade with those."
            )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
