"""Tells which notebook of which assignment a file is: by its name, or by the questions in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from nbseal.course import Course
from nbseal.errors import SubmissionError, UnknownName
from nbseal.notebook import read

Place = tuple[str, str]


def recognise(course: Course, path: Path, assignment: str | None = None) -> Place:
    """The assignment (of all, or the one that is given) and its notebook; UnknownName if that isn't one.

    A file that is called like no notebook, or like several, is told by the grade_ids that only one notebook has.
    """
    known: dict[Place, Path] = {}
    for name in [assignment] if assignment else course.assignments():
        found = course.assignment(name)
        known |= {(name, notebook): found.template_path(notebook) for notebook in found.notebooks}
    if assignment and len(known) == 1:
        return next(iter(known))
    called = {place: template for place, template in known.items() if place[1] == path.stem}
    places = list(called) if len(called) == 1 else _by_questions(path, called or known)
    if len(places) == 1:
        return places[0]
    raise UnknownName(_explain(path, assignment, list(called or known)))


def _by_questions(path: Path, known: dict[Place, Path]) -> list[Place]:
    """The places whose own grade_ids the file has; an id that several have says nothing."""
    wanted = _grade_ids(path)
    own = {place: _grade_ids(template) for place, template in known.items()}
    count = Counter(grade_id for ids in own.values() for grade_id in ids)
    return [place for place, ids in own.items() if any(count[one] == 1 for one in ids & wanted)]


def _grade_ids(path: Path) -> set[str]:
    """The grade_ids of a notebook; none if it can't be read."""
    try:
        cells = read(path.read_bytes()).nb["cells"]
    except SubmissionError:
        return set()
    return {cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell["metadata"]}


def _explain(path: Path, assignment: str | None, places: list[Place]) -> str:
    if assignment:
        names = " or ".join(f"{notebook}.ipynb" for _, notebook in places)
        return f"{path} is no notebook of {assignment} that can be told by its questions: call it {names}."
    names = ", ".join(sorted({name for name, _ in places})) or "none"
    return (
        f"{path} is not one assignment's notebook, neither by its name nor by its questions: "
        f"name the assignment with --assignment (known: {names})."
    )
