"""A very small course for tests: one notebook, three questions, hidden tests given as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbseal.course import Course
from nbseal.gradebook.connection import open_gradebook

CONFIG = """
c = get_config()
c.Seal.cell_seconds = 2.0
c.Seal.notebook_seconds = 8.0
c.Seal.hidden_tests_seconds = 20.0
c.Seal.memory_mib = 512
"""
GRADER = '''
import numpy as np
import pytest


@pytest.mark.question("double")
def test_doubles(student):
    """It doubles a number."""
    number = int(student.rng.integers(1, 1000))
    assert student.call("double", number, timeout=1.0) == 2 * number, "double(x) should be 2 * x."


@pytest.mark.question("double", weight=3, requires="test_doubles")
def test_doubles_arrays(student):
    """It doubles an array."""
    from nbseal.checks import as_array

    got = as_array(student.call("double", np.arange(3.0), timeout=1.0), "double(...)", shape=(3,))
    assert (got == [0, 2, 4]).all(), "double(x) should work for arrays, too."


@pytest.mark.question("number")
def test_number(student):
    """The number is 42."""
    number = student.number("answer")
    student.measure("the answer", number)
    student.measure("nothing", float("nan"))
    assert number == 42, "Look again: it is not 42."
'''


SECRET = bytes(range(32))


def keep_secret(root: Path) -> None:
    """Give a course a secret that is the same in every run, so that no mark of a test hangs on what is drawn."""
    path = root / ".nbseal" / "secret"
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    path.write_bytes(SECRET)


def code(cell_id: str, source: str, **mark: Any) -> dict[str, Any]:
    """A code cell; ``mark`` is its nbgrader metadata."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }
    if mark:
        defaults = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
        cell["metadata"]["nbgrader"] = {**defaults, "grade_id": cell_id, **mark}
    return cell


def solution(source: str) -> str:
    """Mark text as the instructor's solution."""
    return f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"


def notebook(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """A notebook of nbformat 4.5."""
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def mini_cells() -> list[dict[str, Any]]:
    """The cells of the instructor's notebook."""
    return [
        code("imports", "import numpy as np"),
        code("double-answer", solution("def double(x):\n    return 2 * x"), solution=True),
        code("double", "print('double(2) is', double(2))", grade=True, locked=True, points=4),
        code("number-answer", solution("answer = 42"), solution=True),
        code("number", "assert answer", grade=True, locked=True, points=2),
        code("plain-answer", solution("flag = True"), solution=True),
        code("plain", "assert flag", grade=True, locked=True, points=1),
    ]


def make_course(root: Path, grader: str | None = GRADER, cells: list[dict[str, Any]] | None = None) -> Path:
    """Write the course and return its folder."""
    source = root / "source" / "mini"
    source.mkdir(parents=True)
    write(source / "mini.ipynb", notebook(cells or mini_cells()))
    (root / "nbgrader_config.py").write_text(CONFIG)
    keep_secret(root)
    if grader is not None:
        (root / "graders").mkdir()
        (root / "graders" / "test_mini.py").write_text(grader)
    return root


def hand_in(root: Path, student: str, **answers: str) -> Path:
    """Write a student's submission: the solution, with the sources of some cells replaced (``-`` as ``_``)."""
    cells = mini_cells()
    for cell in cells:
        cell["source"] = answers.get(cell["id"].replace("-", "_"), cell["source"])
    path = root / "submitted" / student / "mini" / "mini.ipynb"
    path.parent.mkdir(parents=True)
    write(path, notebook(cells))
    return path


def due_course(root: Path, settings: str) -> Path:
    """The course with further settings and a due date, before which ann handed nothing in, and after it a solution."""
    make_course(root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"{settings}\n")
    gradebook = open_gradebook(Course(root))
    gradebook.update_or_create_assignment("mini", duedate="2026-01-01 12:00:00 UTC")
    gradebook.close()
    hand_in(root, "ann").with_name("timestamp.txt").write_text("2026-01-02 12:00:00 UTC", encoding="utf-8")
    return root


class Watching:
    """Watches a class's run: calls ``done`` with each student's turn."""

    def __init__(self, done: Callable[[Any], None]) -> None:
        self.done = done

    def start(self, total: int) -> None:
        """Take no notice of how many there are."""

    def note(self, text: str) -> None:
        """Take no notice of what is said beforehand."""


def write(path: Path, nb: dict[str, Any]) -> None:
    """Write a notebook."""
    path.write_text(json.dumps(nb, indent=1) + "\n", encoding="utf-8")
