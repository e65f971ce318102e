"""Tells which assignment a file, a zip or a folder is of: by its name, or by the questions in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import SubmissionError, UnknownName
from nbseal.grading.archives import unpack
from nbseal.grading.recognition import is_notebook
from nbseal.grading.submission import read_folder
from nbseal.notebook import read


def assignment_of(course: Course, path: Path) -> str:
    """The assignment; UnknownName if that can't be told.

    What is called like no notebook, or like those of several assignments, is told by the grade_ids that only one
    assignment has.
    """
    notebooks = {name: course.assignment(name).notebooks for name in course.assignments()}
    called = [name for name, own in notebooks.items() if path.stem in own or path.name == name]
    names = called or list(notebooks)
    found = called if len(called) == 1 else _by_questions(course, path, names)
    if len(found) == 1:
        return found[0]
    raise UnknownName(
        f"{path} is not one assignment's notebook, neither by its name nor by its questions: "
        f"name the assignment with --assignment (known: {', '.join(sorted(names)) or 'none'})."
    )


def _by_questions(course: Course, path: Path, names: list[str]) -> list[str]:
    """Assignments whose own grade_ids are in the file; an id that several have says nothing."""
    own: dict[str, set[str]] = {}
    for name in names:
        assignment = course.assignment(name)
        templates = [assignment.template_path(notebook).read_bytes() for notebook in assignment.notebooks]
        own[name] = {grade_id for template in templates for grade_id in _grade_ids(template)}
    count = Counter(grade_id for ids in own.values() for grade_id in ids)
    wanted = {grade_id for data in _notebooks_in(course, path) for grade_id in _grade_ids(data)}
    return [name for name, ids in own.items() if any(count[one] == 1 for one in ids & wanted)]


def _notebooks_in(course: Course, path: Path) -> Iterator[bytes]:
    """The notebooks in a folder or a zip, or the file itself."""
    limit = course.seal.submission_mib
    files = read_folder(path, limit).files if path.is_dir() else {path.name: path.read_bytes()}
    inside = unpack(files, limit << 20).files
    yield from (data for name, data in inside.items() if is_notebook(name) or len(inside) == 1)


def _grade_ids(data: bytes) -> set[str]:
    """The grade_ids of a notebook; none if it can't be read."""
    try:
        cells = read(data).nb["cells"]
    except SubmissionError:
        return set()
    return {cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell["metadata"]}
