"""A class of twelve that takes its time, whose grading is disturbed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.grading import ClassOptions, grade_class
from tests.courses import Row, grades
from tests.mini import GRADER, hand_in, make_course

STUDENTS = [f"student{number:02}" for number in range(12)]
SLOW = "import time\ntime.sleep(0.4)\nanswer = {}"


@pytest.fixture(scope="module")
def grader() -> str:
    """The hidden tests of the class; a module may have others."""
    return GRADER


@pytest.fixture(scope="module")
def untouched(grader: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class that has handed in work of different worth, each with a cell that takes its time."""
    root = make_course(tmp_path_factory.mktemp("class") / "course", grader=grader)
    for number, student in enumerate(STUDENTS):
        answers = {"number_answer": SLOW.format(42 if number % 3 else 41)}
        if number % 4 == 0:
            answers["double_answer"] = "def double(x):\n    return int(2 * x)"
        hand_in(root, student, **answers)
    return root


@pytest.fixture(scope="module")
def undisturbed(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Row]]:
    """The marks of a run on this machine that nobody disturbs."""
    root = shutil.copytree(untouched, tmp_path_factory.mktemp("undisturbed") / "course")
    grade_class(Course(root), "mini", ClassOptions(jobs=2))
    return grades(root, "mini")


@pytest.fixture
def root(untouched: Path, tmp_path: Path) -> Path:
    """A copy of the class, not graded yet."""
    return shutil.copytree(untouched, tmp_path / "course")
