"""Tests that nbgrader makes of AUTOTEST lines are released and graded as nbgrader itself does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from nbseal.build import build, stale
from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.grading import ClassOptions, grade_class
from tests.mini import code, make_course, notebook, solution, write
from tests.nbgrader_commands import give

TEMPLATES = """
python3:
    setup: "from hashlib import sha1"
    hash: 'sha1({{snippet}}.encode("utf-8")+b"{{salt}}").hexdigest()'
    dispatch: "type({{snippet}})"
    normalize: "str({{snippet}})"
    check: 'assert {{snippet}} == "{{value}}", "{{message}}"'
    success: "print('All of it is right.')"
    templates:
        default:
            - test: "type({{snippet}})"
              fail: "{{snippet}} is of another type"
            - test: "{{snippet}}"
              fail: "{{snippet}} is something else"
"""
HIDDEN = "### BEGIN HIDDEN TESTS\n### AUTOTEST area(7)\n### END HIDDEN TESTS"
CELLS = [
    code("area-answer", solution("from sides import SIDES\ndef area(side):\n    return side ** 2"), solution=True),
    code("area", f"### AUTOTEST area(2); area(3.5)\n{HIDDEN}", grade=True, locked=True, points=3),
    code("count-answer", solution("count = SIDES"), solution=True),
    code("count", "print('your count:', count)\n# HASHED AUTOTEST count", grade=True, locked=True, points=2),
]
ANSWERS: dict[str, dict[str, str]] = {
    "ada": {},
    "alan": {"area-answer": "def area(side):\n    return {2: 4, 3.5: 12.25}.get(side)", "count-answer": "count = 4"},
    "grace": {"area-answer": "def area(side):\n    return side * side", "count-answer": "count = '4'"},
    "kurt": {"area": "print('All of it is right.')", "area-answer": "area = None", "count-answer": "count = 5"},
}


def course(root: Path, cells: list[dict[str, Any]] = CELLS, templates: str = TEMPLATES) -> Path:
    """A course with AUTOTEST lines, a support file and templates in the course's folder."""
    make_course(root, grader=None, cells=cells)
    (root / "source" / "mini" / "sides.py").write_text("SIDES = 4\n")
    (root / "autotests.yml").write_text(templates)
    return root


@pytest.fixture(scope="module")
def by_nbgrader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, released and graded by nbgrader itself."""
    root = course(tmp_path_factory.mktemp("autotests") / "course")
    done, log = give("generate_assignment", "mini", cwd=root)
    assert done == 0, log[-3000:]
    released = json.loads((root / "release" / "mini" / "mini.ipynb").read_text())
    for student, answers in ANSWERS.items():
        folder = root / "submitted" / student / "mini"
        folder.mkdir(parents=True)
        solved = {cell["id"]: cell["source"] for cell in CELLS if cell["id"].endswith("-answer")} | answers
        cells = [{**cell, "source": solved.get(cell["id"], cell["source"])} for cell in released["cells"]]
        write(folder / "mini.ipynb", notebook(cells))
    done, log = give("autograde", "mini", cwd=root)
    assert done == 0, log[-3000:]
    return root


def marks(root: Path) -> dict[str, dict[str, float]]:
    """The automatic marks in nbgrader's gradebook."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return {
            submission.student.id: {grade.name: grade.auto_score for grade in submission.notebooks[0].grades}
            for submission in gradebook.assignment_submissions("mini")
        }


def test_the_release_is_nbgraders(by_nbgrader: Path, tmp_path: Path) -> None:
    """Students get the tests that nbgrader makes, byte for byte, and the solution is executed with them."""
    root = course(tmp_path / "course")
    (built,) = build(Course(root), ["mini"])
    assert built.notes == ()
    ours, theirs = (json.loads((one / "release" / "mini" / "mini.ipynb").read_text()) for one in (root, by_nbgrader))
    assert ours["cells"] == theirs["cells"]
    assert "area(3.5)" in json.dumps(ours)
    assert "area(7)" not in json.dumps(ours)
    assert "All of it is right." in (root / "solution" / "mini" / "mini.ipynb").read_text()
    assert sorted(path.name for path in (root / "source" / "mini").iterdir()) == ["mini.ipynb", "sides.py"]
    assert stale(Course(root)) == []


