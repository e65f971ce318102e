"""A small course with two notebooks in one assignment, and graded submissions of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from nbseal.course import Course
from nbseal.gradebook import Recorder, mark_output
from nbseal.gradebook.connection import open_gradebook
from nbseal.results import GradedSubmission, Outcome, QuestionResult, Scorecard, Status, TestResult
from tests.mini import keep_secret

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "small"
c.Exchange.root = {exchange!r}
"""
NOTEBOOKS = {"part1": ("q1", "q2", "why"), "part2": ("q3",)}
UNANSWERED = "YOUR ANSWER HERE"  # nbgrader's stub for a text
POINTS = {"q1": 2.0, "q2": 3.0, "why": 4.0, "q3": 1.0}
STAMP = "2025-03-01 10:00:00 UTC"


def marked(grade_id: str, grade: bool, solution: bool) -> dict:
    """nbgrader's metadata of a cell."""
    mark = {"grade": grade, "solution": solution, "locked": grade and not solution, "task": False}
    mark |= {"grade_id": grade_id, "schema_version": 3}
    if grade:
        mark["points"] = POINTS[grade_id]
    return {"nbgrader": mark}


def source_notebook(names: tuple[str, ...]) -> nbformat.NotebookNode:
    """An instructor's notebook: for each name an answer cell and a graded cell; "why" is one text."""
    cells = []
    for name in names:
        if name == "why":
            text = "### BEGIN SOLUTION\nBecause.\n### END SOLUTION"
            cells.append(new_markdown_cell(text, id=name, metadata=marked(name, True, True)))
            continue
        answer = f"### BEGIN SOLUTION\n{name} = 42\n### END SOLUTION"
        cells.append(new_code_cell(answer, id=f"{name}-answer", metadata=marked(f"{name}-answer", False, True)))
        cells.append(new_code_cell(f"assert {name} == 42", id=name, metadata=marked(name, True, False)))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose assignment was released by nbgrader; copy it before use."""
    root = tmp_path_factory.mktemp("released") / "course"
    (root / "source" / "ps1").mkdir(parents=True)
    for name, questions in NOTEBOOKS.items():
        nbformat.write(source_notebook(questions), root / "source" / "ps1" / f"{name}.ipynb")
    (root / "nbgrader_config.py").write_text(CONFIG.format(exchange=str(root)))
    keep_secret(root)
    course = Course(root)
    open_gradebook(course).close()
    result = NbGraderAPI(course.coursedir, config=course.config).generate_assignment("ps1")
    assert result["success"], result
    return root


@pytest.fixture
def course(released: Path, tmp_path: Path) -> Course:
    """The small course."""
    return Course(shutil.copytree(released, tmp_path / "course"))


@pytest.fixture
def recorder(course: Course):
    """A recorder of the small course."""
    with Recorder(course) as recorder:
        recorder.prepare("ps1")
        yield recorder


@pytest.fixture
def answered(course: Course) -> Callable[..., dict]:
    """Makes the notebook of ``name`` as a student fills it in: the texts of some answer cells."""

    def make(name: str, answers: dict[str, str]) -> dict:
        notebook = json.loads((course.folder("release", assignment="ps1") / f"{name}.ipynb").read_text("utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
            cell["source"] = answers.get(cell["metadata"]["nbgrader"]["grade_id"], cell["source"])
        return notebook

    return make


@pytest.fixture
def graded(answered: Callable[..., dict]) -> Callable[..., GradedSubmission]:
    """Makes a graded submission: marks by question (None: not judged), and the answers that it shows."""

    def make(
        student: str = "ann",
        marks: dict[str, float | None] | None = None,
        answers: dict[str, str] | None = None,
        missing: tuple[str, ...] = (),
        files: dict[str, bytes] | None = None,
        timestamp: str | None = STAMP,
        digest: str = "digest",
    ) -> GradedSubmission:
        given = {"q1": 2.0, "q2": 3.0, "q3": 1.0} | (marks or {})
        texts = {f"{name}-answer": f"{name} = 42" for name in given} | {"why": "I say so."} | (answers or {})
        questions, notebooks = [], {}
        for notebook, names in NOTEBOOKS.items():
            results = [question(name, 0.0 if texts.get(name) == UNANSWERED else given.get(name)) for name in names]
            questions += results
            if notebook not in missing:
                notebooks[notebook] = with_marks(answered(notebook, texts), results)
        card = Scorecard("ps1", student, "namespaces", 0.5, tuple(questions))
        return GradedSubmission(card, digest, notebooks, files or {}, missing, timestamp)

    return make


def question(name: str, score: float | None) -> QuestionResult:
    """A question's result with one passed and, short of full marks, one failed test."""
    if name == "why" and score is None:
        return QuestionResult(name, None, POINTS[name], Status.MANUAL)
    if score is None:
        lost = TestResult(f"{name} is judged", Outcome.NOT_JUDGED, "the grader raised KeyError")
        return QuestionResult(name, None, POINTS[name], Status.NOT_JUDGED, (lost,))
    tests = [TestResult(f"{name} is there", Outcome.PASSED)]
    if score < POINTS[name]:
        tests.append(TestResult(f"{name} is 42", Outcome.FAILED, f"Got <{name}>, expected 42."))
    return QuestionResult(name, score, POINTS[name], Status.GRADED, tuple(tests))


def with_marks(notebook: dict, results: list[QuestionResult]) -> dict:
    """The notebook with each result in its graded code cell."""
    by_name = {result.grade_id: result for result in results}
    for cell in notebook["cells"]:
        name = cell["metadata"]["nbgrader"]["grade_id"]
        if cell["cell_type"] == "code" and name in by_name:
            cell["outputs"] = [mark_output(by_name[name], 1)]
    return notebook


@pytest.fixture
def rows(course: Course) -> Callable[[str], SimpleNamespace]:
    """Reads what the gradebook says about one student's submission, with nbgrader's own API."""

    def read(student: str, root: Path = course.root) -> SimpleNamespace:
        with Gradebook(f"sqlite:///{root}/gradebook.db", "small") as gradebook:
            submission = gradebook.find_submission("ps1", student)
            fields = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade", "failed_tests")
            notebooks = {notebook.name: notebook for notebook in submission.notebooks}
            return SimpleNamespace(
                timestamp=submission.timestamp,
                score=submission.score,
                max_score=submission.max_score,
                needs_manual_grade=submission.needs_manual_grade,
                grades={
                    grade.name: tuple(getattr(grade, field) for field in fields)
                    for notebook in notebooks.values()
                    for grade in notebook.grades
                },
                comments={
                    comment.name: (comment.auto_comment, comment.manual_comment)
                    for notebook in notebooks.values()
                    for comment in notebook.comments
                },
                notebooks={
                    name: (notebook.flagged, notebook.late_submission_penalty, notebook.failed_tests)
                    for name, notebook in notebooks.items()
                },
            )

    return read
