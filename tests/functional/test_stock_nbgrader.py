"""nbgrader's own commands all work with this course's settings, from the first release to the exported marks."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from nbseal.course import Course
from nbseal.feedback.class_pages import make_class_pages
from nbseal.grading import ClassOptions, grade_class
from nbseal.report import collect
from tests.courses import grades
from tests.mini import hand_in, make_course
from tests.nbgrader_commands import give
from tests.samples import ROOT

# What nbgrader 0.9.6 itself does to SQLAlchemy 2.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")

EXCHANGE = r"""
c.Exchange.root = {!r}
c.LateSubmissionPlugin.penalty_method = "zero"
c.FileNameCollectorPlugin.named_regexp = r".*_(?P<student_id>\w+)_attempt_(?P<timestamp>[0-9T]+)_(?P<file_id>.*)"
"""
STUDENT = "c = get_config()\nc.CourseDirectory.course_id = 'nn101'\n"
LATE = "20250130T153010"
DUE = "2025-01-30 12:00:00 UTC"


class Term:
    """A course, a student's own folder, and the exchange between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = make_course(folder / "course")
        self.desk = folder / "desk"
        self.exchange = folder / "exchange"
        self.desk.mkdir()
        self.exchange.mkdir(mode=0o777)
        self.exchange.chmod(0o777)
        settings = (ROOT / "nbgrader_config.py").read_text("utf-8")
        exchange = EXCHANGE.format(str(self.exchange))
        (self.root / "nbgrader_config.py").write_text(f"{settings}\n{exchange}", encoding="utf-8")
        (self.desk / "nbgrader_config.py").write_text(STUDENT + exchange)
        self.said: dict[str, str] = {}

    def give(self, *arguments: str, at: Path | None = None) -> str:
        """Give an nbgrader command and return what it said; it must succeed."""
        private = {f"JUPYTER_{kind}_DIR": str(self.folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
        code, text = give(*arguments, cwd=at or self.root, **private)
        assert code == 0, text[-4000:]
        assert "Traceback" not in text
        self.said[arguments[0]] = text
        return text

    def gradebook(self) -> Gradebook:
        """The gradebook, to be used as a context manager."""
        return Gradebook(f"sqlite:///{self.root}/gradebook.db", "nn101")


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Term:
    """A term: released, fetched, answered, submitted, collected (also from a learning platform's zip), graded."""
    term = Term(tmp_path_factory.mktemp("term"))
    term.give("generate_assignment", "mini")
    term.give("release_assignment", "mini")
    term.give("fetch_assignment", "mini", at=term.desk)
    notebook = term.desk / "mini" / "mini.ipynb"
    nb = json.loads(notebook.read_text("utf-8"))
    for cell in nb["cells"]:
        answers = {"double-answer": "def double(x):\n    return 2 * x", "number-answer": "answer = 41"}
        cell["source"] = answers.get(cell["id"], cell["source"])
    notebook.write_text(json.dumps(nb), encoding="utf-8")
    term.give("submit", "mini", at=term.desk)
    term.give("list", "--inbound")
    term.give("collect", "mini")
    archive = term.root / "downloaded" / "mini" / "archive"
    archive.mkdir(parents=True)
    late = hand_in(term.folder / "platform", "zoe")
    shutil.copy(late, archive / f"mini_zoe_attempt_{LATE}_mini.ipynb")
    term.give("zip_collect", "mini")
    with term.gradebook() as gradebook:
        gradebook.update_or_create_assignment("mini", duedate=DUE)
    submitter = next(path.name for path in (term.root / "submitted").iterdir() if path.name != "zoe")
    (term.root / "submitted" / submitter / "mini" / "timestamp.txt").write_text("2025-01-30 11:00:00 UTC")
    (term.root / "submitted" / submitter).rename(term.root / "submitted" / "ada")
    term.give("autograde", "mini")
    return term


@pytest.fixture
def root(term: Term, tmp_path: Path) -> Path:
    """A copy of the course after grading."""
    return shutil.copytree(term.root, tmp_path / "course")


@pytest.mark.slow
def test_a_release_reaches_the_student(term: Term) -> None:
    """What is fetched is the release: stubs, no solution, no hidden test."""
    released = (term.root / "release" / "mini" / "mini.ipynb").read_text("utf-8")
    assert "Your turn: replace this line with your answer." in released
    assert "return 2 * x" not in released
    outbound = term.exchange / "nn101" / "outbound" / "mini" / "mini.ipynb"
    assert outbound.read_text("utf-8") == released


def test_submissions_are_listed_and_collected(term: Term) -> None:
    """The exchange shows what was submitted; collect and zip_collect put it where grading looks."""
    assert "nn101" in term.said["list"]
    assert "mini" in term.said["list"]
    assert "Collecting submission" in term.said["collect"]
    assert (term.root / "submitted" / "zoe" / "mini" / "mini.ipynb").exists()
    assert "2025-01-30 15:30:10" in (term.root / "submitted" / "zoe" / "mini" / "timestamp.txt").read_text()


def test_autograde_goes_through_the_sealed_engine(term: Term) -> None:
    """Hidden tests decide: marks that the visible checks alone would never give or take."""
    assert grades(term.root, "mini") == {
        "ada": {"double": (4.0, None, False), "number": (0.0, None, False), "plain": (0.0, None, False)},
        "zoe": {"double": (4.0, None, False), "number": (2.0, None, False), "plain": (1.0, None, False)},
    }
    assert "Look again: it is not 42." in (term.root / "autograded" / "ada" / "mini" / "mini.ipynb").read_text("utf-8")


def penalties(root: Path) -> dict[str, float | None]:
    """What each student lost for being late."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", "nn101") as gradebook:
        found = gradebook.assignment_submissions("mini")
        return {one.student.id: one.notebooks[0].late_submission_penalty for one in found}


def test_a_late_submission_loses_the_same_in_both_faces(root: Path) -> None:
    """The configured penalty is taken by nbgrader's command and by the parallel way, and only from who was late."""
    by_command = penalties(root)
    assert by_command["zoe"] == 7.0
    assert not by_command["ada"]
    with Gradebook(f"sqlite:///{root}/gradebook.db", "nn101") as gradebook:
        for student in ("ada", "zoe"):
            gradebook.remove_submission("mini", student)
    grade_class(Course(root), "mini", ClassOptions(jobs=1))
    assert penalties(root) == by_command


def by_parallel_way(root: Path) -> None:
    """Grade everything again, in parallel."""
    assert grade_class(Course(root), "mini", ClassOptions(jobs=1, force=True)).troubles == []


def by_command(root: Path) -> None:
    """Grade everything again with nbgrader's command."""
    code, said = give("autograde", "mini", "--force", cwd=root)
    assert code == 0, said


def by_button(root: Path) -> None:
    """Grade one submission again as the formgrader's button does."""
    course = Course(root)
    result = NbGraderAPI(course.coursedir, config=course.config).autograde("mini", "ada")
    assert result["success"], result


@pytest.mark.parametrize("regrade", [by_parallel_way, by_command, by_button])
def test_a_persons_mark_survives_every_regrade(root: Path, regrade: Callable[[Path], None]) -> None:
    """A manual score stays, whichever face grades again, and asks for another look."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", "nn101") as gradebook:
        grade = gradebook.find_grade("number", "mini", "mini", "ada")
        grade.manual_score = 1.5
        gradebook.db.commit()
    regrade(root)
    assert grades(root, "mini")["ada"]["number"] == (0.0, 1.5, True)
    assert grades(root, "mini")["ada"]["double"] == (4.0, None, False)


def test_the_button_sees_a_newer_submission(root: Path) -> None:
    """What was handed in again is graded anew when the button is pressed, and success is reported."""
    path = root / "submitted" / "ada" / "mini"
    shutil.copy(root / "submitted" / "zoe" / "mini" / "mini.ipynb", path / "mini.ipynb")
    (path / "timestamp.txt").write_text("2025-01-30 11:30:00 UTC")
    by_button(root)
    assert grades(root, "mini")["ada"]["number"] == (2.0, None, False)


def test_feedback_reaches_the_student(term: Term) -> None:
    """generate_feedback and release_feedback pass our lines on."""
    term.give("generate_feedback", "mini")
    page = (term.root / "feedback" / "ada" / "mini" / "mini.html").read_text("utf-8")
    assert "It doubles an array." in page
    assert "Look again: it is not 42." in page
    assert "student.call" not in page
    # nbgrader hands feedback out through the exchange only where the submission came in through it
    term.give("release_feedback", "mini", "--student", "ada")
    pages = [Path(folder, name) for folder, _, names in os.walk(term.exchange / "nn101") for name in names]
    assert sum("Look again" in path.read_text("utf-8") for path in pages if path.suffix == ".html") == 1
    late = (term.root / "feedback" / "zoe" / "mini" / "mini.html").read_text("utf-8")
    assert "Handed in late (3 h 30 min)" in late
    assert "−7" in late


def test_the_button_makes_the_same_page(term: Term) -> None:
    """The formgrader's button for feedback makes our page, too."""
    page = term.root / "feedback" / "ada" / "mini" / "mini.html"
    before = page.read_text("utf-8")
    page.unlink()
    course = Course(term.root)
    result = NbGraderAPI(course.coursedir, config=course.config).generate_feedback("mini", "ada")
    assert result["success"], result
    assert page.read_text("utf-8") == before


def test_pages_of_nbseal_are_released_by_nbgrader(root: Path, term: Term) -> None:
    """release_feedback hands out what nbseal feedback made."""
    shutil.rmtree(root / "feedback", ignore_errors=True)
    assert [page.problem for page in make_class_pages(Course(root), "mini").pages] == ["", ""]
    outbound = term.exchange / "nn101" / "feedback"
    before = set(outbound.glob("*.html"))
    for path in before:
        path.unlink()
    term.give("release_feedback", "mini", "--student", "ada", at=root)
    (released,) = outbound.glob("*.html")
    assert released.read_bytes() == (root / "feedback" / "ada" / "mini" / "mini.html").read_bytes()


def test_the_report_knows_what_nbgrader_knows(term: Term) -> None:
    """Marks, lateness and penalties in our report are those of nbgrader's gradebook."""
    summary = collect(Course(term.root), "mini")
    found = {one.student: one for one in summary.students}
    assert {name: one.score for name, one in found.items()} == {"ada": 4.0, "zoe": 0.0}
    assert (found["zoe"].penalty, found["zoe"].seconds_late) == (7.0, 12_610.0)
    assert found["ada"].seconds_late == 0


def test_marks_can_be_exported(term: Term) -> None:
    """nbgrader export has each student's marks, with the penalty taken off."""
    term.give("export", "--to", "grades.csv")
    with (term.root / "grades.csv").open(encoding="utf-8") as file:
        found = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {name: float(row["score"]) for name, row in found.items()} == {"ada": 4.0, "zoe": 0.0}
    assert {float(row["max_score"]) for row in found.values()} == {7.0}
    assert float(found["zoe"]["late_submission_penalty"]) == 7.0