def test_the_marks_are_nbgraders(by_nbgrader: Path, tmp_path: Path) -> None:
    """Every student gets the marks that stock nbgrader gives, by visible, hashed and hidden tests."""
    root = course(tmp_path / "course")
    shutil.copytree(by_nbgrader / "submitted", root / "submitted")
    build(Course(root), ["mini"])
    result = grade_class(Course(root), "mini", ClassOptions(jobs=2))
    assert (result.troubles, result.solution_faults) == ([], [])
    assert marks(by_nbgrader) == {
        "ada": {"area": 3, "count": 2},
        "alan": {"area": 0, "count": 2},
        "grace": {"area": 3, "count": 0},
        "kurt": {"area": 0, "count": 0},
    }
    assert marks(root) == marks(by_nbgrader)
    assert grade_class(Course(root), "mini", ClassOptions(jobs=2)).done[0].unchanged


def test_a_changed_template_makes_other_tests(by_nbgrader: Path, tmp_path: Path) -> None:
    """Templates count for the marks: who is graded after a change is graded by the new tests."""
    root = course(tmp_path / "course")
    shutil.copytree(by_nbgrader / "submitted" / "grace", root / "submitted" / "grace")
    build(Course(root), ["mini"])
    grade_class(Course(root), "mini", ClassOptions(jobs=1))
    assert marks(root)["grace"] == {"area": 3, "count": 0}
    lenient = TEMPLATES.replace('"type({{snippet}})"\n              fail', '"int({{snippet}})"\n              fail')
    (root / "autotests.yml").write_text(lenient.replace('dispatch: "type', 'dispatch: "str'))
    build(Course(root), ["mini"])
    (done,) = grade_class(Course(root), "mini", ClassOptions(jobs=1)).done
    assert not done.unchanged
    assert marks(root)["grace"]["count"] == 2


ENDLESS = code("area-answer", solution("while True:\n    pass"), solution=True)


@pytest.mark.parametrize(
    ("cells", "templates", "message"),
    [
        (CELLS, "ir:\n  check: ''\n", r"autotests\.yml has no 'python3'"),
        ([CELLS[1]], TEMPLATES, r"can't be made: the cell '### AUTOTEST area\(2\).*' raises NameError"),
        ([code("free", "# AUTOTEST 1")], TEMPLATES, r"'# AUTOTEST 1' has an AUTOTEST line, but is no cell of tests"),
        ([ENDLESS, CELLS[1]], TEMPLATES, r"takes more than 2 seconds \(c\.Sources\.cell_seconds\)"),
    ],
)
def test_what_is_wrong_with_the_tests_is_said(
    tmp_path: Path, cells: list[dict[str, Any]], templates: str, message: str
) -> None:
    """Where nbgrader can't make the tests, one sentence names the cell and the cause, and nothing is released."""
    root = course(tmp_path / "course", cells, templates)
    with (root / "nbgrader_config.py").open("a") as settings:
        settings.write("c.Sources.cell_seconds = 2.0\n")
    with pytest.raises(CourseError, match=message):
        build(Course(root), ["mini"])
    assert not (root / "release").exists()


def test_a_missing_file_of_templates_is_named(tmp_path: Path) -> None:
    """The message says where the templates may lie."""
    root = course(tmp_path / "course")
    (root / "autotests.yml").unlink()
    with pytest.raises(CourseError, match=r"need a file autotests\.yml .*, in the assignment's folder or in .*course"):
        build(Course(root), ["mini"])
