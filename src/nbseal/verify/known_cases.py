"""Known cases: answers that an instructor wrote down with the marks that they must get, beside the grader.

``graders/cases/<assignment>/<name>/submission.toml`` describes one::

    about = "Copies the bias of a diagram into the threshold without turning its sign."
    base = "solution"            # or "release": what stands in every cell that isn't named

    [cells]                      # sources of answer cells, by nbgrader's grade_id
    and-answer = "and_weights = [1, 1]\\nand_threshold = -1.5"

    [files]                      # files beside the notebook, by name

    [expect.and]                 # every other question that is graded by itself must get full marks
    score = 0
    words = ["sign"]             # stand in its feedback

A ``make.py`` beside it, and a ``base.py`` for all cases of the assignment, may write files that are no text: they have
a function ``make(folder)``.

``graders/cases/<assignment>/settings.toml`` says what graders must be told for these marks, such as a data set that
every machine has: it comes before ``c.Grading.grader_settings``.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nbseal.course import CASES, Assignment, Course
from nbseal.errors import CourseError
from nbseal.notebook import Notebook, make_template, read

DESCRIPTION = "submission.toml"
SETTINGS = "settings.toml"
SOLUTION, RELEASE = "solution", "release"
KEYS = {"about", "alone", "base", "cells", "files", "expect"}


@dataclass(frozen=True)
class Expectation:
    """The marks that a case must get for one question, and words that its feedback must hold."""

    score: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownCase:
    """One answer, or several, of which somebody knows what they are worth.

    ``cells`` are sources by grade_id, ``files`` texts by name; ``base`` is what stands in all other cells. One that is
    ``alone`` is meant for other settings than the course's: somebody else tries it.
    """

    name: str
    folder: Path
    about: str = ""
    base: str = SOLUTION
    cells: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, Expectation] = field(default_factory=dict)
    alone: bool = False

    def is_right(self, points: Mapping[str, float]) -> bool:
        """Whether all its answers deserve full marks, which are ``points`` by question."""
        full = [expected.score >= points[question] for question, expected in self.expect.items() if question in points]
        return self.base == SOLUTION and all(full)

    def write_files(self, target: Path) -> None:
        """Write what is handed in beside the notebook; what belongs to the solution isn't there beside the release."""
        target.mkdir(parents=True, exist_ok=True)
        if self.base == SOLUTION:
            _make(self.folder.parent / "base.py", target)
        for name, text in self.files.items():
            (target / name).write_text(text, encoding="utf-8")
        _make(self.folder / "make.py", target)

    @cached_property
    def beside(self) -> dict[str, bytes]:
        """The files that are handed in beside the notebook."""
        with tempfile.TemporaryDirectory() as folder:
            self.write_files(Path(folder))
            return {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in Path(folder).rglob("*")
                if path.is_file() and not path.is_symlink()
            }


def cases_folder(course: Course, assignment: str) -> Path:
    """Where the known cases of an assignment lie."""
    return Path(course.root) / str(course.grading.graders_directory) / CASES / assignment


def settings_of_cases(course: Course, assignment: str) -> dict[str, Any]:
    """What graders are told where the known cases of an assignment are tried; CourseError if it can't be read."""
    path = cases_folder(course, assignment) / SETTINGS
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} can't be read ({error}): fix it and run again.") from error


def known_cases(course: Course, assignment: str) -> list[KnownCase]:
    """The solution, the release, and the cases of an assignment in a stable order.

    CourseError for one that is not written as it must be.
    """
    found = course.assignment(assignment)
    cells = {name for notebook in instructors_notebooks(found).values() for name in _names_of_cells(notebook)}
    folder = cases_folder(course, assignment)
    written = [read_case(path, cells) for path in sorted(folder.glob(f"*/{DESCRIPTION}"))]
    return [KnownCase(base, folder / base, base=base) for base in (SOLUTION, RELEASE)] + [
        case for case in written if not case.alone
    ]


def read_case(path: Path, cells: Iterable[str]) -> KnownCase:
    """One case by its description; ``cells`` are the grade_ids that the assignment has."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        case = KnownCase(
            name=path.parent.name,
            folder=path.parent,
            about=data.get("about", ""),
            base=data.get("base", SOLUTION),
            cells=data.get("cells", {}),
            files=data.get("files", {}),
            expect={
                grade_id: Expectation(float(entry["score"]), tuple(entry.get("words", ())))
                for grade_id, entry in data.get("expect", {}).items()
            },
            alone=bool(data.get("alone", False)),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CourseError(f"{path} does not describe a case ({error}): fix it and run again.") from error
    if unknown := sorted(data.keys() - KEYS):
        raise CourseError(f"{path}: {', '.join(unknown)} means nothing here; known are {', '.join(sorted(KEYS))}.")
    if unknown := sorted({*case.cells, *case.expect} - set(cells)):
        raise CourseError(f"{path}: the assignment has no cell {', '.join(unknown)}.")
    if case.base not in (SOLUTION, RELEASE):
        raise CourseError(f"{path}: base is {case.base!r}; it must be {SOLUTION!r} or {RELEASE!r}.")
    return case


def instructors_notebooks(assignment: Assignment) -> dict[str, Notebook]:
    """The instructor's notebooks by name, with their solutions; CourseError where they aren't on this machine."""
    found = {}
    for name in assignment.notebooks:
        path = assignment.source / f"{name}.ipynb"
        if not path.exists():
            raise CourseError(f"{path} is not here: graders are verified where the solutions are.")
        found[name] = read(path.read_bytes(), name=str(path)).nb
    return found


def base_notebook(course: Course, assignment: Assignment, notebook: str, base: str) -> Notebook:
    """What a case starts from: the instructor's notebook with its solutions, or as it is released."""
    if base == SOLUTION:
        return instructors_notebooks(assignment)[notebook]
    template: Notebook = make_template(assignment.template_path(notebook), course.config, sealed=frozenset())
    return template


def with_cells(notebook: Notebook, cells: Mapping[str, str]) -> Notebook:
    """A copy of a notebook with other sources in the cells of these grade_ids."""
    copy: Notebook = json.loads(json.dumps(notebook))
    for cell in copy["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in cells:
            cell["source"] = cells[grade_id].strip("\n")
    return copy


def _names_of_cells(notebook: Notebook) -> set[str]:
    return {cell["metadata"]["nbgrader"]["grade_id"] for cell in notebook["cells"] if "nbgrader" in cell["metadata"]}


def _make(script: Path, target: Path) -> None:
    """Have an instructor's script write files."""
    if not script.exists():
        return
    spec = importlib.util.spec_from_file_location(f"make_{script.parent.name}", script)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        module.make(target)
    except Exception as error:
        raise CourseError(f"{script} failed: {type(error).__name__}: {error}") from error
