"""What students' functions return, and what they are given, by way of a sealed process."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbseal.course import Course
from nbseal.grading import Grader
from nbseal.results import QuestionResult, Scorecard
from tests.mini import hand_in, make_course

GRADER = '''
import pytest


class Model:
    """An estimator that takes notes."""

    def __init__(self, student):
        self._student, self._rows = student, None

    def fit(self, X, y=None):
        """Learn."""
        self._rows = len(X)
        return self._student.remote(self)

    def predict(self, X):
        """Answer with the number of rows that were learned from."""
        return [self._rows] * len(X)

    def __sklearn_tags__(self):
        return {"estimator_type": "classifier"}

    def __sklearn_is_fitted__(self):
        return self._rows is not None

    def __sklearn_clone__(self):
        return self._student.remote(Model(self._student))


@pytest.mark.question("double")
def test_plain(student):
    """What comes back is a pair of a list and a number."""
    got = student.call("double", [1, 2])
    assert got == ([1, 2], 0.5), f"got {got!r}"
    assert (type(got), type(got[0]), type(got[1])) == (tuple, list, float)


@pytest.mark.question("number")
def test_spoils_nothing(student):
    """The list stays as it was."""
    assert student.leaves_alone("half", [4, 2], {"a": 1}) == 2


@pytest.mark.question("plain")
def test_returns_the_model(student):
    """The model that was trained comes back."""
    model = Model(student)
    got = student.call("keep", student.remote(model))
    assert isinstance(got, Model), f"got {got!r}"
    assert (got is model, got._rows) == (EXPECTED, 3), "another model"
'''
PIPELINE = """
def keep(model):
    from sklearn.base import clone, is_classifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    pipe = clone(make_pipeline(StandardScaler(), model)).fit([[1.0], [2.0], [3.0]], [0, 1, 1])
    assert pipe.predict([[1.0]]) == [3] and is_classifier(model)
    return pipe[-1]
"""


def graded(folder: Path, grader: str = GRADER, **answers: str) -> dict[str, QuestionResult]:
    """Grade one submission with these answers."""
    root = make_course(folder / "course", grader.replace("EXPECTED", "True"))
    hand_in(root, "ann", **answers)
    with Grader(Course(root), "mini") as engine:
        card = engine.grade("ann", root / "submitted" / "ann" / "mini").scorecard
    return {question.grade_id: question for question in card.questions}


@pytest.mark.parametrize(
    "line",
    [
        "return __import__('collections').namedtuple('Both', 'a b')(numbers, fractions.Fraction(1, 2))",
        "return (range(1, 3), fractions.Fraction(1, 2))",
        "return dict.fromkeys(numbers).keys(), __import__('decimal').Decimal('0.5')",
    ],
)
def test_relatives_of_plain_data_are_plain_for_graders(tmp_path: Path, line: str) -> None:
    """A hidden test sees a tuple, a list and a float, whatever their relatives were that a function returned."""
    answer = f"import fractions\ndef double(numbers):\n    {line}"
    assert graded(tmp_path, double_answer=answer)["double"].score == 4


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return len(numbers)", ""),
        ("numbers.sort(); return 2", "`half` changed its argument 1"),
        ("more.clear(); return 2", "`half` changed its argument 2"),
    ],
)
def test_a_grader_can_demand_that_arguments_stay_as_they_were(tmp_path: Path, body: str, words: str) -> None:
    """leaves_alone passes for a function that spoils nothing, and names the argument that another one has changed."""
    found = graded(tmp_path, number_answer=f"answer = 1\ndef half(numbers, more):\n    {body}")["number"]
    assert (found.score == found.max_score) == (not words)
    assert words in found.tests[0].message


@pytest.mark.parametrize(
    ("body", "words"),
    [("model.fit(rows); return model", ""), ("model.fit(rows); rows.pop(); return model", "changed its argument 2")],
)
def test_arguments_may_lie_beside_an_object_of_the_grader(tmp_path: Path, body: str, words: str) -> None:
    """leaves_alone takes stand-ins, too: the other arguments are looked at, and the grader's object comes back."""
    grader = GRADER.replace("EXPECTED", "True").replace(
        'student.call("keep", student.remote(model))',
        'student.leaves_alone("keep", student.remote(model), [1, 2, 3])',
    )
    found = graded(tmp_path, grader, plain_answer=f"flag = 1\ndef keep(model, rows):\n    {body}")["plain"]
    assert (found.score == found.max_score) == (not words), found
    assert words in found.tests[0].message


