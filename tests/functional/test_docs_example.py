"""The worked example in docs/instructors.md does what the page says."""

import json
import shutil
from pathlib import Path

import pytest

from nbseal.build import build
from nbseal.course import Course
from nbseal.grading import Grader
from nbseal.notebook import make_template
from nbseal.results import Outcome, Scorecard, Status
from tests.samples import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "instructors.md").read_text(encoding="utf-8")
BRACKETS = "def to_celsius(f):\n    return f - 32 * 5 / 9"
NO_REFUSAL = "def to_celsius(f):\n    return (f - 32) * 5 / 9"
OTHER_WAY = """
def to_celsius(values):
    kelvin = np.add(values, 459.67) / 1.8
    if np.min(kelvin) < 0:
        raise ValueError("too cold")
    return kelvin - 273.15
"""
ONE_BY_ONE = """
def to_celsius(f):
    if f < -459.67:
        raise ValueError
    return (f - 32) / 1.8
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The example course, built."""
    root = tmp_path_factory.mktemp("docs") / "course"
    shutil.copytree(DOCS / "examples", root, ignore=shutil.ignore_patterns("__pycache__", ".nbseal"))
    course = Course(root)
    build(course)
    return course


@pytest.fixture(scope="module")
def grade(course: Course):
    """Grade the solution with some cells replaced; with ``released``, the notebook that students get."""
    with Grader(course, "temperature") as grader:

        def submit(released: bool = False, **answers: str) -> Scorecard:
            path = course.folder("source", assignment="temperature") / "temperature.ipynb"
            notebook = make_template(path, course.config) if released else json.loads(path.read_text("utf-8"))
            for cell in notebook["cells"]:
                cell["source"] = answers.get(cell["id"].removesuffix("-answer"), cell["source"])
            folder = course.root / "anybody"
            folder.mkdir(exist_ok=True)
            (folder / "temperature.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
            return grader.grade("anybody", folder).scorecard

        yield submit


def messages(card: Scorecard, question: str) -> str:
    """What a student reads about the tests that failed."""
    return " ".join(test.message for test in card.question(question).tests if test.outcome is Outcome.FAILED)


def test_the_page_shows_the_grader_as_it_is():
    """The listing on the page is the file that this module runs."""
    grader = (DOCS / "examples" / "graders" / "test_temperature.py").read_text(encoding="utf-8")
    assert f"```python\n{grader}```" in PAGE
    settings = (DOCS / "examples" / "nbgrader_config.py").read_text(encoding="utf-8")
    assert settings.split("\n\n", 1)[1].strip() in PAGE


def test_the_page_names_every_method_of_the_student_fixture():
    """The list of methods is complete."""
    from nbseal.hidden_tests.student import Student

    public = [name for name in vars(Student) if not name.startswith("_")]
    assert [name for name in public if f"`student.{name}" not in PAGE] == []


@pytest.mark.parametrize("answers", [{}, {"convert": OTHER_WAY}, {"same": "same_on_both = np.array(-40.0)"}])
def test_right_answers_get_full_marks(grade, answers):
    """The solution and other right answers get every point that a machine gives; the text waits for a person."""
    card = grade(**answers)
    assert (card.question("convert").score, card.question("same").score) == (4, 1), card.to_json()
    assert (card.question("why").score, card.question("why").status) == (None, Status.MANUAL)


@pytest.mark.parametrize(
    ("question", "answer", "score", "words"),
    [
        ("convert", BRACKETS, 0, "brackets"),
        ("convert", NO_REFUSAL, 3, "should raise ValueError"),
        ("convert", ONE_BY_ONE, 3, "ambiguous"),
        ("convert", "def to_celsius(f):\n    pass", 0, "None"),
        ("same", "same_on_both = 40", 0, "40 °F is 4.4 °C"),
        ("same", "same_on_both = 'cold'", 0, "should be one number"),
    ],
)
def test_wrong_answers_lose_their_share_and_hear_why(grade, question, answer, score, words):
    """Each mistake costs the weight of the tests that it fails, and the message names it."""
    card = grade(**{question: answer})
    assert card.question(question).score == score
    assert words in messages(card, question)


def test_the_untouched_release_gets_nothing(grade):
    """Whoever hands in what was released gets no marks, and no problem is reported."""
    card = grade(released=True)
    assert (card.score, card.problems) == (0, ())
    assert "not written yet" in messages(card, "convert")
    assert {question.status for question in card.questions} == {Status.GRADED}
    assert "Nothing was written here" in messages(card, "why")  # nobody needs to read that


def test_the_release_holds_no_answers(course: Course):
    """Solutions and the marking scheme stay with the instructor."""
    text = Path(course.folder("release", assignment="temperature"), "temperature.ipynb").read_text("utf-8")
    assert "below absolute zero" not in text
    assert "Marking scheme" not in text
    assert "same_on_both = -40" not in text
