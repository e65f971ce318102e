"""Two notebooks of one assignment may use one grade_id, as nbgrader allows: no mark is taken for the other's."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from nbseal.cli.app import app
from nbseal.compare import compare
from nbseal.course import Course
from nbseal.errors import GraderError
from nbseal.grading import Grader
from nbseal.similarity.answer_cells import read_answers
from tests.mini import code, make_course, notebook, solution, write

POINTS = {"one": 2, "two": 3}
ONLY_ONE = {"one/q": 2.0, "one/why": None, "two/q": 0.0, "two/why": None}


def cells(name: str, answer: str = "", text: str = "") -> list[dict]:
    """A notebook's cells: a question with an answer, and one that a person reads."""
    why = code("why", text or solution("Because."), grade=True, solution=True, points=4)
    return [
        code("q-answer", answer or solution(f"q = {name!r}"), solution=True),
        code("q", f"assert q == {name!r}", grade=True, locked=True, points=POINTS[name]),
        {key: value for key, value in why.items() if key not in ("outputs", "execution_count")}
        | {"cell_type": "markdown"},
    ]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ann answers the first notebook alone rightly, bob's second one can't be read; built and graded."""
    root = make_course(tmp_path_factory.mktemp("repeated") / "course", grader=None)
    source = root / "source" / "mini"
    (source / "mini.ipynb").unlink()
    for name in POINTS:
        write(source / f"{name}.ipynb", notebook(cells(name)))
    for student in ("ann", "bob"):
        folder = root / "submitted" / student / "mini"
        folder.mkdir(parents=True)
        write(folder / "one.ipynb", notebook(cells("one", "q = 'one'", f"{student} says one")))
        write(folder / "two.ipynb", notebook(cells("two", "q = 'one'", f"{student} says two")))
    (root / "submitted" / "bob" / "mini" / "two.ipynb").write_text('{"cells": [')
    run(root, "build")
    run(root, "grade", "mini")
    return root


@pytest.fixture
def course(graded: Path, tmp_path: Path) -> Path:
    """A copy of the graded course."""
    return shutil.copytree(graded, tmp_path / "course")


def run(root: Path, *words: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(app, [*words, "--course", str(root)])
    assert done.exit_code == 0, done.output
    return done.output


def recorded(root: Path, student: str) -> dict[str, tuple[float | None, float | None]]:
    """nbgrader's view of a submission: marks by machine and by people."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        found = gradebook.find_submission("mini", student)
        return {
            f"{nb.name}/{grade.name}": (grade.auto_score, grade.manual_score)
            for nb in found.notebooks
            for grade in nb.grades
        }


def read_by_hand(root: Path, notebook: str, mark: float) -> None:
    """Give ann a mark for a text in the gradebook, as the formgrader does."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("why", notebook, "mini", "ann")
        grade.manual_score, grade.needs_manual_grade = mark, False
        gradebook.db.commit()


def test_marks_are_recorded_where_they_belong(graded: Path) -> None:
    """Each notebook's question has its own mark in the gradebook and in the scorecard; what can't be read has none."""
    assert {name: auto for name, (auto, _) in recorded(graded, "ann").items()} == ONLY_ONE
    assert recorded(graded, "bob")["one/q"] == (2.0, None)
    assert recorded(graded, "bob")["two/q"] == (None, None)
    with Grader(Course(graded), "mini") as grader:
        card = grader.grade("ann", graded / "submitted" / "ann" / "mini").scorecard
    assert {question.grade_id: question.score for question in card.questions} == ONLY_ONE
    assert {question.grade_id: question.max_score for question in card.questions}["two/q"] == 3


def test_feedback_shows_each_notebook_its_own_mark(course: Path) -> None:
    """The page of the right notebook has its points, the other's has none."""
    run(course, "feedback", "mini")
    pages = {name: (course / "feedback" / "ann" / "mini" / f"{name}.html").read_text() for name in POINTS}
    assert "2 of 2" in pages["one"]
    assert "0 of 3" in pages["two"]
    assert "ann says one" in pages["one"]
    assert "ann says one" not in pages["two"]


def test_exports_and_reports_tell_them_apart(course: Path) -> None:
    """Sums count both, and what waits is named with its notebook."""
    export = ["export", "csv", "mini", "--course", str(course), "--force", "--output", str(course / "grades.csv")]
    done = CliRunner().invoke(app, export)
    assert "ann: mini: waits for a person: one/why, two/why" in done.output
    assert "bob: mini: not judged: two/q, two/why; waits for a person: one/why" in done.output
    for name, mark in (("one", 4), ("two", 1)):
        read_by_hand(course, name, mark)
    CliRunner().invoke(app, export)
    rows = {row["student_id"]: row for row in csv.DictReader((course / "grades.csv").read_text().splitlines())}
    assert (rows["ann"]["score"], rows["ann"]["max_score"]) == ("7.0", "13.0")
    run(course, "report", "mini")
    page = (course / "reports" / "mini.html").read_text()
    assert "one/q" in page
    assert "two/q" in page


def test_a_person_decides_about_one_of_them(course: Path) -> None:
    """What is open is named with its notebook; its points are that question's alone, and a mark by hand is kept."""
    assert "two/q" in run(course, "resolve", "mini")
    run(course, "resolve", "mini", "bob", "--question", "two/q", "--points", "1.5")
    assert recorded(course, "bob")["two/q"] == (1.5, None)
    assert recorded(course, "bob")["one/q"] == (2.0, None)
    read_by_hand(course, "two", 3)
    said = run(course, "grade", "mini", "--force", "--verbose")
    assert recorded(course, "ann")["two/why"] == (None, 3.0)
    assert recorded(course, "ann")["one/why"] == (None, None)
    assert "5+" in said


def test_nbgrader_itself_agrees(course: Path) -> None:
    """Compared with nbgrader's own run, each question has the mark that it has there."""
    (course / "submitted" / "bob" / "mini" / "two.ipynb").unlink()
    found = compare(Course(course), "mini", stock=True)
    rows = {row.question: (row.same, row.not_in_gradebook) for row in found.questions}
    assert {name: rows[name] for name in ("one/q", "two/q")} == {"one/q": (2, 0), "two/q": (2, 0)}
    assert found.differences == []
    assert found.cells == []


def test_answers_are_compared_with_the_same_question_s(graded: Path) -> None:
    """An answer of one notebook is not set beside another's."""
    found = read_answers(Course(graded), "mini")
    assert {one.question for one in found.answers} == {"one/q-answer", "one/why", "two/q-answer", "two/why"}


def test_hidden_tests_need_one_name(course: Path) -> None:
    """Which of the two a hidden test is about can't be told: the error says what to do."""
    test = 'import pytest\n\n\n@pytest.mark.question("q")\ndef test_q(student):\n    """It is."""\n'
    (course / "graders").mkdir()
    (course / "graders" / "test_mini.py").write_text(test)
    said = "'q', which two notebooks of mini have: give the cells names of their own"
    with pytest.raises(GraderError, match=said), Grader(Course(course), "mini"):
        pass