def test_an_object_of_the_grader_comes_back_as_itself(tmp_path: Path) -> None:
    """A function that returns the stand-in that it was given returns the grader's object."""
    found = graded(tmp_path, plain_answer="flag = 1\ndef keep(model):\n    return model.fit([1, 2, 3])")["plain"]
    assert found.score == found.max_score, found


def test_scikit_learn_takes_a_stand_in_for_an_estimator(tmp_path: Path) -> None:
    """With tags and clone handed out, an object of the grader works in a pipeline, and the clone comes back."""
    grader = GRADER.replace("EXPECTED", "False")
    found = graded(tmp_path, grader, plain_answer=f"flag = 1{PIPELINE}")["plain"]
    assert found.score == found.max_score, found


def test_what_a_stand_in_lacks_is_named_for_the_student(tmp_path: Path) -> None:
    """Who asks a stand-in for what was not handed out reads so, and not the name of a class of ours."""
    found = graded(tmp_path, plain_answer="flag = 1\ndef keep(model):\n    return model.coef_")["plain"]
    assert "the stand-in that the check hands out has no attribute 'coef_'" in found.tests[0].message


def test_a_test_may_give_a_part_of_its_marks(tmp_path: Path) -> None:
    """A test that fails earns the share that it gave before, and one that passes earns all; the scorecard keeps it."""
    grader = """
import pytest


@pytest.mark.question("double", weight=3)
def test_part(student):
    \"\"\"A part.\"\"\"
    student.credit(0.25)
    assert student.number("answer") == 42, "nearly"


@pytest.mark.question("double")
def test_nothing(student):
    \"\"\"Nothing.\"\"\"
    assert student.number("answer") == 42, "no"
"""
    double = graded(tmp_path, grader, double_answer="answer = 41")["double"]
    assert double.score == pytest.approx(4 * 3 * 0.25 / 4)
    assert [test.credit for test in double.tests] == [0.25, 0.0]
    card = Scorecard("mini", "ann", "none", 0.0, (double,))
    assert Scorecard.from_dict(card.to_dict()).question("double").tests[0].credit == 0.25
    assert "credit" not in card.to_dict()["questions"][0]["tests"][1]


TRACING = """
import pytest


@pytest.mark.question("double")
def test_loops(student):
    \"\"\"It loops.\"\"\"
    few, many = (student.traced("double", list(range(n))) for n in (10, 1010))
    assert few.value == 20
    assert many.steps - few.steps < 500, "it loops"
    assert not any(name.startswith("statistics.") for name in many.calls), "somebody else counts"
"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("import numpy\ndouble = lambda x: 2 * numpy.asarray(x).size", ""),
        ("def double(x):\n    return sum(2 for _ in x)", "it loops"),
        ("def other(x):\n    return len([one for one in x])\nclass Double:\n    def __call__(self, x):\n"
         "        return 2 * other(x)\ndouble = Double()", "it loops"),
        ("from statistics import median as middle\ndef double(x):\n    middle([1])\n    return 2 * len(x)",
         "somebody else counts"),
    ],
)  # fmt: skip
def test_a_grader_can_watch_a_call(tmp_path: Path, answer: str, words: str) -> None:
    """A loop shows by its steps, wherever it stands and whatever it looks like, a library's function by its name."""
    found = graded(tmp_path, TRACING, double_answer=answer)["double"]
    assert (found.score == found.max_score) == (not words), found
    assert words in found.tests[0].message


LATER = '''
import pytest


@pytest.mark.question("double")
def test_doubles(student):
    """It doubles a number."""
    assert student.call("double", 4711.0, timeout=1.0) == 9422.0, "double(x) should be 2 * x."


@pytest.mark.question("number")
def test_number(student):
    """The number is 42, and the file is the student's."""
    kept = student.file("kept.txt") if student.value("answer") is not None else b""
    raise AssertionError(f"It is {student.value('answer')}, and the file says {kept.decode()}.")
'''
KEEPS = """
import mmap, numpy
shared = numpy.frombuffer(mmap.mmap(-1, 4096), dtype=float)[:1]
open("kept.txt", "w").write("nothing")
def double(x):
    shared[0] = x
    open("kept.txt", "w").write(str(x))
    return 2 * x
"""


def test_values_and_files_of_later_questions_are_fixed_before_the_first_call(tmp_path: Path) -> None:
    """What a call was told does not come back as a value or a file that another question looks up afterwards."""
    root = make_course(tmp_path / "course", LATER)
    hand_in(root, "eve", double_answer=KEEPS, number_answer="answer = shared")
    with Grader(Course(root), "mini") as grader:
        card = grader.grade("eve", root / "submitted" / "eve" / "mini").scorecard
    said = card.question("number").tests[0].message
    assert said == "It is [2.], and the file says 2."  # as the notebook's own check has left them
